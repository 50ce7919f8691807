/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors of 8 int32: AVX2, and AVX-VNNI where LKS_AVX_VNNI is defined.  vec_c.h says what each function does.
 */
#ifndef LKS_CPU_VEC_AVX2_H
#define LKS_CPU_VEC_AVX2_H

#include "cpu/isa.h"
#include "cpu/target.h"

#include <immintrin.h>
#include <string.h>

#define LANES 8
#define MAX_VECTORS 2
#define REGISTER "x"

typedef __m256i v;

LKS_INLINE v load32(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
LKS_INLINE __m128i load8(const void *p) { return _mm_loadl_epi64((const __m128i *)p); }
LKS_INLINE __m128i load16(const void *p) { return _mm_loadu_si128((const __m128i *)p); }

LKS_INLINE v v_load(const int32_t *p) { return load32(p); }
LKS_INLINE void v_store(int32_t *p, v a) { _mm256_storeu_si256((__m256i *)(void *)p, a); }
LKS_INLINE v v_set(int32_t a) { return _mm256_set1_epi32(a); }
LKS_INLINE v v_zero(void) { return _mm256_setzero_si256(); }
LKS_INLINE v v_add(v a, v b) { return _mm256_add_epi32(a, b); }
LKS_INLINE v v_sub(v a, v b) { return _mm256_sub_epi32(a, b); }
LKS_INLINE v v_mul(v a, v b) { return _mm256_mullo_epi32(a, b); }
LKS_INLINE v v_min(v a, v b) { return _mm256_min_epi32(a, b); }
LKS_INLINE v v_max(v a, v b) { return _mm256_max_epi32(a, b); }
LKS_INLINE v v_sra(v a, v n) { return _mm256_srav_epi32(a, n); }
LKS_INLINE v v_sll(v a, v n) { return _mm256_sllv_epi32(a, n); }
LKS_INLINE v v_sign(v a) { return _mm256_srai_epi32(a, 31); }

LKS_INLINE v v_widen8(const int8_t *p) { return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)); }
LKS_INLINE v v_widen16(const int16_t *p) { return _mm256_cvtepi16_epi32(load16(p)); }

LKS_INLINE void v_narrow8(int8_t *p, v a)
{
    const __m128i half = _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));

    _mm_storel_epi64((__m128i *)(void *)p, _mm_packs_epi16(half, half));
}

LKS_INLINE v v_product32(v a, v m, v m_odd, v c_even, v c_odd)
{
    v even = _mm256_add_epi64(_mm256_mul_epi32(a, m), c_even);
    v odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(a, 32), m_odd), c_odd);

    return _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}

LKS_INLINE v v_product32u(v a, v m, v m_odd, v c_even, v c_odd)
{
    v even = _mm256_add_epi64(_mm256_mul_epu32(a, m), c_even);
    v odd = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(a, 32), m_odd), c_odd);

    return _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}

LKS_INLINE v v_product31(v a, v m, v m_odd, v c_even, v c_odd)
{
    v even = _mm256_add_epi64(_mm256_mul_epi32(a, m), c_even);
    v odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(a, 32), m_odd), c_odd);

    return _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xaa);
}

/* ---- products ------------------------------------------------------------------------------------------------------------ */

LKS_INLINE v v_broadcast32(const int8_t *p)
{
    int32_t word;

    memcpy(&word, p, sizeof word);
    return _mm256_set1_epi32(word);
}

LKS_INLINE v interleave4(const int8_t *const p[4])
{
    const __m128i a = load8(p[0]), b = load8(p[1]), c = load8(p[2]), d = load8(p[3]);
    const __m128i ab = _mm_unpacklo_epi8(a, b), cd = _mm_unpacklo_epi8(c, d);

    return _mm256_set_m128i(_mm_unpackhi_epi16(ab, cd), _mm_unpacklo_epi16(ab, cd));
}

#ifdef LKS_AVX_VNNI

#define X_OFFSET 128
#define X_BYTES 1
#define K_STEP 4

LKS_INLINE v unsigned_form(v x) { return _mm256_xor_si256(x, _mm256_set1_epi8(-128)); }
LKS_INLINE v v_tile_x(const int8_t *p) { return unsigned_form(v_broadcast32(p)); }
LKS_INLINE v v_tile_w(const int8_t *p) { return load32(p); }
LKS_INLINE v v_tile_dot(v acc, v x, v w) { return _mm256_dpbusd_avx_epi32(acc, x, w); }
LKS_INLINE v v_quads(const int8_t *const p[4]) { return unsigned_form(interleave4(p)); }
LKS_INLINE v v_dot4(v acc, v x, v w) { return _mm256_dpbusd_avx_epi32(acc, x, w); }

#else

/* Pairs of int16: two products of int8 cannot leave int32, whatever they are; those of vpmaddubsw could leave int16. */
#define X_OFFSET 0
#define X_BYTES 2
#define K_STEP 2

LKS_INLINE v unsigned_form(v x) { return x; }
LKS_INLINE v v_tile_x(const int8_t *p) { return v_broadcast32(p); }
LKS_INLINE v v_tile_w(const int8_t *p) { return _mm256_cvtepi8_epi16(load16(p)); }
LKS_INLINE v v_tile_dot(v acc, v x, v w) { return _mm256_add_epi32(acc, _mm256_madd_epi16(x, w)); }
LKS_INLINE v v_quads(const int8_t *const p[4]) { return interleave4(p); }

/* Bytes 0 and 2 of a lane, then 1 and 3. */
LKS_INLINE v v_dot4(v acc, v x, v w)
{
    const v x_even = _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8), w_even = _mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8);
    const v even = _mm256_madd_epi16(x_even, w_even);
    const v odd = _mm256_madd_epi16(_mm256_srai_epi16(x, 8), _mm256_srai_epi16(w, 8));

    return _mm256_add_epi32(acc, _mm256_add_epi32(even, odd));
}

