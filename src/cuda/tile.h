/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution and fully connected as a product of matrices that tiles compute (tile.cuh): its shape, the layout of packed
 * weights, and the choice of tile and of split-K.  The part that runs on the host, in C.
 *
 *     rows     n * images * out_h * out_w     one per output pixel, gathered from x as the tiles are loaded (implicit GEMM)
 *     columns  out_c, in groups
 *     depth    the elements under a window, in segments: runs that lie contiguously in x, padded to the width of a load
 *
 * A segment is a kernel row (kernel_w * in_c elements) where nothing interrupts it, i.e.  dilation_w and groups are 1; that keeps
 * the loads of a stem with 3 channels dense.  Otherwise it is one kernel element (in_c / groups elements).
 */
#ifndef LKS_CUDA_TILE_H
#define LKS_CUDA_TILE_H

#include "cuda/family.h"
#include "spec/magic.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of depth that a tile loads at a time: of dp4a (tile.cuh), of mma.sync (mma.cuh), and of wgmma (wgmma.cuh). */
#define LKS_TILE_DEPTH 32
#define LKS_MMA_DEPTH 64
#define LKS_WGMMA_DEPTH 128

typedef enum lks_tile_unit { LKS_UNIT_DP4A, LKS_UNIT_MMA, LKS_UNIT_WGMMA } lks_tile_unit;

/* The tiles, by unit and size: the first variants of conv and matmul; the second ones are the same with split-K. */
enum {
    LKS_TILE_128X128, LKS_TILE_128X64, LKS_TILE_64X64, LKS_TILE_64X32,
    LKS_TILE_MMA_128X128, LKS_TILE_MMA_128X64, LKS_TILE_MMA_64X64,
    LKS_TILE_WGMMA_128X128, LKS_TILE_WGMMA_128X64, LKS_TILE_COUNT
};
#define LKS_TILE_NAMES(split) \
    "dp4a_128x128" split, "dp4a_128x64" split, "dp4a_64x64" split, "dp4a_64x32" split, \
    "mma_128x128" split, "mma_128x64" split, "mma_64x64" split, \
    "wgmma_128x128" split, "wgmma_128x64" split

typedef struct lks_tile_size {
    int32_t rows, columns;
    lks_tile_unit unit;
    /* What the choice is made by; of mma.sync as measured on an H100 (bench/variants.py), of dp4a reasoned. */
    int32_t percent;            /* of the rate of its unit that blocks reach which fill a multiprocessor; 0: never chosen */
    int32_t blocks;             /* that fit into a multiprocessor */
    int32_t latency;            /* clocks of a depth tile where a block is alone */
    int32_t ends;               /* clocks of beginning and finish of a block */
} lks_tile_size;

extern const lks_tile_size lks_tile_sizes[LKS_TILE_COUNT];

/* What an output column is finished with. */
typedef struct lks_tile_column {
    uint32_t base;              /* bias and all terms of the zero points that depend on weights only, modulo 2^32 */
    lks_rq rq;
    uint32_t unused;            /* to 16 bytes: one load */
} lks_tile_column;

/* How x is loaded. */
typedef enum lks_tile_load {
    LKS_LOAD_ROW16,             /* no window reaches beyond the image, one segment: 16 bytes at a time, without any test */
    LKS_LOAD_GATHER16,          /* by segments: in_c / groups and in_c are multiples of 16 */
    LKS_LOAD_GATHER4,           /* of 4 */
    LKS_LOAD_GATHER1            /* any */
} lks_tile_load;

/* Arguments of the tile kernels. */
typedef struct lks_tile_args {
    const int8_t *x, *x2, *table;
    const uint8_t *weights;     /* [column tile][depth tile][columns of a tile, permuted][depth of a tile] */
    const lks_tile_column *columns;     /* [column tile][columns of a tile] */
    int8_t *y;
    int32_t *partial;           /* [split][rows][out_c]; NULL: no split */
    int64_t segment_step;       /* from a segment to the next one of its kernel row: dilation_w * in_c */
    int32_t rows, out_c, group_out_c, tile_columns;
    int32_t in_h, in_c, group_c, row_bytes, image_bytes;
    int32_t stride_h, stride_w, dilation_h, pad_top, pad_left, w_zero;
    uint32_t pad_word;          /* the pad value four times */
    int32_t segments, segment_bytes;
    int32_t work;               /* tiles times splits */
    int32_t depth_tiles, split_tiles, splits;   /* split_tiles: depth tiles of one split */
    int32_t vector;             /* bytes of y that may be stored at once: 16, 4 or 1 */
    lks_magic out_h, out_w, segment, segments_w;    /* segment: its padded length; segments_w: segments of a kernel row */
    lks_magic column_tiles, group_tiles, group, out;    /* group_tiles: column tiles of a group; group: group_out_c; out: out_c */
    lks_magic tiles;            /* all of one split */
    lks_tail tail;
    lks_fused fused;
} lks_tile_args;

/* A conv, or a matmul as one with a window of a single element. */
lks_conv lks_tile_conv(const lks_step *s);

lks_tile_load lks_tile_load_of(const lks_conv *k);

/* Is wgmma open on this card (family.h), and can its tile be filled with copies of 16 bytes?  True of tiles of other units. */
int lks_tile_open(const lks_conv *k, uint32_t tile, const lks_cuda_caps *c);

/*
 * May the tile run it?  Where not (more than 2^28 elements under a window, a handful of channels per group), the direct kernel
 * does.  Tensor cores have no zero point of the weights, nor rows whose windows reach 2^31 elements.
 */
int lks_tile_fits(const lks_conv *k, uint32_t tile);

/* Number of rows for n images. */
int64_t lks_tile_rows(const lks_conv *k, int64_t n);

size_t lks_tile_packed_bytes(const lks_step *s, uint32_t tile);
void lks_tile_pack(const lks_step *s, uint32_t tile, void *packed);

/* Into how many parts split-K cuts the depth for n images; 1: it does not. */
int32_t lks_tile_splits(const lks_conv *k, uint32_t tile, int64_t n, const lks_cuda_caps *c);

/* Of a variant that is a tile, with or without split-K. */
static inline uint32_t lks_tile_of(uint32_t variant)
{
    return variant < LKS_TILE_COUNT ? variant : variant - LKS_TILE_COUNT;
}

/* family.h; 0 for variants that do not split. */
size_t lks_tile_workspace_bytes(const lks_step *s, uint32_t variant, uint32_t max_batch, const lks_cuda_caps *c);

/*
 * The variant with the least estimated time: a tile, or LKS_TILE_COUNT + a tile for split-K; of those whose bit is set in tiles.
 */
uint32_t lks_tile_choose(const lks_step *s, uint32_t tiles, uint32_t max_batch, const lks_cuda_caps *c);

lks_tile_args lks_tile_args_of(const lks_step *s, uint32_t variant, const lks_cuda_operands *t, const lks_cuda_caps *c);

/* The padded sum of a column without its products: bias - x_zero * sum(w) + count * x_zero * w_zero, modulo 2^32. */
uint32_t lks_column_base(const lks_step *s, const lks_conv *k, int32_t o);

/* The table of a step, or zeros where it has none: LKS_TABLE_SIZE bytes. */
void lks_pack_table(const lks_step *s, void *packed);

#ifdef __cplusplus
}
#endif

#endif
