/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernels share: where the operands of a step lie, exact division by a constant, and what follows an accumulator.
 */

/* Divides by d: x / d = (mulhi(x, m) + x) >> s for x < 2^31, with s = ceil(log2 d), m = floor(2^32 (2^s - d) / d) + 1. (Granlund and
 * Montgomery, 1994, theorem 4.2; d = 1: m = 1, s = 0, where mulhi(x, 1) = 0.) */
typedef struct lks_magic {
    uint32_t m, s;
} lks_magic;

/* Byte offsets: x, x2, y of the arena or, where the step has a constant there, of the constants; the others of the constants. */
typedef struct lks_places {
    uint64_t x, x2, y, w, bias, rq, table;
    int32_t x_constant, x2_constant, has_table, n;
} lks_places;

LKS_FN uint lks_divide(uint x, lks_magic d)
{
    return (mul_hi(x, d.m) + x) >> d.s;
}

LKS_FN int8_t lks_look_up(int8_t y, __global const int8_t *table)
{
    return table ? table[y + 128] : y;
}

/* The tail of a linear kernel: output channel o, at index at of y and x2. */
LKS_FN int8_t lks_linear_tail(uint acc, uint o, size_t at, const lks_tail *t, const lks_fused *f, __global const int32_t *bias,
                                     __global const lks_rq *rq, __global const int8_t *x2, __global const int8_t *table)
{
    int8_t y = lks_finish((int32_t)(acc + (uint)bias[o]), rq[o], *t);

    if (f->adds)
        y = lks_add(y, x2[at], f->add);
    return lks_look_up(y, table);
}

#define LKS_OPERAND(name) (p.name##_constant ? constants + p.name : (__global const int8_t *)arena + p.name)
#define LKS_TABLE (p.has_table ? constants + p.table : (__global const int8_t *)0)
