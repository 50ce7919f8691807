/* SPDX-License-Identifier: Apache-2.0
 *
 * Shapes, packing and choices of the tile kernels.
 */
#include "cuda/tile.h"

#include <string.h>

const lks_tile_size lks_tile_sizes[LKS_TILE_COUNT] = {
    [LKS_TILE_128X128] = { 128, 128, LKS_UNIT_DP4A, 90, 2, 350, 5500 },
    [LKS_TILE_128X64] = { 128, 64, LKS_UNIT_DP4A, 85, 2, 350, 4000 },
    [LKS_TILE_64X64] = { 64, 64, LKS_UNIT_DP4A, 80, 4, 350, 3000 },
    [LKS_TILE_64X32] = { 64, 32, LKS_UNIT_DP4A, 60, 4, 350, 2500 },
    [LKS_TILE_MMA_128X128] = { 128, 128, LKS_UNIT_MMA, 71, 2, 900, 7000 },
    [LKS_TILE_MMA_128X64] = { 128, 64, LKS_UNIT_MMA, 59, 3, 560, 5500 },
    [LKS_TILE_MMA_64X64] = { 64, 64, LKS_UNIT_MMA, 43, 4, 430, 3000 },
    /* no card has run them yet: only by name */
    [LKS_TILE_WGMMA_128X128] = { 128, 128, LKS_UNIT_WGMMA, 0, 1, 0, 0 },
    [LKS_TILE_WGMMA_128X64] = { 128, 64, LKS_UNIT_WGMMA, 0, 1, 0, 0 }
};

static int32_t depth_of(uint32_t tile)
{
    static const int32_t depths[] = { LKS_TILE_DEPTH, LKS_MMA_DEPTH, LKS_WGMMA_DEPTH };

    return depths[lks_tile_sizes[tile].unit];
}

lks_conv lks_tile_conv(const lks_step *s)
{
    const lks_matmul *m = &s->args.matmul;

    if (s->kernel != LKS_KERNEL_MATMUL)
        return s->args.conv;
    return (lks_conv){
        .window = {
            .images = m->rows, .in_h = 1, .in_w = 1, .out_h = 1, .out_w = 1, .kernel_h = 1, .kernel_w = 1,
            .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1
        },
        .in_c = m->in_c, .out_c = m->out_c, .groups = 1, .x_zero = m->x_zero, .w_zero = m->w_zero,
        .tail = m->tail, .fused = m->fused
    };
}

/* ---- shape --------------------------------------------------------------------------------------------------------------- */

typedef struct segments {
    int32_t count, of_row;      /* of the window; of a kernel row */
    int32_t bytes, padded;
} segments;

static segments segments_of(const lks_conv *k)
{
    const lks_window *w = &k->window;
    const int whole_rows = k->groups == 1 && w->dilation_w == 1;
    segments s = { .of_row = whole_rows ? 1 : w->kernel_w };

    s.count = w->kernel_h * s.of_row;
    s.bytes = (whole_rows ? w->kernel_w : 1) * (k->in_c / k->groups);
    s.padded = (int32_t)(lks_ceil_div(s.bytes, 4) * 4);
    return s;
}

static int32_t depth_tiles_of(const lks_conv *k, uint32_t tile)
{
    segments s = segments_of(k);

    return (int32_t)lks_ceil_div((int64_t)s.count * s.padded, depth_of(tile));
}

/* Where a window stands in a row of the image is an int32 for tensor cores. */
static int fits_mma(const lks_conv *k)
{
    const lks_window *w = &k->window;
    const int64_t last = (int64_t)w->out_w * w->stride_w + (int64_t)w->kernel_w * w->dilation_w;

    return k->w_zero == 0 && (last + w->in_w + w->pad_left) * k->in_c <= LKS_INT32_MAX;
}

/* The padded depth must stay an int32 in the kernels, and packed weights within a small multiple of the model's own. */
int lks_tile_fits(const lks_conv *k, uint32_t tile)
{
    const int32_t depth = k->window.kernel_h * k->window.kernel_w * (k->in_c / k->groups), group_out_c = k->out_c / k->groups;

    return depth <= 1 << 28 && (k->groups == 1 || 16 * group_out_c >= lks_tile_sizes[tile].columns)
        && (lks_tile_sizes[tile].unit == LKS_UNIT_DP4A || fits_mma(k));
}

static int32_t group_tiles_of(const lks_conv *k, uint32_t tile)
{
    return (int32_t)lks_ceil_div(k->out_c / k->groups, lks_tile_sizes[tile].columns);
}

static int stays_inside(const lks_window *w)
{
    return w->pad_top == 0 && w->pad_left == 0 && (int64_t)(w->out_h - 1) * w->stride_h < w->in_h
        && (int64_t)(w->out_w - 1) * w->stride_w < w->in_w;
}

