/* SPDX-License-Identifier: Apache-2.0
 *
 * A verification, between the code that asks for it (verify.c), compares (verify_check.c), reads and writes files of results
 * (verify_files.c), and tells the outcome (verify_report.c, verify_junit.c).
 */
#ifndef LOCKSTEP_TOOLS_VERIFY_H
#define LOCKSTEP_TOOLS_VERIFY_H

#include "tools/capsule.h"
#include "tools/cases.h"
#include "tools/device.h"
#include "tools/golden.h"
#include "tools/reduce.h"
#include "tools/trace.h"

typedef struct verify_options {
    common_options common;          /* backend is unused: see backends */
    option_list backends, folders;
    uint64_t seed;
    uint32_t cases;                 /* UINT32_MAX: not given */
    const char *variant, *save_outputs, *load_outputs, *expect, *save_expect, *junit, *reduce, *capsule;
    const char *model;
    char *const *inputs;
    uint32_t input_count;
} verify_options;

/* What is compared, per device and case. */
typedef enum verify_check {
    CHECK_REFERENCE,    /* every op output with that of cpu_ref */
    CHECK_REPEAT,       /* every op output with that of a second run */
    CHECK_OUTPUTS,      /* what runs return, with and without kept intermediates, with the op outputs of the first run */
    CHECK_BATCH,        /* the outputs of several cases run as one batch with those of single runs */
    CHECK_SAVED,        /* every op output with that in a file of outputs */
    CHECK_EXPECT,       /* digests with those of a golden file */
    CHECKS
} verify_check;

typedef struct divergence {
    verify_check check;
    const test_case *item;
    const trace_entry *entry;           /* NULL: all op outputs together */
    lks_mismatch mismatch;
    char expected[HEX_SIZE], got[HEX_SIZE];     /* CHECK_EXPECT only, instead of mismatch */
} divergence;

/* One case on one device. */
typedef struct case_verdict {
    uint64_t comparisons, divergences;
    divergence first;                   /* where divergences > 0 */
    double seconds;                     /* of its own runs, the reference's not included */
} case_verdict;

/* One device and what was found on it. */
typedef struct verdict {
    device device;
    bool is_reference;
    lks_session *kept, *plain;          /* with and without kept intermediates */
    uint8_t *outputs;                   /* of all cases, from single runs; [case][output] */
    case_verdict *by_case;
    uint64_t comparisons[CHECKS], bytes;
    uint64_t divergences;
    divergence first;                   /* where divergences > 0 */
    divergence fault;                   /* the first of the device's own: CHECK_REFERENCE to CHECK_BATCH; item NULL: none */
    char failure[sizeof ((lks_error *)0)->text];    /* the device failed, or is not usable: why; else empty */
    bool has_variant;
} verdict;

typedef struct verification {
    const verify_options *options;
    lks_model *model;
    lks_model_info info;
    size_t file_bytes;                  /* of the file that the options name */
    char file_sha256[HEX_SIZE], sha256[HEX_SIZE];   /* of that file; of the model */
    case_list cases;
    golden golden;                      /* --expect; count 0: none */
    recording saved;                    /* --load-outputs; count 0: none */
    const golden_case **skipped;        /* cases of golden that need a file that was not given */
    size_t skipped_count;
    trace trace;                        /* of one case */
    const trace_entry **output;         /* the entry of each model output */
    size_t output_bytes;                /* of all outputs of one case */
    uint32_t group;                     /* cases in one batch; below 2: batches are not compared */
    verdict *verdict;
    size_t count;
    const verdict *recorded;            /* whose op outputs --save-outputs writes */
    uint8_t *record;                    /* the traces of all cases; NULL: not asked for */
    golden_digests *digests;            /* of all cases, from cpu_ref; NULL: not asked for */
    uint8_t *expected, *first, *second; /* traces: of cpu_ref, of the first and of the second run */
    lks_out *out;                       /* of one run, up to group cases */
    lks_in *in;
    reduction reduction;                /* what was written as a capsule; path NULL: nothing */
} verification;

/* ---- verify_check.c ------------------------------------------------------------------------------------------------------ */

/* Run and compare everything.  The caller has filled in options, model, info, cases, verdict[].device, and count; what is found
 * goes into verdict[].  false: the verification itself could not be made. */
bool verify_run(verification *v, lks_error *error);

/* Give back what verify_run allocated. */
void verify_free(verification *v);

/* The cases that a batch with case item is made of: the first, and how many. */
uint32_t verify_batch(const verification *v, const test_case *item, size_t *start);

/* ---- verify_files.c ------------------------------------------------------------------------------------------------------ */

/* Make the cases of --load-outputs or --expect. */
bool verify_load_outputs(verification *v, lks_error *error);
bool verify_load_expect(verification *v, lks_error *error);

/* Before the cases are run: can --save-expect name them all? */
bool verify_can_save_expect(const verification *v, const input_set *given, lks_error *error);

/* After verify_run. */
bool verify_save_outputs(const verification *v, lks_error *error);
bool verify_save_expect(const verification *v, lks_error *error);
bool verify_save_capsule(verification *v, lks_error *error);
void verify_close_files(verification *v);

/* ---- verify_report.c ----------------------------------------------------------------------------------------------------- */

#define VERIFY_LINE 1600

/* A device that nobody asked for by name may be unusable; any other must have been compared, and be equal. */
bool verify_verdict_ok(const verification *v, const verdict *d);

/* "cuda 0 differs from cpu_ref: case random_3, op 7 conv ...", one line. */
void verify_describe(const verification *v, const verdict *d, const divergence *what, char line[VERIFY_LINE]);

/* The command that shows it again; the caller's to free.  NULL: out of memory. */
char *verify_replay_line(const verification *v, const verdict *d, const divergence *what);

void verify_print_text(const verification *v);
bool verify_print_json(const verification *v, bool ok, lks_error *error);

/* ---- verify_junit.c ------------------------------------------------------------------------------------------------------ */

/* A JUnit report: one suite per device, one test per case. */
bool verify_write_junit(const verification *v, lks_error *error);

/* ---- verify_capsule.c ---------------------------------------------------------------------------------------------------- */

/* Replay a capsule: its bytes, which are taken over. */
bool verify_capsule(const verify_options *o, uint8_t *bytes, size_t size, lks_error *error);

/* ---- verify.c ------------------------------------------------------------------------------------------------------------ */

/* The devices that the options choose, in the order of the registry; from malloc. */
bool verify_devices(const verify_options *o, device_list *chosen, lks_error *error);

#endif
