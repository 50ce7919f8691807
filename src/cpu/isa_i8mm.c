/* SPDX-License-Identifier: Apache-2.0
 *
 * NEON with SMMLA, twice the products of SDOT: Arm since Neoverse V1 and Cortex-A710.  Tiles are as high as gcc keeps in 32
 * registers.
 */
#include "cpu/sets.h"

#ifdef LKS_CPU_WITH_NEON
#include "spec/arith.h"

#include <arm_neon.h>
#include <string.h>

#define LKS_DOTPROD
#define K_STEP 8
LKS_TARGET_I8MM
#include "cpu/vec_neon.h"
#include "cpu/micro.h"
#include "cpu/micro_tile_i8mm.h"

TILE_I8MM(1, 1) TILE_I8MM(2, 1) TILE_I8MM(4, 1) TILE_I8MM(8, 1) TILE_I8MM(12, 1)
TILE_I8MM(1, 2) TILE_I8MM(2, 2) TILE_I8MM(4, 2) TILE_I8MM(6, 2) TILE_I8MM(8, 2)
TILE_I8MM(1, 3) TILE_I8MM(2, 3) TILE_I8MM(4, 3) TILE_I8MM(6, 3)
TILE_I8MM(1, 4) TILE_I8MM(2, 4) TILE_I8MM(4, 4)

static const lks_cpu_tile_kernel tiles_1[] = {
    { 12, tile_i8mm_12_1 }, { 8, tile_i8mm_8_1 }, { 4, tile_i8mm_4_1 }, { 2, tile_i8mm_2_1 }, { 1, tile_i8mm_1_1 }
};
static const lks_cpu_tile_kernel tiles_2[] = {
    { 8, tile_i8mm_8_2 }, { 6, tile_i8mm_6_2 }, { 4, tile_i8mm_4_2 }, { 2, tile_i8mm_2_2 }, { 1, tile_i8mm_1_2 }
};
static const lks_cpu_tile_kernel tiles_3[] = {
    { 6, tile_i8mm_6_3 }, { 4, tile_i8mm_4_3 }, { 2, tile_i8mm_2_3 }, { 1, tile_i8mm_1_3 }
};
static const lks_cpu_tile_kernel tiles_4[] = { { 4, tile_i8mm_4_4 }, { 2, tile_i8mm_2_4 }, { 1, tile_i8mm_1_4 } };

const lks_cpu_isa lks_cpu_isa_i8mm = { LKS_CPU_ISA_ENTRIES("i8mm", LKS_CPU_TILES(tiles_1, tiles_2, tiles_3, tiles_4)) };
LKS_TARGET_END
#endif
