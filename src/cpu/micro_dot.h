/* SPDX-License-Identifier: Apache-2.0
 *
 * Plain sums along memory, in loops that compilers turn into the vectors of the set.
 */
static void micro_widen(const int8_t *x, int16_t *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = x[i];
}

static int32_t micro_sum(const int8_t *x, size_t count)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (uint32_t)(int32_t)x[i];
    return (int32_t)sum;
}

static int32_t micro_dot(const int8_t *x, const int8_t *w, size_t count)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (uint32_t)(x[i] * w[i]);
    return (int32_t)sum;
}

static int32_t micro_dot16(const int16_t *x, const int8_t *w, size_t count)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (uint32_t)(x[i] * w[i]);
    return (int32_t)sum;
}
