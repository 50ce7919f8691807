/* SPDX-License-Identifier: Apache-2.0
 *
 * Profiles: what a network of nodes demands of a model beyond the law.  docs/spec.md section 10
 */
#include "host/error.h"
#include "host/op_rules.h"

#include <string.h>

/* The largest value so far, and the first op that has it. */
static void raise(lks_profile_row *row, uint64_t value, uint32_t op)
{
    if (value > row->value) {
        row->value = value;
        row->op = op;
    }
}

static bool is_layer(const lks_op *op)
{
    return op->kind == LKS_OP_CONV || op->kind == LKS_OP_FULLY_CONNECTED;
}

/* Call measure on each op. */
static void measure_ops(const lks_model *m, lks_profile_row *row, void (*measure)(const lks_op_view *v, lks_profile_row *row))
{
    for (uint32_t i = 0; i < m->graph.op_count; i++) {
        lks_op_view v = lks_view_op(&m->graph, i, "", NULL);

        measure(&v, row);
    }
}

/* ---- values -------------------------------------------------------------------------------------------------------------- */

/* Every op, and whether CIP 1 has it; the reasons stand in spec 10. */
static const struct {
    uint32_t kind;
    bool inside;
} cip1_ops[] = {
    { LKS_OP_CONV, true },
    { LKS_OP_FULLY_CONNECTED, true },
    { LKS_OP_TRANSPOSED_CONV, false },
    { LKS_OP_BATCH_MATMUL, false },
    { LKS_OP_CONV_3D, false },
    { LKS_OP_SCALE, true },
    { LKS_OP_ADD, true },
    { LKS_OP_SUB, false },
    { LKS_OP_MUL, false },
    { LKS_OP_REQUANT, true },
    { LKS_OP_LUT, false },
    { LKS_OP_CLAMP, true },
    { LKS_OP_PRELU, true },
    { LKS_OP_MAX_POOL, true },
    { LKS_OP_AVG_POOL, true },
    { LKS_OP_SUM, false },
    { LKS_OP_REDUCE_MAX, false },
    { LKS_OP_ARG_MAX, false },
    { LKS_OP_SOFTMAX, false },
    { LKS_OP_RESHAPE, true },
    { LKS_OP_PAD, true },
    { LKS_OP_CONCAT, false },
    { LKS_OP_SPLIT, false },
    { LKS_OP_SLICE, false },
    { LKS_OP_TRANSPOSE, false },
    { LKS_OP_TILE, false },
    { LKS_OP_GATHER, false },
    { LKS_OP_RESIZE_NEAREST, false },
    { LKS_OP_RESIZE_BILINEAR, false },
    { LKS_OP_LSTM, false },
    { LKS_OP_SVDF, false }
};

static void foreign_ops(const lks_op_view *v, lks_profile_row *row)
{
    for (size_t i = 0; i < sizeof cip1_ops / sizeof cip1_ops[0]; i++)
        if (v->op->kind == cip1_ops[i].kind && cip1_ops[i].inside)
            return;
    raise(row, row->value + 1, row->value ? row->op : v->index);
}

static void layers(const lks_op_view *v, lks_profile_row *row)
{
    row->value += is_layer(v->op);
}

/* Of activations, and of the weights of layers. */
static void value_bits(const lks_op_view *v, lks_profile_row *row)
{
    for (uint32_t i = 0; i < v->op->operand_count; i++)
        if (!lks_operand(v, i)->constant || (is_layer(v->op) && i == 1))
            raise(row, 8 * lks_type_bytes(lks_operand(v, i)->type), v->index);
    for (uint32_t i = 0; i < v->op->output_count; i++)
        raise(row, 8 * lks_type_bytes(lks_result(v, i)->type), v->index);
}

/* With its sign. */
static void accumulator_bits(const lks_op_view *v, lks_profile_row *row)
{
    uint64_t bits = 1;

    for (uint64_t bound = v->op->bound; bound != 0; bound >>= 1)
        bits++;
    raise(row, v->op->bound ? bits : 0, v->index);
}

static void kernel_times_channels(const lks_op_view *v, lks_profile_row *row)
{
    if (v->op->kind == LKS_OP_CONV)
        raise(row, v->in[1]->elements / v->in[1]->dims[0], v->index);
}

