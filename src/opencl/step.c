/* SPDX-License-Identifier: Apache-2.0
 *
 * From a step of a plan to a kernel call.  Constants that depend on weights alone are folded into the bias, modulo 2^32:
 *
 *     sum (x - xz) (w - wz) = sum x w - wz sum x - xz sum w + K xz wz
 */
#include "opencl/step.h"

#include "opencl/program.h"

#include <string.h>

#define ALIGN 64
#define LANES "lanes"
#define FEW_COLUMNS 16          /* a group with fewer output channels would leave most of a tile empty */
#define MANY_TILES 96           /* from which the large tile keeps a usual GPU busy */

/* ---- variants ------------------------------------------------------------------------------------------------------------ */

static int is_product(lks_kernel kernel)
{
    return kernel == LKS_KERNEL_CONV || kernel == LKS_KERNEL_MATMUL || kernel == LKS_KERNEL_BATCH_MATMUL;
}

/* Those whose lanes work together.  On a CPU they have one lane unless the variant "lanes" asks for all. */
static int has_lanes(lks_kernel kernel)
{
    return kernel == LKS_KERNEL_REDUCE || kernel == LKS_KERNEL_SOFTMAX || kernel == LKS_KERNEL_LSTM;
}

/* conv, batch_matmul: every program; matmul: all but direct; reduce, softmax, lstm: direct and lanes; the others: direct. */
const char *lks_cl_variant(lks_kernel kernel, uint32_t i)
{
    uint32_t first = kernel == LKS_KERNEL_MATMUL ? 1 : 0, count = is_product(kernel) ? LKS_CL_PROGRAMS - first : 1;

    if (has_lanes(kernel) && i == 1)
        return LANES;
    return i < count ? lks_cl_program_name(first + i) : NULL;
}

/* A device may be too small for the large tile; whether it is, is found out where one is wanted. */
static int has_large_tile(lks_device_handle *d)
{
    lks_error unused;
    cl_program program;

    return lks_cl_program(d, LKS_CL_TILE(d->dot, 0), &program, &unused) != LKS_ERR_UNSUPPORTED;
}

/* For so many products of that shape. */
static uint32_t choose_tile(lks_device_handle *d, int64_t rows, int32_t columns, int64_t products)
{
    const int few = lks_ceil_div(rows, 128) * lks_ceil_div(columns, 128) * products < MANY_TILES;

    return LKS_CL_TILE(d->dot, few || !has_large_tile(d));
}

static uint32_t choose_linear(lks_device_handle *d, int64_t rows, int32_t columns, int32_t groups)
{
    if (groups > 1 && columns < FEW_COLUMNS)
        return LKS_CL_DIRECT;
    if (d->limits.is_cpu)
        return LKS_CL_WIDE;
    return choose_tile(d, rows, columns, groups);
}

static uint32_t named(lks_kernel kernel, const char *variant, uint32_t chosen)
{
    const char *name;

    for (uint32_t i = 0; variant && (name = lks_cl_variant(kernel, i)) != NULL; i++)
        if (strcmp(name, variant) == 0)
            return i + (kernel == LKS_KERNEL_MATMUL ? 1 : 0);
    return chosen;
}

/* ---- constants ----------------------------------------------------------------------------------------------------------- */

/* Room for so many bytes: where it lies. */
static uint64_t reserve(lks_cl_constants *c, uint64_t bytes)
{
    uint64_t at = c->size;

    c->size += (bytes + ALIGN - 1) / ALIGN * ALIGN;
    return at;
}

static uint64_t put(lks_cl_constants *c, const void *data, uint64_t bytes)
{
    uint64_t at = reserve(c, bytes);

    if (c->bytes)
        memcpy(c->bytes + at, data, (size_t)bytes);
    return at;
}

static void all_magics(const int32_t dims[LKS_MAX_RANK], lks_magic by[LKS_MAX_RANK])
{
    for (int axis = 0; axis < LKS_MAX_RANK; axis++)
        by[axis] = lks_magic_of(dims[axis]);
}

