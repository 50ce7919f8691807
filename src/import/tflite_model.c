/* SPDX-License-Identifier: Apache-2.0
 *
 * A .tflite file as a checked view: the walk over its schema.
 */
#include "import/tflite_model.h"

#include "host/error.h"
#include "import/tflite_names.h"

#include <stdlib.h>

/* Constants of the .lks may take this many bytes for each byte of the file, and these beyond: multiplier tables and zero biases
 * are larger than what they come from, but a small file that names one tensor often must not become a large one. */
enum { GROWTH = 16, GROWTH_FREE = 1 << 26 };

/* schema.fbs of TensorFlow Lite, schema version 3 */
static const lks_fb_field
    model_version = { "Model.version", 0, 4, 0 },
    model_codes = { "Model.operator_codes", 1, 4, 0 },
    model_subgraphs = { "Model.subgraphs", 2, 4, 0 },
    model_buffers = { "Model.buffers", 4, 4, 0 },
    code_deprecated = { "OperatorCode.deprecated_builtin_code", 0, 1, 0 },
    code_custom = { "OperatorCode.custom_code", 1, 1, 0 },
    code_builtin = { "OperatorCode.builtin_code", 3, 4, 0 },
    graph_tensors = { "SubGraph.tensors", 0, 4, 0 },
    graph_inputs = { "SubGraph.inputs", 1, 4, 0 },
    graph_outputs = { "SubGraph.outputs", 2, 4, 0 },
    graph_operators = { "SubGraph.operators", 3, 4, 0 },
    tensor_shape = { "Tensor.shape", 0, 4, 0 },
    tensor_type = { "Tensor.type", 1, 1, 0 },
    tensor_buffer = { "Tensor.buffer", 2, 4, 0 },
    tensor_name = { "Tensor.name", 3, 1, 0 },
    tensor_quantization = { "Tensor.quantization", 4, 4, 0 },
    tensor_variable = { "Tensor.is_variable", 5, 1, 0 },
    tensor_sparsity = { "Tensor.sparsity", 6, 4, 0 },
    quantization_scale = { "QuantizationParameters.scale", 2, 4, 0 },
    quantization_zero = { "QuantizationParameters.zero_point", 3, 8, 0 },
    quantization_details = { "QuantizationParameters.details_type", 4, 1, 0 },
    quantization_axis = { "QuantizationParameters.quantized_dimension", 6, 4, 0 },
    operator_code = { "Operator.opcode_index", 0, 4, 0 },
    operator_inputs = { "Operator.inputs", 1, 4, 0 },
    operator_outputs = { "Operator.outputs", 2, 4, 0 },
    operator_options_type = { "Operator.builtin_options_type", 3, 1, 0 },
    operator_options = { "Operator.builtin_options", 4, 4, 0 },
    buffer_data = { "Buffer.data", 0, 1, 0 },
    buffer_offset = { "Buffer.offset", 1, 8, 0 },
    buffer_size = { "Buffer.size", 2, 8, 0 };

/* ---- tensors ------------------------------------------------------------------------------------------------------------- */

static void read_quantization(lks_fb *fb, lks_fb_table table, lks_tfl_tensor *t)
{
    lks_fb_table q = lks_fb_table_at(fb, table, &tensor_quantization);

    t->scales = lks_fb_vector_at(fb, q, &quantization_scale);
    t->zeros = lks_fb_vector_at(fb, q, &quantization_zero);
    t->axis = (int32_t)lks_fb_signed(fb, q, &quantization_axis);
    if (lks_fb_unsigned(fb, q, &quantization_details) != 0)
        t->oddity = "has custom quantization details";
    if (t->scales.count == 0 || t->zeros.count == 0)        /* micro_allocator.cc: not quantized */
        t->scales.count = t->zeros.count = 0;
}

static lks_status read_buffer(lks_tfl_model *m, lks_fb_vector buffers, uint64_t index, lks_tfl_tensor *t)
{
    lks_fb_table buffer;
    lks_fb_vector data;

    if (index == 0 && buffers.count == 0)       /* schema.fbs: buffer 0 is the empty one; small test models leave it out */
        return LKS_OK;
    if (index >= buffers.count)
        return lks_fail(m->fb.error, LKS_ERR_FORMAT, "%s: damaged file: Tensor.buffer %llu, of %u buffers", m->fb.name,
                        (unsigned long long)index, (unsigned)buffers.count);
    buffer = lks_fb_item_table(&m->fb, buffers, (uint32_t)index);
    data = lks_fb_vector_at(&m->fb, buffer, &buffer_data);
    if (data.count != 0) {
        t->data = m->fb.bytes + data.at;
        t->data_bytes = data.count;
    }
    if (lks_fb_unsigned(&m->fb, buffer, &buffer_offset) != 0 || lks_fb_unsigned(&m->fb, buffer, &buffer_size) != 0)
        t->oddity = "keeps its data outside the FlatBuffer";
    return m->fb.status;
}

