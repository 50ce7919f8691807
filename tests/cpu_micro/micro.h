/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of micro-kernels share: seeded data, buffers between guards, scales at their limits, how a difference is told.
 *
 * A case describes its shape, takes inputs and outputs, lets the kernel write `got` and plain arithmetic write `expected`, and
 * compares the two whole: both were poisoned alike, so that what is written beside an output differs as well.
 */
#ifndef TESTS_CPU_MICRO_MICRO_H
#define TESTS_CPU_MICRO_MICRO_H

#include "cpu/isa.h"
#include "cpu/scale.h"

#include <stddef.h>

/* One entry of one set, at work. */
typedef struct micro_run {
    const char *program;
    const lks_cpu_isa *isa;
    const char *entry;
    uint64_t seed, state;
    char shape[200];
    void *taken[96];
    int taken_count;
    long cases, failures;
} micro_run;

/* Begin a case: what earlier ones took is freed.  The text is what a failure says of it. */
__attribute__((format(printf, 2, 3))) void micro_case(micro_run *r, const char *shape, ...);
void micro_free(micro_run *r);

uint64_t micro_random(micro_run *r);
int64_t micro_between(micro_run *r, int64_t low, int64_t high);     /* both included */
int micro_chance(micro_run *r, int one_in);

/* `bytes` bytes that kernels may read, with LKS_CPU_SLACK and no more behind them, of anything. */
void *micro_take(micro_run *r, size_t bytes);

/* Extremes half of the time: all -128, all 127, alternating, all equal; else random. */
void micro_fill(micro_run *r, int8_t *x, size_t count);
int8_t *micro_input(micro_run *r, size_t count);

/* Poisoned; not aligned beyond its elements. */
typedef struct micro_output {
    void *got, *expected;
    size_t bytes, element_bytes;
} micro_output;

micro_output micro_output_of(micro_run *r, size_t count, size_t element_bytes);
void micro_compare(micro_run *r, const micro_output *o);
void micro_same(micro_run *r, int64_t element, int64_t expected, int64_t got);      /* one element by itself */

/* ---- scales -------------------------------------------------------------------------------------------------------------- */

/* What a block of channels is scaled by. */
typedef struct micro_mode {
    const char *name;
    int32_t rounding;
    lks_cpu_scaling scaling;    /* LKS_CPU_ANY: at least one channel has neither of the others */
} micro_mode;

#define MICRO_MODES 4
extern const micro_mode micro_modes[MICRO_MODES];

lks_tail micro_tail(micro_run *r, int32_t rounding);

/* Of a scaling, often at the ends of its ranges. */
lks_rq micro_rq(micro_run *r, const micro_mode *m);

/* The largest |sum| that spec 3.2 allows with rq; and with which rq still has a scaling. */
int64_t micro_limit(lks_rq rq, int32_t rounding);
int64_t micro_limit_of(lks_rq rq, const micro_mode *m);

/*
 * Channels for sums[output][channel], `outputs` times `channels`, which get a base each, often such that the largest or the
 * smallest sum is at its limit; the bases are added to sums.
 *
 * w_sum[channel]: the sum of all weights, for isa->x_offset.  channels_at: the place of each in scale; NULL: its number.
 */
typedef struct micro_block {
    int64_t *sums;
    const int64_t *w_sum;
    int32_t outputs, channels, vectors;
    const int32_t *channels_at;
    lks_rq *rq;                 /* out, by channel */
    int32_t *scale;             /* out, taken */
    lks_cpu_scaling scaling;    /* out */
} micro_block;

void micro_scale_block(micro_run *r, const micro_mode *m, micro_block *b);

/* ---- entries ------------------------------------------------------------------------------------------------------------- */

/* Elements of the largest block that an entry takes at a time. */
static inline int32_t micro_block_elements(const micro_run *r)
{
    return r->isa->lanes * r->isa->max_vectors;
}

void micro_test_tiles(micro_run *r);
void micro_test_matrix(micro_run *r);
void micro_test_join(micro_run *r);
void micro_test_taps(micro_run *r);
void micro_test_slide(micro_run *r);
void micro_test_wide(micro_run *r);
void micro_test_widen(micro_run *r);
void micro_test_sum(micro_run *r);
void micro_test_pairs(micro_run *r);
void micro_test_lut(micro_run *r);
void micro_test_requant(micro_run *r);
void micro_test_max(micro_run *r);
void micro_test_clamp(micro_run *r);
void micro_test_accumulate(micro_run *r);
void micro_test_finish(micro_run *r);
void micro_test_average(micro_run *r);
void micro_test_top(micro_run *r);
void micro_test_dot(micro_run *r);
void micro_test_dot16(micro_run *r);
void micro_test_bilinear(micro_run *r);

#endif
