/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep bench`: telling the rows.  All formats but md have the same fields, in the same order, from one table.
 */
#include "tools/bench/bench.h"
#include "tools/bench/machine.h"
#include "tools/json.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const figure_names[FIGURES] = {
    "images_per_s", "images_per_s_low", "images_per_s_high", "gmac_per_s", "percent_of_peak", "percent_of_peak_low",
    "percent_of_peak_high", "peak_gmac_per_s", "copy_gb_per_s", "clock_ghz", "macs_per_clock_per_core", "median_ms",
    "median_low_ms", "median_high_ms", "mean_ms", "stddev_ms", "min_ms", "max_ms", "p90_ms", "p95_ms", "p99_ms", "h2d_ms", "compute_ms",
    "d2h_ms", "model_load_ms", "device_open_ms", "session_open_ms", "first_run_ms", "peak_memory_bytes", "gmac_per_image", "runs", "rounds",
    "timed_s", "speedup", "speedup_low", "speedup_high"
};
const char *const scenario_names[] = { "SingleStream", "Offline", "Peak" };

static const char *const status_names[] = { "OK", "NOT SUPPORTED", "FAILED" };

/* ---- one row as JSON ----------------------------------------------------------------------------------------------------- */

static void put_figures(json *j, const bench_row *r)
{
    for (int i = 0; i < FIGURES; i++)
        if (!isfinite(r->figure[i]))
            json_text(j, figure_names[i], NULL);
        else if (i == RUNS || i == ROUNDS || i == PEAK_MEMORY_BYTES)
            json_u64(j, figure_names[i], (uint64_t)r->figure[i]);
        else
            json_double(j, figure_names[i], r->figure[i]);
}

static void put_words(json *j, const bench_row *r)
{
    char all[1024] = "";

    for (size_t i = 0; i < r->warnings; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? " | " : "", r->warning[i]);
    json_text(j, "verdict", r->verdict);
    json_text(j, "warnings", all[0] ? all : NULL);
}

/* NULL: out of memory. */
static json_t *row_json(const bench_row *r)
{
    json j = json_start();
    char cpu[128];

    machine_name(cpu, sizeof cpu);
    json_text(&j, "status", status_names[r->status]);
    json_text(&j, "reason", r->reason[0] ? r->reason : NULL);
    json_text(&j, "model", r->model[0] ? r->model : NULL);
    json_text(&j, "model_sha256", r->sha256[0] ? r->sha256 : NULL);
    json_text(&j, "backend", r->device.info.backend);
    json_u64(&j, "device", r->device.index);
    json_text(&j, "device_name", r->device.info.name);
    json_text(&j, "driver", r->device.info.driver);
    json_text(&j, "cpu", cpu);
    json_text(&j, "engine", LKS_VERSION);
    json_text(&j, "scenario", scenario_names[r->scenario]);
    json_u64(&j, "batch", r->batch);
    json_u64(&j, "threads", r->threads);
    json_u64(&j, "inflight", r->inflight);
    json_text(&j, "peak_unit", r->unit);
    put_figures(&j, r);
    json_text(&j, "outputs_sha256", r->outputs);
    put_words(&j, r);
    return json_take(&j);
}

/* ---- the document -------------------------------------------------------------------------------------------------------- */

static json_t *document(const bench *b)
{
    json_t *root = json_pack("{s:s, s:s}", "lockstep", LKS_VERSION, "result", b->failed ? "FAILED" : "PASSED");
    json_t *rows = json_array();
    bool ok = root && rows;

    for (size_t i = 0; ok && i < b->count; i++) {
        json_t *row = row_json(&b->row[i]);

        ok = row && json_array_append_new(rows, row) == 0;
    }
    if (ok && json_object_set_new(root, "rows", rows) == 0)
        return root;
    if (!ok)
        json_decref(rows);
    json_decref(root);
    return NULL;
}

char *bench_document(const bench *b)
{
    json_t *root = document(b);
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;

    json_decref(root);
    return text;
}

/* ---- csv, jsonl ---------------------------------------------------------------------------------------------------------- */

/* RFC 4180. */
static void put_cell(const char *text, bool first)
{
    if (!first)
        putchar(',');
    if (!strpbrk(text, "\",\n")) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static void put_value(const json_t *value, bool first)
{
    char text[64] = "";

    if (json_is_string(value)) {
        put_cell(json_string_value(value), first);
        return;
    }
    if (json_is_integer(value))
        snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        snprintf(text, sizeof text, "%.9g", json_real_value(value));
    put_cell(text, first);
}

static void print_csv_row(json_t *row, bool heading)
{
    const char *key;
    json_t *value;
    bool first = true;

    json_object_foreach(row, key, value) {
        if (heading)
            put_cell(key, first);
        else
            put_value(value, first);
        first = false;
    }
    putchar('\n');
}

static bool print_rows(const bench *b, bool csv, lks_error *error)
{
    for (size_t i = 0; i < b->count; i++) {
        json_t *row = row_json(&b->row[i]);

        if (!row)
            return error_memory(error);
        if (csv && i == 0)
            print_csv_row(row, true);
        if (csv)
            print_csv_row(row, false);
        else if (json_dumpf(row, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0)
            putchar('\n');
        json_decref(row);
    }
    return true;
}

/* ---- md ------------------------------------------------------------------------------------------------------------------ */

/* Four significant digits or a little more, "-" for what is not known. */
static const char *brief(double v, char text[16])
{
    int digits = v < 10 ? 3 : v < 100 ? 2 : v < 1000 ? 1 : 0;

    if (isfinite(v))
        snprintf(text, 16, "%.*f", digits, v);
    else
        strcpy(text, "-");
    return text;
}

static void print_measured(const bench_row *r)
{
    const double *f = r->figure;
    char a[16], b[16], c[16], d[16], e[16], g[16], h[16], m[16];

    printf(" %s [%s, %s] | %s | %s | %s | %s | %s |\n", brief(f[IMAGES_PER_S], a), brief(f[IMAGES_PER_S_LOW], b),
           brief(f[IMAGES_PER_S_HIGH], c), brief(f[MEDIAN_MS], d), brief(f[P90_MS], e), brief(f[GMAC_PER_S], g),
           brief(f[PERCENT_OF_PEAK], h), brief(f[PEAK_MEMORY_BYTES] / 1048576, m));
}

/* What fits a column: of a path, the name of the file. */
static const char *short_name(const char *model)
{
    const char *slash = strrchr(model, '/');

    return slash && slash[1] ? slash + 1 : model;
}

static void print_md_row(const bench_row *r)
{
    printf("| %.44s | %s %" PRIu32 " | %s | ", short_name(r->model), r->device.info.backend, r->device.index,
           scenario_names[r->scenario]);
    if (r->threads)
        printf("%" PRIu32 " | ", r->threads);
    else
        fputs("auto | ", stdout);
    printf("%" PRIu32 " |", r->batch);
    if (r->status == ROW_OK)
        print_measured(r);
    else
        printf(" %s |  |  |  |  |  |\n", status_names[r->status]);
}

static void print_peak(const bench_row *r)
{
    char a[16], b[16], c[16], d[16];

    printf("%s %" PRIu32 "  %s, %s\n", r->device.info.backend, r->device.index, r->device.info.name, r->device.info.driver);
    if (r->status != ROW_OK) {
        printf("  %s: %s\n", status_names[r->status], r->reason);
        return;
    }
    printf("  int8   %s GMAC/s by %s", brief(r->figure[PEAK_GMAC_PER_S], a), r->unit);
    if (isfinite(r->figure[MACS_PER_CLOCK_PER_CORE]))
        printf(": %s MAC/clk per core at %s GHz", brief(r->figure[MACS_PER_CLOCK_PER_CORE], b), brief(r->figure[CLOCK_GHZ], c));
    printf("\n  copy   %s GB/s, bytes read plus bytes written\n", brief(r->figure[COPY_GB_PER_S], d));
}

static void print_notes(const bench_row *r)
{
    char a[16], b[16], c[16], d[16], e[16], g[16], h[16];
    const double *f = r->figure;

    printf("\n%s, batch %" PRIu32 ", %s %" PRIu32 ", %s", r->model, r->batch, r->device.info.backend, r->device.index,
           scenario_names[r->scenario]);
    if (r->inflight > 1)
        printf(", %" PRIu32 " in flight", r->inflight);
    if (r->status != ROW_OK) {
        printf(": %s: %s\n", status_names[r->status], r->reason);
        return;
    }
    printf("\n  latency  %s ms +- %s, p95 %s, p99 %s", brief(f[MEAN_MS], a), brief(f[STDDEV_MS], b), brief(f[P95_MS], c),
           brief(f[P99_MS], d));
    printf("; h2d %s, compute %s, d2h %s\n", brief(f[H2D_MS], e), brief(f[COMPUTE_MS], g), brief(f[D2H_MS], h));
    printf("  before   load %s ms, open device %s, open session %s, first run %s; %.0f runs timed\n", brief(f[MODEL_LOAD_MS], a),
           brief(f[DEVICE_OPEN_MS], b), brief(f[SESSION_OPEN_MS], c), brief(f[FIRST_RUN_MS], d), f[RUNS]);
    printf("  peak     %s GMAC/s (%s), copy %s GB/s", brief(f[PEAK_GMAC_PER_S], a), r->unit, brief(f[COPY_GB_PER_S], b));
    if (isfinite(f[PERCENT_OF_PEAK]))
        printf("; %s to %s %% of the peak", brief(f[PERCENT_OF_PEAK_LOW], c), brief(f[PERCENT_OF_PEAK_HIGH], d));
    putchar('\n');
    printf("  outputs  sha256 %s\n", r->outputs);
    if (r->verdict)
        printf("  against  %s times as fast [%s, %s]: %s\n", brief(f[SPEEDUP], a), brief(f[SPEEDUP_LOW], b),
               brief(f[SPEEDUP_HIGH], c), r->verdict);
    for (size_t i = 0; i < r->warnings; i++)
        printf("  warning  %s\n", r->warning[i]);
}

static void print_md(const bench *b)
{
    char cpu[128];

    machine_name(cpu, sizeof cpu);
    printf("lockstep %s, %" PRIu32 " processors%s%s\n\n", LKS_VERSION, machine_processors(), cpu[0] ? ", " : "", cpu);
    if (b->options->peak) {
        for (size_t i = 0; i < b->count; i++)
            print_peak(&b->row[i]);
    } else {
        puts("| model | device | scenario | threads | batch | images/s [spread] | median ms | p90 ms | GMAC/s | % of peak"
             " | MiB |\n"
             "|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|");
        for (size_t i = 0; i < b->count; i++)
            print_md_row(&b->row[i]);
    }
    for (size_t i = 0; i < b->count && !b->options->peak; i++)
        print_notes(&b->row[i]);
}

bool bench_report(const bench *b, lks_error *error)
{
    char *text;

    switch ((bench_format)b->options->format) {
    case FORMAT_MD:    print_md(b); return true;
    case FORMAT_CSV:   return print_rows(b, true, error);
    case FORMAT_JSONL: return print_rows(b, false, error);
    case FORMAT_JSON:  break;
    }
    text = bench_document(b);
    if (!text)
        return error_memory(error);
    puts(text);
    free(text);
    return true;
}