static void output_channels(const lks_op_view *v, lks_profile_row *row)
{
    if (is_layer(v->op))
        raise(row, v->y->dims[v->y->rank - 1], v->index);
}

/* Additions that weigh their operands differently. */
static void uneven_additions(const lks_op_view *v, lks_profile_row *row)
{
    const lks_add_args *a = &v->op->args.add;

    if (v->op->kind == LKS_OP_ADD && (a->a_m != a->b_m || a->a_s != a->b_s))
        raise(row, row->value + 1, row->value ? row->op : v->index);
}

static void worst_bound(const lks_op_view *v, lks_profile_row *row)
{
    raise(row, v->op->bound, v->index);
}

/* ---- the inputs ---------------------------------------------------------------------------------------------------------- */

/* The largest extent of an axis, counted from the end, of all inputs that are images. */
static uint64_t largest_extent(const lks_model *m, uint32_t from_end)
{
    uint64_t largest = 0;

    for (uint32_t i = 0; i < m->graph.input_count; i++) {
        const lks_tensor *t = &m->graph.tensors[m->graph.inputs[i]];
        uint64_t extent = t->rank == 4 ? t->dims[4 - from_end] : 0;

        largest = extent > largest ? extent : largest;
    }
    return largest;
}

static void input_channels(const lks_model *m, lks_profile_row *row)
{
    row->value = largest_extent(m, 1);
}

static void input_width(const lks_model *m, lks_profile_row *row)
{
    row->value = largest_extent(m, 2);
}

static void input_height(const lks_model *m, lks_profile_row *row)
{
    row->value = largest_extent(m, 3);
}

static void input_elements(const lks_model *m, lks_profile_row *row)
{
    for (uint32_t i = 0; i < m->graph.input_count; i++) {
        const lks_tensor *t = &m->graph.tensors[m->graph.inputs[i]];

        raise(row, t->elements / lks_model_images(m), UINT32_MAX);
    }
}

static void memory(const lks_model *m, lks_profile_row *row)
{
    lks_cost cost;

    row->value = UINT64_MAX;
    if (lks_model_cost(m, m->batch, &cost) == LKS_OK)
        row->value = cost.parameter_bytes + cost.peak_bytes;
}

/* ---- the profiles -------------------------------------------------------------------------------------------------------- */

typedef struct profile_row {
    const char *profile, *what;
    uint64_t at_most;
    void (*measure_op)(const lks_op_view *v, lks_profile_row *row);     /* or: */
    void (*measure)(const lks_model *m, lks_profile_row *row);
} profile_row;

static const profile_row rows[] = {
    { "cip1", "ops that CIP 1 does not have", 0, foreign_ops, NULL },
    { "cip1", "bits of a weight or activation", 8, value_bits, NULL },
    { "cip1", "bits of an accumulator", 32, accumulator_bits, NULL },
    { "cip1", "conv: kernel size times input channels", 65535, kernel_times_channels, NULL },
    { "cip1", "channels of a layer's output", 4096, output_channels, NULL },
    { "cip1", "layers (conv and fully_connected)", 200, layers, NULL },
    { "cip1", "additions other than x + f(x)", 0, uneven_additions, NULL },
    { "cip1", "channels of an input image", 3, NULL, input_channels },
    { "cip1", "height of an input image", 224, NULL, input_height },
    { "cip1", "width of an input image", 224, NULL, input_width },
    { "cip1", "elements of an input", 3 * 224 * 224, NULL, input_elements },
    { "extended", "largest accumulator", INT32_MAX, worst_bound, NULL },
    { "extended", "bytes of parameters and tensors", (uint64_t)4 << 30, NULL, memory }
};

lks_status lks_model_profile(const lks_model *m, const char *profile, uint32_t i, lks_profile_row *out)
{
    if (!m || !profile || !out)
        return LKS_ERR_ARGUMENT;
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        const profile_row *row = &rows[k];

        if (strcmp(row->profile, profile) != 0 || i-- != 0)
            continue;
        *out = (lks_profile_row){ .what = row->what, .at_most = row->at_most, .op = UINT32_MAX };
        if (row->measure_op)
            measure_ops(m, out, row->measure_op);
        else
            row->measure(m, out);
        return LKS_OK;
    }
    return LKS_ERR_ARGUMENT;
}