/* x and x2 of a step, y, and its table. */
static void place(const lks_plan *plan, const lks_step *s, lks_cl_constants *c, lks_places *p)
{
    p->y = plan->tensors[s->y].offset;
    p->x_constant = s->x < 0;
    p->x = s->x < 0 ? put(c, s->x_data, s->x_data_bytes) : plan->tensors[s->x].offset;
    p->x2_constant = s->x2 < 0 && s->x2_data;
    if (s->x2 >= 0)
        p->x2 = plan->tensors[s->x2].offset;
    else if (s->x2_data)
        p->x2 = put(c, s->x2_data, s->x2_data_bytes);
    if (s->state >= 0)
        p->state = plan->tensors[s->state].offset;
    p->has_table = s->table != NULL;
    if (s->table)
        p->table = put(c, s->table, LKS_TABLE_SIZE);
}

static void direct_work(lks_cl_step *o, uint64_t per_image)
{
    o->which = LKS_CL_DIRECT;
    o->per_image = per_image;
    o->axis = 0;
    o->per_group = LKS_CL_LANES;
    o->local = LKS_CL_LANES;
    o->groups[1] = o->groups[2] = 1;
}

/* One work-group for each; of one item where the items of a group run one after the other anyway. */
static void group_work(const lks_device_handle *d, const char *variant, lks_cl_step *o, uint64_t per_image)
{
    direct_work(o, per_image);
    o->per_group = 1;
    if (d->limits.is_cpu && !(variant && strcmp(variant, LANES) == 0))
        o->local = 1;
}

/* ---- conv and matmul ----------------------------------------------------------------------------------------------------- */

/* A linear step as a conv: matmul has images of 1 x 1. */
typedef struct shape {
    lks_conv conv;
    int32_t group_c, group_o, taps;
    int64_t rows;               /* of one image of the run */
    int plain;
} shape;

static shape shape_of(const lks_step *s)
{
    const lks_matmul *m = &s->args.matmul;
    shape h = { .conv = s->args.conv };
    lks_window *w = &h.conv.window;

    if (s->kernel == LKS_KERNEL_MATMUL)
        h.conv = (lks_conv){
            .window = { .images = m->rows, .in_h = 1, .in_w = 1, .out_h = 1, .out_w = 1, .kernel_h = 1, .kernel_w = 1,
                        .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1 },
            .in_c = m->in_c, .out_c = m->out_c, .groups = 1, .x_zero = m->x_zero, .w_zero = m->w_zero, .tail = m->tail,
            .fused = m->fused
        };
    h.group_c = h.conv.in_c / h.conv.groups;
    h.group_o = h.conv.out_c / h.conv.groups;
    h.taps = w->kernel_h * w->kernel_w;
    h.rows = (int64_t)w->images * w->out_h * w->out_w;
    h.plain = h.taps == 1 && w->stride_h == 1 && w->stride_w == 1 && w->pad_top == 0 && w->pad_left == 0 && w->out_h == w->in_h
        && w->out_w == w->in_w;
    return h;
}

static uint64_t fold_bias(const lks_step *s, const shape *h, lks_cl_constants *c)
{
    size_t terms = (size_t)h->taps * (size_t)h->group_c;
    uint64_t at = reserve(c, (uint64_t)h->conv.out_c * 4);
    uint32_t *to = c->bytes ? (uint32_t *)(void *)(c->bytes + at) : NULL;
    const uint32_t x_zero = (uint32_t)h->conv.x_zero, w_zero = (uint32_t)h->conv.w_zero;

    for (int32_t o = 0; to && o < h->conv.out_c; o++) {
        const int8_t *w = s->w + (size_t)o * terms;
        int64_t sum = 0;

        for (size_t i = 0; i < terms; i++)
            sum += w[i];
        to[o] = (uint32_t)s->bias[o] - x_zero * (uint32_t)sum + (uint32_t)terms * x_zero * w_zero;
    }
    return at;
}

