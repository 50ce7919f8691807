/* SPDX-License-Identifier: Apache-2.0
 *
 * Fully connected, as the product of opencl/args.h.  spec 4.2
 */

LKS_GROUP __kernel void LKS_NAME(matmul)(lks_linear l, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    LKS_LOCAL;
    LKS_PRODUCT(1);
}
