/* SPDX-License-Identifier: Apache-2.0
 *
 * Holds the engine against the packs that the second opinion wrote (tests/second_opinion/make_goldens.py): every op output of
 * every case on every usable device, the cost, and the refusals.  A plain program, so that leak checks see all of it.
 *
 * golden_test PACK...    a pack whose name begins with "refused" or "malformed" holds files that must not load
 */
#include "pack.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int passed, failed;

/* Every usable device, opened once. */
enum { DEVICES_MAX = 64 };
static struct {
    lks_context *context;
    lks_device_info info;
} devices[DEVICES_MAX];
static uint32_t device_count;

static void fail(const pack_case *c, const char *format, ...)
{
    va_list args;

    printf("FAIL %s: ", c->name);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

/* Whole buffers of a run: all inputs, all outputs, the trace of all op outputs. */
typedef struct buffers {
    lks_in in[64];
    lks_out out[64];
    uint8_t *outputs, *trace;
    size_t output_bytes;
    size_t runs, input_bytes, trace_bytes;      /* runs of the case, which keep their state; bytes of one */
} buffers;

static size_t batch_bytes(const lks_model *m, uint32_t tensor, uint32_t batch)
{
    lks_model_info model;
    lks_tensor_info t;

    lks_model_get(m, &model);
    lks_model_tensor(m, tensor, &t);
    return model.batch_free ? t.bytes / model.batch * batch : t.bytes;
}

static int split_buffers(const lks_model *m, const pack_case *c, buffers *b)
{
    lks_model_info info;
    size_t in_at = 0;

    lks_model_get(m, &info);
    if (info.inputs > 64 || info.outputs > 64)
        return 0;
    for (uint32_t i = 0; i < info.inputs; i++) {
        b->in[i] = (lks_in){ c->input + in_at, batch_bytes(m, lks_model_input(m, i), c->batch) };
        in_at += b->in[i].bytes;
    }
    b->output_bytes = 0;
    for (uint32_t i = 0; i < info.outputs; i++)
        b->output_bytes += b->out[i].bytes = batch_bytes(m, lks_model_output(m, i), c->batch);
    b->outputs = malloc(b->output_bytes);
    b->trace = malloc(c->trace_bytes);
    for (size_t i = 0, at = 0; i < info.outputs; at += b->out[i++].bytes)
        b->out[i].data = b->outputs + at;
    b->input_bytes = in_at;
    b->runs = in_at ? c->input_bytes / in_at : 0;
    b->trace_bytes = b->runs ? c->trace_bytes / b->runs : 0;
    return b->runs * in_at == c->input_bytes && b->runs * b->trace_bytes == c->trace_bytes && b->outputs && b->trace;
}

/* The op outputs of run r one after the other, compared as they come; 1: all equal. */
static int compare_trace(const lks_model *m, lks_session *s, const pack_case *c, buffers *b, size_t r)
{
    const uint8_t *expected = c->trace + r * b->trace_bytes;
    lks_model_info info;
    lks_error error;
    size_t at = 0;

    lks_model_get(m, &info);
    for (uint32_t i = 0; i < info.ops; i++) {
        lks_op_info op;

        lks_model_op(m, i, &op);
        for (uint32_t k = 0; k < op.outputs; k++) {
            size_t bytes = batch_bytes(m, op.output[k], c->batch);
            lks_tensor_info t;
            lks_mismatch where;

            lks_model_tensor(m, op.output[k], &t);
            if (at + bytes > b->trace_bytes)
                return fail(c, "run %zu, op %u: the trace is too short", r, i), 0;
            if (lks_session_read(s, op.output[k], b->trace + at, bytes, &error) != LKS_OK)
                return fail(c, "op %u: %s", i, error.text), 0;
            if (lks_compare(&t, expected + at, b->trace + at, bytes, &where) != LKS_OK)
                return fail(c, "run %zu, op %u (%s): %llu elements differ, first %llu: expected %lld, got %lld", r, i, op.kind,
                            (unsigned long long)where.count, (unsigned long long)where.first, (long long)where.expected,
                            (long long)where.got), 0;
            at += bytes;
        }
    }
    if (at != b->trace_bytes)
        return fail(c, "the trace is too long"), 0;
    return 1;
}

/* The outputs of a run that shares memory between tensors, against those of the run that keeps them. */
static int compare_unkept(lks_session *unkept, const pack_case *c, buffers *b)
{
    uint8_t *kept = malloc(b->output_bytes);
    lks_error error = { .text = "" };
    int ok = 0;

    if (kept) {
        memcpy(kept, b->outputs, b->output_bytes);
        memset(b->outputs, 0x5a, b->output_bytes);
    }
    if (kept && lks_session_run(unkept, b->in, b->out, &error) == LKS_OK)
        ok = memcmp(kept, b->outputs, b->output_bytes) == 0;
    if (!ok)
        fail(c, "without kept intermediates the outputs differ %s", error.text);
    free(kept);
    return ok;
}

/* All runs of the case, from a state of zeros. */
static int run_all(lks_model *m, const pack_case *c, lks_session *kept, lks_session *unkept, buffers *b)
{
    lks_error error;
    int ok = 1;

    for (size_t r = 0; ok && r < b->runs; r++) {
        size_t at = r * b->input_bytes;

        for (uint32_t i = 0; b->in[i].data; at += b->in[i++].bytes)
            b->in[i].data = c->input + at;
        if (lks_session_run(kept, b->in, b->out, &error) != LKS_OK)
            return fail(c, "run %zu: %s", r, error.text), 0;
        ok = compare_trace(m, kept, c, b, r) && compare_unkept(unkept, c, b);
    }
    return ok;
}

/* Twice, begun anew between; where there are several runs, with the state kept. */
static int run_on(lks_model *m, const pack_case *c, lks_context *context, const char *backend, buffers *b)
{
    lks_session_options o = {
        .context = context, .max_batch = c->batch, .keep = 1, .keep_state = b->runs > 1, .check = LKS_CHECK_NONE
    };
    lks_session *kept = NULL, *unkept = NULL;
    lks_error error;
    int ok = lks_session_open(m, &o, &kept, &error) == LKS_OK;

    o.keep = 0;
    o.check = b->runs > 1 ? LKS_CHECK_FULL : LKS_CHECK_NONE;       /* that hands the state over to the reference */
    ok = ok && lks_session_open(m, &o, &unkept, &error) == LKS_OK;
    if (!ok)
        fail(c, "%s: %s", backend, error.text);
    ok = ok && run_all(m, c, kept, unkept, b);
    ok = ok && lks_session_reset(kept, &error) == LKS_OK && lks_session_reset(unkept, &error) == LKS_OK;
    ok = ok && run_all(m, c, kept, unkept, b);
    lks_session_close(kept);
    lks_session_close(unkept);
    return ok;
}

static int run_everywhere(lks_model *m, const pack_case *c, buffers *b)
{
    for (uint32_t i = 0; i < device_count; i++)
        if (!run_on(m, c, devices[i].context, devices[i].info.backend, b))
            return 0;
    return device_count > 0;
}

static int compare_cost(const lks_model *m, const pack_case *c)
{
    lks_cost cost;

    if (lks_model_cost(m, c->batch, &cost) != LKS_OK)
        return fail(c, "no cost for batch %u", c->batch), 0;
    if (memcmp(&cost, &c->cost, sizeof cost) == 0)
        return 1;
    return fail(c, "cost: MACs %llu, element ops %llu, parameter bytes %llu, peak bytes %llu differ from the pack",
                (unsigned long long)cost.macs, (unsigned long long)cost.element_ops, (unsigned long long)cost.parameter_bytes,
                (unsigned long long)cost.peak_bytes), 0;
}

static void check_case(const pack_case *c)
{
    lks_model *m;
    lks_error error;
    buffers b = { 0 };
    int ok;

    if (lks_model_parse(c->lks, c->lks_bytes, c->name, NULL, &m, &error) != LKS_OK) {
        fail(c, "refused: %s", error.text);
        failed++;
        return;
    }
    ok = split_buffers(m, c, &b);
    if (!ok)
        fail(c, "the pack's input does not fit the model");
    ok = ok && compare_cost(m, c) && run_everywhere(m, c, &b);
    *(ok ? &passed : &failed) += 1;
    free(b.outputs);
    free(b.trace);
    lks_model_close(m);
}

/* format: damaged files, which must be found by the reader; else sound ones that break a limit. */
static void check_refusal(const pack_case *c, int format)
{
    lks_model *m;
    lks_error error = { .text = "" };
    lks_status st = lks_model_parse(c->lks, c->lks_bytes, c->name, NULL, &m, &error);
    int ok = st != LKS_OK && !m && error.status == st && strstr(error.text, c->name);

    ok = ok && (format ? st == LKS_ERR_FORMAT || st == LKS_ERR_UNSUPPORTED : st == LKS_ERR_ILLEGAL || st == LKS_ERR_FORMAT);
    if (!ok)
        fail(c, "must be refused; status %s, text \"%s\"", lks_status_name(st), error.text);
    *(ok ? &passed : &failed) += 1;
    lks_model_close(m);
}

static int check_pack(const char *path)
{
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    int refused = strncmp(base, "refused", 7) == 0, malformed = strncmp(base, "malformed", 9) == 0;
    pack p;
    pack_case c;
    int before = passed + failed;

    if (!pack_open(&p, path, !refused && !malformed))
        return 0;
    while (pack_next(&p, &c))
        if (refused || malformed)
            check_refusal(&c, malformed);
        else
            check_case(&c);
    pack_close(&p);
    printf("%s: %d cases\n", base, passed + failed - before);
    return p.sound && passed + failed > before;
}

static int open_devices(void)
{
    lks_device_info d;
    char previous[sizeof d.backend] = "";
    uint32_t device = 0;
    lks_error error;

    for (uint32_t i = 0; lks_device(i, &d) == LKS_OK && device_count < DEVICES_MAX; i++) {
        device = strcmp(previous, d.backend) == 0 ? device + 1 : 0;
        strcpy(previous, d.backend);
        if (!d.usable)
            continue;
        devices[device_count].info = d;
        if (lks_context_open(&(lks_context_options){ .backend = d.backend, .device = device },
                             &devices[device_count].context, &error)
            != LKS_OK)
            return printf("FAIL %s %u: %s\n", d.backend, device, error.text), 0;
        printf("%s %u: %s\n", d.backend, device, d.name);
        device_count++;
    }
    return 1;
}

int main(int argc, char **argv)
{
    int sound = argc > 1 && open_devices();

    for (int i = 1; i < argc; i++)
        if (!check_pack(argv[i])) {
            printf("FAIL %s: unreadable, cut or empty\n", argv[i]);
            sound = 0;
        }
    for (uint32_t i = 0; i < device_count; i++)
        lks_context_close(devices[i].context);
    printf("%d passed, %d failed\n", passed, failed + !sound);
    return sound && failed == 0 && passed > 0 ? 0 : 1;
}
