/* SPDX-License-Identifier: Apache-2.0
 *
 * NEON with SDOT: Arm since Cortex-A75 and A55.  Tiles are as high as gcc keeps in 32 registers.
 */
#include "cpu/sets.h"

#ifdef LKS_CPU_WITH_NEON
#include "spec/arith.h"

#include <arm_neon.h>
#include <string.h>

#define LKS_DOTPROD
LKS_TARGET_DOTPROD
#include "cpu/vec_neon.h"
#include "cpu/micro.h"

TILE(1, 1) TILE(2, 1) TILE(4, 1) TILE(8, 1) TILE(14, 1)
TILE(1, 2) TILE(2, 2) TILE(4, 2) TILE(8, 2)
TILE(1, 3) TILE(2, 3) TILE(4, 3) TILE(6, 3)
TILE(1, 4) TILE(2, 4) TILE(3, 4) TILE(4, 4) TILE(5, 4)

static const lks_cpu_tile_kernel tiles_1[] = {
    { 14, tile_14_1 }, { 8, tile_8_1 }, { 4, tile_4_1 }, { 2, tile_2_1 }, { 1, tile_1_1 }
};
static const lks_cpu_tile_kernel tiles_2[] = { { 8, tile_8_2 }, { 4, tile_4_2 }, { 2, tile_2_2 }, { 1, tile_1_2 } };
static const lks_cpu_tile_kernel tiles_3[] = { { 6, tile_6_3 }, { 4, tile_4_3 }, { 2, tile_2_3 }, { 1, tile_1_3 } };
static const lks_cpu_tile_kernel tiles_4[] = {
    { 5, tile_5_4 }, { 4, tile_4_4 }, { 3, tile_3_4 }, { 2, tile_2_4 }, { 1, tile_1_4 }
};

const lks_cpu_isa lks_cpu_isa_dotprod = { LKS_CPU_ISA_ENTRIES("dotprod", LKS_CPU_TILES(tiles_1, tiles_2, tiles_3, tiles_4)) };
LKS_TARGET_END
#endif
