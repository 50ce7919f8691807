/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops of a .tflite file that can be imported: one row of a table and one short function each.  The functions of most
 * stand by family, in the other files tflite_*.c.
 *
 * The normative reference is TensorFlow Lite Micro: what its Prepare functions refuse is refused here, and what they accept only
 * by leaving memory unwritten, or by reading beyond it, is refused as well.
 */
#include "import/tflite_ops.h"

#include "import/quantize.h"
#include "import/tflite_element.h"
#include "import/tflite_ends.h"
#include "import/tflite_join.h"
#include "import/tflite_linear.h"
#include "import/tflite_move.h"
#include "import/tflite_reduce.h"
#include "import/tflite_requant.h"
#include "import/tflite_slice.h"
#include "import/tflite_state.h"
#include "import/tflite_table.h"
#include "spec/arith.h"

/* schema.fbs: BuiltinOptions, the values in use */
enum {
    OPTIONS_NONE = 0,
    OPTIONS_CONV_2D = 1,
    OPTIONS_DEPTHWISE_CONV_2D = 2,
    OPTIONS_POOL_2D = 5,
    OPTIONS_SVDF = 6,
    OPTIONS_FULLY_CONNECTED = 8,
    OPTIONS_SOFTMAX = 9,
    OPTIONS_CONCATENATION = 10,
    OPTIONS_ADD = 11,
    OPTIONS_RESIZE_BILINEAR = 15,
    OPTIONS_RESHAPE = 17,
    OPTIONS_SPACE_TO_DEPTH = 19,
    OPTIONS_MUL = 21,
    OPTIONS_GATHER = 23,
    OPTIONS_TRANSPOSE = 26,
    OPTIONS_REDUCER = 27,
    OPTIONS_SUB = 28,
    OPTIONS_STRIDED_SLICE = 32,
    OPTIONS_SPLIT = 35,
    OPTIONS_MAXIMUM_MINIMUM = 39,
    OPTIONS_ARG_MAX = 40,
    OPTIONS_SLICE = 48,
    OPTIONS_TRANSPOSE_CONV = 49,
    OPTIONS_TILE = 51,
    OPTIONS_ARG_MIN = 57,
    OPTIONS_PACK = 59,
    OPTIONS_UNPACK = 64,
    OPTIONS_UNIDIRECTIONAL_SEQUENCE_LSTM = 71,
    OPTIONS_RESIZE_NEAREST_NEIGHBOR = 74,
    OPTIONS_LEAKY_RELU = 75,
    OPTIONS_ABS = 78,
    OPTIONS_SPLIT_V = 79,
    OPTIONS_HARD_SWISH = 91,
    OPTIONS_DEPTH_TO_SPACE = 94,
    OPTIONS_BATCH_MATMUL = 101
};

/* ---- pools --------------------------------------------------------------------------------------------------------------- */

static const lks_tfl_window_fields pool_2d = {
    .padding = { "Pool2DOptions.padding", 0, 1, 0 },
    .stride_w = { "Pool2DOptions.stride_w", 1, 4, 0 },
    .stride_h = { "Pool2DOptions.stride_h", 2, 4, 0 },
    .kernel_w = { "Pool2DOptions.filter_width", 3, 4, 0 },
    .kernel_h = { "Pool2DOptions.filter_height", 4, 4, 0 },
    .fused = { "Pool2DOptions.fused_activation_function", 5, 1, 0 },
};

/*
 * pooling_common.cc: PoolingPrepare.  The average of uint8 values is rounded by floor(acc / n + 1/2), which is half_up on stored
 * values.
 */
static lks_status import_pool(const lks_tfl_op *op, uint32_t kind)
{
    lks_tfl_tensor *x, *y;
    lks_tfl_quant qx, qy;
    lks_tfl_window h, w;
    lks_op_args args = { 0 };
    lks_pool_args *a = &args.pool;

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(lks_tfl_quantization(op, x, &qx));
    LKS_TFL_TRY(lks_tfl_quantization(op, y, &qy));
    if (!lks_scales_agree(qx.scale, qy.scale) || qx.zero != qy.zero)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "input and output have different scales or zero points");
    LKS_TFL_TRY(lks_tfl_windows(op, &pool_2d, x, y, 0, 0, &h, &w));
    LKS_TFL_TRY(lks_tfl_range(op, &pool_2d.fused, qy, &a->y_min, &a->y_max));
    a->kernel_h = h.kernel;
    a->kernel_w = w.kernel;
    a->stride_h = (int32_t)h.stride;
    a->stride_w = (int32_t)w.stride;
    a->pad_top = h.before;
    a->pad_bottom = h.after;
    a->pad_left = w.before;
    a->pad_right = w.after;
    a->rounding = kind == LKS_OP_AVG_POOL && x->type == LKS_TFL_INT8 ? LKS_TFLITE : LKS_HALF_UP;
    return lks_tfl_emit(op, kind, &x->index[LKS_TFL_PLAIN], y, &args);
}

