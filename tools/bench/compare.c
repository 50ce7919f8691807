/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparing rows: their digests with one another, and all of them with a file that --save wrote.
 */
#include "tools/bench/bench.h"
#include "tools/files.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE_BYTES_MAX ((uint64_t)64 << 20)

const char *bench_verdict(double low, double high)
{
    return low > 1 ? "faster" : high < 1 ? "slower" : "no difference seen";
}

void bench_compare_rows(bench *b)
{
    for (size_t i = 0; i < b->count; i++)
        for (size_t k = i + 1; k < b->count; k++) {
            bench_row *r = &b->row[i], *other = &b->row[k];

            if (r->status != ROW_OK || other->status != ROW_OK || !r->outputs || !other->outputs || r->batch != other->batch
                || strcmp(r->sha256, other->sha256) != 0 || strcmp(r->outputs, other->outputs) == 0)
                continue;
            bench_refuse(other, ROW_FAILED, "its outputs differ from those of another row with the same model and batch");
        }
}

/* ---- the file ------------------------------------------------------------------------------------------------------------ */

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text ? text : "";
}

static double number_of(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

static bool same_number(const json_t *row, const char *key, uint32_t value)
{
    const json_t *number = json_object_get(row, key);

    return json_is_integer(number) && json_integer_value(number) == (json_int_t)value;
}

static bool same_key(const json_t *base, const bench_row *r)
{
    return strcmp(text_of(base, "status"), "OK") == 0 && strcmp(text_of(base, "model_sha256"), r->sha256) == 0
           && strcmp(text_of(base, "backend"), r->device.info.backend) == 0
           && strcmp(text_of(base, "device_name"), r->device.info.name) == 0
           && strcmp(text_of(base, "scenario"), scenario_names[r->scenario]) == 0 && same_number(base, "batch", r->batch)
           && same_number(base, "threads", r->threads) && same_number(base, "inflight", r->inflight);
}

/* The quotient of two intervals: from the worst of one and the best of the other. */
static bool compare(const bench_options *o, const json_t *base, bench_row *r, lks_error *error)
{
    double *f = r->figure, was = number_of(base, "images_per_s"), low = number_of(base, "images_per_s_low");
    double high = number_of(base, "images_per_s_high");

    if (!(low > 0) || !(was >= low) || !(high >= was))
        return error_set(error, "%s: a row has no sound images_per_s: it was not written by --save", o->against);
    if (strcmp(text_of(base, "outputs_sha256"), r->outputs) != 0) {
        bench_refuse(r, ROW_FAILED, "its outputs differ from those of the saved row (or another --seed was used)");
        return true;
    }
    f[SPEEDUP] = f[IMAGES_PER_S] / was;
    f[SPEEDUP_LOW] = f[IMAGES_PER_S_LOW] / high;
    f[SPEEDUP_HIGH] = f[IMAGES_PER_S_HIGH] / low;
    r->verdict = bench_verdict(f[SPEEDUP_LOW], f[SPEEDUP_HIGH]);
    if (o->threshold >= 0 && f[SPEEDUP_HIGH] < 1 - o->threshold / 100)
        bench_refuse(r, ROW_FAILED, "slower than the saved row by more than --threshold, spread included");
    return true;
}

static bool compare_rows(bench *b, const json_t *rows, lks_error *error)
{
    size_t matched = 0, k;
    json_t *base;

    for (size_t i = 0; i < b->count; i++) {
        if (b->row[i].status != ROW_OK)
            continue;
        json_array_foreach(rows, k, base)
            if (same_key(base, &b->row[i])) {
                if (!compare(b->options, base, &b->row[i], error))
                    return false;
                matched++;
                break;
            }
    }
    return matched || error_set(error, "%s: has no row with the model, batch, threads, device and scenario of any row here",
                                b->options->against);
}

bool bench_compare_base(bench *b, lks_error *error)
{
    const char *path = b->options->against;
    json_error_t why;
    json_t *root;
    blob file;
    bool ok;

    if (!file_read(path, BASE_BYTES_MAX, &file, error))
        return false;
    root = json_loadb((const char *)file.data, file.bytes, JSON_REJECT_DUPLICATES, &why);
    free(file.data);
    if (!root)
        return error_set(error, "%s: line %d: is not JSON: %s", path, why.line, why.text);
    if (!json_is_array(json_object_get(root, "rows")))
        ok = error_set(error, "%s: has no \"rows\": it was not written by --save", path);
    else
        ok = compare_rows(b, json_object_get(root, "rows"), error);
    json_decref(root);
    return ok;
}