static void fill_linear(const shape *h, int32_t word, lks_linear *l)
{
    const lks_window *w = &h->conv.window;

    *l = (lks_linear){
        .rows_per_image = (uint32_t)(w->out_h * w->out_w), .tap_words = (uint32_t)((h->group_c + word - 1) / word),
        .in_c = h->conv.in_c, .group_c = h->group_c, .group_o = h->group_o, .out_c = h->conv.out_c, .in_h = w->in_h,
        .in_w = w->in_w, .out_w = w->out_w, .kernel_h = w->kernel_h, .kernel_w = w->kernel_w,
        .stride_h = w->stride_h, .stride_w = w->stride_w, .dilation_h = w->dilation_h, .dilation_w = w->dilation_w,
        .pad_top = w->pad_top, .pad_left = w->pad_left, .pad_value = h->conv.pad_value, .w_zero = h->conv.w_zero,
        .by_image = lks_magic_of((int64_t)w->out_h * w->out_w),
        .by_row = lks_magic_of(w->out_w), .by_kernel_w = lks_magic_of(w->kernel_w), .tail = h->conv.tail,
        .fused = h->conv.fused
    };
    l->words = (uint32_t)h->taps * l->tap_words;
    l->by_tap = lks_magic_of(l->tap_words);
}

/* [group][word][column] of four int8 each; the room is zero. */
static uint64_t pack_tiles(const lks_step *s, const shape *h, const lks_linear *l, lks_cl_constants *c)
{
    const size_t words = (size_t)lks_ceil_div(l->words, 8) * 8, taps = (size_t)h->taps, group_c = (size_t)h->group_c;
    const uint64_t at = reserve(c, (uint64_t)h->conv.groups * words * l->columns_pad * 4);

    for (int32_t o = 0; c->bytes && o < h->conv.out_c; o++) {
        const size_t group = (size_t)(o / h->group_o), column = (size_t)(o % h->group_o);
        const int8_t *w = s->w + (size_t)o * taps * group_c;

        for (size_t tap = 0; tap < taps; tap++)
            for (size_t k = 0; k < group_c; k++) {
                size_t word = tap * l->tap_words + k / 4;

                c->bytes[at + ((group * words + word) * l->columns_pad + column) * 4 + k % 4] = (uint8_t)w[tap * group_c + k];
            }
    }
    return at;
}

/* [group][block of 32 columns][pair][column][2] as int16. */
static uint64_t pack_wide(const lks_step *s, const shape *h, const lks_linear *l, lks_cl_constants *c)
{
    const size_t taps = (size_t)h->taps, group_c = (size_t)h->group_c;
    const uint64_t at = reserve(c, (uint64_t)h->conv.groups * l->blocks * l->words * 128);
    int16_t *to = c->bytes ? (int16_t *)(void *)(c->bytes + at) : NULL;

    for (int32_t o = 0; to && o < h->conv.out_c; o++) {
        const size_t group = (size_t)(o / h->group_o), column = (size_t)(o % h->group_o);
        const size_t block = group * l->blocks + column / 32;
        const int8_t *w = s->w + (size_t)o * taps * group_c;

        for (size_t tap = 0; tap < taps; tap++)
            for (size_t k = 0; k < group_c; k++)
                to[((block * l->words + tap * l->tap_words + k / 2) * 32 + column % 32) * 2 + k % 2] = w[tap * group_c + k];
    }
    return at;
}

/* A pixel of pads: what a tap outside the image reads. */
static uint64_t put_pads(const shape *h, lks_cl_constants *c)
{
    uint64_t at = reserve(c, (uint64_t)h->group_c);

    if (c->bytes)
        memset(c->bytes + at, h->conv.pad_value, (size_t)h->group_c);
    return at;
}

static void make_tiles(const lks_step *s, const shape *h, lks_cl_constants *c, lks_cl_step *o)
{
    const int small = (o->which - LKS_CL_TILES) & 1;
    const uint32_t side = small ? 64 : 128;
    lks_linear *l = &o->args.linear;

    fill_linear(h, 4, l);
    l->columns_pad = (uint32_t)lks_ceil_div(h->group_o, (int64_t)side) * side;
    o->places.w = pack_tiles(s, h, l, c);
    o->axis = 1;
    o->per_group = side;
    o->local = side * side / 64;
    o->groups[0] = l->columns_pad / side;
    o->groups[2] = (size_t)h->conv.groups;
}

