/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep selftest`, between the code that asks for it (selftest.c), runs it (selftest_run.c), compares (selftest_check.c) and
 * tells the outcome (selftest_report.c, selftest_certificate.c, selftest_pack.c).
 */
#ifndef LOCKSTEP_TOOLS_SELFTEST_H
#define LOCKSTEP_TOOLS_SELFTEST_H

#include "tools/cases_make.h"
#include "tools/device.h"
#include "tools/trace.h"

#define KINDS_MAX 64
#define VARIANTS_MAX 64
#define FAILURES_SHOWN 3        /* of one row */
#define NO_CASE UINT64_MAX
#define AUTO "auto"             /* what the device chooses when no variant is forced */

/* ---- one case (selftest_check.c) ----------------------------------------------------------------------------------------- */

/* A case, and what the reference makes of it. */
typedef struct trial {
    const made_case *made;
    lks_model_info info;
    trace trace;                /* at the batch of the case */
    uint32_t families;          /* bit K: the case runs a kernel of family K (lks_kernel) */
    uint8_t *expected;          /* the trace of the reference */
    uint8_t *got, *again;       /* those of two runs on the device */
    const trace_entry **output; /* the entry of each model output */
    lks_in *in;
    lks_out *out;
    uint8_t *returned;          /* memory of out */
} trial;

/* Run the reference.  false: *error says why there is nothing to compare with. */
bool trial_open(const made_case *made, trial *t, lks_error *error);
void trial_close(trial *t);

typedef enum outcome {
    OUTCOME_PASSED,
    OUTCOME_FAILED,             /* the finding says what */
    OUTCOME_UNSUPPORTED,        /* the variant does not do this case */
    OUTCOME_DEVICE_LOST         /* as failed, and the device is of no further use */
} outcome;

#define FINDING_SIZE 640

typedef struct finding {
    const char *check;          /* "reference", "repeat", "guard", "keep", "batch"; "open", "run" */
    uint32_t op;                /* of the model */
    char text[FINDING_SIZE];
} finding;

/* Hold a device against the reference.  variant: NULL for its own choice.  t->got then has its trace, unless a run failed. */
outcome trial_check(trial *t, const device *d, const char *variant, uint64_t poison, finding *found);

/* An op of a model on one line: kind, shapes, arguments that are not 0. */
void describe_op(const lks_model *model, uint32_t op, char *text, size_t size);

/* ---- the whole ----------------------------------------------------------------------------------------------------------- */

typedef struct failure {
    uint64_t k;
    finding found;
    char what[FINDING_SIZE];    /* the op, on one line */
} failure;

/* One variant of one device on the cases of one kind. */
typedef struct row {
    uint64_t passed, failed, unsupported;
    failure *shown;             /* FAILURES_SHOWN of them, from the first failure on */
} row;

typedef struct target {
    device device;
    uint32_t variants;
    char *variant[VARIANTS_MAX];            /* the first is NULL: the device's own choice */
    uint32_t families[VARIANTS_MAX];        /* bit K: kernel family K has that variant */
    row row[VARIANTS_MAX][KINDS_MAX];
    uint8_t chain[KINDS_MAX][LKS_DIGEST_SIZE];      /* over the output bytes of the device's own choice */
    char lost[sizeof ((lks_error *)0)->text];       /* why it is no further use; else empty */
} target;

typedef struct buffer {
    uint8_t *data;
    size_t bytes, room;
} buffer;

typedef struct selftest {
    const char *program;        /* what a replay starts */
    uint64_t seed, cases, only; /* only: the one case to run, or NO_CASE */
    uint64_t seconds;           /* 0: no limit */
    const char *variant;        /* the one to run; NULL: all */
    bool quiet;                 /* failures are not printed when they are found */
    bool certify;               /* keep the chains */
    buffer *pack;               /* NULL, or where to write the cases with the reference's answers */
    uint32_t kinds, kind[KINDS_MAX];
    target *target;
    size_t targets;
    uint64_t ran, ran_of[KINDS_MAX];        /* cases */
    uint8_t list[LKS_DIGEST_SIZE];          /* chain over models, batches and inputs */
} selftest;

/* Find the variants of every usable target. */
bool selftest_prepare(selftest *s, lks_error *error);

/* Run all cases.  What is found goes into the rows.  false: the reference failed, or memory ran out. */
bool selftest_run(selftest *s, lks_error *error);
void selftest_free(selftest *s);

/* ---- verdicts (selftest_report.c) ---------------------------------------------------------------------------------------- */

/* Nothing differed; each op passed with some variant (where one is forced: some op did). */
bool target_passed(const selftest *s, const target *t);

const char *row_word(const row *r);

/* Does the row belong into the report?  A variant has none for ops that use no kernel family which has it. */
bool row_counts(const target *t, uint32_t variant, uint32_t kind);

void report_failure(const selftest *s, const target *t, uint32_t variant, uint32_t kind, const failure *f);
void report_text(const selftest *s);
bool report_json(const selftest *s, bool ok, lks_error *error);

/* ---- files --------------------------------------------------------------------------------------------------------------- */

/* Write the certificate of target 0. */
bool certificate_write(const selftest *s, const char *path, lks_error *error);

/* Append a record of tests/golden/README.md. */
bool pack_append(buffer *pack, const trial *t, const char *name, lks_error *error);

#endif
