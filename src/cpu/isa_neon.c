/* SPDX-License-Identifier: Apache-2.0
 *
 * NEON: every 64-bit Arm.  Tiles are as high as gcc keeps in 32 registers.
 */
#include "cpu/sets.h"

#ifdef LKS_CPU_WITH_NEON
#include "spec/arith.h"

#include <arm_neon.h>
#include <string.h>

#include "cpu/vec_neon.h"
#include "cpu/micro.h"

TILE(1, 1) TILE(2, 1) TILE(4, 1) TILE(8, 1)
TILE(1, 2) TILE(2, 2) TILE(4, 2)
TILE(1, 3) TILE(2, 3)
TILE(1, 4) TILE(2, 4)

static const lks_cpu_tile_kernel tiles_1[] = { { 8, tile_8_1 }, { 4, tile_4_1 }, { 2, tile_2_1 }, { 1, tile_1_1 } };
static const lks_cpu_tile_kernel tiles_2[] = { { 4, tile_4_2 }, { 2, tile_2_2 }, { 1, tile_1_2 } };
static const lks_cpu_tile_kernel tiles_3[] = { { 2, tile_2_3 }, { 1, tile_1_3 } };
static const lks_cpu_tile_kernel tiles_4[] = { { 2, tile_2_4 }, { 1, tile_1_4 } };

const lks_cpu_isa lks_cpu_isa_neon = { LKS_CPU_ISA_ENTRIES("neon", LKS_CPU_TILES(tiles_1, tiles_2, tiles_3, tiles_4)) };
#endif