static void make_wide(const lks_step *s, const shape *h, lks_cl_constants *c, lks_cl_step *o)
{
    lks_linear *l = &o->args.linear;

    fill_linear(h, 2, l);
    l->blocks = (uint32_t)lks_ceil_div(h->group_o, 32);
    o->places.w = pack_wide(s, h, l, c);
    o->places.pads = put_pads(h, c);
    o->axis = 0;
    o->per_group = 4 * 8;       /* rows of a work-item, work-items */
    o->local = 8;
    o->groups[1] = l->blocks;
    o->groups[2] = (size_t)h->conv.groups;
}

static void make_product(const lks_step *s, const shape *h, lks_cl_constants *c, lks_cl_step *o)
{
    o->kernel = s->kernel == LKS_KERNEL_MATMUL ? "matmul" : h->plain ? "conv_1x1" : "conv";
    o->args_bytes = sizeof o->args.linear;
    o->per_image = (uint64_t)h->rows;
    if (o->which == LKS_CL_WIDE)
        make_wide(s, h, c, o);
    else
        make_tiles(s, h, c, o);
    o->places.bias = fold_bias(s, h, c);
    o->places.rq = put(c, s->rq, (uint64_t)h->conv.out_c * sizeof *s->rq);
}

/* ---- direct -------------------------------------------------------------------------------------------------------------- */

/* [tap][channel of the group][output channel] */
static uint64_t pack_direct(const lks_step *s, const shape *h, lks_cl_constants *c)
{
    const size_t terms = (size_t)h->taps * (size_t)h->group_c, out_c = (size_t)h->conv.out_c;
    const uint64_t at = reserve(c, (uint64_t)terms * out_c);

    for (size_t o = 0; c->bytes && o < out_c; o++)
        for (size_t i = 0; i < terms; i++)
            c->bytes[at + i * out_c + o] = (uint8_t)s->w[o * terms + i];
    return at;
}

static void make_direct(const lks_device_handle *d, const lks_step *s, const shape *h, lks_cl_constants *c, lks_cl_step *o)
{
    const lks_window *w = &h->conv.window;
    const uint32_t width = d->limits.is_cpu ? 16 : 4, blocks = (uint32_t)lks_ceil_div(h->conv.out_c, (int64_t)width);

    o->kernel = "depthwise";
    o->args_bytes = sizeof o->args.direct;
    o->args.direct = (lks_depthwise){
        .pixels = (uint32_t)(w->out_h * w->out_w), .in_h = w->in_h, .in_w = w->in_w, .in_c = h->conv.in_c, .out_w = w->out_w,
        .out_c = h->conv.out_c, .group_c = h->group_c, .group_o = h->group_o, .kernel_h = w->kernel_h, .kernel_w = w->kernel_w,
        .stride_h = w->stride_h, .stride_w = w->stride_w, .dilation_h = w->dilation_h, .dilation_w = w->dilation_w,
        .pad_top = w->pad_top, .pad_left = w->pad_left, .pad_value = h->conv.pad_value, .x_zero = h->conv.x_zero,
        .w_zero = h->conv.w_zero, .blocks = blocks, .by_blocks = lks_magic_of(blocks),
        .by_image = lks_magic_of((int64_t)w->out_h * w->out_w), .by_row = lks_magic_of(w->out_w),
        .by_group_o = lks_magic_of(h->group_o), .tail = h->conv.tail, .fused = h->conv.fused
    };
    o->places.w = pack_direct(s, h, c);
    o->places.bias = put(c, s->bias, (uint64_t)h->conv.out_c * 4);
    o->places.rq = put(c, s->rq, (uint64_t)h->conv.out_c * sizeof *s->rq);
    direct_work(o, (uint64_t)h->rows * blocks);
}

/* ---- the others ---------------------------------------------------------------------------------------------------------- */

