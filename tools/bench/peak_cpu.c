/* SPDX-License-Identifier: Apache-2.0
 *
 * Register-only loops, one per instruction set.  In assembly, so that no compiler deletes, merges or spills anything: an
 * instruction of a latency of 4 or 5 clocks that starts twice per clock needs 8 to 10 accumulators; there are 12 or 24.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE             /* syscall */
#endif
#include "tools/bench/peak_cpu.h"

#include <stddef.h>

#if defined(__x86_64__) || defined(__aarch64__)
/* Random bytes: zeros would save power, and with it raise the clock. */
static const uint8_t operands[128] __attribute__((aligned(64))) = {
    0x9d, 0x2c, 0x71, 0xe4, 0x38, 0xb5, 0x06, 0xcf, 0x5a, 0x83, 0xf7, 0x1e, 0x64, 0xa9, 0x4d, 0xd2,
    0x27, 0x90, 0xbc, 0x6b, 0xe1, 0x15, 0x7e, 0xc8, 0x52, 0x0b, 0xf3, 0x3f, 0xa6, 0x89, 0xd7, 0x44,
    0x69, 0xae, 0x12, 0xfb, 0x80, 0x35, 0xcb, 0x5e, 0xe7, 0x98, 0x21, 0x74, 0xbd, 0x0f, 0x46, 0xda,
    0x93, 0x6c, 0x2a, 0xf5, 0x08, 0xb1, 0x57, 0xee, 0x7d, 0xc3, 0x3a, 0x84, 0x1b, 0xd0, 0x4f, 0xa2,
    0x66, 0xe9, 0x30, 0x8c, 0xf1, 0x59, 0xb7, 0x03, 0xca, 0x7a, 0x25, 0x9e, 0x41, 0xdc, 0x14, 0x6f,
    0xa8, 0xf8, 0x3d, 0x87, 0xd5, 0x1c, 0x62, 0xbf, 0x0a, 0xe3, 0x50, 0x95, 0x2e, 0xc6, 0x78, 0xb3,
    0xff, 0x19, 0x4a, 0x8e, 0x32, 0xdf, 0x67, 0xa1, 0x05, 0xec, 0x54, 0xba, 0x7f, 0x91, 0x28, 0xc4,
    0x0d, 0xf6, 0x39, 0xd8, 0x6e, 0xab, 0x1f, 0x82, 0x47, 0xe5, 0x5b, 0xb0, 0x73, 0xce, 0x16, 0x9c
};
#endif

#define TIMES_8(x, a, b, c, d, e, f, g, h) x(a) x(b) x(c) x(d) x(e) x(f) x(g) x(h)
#define TIMES_4(x, a, b, c, d) x(a) x(b) x(c) x(d)

#if defined(__x86_64__)
#define LOOP(body) "1:\n\t" body "dec %0\n\tjnz 1b\n\t"

#define VNNI_ZMM(i) "vpdpbusd %%zmm30, %%zmm31, %%zmm" #i "\n\t"
__attribute__((target("avx512f,avx512vnni"))) static void spin_avx512_vnni(uint64_t n)
{
    __asm__ volatile("vmovdqa64 (%1), %%zmm30\n\tvmovdqa64 64(%1), %%zmm31\n\t"
                     LOOP(TIMES_8(VNNI_ZMM, 0, 1, 2, 3, 4, 5, 6, 7) TIMES_8(VNNI_ZMM, 8, 9, 10, 11, 12, 13, 14, 15)
                          TIMES_8(VNNI_ZMM, 16, 17, 18, 19, 20, 21, 22, 23)) "vzeroupper"
                     : "+r"(n) : "r"(operands)
                     : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                       "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23",
                       "xmm30", "xmm31");
}

