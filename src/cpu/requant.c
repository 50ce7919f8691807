/* SPDX-License-Identifier: Apache-2.0
 *
 * From int16 to int8.  spec 4.4
 */
#include "cpu/family.h"

#define UNIT_ELEMENTS 16384

static int64_t elements(const lks_cpu_call *c)
{
    return (int64_t)c->n * c->args->requant.count;
}

static int64_t units(const lks_cpu_call *c)
{
    return (elements(c) + UNIT_ELEMENTS - 1) / UNIT_ELEMENTS;
}

static int64_t unit_work(const lks_cpu_call *c)
{
    return lks_cpu_max(lks_cpu_min(elements(c), UNIT_ELEMENTS) / 4, 1);
}

static void run(const lks_cpu_call *c, int64_t first, int64_t end, void *scratch)
{
    const int16_t *x = (const int16_t *)(const void *)c->x;     /* activations are LKS_ARENA_ALIGN aligned */
    const int64_t from = first * UNIT_ELEMENTS, to = lks_cpu_min(end * UNIT_ELEMENTS, elements(c));

    (void)scratch;
    c->isa->requant(&c->args->requant, x + from, c->y + from, (size_t)(to - from));
}

const lks_cpu_family lks_cpu_requant = { .units = units, .unit_work = unit_work, .run = run };
