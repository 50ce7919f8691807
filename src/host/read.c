/* SPDX-License-Identifier: Apache-2.0
 *
 * The strict reader of .lks files (docs/format.md): the only way to a model.
 *
 * Sizes first, then tables, then the graph, then every op by its rules.  Then the model is written again and must give the bytes
 * that were read: so the reader accepts exactly what the writer writes, padding and reserved fields included.  Limits of the user
 * come before the proof of the bound law, which is the only step whose time can exceed that of reading the file.
 */
#include "host/error.h"
#include "host/format.h"
#include "host/model.h"
#include "host/op_rules.h"

#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const char *name;
    lks_error *error;
    lks_model *m;
    const uint8_t *file;
    uint64_t size;
    uint32_t op_words, name_bytes;
    uint64_t data_bytes;
    const uint8_t *tensors, *graph, *ops, *names, *data;
} reader;

static lks_status malformed(const reader *r, const char *field, const char *why)
{
    return lks_fail(r->error, LKS_ERR_FORMAT, "%s: %s: %s", r->name, field, why);
}

static lks_status malformed_at(const reader *r, const char *what, uint32_t index, const char *why)
{
    return lks_fail(r->error, LKS_ERR_FORMAT, "%s: %s %u: %s", r->name, what, index, why);
}

static lks_status no_memory(const reader *r)
{
    return lks_fail(r->error, LKS_ERR_NOMEM, "%s: out of memory", r->name);
}

/* ---- header and sections ------------------------------------------------------------------------------------------------- */

static lks_status read_counts(reader *r)
{
    lks_graph *g = &r->m->graph;

    g->tensor_count = lks_get32(r->file + 16);
    g->op_count = lks_get32(r->file + 20);
    g->input_count = lks_get32(r->file + 24);
    g->output_count = lks_get32(r->file + 28);
    r->op_words = lks_get32(r->file + 32);
    r->name_bytes = lks_get32(r->file + 36);
    r->data_bytes = lks_get64(r->file + 40);
    if (g->tensor_count < 1 || g->tensor_count > LKS_MAX_TENSORS)
        return malformed(r, "tensor_count", "must be in 1 .. 65536");
    if (g->op_count < 1 || g->op_count > LKS_MAX_OPS)
        return malformed(r, "op_count", "must be in 1 .. 16384");
    if (g->input_count < 1 || g->input_count > LKS_MAX_ENDS)
        return malformed(r, "input_count", "must be in 1 .. 1024");
    if (g->output_count < 1 || g->output_count > LKS_MAX_ENDS)
        return malformed(r, "output_count", "must be in 1 .. 1024");
    if (r->data_bytes > LKS_MAX_FILE)
        return malformed(r, "data_bytes", "is larger than a file may be");
    return LKS_OK;
}

static lks_status read_header(reader *r)
{
    lks_status st;

    if (r->size < LKS_HEADER_BYTES)
        return malformed(r, "header", "the file is shorter than a header");
    if (memcmp(r->file, lks_magic, sizeof lks_magic) != 0)
        return malformed(r, "magic", "this is neither a .lks file nor one that can be imported (.tflite)");
    if (lks_get32(r->file + 8) != LKS_FORMAT_VERSION)
        return lks_fail(r->error, LKS_ERR_UNSUPPORTED, "%s: format_version: is %u, and this build reads %d", r->name,
                        lks_get32(r->file + 8), LKS_FORMAT_VERSION);
    if (lks_get32(r->file + 12) != LKS_SPEC_VERSION)
        return lks_fail(r->error, LKS_ERR_UNSUPPORTED, "%s: spec_version: is %u, and this build knows %d", r->name,
                        lks_get32(r->file + 12), LKS_SPEC_VERSION);
    if (lks_get64(r->file + 48) != r->size)
        return malformed(r, "file_bytes", "differs from the size of the file: it is cut, or something was appended");
    if ((st = read_counts(r)) != LKS_OK)
        return st;

    const lks_graph *g = &r->m->graph;
    uint64_t graph = lks_align(LKS_HEADER_BYTES + (uint64_t)LKS_TENSOR_BYTES * g->tensor_count);
    uint64_t ops = lks_align(graph + 4 * ((uint64_t)g->input_count + g->output_count));
    uint64_t names = lks_align(ops + 4 * (uint64_t)r->op_words);
    uint64_t data = lks_align(names + r->name_bytes);

    if (lks_align(data + r->data_bytes) != r->size)
        return malformed(r, "header", "the sections do not add up to file_bytes");
    r->tensors = r->file + LKS_HEADER_BYTES;
    r->graph = r->file + graph;
    r->ops = r->file + ops;
    r->names = r->file + names;
    r->data = r->file + data;
    return LKS_OK;
}

