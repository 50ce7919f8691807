/* SPDX-License-Identifier: Apache-2.0
 *
 * Copy between strided places, with a fill value where the source has no element.  spec 4.10, 4.11
 *
 * Axes are joined where both sides allow it.  What is left is planes of two axes: the last one, along which y is contiguous
 * nearly always, and another one; where x is contiguous along that other one, it is a transpose.
 */
#include "cpu/family.h"

#include <string.h>

#define AXES (LKS_MAX_RANK + 1)     /* the images are one more */
#define UNIT_BYTES 16384
#define SHORT_ROW 16                /* elements that are better walked through across, where x is not contiguous anyway */
#define TRANSPOSE_COLUMNS 256       /* lines of x that stay in the nearest cache */

/* x has elements where lo <= index < hi. */
typedef struct axis {
    int64_t dim, lo, hi, x, y;      /* x, y: strides */
} axis;

/* p and q: the axes of a plane; the others, outermost first, number the planes. */
typedef struct shape {
    axis outer[AXES], p, q;
    int64_t x_first, y_first, planes;
    int rank;                       /* of outer */
    int64_t p_part, q_part;         /* of a unit */
} shape;

static axis axis_of(const lks_copy *a, int i)
{
    const int64_t lo = lks_cpu_max(a->before[i], 0), hi = lks_cpu_min((int64_t)a->before[i] + a->x_dims[i], a->dims[i]);
    const axis r = { a->dims[i], lks_cpu_min(lo, a->dims[i]), lks_cpu_max(hi, lks_cpu_min(lo, a->dims[i])), a->x_stride[i],
                     a->y_stride[i] };

    return r;
}

static int is_full(const axis *a)
{
    return a->lo == 0 && a->hi == a->dim;
}

/* Append an axis, or make the last one longer by it. */
static int put_axis(axis *axes, int rank, axis a)
{
    axis *last = rank ? &axes[rank - 1] : NULL;

    if (a.dim == 1 && is_full(&a))
        return rank;
    if (last && is_full(&a) && last->x == a.dim * a.x && last->y == a.dim * a.y) {
        *last = (axis){ last->dim * a.dim, last->lo * a.dim, last->hi * a.dim, a.x, a.y };
        return rank;
    }
    axes[rank] = a;
    return rank + 1;
}

static axis take_axis(shape *s, int i)
{
    const axis none = { 1, 0, 1, 0, 0 };
    axis taken = none;

    if (i < 0 || i >= s->rank)
        return none;
    taken = s->outer[i];
    memmove(&s->outer[i], &s->outer[i + 1], (size_t)(s->rank - 1 - i) * sizeof *s->outer);
    s->rank--;
    return taken;
}

/* The innermost axis with that stride of y, or of x; else the last axis. */
static int find_axis(const shape *s, int of_y)
{
    for (int i = s->rank - 1; i >= 0; i--)
        if ((of_y ? s->outer[i].y : s->outer[i].x) == 1)
            return i;
    return s->rank - 1;
}

static shape shape_of(const lks_cpu_call *c)
{
    const lks_copy *a = &c->args->copy;
    const axis images = { c->n, 0, c->n, a->x_image, a->y_image };
    shape s = { .x_first = a->x_first, .y_first = a->y_first, .planes = 1 };

    s.rank = put_axis(s.outer, 0, images);
    for (int i = 0; i < LKS_MAX_RANK; i++) {
        s.x_first -= (int64_t)a->before[i] * a->x_stride[i];
        s.rank = put_axis(s.outer, s.rank, axis_of(a, i));
    }
    s.q = take_axis(&s, find_axis(&s, 1));
    s.p = take_axis(&s, s.q.x == 1 ? s.rank - 1 : find_axis(&s, 0));
    for (int i = 0; i < s.rank; i++)
        s.planes *= s.outer[i].dim;
    s.q_part = lks_cpu_min(s.q.dim, UNIT_BYTES);
    s.p_part = lks_cpu_min(s.p.dim, lks_cpu_max(UNIT_BYTES / s.q_part, 1));
    return s;
}

static int64_t p_parts(const shape *s)
{
    return (s->p.dim + s->p_part - 1) / s->p_part;
}

static int64_t q_parts(const shape *s)
{
    return (s->q.dim + s->q_part - 1) / s->q_part;
}

/* A unit is a part of a plane. */
static int64_t units(const lks_cpu_call *c)
{
    const shape s = shape_of(c);

    return s.planes * p_parts(&s) * q_parts(&s);
}

