/* SPDX-License-Identifier: Apache-2.0
 *
 * One step of filters over time: each sees the inputs, and remembers what it saw.  spec 4.51
 */
#include "cpu_ref/backend.h"
#include "spec/arith.h"

#include <stddef.h>

/* What a filter sees of one image, as it is remembered. */
static int16_t feature(const lks_svdf *a, const int8_t *x, const int8_t *w)
{
    int32_t acc = 0;                    /* rules_*.c: cannot overflow */

    for (int32_t i = 0; i < a->in_c; i++)
        acc += (x[i] - a->x_zero) * w[i];
    return (int16_t)lks_clamp(lks_requant(acc, a->feature_rq, a->tail.rounding), a->state_min, a->state_max);
}

/* Forget the oldest, remember the newest, and weigh all. */
static int64_t remember(int16_t *state, int16_t newest, const int16_t *w_time, int32_t memory)
{
    int64_t sum = 0;

    for (int32_t t = 0; t < memory; t++) {
        state[t] = t + 1 < memory ? state[t + 1] : newest;
        sum += (int64_t)w_time[t] * state[t];
    }
    return sum;
}

void lks_ref_svdf(const lks_kernel_args *args, const lks_operands *t)
{
    const lks_svdf *a = &args->svdf;
    const size_t filters = (size_t)a->units * (size_t)a->rank, memory = (size_t)a->memory;

    for (size_t n = 0; n < (size_t)t->n * (size_t)a->images; n++)
        for (size_t u = 0; u < (size_t)a->units; u++) {
            int64_t sum = t->bias[u];

            for (size_t f = u * (size_t)a->rank; f < (u + 1) * (size_t)a->rank; f++) {
                int16_t newest = feature(a, t->x + n * (size_t)a->in_c, t->w + f * (size_t)a->in_c);

                sum += remember(t->state + (n * filters + f) * memory, newest, t->w_time + f * memory, a->memory);
            }
            t->y[n * (size_t)a->units + u] = lks_finish(lks_saturate(sum), a->rq, a->tail);
        }
}
