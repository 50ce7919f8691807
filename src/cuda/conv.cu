/* SPDX-License-Identifier: Apache-2.0
 *
 * 2-D convolution: implicit GEMM through tiles.  spec 4.1
 */
#include "cuda/direct.cuh"
#include "cuda/family.h"
#include "cuda/wgmma.cuh"

/* row16: 1x1 without gathering; gather16, gather4, gather1: as many bytes at a time as in_c / groups is a multiple of. */
LKS_TILE_KERNEL(conv_row16_128x128_kernel, 128x128, LKS_LOAD_ROW16, false)
LKS_TILE_KERNEL(conv_row16_128x64_kernel, 128x64, LKS_LOAD_ROW16, false)
LKS_TILE_KERNEL(conv_row16_64x64_kernel, 64x64, LKS_LOAD_ROW16, false)
LKS_TILE_KERNEL(conv_row16_64x32_kernel, 64x32, LKS_LOAD_ROW16, false)
LKS_TILE_KERNEL(conv_gather16_128x128_kernel, 128x128, LKS_LOAD_GATHER16, false)
LKS_TILE_KERNEL(conv_gather16_128x64_kernel, 128x64, LKS_LOAD_GATHER16, false)
LKS_TILE_KERNEL(conv_gather16_64x64_kernel, 64x64, LKS_LOAD_GATHER16, false)
LKS_TILE_KERNEL(conv_gather16_64x32_kernel, 64x32, LKS_LOAD_GATHER16, false)
LKS_TILE_KERNEL(conv_gather4_128x128_kernel, 128x128, LKS_LOAD_GATHER4, false)
LKS_TILE_KERNEL(conv_gather4_128x64_kernel, 128x64, LKS_LOAD_GATHER4, false)
LKS_TILE_KERNEL(conv_gather4_64x64_kernel, 64x64, LKS_LOAD_GATHER4, false)
LKS_TILE_KERNEL(conv_gather4_64x32_kernel, 64x32, LKS_LOAD_GATHER4, false)
LKS_TILE_KERNEL(conv_gather1_128x128_kernel, 128x128, LKS_LOAD_GATHER1, false)
LKS_TILE_KERNEL(conv_gather1_128x64_kernel, 128x64, LKS_LOAD_GATHER1, false)
LKS_TILE_KERNEL(conv_gather1_64x64_kernel, 64x64, LKS_LOAD_GATHER1, false)
LKS_TILE_KERNEL(conv_gather1_64x32_kernel, 64x32, LKS_LOAD_GATHER1, false)

/* Tensor cores.  What cannot be copied 16 bytes at a time has few channels: no large tile. */
LKS_MMA_KERNEL(conv_row16_mma_128x128_kernel, mma_128x128, LKS_LOAD_ROW16)
LKS_MMA_KERNEL(conv_row16_mma_128x64_kernel, mma_128x64, LKS_LOAD_ROW16)
LKS_MMA_KERNEL(conv_row16_mma_64x64_kernel, mma_64x64, LKS_LOAD_ROW16)
LKS_MMA_KERNEL(conv_gather16_mma_128x128_kernel, mma_128x128, LKS_LOAD_GATHER16)
LKS_MMA_KERNEL(conv_gather16_mma_128x64_kernel, mma_128x64, LKS_LOAD_GATHER16)
LKS_MMA_KERNEL(conv_gather16_mma_64x64_kernel, mma_64x64, LKS_LOAD_GATHER16)
LKS_MMA_KERNEL(conv_gather4_mma_128x64_kernel, mma_128x64, LKS_LOAD_GATHER4)
LKS_MMA_KERNEL(conv_gather4_mma_64x64_kernel, mma_64x64, LKS_LOAD_GATHER4)
LKS_MMA_KERNEL(conv_gather1_mma_128x64_kernel, mma_128x64, LKS_LOAD_GATHER1)
LKS_MMA_KERNEL(conv_gather1_mma_64x64_kernel, mma_64x64, LKS_LOAD_GATHER1)

LKS_WGMMA_KERNEL(conv_row16_wgmma_128x128_kernel, wgmma_128x128, LKS_LOAD_ROW16)
LKS_WGMMA_KERNEL(conv_row16_wgmma_128x64_kernel, wgmma_128x64, LKS_LOAD_ROW16)
LKS_WGMMA_KERNEL(conv_gather16_wgmma_128x128_kernel, wgmma_128x128, LKS_LOAD_GATHER16)
LKS_WGMMA_KERNEL(conv_gather16_wgmma_128x64_kernel, wgmma_128x64, LKS_LOAD_GATHER16)

/* With a zero point of the weights, which is rare: the sums of x too, on one tile. */
LKS_TILE_KERNEL(conv_gather16_w_zero_64x64_kernel, 64x64, LKS_LOAD_GATHER16, true)
LKS_TILE_KERNEL(conv_gather4_w_zero_64x64_kernel, 64x64, LKS_LOAD_GATHER4, true)
LKS_TILE_KERNEL(conv_gather1_w_zero_64x64_kernel, 64x64, LKS_LOAD_GATHER1, true)

extern "C" __global__ void __launch_bounds__(256) conv_finish_split_kernel(const lks_tile_args a)
{
    lks_finish_splits(a);
}

extern "C" __global__ void __launch_bounds__(256) conv_direct_kernel(const lks_direct_args a)
{
    lks_convolve_directly(a);
}

/* ---- host ---------------------------------------------------------------------------------------------------------------- */

static const char *const variants[] = { LKS_TILE_NAMES(""), LKS_TILE_NAMES("_split"), "direct", NULL };
enum { DIRECT = 2 * LKS_TILE_COUNT };

