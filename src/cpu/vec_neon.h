/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors of 4 int32: NEON of 64-bit Arm, and its dot product where LKS_DOTPROD is defined.  vec_c.h says what each function
 * does.
 */
#ifndef LKS_CPU_VEC_NEON_H
#define LKS_CPU_VEC_NEON_H

#include "cpu/isa.h"
#include "cpu/target.h"

#include <arm_neon.h>
#include <string.h>

#define LANES 4
#define MAX_VECTORS 4
#define X_OFFSET 0
#define X_BYTES 1
#ifndef K_STEP              /* SMMLA has tiles of its own, and takes 8 */
#define K_STEP 4
#endif
#define REGISTER "w"

typedef int32x4_t v;

LKS_INLINE v v_load(const int32_t *p) { return vld1q_s32(p); }
LKS_INLINE void v_store(int32_t *p, v a) { vst1q_s32(p, a); }
LKS_INLINE v v_set(int32_t a) { return vdupq_n_s32(a); }
LKS_INLINE v v_zero(void) { return vdupq_n_s32(0); }
LKS_INLINE v v_add(v a, v b) { return vaddq_s32(a, b); }
LKS_INLINE v v_sub(v a, v b) { return vsubq_s32(a, b); }
LKS_INLINE v v_mul(v a, v b) { return vmulq_s32(a, b); }
LKS_INLINE v v_min(v a, v b) { return vminq_s32(a, b); }
LKS_INLINE v v_max(v a, v b) { return vmaxq_s32(a, b); }
LKS_INLINE v v_sra(v a, v n) { return vshlq_s32(a, vnegq_s32(n)); }     /* SSHL by less than 0 is a shift to the right */
LKS_INLINE v v_sll(v a, v n) { return vshlq_s32(a, n); }
LKS_INLINE v v_sign(v a) { return vshrq_n_s32(a, 31); }

/* Four bytes, from and to where nothing is aligned. */
LKS_INLINE int32_t load_word(const int8_t *p)
{
    int32_t word;

    memcpy(&word, p, sizeof word);
    return word;
}

LKS_INLINE void store_word(int8_t *p, int32_t word)
{
    memcpy(p, &word, sizeof word);
}

LKS_INLINE v v_widen8(const int8_t *p)
{
    return vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(load_word(p))))));
}

LKS_INLINE v v_widen16(const int16_t *p) { return vmovl_s16(vld1_s16(p)); }

LKS_INLINE void v_narrow8(int8_t *p, v a)
{
    const int16x4_t half = vqmovn_s32(a);

    store_word(p, vget_lane_s32(vreinterpret_s32_s8(vqmovn_s16(vcombine_s16(half, half))), 0));
}

/* NEON multiplies neighbours: lanes 0 and 1, then 2 and 3. */
LKS_INLINE int64x2_t product_low(v a, v m, v c_even, v c_odd)
{
    const int64x2_t c = vzip1q_s64(vreinterpretq_s64_s32(c_even), vreinterpretq_s64_s32(c_odd));

    return vaddq_s64(vmull_s32(vget_low_s32(a), vget_low_s32(m)), c);
}

LKS_INLINE int64x2_t product_high(v a, v m, v c_even, v c_odd)
{
    const int64x2_t c = vzip2q_s64(vreinterpretq_s64_s32(c_even), vreinterpretq_s64_s32(c_odd));

    return vaddq_s64(vmull_high_s32(a, m), c);
}

LKS_INLINE v v_product32(v a, v m, v m_odd, v c_even, v c_odd)
{
    (void)m_odd;
    return vcombine_s32(vshrn_n_s64(product_low(a, m, c_even, c_odd), 32), vshrn_n_s64(product_high(a, m, c_even, c_odd), 32));
}

LKS_INLINE v v_product32u(v a, v m, v m_odd, v c_even, v c_odd)
{
    const uint64x2_t even = vreinterpretq_u64_s32(c_even), odd = vreinterpretq_u64_s32(c_odd);
    const uint32x4_t x = vreinterpretq_u32_s32(a), k = vreinterpretq_u32_s32(m);
    const uint64x2_t low = vaddq_u64(vmull_u32(vget_low_u32(x), vget_low_u32(k)), vzip1q_u64(even, odd));
    const uint64x2_t high = vaddq_u64(vmull_high_u32(x, k), vzip2q_u64(even, odd));

    (void)m_odd;
    return vreinterpretq_s32_u32(vcombine_u32(vshrn_n_u64(low, 32), vshrn_n_u64(high, 32)));
}

