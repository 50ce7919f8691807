/* SPDX-License-Identifier: Apache-2.0
 *
 * Importing .tflite files: graph inputs, then op by op, then graph outputs.
 */
#include "import/tflite.h"

#include "import/tflite_ends.h"
#include "import/tflite_ops.h"

#include <stdio.h>
#include <string.h>

bool lks_tflite_recognise(const void *bytes, size_t size)
{
    return size >= 8 && memcmp((const char *)bytes + 4, "TFL3", 4) == 0;
}

/* The tensor that a graph input or output names; the label of op says which. */
static lks_status end_tensor(const lks_tfl_op *op, lks_fb_vector list, uint32_t i, lks_tfl_tensor **t)
{
    int64_t index = lks_fb_item_signed(&op->m->fb, list, i);

    if (index < 0 || index >= op->m->tensor_count)
        return lks_tfl_refuse(op, LKS_ERR_FORMAT, "damaged file: it is tensor %lld, of %u", (long long)index,
                              (unsigned)op->m->tensor_count);
    *t = &op->m->tensors[index];
    if ((*t)->oddity || (*t)->data)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "tensor \"%.*s\" %s", LKS_TFL_TEXT(op->m, (*t)->name),
                              (*t)->oddity ? (*t)->oddity : "is constant");
    return LKS_OK;
}

static lks_status check_ends(const lks_tfl_op *op, const char *what, lks_fb_vector list)
{
    if (list.count == 0 || list.count > LKS_MAX_ENDS)
        return lks_fail(op->m->fb.error, list.count == 0 ? LKS_ERR_UNSUPPORTED : LKS_ERR_LIMIT,
                        "%s: %u graph %s: 1 to %u are supported", op->m->fb.name, (unsigned)list.count, what,
                        (unsigned)LKS_MAX_ENDS);
    return LKS_OK;
}

static bool importable(const lks_tfl_tensor *t)
{
    return t->type == LKS_TFL_INT8 || t->type == LKS_TFL_UINT8 || t->type == LKS_TFL_INT16;
}

static lks_status mark_inputs(lks_tfl_op *op)
{
    const lks_fb_vector list = op->m->inputs;
    lks_tfl_tensor *t;

    LKS_TFL_TRY(check_ends(op, "inputs", list));
    for (uint32_t i = 0; i < list.count; i++) {
        snprintf(op->label, sizeof op->label, "graph input %u", (unsigned)i);
        LKS_TFL_TRY(end_tensor(op, list, i, &t));
        if (t->input)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "tensor \"%.*s\" is listed twice", LKS_TFL_TEXT(op->m, t->name));
        t->input = t->made = true;
    }
    return lks_tfl_find_inner(op->m);
}

/* Add the graph inputs.  One of a type that no op takes is left out: the op that uses it gives the better error. */
static lks_status import_inputs(lks_tfl_op *op)
{
    const lks_fb_vector list = op->m->inputs;
    lks_tfl_tensor *t;

    LKS_TFL_TRY(mark_inputs(op));
    for (uint32_t i = 0; i < list.count; i++) {
        snprintf(op->label, sizeof op->label, "graph input %u", (unsigned)i);
        LKS_TFL_TRY(end_tensor(op, list, i, &t));
        t = t->inner ? t->inner : t;
        if (!importable(t))
            continue;
        if (t->index[LKS_TFL_PLAIN] != LKS_NO_TENSOR)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "tensor \"%.*s\" is made from two inputs",
                                  LKS_TFL_TEXT(op->m, t->name));
        LKS_TFL_TRY(lks_tfl_check_shape(op, "input", t));
        LKS_TFL_TRY(lks_tfl_emit_activation(op, t));
        lks_builder_input(op->m->builder, t->index[LKS_TFL_PLAIN]);
    }
    return LKS_OK;
}

