/* SPDX-License-Identifier: Apache-2.0
 *
 * Ops of a .tflite file that leave no op in the .lks: floats at the ends, arithmetic on shapes, reshapings of constants.
 */
#include "import/tflite_ends.h"

/* Tensor i of a list of an operator; NULL: none, or damage that the importer of the op reports. */
static lks_tfl_tensor *listed(const lks_tfl_model *m, lks_fb_vector list, uint32_t i)
{
    int64_t index = i < list.count ? lks_fb_item_signed(&m->fb, list, i) : -1;

    return index >= 0 && index < m->tensor_count ? &m->tensors[index] : NULL;
}

/* ---- floats at the ends -------------------------------------------------------------------------------------------------- */

static bool is_quantized(const lks_tfl_tensor *t)
{
    return (t->type == LKS_TFL_INT8 || t->type == LKS_TFL_UINT8) && !t->data && !t->oddity && !t->input;
}

lks_status lks_tfl_find_inner(lks_tfl_model *m)
{
    lks_tfl_operator o;

    for (uint32_t i = 0; i < m->operators.count; i++) {
        lks_tfl_tensor *x, *y;

        LKS_TFL_TRY(lks_tfl_operator_read(m, i, &o));
        if (o.code != LKS_TFL_QUANTIZE)
            continue;
        x = listed(m, o.inputs, 0);
        y = listed(m, o.outputs, 0);
        if (x && y && x->input && x->type == LKS_TFL_FLOAT32 && !x->inner && is_quantized(y))
            x->inner = y;
    }
    return LKS_OK;
}

lks_status lks_tfl_import_float_quantize(const lks_tfl_op *op)
{
    lks_tfl_tensor *x = listed(op->m, op->o.inputs, 0), *y = listed(op->m, op->o.outputs, 0);

    if (!x->inner || !x->input)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "input tensor \"%.*s\" is FLOAT32, which only a graph input may be",
                              LKS_TFL_TEXT(op->m, x->name));
    if (x->inner != y)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "graph input \"%.*s\" is quantized by two ops",
                              LKS_TFL_TEXT(op->m, x->name));
    LKS_TFL_TRY(lks_tfl_check_shape(op, "input", x));
    if (lks_tfl_elements(x) != lks_tfl_elements(y))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "input and output have different shapes");
    return LKS_OK;
}

lks_status lks_tfl_import_dequantize(const lks_tfl_op *op)
{
    lks_tfl_tensor *x, *y = listed(op->m, op->o.outputs, 0);

    LKS_TFL_TRY(lks_tfl_input(op, 0, LKS_TFL_I8_OR_U8, &x));
    if (!y || y->type != LKS_TFL_FLOAT32 || y->made || y->data || y->oddity)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the output must be FLOAT32, and made by this op alone");
    LKS_TFL_TRY(lks_tfl_check_shape(op, "output", y));
    if (lks_tfl_elements(x) != lks_tfl_elements(y))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "input and output have different shapes");
    y->inner = x;
    y->made = true;
    return LKS_OK;
}

/* ---- shapes -------------------------------------------------------------------------------------------------------------- */

/* The most operands that are looked at: PACK joins one per axis. */
#define SHAPE_OPERANDS 16

static bool is_shape_arithmetic(const lks_tfl_op *op)
{
    const lks_tfl_tensor *y = listed(op->m, op->o.outputs, 0);

    if (op->o.outputs.count != 1 || !y || y->type != LKS_TFL_INT32 || y->made || y->data || y->oddity
        || op->o.inputs.count == 0 || op->o.inputs.count > SHAPE_OPERANDS)
        return false;
    for (uint32_t i = 0; i < op->o.inputs.count; i++) {
        const lks_tfl_tensor *x = listed(op->m, op->o.inputs, i);

        if (!x || x->oddity || !(x->data || x->shape_only || (op->o.code == LKS_TFL_SHAPE && x->made)))
            return false;
    }
    return true;
}

/* ---- constants ----------------------------------------------------------------------------------------------------------- */

static bool keeps_elements(int32_t code)
{
    return code == LKS_TFL_RESHAPE || code == LKS_TFL_SQUEEZE || code == LKS_TFL_EXPAND_DIMS;
}

static lks_status fold_constant(const lks_tfl_op *op, const lks_tfl_tensor *x, bool *done)
{
    lks_tfl_tensor *y = listed(op->m, op->o.outputs, 0);

    if (!y || y->type != x->type || y->made || y->data || y->oddity || op->o.outputs.count != 1)
        return LKS_OK;                      /* the importer of the op says what is wrong */
    LKS_TFL_TRY(lks_tfl_check_shape(op, "input", x));
    LKS_TFL_TRY(lks_tfl_check_shape(op, "output", y));
    if (lks_tfl_elements(x) != lks_tfl_elements(y))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the input has %u elements, the output %u", (unsigned)lks_tfl_elements(x),
                              (unsigned)lks_tfl_elements(y));
    y->data = x->data;
    y->data_bytes = x->data_bytes;
    *done = true;
    return LKS_OK;
}

lks_status lks_tfl_fold(const lks_tfl_op *op, bool *done)
{
    const lks_tfl_tensor *x = listed(op->m, op->o.inputs, 0);

    *done = false;
    if (keeps_elements(op->o.code) && x && x->data && !x->oddity)
        return fold_constant(op, x, done);
    if (is_shape_arithmetic(op)) {
        lks_tfl_tensor *y = listed(op->m, op->o.outputs, 0);

        y->shape_only = y->made = true;
        *done = true;
    }
    return LKS_OK;
}
