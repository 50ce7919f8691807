/* SPDX-License-Identifier: Apache-2.0
 *
 * The product of opencl/args.h for a device that is a CPU: 4 rows by 32 columns in the registers of one work-item, without local
 * memory.
 *
 * Pairs of int16 products are added to int32: the multiply-add of the vector units (pmaddwd on x86), which two int8 factors
 * cannot overflow.  Weights are packed as int16: [group][block of 32 columns][pair of k][column][2], each tap filled up to an
 * even number of channels with zeros.
 */
#define ROWS 4
#define COLUMNS 32

/* Where the taps of a row lie: a run of pads where they are outside the image. */
LKS_FN __global const int8_t *lks_wide_tap(const lks_linear *l, const lks_row *row, __global const int8_t *x,
                                           __global const int8_t *pads, int kh, int kw, int plain)
{
    int h = row->h + kh * l->dilation_h, w = row->w + kw * l->dilation_w;

    if (plain)
        return x + row->image;
    if (h < 0 || h >= l->in_h || w < 0 || w >= l->in_w)
        return pads;
    return x + row->image + ((size_t)h * (size_t)l->in_w + (size_t)w) * (size_t)l->in_c;
}

/*
 * Hides from the compiler how v came to be: of a sum of two products and another term it would add that one first, and only the
 * two products of a pair, added to each other, are one multiply-add.
 */
#if defined(__x86_64__)
#define OPAQUE(v) __asm__("" : "+v"(v))
#else
#define OPAQUE(v)
#endif

/* Of each pair the products, added. */
LKS_FN uint8 lks_pairs(short16 w, short16 x)
{
    const int16 p = convert_int16(w) * convert_int16(x);
    int8 sum = p.even + p.odd;

    OPAQUE(sum);
    return as_uint8(sum);
}

/* acc[r][j] += the columns 8 j .. 8 j + 7 of row r, over one pair of channels. */
LKS_FN void lks_wide_pair(__global const short *w, const short *x0, const short *x1, uint8 acc[ROWS][4])
{
    const short16 w0 = vload16(0, w), w1 = vload16(1, w), w2 = vload16(2, w), w3 = vload16(3, w);

    #pragma unroll
    for (int r = 0; r < ROWS; r++) {
        const short16 x = as_short16((uint8)((uint)(ushort)x0[r] | (uint)(ushort)x1[r] << 16));

        acc[r][0] += lks_pairs(w0, x);
        acc[r][1] += lks_pairs(w1, x);
        acc[r][2] += lks_pairs(w2, x);
        acc[r][3] += lks_pairs(w3, x);
    }
}

/* One tap; sum[r]: of the row alone, where it is needed. */
LKS_FN void lks_wide_multiply(const lks_linear *l, __global const int8_t *const *tap, __global const short *w,
                              uint8 acc[ROWS][4], uint sum[ROWS])
{
    const int even = l->group_c & ~1;
    short x0[ROWS], x1[ROWS];

    for (int c = 0; c < even; c += 2, w += 2 * COLUMNS) {
        #pragma unroll
        for (int r = 0; r < ROWS; r++) {
            x0[r] = tap[r][c];
            x1[r] = tap[r][c + 1];
        }
        lks_wide_pair(w, x0, x1, acc);
    }
    if (even < l->group_c) {
        for (int r = 0; r < ROWS; r++) {
            x0[r] = tap[r][even];
            x1[r] = 0;
        }
        lks_wide_pair(w, x0, x1, acc);
    }
    for (int r = 0; l->w_zero != 0 && r < ROWS; r++)
        for (int c = 0; c < l->group_c; c++)
            sum[r] += (uint)tap[r][c];
}

