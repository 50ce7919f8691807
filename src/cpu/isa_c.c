/* SPDX-License-Identifier: Apache-2.0
 *
 * Portable C: every processor.
 */
#include "cpu/sets.h"
#include "spec/arith.h"

#include <string.h>

#include "cpu/vec_c.h"
#include "cpu/micro.h"

TILE(1, 1) TILE(4, 1)
TILE(1, 2) TILE(2, 2) TILE(4, 2)

static const lks_cpu_tile_kernel tiles_1[] = { { 4, tile_4_1 }, { 1, tile_1_1 } };
static const lks_cpu_tile_kernel tiles_2[] = { { 4, tile_4_2 }, { 2, tile_2_2 }, { 1, tile_1_2 } };

const lks_cpu_isa lks_cpu_isa_c = { LKS_CPU_ISA_ENTRIES("c", LKS_CPU_TILES(tiles_1, tiles_2, NULL, NULL)) };
