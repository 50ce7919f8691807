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

size_t cases_bytes(const case_list *list)
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

/* ---- adding -------------------------------------------------------------------------------------------------------------- */

static void fill_name(test_case *c, const char *name)
{
    if (name)
        snprintf(c->name, sizeof c->name, "%s", name);
    else if (c->kind == CASE_BYTE)
        snprintf(c->name, sizeof c->name, "const_%02" PRIx64, c->number);
    else
        snprintf(c->name, sizeof c->name, "%s_%" PRIu64, c->kind == CASE_SEED ? "random" : "given", c->number);
}

static void fill_data(const case_list *list, test_case *c, const uint8_t *data)
{
    size_t bytes = cases_bytes(list);
    uint64_t state = c->number;

    if (c->kind == CASE_GIVEN) {
        memcpy(c->data, data, bytes);
        return;
    }
    for (size_t i = 0; i < bytes; i++)
        c->data[i] = c->kind == CASE_SEED ? (uint8_t)(splitmix64(&state) >> 56) : (uint8_t)c->number;
}

bool cases_add(case_list *list, case_kind kind, uint64_t number, const char *name, const uint8_t *data, lks_error *error)
{
    test_case *c = &list->item[list->count];

    if (list->count == list->room)
        return error_set(error, "more cases than there is room for");
    *c = (test_case){ .kind = kind, .number = number, .data = malloc(cases_bytes(list)) };
    if (!c->data)
        return error_memory(error);
    fill_name(c, name);
    fill_data(list, c, data);
    list->count++;
    return true;
}

bool cases_add_image(case_list *list, const input_set *given, uint32_t n, const char *name, lks_error *error)
{
    uint8_t *data = malloc(cases_bytes(list)), *to = data;
    bool ok;

    if (!data)
        return error_memory(error);
    for (uint32_t i = 0; i < list->inputs; to += list->bytes[i], i++)
        memcpy(to, (const uint8_t *)given->in[i].data + n * list->bytes[i], list->bytes[i]);
    ok = cases_add(list, CASE_GIVEN, n, name, data, error);
    free(data);
    return ok;
}

/* ---- lists --------------------------------------------------------------------------------------------------------------- */

static bool find_sizes(const lks_model *model, case_list *list, lks_error *error)
{
    size_t all = 0;
    lks_tensor_info t;

    for (uint32_t i = 0; i < list->inputs; i++) {
        if (!tensor_get(model, lks_model_input(model, i), 1, &t, error))
            return false;
        if (t.bytes > SIZE_MAX - all)
            return error_memory(error);
        list->type[i] = t.type;
        list->bytes[i] = t.bytes;
        all += t.bytes;
    }
    return true;
}

bool cases_start(const lks_model *model, size_t room, case_list *list, lks_error *error)
{
    lks_model_info info;

    memset(list, 0, sizeof *list);
    lks_model_get(model, &info);
    list->room = room;
    list->inputs = info.inputs;
    list->item = calloc(room + 1, sizeof *list->item);
    list->type = calloc(info.inputs, sizeof *list->type);
    list->bytes = calloc(info.inputs, sizeof *list->bytes);
    if (list->item && list->type && list->bytes ? find_sizes(model, list, error) : error_memory(error))
        return true;
    cases_close(list);
    return false;
}

static bool fill(uint64_t seed, uint32_t random, const input_set *given, uint32_t images, case_list *list, lks_error *error)
{
    for (uint32_t i = 0; i < random; i++)
        if (!cases_add(list, CASE_SEED, seed + i, NULL, NULL, error))
            return false;
    for (size_t i = 0; i < CONSTANTS; i++)
        if (!cases_add(list, CASE_BYTE, constants[i], NULL, NULL, error))
            return false;
    for (uint32_t i = 0; i < images; i++)
        if (!cases_add_image(list, given, i, NULL, error))
            return false;
    return true;
}

bool cases_open(const lks_model *model, uint64_t seed, uint32_t random, const input_set *given, case_list *list,
                lks_error *error)
{
    lks_model_info info;
    uint32_t images;

    lks_model_get(model, &info);
    images = !given ? 0 : info.batch_free ? given->batch : 1;
    if (!cases_start(model, (size_t)random + CONSTANTS + images, list, error))
        return false;
    if (fill(seed, random, given, images, list, error))
        return true;
    cases_close(list);
    return false;
}

bool cases_is_standard(const test_case *c)
{
    for (size_t i = 0; i < CONSTANTS; i++)
        if (c->kind == CASE_BYTE && c->number == constants[i])
            return true;
    return false;
}

void cases_close(case_list *list)
{
    for (size_t i = 0; list->item && i < list->count; i++)
        free(list->item[i].data);
    free(list->item);
    free(list->type);
    free(list->bytes);
    memset(list, 0, sizeof *list);
}
