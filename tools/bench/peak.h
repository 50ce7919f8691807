/* SPDX-License-Identifier: Apache-2.0
 *
 * The measured peak of an open device: its int8 rate and its copy bandwidth, in slices short enough to stand between timed runs.
 */
#ifndef LOCKSTEP_TOOLS_BENCH_PEAK_H
#define LOCKSTEP_TOOLS_BENCH_PEAK_H

#include "host/context.h"
#include "tools/bench/peak_cpu.h"
#include "tools/errors.h"

typedef struct peak {
    const lks_context *context;
    uint32_t threads;               /* on the CPU */
    const char *unit;               /* what gives the int8 rate */
    const cpu_unit *cpu;            /* NULL: a device of its own, which exercises itself */
    lks_exercise what;              /* the faster of its units */
    uint64_t spins, amount, copy_amount;    /* of one slice */
    uint8_t *from, *to;             /* NULL: memory for the copy is lacking, or a device of its own */
    size_t copy_bytes;
} peak;

/* One slice: 10^9 MACs per second, and 10^9 bytes read plus bytes written per second; NAN: not known. */
typedef struct peak_slice {
    double gmac_per_s, copy_gb_per_s;
} peak_slice;

/* Find the unit and the amount of work for a slice of some 20 ms.  The caller closes it before the context. */
bool peak_open(peak *p, const lks_context *context, uint32_t threads, lks_error *error);
bool peak_measure(const peak *p, peak_slice *slice, lks_error *error);
void peak_close(peak *p);

/* The clock of a busy core in 10^9 per second, by dependent multiplications; NAN: not known here. */
double peak_clock_ghz(void);

#endif
