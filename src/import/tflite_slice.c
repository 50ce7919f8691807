/* SPDX-License-Identifier: Apache-2.0
 *
 * SLICE and STRIDED_SLICE.
 */
#include "import/tflite_slice.h"

#include "import/tflite_axis.h"

static lks_status check_extents(const lks_tfl_op *op, const lks_tfl_tensor *y, uint32_t rank, const int64_t *extent)
{
    bool same = y->rank == rank;

    for (uint32_t i = 0; same && i < rank; i++)
        same = y->dims[i] == extent[i];
    return same ? LKS_OK : lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the output has not the shape that the other operands give");
}

lks_status lks_tfl_import_slice(const lks_tfl_op *op)
{
    lks_op_args args = { .slice = { .step = { 1, 1, 1, 1, 1, 1 } } };
    lks_tfl_tensor *x, *y, *begins, *sizes;
    int64_t extent[LKS_MAX_RANK] = { 0 };

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(lks_tfl_constant_list(op, 1, "begin", x->rank, &begins));
    LKS_TFL_TRY(lks_tfl_constant_list(op, 2, "size", x->rank, &sizes));
    for (uint32_t i = 0; i < x->rank; i++) {
        const int64_t begin = lks_tfl_value(begins, i), size = lks_tfl_value(sizes, i);

        if (begin < 0 || begin >= x->dims[i] || size < -1 || size > x->dims[i] - begin)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "axis %u: %lld elements from %lld of %d", (unsigned)i, (long long)size,
                                  (long long)begin, (int)x->dims[i]);
        args.slice.begin[i] = (int32_t)begin;
        extent[i] = size < 0 ? x->dims[i] - begin : size;
    }
    LKS_TFL_TRY(check_extents(op, y, x->rank, extent));
    return lks_tfl_emit(op, LKS_OP_SLICE, &x->index[LKS_TFL_PLAIN], y, &args);
}

/* What STRIDED_SLICE asks for: its operands, and bit i of each mask for entry i of them. */
typedef struct ranges {
    lks_tfl_tensor *begin, *end, *step;
    uint32_t count;
    int64_t begin_mask, end_mask, ellipsis_mask, new_mask, shrink_mask, offset;
} ranges;

/* What becomes of it: a slice of x, and the shape of y, which may lack axes of x and have others. */
typedef struct sliced {
    lks_op_args args;
    uint32_t dims[LKS_MAX_RANK], axis, rank;    /* of the slice, so far; of y, so far */
    int64_t extent[LKS_MAX_RANK + 1];
} sliced;

static lks_status read_ranges(const lks_tfl_op *op, ranges *r)
{
    static const lks_fb_field begin = { "StridedSliceOptions.begin_mask", 0, 4, 0 },
        end = { "StridedSliceOptions.end_mask", 1, 4, 0 }, ellipsis = { "StridedSliceOptions.ellipsis_mask", 2, 4, 0 },
        inserted = { "StridedSliceOptions.new_axis_mask", 3, 4, 0 }, shrink = { "StridedSliceOptions.shrink_axis_mask", 4, 4, 0 },
        offset = { "StridedSliceOptions.offset", 5, 1, 0 };

    LKS_TFL_TRY(lks_tfl_constant(op, 1, "begin", LKS_TFL_INT32, &r->begin));
    r->count = lks_tfl_elements(r->begin);
    LKS_TFL_TRY(lks_tfl_constant_list(op, 2, "end", r->count, &r->end));
    LKS_TFL_TRY(lks_tfl_constant_list(op, 3, "strides", r->count, &r->step));
    r->begin_mask = lks_tfl_option(op, &begin);
    r->end_mask = lks_tfl_option(op, &end);
    r->ellipsis_mask = lks_tfl_option(op, &ellipsis);
    r->new_mask = lks_tfl_option(op, &inserted);
    r->shrink_mask = lks_tfl_option(op, &shrink);
    r->offset = lks_tfl_option(op, &offset);
    if (r->count > 2 * LKS_MAX_RANK)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "%u ranges", (unsigned)r->count);
    return LKS_OK;
}

static bool is_set(int64_t mask, uint32_t i)
{
    return mask >> i & 1;
}

