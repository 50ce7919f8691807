/* SPDX-License-Identifier: Apache-2.0
 *
 * A model in memory, and the builder that importers use to make one.
 *
 * There is one way to a model: bytes of a .lks file through the reader (read.c).  A builder collects tensors and ops and writes
 * such bytes (write.c); so whatever an importer produces is checked exactly as a stranger's file is.
 */
#ifndef LKS_HOST_MODEL_H
#define LKS_HOST_MODEL_H

#include "lockstep/lockstep.h"
#include "spec/op.h"

#include <stdatomic.h>
#include <stdbool.h>

#define LKS_MAX_EXTENT (1u << 24)
#define LKS_MAX_ELEMENTS 0x7fffffffu
#define LKS_MAX_TENSORS 65536u
#define LKS_MAX_OPS 16384u
#define LKS_MAX_ENDS 1024u              /* of graph inputs, of graph outputs */
#define LKS_MAX_NAME 255u
#define LKS_MAX_FILE 0x7fffffffu
#define LKS_NO_TENSOR UINT32_MAX

typedef struct lks_tensor {
    const char *name;               /* terminated by a zero */
    lks_type type, interface;       /* storage and interface type */
    int constant;
    uint32_t rank;
    uint32_t dims[LKS_MAX_RANK];    /* 0 beyond the rank */
    uint32_t elements;
    uint32_t scale_bits;
    int32_t zero_point;
    const void *data;               /* constants: dense values, in the machine's byte order, aligned for their type */
} lks_tensor;

typedef struct lks_op {
    uint32_t kind;                  /* LKS_OP_... */
    uint32_t operand_count, output_count;
    const uint32_t *operand, *output;
    lks_op_args args;               /* words beyond those of the kind are 0 */
    uint64_t bound;                 /* proven by rules_*.c; 0: no accumulator */
} lks_op;

/* What a model and a builder have in common, and all that a file holds. */
typedef struct lks_graph {
    uint32_t tensor_count, op_count, input_count, output_count;
    lks_tensor *tensors;
    lks_op *ops;
    uint32_t *inputs, *outputs;     /* tensor indices */
} lks_graph;

struct lks_model {
    atomic_uint references;         /* exempt from the law on atomics: it counts owners, no data passes through it */
    uint8_t *file;                  /* owned; int8 constants point into it */
    size_t file_bytes;
    uint8_t digest[LKS_DIGEST_SIZE];
    lks_graph graph;
    int batch_free;
    uint32_t batch;                 /* the first extent of the first input; of all activations where batch_free */
    uint32_t *words;                /* one block: inputs, outputs, operands and outputs of all ops */
    char *names;                    /* one block */
    void *constants;                /* one block: the constants wider than a byte */
};

/* ---- sizes --------------------------------------------------------------------------------------------------------------- */

/* Bytes of one element; 0: no such type. */
size_t lks_type_bytes(lks_type type);

/* Storage bytes of a tensor at the model's own batch. */
uint64_t lks_tensor_bytes(const lks_tensor *t);

/* Into how many images, as op.h and backend.h count them, the model's own batch falls: batch where batch_free, else 1. */
uint32_t lks_model_images(const lks_model *m);

/*
 * Whether the model runs with that batch: its own, or, where batch_free, any that keeps every activation in the limits of spec 7.
 */
bool lks_model_runs_with(const lks_model *m, uint32_t batch);

/* One more owner. */
lks_model *lks_model_share(lks_model *m);

/* ---- builder ------------------------------------------------------------------------------------------------------------- */

typedef struct lks_builder lks_builder;

/* NULL: out of memory. */
lks_builder *lks_builder_open(void);
void lks_builder_close(lks_builder *b);

/*
 * Add a tensor: its index, or LKS_NO_TENSOR when memory ran out (lks_builder_write then says so).
 *
 * t  elements is ignored; name, dims and data are copied.  Bytes of a name that the format does not allow become '_', and a long
 *    name is cut.  data: constants only, in the machine's byte order.
 */
uint32_t lks_builder_tensor(lks_builder *b, const lks_tensor *t);

/* Add an op; operands and outputs are copied.  Its counts are taken from the kind, which fixes them. */
void lks_builder_op(lks_builder *b, uint32_t kind, const uint32_t *operands, const uint32_t *outputs, const lks_op_args *args);

/* The same for any kind. */
void lks_builder_op_of(lks_builder *b, uint32_t kind, const uint32_t *operands, uint32_t operand_count, const uint32_t *outputs,
                       uint32_t output_count, const lks_op_args *args);

void lks_builder_input(lks_builder *b, uint32_t tensor);
void lks_builder_output(lks_builder *b, uint32_t tensor);

/* The bytes of a .lks file for a graph; as lks_builder_write. */
lks_status lks_graph_write(const lks_graph *g, uint8_t **bytes, size_t *size, lks_error *error);

/*
 * Write what was added as the bytes of a .lks file.  Checks only that it can be written: the reader checks the rest.
 *
 * LKS_OK  *bytes is the caller's (free).  LKS_ERR_NOMEM, LKS_ERR_LIMIT (too large for the format): NULL.
 */
lks_status lks_builder_write(const lks_builder *b, uint8_t **bytes, size_t *size, lks_error *error);

/*
 * Make a model of the bytes of a .lks file, which must be exactly those that lks_builder_write would write.  Takes ownership of
 * bytes (from malloc), on failure too.  name: what errors call the file.
 */
lks_status lks_model_read(uint8_t *bytes, size_t size, const char *name, const lks_limits *limits, lks_model **model,
                          lks_error *error);

#endif