static lks_status import_average_pool_2d(const lks_tfl_op *op)
{
    return import_pool(op, LKS_OP_AVG_POOL);
}

static lks_status import_max_pool_2d(const lks_tfl_op *op)
{
    return import_pool(op, LKS_OP_MAX_POOL);
}

/* ---- RESIZE_BILINEAR ----------------------------------------------------------------------------------------------------- */

/* How outputs lie over inputs. */
typedef struct alignment {
    bool corners, centers;
} alignment;

/*
 * resize_bilinear.h: ResizeBilinearInteger.  The reference reads beyond an image where rounding puts the last output behind its
 * end.
 *
 * uint8: LiteRT interpolates in binary32, which is exact where places are multiples of 1/128: a product of two weights and a
 * value then has 22 bits.
 */
static lks_status resize_axis(const lks_tfl_op *op, alignment a, bool legacy, int64_t in, int64_t out, int32_t *scale,
                              int32_t *offset)
{
    const bool corners = a.corners && out > 1;
    const int64_t from = corners ? in - 1 : in, to = corners ? out - 1 : out, units = (1024 * from + to / 2) / to;

    *scale = (int32_t)(units < LKS_INT32_MAX ? units : LKS_INT32_MAX);
    *offset = a.centers ? *scale / 2 - 512 : 0;
    if (units > LKS_INT32_MAX || ((out - 1) * units + *offset) / 1024 >= in)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "from %lld to %lld: the reference reads beyond the image", (long long)in,
                              (long long)out);
    if (legacy && (1024 * from % to != 0 || (*scale | *offset) % 8 != 0 || in > 65536))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "from %lld to %lld: the reference interpolates in floating point",
                              (long long)in, (long long)out);
    return LKS_OK;
}

static lks_status import_resize_bilinear(const lks_tfl_op *op)
{
    static const lks_fb_field corners = { "ResizeBilinearOptions.align_corners", 2, 1, 0 };
    static const lks_fb_field centers = { "ResizeBilinearOptions.half_pixel_centers", 3, 1, 0 };
    const alignment align = { lks_tfl_option(op, &corners) != 0, lks_tfl_option(op, &centers) != 0 };
    lks_tfl_tensor *x, *y, *size;
    lks_op_args args = { 0 };
    lks_resize_bilinear_args *a = &args.resize_bilinear;
    bool legacy;

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(lks_tfl_constant(op, 1, "size", LKS_TFL_INT32, &size));
    if (x->rank != 4)
        return lks_tfl_refuse_rank(op, "the input", x->rank, 4);
    if (y->rank != 4)
        return lks_tfl_refuse_rank(op, "the output", y->rank, 4);
    if (lks_tfl_elements(size) != 2 || lks_tfl_value(size, 0) != y->dims[1] || lks_tfl_value(size, 1) != y->dims[2])
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the size contradicts the shape of the output tensor");
    if (align.corners && align.centers)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "both corners and centers are aligned");
    legacy = x->type == LKS_TFL_UINT8;
    LKS_TFL_TRY(resize_axis(op, align, legacy, x->dims[1], y->dims[1], &a->scale_h, &a->offset_h));
    LKS_TFL_TRY(resize_axis(op, align, legacy, x->dims[2], y->dims[2], &a->scale_w, &a->offset_w));
    a->rounding = legacy ? LKS_HALF_UP : LKS_TFLITE;
    return lks_tfl_emit(op, LKS_OP_RESIZE_BILINEAR, &x->index[LKS_TFL_PLAIN], y, &args);
}

/* ---- PAD, PADV2 ---------------------------------------------------------------------------------------------------------- */

