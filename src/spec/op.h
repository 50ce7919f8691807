/* SPDX-License-Identifier: Apache-2.0
 *
 * The ops of docs/spec.md and the kernels that they are lowered to, as plain structs of 32-bit integers.  Compiles as C99, C11,
 * CUDA and OpenCL C, so that host and device read the same declarations.
 *
 * Ops are what a model says; kernels are what a backend owns.  The host turns one into the other (host/lower_*.c).
 */
#ifndef LKS_SPEC_OP_H
#define LKS_SPEC_OP_H

/* offline compilers define only the first of the two */
#if defined(__OPENCL_C_VERSION__) || defined(__OPENCL_VERSION__)
typedef char int8_t;
typedef uchar uint8_t;
typedef short int16_t;
typedef int int32_t;
typedef uint uint32_t;
typedef long int64_t;
typedef ulong uint64_t;
#else
#include <stdint.h>
#endif

#define LKS_MAX_RANK 6
#define LKS_MAX_SOFTMAX_COLUMNS 4095

/* The number of elements of a table over all int8 values. */
#define LKS_TABLE_SIZE 256

/* spec 3.1 */
enum { LKS_HALF_UP = 0, LKS_TFLITE = 1 };

/* One row of a multiplier table: the scale of an output channel.  spec 3.1 */
typedef struct lks_rq {
    int32_t m;
    int32_t s;
} lks_rq;

/* ---- ops ----------------------------------------------------------------------------------------------------------------- */

/* The numbers stand in files: they never change, and a number is never used again.  spec 4 */
enum {
    LKS_OP_CONV = 1,
    LKS_OP_FULLY_CONNECTED = 2,
    LKS_OP_TRANSPOSED_CONV = 3,
    LKS_OP_BATCH_MATMUL = 4,
    LKS_OP_CONV_3D = 5,
    LKS_OP_SCALE = 6,
    LKS_OP_ADD = 16,
    LKS_OP_SUB = 17,
    LKS_OP_MUL = 18,
    LKS_OP_REQUANT = 24,
    LKS_OP_LUT = 25,
    LKS_OP_CLAMP = 26,
    LKS_OP_PRELU = 27,
    LKS_OP_MAX_POOL = 32,
    LKS_OP_AVG_POOL = 33,
    LKS_OP_SUM = 34,
    LKS_OP_REDUCE_MAX = 35,
    LKS_OP_ARG_MAX = 36,
    LKS_OP_SOFTMAX = 40,
    LKS_OP_RESHAPE = 48,
    LKS_OP_PAD = 49,
    LKS_OP_CONCAT = 50,
    LKS_OP_SPLIT = 51,
    LKS_OP_SLICE = 52,
    LKS_OP_TRANSPOSE = 53,
    LKS_OP_TILE = 54,
    LKS_OP_GATHER = 55,
    LKS_OP_RESIZE_NEAREST = 56,
    LKS_OP_RESIZE_BILINEAR = 57,
    LKS_OP_LSTM = 64,
    LKS_OP_SVDF = 65
};

/* The arguments of each op: its words in a file, in this order.  spec 4 */
typedef struct lks_conv_args {
    int32_t stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_bottom, pad_left, pad_right, pad_value;
    int32_t groups;
    int32_t x_zero, w_zero, y_zero, y_min, y_max, rounding;
} lks_conv_args;

typedef struct lks_conv_3d_args {
    int32_t stride_d, stride_h, stride_w, dilation_d, dilation_h, dilation_w;
    int32_t pad_front, pad_back, pad_top, pad_bottom, pad_left, pad_right, pad_value;
    int32_t groups;
    int32_t x_zero, w_zero, y_zero, y_min, y_max, rounding;
} lks_conv_3d_args;

/* A negative pad_bottom or pad_right makes y larger. */
typedef struct lks_transposed_conv_args {
    int32_t stride_h, stride_w, pad_top, pad_bottom, pad_left, pad_right, groups;
    int32_t x_zero, w_zero, y_zero, y_min, y_max, rounding;
} lks_transposed_conv_args;

