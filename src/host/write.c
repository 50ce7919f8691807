/* SPDX-License-Identifier: Apache-2.0
 *
 * The canonical writer of .lks files (docs/format.md), and the builder that collects what it writes.
 */
#include "host/error.h"
#include "host/format.h"
#include "host/model.h"
#include "host/op_rules.h"

#include <stdlib.h>
#include <string.h>

/* ---- writing ------------------------------------------------------------------------------------------------------------- */

/* Where each section of a file starts. */
typedef struct layout {
    uint64_t op_words, name_bytes, data_bytes;
    uint64_t tensors, graph, ops, names, data, end;
} layout;

static layout measure(const lks_graph *g)
{
    layout at = { 0 };

    for (uint32_t i = 0; i < g->op_count; i++)
        at.op_words += LKS_OP_HEAD_WORDS + g->ops[i].operand_count + g->ops[i].output_count
                     + lks_op_rule_of(g->ops[i].kind)->arg_count;
    for (uint32_t i = 0; i < g->tensor_count; i++) {
        at.name_bytes += strlen(g->tensors[i].name);
        if (g->tensors[i].constant)
            at.data_bytes = lks_align(at.data_bytes + lks_tensor_bytes(&g->tensors[i]));
    }
    at.tensors = LKS_HEADER_BYTES;
    at.graph = lks_align(at.tensors + (uint64_t)LKS_TENSOR_BYTES * g->tensor_count);
    at.ops = lks_align(at.graph + 4 * ((uint64_t)g->input_count + g->output_count));
    at.names = lks_align(at.ops + 4 * at.op_words);
    at.data = lks_align(at.names + at.name_bytes);
    at.end = lks_align(at.data + at.data_bytes);
    return at;
}

static void put_header(uint8_t *p, const lks_graph *g, const layout *at)
{
    memcpy(p, lks_magic, sizeof lks_magic);
    lks_put32(p + 8, LKS_FORMAT_VERSION);
    lks_put32(p + 12, LKS_SPEC_VERSION);
    lks_put32(p + 16, g->tensor_count);
    lks_put32(p + 20, g->op_count);
    lks_put32(p + 24, g->input_count);
    lks_put32(p + 28, g->output_count);
    lks_put32(p + 32, (uint32_t)at->op_words);
    lks_put32(p + 36, (uint32_t)at->name_bytes);
    lks_put64(p + 40, at->data_bytes);
    lks_put64(p + 48, at->end);
}

static void put_tensor(uint8_t *p, const lks_tensor *t)
{
    p[0] = (uint8_t)t->type;
    p[1] = (uint8_t)t->interface;
    p[2] = (uint8_t)t->rank;
    p[3] = t->constant ? 1 : 0;
    lks_put32(p + 4, (uint32_t)strlen(t->name));
    lks_put32(p + 8, t->scale_bits);
    lks_put32(p + 12, (uint32_t)t->zero_point);
    for (uint32_t i = 0; i < LKS_MAX_RANK; i++)
        lks_put32(p + 16 + 4 * i, t->dims[i]);
}

static uint8_t *put_words(uint8_t *p, const uint32_t *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++, p += 4)
        lks_put32(p, words[i]);
    return p;
}

static uint8_t *put_op(uint8_t *p, const lks_op *op)
{
    uint32_t arg_count = lks_op_rule_of(op->kind)->arg_count;
    const uint32_t head[LKS_OP_HEAD_WORDS] = { op->kind, op->operand_count, op->output_count, arg_count };

    p = put_words(p, head, LKS_OP_HEAD_WORDS);
    p = put_words(p, op->operand, op->operand_count);
    p = put_words(p, op->output, op->output_count);
    for (uint32_t i = 0; i < arg_count; i++, p += 4)
        lks_put32(p, (uint32_t)op->args.word[i]);
    return p;
}

static void put_data(uint8_t *p, const lks_tensor *t)
{
    size_t width = lks_type_bytes(t->type);

    if (width == 1) {
        memcpy(p, t->data, t->elements);
        return;
    }
    for (uint32_t i = 0; i < t->elements; i++) {
        uint32_t v = width == 2 ? (uint32_t)((const int16_t *)t->data)[i] : (uint32_t)((const int32_t *)t->data)[i];

        for (size_t b = 0; b < width; b++)
            *p++ = (uint8_t)(v >> 8 * b);
    }
}

static void put_sections(uint8_t *file, const lks_graph *g, const layout *at)
{
    uint8_t *ops = file + at->ops, *names = file + at->names, *data = file + at->data;

    for (uint32_t i = 0; i < g->tensor_count; i++) {
        const lks_tensor *t = &g->tensors[i];
        size_t length = strlen(t->name);

        put_tensor(file + at->tensors + (size_t)LKS_TENSOR_BYTES * i, t);
        memcpy(names, t->name, length);
        names += length;
        if (t->constant) {
            put_data(data, t);
            data += lks_align(lks_tensor_bytes(t));
        }
    }
    put_words(put_words(file + at->graph, g->inputs, g->input_count), g->outputs, g->output_count);
    for (uint32_t i = 0; i < g->op_count; i++)
        ops = put_op(ops, &g->ops[i]);
}

lks_status lks_graph_write(const lks_graph *g, uint8_t **bytes, size_t *size, lks_error *error)
{
    layout at = measure(g);

    *bytes = NULL;
    *size = 0;
    if (at.end > LKS_MAX_FILE)
        return lks_fail(error, LKS_ERR_LIMIT, "the model is too large: %llu bytes", (unsigned long long)at.end);
    *bytes = calloc(1, (size_t)at.end);
    if (!*bytes)
        return lks_fail(error, LKS_ERR_NOMEM, "out of memory: %llu bytes for the model file", (unsigned long long)at.end);
    *size = (size_t)at.end;
    put_header(*bytes, g, &at);
    put_sections(*bytes, g, &at);
    return LKS_OK;
}

