/* SPDX-License-Identifier: Apache-2.0
 *
 * What bench asks of the machine around it: the clock, processors, and memory, and who else uses them.  Linux; elsewhere some
 * answers are "not known".
 */
#ifndef LOCKSTEP_TOOLS_BENCH_MACHINE_H
#define LOCKSTEP_TOOLS_BENCH_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seconds since some moment; only differences mean something. */
double machine_seconds(void);

/* Processors that this process may run on, at least 1. */
uint32_t machine_processors(void);

/* The model name of the processor, "" if not known; its last cache in bytes, 0 if not known. */
void machine_name(char *name, size_t size);
size_t machine_cache_bytes(void);

/* Seconds of processor time, since some moment. */
typedef struct machine_usage {
    double wall, own, others, stolen;   /* this process; all others of this system; taken by the hypervisor */
    bool known;                         /* others and stolen */
} machine_usage;

machine_usage machine_usage_now(void);

/* Give free memory back to the system, and forget the highest resident memory so far.  false: it cannot be forgotten. */
bool machine_peak_reset(void);

/* The highest resident memory since then, in bytes; 0: not known. */
uint64_t machine_peak_bytes(void);

/* The same of a whole life of `PROGRAM --version`, this program: what the program takes before it does anything; 0: not known. */
uint64_t machine_bare_bytes(void);

#endif