/* Also those of scale. */
typedef struct lks_fully_connected_args {
    int32_t x_zero, w_zero, y_zero, y_min, y_max, rounding;
} lks_fully_connected_args;

typedef struct lks_batch_matmul_args {
    int32_t a_zero, b_zero, y_zero, adj_a, adj_b, m, s, y_min, y_max, rounding;
} lks_batch_matmul_args;

/* Also those of sub. */
typedef struct lks_add_args {
    int32_t a_zero, b_zero, y_zero;
    int32_t left_shift, a_m, a_s, b_m, b_s, m, s;
    int32_t y_min, y_max, rounding;
} lks_add_args;

typedef struct lks_mul_args {
    int32_t a_zero, b_zero, y_zero, m, s, y_min, y_max, rounding;
} lks_mul_args;

typedef struct lks_requant_args {
    int32_t x_zero, y_zero, m, s, y_min, y_max, rounding;
} lks_requant_args;

typedef struct lks_clamp_args {
    int32_t y_min, y_max;
} lks_clamp_args;

typedef struct lks_prelu_args {
    int32_t x_zero, slope_zero, y_zero, positive_m, positive_s, m, s, y_min, y_max, rounding;
} lks_prelu_args;

/* max_pool has no rounding: its words end before it. */
typedef struct lks_pool_args {
    int32_t kernel_h, kernel_w, stride_h, stride_w;
    int32_t pad_top, pad_bottom, pad_left, pad_right;
    int32_t y_min, y_max, rounding;
} lks_pool_args;

typedef struct lks_sum_args {
    int32_t axes, x_zero, y_zero, m, s, y_min, y_max, rounding;
} lks_sum_args;

typedef struct lks_reduce_max_args {
    int32_t axes, smallest, y_min, y_max;
} lks_reduce_max_args;

typedef struct lks_arg_max_args {
    int32_t axis, smallest;
} lks_arg_max_args;

typedef struct lks_softmax_args {
    int32_t m, s;
} lks_softmax_args;

typedef struct lks_pad_args {
    int32_t before[LKS_MAX_RANK], after[LKS_MAX_RANK], pad_value;
} lks_pad_args;

/* concat, split, gather */
typedef struct lks_axis_args {
    int32_t axis;
} lks_axis_args;

typedef struct lks_slice_args {
    int32_t begin[LKS_MAX_RANK], step[LKS_MAX_RANK];
} lks_slice_args;

typedef struct lks_transpose_args {
    int32_t perm[LKS_MAX_RANK];
} lks_transpose_args;

typedef struct lks_tiling_args {
    int32_t repeats[LKS_MAX_RANK];
} lks_tiling_args;

typedef struct lks_resize_bilinear_args {
    int32_t scale_h, scale_w, offset_h, offset_w, rounding;
} lks_resize_bilinear_args;

typedef struct lks_lstm_args {
    int32_t x_zero, y_zero, cell_shift, cell_clip, time_major, rounding;
} lks_lstm_args;

typedef struct lks_svdf_args {
    int32_t rank, x_zero, state_min, state_max, feature_m, feature_s, y_zero, m, s, y_min, y_max, rounding;
} lks_svdf_args;

#define LKS_MAX_ARGS 20

typedef union lks_op_args {
    int32_t word[LKS_MAX_ARGS];
    lks_conv_args conv;
    lks_conv_3d_args conv_3d;
    lks_transposed_conv_args transposed_conv;
    lks_fully_connected_args fully_connected;
    lks_batch_matmul_args batch_matmul;
    lks_add_args add;
    lks_mul_args mul;
    lks_requant_args requant;
    lks_clamp_args clamp;
    lks_prelu_args prelu;
    lks_pool_args pool;
    lks_sum_args sum;
    lks_reduce_max_args reduce_max;
    lks_arg_max_args arg_max;
    lks_softmax_args softmax;
    lks_pad_args pad;
    lks_lstm_args lstm;
    lks_svdf_args svdf;
    lks_axis_args axis;
    lks_slice_args slice;
    lks_transpose_args transpose;
    lks_tiling_args tile;
    lks_resize_bilinear_args resize_bilinear;
} lks_op_args;

