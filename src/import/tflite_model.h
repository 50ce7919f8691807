/* SPDX-License-Identifier: Apache-2.0
 *
 * A .tflite file as a checked view: its tensors, and where its ops and their parts stand.
 *
 * Reading it says whether the file is sound, not whether it can be imported: what an op may do is in tflite_ops.c.
 */
#ifndef LKS_IMPORT_TFLITE_MODEL_H
#define LKS_IMPORT_TFLITE_MODEL_H

#include "host/model.h"
#include "import/flatbuffer.h"

/* A tensor's place in the .lks file, once it has one: as stored, or as the weights of a depthwise convolution. */
enum { LKS_TFL_PLAIN, LKS_TFL_DEPTHWISE, LKS_TFL_LAYOUTS };

typedef struct lks_tfl_tensor {
    lks_fb_vector name;
    int32_t type;                       /* LKS_TFL_INT8, ... */
    uint32_t rank;                      /* as the file says, perhaps beyond 6; dims has the first six */
    int32_t dims[LKS_MAX_RANK];
    const uint8_t *data;                /* of a constant, in the file; NULL for others */
    uint32_t data_bytes;
    lks_fb_vector scales, zeros;        /* both empty: not quantized */
    int32_t axis;                       /* of scales and zeros, where there are several */
    bool variable;                      /* only the state of an op may be one: for all others it is an oddity */
    bool input, output;                 /* of the graph */
    bool made;                          /* by an op before the present one, or it is a graph input */
    bool shape_only;                    /* made from shapes: no value of it is imported (tflite_ends.h) */
    struct lks_tfl_tensor *inner;       /* of a float at an end of the graph: the tensor that stands there instead; NULL: none */
    const char *oddity;                 /* what forbids its use at all; NULL: nothing */
    uint32_t index[LKS_TFL_LAYOUTS];    /* in the .lks; LKS_NO_TENSOR: not there yet */
} lks_tfl_tensor;

typedef struct lks_tfl_model {
    lks_fb fb;
    lks_fb_vector codes, operators, inputs, outputs;
    lks_tfl_tensor *tensors;
    uint32_t tensor_count;
    lks_builder *builder;
    uint64_t allowance;                 /* bytes of constants that may still be written */
} lks_tfl_model;

/* What an operator table says.  inputs and outputs are tensor indices, unchecked, and -1 for an operand that is left out. */
typedef struct lks_tfl_operator {
    int32_t code;                       /* LKS_TFL_CONV_2D, ... */
    lks_fb_vector custom;               /* the name of a custom op */
    lks_fb_vector inputs, outputs;
    int32_t options_type;               /* 0: none */
    lks_fb_table options;
} lks_tfl_operator;

/*
 * Read everything but the operators.
 *
 * LKS_OK, or LKS_ERR_FORMAT, _UNSUPPORTED, _LIMIT, _NOMEM; in all cases m is to be closed.
 */
lks_status lks_tfl_model_read(lks_tfl_model *m, const void *bytes, size_t size, const char *name, lks_error *error);
void lks_tfl_model_close(lks_tfl_model *m);

/* Read operator i < operators.count.  LKS_ERR_FORMAT: it is damaged. */
lks_status lks_tfl_operator_read(lks_tfl_model *m, uint32_t i, lks_tfl_operator *o);

/* For "%.*s": at most so many bytes of a string in the file. */
#define LKS_TFL_TEXT(m, string) \
    (int)((string).count < 80 ? (string).count : 80), (const char *)(m)->fb.bytes + (string).at

#endif
