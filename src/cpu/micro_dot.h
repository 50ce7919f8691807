/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums over a run of elements, for families that have one row at a time.  A template over vec_*.h.
 */

/* The sum of all lanes. */
LKS_INLINE uint32_t v_total(v a)
{
    int32_t lanes[LANES];
    uint32_t sum = 0;

    v_store(lanes, a);
    for (int i = 0; i < LANES; i++)
        sum += (uint32_t)lanes[i];
    return sum;
}

/* As an int32, which the bound law says it fits; modulo 2^32 where it is a term of one that does. */
LKS_INLINE int32_t dot_result(uint32_t sum)
{
    int32_t r;

    memcpy(&r, &sum, sizeof r);
    return r;
}

static void micro_widen(const int8_t *x, int16_t *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = x[i];
}

static int32_t micro_sum(const int8_t *x, size_t count)
{
    v sum = v_zero();
    uint32_t rest = 0;
    size_t i = 0;

    for (; i + LANES <= count; i += LANES)
        sum = v_add(sum, v_widen8(x + i));
    for (; i < count; i++)
        rest += (uint32_t)(0 + x[i]);
    return dot_result(rest + v_total(sum));
}

/* Two sums at once, so that additions need not wait for each other. */
static int32_t micro_dot(const int8_t *x, const int8_t *w, size_t count)
{
    v even = v_zero(), odd = v_zero();
    uint32_t rest = 0;
    size_t i = 0;

    for (; i + 2 * LANES <= count; i += 2 * LANES) {
        even = v_add(even, v_mul(v_widen8(x + i), v_widen8(w + i)));
        odd = v_add(odd, v_mul(v_widen8(x + i + LANES), v_widen8(w + i + LANES)));
    }
    for (; i < count; i++)
        rest += (uint32_t)(x[i] * w[i]);
    return dot_result(rest + v_total(v_add(even, odd)));
}

static int32_t micro_dot16(const int16_t *x, const int8_t *w, size_t count)
{
    v even = v_zero(), odd = v_zero();
    uint32_t rest = 0;
    size_t i = 0;

    for (; i + 2 * LANES <= count; i += 2 * LANES) {
        even = v_add(even, v_mul(v_widen16(x + i), v_widen8(w + i)));
        odd = v_add(odd, v_mul(v_widen16(x + i + LANES), v_widen8(w + i + LANES)));
    }
    for (; i < count; i++)
        rest += (uint32_t)(x[i] * w[i]);
    return dot_result(rest + v_total(v_add(even, odd)));
}