static uint32_t product(const int32_t dims[LKS_MAX_RANK])
{
    uint32_t elements = 1;

    for (int axis = 0; axis < LKS_MAX_RANK; axis++)
        elements *= (uint32_t)dims[axis];
    return elements;
}

/* Words are aligned where every step but the one along them is a multiple of 4; arena and constants are. */
static int32_t load_of(const lks_batch_matmul *k, int32_t image, const int32_t stride[LKS_MAX_RANK], int outer, int32_t depth)
{
    int32_t others = image;

    for (int axis = 0; axis < LKS_MAX_RANK - 2; axis++)
        others |= stride[axis];
    if ((others & 3) == 0 && depth == 1 && (stride[outer] & 3) == 0 && (k->depth & 3) == 0)
        return LKS_CL_ALONG_DEPTH;
    if ((others & 3) == 0 && stride[outer] == 1 && (depth & 3) == 0 && (k->dims[outer] & 3) == 0)
        return LKS_CL_ALONG_ROWS;
    return LKS_CL_BYTES;
}

static uint32_t choose_batch_matmul(lks_device_handle *d, int64_t matrices, int32_t rows, int32_t columns)
{
    if (d->limits.is_cpu)
        return LKS_CL_WIDE;
    if (rows < FEW_COLUMNS || columns < FEW_COLUMNS)
        return LKS_CL_DIRECT;
    return choose_tile(d, rows, columns, matrices);
}

/* A block of outputs: one, those of a tile, or those of a work-item of the wide kernel. */
static void matrix_work(int32_t rows, int32_t columns, lks_cl_step *o)
{
    const uint32_t side = (o->which - LKS_CL_TILES) & 1 ? 64 : 128;
    const int direct = o->which == LKS_CL_DIRECT, wide = o->which == LKS_CL_WIDE;
    lks_matrices *m = &o->args.matrices;

    m->by_row = lks_magic_of(lks_ceil_div(rows, direct ? 1 : wide ? 4 : (int64_t)side));
    m->by_column = lks_magic_of(lks_ceil_div(columns, direct ? 1 : wide ? 32 : (int64_t)side));
    o->per_image = (uint64_t)m->matrices * (uint64_t)m->by_row.divisor * (uint64_t)m->by_column.divisor;
    o->axis = 0;
    o->local = direct ? LKS_CL_LANES : wide ? 8 : side * side / 64;
    o->per_group = direct || wide ? (uint32_t)o->local : 1;
    o->groups[1] = o->groups[2] = 1;
}

static void make_batch_matmul(lks_device_handle *d, const lks_plan *plan, const lks_step *s, const char *variant,
                              lks_cl_step *o)
{
    const lks_batch_matmul *k = &s->args.batch_matmul;
    const int32_t rows = k->dims[LKS_MAX_RANK - 2], columns = k->dims[LKS_MAX_RANK - 1];
    lks_matrices *m = &o->args.matrices;

    o->kernel = "batch_matmul";
    o->args_bytes = sizeof *m;
    *m = (lks_matrices){ .k = *k, .matrices = 1 };
    for (int axis = 0; axis < LKS_MAX_RANK - 2; axis++) {
        m->matrices *= (uint32_t)k->dims[axis];
        m->by[axis] = lks_magic_of(k->dims[axis]);
    }
    m->by_image = lks_magic_of(m->matrices);
    m->a_load = load_of(k, k->a_image, k->a_stride, LKS_MAX_RANK - 2, k->a_depth);
    m->b_load = load_of(k, k->b_image, k->b_stride, LKS_MAX_RANK - 1, k->b_depth);
    o->which = named(s->kernel, variant, choose_batch_matmul(d, (int64_t)m->matrices * plan->max_batch, rows, columns));
    matrix_work(rows, columns, o);
}

