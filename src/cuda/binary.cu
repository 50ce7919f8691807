/* SPDX-License-Identifier: Apache-2.0
 *
 * Two operands, element by element, with broadcasting.  spec 4.3, 4.12, 4.13, 4.15
 */
#include "cuda/axes.cuh"
#include "cuda/family.h"
#include "cuda/tile.h"

/* axes: strides of a and b, in words where the kernel works in words. */
typedef struct binary_args {
    const int8_t *a, *b, *table;
    int8_t *y;
    uint32_t threads;
    int32_t a_broadcast, b_broadcast;   /* along the last axis */
    lks_axes axes;
    lks_pair pair;
} binary_args;

/* ---- device -------------------------------------------------------------------------------------------------------------- */

extern "C" __global__ void __launch_bounds__(256) binary_any_kernel(const binary_args p)
{
    const uint32_t i = lks_thread_index();

    if (i >= p.threads)
        return;

    const lks_offsets at = lks_locate_element(p.axes, i);

    p.y[i] = (int8_t)lks_apply_table(lks_pair_value(p.a[at.first], p.b[at.second], p.pair), p.table);
}

/* Four adjacent elements of an operand, or one for all four. */
static __device__ __forceinline__ uint32_t load_word(const int8_t *x, uint32_t at, int32_t broadcast)
{
    return broadcast ? (uint8_t)x[at] * 0x01010101u : *(const uint32_t *)(x + at);
}

extern "C" __global__ void __launch_bounds__(256) binary_words_kernel(const binary_args p)
{
    const uint32_t i = lks_thread_index();
    uint32_t y = 0;

    if (i >= p.threads)
        return;

    const lks_offsets at = lks_locate_element(p.axes, i);
    const uint32_t a = load_word(p.a, at.first, p.a_broadcast), b = load_word(p.b, at.second, p.b_broadcast);

#pragma unroll
    for (int32_t k = 0; k < 4; k++) {
        const int32_t v = lks_pair_value(lks_byte(a, k), lks_byte(b, k), p.pair);

        y |= (uint32_t)(uint8_t)lks_apply_table(v, p.table) << (8 * k);
    }
    *(uint32_t *)(p.y + (size_t)i * 4) = y;
}

/* ---- host ---------------------------------------------------------------------------------------------------------------- */

static const char *const variants[] = { "any", "words", NULL };
enum { ANY, WORDS };

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
 * Words: an operand is contiguous or broadcast along the last axis, of a multiple of 4, and every other step of it keeps words
 * aligned.
 */
static int takes_words(const lks_axes *a, int operand)
{
    const int32_t last = a->count - 1, stride = a->stride[last][operand];

    for (int32_t axis = 0; axis < last; axis++)
        if (stride == 1 && (a->stride[axis][operand] & 3) != 0)
            return 0;
    return (a->extent[last] & 3) == 0 && (stride == 0 || stride == 1);
}

/* With two images, so that the step from one to the next counts: any n then is as good. */
static int supports(const lks_step *s, uint32_t variant, const lks_cuda_caps *)
{
    const lks_axes one = axes_of(&s->args.binary, 1), two = axes_of(&s->args.binary, 2);

    return variant == ANY || (takes_words(&one, 0) && takes_words(&one, 1) && takes_words(&two, 0) && takes_words(&two, 1));
}

static uint32_t choose(const lks_step *s, uint32_t max_batch, const lks_cuda_caps *c)
{
    (void)max_batch;
    return supports(s, WORDS, c) ? WORDS : ANY;
}

static size_t packed_bytes(const lks_step *, uint32_t)
{
    return LKS_TABLE_SIZE;
}

static void pack(const lks_step *s, uint32_t, void *packed)
{
    lks_pack_table(s, packed);
}

static void count_in_words(lks_axes *a)
{
    const int32_t last = a->count - 1;

    a->extent[last] >>= 2;
    a->stride[last][0] *= 4;
    a->stride[last][1] *= 4;
    lks_axes_finish(a);
}

static cudaError_t launch(const lks_step *s, uint32_t variant, const lks_cuda_operands *t, const lks_cuda_caps *,
                          cudaStream_t stream)
{
    const lks_binary *k = &s->args.binary;
    const lks_axes axes = axes_of(k, t->n);
    const int32_t elements = t->n * lks_elements(k->dims), last = axes.count - 1;
    binary_args p = {
        t->x, t->x2, s->table ? (const int8_t *)t->packed : NULL, t->y, (uint32_t)elements,
        axes.stride[last][0] == 0, axes.stride[last][1] == 0, axes, k->pair
    };

    if (variant == ANY)
        return LKS_LAUNCH(binary_any_kernel, dim3((unsigned)lks_ceil_div(elements, 256)), dim3(256), 0, stream, p);
    count_in_words(&p.axes);
    p.threads >>= 2;
    return LKS_LAUNCH(binary_words_kernel, dim3((unsigned)lks_ceil_div(p.threads, 256)), dim3(256), 0, stream, p);
}

extern "C" const lks_cuda_family lks_cuda_binary = { variants, supports, choose, packed_bytes, pack, NULL, launch };