LKS_INLINE v v_product31(v a, v m, v m_odd, v c_even, v c_odd)
{
    (void)m_odd;
    return vcombine_s32(vshrn_n_s64(product_low(a, m, c_even, c_odd), 31), vshrn_n_s64(product_high(a, m, c_even, c_odd), 31));
}

/* ---- products ------------------------------------------------------------------------------------------------------------ */

#ifdef LKS_DOTPROD

LKS_INLINE v v_dot4(v acc, v x, v w)
{
#if defined(__clang__) && !defined(__ARM_FEATURE_DOTPROD)   /* clang 14 has the function only where all of a file is for it */
    __asm__("sdot %0.4s, %1.16b, %2.16b" : "+w"(acc) : "w"(x), "w"(w));
    return acc;
#else
    return vdotq_s32(acc, vreinterpretq_s8_s32(x), vreinterpretq_s8_s32(w));
#endif
}

#else

/* A product fits int16, two of them need not: -128 * -128 twice.  They are added as int32. */
LKS_INLINE v v_dot4(v acc, v x, v w)
{
    const int8x16_t xs = vreinterpretq_s8_s32(x), ws = vreinterpretq_s8_s32(w);
    const v low = vpaddlq_s16(vmull_s8(vget_low_s8(xs), vget_low_s8(ws))), high = vpaddlq_s16(vmull_high_s8(xs, ws));

    return vaddq_s32(acc, vpaddq_s32(low, high));
}

#endif

LKS_INLINE v v_tile_x(const int8_t *p) { return vdupq_n_s32(load_word(p)); }
LKS_INLINE v v_tile_w(const int8_t *p) { return vreinterpretq_s32_s8(vld1q_s8(p)); }
LKS_INLINE v v_tile_dot(v acc, v x, v w) { return v_dot4(acc, x, w); }

/* Byte i of row r to byte 4 i + r. */
LKS_INLINE v v_quads(const int8_t *const p[4])
{
    static const uint8_t order[16] = { 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15 };
    v rows = vdupq_n_s32(load_word(p[0]));

    rows = vsetq_lane_s32(load_word(p[1]), rows, 1);
    rows = vsetq_lane_s32(load_word(p[2]), rows, 2);
    rows = vsetq_lane_s32(load_word(p[3]), rows, 3);
    return vreinterpretq_s32_s8(vqtbl1q_s8(vreinterpretq_s8_s32(rows), vld1q_u8(order)));
}

LKS_INLINE void v_quads4(const int8_t *const p[4], size_t at, v q[4])
{
    const int8x16_t a = vld1q_s8(p[0] + at), b = vld1q_s8(p[1] + at), c = vld1q_s8(p[2] + at), d = vld1q_s8(p[3] + at);
    const int16x8_t ab_low = vreinterpretq_s16_s8(vzip1q_s8(a, b)), ab_high = vreinterpretq_s16_s8(vzip2q_s8(a, b));
    const int16x8_t cd_low = vreinterpretq_s16_s8(vzip1q_s8(c, d)), cd_high = vreinterpretq_s16_s8(vzip2q_s8(c, d));

    q[0] = vreinterpretq_s32_s16(vzip1q_s16(ab_low, cd_low));
    q[1] = vreinterpretq_s32_s16(vzip2q_s16(ab_low, cd_low));
    q[2] = vreinterpretq_s32_s16(vzip1q_s16(ab_high, cd_high));
    q[3] = vreinterpretq_s32_s16(vzip2q_s16(ab_high, cd_high));
}

LKS_INLINE v v_quads_of(int32_t x) { return vreinterpretq_s32_s8(vdupq_n_s8((int8_t)x)); }

LKS_INLINE v v_run8(v acc, const int8_t *x, const int8_t *w)
{
    return vpadalq_s16(acc, vmull_s8(vld1_s8(x), vld1_s8(w)));
}

LKS_INLINE v v_run16(v acc, const int16_t *x, const int8_t *w)
{
    const int16x8_t xs = vld1q_s16(x), ws = vmovl_s8(vld1_s8(w));

    return vmlal_high_s16(vmlal_s16(acc, vget_low_s16(xs), vget_low_s16(ws)), xs, ws);
}

/* ---- words and tables ---------------------------------------------------------------------------------------------------- */

#define WORDS_SHIFT 0
#define TABLE_BYTES 16

