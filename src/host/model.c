/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be asked of a model, and its life.
 */
#include "host/model.h"

#include "host/op_rules.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

size_t lks_type_bytes(lks_type type)
{
    switch (type) {
    case LKS_I8:
    case LKS_U8: return 1;
    case LKS_I16: return 2;
    case LKS_I32: return 4;
    case LKS_I64: return 8;
    }
    return 0;
}

uint64_t lks_tensor_bytes(const lks_tensor *t)
{
    return (uint64_t)t->elements * lks_type_bytes(t->type);
}

uint32_t lks_model_images(const lks_model *m)
{
    return m->batch_free ? m->batch : 1;
}

bool lks_model_runs_with(const lks_model *m, uint32_t batch)
{
    if (!m->batch_free || batch == m->batch)
        return batch == m->batch;
    if (batch < 1 || batch > LKS_MAX_EXTENT)
        return false;
    for (uint32_t t = 0; t < m->graph.tensor_count; t++)
        if (!m->graph.tensors[t].constant && lks_tensor_bytes(&m->graph.tensors[t]) / m->batch > LKS_MAX_ELEMENTS / batch)
            return false;
    return true;
}

lks_model *lks_model_share(lks_model *m)
{
    atomic_fetch_add(&m->references, 1);
    return m;
}

void lks_model_close(lks_model *m)
{
    if (!m || atomic_fetch_sub(&m->references, 1) != 1)
        return;
    free(m->graph.tensors);
    free(m->graph.ops);
    free(m->words);
    free(m->names);
    free(m->constants);
    free(m->file);
    free(m);
}

void lks_model_get(const lks_model *m, lks_model_info *info)
{
    assert(m && info);
    *info = (lks_model_info){
        .inputs = m->graph.input_count, .outputs = m->graph.output_count, .ops = m->graph.op_count,
        .tensors = m->graph.tensor_count, .spec_version = LKS_SPEC_VERSION, .batch = m->batch, .batch_free = m->batch_free,
        .file = m->file, .file_bytes = m->file_bytes
    };
    memcpy(info->digest, m->digest, sizeof info->digest);
}

uint32_t lks_model_input(const lks_model *m, uint32_t i)
{
    return i < m->graph.input_count ? m->graph.inputs[i] : UINT32_MAX;
}

uint32_t lks_model_output(const lks_model *m, uint32_t i)
{
    return i < m->graph.output_count ? m->graph.outputs[i] : UINT32_MAX;
}

lks_status lks_model_tensor(const lks_model *m, uint32_t tensor, lks_tensor_info *info)
{
    if (!m || !info || tensor >= m->graph.tensor_count)
        return LKS_ERR_ARGUMENT;

    const lks_tensor *t = &m->graph.tensors[tensor];

    *info = (lks_tensor_info){
        .name = t->name, .type = t->interface, .constant = t->constant, .rank = t->rank,
        .bytes = t->elements * lks_type_bytes(t->interface), .scale_bits = t->scale_bits, .zero_point = t->zero_point
    };
    memcpy(info->dims, t->dims, sizeof info->dims);
    return LKS_OK;
}

lks_status lks_model_op(const lks_model *m, uint32_t op, lks_op_info *info)
{
    if (!m || !info || op >= m->graph.op_count)
        return LKS_ERR_ARGUMENT;

    lks_op_view v = lks_view_op(&m->graph, op, "", NULL);
    const lks_op_rule *rule = lks_op_rule_of(v.op->kind);

    *info = (lks_op_info){
        .kind = rule->name, .name = v.y->name, .rounding = "",
        .operands = v.op->operand_count, .outputs = v.op->output_count, .operand = v.op->operand, .output = v.op->output,
        .macs = rule->macs ? rule->macs(&v) : 0, .element_ops = rule->element_ops(&v),
        .state_bytes = lks_op_state_bytes(&v), .bound = v.op->bound
    };
    if (rule->rounding >= 0)
        info->rounding = v.op->args.word[rule->rounding] == LKS_TFLITE ? "tflite" : "half_up";
    return LKS_OK;
}
