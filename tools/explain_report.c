/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep explain`: telling a worked sum, as text or JSON.
 */
#include "tools/explain_report.h"
#include "tools/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void place(const uint32_t *at, uint32_t rank, char text[SHAPE_SIZE])
{
    lks_tensor_info t = { .rank = rank };

    memcpy(t.dims, at, sizeof t.dims);
    tensor_shape(&t, text);
}

static const char *answer_word(const explaining *x, const explain_answer *a)
{
    if (!a->device.info.usable)
        return "not usable";
    if (!a->ran)
        return "FAILED";
    return explain_agrees(x, a) ? "agrees" : "DISAGREES";
}

/* ---- text ---------------------------------------------------------------------------------------------------------------- */

static void print_operand(const explaining *x, uint32_t i)
{
    const explain_tensor *t = &x->e.in[i];
    char shape[SHAPE_SIZE];

    place(t->dims, t->rank, shape);
    printf("operand %" PRIu32 "  %s %s%s  \"%.80s\"\n", i, tensor_type_name(t->tensor->interface), shape,
           t->tensor->constant ? " constant" : "", t->tensor->name);
}

static void print_head(const explaining *x)
{
    const explanation *e = &x->e;
    char hex[HEX_SIZE], shape[SHAPE_SIZE], at[SHAPE_SIZE];

    digest_hex(x->info.digest, hex);
    place(e->y.dims, e->y.rank, shape);
    place(e->at, e->y.rank, at);
    printf("model  sha256 %s  %s\n", hex, x->options->model);
    printf("op  %" PRIu32 " %s%s%s\n", x->options->op, x->op.kind, x->op.rounding[0] ? ", rounding " : "", x->op.rounding);
    for (uint32_t i = 0; i < e->op->operand_count; i++)
        print_operand(x, i);
    if (e->op->output_count > 1)
        printf("output %" PRIu32 " of %" PRIu32, e->output, e->op->output_count);
    else
        printf("output");
    printf("  %s %s  \"%.80s\"\n", tensor_type_name(e->y.tensor->interface), shape, e->y.tensor->name);
    printf("at  %s\n", at);
}

static void print_gap(const explanation *e)
{
    printf("    ...  %" PRIu64 " terms", e->terms - e->kept);
    if (e->sums)
        printf(" with the sum %" PRId64, e->hidden);
    puts("; --all prints them");
}

static void print_term(const explanation *e, const explain_term *t, int width)
{
    char at[SHAPE_SIZE] = "padding";

    if (!t->padded)
        place(t->at, e->in[0].rank, at);
    printf("%7" PRIu64 "  %-*s", t->index, width, at);
    for (uint32_t i = 0; i < e->columns; i++) {
        if (e->has_w && i == 2) {
            place(t->w_at, e->in[1].rank, at);
            printf("  %-*s", width, at);
        }
        printf("  %13" PRId64, t->value[i]);
    }
    putchar('\n');
}

static void print_terms(const explanation *e)
{
    const int width = 18;

    if (e->columns == 0)
        return;
    printf("\n%7s  %-*s", "term", width, "x at");
    for (uint32_t i = 0; i < e->columns; i++) {
        if (e->has_w && i == 2)
            printf("  %-*s", width, "w at");
        printf("  %13s", e->column[i]);
    }
    putchar('\n');
    for (size_t i = 0; i < e->kept; i++) {
        if (i > 0 && e->term[i].index != e->term[i - 1].index + 1)
            print_gap(e);
        print_term(e, &e->term[i], width);
    }
    if (e->sums)
        printf("%7s  %" PRId64 ", of %" PRIu64 " terms\n", "sum", e->sum, e->terms);
}

static void print_answers(const explaining *x)
{
    for (size_t i = 0; i < x->count; i++) {
        const explain_answer *a = &x->answer[i];

        printf("%s %" PRIu32 "  ", a->device.info.backend, a->device.index);
        if (a->ran)
            printf("%" PRId64 "  ", a->value);
        printf("%s%s%s", answer_word(x, a), a->failure[0] ? ": " : "", a->failure);
        if (a->earlier && !explain_agrees(x, a))
            printf(": its op %" PRIu32 " \"%.80s\" differs from cpu_ref's already: explain that one", a->earlier->op,
                   a->earlier->tensor.name);
        putchar('\n');
    }
}

void explain_print_text(const explaining *x)
{
    const explanation *e = &x->e;

    print_head(x);
    print_terms(e);
    putchar('\n');
    for (size_t i = 0; i < e->steps; i++)
        printf("%14s = %-11" PRId64 "  %s\n", e->step[i].name, e->step[i].value, e->step[i].text);
    printf("\nworked out  %" PRId64, e->result);
    if (e->result != e->stored)
        printf("  (u8: %" PRId64 " + 128)", e->stored);
    putchar('\n');
    print_answers(x);
}

/* ---- JSON ---------------------------------------------------------------------------------------------------------------- */

static void json_place(json *j, const char *key, const uint32_t *at, uint32_t rank)
{
    json_open(j, key, '[');
    for (uint32_t i = 0; i < rank; i++)
        json_u64(j, NULL, at[i]);
    json_close(j);
}

static void json_term(json *j, const explanation *e, const explain_term *t)
{
    json_open(j, NULL, '{');
    json_u64(j, "term", t->index);
    if (t->padded)
        json_text(j, "x_at", NULL);
    else
        json_place(j, "x_at", t->at, e->in[0].rank);
    if (e->has_w)
        json_place(j, "w_at", t->w_at, e->in[1].rank);
    json_open(j, "values", '[');
    for (uint32_t i = 0; i < e->columns; i++)
        json_i64(j, NULL, t->value[i]);
    json_close(j);
    json_close(j);
}

static void json_terms(json *j, const explanation *e)
{
    json_open(j, "columns", '[');
    for (uint32_t i = 0; i < e->columns; i++)
        json_text(j, NULL, e->column[i]);
    json_close(j);
    json_open(j, "terms", '[');
    for (size_t i = 0; i < e->kept; i++)
        json_term(j, e, &e->term[i]);
    json_close(j);
    json_u64(j, "term_count", e->terms);
    if (!e->sums)
        return;
    json_i64(j, "sum", e->sum);
    json_i64(j, "sum_of_terms_left_out", e->hidden);
}

static void json_steps(json *j, const explanation *e)
{
    json_open(j, "steps", '[');
    for (size_t i = 0; i < e->steps; i++) {
        json_open(j, NULL, '{');
        json_text(j, "name", e->step[i].name);
        json_i64(j, "value", e->step[i].value);
        json_text(j, "text", e->step[i].text);
        json_close(j);
    }
    json_close(j);
}

static void json_answer(json *j, const explaining *x, const explain_answer *a)
{
    json_open(j, NULL, '{');
    json_text(j, "backend", a->device.info.backend);
    json_u64(j, "device", a->device.index);
    if (a->ran)
        json_i64(j, "value", a->value);
    json_text(j, "result", answer_word(x, a));
    json_text(j, "reason", a->failure[0] ? a->failure : NULL);
    if (a->earlier)
        json_u64(j, "first_op_that_differs", a->earlier->op);
    json_close(j);
}

bool explain_print_json(const explaining *x, bool ok, lks_error *error)
{
    const explanation *e = &x->e;
    json j = json_start();
    char hex[HEX_SIZE];

    digest_hex(x->info.digest, hex);
    json_text(&j, "lockstep", LKS_VERSION);
    json_text(&j, "model", x->options->model);
    json_text(&j, "model_sha256", hex);
    json_u64(&j, "op", x->options->op);
    json_text(&j, "kind", x->op.kind);
    json_text(&j, "name", x->op.name);
    json_text(&j, "rounding", x->op.rounding[0] ? x->op.rounding : NULL);
    json_place(&j, "shape", e->y.dims, e->y.rank);
    json_place(&j, "at", e->at, e->y.rank);
    json_terms(&j, e);
    json_steps(&j, e);
    json_i64(&j, "stored", e->stored);
    json_i64(&j, "value", e->result);
    json_open(&j, "devices", '[');
    for (size_t i = 0; i < x->count; i++)
        json_answer(&j, x, &x->answer[i]);
    json_close(&j);
    json_text(&j, "result", ok ? "PASSED" : "FAILED");
    return json_finish(&j, true, error);
}