/* ---- tensors ------------------------------------------------------------------------------------------------------------- */

/* One tensor while the table is read: what is left of the sections that it draws on. */
typedef struct tensor_cursor {
    char *name_out;
    uint64_t name_at, data_at;
    uint8_t *wide_out;              /* constants wider than a byte, decoded; NULL: only counting */
    uint64_t wide_bytes;
} tensor_cursor;

static const char *type_fault(const lks_tensor *t)
{
    if (t->type != LKS_I8 && t->type != LKS_I16 && t->type != LKS_I32)
        return "type: must be 1, 3 or 4";
    if (t->interface != t->type && !(t->type == LKS_I8 && t->interface == LKS_U8)
        && !(t->type == LKS_I32 && t->interface == LKS_I64))
        return "interface: does not go with the storage type";
    if (t->constant && (t->interface != t->type || t->scale_bits || t->zero_point))
        return "a constant has its storage type as interface, and scale and zero point 0";
    if (t->scale_bits >= 0x7f800000u)
        return "scale: must be finite and not negative";
    if (t->interface == LKS_I8 && (t->zero_point < -128 || t->zero_point > 127))
        return "zero_point: must be in the range of int8";
    if (t->interface == LKS_I16 && (t->zero_point < INT16_MIN || t->zero_point > INT16_MAX))
        return "zero_point: must be in the range of int16";
    if (t->interface == LKS_U8 && (t->zero_point < 0 || t->zero_point > 255))
        return "zero_point: must be in the range of uint8";
    return NULL;
}

static const char *shape_fault(lks_tensor *t)
{
    uint64_t elements = 1;

    if (t->rank < 1 || t->rank > LKS_MAX_RANK)
        return "rank: must be in 1 .. 6";
    for (uint32_t i = 0; i < LKS_MAX_RANK; i++) {
        if (i < t->rank ? t->dims[i] < 1 || t->dims[i] > LKS_MAX_EXTENT : t->dims[i] != 0)
            return "extents: must be in 1 .. 2^24, and 0 beyond the rank";
        if (i < t->rank && (elements *= t->dims[i]) > LKS_MAX_ELEMENTS)
            return "extents: more than 2^31 - 1 elements";
    }
    t->elements = (uint32_t)elements;
    if (!t->constant && lks_tensor_bytes(t) > LKS_MAX_ELEMENTS)
        return "extents: an activation of more than 2^31 - 1 bytes";
    return NULL;
}

/* NULL, or what is wrong.  The name is copied to its place in the block of names. */
static const char *read_name(const reader *r, tensor_cursor *at, uint32_t length, lks_tensor *t)
{
    if (length > LKS_MAX_NAME || length > r->name_bytes - at->name_at)
        return "name_length: beyond 255, or beyond name_bytes";
    t->name = at->name_out;
    for (uint32_t i = 0; i < length; i++) {
        uint8_t c = r->names[at->name_at++];

        if (c < 0x20 || c > 0x7e)
            return "name: has a byte that is not printable ASCII";
        *at->name_out++ = (char)c;
    }
    *at->name_out++ = 0;
    return NULL;
}

static const char *place_data(const reader *r, tensor_cursor *at, lks_tensor *t)
{
    uint64_t bytes = lks_tensor_bytes(t);

    if (!t->constant)
        return NULL;
    if (bytes > r->data_bytes - at->data_at)
        return "data: goes beyond data_bytes";
    t->data = r->data + at->data_at;
    at->data_at = lks_align(at->data_at + bytes);
    if (at->data_at > r->data_bytes)
        return "data: goes beyond data_bytes";
    if (t->type != LKS_I8)
        at->wide_bytes += lks_align(bytes);
    return NULL;
}

