/* SPDX-License-Identifier: Apache-2.0
 *
 * Interpolation between four runs of elements: lks_bilinear_value on LANES at a time.  A template over vec_*.h.
 *
 * The four factors add up to 2^20 and |x| <= 128: sums fit int32, at most 2^27.
 */
LKS_INLINE v bilinear_vector(const int8_t *const x[4], size_t at, const v factor[4], int32_t rounding)
{
    v acc = v_mul(v_widen8(x[0] + at), factor[0]);

    LKS_UNROLL
    for (int i = 1; i < 4; i++)
        acc = v_add(acc, v_mul(v_widen8(x[i] + at), factor[i]));
    if (rounding == LKS_TFLITE)         /* ties away from zero: one less below it, then ties up */
        acc = v_add(acc, v_sign(acc));
    return v_sra(v_add(acc, v_set(1 << 19)), v_set(20));
}

static void micro_bilinear(const int8_t *const x[4], int32_t h, int32_t w, int32_t rounding, int8_t *y, size_t count)
{
    const v factor[4] = {
        v_set((1024 - h) * (1024 - w)), v_set((1024 - h) * w), v_set(h * (1024 - w)), v_set(h * w)
    };
    size_t i = 0;

    for (; i + LANES <= count; i += LANES)
        v_narrow8(y + i, bilinear_vector(x, i, factor, rounding));
    for (; i < count; i++) {
        const int32_t corners[4] = { x[0][i], x[1][i], x[2][i], x[3][i] };

        y[i] = lks_bilinear_value(corners, h, w, rounding);
    }
}
