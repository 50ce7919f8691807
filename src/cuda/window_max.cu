/* SPDX-License-Identifier: Apache-2.0
 *
 * Max pooling.  spec 4.6
 */
#include "cuda/window.cuh"

/* ---- device -------------------------------------------------------------------------------------------------------------- */

extern "C" __global__ void __launch_bounds__(256) window_max_bytes_kernel(const lks_window_args a)
{
    const uint32_t i = lks_thread_index();
    int32_t best = -128;

    if (i >= a.outputs)
        return;

    const lks_window_place p = lks_locate_window(a, i, 1);

    for (int32_t h = p.h; h < p.h_end; h++)
        for (int32_t v = p.v; v < p.v_end; v++)
            best = max(best, (int32_t)*lks_window_pixel(a, p, h, v));
    a.y[i] = (int8_t)lks_clamp(best, a.pool.y_min, a.pool.y_max);
}

extern "C" __global__ void __launch_bounds__(256) window_max_words_kernel(const lks_window_args a)
{
    const uint32_t i = lks_thread_index();
    int32_t best[4] = { -128, -128, -128, -128 };

    if (i >= a.outputs)
        return;

    const lks_window_place p = lks_locate_window(a, i, 4);

    for (int32_t h = p.h; h < p.h_end; h++)
        for (int32_t v = p.v; v < p.v_end; v++) {
            const uint32_t x = *(const uint32_t *)lks_window_pixel(a, p, h, v);

#pragma unroll
            for (int32_t k = 0; k < 4; k++)
                best[k] = max(best[k], lks_byte(x, k));
        }
#pragma unroll
    for (int32_t k = 0; k < 4; k++)
        best[k] = lks_clamp(best[k], a.pool.y_min, a.pool.y_max);
    *(uint32_t *)(a.y + (size_t)i * 4) = lks_word(best[0], best[1], best[2], best[3]);
}

/* ---- host ---------------------------------------------------------------------------------------------------------------- */

static cudaError_t launch(const lks_step *s, uint32_t variant, const lks_cuda_operands *t, const lks_cuda_caps *,
                          cudaStream_t stream)
{
    const lks_window_args a = lks_window_args_of(s, variant, t);

    return variant == LKS_WINDOW_WORDS ? LKS_LAUNCH_EACH(window_max_words_kernel, a.outputs, stream, a)
        : LKS_LAUNCH_EACH(window_max_bytes_kernel, a.outputs, stream, a);
}

extern "C" const lks_cuda_family lks_cuda_window_max = {
    lks_window_variants, lks_window_supports, NULL, NULL, NULL, NULL, launch
};
