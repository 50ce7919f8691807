/* SPDX-License-Identifier: Apache-2.0
 *
 * The inputs that `lockstep verify` runs: random, constant, and given ones.
 */
#ifndef LOCKSTEP_TOOLS_CASES_H
#define LOCKSTEP_TOOLS_CASES_H

#include "tools/input.h"

#define CASE_NAME_SIZE 32

/* One input of the model: one image where its batch is free, else its whole batch. */
typedef struct test_case {
    char name[CASE_NAME_SIZE];      /* "random_3", "const_7f", "given_0" */
    uint8_t *data;                  /* all model inputs, one behind the other */
} test_case;

typedef struct case_list {
    test_case *item;
    size_t count;
    uint32_t inputs;                /* of the model */
    size_t *bytes;                  /* of each input, in one case */
} case_list;

/*
 * Make the cases.
 *
 * seed, random  random_N, N = seed .. seed + random - 1: byte i is the top 8 bits of output i of splitmix64 with initial state N;
 *               one stream fills all inputs in model order.
 * given         inputs that were loaded, or NULL; every image of them becomes a case.
 *
 * const_00, const_80 and const_7f, whose bytes are all equal, are always among them.
 */
bool cases_open(const lks_model *model, uint64_t seed, uint32_t random, const input_set *given, case_list *list,
                lks_error *error);
void cases_close(case_list *list);

/* Where input i of a case starts. */
uint8_t *cases_input(const case_list *list, const test_case *c, uint32_t i);

#endif
