/* SPDX-License-Identifier: Apache-2.0
 *
 * Singular value decomposition filters: one output of one image per unit.  spec 4.51
 */
#include "cpu/family.h"

#include "spec/arith.h"

#include <string.h>

static size_t filters_of(const lks_svdf *a)
{
    return (size_t)a->units * (size_t)a->rank;
}

static size_t packed_bytes(const lks_step *s, const lks_cpu_isa *isa)
{
    (void)isa;
    return filters_of(&s->args.svdf) * sizeof(uint32_t);
}

/* -x_zero * sum(w), of each filter. */
static void pack(const lks_step *s, const lks_cpu_isa *isa, void *packed)
{
    const lks_svdf *a = &s->args.svdf;
    uint32_t *base = packed;

    for (size_t f = 0; f < filters_of(a); f++)
        base[f] = (0u - (uint32_t)a->x_zero) * (uint32_t)isa->sum(s->w + f * (size_t)a->in_c, (size_t)a->in_c);
}

static int64_t units(const lks_cpu_call *c)
{
    const lks_svdf *a = &c->args->svdf;

    return (int64_t)c->n * a->images * a->units;
}

static int64_t unit_work(const lks_cpu_call *c)
{
    const lks_svdf *a = &c->args->svdf;

    return (int64_t)a->rank * (a->in_c / 32 + a->memory / 2 + 8) + 1;
}

/* Forget the oldest, remember the newest, and weigh all. */
static int64_t remember(int16_t *state, int16_t newest, const int16_t *w_time, size_t memory)
{
    int64_t sum = 0;

    memmove(state, state + 1, (memory - 1) * sizeof *state);
    state[memory - 1] = newest;
    for (size_t t = 0; t < memory; t++)
        sum += w_time[t] * state[t];
    return sum;
}

static void run_unit(const lks_cpu_call *c, size_t unit)
{
    const lks_svdf *a = &c->args->svdf;
    const size_t image = unit / (size_t)a->units, u = unit % (size_t)a->units, in_c = (size_t)a->in_c, memory = (size_t)a->memory;
    const uint32_t *base = c->packed;
    int64_t sum = c->step->bias[u];

    for (size_t f = u * (size_t)a->rank; f < (u + 1) * (size_t)a->rank; f++) {
        const uint32_t acc = base[f] + (uint32_t)c->isa->dot(c->x + image * in_c, c->step->w + f * in_c, in_c);
        const int32_t feature = lks_requant((int32_t)acc, a->feature_rq, a->tail.rounding);

        sum += remember(c->state + (image * filters_of(a) + f) * memory, (int16_t)lks_clamp(feature, a->state_min, a->state_max),
                        c->step->w_time + f * memory, memory);
    }
    c->y[unit] = lks_finish(lks_saturate(sum), a->rq, a->tail);
}

static void run(const lks_cpu_call *c, int64_t first, int64_t end, void *scratch)
{
    (void)scratch;
    for (int64_t unit = first; unit < end; unit++)
        run_unit(c, (size_t)unit);
}

const lks_cpu_family lks_cpu_svdf = {
    .packed_bytes = packed_bytes, .pack = pack, .units = units, .unit_work = unit_work, .run = run
};