/* Operand 2, where there is one: a single value, quantized as the output.  Otherwise the output's zero point. */
static lks_status read_pad_value(const lks_tfl_op *op, int32_t type, lks_tfl_quant y, int32_t *value)
{
    lks_tfl_tensor *t;
    lks_tfl_quant q;

    *value = y.zero;
    if (!lks_tfl_has(op, 2))
        return LKS_OK;
    LKS_TFL_TRY(lks_tfl_constant(op, 2, "pad value", type, &t));
    LKS_TFL_TRY(lks_tfl_quantization(op, t, &q));
    if (lks_tfl_elements(t) != 1 || q.scale != y.scale || q.zero != y.zero)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the pad value must be one element, quantized as the output");
    *value = (int32_t)lks_tfl_value(t, 0);
    return LKS_OK;
}

/* pad_common.cc: PadPrepare, with its limit of 5 dimensions; INT64 paddings as full TensorFlow Lite reads them */
static lks_status import_pad(const lks_tfl_op *op)
{
    lks_tfl_tensor *x, *y, *paddings;
    lks_tfl_quant qy;
    lks_op_args args = { 0 };

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(lks_tfl_quantization(op, y, &qy));
    LKS_TFL_TRY(read_pad_value(op, y->type, qy, &args.pad.pad_value));
    LKS_TFL_TRY(lks_tfl_operand(op, 1, "paddings", &paddings));
    LKS_TFL_TRY(lks_tfl_constant(op, 1, "paddings", paddings->type == LKS_TFL_INT64 ? LKS_TFL_INT64 : LKS_TFL_INT32,
                                 &paddings));
    if (x->rank < 1 || x->rank > 5 || lks_tfl_elements(paddings) != 2 * x->rank)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "%u paddings for %u dimensions: there must be 2 for each of 1 to 5",
                              (unsigned)lks_tfl_elements(paddings), (unsigned)x->rank);
    for (uint32_t i = 0; i < 2 * x->rank; i++) {
        int64_t count = lks_tfl_value(paddings, i);

        if (count < 0 || count > LKS_MAX_EXTENT)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "padding %lld", (long long)count);
        (i % 2 == 0 ? args.pad.before : args.pad.after)[i / 2] = (int32_t)count;
    }
    return lks_tfl_emit(op, LKS_OP_PAD, &x->index[LKS_TFL_PLAIN], y, &args);
}

/* ---- RESHAPE ------------------------------------------------------------------------------------------------------------- */

/*
 * The output tensor states the shape, as in the reference (reshape_common.cc), which reads neither the shape operand nor the
 * option.  Where the operand says something else, programs differ about what the model means, and it is refused.
 */
static lks_status check_new_shape(const lks_tfl_op *op, const lks_tfl_tensor *y)
{
    lks_tfl_tensor *shape;
    bool same;
    uint32_t unknown = 0;

    if (!lks_tfl_has(op, 1))
        return LKS_OK;
    LKS_TFL_TRY(lks_tfl_operand(op, 1, "shape", &shape));
    if (shape->shape_only)
        return LKS_OK;
    LKS_TFL_TRY(lks_tfl_constant(op, 1, "shape", LKS_TFL_INT32, &shape));
    same = lks_tfl_elements(shape) == y->rank;
    for (uint32_t i = 0; same && i < y->rank; i++) {
        int64_t extent = lks_tfl_value(shape, i);

        same = extent == y->dims[i] || (extent == -1 && unknown++ == 0);
    }
    if (!same)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the shape operand contradicts the shape of the output tensor");
    return LKS_OK;
}

static lks_status import_reshape(const lks_tfl_op *op)
{
    const lks_op_args args = { 0 };
    lks_tfl_tensor *x, *y;

    LKS_TFL_TRY(lks_tfl_input(op, 0, LKS_TFL_ANY, &x));
    LKS_TFL_TRY(lks_tfl_output(op, LKS_TFL_ANY, &y));
    LKS_TFL_TRY(lks_tfl_same_type(op, x, y));
    if (lks_tfl_elements(x) != lks_tfl_elements(y))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the input has %u elements, the output %u", (unsigned)lks_tfl_elements(x),
                              (unsigned)lks_tfl_elements(y));
    LKS_TFL_TRY(check_new_shape(op, y));
    return lks_tfl_emit(op, LKS_OP_RESHAPE, &x->index[LKS_TFL_PLAIN], y, &args);
}

/* ---- the table ----------------------------------------------------------------------------------------------------------- */