static int64_t unit_work(const lks_cpu_call *c)
{
    const shape s = shape_of(c);
    const int64_t row = s.q.x == 1 && s.q.y == 1 ? 4 + s.q_part / 32 : 4 + s.q_part / 2;

    return 10 + s.p_part * row;
}

static void fill_row(int8_t *y, int64_t step, int64_t count, int32_t fill)
{
    if (step == 1 && count > 0)
        memset(y, fill, (size_t)count);
    else
        for (int64_t i = 0; i < count; i++)
            y[i * step] = (int8_t)fill;
}

static void copy_row(const axis *q, const int8_t *x, int8_t *y, int64_t count)
{
    if (count <= 0)
        return;
    if (q->x == 1 && q->y == 1)
        memcpy(y, x, (size_t)count);
    else if (q->y == 1 && q->x == 0)
        memset(y, x[0], (size_t)count);
    else if (q->y == 1)
        for (int64_t i = 0; i < count; i++)
            y[i] = x[i * q->x];
    else
        for (int64_t i = 0; i < count; i++)
            y[i * q->y] = x[i * q->x];
}

/* Indices from .. to of an axis, and those among them of which x has an element: lo .. hi. */
typedef struct range {
    int64_t from, to, lo, hi;
} range;

static range range_of(const axis *a, int64_t from, int64_t part)
{
    range r = { .from = from, .to = lks_cpu_min(from + part, a->dim) };

    r.lo = lks_cpu_min(lks_cpu_max(a->lo, from), r.to);
    r.hi = lks_cpu_max(lks_cpu_min(a->hi, r.to), r.lo);
    return r;
}

/* A part of the plane whose index (0, 0) is, or would be, at x[at]; x has none of it where not `inside`. */
static void copy_plane(const shape *s, range p, range q, const int8_t *x, int64_t at, int8_t *y, int inside, int32_t fill)
{
    const int64_t at_once = s->q.x == 1 ? q.hi - q.lo : TRANSPOSE_COLUMNS;

    const int whole = p.lo == p.from && p.hi == p.to && q.lo == q.from && q.hi == q.to;

    if (!inside)
        p.lo = p.hi = p.to;
    for (int64_t i = inside && whole ? p.to : p.from; i < p.to; i++) {
        const int outside = i < p.lo || i >= p.hi;

        fill_row(y + i * s->p.y + q.from * s->q.y, s->q.y, (outside ? q.to : q.lo) - q.from, fill);
        if (!outside)
            fill_row(y + i * s->p.y + q.hi * s->q.y, s->q.y, q.to - q.hi, fill);
    }
    if (s->q.x != 1 && q.hi - q.lo < SHORT_ROW && p.hi - p.lo > q.hi - q.lo) {
        for (int64_t j = q.lo; j < q.hi; j++)
            copy_row(&s->p, x + (at + p.lo * s->p.x + j * s->q.x), y + p.lo * s->p.y + j * s->q.y, p.hi - p.lo);
        return;
    }
    for (int64_t j = q.lo; j < q.hi; j += at_once)
        for (int64_t i = p.lo; i < p.hi; i++)
            copy_row(&s->q, x + (at + i * s->p.x + j * s->q.x), y + i * s->p.y + j * s->q.y, lks_cpu_min(at_once, q.hi - j));
}

static void run(const lks_cpu_call *c, int64_t first, int64_t end, void *scratch)
{
    const shape s = shape_of(c);

    (void)scratch;
    for (int64_t u = first; u < end; u++) {
        const int64_t part = u % (p_parts(&s) * q_parts(&s));
        int64_t plane = u / (p_parts(&s) * q_parts(&s)), x = s.x_first, y = s.y_first;
        int inside = 1;

        for (int i = s.rank - 1; i >= 0; i--) {
            const int64_t at = plane % s.outer[i].dim;

            plane /= s.outer[i].dim;
            x += at * s.outer[i].x;
            y += at * s.outer[i].y;
            inside &= at >= s.outer[i].lo && at < s.outer[i].hi;
        }
        copy_plane(&s, range_of(&s.p, part / q_parts(&s) * s.p_part, s.p_part),
                   range_of(&s.q, part % q_parts(&s) * s.q_part, s.q_part), c->x, x, c->y + y, inside, c->args->copy.fill);
    }
}

const lks_cpu_family lks_cpu_copy = { .units = units, .unit_work = unit_work, .run = run };
