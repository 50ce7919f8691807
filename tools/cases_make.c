/* SPDX-License-Identifier: Apache-2.0
 *
 * From a case maker to a case: the table of makers, and the model and inputs that become of what they add.
 */
#include "tools/cases_make.h"
#include "host/op_rules.h"
#include "tools/cases_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct case_row {
    uint32_t kind;
    flow (*make)(maker *m);
} case_row;

/* In the order of spec 4. */
static const case_row rows[] = {
    { LKS_OP_CONV, make_conv },
    { LKS_OP_FULLY_CONNECTED, make_fully_connected },
    { LKS_OP_TRANSPOSED_CONV, make_transposed_conv },
    { LKS_OP_BATCH_MATMUL, make_batch_matmul },
    { LKS_OP_CONV_3D, make_conv_3d },
    { LKS_OP_SCALE, make_scale },
    { LKS_OP_ADD, make_add },
    { LKS_OP_SUB, make_sub },
    { LKS_OP_MUL, make_mul },
    { LKS_OP_REQUANT, make_requant },
    { LKS_OP_LUT, make_lut },
    { LKS_OP_CLAMP, make_clamp },
    { LKS_OP_PRELU, make_prelu },
    { LKS_OP_MAX_POOL, make_max_pool },
    { LKS_OP_AVG_POOL, make_avg_pool },
    { LKS_OP_SUM, make_sum },
    { LKS_OP_REDUCE_MAX, make_reduce_max },
    { LKS_OP_ARG_MAX, make_arg_max },
    { LKS_OP_SOFTMAX, make_softmax },
    { LKS_OP_RESHAPE, make_reshape },
    { LKS_OP_PAD, make_pad },
    { LKS_OP_CONCAT, make_concat },
    { LKS_OP_SPLIT, make_split },
    { LKS_OP_SLICE, make_slice },
    { LKS_OP_TRANSPOSE, make_transpose },
    { LKS_OP_TILE, make_tile },
    { LKS_OP_GATHER, make_gather },
    { LKS_OP_RESIZE_NEAREST, make_resize_nearest },
    { LKS_OP_RESIZE_BILINEAR, make_resize_bilinear },
    { LKS_OP_LSTM, make_lstm },
    { LKS_OP_SVDF, make_svdf },
    { CASES_BLOCK, make_block },
    { CASES_GRAPH, make_graph }
};

bool cases_kind(size_t i, uint32_t *kind)
{
    if (i >= COUNT_OF(rows))
        return false;
    *kind = rows[i].kind;
    return true;
}

const char *cases_name(uint32_t kind)
{
    return kind == CASES_GRAPH ? "graph" : kind == CASES_BLOCK ? "block" : lks_op_rule_of(kind)->name;
}

/* ---- tensors ------------------------------------------------------------------------------------------------------------- */

static uint32_t add_tensor(maker *m, const char *name, const flow *f)
{
    lks_tensor t = { .name = name, .type = LKS_I8, .interface = draw_one_in(&m->d, 6) ? LKS_U8 : LKS_I8, .rank = f->rank };

    if (f->wide)
        t.type = t.interface = LKS_I16;
    memcpy(t.dims, f->dims, sizeof t.dims);
    return lks_builder_tensor(m->b, &t);
}

flow add_input(maker *m, flow shape)
{
    static const int32_t usual[] = {
        PATTERN_LOW, PATTERN_HIGH, PATTERN_ALTERNATING, PATTERN_ALTERNATING, PATTERN_SPARSE, PATTERN_SPARSE, PATTERN_NEAR,
        PATTERN_NEAR, PATTERN_RAMP, PATTERN_RAMP
    };
    maker_input in = { PATTERN_RANDOM, draw_zero(&m->d) };

    if (m->extreme)
        in.pattern = draw_one_in(&m->d, 2) ? PATTERN_LOW : PATTERN_HIGH;
    else if (draw_one_in(&m->d, 2))
        in.pattern = (pattern)draw_of(&m->d, usual, COUNT_OF(usual));
    shape.mean = pattern_mean(in.pattern, in.centre);
    shape.spread = pattern_spread(in.pattern);
    shape.centre = in.centre;
    shape.tensor = add_tensor(m, "x", &shape);
    lks_builder_input(m->b, shape.tensor);
    m->input[m->input_count++] = in;
    return shape;
}

