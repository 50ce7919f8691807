/* SPDX-License-Identifier: Apache-2.0
 *
 * The product of matrices behind conv and matmul: packing, and chunks of rows against blocks of columns.
 *
 * The sum of (x - x_zero)(w - w_zero) is expanded.  What depends on weights alone becomes part of the base, as does what tiles
 * add to each x (isa.h); where w_zero is not 0, the sum of a row's x times -w_zero is added to the row.  All is modulo 2^32, and
 * the true sum fits int32 (the bound law).  What fills a step of depth has weight 0.
 */
#include "cpu/product.h"

#include "spec/arith.h"

#include <string.h>

/* Rows of a unit: pointers to them, and what is copied of them, stay in the first caches.  A multiple of most tiles' heights. */
#define CHUNK_ROWS 48
/* The last unit has up to a third more, so that none is so short that its weights are read for few rows. */
#define MOST_ROWS(chunk_rows) ((chunk_rows) + (chunk_rows) / 3)
/* Bytes of rows that are widened at once. */
#define WIDE_BYTES (128 * 1024)
/* Rows of a unit for a matrix engine, which reads its weights once for so many. */
#define MATRIX_CHUNK_ROWS 64
/* Units that a step should fall into at least, where its blocks allow it. */
#define MIN_UNITS 16

/* What follows from the step and the set alone: the head of the packed constants. */
typedef struct shape {
    lks_conv k;
    int32_t group_c, group_out_c;
    int32_t segments, segments_w, segment_bytes;    /* as they lie in x; segments_w: of a kernel row */
    int32_t matrix;             /* the set's matrix engine does it */
    int32_t joined;             /* rows are copied into one run before they are multiplied: widened, or for a matrix engine */
    int32_t in_place;           /* ... which can read them where they stand, but for the last chunk's */
    int32_t lines;              /* ... or in a copy of the lines of x with their padding; a chunk is so many lines.  0: neither */
    int32_t tile_segments, steps;       /* as tiles see them */
    int32_t chunk_rows, most_rows;
    lks_cpu_split split;        /* of one group */
    size_t block_vector_bytes;  /* packed weights of one vector of columns */
    size_t at_scaling, at_pad, at_scale, at_weights, bytes;     /* in the packed constants */
} shape;

lks_conv lks_cpu_product_conv(const lks_step *s)
{
    const lks_matmul *m = &s->args.matmul;

    if (s->kernel == LKS_KERNEL_CONV)
        return s->args.conv;
    return (lks_conv){
        .window = { .images = 1, .in_h = m->rows, .in_w = 1, .out_h = m->rows, .out_w = 1, .kernel_h = 1, .kernel_w = 1,
                    .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1 },
        .in_c = m->in_c, .out_c = m->out_c, .groups = 1, .x_zero = m->x_zero, .w_zero = m->w_zero, .tail = m->tail,
        .fused = m->fused
    };
}

int64_t lks_cpu_reach(int32_t zero)
{
    return lks_cpu_max(zero + 128, 127 - zero);
}

lks_cpu_split lks_cpu_split_columns(const lks_cpu_isa *isa, int32_t columns)
{
    const int32_t vectors = (columns - 1) / isa->lanes + 1;

    return (lks_cpu_split){ vectors, (vectors - 1) / isa->max_vectors + 1 };
}

int32_t lks_cpu_block_first(const lks_cpu_split *s, int32_t block)
{
    const int32_t wider = s->vectors % s->blocks;

    return block * (s->vectors / s->blocks) + (block < wider ? block : wider);
}

static int32_t rows_of_chunk(const lks_cpu_isa *isa, const shape *g)
{
    const int64_t row_bytes = (int64_t)g->steps * isa->k_step * isa->x_bytes;
    const int64_t fit = isa->x_bytes == 1 ? CHUNK_ROWS : WIDE_BYTES / row_bytes / 6 * 6;

    if (g->matrix)
        return MATRIX_CHUNK_ROWS;
    return (int32_t)lks_cpu_min(lks_cpu_max(fit, 6), CHUNK_ROWS);
}

/* Of depth, in a tile's segment. */
static int32_t steps_of(const lks_cpu_isa *isa, int32_t matrix, int32_t bytes)
{
    const int32_t at_once = matrix ? isa->matrix->depth : isa->k_step;

    return ((bytes - 1) / at_once + 1) * (at_once / isa->k_step);
}

/* Each pixel is a row. */
static int is_contiguous(const lks_window *w)
{
    return w->kernel_h == 1 && w->kernel_w == 1 && w->stride_h == 1 && w->stride_w == 1 && w->out_h == w->in_h
        && w->out_w == w->in_w;
}

