/* SPDX-License-Identifier: Apache-2.0
 *
 * A benchmark between the code that measures (measure.c), tells (report.c) and compares (compare.c, ab.c).
 */
#ifndef LOCKSTEP_TOOLS_BENCH_BENCH_H
#define LOCKSTEP_TOOLS_BENCH_BENCH_H

#include "tools/bench/peak.h"
#include "tools/bench/stats.h"
#include "tools/device.h"
#include "tools/tensor.h"

#define BENCH_LIST_MAX 16
#define BENCH_WARNINGS 6

/* MLPerf's names. */
typedef enum scenario { SINGLE_STREAM, OFFLINE, PEAK_ONLY } scenario;
typedef enum bench_format { FORMAT_MD, FORMAT_CSV, FORMAT_JSON, FORMAT_JSONL } bench_format;

typedef struct number_list {
    uint32_t item[BENCH_LIST_MAX];
    size_t count;
} number_list;

typedef struct bench_options {
    lks_limits limits;
    option_list models;             /* files, and names of built-in models */
    option_list backends;           /* empty: the first usable one */
    const char *device;
    device_ways ways;
    number_list batches, threads;   /* 0: the model's own; the backend's choice */
    bool scenarios[2];
    uint32_t inflight, rounds, warmup_ms, duration_ms;      /* inflight 0: the default of the scenario */
    uint64_t seed;
    const char *variant, *save, *against, *ab;
    double threshold;               /* in percent; below 0: none */
    int format;                     /* bench_format */
    bool peak;
} bench_options;

/* What is measured, as a number; NAN: not known.  The names are those of the formats (report.c). */
typedef enum figure {
    IMAGES_PER_S, IMAGES_PER_S_LOW, IMAGES_PER_S_HIGH, GMAC_PER_S, PERCENT_OF_PEAK, PERCENT_OF_PEAK_LOW, PERCENT_OF_PEAK_HIGH,
    PEAK_GMAC_PER_S, COPY_GB_PER_S, CLOCK_GHZ, MACS_PER_CLOCK_PER_CORE,
    MEDIAN_MS, MEDIAN_LOW_MS, MEDIAN_HIGH_MS, MEAN_MS, STDDEV_MS, MIN_MS, MAX_MS, P90_MS, P95_MS, P99_MS,
    H2D_MS, COMPUTE_MS, D2H_MS, MODEL_LOAD_MS, DEVICE_OPEN_MS, SESSION_OPEN_MS, FIRST_RUN_MS, PEAK_MEMORY_BYTES, GMAC_PER_IMAGE,
    RUNS, ROUNDS, TIMED_S,
    SPEEDUP, SPEEDUP_LOW, SPEEDUP_HIGH,     /* over --against */
    FIGURES
} figure;

typedef enum row_status { ROW_OK, ROW_NOT_SUPPORTED, ROW_FAILED } row_status;

typedef struct bench_row {
    const char *model;              /* "" where only the peak was measured */
    char sha256[HEX_SIZE];
    device device;
    uint32_t batch, threads, inflight;
    scenario scenario;
    row_status status;
    char reason[256];               /* where it is not ROW_OK */
    const char *unit;               /* of the peak */
    char *outputs;                  /* SHA-256 of each output, with ';' between; from malloc */
    double figure[FIGURES];
    const char *warning[BENCH_WARNINGS];
    size_t warnings;
    const char *verdict;            /* over --against; NULL: not compared */
} bench_row;

typedef struct bench {
    const bench_options *options;
    bench_row *row;                 /* from malloc */
    size_t count;
    uint64_t bare_bytes;            /* of the program before it does anything; 0: not known */
    bool failed;                    /* a check did: told by reason of a row, or by what compare.c printed */
} bench;

/* ---- measure.c ----------------------------------------------------------------------------------------------------------- */

/* One model on one open device. */
typedef struct bench_job {
    const bench *b;
    lks_model *model;
    lks_context *context;
    double device_open_ms, model_load_ms;
} bench_job;

/* Measure, and fill in the row; its status says what went wrong. */
void bench_measure(const bench_job *job, bench_row *row);

/* The same for the device alone.  false: the peak could not be measured. */
bool bench_measure_peak(const bench_job *job, bench_row *row, lks_error *error);

/* Fill in reason and status. */
void bench_refuse(bench_row *row, row_status status, const char *reason);

/* ---- report.c ------------------------------------------------------------------------------------------------------------ */

extern const char *const figure_names[FIGURES];
extern const char *const scenario_names[];

bool bench_report(const bench *b, lks_error *error);

/* The whole document as text of JSON, from malloc; NULL: out of memory. */
char *bench_document(const bench *b);

/* ---- compare.c ----------------------------------------------------------------------------------------------------------- */

/* Rows of one model and batch must have one digest. */
void bench_compare_rows(bench *b);

/* Read --against, and fill in speedups and verdicts. */
bool bench_compare_base(bench *b, lks_error *error);

/* "faster", "slower" or "no difference seen". */
const char *bench_verdict(double low, double high);

/* ---- ab.c ---------------------------------------------------------------------------------------------------------------- */

bool bench_ab(const bench_options *o, lks_error *error);

#endif
