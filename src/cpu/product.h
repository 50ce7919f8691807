/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution and fully connected as a product of matrices (implicit GEMM):
 *
 *     rows     n * images * out_h * out_w, one per output pixel
 *     columns  out_c, in groups; packed in blocks as wide as a tile
 *     depth    what lies under a window, in segments: runs of bytes that are contiguous in x, read where they stand
 *
 * A segment is a kernel row (kernel_w * in_c elements) where neither dilation nor groups interrupt it, else one kernel element.
 * Only what reaches beyond the image is copied, with its padding; rows of the kernel outside point at a line of padding.
 */
#ifndef LKS_CPU_PRODUCT_H
#define LKS_CPU_PRODUCT_H

#include "cpu/family.h"
#include "cpu/scale.h"

/* A block of columns. */
typedef struct lks_cpu_block {
    const int8_t *w;
    const int32_t *scale;
    const lks_rq *rq;           /* of its columns: for LKS_CPU_ANY */
    lks_cpu_scaling scaling;
    int32_t vectors, columns;
    const int8_t *ahead;        /* what comes after this block, and how much of it to bring nearer; NULL: nothing */
    size_t ahead_bytes;
} lks_cpu_block;

/* Sums of one tile, for LKS_CPU_ANY: of the tallest times the widest. */
#define LKS_CPU_ACC_ELEMENTS (16 * LKS_CPU_MAX_VECTORS * LKS_CPU_MAX_LANES)

/*
 * `rows` rows against one block, tile by tile.  t has everything of the rows (x, row_add, y, acc, segments, steps, tail); what
 * is the block's is filled in here.
 */
void lks_cpu_block_run(const lks_cpu_isa *isa, const lks_cpu_block *b, lks_cpu_tile t, int32_t rows);

/* Into how many vectors a block is that starts with vector `first` of `vectors`, so that all are about as wide. */
typedef struct lks_cpu_split {
    int32_t vectors, blocks;    /* of a group of columns */
} lks_cpu_split;

lks_cpu_split lks_cpu_split_columns(const lks_cpu_isa *isa, int32_t columns);
int32_t lks_cpu_block_first(const lks_cpu_split *s, int32_t block);     /* its first vector; of `blocks`: their end */

/* The largest |x - zero| of an int8. */
int64_t lks_cpu_reach(int32_t zero);

/* A conv, or a matmul as one with a window of a single element. */
lks_conv lks_cpu_product_conv(const lks_step *s);

size_t lks_cpu_product_packed_bytes(const lks_step *s, const lks_cpu_isa *isa);
void lks_cpu_product_pack(const lks_step *s, const lks_cpu_isa *isa, void *packed);
size_t lks_cpu_product_scratch_bytes(const lks_step *s, const lks_cpu_isa *isa);
int64_t lks_cpu_product_units(const lks_cpu_call *c);
int64_t lks_cpu_product_unit_work(const lks_cpu_call *c);
void lks_cpu_product_run(const lks_cpu_call *c, int64_t first, int64_t end, void *scratch);

#endif
