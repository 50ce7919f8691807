/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums, maxima and minima over any set of axes.  spec 4.8, 4.17
 */
#include "cpu/family.h"

#include "spec/arith.h"

#include <string.h>

#define PART_C 256              /* adjacent outputs of a unit */
#define AXES (LKS_MAX_RANK + 1) /* the images are one more */

/* Axes of one sort, outermost first, where steps are counted in elements of x. */
typedef struct axes {
    int64_t dims[AXES], step[AXES];
    int64_t count;              /* of all their indices */
    int rank;
} axes;

/*
 * kept    all axes that y has, but the last of x
 * gone    those that are reduced, but the last of x
 * last    what the last axis of x is: `inner` adjacent outputs, or `run` adjacent elements that are reduced; the other is 1
 */
typedef struct shape {
    axes kept, gone;
    int64_t inner, run;
} shape;

static void put_axis(axes *a, int64_t dim, int64_t step)
{
    if (a->rank && a->step[a->rank - 1] == dim * step) {
        a->dims[a->rank - 1] *= dim;
        a->step[a->rank - 1] = step;
    } else {
        a->dims[a->rank] = dim;
        a->step[a->rank++] = step;
    }
    a->count *= dim;
}

static shape shape_of(const lks_cpu_call *c)
{
    const lks_reduce *a = &c->args->reduce;
    shape s = { .kept.count = 1, .gone.count = 1, .inner = 1, .run = 1 };
    int64_t step[AXES], dims[AXES];
    int last = LKS_MAX_RANK, kept = 1;

    dims[0] = c->n;
    memset(step, 0, sizeof step);
    step[LKS_MAX_RANK] = 1;
    for (int i = LKS_MAX_RANK; i > 0; i--) {
        dims[i] = a->dims[i - 1];
        step[i - 1] = step[i] * dims[i];
    }
    while (last > 0 && dims[last] == 1)
        last--;
    kept = last == 0 || !(a->axes >> (last - 1) & 1);
    /* neighbours of the same sort lengthen the last axis */
    for (; last >= 0 && (dims[last] == 1 || (last == 0 || !(a->axes >> (last - 1) & 1)) == kept); last--)
        *(kept ? &s.inner : &s.run) *= dims[last];
    for (int i = 0; i <= last; i++)
        if (dims[i] > 1)
            put_axis(i == 0 || !(a->axes >> (i - 1) & 1) ? &s.kept : &s.gone, dims[i], step[i]);
    return s;
}

static int64_t parts(const shape *s)
{
    return (s->inner + PART_C - 1) / PART_C;
}

/* A unit is some adjacent outputs. */
static int64_t units(const lks_cpu_call *c)
{
    const shape s = shape_of(c);

    return s.kept.count * parts(&s);
}

static int64_t unit_work(const lks_cpu_call *c)
{
    const shape s = shape_of(c);

    return 10 + s.gone.count * (2 + s.run / 32 + lks_cpu_min(s.inner, PART_C) / 32);
}

static size_t scratch_bytes(const lks_step *s, const lks_cpu_isa *isa)
{
    (void)s;
    (void)isa;
    return PART_C * sizeof(int32_t);
}

/* Where index i of these axes is. */
static int64_t offset_of(const axes *a, int64_t i)
{
    int64_t at = 0;

    for (int k = a->rank - 1; k >= 0; k--) {
        at += i % a->dims[k] * a->step[k];
        i /= a->dims[k];
    }
    return at;
}

/*
 * The first of some sums of few neighbours: several at a time, as many as there is room for, are neighbours too.  The result is
 * how many were summed.
 */
static int64_t sum_folded(const lks_cpu_call *c, const shape *s, const int8_t *x, int64_t outputs, int32_t *acc)
{
    const int64_t folds = PART_C / s->inner, width = folds * s->inner;
    int64_t done = 0;

    if (s->inner == 1 || folds < 2 || s->gone.rank != 1 || s->gone.step[0] != s->inner)
        return 0;
    memset(acc, 0, (size_t)width * sizeof *acc);
    for (; done + folds <= s->gone.count; done += folds)
        c->isa->accumulate(x + done * s->inner, acc, (size_t)width);
    for (int64_t i = outputs; i < width; i++)
        acc[i % outputs] = (int32_t)((uint32_t)acc[i % outputs] + (uint32_t)acc[i]);
    return done;
}

/* Sums of x: their zero points come off all at once, modulo 2^32. */
static void sum_outputs(const lks_cpu_call *c, const shape *s, const int8_t *x, int8_t *y, int64_t outputs, int32_t *acc)
{
    const lks_reduce *a = &c->args->reduce;
    const uint32_t zero = (uint32_t)(s->gone.count * s->run) * (uint32_t)a->x_zero;

    memset(acc, 0, (size_t)outputs * sizeof *acc);
    for (int64_t i = sum_folded(c, s, x, outputs, acc); i < s->gone.count; i++) {
        const int8_t *from = x + offset_of(&s->gone, i);

        if (s->inner > 1)
            c->isa->accumulate(from, acc, (size_t)outputs);
        else
            acc[0] = (int32_t)((uint32_t)acc[0] + (uint32_t)c->isa->sum(from, (size_t)s->run));
    }
    for (int64_t i = 0; i < outputs; i++)
        acc[i] = (int32_t)((uint32_t)acc[i] - zero);
    c->isa->finish(acc, a->rq, a->tail, y, (size_t)outputs);
}

/* The largest, or the smallest, of adjacent elements. */
static int8_t best_of_run(const lks_cpu_call *c, const int8_t *x, int64_t run, int smallest)
{
    int8_t low = x[0];

    if (!smallest)
        return (int8_t)c->isa->top(x, (size_t)run);
    for (int64_t i = 1; i < run; i++)
        low = x[i] < low ? x[i] : low;
    return low;
}

static void best_outputs(const lks_cpu_call *c, const shape *s, const int8_t *x, int8_t *y, int64_t outputs)
{
    const lks_reduce *a = &c->args->reduce;
    const int smallest = a->kind == LKS_REDUCE_MIN;

    for (int64_t i = 0; i < s->gone.count; i++) {
        const int8_t *from = x + offset_of(&s->gone, i);
        const int8_t best = s->inner > 1 ? from[0] : best_of_run(c, from, s->run, smallest);

        if (s->inner > 1)
            if (i == 0)
                memcpy(y, from, (size_t)outputs);
            else
                c->isa->max(from, y, (size_t)outputs, smallest);
        else
            y[0] = i == 0 || (smallest ? best < y[0] : best > y[0]) ? best : y[0];
    }
    c->isa->clamp(y, (size_t)outputs, a->tail.y_min, a->tail.y_max);
}

static void run(const lks_cpu_call *c, int64_t first, int64_t end, void *scratch)
{
    const shape s = shape_of(c);

    for (int64_t u = first; u < end; u++) {
        const int64_t row = u / parts(&s), at = u % parts(&s) * PART_C, outputs = lks_cpu_min(PART_C, s.inner - at);
        const int8_t *x = c->x + offset_of(&s.kept, row) + at;
        int8_t *y = c->y + row * s.inner + at;

        if (c->args->reduce.kind == LKS_REDUCE_SUM)
            sum_outputs(c, &s, x, y, outputs, scratch);
        else
            best_outputs(c, &s, x, y, outputs);
    }
}

const lks_cpu_family lks_cpu_reduce = { .scratch_bytes = scratch_bytes, .units = units, .unit_work = unit_work, .run = run };
