/* SPDX-License-Identifier: Apache-2.0
 *
 * Copy with an offset, and a fill value where the source has no element.  spec 4.10, 4.11
 */
#include "cuda/axes.cuh"
#include "cuda/family.h"


/* Axes outermost first; extents, x's extents and offsets of the last one are in units of what a thread moves. */
typedef struct copy_args {
    const int8_t *x;
    int8_t *y;
    uint32_t units;
    int32_t axes, fill;
    int32_t x_extent[LKS_AXES_MAX], before[LKS_AXES_MAX];
    lks_magic y_extent[LKS_AXES_MAX];
} copy_args;

/* ---- device -------------------------------------------------------------------------------------------------------------- */

/* One unit per thread. */
template <typename unit>
static __device__ __forceinline__ void copy_unit(const copy_args &p, unit fill)
{
    const uint32_t i = lks_thread_index();
    uint32_t left = i, at = 0, step = 1;
    int inside = 1;

    if (i >= p.units)
        return;
#pragma unroll 1
    for (int32_t axis = p.axes - 1; axis >= 0; axis--) {
        const uint32_t outer = lks_divide(left, p.y_extent[axis]);
        const uint32_t k = lks_remainder(left, outer, p.y_extent[axis]) - (uint32_t)p.before[axis];

        inside &= k < (uint32_t)p.x_extent[axis];
        at += k * step;                 /* modulo 2^32: only used where every k is inside */
        step *= (uint32_t)p.x_extent[axis];
        left = outer;
    }
    ((unit *)p.y)[i] = inside ? ((const unit *)p.x)[at] : fill;
}

extern "C" __global__ void __launch_bounds__(256) copy_16_kernel(const copy_args p)
{
    const uint32_t fill = (uint32_t)(p.fill & 255) * 0x01010101u;

    copy_unit(p, uint4{ fill, fill, fill, fill });
}

extern "C" __global__ void __launch_bounds__(256) copy_4_kernel(const copy_args p)
{
    copy_unit(p, (uint32_t)(p.fill & 255) * 0x01010101u);
}

extern "C" __global__ void __launch_bounds__(256) copy_1_kernel(const copy_args p)
{
    copy_unit(p, (uint8_t)p.fill);
}

/* ---- host ---------------------------------------------------------------------------------------------------------------- */

static const char *const variants[] = { "16_bytes", "4_bytes", "bytes", NULL };
enum { BYTES_16, BYTES_4, BYTES_1 };

typedef struct copy_axes {
    int32_t count;
    int32_t y[LKS_AXES_MAX], x[LKS_AXES_MAX], before[LKS_AXES_MAX];
} copy_axes;

/* Add the next inner axis: one that is copied whole belongs to the one around it. */
static void add_axis(copy_axes *a, int32_t y, int32_t x, int32_t before)
{
    const int32_t last = a->count - 1;

    if (a->count > 0 && y == x && before == 0) {
        a->y[last] *= y;
        a->x[last] *= y;
        a->before[last] *= y;
        return;
    }
    a->y[a->count] = y;
    a->x[a->count] = x;
    a->before[a->count++] = before;
}

static copy_axes axes_of(const lks_copy *k, int32_t n)
{
    copy_axes a = {};

    add_axis(&a, n, n, 0);
    for (int axis = 0; axis < LKS_MAX_RANK; axis++)
        add_axis(&a, k->y_dims[axis], k->x_dims[axis], k->before[axis]);
    return a;
}

static int32_t unit_of(uint32_t variant)
{
    return variant == BYTES_16 ? 16 : variant == BYTES_4 ? 4 : 1;
}

/* For n = 1, and so for every n: a batch multiplies the last axis, or stands before it. */
static int supports(const lks_step *s, uint32_t variant, const lks_cuda_caps *)
{
    const copy_axes a = axes_of(&s->args.copy, 1);
    const int32_t last = a.count - 1, mask = unit_of(variant) - 1;

    return ((a.y[last] | a.x[last] | a.before[last]) & mask) == 0;
}

static uint32_t choose(const lks_step *s, uint32_t, const lks_cuda_caps *c)
{
    return supports(s, BYTES_16, c) ? BYTES_16 : supports(s, BYTES_4, c) ? BYTES_4 : BYTES_1;
}

static copy_args args_of(const lks_copy *k, const lks_cuda_operands *t, int32_t unit)
{
    const copy_axes a = axes_of(k, t->n);
    copy_args p = {};

    p.x = t->x;
    p.y = t->y;
    p.units = (uint32_t)lks_ceil_div((int64_t)t->n * lks_elements(k->y_dims), unit);
    p.axes = a.count;
    p.fill = k->fill;
    for (int32_t axis = 0; axis < a.count; axis++) {
        const int32_t divisor = axis == a.count - 1 ? unit : 1;
        const int32_t whole = (int32_t)lks_ceil_div(a.y[axis], divisor);

        p.y_extent[axis] = lks_magic_of(whole);
        p.x_extent[axis] = (int32_t)lks_ceil_div(a.x[axis], divisor);
        p.before[axis] = a.before[axis] >= 0 ? (int32_t)lks_ceil_div(a.before[axis], divisor)
            : -(int32_t)lks_ceil_div(-(int64_t)a.before[axis], divisor);
    }
    return p;
}

static cudaError_t launch(const lks_step *s, uint32_t variant, const lks_cuda_operands *t, const lks_cuda_caps *,
                          cudaStream_t stream)
{
    const copy_args p = args_of(&s->args.copy, t, unit_of(variant));
    const dim3 grid((unsigned)lks_ceil_div(p.units, 256));

    switch (variant) {
    case BYTES_16: return LKS_LAUNCH(copy_16_kernel, grid, dim3(256), 0, stream, p);
    case BYTES_4: return LKS_LAUNCH(copy_4_kernel, grid, dim3(256), 0, stream, p);
    default: return LKS_LAUNCH(copy_1_kernel, grid, dim3(256), 0, stream, p);
    }
}

extern "C" const lks_cuda_family lks_cuda_copy = { variants, supports, choose, NULL, NULL, NULL, launch };
