/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows and columns by tables.  spec 4.35, 4.36
 */
#include "cuda/element.cuh"
#include "cuda/family.h"

#include <string.h>

/* inner in units of what a thread moves. */
typedef struct gather_args {
    const int8_t *x;
    int8_t *y;
    const int32_t *rows, *columns;
    uint32_t units, in_a, in_b;
    lks_magic out_a, out_b, inner;
} gather_args;

/* ---- device -------------------------------------------------------------------------------------------------------------- */

/* One unit per thread. */
template <typename unit>
static __device__ __forceinline__ void gather_unit(const gather_args &p)
{
    const uint32_t i = lks_thread_index();

    if (i >= p.units)
        return;

    const uint32_t place = lks_divide(i, p.inner), k = lks_remainder(i, place, p.inner);
    const uint32_t line = lks_divide(place, p.out_b), b = lks_remainder(place, line, p.out_b);
    const uint32_t o = lks_divide(line, p.out_a), a = lks_remainder(line, o, p.out_a);
    const uint32_t from = (o * p.in_a + (uint32_t)p.rows[a]) * p.in_b + (uint32_t)p.columns[b];

    ((unit *)p.y)[i] = ((const unit *)p.x)[from * (uint32_t)p.inner.divisor + k];
}

extern "C" __global__ void __launch_bounds__(256) gather_16_kernel(const gather_args p)
{
    gather_unit<uint4>(p);
}

extern "C" __global__ void __launch_bounds__(256) gather_4_kernel(const gather_args p)
{
    gather_unit<uint32_t>(p);
}

extern "C" __global__ void __launch_bounds__(256) gather_1_kernel(const gather_args p)
{
    gather_unit<uint8_t>(p);
}

/* ---- host ---------------------------------------------------------------------------------------------------------------- */

static const char *const variants[] = { "16_bytes", "4_bytes", "bytes", NULL };
enum { BYTES_16, BYTES_4, BYTES_1 };

static int32_t unit_of(uint32_t variant)
{
    return variant == BYTES_16 ? 16 : variant == BYTES_4 ? 4 : 1;
}

static int supports(const lks_step *s, uint32_t variant, const lks_cuda_caps *)
{
    return (s->args.gather.inner & (unit_of(variant) - 1)) == 0;
}

static uint32_t choose(const lks_step *s, uint32_t, const lks_cuda_caps *c)
{
    return supports(s, BYTES_16, c) ? BYTES_16 : supports(s, BYTES_4, c) ? BYTES_4 : BYTES_1;
}

static size_t packed_bytes(const lks_step *s, uint32_t)
{
    return sizeof(int32_t) * ((size_t)s->args.gather.out_a + (size_t)s->args.gather.out_b);
}

/* The rows, then the columns. */
static void pack(const lks_step *s, uint32_t, void *packed)
{
    const lks_gather *k = &s->args.gather;
    int32_t *to = (int32_t *)packed;

    memcpy(to, s->rows, sizeof *to * (size_t)k->out_a);
    memcpy(to + k->out_a, s->columns, sizeof *to * (size_t)k->out_b);
}

static cudaError_t launch(const lks_step *s, uint32_t variant, const lks_cuda_operands *t, const lks_cuda_caps *,
                          cudaStream_t stream)
{
    const lks_gather *k = &s->args.gather;
    const int64_t inner = lks_ceil_div(k->inner, unit_of(variant));
    const int32_t *rows = (const int32_t *)t->packed;
    const gather_args p = {
        t->x, t->y, rows, rows + k->out_a, (uint32_t)(t->n * k->outer * k->out_a * k->out_b * inner), (uint32_t)k->in_a,
        (uint32_t)k->in_b, lks_magic_of(k->out_a), lks_magic_of(k->out_b), lks_magic_of(inner)
    };
    const dim3 grid((unsigned)lks_ceil_div(p.units, 256));

    switch (variant) {
    case BYTES_16: return LKS_LAUNCH(gather_16_kernel, grid, dim3(256), 0, stream, p);
    case BYTES_4: return LKS_LAUNCH(gather_4_kernel, grid, dim3(256), 0, stream, p);
    default: return LKS_LAUNCH(gather_1_kernel, grid, dim3(256), 0, stream, p);
    }
}

extern "C" const lks_cuda_family lks_cuda_gather = { variants, supports, choose, packed_bytes, pack, NULL, launch };
