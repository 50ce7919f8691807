/* SPDX-License-Identifier: Apache-2.0
 *
 * Multipliers of quantized models, computed from scales with integers alone and bit-equal to the reference's floating point.
 *
 * A scale is the bit pattern of an IEEE 754 binary32.  Every entry takes scales that lks_scale_usable accepts; the widths at
 * which a value is rounded on its way (binary32, binary64) are part of each definition: they decide bits of the result.
 *
 * Sources: TensorFlow Lite Micro, quantization_util.cc (QuantizeMultiplier, PreprocessSoftmaxScaling), kernel_util.cc
 * (PopulateConvolutionQuantizationParams, GetQuantizedConvolutionMultipler, CalculateActivationRangeQuantized), add_common.cc,
 * sub_common.cc, reduce.h (QuantizedMeanOrSum), activations_common.cc, pooling_common.cc, logistic_common.cc, tanh.cc,
 * hard_swish_common.cc.
 */
#ifndef LKS_IMPORT_QUANTIZE_H
#define LKS_IMPORT_QUANTIZE_H

#include "spec/op.h"

#include <stdbool.h>

/* Finite, positive and normal.  Others are refused: what a subnormal gives depends on whether the machine flushes it to zero, and
 * the rest is no scale. */
bool lks_scale_usable(uint32_t scale);

/*
 * A multiplier of spec 3.1, mode tflite.  false: it needs a left shift beyond 30, which the reference does not define; *rq is
 * then unspecified.  One below 2^-32 becomes m = 0, s = 0, as in the reference.
 */

/* x * w / y, the product exact, the quotient rounded to binary64: conv, and fully connected with a scale per channel. */
bool lks_quantize_product(uint32_t x, uint32_t w, uint32_t y, lks_rq *rq);

/* The same with the product rounded to binary32 first: fully connected with one scale.  false also where that is not normal. */
bool lks_quantize_narrow_product(uint32_t x, uint32_t w, uint32_t y, lks_rq *rq);

/* The same with product and quotient rounded to binary32.  false also where one is not normal. */
bool lks_quantize_float_product(uint32_t x, uint32_t w, uint32_t y, lks_rq *rq);

/* x / y rounded to binary64. */
bool lks_quantize_ratio(uint32_t x, uint32_t y, lks_rq *rq);

/* x / y rounded to binary32.  false also where that quotient is not normal. */
bool lks_quantize_narrow_ratio(uint32_t x, uint32_t y, lks_rq *rq);

/* left_shift, (a_m, a_s), (b_m, b_s), (m, s) of spec 4.3.  false: the reference demands multipliers below 1, and one is not. */
bool lks_quantize_add(uint32_t a, uint32_t b, uint32_t y, lks_add_args *args);

/* The same for sub: every quotient is rounded to binary32.  false also where one is not normal. */
bool lks_quantize_sub(uint32_t a, uint32_t b, uint32_t y, lks_add_args *args);

/* The multiplier of a mean over n >= 1 elements, from that of their sum.  Its truncating division is part of the definition. */
lks_rq lks_quantize_mean(lks_rq sum, uint32_t n);

/* An input of the reference's logistic and tanh from steps of x to units of 2^-27.  false: s is not in 0 .. 62,
 * beyond which the reference is not defined.  From s = 31 on, no step but 0 is in range. */
bool lks_quantize_wave(uint32_t x, lks_rq *rq);

/*
 * The two multipliers of hard swish, of 16 bits each, quotients rounded to binary32.  false: output shifts left, one of them
 * shifts right by more than 15, or a quotient is not normal.
 */
bool lks_quantize_hard_swish(uint32_t x, uint32_t y, lks_rq *reluish, lks_rq *output);

/* (m, s) of spec 4.9 for softmax(beta * x).  false: beta * x * 2^26 <= 1, where the reference aborts. */
bool lks_quantize_softmax(uint32_t beta, uint32_t x, lks_rq *rq);

/* The power of two that a scale is; false: it is none. */
bool lks_quantize_power(uint32_t scale, int32_t *power);

/* clip / scale toward zero, at most 2^15 - 1, for a usable clip and a scale that is a power of two. */
int32_t lks_quantize_clip(uint32_t clip, uint32_t scale);

/* *q = zero + value / scale, the quotient rounded to binary32 and then to an integer, ties away from zero.  false: not int32. */
bool lks_quantize_value(int32_t value, uint32_t scale, int32_t zero, int32_t *q);

/*
 * What CONCATENATION makes of each of the 256 stored values v of a UINT8 operand, of scale x, in an output of scale y: table[v +
 * 128]. Zero points are as in the file.  The quotient 1 / y, and all that follows, is rounded to binary32 after each operation.
 * false: x / y is not normal, or 2^16 or more.
 */
bool lks_quantize_concat(uint32_t x, int32_t x_zero, uint32_t y, int32_t y_zero, int8_t table[LKS_TABLE_SIZE]);

/*
 * Where RESIZE_NEAREST_NEIGHBOR takes element i of `out` from, of `in`: i, or i + 1/2, times the quotient of the extents, both
 * rounded to binary32; then down, or to the nearest, ties away from zero.  All extents are at most 2^22.
 */
int32_t lks_quantize_nearest(int32_t i, int32_t in, int32_t out, bool align_corners, bool half_pixel_centers);

/* ---- the reference's tolerances ------------------------------------------------------------------------------------------ */

/* |a - b| <= 1e-6: the scales of the two sides of a pool. */
bool lks_scales_agree(uint32_t a, uint32_t b);

/* |state * time - bias| < 1e-5, the product rounded to binary32: the scale of the bias of svdf. */
bool lks_svdf_bias_scale_agrees(uint32_t state, uint32_t time, uint32_t bias);

/* |x * w - bias| / y <= 0.02: the scale of a bias, of which 0 means that it has none. */
bool lks_bias_scale_agrees(uint32_t x, uint32_t w, uint32_t bias, uint32_t y);

#endif
