/* SPDX-License-Identifier: Apache-2.0
 *
 * AVX-512 with VNNI and VBMI: Intel since Ice Lake, AMD since Zen 4.  24 of 32 registers hold accumulators at most; with more
 * than eight rows, their pointers would not fit into the others.  The set `amx` is the same with a matrix engine (amx.c).
 */
#include "cpu/sets.h"

#if defined(__x86_64__)
#include "spec/arith.h"

#include <immintrin.h>
#include <string.h>

LKS_TARGET("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vbmi,avx2,bmi2")
#include "cpu/vec_avx512.h"
#include "cpu/micro.h"

TILE(1, 1) TILE(2, 1) TILE(4, 1) TILE(8, 1)
TILE(1, 2) TILE(2, 2) TILE(4, 2) TILE(8, 2)
TILE(1, 3) TILE(2, 3) TILE(4, 3) TILE(6, 3) TILE(8, 3)
TILE(1, 4) TILE(2, 4) TILE(3, 4) TILE(4, 4) TILE(5, 4) TILE(6, 4)

static const lks_cpu_tile_kernel tiles_1[] = {
    { 8, tile_8_1 }, { 4, tile_4_1 }, { 2, tile_2_1 }, { 1, tile_1_1 }
};
static const lks_cpu_tile_kernel tiles_2[] = {
    { 8, tile_8_2 }, { 4, tile_4_2 }, { 2, tile_2_2 }, { 1, tile_1_2 }
};
static const lks_cpu_tile_kernel tiles_3[] = {
    { 8, tile_8_3 }, { 6, tile_6_3 }, { 4, tile_4_3 }, { 2, tile_2_3 }, { 1, tile_1_3 }
};
static const lks_cpu_tile_kernel tiles_4[] = {
    { 6, tile_6_4 }, { 5, tile_5_4 }, { 4, tile_4_4 }, { 3, tile_3_4 }, { 2, tile_2_4 }, { 1, tile_1_4 }
};

#define TILES LKS_CPU_TILES(tiles_1, tiles_2, tiles_3, tiles_4)

const lks_cpu_isa lks_cpu_isa_avx512vnni = { LKS_CPU_ISA_ENTRIES("avx512vnni", TILES) };
const lks_cpu_isa lks_cpu_isa_amx = { LKS_CPU_ISA_ENTRIES("amx", TILES), .matrix = &lks_cpu_amx };
LKS_TARGET_END
#endif