static int64_t clamped(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* strided_slice_logic.h: StridedSliceStartForAxis, StridedSliceEndForAxis */
static int64_t settle(int64_t at, int64_t extent, int64_t step, bool masked, bool is_end)
{
    if (masked && is_end)
        return step > 0 ? extent : -1;
    if (masked)
        return step > 0 ? 0 : extent - 1;
    at += at < 0 ? extent : 0;
    return step > 0 ? clamped(at, 0, extent) : clamped(at, -1, extent - 1);
}

/* Entry i, of the next axis of x. */
static lks_status take_range(const lks_tfl_op *op, const lks_tfl_tensor *x, const ranges *r, uint32_t i, sliced *s)
{
    const uint32_t axis = s->axis++;
    const int64_t extent = axis < x->rank ? x->dims[axis] : 0, step = lks_tfl_value(r->step, i);
    int64_t begin, end, count;

    if (axis >= x->rank)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "more ranges than the input has dimensions");
    if (step == 0 || step < -(1 << 24) || step > 1 << 24)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "stride %lld", (long long)step);
    begin = settle(lks_tfl_value(r->begin, i), extent, step, is_set(r->begin_mask, i), false);
    end = settle(lks_tfl_value(r->end, i) + (r->offset ? begin : 0), extent, step, is_set(r->end_mask, i), true);
    count = is_set(r->shrink_mask, i) ? 1 : step > 0 ? (end - begin + step - 1) / step : (begin - end - step - 1) / -step;
    if (begin < 0 || begin >= extent || count < 1)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "range %u is empty", (unsigned)i);
    s->args.slice.begin[axis] = (int32_t)begin;
    s->args.slice.step[axis] = (int32_t)step;
    s->dims[axis] = (uint32_t)count;
    if (!is_set(r->shrink_mask, i))
        s->extent[s->rank++] = count;
    return LKS_OK;
}

/* The next axes of x, whole. */
static lks_status take_whole(const lks_tfl_op *op, const lks_tfl_tensor *x, uint32_t end, sliced *s)
{
    for (; s->axis < end; s->axis++) {
        if (s->rank >= LKS_MAX_RANK)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "more than 6 dimensions");
        s->dims[s->axis] = (uint32_t)x->dims[s->axis];
        s->extent[s->rank++] = x->dims[s->axis];
    }
    return LKS_OK;
}

/* strided_slice.cc: BuildStridedSliceParams.  An ellipsis stands for all axes that nothing else names. */
static lks_status take_ranges(const lks_tfl_op *op, const lks_tfl_tensor *x, const ranges *r, sliced *s)
{
    uint32_t named = 0;

    for (uint32_t i = 0; i < r->count; i++)
        named += !is_set(r->ellipsis_mask, i) && !is_set(r->new_mask, i);
    for (uint32_t i = 0; i < r->count; i++) {
        if (s->rank >= LKS_MAX_RANK)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "more than 6 dimensions");
        if (is_set(r->ellipsis_mask, i) && x->rank <= named)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the ellipsis stands for no axis, which the reference does not do");
        if (is_set(r->ellipsis_mask, i))
            LKS_TFL_TRY(take_whole(op, x, s->axis + x->rank - named, s));
        else if (is_set(r->new_mask, i))
            s->extent[s->rank++] = 1;
        else
            LKS_TFL_TRY(take_range(op, x, r, i, s));
    }
    return take_whole(op, x, x->rank, s);
}

lks_status lks_tfl_import_strided_slice(const lks_tfl_op *op)
{
    const lks_op_args none = { 0 };
    sliced s = { .args = { .slice = { .step = { 1, 1, 1, 1, 1, 1 } } } };
    lks_tfl_tensor *x, *y;
    uint32_t index;
    ranges r;

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(read_ranges(op, &r));
    if ((r.ellipsis_mask & (r.ellipsis_mask - 1)) != 0)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "more than one ellipsis");
    LKS_TFL_TRY(take_ranges(op, x, &r, &s));
    LKS_TFL_TRY(check_extents(op, y, s.rank, s.extent));
    if (s.rank == x->rank && r.new_mask == 0 && r.shrink_mask == 0)
        return lks_tfl_emit(op, LKS_OP_SLICE, &x->index[LKS_TFL_PLAIN], y, &s.args);
    LKS_TFL_TRY(lks_tfl_emit_between(op, y, x->rank, s.dims, &index));
    lks_builder_op(op->m->builder, LKS_OP_SLICE, &x->index[LKS_TFL_PLAIN], &index, &s.args);
    return lks_tfl_emit(op, LKS_OP_RESHAPE, &index, y, &none);
}