/* inputs: how many operands there must be at least and at most. */
static const struct row {
    int32_t code, options;
    uint32_t min_inputs, max_inputs;
    lks_status (*import)(const lks_tfl_op *op);
} rows[] = {
    { LKS_TFL_ABS,               OPTIONS_ABS,               1, 1, lks_tfl_import_abs },
    { LKS_TFL_ADD,               OPTIONS_ADD,               2, 2, lks_tfl_import_add },
    { LKS_TFL_ARG_MAX,           OPTIONS_ARG_MAX,           2, 2, lks_tfl_import_arg_max },
    { LKS_TFL_ARG_MIN,           OPTIONS_ARG_MIN,           2, 2, lks_tfl_import_arg_min },
    { LKS_TFL_AVERAGE_POOL_2D,   OPTIONS_POOL_2D,           1, 1, import_average_pool_2d },
    { LKS_TFL_BATCH_MATMUL,      OPTIONS_BATCH_MATMUL,      2, 2, lks_tfl_import_batch_matmul },
    { LKS_TFL_CONCATENATION,     OPTIONS_CONCATENATION,     1, LKS_MAX_ENDS, lks_tfl_import_concatenation },
    { LKS_TFL_CONV_2D,           OPTIONS_CONV_2D,           2, 3, lks_tfl_import_conv_2d },
    { LKS_TFL_DEPTH_TO_SPACE,    OPTIONS_DEPTH_TO_SPACE,    1, 1, lks_tfl_import_depth_to_space },
    { LKS_TFL_DEPTHWISE_CONV_2D, OPTIONS_DEPTHWISE_CONV_2D, 2, 3, lks_tfl_import_depthwise_conv_2d },
    { LKS_TFL_DEQUANTIZE,        OPTIONS_NONE,              1, 1, lks_tfl_import_dequantize },
    { LKS_TFL_EXPAND_DIMS,       OPTIONS_NONE,              2, 2, lks_tfl_import_same_elements },
    { LKS_TFL_FULLY_CONNECTED,   OPTIONS_FULLY_CONNECTED,   2, 3, lks_tfl_import_fully_connected },
    { LKS_TFL_HARD_SWISH,        OPTIONS_HARD_SWISH,        1, 1, lks_tfl_import_hard_swish },
    { LKS_TFL_LEAKY_RELU,        OPTIONS_LEAKY_RELU,        1, 1, lks_tfl_import_leaky_relu },
    { LKS_TFL_LOGISTIC,          OPTIONS_NONE,              1, 1, lks_tfl_import_logistic },
    { LKS_TFL_MAXIMUM,           OPTIONS_MAXIMUM_MINIMUM,   2, 2, lks_tfl_import_maximum },
    { LKS_TFL_GATHER,            OPTIONS_GATHER,            2, 2, lks_tfl_import_gather },
    { LKS_TFL_MAX_POOL_2D,       OPTIONS_POOL_2D,           1, 1, import_max_pool_2d },
    { LKS_TFL_MEAN,              OPTIONS_REDUCER,           2, 2, lks_tfl_import_mean },
    { LKS_TFL_MINIMUM,           OPTIONS_MAXIMUM_MINIMUM,   2, 2, lks_tfl_import_minimum },
    { LKS_TFL_MUL,               OPTIONS_MUL,               2, 2, lks_tfl_import_mul },
    { LKS_TFL_PACK,              OPTIONS_PACK,              1, LKS_MAX_ENDS, lks_tfl_import_pack },
    { LKS_TFL_PAD,               OPTIONS_NONE,              2, 3, import_pad },
    { LKS_TFL_PADV2,             OPTIONS_NONE,              2, 3, import_pad },
    { LKS_TFL_PRELU,             OPTIONS_NONE,              2, 2, lks_tfl_import_prelu },
    { LKS_TFL_QUANTIZE,          OPTIONS_NONE,              1, 1, lks_tfl_import_quantize },
    { LKS_TFL_REDUCE_MAX,        OPTIONS_REDUCER,           2, 2, lks_tfl_import_reduce_max },
    { LKS_TFL_REDUCE_MIN,        OPTIONS_REDUCER,           2, 2, lks_tfl_import_reduce_min },
    { LKS_TFL_RELU,              OPTIONS_NONE,              1, 1, lks_tfl_import_relu },
    { LKS_TFL_RELU6,             OPTIONS_NONE,              1, 1, lks_tfl_import_relu6 },
    { LKS_TFL_RELU_0_TO_1,       OPTIONS_NONE,              1, 1, lks_tfl_import_relu_0_to_1 },
    { LKS_TFL_RELU_N1_TO_1,      OPTIONS_NONE,              1, 1, lks_tfl_import_relu_n1_to_1 },
    { LKS_TFL_RESHAPE,           OPTIONS_RESHAPE,           1, 2, import_reshape },
    { LKS_TFL_RESIZE_NEAREST_NEIGHBOR, OPTIONS_RESIZE_NEAREST_NEIGHBOR, 2, 2, lks_tfl_import_resize_nearest_neighbor },
    { LKS_TFL_SLICE,             OPTIONS_SLICE,             3, 3, lks_tfl_import_slice },
    { LKS_TFL_RESIZE_BILINEAR,   OPTIONS_RESIZE_BILINEAR,   2, 2, import_resize_bilinear },
    { LKS_TFL_SOFTMAX,           OPTIONS_SOFTMAX,           1, 1, lks_tfl_import_softmax },
    { LKS_TFL_SPACE_TO_DEPTH,    OPTIONS_SPACE_TO_DEPTH,    1, 1, lks_tfl_import_space_to_depth },
    { LKS_TFL_SPLIT,             OPTIONS_SPLIT,             2, 2, lks_tfl_import_split },
    { LKS_TFL_SPLIT_V,           OPTIONS_SPLIT_V,           3, 3, lks_tfl_import_split_v },
    { LKS_TFL_SQUEEZE,           OPTIONS_NONE,              1, 1, lks_tfl_import_same_elements },
    { LKS_TFL_STRIDED_SLICE,     OPTIONS_STRIDED_SLICE,     4, 4, lks_tfl_import_strided_slice },
    { LKS_TFL_SUB,               OPTIONS_SUB,               2, 2, lks_tfl_import_sub },
    { LKS_TFL_SUM,               OPTIONS_REDUCER,           2, 2, lks_tfl_import_sum },
    { LKS_TFL_SVDF,              OPTIONS_SVDF,              5, 5, lks_tfl_import_svdf },
    { LKS_TFL_TANH,              OPTIONS_NONE,              1, 1, lks_tfl_import_tanh },
    { LKS_TFL_TILE,              OPTIONS_TILE,              2, 2, lks_tfl_import_tile },
    { LKS_TFL_TRANSPOSE,         OPTIONS_TRANSPOSE,         2, 2, lks_tfl_import_transpose },
    { LKS_TFL_TRANSPOSE_CONV,    OPTIONS_TRANSPOSE_CONV,    3, 4, lks_tfl_import_transpose_conv },
    { LKS_TFL_UNIDIRECTIONAL_SEQUENCE_LSTM, OPTIONS_UNIDIRECTIONAL_SEQUENCE_LSTM, 24, 24, lks_tfl_import_lstm },
    { LKS_TFL_UNPACK,            OPTIONS_UNPACK,            1, 1, lks_tfl_import_unpack },
};