#endif

LKS_INLINE v v_run8(v acc, const int8_t *x, const int8_t *w)
{
    return _mm256_add_epi32(acc, _mm256_madd_epi16(_mm256_cvtepi8_epi16(load16(x)), _mm256_cvtepi8_epi16(load16(w))));
}

LKS_INLINE v v_run16(v acc, const int16_t *x, const int8_t *w)
{
    return _mm256_add_epi32(acc, _mm256_madd_epi16(load32(x), _mm256_cvtepi8_epi16(load16(w))));
}

/* ---- words and tables ---------------------------------------------------------------------------------------------------- */

#define WORDS_SHIFT 0
#define TABLE_BYTES 8

LKS_INLINE void v_words(v *words, const int8_t *a, const int8_t *b)
{
    const __m128i va = load16(a), vb = load16(b);

    words[0] = _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(va, vb));
    words[1] = _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(va, vb));
}

LKS_INLINE v v_words_dot(v acc, v x, v w) { return _mm256_add_epi32(acc, _mm256_madd_epi16(x, w)); }

/* Shuffles of 16 bytes would be 16 for every 32 lookups: loads are as fast. */
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

LKS_INLINE void v_quads4(const int8_t *const p[4], size_t at, v q[4])
{
    const v a = unsigned_form(load32(p[0] + at)), b = unsigned_form(load32(p[1] + at));
    const v c = unsigned_form(load32(p[2] + at)), d = unsigned_form(load32(p[3] + at));
    const v ab_low = _mm256_unpacklo_epi8(a, b), ab_high = _mm256_unpackhi_epi8(a, b);
    const v cd_low = _mm256_unpacklo_epi8(c, d), cd_high = _mm256_unpackhi_epi8(c, d);

    q[0] = _mm256_unpacklo_epi16(ab_low, cd_low);
    q[1] = _mm256_unpackhi_epi16(ab_low, cd_low);
    q[2] = _mm256_unpacklo_epi16(ab_high, cd_high);
    q[3] = _mm256_unpackhi_epi16(ab_high, cd_high);
}

LKS_INLINE v v_quads_of(int32_t x) { return unsigned_form(_mm256_set1_epi8((char)x)); }

/* ---- rows of output ------------------------------------------------------------------------------------------------------ */

typedef struct v_tail {
    __m256i y_zero;
    __m128i y_min, y_max;
} v_tail;

LKS_INLINE v_tail v_tail_of(lks_tail t)
{
    const v_tail r = { _mm256_set1_epi16((short)t.y_zero), _mm_set1_epi8((char)t.y_min), _mm_set1_epi8((char)t.y_max) };

    return r;
}

/* Saturating to int16 before the zero point is added, saturating, changes nothing that the clamp does not hide. */
LKS_INLINE void v_store_row(int8_t *y, const v *a, int vectors, int32_t columns, v_tail t)
{
    const v half = _mm256_adds_epi16(_mm256_packs_epi32(a[0], vectors > 1 ? a[1] : a[0]), t.y_zero);
    const v order = _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5);
    const v all = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(half, half), order);
    const __m128i bytes = _mm_min_epi8(_mm_max_epi8(_mm256_castsi256_si128(all), t.y_min), t.y_max);

    if (columns == 16)
        _mm_storeu_si128((__m128i *)(void *)y, bytes);
    else if (columns == 8)
        _mm_storel_epi64((__m128i *)(void *)y, bytes);
    else {
        int8_t row[16];

        _mm_storeu_si128((__m128i *)(void *)row, bytes);
        memcpy(y, row, (size_t)columns);
    }
}

LKS_INLINE void v_store_pixels(int8_t *y, size_t step, const v *a, int count, v_tail t)
{
    const v low = _mm256_adds_epi16(_mm256_packs_epi32(a[0], a[count > 1 ? 1 : 0]), t.y_zero);
    const v high = count > 2 ? _mm256_adds_epi16(_mm256_packs_epi32(a[2], a[count > 3 ? 3 : 2]), t.y_zero) : low;
    const v order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const v all = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order);
    const __m128i first = _mm_min_epi8(_mm_max_epi8(_mm256_castsi256_si128(all), t.y_min), t.y_max);
    const __m128i second = _mm_min_epi8(_mm_max_epi8(_mm256_extracti128_si256(all, 1), t.y_min), t.y_max);

    _mm_storel_epi64((__m128i *)(void *)y, first);
    if (count > 1)
        _mm_storel_epi64((__m128i *)(void *)(y + step), _mm_unpackhi_epi64(first, first));
    if (count > 2)
        _mm_storel_epi64((__m128i *)(void *)(y + 2 * step), second);
    if (count > 3)
        _mm_storel_epi64((__m128i *)(void *)(y + 3 * step), _mm_unpackhi_epi64(second, second));
}

LKS_INLINE void v_store_quads4(int8_t *y, const v a[4], v_tail t)
{
    const v low = _mm256_adds_epi16(_mm256_packs_epi32(a[0], a[1]), t.y_zero);
    const v high = _mm256_adds_epi16(_mm256_packs_epi32(a[2], a[3]), t.y_zero);
    const v y_min = _mm256_broadcastsi128_si256(t.y_min), y_max = _mm256_broadcastsi128_si256(t.y_max);

    _mm256_storeu_si256((__m256i *)(void *)y, _mm256_min_epi8(_mm256_max_epi8(_mm256_packs_epi16(low, high), y_min), y_max));
}

#endif
