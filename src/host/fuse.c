/* SPDX-License-Identifier: Apache-2.0
 *
 * Fusing.  Each rule looks at one step and at the step that makes its operand, and moves the earlier one into the later one's
 * place: by then all other operands have been computed.
 */
#include "host/fuse.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NO_STEP UINT32_MAX

typedef struct fusing {
    const lks_graph *g;
    uint32_t fusions;
    lks_step *steps;
    uint32_t count, tensor_count;
    uint32_t *maker;            /* by tensor: the step that makes it; NO_STEP: none, or several, part by part */
    uint32_t *uses;             /* by tensor: how often it is read, by steps or as an output of the graph */
    bool *gone;                 /* by step: it is part of another one */
} fusing;

/* made: by tensor, false. */
static void count_uses(fusing *f, bool *made)
{
    for (uint32_t t = 0; t < f->tensor_count; t++)
        f->maker[t] = NO_STEP;
    for (uint32_t i = 0; i < f->count; i++) {
        const lks_step *s = &f->steps[i];

        if (s->x >= 0)
            f->uses[s->x]++;
        if (s->x2 >= 0)
            f->uses[s->x2]++;
        f->maker[s->y] = made[s->y] ? NO_STEP : i;
        made[s->y] = true;
    }
    for (uint32_t i = 0; i < f->g->output_count; i++)
        f->uses[f->g->outputs[i]]++;
}

/* The step that makes a tensor which nobody else reads; NULL: there is none. */
static lks_step *only_maker(const fusing *f, int32_t tensor)
{
    if (tensor < 0 || f->maker[tensor] == NO_STEP || f->uses[tensor] != 1)
        return NULL;
    return &f->steps[f->maker[tensor]];
}

/* Step `merged` takes the place of step at; `from`, which it came from, is gone. */
static void replace(fusing *f, uint32_t at, const lks_step *from, lks_step merged)
{
    f->gone[from - f->steps] = true;
    f->steps[at] = merged;
    f->maker[merged.y] = at;
}

static bool is_linear(const lks_step *s)
{
    return s->kernel == LKS_KERNEL_CONV || s->kernel == LKS_KERNEL_DEPTHWISE || s->kernel == LKS_KERNEL_MATMUL;
}

static lks_fused *fused_of(lks_step *s)
{
    return s->kernel == LKS_KERNEL_MATMUL ? &s->args.matmul.fused : &s->args.conv.fused;
}

/* ---- pad into conv ------------------------------------------------------------------------------------------------------- */

/* Do these strides walk through all of a dense tensor of that shape, from its first element? */
static bool walks_all(const int32_t *dims, const int32_t *strides, int32_t first, int32_t image)
{
    int32_t stride = 1;

    for (int axis = LKS_MAX_RANK - 1; axis >= 0; axis--) {
        if (dims[axis] != 1 && strides[axis] != stride)
            return false;
        stride *= dims[axis];
    }
    return first == 0 && image == stride;
}

/* Is y the whole of x, in order, with nothing but padding around it? */
static bool is_pad(const lks_copy *c)
{
    return walks_all(c->x_dims, c->x_stride, c->x_first, c->x_image) && walks_all(c->dims, c->y_stride, c->y_first, c->y_image);
}

static bool pads_h_and_w_only(const lks_copy *c)
{
    for (int axis = 0; axis < LKS_MAX_RANK; axis++)
        if (axis != 1 && axis != 2 && (c->before[axis] != 0 || c->x_dims[axis] != c->dims[axis]))
            return false;
    return is_pad(c) && c->before[1] >= 0 && c->before[2] >= 0 && c->x_dims[1] + c->before[1] <= c->dims[1]
        && c->x_dims[2] + c->before[2] <= c->dims[2];
}

/* Does any window reach beyond the image? */
static bool has_padding(const lks_window *w)
{
    return w->pad_top > 0 || w->pad_left > 0
        || (int64_t)(w->out_h - 1) * w->stride_h + (int64_t)(w->kernel_h - 1) * w->dilation_h - w->pad_top >= w->in_h
        || (int64_t)(w->out_w - 1) * w->stride_w + (int64_t)(w->kernel_w - 1) * w->dilation_w - w->pad_left >= w->in_w;
}

