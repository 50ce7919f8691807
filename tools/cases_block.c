/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases that are blocks as networks have them, which the host fuses: a pad, a linear op, a residual add, a table, a concat, a
 * reshape.  And what looks like one and must stay as it is: a tensor with a second reader, an output in between, a pad of
 * channels, a concat of lines.
 */
#include "tools/cases_maker.h"

typedef struct block {
    maker *m;
    flow x, linear;             /* the input of the linear op, and what it gives */
    conv_shape conv;            /* of it, where x is an image */
    bool scales;                /* it is a scale */
} block;

/* One tensor in eight is an output of the graph as well. */
static flow maybe_output(block *b, flow y)
{
    if (draw_one_in(&b->m->s, 8))
        lks_builder_output(b->m->b, y.tensor);
    return y;
}

static flow draw_input(maker *m)
{
    draw *d = &m->s;
    const uint32_t n = 1 + draw_below(d, 3), h = 1 + draw_below(d, 9), w = 1 + draw_below(d, 9);
    const uint32_t c = (uint32_t)DRAW(d, 1, 2, 3, 4, 8, 12, 16, 17, 32);

    m->batch = 1 + draw_below(d, 4);
    if (draw_one_in(d, 4))
        return add_input(m, flow_shape(2, (const uint32_t[]){ n, h * w * c }));
    if (draw_one_in(d, 10))
        return add_input(m, flow_shape(3, (const uint32_t[]){ n, h * w, c }));
    return add_input(m, flow_shape(4, (const uint32_t[]){ n, h, w, c }));
}

/* Of h and w; one in six of the channels too.  Of rank 3, what stands in their places. */
static flow add_block_pad(block *b, const flow *x)
{
    draw *d = &b->m->s;
    uint32_t before[LKS_MAX_RANK] = { 0 }, after[LKS_MAX_RANK] = { 0 };

    for (uint32_t i = 1; i <= 2; i++) {
        before[i] = draw_below(d, 3);
        after[i] = draw_below(d, 3);
    }
    after[3] = draw_one_in(d, 6) ? 1 : 0;
    return maybe_output(b, add_pad(b->m, x, before, after));
}

static void draw_conv(block *b)
{
    draw *d = &b->m->s;
    const flow *x = &b->x;
    uint32_t channels = x->dims[3];

    b->conv = (conv_shape){ .groups = 1, .group_c = channels };
    b->conv.h = draw_axis_over(d, x->dims[1], true);
    b->conv.w = draw_axis_over(d, x->dims[2], true);
    if (draw_one_in(d, 3))
        b->conv = (conv_shape){ b->conv.h, b->conv.w, channels, 1, 0 };
    b->conv.group_o = b->conv.groups > 1 ? 1 + draw_below(d, 2) : draw_one_in(d, 2) ? channels : 1 + draw_below(d, 40);
}

/* Another one of the same shape may be asked for. */
static flow add_linear(block *b)
{
    uint32_t dims[2] = { b->x.dims[0], 1 + b->x.elements % 37 };

    if (b->scales)
        return add_scale(b->m, &b->x);
    if (b->x.rank == 4)
        return add_conv(b->m, &b->x, &b->conv);
    return add_fully_connected(b->m, &b->x, b->x.dims[1], flow_shape(2, dims));
}

/* Of the shape of y, but for one extent that is broadcast. */
static flow add_narrow_input(block *b)
{
    flow narrow = flow_shape(b->linear.rank, b->linear.dims);

    narrow.dims[1 + draw_below(&b->m->s, narrow.rank - 1)] = 1;
    return add_input(b->m, flow_shape(narrow.rank, narrow.dims));
}

static flow add_residual(block *b)
{
    const uint32_t kind = (uint32_t)DRAW(&b->m->s, LKS_OP_ADD, LKS_OP_ADD, LKS_OP_SUB, LKS_OP_MUL);
    flow other = b->linear, y;

    switch (draw_below(&b->m->s, 8)) {
    case 0:  break;                                             /* with itself */
    case 1:  other = add_lut(b->m, &b->linear); break;          /* a second reader */
    case 2:  other = add_linear(b); break;                      /* two that could take the other */
    case 3:  other = add_narrow_input(b); break;
    default: other = add_input(b->m, b->linear); break;
    }
    if (draw_one_in(&b->m->s, 2))
        y = add_pair(b->m, kind, &b->linear, &other, b->linear, false);
    else
        y = add_pair(b->m, kind, &other, &b->linear, b->linear, false);
    return maybe_output(b, y);
}

/* Channels beside those of another conv of the same image, or its own; where both have as many, now and then lines, or rows. */
static flow add_branch(block *b, const flow *y)
{
    draw *d = &b->m->s;
    flow part[2] = { *y, *y };
    conv_shape other = b->conv;
    uint32_t at_axis = 3;

    if (!draw_one_in(d, 6)) {
        other.group_o = other.groups > 1 || draw_one_in(d, 2) ? other.group_o : 1 + draw_below(d, 40);
        part[1 - draw_below(d, 2)] = maybe_output(b, add_conv(b->m, &b->x, &other));
    }
    if (other.group_o == b->conv.group_o && draw_one_in(d, 6))
        at_axis = 1 + draw_below(d, 2);
    return maybe_output(b, add_concat(b->m, part, 2, at_axis));
}

flow make_block(maker *m)
{
    draw *d = &m->s;
    block b = { .m = m };
    flow y;

    b.x = draw_input(m);
    if (b.x.rank >= 3 && draw_one_in(d, b.x.rank == 3 ? 2 : 3))
        b.x = add_block_pad(&b, &b.x);
    if (b.x.rank == 4)
        draw_conv(&b);
    b.scales = b.x.rank == 3 || draw_one_in(d, 5);
    y = b.linear = maybe_output(&b, add_linear(&b));
    if (!draw_one_in(d, 3))
        y = add_residual(&b);
    if (draw_one_in(d, 2))
        y = maybe_output(&b, draw_one_in(d, 2) ? add_lut(m, &y) : add_requant(m, &y));
    if (b.x.rank == 4 && !b.scales && draw_one_in(d, 3))
        y = add_branch(&b, &y);
    if (draw_one_in(d, 3))
        y = add_reshape(m, &y, flow_shape(2, (const uint32_t[]){ y.dims[0], y.elements / y.dims[0] }));
    return add_lut(m, &y);
}
