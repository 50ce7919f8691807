/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution by the formula, one output per thread: what conv and depthwise do with shapes that nothing faster takes.  Host
 * part.
 */
#ifndef LKS_CUDA_DIRECT_H
#define LKS_CUDA_DIRECT_H

#include "cuda/family.h"
#include "spec/magic.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Arguments; also of the depthwise kernels, whose weights are laid out in their own ways. */
typedef struct lks_direct_args {
    const int8_t *x, *x2, *table, *w;
    const int32_t *bias;
    const lks_rq *rq;
    int8_t *y;
    uint32_t outputs;           /* how many threads have work */
    int32_t group_c;            /* in_c / groups */
    lks_magic out_c, out_w, out_h, group_out_c;
    lks_conv conv;
} lks_direct_args;

/* Packed: the table, bias [out_c], rq [out_c], and then weights [depth][out_c]: neighbouring threads read neighbouring bytes. */
size_t lks_direct_packed_bytes(const lks_step *s, uint32_t variant);
void lks_direct_pack(const lks_step *s, uint32_t variant, void *packed);

/* Table, bias and rq only; the weights follow at the offset, which is a multiple of 16. */
size_t lks_direct_weights_offset(const lks_conv *k);
void lks_direct_pack_columns(const lks_step *s, void *packed);

lks_direct_args lks_direct_args_of(const lks_step *s, const lks_cuda_operands *t);

#ifdef __cplusplus
}
#endif

#endif
