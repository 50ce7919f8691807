/* SPDX-License-Identifier: Apache-2.0
 *
 * The inputs that `lockstep verify` runs: random, constant, and given ones.
 */
#ifndef LOCKSTEP_TOOLS_CASES_H
#define LOCKSTEP_TOOLS_CASES_H

#include "tools/input.h"

#define CASE_NAME_SIZE 64
#define CASES_MAX 100000

/* Where the bytes of a case come from. */
typedef enum case_kind {
    CASE_SEED,      /* byte i is the top 8 bits of output i of splitmix64 from state `number`; one stream fills all inputs */
    CASE_BYTE,      /* every byte is `number` */
    CASE_GIVEN      /* given as they are */
} case_kind;

/* One input of the model: one image where its batch is free, else its whole batch. */
typedef struct test_case {
    char name[CASE_NAME_SIZE];      /* "random_3", "const_7f", "given_0", or as a file of cases calls it */
    case_kind kind;
    uint64_t number;
    size_t origin;                  /* its index in the file of cases */
    uint8_t *data;                  /* all model inputs, one behind the other */
} test_case;

typedef struct case_list {
    test_case *item;
    size_t count, room;
    uint32_t inputs;                /* of the model */
    lks_type *type;
    size_t *bytes;                  /* of each input, in one case */
} case_list;

/* An empty list with room for so many. */
bool cases_start(const lks_model *model, size_t room, case_list *list, lks_error *error);

/* Add a case.  name: NULL for "random_N", "const_XX", "given_N".  data: CASE_GIVEN only; copied. */
bool cases_add(case_list *list, case_kind kind, uint64_t number, const char *name, const uint8_t *data, lks_error *error);

/* Add image n of what was loaded. */
bool cases_add_image(case_list *list, const input_set *given, uint32_t n, const char *name, lks_error *error);

/*
 * Make the cases.
 *
 * seed, random  random_N, N = seed .. seed + random - 1
 * given         inputs that were loaded, or NULL; every image of them becomes a case.
 *
 * const_00, const_80 and const_7f, whose bytes are all equal, are always among them.
 */
bool cases_open(const lks_model *model, uint64_t seed, uint32_t random, const input_set *given, case_list *list,
                lks_error *error);
void cases_close(case_list *list);

/* Is it one that cases_open always makes? */
bool cases_is_standard(const test_case *c);

/* Where input i of a case starts, and the bytes of all of them. */
uint8_t *cases_input(const case_list *list, const test_case *c, uint32_t i);
size_t cases_bytes(const case_list *list);

#endif
