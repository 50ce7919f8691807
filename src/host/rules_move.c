/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of the ops that only move elements.
 */
#include "host/rules.h"

#include "spec/arith.h"

static lks_status check_reshape(const lks_op_view *v)
{
    return v->y->elements == v->in[0]->elements ? LKS_OK : lks_illegal(v, "y", "must have as many elements as x");
}

static lks_status check_pad(const lks_op_view *v)
{
    const lks_pad_args *a = &v->op->args.pad;
    const lks_tensor *x = v->in[0];
    uint32_t dims[LKS_MAX_RANK] = { 0 };

    for (uint32_t i = 0; i < LKS_MAX_RANK; i++) {
        if (i >= x->rank && (a->before[i] || a->after[i]))
            return lks_illegal(v, "before, after", "must be 0 beyond the rank");
        dims[i] = x->dims[i] + (uint32_t)a->before[i] + (uint32_t)a->after[i];
    }
    return lks_expect_shape(v, v->y, "y", x->rank, dims);
}

static bool pad_free(const lks_op_view *v)
{
    return v->op->args.pad.before[0] == 0 && v->op->args.pad.after[0] == 0;
}

static const lks_arg_rule pad_args[] = {
    COUNT("before_0"), COUNT("before_1"), COUNT("before_2"), COUNT("before_3"), COUNT("before_4"), COUNT("before_5"),
    COUNT("after_0"), COUNT("after_1"), COUNT("after_2"), COUNT("after_3"), COUNT("after_4"), COUNT("after_5"), BYTE("pad_value")
};

const lks_op_rule lks_move_rules[] = {
    { LKS_OP_RESHAPE, "reshape", 1, 1, 0, NULL, -1, check_reshape, NULL, lks_same_first_extent, NULL, lks_per_output, LKS_I8, LKS_I8 },
    { LKS_OP_PAD, "pad", 1, 1, 13, pad_args, -1, check_pad, NULL, pad_free, NULL, lks_per_output, LKS_I8, LKS_I8 },
    { 0 }
};
