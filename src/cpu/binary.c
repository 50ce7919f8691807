/* SPDX-License-Identifier: Apache-2.0
 *
 * Two operands, element by element, with broadcasting.  spec 4.3, 4.12, 4.13, 4.15
 */
#include "cpu/family.h"

#define UNIT_ELEMENTS 16384
#define AXES (LKS_MAX_RANK + 1)     /* the images are one more */

/* y as rows of `row` elements along which each operand stands still or moves on one by one; both may be cut anywhere. */
typedef struct rows {
    int64_t dims[AXES], a_stride[AXES], b_stride[AXES];         /* of the axes outside of rows, outermost first */
    int64_t row, a_step, b_step, count;
    int axes;
} rows;

/* Whether the axis outside of a row only makes it longer. */
static int continues(int64_t stride, int64_t row, int64_t step)
{
    return stride == row * step;
}

static rows rows_of(const lks_cpu_call *c)
{
    const lks_binary *k = &c->args->binary;
    rows r = { .row = 1, .count = 1 };
    int64_t dims[AXES] = { c->n }, a[AXES] = { k->a_image }, b[AXES] = { k->b_image };
    int axis = AXES - 1;

    for (int i = 0; i < LKS_MAX_RANK; i++) {
        dims[i + 1] = k->dims[i];
        a[i + 1] = k->a_stride[i];
        b[i + 1] = k->b_stride[i];
    }
    while (axis >= 0 && dims[axis] == 1)
        axis--;
    if (axis >= 0 && a[axis] >= 0 && a[axis] <= 1 && b[axis] >= 0 && b[axis] <= 1) {
        r.row = dims[axis];
        r.a_step = a[axis];
        r.b_step = b[axis];
        axis--;
    }
    while (axis >= 0 && (dims[axis] == 1 || (r.row > 1 && continues(a[axis], r.row, r.a_step) && continues(b[axis], r.row, r.b_step))))
        r.row *= dims[axis--];
    for (int i = 0; i <= axis; i++)
        if (dims[i] > 1) {
            r.dims[r.axes] = dims[i];
            r.a_stride[r.axes] = a[i];
            r.b_stride[r.axes++] = b[i];
            r.count *= dims[i];
        }
    return r;
}

/* A unit is some whole rows, or a part of a long one. */
static int64_t rows_per_unit(const rows *r)
{
    return lks_cpu_max(UNIT_ELEMENTS / r->row, 1);
}

static int64_t parts_per_row(const rows *r)
{
    return (r->row + UNIT_ELEMENTS - 1) / UNIT_ELEMENTS;
}

static int64_t units(const lks_cpu_call *c)
{
    const rows r = rows_of(c);

    return (r.count + rows_per_unit(&r) - 1) / rows_per_unit(&r) * parts_per_row(&r);
}

static int64_t unit_work(const lks_cpu_call *c)
{
    const rows r = rows_of(c);
    const int64_t many = lks_cpu_min(rows_per_unit(&r), r.count);

    return 1 + many * (20 + lks_cpu_min(r.row, UNIT_ELEMENTS) / 8);
}

/* Row i, from element `from` to `to`. */
static void run_row(const lks_cpu_call *c, const rows *r, int64_t i, int64_t from, int64_t to)
{
    int64_t a = from * r->a_step, b = from * r->b_step, left = i;

    for (int axis = r->axes - 1; axis >= 0; axis--) {
        const int64_t at = left % r->dims[axis];

        a += at * r->a_stride[axis];
        b += at * r->b_stride[axis];
        left /= r->dims[axis];
    }
    c->isa->pairs(c->packed, c->x + a, (size_t)r->a_step, c->x2 + b, (size_t)r->b_step, c->y + i * r->row + from,
                  (size_t)(to - from));
}

static void run(const lks_cpu_call *c, int64_t first, int64_t end, void *scratch)
{
    const rows r = rows_of(c);
    const int64_t parts = parts_per_row(&r), many = rows_per_unit(&r);

    (void)scratch;
    for (int64_t u = first; u < end; u++) {
        const int64_t row = u / parts * many, from = u % parts * UNIT_ELEMENTS;
        const int64_t to = lks_cpu_min(from + UNIT_ELEMENTS, r.row);
        const int64_t last = lks_cpu_min(row + many, r.count);

        for (int64_t i = row; i < last; i++)
            run_row(c, &r, i, from, to);
        if (c->step->table)
            c->isa->lut(c->step->table, c->y + row * r.row + from, c->y + row * r.row + from,
                        (size_t)((last - row - 1) * r.row + to - from));
    }
}

static size_t packed_bytes(const lks_step *s, const lks_cpu_isa *isa)
{
    (void)s;
    (void)isa;
    return sizeof(lks_cpu_pair);
}

static void pack(const lks_step *s, const lks_cpu_isa *isa, void *packed)
{
    lks_cpu_pair *p = packed;

    (void)isa;
    *p = lks_cpu_pair_of(&s->args.binary.pair);
}

const lks_cpu_family lks_cpu_binary = {
    .packed_bytes = packed_bytes, .pack = pack, .units = units, .unit_work = unit_work, .run = run
};