static void make_binary(const lks_step *s, lks_cl_step *o)
{
    lks_pairing *b = &o->args.pairing;
    int32_t stride = 1;

    o->kernel = "binary";
    o->args_bytes = sizeof *b;
    *b = (lks_pairing){ .k = s->args.binary, .elements = product(s->args.binary.dims), .dense = 1 };
    for (int axis = LKS_MAX_RANK - 1; axis >= 0; axis--) {
        if (b->k.dims[axis] != 1 && (b->k.a_stride[axis] != stride || b->k.b_stride[axis] != stride))
            b->dense = 0;
        stride *= b->k.dims[axis];
    }
    b->by_image = lks_magic_of(b->elements);
    all_magics(b->k.dims, b->by);
    direct_work(o, b->elements);
}

static void make_lut(const lks_device_handle *d, const lks_step *s, lks_cl_step *o)
{
    o->kernel = "lut";
    o->args_bytes = sizeof o->args.lut;
    o->args.lut = s->args.lut;
    direct_work(o, (uint64_t)s->args.lut.count);
    o->per_group *= d->limits.is_cpu ? 16 : 4;
}

static void make_requant(const lks_step *s, lks_cl_step *o)
{
    o->kernel = "requant";
    o->args_bytes = sizeof o->args.requant;
    o->args.requant = s->args.requant;
    direct_work(o, (uint64_t)s->args.requant.count);
}

/* The magic numbers of every height of a window, then of every width. */
static uint64_t put_windows(const lks_pooling *a, uint32_t widths, lks_cl_constants *c)
{
    uint64_t at = reserve(c, ((uint64_t)a->heights + widths) * sizeof(lks_magic));
    lks_magic *to = c->bytes ? (lks_magic *)(void *)(c->bytes + at) : NULL;

    for (uint32_t i = 1; to && i < a->heights; i++)
        to[i] = lks_magic_of(i);
    for (uint32_t i = 1; to && i < widths; i++)
        to[a->heights + i] = lks_magic_of(i);
    return at;
}

static uint32_t smaller(int32_t a, int32_t b)
{
    return (uint32_t)(a < b ? a : b);
}

static void make_window(const lks_step *s, lks_cl_constants *c, lks_cl_step *o)
{
    const lks_window *w = &s->args.pool.window;
    lks_pooling *a = &o->args.pooling;

    o->kernel = s->kernel == LKS_KERNEL_WINDOW_MAX ? "window_max" : "window_sum";
    o->args_bytes = sizeof *a;
    *a = (lks_pooling){
        .k = s->args.pool, .pixels = (uint32_t)(w->out_h * w->out_w), .heights = smaller(w->kernel_h, w->in_h) + 1,
        .by_channel = lks_magic_of(s->args.pool.c), .by_image = lks_magic_of((int64_t)w->out_h * w->out_w),
        .by_row = lks_magic_of(w->out_w)
    };
    if (s->kernel == LKS_KERNEL_WINDOW_SUM)
        o->places.table = put_windows(a, smaller(w->kernel_w, w->in_w) + 1, c);
    direct_work(o, (uint64_t)w->images * a->pixels * (uint64_t)a->k.c);
}

static void make_reduce(const lks_device_handle *d, const lks_step *s, const char *variant, lks_cl_step *o)
{
    const lks_reduce *k = &s->args.reduce;
    lks_summing *a = &o->args.summing;
    int32_t stride = 1;

    o->kernel = "reduce";
    o->args_bytes = sizeof *a;
    *a = (lks_summing){ .x_elements = product(k->dims), .kind = k->kind, .x_zero = k->x_zero, .rq = k->rq, .tail = k->tail };
    for (int axis = LKS_MAX_RANK - 1; axis >= 0; axis--) {
        int summed = k->axes >> axis & 1;

        a->kept[axis] = summed ? 1 : k->dims[axis];
        a->summed[axis] = summed ? k->dims[axis] : 1;
        a->stride[axis] = stride;
        stride *= k->dims[axis];
    }
    a->y_elements = product(a->kept);
    a->summed_count = product(a->summed);
    a->by_image = lks_magic_of(a->y_elements);
    all_magics(a->kept, a->by_kept);
    all_magics(a->summed, a->by_summed);
    group_work(d, variant, o, a->y_elements);
}