LKS_INLINE void v_words(v *words, const int8_t *a, const int8_t *b)
{
    const int8x16_t va = vld1q_s8(a), vb = vld1q_s8(b), low = vzip1q_s8(va, vb), high = vzip2q_s8(va, vb);

    words[0] = vreinterpretq_s32_s16(vmovl_s8(vget_low_s8(low)));
    words[1] = vreinterpretq_s32_s16(vmovl_high_s8(low));
    words[2] = vreinterpretq_s32_s16(vmovl_s8(vget_low_s8(high)));
    words[3] = vreinterpretq_s32_s16(vmovl_high_s8(high));
}

LKS_INLINE v v_words_dot(v acc, v x, v w)
{
    const int16x8_t xs = vreinterpretq_s16_s32(x), ws = vreinterpretq_s16_s32(w);

    return vaddq_s32(acc, vpaddq_s32(vmull_s16(vget_low_s16(xs), vget_low_s16(ws)), vmull_high_s16(xs, ws)));
}

/* A lookup takes 64 values and leaves alone what lies beyond them: four make 256. */
typedef struct v_table {
    int8x16x4_t part[4];
} v_table;

LKS_INLINE v_table v_table_of(const int8_t *table)
{
    v_table t;

    LKS_UNROLL
    for (int i = 0; i < 4; i++)
        LKS_UNROLL
        for (int j = 0; j < 4; j++)
            t.part[i].val[j] = vld1q_s8(table + 64 * i + 16 * j);
    return t;
}

LKS_INLINE void v_table_map(const v_table *t, const int8_t *x, int8_t *y)
{
    const uint8x16_t part = vdupq_n_u8(64);
    uint8x16_t at = veorq_u8(vreinterpretq_u8_s8(vld1q_s8(x)), vdupq_n_u8(128));
    int8x16_t r = vqtbl4q_s8(t->part[0], at);

    LKS_UNROLL
    for (int i = 1; i < 4; i++) {
        at = vsubq_u8(at, part);
        r = vqtbx4q_s8(r, t->part[i], at);
    }
    vst1q_s8(y, r);
}

/* ---- rows of output ------------------------------------------------------------------------------------------------------ */

typedef struct v_tail {
    int16x8_t y_zero;
    int8x16_t y_min, y_max;
} v_tail;

LKS_INLINE v_tail v_tail_of(lks_tail t)
{
    const v_tail r = { vdupq_n_s16((int16_t)t.y_zero), vdupq_n_s8((int8_t)t.y_min), vdupq_n_s8((int8_t)t.y_max) };

    return r;
}

/* Saturating to int16 before the zero point is added, saturating, changes nothing that the clamp does not hide. */
LKS_INLINE int8x8_t finished_half(v a, v b, v_tail t)
{
    return vqmovn_s16(vqaddq_s16(vcombine_s16(vqmovn_s32(a), vqmovn_s32(b)), t.y_zero));
}

LKS_INLINE int8x16_t finished_row(const v *a, int vectors, v_tail t)
{
    const int8x8_t low = finished_half(a[0], a[vectors > 1 ? 1 : 0], t);
    const int8x8_t high = vectors > 2 ? finished_half(a[2], a[vectors > 3 ? 3 : 2], t) : low;

    return vminq_s8(vmaxq_s8(vcombine_s8(low, high), t.y_min), t.y_max);
}

LKS_INLINE void v_store_row(int8_t *y, const v *a, int vectors, int32_t columns, v_tail t)
{
    const int8x16_t bytes = finished_row(a, vectors, t);

    if (columns == 16)
        vst1q_s8(y, bytes);
    else if (columns == 8)
        vst1_s8(y, vget_low_s8(bytes));
    else if (columns == 4)
        store_word(y, vgetq_lane_s32(vreinterpretq_s32_s8(bytes), 0));
    else {
        int8_t row[16];

        vst1q_s8(row, bytes);
        memcpy(y, row, (size_t)columns);
    }
}

LKS_INLINE void v_store_pixels(int8_t *y, size_t step, const v *a, int count, v_tail t)
{
    const v words = vreinterpretq_s32_s8(finished_row(a, count, t));

    store_word(y, vgetq_lane_s32(words, 0));
    if (count > 1)
        store_word(y + step, vgetq_lane_s32(words, 1));
    if (count > 2)
        store_word(y + 2 * step, vgetq_lane_s32(words, 2));
    if (count > 3)
        store_word(y + 3 * step, vgetq_lane_s32(words, 3));
}

LKS_INLINE void v_store_quads4(int8_t *y, const v a[4], v_tail t) { vst1q_s8(y, finished_row(a, 4, t)); }

#endif