flow add_indices(maker *m, flow shape)
{
    lks_tensor t = { .name = "y", .type = LKS_I32, .interface = draw_one_in(&m->d, 2) ? LKS_I64 : LKS_I32, .rank = shape.rank };

    memcpy(t.dims, shape.dims, sizeof t.dims);
    shape.tensor = lks_builder_tensor(m->b, &t);
    return shape;
}

flow add_activation(maker *m, flow shape)
{
    shape.spread = 60;
    shape.tensor = add_tensor(m, "y", &shape);
    return shape;
}

uint32_t add_constant(maker *m, lks_type type, uint32_t rank, const uint32_t *dims, const void *data)
{
    lks_tensor t = { .name = "", .type = type, .interface = type, .constant = 1, .rank = rank, .data = data };

    memcpy(t.dims, dims, rank * sizeof dims[0]);
    return lks_builder_tensor(m->b, &t);
}

uint32_t add_random_constant(maker *m, const flow *f)
{
    pattern p = (pattern)draw_below(&m->d, PATTERNS);
    int8_t *data = malloc(f->elements);
    uint32_t tensor = 0;

    if (data) {
        pattern_fill(&m->d, p, draw_zero(&m->d), data, f->elements);
        tensor = add_constant(m, LKS_I8, f->rank, f->dims, data);
    } else {
        m->failed = true;
    }
    free(data);
    return tensor;
}

flow add_unary(maker *m, uint32_t kind, const flow *x, flow shape, const lks_op_args *args)
{
    flow y = add_activation(m, shape);

    lks_builder_op(m->b, kind, &x->tensor, &y.tensor, args);
    return y;
}

/* What most models have is a zero point near the values; what finds mistakes is one far from them. */
int32_t draw_x_zero(maker *m, const flow *x)
{
    if (m->extreme)
        return x->mean < 0 ? 127 : -128;
    return draw_one_in(&m->d, 2) ? x->centre : draw_zero(&m->d);
}

void draw_extreme(maker *m)
{
    m->extreme = draw_one_in(&m->d, 12);
}

/* ---- the case ------------------------------------------------------------------------------------------------------------ */

static bool fill_input(maker *m, made_case *c, lks_error *error)
{
    const lks_graph *g = &c->model->graph;
    uint32_t images = lks_model_images(c->model), times = c->model->batch_free ? c->batch : 1;
    uint8_t *to;

    for (uint32_t i = 0; i < g->input_count; i++)
        c->input_bytes += (size_t)lks_tensor_bytes(&g->tensors[g->inputs[i]]) / images * times;
    to = c->input = malloc(c->input_bytes);
    if (!to)
        return error_memory(error);
    for (uint32_t i = 0; i < g->input_count; i++) {
        const lks_tensor *t = &g->tensors[g->inputs[i]];
        size_t n = (size_t)t->elements / images * times;

        if (t->type == LKS_I16)
            pattern_fill_wide(&m->d, m->input[i].pattern, m->input[i].centre, to, n);
        else
            pattern_fill(&m->d, m->input[i].pattern, m->input[i].centre, (int8_t *)to, n);
        for (size_t k = 0; k < n && t->interface == LKS_U8; k++)
            to[k] ^= 0x80;      /* spec 2 */
        to += n * lks_type_bytes(t->type);
    }
    return true;
}

static bool finish(maker *m, made_case *c, lks_error *error)
{
    uint8_t *bytes;
    size_t size;

    if (m->failed)
        return error_memory(error);
    if (lks_builder_write(m->b, &bytes, &size, error) != LKS_OK
        || lks_model_read(bytes, size, "case", NULL, &c->model, error) != LKS_OK)
        return false;
    c->batch = c->model->batch_free ? m->batch : c->model->batch;
    return fill_input(m, c, error);
}

bool cases_make(uint32_t kind, uint64_t seed, uint64_t k, made_case *c, lks_error *error)
{
    maker m = { .k = k, .b = lks_builder_open(), .batch = 1 };
    bool ok = false;

    m.d = draw_start(kind, seed, 2 * k);
    m.s = draw_start(kind, seed, k | 1);
    memset(c, 0, sizeof *c);
    if (!m.b)
        return error_memory(error);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].kind == kind) {
            flow y = rows[i].make(&m);

            if (kind != CASES_GRAPH)
                lks_builder_output(m.b, y.tensor);
            ok = finish(&m, c, error);
        }
    lks_builder_close(m.b);
    if (!ok)
        cases_free(c);
    return ok;
}

void cases_free(made_case *c)
{
    lks_model_close(c->model);
    free(c->input);
    memset(c, 0, sizeof *c);
}
