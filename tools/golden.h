/* SPDX-License-Identifier: Apache-2.0
 *
 * Golden files: what a model answers, as SHA-256 digests, on inputs that anyone can make again.
 *
 * JSON, schema 1:
 *
 *     { "schema": 1,
 *       "model": { "file": NAME, "bytes": N, "sha256": of that file, "lks_sha256": of the .lks file that it imports to },
 *       "cases": [ { "name": TEXT,
 *                    "input": { "seed": N } | { "byte": N } | { "file": NAME } | { "image": NAME },
 *                    "inputs_sha256": [one per model input], "outputs_sha256": [one per model output],
 *                    "all_tensors_sha256": of all op outputs, concatenated in op order } ] }
 *
 * Digests are 64 lower-case hexadecimal digits.  "seed" and "byte" are as in tools/cases.h; a number beyond 2^63 - 1 is a string
 * of digits.  model.file, model.bytes and model.lks_sha256 may be absent; other keys are ignored.
 */
#ifndef LOCKSTEP_TOOLS_GOLDEN_H
#define LOCKSTEP_TOOLS_GOLDEN_H

#include "tools/cases.h"
#include "tools/tensor.h"

/* All texts point into the document. */
typedef struct golden_case {
    const char *name;
    case_kind kind;                 /* CASE_GIVEN: in a file */
    uint64_t number;
    const char *file;               /* a name without folders */
    const char **input, **output;   /* digests */
    const char *all;
} golden_case;

typedef struct golden {
    struct json_t *root;
    const char *sha256, *lks_sha256;    /* of the model; lks_sha256 may be NULL */
    golden_case *item;
    size_t count;
    const char **digests;           /* what input and output of all cases point into */
} golden;

/* Read a golden file for a model with so many inputs and outputs.  It may come from a stranger: errors name the field. */
bool golden_open(const char *path, uint32_t inputs, uint32_t outputs, golden *g, lks_error *error);
void golden_close(golden *g);

/* The name that a golden file would give this file; NULL: none that can be written. */
const char *golden_file_name(const char *path);

/* What is written of one case. */
typedef struct golden_digests {
    char (*input)[HEX_SIZE], (*output)[HEX_SIZE];   /* one per model input and output */
    char all[HEX_SIZE];
} golden_digests;

typedef struct golden_source {
    const lks_model *model;
    const char *path;               /* of the model */
    size_t file_bytes;
    const char *sha256, *lks_sha256;
    const case_list *cases;
    const char *const *files;       /* of each case; NULL where it is not CASE_GIVEN */
    const golden_digests *digests;  /* of each case */
} golden_source;

/* Write a golden file, whole or not at all. */
bool golden_write(const char *path, const golden_source *source, lks_error *error);

#endif
