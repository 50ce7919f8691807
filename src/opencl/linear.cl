/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernels share: where operands lie, and what follows an accumulator; and, for conv and matmul, the rows of their
 * product.
 */

#define LKS_OPERAND(name) (p.name##_constant ? constants + p.name : (__global const int8_t *)arena + p.name)
#define LKS_TABLE (p.has_table ? constants + p.table : (__global const int8_t *)0)
#define LKS_BIAS ((__global const int32_t *)(constants + p.bias))
#define LKS_RQ ((__global const lks_rq *)(constants + p.rq))

LKS_FN int8_t lks_look_up(int8_t y, __global const int8_t *table)
{
    return table ? table[y + 128] : y;
}

/* Where the values behind an accumulator come from.  x2: at the element itself. */
LKS_FN int8_t lks_linear_tail(uint acc, lks_rq rq, lks_tail t, const lks_fused *f, __global const int8_t *x2,
                              __global const int8_t *table)
{
    int8_t y = lks_finish((int32_t)acc, rq, t);

    if (f->adds)
        y = lks_add(y, *x2, f->add);
    return lks_look_up(y, table);
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------- */

/*
 * Row m of a: its image, and where its window begins.
 *
 * plain, here and below, is a constant of the kernel: every row is one run of memory, as in matmul, and in a conv of 1 x 1 that
 * has neither stride nor padding.
 */
typedef struct lks_row {
    size_t image;               /* the first byte of it; plain: of the row */
    int h, w;
} lks_row;

LKS_FN lks_row lks_find_row(const lks_linear *l, uint m, int plain)
{
    if (plain)
        return (lks_row){ (size_t)m * (size_t)l->in_c, 0, 0 };

    uint image = lks_divide(m, l->by_image), rest = m - image * l->rows_per_image, p = lks_divide(rest, l->by_row);
    uint q = rest - p * (uint)l->out_w;
    lks_row row;

    row.image = (size_t)image * (size_t)l->in_h * (size_t)l->in_w * (size_t)l->in_c;
    row.h = (int)p * l->stride_h - l->pad_top;
    row.w = (int)q * l->stride_w - l->pad_left;
    return row;
}

/* The bytes of one word that are channels, as a mask. */
LKS_FN uint lks_valid(int channels)
{
    return channels >= 4 ? 0xffffffffu : (1u << (8 * channels)) - 1;
}

/* Four channels from c on, of which there may be fewer. */
LKS_FN uint lks_load_channels(const lks_linear *l, __global const int8_t *x, int c)
{
    uint word = 0;

    if ((l->in_c & 3) == 0 && (l->group_c & 3) == 0)
        return *(__global const uint *)(x + c);
    for (int j = 0; j < 4; j++)
        word |= c + j < l->group_c ? (uint)(uint8_t)x[c + j] << (8 * j) : 0;
    return word;
}

/* The tap that word k of a row belongs to: where it lies, or 0: outside the image.  *c: the channel of the word. */
LKS_FN __global const int8_t *lks_find_tap(const lks_linear *l, const lks_row *row, __global const int8_t *x, uint k, int plain,
                                           int *c)
{
    if (plain) {
        *c = (int)k << 2;
        return x + row->image;
    }

    uint tap = lks_divide(k, l->by_tap), kh = lks_divide(tap, l->by_kernel_w), kw = tap - kh * (uint)l->kernel_w;
    int h = row->h + (int)kh * l->dilation_h, w = row->w + (int)kw * l->dilation_w;

    *c = (int)(k - tap * l->tap_words) << 2;
    if (h < 0 || h >= l->in_h || w < 0 || w >= l->in_w)
        return 0;
    return x + row->image + ((size_t)h * (size_t)l->in_w + (size_t)w) * (size_t)l->in_c;
}

LKS_FN uint lks_load_word(const lks_linear *l, const lks_row *row, __global const int8_t *x, uint k, int plain)
{
    int c;
    __global const int8_t *pixel = lks_find_tap(l, row, x, k, plain, &c);

    if (k >= l->words)
        return 0;
    return pixel ? lks_load_channels(l, pixel, c) : ((uint)(uint8_t)l->pad_value * 0x01010101u) & lks_valid(l->group_c - c);
}

/* Words k .. k + 3, k a multiple of 4: of one tap, and one load, where a tap has a multiple of 4. */
LKS_FN uint4 lks_load_words(const lks_linear *l, const lks_row *row, __global const int8_t *x, uint k, int plain)
{
    __global const int8_t *pixel;
    int c;

    if ((l->in_c & 15) != 0 || (l->group_c & 15) != 0)
        return (uint4)(lks_load_word(l, row, x, k, plain), lks_load_word(l, row, x, k + 1, plain),
                       lks_load_word(l, row, x, k + 2, plain), lks_load_word(l, row, x, k + 3, plain));
    if (k >= l->words)
        return (uint4)(0);
    pixel = lks_find_tap(l, row, x, k, plain, &c);
    return pixel ? vload4(0, (__global const uint *)(pixel + c)) : (uint4)((uint)(uint8_t)l->pad_value * 0x01010101u);
}