/* A matrix engine is worth its while where rows and depth fill half of what it multiplies at once. */
static int32_t suits_matrix(const lks_cpu_isa *isa, const lks_window *w, int64_t depth)
{
    return isa->matrix && (int64_t)w->images * w->out_h * w->out_w >= 8 && depth > isa->matrix->depth / 2;
}

/* Lines of a chunk that a matrix engine reads from a copy of x with its padding; 0: it cannot. */
static int32_t lines_of(const lks_cpu_isa *isa, const lks_conv *k)
{
    const lks_window *w = &k->window;
    const int32_t padded_w = w->out_w + w->kernel_w - 1;

    if (k->groups != 1 || k->in_c % isa->matrix->depth || k->w_zero || w->stride_h != 1 || w->stride_w != 1
        || w->dilation_h != 1 || w->dilation_w != 1 || w->kernel_h * w->kernel_w == 1 || padded_w > MATRIX_CHUNK_ROWS)
        return 0;
    return (int32_t)lks_cpu_min(MATRIX_CHUNK_ROWS / padded_w, w->out_h);
}

static shape shape_of(const lks_step *s, const lks_cpu_isa *isa)
{
    shape g = { .k = lks_cpu_product_conv(s) };
    const lks_window *w = &g.k.window;
    const int whole_rows = w->dilation_w == 1 && g.k.groups == 1;
    size_t vectors;

    g.group_c = g.k.in_c / g.k.groups;
    g.group_out_c = g.k.out_c / g.k.groups;
    g.segments_w = whole_rows ? 1 : w->kernel_w;
    g.segments = w->kernel_h * g.segments_w;
    g.segment_bytes = g.group_c * (whole_rows ? w->kernel_w : 1);
    g.matrix = suits_matrix(isa, w, (int64_t)g.segments * g.segment_bytes);
    g.lines = g.matrix ? lines_of(isa, &g.k) : 0;
    g.joined = isa->x_bytes != 1 || g.matrix;
    g.joined = g.joined && !g.lines;
    g.tile_segments = g.joined ? 1 : g.segments;
    g.steps = steps_of(isa, g.matrix, g.segment_bytes * (g.joined ? g.segments : 1));
    g.in_place = g.matrix && is_contiguous(w) && g.k.in_c % 64 == 0 && g.group_c % isa->matrix->depth == 0;
    g.chunk_rows = g.lines ? g.lines * w->out_w : rows_of_chunk(isa, &g);
    g.most_rows = g.lines ? g.chunk_rows : MOST_ROWS(g.chunk_rows);
    g.split = lks_cpu_split_columns(isa, g.group_out_c);
    g.block_vector_bytes = (size_t)g.tile_segments * (size_t)g.steps * (size_t)(isa->lanes * isa->k_step);
    vectors = (size_t)g.split.vectors * (size_t)g.k.groups;
    g.at_scaling = lks_cpu_align(sizeof g);
    g.at_pad = g.at_scaling + lks_cpu_align((size_t)g.split.blocks * (size_t)g.k.groups * sizeof(int32_t));
    g.at_scale = g.at_pad + lks_cpu_align((size_t)g.segment_bytes + LKS_CPU_SLACK);
    g.at_weights = g.at_scale + lks_cpu_align(vectors * LKS_CPU_SCALE_VECTORS * (size_t)isa->lanes * sizeof(int32_t));
    g.bytes = g.at_weights + vectors * g.block_vector_bytes;
    return g;
}

/* ---- packing ------------------------------------------------------------------------------------------------------------- */

size_t lks_cpu_product_packed_bytes(const lks_step *s, const lks_cpu_isa *isa)
{
    return shape_of(s, isa).bytes;
}

static lks_cpu_channel channel_of(const lks_step *s, const lks_cpu_isa *isa, const shape *g, int32_t o)
{
    const size_t depth = (size_t)g->segments * (size_t)g->segment_bytes;
    const int8_t *w = s->w + (size_t)o * depth;
    const uint32_t x_zero = (uint32_t)g->k.x_zero, w_zero = (uint32_t)g->k.w_zero;
    const int64_t bias = s->bias[o];
    uint64_t reach = 0;
    uint32_t sum = 0;

    for (size_t i = 0; i < depth; i++) {
        const int32_t v = w[i];

        sum += (uint32_t)v;
        reach += (uint64_t)(v < g->k.w_zero ? g->k.w_zero - v : v - g->k.w_zero);
    }
    return (lks_cpu_channel){
        .base = (uint32_t)bias - (x_zero + (g->matrix ? 0u : (uint32_t)isa->x_offset)) * sum + (uint32_t)depth * x_zero * w_zero,
        .bound = reach * (uint64_t)lks_cpu_reach(g->k.x_zero) + (uint64_t)(bias < 0 ? -bias : bias),
        .rq = s->rq[o]
    };
}

