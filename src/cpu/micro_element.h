/* SPDX-License-Identifier: Apache-2.0
 *
 * Element by element: pairs, tables, scales, maxima, sums.  A template over vec_*.h.
 */
#define BLOCK (LANES * MAX_VECTORS)     /* elements at a time */

LKS_INLINE v v_set64(int64_t a)
{
    int32_t lanes[LANES];

    for (int i = 0; i < LANES; i += 2)
        memcpy(lanes + i, &a, sizeof a);
    return v_load(lanes);
}

/* The same scale in all lanes, for v_scaled. */
LKS_INLINE v_scale v_scale_of(lks_rq any, lks_cpu_scaling scaling)
{
    const lks_rq rq = lks_cpu_shiftable(any, scaling);
    const int64_t half = scaling == LKS_CPU_HALF_UP ? (int64_t)1 << (rq.s - 1) : ((int64_t)1 << 30) + ((int64_t)1 << (30 - rq.s));
    const v m = v_set(rq.m), c = v_set64(half);
    const v_scale k = { v_zero(), m, m, c, c, v_set(scaling == LKS_CPU_HALF_UP ? rq.s - 32 : -rq.s) };

    return k;
}

/* ---- pairs --------------------------------------------------------------------------------------------------------------- */

/* One block, or the first `columns` outputs of one; a and b have BLOCK readable elements. */
LKS_INLINE void pair_linear(const lks_cpu_pair *p, const int8_t *a, const int8_t *b, int8_t *y, int32_t columns)
{
    const lks_tail no_zero = { 0, p->pair.add.tail.y_min, p->pair.add.tail.y_max, 0 };      /* add_high has it */
    const v high = v_set((int32_t)((uint32_t)p->a_high & 0xffff) | (int32_t)((uint32_t)p->b_high << 16));
    const v low = v_set(p->a_low | (int32_t)((uint32_t)p->b_low << 16));
    const v add_high = v_set((int32_t)((uint32_t)p->add_high << WORDS_SHIFT));
    const v add_low = v_set((int32_t)((uint32_t)p->add_low << WORDS_SHIFT));
    const v fifteen = v_set(15), shift = v_set(p->shift + WORDS_SHIFT);
    v words[MAX_VECTORS];

    v_words(words, a, b);
    LKS_UNROLL
    for (int j = 0; j < MAX_VECTORS; j++) {
        const v carry = v_sra(v_words_dot(add_low, words[j], low), fifteen);

        words[j] = v_sra(v_words_dot(v_add(add_high, carry), words[j], high), shift);
    }
    v_store_row(y, words, MAX_VECTORS, columns, v_tail_of(no_zero));
}

/* A scaled addend, or a shifted one. */
LKS_INLINE v addend(v x, v left, int32_t shift, const v_scale *k)
{
    return shift >= 0 ? v_sll(x, v_set(shift)) : v_scaled(v_sll(x, left), k, LKS_CPU_TFLITE);
}

LKS_INLINE v add_lanes(const lks_addition *p, int32_t a_shift, int32_t b_shift, v a, v b, lks_cpu_scaling scaling)
{
    const v_scale k = v_scale_of(p->rq, scaling);
    v sum;

    a = v_sub(a, v_set(p->a_zero));
    b = v_sub(b, v_set(p->b_zero));
    if (scaling == LKS_CPU_HALF_UP) {
        a = v_mul(a, v_set(p->a_rq.m));
        b = v_mul(b, v_set(p->b_rq.m));
    } else {
        const v left = v_set(p->left_shift);
        const lks_rq none = { 0, -1 };
        const v_scale ka = v_scale_of(a_shift < 0 ? p->a_rq : none, scaling);
        const v_scale kb = v_scale_of(b_shift < 0 ? p->b_rq : none, scaling);

        a = addend(a, left, a_shift, &ka);
        b = addend(b, left, b_shift, &kb);
    }
    sum = p->subtracts == 0 ? v_add(a, b) : p->subtracts > 0 ? v_sub(a, b) : v_sub(b, a);
    return v_scaled(sum, &k, scaling);
}

LKS_INLINE v mul_lanes(const lks_multiplication *p, v a, v b, lks_cpu_scaling scaling)
{
    const v_scale k = v_scale_of(p->rq, scaling);

    return v_scaled(v_mul(v_sub(a, v_set(p->a_zero)), v_sub(b, v_set(p->b_zero))), &k, scaling);
}