/* Does the convolution read what the copy makes as the images that it is?  A scale may read it as one row. */
static bool is_image_of(const lks_conv *k, const lks_copy *c)
{
    return k->window.images == c->dims[0] && k->window.in_h == c->dims[1] && k->window.in_w == c->dims[2]
        && k->in_c == c->dims[3];
}

/* Elements beyond the padded image count as its padding, so both must have the same value. */
static void fuse_pad(fusing *f, uint32_t at)
{
    lks_step merged = f->steps[at];
    const lks_step *pad = only_maker(f, merged.x);
    lks_window *w = &merged.args.conv.window;

    if (merged.kernel == LKS_KERNEL_MATMUL || !pad || pad->kernel != LKS_KERNEL_COPY || pad->x < 0)
        return;
    if (!pads_h_and_w_only(&pad->args.copy) || !is_image_of(&merged.args.conv, &pad->args.copy))
        return;
    if (has_padding(w) && merged.args.conv.pad_value != pad->args.copy.fill)
        return;
    w->in_h = pad->args.copy.x_dims[1];
    w->in_w = pad->args.copy.x_dims[2];
    w->pad_top += pad->args.copy.before[1];
    w->pad_left += pad->args.copy.before[2];
    merged.args.conv.pad_value = pad->args.copy.fill;
    merged.x = pad->x;
    replace(f, at, pad, merged);
}

/* ---- add and sub into a linear kernel ------------------------------------------------------------------------------------ */

/* Are both operands activations of the very shape of y? */
static bool is_dense(const lks_binary *b)
{
    int32_t stride = 1;

    for (int axis = LKS_MAX_RANK - 1; axis >= 0; axis--) {
        if (b->dims[axis] != 1 && (b->a_stride[axis] != stride || b->b_stride[axis] != stride))
            return false;
        stride *= b->dims[axis];
    }
    return b->a_image == stride && b->b_image == stride;
}

static lks_addition swapped(lks_addition a)
{
    lks_addition s = a;

    s.a_zero = a.b_zero;
    s.b_zero = a.a_zero;
    s.subtracts = -a.subtracts;
    s.a_rq = a.b_rq;
    s.b_rq = a.a_rq;
    return s;
}

static bool takes_add(lks_step *maker)
{
    return maker && is_linear(maker) && !fused_of(maker)->adds && !maker->table;
}

/* The operand that is made later takes the other one as its x2. */
static void fuse_add(fusing *f, uint32_t at)
{
    const lks_step *add = &f->steps[at];
    lks_step *a = only_maker(f, add->x), *b = only_maker(f, add->x2), *from, merged;

    if (add->args.binary.pair.kind != LKS_BINARY_ADD || !is_dense(&add->args.binary))
        return;
    if (add->x < 0 || add->x2 < 0 || add->table)
        return;
    a = takes_add(a) ? a : NULL;
    b = takes_add(b) ? b : NULL;
    from = !a ? b : !b || a > b ? a : b;
    if (!from)
        return;
    merged = *from;
    merged.last_op = add->last_op;
    merged.x2 = from == a ? add->x2 : add->x;
    merged.y = add->y;
    *fused_of(&merged) = (lks_fused){ 1, from == a ? add->args.binary.pair.add : swapped(add->args.binary.pair.add) };
    replace(f, at, from, merged);
}

/* ---- table --------------------------------------------------------------------------------------------------------------- */

static void fuse_table(fusing *f, uint32_t at)
{
    const lks_step *lut = &f->steps[at], *from = only_maker(f, lut->x);
    lks_step merged;

    if (!from || from->table || !(is_linear(from) || from->kernel == LKS_KERNEL_BINARY))
        return;
    merged = *from;
    merged.last_op = lut->last_op;
    merged.y = lut->y;
    merged.table = lut->table;
    replace(f, at, from, merged);
}

/* ---- alias --------------------------------------------------------------------------------------------------------------- */

/* Does it copy the whole of x, in order, with nothing around it? */
static bool copies_all(const lks_copy *c)
{
    static const int32_t none[LKS_MAX_RANK] = { 0 };

    return walks_all(c->x_dims, c->x_stride, c->x_first, c->x_image) && memcmp(c->x_dims, c->dims, sizeof c->dims) == 0
        && memcmp(c->before, none, sizeof none) == 0;
}

static bool moves_nothing(const lks_step *s)
{
    const lks_copy *c = &s->args.copy;

    return s->x >= 0 && copies_all(c) && walks_all(c->dims, c->y_stride, c->y_first, c->y_image);
}

