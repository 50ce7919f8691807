/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors of 16 int32: AVX-512 (F, BW, VL, DQ) and VNNI.  vec_c.h says what each function does.
 */
#ifndef LKS_CPU_VEC_AVX512_H
#define LKS_CPU_VEC_AVX512_H

#include "cpu/isa.h"
#include "cpu/target.h"

#include <immintrin.h>
#include <string.h>

#define LANES 16
#define MAX_VECTORS 4
#define X_OFFSET 128
#define X_BYTES 1
#define K_STEP 4
#define REGISTER "v"

typedef __m512i v;

LKS_INLINE v v_load(const int32_t *p) { return _mm512_loadu_si512(p); }
LKS_INLINE void v_store(int32_t *p, v a) { _mm512_storeu_si512(p, a); }
LKS_INLINE v v_set(int32_t a) { return _mm512_set1_epi32(a); }
LKS_INLINE v v_zero(void) { return _mm512_setzero_si512(); }
LKS_INLINE v v_add(v a, v b) { return _mm512_add_epi32(a, b); }
LKS_INLINE v v_sub(v a, v b) { return _mm512_sub_epi32(a, b); }
LKS_INLINE v v_mul(v a, v b) { return _mm512_mullo_epi32(a, b); }
LKS_INLINE v v_min(v a, v b) { return _mm512_min_epi32(a, b); }
LKS_INLINE v v_max(v a, v b) { return _mm512_max_epi32(a, b); }
LKS_INLINE v v_sra(v a, v n) { return _mm512_srav_epi32(a, n); }
LKS_INLINE v v_sll(v a, v n) { return _mm512_sllv_epi32(a, n); }
LKS_INLINE v v_sign(v a) { return _mm512_srai_epi32(a, 31); }

LKS_INLINE v v_widen8(const int8_t *p) { return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)); }
LKS_INLINE v v_widen16(const int16_t *p) { return _mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p)); }
LKS_INLINE void v_narrow8(int8_t *p, v a) { _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtsepi32_epi8(a)); }

LKS_INLINE v v_product32(v a, v m, v m_odd, v c_even, v c_odd)
{
    v even = _mm512_add_epi64(_mm512_mul_epi32(a, m), c_even);
    v odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(a, 32), m_odd), c_odd);

    return _mm512_mask_shuffle_epi32(odd, 0x5555, even, 0xf5);
}

LKS_INLINE v v_product32u(v a, v m, v m_odd, v c_even, v c_odd)
{
    v even = _mm512_add_epi64(_mm512_mul_epu32(a, m), c_even);
    v odd = _mm512_add_epi64(_mm512_mul_epu32(_mm512_srli_epi64(a, 32), m_odd), c_odd);

    return _mm512_mask_shuffle_epi32(odd, 0x5555, even, 0xf5);
}

LKS_INLINE v v_product31(v a, v m, v m_odd, v c_even, v c_odd)
{
    v even = _mm512_add_epi64(_mm512_mul_epi32(a, m), c_even);
    v odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(a, 32), m_odd), c_odd);

    /* bytes from bits 31, 39, 47 and 55 on: shift and blend at once */
    return _mm512_mask_multishift_epi64_epi8(_mm512_slli_epi64(odd, 1), 0x0f0f0f0f0f0f0f0f, _mm512_set1_epi32(0x372f271f), even);
}

/* ---- products ------------------------------------------------------------------------------------------------------------ */

LKS_INLINE v unsigned_form(v x) { return _mm512_xor_si512(x, _mm512_set1_epi8(-128)); }

LKS_INLINE v v_tile_x(const int8_t *p)
{
    int32_t word;

    memcpy(&word, p, sizeof word);
    return unsigned_form(_mm512_set1_epi32(word));
}

LKS_INLINE v v_tile_w(const int8_t *p) { return _mm512_loadu_si512(p); }
LKS_INLINE v v_tile_dot(v acc, v x, v w) { return _mm512_dpbusd_epi32(acc, x, w); }

LKS_INLINE __m128i load16(const int8_t *p) { return _mm_loadu_si128((const __m128i *)(const void *)p); }

/* Byte i of row r to byte 4 i + r. */
LKS_INLINE v v_quads(const int8_t *const p[4])
{
    const v step = _mm512_setr_epi32(0x30201000, 0x31211101, 0x32221202, 0x33231303, 0x34241404, 0x35251505, 0x36261606,
                                     0x37271707, 0x38281808, 0x39291909, 0x3a2a1a0a, 0x3b2b1b0b, 0x3c2c1c0c, 0x3d2d1d0d,
                                     0x3e2e1e0e, 0x3f2f1f0f);
    v rows = _mm512_castsi128_si512(load16(p[0]));

    rows = _mm512_mask_broadcast_i32x4(rows, 0x00f0, load16(p[1]));
    rows = _mm512_mask_broadcast_i32x4(rows, 0x0f00, load16(p[2]));
    rows = _mm512_mask_broadcast_i32x4(rows, 0xf000, load16(p[3]));
    return unsigned_form(_mm512_permutexvar_epi8(step, rows));
}

LKS_INLINE v load_unsigned(const int8_t *p) { return unsigned_form(_mm512_loadu_si512(p)); }

LKS_INLINE void v_quads4(const int8_t *const p[4], size_t at, v q[4])
{
    const v a = load_unsigned(p[0] + at), b = load_unsigned(p[1] + at);
    const v c = load_unsigned(p[2] + at), d = load_unsigned(p[3] + at);
    const v ab_low = _mm512_unpacklo_epi8(a, b), ab_high = _mm512_unpackhi_epi8(a, b);
    const v cd_low = _mm512_unpacklo_epi8(c, d), cd_high = _mm512_unpackhi_epi8(c, d);

    q[0] = _mm512_unpacklo_epi16(ab_low, cd_low);
    q[1] = _mm512_unpackhi_epi16(ab_low, cd_low);
    q[2] = _mm512_unpacklo_epi16(ab_high, cd_high);
    q[3] = _mm512_unpackhi_epi16(ab_high, cd_high);
}