lks_tile_load lks_tile_load_of(const lks_conv *k)
{
    const lks_window *w = &k->window;
    int32_t group_c = k->in_c / k->groups;

    if (group_c % 16 == 0 && w->kernel_h == 1 && w->kernel_w == 1 && stays_inside(w))
        return LKS_LOAD_ROW16;
    return group_c % 16 == 0 ? LKS_LOAD_GATHER16 : group_c % 4 == 0 ? LKS_LOAD_GATHER4 : LKS_LOAD_GATHER1;
}

int lks_tile_open(const lks_conv *k, uint32_t tile, const lks_cuda_caps *c)
{
    return lks_tile_sizes[tile].unit != LKS_UNIT_WGMMA || (c->wgmma && lks_tile_load_of(k) <= LKS_LOAD_GATHER16);
}

int64_t lks_tile_rows(const lks_conv *k, int64_t n)
{
    return n * k->window.images * k->window.out_h * k->window.out_w;
}

static int64_t tiles_of(const lks_conv *k, uint32_t tile, int64_t n)
{
    return lks_ceil_div(lks_tile_rows(k, n), lks_tile_sizes[tile].rows) * k->groups * group_tiles_of(k, tile);
}

/* ---- packing ------------------------------------------------------------------------------------------------------------- */

uint32_t lks_column_base(const lks_step *s, const lks_conv *k, int32_t o)
{
    const int32_t count = k->window.kernel_h * k->window.kernel_w * (k->in_c / k->groups);
    const int8_t *w = s->w + (size_t)o * (size_t)count;
    const uint32_t x_zero = (uint32_t)k->x_zero;
    int64_t sum = 0;

    for (int32_t i = 0; i < count; i++)
        sum += w[i];
    return (uint32_t)s->bias[o] - x_zero * (uint32_t)sum + (uint32_t)count * x_zero * (uint32_t)k->w_zero;
}

void lks_pack_table(const lks_step *s, void *packed)
{
    if (s->table)
        memcpy(packed, s->table, LKS_TABLE_SIZE);
    else
        memset(packed, 0, LKS_TABLE_SIZE);
}

/*
 * Which column of a tile stands in row r of its shared memory, so that every thread gets 8 adjacent columns.
 *
 * dp4a: with r = 32 a + 4 j + l, column 32 a + 8 l + j.  A thread of lane column l reads rows l, l + 4, ..., which lie in
 * different banks than those of its neighbours.
 * Tensor cores: the thread of lane column l has columns 2 l and 2 l + 1 of each product of 8 columns; with r = 32 a + 8 j + 2 l
 * + i, column 32 a + 8 l + 2 j + i.
 */
static int32_t column_of_row(int32_t r, lks_tile_unit unit)
{
    return unit == LKS_UNIT_DP4A ? (r & ~31) + (r & 3) * 8 + ((r & 31) >> 2)
        : (r & ~31) + ((r >> 1) & 3) * 8 + ((r >> 3) & 3) * 2 + (r & 1);
}

/* Where a byte of depth stands in its row of a stage: of tensor cores, 16 bytes at a time change places (mma.cuh, wgmma.cuh). */
static size_t byte_of_row(size_t depth, int32_t row, lks_tile_unit unit)
{
    return unit == LKS_UNIT_DP4A ? depth : depth ^ (size_t)(unit == LKS_UNIT_MMA ? (row >> 1) & 3 : row & 7) << 4;
}

/* One column into its place in a column tile; the rest of the tile is zero already. */
static void pack_weights(const int8_t *w, segments s, int32_t row, uint32_t tile, uint8_t *to)
{
    const size_t tile_depth = (size_t)depth_of(tile), columns = (size_t)lks_tile_sizes[tile].columns;

    for (int32_t i = 0; i < s.count; i++)
        for (int32_t j = 0; j < s.bytes; j++) {
            size_t depth = (size_t)i * (size_t)s.padded + (size_t)j, inside = depth % tile_depth;

            to[(depth / tile_depth * columns + (size_t)row) * tile_depth + byte_of_row(inside, row, lks_tile_sizes[tile].unit)]
                = (uint8_t)*w++;
        }
}

static size_t column_tile_bytes(const lks_conv *k, uint32_t tile)
{
    return (size_t)depth_tiles_of(k, tile) * (size_t)lks_tile_sizes[tile].columns * (size_t)depth_of(tile);
}

/* The table, the columns, the weights. */
size_t lks_tile_packed_bytes(const lks_step *s, uint32_t tile)
{
    const lks_conv k = lks_tile_conv(s);
    size_t column_tiles = (size_t)k.groups * (size_t)group_tiles_of(&k, tile);

    return LKS_TABLE_SIZE
        + column_tiles * ((size_t)lks_tile_sizes[tile].columns * sizeof(lks_tile_column) + column_tile_bytes(&k, tile));
}

