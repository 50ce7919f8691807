/* SPDX-License-Identifier: Apache-2.0
 *
 * The public API on a model made here: a table, then a requantization, u8 at the input.  And the plan behind it.
 */
#include "host/model.h"
#include "host/plan.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* y = -x - 1 by a table, n times over, so that a plan has something to share; x is u8 or i8. */
static lks_model *make_model(lks_type interface, uint32_t links, lks_error *error)
{
    int8_t table[256];
    lks_tensor image = { .name = "x", .type = LKS_I8, .interface = interface, .rank = 4, .dims = { 1, 4, 4, 3 } };
    lks_tensor lut = {
        .name = "table", .type = LKS_I8, .interface = LKS_I8, .constant = 1, .rank = 1, .dims = { 256 }, .data = table
    };
    const lks_op_args none = { { 0 } };
    lks_builder *b = lks_builder_open();
    uint32_t operands[2], y, x;
    lks_model *m = NULL;
    uint8_t *bytes;
    size_t size;

    for (int i = 0; i < 256; i++)
        table[i] = (int8_t)(127 - i);
    x = lks_builder_tensor(b, &image);
    operands[1] = lks_builder_tensor(b, &lut);
    lks_builder_input(b, x);
    image.interface = LKS_I8;
    for (uint32_t i = 0; i < links; i++, x = y) {
        operands[0] = x;
        y = lks_builder_tensor(b, &image);
        lks_builder_op(b, LKS_OP_LUT, operands, &y, &none);
    }
    lks_builder_output(b, x);
    if (lks_builder_write(b, &bytes, &size, error) == LKS_OK)
        lks_model_read(bytes, size, "made", NULL, &m, error);
    lks_builder_close(b);
    return m;
}

Test(session, runs_and_converts_u8)
{
    lks_error error;
    lks_model *m = make_model(LKS_U8, 1, &error);
    lks_session_options o = { .max_batch = 3, .keep = 1 };
    uint8_t in_bytes[144], same[144];
    int8_t out_bytes[144];
    lks_in in = { in_bytes, 144 };
    lks_out out = { out_bytes, 144 };
    lks_session *s;

    cr_assert_not_null(m, "%s", error.text);
    cr_assert_eq(lks_session_open(m, &o, &s, &error), LKS_OK, "%s", error.text);
    lks_model_close(m);                 /* the session keeps it alive */
    for (int i = 0; i < 144; i++)
        in_bytes[i] = (uint8_t)(i * 7);
    cr_assert_eq(lks_session_run(s, &in, &out, &error), LKS_OK, "%s", error.text);
    for (int i = 0; i < 144; i++)
        cr_assert_eq(out_bytes[i], -(in_bytes[i] - 128) - 1);
    cr_assert_eq(lks_session_read(s, 0, same, 144, &error), LKS_OK, "%s", error.text);
    cr_assert_arr_eq(same, in_bytes, 144);
    lks_session_close(s);
}

/* y is x, reshaped: int32 inside, int64 outside. */
static lks_model *make_wide_model(lks_error *error)
{
    lks_tensor x = { .name = "wide", .type = LKS_I32, .interface = LKS_I64, .rank = 2, .dims = { 1, 3 } }, y = x;
    const lks_op_args none = { { 0 } };
    lks_builder *b = lks_builder_open();
    uint32_t operand, output;
    lks_model *m = NULL;
    uint8_t *bytes;
    size_t size;

    y.rank = 3;
    y.dims[1] = 1;
    y.dims[2] = 3;
    operand = lks_builder_tensor(b, &x);
    output = lks_builder_tensor(b, &y);
    lks_builder_input(b, operand);
    lks_builder_op(b, LKS_OP_RESHAPE, &operand, &output, &none);
    lks_builder_output(b, output);
    if (lks_builder_write(b, &bytes, &size, error) == LKS_OK)
        lks_model_read(bytes, size, "made", NULL, &m, error);
    lks_builder_close(b);
    return m;
}