static int supports(const lks_step *s, uint32_t variant, const lks_cuda_caps *c)
{
    const lks_conv *k = &s->args.conv;
    const uint32_t tile = lks_tile_of(variant);

    return variant == DIRECT
        || (lks_tile_fits(k, tile) && lks_tile_open(k, tile, c) && (k->w_zero == 0 || tile == LKS_TILE_64X64)
            && (tile != LKS_TILE_MMA_128X128 || lks_tile_load_of(k) <= LKS_LOAD_GATHER16));
}

/* Groups of less than 8 channels would leave most of a tile idle. */
static uint32_t choose(const lks_step *s, uint32_t max_batch, const lks_cuda_caps *c)
{
    const lks_conv *k = &s->args.conv;
    uint32_t tiles = 0;

    for (uint32_t tile = 0; tile < LKS_TILE_COUNT; tile++)
        if (supports(s, tile, c))
            tiles |= 1u << tile;
    if (!tiles || (k->groups > 1 && k->out_c < 8 * k->groups))
        return DIRECT;
    return lks_tile_choose(s, tiles, max_batch, c);
}

static size_t packed_bytes(const lks_step *s, uint32_t variant)
{
    return variant == DIRECT ? lks_direct_packed_bytes(s, variant) : lks_tile_packed_bytes(s, lks_tile_of(variant));
}

static void pack(const lks_step *s, uint32_t variant, void *packed)
{
    if (variant == DIRECT)
        lks_direct_pack(s, variant, packed);
    else
        lks_tile_pack(s, lks_tile_of(variant), packed);
}

#define LAUNCH(load, size) LKS_LAUNCH_TILE(conv_##load##_##size##_kernel, size, a, stream)
#define LAUNCH_SIZES(load) \
    switch (tile) { \
    case LKS_TILE_128X128: return LAUNCH(load, 128x128); \
    case LKS_TILE_128X64: return LAUNCH(load, 128x64); \
    case LKS_TILE_64X64: return LAUNCH(load, 64x64); \
    case LKS_TILE_64X32: return LAUNCH(load, 64x32); \
    case LKS_TILE_MMA_128X64: return LAUNCH(load, mma_128x64); \
    default: return LAUNCH(load, mma_64x64); \
    }

static cudaError_t launch_tile(const lks_tile_args &a, uint32_t tile, lks_tile_load load, cudaStream_t stream)
{
    if (tile == LKS_TILE_MMA_128X128)
        return load == LKS_LOAD_ROW16 ? LAUNCH(row16, mma_128x128) : LAUNCH(gather16, mma_128x128);
    switch (load) {
    case LKS_LOAD_ROW16: LAUNCH_SIZES(row16)
    case LKS_LOAD_GATHER16: LAUNCH_SIZES(gather16)
    case LKS_LOAD_GATHER4: LAUNCH_SIZES(gather4)
    default: LAUNCH_SIZES(gather1)
    }
}

#define LAUNCH_WGMMA(load, size) LKS_LAUNCH_WGMMA(conv_##load##_##size##_kernel, size, a, c->multiprocessors, stream)

static cudaError_t launch_wgmma(const lks_tile_args &a, uint32_t tile, lks_tile_load load, const lks_cuda_caps *c,
                                cudaStream_t stream)
{
    if (tile == LKS_TILE_WGMMA_128X128)
        return load == LKS_LOAD_ROW16 ? LAUNCH_WGMMA(row16, wgmma_128x128) : LAUNCH_WGMMA(gather16, wgmma_128x128);
    return load == LKS_LOAD_ROW16 ? LAUNCH_WGMMA(row16, wgmma_128x64) : LAUNCH_WGMMA(gather16, wgmma_128x64);
}

static cudaError_t launch_w_zero(const lks_tile_args &a, lks_tile_load load, cudaStream_t stream)
{
    switch (load) {
    case LKS_LOAD_ROW16:
    case LKS_LOAD_GATHER16: return LAUNCH(gather16_w_zero, 64x64);
    case LKS_LOAD_GATHER4: return LAUNCH(gather4_w_zero, 64x64);
    default: return LAUNCH(gather1_w_zero, 64x64);
    }
}

static cudaError_t launch_direct(const lks_step *s, const lks_cuda_operands *t, cudaStream_t stream)
{
    const lks_direct_args a = lks_direct_args_of(s, t);

    return LKS_LAUNCH_EACH(conv_direct_kernel, a.outputs, stream, a);
}

static cudaError_t launch(const lks_step *s, uint32_t variant, const lks_cuda_operands *t, const lks_cuda_caps *c,
                          cudaStream_t stream)
{
    if (variant == DIRECT)
        return launch_direct(s, t, stream);

    const lks_tile_args a = lks_tile_args_of(s, variant, t, c);
    const lks_tile_load load = lks_tile_load_of(&s->args.conv);
    const uint32_t tile = lks_tile_of(variant);
    const cudaError_t e = a.w_zero ? launch_w_zero(a, load, stream)
        : lks_tile_sizes[tile].unit == LKS_UNIT_WGMMA ? launch_wgmma(a, tile, load, c, stream)
        : launch_tile(a, tile, load, stream);

    return e != cudaSuccess || !a.partial ? e
        : LKS_LAUNCH_EACH(conv_finish_split_kernel, (int64_t)a.rows * a.out_c, stream, a);
}

extern "C" const lks_cuda_family lks_cuda_conv = {
    variants, supports, choose, packed_bytes, pack, lks_tile_workspace_bytes, launch
};
