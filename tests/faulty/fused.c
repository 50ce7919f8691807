/* SPDX-License-Identifier: Apache-2.0
 *
 * A backend that takes every fusion of the host and is right: the reference's kernel, and then, element by element, what was
 * fused behind it.  So the host's fusing is tested without a device.  And one that is wrong there.
 */
#include "faulty/faulty.h"

#include "cpu_ref/backend.h"
#include "spec/arith.h"

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

static void finish(const faulty_call *c, int table_first)
{
    const lks_fused *f = fused_of(c->step);
    const lks_plan_tensor *y_place = &c->plan->tensors[c->step->y];
    int8_t *y = c->arena + y_place->offset;
    const int8_t *x2 = f->adds ? c->arena + c->plan->tensors[c->step->x2].offset : y;

    lks_ref_step(c->plan, c->step, c->arena, c->n);
    for (size_t i = 0; i < y_place->image_bytes * c->n; i++) {
        int8_t v = table_first ? look_up(c->step, y[i]) : y[i];

        v = f->adds ? lks_add(v, x2[i], f->add) : v;
        y[i] = table_first ? v : look_up(c->step, v);
    }
}

static void right(const faulty_call *c)
{
    finish(c, 0);
}

/* Seen by a linear op, an add behind it, and a table behind that. */
static void wrong_order(const faulty_call *c)
{
    finish(c, 1);
}

const fault faulty_fused = { .what = "takes every fusion", .right = 1, .step = right };
const fault faulty_order = { .what = "fused: the table before the addition", .step = wrong_order };
