/* SPDX-License-Identifier: Apache-2.0
 *
 * What window_max and window_sum share: a thread per output of one channel, or of four.
 */
#ifndef LKS_CUDA_WINDOW_CUH
#define LKS_CUDA_WINDOW_CUH

#include "cuda/element.cuh"
#include "cuda/family.h"

typedef struct lks_window_args {
    const int8_t *x;
    int8_t *y;
    const lks_magic *counts;    /* window_sum: for counts 1, 2, ... */
    uint32_t outputs;           /* threads with work */
    lks_magic c, out_w, out_h;  /* c: channels of a pixel, in fours where a thread has four */
    lks_pool pool;
} lks_window_args;

/* Rows h to h_end and columns v to v_end of the image, at its channel: the part of the window that is inside.  Never empty. */
typedef struct lks_window_place {
    const int8_t *image;        /* at the thread's first channel */
    int32_t h, h_end, v, v_end;
} lks_window_place;

static __device__ __forceinline__ lks_window_place lks_locate_window(const lks_window_args &a, uint32_t i, uint32_t channels)
{
    const lks_window &s = a.pool.window;
    const uint32_t pixel = lks_divide(i, a.c), line = lks_divide(pixel, a.out_w), image = lks_divide(line, a.out_h);
    const int32_t h = (int32_t)lks_remainder(line, image, a.out_h) * s.stride_h - s.pad_top;
    const int32_t v = (int32_t)lks_remainder(pixel, line, a.out_w) * s.stride_w - s.pad_left;
    lks_window_place p;

    p.image = a.x + (size_t)image * ((size_t)s.in_h * (size_t)s.in_w * (size_t)a.pool.c);
    p.image += lks_remainder(i, pixel, a.c) * channels;
    p.h = h > 0 ? h : 0;
    p.v = v > 0 ? v : 0;
    p.h_end = s.kernel_h < s.in_h - h ? h + s.kernel_h : s.in_h;
    p.v_end = s.kernel_w < s.in_w - v ? v + s.kernel_w : s.in_w;
    return p;
}

static __device__ __forceinline__ const int8_t *lks_window_pixel(const lks_window_args &a, const lks_window_place &p, int32_t h,
                                                                 int32_t v)
{
    return p.image + ((size_t)(uint32_t)h * (size_t)a.pool.window.in_w + (size_t)(uint32_t)v) * (size_t)a.pool.c;
}

/* ---- host: the variants of both ------------------------------------------------------------------------------------------ */

static const char *const lks_window_variants[] = { "words", "bytes", NULL };
enum { LKS_WINDOW_WORDS, LKS_WINDOW_BYTES };

static inline int lks_window_supports(const lks_step *s, uint32_t variant, const lks_cuda_caps *)
{
    return variant == LKS_WINDOW_BYTES || (s->args.pool.c & 3) == 0;
}

static inline lks_window_args lks_window_args_of(const lks_step *s, uint32_t variant, const lks_cuda_operands *t)
{
    const lks_pool *k = &s->args.pool;
    const lks_window *w = &k->window;
    const int32_t units = variant == LKS_WINDOW_WORDS ? k->c >> 2 : k->c;

    return lks_window_args{
        t->x, t->y, (const lks_magic *)t->packed, (uint32_t)((int64_t)t->n * w->images * w->out_h * w->out_w * units),
        lks_magic_of(units), lks_magic_of(w->out_w), lks_magic_of(w->out_h), *k
    };
}

#endif