/* kind and scaling are constants where this is used. */
LKS_INLINE void pair_fast(const lks_cpu_pair *p, const int8_t *a, const int8_t *b, int8_t *y, int32_t columns, int32_t kind,
                          lks_cpu_scaling scaling)
{
    v row[MAX_VECTORS];

    LKS_UNROLL
    for (int j = 0; j < MAX_VECTORS; j++) {
        const v va = v_widen8(a + j * LANES), vb = v_widen8(b + j * LANES);

        row[j] = kind == LKS_BINARY_ADD ? add_lanes(&p->pair.add, p->a_shift, p->b_shift, va, vb, scaling)
                                        : mul_lanes(&p->pair.mul, va, vb, scaling);
    }
    v_store_row(y, row, MAX_VECTORS, columns, v_tail_of(kind == LKS_BINARY_ADD ? p->pair.add.tail : p->pair.mul.tail));
}

/* Products, but by table where a is not negative. */
LKS_INLINE void pair_prelu(const lks_cpu_pair *p, const int8_t *a, const int8_t *b, int8_t *y, int32_t columns,
                           lks_cpu_scaling scaling)
{
    const v_table t = v_table_of(p->positive);
    const int8_t zero = (int8_t)p->pair.mul.a_zero;
    int8_t product[BLOCK], positive[BLOCK];

    for (int i = 0; i < BLOCK; i += TABLE_BYTES)
        v_table_map(&t, a + i, positive + i);
    pair_fast(p, a, b, product, BLOCK, LKS_BINARY_MUL, scaling);
    for (int i = 0; i < BLOCK; i++)
        product[i] = a[i] < zero ? product[i] : positive[i];
    memcpy(y, product, (size_t)columns);
}

LKS_INLINE void pair_any(const lks_cpu_pair *p, const int8_t *a, const int8_t *b, int8_t *y, int32_t columns)
{
    for (int32_t i = 0; i < columns; i++)
        y[i] = lks_pair_value(a[i], b[i], p->pair);
}

LKS_INLINE void pair_block(const lks_cpu_pair *p, const int8_t *a, const int8_t *b, int8_t *y, int32_t columns, lks_cpu_way way,
                           int32_t kind, lks_cpu_scaling scaling)
{
    if (way == LKS_CPU_PAIR_LINEAR)
        pair_linear(p, a, b, y, columns);
    else if (way == LKS_CPU_PAIR_FAST && kind == LKS_BINARY_PRELU)
        pair_prelu(p, a, b, y, columns, scaling);
    else if (way == LKS_CPU_PAIR_FAST)
        pair_fast(p, a, b, y, columns, kind, scaling);
    else
        pair_any(p, a, b, y, columns);
}

/* way, kind and scaling are constants where this is used. */
LKS_INLINE void all_pairs(const lks_cpu_pair *pair, const int8_t *a, size_t a_step, const int8_t *b, size_t b_step, int8_t *y,
                      size_t count, lks_cpu_way way, int32_t kind, lks_cpu_scaling scaling)
{
    const lks_cpu_pair p = *pair;       /* y may not change it: constants stay in registers */
    int8_t rest_a[BLOCK], rest_b[BLOCK];

    if (!a_step)
        memset(rest_a, a[0], BLOCK);
    if (!b_step)
        memset(rest_b, b[0], BLOCK);
    a = a_step ? a : rest_a;
    b = b_step ? b : rest_b;
    for (; count >= BLOCK; count -= BLOCK) {
        pair_block(&p, a, b, y, BLOCK, way, kind, scaling);
        a += a_step * BLOCK;
        b += b_step * BLOCK;
        y += BLOCK;
    }
    if (count) {
        if (a_step)
            memcpy(memset(rest_a, 0, BLOCK), a, count);
        if (b_step)
            memcpy(memset(rest_b, 0, BLOCK), b, count);
        pair_block(&p, rest_a, rest_b, y, (int32_t)count, way, kind, scaling);
    }
}

#define PAIRS(name, way, kind, scaling)                                                                                     \
    static void name(const lks_cpu_pair *p, const int8_t *a, size_t a_step, const int8_t *b, size_t b_step, int8_t *y,      \
                     size_t count)                                                                                          \
    {                                                                                                                       \
        all_pairs(p, a, a_step, b, b_step, y, count, way, kind, scaling);                                                   \
    }

