/* SPDX-License-Identifier: Apache-2.0
 *
 * A table of 256 values.  spec 4.5
 */
#include "cuda/element.cuh"
#include "cuda/family.h"
#include "cuda/tile.h"

/* ---- device -------------------------------------------------------------------------------------------------------------- */

/* table[x + 128] for four elements; shared: the table in shared memory, indexed by x + 128. */
static __device__ __forceinline__ uint32_t look_up(uint32_t x, const unsigned char *shared)
{
    const uint32_t i = x ^ 0x80808080u;

    return (uint32_t)shared[i & 255] | (uint32_t)shared[i >> 8 & 255] << 8 | (uint32_t)shared[i >> 16 & 255] << 16
        | (uint32_t)shared[i >> 24] << 24;
}

/* Sixteen elements per thread; the last thread may have fewer. */
extern "C" __global__ void __launch_bounds__(256) lut_kernel(const int8_t *x, const int8_t *table, int8_t *y, uint32_t count)
{
    LKS_SHARED(shared);
    const uint32_t first = lks_thread_index() * 16;

    shared[threadIdx.x] = (unsigned char)table[threadIdx.x];
    __syncthreads();
    if (first + 16 <= count) {
        const uint4 v = *(const uint4 *)(x + first);

        *(uint4 *)(y + first) = uint4{ look_up(v.x, shared), look_up(v.y, shared), look_up(v.z, shared), look_up(v.w, shared) };
    } else {
        for (uint32_t i = first; i < count; i++)
            y[i] = (int8_t)shared[x[i] + 128];
    }
}

/* ---- host ---------------------------------------------------------------------------------------------------------------- */

static const char *const variants[] = { "vector", NULL };

static size_t packed_bytes(const lks_step *, uint32_t)
{
    return LKS_TABLE_SIZE;
}

static void pack(const lks_step *s, uint32_t, void *packed)
{
    lks_pack_table(s, packed);
}

static cudaError_t launch(const lks_step *s, uint32_t, const lks_cuda_operands *t, const lks_cuda_caps *, cudaStream_t stream)
{
    const int64_t count = (int64_t)t->n * s->args.lut.count;
    const unsigned blocks = (unsigned)lks_ceil_div(lks_ceil_div(count, 16), LKS_TABLE_SIZE);

    return LKS_LAUNCH(lut_kernel, dim3(blocks), dim3(LKS_TABLE_SIZE), LKS_TABLE_SIZE, stream,
                      t->x, (const int8_t *)t->packed, t->y, (uint32_t)count);
}

extern "C" const lks_cuda_family lks_cuda_lut = { variants, NULL, NULL, packed_bytes, pack, NULL, launch };
