/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the packs of golden cases.
 */
#include "pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int pack_open(pack *p, const char *path, int runs)
{
    FILE *f = fopen(path, "rb");
    long size = -1;

    *p = (pack){ .runs = runs, .sound = 1 };
    if (f && fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) > 0 && fseek(f, 0, SEEK_SET) == 0)
        p->bytes = malloc((size_t)size);
    if (p->bytes)
        p->size = fread(p->bytes, 1, (size_t)size, f);
    if (f)
        fclose(f);
    if (p->bytes && p->size == (size_t)size)
        return 1;
    pack_close(p);
    return 0;
}

void pack_close(pack *p)
{
    free(p->bytes);
    p->bytes = NULL;
}

/* size bytes at the cursor; NULL, and not sound, beyond the end. */
static const uint8_t *take(pack *p, size_t size)
{
    if (!p->sound || size > p->size - p->at) {
        p->sound = 0;
        return NULL;
    }
    p->at += size;
    return p->bytes + p->at - size;
}

static uint64_t number(pack *p, size_t width)
{
    const uint8_t *b = take(p, width);
    uint64_t v = 0;

    for (size_t i = 0; b && i < width; i++)
        v |= (uint64_t)b[i] << 8 * i;
    return v;
}

static const uint8_t *sized(pack *p, size_t *size)
{
    *size = (size_t)number(p, 4);
    return take(p, *size);
}

int pack_next(pack *p, pack_case *c)
{
    const uint8_t *name, *magic;
    size_t length;

    *c = (pack_case){ .batch = 0 };
    if (p->at == p->size || !p->sound)
        return 0;
    magic = take(p, 4);
    name = sized(p, &length);
    if (!magic || !name || memcmp(magic, "CASE", 4) != 0 || length >= sizeof c->name)
        return p->sound = 0;
    memcpy(c->name, name, length);
    c->lks = sized(p, &c->lks_bytes);
    if (p->runs) {
        c->batch = (uint32_t)number(p, 4);
        c->input = sized(p, &c->input_bytes);
        c->trace = sized(p, &c->trace_bytes);
        c->cost.macs = number(p, 8);
        c->cost.element_ops = number(p, 8);
        c->cost.parameter_bytes = number(p, 8);
        c->cost.peak_bytes = number(p, 8);
    }
    return p->sound;
}