static lks_status read_tensor(lks_tfl_model *m, lks_fb_table table, lks_fb_vector buffers, lks_tfl_tensor *t)
{
    lks_fb *fb = &m->fb;
    lks_fb_vector shape = lks_fb_vector_at(fb, table, &tensor_shape);

    t->name = lks_fb_vector_at(fb, table, &tensor_name);
    t->type = (int32_t)lks_fb_signed(fb, table, &tensor_type);
    t->rank = shape.count;
    for (uint32_t i = 0; i < shape.count && i < LKS_MAX_RANK; i++)
        t->dims[i] = (int32_t)lks_fb_item_signed(fb, shape, i);
    read_quantization(fb, table, t);
    t->variable = lks_fb_unsigned(fb, table, &tensor_variable) != 0;
    if (t->variable)
        t->oddity = "is a variable";
    if (lks_fb_has(fb, table, &tensor_sparsity))
        t->oddity = "is sparse";
    for (uint32_t i = 0; i < LKS_TFL_LAYOUTS; i++)
        t->index[i] = LKS_NO_TENSOR;
    if (fb->status != LKS_OK)
        return fb->status;
    return read_buffer(m, buffers, lks_fb_unsigned(fb, table, &tensor_buffer), t);
}

static lks_status read_tensors(lks_tfl_model *m, lks_fb_vector tensors, lks_fb_vector buffers)
{
    lks_status st = LKS_OK;

    if (tensors.count > LKS_MAX_TENSORS)
        return lks_fail(m->fb.error, LKS_ERR_LIMIT, "%s: %u tensors: at most %u are supported", m->fb.name,
                        (unsigned)tensors.count, (unsigned)LKS_MAX_TENSORS);
    m->tensors = calloc(tensors.count ? tensors.count : 1, sizeof *m->tensors);
    if (!m->tensors)
        return lks_fail(m->fb.error, LKS_ERR_NOMEM, "%s: out of memory", m->fb.name);
    m->tensor_count = tensors.count;
    for (uint32_t i = 0; i < tensors.count && st == LKS_OK; i++)
        st = read_tensor(m, lks_fb_item_table(&m->fb, tensors, i), buffers, &m->tensors[i]);
    return st;
}

/* ---- the model ----------------------------------------------------------------------------------------------------------- */

lks_status lks_tfl_model_read(lks_tfl_model *m, const void *bytes, size_t size, const char *name, lks_error *error)
{
    lks_fb_table root, graph = { 0 };
    lks_fb_vector graphs;
    uint64_t version;

    *m = (lks_tfl_model){ .fb = lks_fb_open(bytes, size, name, error) };
    m->allowance = (uint64_t)GROWTH * size + GROWTH_FREE;
    root = lks_fb_root(&m->fb, "Model");
    version = lks_fb_unsigned(&m->fb, root, &model_version);
    m->codes = lks_fb_vector_at(&m->fb, root, &model_codes);
    graphs = lks_fb_vector_at(&m->fb, root, &model_subgraphs);
    if (graphs.count != 0)
        graph = lks_fb_item_table(&m->fb, graphs, 0);
    m->operators = lks_fb_vector_at(&m->fb, graph, &graph_operators);
    m->inputs = lks_fb_vector_at(&m->fb, graph, &graph_inputs);
    m->outputs = lks_fb_vector_at(&m->fb, graph, &graph_outputs);
    if (m->fb.status != LKS_OK)
        return m->fb.status;
    if (version != 3)
        return lks_fail(error, LKS_ERR_UNSUPPORTED, "%s: schema version %llu: only version 3 is supported", name,
                        (unsigned long long)version);
    if (graphs.count != 1)
        return lks_fail(error, LKS_ERR_UNSUPPORTED, "%s: %u subgraphs: only models with one are supported", name,
                        (unsigned)graphs.count);
    if (m->operators.count > LKS_MAX_OPS)
        return lks_fail(error, LKS_ERR_LIMIT, "%s: %u ops: at most %u are supported", name, (unsigned)m->operators.count,
                        (unsigned)LKS_MAX_OPS);
    return read_tensors(m, lks_fb_vector_at(&m->fb, graph, &graph_tensors), lks_fb_vector_at(&m->fb, root, &model_buffers));
}

void lks_tfl_model_close(lks_tfl_model *m)
{
    lks_builder_close(m->builder);
    free(m->tensors);
}

lks_status lks_tfl_operator_read(lks_tfl_model *m, uint32_t i, lks_tfl_operator *o)
{
    lks_fb *fb = &m->fb;
    lks_fb_table table = lks_fb_item_table(fb, m->operators, i), code;
    uint64_t index = lks_fb_unsigned(fb, table, &operator_code);
    int64_t builtin, deprecated;

    if (fb->status == LKS_OK && index >= m->codes.count)
        return lks_fail(fb->error, LKS_ERR_FORMAT, "%s: damaged file: op %u: Operator.opcode_index %llu, of %u codes", fb->name,
                        (unsigned)i, (unsigned long long)index, (unsigned)m->codes.count);
    if (fb->status != LKS_OK)
        return fb->status;
    code = lks_fb_item_table(fb, m->codes, (uint32_t)index);
    builtin = lks_fb_signed(fb, code, &code_builtin);
    deprecated = lks_fb_signed(fb, code, &code_deprecated);
    o->code = (int32_t)(builtin > deprecated ? builtin : deprecated);   /* schema_utils.cc: GetBuiltinCode */
    o->custom = lks_fb_vector_at(fb, code, &code_custom);
    o->inputs = lks_fb_vector_at(fb, table, &operator_inputs);
    o->outputs = lks_fb_vector_at(fb, table, &operator_outputs);
    o->options_type = (int32_t)lks_fb_unsigned(fb, table, &operator_options_type);
    o->options = lks_fb_table_at(fb, table, &operator_options);
    return fb->status;
}