static const char *read_tensor(const reader *r, tensor_cursor *at, uint32_t index)
{
    const uint8_t *p = r->tensors + (size_t)LKS_TENSOR_BYTES * index;
    lks_tensor *t = &r->m->graph.tensors[index];
    const char *fault;

    t->type = (lks_type)p[0];
    t->interface = (lks_type)p[1];
    t->rank = p[2];
    t->constant = p[3] == 1;
    t->scale_bits = lks_get32(p + 8);
    t->zero_point = lks_signed32(lks_get32(p + 12));
    for (uint32_t i = 0; i < LKS_MAX_RANK; i++)
        t->dims[i] = lks_get32(p + 16 + 4 * i);
    if (p[3] > 1)
        return "role: must be 0 or 1";
    if ((fault = type_fault(t)) || (fault = shape_fault(t)) || (fault = read_name(r, at, lks_get32(p + 4), t)))
        return fault;
    return place_data(r, at, t);
}

static void decode(const lks_tensor *t, const uint8_t *in, void *out)
{
    for (uint32_t i = 0; i < t->elements; i++) {
        if (t->type == LKS_I16) {
            int32_t v = in[2 * (size_t)i] | in[2 * (size_t)i + 1] << 8;

            ((int16_t *)out)[i] = (int16_t)(v < 0x8000 ? v : v - 0x10000);
        } else {
            ((int32_t *)out)[i] = lks_signed32(lks_get32(in + 4 * (size_t)i));
        }
    }
}

/* Constants wider than a byte get a copy in the machine's byte order. */
static lks_status decode_constants(const reader *r, uint64_t bytes)
{
    lks_graph *g = &r->m->graph;
    uint8_t *out = bytes ? malloc((size_t)bytes) : NULL;

    if (bytes && !out)
        return no_memory(r);
    r->m->constants = out;
    for (uint32_t i = 0; i < g->tensor_count; i++) {
        lks_tensor *t = &g->tensors[i];

        if (!t->constant || t->type == LKS_I8)
            continue;
        decode(t, t->data, out);
        t->data = out;
        out += lks_align(lks_tensor_bytes(t));
    }
    return LKS_OK;
}

static lks_status read_tensors(reader *r)
{
    lks_graph *g = &r->m->graph;
    tensor_cursor at = { 0 };

    g->tensors = calloc(g->tensor_count, sizeof *g->tensors);
    r->m->names = malloc((size_t)r->name_bytes + g->tensor_count);
    if (!g->tensors || !r->m->names)
        return no_memory(r);
    at.name_out = r->m->names;
    for (uint32_t i = 0; i < g->tensor_count; i++) {
        const char *fault = read_tensor(r, &at, i);

        if (fault)
            return malformed_at(r, "tensor", i, fault);
    }
    if (at.name_at != r->name_bytes)
        return malformed(r, "name_bytes", "is more than the names take");
    if (at.data_at != r->data_bytes)
        return malformed(r, "data_bytes", "is more than the constants take");
    return decode_constants(r, at.wide_bytes);
}

/* ---- ops ----------------------------------------------------------------------------------------------------------------- */

/* Copy count tensor indices to the block of words; NULL: one is out of range. */
static uint32_t *read_indices(const reader *r, const uint8_t *p, uint32_t count, uint32_t **out)
{
    uint32_t *first = *out;

    for (uint32_t i = 0; i < count; i++) {
        **out = lks_get32(p + 4 * (size_t)i);
        if (*(*out)++ >= r->m->graph.tensor_count)
            return NULL;
    }
    return first;
}

static bool count_fits(uint32_t count, uint32_t rule)
{
    return rule == LKS_ANY_COUNT ? count >= 1 && count <= LKS_MAX_ENDS : count == rule;
}

/* NULL, or what is wrong; *p moves beyond the op. */
static const char *read_op(const reader *r, const uint8_t **p, uint32_t *left, lks_op *op, uint32_t **out)
{
    const lks_op_rule *rule;
    uint32_t words;

    if (*left < LKS_OP_HEAD_WORDS)
        return "goes beyond op_words";
    op->kind = lks_get32(*p);
    if (!(rule = lks_op_rule_of(op->kind)))
        return "the spec has no op of that number";
    op->operand_count = lks_get32(*p + 4);
    op->output_count = lks_get32(*p + 8);
    if (!count_fits(op->operand_count, rule->operand_count) || !count_fits(op->output_count, rule->output_count)
        || lks_get32(*p + 12) != rule->arg_count)
        return "has the wrong number of operands, outputs or arguments";
    words = LKS_OP_HEAD_WORDS + op->operand_count + op->output_count + rule->arg_count;
    if (*left < words)
        return "goes beyond op_words";
    op->operand = read_indices(r, *p + 16, op->operand_count, out);
    op->output = read_indices(r, *p + 16 + 4 * (size_t)op->operand_count, op->output_count, out);
    if (!op->operand || !op->output)
        return "names a tensor that does not exist";
    for (uint32_t i = 0; i < rule->arg_count; i++)
        op->args.word[i] = lks_signed32(lks_get32(*p + 4 * (size_t)(words - rule->arg_count + i)));
    *p += 4 * (size_t)words;
    *left -= words;
    return NULL;
}