/* What is left of the inputs when every op is imported. */
static lks_status check_inputs(lks_tfl_op *op)
{
    for (uint32_t i = 0; i < op->m->inputs.count; i++) {
        const lks_tfl_tensor *t = &op->m->tensors[lks_fb_item_signed(&op->m->fb, op->m->inputs, i)];

        snprintf(op->label, sizeof op->label, "graph input %u", (unsigned)i);
        if (!importable(t) && !t->inner)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "tensor \"%.*s\" is %s, and no op uses it",
                                  LKS_TFL_TEXT(op->m, t->name), lks_tfl_type_name(t->type));
    }
    return LKS_OK;
}

static lks_status import_ops(lks_tfl_op *op)
{
    lks_tfl_model *m = op->m;

    if (m->operators.count == 0)
        return lks_fail(m->fb.error, LKS_ERR_UNSUPPORTED, "%s: the model has no ops", m->fb.name);
    for (uint32_t i = 0; i < m->operators.count; i++) {
        LKS_TFL_TRY(lks_tfl_operator_read(m, i, &op->o));
        if (op->o.code == LKS_TFL_CUSTOM)
            snprintf(op->label, sizeof op->label, "op %u (CUSTOM %.*s)", (unsigned)i, LKS_TFL_TEXT(m, op->o.custom));
        else if (lks_tfl_op_name(op->o.code) != NULL)
            snprintf(op->label, sizeof op->label, "op %u (%s)", (unsigned)i, lks_tfl_op_name(op->o.code));
        else
            snprintf(op->label, sizeof op->label, "op %u (unknown builtin %d)", (unsigned)i, (int)op->o.code);
        lks_tfl_printable(op->label);
        LKS_TFL_TRY(lks_tfl_import_op(op));
        LKS_TFL_TRY(m->fb.status);
    }
    return LKS_OK;
}

/* Whether nothing but the graph makes a tensor. */
static bool is_input(const lks_tfl_model *m, const lks_tfl_tensor *t)
{
    for (uint32_t i = 0; i < m->inputs.count; i++) {
        const lks_tfl_tensor *input = &m->tensors[lks_fb_item_signed(&m->fb, m->inputs, i)];

        if (input == t || (input->input && input->inner == t))
            return true;
    }
    return false;
}

static lks_status import_outputs(lks_tfl_op *op)
{
    const lks_fb_vector list = op->m->outputs;
    lks_tfl_tensor *t;

    LKS_TFL_TRY(check_ends(op, "outputs", list));
    for (uint32_t i = 0; i < list.count; i++) {
        snprintf(op->label, sizeof op->label, "graph output %u", (unsigned)i);
        LKS_TFL_TRY(end_tensor(op, list, i, &t));
        t = t->inner && !t->input ? t->inner : t;
        if (!t->made || is_input(op->m, t) || t->output || t->shape_only)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "tensor \"%.*s\" %s", LKS_TFL_TEXT(op->m, t->name),
                                  !t->made ? "is made by no op" : t->output ? "is listed twice"
                                  : t->shape_only ? "is a shape" : "is also a graph input");
        t->output = true;
        lks_builder_output(op->m->builder, t->index[LKS_TFL_PLAIN]);
    }
    return LKS_OK;
}

static lks_status import(lks_tfl_model *m, uint8_t **lks, size_t *lks_size)
{
    lks_tfl_op op = { .m = m };

    m->builder = lks_builder_open();
    if (!m->builder)
        return lks_fail(m->fb.error, LKS_ERR_NOMEM, "%s: out of memory", m->fb.name);
    LKS_TFL_TRY(import_inputs(&op));
    LKS_TFL_TRY(import_ops(&op));
    LKS_TFL_TRY(check_inputs(&op));
    LKS_TFL_TRY(import_outputs(&op));
    return lks_builder_write(m->builder, lks, lks_size, m->fb.error);
}

lks_status lks_tflite_import(const void *bytes, size_t size, const char *name, uint8_t **lks, size_t *lks_size, lks_error *error)
{
    lks_tfl_model m;
    lks_status st;

    *lks = NULL;
    *lks_size = 0;
    st = lks_tfl_model_read(&m, bytes, size, name, error);
    if (st == LKS_OK)
        st = import(&m, lks, lks_size);
    lks_tfl_model_close(&m);
    return st;
}