/* 8 tiles of 16 rows of 64 bytes: 0 to 3 are sums.  Each byte of the others is random as well. */
__attribute__((target("amx-tile,amx-int8"))) static void spin_amx(uint64_t n)
{
    static const uint8_t shape[64] = {
        [0] = 1, [16] = 64, [18] = 64, [20] = 64, [22] = 64, [24] = 64, [26] = 64, [28] = 64, [30] = 64,
        [48] = 16, [49] = 16, [50] = 16, [51] = 16, [52] = 16, [53] = 16, [54] = 16, [55] = 16
    };
    static const uint64_t step = 4;

    __asm__ volatile("ldtilecfg %1\n\t"
                     "tileloadd (%2,%3), %%tmm4\n\ttileloadd (%2,%3), %%tmm5\n\t"
                     "tileloadd (%2,%3), %%tmm6\n\ttileloadd (%2,%3), %%tmm7\n\t"
                     LOOP("tdpbssd %%tmm6, %%tmm4, %%tmm0\n\ttdpbssd %%tmm7, %%tmm4, %%tmm1\n\t"
                          "tdpbssd %%tmm6, %%tmm5, %%tmm2\n\ttdpbssd %%tmm7, %%tmm5, %%tmm3\n\t") "tilerelease"
                     : "+r"(n) : "m"(shape), "r"(operands), "r"(step) : "cc", "memory");
}

#define CLOBBERS_16 "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", \
                    "xmm12", "xmm13", "xmm14", "xmm15"

#define VNNI_YMM(i) "%{vex%} vpdpbusd %%ymm14, %%ymm15, %%ymm" #i "\n\t"
__attribute__((target("avx2"))) static void spin_avx_vnni(uint64_t n)
{
    __asm__ volatile("vmovdqa (%1), %%ymm14\n\tvmovdqa 64(%1), %%ymm15\n\t"
                     LOOP(TIMES_8(VNNI_YMM, 0, 1, 2, 3, 4, 5, 6, 7) TIMES_4(VNNI_YMM, 8, 9, 10, 11)) "vzeroupper"
                     : "+r"(n) : "r"(operands) : CLOBBERS_16);
}

/* int8 widened to int16: 16 products, in pairs, into 8 sums. */
#define MADD_YMM(i) "vpmaddwd %%ymm14, %%ymm15, %%ymm13\n\tvpaddd %%ymm13, %%ymm" #i ", %%ymm" #i "\n\t"
__attribute__((target("avx2"))) static void spin_avx2(uint64_t n)
{
    __asm__ volatile("vpmovsxbw (%1), %%ymm14\n\tvpmovsxbw 64(%1), %%ymm15\n\t"
                     LOOP(TIMES_8(MADD_YMM, 0, 1, 2, 3, 4, 5, 6, 7) TIMES_4(MADD_YMM, 8, 9, 10, 11)) "vzeroupper"
                     : "+r"(n) : "r"(operands) : CLOBBERS_16);
}

#define MADD_XMM(i) "movdqa %%xmm14, %%xmm13\n\tpmaddwd %%xmm15, %%xmm13\n\tpaddd %%xmm13, %%xmm" #i "\n\t"
static void spin_sse2(uint64_t n)
{
    __asm__ volatile("movdqa (%1), %%xmm14\n\tmovdqa 64(%1), %%xmm15\n\tpsraw $8, %%xmm14\n\tpsraw $8, %%xmm15\n\t"
                     LOOP(TIMES_8(MADD_XMM, 0, 1, 2, 3, 4, 5, 6, 7) TIMES_4(MADD_XMM, 8, 9, 10, 11))
                     : "+r"(n) : "r"(operands) : CLOBBERS_16);
}

static const cpu_unit amx = { "AMX tdpbssd", 4 * 16 * 16 * 64, spin_amx };
static const cpu_unit avx512_vnni = { "AVX-512 VNNI vpdpbusd", 24 * 64, spin_avx512_vnni };
static const cpu_unit avx_vnni = { "AVX-VNNI vpdpbusd", 12 * 32, spin_avx_vnni };
static const cpu_unit avx2 = { "AVX2 vpmaddwd", 12 * 16, spin_avx2 };
static const cpu_unit sse2 = { "SSE2 pmaddwd", 12 * 8, spin_sse2 };