static lks_status read_ops(reader *r)
{
    lks_graph *g = &r->m->graph;
    uint64_t ends = (uint64_t)g->input_count + g->output_count;
    uint32_t left = r->op_words, *out;
    const uint8_t *p = r->ops;

    g->ops = calloc(g->op_count, sizeof *g->ops);
    r->m->words = malloc((size_t)(ends + r->op_words) * sizeof *r->m->words);
    if (!g->ops || !r->m->words)
        return no_memory(r);
    out = r->m->words;
    g->inputs = read_indices(r, r->graph, g->input_count, &out);
    g->outputs = read_indices(r, r->graph + 4 * (size_t)g->input_count, g->output_count, &out);
    if (!g->inputs || !g->outputs)
        return malformed(r, "graph", "names a tensor that does not exist");
    for (uint32_t i = 0; i < g->op_count; i++) {
        const char *fault = read_op(r, &p, &left, &g->ops[i], &out);

        if (fault)
            return malformed_at(r, "op", i, fault);
    }
    return left == 0 ? LKS_OK : malformed(r, "op_words", "is more than the ops take");
}

/* ---- the graph (spec 5) -------------------------------------------------------------------------------------------------- */

enum { DEFINED = 1, USED = 2, OUTPUT = 4, PRODUCED = 8 };

static lks_status mark_inputs(const reader *r, uint8_t *mark)
{
    const lks_graph *g = &r->m->graph;

    for (uint32_t i = 0; i < g->input_count; i++) {
        uint32_t t = g->inputs[i];

        if (g->tensors[t].constant || mark[t])
            return malformed_at(r, "input", i, "is a constant, or listed twice");
        mark[t] = DEFINED;
    }
    return LKS_OK;
}

static const char *mark_op(const lks_graph *g, const lks_op *op, uint8_t *mark)
{
    for (uint32_t i = 0; i < op->operand_count; i++) {
        uint32_t t = op->operand[i];

        if (!g->tensors[t].constant && !(mark[t] & DEFINED))
            return "uses an activation that is not made before it";
        mark[t] |= USED;
    }
    for (uint32_t i = 0; i < op->output_count; i++) {
        uint32_t t = op->output[i];

        if (g->tensors[t].constant || (mark[t] & DEFINED))
            return "its output is a constant, a graph input, or made twice";
        mark[t] |= DEFINED | PRODUCED;
    }
    return NULL;
}

static lks_status mark_rest(const reader *r, uint8_t *mark)
{
    const lks_graph *g = &r->m->graph;

    for (uint32_t i = 0; i < g->output_count; i++) {
        uint32_t t = g->outputs[i];

        if (!(mark[t] & PRODUCED) || (mark[t] & OUTPUT))
            return malformed_at(r, "output", i, "is no op's output, or listed twice");
        mark[t] |= OUTPUT;
    }
    for (uint32_t i = 0; i < g->tensor_count; i++)
        if (!(mark[i] & (g->tensors[i].constant ? USED : DEFINED)))
            return malformed_at(r, "tensor", i, "belongs to no op");
    return LKS_OK;
}

static lks_status check_graph(const reader *r)
{
    const lks_graph *g = &r->m->graph;
    uint8_t *mark = calloc(g->tensor_count, 1);
    lks_status st;

    if (!mark)
        return no_memory(r);
    st = mark_inputs(r, mark);
    for (uint32_t i = 0; st == LKS_OK && i < g->op_count; i++) {
        const char *fault = mark_op(g, &g->ops[i], mark);

        if (fault)
            st = malformed_at(r, "op", i, fault);
    }
    if (st == LKS_OK)
        st = mark_rest(r, mark);
    free(mark);
    return st;
}

