/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution: directly, four channels per thread where that is possible.  spec 4.1 with groups = in_c
 *
 * dp4a wants four values of one channel in a word, and memory has four channels of one pixel: so four pixels' words are
 * transposed byte by byte, which costs less than taking each byte out of its word.
 */
#include "cuda/direct.cuh"
#include "cuda/family.h"
#include "cuda/tile.h"

#include <string.h>

#define STRIP 4                         /* output columns of a thread of the 3x3 kernels */

/* ---- device -------------------------------------------------------------------------------------------------------------- */

/* Four channels of the pixel at row h, column v; the padding where there is none. */
static __device__ __forceinline__ uint32_t load_word(const lks_direct_args &a, const lks_direct_place &p, int32_t h, int32_t v)
{
    const int8_t *pixel = lks_pixel(a, p, h, v);

    return pixel ? *(const uint32_t *)(pixel + 4 * p.o) : (uint32_t)(a.conv.pad_value & 255) * 0x01010101u;
}

/* Requantize the sums of channels 4 o to 4 o + 3 and store them at element `at` of y. */
static __device__ __forceinline__ void finish(const lks_direct_args &a, const uint32_t acc[4], int32_t o, size_t at)
{
    const uint4 first = *(const uint4 *)(a.rq + 4 * o), second = *(const uint4 *)(a.rq + 4 * o + 2);
    const lks_rq rq[4] = {
        { (int32_t)first.x, (int32_t)first.y }, { (int32_t)first.z, (int32_t)first.w },
        { (int32_t)second.x, (int32_t)second.y }, { (int32_t)second.z, (int32_t)second.w }
    };
    uint32_t y = 0;

#pragma unroll
    for (int32_t i = 0; i < 4; i++)
        y |= (uint32_t)(uint8_t)lks_finish((int32_t)acc[i], rq[i], a.conv.tail) << (8 * i);
    lks_store<4>(&y, a.x2 + at, a.y + at, a.conv.fused, a.table);
}

/* Any window; weights [channels / 4][elements of the window / 4][4 channels][4 elements]. */
static __device__ __forceinline__ void convolve_words(const lks_direct_args &a)
{
    const lks_window &s = a.conv.window;
    const uint32_t i = lks_thread_index();

    if (i >= a.outputs)
        return;

    const lks_direct_place p = lks_locate_output(a, i, a.out_c);
    const int32_t taps = s.kernel_h * s.kernel_w;
    const uint4 *w = (const uint4 *)a.w + (size_t)p.o * (size_t)((taps + 3) >> 2);
    const uint4 base = *(const uint4 *)(a.bias + 4 * p.o);
    uint32_t acc[4] = { base.x, base.y, base.z, base.w };

    for (int32_t tap = 0, kh = 0, kw = 0; tap < taps; tap += 4, w++) {
        const uint32_t weights[4] = { w->x, w->y, w->z, w->w };
        uint32_t x[4];

#pragma unroll
        for (int32_t k = 0; k < 4; k++) {
            x[k] = kh < s.kernel_h ? load_word(a, p, p.h + kh * s.dilation_h, p.v + kw * s.dilation_w) : 0;
            kw = kw + 1 < s.kernel_w ? kw + 1 : 0;
            kh += kw == 0;
        }
        lks_transpose4(x);
#pragma unroll
        for (int32_t k = 0; k < 4; k++) {
            acc[k] = lks_dp4a(x[k], weights[k], acc[k]);
            acc[k] -= (uint32_t)a.conv.w_zero * lks_dp4a(x[k], 0x01010101u, 0);
        }
    }
    finish(a, acc, p.o, (size_t)i * 4);
}

