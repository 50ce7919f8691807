/* SPDX-License-Identifier: Apache-2.0
 *
 * The check options of a session as far as they need no second backend; tests/faulty/self_check_test.c has the rest.
 */
#include "host/model.h"
#include "host/session.h"

#include <criterion/criterion.h>
#include <string.h>

/* y = max_pool(x) of one element. */
static lks_model *make_model(void)
{
    const lks_tensor t = { .name = "t", .type = LKS_I8, .interface = LKS_I8, .rank = 4, .dims = { 1, 1, 1, 1 } };
    const lks_op_args args = { .pool = { .kernel_h = 1, .kernel_w = 1, .stride_h = 1, .stride_w = 1,
                                         .y_min = -128, .y_max = 127 } };
    lks_builder *b = lks_builder_open();
    uint32_t x = lks_builder_tensor(b, &t), y = lks_builder_tensor(b, &t);
    lks_error error;
    lks_model *m = NULL;
    uint8_t *bytes;
    size_t size;

    lks_builder_input(b, x);
    lks_builder_op(b, LKS_OP_MAX_POOL, &x, &y, &args);
    lks_builder_output(b, y);
    cr_assert_eq(lks_builder_write(b, &bytes, &size, &error), LKS_OK, "%s", error.text);
    cr_assert_eq(lks_model_read(bytes, size, "made", NULL, &m, &error), LKS_OK, "%s", error.text);
    lks_builder_close(b);
    return m;
}

Test(self_check, options_that_make_no_sense_are_refused)
{
    static const lks_session_options wrong[] = {
        { .check = LKS_CHECK_SAMPLE, .sample_every = 0 },
        { .check = (lks_check)17 },
        { .backend = "cpu_ref", .check = (lks_check)17, .sample_every = 3 },
    };
    lks_model *m = make_model();

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        lks_error error;
        lks_session *s = (lks_session *)m;

        cr_assert_eq(lks_session_open(m, &wrong[i], &s, &error), LKS_ERR_ARGUMENT, "row %zu", i);
        cr_assert_null(s);
        cr_assert_not_null(strstr(error.text, "check"));
    }
    lks_model_close(m);
}

Test(self_check, the_reference_is_its_own)
{
    static const lks_session_options rules[] = {
        { .check = LKS_CHECK_AUTO }, { .check = LKS_CHECK_NONE }, { .check = LKS_CHECK_FULL },
        { .check = LKS_CHECK_SAMPLE, .sample_every = 1 }, { .check = LKS_CHECK_SAMPLE, .sample_every = UINT32_MAX },
    };
    lks_model *m = make_model();

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        lks_session_options o = rules[i];
        int8_t x = -7, y = 0;
        lks_mismatch where = { .count = 1 };
        lks_session *s;

        o.backend = "cpu_ref";
        cr_assert_eq(lks_session_open(m, &o, &s, NULL), LKS_OK, "row %zu", i);
        cr_assert_eq(lks_session_run(s, &(lks_in){ &x, 1 }, &(lks_out){ &y, 1 }, NULL), LKS_OK);
        cr_assert_eq(y, -7);
        cr_assert_null(s->reference);
        cr_assert_eq(lks_session_mismatch(s, &where), LKS_OK);
        cr_assert_eq(where.count, 0);
        lks_session_close(s);
    }
    lks_model_close(m);
}
