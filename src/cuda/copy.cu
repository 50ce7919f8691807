/* SPDX-License-Identifier: Apache-2.0
 *
 * Copy between strided places, with a fill value where the source has no element.  spec 4.10, 4.11
 */
#include "cuda/axes.cuh"
#include "cuda/units.cuh"

/* Axes outermost first; all but fill, and before the first element of x and y, is in units of what a thread moves. */
typedef struct copy_args {
    const int8_t *x;
    int8_t *y;
    uint32_t units, x_first, y_first;
    int32_t axes, fill;
    int32_t x_extent[LKS_AXES_MAX], before[LKS_AXES_MAX], x_stride[LKS_AXES_MAX], y_stride[LKS_AXES_MAX];
    lks_magic extent[LKS_AXES_MAX];
} copy_args;

/* ---- device -------------------------------------------------------------------------------------------------------------- */

/* One unit per thread. */
template <typename unit>
static __device__ __forceinline__ void copy_unit(const copy_args &p, unit fill)
{
    uint32_t left = lks_thread_index(), from = p.x_first, to = p.y_first;       /* modulo 2^32 */
    int inside = 1;

    if (left >= p.units)
        return;
#pragma unroll 1
    for (int32_t axis = p.axes - 1; axis >= 0; axis--) {
        const uint32_t outer = lks_divide(left, p.extent[axis]), i = lks_remainder(left, outer, p.extent[axis]);
        const uint32_t k = i - (uint32_t)p.before[axis];

        inside &= k < (uint32_t)p.x_extent[axis];
        from += k * (uint32_t)p.x_stride[axis];
        to += i * (uint32_t)p.y_stride[axis];
        left = outer;
    }
    ((unit *)p.y)[to] = inside ? ((const unit *)p.x)[from] : fill;
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

typedef struct copy_axis {
    int32_t extent, x_extent, before, x_stride, y_stride;
} copy_axis;

typedef struct copy_axes {
    int32_t count;
    copy_axis axis[LKS_AXES_MAX];
} copy_axes;

/* Add the next inner axis: one that is copied whole belongs to the one around it, where a step of that one leads to its end. */
static void add_axis(copy_axes *a, copy_axis k)
{
    copy_axis *last = &a->axis[a->count > 0 ? a->count - 1 : 0];

    if (k.before == 0 && k.x_extent >= k.extent)
        k.x_extent = k.extent;
    if (k.extent == 1 && k.x_extent == 1 && k.before == 0)
        return;
    if (a->count == 0 || k.x_extent != k.extent || k.before != 0 || last->x_stride != (int64_t)k.extent * k.x_stride
        || last->y_stride != (int64_t)k.extent * k.y_stride) {
        a->axis[a->count++] = k;
        return;
    }
    last->extent *= k.extent;
    last->x_extent *= k.extent;
    last->before *= k.extent;
    last->x_stride = k.x_stride;
    last->y_stride = k.y_stride;
}

static copy_axes axes_of(const lks_copy *k, int32_t n)
{
    copy_axes a = {};

    add_axis(&a, copy_axis{ n, n, 0, k->x_image, k->y_image });
    for (int axis = 0; axis < LKS_MAX_RANK; axis++)
        add_axis(&a, copy_axis{ k->dims[axis], k->x_dims[axis], k->before[axis], k->x_stride[axis], k->y_stride[axis] });
    if (a.count == 0)
        a.axis[a.count++] = copy_axis{ 1, 1, 0, 1, 1 };
    return a;
}

/* Is the last axis contiguous, in whole units, and does everything else move by units? */
static int moves_units(const lks_copy *k, int32_t n, int32_t unit)
{
    const copy_axes a = axes_of(k, n);
    const copy_axis *last = &a.axis[a.count - 1];
    int32_t bits = k->x_first | k->y_first | last->extent | last->x_extent | last->before;

    for (int32_t axis = 0; axis < a.count - 1; axis++)
        bits |= a.axis[axis].x_stride | a.axis[axis].y_stride;
    return last->x_stride == 1 && last->y_stride == 1 && (bits & (unit - 1)) == 0;
}

/* With two images, so that the step from one to the next counts: any n then is as good. */
static int supports(const lks_step *s, uint32_t variant, const lks_cuda_caps *)
{
    const int32_t unit = lks_unit_of(variant);

    return variant == LKS_UNIT_1 || (moves_units(&s->args.copy, 1, unit) && moves_units(&s->args.copy, 2, unit));
}

/* From bytes to units; exact, by moves_units. */
static int32_t in_units(int32_t bytes, int32_t unit)
{
    const int64_t units = lks_ceil_div(bytes < 0 ? -(int64_t)bytes : bytes, unit);

    return (int32_t)(bytes < 0 ? -units : units);
}

static void count_in_units(copy_axes *a, int32_t unit)
{
    copy_axis *last = &a->axis[a->count - 1];

    for (int32_t axis = 0; axis < a->count - 1; axis++) {
        a->axis[axis].x_stride = in_units(a->axis[axis].x_stride, unit);
        a->axis[axis].y_stride = in_units(a->axis[axis].y_stride, unit);
    }
    last->extent = in_units(last->extent, unit);
    last->x_extent = in_units(last->x_extent, unit);
    last->before = in_units(last->before, unit);
}

static copy_args args_of(const lks_copy *k, const lks_cuda_operands *t, int32_t unit)
{
    copy_axes a = axes_of(k, t->n);
    copy_args p = {};

    count_in_units(&a, unit);
    p.x = t->x;
    p.y = t->y;
    p.units = (uint32_t)in_units(t->n * lks_elements(k->dims), unit);
    p.x_first = (uint32_t)in_units(k->x_first, unit);
    p.y_first = (uint32_t)in_units(k->y_first, unit);
    p.axes = a.count;
    p.fill = k->fill;
    for (int32_t axis = 0; axis < a.count; axis++) {
        p.extent[axis] = lks_magic_of(a.axis[axis].extent);
        p.x_extent[axis] = a.axis[axis].x_extent;
        p.before[axis] = a.axis[axis].before;
        p.x_stride[axis] = a.axis[axis].x_stride;
        p.y_stride[axis] = a.axis[axis].y_stride;
    }
    return p;
}

static cudaError_t launch(const lks_step *s, uint32_t variant, const lks_cuda_operands *t, const lks_cuda_caps *,
                          cudaStream_t stream)
{
    const copy_args p = args_of(&s->args.copy, t, lks_unit_of(variant));

    return LKS_LAUNCH_UNITS(copy, variant, p.units, stream, p);
}

extern "C" const lks_cuda_family lks_cuda_copy = { lks_unit_variants, supports, NULL, NULL, NULL, NULL, launch };