/* ---- kernels ------------------------------------------------------------------------------------------------------------- */

/* The families that every backend owns.  Not stored anywhere; the order is that of the tables in backend.h's users. */
typedef enum lks_kernel {
    LKS_KERNEL_CONV,
    LKS_KERNEL_DEPTHWISE,
    LKS_KERNEL_MATMUL,
    LKS_KERNEL_BATCH_MATMUL,
    LKS_KERNEL_BINARY,
    LKS_KERNEL_LUT,
    LKS_KERNEL_REQUANT,
    LKS_KERNEL_WINDOW_MAX,
    LKS_KERNEL_WINDOW_SUM,
    LKS_KERNEL_REDUCE,
    LKS_KERNEL_SOFTMAX,
    LKS_KERNEL_COPY,
    LKS_KERNEL_GATHER,
    LKS_KERNEL_BILINEAR,
    LKS_KERNEL_ARG_MAX,
    LKS_KERNEL_LSTM,
    LKS_KERNEL_SVDF,
    LKS_KERNEL_COUNT
} lks_kernel;

/* What follows an accumulator: y = clamp(requant(acc) + y_zero, y_min, y_max). */
typedef struct lks_tail {
    int32_t y_zero, y_min, y_max, rounding;
} lks_tail;

/* The sum or the difference of two stored values a and b.  spec 4.3, 4.12 */
typedef struct lks_addition {
    int32_t a_zero, b_zero, left_shift;
    int32_t subtracts;          /* 0: a + b; 1: a - b; -1: b - a */
    lks_rq a_rq, b_rq, rq;
    lks_tail tail;
} lks_addition;

/* The product of two stored values a and b; for prelu, of a negative a and the slope b.  spec 4.13, 4.15 */
typedef struct lks_multiplication {
    int32_t a_zero, b_zero;
    lks_rq rq, positive;        /* positive: prelu only, of an a that is not negative */
    lks_tail tail;
} lks_multiplication;

/*
 * What fusing (host/fuse.c) may put behind the tail of a linear kernel, exactly as the ops would have done it one by one:
 * y = table[add(y, x2) + 128].  x2 is an activation of the shape of y, dense; the table is that of the step, where it has one.
 */
typedef struct lks_fused {
    int32_t adds;               /* 0: no addition follows, and add is all zero */
    lks_addition add;           /* a: what the tail gives, b: x2 */
} lks_fused;

/*
 * The batch is not in these structs: a run states n, 1 or more, and every shape below starts with it.  Where a model is not free
 * in its batch, n is 1 and the model's own first extent is in images, rows, count or dims[0].
 */

/* A 2-D window over an image [in_h, in_w, c].  Padding after the image needs no number: out_h and out_w imply it. */
typedef struct lks_window {
    int32_t images;
    int32_t in_h, in_w, out_h, out_w;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
} lks_window;

/*
 * LKS_KERNEL_CONV       x [n * images][in_h][in_w][in_c], w [out_c][kernel_h][kernel_w][in_c / groups]
 * LKS_KERNEL_DEPTHWISE  the same with groups = in_c, out_c a multiple of in_c
 *                       y [n * images][out_h][out_w][out_c], bias and rq [out_c].  spec 4.1
 */
typedef struct lks_conv {
    lks_window window;
    int32_t in_c, out_c, groups, pad_value, x_zero, w_zero;
    lks_tail tail;
    lks_fused fused;
    int32_t y_pixel, y_first;   /* where y is part of a tensor with more channels: how many it has, and y's first; else 0 */
} lks_conv;