PAIRS(pairs_any, LKS_CPU_PAIR_ANY, LKS_BINARY_ADD, LKS_CPU_ANY)
PAIRS(pairs_linear, LKS_CPU_PAIR_LINEAR, LKS_BINARY_ADD, LKS_CPU_ANY)
PAIRS(pairs_add_half_up, LKS_CPU_PAIR_FAST, LKS_BINARY_ADD, LKS_CPU_HALF_UP)
PAIRS(pairs_add_tflite, LKS_CPU_PAIR_FAST, LKS_BINARY_ADD, LKS_CPU_TFLITE)
PAIRS(pairs_mul_half_up, LKS_CPU_PAIR_FAST, LKS_BINARY_MUL, LKS_CPU_HALF_UP)
PAIRS(pairs_mul_tflite, LKS_CPU_PAIR_FAST, LKS_BINARY_MUL, LKS_CPU_TFLITE)
PAIRS(pairs_prelu_half_up, LKS_CPU_PAIR_FAST, LKS_BINARY_PRELU, LKS_CPU_HALF_UP)
PAIRS(pairs_prelu_tflite, LKS_CPU_PAIR_FAST, LKS_BINARY_PRELU, LKS_CPU_TFLITE)

static void micro_pairs(const lks_cpu_pair *p, const int8_t *a, size_t a_step, const int8_t *b, size_t b_step, int8_t *y,
                        size_t count)
{
    const int tflite = p->scaling == LKS_CPU_TFLITE;

    if (p->way == LKS_CPU_PAIR_LINEAR)
        pairs_linear(p, a, a_step, b, b_step, y, count);
    else if (p->way == LKS_CPU_PAIR_ANY)
        pairs_any(p, a, a_step, b, b_step, y, count);
    else if (p->pair.kind == LKS_BINARY_ADD)
        (tflite ? pairs_add_tflite : pairs_add_half_up)(p, a, a_step, b, b_step, y, count);
    else if (p->pair.kind == LKS_BINARY_MUL)
        (tflite ? pairs_mul_tflite : pairs_mul_half_up)(p, a, a_step, b, b_step, y, count);
    else
        (tflite ? pairs_prelu_tflite : pairs_prelu_half_up)(p, a, a_step, b, b_step, y, count);
}

/* ---- tables -------------------------------------------------------------------------------------------------------------- */

static void micro_lut(const int8_t *table, const int8_t *x, int8_t *y, size_t count)
{
    const v_table t = v_table_of(table);

    for (; count >= TABLE_BYTES; count -= TABLE_BYTES, x += TABLE_BYTES, y += TABLE_BYTES)
        v_table_map(&t, x, y);
    for (size_t i = 0; i < count; i++)
        y[i] = table[x[i] + 128];
}

/* ---- scales -------------------------------------------------------------------------------------------------------------- */

/* scaling is a constant where this is used. */
LKS_INLINE size_t finish_blocks(const int32_t *acc, lks_rq rq, lks_tail tail, int8_t *y, size_t count, lks_cpu_scaling scaling)
{
    const v_scale k = v_scale_of(rq, scaling);
    const v_tail t = v_tail_of(tail);
    size_t at = 0;

    for (; at + BLOCK <= count; at += BLOCK) {
        v row[MAX_VECTORS];

        LKS_UNROLL
        for (int j = 0; j < MAX_VECTORS; j++)
            row[j] = v_scaled(v_load(acc + at + j * LANES), &k, scaling);
        v_store_row(y + at, row, MAX_VECTORS, BLOCK, t);
    }
    for (; at + LANES <= count; at += LANES) {
        const v row = v_scaled(v_load(acc + at), &k, scaling);

        v_store_row(y + at, &row, 1, LANES, t);
    }
    return at;
}

/* The largest |acc| of the first count / LANES vectors. */
LKS_INLINE uint64_t bound_of(const int32_t *acc, size_t count)
{
    v low = v_zero(), high = v_zero();
    int32_t lows[LANES], highs[LANES];
    int64_t bound = 0;

    for (size_t at = 0; at + LANES <= count; at += LANES) {
        low = v_min(low, v_load(acc + at));
        high = v_max(high, v_load(acc + at));
    }
    v_store(lows, low);
    v_store(highs, high);
    for (int i = 0; i < LANES; i++) {
        bound = -(int64_t)lows[i] > bound ? -(int64_t)lows[i] : bound;
        bound = highs[i] > bound ? highs[i] : bound;
    }
    return (uint64_t)bound;
}

