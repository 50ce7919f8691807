/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases of `lockstep selftest` with the reference's answers, as records of tests/golden/README.md.
 */
#include "tools/selftest.h"

#include <stdlib.h>
#include <string.h>

static bool reserve(buffer *b, size_t more)
{
    size_t room = b->room;
    uint8_t *grown;

    if (more > SIZE_MAX / 4 - b->bytes)
        return false;
    while (room - b->bytes < more)
        room = room ? 2 * room : 1 << 16;
    if (room == b->room)
        return true;
    grown = realloc(b->data, room);
    if (!grown)
        return false;
    b->data = grown;
    b->room = room;
    return true;
}

static void put(buffer *b, const void *data, size_t bytes)
{
    memcpy(b->data + b->bytes, data, bytes);
    b->bytes += bytes;
}

static void put_number(buffer *b, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        b->data[b->bytes++] = (uint8_t)(v >> 8 * i);
}

static void put_block(buffer *b, const void *data, size_t bytes)
{
    put_number(b, bytes, 4);
    put(b, data, bytes);
}

bool pack_append(buffer *b, const trial *t, const char *name, lks_error *error)
{
    size_t fixed = 4 + 5 * 4 + 4 * 8;
    lks_cost cost;

    if (lks_model_cost(t->made->model, t->made->batch, &cost) != LKS_OK)
        return error_set(error, "%s: has no cost", name);
    if (!reserve(b, fixed + strlen(name) + t->info.file_bytes + t->made->input_bytes + t->trace.bytes))
        return error_memory(error);
    put(b, "CASE", 4);
    put_block(b, name, strlen(name));
    put_block(b, t->info.file, t->info.file_bytes);
    put_number(b, t->made->batch, 4);
    put_block(b, t->made->input, t->made->input_bytes);
    put_block(b, t->expected, t->trace.bytes);      /* all activations are bytes: there is no order to turn */
    put_number(b, cost.macs, 8);
    put_number(b, cost.element_ops, 8);
    put_number(b, cost.parameter_bytes, 8);
    put_number(b, cost.peak_bytes, 8);
    return true;
}
