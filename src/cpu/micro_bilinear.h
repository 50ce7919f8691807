/* SPDX-License-Identifier: Apache-2.0
 *
 * Interpolation along the channels of a pixel, in a loop that compilers turn into the vectors of the set.  spec 4.18
 */
LKS_INLINE void bilinear_row(const int8_t *const x[4], int32_t h, int32_t w, int32_t rounding, int8_t *y, size_t count)
{
    const int8_t *a = x[0], *b = x[1], *c = x[2], *d = x[3];

    for (size_t i = 0; i < count; i++) {
        const int32_t corners[4] = { a[i], b[i], c[i], d[i] };

        y[i] = lks_bilinear_value(corners, h, w, rounding);
    }
}

static void micro_bilinear(const int8_t *const x[4], int32_t h, int32_t w, int32_t rounding, int8_t *y, size_t count)
{
    if (rounding == LKS_TFLITE)
        bilinear_row(x, h, w, LKS_TFLITE, y, count);
    else
        bilinear_row(x, h, w, LKS_HALF_UP, y, count);
}
