/* SPDX-License-Identifier: Apache-2.0
 *
 * Two operands, element by element, with broadcasting.  spec 4.3, 4.12, 4.13, 4.15
 */
#include "cuda/axes.cuh"
#include "cuda/tile.h"
#include "cuda/units.cuh"

/* axes: extents in units of what a thread computes, strides of a and b in elements. */
typedef struct binary_args {
    const int8_t *a, *b, *table;
    int8_t *y;
    uint32_t threads;
    int32_t a_broadcast, b_broadcast;   /* along the last axis */
    lks_axes axes;
    lks_pair pair;
} binary_args;

/* ---- device -------------------------------------------------------------------------------------------------------------- */

extern "C" __global__ void __launch_bounds__(256) binary_1_kernel(const binary_args p)
{
    const uint32_t i = lks_thread_index();

    if (i >= p.threads)
        return;

    const lks_offsets at = lks_locate_element(p.axes, i);

    p.y[i] = (int8_t)lks_apply_table(lks_pair_value(p.a[at.first], p.b[at.second], p.pair), p.table);
}

/* Adjacent elements of an operand, four or sixteen, or one for all of them. */
static __device__ __forceinline__ uint32_t load_word(const int8_t *x, uint32_t at, int32_t broadcast)
{
    return broadcast ? (uint8_t)x[at] * 0x01010101u : *(const uint32_t *)(x + at);
}

static __device__ __forceinline__ uint4 load_words(const int8_t *x, uint32_t at, int32_t broadcast)
{
    const uint32_t one = broadcast ? (uint8_t)x[at] * 0x01010101u : 0;

    return broadcast ? uint4{ one, one, one, one } : *(const uint4 *)(x + at);
}

static __device__ __forceinline__ uint32_t compute_word(const binary_args &p, uint32_t a, uint32_t b)
{
    uint32_t y = 0;

#pragma unroll
    for (int32_t k = 0; k < 4; k++) {
        const int32_t v = lks_pair_value(lks_byte(a, k), lks_byte(b, k), p.pair);

        y |= (uint32_t)(uint8_t)lks_apply_table(v, p.table) << (8 * k);
    }
    return y;
}

extern "C" __global__ void __launch_bounds__(256) binary_4_kernel(const binary_args p)
{
    const uint32_t i = lks_thread_index();

    if (i >= p.threads)
        return;

    const lks_offsets at = lks_locate_element(p.axes, i);
    const uint32_t a = load_word(p.a, at.first, p.a_broadcast), b = load_word(p.b, at.second, p.b_broadcast);

    *(uint32_t *)(p.y + (size_t)i * 4) = compute_word(p, a, b);
}

/* The words take turns in the first place of a, where each result then follows the last operand: one copy of the arithmetic. */
extern "C" __global__ void __launch_bounds__(256) binary_16_kernel(const binary_args p)
{
    const uint32_t i = lks_thread_index();

    if (i >= p.threads)
        return;

    const lks_offsets at = lks_locate_element(p.axes, i);
    uint4 a = load_words(p.a, at.first, p.a_broadcast), b = load_words(p.b, at.second, p.b_broadcast);

#pragma unroll 1
    for (int32_t k = 0; k < 4; k++) {
        a = uint4{ a.y, a.z, a.w, compute_word(p, a.x, b.x) };
        b = uint4{ b.y, b.z, b.w, b.x };
    }
    *(uint4 *)(p.y + (size_t)i * 16) = a;
}

/* ---- host ---------------------------------------------------------------------------------------------------------------- */

static lks_axes axes_of(const lks_binary *k, int32_t n)
{
    lks_axes a = {};

    lks_axes_add(&a, n, k->a_image, k->b_image);
    for (int axis = 0; axis < LKS_MAX_RANK; axis++)
        lks_axes_add(&a, k->dims[axis], k->a_stride[axis], k->b_stride[axis]);
    lks_axes_finish(&a);
    return a;
}

/*
 * Units of 4 or 16: an operand is contiguous or broadcast along the last axis, of a multiple of the unit, and every other step of
 * it keeps units aligned.
 */
static int operand_takes(const lks_axes *a, int operand, int32_t unit)
{
    const int32_t last = a->count - 1, stride = a->stride[last][operand], rest = unit - 1;

    for (int32_t axis = 0; axis < last; axis++)
        if (stride == 1 && (a->stride[axis][operand] & rest) != 0)
            return 0;
    return (a->extent[last] & rest) == 0 && (stride == 0 || stride == 1);
}

static int takes(const lks_binary *k, int32_t n, int32_t unit)
{
    const lks_axes a = axes_of(k, n);

    return operand_takes(&a, 0, unit) && operand_takes(&a, 1, unit);
}

/* With two images, so that the step from one to the next counts: any n then is as good. */
static int supports(const lks_step *s, uint32_t variant, const lks_cuda_caps *)
{
    const int32_t unit = lks_unit_of(variant);

    return variant == LKS_UNIT_1 || (takes(&s->args.binary, 1, unit) && takes(&s->args.binary, 2, unit));
}

static size_t packed_bytes(const lks_step *, uint32_t)
{
    return LKS_TABLE_SIZE;
}

static void pack(const lks_step *s, uint32_t, void *packed)
{
    lks_pack_table(s, packed);
}

static void count_in_units(lks_axes *a, int32_t unit)
{
    const int32_t last = a->count - 1;

    a->extent[last] = (int32_t)lks_ceil_div(a->extent[last], unit);
    a->stride[last][0] *= unit;
    a->stride[last][1] *= unit;
    lks_axes_finish(a);
}

static cudaError_t launch(const lks_step *s, uint32_t variant, const lks_cuda_operands *t, const lks_cuda_caps *,
                          cudaStream_t stream)
{
    const lks_binary *k = &s->args.binary;
    const lks_axes axes = axes_of(k, t->n);
    const int32_t elements = t->n * lks_elements(k->dims), last = axes.count - 1, unit = lks_unit_of(variant);
    binary_args p = {
        t->x, t->x2, s->table ? (const int8_t *)t->packed : NULL, t->y, (uint32_t)lks_ceil_div(elements, unit),
        axes.stride[last][0] == 0, axes.stride[last][1] == 0, axes, k->pair
    };

    count_in_units(&p.axes, unit);
    return LKS_LAUNCH_UNITS(binary, variant, p.threads, stream, p);
}

extern "C" const lks_cuda_family lks_cuda_binary = {
    lks_unit_variants, supports, NULL, packed_bytes, pack, NULL, launch
};