LKS_FN void lks_wide_finish(const lks_linear *l, lks_places p, __global int8_t *arena, __global const int8_t *constants, uint m,
                            uint group, uint o, uint zero, const uint8 *acc)
{
    const uint first = group * (uint)l->group_o + o;
    const size_t at = (size_t)m * (size_t)l->out_c + first;
    __global const int8_t *x2 = LKS_OPERAND(x2);
    uint value[COLUMNS];

    for (int j = 0; j < 4; j++)
        vstore8(acc[j], j, value);
    for (uint j = 0; j < COLUMNS && o + j < (uint)l->group_o; j++)
        arena[p.y + at + j] = lks_linear_tail(value[j] + (uint)LKS_BIAS[first + j] - zero, LKS_RQ[first + j], l->tail, &l->fused,
                                              x2 + at + j, LKS_TABLE);
}

/* Global ids: block of rows, block of columns, group. */
LKS_FN void lks_product_of_rows(const lks_linear *l, lks_places p, __global int8_t *arena, __global const int8_t *constants,
                                int plain)
{
    const uint m0 = (uint)get_global_id(0) * ROWS, block = (uint)get_global_id(1), group = (uint)get_global_id(2);
    const uint rows = p.count;
    __global const int8_t *x = LKS_OPERAND(x) + group * (uint)l->group_c, *pads = constants + p.pads, *tap[ROWS];
    __global const short *w = (__global const short *)(constants + p.w);
    uint8 acc[ROWS][4];
    uint sum[ROWS];
    lks_row row[ROWS];

    w += ((size_t)group * l->blocks + block) * l->words * 2 * COLUMNS;
    for (uint r = 0; r < ROWS; r++) {
        row[r] = lks_find_row(l, min(m0 + r, rows - 1), plain);
        sum[r] = 0;
        for (int j = 0; j < 4; j++)
            acc[r][j] = (uint8)(0);
    }
    for (int kh = 0; kh < l->kernel_h; kh++) {
        for (int kw = 0; kw < l->kernel_w; kw++, w += (size_t)l->tap_words * 2 * COLUMNS) {
            for (int r = 0; r < ROWS; r++)
                tap[r] = lks_wide_tap(l, &row[r], x, pads, kh, kw, plain);
            lks_wide_multiply(l, tap, w, acc, sum);
        }
    }
    for (uint r = 0; r < ROWS && m0 + r < rows; r++)
        lks_wide_finish(l, p, arena, constants, m0 + r, group, block * COLUMNS, (uint)l->w_zero * sum[r], acc[r]);
}

#define LKS_GROUP
#define LKS_LOCAL
#define LKS_PRODUCT(plain) lks_product_of_rows(&l, p, arena, constants, plain)

/* y[i] = y[i] + a[i] . b[i], as in opencl/dot.cl. */
__kernel void dot_test_kernel(__global const uint *a, __global const uint *b, __global uint *y)
{
    const size_t i = get_global_id(0);
    const short4 w = convert_short4(as_char4(a[i])), x = convert_short4(as_char4(b[i]));
    const short16 zero = (short16)(0);
    const uint8 sum = lks_pairs((short16)(w, zero.s0123, zero.s01234567), (short16)(x, zero.s0123, zero.s01234567));

    y[i] += sum.s0 + sum.s1;
}

/*
 * rounds of 8 multiply-adds in registers, 16 * 8 * rounds MACs a work-item.  No two have the same operands, or a compiler would
 * do one of them; those of w are 8 bits wide, so that a pair of products stays in int32.
 */
__kernel void dot_exercise_kernel(__global uint *y, uint rounds)
{
    short16 w[8];
    uint8 acc[8];

    #pragma unroll
    for (uint j = 0; j < 8; j++) {
        w[j] = as_short16((uint8)((((uint)get_global_id(0) + j) * 0x9E3779B9u) & 0x00ff00ffu));
        acc[j] = (uint8)(j);
    }
    for (uint i = 0; i < rounds; i++) {
        const short16 x = as_short16((uint8)(i * 0x85EBCA6Bu));

        #pragma unroll
        for (int j = 0; j < 8; j++) {
            OPAQUE(w[j]);           /* or what widening it gives is kept, and narrowed again for every use */
            acc[j] += lks_pairs(w[j], x);
        }
    }
    #pragma unroll
    for (int j = 1; j < 8; j++)
        acc[0] ^= acc[j];
    y[get_global_id(0)] = acc[0].s0 ^ acc[0].s7;
}
