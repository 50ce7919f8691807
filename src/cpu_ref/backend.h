/* SPDX-License-Identifier: Apache-2.0
 *
 * The reference: plain loops in the order of docs/spec.md, one file per kernel family.  Every other backend is held against it,
 * so it has no tricks, no threads, and plain weights.
 */
#ifndef LKS_CPU_REF_BACKEND_H
#define LKS_CPU_REF_BACKEND_H

#include "spec/backend.h"

extern const lks_backend lks_ref_backend;

/* What a kernel works on: n images of the shapes in the step, dense.  See spec/op.h for which pointers each kernel uses. */
typedef struct lks_operands {
    int32_t n;
    const int8_t *x, *x2, *w, *table;
    const int32_t *bias, *exp_table, *rows, *columns;
    const lks_rq *rq;
    const int16_t *w_time;
    int16_t *state;
    int8_t *y;                  /* of arg_max: int32 */
} lks_operands;

/* One step of a plan on an arena. */
void lks_ref_step(const lks_plan *plan, const lks_step *step, int8_t *arena, uint32_t n);

void lks_ref_conv(const lks_kernel_args *args, const lks_operands *t);
void lks_ref_depthwise(const lks_kernel_args *args, const lks_operands *t);
void lks_ref_matmul(const lks_kernel_args *args, const lks_operands *t);
void lks_ref_batch_matmul(const lks_kernel_args *args, const lks_operands *t);
void lks_ref_binary(const lks_kernel_args *args, const lks_operands *t);
void lks_ref_lut(const lks_kernel_args *args, const lks_operands *t);
void lks_ref_requant(const lks_kernel_args *args, const lks_operands *t);
void lks_ref_window_max(const lks_kernel_args *args, const lks_operands *t);
void lks_ref_window_sum(const lks_kernel_args *args, const lks_operands *t);
void lks_ref_reduce(const lks_kernel_args *args, const lks_operands *t);
void lks_ref_softmax(const lks_kernel_args *args, const lks_operands *t);
void lks_ref_arg_max(const lks_kernel_args *args, const lks_operands *t);
void lks_ref_bilinear(const lks_kernel_args *args, const lks_operands *t);
void lks_ref_lstm(const lks_kernel_args *args, const lks_operands *t);
void lks_ref_svdf(const lks_kernel_args *args, const lks_operands *t);
void lks_ref_copy(const lks_kernel_args *args, const lks_operands *t);
void lks_ref_gather(const lks_kernel_args *args, const lks_operands *t);

#endif