/* Column u of the input of a strip, [channel] with its rows in bytes, into the outputs that have it in their window. */
template <int stride>
static __device__ __forceinline__ void add_column(uint32_t acc[STRIP][4], const uint32_t x[4], const uint4 *w, int32_t u)
{
#pragma unroll
    for (int32_t t = 0; t < STRIP; t++)
#pragma unroll
        for (int32_t kw = 0; kw < 3; kw++)
            if (t * stride + kw == u) {
                acc[t][0] = lks_dp4a(x[0], w[kw].x, acc[t][0]);
                acc[t][1] = lks_dp4a(x[1], w[kw].y, acc[t][1]);
                acc[t][2] = lks_dp4a(x[2], w[kw].z, acc[t][2]);
                acc[t][3] = lks_dp4a(x[3], w[kw].w, acc[t][3]);
            }
}

/*
 * 3x3: a thread has STRIP adjacent outputs of one line.  Each input column is loaded and transposed once, and serves up to three
 * of them.  weights [channels / 4][3 kernel columns][4 channels][3 kernel rows and a zero]
 */
template <int stride>
static __device__ __forceinline__ void convolve_3x3(const lks_direct_args &a, lks_magic strips)
{
    const uint32_t i = lks_thread_index();

    if (i >= a.outputs)
        return;

    const uint32_t strip = lks_divide(i, a.out_c), line = lks_divide(strip, strips), image = lks_divide(line, a.out_h);
    const int32_t q = (int32_t)lks_remainder(strip, line, strips) * STRIP;
    const lks_window &s = a.conv.window;
    const lks_direct_place p = {
        a.x + (size_t)image * ((size_t)s.in_h * (size_t)s.in_w * (size_t)a.conv.in_c),
        (int32_t)lks_remainder(i, strip, a.out_c),
        (int32_t)lks_remainder(line, image, a.out_h) * s.stride_h - s.pad_top, q * stride - s.pad_left
    };
    const uint4 *w = (const uint4 *)a.w + (size_t)p.o * 3;
    const uint4 base = *(const uint4 *)(a.bias + 4 * p.o);
    uint32_t acc[STRIP][4];

#pragma unroll
    for (int32_t t = 0; t < STRIP; t++)
        acc[t][0] = base.x, acc[t][1] = base.y, acc[t][2] = base.z, acc[t][3] = base.w;
#pragma unroll
    for (int32_t u = 0; u < (STRIP - 1) * stride + 3; u++) {
        const int32_t v = p.v + u;
        uint32_t x[4] = { load_word(a, p, p.h, v), load_word(a, p, p.h + 1, v), load_word(a, p, p.h + 2, v), 0 };

        lks_transpose4(x);
        add_column<stride>(acc, x, w, u);
    }
#pragma unroll
    for (int32_t t = 0; t < STRIP; t++)
        if (q + t < s.out_w)
            finish(a, acc[t], p.o, ((size_t)line * (size_t)s.out_w + (size_t)(q + t)) * (size_t)a.conv.out_c + (size_t)(4 * p.o));
}

/* ---- kernels ------------------------------------------------------------------------------------------------------------- */

extern "C" __global__ void __launch_bounds__(256) depthwise_direct_kernel(const lks_direct_args a)
{
    lks_convolve_directly(a);
}

extern "C" __global__ void __launch_bounds__(256) depthwise_words_kernel(const lks_direct_args a)
{
    convolve_words(a);
}

extern "C" __global__ void __launch_bounds__(128) depthwise_3x3_stride1_kernel(const lks_direct_args a, const lks_magic strips)
{
    convolve_3x3<1>(a, strips);
}

extern "C" __global__ void __launch_bounds__(128) depthwise_3x3_stride2_kernel(const lks_direct_args a, const lks_magic strips)
{
    convolve_3x3<2>(a, strips);
}

/* ---- host ---------------------------------------------------------------------------------------------------------------- */

static const char *const variants[] = { "words_3x3", "words", "direct", NULL };
enum { WORDS_3X3, WORDS, DIRECT };