static size_t weights_offset(const lks_conv *k, uint32_t tile)
{
    return LKS_TABLE_SIZE + (size_t)k->groups * (size_t)group_tiles_of(k, tile) * (size_t)lks_tile_sizes[tile].columns
        * sizeof(lks_tile_column);
}

void lks_tile_pack(const lks_step *s, uint32_t tile, void *packed)
{
    const lks_conv k = lks_tile_conv(s);
    const segments seg = segments_of(&k);
    const int32_t columns = lks_tile_sizes[tile].columns, group_out_c = k.out_c / k.groups;
    const int32_t padded_c = group_tiles_of(&k, tile) * columns;
    lks_tile_column *column = (lks_tile_column *)((uint8_t *)packed + LKS_TABLE_SIZE);
    uint8_t *weights = (uint8_t *)packed + weights_offset(&k, tile);

    memset(packed, 0, lks_tile_packed_bytes(s, tile));
    lks_pack_table(s, packed);
    for (int64_t i = 0; i < (int64_t)k.groups * padded_c; i++) {
        int64_t tile_index = i / columns, row = i % columns;
        int64_t in_tile = column_of_row((int32_t)row, lks_tile_sizes[tile].unit);
        int64_t in_group = (tile_index * columns + in_tile) % padded_c;
        int64_t o = (tile_index * columns) / padded_c * group_out_c + in_group;

        /* beyond the last column: 0 of every accumulator, without leaving int32 on the way */
        column[tile_index * columns + in_tile].rq = (lks_rq){ 0, k.tail.rounding == LKS_TFLITE ? 0 : 30 };
        if (in_group >= group_out_c)
            continue;
        column[tile_index * columns + in_tile] = (lks_tile_column){ lks_column_base(s, &k, (int32_t)o), s->rq[o], 0 };
        pack_weights(s->w + (size_t)o * (size_t)seg.count * (size_t)seg.bytes, seg, (int32_t)row, tile,
                     weights + (size_t)tile_index * column_tile_bytes(&k, tile));
    }
}

/* ---- split-K ------------------------------------------------------------------------------------------------------------- */

#define SPLITS_MAX 64

/* Two blocks per multiprocessor, where the tiles alone give none or one. */
int32_t lks_tile_splits(const lks_conv *k, uint32_t tile, int64_t n, const lks_cuda_caps *c)
{
    int64_t tiles = tiles_of(k, tile, n), depth_tiles = depth_tiles_of(k, tile), splits;

    if (tiles >= c->multiprocessors)
        return 1;
    splits = lks_ceil_div(2 * (int64_t)c->multiprocessors, tiles);
    splits = splits < SPLITS_MAX ? splits : SPLITS_MAX;
    splits = splits < depth_tiles ? splits : depth_tiles;
    return (int32_t)lks_ceil_div(depth_tiles, lks_ceil_div(depth_tiles, splits));   /* no part is empty */
}

/* splits > 1 only where tiles < multiprocessors, and then their product is at most 2 * multiprocessors + tiles. */
size_t lks_tile_workspace_bytes(const lks_step *s, uint32_t variant, uint32_t max_batch, const lks_cuda_caps *c)
{
    if (variant < LKS_TILE_COUNT || variant >= 2 * LKS_TILE_COUNT)
        return 0;

    const lks_conv k = lks_tile_conv(s);
    const lks_tile_size *t = &lks_tile_sizes[lks_tile_of(variant)];
    const size_t tile_elements = (size_t)t->rows * (size_t)t->columns;
    const size_t most = (size_t)lks_tile_rows(&k, max_batch) * (size_t)k.out_c * SPLITS_MAX;
    const size_t tiles = 3 * (size_t)c->multiprocessors * tile_elements;

    return (most < tiles ? most : tiles) * sizeof(int32_t);
}

/* ---- choosing ------------------------------------------------------------------------------------------------------------ */

/* Products of a multiprocessor in a clock: 64 dp4a; by mma.sync as the manuals say, and on Hopper as measured on an H100. */
static int64_t rate_of(uint32_t tile, const lks_cuda_caps *c)
{
    if (lks_tile_sizes[tile].unit == LKS_UNIT_DP4A)
        return 256;
    return c->sm == 80 || c->sm >= 100 ? 2048 : c->sm == 90 ? 2800 : 1024;
}

/*
 * Estimated clocks of a step.  A multiprocessor has its share of the blocks to do, as many at once as fit: their depth tiles, at
 * the rate of the unit, but no faster than the latency of their loads; then their outputs; and what a second kernel costs.
 */
