/* SPDX-License-Identifier: Apache-2.0
 *
 * All instruction sets by name, and how a file is compiled for one.
 */
#ifndef LKS_CPU_SETS_H
#define LKS_CPU_SETS_H

#include "cpu/isa.h"

extern const lks_cpu_isa lks_cpu_isa_amx, lks_cpu_isa_avx512vnni, lks_cpu_isa_avxvnni, lks_cpu_isa_avx2;   /* x86-64 */
extern const lks_cpu_isa lks_cpu_isa_i8mm, lks_cpu_isa_dotprod, lks_cpu_isa_neon;          /* aarch64 */
extern const lks_cpu_isa lks_cpu_isa_c;
extern const lks_cpu_matrix lks_cpu_amx;

/* Where NEON is.  Its vectors are written for little-endian machines; others have C. */
#if defined(__aarch64__) && defined(__ARM_NEON) && !defined(__AARCH64EB__)
#define LKS_CPU_WITH_NEON
#endif

#define LKS_CPU_TILES(one, two, three, four) { one, two, three, four }

/* Everything between the two is compiled for these instructions, whatever the compiler was told. */
#define LKS_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define LKS_TARGET(instructions) LKS_PRAGMA(clang attribute push(__attribute__((target(instructions))), apply_to = function))
#define LKS_TARGET_END LKS_PRAGMA(clang attribute pop)
#define LKS_TARGET_DOTPROD LKS_TARGET("dotprod")
#define LKS_TARGET_I8MM LKS_TARGET("dotprod,i8mm")
#else
#define LKS_TARGET(instructions) LKS_PRAGMA(GCC push_options) LKS_PRAGMA(GCC target(instructions))
#define LKS_TARGET_END LKS_PRAGMA(GCC pop_options)
#define LKS_TARGET_DOTPROD LKS_TARGET("arch=armv8.2-a+dotprod")     /* gcc's own functions for it ask for that architecture */
#define LKS_TARGET_I8MM LKS_TARGET("arch=armv8.2-a+dotprod+i8mm")
#endif

#endif