static lks_status check_ops(const reader *r)
{
    lks_model *m = r->m;
    lks_status st;

    m->batch = m->graph.tensors[m->graph.inputs[0]].dims[0];
    m->batch_free = 1;
    for (uint32_t i = 0; i < m->graph.input_count; i++)
        m->batch_free &= m->graph.tensors[m->graph.inputs[i]].dims[0] == m->batch;
    for (uint32_t i = 0; i < m->graph.op_count; i++) {
        lks_op_view v = lks_view_op(&m->graph, i, r->name, r->error);
        const lks_op_rule *rule = lks_op_rule_of(v.op->kind);

        if ((st = lks_op_check(&v)) != LKS_OK)
            return st;
        if (rule->batch_free && !rule->batch_free(&v))
            m->batch_free = 0;
    }
    return LKS_OK;
}

static lks_status prove_ops(const reader *r)
{
    lks_status st = LKS_OK;

    for (uint32_t i = 0; st == LKS_OK && i < r->m->graph.op_count; i++) {
        lks_op_view v = lks_view_op(&r->m->graph, i, r->name, r->error);

        st = lks_op_prove(&v);
    }
    return st;
}

/* The model, written again, must be the file. */
static lks_status check_canonical(const reader *r)
{
    uint8_t *again;
    size_t size, i = 0;
    lks_status st = lks_graph_write(&r->m->graph, &again, &size, r->error);

    if (st != LKS_OK)
        return st;
    while (i < size && i < r->size && again[i] == r->file[i])
        i++;
    free(again);
    if (size == r->size && i == size)
        return LKS_OK;
    return lks_fail(r->error, LKS_ERR_FORMAT, "%s: byte %zu: reserved or filling bytes must be 0: the file is not canonical",
                    r->name, i);
}

static lks_status check_limits(const reader *r, const lks_limits *limits)
{
    uint64_t mem_limit = limits && limits->mem_bytes ? limits->mem_bytes : (uint64_t)4 << 30;
    lks_cost cost;
    lks_status st = lks_model_cost(r->m, r->m->batch, &cost);

    if (st == LKS_ERR_NOMEM)
        return no_memory(r);
    if (st != LKS_OK)
        return lks_fail(r->error, st, "%s: the cost of the model is beyond 64 bits", r->name);
    if (cost.peak_bytes > mem_limit || cost.parameter_bytes > mem_limit - cost.peak_bytes)
        return lks_fail(r->error, LKS_ERR_LIMIT, "%s: needs %llu bytes for parameters and %llu for tensors: more than the limit "
                        "of %llu",
                        r->name, (unsigned long long)cost.parameter_bytes, (unsigned long long)cost.peak_bytes,
                        (unsigned long long)mem_limit);
    if (limits && limits->work && (cost.macs > limits->work || cost.element_ops > limits->work - cost.macs))
        return lks_fail(r->error, LKS_ERR_LIMIT, "%s: needs %llu MACs and %llu element ops: more work than the limit of %llu",
                        r->name, (unsigned long long)cost.macs, (unsigned long long)cost.element_ops,
                        (unsigned long long)limits->work);
    return LKS_OK;
}

lks_status lks_model_read(uint8_t *bytes, size_t size, const char *name, const lks_limits *limits, lks_model **model,
                          lks_error *error)
{
    reader r = { .name = name, .error = error, .file = bytes, .size = size };
    lks_status st;

    *model = NULL;
    r.m = calloc(1, sizeof *r.m);
    if (!r.m) {
        free(bytes);
        return no_memory(&r);
    }
    atomic_init(&r.m->references, 1);
    r.m->file = bytes;
    r.m->file_bytes = size;
    if ((st = read_header(&r)) != LKS_OK)          goto fail;
    if ((st = read_tensors(&r)) != LKS_OK)         goto fail;
    if ((st = read_ops(&r)) != LKS_OK)             goto fail;
    if ((st = check_graph(&r)) != LKS_OK)          goto fail;
    if ((st = check_ops(&r)) != LKS_OK)            goto fail;
    if ((st = check_canonical(&r)) != LKS_OK)      goto fail;
    if ((st = check_limits(&r, limits)) != LKS_OK) goto fail;
    if ((st = prove_ops(&r)) != LKS_OK)            goto fail;
    lks_sha256(bytes, size, r.m->digest);
    *model = r.m;
    return lks_ok(error);

fail:
    lks_model_close(r.m);
    return st;
}