LKS_INLINE v v_quads_of(int32_t x) { return unsigned_form(_mm512_set1_epi8((char)x)); }
LKS_INLINE v v_dot4(v acc, v x, v w) { return _mm512_dpbusd_epi32(acc, x, w); }

LKS_INLINE v widen_bytes(const int8_t *p) { return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)p)); }

LKS_INLINE v v_run8(v acc, const int8_t *x, const int8_t *w)
{
    return _mm512_add_epi32(acc, _mm512_madd_epi16(widen_bytes(x), widen_bytes(w)));
}

LKS_INLINE v v_run16(v acc, const int16_t *x, const int8_t *w)
{
    return _mm512_add_epi32(acc, _mm512_madd_epi16(_mm512_loadu_si512(x), widen_bytes(w)));
}

/* ---- words and tables ---------------------------------------------------------------------------------------------------- */

#define WORDS_SHIFT 8
#define TABLE_BYTES 64

/* Bytes go where they belong in one instruction; below each is a byte of 0. */
LKS_INLINE void v_words(v *words, const int8_t *a, const int8_t *b)
{
    const v va = _mm512_loadu_si512(a), vb = _mm512_loadu_si512(b);
    v order = _mm512_set_epi32(0x4f000f00, 0x4e000e00, 0x4d000d00, 0x4c000c00, 0x4b000b00, 0x4a000a00, 0x49000900, 0x48000800,
                               0x47000700, 0x46000600, 0x45000500, 0x44000400, 0x43000300, 0x42000200, 0x41000100, 0x40000000);

    LKS_UNROLL
    for (int j = 0; j < MAX_VECTORS; j++) {
        words[j] = _mm512_maskz_permutex2var_epi8(0xaaaaaaaaaaaaaaaa, va, order, vb);
        order = _mm512_add_epi8(order, _mm512_set1_epi8(16));
    }
}

LKS_INLINE v v_words_dot(v acc, v x, v w) { return _mm512_dpwssd_epi32(acc, x, w); }

/* Two registers hold the values of negative elements, two the others; the lower 7 bits choose within them. */
typedef struct v_table {
    __m512i part[4];
} v_table;

LKS_INLINE v_table v_table_of(const int8_t *table)
{
    v_table t;

    LKS_UNROLL
    for (int i = 0; i < 4; i++)
        t.part[i] = _mm512_loadu_si512(table + 64 * i);
    return t;
}

LKS_INLINE void v_table_map(const v_table *t, const int8_t *x, int8_t *y)
{
    const v at = _mm512_loadu_si512(x);
    const v low = _mm512_permutex2var_epi8(t->part[0], at, t->part[1]);
    const v high = _mm512_permutex2var_epi8(t->part[2], at, t->part[3]);

    _mm512_storeu_si512(y, _mm512_mask_blend_epi8(_mm512_movepi8_mask(at), high, low));
}

/* ---- rows of output ------------------------------------------------------------------------------------------------------ */

typedef struct v_tail {
    __m512i y_zero, y_min, y_max;
} v_tail;

LKS_INLINE v_tail v_tail_of(lks_tail t)
{
    const v_tail r = { _mm512_set1_epi16((short)t.y_zero), _mm512_set1_epi8((char)t.y_min), _mm512_set1_epi8((char)t.y_max) };

    return r;
}

/* Saturating to int16 before the zero point is added, saturating, changes nothing that the clamp does not hide. */
LKS_INLINE v finished_row(const v *a, int vectors, v_tail t)
{
    const v order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const v none = _mm512_setzero_si512();
    v low = _mm512_adds_epi16(_mm512_packs_epi32(a[0], vectors > 1 ? a[1] : none), t.y_zero);
    v high = vectors > 2 ? _mm512_adds_epi16(_mm512_packs_epi32(a[2], vectors > 3 ? a[3] : none), t.y_zero) : none;
    v bytes = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(low, high));

    return _mm512_min_epi8(_mm512_max_epi8(bytes, t.y_min), t.y_max);
}

LKS_INLINE void v_store_row(int8_t *y, const v *a, int vectors, int32_t columns, v_tail t)
{
    const v bytes = finished_row(a, vectors, t);

    if (columns == 64)
        _mm512_storeu_si512(y, bytes);
    else
        _mm512_mask_storeu_epi8(y, ((__mmask64)1 << columns) - 1, bytes);
}

LKS_INLINE void store16(int8_t *p, __m128i a) { _mm_storeu_si128((__m128i *)(void *)p, a); }

LKS_INLINE void v_store_pixels(int8_t *y, size_t step, const v *a, int count, v_tail t)
{
    const v bytes = finished_row(a, count, t);

    store16(y, _mm512_castsi512_si128(bytes));
    if (count > 1)
        store16(y + step, _mm512_extracti32x4_epi32(bytes, 1));
    if (count > 2)
        store16(y + 2 * step, _mm512_extracti32x4_epi32(bytes, 2));
    if (count > 3)
        store16(y + 3 * step, _mm512_extracti32x4_epi32(bytes, 3));
}

LKS_INLINE void v_store_quads4(int8_t *y, const v a[4], v_tail t)
{
    const v low = _mm512_adds_epi16(_mm512_packs_epi32(a[0], a[1]), t.y_zero);
    const v high = _mm512_adds_epi16(_mm512_packs_epi32(a[2], a[3]), t.y_zero);

    _mm512_storeu_si512(y, _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(low, high), t.y_min), t.y_max));
}

#endif
