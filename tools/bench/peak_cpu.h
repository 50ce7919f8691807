/* SPDX-License-Identifier: Apache-2.0
 *
 * What the processor could do at most: int8 multiply-accumulates in registers, and copying beyond the caches.
 */
#ifndef LOCKSTEP_TOOLS_BENCH_PEAK_CPU_H
#define LOCKSTEP_TOOLS_BENCH_PEAK_CPU_H

#include <stdint.h>

/* One way to multiply and accumulate int8 exactly. */
typedef struct cpu_unit {
    const char *name;                   /* of the instruction set and the instruction */
    uint64_t macs;                      /* per iteration */
    void (*spin)(uint64_t iterations);  /* nothing but that instruction, on random operands */
} cpu_unit;

/* The fastest kind that this processor has. */
const cpu_unit *cpu_unit_best(void);

/* Dependent multiplications, CPU_CLOCKS clocks per iteration; NULL: their latency is not known on this architecture. */
#define CPU_CLOCKS 24
extern void (*const cpu_clock)(uint64_t iterations);

#endif
