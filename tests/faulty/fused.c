/* SPDX-License-Identifier: Apache-2.0
 *
 * A backend that takes every fusion of the host and is right: the reference's kernel, and then, element by element, what was
 * fused behind it.  So the host's fusing is tested without a device.  And one that is wrong there.
 */
#include "faulty/faulty.h"

#include "cpu_ref/backend.h"
#include "spec/arith.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const lks_fused *fused_of(const lks_step *s)
{
    static const lks_fused none = { 0 };

    switch (s->kernel) {
    case LKS_KERNEL_CONV:
    case LKS_KERNEL_DEPTHWISE: return &s->args.conv.fused;
    case LKS_KERNEL_MATMUL:    return &s->args.matmul.fused;
    default:                   return &none;
    }
}

static int8_t look_up(const lks_step *s, int8_t y)
{
    return s->table && s->kernel != LKS_KERNEL_LUT ? s->table[y + 128] : y;
}

/* y: dense, of so many elements. */
static void finish(const faulty_call *c, int8_t *y, size_t elements, int table_first)
{
    const lks_fused *f = fused_of(c->step);
    const int8_t *x2 = f->adds ? c->arena + c->plan->tensors[c->step->x2].offset : y;

    for (size_t i = 0; i < elements; i++) {
        int8_t v = table_first ? look_up(c->step, y[i]) : y[i];

        v = f->adds ? lks_add(v, x2[i], f->add) : v;
        y[i] = table_first ? v : look_up(c->step, v);
    }
}

static void run_dense(const faulty_call *c, int table_first)
{
    const lks_plan_tensor *y = &c->plan->tensors[c->step->y];

    lks_ref_step(c->plan, c->step, c->arena, c->n);
    finish(c, c->arena + y->offset, y->image_bytes * c->n, table_first);
}

/* A conv whose y is part of a tensor: as if it were alone, behind a copy of the arena, and from there to its place. */
static void run_placed(const faulty_call *c, int table_first)
{
    const lks_conv *k = &c->step->args.conv;
    const size_t out_c = (size_t)k->out_c;
    const size_t pixels = (size_t)c->n * (size_t)k->window.images * (size_t)k->window.out_h * (size_t)k->window.out_w;
    lks_plan_tensor *tensors = malloc(c->plan->tensor_count * sizeof *tensors);
    int8_t *arena = malloc(c->plan->arena_bytes + pixels * out_c), *dense = arena + c->plan->arena_bytes;
    int8_t *y = c->arena + c->plan->tensors[c->step->y].offset + k->y_first;
    lks_plan plan = *c->plan;

    assert(tensors && arena);
    memcpy(tensors, c->plan->tensors, c->plan->tensor_count * sizeof *tensors);
    memcpy(arena, c->arena, c->plan->arena_bytes);
    tensors[c->step->y].offset = c->plan->arena_bytes;
    plan.tensors = tensors;
    lks_ref_step(&plan, c->step, arena, c->n);
    finish(c, dense, pixels * out_c, table_first);
    for (size_t i = 0; i < pixels; i++)
        memcpy(y + i * (size_t)k->y_pixel, dense + i * out_c, out_c);
    free(arena);
    free(tensors);
}

static void run(const faulty_call *c, int table_first)
{
    if (c->step->kernel == LKS_KERNEL_CONV && c->step->args.conv.y_pixel)
        run_placed(c, table_first);
    else
        run_dense(c, table_first);
}

static void right(const faulty_call *c)
{
    run(c, 0);
}

/* Seen by a linear op, an add behind it, and a table behind that. */
static void wrong_order(const faulty_call *c)
{
    run(c, 1);
}

const fault faulty_fused = { .what = "takes every fusion", .right = 1, .step = right };
const fault faulty_order = { .what = "fused: the table before the addition", .step = wrong_order };
