/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands in src/cuda/device.cuh, for kernels that are compiled as host C++.  Found before it.
 */
#ifndef LKS_CUDA_DEVICE_CUH
#define LKS_CUDA_DEVICE_CUH

#include "cuda_shim/cuda_runtime.h"
#include "cuda_shim/warpgroup.h"
#include "spec/arith.h"

#include <tuple>

/* ---- launches ------------------------------------------------------------------------------------------------------------ */

/* Arguments become the types of the parameters when the launch is made, as on a card, and are kept until it is run. */
template <typename... P, typename... A>
static cudaError_t shim_launch_kernel(const char *name, void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes,
                                      cudaStream_t stream, A... arguments)
{
    struct call {
        void (*kernel)(P...);
        std::tuple<P...> arguments;
    } c = { kernel, std::tuple<P...>(static_cast<P>(arguments)...) };
    shim_launch launch = {};

    launch.kernel = name;
    launch.function = (const void *)kernel;
    launch.grid = grid;
    launch.block = block;
    launch.shared_bytes = shared_bytes;
    launch.call = [](const void *p) {
        const call *k = (const call *)p;
        std::apply(k->kernel, k->arguments);
    };
    launch.arguments = &c;
    launch.arguments_bytes = sizeof c;
    return shim_enqueue(&launch, stream);
}

#define LKS_LAUNCH(kernel, grid, block, shared_bytes, stream, ...) \
    shim_launch_kernel(#kernel, kernel, grid, block, shared_bytes, stream, __VA_ARGS__)

#define LKS_SHARED(name) unsigned char *name = shim_shared()

static inline void lks_hold(int32_t &)
{
}

static inline void lks_hold(uint32_t &)
{
}

static inline void lks_hold(const int8_t *&)
{
}

/* ---- dot products -------------------------------------------------------------------------------------------------------- */

static inline uint32_t lks_dp4a(uint32_t a, uint32_t b, uint32_t acc)
{
    for (int i = 0; i < 4; i++)
        acc += (uint32_t)((int8_t)(a >> 8 * i) * (int8_t)(b >> 8 * i));
    return acc;
}

/* ---- asynchronous copies to shared memory -------------------------------------------------------------------------------- */

static inline void lks_copy16_async(void *to, const void *from)
{
    shim_copy_async(to, from, 16, 16);
}

static inline void lks_copy4_async(void *to, const void *from)
{
    shim_copy_async(to, from, 4, 4);
}

static inline void lks_copy_commit()
{
    shim_copy_commit();
}

template <int pending> static inline void lks_copy_wait()
{
    shim_copy_wait(pending);
}

/* ---- matrices: lane layouts of the PTX manual ------------------------------------------------------------------------------ */

static inline void shim_load_matrices(uint32_t *r, const void *row, int count)
{
    shim_lane lane = {};

    lane.what = SHIM_LDMATRIX;
    lane.mask = 0xffffffffu;
    lane.words = count;
    lane.row = row;
    lane.file = "ldmatrix";
    shim_exchange_lanes(&lane);
    std::memcpy(r, lane.value, sizeof *r * (size_t)count);
}

static inline void shim_multiply(shim_exchange what, uint32_t *d, int values, const uint32_t *a, int a_words, const uint32_t *b,
                                 int b_words)
{
    shim_lane lane = {};

    lane.what = what;
    lane.mask = 0xffffffffu;
    lane.file = "mma.sync";
    std::memcpy(lane.value, a, sizeof *a * (size_t)a_words);
    std::memcpy(lane.value + a_words, b, sizeof *b * (size_t)b_words);
    std::memcpy(lane.value + a_words + b_words, d, sizeof *d * (size_t)values);
    shim_exchange_lanes(&lane);
    std::memcpy(d, lane.value, sizeof *d * (size_t)values);
}

static inline void lks_ldmatrix_x2(uint32_t r[2], const void *row)
{
    shim_load_matrices(r, row, 2);
}

static inline void lks_ldmatrix_x4(uint32_t r[4], const void *row)
{
    shim_load_matrices(r, row, 4);
}

static inline void lks_mma_8x8x16(uint32_t d[2], uint32_t a, uint32_t b)
{
    shim_multiply(SHIM_MMA_8816, d, 2, &a, 1, &b, 1);
}

static inline void lks_mma_16x8x32(uint32_t d[4], const uint32_t a[4], const uint32_t b[2])
{
    shim_multiply(SHIM_MMA_16832, d, 4, a, 4, b, 2);
}

/* ---- sm_90a -------------------------------------------------------------------------------------------------------------- */

#define LKS_HAS_WGMMA 1

static inline uint32_t lks_shared_address(const void *shared)
{
    return shim_shared_address(shared);
}

static inline void lks_sync_some(int32_t barrier, int32_t threads)
{
    shim_sync_some(barrier, threads);
}

static inline void lks_barrier_init(uint64_t *barrier, uint32_t count)
{
    shim_barrier_init(barrier, count);
}

static inline void lks_barrier_arrive(uint64_t *barrier)
{
    shim_barrier_arrive(barrier, 0);
}

static inline void lks_barrier_expect(uint64_t *barrier, uint32_t bytes)
{
    shim_barrier_arrive(barrier, bytes);
}

static inline void lks_barrier_wait(uint64_t *barrier, uint32_t parity)
{
    shim_barrier_wait(barrier, parity);
}

static inline void lks_copy_bulk(void *shared, const void *global, uint32_t bytes, uint64_t *barrier)
{
    shim_copy_bulk(shared, global, bytes, barrier);
}

static inline void lks_fence_async()
{
    shim_fence_async();
}

template <int registers, bool more> static inline void lks_take_registers()
{
    static_assert(registers % 8 == 0 && registers >= 24 && registers <= 256, "setmaxnreg");
}

static inline void lks_wgmma_fence()
{
    shim_wgmma_fence();
}

static inline void lks_wgmma_commit()
{
    shim_wgmma_commit();
}

template <int pending> static inline void lks_wgmma_wait()
{
    shim_wgmma_wait(pending);
}

template <int values> static inline void lks_wgmma_64xNx32(uint32_t (&d)[values], uint64_t a, uint64_t b)
{
    shim_wgmma(d, 2 * values, a, b);
}

#endif
