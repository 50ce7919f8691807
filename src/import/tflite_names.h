/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of the numbers in a .tflite file, for messages.
 */
#ifndef LKS_IMPORT_TFLITE_NAMES_H
#define LKS_IMPORT_TFLITE_NAMES_H

#include <stdint.h>

/* schema.fbs: TensorType, the values that the importer tells apart. */
enum {
    LKS_TFL_FLOAT32 = 0,
    LKS_TFL_FLOAT16 = 1,
    LKS_TFL_INT32 = 2,
    LKS_TFL_UINT8 = 3,
    LKS_TFL_INT64 = 4,
    LKS_TFL_INT16 = 7,
    LKS_TFL_INT8 = 9,
    LKS_TFL_FLOAT64 = 10,
    LKS_TFL_INT4 = 17
};

/* schema.fbs: BuiltinOperator, the values that the importer tells apart. */
enum {
    LKS_TFL_ADD = 0,
    LKS_TFL_AVERAGE_POOL_2D = 1,
    LKS_TFL_CONCATENATION = 2,
    LKS_TFL_CONV_2D = 3,
    LKS_TFL_DEPTHWISE_CONV_2D = 4,
    LKS_TFL_DEPTH_TO_SPACE = 5,
    LKS_TFL_DEQUANTIZE = 6,
    LKS_TFL_FULLY_CONNECTED = 9,
    LKS_TFL_LOGISTIC = 14,
    LKS_TFL_MAX_POOL_2D = 17,
    LKS_TFL_MUL = 18,
    LKS_TFL_RELU = 19,
    LKS_TFL_RELU_N1_TO_1 = 20,
    LKS_TFL_RELU6 = 21,
    LKS_TFL_RESHAPE = 22,
    LKS_TFL_RESIZE_BILINEAR = 23,
    LKS_TFL_SOFTMAX = 25,
    LKS_TFL_SPACE_TO_DEPTH = 26,
    LKS_TFL_SVDF = 27,
    LKS_TFL_TANH = 28,
    LKS_TFL_CUSTOM = 32,
    LKS_TFL_PAD = 34,
    LKS_TFL_GATHER = 36,
    LKS_TFL_TRANSPOSE = 39,
    LKS_TFL_MEAN = 40,
    LKS_TFL_SUB = 41,
    LKS_TFL_SQUEEZE = 43,
    LKS_TFL_UNIDIRECTIONAL_SEQUENCE_LSTM = 44,
    LKS_TFL_STRIDED_SLICE = 45,
    LKS_TFL_SPLIT = 49,
    LKS_TFL_PRELU = 54,
    LKS_TFL_MAXIMUM = 55,
    LKS_TFL_ARG_MAX = 56,
    LKS_TFL_MINIMUM = 57,
    LKS_TFL_PADV2 = 60,
    LKS_TFL_SLICE = 65,
    LKS_TFL_TRANSPOSE_CONV = 67,
    LKS_TFL_TILE = 69,
    LKS_TFL_EXPAND_DIMS = 70,
    LKS_TFL_SUM = 74,
    LKS_TFL_SHAPE = 77,
    LKS_TFL_ARG_MIN = 79,
    LKS_TFL_REDUCE_MAX = 82,
    LKS_TFL_PACK = 83,
    LKS_TFL_UNPACK = 88,
    LKS_TFL_REDUCE_MIN = 89,
    LKS_TFL_RESIZE_NEAREST_NEIGHBOR = 97,
    LKS_TFL_LEAKY_RELU = 98,
    LKS_TFL_ABS = 101,
    LKS_TFL_SPLIT_V = 102,
    LKS_TFL_QUANTIZE = 114,
    LKS_TFL_HARD_SWISH = 117,
    LKS_TFL_BATCH_MATMUL = 126,
    LKS_TFL_RELU_0_TO_1 = 152
};

/* NULL for a number that the schema does not have. */
const char *lks_tfl_op_name(int64_t code);
/* Never NULL. */
const char *lks_tfl_type_name(int64_t type);

#endif
