/* SPDX-License-Identifier: Apache-2.0
 *
 * The cases of `lockstep selftest`: small legal models with inputs, each a pure function of op, seed and number.
 */
#ifndef LOCKSTEP_TOOLS_CASES_MAKE_H
#define LOCKSTEP_TOOLS_CASES_MAKE_H

#include "tools/errors.h"

/* The kinds of the cases that are graphs; all other kinds are LKS_OP_... */
#define CASES_GRAPH 0
#define CASES_BLOCK 0x10000u    /* beyond the ops: what the host fuses */

typedef struct made_case {
    lks_model *model;
    uint32_t batch;             /* to run it with */
    uint8_t *input;             /* all graph inputs, one behind the other, interface bytes, for that batch */
    size_t input_bytes;
} made_case;

/* Kind i of the table, in the order of spec 4, blocks and graphs last.  false: beyond the last. */
bool cases_kind(size_t i, uint32_t *kind);

/* "conv", ..., "block", "graph". */
const char *cases_name(uint32_t kind);

/*
 * Make case k of that kind.
 *
 * It depends on nothing but kind, seed and k, and is equal on every machine.  Low k walk the edges one by one, the others mix
 * them.  Cases 2j and 2j + 1 mostly have the same shapes.  false: *error says why: memory ran out, or the reader refuses what the
 * maker made, which is a mistake in the maker.
 */
bool cases_make(uint32_t kind, uint64_t seed, uint64_t k, made_case *c, lks_error *error);
void cases_free(made_case *c);

#endif