/* x [n][rows][in_c], w [out_c][in_c], bias and rq [out_c], y [n][rows][out_c].  spec 4.2 */
typedef struct lks_matmul {
    int32_t rows, in_c, out_c, x_zero, w_zero;
    lks_tail tail;
    lks_fused fused;
} lks_matmul;

enum { LKS_BINARY_ADD, LKS_BINARY_MUL, LKS_BINARY_PRELU };

/* What a binary kernel makes of two stored values: by kind, one of the others. */
typedef struct lks_pair {
    int32_t kind;               /* LKS_BINARY_... */
    lks_addition add;
    lks_multiplication mul;            /* mul and prelu */
} lks_pair;

/*
 * y[i] = tail(sum over k < depth of (a[i . a_stride + k a_depth] - a_zero) (b[i . b_stride + k b_depth] - b_zero)) over indices i
 * of [dims[0]] ... [dims[5]], n times; y is dense.  dims[4] are the rows of a matrix and dims[5] its columns: b_stride[4] and
 * a_stride[5] are 0, and either the other stride of an operand or its depth is 1.  A stride of 0 broadcasts.  Image to image, a
 * and b move on by a_image and b_image elements: 0 for constants.  spec 4.50
 */
typedef struct lks_batch_matmul {
    int32_t a_image, b_image;
    int32_t dims[LKS_MAX_RANK], a_stride[LKS_MAX_RANK], b_stride[LKS_MAX_RANK];
    int32_t depth, a_depth, b_depth, a_zero, b_zero;
    lks_rq rq;
    lks_tail tail;
} lks_batch_matmul;

/*
 * y[i] = f(a[i . a_stride], b[i . b_stride]) over indices i of [dims[0]] ... [dims[5]], n times; y is dense; a stride of 0
 * broadcasts.  Image to image, a and b move on by a_image and b_image elements: 0 for constants.  spec 4.3, 4.12, 4.13, 4.15
 */
typedef struct lks_binary {
    int32_t a_image, b_image;
    int32_t dims[LKS_MAX_RANK], a_stride[LKS_MAX_RANK], b_stride[LKS_MAX_RANK];
    lks_pair pair;
} lks_binary;

/* y[i] = table[x[i] + 128] over [n][count].  spec 4.5 */
typedef struct lks_lut {
    int32_t count;
} lks_lut;

/* y[i] = tail(x[i] - x_zero) over [n][count], x of int16 (of int8 it is a lut).  spec 4.4 */
typedef struct lks_requantization {
    int32_t count, x_zero;
    lks_rq rq;
    lks_tail tail;
} lks_requantization;

/* LKS_KERNEL_WINDOW_MAX, LKS_KERNEL_WINDOW_SUM: x [n * images][in_h][in_w][c], y [n * images][out_h][out_w][c].  spec 4.6, 4.7 */
typedef struct lks_pool {
    lks_window window;
    int32_t c, y_min, y_max, rounding;
} lks_pool;

enum { LKS_REDUCE_SUM, LKS_REDUCE_MAX, LKS_REDUCE_MIN };

/*
 * x [n][dims[0]] ... [dims[5]], summed over each axis i of dims whose bit i is set in axes, or its largest or smallest element
 * there, which use y_min and y_max of the tail alone; y is dense.  spec 4.8, 4.17
 */
typedef struct lks_reduce {
    int32_t kind;               /* LKS_REDUCE_... */
    int32_t dims[LKS_MAX_RANK], axes, x_zero;
    lks_rq rq;
    lks_tail tail;
} lks_reduce;

/* x, y [n][rows][columns]; table: 256 int32, E(d) of spec 4.9 at index -d. */
typedef struct lks_softmax {
    int32_t rows, columns;
} lks_softmax;

