/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings: what a device answered, in one file, to be compared on another machine (outputs) or replayed there (a capsule).
 *
 * Both kinds share one layout.  All numbers are little-endian; tensors are in their interface types, as digests see them.
 *
 *     offset  bytes
 *          0      8  magic: 89 4C 4B 52 0D 0A 1A 0A (hexadecimal)
 *          8      4  version of this layout: 1
 *         12      4  specification version: 1
 *         16      4  kind: 1 outputs, 2 capsule
 *         20      4  kept: 1 a result is every op output, in op order, of a run that keeps them (outputs always);
 *                    0 a result is what a run returns, in model order
 *         24      4  batch of the run, at least 1
 *         28      4  number of the device
 *         32      4  capsule: the op of the original model that differed; outputs: 0
 *         36      4  cases: 1 .. 100000; capsule: 1
 *         40      8  bytes of the model; outputs: 0
 *         48      8  bytes of all inputs of one case, at least 1
 *         56      8  bytes of one result, at least 1
 *         64     32  SHA-256 of the original model (of its .lks file)
 *         96     16  version of the engine that wrote the file
 *        112     16  backend
 *        128     32  variant; empty: the backend chose
 *        160    128  name of the device
 *        288    128  its driver
 *        416         capsule: the .lks file of the model that is replayed
 *                    for each case: 64 bytes of name, the inputs in model order, and the result;
 *                    capsule: the result that was expected, and then the one that the device gave, which differ
 *    end - 32     32  SHA-256 of all bytes before
 *
 * Texts are printable ASCII, filled up with zeros, with one zero at least.  Nothing stands between the parts or behind the last.
 */
#ifndef LOCKSTEP_TOOLS_CAPSULE_H
#define LOCKSTEP_TOOLS_CAPSULE_H

#include "tools/cases.h"
#include "tools/device.h"

typedef enum recording_kind { RECORDING_OUTPUTS = 1, RECORDING_CAPSULE = 2 } recording_kind;

typedef struct recording_case {
    const char *name;
    const uint8_t *inputs, *result; /* little-endian; a capsule's result is the expected one */
    const uint8_t *got;             /* capsule only */
} recording_case;

typedef struct recording {
    recording_kind kind;
    bool kept;
    uint32_t batch, device, op;
    char engine[16], backend[16], variant[32], name[128], driver[128];
    uint8_t digest[LKS_DIGEST_SIZE];    /* of the original model */
    const uint8_t *model;               /* capsule: the .lks file */
    size_t model_bytes, input_bytes, result_bytes;
    recording_case *item;               /* from malloc */
    size_t count;
    uint8_t *file;                      /* what was read, into which everything points; NULL where it was not read */
} recording;

/* Fill in engine, and what describes the device and variant (NULL: none); bytes that are not printable ASCII become '?'. */
void recording_origin(recording *r, const device *d, const char *variant);

/* Write it, whole or not at all. */
bool recording_write(const char *path, const recording *r, lks_error *error);

/* Do the bytes begin as such a file does? */
bool recording_is(const uint8_t *bytes, size_t size);

/* Read one from memory, which r takes over (from malloc), on failure too.  It may come from a stranger: every byte is checked but
 * those of model, inputs and results, whose sizes are for the caller to hold against the model. */
bool recording_parse(uint8_t *bytes, size_t size, const char *name, recording *r, lks_error *error);
void recording_close(recording *r);

#endif