static void make_softmax(const lks_device_handle *d, const lks_step *s, const char *variant, lks_cl_constants *c,
                         lks_cl_step *o)
{
    o->kernel = "softmax";
    o->args_bytes = sizeof o->args.softmax;
    o->args.softmax = s->args.softmax;
    o->places.table = put(c, s->exp_table, LKS_TABLE_SIZE * sizeof *s->exp_table);
    group_work(d, variant, o, (uint64_t)s->args.softmax.rows);
}

static void make_copy(const lks_step *s, lks_cl_step *o)
{
    lks_moving *a = &o->args.moving;

    o->kernel = "copy";
    o->args_bytes = sizeof *a;
    *a = (lks_moving){ .k = s->args.copy };
    a->elements = product(a->k.dims);
    a->by_image = lks_magic_of(a->elements);
    all_magics(a->k.dims, a->by);
    direct_work(o, a->elements);
}

static void make_gather(const lks_step *s, lks_cl_constants *c, lks_cl_step *o)
{
    const lks_gather *k = &s->args.gather;
    const uint64_t at = reserve(c, ((uint64_t)k->out_a + (uint64_t)k->out_b) * sizeof(int32_t));
    int32_t *to = c->bytes ? (int32_t *)(void *)(c->bytes + at) : NULL;

    if (to) {
        memcpy(to, s->rows, (size_t)k->out_a * sizeof *to);
        memcpy(to + k->out_a, s->columns, (size_t)k->out_b * sizeof *to);
    }
    o->kernel = "gather";
    o->args_bytes = sizeof o->args.gathering;
    o->args.gathering = (lks_gathering){ *k, lks_magic_of(k->inner), lks_magic_of(k->out_b), lks_magic_of(k->out_a) };
    o->places.table = at;
    direct_work(o, (uint64_t)k->outer * (uint64_t)k->out_a * (uint64_t)k->out_b * (uint64_t)k->inner);
}

static void make_bilinear(const lks_step *s, lks_cl_step *o)
{
    const lks_bilinear *k = &s->args.bilinear;

    o->kernel = "bilinear";
    o->args_bytes = sizeof o->args.resizing;
    o->args.resizing = (lks_resizing){
        .k = *k, .by_channel = lks_magic_of(k->c), .by_column = lks_magic_of(k->w.out), .by_row = lks_magic_of(k->h.out)
    };
    direct_work(o, (uint64_t)k->images * (uint64_t)k->h.out * (uint64_t)k->w.out * (uint64_t)k->c);
}

static void make_arg_max(const lks_step *s, lks_cl_step *o)
{
    const lks_arg_max *k = &s->args.arg_max;

    o->kernel = "arg_max";
    o->args_bytes = sizeof o->args.choosing;
    o->args.choosing = (lks_choosing){ .k = *k, .by_inner = lks_magic_of(k->inner) };
    direct_work(o, (uint64_t)k->outer * (uint64_t)k->inner);
}

/* Weights are packed [input][output channel][gate], bias likewise: a cell reads those of its gates at once. */
static void make_lstm(const lks_device_handle *d, const lks_step *s, const char *variant, lks_cl_constants *c, lks_cl_step *o)
{
    const lks_lstm *k = &s->args.lstm;
    const size_t out_c = (size_t)k->out_c, in_c = (size_t)(k->recurrent ? k->out_c : k->in_c), columns = out_c * LKS_GATES;
    int32_t *bias;

    o->kernel = k->recurrent ? "lstm" : "lstm_input";
    o->args_bytes = sizeof o->args.lstm;
    o->args.lstm = (lks_unrolling){ *k, lks_magic_of(k->out_c) };
    o->places.w = reserve(c, columns * in_c);
    o->places.bias = reserve(c, columns * sizeof *bias);
    bias = c->bytes ? (int32_t *)(void *)(c->bytes + o->places.bias) : NULL;
    for (size_t row = 0; c->bytes && row < columns; row++) {
        const size_t column = row % out_c * LKS_GATES + row / out_c;

        for (size_t i = 0; i < in_c; i++)
            c->bytes[o->places.w + i * columns + column] = (uint8_t)s->w[row * in_c + i];
        bias[column] = k->recurrent ? 0 : s->bias[row];
    }
    if (k->recurrent) {
        o->places.table = put(c, s->exp_table, LKS_TABLE_SIZE * sizeof *s->exp_table);
        group_work(d, variant, o, (uint64_t)k->images);
    } else {
        direct_work(o, (uint64_t)k->images * (uint64_t)k->steps * (uint64_t)k->out_c);
    }
}