Test(session, converts_i64_and_refuses_what_int32_does_not_hold)
{
    lks_error error;
    lks_model *m = make_wide_model(&error);
    lks_session_options o = { .max_batch = 2, .keep = 1 };
    int64_t in_values[6] = { 0, -1, INT32_MAX, INT32_MIN, 65536, -65537 }, out_values[6], same[6];
    lks_in in = { in_values, sizeof in_values };
    lks_out out = { out_values, sizeof out_values };
    lks_session *s;

    cr_assert_not_null(m, "%s", error.text);
    cr_assert_eq(lks_session_open(m, &o, &s, &error), LKS_OK, "%s", error.text);
    cr_assert_eq(lks_session_run(s, &in, &out, &error), LKS_OK, "%s", error.text);
    cr_assert_arr_eq(out_values, in_values, sizeof in_values);
    cr_assert_eq(lks_session_read(s, 0, same, sizeof same, &error), LKS_OK, "%s", error.text);
    cr_assert_arr_eq(same, in_values, sizeof in_values);
    cr_assert_eq(lks_session_read(s, 0, same, sizeof same / 2, &error), LKS_ERR_ARGUMENT);
    in_values[4] = (int64_t)INT32_MAX + 1;
    cr_assert_eq(lks_session_run(s, &in, &out, &error), LKS_ERR_ARGUMENT);
    cr_assert_not_null(strstr(error.text, "\"wide\": element 4"), "%s", error.text);
    in_values[4] = (int64_t)INT32_MIN - 1;
    cr_assert_eq(lks_session_run(s, &in, &out, &error), LKS_ERR_ARGUMENT);
    lks_session_close(s);
    lks_model_close(m);
}

Test(session, wrong_sizes_are_refused_and_nothing_runs)
{
    lks_error error;
    lks_model *m = make_model(LKS_I8, 1, &error);
    lks_session_options o = { .max_batch = 2, .keep = 1 };
    int8_t data[200] = { 0 }, result[200];
    lks_session *s;

    cr_assert_eq(lks_session_open(m, &o, &s, &error), LKS_OK, "%s", error.text);
    static const struct { size_t in, out; } sizes[] = {
        { 0, 48 }, { 47, 48 }, { 48, 47 }, { 48, 96 }, { 96, 48 }, { 144, 144 }, { 49, 48 }
    };

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        lks_in in = { data, sizes[i].in };
        lks_out out = { result, sizes[i].out };

        memset(result, 0x55, sizeof result);
        cr_assert_eq(lks_session_run(s, &in, &out, &error), LKS_ERR_ARGUMENT, "sizes %zu", i);
        cr_assert(error.text[0] && result[0] == 0x55);
        cr_assert_eq(lks_session_read(s, 0, result, 48, &error), LKS_ERR_ARGUMENT);
    }
    cr_assert_eq(lks_session_run(s, &(lks_in){ NULL, 48 }, &(lks_out){ result, 48 }, &error), LKS_ERR_ARGUMENT);
    lks_session_close(s);
    lks_model_close(m);
}

Test(session, unknown_devices_are_refused)
{
    lks_error error;
    lks_model *m = make_model(LKS_I8, 1, &error);
    lks_session *s = (lks_session *)m;

    cr_assert_eq(lks_session_open(m, &(lks_session_options){ .backend = "abacus" }, &s, &error), LKS_ERR_NO_DEVICE);
    cr_assert_null(s);
    cr_assert_not_null(strstr(error.text, "abacus"));
    cr_assert_eq(lks_session_open(m, &(lks_session_options){ .backend = "cpu_ref", .device = 7 }, &s, NULL), LKS_ERR_NO_DEVICE);
    cr_assert_null(s);
    lks_model_close(m);
}

