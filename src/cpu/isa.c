/* SPDX-License-Identifier: Apache-2.0
 *
 * Which instruction sets this machine has, and which of them is used.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE             /* syscall */
#endif
#include "cpu/isa.h"

#include "cpu/sets.h"

#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(LKS_CPU_WITH_NEON) && defined(__linux__)
#include <sys/auxv.h>
#endif

const lks_cpu_isa *const lks_cpu_isas[] = {
#if defined(__x86_64__)
    &lks_cpu_isa_amx, &lks_cpu_isa_avx512vnni, &lks_cpu_isa_avxvnni, &lks_cpu_isa_avx2,
#elif defined(LKS_CPU_WITH_NEON)
    &lks_cpu_isa_i8mm, &lks_cpu_isa_dotprod, &lks_cpu_isa_neon,
#endif
    &lks_cpu_isa_c, NULL
};

#if defined(__x86_64__)

/* The builtins also ask whether the system saves the registers. */
static int has_avx512vnni(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi")
        && __builtin_cpu_supports("bmi2");
}

static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
}

/* Leaf 7, subleaf 1, EAX bit 4. */
static int has_avxvnni(void)
{
    unsigned a = 0, b = 0, c = 0, d = 0;

    return has_avx2() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)
        && (a >> 4 & 1);
}

/*
 * Leaf 7, EDX bits 24 and 25: tiles, and products of int8.  Their registers are large, so Linux saves them only for a process
 * that has asked; asking again changes nothing.
 */
static int has_amx(void)
{
#if defined(__linux__) && defined(SYS_arch_prctl)
    const long request_permission = 0x1023, tile_data = 18;
    unsigned a = 0, b = 0, c = 0, d = 0;

    return has_avx512vnni() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 24 & 3) == 3
        && syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
    return 0;
#endif
}

int lks_cpu_has(const lks_cpu_isa *isa)
{
    __builtin_cpu_init();
    if (isa == &lks_cpu_isa_amx)
        return has_amx();
    if (isa == &lks_cpu_isa_avx512vnni)
        return has_avx512vnni();
    if (isa == &lks_cpu_isa_avxvnni)
        return has_avxvnni();
    return isa == &lks_cpu_isa_avx2 ? has_avx2() : isa == &lks_cpu_isa_c;
}

/* Leaves 0x80000002 to 0x80000004: 48 characters. */
static void processor_name(char *name, size_t bytes)
{
    unsigned word[12] = { 0 };
    char text[sizeof word + 1] = "";
    const char *begin = text;

    for (unsigned i = 0; i < 3; i++)
        if (!__get_cpuid(0x80000002u + i, &word[4 * i], &word[4 * i + 1], &word[4 * i + 2], &word[4 * i + 3]))
            word[0] = 0;
    memcpy(text, word, sizeof word);
    while (*begin == ' ')
        begin++;
    for (size_t i = strlen(text); i > 0 && text[i - 1] == ' '; i--)
        text[i - 1] = '\0';
    snprintf(name, bytes, "%s", *begin ? begin : "x86-64");
}

#elif defined(LKS_CPU_WITH_NEON)

/* Bits of the kernel's interface, which older headers lack. */
#define HAS_DOTPROD (1ul << 20)
#define HAS_I8MM (1ul << 13)

int lks_cpu_has(const lks_cpu_isa *isa)
{
#if defined(__linux__)
    if (isa == &lks_cpu_isa_dotprod)
        return (getauxval(AT_HWCAP) & HAS_DOTPROD) != 0;
    if (isa == &lks_cpu_isa_i8mm)
        return (getauxval(AT_HWCAP) & HAS_DOTPROD) != 0 && (getauxval(AT_HWCAP2) & HAS_I8MM) != 0;
#endif
    return isa == &lks_cpu_isa_neon || isa == &lks_cpu_isa_c;
}

static void processor_name(char *name, size_t bytes)
{
    snprintf(name, bytes, "aarch64");
}

#else

int lks_cpu_has(const lks_cpu_isa *isa)
{
    return isa == &lks_cpu_isa_c;
}

static void processor_name(char *name, size_t bytes)
{
    snprintf(name, bytes, "CPU");
}

#endif

const lks_cpu_isa *lks_cpu_choose_isa(const char *name)
{
    for (int i = 0; lks_cpu_isas[i]; i++)
        if (lks_cpu_has(lks_cpu_isas[i]) && (!name || strcmp(lks_cpu_isas[i]->name, name) == 0))
            return lks_cpu_isas[i];
    return NULL;
}

/* Both kinds of names, with commas. */
static void list_names(char *has, char *lacks, size_t bytes)
{
    has[0] = lacks[0] = '\0';
    for (int i = 0; lks_cpu_isas[i]; i++) {
        char *to = lks_cpu_has(lks_cpu_isas[i]) ? has : lacks;
        const size_t length = strlen(to);

        snprintf(to + length, bytes - length, "%s%s", length ? ", " : "", lks_cpu_isas[i]->name);
    }
}

void lks_cpu_list_isas(char *text, size_t bytes)
{
    char has[96], lacks[96];

    list_names(has, lacks, sizeof has);
    snprintf(text, bytes, "this machine has %s%s%s%s", has, lacks[0] ? " (and not " : "", lacks, lacks[0] ? ")" : "");
}

void lks_cpu_describe_processor(char *name, size_t name_bytes, char *why, size_t why_bytes)
{
    char sets[200];

    lks_cpu_list_isas(sets, sizeof sets);
    processor_name(name, name_bytes);
    snprintf(why, why_bytes, "%s: %s", lks_cpu_choose_isa(NULL)->name, sets);
}
