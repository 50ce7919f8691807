/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions that check themselves, on devices that are wrong: which runs are checked, and what follows.
 *
 * self_check_test      linked with the faulty backends, and with --wrap for malloc
 */
#include "host/model.h"
#include "host/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGE = 48, BATCH = 3, BYTES = IMAGE * BATCH };

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static int no_memory;
static long until_failure = -1;     /* allocations that still succeed, and one fails; negative: all succeed */
static long allocations;
static int failures;

void *__wrap_malloc(size_t size)
{
    allocations++;
    return no_memory || (until_failure >= 0 && until_failure-- == 0) ? NULL : __real_malloc(size);
}

#define CHECK(condition)                                                                  \
    do                                                                                    \
        if (!(condition)) {                                                               \
            printf("FAIL %s:%d: %s: %s\n", __FILE__, __LINE__, __func__, #condition);     \
            failures++;                                                                   \
        }                                                                                 \
    while (0)

/* ---- a model ------------------------------------------------------------------------------------------------------------- */

static uint32_t make_tensor(lks_builder *b, const char *name, lks_type interface)
{
    const lks_tensor t = { .name = name, .type = LKS_I8, .interface = interface, .rank = 4, .dims = { 1, 4, 4, 3 } };

    return lks_builder_tensor(b, &t);
}

static uint32_t make_table(lks_builder *b)
{
    int8_t values[LKS_TABLE_SIZE];
    const lks_tensor t = { .name = "table", .type = LKS_I8, .interface = LKS_I8, .constant = 1, .rank = 1,
                           .dims = { LKS_TABLE_SIZE }, .data = values };

    for (int i = 0; i < LKS_TABLE_SIZE; i++)
        values[i] = (int8_t)(i * 37 % 256 - 128);
    return lks_builder_tensor(b, &t);
}

static void make_ops(lks_builder *b)
{
    const lks_op_args pool = { .pool = { .kernel_h = 1, .kernel_w = 1, .stride_h = 1, .stride_w = 1,
                                         .y_min = -128, .y_max = 127 } };
    const lks_op_args add = { .add = { .a_m = 1, .b_m = 1, .m = 1 << 30, .s = 31, .y_min = -128, .y_max = 127 } };
    const lks_op_args none = { { 0 } };
    uint32_t x = make_tensor(b, "x", LKS_I8), table = make_table(b), p = make_tensor(b, "p", LKS_I8);
    uint32_t l = make_tensor(b, "l", LKS_I8), y = make_tensor(b, "y", LKS_U8);

    lks_builder_input(b, x);
    lks_builder_op(b, LKS_OP_MAX_POOL, &x, &p, &pool);
    lks_builder_op(b, LKS_OP_LUT, (const uint32_t[]){ p, table }, &l, &none);
    lks_builder_op(b, LKS_OP_ADD, (const uint32_t[]){ l, p }, &y, &add);
    lks_builder_output(b, y);
}

enum { OP_LUT = 1, OP_ADD = 2 };

/* p = x; l = table[p]; y = (l + p) / 2 as u8. */
static lks_model *make_model(void)
{
    lks_builder *b = lks_builder_open();
    lks_model *m = NULL;
    lks_error error = { LKS_OK, "" };
    uint8_t *bytes;
    size_t size;

    make_ops(b);
    if (lks_builder_write(b, &bytes, &size, &error) == LKS_OK)
        lks_model_read(bytes, size, "made", NULL, &m, &error);
    lks_builder_close(b);
    if (!m) {
        printf("FAIL the model: %s\n", error.text);
        exit(EXIT_FAILURE);
    }
    return m;
}

/* ---- runs ---------------------------------------------------------------------------------------------------------------- */

typedef struct fixture {
    lks_model *model;
    lks_session *session;
    int8_t x[BYTES];
    uint8_t y[BYTES], expected[BYTES];
    lks_error error;
} fixture;

static lks_status run_into(fixture *f, lks_session *s, uint8_t *y, size_t images)
{
    return lks_session_run(s, &(lks_in){ f->x, IMAGE * images }, &(lks_out){ y, IMAGE * images }, &f->error);
}

/* Open a session, and know what the reference gives.  Element 5 of each image is 127, which faulty-table gets wrong. */
static void begin(fixture *f, lks_session_options o)
{
    const lks_session_options healthy = { .backend = "cpu_ref", .max_batch = BATCH };
    lks_session *reference;

    memset(f, 0, sizeof *f);
    f->model = make_model();
    for (int i = 0; i < BYTES; i++)
        f->x[i] = (int8_t)(i % IMAGE == 5 ? 127 : i * 29 % 255 - 128);
    CHECK(lks_session_open(f->model, &healthy, &reference, NULL) == LKS_OK);
    CHECK(run_into(f, reference, f->expected, BATCH) == LKS_OK);
    lks_session_close(reference);
    o.max_batch = BATCH;
    if (lks_session_open(f->model, &o, &f->session, &f->error) == LKS_OK)
        return;
    printf("FAIL %s: %s\n", o.backend, f->error.text);
    exit(EXIT_FAILURE);
}

static void end(fixture *f)
{
    lks_session_close(f->session);
    lks_model_close(f->model);
}

static lks_status run_images(fixture *f, size_t images)
{
    memset(f->y, 0x55, sizeof f->y);
    return run_into(f, f->session, f->y, images);
}

static int right(const fixture *f, size_t images)
{
    return memcmp(f->y, f->expected, IMAGE * images) == 0;
}

/* The first of at most `most` runs that ends in a mismatch; 0: none.  *wrong counts runs that passed with wrong bytes. */
static int first_caught(lks_session_options o, int most, int *wrong)
{
    fixture f;
    int caught = 0;

    *wrong = 0;
    begin(&f, o);
    for (int i = 1; i <= most && !caught; i++) {
        lks_status st = run_images(&f, 1);

        CHECK(st == LKS_OK || st == LKS_ERR_MISMATCH);
        caught = st == LKS_ERR_MISMATCH ? i : 0;
        *wrong += st == LKS_OK && !right(&f, 1);
        CHECK(st == LKS_OK || right(&f, 1));
    }
    end(&f);
    return caught;
}

/* ---- which runs are checked ---------------------------------------------------------------------------------------------- */

enum { ONCE = 0, FROM_THEN_ON = 1 };        /* devices of faulty-flaky: wrong on run 3 */

static void test_which_runs_are_checked(void)
{
    static const struct {
        const char *backend;
        uint32_t device;
        lks_check check;
        uint32_t every;
        int caught, wrong;      /* in 200 runs */
    } rows[] = {
        { "faulty-table", 0, LKS_CHECK_FULL, 0, 1, 0 },
        { "faulty-table", 0, LKS_CHECK_AUTO, 0, 1, 0 },
        { "faulty-table", 0, LKS_CHECK_SAMPLE, 1000, 1, 0 },
        { "faulty-table", 0, LKS_CHECK_NONE, 0, 0, 200 },
        { "faulty-flaky", ONCE, LKS_CHECK_FULL, 0, 3, 0 },
        { "faulty-flaky", ONCE, LKS_CHECK_SAMPLE, 1, 3, 0 },
        { "faulty-flaky", ONCE, LKS_CHECK_SAMPLE, 2, 3, 0 },
        { "faulty-flaky", ONCE, LKS_CHECK_SAMPLE, 3, 0, 1 },
        { "faulty-flaky", ONCE, LKS_CHECK_AUTO, 0, 0, 1 },
        { "faulty-flaky", FROM_THEN_ON, LKS_CHECK_FULL, 0, 3, 0 },
        { "faulty-flaky", FROM_THEN_ON, LKS_CHECK_SAMPLE, 4, 5, 2 },
        { "faulty-flaky", FROM_THEN_ON, LKS_CHECK_SAMPLE, 100, 101, 98 },
        { "faulty-flaky", FROM_THEN_ON, LKS_CHECK_AUTO, 0, 65, 62 },
        { "faulty-flaky", FROM_THEN_ON, LKS_CHECK_SAMPLE, UINT32_MAX - 1, 0, 198 },
        { "faulty-flaky", FROM_THEN_ON, LKS_CHECK_NONE, 0, 0, 198 },
        { "faulty-flip", 0, LKS_CHECK_FULL, 0, 0, 0 },      /* wrong in an op that the model does not have */
        { "cpu_ref", 0, LKS_CHECK_FULL, 0, 0, 0 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const lks_session_options o = { .backend = rows[i].backend, .device = rows[i].device, .check = rows[i].check,
                                        .sample_every = rows[i].every };
        int wrong, caught = first_caught(o, 200, &wrong);

        if (caught == rows[i].caught && wrong == rows[i].wrong)
            continue;
        printf("FAIL row %zu: caught at run %d, not %d; %d runs passed with wrong bytes, not %d\n", i, caught, rows[i].caught,
               wrong, rows[i].wrong);
        failures++;
    }
}

/* The check is of the very batch that was run. */
static void test_batches(void)
{
    fixture f;
    lks_mismatch where;

    begin(&f, (lks_session_options){ .backend = "faulty-batch", .check = LKS_CHECK_FULL });
    CHECK(run_images(&f, 1) == LKS_OK && right(&f, 1));
    CHECK(run_images(&f, BATCH) == LKS_ERR_MISMATCH && right(&f, BATCH));
    CHECK(lks_session_mismatch(f.session, &where) == LKS_ERR_MISMATCH);
    CHECK(where.op == OP_ADD && where.at[0] == 1 && where.first >= IMAGE && where.first < 2 * IMAGE);
    end(&f);
}

static void test_variants(void)
{
    fixture f;
    lks_mismatch where;

    begin(&f, (lks_session_options){ .backend = "faulty-variant", .check = LKS_CHECK_FULL });
    CHECK(run_images(&f, BATCH) == LKS_OK && right(&f, BATCH));
    end(&f);
    begin(&f, (lks_session_options){ .backend = "faulty-variant", .variant = "wrong", .check = LKS_CHECK_FULL });
    CHECK(run_images(&f, BATCH) == LKS_ERR_MISMATCH && right(&f, BATCH));
    CHECK(lks_session_mismatch(f.session, &where) == LKS_ERR_MISMATCH);
    CHECK(where.op == OP_ADD && where.first == 0 && where.count == 1 && (where.expected ^ where.got) == 1);
    end(&f);
}

/* ---- what follows a mismatch --------------------------------------------------------------------------------------------- */

static void test_the_first_op_is_named(void)
{
    fixture f;
    lks_mismatch m;
    lks_tensor_info t;

    begin(&f, (lks_session_options){ .backend = "faulty-table" });
    CHECK(lks_session_mismatch(f.session, &m) == LKS_OK && m.count == 0);
    CHECK(run_images(&f, 2) == LKS_ERR_MISMATCH && right(&f, 2));
    CHECK(lks_session_mismatch(f.session, &m) == LKS_ERR_MISMATCH);
    lks_model_tensor(f.model, m.tensor, &t);
    CHECK(m.op == OP_LUT && strcmp(t.name, "l") == 0);
    CHECK(m.first == 5 && m.at[0] == 0 && m.at[1] == 0 && m.at[2] == 1 && m.at[3] == 2 && m.count == 2);
    CHECK(m.expected == 255 * 37 % 256 - 128 && m.got == 254 * 37 % 256 - 128);
    CHECK(strstr(f.error.text, "faulty-table 0") && strstr(f.error.text, "op 1 (lut \"l\"), element 5: expected 91, got 54"));
    end(&f);
}

/* Running again does not show it: the output itself is named, in its interface type. */
static void test_what_comes_and_goes(void)
{
    fixture f;
    lks_mismatch m;

    begin(&f, (lks_session_options){ .backend = "faulty-flaky", .device = ONCE, .check = LKS_CHECK_FULL });
    CHECK(run_images(&f, 1) == LKS_OK && run_images(&f, 1) == LKS_OK && run_images(&f, 1) == LKS_ERR_MISMATCH);
    CHECK(lks_session_mismatch(f.session, &m) == LKS_ERR_MISMATCH);
    CHECK(m.op == OP_ADD && m.tensor == lks_model_output(f.model, 0) && m.first == IMAGE - 1 && m.count == 1);
    CHECK(m.expected == f.expected[IMAGE - 1] && m.got == (m.expected ^ 1));
    CHECK(strstr(f.error.text, "op 2 (add \"y\")") != NULL);
    end(&f);
}

static void test_the_session_is_over(void)
{
    fixture f;
    lks_mismatch before, after;
    uint8_t y[IMAGE];

    begin(&f, (lks_session_options){ .backend = "faulty-table", .keep = 1 });
    CHECK(run_images(&f, 1) == LKS_ERR_MISMATCH);
    CHECK(lks_session_read(f.session, lks_model_output(f.model, 0), y, IMAGE, &f.error) == LKS_ERR_ARGUMENT);
    lks_session_mismatch(f.session, &before);
    for (int i = 0; i < 3; i++) {
        memset(f.y, 0x55, sizeof f.y);
        CHECK(run_into(&f, f.session, f.y, 1) == LKS_ERR_MISMATCH && f.y[0] == 0x55 && f.y[IMAGE - 1] == 0x55);
        CHECK(strstr(f.error.text, "before") != NULL);
    }
    CHECK(lks_session_mismatch(f.session, &after) == LKS_ERR_MISMATCH && memcmp(&before, &after, sizeof before) == 0);
    end(&f);
}

static void test_other_sessions_go_on(void)
{
    const lks_session_options healthy = { .backend = "cpu_ref" }, other = { .backend = "faulty-flip" };
    const lks_session_options same = { .backend = "faulty-table", .check = LKS_CHECK_NONE };
    fixture f;
    lks_session *s[3];

    begin(&f, (lks_session_options){ .backend = "faulty-table" });
    CHECK(lks_session_open(f.model, &healthy, &s[0], NULL) == LKS_OK);
    CHECK(run_images(&f, 1) == LKS_ERR_MISMATCH);
    CHECK(lks_session_open(f.model, &other, &s[1], NULL) == LKS_OK);
    CHECK(lks_session_open(f.model, &same, &s[2], NULL) == LKS_OK);
    for (int i = 0; i < 3; i++) {
        CHECK(run_into(&f, s[i], f.y, 1) == LKS_OK);
        CHECK(right(&f, 1) == (i < 2));
        lks_session_close(s[i]);
    }
    end(&f);
}

/* ---- options, and runs that fail ----------------------------------------------------------------------------------------- */

static void test_options(void)
{
    static const char *const backends[] = { "cpu_ref", "faulty-flip" };
    lks_model *m = make_model();
    lks_session *s;

    for (int i = 0; i < 2; i++) {
        const lks_session_options none = { .backend = backends[i], .check = LKS_CHECK_SAMPLE, .sample_every = 0 };
        const lks_session_options unknown = { .backend = backends[i], .check = (lks_check)17 };

        CHECK(lks_session_open(m, &none, &s, NULL) == LKS_ERR_ARGUMENT && s == NULL);
        CHECK(lks_session_open(m, &unknown, &s, NULL) == LKS_ERR_ARGUMENT && s == NULL);
        lks_session_close(s);
    }
    CHECK(lks_session_open(m, &(lks_session_options){ .backend = "faulty-refuse" }, &s, NULL) == LKS_ERR_DEVICE && s == NULL);
    lks_model_close(m);
}

static void test_the_reference_checks_nothing(void)
{
    fixture f;

    begin(&f, (lks_session_options){ .backend = "cpu_ref", .check = LKS_CHECK_FULL });
    CHECK(run_images(&f, BATCH) == LKS_OK && right(&f, BATCH));
    CHECK(f.session->reference == NULL);
    end(&f);
}

static void test_a_lost_device(void)
{
    fixture f;
    lks_mismatch m;

    begin(&f, (lks_session_options){ .backend = "faulty-lost", .check = LKS_CHECK_FULL });
    CHECK(run_images(&f, 1) == LKS_OK && right(&f, 1));
    CHECK(run_images(&f, 1) == LKS_ERR_DEVICE);
    CHECK(lks_session_mismatch(f.session, &m) == LKS_OK);
    end(&f);
}

/* A run that could not be checked is not a run that was checked: the next one is. */
static void test_a_check_that_failed_is_made_up_for(void)
{
    fixture f;

    begin(&f, (lks_session_options){ .backend = "faulty-table", .check = LKS_CHECK_AUTO });
    no_memory = 1;
    CHECK(run_images(&f, 1) == LKS_ERR_NOMEM);
    no_memory = 0;
    CHECK(run_images(&f, 1) == LKS_ERR_MISMATCH && right(&f, 1));
    end(&f);
}

/* With keep, each tensor that is compared takes memory: where there is none, nothing is known, and nothing passes for equal. */
static void test_no_check_passes_for_want_of_memory(void)
{
    fixture f;
    long all;

    begin(&f, (lks_session_options){ .backend = "faulty-flip", .check = LKS_CHECK_FULL, .keep = 1 });
    CHECK(run_images(&f, 1) == LKS_OK);         /* opens the reference */
    allocations = 0;
    CHECK(run_images(&f, 1) == LKS_OK);
    all = allocations;
    CHECK(all >= 3);
    for (long i = 0; i < all; i++) {
        until_failure = i;
        CHECK(run_images(&f, 1) == LKS_ERR_NOMEM);
        until_failure = -1;
    }
    CHECK(run_images(&f, 1) == LKS_OK && right(&f, 1));
    end(&f);
}

/* A run that was refused for its sizes is none. */
static void test_refused_runs_do_not_count(void)
{
    fixture f;

    begin(&f, (lks_session_options){ .backend = "faulty-table", .check = LKS_CHECK_AUTO });
    CHECK(run_images(&f, BATCH + 1) == LKS_ERR_ARGUMENT && run_images(&f, 0) == LKS_ERR_ARGUMENT);
    CHECK(run_images(&f, 1) == LKS_ERR_MISMATCH);
    end(&f);
}

int main(void)
{
    test_which_runs_are_checked();
    test_batches();
    test_variants();
    test_the_first_op_is_named();
    test_what_comes_and_goes();
    test_the_session_is_over();
    test_other_sessions_go_on();
    test_options();
    test_the_reference_checks_nothing();
    test_a_lost_device();
    test_a_check_that_failed_is_made_up_for();
    test_no_check_passes_for_want_of_memory();
    test_refused_runs_do_not_count();
    printf("%s\n", failures ? "FAILED" : "PASSED");
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
