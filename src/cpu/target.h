/* SPDX-License-Identifier: Apache-2.0
 *
 * What templates need of the compiler.  A set's file names its instructions (isa_*.c); all that follows is compiled for them.
 */
#ifndef LKS_CPU_TARGET_H
#define LKS_CPU_TARGET_H

/* Loops whose bounds are constants must go, for arrays of vectors to become registers. */
#if defined(__clang__)
#define LKS_UNROLL _Pragma("clang loop unroll(full)")
#else
#define LKS_UNROLL _Pragma("GCC unroll 16")
#endif

#define LKS_INLINE static inline __attribute__((always_inline, unused))

/* Into the second cache: beyond it the way is long enough to be hidden.  It never faults. */
#define LKS_PREFETCH(p) __builtin_prefetch(p, 0, 2)

/* v lives in a register here: gcc would otherwise spill accumulators inside the loop for the sake of what follows it. */
#define LKS_KEEP(v, where) __asm__ volatile("" : "+" where(v))

#endif
