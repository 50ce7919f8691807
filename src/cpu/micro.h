/* SPDX-License-Identifier: Apache-2.0
 *
 * All templates, and the table of a set: included once by each isa_*.c, behind its vec_*.h.
 */
#include "cpu/micro_scale.h"
#include "cpu/micro_tile.h"
#include "cpu/micro_taps.h"
#include "cpu/micro_dot.h"
#include "cpu/micro_element.h"
#include "cpu/micro_bilinear.h"

#define LKS_CPU_ISA_ENTRIES(name_, tiles_)                                                                              \
    .name = name_, .lanes = LANES, .max_vectors = MAX_VECTORS, .k_step = K_STEP, .x_bytes = X_BYTES,                    \
    .x_offset = X_OFFSET, .tiles = tiles_, .taps = micro_taps, .wide = micro_wide, .widen = micro_widen,                \
    .sum = micro_sum, .pairs = micro_pairs, .lut = micro_lut, .requant = micro_requant, .max = micro_max,               \
    .clamp = micro_clamp, .accumulate = micro_accumulate, .finish = micro_finish, .average = micro_average,             \
    .top = micro_top, .dot = micro_dot, .dot16 = micro_dot16, .bilinear = micro_bilinear