static void fuse_alias(fusing *f, uint32_t at, uint32_t *home)
{
    home[f->steps[at].y] = home[f->steps[at].x];        /* x was made before: its home is final */
    f->gone[at] = true;
}

/* ---- place --------------------------------------------------------------------------------------------------------------- */

/* Does the copy put all of what the conv makes into channels y_first, ... of images of y_pixel channels? */
static bool fills_channels(const lks_conv *k, const lks_copy *c)
{
    const int32_t dims[LKS_MAX_RANK] = { k->window.images, k->window.out_h, k->window.out_w, k->out_c, 1, 1 };
    const int64_t pixels = (int64_t)k->window.images * k->window.out_h * k->window.out_w;
    int64_t stride = c->y_image / pixels;

    if (memcmp(c->dims, dims, sizeof dims) != 0 || c->y_image % pixels != 0 || c->y_stride[3] != 1)
        return false;
    if (c->y_first < 0 || c->y_first + (int64_t)k->out_c > stride)
        return false;
    for (int axis = 2; axis >= 0; axis--) {
        if (dims[axis] != 1 && c->y_stride[axis] != stride)
            return false;
        stride *= dims[axis];
    }
    return true;
}

/* The part of a concat that a conv makes.  Others make the rest, so that nobody is the maker of y. */
static void fuse_place(fusing *f, uint32_t at)
{
    const lks_step *copy = &f->steps[at], *from = only_maker(f, copy->x);
    const lks_copy *c = &copy->args.copy;
    lks_step merged;

    if (!from || from->kernel != LKS_KERNEL_CONV || from->args.conv.y_pixel || !copies_all(c)
        || !fills_channels(&from->args.conv, c))
        return;
    merged = *from;
    merged.last_op = copy->last_op;
    merged.y = copy->y;
    merged.args.conv.y_pixel = c->y_image / (c->x_image / from->args.conv.out_c);
    merged.args.conv.y_first = c->y_first;
    f->gone[from - f->steps] = true;
    f->steps[at] = merged;
}

/* ---- all ----------------------------------------------------------------------------------------------------------------- */

static void fuse_step(fusing *f, uint32_t at, uint32_t *home)
{
    const lks_kernel kernel = f->steps[at].kernel;

    if (f->fusions & LKS_FUSE_PAD && is_linear(&f->steps[at]))
        fuse_pad(f, at);
    else if (f->fusions & LKS_FUSE_ADD && kernel == LKS_KERNEL_BINARY)
        fuse_add(f, at);
    else if (f->fusions & LKS_FUSE_TABLE && kernel == LKS_KERNEL_LUT)
        fuse_table(f, at);
    else if (f->fusions & LKS_FUSE_ALIAS && kernel == LKS_KERNEL_COPY && moves_nothing(&f->steps[at]))
        fuse_alias(f, at, home);
    else if (f->fusions & LKS_FUSE_PLACE && kernel == LKS_KERNEL_COPY)
        fuse_place(f, at);
}

static void remove_gone(const fusing *f, uint32_t *count)
{
    *count = 0;
    for (uint32_t i = 0; i < f->count; i++)
        if (!f->gone[i])
            f->steps[(*count)++] = f->steps[i];
}

lks_status lks_fuse(const lks_graph *g, uint32_t fusions, lks_lowered *lowered, uint32_t *count, uint32_t *home)
{
    fusing f = {
        .g = g, .fusions = fusions, .steps = lowered->steps, .count = lowered->step_count,
        .tensor_count = g->tensor_count + lowered->scratch_count
    };
    bool *made = calloc(f.tensor_count, sizeof *made);
    lks_status st = LKS_ERR_NOMEM;

    f.maker = malloc(f.tensor_count * sizeof *f.maker);
    f.uses = calloc(f.tensor_count, sizeof *f.uses);
    f.gone = calloc(f.count, sizeof *f.gone);
    if (made && f.maker && f.uses && f.gone) {
        for (uint32_t t = 0; t < f.tensor_count; t++)
            home[t] = t;
        count_uses(&f, made);
        for (uint32_t i = 0; i < f.count; i++)
            fuse_step(&f, i, home);
        remove_gone(&f, count);
        st = LKS_OK;
    }
    free(made);
    free(f.maker);
    free(f.uses);
    free(f.gone);
    return st;
}