static const struct row *row_of(int32_t code)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == code)
            return &rows[i];
    return NULL;
}

/* All others have one. */
static bool has_many_outputs(int32_t code)
{
    return code == LKS_TFL_SPLIT || code == LKS_TFL_SPLIT_V || code == LKS_TFL_UNPACK;
}

lks_status lks_tfl_import_op(const lks_tfl_op *op)
{
    const struct row *row = row_of(op->o.code);
    bool done;

    LKS_TFL_TRY(lks_tfl_fold(op, &done));
    if (done)
        return LKS_OK;
    if (!row)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "%s not supported",
                              op->o.code == LKS_TFL_CUSTOM ? "custom ops are" : "this op is");
    if (op->o.inputs.count < row->min_inputs || op->o.inputs.count > row->max_inputs || op->o.outputs.count < 1
        || op->o.outputs.count > (has_many_outputs(op->o.code) ? LKS_MAX_ENDS : 1))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "has %u inputs and %u outputs", (unsigned)op->o.inputs.count,
                              (unsigned)op->o.outputs.count);
    if (row->options != OPTIONS_NONE && op->o.options.at != 0 && op->o.options_type != row->options)
        return lks_tfl_refuse(op, LKS_ERR_FORMAT, "damaged file: its options are of another op's type (%d)",
                              (int)op->o.options_type);
    return row->import(op);
}
