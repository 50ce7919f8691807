/* SPDX-License-Identifier: Apache-2.0
 *
 * Every micro-kernel of every instruction set that this machine has (src/cpu/isa.h) against plain arithmetic, which is written
 * in the test and shares nothing with the sets but spec/arith.h.
 *
 * cpu_micro_test [SET [ENTRY [SEED]]]      all: every one
 */
#include "cpu_micro/micro.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SKIPPED 77
#define ROUNDS 8                /* of each entry */

static const struct {
    const char *name;
    void (*test)(micro_run *r);
} entries[] = {
    { "tiles", micro_test_tiles },
    { "matrix", micro_test_matrix },        /* of sets that have one; others have no cases */
    { "join", micro_test_join },
    { "taps", micro_test_taps },
    { "slide", micro_test_slide },          /* taps, the second form */
    { "wide", micro_test_wide },
    { "widen", micro_test_widen },
    { "sum", micro_test_sum },
    { "pairs", micro_test_pairs },
    { "lut", micro_test_lut },
    { "requant", micro_test_requant },
    { "max", micro_test_max },
    { "clamp", micro_test_clamp },
    { "accumulate", micro_test_accumulate },
    { "finish", micro_test_finish },
    { "average", micro_test_average },
    { "top", micro_test_top },
    { "dot", micro_test_dot },
    { "dot16", micro_test_dot16 },
    { "bilinear", micro_test_bilinear },
};

#define ENTRIES (sizeof entries / sizeof *entries)

static int passed, failed;

static int named(const char *wanted, const char *name)
{
    return strcmp(wanted, "all") == 0 || strcmp(wanted, name) == 0;
}

/* What an entry sees depends on its own name and the seed alone, so that it can be repeated alone. */
static uint64_t state_of(uint64_t seed, const char *entry)
{
    uint64_t h = seed;

    for (; *entry; entry++)
        h = (h ^ (uint64_t)(unsigned char)*entry) * 0x100000001b3u;
    return h;
}

static void run_entry(const char *program, const lks_cpu_isa *isa, size_t i, uint64_t seed)
{
    micro_run r = { .program = program, .isa = isa, .entry = entries[i].name, .seed = seed };

    r.state = state_of(seed, r.entry);
    for (int round = 0; round < ROUNDS; round++)
        entries[i].test(&r);
    micro_free(&r);
    printf("%s %s %s: %ld cases", r.failures ? "FAIL" : "ok  ", isa->name, r.entry, r.cases);
    if (r.failures)
        printf(", %ld differences", r.failures);
    printf("\n");
    *(r.failures ? &failed : &passed) += 1;
}

/* Whether there is anything of that name. */
static int run_sets(const char *program, const char *set, const char *entry, uint64_t seed)
{
    int known = 0;

    for (const lks_cpu_isa *const *isa = lks_cpu_isas; *isa; isa++) {
        if (!named(set, (*isa)->name))
            continue;
        for (size_t i = 0; i < ENTRIES; i++)
            if (named(entry, entries[i].name)) {
                known = 1;
                if (lks_cpu_has(*isa))
                    run_entry(program, *isa, i, seed);
            }
        if (!lks_cpu_has(*isa))
            printf("skipped %s: this machine has it not\n", (*isa)->name);
    }
    return known;
}

int main(int argc, char **argv)
{
    const char *set = argc > 1 ? argv[1] : "all", *entry = argc > 2 ? argv[2] : "all";
    const uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;

    printf("seed %" PRIu64 "\n", seed);
    if (!run_sets(argv[0], set, entry, seed))
        return printf("FAIL usage: cpu_micro_test [SET [ENTRY [SEED]]], of the sets of this architecture\n"), 2;
    printf("%d passed, %d failed\n", passed, failed);
    return failed ? 1 : passed ? 0 : SKIPPED;
}