static int supports(const lks_step *s, uint32_t variant, const lks_cuda_caps *)
{
    const lks_conv *k = &s->args.conv;
    const lks_window *w = &k->window;
    const int words = k->out_c == k->in_c && (k->in_c & 3) == 0;
    const int is_3x3 = w->kernel_h == 3 && w->kernel_w == 3 && w->dilation_h == 1 && w->dilation_w == 1 && w->stride_w <= 2;

    return variant == DIRECT || (words && (variant == WORDS || (is_3x3 && k->w_zero == 0)));
}

/* Words of weights of four channels: see the kernels. */
static size_t words_of(const lks_conv *k, uint32_t variant)
{
    const int32_t taps = k->window.kernel_h * k->window.kernel_w;

    return variant == WORDS_3X3 ? 12 : 4 * (size_t)((taps + 3) >> 2);
}

static size_t packed_bytes(const lks_step *s, uint32_t variant)
{
    const lks_conv *k = &s->args.conv;

    if (variant == DIRECT)
        return lks_direct_packed_bytes(s, variant);
    return lks_direct_weights_offset(k) + ((size_t)k->out_c >> 2) * words_of(k, variant) * 4;
}

static void pack(const lks_step *s, uint32_t variant, void *packed)
{
    const lks_conv *k = &s->args.conv;
    const int32_t taps = k->window.kernel_h * k->window.kernel_w;
    uint32_t *base = (uint32_t *)((uint8_t *)packed + LKS_TABLE_SIZE);
    int8_t *w = (int8_t *)packed + lks_direct_weights_offset(k);

    if (variant == DIRECT) {
        lks_direct_pack(s, variant, packed);
        return;
    }
    memset(packed, 0, packed_bytes(s, variant));
    lks_direct_pack_columns(s, packed);
    for (int32_t o = 0; o < k->out_c; o++) {
        int8_t *channel = w + ((size_t)(o >> 2) * words_of(k, variant) + (size_t)(o & 3)) * 4;

        base[o] = lks_column_base(s, k, o);
        for (int32_t tap = 0, kh = 0, kw = 0; tap < taps; tap++) {
            const int32_t at = variant == WORDS_3X3 ? kw * 16 + kh : (tap >> 2) * 16 + (tap & 3);

            channel[at] = s->w[(size_t)o * (size_t)taps + (size_t)tap];
            kw = kw + 1 < k->window.kernel_w ? kw + 1 : 0;
            kh += kw == 0;
        }
    }
}

static cudaError_t launch_3x3(lks_direct_args a, const lks_magic strips, cudaStream_t stream)
{
    const lks_window *w = &a.conv.window;
    const dim3 grid((unsigned)lks_ceil_div(a.outputs, 128));

    return w->stride_w == 1 ? LKS_LAUNCH(depthwise_3x3_stride1_kernel, grid, dim3(128), 0, stream, a, strips)
        : LKS_LAUNCH(depthwise_3x3_stride2_kernel, grid, dim3(128), 0, stream, a, strips);
}

static cudaError_t launch(const lks_step *s, uint32_t variant, const lks_cuda_operands *t, const lks_cuda_caps *,
                          cudaStream_t stream)
{
    const lks_conv *k = &s->args.conv;
    lks_direct_args a = lks_direct_args_of(s, t);

    if (variant != DIRECT) {            /* threads count channels in fours */
        a.out_c = lks_magic_of(k->out_c >> 2);
        a.outputs >>= 2;
    }
    if (variant == WORDS_3X3) {
        const int64_t strips = lks_ceil_div(k->window.out_w, STRIP);

        a.outputs = (uint32_t)((int64_t)t->n * k->window.images * k->window.out_h * strips * (k->out_c >> 2));
        return launch_3x3(a, lks_magic_of(strips), stream);
    }
    return variant == WORDS ? LKS_LAUNCH_EACH(depthwise_words_kernel, a.outputs, stream, a)
        : LKS_LAUNCH_EACH(depthwise_direct_kernel, a.outputs, stream, a);
}

extern "C" const lks_cuda_family lks_cuda_depthwise = { variants, supports, NULL, packed_bytes, pack, NULL, launch };