Test(session, sessions_share_an_open_device)
{
    lks_error error;
    lks_model *m = make_model(LKS_I8, 1, &error);
    int8_t in_bytes[48] = { 1, 2, 3 }, out_bytes[2][48];
    lks_session_options o = { .context = NULL };
    lks_device_info info;
    lks_context *c;
    lks_session *s[2];

    cr_assert_eq(lks_context_open(&(lks_context_options){ .backend = "abacus" }, &c, &error), LKS_ERR_NO_DEVICE);
    cr_assert_null(c);
    cr_assert_eq(lks_context_open(&(lks_context_options){ .backend = "cpu_ref", .threads = 2 }, &c, &error), LKS_ERR_ARGUMENT);
    cr_assert_not_null(strstr(error.text, "2 threads"));
    cr_assert_eq(lks_context_open(&(lks_context_options){ .backend = "cpu_ref", .isa = "c" }, &c, &error), LKS_ERR_ARGUMENT);
    cr_assert_null(c);
    cr_assert_not_null(strstr(error.text, "instruction set \"c\""));
    cr_assert_eq(lks_context_open(NULL, &c, &error), LKS_OK, "%s", error.text);
    lks_context_device(c, &info);
    cr_assert(info.usable && info.backend[0]);
    o.context = c;
    o.backend = "cpu_ref";
    cr_assert_eq(lks_session_open(m, &o, &s[0], &error), LKS_ERR_ARGUMENT);     /* the context knows its backend */
    o.backend = NULL;
    for (int i = 0; i < 2; i++)
        cr_assert_eq(lks_session_open(m, &o, &s[i], &error), LKS_OK, "%s", error.text);
    lks_context_close(c);                                                       /* the sessions keep it alive */
    for (int i = 0; i < 2; i++) {
        lks_in in = { in_bytes, 48 };
        lks_out out = { out_bytes[i], 48 };

        cr_assert_eq(lks_session_run(s[i], &in, &out, &error), LKS_OK, "%s", error.text);
        lks_session_close(s[i]);
    }
    cr_assert_arr_eq(out_bytes[0], out_bytes[1], 48);
    lks_model_close(m);
}

Test(session, an_instruction_set_chooses_its_backend)
{
    lks_device_info info;
    lks_error error;
    lks_context *c;

    cr_assert_eq(lks_context_open(&(lks_context_options){ .isa = "c", .threads = 1 }, &c, &error), LKS_OK, "%s", error.text);
    lks_context_device(c, &info);
    cr_assert_str_eq(info.backend, "cpu");
    lks_context_close(c);
    cr_assert_eq(lks_context_open(&(lks_context_options){ .isa = "abacus" }, &c, &error), LKS_ERR_ARGUMENT);
    cr_assert_null(c);
    cr_assert_not_null(strstr(error.text, "cpu: instruction set \"abacus\": this machine has"));
    cr_assert_eq(lks_context_open(&(lks_context_options){ .threads = 100000 }, &c, &error), LKS_ERR_ARGUMENT);
    cr_assert_null(c);
}

Test(session, reading_without_keep_is_refused)
{
    lks_error error;
    lks_model *m = make_model(LKS_I8, 2, &error);
    int8_t data[48] = { 0 };
    lks_session *s;

    cr_assert_eq(lks_session_open(m, NULL, &s, &error), LKS_OK, "%s", error.text);
    cr_assert_eq(lks_session_run(s, &(lks_in){ data, 48 }, &(lks_out){ data, 48 }, &error), LKS_OK, "%s", error.text);
    cr_assert_eq(lks_session_read(s, 0, data, 48, &error), LKS_ERR_ARGUMENT);
    lks_session_close(s);
    lks_model_close(m);
}

