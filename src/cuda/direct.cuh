/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution by the formula, one output per thread.  spec 4.1
 */
#ifndef LKS_CUDA_DIRECT_CUH
#define LKS_CUDA_DIRECT_CUH

#include "cuda/direct.h"
#include "cuda/element.cuh"

/* Where output element i lies: its image, and the first row and column of its window, which may be outside. */
typedef struct lks_direct_place {
    const int8_t *image;
    int32_t o, h, v;
} lks_direct_place;

/* i counts outputs in units of channels: out_c is the number of such units in a pixel. */
static __device__ __forceinline__ lks_direct_place lks_locate_output(const lks_direct_args &a, uint32_t i, lks_magic out_c)
{
    const lks_window &s = a.conv.window;
    const uint32_t pixel = lks_divide(i, out_c), line = lks_divide(pixel, a.out_w), image = lks_divide(line, a.out_h);
    lks_direct_place p;

    p.o = (int32_t)lks_remainder(i, pixel, out_c);
    p.v = (int32_t)lks_remainder(pixel, line, a.out_w) * s.stride_w - s.pad_left;
    p.h = (int32_t)lks_remainder(line, image, a.out_h) * s.stride_h - s.pad_top;
    p.image = a.x + (size_t)image * ((size_t)s.in_h * (size_t)s.in_w * (size_t)a.conv.in_c);
    return p;
}

/* The pixel of the image at row h, column v; NULL: there is none. */
static __device__ __forceinline__ const int8_t *lks_pixel(const lks_direct_args &a, const lks_direct_place &p, int32_t h, int32_t v)
{
    const lks_window &s = a.conv.window;

    if ((uint32_t)h >= (uint32_t)s.in_h || (uint32_t)v >= (uint32_t)s.in_w)
        return NULL;
    return p.image + ((size_t)(uint32_t)h * (size_t)s.in_w + (size_t)(uint32_t)v) * (size_t)a.conv.in_c;
}

static __device__ __forceinline__ void lks_convolve_directly(const lks_direct_args &a)
{
    const lks_window &s = a.conv.window;
    const uint32_t i = lks_thread_index();

    if (i >= a.outputs)
        return;

    const lks_direct_place p = lks_locate_output(a, i, a.out_c);
    const int32_t first_c = (int32_t)lks_divide((uint32_t)p.o, a.group_out_c) * a.group_c;
    const int8_t *w = a.w + p.o;
    int32_t acc = a.bias[p.o];              /* the bound law holds: the order is that of the reference */

    for (int32_t kh = 0; kh < s.kernel_h; kh++)
        for (int32_t kw = 0; kw < s.kernel_w; kw++) {
            const int8_t *pixel = lks_pixel(a, p, p.h + kh * s.dilation_h, p.v + kw * s.dilation_w);

            for (int32_t c = 0; c < a.group_c; c++, w += a.conv.out_c)
                acc += ((pixel ? pixel[first_c + c] : a.conv.pad_value) - a.conv.x_zero) * (*w - a.conv.w_zero);
        }

    int8_t y = lks_finish(acc, a.rq[p.o], a.conv.tail);

    lks_store<1>(&y, a.x2 + i, a.y + i, a.conv.fused, a.table);
}

#endif