static void micro_finish(const int32_t *acc, lks_rq rq, lks_tail tail, int8_t *y, size_t count)
{
    size_t at = 0;

    if (count >= LANES) {
        const lks_cpu_scaling scaling = lks_cpu_scaling_of(rq, bound_of(acc, count), tail.rounding);

        if (scaling == LKS_CPU_HALF_UP)
            at = finish_blocks(acc, rq, tail, y, count, LKS_CPU_HALF_UP);
        else if (scaling == LKS_CPU_TFLITE)
            at = finish_blocks(acc, rq, tail, y, count, LKS_CPU_TFLITE);
    }
    for (; at < count; at++)
        y[at] = lks_finish(acc[at], rq, tail);
}

static void micro_requant(const lks_requantization *k, const int16_t *x, int8_t *y, size_t count)
{
    int32_t acc[8 * LANES];

    for (size_t at = 0; at < count; at += 8 * LANES) {
        const size_t some = count - at < 8 * LANES ? count - at : 8 * LANES;

        for (size_t i = 0; i < some; i++)
            acc[i] = x[at + i] - k->x_zero;
        micro_finish(acc, k->rq, k->tail, y + at, some);
    }
}

/*
 * floor(u / k) for u = acc + k / 2 + 128 k, less 128: u is from 0 to 257 k.  With 2^e the largest power of 2 up to k, S = 31 + e
 * and M = floor(2^S / k) + 1 < 2^31, u M / 2^S is above u / k by at most u / 2^S < 1 / k, for 257 k^2 < 2^S where k < 2^22.  Away
 * from zero, ties of a negative acc, which only an even k has, go down: u is 1 less.
 */
static void micro_average(const int32_t *acc, int32_t k, lks_tail tail, int8_t *y, size_t count)
{
    const lks_tail t = { -128, tail.y_min, tail.y_max, tail.rounding };
    const int32_t lowers = tail.rounding == LKS_TFLITE && k % 2 == 0;
    const v_tail to = v_tail_of(t);
    int32_t e = 0;
    size_t at = 0;

    while (k >> e > 1)
        e++;
    if (k & (k - 1)) {                  /* a power of 2 has an M beyond int32, or nothing to divide */
        const v m = v_set((int32_t)(((uint64_t)1 << (31 + e)) / (uint64_t)k + 1)), add = v_set(k / 2 + 128 * k);
        const v shift = v_set(e - 1), none = v_zero();

        for (; at + LANES <= count; at += LANES) {
            const v sum = v_load(acc + at), u = v_add(sum, add);
            const v row = v_sra(v_product32(lowers ? v_add(u, v_sign(sum)) : u, m, m, none, none), shift);

            v_store_row(y + at, &row, 1, LANES, to);
        }
    } else {
        const v add = v_set(k / 2 + 128 * k), shift = v_set(e);

        for (; at + LANES <= count; at += LANES) {
            const v sum = v_load(acc + at), u = v_add(sum, add);
            const v row = v_sra(lowers ? v_add(u, v_sign(sum)) : u, shift);

            v_store_row(y + at, &row, 1, LANES, to);
        }
    }
    for (; at < count; at++)
        y[at] = (int8_t)lks_clamp(lks_average(acc[at], k, tail.rounding), tail.y_min, tail.y_max);
}

/* ---- loops that compilers turn into vectors themselves ------------------------------------------------------------------- */

static void micro_max(const int8_t *x, int8_t *y, size_t count, int32_t smallest)
{
    if (smallest)
        for (size_t i = 0; i < count; i++)
            y[i] = x[i] < y[i] ? x[i] : y[i];
    else
        for (size_t i = 0; i < count; i++)
            y[i] = x[i] > y[i] ? x[i] : y[i];
}

static void micro_clamp(int8_t *y, size_t count, int32_t lo, int32_t hi)
{
    const int8_t low = (int8_t)lo, high = (int8_t)hi;

    for (size_t i = 0; i < count; i++) {
        const int8_t raised = y[i] < low ? low : y[i];

        y[i] = raised > high ? high : raised;
    }
}

static void micro_accumulate(const int8_t *x, int32_t *acc, size_t count)
{
    size_t at = 0;

    for (; at + LANES <= count; at += LANES)
        v_store(acc + at, v_add(v_load(acc + at), v_widen8(x + at)));
    for (; at < count; at++)
        acc[at] += x[at];
}

static int32_t micro_top(const int8_t *x, size_t count)
{
    int8_t top = x[0];

    for (size_t i = 1; i < count; i++)
        top = x[i] > top ? x[i] : top;
    return top;
}
