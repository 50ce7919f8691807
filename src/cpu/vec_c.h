/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors of 8 int32 in portable C, and what each function of a vec_*.h does.  All arithmetic is modulo 2^32.
 */
#ifndef LKS_CPU_VEC_C_H
#define LKS_CPU_VEC_C_H

#include "cpu/isa.h"
#include "cpu/target.h"
#include "spec/arith.h"

#include <string.h>

#define LANES 8             /* int32 of a vector */
#define MAX_VECTORS 2       /* of columns in a tile */
#define X_OFFSET 0          /* what v_tile_x and v_quads add to each element */
#define X_BYTES 1           /* of an element of x in tiles */
#define K_STEP 4            /* elements of depth in a step */
#define REGISTER "m"        /* where LKS_KEEP keeps one */

typedef struct v {
    uint32_t e[LANES];
} v;

#define EACH_LANE for (int i = 0; i < LANES; i++)

LKS_INLINE v v_load(const int32_t *p)
{
    v r;

    memcpy(&r, p, sizeof r);
    return r;
}

LKS_INLINE void v_store(int32_t *p, v a)
{
    memcpy(p, &a, sizeof a);
}

LKS_INLINE v v_set(int32_t a)
{
    v r;

    EACH_LANE r.e[i] = (uint32_t)a;
    return r;
}

LKS_INLINE v v_zero(void)
{
    return v_set(0);
}

LKS_INLINE v v_add(v a, v b)
{
    EACH_LANE a.e[i] += b.e[i];
    return a;
}

LKS_INLINE v v_sub(v a, v b)
{
    EACH_LANE a.e[i] -= b.e[i];
    return a;
}

/* The lower half of the product. */
LKS_INLINE v v_mul(v a, v b)
{
    EACH_LANE a.e[i] *= b.e[i];
    return a;
}

LKS_INLINE v v_min(v a, v b)
{
    EACH_LANE a.e[i] = (int32_t)a.e[i] < (int32_t)b.e[i] ? a.e[i] : b.e[i];
    return a;
}

LKS_INLINE v v_max(v a, v b)
{
    EACH_LANE a.e[i] = (int32_t)a.e[i] > (int32_t)b.e[i] ? a.e[i] : b.e[i];
    return a;
}

/* floor(a / 2^n), 0 <= n <= 31. */
LKS_INLINE v v_sra(v a, v n)
{
    EACH_LANE a.e[i] = (uint32_t)lks_shr32((int32_t)a.e[i], (int32_t)n.e[i]);
    return a;
}

/* a * 2^n, 0 <= n <= 31. */
LKS_INLINE v v_sll(v a, v n)
{
    EACH_LANE a.e[i] <<= n.e[i];
    return a;
}

/* -1 where a is negative, else 0. */
LKS_INLINE v v_sign(v a)
{
    EACH_LANE a.e[i] = 0u - (a.e[i] >> 31);
    return a;
}

/* LANES elements, sign-extended. */
LKS_INLINE v v_widen8(const int8_t *p)
{
    v r;

    EACH_LANE r.e[i] = (uint32_t)(int32_t)p[i];
    return r;
}

LKS_INLINE v v_widen16(const int16_t *p)
{
    v r;

    EACH_LANE r.e[i] = (uint32_t)(int32_t)p[i];
    return r;
}

/* LANES bytes, saturated. */
LKS_INLINE void v_narrow8(int8_t *p, v a)
{
    EACH_LANE p[i] = (int8_t)lks_clamp((int32_t)a.e[i], -128, 127);
}

/* The 64-bit constant of lanes i and i + 1. */
LKS_INLINE int64_t pair64(const v *c, int i)
{
    int64_t r;

    memcpy(&r, &c->e[i], sizeof r);
    return r;
}

/*
 * (a * m + c) / 2^32, rounded down, per lane; a * m is signed and of 64 bits.  m_odd: m of odd lanes in even lanes.  c_even,
 * c_odd: one int64 per two lanes.
 */
LKS_INLINE v v_product32(v a, v m, v m_odd, v c_even, v c_odd)
{
    v r;

    (void)m_odd;
    EACH_LANE {
        const int64_t c = pair64(i & 1 ? &c_odd : &c_even, i & ~1);

        r.e[i] = (uint32_t)(((uint64_t)((int64_t)(int32_t)a.e[i] * (int32_t)m.e[i] + c)) >> 32);
    }
    return r;
}

/* The upper half of a * m + c modulo 2^64, where a and m are unsigned. */
LKS_INLINE v v_product32u(v a, v m, v m_odd, v c_even, v c_odd)
{
    v r;

    (void)m_odd;
    EACH_LANE {
        const int64_t c = pair64(i & 1 ? &c_odd : &c_even, i & ~1);

        r.e[i] = (uint32_t)(((uint64_t)a.e[i] * m.e[i] + (uint64_t)c) >> 32);
    }
    return r;
}

/* (a * m + c) / 2^31, which fits int32. */
LKS_INLINE v v_product31(v a, v m, v m_odd, v c_even, v c_odd)
{
    v r;

    (void)m_odd;
    EACH_LANE {
        const int64_t c = pair64(i & 1 ? &c_odd : &c_even, i & ~1);

        r.e[i] = (uint32_t)(((uint64_t)((int64_t)(int32_t)a.e[i] * (int32_t)m.e[i] + c)) >> 31);
    }
    return r;
}

/* ---- products ------------------------------------------------------------------------------------------------------------ */

/* K_STEP elements of x, in every lane; LANES columns of as many weights; and the sum of their products, added to acc. */
LKS_INLINE v v_tile_x(const int8_t *p)
{
    uint32_t word;

    memcpy(&word, p, sizeof word);
    return v_set((int32_t)word);
}

