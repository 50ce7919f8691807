/* SPDX-License-Identifier: Apache-2.0
 *
 * Images of another size, between whose pixels is interpolated: a thread per output of one channel, or of four.  spec 4.18
 */
#include "cuda/element.cuh"
#include "cuda/family.h"

typedef struct bilinear_args {
    const int8_t *x;
    int8_t *y;
    uint32_t outputs;           /* threads with work */
    lks_magic c, out_w, out_h;  /* c: channels of a pixel, in fours where a thread has four */
    lks_bilinear k;
} bilinear_args;

/* The four inputs around an output, at the thread's first channel, and where between them it lies. */
typedef struct corners {
    const int8_t *x[4];
    int32_t h, w;
} corners;

/* ---- device -------------------------------------------------------------------------------------------------------------- */

static __device__ __forceinline__ corners locate(const bilinear_args &a, uint32_t i, uint32_t channels)
{
    const uint32_t pixel = lks_divide(i, a.c), line = lks_divide(pixel, a.out_w), image = lks_divide(line, a.out_h);
    const lks_between h = lks_bilinear_place((int32_t)lks_remainder(line, image, a.out_h), a.k.h);
    const lks_between w = lks_bilinear_place((int32_t)lks_remainder(pixel, line, a.out_w), a.k.w);
    const size_t column = (size_t)a.k.c, row = (size_t)a.k.w.in * column;
    const int8_t *x = a.x + (size_t)image * ((size_t)a.k.h.in * row) + lks_remainder(i, pixel, a.c) * channels;
    const int8_t *first = x + (size_t)h.first * row, *second = x + (size_t)h.second * row;
    corners at;

    at.x[0] = first + (size_t)w.first * column;
    at.x[1] = first + (size_t)w.second * column;
    at.x[2] = second + (size_t)w.first * column;
    at.x[3] = second + (size_t)w.second * column;
    at.h = h.part;
    at.w = w.part;
    return at;
}

extern "C" __global__ void __launch_bounds__(256) bilinear_bytes_kernel(const bilinear_args a)
{
    const uint32_t i = lks_thread_index();

    if (i >= a.outputs)
        return;

    const corners at = locate(a, i, 1);
    const int32_t x[4] = { *at.x[0], *at.x[1], *at.x[2], *at.x[3] };

    a.y[i] = lks_bilinear_value(x, at.h, at.w, a.k.rounding);
}

extern "C" __global__ void __launch_bounds__(256) bilinear_words_kernel(const bilinear_args a)
{
    const uint32_t i = lks_thread_index();
    uint32_t y = 0;

    if (i >= a.outputs)
        return;

    const corners at = locate(a, i, 4);
    const uint32_t word[4] = { *(const uint32_t *)at.x[0], *(const uint32_t *)at.x[1], *(const uint32_t *)at.x[2],
                               *(const uint32_t *)at.x[3] };

#pragma unroll
    for (int32_t k = 0; k < 4; k++) {
        const int32_t x[4] = { lks_byte(word[0], k), lks_byte(word[1], k), lks_byte(word[2], k), lks_byte(word[3], k) };

        y |= (uint32_t)(uint8_t)lks_bilinear_value(x, at.h, at.w, a.k.rounding) << (8 * k);
    }
    *(uint32_t *)(a.y + (size_t)i * 4) = y;
}

/* ---- host ---------------------------------------------------------------------------------------------------------------- */

static const char *const variants[] = { "bytes", "words", NULL };
enum { BYTES, WORDS };

static int supports(const lks_step *s, uint32_t variant, const lks_cuda_caps *)
{
    return variant == BYTES || (s->args.bilinear.c & 3) == 0;
}

static uint32_t choose(const lks_step *s, uint32_t, const lks_cuda_caps *c)
{
    return supports(s, WORDS, c) ? WORDS : BYTES;
}

static cudaError_t launch(const lks_step *s, uint32_t variant, const lks_cuda_operands *t, const lks_cuda_caps *,
                          cudaStream_t stream)
{
    const lks_bilinear *k = &s->args.bilinear;
    const int32_t units = variant == WORDS ? k->c >> 2 : k->c;
    const bilinear_args a = { t->x, t->y, (uint32_t)((int64_t)t->n * k->images * k->h.out * k->w.out * units),
                              lks_magic_of(units), lks_magic_of(k->w.out), lks_magic_of(k->h.out), *k };
    const dim3 grid((unsigned)lks_ceil_div(a.outputs, 256));

    return variant == WORDS ? LKS_LAUNCH(bilinear_words_kernel, grid, dim3(256), 0, stream, a)
        : LKS_LAUNCH(bilinear_bytes_kernel, grid, dim3(256), 0, stream, a);
}

extern "C" const lks_cuda_family lks_cuda_bilinear = { variants, supports, choose, NULL, NULL, NULL, launch };