/* ---- building ------------------------------------------------------------------------------------------------------------ */

struct lks_builder {
    lks_graph graph;
    bool failed;                /* memory ran out on the way */
    uint32_t tensor_room, op_room, input_room, output_room;
};

lks_builder *lks_builder_open(void)
{
    return calloc(1, sizeof(lks_builder));
}

void lks_builder_close(lks_builder *b)
{
    if (!b)
        return;
    for (uint32_t i = 0; i < b->graph.tensor_count; i++) {
        free((void *)b->graph.tensors[i].name);
        free((void *)b->graph.tensors[i].data);
    }
    for (uint32_t i = 0; i < b->graph.op_count; i++)
        free((void *)b->graph.ops[i].operand);
    free(b->graph.tensors);
    free(b->graph.ops);
    free(b->graph.inputs);
    free(b->graph.outputs);
    free(b);
}

/* Room for one more of size bytes at *array; false, and failed, when memory ran out. */
static bool grow(lks_builder *b, void *array, uint32_t count, uint32_t *room, size_t size)
{
    void *old, *bigger;

    if (b->failed)
        return false;
    if (count < *room)
        return true;
    memcpy(&old, array, sizeof old);
    bigger = realloc(old, (*room ? 2 * (size_t)*room : 16) * size);
    if (!bigger) {
        b->failed = true;
        return false;
    }
    memcpy(array, &bigger, sizeof bigger);
    *room = *room ? 2 * *room : 16;
    return true;
}

static char *legal_name(const char *name)
{
    size_t length = strlen(name);
    char *copy;

    if (length > LKS_MAX_NAME)
        length = LKS_MAX_NAME;
    copy = calloc(1, length + 1);
    for (size_t i = 0; copy && i < length; i++)
        copy[i] = (unsigned char)name[i] < 0x20 || (unsigned char)name[i] > 0x7e ? '_' : name[i];
    return copy;
}

static uint32_t count_elements(const lks_tensor *t)
{
    uint64_t n = 1;

    for (uint32_t i = 0; i < t->rank && i < LKS_MAX_RANK; i++)
        if (!lks_mul_u64(n, t->dims[i], &n) || n > LKS_MAX_ELEMENTS)
            return 0;
    return (uint32_t)n;
}

uint32_t lks_builder_tensor(lks_builder *b, const lks_tensor *t)
{
    lks_tensor copy = *t;
    size_t bytes;

    if (!grow(b, &b->graph.tensors, b->graph.tensor_count, &b->tensor_room, sizeof copy))
        return LKS_NO_TENSOR;
    copy.elements = count_elements(t);
    bytes = (size_t)lks_tensor_bytes(&copy);
    copy.name = legal_name(t->name);
    copy.data = t->constant ? malloc(bytes ? bytes : 1) : NULL;
    if (t->constant && copy.data)
        memcpy((void *)copy.data, t->data, bytes);
    b->graph.tensors[b->graph.tensor_count] = copy;
    if (!copy.name || (t->constant && !copy.data))
        b->failed = true;
    return b->graph.tensor_count++;
}

void lks_builder_op(lks_builder *b, uint32_t kind, const uint32_t *operands, const uint32_t *outputs, const lks_op_args *args)
{
    const lks_op_rule *rule = lks_op_rule_of(kind);

    lks_builder_op_of(b, kind, operands, rule->operand_count, outputs, rule->output_count, args);
}

void lks_builder_op_of(lks_builder *b, uint32_t kind, const uint32_t *operands, uint32_t operand_count, const uint32_t *outputs,
                       uint32_t output_count, const lks_op_args *args)
{
    const lks_op_rule *rule = lks_op_rule_of(kind);
    lks_op op = { .kind = kind, .operand_count = operand_count, .output_count = output_count };
    uint32_t *words;

    if (!grow(b, &b->graph.ops, b->graph.op_count, &b->op_room, sizeof op))
        return;
    words = malloc(((size_t)operand_count + output_count) * sizeof *words);
    if (!words) {
        b->failed = true;
        return;
    }
    memcpy(words, operands, op.operand_count * sizeof *words);
    memcpy(words + op.operand_count, outputs, op.output_count * sizeof *words);
    op.operand = words;
    op.output = words + op.operand_count;
    memcpy(op.args.word, args->word, rule->arg_count * sizeof args->word[0]);
    b->graph.ops[b->graph.op_count++] = op;
}

void lks_builder_input(lks_builder *b, uint32_t tensor)
{
    if (grow(b, &b->graph.inputs, b->graph.input_count, &b->input_room, sizeof tensor))
        b->graph.inputs[b->graph.input_count++] = tensor;
}

void lks_builder_output(lks_builder *b, uint32_t tensor)
{
    if (grow(b, &b->graph.outputs, b->graph.output_count, &b->output_room, sizeof tensor))
        b->graph.outputs[b->graph.output_count++] = tensor;
}

lks_status lks_builder_write(const lks_builder *b, uint8_t **bytes, size_t *size, lks_error *error)
{
    *bytes = NULL;
    *size = 0;
    if (b->failed)
        return lks_fail(error, LKS_ERR_NOMEM, "out of memory");
    return lks_graph_write(&b->graph, bytes, size, error);
}
