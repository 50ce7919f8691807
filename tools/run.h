/* SPDX-License-Identifier: Apache-2.0
 *
 * A finished run, between the code that makes it (run.c) and the code that tells it (run_report.c).
 */
#ifndef LOCKSTEP_TOOLS_RUN_H
#define LOCKSTEP_TOOLS_RUN_H

#include "tools/classes.h"
#include "tools/device.h"
#include "tools/input.h"
#include "tools/tensor.h"

typedef struct run_options {
    common_options common;
    const char *labels, *output, *output_dir, *dump, *variant;
    const char *check_text;         /* NULL: not given */
    lks_session_options check;      /* only what --check sets */
    uint32_t top;                   /* 0: not given */
    int resizing;                   /* image_resizing */
    bool show;
    const char *model;
    char *const *inputs;
    uint32_t input_count;
} run_options;

typedef struct run {
    const run_options *options;
    lks_model *model;
    lks_model_info info;
    device device;
    lks_session *session;
    input_set inputs;
    labels labels;                  /* empty where none were given */
    lks_tensor_info *tensor;        /* of the inputs, then of the outputs, at the batch of the run */
    char (*digest)[HEX_SIZE];       /* of the same */
    lks_out *out;
    char trace[HEX_SIZE];           /* empty without --dump */
} run;

/* Does this output get a list of classes?  Then *images rows of so many classes; else 0. */
uint32_t run_classes(const run *r, uint32_t output, uint32_t *images);

/* Tell it on standard output. */
bool run_report_text(const run *r, lks_error *error);
bool run_report_json(const run *r, lks_error *error);

#endif