#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* Leaf 7, EDX bits 24 and 25; Linux gives a process the registers, component 18, that asks for them (0x1023). */
static int has_amx(void)
{
#if defined(__linux__)
    unsigned a, b, c, d;

    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 24 & 3) == 3 && syscall(SYS_arch_prctl, 0x1023, 18) == 0;
#else
    return 0;
#endif
}

/* The compilers' own test does not know AVX-VNNI everywhere: leaf 7, subleaf 1, EAX bit 4. */
static int has_avx_vnni(void)
{
    unsigned a, b, c, d;

    return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

const cpu_unit *cpu_unit_best(void)
{
    __builtin_cpu_init();
    if (has_amx())
        return &amx;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni"))
        return &avx512_vnni;
    if (has_avx_vnni())
        return &avx_vnni;
    return __builtin_cpu_supports("avx2") ? &avx2 : &sse2;
}

/* imul of registers: 3 clocks from operand to result on every x86-64 since 2008. */
#define IMUL(i) "imul %1, %1\n\t"
static void spin_clock(uint64_t n)
{
    uint64_t v = 3;

    __asm__ volatile(LOOP(TIMES_8(IMUL, 0, 1, 2, 3, 4, 5, 6, 7)) : "+r"(n), "+r"(v) : : "cc");
}

void (*const cpu_clock)(uint64_t iterations) = spin_clock;

#elif defined(__aarch64__)
#include <sys/auxv.h>

#define LOOP(body) "1:\n\t" body "subs %0, %0, #1\n\tb.ne 1b\n\t"
#define CLOBBERS_24 "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", \
                    "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v30", "v31"
#define HWCAP_DOT (1u << 20)    /* HWCAP_ASIMDDP of the kernel */

/* gcc's assembler takes the extension from this architecture on only. */
#if defined(__clang__)
#define DOT __attribute__((target("dotprod")))
#else
#define DOT __attribute__((target("arch=armv8.2-a+dotprod")))
#endif
#define SDOT(i) "sdot v" #i ".4s, v30.16b, v31.16b\n\t"
DOT static void spin_dot(uint64_t n)
{
    __asm__ volatile("ldp q30, q31, [%1]\n\t"
                     LOOP(TIMES_8(SDOT, 0, 1, 2, 3, 4, 5, 6, 7) TIMES_8(SDOT, 8, 9, 10, 11, 12, 13, 14, 15)
                          TIMES_8(SDOT, 16, 17, 18, 19, 20, 21, 22, 23))
                     : "+r"(n) : "r"(operands) : CLOBBERS_24);
}

#define SMULL(i) "smull v29.8h, v30.8b, v31.8b\n\tsadalp v" #i ".4s, v29.8h\n\t"
static void spin_neon(uint64_t n)
{
    __asm__ volatile("ldp q30, q31, [%1]\n\t"
                     LOOP(TIMES_8(SMULL, 0, 1, 2, 3, 4, 5, 6, 7) TIMES_8(SMULL, 8, 9, 10, 11, 12, 13, 14, 15))
                     : "+r"(n) : "r"(operands) : CLOBBERS_24, "v29");
}

static const cpu_unit dot = { "NEON sdot", 24 * 16, spin_dot }, neon = { "NEON smull, sadalp", 16 * 8, spin_neon };

const cpu_unit *cpu_unit_best(void)
{
    return getauxval(AT_HWCAP) & HWCAP_DOT ? &dot : &neon;
}

void (*const cpu_clock)(uint64_t iterations) = NULL;

#else

/* Whatever the compiler makes of it. */
static void spin_c(uint64_t n)
{
    static volatile int8_t x = 93, w = -57;
    int32_t acc[8] = { 0 };
    int32_t a = x, b = w;

    for (; n; n--)
        for (int i = 0; i < 8; i++) {
            acc[i] += a * b;
            __asm__ volatile("" : "+r"(acc[i]), "+r"(a));
            acc[i] &= 0xffffff;
        }
}

static const cpu_unit plain = { "C", 8, spin_c };

const cpu_unit *cpu_unit_best(void)
{
    return &plain;
}

void (*const cpu_clock)(uint64_t iterations) = NULL;
#endif
