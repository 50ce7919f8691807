/* SPDX-License-Identifier: Apache-2.0
 *
 * Lowering of the ops that keep a state from run to run.
 */
#include "host/lower.h"

static void lower_svdf(lks_lowering *l)
{
    const lks_svdf_args *a = &l->v.op->args.svdf;
    const lks_tensor *x = l->v.in[0], *w = l->v.in[1], *time = l->v.in[2];
    const int32_t images = lks_first_extent(l, x);
    lks_step *s = lks_add_step(l, LKS_KERNEL_SVDF);

    s->args.svdf = (lks_svdf){
        .images = images, .in_c = (int32_t)x->dims[1], .units = (int32_t)l->v.y->dims[1], .rank = a->rank,
        .memory = (int32_t)time->dims[1], .x_zero = a->x_zero, .state_min = a->state_min, .state_max = a->state_max,
        .feature_rq = { a->feature_m, a->feature_s }, .rq = { a->m, a->s }, .tail = { a->y_zero, a->y_min, a->y_max, a->rounding }
    };
    s->w = w->data;
    s->w_time = time->data;
    s->bias = l->v.in[3]->data;
    lks_add_state(l, s, (uint64_t)images * time->elements);
}

const lks_lowering_row lks_state_lowerings[] = {
    { LKS_OP_SVDF, lower_svdf },
    { 0 }
};
