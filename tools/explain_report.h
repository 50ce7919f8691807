/* SPDX-License-Identifier: Apache-2.0
 *
 * A finished explanation with what every device gave, between explain.c, which makes it, and explain_report.c, which tells it.
 */
#ifndef LOCKSTEP_TOOLS_EXPLAIN_REPORT_H
#define LOCKSTEP_TOOLS_EXPLAIN_REPORT_H

#include "tools/explain.h"
#include "tools/input.h"
#include "tools/trace.h"

typedef struct explain_options {
    common_options common;          /* backend is unused: see backends */
    option_list backends;
    uint32_t op, output;
    const char *at, *variant;
    bool all;
    const char *model;
    char *const *inputs;
    uint32_t input_count;
} explain_options;

/* What a device gave for the element. */
typedef struct explain_answer {
    device device;
    bool ran;
    int64_t value;
    const trace_entry *earlier;     /* an op before this one whose output differs from cpu_ref's already; NULL: none */
    char failure[sizeof ((lks_error *)0)->text];
} explain_answer;

typedef struct explaining {
    const explain_options *options;
    lks_model *model;
    lks_model_info info;
    lks_op_info op;
    uint32_t batch;
    trace_job job;
    uint8_t *inputs, *values, *other;   /* inputs of the run; op outputs of cpu_ref, and of another device */
    explanation e;
    explain_answer *answer;         /* cpu_ref first */
    size_t count;
} explaining;

/* Does the device give what was worked out? */
bool explain_agrees(const explaining *x, const explain_answer *a);

void explain_print_text(const explaining *x);
bool explain_print_json(const explaining *x, bool ok, lks_error *error);

#endif
