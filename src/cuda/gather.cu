/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows and columns by tables.  spec 4.35, 4.36
 */
#include "cuda/units.cuh"

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

static int supports(const lks_step *s, uint32_t variant, const lks_cuda_caps *)
{
    return (s->args.gather.inner & (lks_unit_of(variant) - 1)) == 0;
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
    const int64_t inner = lks_ceil_div(k->inner, lks_unit_of(variant));
    const int32_t *rows = (const int32_t *)t->packed;
    const gather_args p = {
        t->x, t->y, rows, rows + k->out_a, (uint32_t)(t->n * k->outer * k->out_a * k->out_b * inner), (uint32_t)k->in_a,
        (uint32_t)k->in_b, lks_magic_of(k->out_a), lks_magic_of(k->out_b), lks_magic_of(inner)
    };

    return LKS_LAUNCH_UNITS(gather, variant, p.units, stream, p);
}

extern "C" const lks_cuda_family lks_cuda_gather = {
    lks_unit_variants, supports, NULL, packed_bytes, pack, NULL, launch
};