/* No two activations that are alive together may overlap; a chain needs two places however long it is. */
Test(plan, shares_memory_but_never_between_neighbours)
{
    lks_error error;
    lks_model *m = make_model(LKS_I8, 50, &error);
    lks_plan_options o = { .max_batch = 5 };
    lks_plan *p;

    cr_assert_eq(lks_plan_make(m, &o, &p, &error), LKS_OK, "%s", error.text);
    cr_assert_eq(p->arena_bytes, 2 * 256);          /* 5 * 48 = 240 bytes, aligned to 64 */
    for (uint32_t i = 0; i < p->step_count; i++)
        cr_assert_neq(p->tensors[p->steps[i].x].offset, p->tensors[p->steps[i].y].offset);
    lks_plan_free(p);
    o.keep = 1;
    cr_assert_eq(lks_plan_make(m, &o, &p, &error), LKS_OK, "%s", error.text);
    cr_assert_eq(p->arena_bytes, 51 * 256);
    lks_plan_free(p);
    lks_model_close(m);
}

/* spec 7: 2^24 images; and 48 elements an image leave room for less than 2^31 / 48 of them. */
Test(session, a_batch_beyond_the_limits_is_refused)
{
    lks_error error;
    lks_model *m = make_model(LKS_I8, 2, &error);
    lks_cost cost;
    lks_session *s;

    cr_assert_eq(lks_session_open(m, &(lks_session_options){ .max_batch = UINT32_MAX }, &s, &error), LKS_ERR_ARGUMENT);
    cr_assert_eq(lks_session_open(m, &(lks_session_options){ .max_batch = (1 << 24) + 1 }, &s, &error), LKS_ERR_ARGUMENT);
    cr_assert_eq(lks_model_cost(m, (1 << 24) + 1, &cost), LKS_ERR_ARGUMENT);
    cr_assert_eq(lks_model_cost(m, 0, &cost), LKS_ERR_ARGUMENT);
    cr_assert_eq(lks_model_cost(m, 1 << 24, &cost), LKS_OK);
    cr_assert_eq(cost.peak_bytes, (uint64_t)96 << 24);
    lks_model_close(m);
}

Test(model, limits_are_kept)
{
    const lks_limits little_memory = { .mem_bytes = 300 }, little_work = { .work = 47 },
        enough = { .mem_bytes = 352, .work = 48 };
    lks_error error;
    lks_model_info info;
    lks_model *m = make_model(LKS_I8, 1, &error), *other;

    lks_model_get(m, &info);
    cr_assert_eq(lks_model_parse(info.file, info.file_bytes, "m", &little_memory, &other, &error), LKS_ERR_LIMIT);
    cr_assert_eq(lks_model_parse(info.file, info.file_bytes, "m", &little_work, &other, &error), LKS_ERR_LIMIT);
    cr_assert_eq(lks_model_parse(info.file, info.file_bytes, "m", &enough, &other, &error), LKS_OK, "%s", error.text);
    lks_model_close(other);
    lks_model_close(m);
}

/* Whatever byte of a small file changes: it is refused, or it is a file that is written back byte for byte. */
Test(model, every_byte_counts)
{
    lks_error error;
    lks_model_info info, other_info;
    lks_model *m = make_model(LKS_U8, 2, &error), *other;
    uint8_t *copy;

    lks_model_get(m, &info);
    copy = malloc(info.file_bytes);
    memcpy(copy, info.file, info.file_bytes);
    for (size_t i = 0; i < info.file_bytes; i++)
        for (int bit = 0; bit < 8; bit++) {
            copy[i] ^= (uint8_t)(1 << bit);
            if (lks_model_parse(copy, info.file_bytes, "changed", NULL, &other, &error) == LKS_OK) {
                lks_model_get(other, &other_info);
                cr_assert_arr_eq(other_info.file, copy, info.file_bytes);
                cr_assert(memcmp(other_info.digest, info.digest, LKS_DIGEST_SIZE) != 0);
            }
            lks_model_close(other);
            copy[i] ^= (uint8_t)(1 << bit);
        }
    for (size_t n = 0; n < info.file_bytes; n++)
        cr_assert_eq(lks_model_parse(copy, n, "cut", NULL, &other, &error), LKS_ERR_FORMAT, "cut to %zu bytes", n);
    free(copy);
    lks_model_close(m);
}