/* Columns first, first + 1, ... into [segment][step][vectors][lanes][k_step]; what is not there stays 0. */
static void pack_columns(const lks_step *s, const lks_cpu_isa *isa, const shape *g, int32_t first, int32_t columns,
                         int32_t vectors, int8_t *to)
{
    const size_t depth = (size_t)g->segments * (size_t)g->segment_bytes;
    const size_t run = depth / (size_t)g->tile_segments, k_step = (size_t)isa->k_step;
    const size_t step_bytes = (size_t)vectors * (size_t)isa->lanes * k_step;

    for (size_t o = 0; o < (size_t)columns; o++) {
        const int8_t *w = s->w + ((size_t)first + o) * depth;

        for (size_t segment = 0; segment < (size_t)g->tile_segments; segment++)
            for (size_t i = 0; i < run; i++)
                to[(segment * (size_t)g->steps + i / k_step) * step_bytes + o * k_step + i % k_step] = w[segment * run + i];
    }
}

/* A block's channels: 4 vectors at most. */
static void pack_block(const lks_step *s, const lks_cpu_isa *isa, const shape *g, int32_t group, int32_t block, int8_t *packed)
{
    const int32_t begin = lks_cpu_block_first(&g->split, block), end = lks_cpu_block_first(&g->split, block + 1);
    const int32_t column = begin * isa->lanes, first = group * g->group_out_c + column;
    const int32_t columns = (int32_t)lks_cpu_min((end - begin) * isa->lanes, g->group_out_c - column);
    const size_t vector = (size_t)group * (size_t)g->split.vectors + (size_t)begin;
    const size_t scale = vector * LKS_CPU_SCALE_VECTORS * (size_t)isa->lanes;
    lks_cpu_channel channels[LKS_CPU_MAX_VECTORS * LKS_CPU_MAX_LANES];

    for (int32_t i = 0; i < columns; i++)
        channels[i] = channel_of(s, isa, g, first + i);
    ((int32_t *)(void *)(packed + g->at_scaling))[group * g->split.blocks + block] = (int32_t)lks_cpu_pack_scale(
        isa, channels, columns, end - begin, g->k.tail.rounding, (int32_t *)(void *)(packed + g->at_scale) + scale);
    for (int32_t v = begin, wide; v < end; v += wide) {
        const int32_t skip = (v - begin) * isa->lanes;

        wide = g->matrix ? (int32_t)lks_cpu_min(end - v, 2) : end - begin;
        pack_columns(s, isa, g, first + skip, (int32_t)lks_cpu_min(wide * isa->lanes, columns - skip), wide,
                     packed + g->at_weights + (vector + (size_t)(v - begin)) * g->block_vector_bytes);
    }
}

void lks_cpu_product_pack(const lks_step *s, const lks_cpu_isa *isa, void *packed)
{
    const shape g = shape_of(s, isa);

    memcpy(packed, &g, sizeof g);
    memset((int8_t *)packed + g.at_pad, g.k.pad_value, (size_t)g.segment_bytes + LKS_CPU_SLACK);
    for (int32_t group = 0; group < g.k.groups; group++)
        for (int32_t block = 0; block < g.split.blocks; block++)
            pack_block(s, isa, &g, group, block, packed);
}

/* ---- tiles --------------------------------------------------------------------------------------------------------------- */

static void finish_any(const lks_cpu_block *b, const lks_cpu_tile *t, int32_t rows, int32_t lanes)
{
    for (int32_t r = 0; r < rows; r++)
        for (int32_t o = 0; o < b->columns; o++)
            t->y[(size_t)r * t->y_stride + (size_t)o] = lks_finish(t->acc[r * b->vectors * lanes + o], b->rq[o], t->tail);
}

/* What is the block's in a tile. */
static void set_block(const lks_cpu_block *b, lks_cpu_tile *t)
{
    t->w = b->w;
    t->scale = b->scale;
    t->scaling = b->scaling;
    t->columns = b->columns;
    t->ahead = b->ahead ? b->ahead : b->w;
}

