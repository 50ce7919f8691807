/* SPDX-License-Identifier: Apache-2.0
 *
 * AVX2: x86 since 2013.  12 of 16 registers hold accumulators.
 */
#include "cpu/sets.h"

#if defined(__x86_64__)
#include "spec/arith.h"

#include <immintrin.h>
#include <string.h>

LKS_TARGET("avx2,bmi2")
#include "cpu/vec_avx2.h"
#include "cpu/micro.h"

TILE(1, 1) TILE(2, 1) TILE(4, 1) TILE(8, 1)
TILE(1, 2) TILE(2, 2) TILE(3, 2) TILE(4, 2) TILE(5, 2) TILE(6, 2)

static const lks_cpu_tile_kernel tiles_1[] = {
    { 8, tile_8_1 }, { 4, tile_4_1 }, { 2, tile_2_1 }, { 1, tile_1_1 }
};
static const lks_cpu_tile_kernel tiles_2[] = {
    { 6, tile_6_2 }, { 5, tile_5_2 }, { 4, tile_4_2 }, { 3, tile_3_2 }, { 2, tile_2_2 }, { 1, tile_1_2 }
};

const lks_cpu_isa lks_cpu_isa_avx2 = { LKS_CPU_ISA_ENTRIES("avx2", LKS_CPU_TILES(tiles_1, tiles_2, NULL, NULL)) };
LKS_TARGET_END
#endif
