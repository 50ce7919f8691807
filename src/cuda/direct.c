/* SPDX-License-Identifier: Apache-2.0
 *
 * Packing and arguments of the direct kernels.
 */
#include "cuda/direct.h"

#include "cuda/tile.h"

#include <string.h>

size_t lks_direct_weights_offset(const lks_conv *k)
{
    size_t bytes = LKS_TABLE_SIZE + (size_t)k->out_c * (sizeof(int32_t) + sizeof(lks_rq));

    return (bytes + 15) & ~(size_t)15;
}

static size_t depth_of(const lks_conv *k)
{
    return (size_t)k->window.kernel_h * (size_t)k->window.kernel_w * (size_t)(k->in_c / k->groups);
}

size_t lks_direct_packed_bytes(const lks_step *s, uint32_t variant)
{
    const lks_conv *k = &s->args.conv;

    (void)variant;
    return lks_direct_weights_offset(k) + depth_of(k) * (size_t)k->out_c;
}

void lks_direct_pack_columns(const lks_step *s, void *packed)
{
    const size_t out_c = (size_t)s->args.conv.out_c, bias_bytes = out_c * sizeof(int32_t);
    uint8_t *p = packed;

    memset(p, 0, lks_direct_weights_offset(&s->args.conv));
    lks_pack_table(s, p);
    memcpy(p + LKS_TABLE_SIZE, s->bias, bias_bytes);
    memcpy(p + LKS_TABLE_SIZE + bias_bytes, s->rq, out_c * sizeof(lks_rq));
}

void lks_direct_pack(const lks_step *s, uint32_t variant, void *packed)
{
    const lks_conv *k = &s->args.conv;
    const size_t out_c = (size_t)k->out_c, depth = depth_of(k);
    int8_t *w = (int8_t *)packed + lks_direct_weights_offset(k);

    (void)variant;
    lks_direct_pack_columns(s, packed);
    for (size_t o = 0; o < out_c; o++)
        for (size_t i = 0; i < depth; i++)
            w[i * out_c + o] = s->w[o * depth + i];
}

lks_direct_args lks_direct_args_of(const lks_step *s, const lks_cuda_operands *t)
{
    const lks_conv *k = &s->args.conv;
    const lks_window *w = &k->window;
    const uint8_t *packed = t->packed;
    const size_t bias_bytes = (size_t)k->out_c * sizeof(int32_t);

    return (lks_direct_args){
        .x = t->x, .x2 = k->fused.adds ? t->x2 : t->x, .table = s->table ? (const int8_t *)packed : NULL, .y = t->y,
        .bias = (const int32_t *)(packed + LKS_TABLE_SIZE), .rq = (const lks_rq *)(packed + LKS_TABLE_SIZE + bias_bytes),
        .w = (const int8_t *)(packed + lks_direct_weights_offset(k)),
        .outputs = (uint32_t)(lks_tile_rows(k, t->n) * k->out_c), .group_c = k->in_c / k->groups,
        .out_c = lks_magic_of(k->out_c), .out_w = lks_magic_of(w->out_w), .out_h = lks_magic_of(w->out_h),
        .group_out_c = lks_magic_of(k->out_c / k->groups), .conv = *k
    };
}
