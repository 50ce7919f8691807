/* SPDX-License-Identifier: Apache-2.0
 *
 * What the host hands to the kernels by value: structs of 32-bit integers, then of 64-bit ones, so that both sides lay them out
 * alike. Compiles as C11 and as OpenCL C.
 */
#ifndef LKS_OPENCL_ARGS_H
#define LKS_OPENCL_ARGS_H

#include "spec/magic.h"

/*
 * Where the operands of a step lie: bytes from the start of the arena or, where the step has a constant there, of the constants.
 * Weights, bias, rq and table lie among the constants.
 */
typedef struct lks_places {
    uint64_t x, x2, y, w, w_time, bias, rq, table, pads, state;
    int32_t x_constant, x2_constant, has_table;
    uint32_t n, count;          /* images of the run; rows, blocks or elements of all of them, as the kernel counts its work */
} lks_places;

/*
 * conv and matmul as a product of rows: y[m][o] = tail(sum over k of a[m][k] * w[o][k]), per group.
 *
 * A row of a is made of words of four int8: for each tap of the window tap_words words, the last one filled up with zeros.
 * matmul has one tap.  Weights are packed as words [group][k][o], k filled up to a multiple of 8 and o to one of 128, with zeros.
 *
 * The wide variant has words of two int8 instead, and weights as opencl/wide.cl says.
 */
typedef struct lks_linear {
    uint32_t rows_per_image, words, tap_words, columns_pad, blocks;
    int32_t in_c, group_c, group_o, out_c;
    int32_t in_h, in_w, out_w, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left, pad_value, w_zero;
    lks_magic by_image, by_row, by_tap, by_kernel_w;    /* out_h * out_w, out_w, tap_words, kernel_w */
    lks_tail tail;
    lks_fused fused;
} lks_linear;

/* Weights are packed [tap][channel of the group][output channel]. */
typedef struct lks_depthwise {
    uint32_t pixels;                                    /* out_h * out_w */
    int32_t in_h, in_w, in_c, out_w, out_c, group_c, group_o;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left, pad_value, x_zero, w_zero;
    uint32_t blocks;                                    /* of channels */
    lks_magic by_blocks, by_image, by_row, by_group_o;          /* blocks, pixels, out_w, group_o */
    lks_tail tail;
    lks_fused fused;
} lks_depthwise;

/* How the tiles of batch_matmul load an operand in blocks of four rows by four of depth. */
enum { LKS_CL_ALONG_DEPTH, LKS_CL_ALONG_ROWS, LKS_CL_BYTES };

typedef struct lks_matrices {
    lks_batch_matmul k;
    uint32_t matrices;                                  /* of one image */
    int32_t a_load, b_load;
    lks_magic by_image, by_row, by_column, by[LKS_MAX_RANK - 2];    /* matrices; blocks of outputs along one; dims */
} lks_matrices;

typedef struct lks_pairing {
    lks_binary k;
    uint32_t elements;                                  /* of one image of y */
    int32_t dense;                                      /* both operands have the shape of y */
    lks_magic by_image, by[LKS_MAX_RANK];               /* elements, dims */
} lks_pairing;

typedef struct lks_pooling {
    lks_pool k;
    uint32_t pixels, heights;                           /* out_h * out_w; how many heights the table of window_sum begins with */
    lks_magic by_channel, by_image, by_row;             /* c, pixels, out_w */
} lks_pooling;

typedef struct lks_choosing {
    lks_arg_max k;
    lks_magic by_inner;                                 /* inner */
} lks_choosing;

typedef struct lks_resizing {
    lks_bilinear k;
    lks_magic by_channel, by_column, by_row;            /* c, w.out, h.out */
} lks_resizing;

/* kept, summed: dims with 1 where the axis is not of that kind. */
typedef struct lks_summing {
    uint32_t x_elements, y_elements, summed_count;      /* of one image; of the sum of one element */
    int32_t kind, x_zero, kept[LKS_MAX_RANK], summed[LKS_MAX_RANK], stride[LKS_MAX_RANK];
    lks_magic by_image, by_kept[LKS_MAX_RANK], by_summed[LKS_MAX_RANK];
    lks_rq rq;
    lks_tail tail;
} lks_summing;

typedef struct lks_moving {
    lks_copy k;
    uint32_t elements;                                  /* that one image copies */
    lks_magic by_image, by[LKS_MAX_RANK];               /* elements, dims */
} lks_moving;

/* rows and columns lie one behind the other at the place of the table. */
typedef struct lks_gathering {
    lks_gather k;
    lks_magic by_inner, by_out_b, by_out_a;
} lks_gathering;

typedef struct lks_unrolling {
    lks_lstm k;
    lks_magic by_cell;                                  /* out_c */
} lks_unrolling;

typedef struct lks_streaming {
    lks_svdf k;
    lks_magic by_unit;                                  /* units */
} lks_streaming;

/* Arguments of the test of a device's arithmetic. */
typedef struct lks_arithmetic {
    int32_t acc, shift, a, b, exponent, total;
    lks_rq half_up, tflite;
    lks_magic by;
    lks_addition add;
} lks_arithmetic;

#endif
