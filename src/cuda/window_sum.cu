/* SPDX-License-Identifier: Apache-2.0
 *
 * Average pooling.  spec 4.7
 */
#include "cuda/window.cuh"

/* ---- device -------------------------------------------------------------------------------------------------------------- */

static __device__ __forceinline__ int32_t average(const lks_window_args &a, const lks_window_place &p, int32_t acc)
{
    const lks_magic rows = a.counts[p.h_end - p.h - 1], columns = a.counts[p.v_end - p.v - 1];

    return lks_clamp(lks_average_magic(acc, rows, columns, a.pool.rounding), a.pool.y_min, a.pool.y_max);
}

extern "C" __global__ void __launch_bounds__(256) window_sum_bytes_kernel(const lks_window_args a)
{
    const uint32_t i = lks_thread_index();
    int32_t acc = 0;

    if (i >= a.outputs)
        return;

    const lks_window_place p = lks_locate_window(a, i, 1);

    for (int32_t h = p.h; h < p.h_end; h++)
        for (int32_t v = p.v; v < p.v_end; v++)
            acc += *lks_window_pixel(a, p, h, v);
    a.y[i] = (int8_t)average(a, p, acc);
}

extern "C" __global__ void __launch_bounds__(256) window_sum_words_kernel(const lks_window_args a)
{
    const uint32_t i = lks_thread_index();
    int32_t acc[4] = { 0 };

    if (i >= a.outputs)
        return;

    const lks_window_place p = lks_locate_window(a, i, 4);

    for (int32_t h = p.h; h < p.h_end; h++)
        for (int32_t v = p.v; v < p.v_end; v++) {
            const uint32_t x = *(const uint32_t *)lks_window_pixel(a, p, h, v);

#pragma unroll
            for (int32_t k = 0; k < 4; k++)
                acc[k] += lks_byte(x, k);
        }
    *(uint32_t *)(a.y + (size_t)i * 4) = lks_word(average(a, p, acc[0]), average(a, p, acc[1]), average(a, p, acc[2]),
                                                  average(a, p, acc[3]));
}

/* ---- host ---------------------------------------------------------------------------------------------------------------- */

/* The rows or columns that a window can have inside an image. */
static int32_t most_counts(const lks_window *w)
{
    const int32_t rows = w->kernel_h < w->in_h ? w->kernel_h : w->in_h;
    const int32_t columns = w->kernel_w < w->in_w ? w->kernel_w : w->in_w;

    return rows > columns ? rows : columns;
}

static size_t packed_bytes(const lks_step *s, uint32_t)
{
    return (size_t)most_counts(&s->args.pool.window) * sizeof(lks_magic);
}

static void pack(const lks_step *s, uint32_t, void *packed)
{
    lks_magic *counts = (lks_magic *)packed;
    const int32_t most = most_counts(&s->args.pool.window);

    for (int32_t i = 0; i < most; i++)
        counts[i] = lks_magic_of(i + 1);
}

static cudaError_t launch(const lks_step *s, uint32_t variant, const lks_cuda_operands *t, const lks_cuda_caps *,
                          cudaStream_t stream)
{
    const lks_window_args a = lks_window_args_of(s, variant, t);

    return variant == LKS_WINDOW_WORDS ? LKS_LAUNCH_EACH(window_sum_words_kernel, a.outputs, stream, a)
        : LKS_LAUNCH_EACH(window_sum_bytes_kernel, a.outputs, stream, a);
}

extern "C" const lks_cuda_family lks_cuda_window_sum = {
    lks_window_variants, lks_window_supports, NULL, packed_bytes, pack, NULL, launch
};
