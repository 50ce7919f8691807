/* SPDX-License-Identifier: Apache-2.0
 *
 * Two operands, element by element, with broadcasting.  spec 4.3, 4.12, 4.13, 4.15
 */
#include "cpu/family.h"

#include <string.h>

#define UNIT_ELEMENTS 16384
#define SHORT_ROW 256               /* elements: rows that are better made several at a time */
#define REPEATED 2048               /* elements, of some rows */
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

/* Append an axis, or make the last one longer by it. */
static void put_axis(rows *r, int64_t dim, int64_t a_stride, int64_t b_stride)
{
    const int last = r->axes - 1;

    r->count *= dim;
    if (last >= 0 && r->a_stride[last] == dim * a_stride && r->b_stride[last] == dim * b_stride)
        r->dims[last] *= dim;
    else
        r->dims[r->axes++] = dim;
    r->a_stride[r->axes - 1] = a_stride;
    r->b_stride[r->axes - 1] = b_stride;
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
    while (axis >= 0 && (dims[axis] == 1 || (r.row > 1 && continues(a[axis], r.row, r.a_step)
                                             && continues(b[axis], r.row, r.b_step))))
        r.row *= dims[axis--];
    for (int i = 0; i <= axis; i++)
        if (dims[i] > 1)
            put_axis(&r, dims[i], a[i], b[i]);
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

/* Where row i of each operand is. */
static void find_row(const rows *r, int64_t i, int64_t *a, int64_t *b)
{
    *a = *b = 0;
    for (int axis = r->axes - 1; axis >= 0; axis--) {
        const int64_t at = i % r->dims[axis];

        *a += at * r->a_stride[axis];
        *b += at * r->b_stride[axis];
        i /= r->dims[axis];
    }
}

/* Row i, from element `from` to `to`. */
static void run_row(const lks_cpu_call *c, const rows *r, int64_t i, int64_t from, int64_t to)
{
    int64_t a, b;

    find_row(r, i, &a, &b);
    c->isa->pairs(c->packed, c->x + a + from * r->a_step, (size_t)r->a_step, c->x2 + b + from * r->b_step, (size_t)r->b_step,
                  c->y + i * r->row + from, (size_t)(to - from));
}

/* Whether one operand, b or a, is the same in neighbouring rows, while the other one goes on; rows are short. */
static int repeats(const rows *r, int of_b)
{
    const int last = r->axes - 1;

    if (last < 0 || r->row > SHORT_ROW || r->a_step != 1 || r->b_step != 1)
        return 0;
    return of_b ? r->b_stride[last] == 0 && r->a_stride[last] == r->row : r->a_stride[last] == 0 && r->b_stride[last] == r->row;
}

/* Rows i to end, which begin at one index of all axes but the last: the operand that repeats does so in memory. */
static void run_repeated(const lks_cpu_call *c, const rows *r, int64_t i, int64_t end, int of_b)
{
    int8_t repeated[REPEATED];
    const int64_t row = r->row, at_once = REPEATED / row;
    int64_t a, b;

    find_row(r, i, &a, &b);
    for (int64_t k = 0; k < lks_cpu_min(at_once, end - i); k++)
        memcpy(repeated + k * row, of_b ? c->x2 + b : c->x + a, (size_t)row);
    for (int64_t k = i; k < end; k += at_once) {
        const int8_t *other = (of_b ? c->x + a : c->x2 + b) + (k - i) * row;

        c->isa->pairs(c->packed, of_b ? other : repeated, 1, of_b ? repeated : other, 1, c->y + k * row,
                      (size_t)(lks_cpu_min(at_once, end - k) * row));
    }
}

static void run_rows(const lks_cpu_call *c, const rows *r, int64_t first, int64_t end, int64_t from, int64_t to)
{
    const int of_b = repeats(r, 1);

    if (of_b || repeats(r, 0)) {
        const int64_t dim = r->dims[r->axes - 1];

        for (int64_t i = first, next; i < end; i = next) {
            next = lks_cpu_min(end, i - i % dim + dim);
            run_repeated(c, r, i, next, of_b);
        }
        return;
    }
    for (int64_t i = first; i < end; i++)
        run_row(c, r, i, from, to);
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

        run_rows(c, &r, row, last, from, to);
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
