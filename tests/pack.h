/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the packs of golden cases: records of tests/second_opinion/make_goldens.py, all numbers little-endian.
 *
 *     "CASE", name, .lks bytes, u32 batch, input bytes, trace bytes, u64 MACs, element ops, parameter bytes, peak bytes
 *
 * where name and bytes are a u32 length and that many bytes.  Packs of refusals end after the .lks bytes.
 */
#ifndef TESTS_PACK_H
#define TESTS_PACK_H

#include "lockstep/lockstep.h"

typedef struct pack {
    uint8_t *bytes;
    size_t size, at;
    int runs;               /* records have what comes after the .lks bytes */
    int sound;              /* nothing was cut so far */
} pack;

/* Pointers into the pack. */
typedef struct pack_case {
    char name[512];
    const uint8_t *lks, *input, *trace;
    size_t lks_bytes, input_bytes, trace_bytes;
    uint32_t batch;
    lks_cost cost;
} pack_case;

/* 0: the file cannot be read. */
int pack_open(pack *p, const char *path, int runs);

/* 0: no further case; then p->sound says whether the pack ended where it should. */
int pack_next(pack *p, pack_case *c);

void pack_close(pack *p);

#endif