/* Weights are packed [input][filter], so that neighbours read neighbouring bytes. */
static void make_svdf(const lks_step *s, lks_cl_constants *c, lks_cl_step *o)
{
    const lks_svdf *k = &s->args.svdf;
    const size_t filters = (size_t)k->units * (size_t)k->rank, in_c = (size_t)k->in_c;

    o->kernel = "svdf";
    o->args_bytes = sizeof o->args.svdf;
    o->args.svdf = (lks_streaming){ *k, lks_magic_of(k->units) };
    o->places.w = reserve(c, filters * in_c);
    for (size_t f = 0; c->bytes && f < filters; f++)
        for (size_t i = 0; i < in_c; i++)
            c->bytes[o->places.w + i * filters + f] = (uint8_t)s->w[f * in_c + i];
    o->places.w_time = put(c, s->w_time, filters * (uint64_t)k->memory * sizeof *s->w_time);
    o->places.bias = put(c, s->bias, (uint64_t)k->units * sizeof *s->bias);
    direct_work(o, (uint64_t)k->images * (uint64_t)k->units);
}

/* conv, depthwise and matmul: a product in one of its variants, or straight from the image. */
static void make_linear(lks_device_handle *d, const lks_plan *plan, const lks_step *s, const char *variant,
                        lks_cl_constants *c, lks_cl_step *o)
{
    const shape h = shape_of(s);

    o->which = s->kernel == LKS_KERNEL_DEPTHWISE ? (uint32_t)LKS_CL_DIRECT
             : named(s->kernel, variant, choose_linear(d, h.rows * plan->max_batch, h.group_o, h.conv.groups));
    if (o->which == LKS_CL_DIRECT)
        make_direct(d, s, &h, c, o);
    else
        make_product(s, &h, c, o);
}

void lks_cl_make_step(lks_device_handle *d, const lks_plan *plan, const lks_step *s, const char *variant,
                      lks_cl_constants *constants, lks_cl_step *o)
{
    memset(o, 0, sizeof *o);
    place(plan, s, constants, &o->places);
    switch (s->kernel) {
    case LKS_KERNEL_CONV:
    case LKS_KERNEL_MATMUL:
    case LKS_KERNEL_DEPTHWISE:  make_linear(d, plan, s, variant, constants, o); break;
    case LKS_KERNEL_BATCH_MATMUL: make_batch_matmul(d, plan, s, variant, o); break;
    case LKS_KERNEL_BINARY:     make_binary(s, o); break;
    case LKS_KERNEL_LUT:        make_lut(d, s, o); break;
    case LKS_KERNEL_REQUANT:    make_requant(s, o); break;
    case LKS_KERNEL_WINDOW_MAX:
    case LKS_KERNEL_WINDOW_SUM: make_window(s, constants, o); break;
    case LKS_KERNEL_REDUCE:     make_reduce(d, s, variant, o); break;
    case LKS_KERNEL_SOFTMAX:    make_softmax(d, s, variant, constants, o); break;
    case LKS_KERNEL_COPY:       make_copy(s, o); break;
    case LKS_KERNEL_GATHER:     make_gather(s, constants, o); break;
    case LKS_KERNEL_BILINEAR:   make_bilinear(s, o); break;
    case LKS_KERNEL_ARG_MAX:    make_arg_max(s, o); break;
    case LKS_KERNEL_LSTM:       make_lstm(d, s, variant, constants, o); break;
    case LKS_KERNEL_SVDF:       make_svdf(s, constants, o); break;
    case LKS_KERNEL_COUNT:      break;
    }
}
