/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep verify`: running every case on every device, and comparing.
 */
#include "tools/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GROUP_MAX 5     /* odd: a batch that no tile size divides */

/* ---- comparing ----------------------------------------------------------------------------------------------------------- */

static void note_failure(verdict *d, const char *text)
{
    if (!d->failure[0])
        snprintf(d->failure, sizeof d->failure, "%s", text);
}

static void count(const verification *v, verdict *d, const divergence *what, bool differs)
{
    case_verdict *c = &d->by_case[what->item - v->cases.item];

    d->comparisons[what->check]++;
    c->comparisons++;
    if (!differs)
        return;
    if (c->divergences++ == 0)
        c->first = *what;
    if (d->divergences++ == 0)
        d->first = *what;
    if (!d->fault.item && what->check <= CHECK_BATCH)
        d->fault = *what;
}

/* Compare one tensor of one case and count it. */
static void compare(const verification *v, verdict *d, verify_check check, const test_case *item, const trace_entry *e,
                    const uint8_t *expected, const uint8_t *got)
{
    divergence what = { .check = check, .item = item, .entry = e };
    lks_status status = lks_compare(&e->tensor, expected, got, e->tensor.bytes, &what.mismatch);

    if (status != LKS_OK && status != LKS_ERR_MISMATCH) {
        note_failure(d, "lks_compare refused its arguments");
        return;
    }
    d->bytes += e->tensor.bytes;
    count(v, d, &what, status == LKS_ERR_MISMATCH);
}

static void compare_traces(const verification *v, verdict *d, verify_check check, const test_case *item, const uint8_t *expected,
                           const uint8_t *got)
{
    for (size_t i = 0; i < v->trace.count; i++) {
        const trace_entry *e = &v->trace.entry[i];

        compare(v, d, check, item, e, expected + e->offset, got + e->offset);
    }
}

/* ---- digests ------------------------------------------------------------------------------------------------------------- */

static void compare_digest(const verification *v, verdict *d, const test_case *item, const trace_entry *e, const char *expected,
                           const char got[HEX_SIZE])
{
    divergence what = { .check = CHECK_EXPECT, .item = item, .entry = e };

    snprintf(what.expected, sizeof what.expected, "%s", expected);
    memcpy(what.got, got, sizeof what.got);
    count(v, d, &what, strcmp(expected, got) != 0);
}

static void compare_digests(const verification *v, verdict *d, const test_case *item, const uint8_t *traced)
{
    const golden_case *c = &v->golden.item[item->origin];
    char hex[HEX_SIZE];

    for (uint32_t i = 0; i < v->info.outputs; i++) {
        const trace_entry *e = v->output[i];

        tensor_digest(traced + e->offset, e->tensor.bytes, hex);
        compare_digest(v, d, item, e, c->output[i], hex);
    }
    tensor_digest(traced, v->trace.bytes, hex);
    compare_digest(v, d, item, NULL, c->all, hex);
    d->bytes += v->trace.bytes;
}

/* What --save-expect writes about a case, from a trace of cpu_ref. */
static bool keep_digests(const verification *v, const test_case *item, const uint8_t *traced, lks_error *error)
{
    golden_digests *d = &v->digests[item - v->cases.item];

    d->input = calloc(v->info.inputs, sizeof *d->input);
    d->output = calloc(v->info.outputs, sizeof *d->output);
    if (!d->input || !d->output)
        return error_memory(error);
    for (uint32_t i = 0; i < v->info.inputs; i++)
        tensor_digest(cases_input(&v->cases, item, i), v->cases.bytes[i], d->input[i]);
    for (uint32_t i = 0; i < v->info.outputs; i++) {
        const trace_entry *e = v->output[i];

        tensor_digest(traced + e->offset, e->tensor.bytes, d->output[i]);
    }
    tensor_digest(traced, v->trace.bytes, d->all);
    return true;
}

/* ---- running ------------------------------------------------------------------------------------------------------------- */

/* Outputs are filled with a byte that differs from run to run, so that one which is not written is noticed. */
static void poison(const verification *v, uint32_t cases, uint8_t byte)
{
    for (uint32_t i = 0; i < v->info.outputs; i++) {
        v->out[i].bytes = v->output[i]->tensor.bytes * cases;
        memset(v->out[i].data, byte, v->out[i].bytes);
    }
}

static bool run_case(const verification *v, lks_session *session, const test_case *item, uint8_t byte, lks_error *error)
{
    for (uint32_t i = 0; i < v->cases.inputs; i++)
        v->in[i] = (lks_in){ cases_input(&v->cases, item, i), v->cases.bytes[i] };
    poison(v, 1, byte);
    return lks_session_run(session, v->in, v->out, error) == LKS_OK;
}

static bool run_traced(const verification *v, lks_session *session, const test_case *item, uint8_t byte, uint8_t *data,
                       lks_error *error)
{
    return run_case(v, session, item, byte, error) && trace_read(&v->trace, session, data, error);
}

/* What the last run returned, with a trace of the same case. */
static void compare_outputs(const verification *v, verdict *d, const test_case *item, const uint8_t *traced)
{
    for (uint32_t i = 0; i < v->info.outputs; i++)
        compare(v, d, CHECK_OUTPUTS, item, v->output[i], traced + v->output[i]->offset, v->out[i].data);
}

/* Keep the outputs of a single run for the comparison with batches. */
static void remember(const verification *v, const verdict *d, const test_case *item, const uint8_t *traced)
{
    uint8_t *to = d->outputs + (size_t)(item - v->cases.item) * v->output_bytes;

    for (uint32_t i = 0; i < v->info.outputs; i++) {
        memcpy(to, traced + v->output[i]->offset, v->output[i]->tensor.bytes);
        to += v->output[i]->tensor.bytes;
    }
}

/* On the reference the first run has just been made: it is what the others are compared with. */
static bool check_case(const verification *v, verdict *d, const test_case *item, lks_error *error)
{
    uint8_t *first = d->is_reference ? v->expected : v->first;

    if (!d->is_reference) {
        if (!run_traced(v, d->kept, item, 0xa5, v->first, error))
            return false;
        compare_traces(v, d, CHECK_REFERENCE, item, v->expected, first);
    }
    remember(v, d, item, first);
    if (v->record && v->recorded == d)
        memcpy(v->record + (size_t)(item - v->cases.item) * v->trace.bytes, first, v->trace.bytes);
    if (v->saved.count)
        compare_traces(v, d, CHECK_SAVED, item, v->saved.item[item->origin].result, first);
    if (v->golden.count)
        compare_digests(v, d, item, first);
    if (!run_traced(v, d->kept, item, 0x5a, v->second, error))
        return false;
    compare_traces(v, d, CHECK_REPEAT, item, first, v->second);
    compare_outputs(v, d, item, first);
    if (!run_case(v, d->plain, item, 0x3c, error))
        return false;
    compare_outputs(v, d, item, first);
    return true;
}

/* ---- batches ------------------------------------------------------------------------------------------------------------- */

static void compare_batch(const verification *v, verdict *d, size_t start, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        const uint8_t *single = d->outputs + (start + k) * v->output_bytes;

        for (uint32_t i = 0; i < v->info.outputs; i++) {
            size_t bytes = v->output[i]->tensor.bytes;

            compare(v, d, CHECK_BATCH, &v->cases.item[start + k], v->output[i], single, (uint8_t *)v->out[i].data + k * bytes);
            single += bytes;
        }
    }
}

/* The inputs of cases start .. start + n - 1, each model input's one behind the other; the caller's to free. */
static uint8_t *join(const verification *v, size_t start, uint32_t n, lks_error *error)
{
    const case_list *cases = &v->cases;
    size_t all = 0;
    uint8_t *joined, *to;

    for (uint32_t i = 0; i < cases->inputs; i++)
        all += cases->bytes[i] * n;
    to = joined = malloc(all);
    if (!joined) {
        error_memory(error);
        return NULL;
    }
    for (uint32_t i = 0; i < cases->inputs; i++) {
        v->in[i] = (lks_in){ to, cases->bytes[i] * n };
        for (uint32_t k = 0; k < n; k++, to += cases->bytes[i])
            memcpy(to, cases_input(cases, &cases->item[start + k], i), cases->bytes[i]);
    }
    return joined;
}

static bool run_batch(const verification *v, lks_session *session, size_t start, uint32_t n, lks_error *error)
{
    uint8_t *joined = join(v, start, n, error);
    bool ok;

    if (!joined)
        return false;
    poison(v, n, 0xc3);
    ok = lks_session_run(session, v->in, v->out, error) == LKS_OK;
    free(joined);
    return ok;
}

uint32_t verify_batch(const verification *v, const test_case *item, size_t *start)
{
    size_t at = (size_t)(item - v->cases.item), left;

    *start = at / v->group * v->group;
    left = v->cases.count - *start;
    return left < v->group ? (uint32_t)left : v->group;
}

static bool check_batches(const verification *v, verdict *d, lks_error *error)
{
    for (size_t start = 0; start < v->cases.count && v->group >= 2; start += v->group) {
        size_t first;
        uint32_t n = verify_batch(v, &v->cases.item[start], &first);

        if (!run_batch(v, d->plain, start, n, error))
            return false;
        compare_batch(v, d, start, n);
    }
    return true;
}

/* ---- the whole ----------------------------------------------------------------------------------------------------------- */

static bool find_outputs(verification *v, lks_error *error)
{
    v->output = calloc(v->info.outputs, sizeof *v->output);
    if (!v->output)
        return error_memory(error);
    for (uint32_t i = 0; i < v->info.outputs; i++) {
        uint32_t tensor = lks_model_output(v->model, i);

        for (size_t k = 0; k < v->trace.count; k++)
            if (v->trace.entry[k].index == tensor)
                v->output[i] = &v->trace.entry[k];
        if (!v->output[i])
            return error_set(error, "%s: output %u is made by no op", v->options->model, i);
        v->output_bytes += v->output[i]->tensor.bytes;
    }
    return true;
}

/* The largest batch, up to GROUP_MAX, that the limits allow. */
static uint32_t find_group(const verification *v)
{
    uint32_t group = v->cases.count < GROUP_MAX ? (uint32_t)v->cases.count : GROUP_MAX;
    lks_error unused;

    if (!v->info.batch_free)
        return 0;
    while (group > 1 && !device_affordable(v->model, v->options->model, group, &v->options->common.limits, &unused))
        group--;
    return group;
}

static bool allocate_records(verification *v, lks_error *error)
{
    const verify_options *o = v->options;

    for (size_t i = v->count; i-- > 0;)
        if (v->verdict[i].device.info.usable)
            v->recorded = &v->verdict[i];
    if (o->save_outputs && (v->trace.bytes > SIZE_MAX / (v->cases.count + 1)
                            || !(v->record = malloc(v->trace.bytes * v->cases.count + 1))))
        return error_memory(error);
    if (o->save_expect && !(v->digests = calloc(v->cases.count + 1, sizeof *v->digests)))
        return error_memory(error);
    for (size_t i = 0; i < v->count; i++)
        if (!(v->verdict[i].by_case = calloc(v->cases.count + 1, sizeof *v->verdict[i].by_case)))
            return error_memory(error);
    return true;
}

static bool allocate(verification *v, lks_error *error)
{
    size_t cases;

    if (!trace_open(v->model, v->info.batch_free ? 1 : v->info.batch, &v->trace, error) || !find_outputs(v, error))
        return false;
    v->group = find_group(v);
    cases = v->group > 1 ? v->group : 1;
    v->expected = malloc(v->trace.bytes);
    v->first = malloc(v->trace.bytes);
    v->second = malloc(v->trace.bytes);
    v->out = calloc(v->info.outputs, sizeof *v->out);
    v->in = calloc(v->info.inputs, sizeof *v->in);
    if (!v->expected || !v->first || !v->second || !v->out || !v->in)
        return error_memory(error);
    for (uint32_t i = 0; i < v->info.outputs; i++)
        if (!(v->out[i].data = malloc(v->output[i]->tensor.bytes * cases)))
            return error_memory(error);
    return allocate_records(v, error);
}

static bool open_verdict(const verification *v, verdict *d, lks_session *reference, lks_error *error)
{
    uint32_t single = v->info.batch_free ? 1 : v->info.batch;
    lks_session_options options = {
        .max_batch = v->group > 1 ? v->group : single, .variant = v->options->variant, .check = LKS_CHECK_NONE
    };

    d->outputs = malloc(v->output_bytes * v->cases.count + 1);
    if (!d->outputs)
        return error_memory(error);
    if (!device_hold(&d->device, error) || !device_open_with(v->model, &d->device, options, &d->plain, error))
        return false;
    d->has_variant = true;
    if (d->is_reference)
        d->kept = reference;
    options.max_batch = single;
    options.keep = 1;
    return d->is_reference || device_open_with(v->model, &d->device, options, &d->kept, error);
}

/* A device that has no kernels of the variant counts as not usable: only one that has them can be asked for. */
static void open_or_note(const verification *v, verdict *d, lks_session *reference)
{
    lks_error failure;

    if (open_verdict(v, d, reference, &failure))
        return;
    note_failure(d, failure.text);
    if (v->options->variant && !d->plain && failure.status == LKS_ERR_ARGUMENT)
        d->device.info.usable = 0;
}

static double now(void)
{
    struct timespec t = { 0, 0 };

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A step on one device; if it fails, the device is left alone from then on. */
static bool alive(const verdict *d)
{
    return d->failure[0] == '\0';
}

static void time_case(const verification *v, verdict *d, const test_case *item)
{
    double start = now();
    lks_error failure;

    if (!check_case(v, d, item, &failure))
        note_failure(d, failure.text);
    d->by_case[item - v->cases.item].seconds = now() - start;
}

static bool check_cases(verification *v, lks_session *reference, lks_error *error)
{
    for (size_t c = 0; c < v->cases.count; c++) {
        const test_case *item = &v->cases.item[c];

        if (!run_traced(v, reference, item, 0x99, v->expected, error))
            return false;
        if (v->digests && !keep_digests(v, item, v->expected, error))
            return false;
        for (size_t i = 0; i < v->count; i++)
            if (alive(&v->verdict[i]))
                time_case(v, &v->verdict[i], item);
    }
    return true;
}

static bool variant_known(const verification *v, lks_error *error)
{
    const char *why = "";

    for (size_t i = 0; i < v->count; i++) {
        if (!v->options->variant || v->verdict[i].has_variant)
            return true;
        why = v->verdict[i].failure;
    }
    return error_set(error, "%s", why);
}

static bool check_all(verification *v, lks_session *reference, lks_error *error)
{
    lks_error failure;

    for (size_t i = 0; i < v->count; i++)
        if (alive(&v->verdict[i]))
            open_or_note(v, &v->verdict[i], reference);
    if (!variant_known(v, error) || !check_cases(v, reference, error))
        return false;
    for (size_t i = 0; i < v->count; i++)
        if (alive(&v->verdict[i]) && !check_batches(v, &v->verdict[i], &failure))
            note_failure(&v->verdict[i], failure.text);
    return true;
}

bool verify_run(verification *v, lks_error *error)
{
    common_options options = { .backend = DEVICE_REFERENCE };
    lks_session *reference = NULL;
    device d;
    bool ok;

    for (size_t i = 0; i < v->count; i++) {
        verdict *one = &v->verdict[i];

        one->is_reference = strcmp(one->device.info.backend, DEVICE_REFERENCE) == 0 && one->device.index == 0;
        if (!one->device.info.usable)
            note_failure(one, one->device.info.reason[0] ? one->device.info.reason : "no reason given");
    }
    ok = allocate(v, error) && device_pick(&options, &d, error)
         && device_open(v->model, &d, v->info.batch_free ? 1 : v->info.batch, true, &reference, error)
         && check_all(v, reference, error);
    for (size_t i = 0; i < v->count; i++)
        if (v->verdict[i].is_reference)
            v->verdict[i].kept = NULL;      /* it is the reference's */
    lks_session_close(reference);
    return ok;
}

void verify_free(verification *v)
{
    for (size_t i = 0; i < v->count; i++) {
        lks_session_close(v->verdict[i].kept);
        lks_session_close(v->verdict[i].plain);
        device_release(&v->verdict[i].device);
        free(v->verdict[i].outputs);
        free(v->verdict[i].by_case);
    }
    for (size_t i = 0; v->digests && i < v->cases.count; i++) {
        free(v->digests[i].input);
        free(v->digests[i].output);
    }
    free(v->digests);
    free(v->record);
    for (uint32_t i = 0; v->out && i < v->info.outputs; i++)
        free(v->out[i].data);
    free(v->out);
    free(v->in);
    free(v->expected);
    free(v->first);
    free(v->second);
    free(v->output);
    trace_close(&v->trace);
}