LKS_INLINE v v_tile_w(const int8_t *p)
{
    v r;

    memcpy(&r, p, sizeof r);
    return r;
}

/* Four elements of LANES rows, side by side, and their products with [LANES][4] weights. */
LKS_INLINE v v_quads(const int8_t *const p[4])
{
    int8_t quads[LANES][4];
    v r;

    EACH_LANE
        for (int k = 0; k < 4; k++)
            quads[i][k] = p[k][i];
    memcpy(&r, quads, sizeof r);
    return r;
}

/* The same of 4 * LANES elements from `at` on, in the order of lks_cpu_lane_channel. */
LKS_INLINE void v_quads4(const int8_t *const p[4], size_t at, v q[4])
{
    for (int j = 0; j < 4; j++) {
        int8_t quads[LANES][4];

        EACH_LANE
            for (int k = 0; k < 4; k++)
                quads[i][k] = p[k][at + (size_t)lks_cpu_lane_channel(j, i)];
        memcpy(&q[j], quads, sizeof q[j]);
    }
}

/* Quads of one value. */
LKS_INLINE v v_quads_of(int32_t x)
{
    v r;

    memset(&r, x, sizeof r);
    return r;
}

LKS_INLINE v v_dot4(v acc, v x, v w)
{
    int8_t a[4 * LANES], b[4 * LANES];

    memcpy(a, &x, sizeof a);
    memcpy(b, &w, sizeof b);
    EACH_LANE acc.e[i] += (uint32_t)(a[4 * i] * b[4 * i] + a[4 * i + 1] * b[4 * i + 1] + a[4 * i + 2] * b[4 * i + 2]
                                     + a[4 * i + 3] * b[4 * i + 3]);
    return acc;
}

LKS_INLINE v v_tile_dot(v acc, v x, v w)
{
    return v_dot4(acc, x, w);
}

/* 2 * LANES products of two runs, added to any lanes of acc. */
LKS_INLINE v v_run8(v acc, const int8_t *x, const int8_t *w)
{
    EACH_LANE acc.e[i] += (uint32_t)(x[i] * w[i] + x[LANES + i] * w[LANES + i]);
    return acc;
}

LKS_INLINE v v_run16(v acc, const int16_t *x, const int8_t *w)
{
    EACH_LANE acc.e[i] += (uint32_t)(x[i] * w[i] + x[LANES + i] * w[LANES + i]);
    return acc;
}

/* ---- words and tables ---------------------------------------------------------------------------------------------------- */

#define WORDS_SHIFT 0       /* v_words gives elements times 2^that; 0 or 8 */
#define TABLE_BYTES 8       /* that v_table_map looks up */

/* LANES * MAX_VECTORS elements of each: lanes have one of a in their lower half, and one of b in their upper half, as int16. */
LKS_INLINE void v_words(v *words, const int8_t *a, const int8_t *b)
{
    for (int j = 0; j < MAX_VECTORS; j++)
        EACH_LANE words[j].e[i] = ((uint32_t)(int32_t)a[j * LANES + i] & 0xffff) | (uint32_t)(int32_t)b[j * LANES + i] << 16;
}

/* acc + the products of the lower halves and of the upper halves. */
LKS_INLINE v v_words_dot(v acc, v x, v w)
{
    EACH_LANE {
        const int32_t low = (int16_t)(x.e[i] & 0xffff) * (int16_t)(w.e[i] & 0xffff);

        acc.e[i] += (uint32_t)low + (uint32_t)((int16_t)(x.e[i] >> 16) * (int16_t)(w.e[i] >> 16));
    }
    return acc;
}

/* A table of 256 values, as this set keeps it; and y[i] = table[x[i] + 128] of TABLE_BYTES elements. */
typedef struct v_table {
    const int8_t *of_zero;
} v_table;

LKS_INLINE v_table v_table_of(const int8_t *table)
{
    const v_table t = { table + 128 };

    return t;
}

LKS_INLINE void v_table_map(const v_table *t, const int8_t *x, int8_t *y)
{
    LKS_UNROLL
    for (int i = 0; i < TABLE_BYTES; i++)
        y[i] = t->of_zero[x[i]];
}

/* ---- rows of output ------------------------------------------------------------------------------------------------------ */

typedef lks_tail v_tail;

LKS_INLINE v_tail v_tail_of(lks_tail t)
{
    return t;
}

/* `columns` outputs from as many lanes of some vectors: y_zero, clamp, narrow. */
LKS_INLINE void v_store_row(int8_t *y, const v *a, int vectors, int32_t columns, v_tail t)
{
    for (int w = 0; w < vectors; w++)
        for (int32_t i = 0; i < LANES && w * LANES + i < columns; i++)
            y[w * LANES + i] = (int8_t)lks_clamp((int32_t)a[w].e[i] + t.y_zero, t.y_min, t.y_max);
}

/* LANES outputs at each of y, y + step, ...: `count` of them, at most 4. */
LKS_INLINE void v_store_pixels(int8_t *y, size_t step, const v *a, int count, v_tail t)
{
    for (int k = 0; k < count; k++)
        v_store_row(y + (size_t)k * step, &a[k], 1, LANES, t);
}

/* 4 * LANES outputs from four vectors in the order of lks_cpu_lane_channel. */
LKS_INLINE void v_store_quads4(int8_t *y, const v a[4], v_tail t)
{
    for (int j = 0; j < 4; j++)
        EACH_LANE
            y[lks_cpu_lane_channel(j, i)] = (int8_t)lks_clamp((int32_t)a[j].e[i] + t.y_zero, t.y_min, t.y_max);
}

#endif
