/* SPDX-License-Identifier: Apache-2.0
 *
 * A verification, between the code that compares (verify_check.c) and the code that asks for it and tells the outcome (verify.c).
 */
#ifndef LOCKSTEP_TOOLS_VERIFY_H
#define LOCKSTEP_TOOLS_VERIFY_H

#include "tools/cases.h"
#include "tools/device.h"
#include "tools/trace.h"

/* What is compared, per device and case. */
typedef enum verify_check {
    CHECK_REFERENCE,    /* every op output with that of cpu_ref */
    CHECK_REPEAT,       /* every op output with that of a second run */
    CHECK_OUTPUTS,      /* what runs return, with and without kept intermediates, with the op outputs of the first run */
    CHECK_BATCH,        /* the outputs of several cases run as one batch with those of single runs */
    CHECKS
} verify_check;

typedef struct divergence {
    verify_check check;
    const test_case *item;
    const trace_entry *entry;
    lks_mismatch mismatch;
} divergence;

/* One device and what was found on it. */
typedef struct verdict {
    device device;
    bool is_reference;
    lks_session *kept, *plain;          /* with and without kept intermediates */
    uint8_t *outputs;                   /* of all cases, from single runs; [case][output] */
    uint64_t comparisons[CHECKS], bytes;
    uint64_t divergences;
    divergence first;                   /* where divergences > 0 */
    char failure[sizeof ((lks_error *)0)->text];    /* the device failed, or is not usable: why; else empty */
} verdict;

typedef struct verification {
    lks_model *model;
    lks_model_info info;
    const char *path;                   /* of the model */
    lks_limits limits;
    case_list cases;
    trace trace;                        /* of one case */
    const trace_entry **output;         /* the entry of each model output */
    size_t output_bytes;                /* of all outputs of one case */
    uint32_t group;                     /* cases in one batch; below 2: batches are not compared */
    verdict *verdict;
    size_t count;
    uint8_t *expected, *first, *second; /* traces: of cpu_ref, of the first and of the second run */
    lks_out *out;                       /* of one run, up to group cases */
    lks_in *in;
} verification;

/* Run and compare everything.  The caller has filled in model, info, path, limits, cases, verdict[].device, and count; what is
 * found goes into verdict[].  false: the verification itself could not be made. */
bool verify_run(verification *v, lks_error *error);

/* Give back what verify_run allocated. */
void verify_free(verification *v);

#endif
