/* SPDX-License-Identifier: Apache-2.0
 *
 * The inputs that `lockstep verify` runs: random, constant, and given ones.
 */
#include "tools/cases.h"
#include "tools/tensor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t constants[] = { 0x00, 0x80, 0x7f };

#define CONSTANTS (sizeof constants / sizeof constants[0])

/* Steele, Lea, Flood: Fast splittable pseudorandom number generators. */
static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static size_t case_bytes(const case_list *list)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < list->inputs; i++)
        bytes += list->bytes[i];
    return bytes;
}

uint8_t *cases_input(const case_list *list, const test_case *c, uint32_t i)
{
    uint8_t *at = c->data;

    for (uint32_t k = 0; k < i; k++)
        at += list->bytes[k];
    return at;
}

static test_case *add(case_list *list, lks_error *error)
{
    test_case *c = &list->item[list->count];

    c->data = malloc(case_bytes(list));
    if (!c->data) {
        error_memory(error);
        return NULL;
    }
    list->count++;
    return c;
}

static bool add_random(case_list *list, uint64_t seed, lks_error *error)
{
    test_case *c = add(list, error);
    uint64_t state = seed;

    if (!c)
        return false;
    snprintf(c->name, sizeof c->name, "random_%" PRIu64, seed);
    for (size_t i = 0; i < case_bytes(list); i++)
        c->data[i] = (uint8_t)(splitmix64(&state) >> 56);
    return true;
}

static bool add_constant(case_list *list, uint8_t value, lks_error *error)
{
    test_case *c = add(list, error);

    if (!c)
        return false;
    snprintf(c->name, sizeof c->name, "const_%02x", value);
    memset(c->data, value, case_bytes(list));
    return true;
}

/* Image n of what was given. */
static bool add_given(case_list *list, const input_set *given, uint32_t n, lks_error *error)
{
    test_case *c = add(list, error);

    if (!c)
        return false;
    snprintf(c->name, sizeof c->name, "given_%" PRIu32, n);
    for (uint32_t i = 0; i < list->inputs; i++)
        memcpy(cases_input(list, c, i), (const uint8_t *)given->in[i].data + n * list->bytes[i], list->bytes[i]);
    return true;
}

/* Random and constant bytes are little-endian, as files are. */
static bool to_machine_order(const lks_model *model, const case_list *list, const test_case *c, lks_error *error)
{
    lks_tensor_info t;

    for (uint32_t i = 0; i < list->inputs; i++) {
        if (!tensor_get(model, lks_model_input(model, i), 1, &t, error))
            return false;
        tensor_swap(t.type, cases_input(list, c, i), list->bytes[i]);
    }
    return true;
}

static bool find_sizes(const lks_model *model, const lks_model_info *info, case_list *list, lks_error *error)
{
    size_t all = 0;
    lks_tensor_info t;

    list->bytes = calloc(info->inputs, sizeof *list->bytes);
    if (!list->bytes)
        return error_memory(error);
    for (uint32_t i = 0; i < info->inputs; i++) {
        if (!tensor_get(model, lks_model_input(model, i), 1, &t, error))
            return false;
        if (t.bytes > SIZE_MAX - all)
            return error_memory(error);
        list->bytes[i] = t.bytes;
        all += t.bytes;
    }
    list->inputs = info->inputs;
    return true;
}

static bool fill(const lks_model *model, uint64_t seed, uint32_t random, const input_set *given, case_list *list,
                 lks_error *error)
{
    lks_model_info info;
    uint32_t images;

    lks_model_get(model, &info);
    images = !given ? 0 : info.batch_free ? given->batch : 1;
    list->item = calloc((size_t)random + CONSTANTS + images, sizeof *list->item);
    if (!list->item)
        return error_memory(error);
    if (!find_sizes(model, &info, list, error))
        return false;
    for (uint32_t i = 0; i < random; i++)
        if (!add_random(list, seed + i, error) || !to_machine_order(model, list, &list->item[list->count - 1], error))
            return false;
    for (size_t i = 0; i < CONSTANTS; i++)
        if (!add_constant(list, constants[i], error) || !to_machine_order(model, list, &list->item[list->count - 1], error))
            return false;
    for (uint32_t i = 0; i < images; i++)
        if (!add_given(list, given, i, error))
            return false;
    return true;
}

bool cases_open(const lks_model *model, uint64_t seed, uint32_t random, const input_set *given, case_list *list,
                lks_error *error)
{
    memset(list, 0, sizeof *list);
    if (fill(model, seed, random, given, list, error))
        return true;
    cases_close(list);
    return false;
}

void cases_close(case_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->item[i].data);
    free(list->item);
    free(list->bytes);
    memset(list, 0, sizeof *list);
}
