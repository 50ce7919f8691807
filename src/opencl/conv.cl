/* SPDX-License-Identifier: Apache-2.0
 *
 * 2-D convolution with groups, as the product of opencl/args.h.  spec 4.1
 */

LKS_GROUP __kernel void LKS_NAME(conv)(lks_linear l, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    LKS_LOCAL;
    LKS_PRODUCT(0);
}

/* 1 x 1, without stride and padding. */
LKS_GROUP __kernel void LKS_NAME(conv_1x1)(lks_linear l, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    LKS_LOCAL;
    LKS_PRODUCT(1);
}