/*
 * For every index i of [dims[0]] ... [dims[5]], n times:
 *
 *     y[y_first + i . y_stride] = x[x_first + (i - before) . x_stride] where 0 <= i - before < x_dims on every axis, else fill
 *
 * Strides of x may be 0 or negative.  No two indices have the same place in y, and what is not named of y stays as it is: several
 * copies may make one tensor.  Image to image, x and y move on by x_image and y_image elements: 0 for a constant x.
 */
typedef struct lks_copy {
    int32_t x_image, y_image, x_first, y_first;
    int32_t dims[LKS_MAX_RANK], x_dims[LKS_MAX_RANK], before[LKS_MAX_RANK];
    int32_t x_stride[LKS_MAX_RANK], y_stride[LKS_MAX_RANK], fill;
} lks_copy;

/*
 * y[o][a][b][k] = x[o][rows[a]][columns[b]][k], x [n * outer][in_a][in_b][inner], y [n * outer][out_a][out_b][inner]; rows and
 * columns are out_a and out_b indices in range.  spec 4.35, 4.36
 */
typedef struct lks_gather {
    int32_t outer, in_a, in_b, out_a, out_b, inner;
} lks_gather;

/* Where output p of an axis lies in units of 1/1024 of an input: p * scale + offset, within the image.  spec 4.18 */
typedef struct lks_bilinear_axis {
    int32_t in, out, scale, offset;
} lks_bilinear_axis;

/* x [n * images][h.in][w.in][c], y [n * images][h.out][w.out][c].  spec 4.18 */
typedef struct lks_bilinear {
    int32_t images, c, rounding;
    lks_bilinear_axis h, w;
} lks_bilinear;

/* x [n][outer][extent][inner], y [n][outer][inner] of int32: the first index of the largest, or smallest, element.  spec 4.19 */
typedef struct lks_arg_max {
    int32_t outer, extent, inner, smallest;
} lks_arg_max;

/* In the order of their weights: each from what it sees of x and of the hidden state.  spec 4.52 */
enum { LKS_GATE_INPUT, LKS_GATE_FORGET, LKS_GATE_CELL, LKS_GATE_OUTPUT, LKS_GATES };

/*
 * Rows of x and y: image i, of n * images, has row i * image_rows + t * step_rows at step t.  In two parts:
 *
 * recurrent = 0  what all gates see of x: x [rows][in_c], w [4][out_c][in_c], bias [4][out_c], y [rows][out_c][4] of int16; rows
 *                are n * images * steps.
 * recurrent = 1  step by step, what they see of the hidden state, and the cells: x is that y, w [4][out_c][out_c],
 *                y [rows][out_c]; exp_table: the 256 values of spec 3.4.  state [n * images][2][out_c] of int16: cells, then the
 *                hidden state less y_zero.  spec 4.52
 */
typedef struct lks_lstm {
    int32_t recurrent, images, steps, image_rows, step_rows, in_c, out_c;
    int32_t x_zero, y_zero, cell_shift, cell_clip, rounding;
    lks_rq x_rq[LKS_GATES], h_rq[LKS_GATES], forget_rq, input_rq, y_rq;
} lks_lstm;

/*
 * x [n * images][in_c], w [units * rank][in_c], w_time [units * rank][memory] of int16, bias [units], y [n * images][units].
 * state [n * images][units * rank][memory] of int16, the oldest element first.  spec 4.51
 */
typedef struct lks_svdf {
    int32_t images, in_c, units, rank, memory, x_zero, state_min, state_max;
    lks_rq feature_rq, rq;
    lks_tail tail;
} lks_svdf;

typedef union lks_kernel_args {
    lks_conv conv;
    lks_matmul matmul;
    lks_batch_matmul batch_matmul;
    lks_binary binary;
    lks_lut lut;
    lks_requantization requant;
    lks_pool pool;
    lks_reduce reduce;
    lks_softmax softmax;
    lks_copy copy;
    lks_gather gather;
    lks_bilinear bilinear;
    lks_arg_max arg_max;
    lks_lstm lstm;
    lks_svdf svdf;
} lks_kernel_args;

#endif