static int64_t clocks(const lks_conv *k, uint32_t tile, int64_t n, int32_t splits, const lks_cuda_caps *c)
{
    const lks_tile_size *t = &lks_tile_sizes[tile];
    const int64_t second_kernel = 6500, outputs_per_clock = 3;
    const int64_t blocks = lks_ceil_div(tiles_of(k, tile, n) * splits, c->multiprocessors);
    const int64_t depth = lks_ceil_div(depth_tiles_of(k, tile), splits), outputs = (int64_t)t->rows * t->columns;
    const int64_t work = outputs * depth_of(tile) * 100 / (rate_of(tile, c) * t->percent) * blocks;
    const int64_t wait = lks_ceil_div(blocks, t->blocks) * t->latency;

    return depth * (work > wait ? work : wait) + outputs * blocks / outputs_per_clock + t->ends
        + (splits > 1 ? second_kernel + lks_tile_rows(k, n) * k->out_c * splits / c->multiprocessors / 4 : 0);
}

uint32_t lks_tile_choose(const lks_step *s, uint32_t tiles, uint32_t max_batch, const lks_cuda_caps *c)
{
    const lks_conv k = lks_tile_conv(s);
    uint32_t best = 0;
    int64_t least = INT64_MAX;

    for (uint32_t variant = 0; variant < 2 * LKS_TILE_COUNT; variant++) {
        uint32_t tile = lks_tile_of(variant);
        int32_t splits = variant < LKS_TILE_COUNT ? 1 : lks_tile_splits(&k, tile, max_batch, c);
        int may = tiles >> tile & 1 && lks_tile_sizes[tile].percent > 0;
        int64_t estimate = may ? clocks(&k, tile, max_batch, splits, c) : INT64_MAX;

        if (estimate < least) {
            least = estimate;
            best = variant;
        }
    }
    return best;
}

/* ---- arguments ----------------------------------------------------------------------------------------------------------- */

static int32_t vector_of(const lks_conv *k)
{
    int32_t group_out_c = k->out_c / k->groups;

    return group_out_c % 16 == 0 ? 16 : group_out_c % 4 == 0 ? 4 : 1;
}

static void set_shape(lks_tile_args *a, const lks_conv *k, uint32_t tile, int64_t n)
{
    const lks_window *w = &k->window;
    const segments s = segments_of(k);

    a->rows = (int32_t)lks_tile_rows(k, n);
    a->out_c = k->out_c;
    a->group_out_c = k->out_c / k->groups;
    a->tile_columns = lks_tile_sizes[tile].columns;
    a->in_h = w->in_h;
    a->in_c = k->in_c;
    a->group_c = k->in_c / k->groups;
    a->row_bytes = w->in_w * k->in_c;
    a->image_bytes = w->in_h * a->row_bytes;
    a->stride_h = w->stride_h;
    a->stride_w = w->stride_w;
    a->dilation_h = w->dilation_h;
    a->pad_top = w->pad_top;
    a->pad_left = w->pad_left;
    a->pad_word = (uint32_t)(k->pad_value & 255) * 0x01010101u;
    a->segment_step = (int64_t)w->dilation_w * k->in_c;
    a->segments = s.count;
    a->segment_bytes = s.bytes;
    a->depth_tiles = depth_tiles_of(k, tile);
    a->out_h = lks_magic_of(w->out_h);
    a->out_w = lks_magic_of(w->out_w);
    a->segment = lks_magic_of(s.padded);
    a->segments_w = lks_magic_of(s.of_row);
    a->group_tiles = lks_magic_of(group_tiles_of(k, tile));
    a->column_tiles = lks_magic_of((int64_t)k->groups * group_tiles_of(k, tile));
    a->tiles = lks_magic_of(tiles_of(k, tile, n));
    a->group = lks_magic_of(a->group_out_c);
    a->out = lks_magic_of(k->out_c);
}

lks_tile_args lks_tile_args_of(const lks_step *s, uint32_t variant, const lks_cuda_operands *t, const lks_cuda_caps *c)
{
    const lks_conv k = lks_tile_conv(s);
    const uint32_t tile = lks_tile_of(variant);
    const uint8_t *packed = t->packed;
    lks_tile_args a = {
        /* x2 is only read where something is added, but its address is computed */
        .x = t->x, .x2 = k.fused.adds ? t->x2 : t->x, .table = s->table ? (const int8_t *)packed : NULL, .y = t->y,
        .columns = (const lks_tile_column *)(packed + LKS_TABLE_SIZE), .weights = packed + weights_offset(&k, tile),
        .w_zero = k.w_zero, .vector = vector_of(&k), .tail = k.tail, .fused = k.fused
    };

    set_shape(&a, &k, tile, t->n);
    a.splits = variant < LKS_TILE_COUNT ? 1 : lks_tile_splits(&k, tile, t->n, c);
    a.split_tiles = (int32_t)lks_ceil_div(a.depth_tiles, a.splits);
    a.work = a.tiles.divisor * a.splits;
    a.partial = a.splits > 1 ? t->workspace : NULL;
    return a;
}
