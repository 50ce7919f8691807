/* SPDX-License-Identifier: Apache-2.0
 *
 * Fibers: stacks between which one host thread switches by itself.  They are announced to the address and thread sanitizers.
 *
 * A fiber stays on the host thread that made it.
 */
#ifndef SHIM_FIBER_H
#define SHIM_FIBER_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fiber fiber;

/* The fiber that the host thread itself is.  NULL: out of memory. */
fiber *fiber_of_host(void);

/* A fiber that runs main when it is first switched to; main must not return.  NULL: out of memory. */
fiber *fiber_make(void (*main)(void));

void fiber_free(fiber *f);

/* Go on in `to`, until something switches back. */
void fiber_switch(fiber *from, fiber *to);

/* Forget where a fiber stood, so that its next switch begins in main again. */
void fiber_rewind(fiber *f);

#ifdef __cplusplus
}
#endif

#endif