void lks_cpu_block_run(const lks_cpu_isa *isa, const lks_cpu_block *b, lks_cpu_tile t, int32_t rows)
{
    const lks_cpu_tile_kernel *kernel = isa->tiles[b->vectors - 1];
    const size_t steps = (size_t)t.segments * (size_t)t.steps;

    set_block(b, &t);
    t.ahead_step = b->ahead ? b->ahead_bytes / (steps * (size_t)((rows - 1) / kernel->rows + 1)) + 1 : 0;
    while (rows > 0) {
        /* two tiles of about the same height, not a tall and a flat one */
        const int32_t wanted = rows > kernel->rows && rows < 2 * kernel->rows ? (rows + 1) / 2 : rows;

        while (kernel->rows > wanted)
            kernel++;
        kernel->run(&t);
        if (b->scaling == LKS_CPU_ANY)
            finish_any(b, &t, kernel->rows, isa->lanes);
        t.x += kernel->rows;
        t.ahead += t.ahead_step * steps;
        t.y += (size_t)kernel->rows * t.y_stride;
        t.row_add = t.row_add ? t.row_add + kernel->rows : NULL;
        rows -= kernel->rows;
    }
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------- */

/* Scratch of one thread. */
typedef struct work {
    const int8_t **x;           /* [segment][most_rows] */
    int32_t *row_add;           /* [most_rows] */
    int32_t *acc;
    int8_t *joined;             /* [joined_rows][joined_bytes] */
    int8_t *lines;              /* [lines + kernel_h - 1][out_w + kernel_w - 1][in_c] */
    int8_t *patches, *patch;    /* copies of segments that reach beyond the image; the next free one */
    int64_t found_first;        /* what x, row_add and joined hold: this chunk of this group; -1: nothing */
    int32_t found_group;
    size_t x_step;              /* from row to row where they are joined or in place */
} work;

static size_t patch_bytes(const shape *g)
{
    return lks_cpu_align((size_t)g->segment_bytes + LKS_CPU_SLACK);
}

/*
 * Of a chunk: all segments where windows may reach beyond the sides; else those less than a step, or than 32 bytes, from the end
 * of x.
 */
static size_t patches(const shape *g, const lks_cpu_isa *isa)
{
    const lks_window *w = &g->k.window;
    const int64_t right = (int64_t)(w->out_w - 1) * w->stride_w - w->pad_left + (int64_t)(w->kernel_w - 1) * w->dilation_w;
    const int sides = w->pad_left > 0 || right >= w->in_w;

    return (size_t)g->segments * (size_t)(sides && g->segments_w == 1 ? g->most_rows : g->matrix ? 32 : isa->k_step);
}

/* Of a row that is copied into one run. */
static size_t joined_bytes(const shape *g, const lks_cpu_isa *isa)
{
    return (size_t)g->steps * (size_t)(isa->k_step * isa->x_bytes);
}

/* Of the lines of a chunk, with their padding. */
static size_t padded_bytes(const shape *g)
{
    const lks_window *w = &g->k.window;

    return (size_t)(g->lines + w->kernel_h - 1) * (size_t)(w->out_w + w->kernel_w - 1) * (size_t)g->k.in_c;
}

static work work_in(const shape *g, const lks_cpu_isa *isa, int8_t *scratch, size_t *bytes)
{
    const size_t rows = (size_t)g->most_rows;
    work w = { .x = (const int8_t **)(void *)scratch, .found_first = -1 };
    int8_t *at = scratch + lks_cpu_align((size_t)g->segments * rows * sizeof *w.x);

    w.row_add = (int32_t *)(void *)at;
    at += lks_cpu_align(rows * sizeof *w.row_add);
    w.acc = (int32_t *)(void *)at;
    at += lks_cpu_align((g->matrix ? rows * LKS_CPU_MAX_VECTORS * LKS_CPU_MAX_LANES : LKS_CPU_ACC_ELEMENTS) * sizeof *w.acc);
    w.lines = at;
    at += g->lines ? padded_bytes(g) + LKS_CPU_MATRIX_ROWS * (size_t)g->k.in_c : 0;
    w.joined = at;
    at += g->joined ? lks_cpu_align((rows + LKS_CPU_MATRIX_ROWS) * joined_bytes(g, isa)) : 0;
    w.patches = w.patch = at;
    at += patches(g, isa) * patch_bytes(g);
    *bytes = (size_t)(at - scratch);
    return w;
}

size_t lks_cpu_product_scratch_bytes(const lks_step *s, const lks_cpu_isa *isa)
{
    static int8_t origin[LKS_ARENA_ALIGN];
    const shape g = shape_of(s, isa);
    size_t bytes;

    work_in(&g, isa, origin, &bytes);
    return bytes;
}

/* A segment of an image's row that begins with column v, part of it beyond the sides. */
static const int8_t *patch_row(const shape *g, work *w, const int8_t *row, int32_t v)
{
    const size_t in_c = (size_t)g->k.in_c;
    const size_t left = v < 0 ? (size_t)-v * in_c : 0, all = (size_t)g->segment_bytes;
    const size_t right = (size_t)lks_cpu_min((int64_t)(g->k.window.in_w - v) * g->k.in_c, g->segment_bytes);
    int8_t *patch = w->patch;

    memset(patch, g->k.pad_value, left);
    memcpy(patch + left, row + (v < 0 ? 0 : (size_t)v * in_c), right - left);
    memset(patch + right, g->k.pad_value, all - right);
    w->patch += patch_bytes(g);
    return patch;
}

/* Where a tile would read behind x, which other threads may write. */
static const int8_t *patch_end(const shape *g, work *w, const int8_t *x)
{
    int8_t *patch = w->patch;

    memcpy(patch, x, (size_t)g->segment_bytes);
    w->patch += patch_bytes(g);
    return patch;
}

/* Column v of an image's row, and on, where the row has no more or not yet one. */
static const int8_t *find_beside(const lks_cpu_call *c, const shape *g, work *w, const int8_t *row, int32_t v)
{
    const int32_t wide = g->segments_w == 1 ? g->k.window.kernel_w : 1;

    return v + wide <= 0 || v >= g->k.window.in_w ? (const int8_t *)c->packed + g->at_pad : patch_row(g, w, row, v);
}

/*
 * One segment of outputs q, q + 1, ... of an output row: that in `row` of an image, where kernel column kw begins it.  Outputs
 * first to end lie within the row; the others are few.
 */
static void find_run(const lks_cpu_call *c, const shape *g, work *w, const int8_t *row, int32_t q, int32_t kw, int32_t count,
                     const int8_t **x)
{
    const lks_window *s = &g->k.window;
    const size_t in_c = (size_t)g->k.in_c, step = (size_t)s->stride_w * in_c;
    const size_t joined = g->matrix ? ((size_t)g->segment_bytes + 31) & ~(size_t)31 : (size_t)g->segment_bytes;
    const size_t reads = g->joined ? joined : (size_t)g->steps * (size_t)c->isa->k_step;
    const int32_t begin = q * s->stride_w - s->pad_left + kw * s->dilation_w;
    const int32_t room = s->in_w - (g->segments_w == 1 ? s->kernel_w : 1) - begin;
    const int32_t first = (int32_t)lks_cpu_min(begin < 0 ? (-begin - 1) / s->stride_w + 1 : 0, count);
    const int32_t end = (int32_t)lks_cpu_max(lks_cpu_min(room < 0 ? 0 : room / s->stride_w + 1, count), first);
    const int8_t *at = row + (size_t)(begin + first * s->stride_w) * in_c;

    for (int32_t i = 0; i < first; i++)
        x[i] = find_beside(c, g, w, row, begin + i * s->stride_w);
    for (int32_t i = first; i < end; i++, at += step)
        x[i] = at;
    for (int32_t i = end; i < count; i++)
        x[i] = find_beside(c, g, w, row, begin + i * s->stride_w);
    for (int32_t i = end; i > first && x[i - 1] > c->x_end - reads; i--)
        x[i - 1] = patch_end(g, w, x[i - 1]);
}

/* All segments under the windows of outputs (p, q), (p, q + 1), ... of an image: segment k into x[k * most_rows]. */
static void find_segments(const lks_cpu_call *c, const shape *g, work *w, const int8_t *image, int32_t p, int32_t q,
                          int32_t count, const int8_t **x)
{
    const lks_window *s = &g->k.window;
    const int8_t *pad = (const int8_t *)c->packed + g->at_pad;

    for (int32_t kh = 0; kh < s->kernel_h; kh++)
        for (int32_t kw = 0; kw < g->segments_w; kw++, x += g->most_rows) {
            const int32_t h = p * s->stride_h - s->pad_top + kh * s->dilation_h;

            if (h >= 0 && h < s->in_h)
                find_run(c, g, w, image + (size_t)h * (size_t)s->in_w * (size_t)g->k.in_c, q, kw, count, x);
            else
                for (int32_t i = 0; i < count; i++)
                    x[i] = pad;
        }
}

static void find_rows(const lks_cpu_call *c, const shape *g, work *w, int64_t first, int32_t rows, int32_t group)
{
    const lks_window *s = &g->k.window;
    const size_t image_bytes = (size_t)s->in_h * (size_t)s->in_w * (size_t)g->k.in_c;
    const int8_t *x = c->x + (size_t)group * (size_t)g->group_c;
    int64_t line = first / s->out_w;
    int32_t q = (int32_t)(first % s->out_w), count;

    w->patch = w->patches;
    for (int32_t r = 0; r < rows; r += count, q = 0, line++) {
        count = (int32_t)lks_cpu_min(s->out_w - q, rows - r);
        find_segments(c, g, w, x + (size_t)(line / s->out_h) * image_bytes, (int32_t)(line % s->out_h), q, count, w->x + r);
    }
}

/* -w_zero times the sum of each row. */
static void sum_rows(const lks_cpu_call *c, const shape *g, work *w, int32_t rows)
{
    for (int32_t r = 0; r < rows; r++) {
        uint32_t sum = 0;

        for (int32_t k = 0; k < g->segments; k++)
            sum += (uint32_t)c->isa->sum(w->x[k * g->most_rows + r], (size_t)g->segment_bytes);
        sum *= 0u - (uint32_t)g->k.w_zero;
        memcpy(&w->row_add[r], &sum, sizeof sum);
    }
}

static void widen_rows(const lks_cpu_call *c, const shape *g, work *w, int32_t rows)
{
    const size_t segment = (size_t)g->segment_bytes, depth = segment * (size_t)g->segments;
    const size_t padded = (size_t)g->steps * (size_t)c->isa->k_step;

    for (int32_t r = 0; r < rows; r++) {
        int16_t *to = (int16_t *)(void *)w->joined + (size_t)r * padded;

        for (int32_t k = 0; k < g->segments; k++)
            c->isa->widen(w->x[k * g->most_rows + r], to + (size_t)k * segment, segment);
        memset(to + depth, 0, (padded - depth) * sizeof *to);
        w->x[r] = (const int8_t *)(const void *)to;
    }
}

/* Each row's segments one behind the other.  Returns the bytes from row to row. */
static size_t join_rows(const lks_cpu_call *c, const shape *g, work *w, int32_t rows)
{
    if (g->in_place && rows % 16 == 0)
        return (size_t)g->k.in_c;
    if (!g->matrix) {
        widen_rows(c, g, w, rows);
    } else {
        c->isa->matrix->join(w->x, (size_t)g->most_rows, g->segments, (size_t)g->segment_bytes, w->joined,
                             joined_bytes(g, c->isa), rows);
        w->x[0] = w->joined;
    }
    return joined_bytes(g, c->isa);
}

/* A line of x, from column -pad_left on, as wide as all windows of a line. */
static void copy_line(const shape *g, const int8_t *row, int8_t *to)
{
    const lks_window *w = &g->k.window;
    const size_t in_c = (size_t)g->k.in_c, left = (size_t)w->pad_left * in_c;
    const size_t all = (size_t)(w->out_w + w->kernel_w - 1) * in_c;
    const size_t bytes = (size_t)lks_cpu_min((int64_t)w->in_w * g->k.in_c, (int64_t)(all - left));

    memset(to, g->k.pad_value, left);
    memcpy(to + left, row, bytes);
    memset(to + left + bytes, g->k.pad_value, all - left - bytes);
}

/* The lines of x under a chunk of whole output lines of one image. */
static void copy_lines(const lks_cpu_call *c, const shape *g, work *w, int64_t first, int32_t rows)
{
    const lks_window *s = &g->k.window;
    const size_t line = (size_t)(s->out_w + s->kernel_w - 1) * (size_t)g->k.in_c, row = (size_t)s->in_w * (size_t)g->k.in_c;
    const int64_t out_line = first / s->out_w;
    const int8_t *image = c->x + (size_t)(out_line / s->out_h) * (size_t)s->in_h * row;
    const int32_t top = (int32_t)(out_line % s->out_h) - s->pad_top, lines = rows / s->out_w + s->kernel_h - 1;

    for (int32_t i = 0; i < lines; i++)
        if (top + i >= 0 && top + i < s->in_h)
            copy_line(g, image + (size_t)(top + i) * row, w->lines + (size_t)i * line);
        else
            memset(w->lines + (size_t)i * line, g->k.pad_value, line);
    for (int32_t kh = 0; kh < s->kernel_h; kh++)
        w->x[kh * g->most_rows] = w->lines + (size_t)kh * line;
    w->x_step = (size_t)g->k.in_c;
}

/* ---- units --------------------------------------------------------------------------------------------------------------- */

static int64_t rows_of(const lks_cpu_call *c, const shape *g)
{
    return (int64_t)c->n * g->k.window.images * g->k.window.out_h * g->k.window.out_w;
}

/* A unit is a chunk of rows against a part of all blocks: of all of them, unless there are few chunks. */
typedef struct units {
    int64_t chunks;
    int32_t blocks, parts;
} units;

/* Where chunks are whole lines, none holds lines of two images. */
static int32_t chunks_of_image(const shape *g)
{
    return (g->k.window.out_h - 1) / g->lines + 1;
}

/* The rows of a chunk. */
static int32_t rows_of_unit(const lks_cpu_call *c, const shape *g, int64_t chunk, int64_t chunks, int64_t *first)
{
    const lks_window *w = &g->k.window;

    if (g->lines) {
        const int64_t image = chunk / chunks_of_image(g);
        const int32_t line = (int32_t)(chunk % chunks_of_image(g)) * g->lines;

        *first = (image * w->out_h + line) * w->out_w;
        return (int32_t)lks_cpu_min(g->lines, w->out_h - line) * w->out_w;
    }
    *first = chunk * g->chunk_rows;
    return chunk == chunks - 1 ? (int32_t)(rows_of(c, g) - *first) : g->chunk_rows;
}

static units units_of(const lks_cpu_call *c, const shape *g)
{
    const int64_t spare = g->most_rows - g->chunk_rows;
    units u = { .blocks = g->split.blocks * g->k.groups };

    if (g->lines)
        u.chunks = rows_of(c, g) / ((int64_t)g->k.window.out_h * g->k.window.out_w) * chunks_of_image(g);
    else
        u.chunks = lks_cpu_max((rows_of(c, g) - spare - 1) / g->chunk_rows + 1, 1);
    u.parts = (int32_t)lks_cpu_min(u.blocks, u.chunks >= MIN_UNITS ? 1 : (MIN_UNITS - 1) / u.chunks + 1);
    return u;
}

int64_t lks_cpu_product_units(const lks_cpu_call *c)
{
    const shape *g = c->packed;
    const units u = units_of(c, g);

    return u.chunks * u.parts;
}

/* At 32 multiply-accumulates per lane and nanosecond. */
int64_t lks_cpu_product_unit_work(const lks_cpu_call *c)
{
    const shape *g = c->packed;
    const units u = units_of(c, g);
    const int64_t rows = lks_cpu_min(rows_of(c, g), g->chunk_rows);

    return rows * g->k.out_c / u.parts * g->segments * g->segment_bytes / (32 * c->isa->lanes) + 1;
}

/* What is read after a block: the next one, or the constants of the next step. */
static void look_ahead(const lks_cpu_call *c, const shape *g, int32_t group, int32_t block, lks_cpu_block *b)
{
    const size_t bytes = (size_t)b->vectors * g->block_vector_bytes;

    if (block + 1 < g->split.blocks || group + 1 < g->k.groups) {
        b->ahead = b->w + bytes;
        b->ahead_bytes = bytes;
    } else {
        b->ahead = c->next;
        b->ahead_bytes = c->next_bytes;
    }
}

static lks_cpu_block block_of(const lks_cpu_call *c, const shape *g, int32_t group, int32_t block)
{
    const int8_t *packed = c->packed;
    const int32_t begin = lks_cpu_block_first(&g->split, block), end = lks_cpu_block_first(&g->split, block + 1);
    const int32_t column = begin * c->isa->lanes;
    const size_t vector = (size_t)group * (size_t)g->split.vectors + (size_t)begin;

    return (lks_cpu_block){
        .w = packed + g->at_weights + vector * g->block_vector_bytes,
        .scale = (const int32_t *)(const void *)(packed + g->at_scale) + vector * LKS_CPU_SCALE_VECTORS * (size_t)c->isa->lanes,
        .rq = c->step->rq + group * g->group_out_c + column,
        .scaling = (lks_cpu_scaling)((const int32_t *)(const void *)(packed + g->at_scaling))[group * g->split.blocks + block],
        .vectors = end - begin,
        .columns = (int32_t)lks_cpu_min((end - begin) * c->isa->lanes, g->group_out_c - column)
    };
}

/* A group's rows of a chunk, as tiles read them. */
static void make_ready(const lks_cpu_call *c, const shape *g, work *w, int64_t first, int32_t rows, int32_t group)
{
    if (first == w->found_first && group == w->found_group)
        return;
    if (g->lines)
        copy_lines(c, g, w, first, rows);
    else
        find_rows(c, g, w, first, rows, group);
    if (g->k.w_zero)
        sum_rows(c, g, w, rows);
    if (g->joined)
        w->x_step = join_rows(c, g, w, rows);
    w->found_first = first;
    w->found_group = group;
}

/* lks_cpu_block_run for a matrix engine. */
static void run_matrix(const lks_cpu_isa *isa, const shape *g, const work *w, const lks_cpu_block *b, lks_cpu_tile t,
                       int32_t rows)
{
    const int32_t between = g->lines ? (rows / g->k.window.out_w - 1) * (g->k.window.kernel_w - 1) : 0;

    set_block(b, &t);
    t.x_step = w->x_step;
    t.line = g->lines ? g->k.window.out_w : rows;
    t.gap = g->lines ? g->k.window.kernel_w - 1 : 0;
    isa->matrix->run(&t, rows + between);
    if (b->scaling == LKS_CPU_ANY)
        finish_any(b, &t, rows, isa->lanes);
}

/* Elements from pixel to pixel of y. */
static size_t pixel_of(const shape *g)
{
    return (size_t)(g->k.y_pixel ? g->k.y_pixel : g->k.out_c);
}

/* Blocks begin to end of all groups' against a chunk of rows. */
static void run_chunk(const lks_cpu_call *c, const shape *g, work *w, int64_t first, int32_t rows, int32_t begin, int32_t end)
{
    const size_t pixel = pixel_of(g);
    lks_cpu_tile t = {
        .x = w->x, .x_stride = (size_t)g->most_rows, .segments = g->tile_segments, .steps = g->steps,
        .row_add = g->k.w_zero ? w->row_add : NULL, .tail = g->k.tail, .acc = w->acc, .y_stride = pixel
    };

    for (int32_t i = begin; i < end; i++) {
        const int32_t group = i / g->split.blocks, block = i % g->split.blocks;
        lks_cpu_block b = block_of(c, g, group, block);

        make_ready(c, g, w, first, rows, group);
        look_ahead(c, g, group, block, &b);
        t.y = c->y + (size_t)first * pixel + (size_t)g->k.y_first + (size_t)(b.rq - c->step->rq);
        if (g->matrix)
            run_matrix(c->isa, g, w, &b, t, rows);
        else
            lks_cpu_block_run(c->isa, &b, t, rows);
    }
}

/* What is fused behind the tail, on the columns that blocks begin to end have made. */
static void finish_chunk(const lks_cpu_call *c, const shape *g, int64_t first, int32_t rows, int32_t begin, int32_t end)
{
    const size_t out_c = (size_t)g->k.out_c, from = (size_t)(block_of(c, g, begin / g->split.blocks, begin % g->split.blocks).rq
                                                             - c->step->rq);
    const lks_cpu_block last = block_of(c, g, (end - 1) / g->split.blocks, (end - 1) % g->split.blocks);
    const size_t columns = (size_t)(last.rq - c->step->rq) + (size_t)last.columns - from, pixel = pixel_of(g);
    const int8_t *x2 = c->x2 ? c->x2 + (size_t)first * out_c + from : NULL;
    int8_t *y = c->y + (size_t)first * pixel + (size_t)g->k.y_first + from;

    if (columns == out_c && pixel == out_c) {
        lks_cpu_finish_fused(c, &g->k.fused, y, x2, (size_t)rows * out_c);
        return;
    }
    for (size_t r = 0; r < (size_t)rows; r++, y += pixel)
        lks_cpu_finish_fused(c, &g->k.fused, y, x2 ? x2 + r * out_c : NULL, columns);
}

void lks_cpu_product_run(const lks_cpu_call *c, int64_t first, int64_t end, void *scratch)
{
    const shape *g = c->packed;
    const units u = units_of(c, g);
    size_t bytes;
    work w = work_in(g, c->isa, scratch, &bytes);

    if (g->matrix)
        c->isa->matrix->begin();
    for (int64_t i = first; i < end; i++) {
        const int32_t part = (int32_t)(i % u.parts);
        const int32_t from = (int32_t)((int64_t)u.blocks * part / u.parts);
        const int32_t to = (int32_t)((int64_t)u.blocks * (part + 1) / u.parts);
        int64_t row;
        const int32_t rows = rows_of_unit(c, g, i / u.parts, u.chunks, &row);

        run_chunk(c, g, &w, row, rows, from, to);
        if (g->k.fused.adds || c->step->table)
            finish_chunk(c, g, row, rows, from, to);
    }
    if (g->matrix)
        c->isa->matrix->end();
}
