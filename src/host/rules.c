/* SPDX-License-Identifier: Apache-2.0
 *
 * What the rules of all ops share: shapes, the bound law, costs.
 */
#include "host/rules.h"

#include "host/error.h"
#include "spec/arith.h"

#include <stdio.h>
#include <string.h>

lks_status lks_illegal(const lks_op_view *v, const char *what, const char *why)
{
    return lks_fail(v->error, LKS_ERR_ILLEGAL, "%s: op %u (%s \"%.80s\"): %s: %s", v->file, v->index,
                    lks_op_rule_of(v->op->kind)->name, v->y->name, what, why);
}

lks_status lks_expect_shape(const lks_op_view *v, const lks_tensor *t, const char *what, uint32_t rank, const uint32_t *dims)
{
    char why[160];
    int n = 0;

    if (t->rank == rank && memcmp(t->dims, dims, rank * sizeof dims[0]) == 0)
        return LKS_OK;
    n += snprintf(why, sizeof why, "the shape must be [");
    for (uint32_t i = 0; i < rank; i++)
        n += snprintf(why + n, sizeof why - (size_t)n, i ? ", %u" : "%u", dims[i]);
    n += snprintf(why + n, sizeof why - (size_t)n, "], and is [");
    for (uint32_t i = 0; i < t->rank; i++)
        n += snprintf(why + n, sizeof why - (size_t)n, i ? ", %u" : "%u", t->dims[i]);
    snprintf(why + n, sizeof why - (size_t)n, "]");
    return lks_illegal(v, what, why);
}

lks_status lks_expect_constant(const lks_op_view *v, uint32_t operand, const char *what, lks_type type, uint32_t rank)
{
    const lks_tensor *t = v->in[operand];

    if (!t->constant)
        return lks_illegal(v, what, "must be constant");
    if (t->type != type)
        return lks_illegal(v, what, type == LKS_I8 ? "must be int8" : type == LKS_I16 ? "must be int16" : "must be int32");
    if (t->rank != rank)
        return lks_illegal(v, what, "has the wrong rank");
    return LKS_OK;
}

lks_status lks_same_shape(const lks_op_view *v)
{
    return lks_expect_shape(v, v->y, "y", v->in[0]->rank, v->in[0]->dims);
}

uint32_t lks_aligned_extent(const lks_tensor *t, uint32_t rank, uint32_t i)
{
    return i + t->rank < rank ? 1 : t->dims[i + t->rank - rank];
}

lks_status lks_check_image(const lks_op_view *v)
{
    return v->in[0]->rank == 4 ? LKS_OK : lks_illegal(v, "x", "must have rank 4, [n, h, w, c]");
}

uint32_t lks_window_extent(const lks_op_view *v, const lks_axis *a)
{
    int64_t reach = ((int64_t)a->kernel - 1) * a->dilation + 1;
    int64_t padded = (int64_t)a->in + a->before + a->after;

    if (a->before < 0 || a->before >= reach || a->after < 0 || a->after >= reach) {
        lks_illegal(v, a->name, "padding must be from 0 to one less than the extent of the dilated kernel");
        return 0;
    }
    if (padded > LKS_INT32_MAX) {
        lks_illegal(v, a->name, "the padded image is larger than 2^31 - 1");
        return 0;
    }
    if (padded < reach) {
        lks_illegal(v, a->name, "the kernel is larger than the padded image");
        return 0;
    }
    return (uint32_t)((padded - reach) / a->stride + 1);
}

uint64_t lks_max_distance(int32_t zero)
{
    return (uint64_t)(127 - zero > zero + 128 ? 127 - zero : zero + 128);
}

const char *lks_rq_fault(lks_rq rq, int32_t rounding)
{
    if (rounding == LKS_TFLITE)
        return rq.m < 0 || rq.s < -31 || rq.s > 30
            ? "with tflite rounding m must not be negative, and s must be in -31 .. 30" : NULL;
    if ((rq.m == 0 && rq.s == 30) || (rq.m >= 1 << 30 && rq.s >= 30 && rq.s <= 62))
        return NULL;
    return "with half_up rounding m must be in 2^30 .. 2^31 - 1 and s in 30 .. 62, or m 0 and s 30";
}

/* The largest result of a requantization, by the formula of spec 3.2; bound <= 2^31 - 1, and for tflite shifted already. */
static uint64_t scaled_bound(uint64_t bound, lks_rq rq, int32_t rounding)
{
    if (rounding == LKS_HALF_UP)
        return (bound * (uint64_t)rq.m) >> rq.s;
    rq.s = rq.s > 0 ? 0 : rq.s;
    return (uint64_t)lks_requant_tflite((int32_t)bound, rq);
}

lks_status lks_prove_requant(const lks_op_view *v, uint64_t bound, lks_rq rq, int32_t rounding, uint32_t channel)
{
    const char *fault = lks_rq_fault(rq, rounding);
    char what[64];

    snprintf(what, sizeof what, "channel %u", channel);
    if (fault)
        return lks_illegal(v, what, fault);
    if (bound > v->op->bound)
        v->op->bound = bound;
    if (rounding == LKS_TFLITE && rq.s > 0 && bound <= LKS_INT32_MAX)
        bound <<= rq.s;
    if (bound > LKS_INT32_MAX)
        return lks_illegal(v, what, "the sum could leave int32 (the bound law)");
    if (scaled_bound(bound, rq, rounding) + 129 > LKS_INT32_MAX)
        return lks_illegal(v, what, "the scaled sum could leave int32 (the bound law)");
    return LKS_OK;
}

bool lks_operand_free(const lks_tensor *t, const lks_tensor *y)
{
    if (t->constant)
        return t->rank < y->rank || t->dims[0] == 1;
    return t->rank == y->rank && t->dims[0] == y->dims[0];
}

bool lks_same_first_extent(const lks_op_view *v)
{
    return v->in[0]->dims[0] == v->y->dims[0];
}

uint64_t lks_per_output(const lks_op_view *v)
{
    return v->y->elements;
}

uint64_t lks_per_input(const lks_op_view *v)
{
    return v->in[0]->elements;
}
