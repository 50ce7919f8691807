/* SPDX-License-Identifier: Apache-2.0
 *
 * NumPy's .npy files, as far as tensors need them: integers, C order, little-endian.
 *
 * Format: numpy/lib/format.py, versions 1.0, 2.0 and 3.0.
 */
#ifndef LOCKSTEP_TOOLS_NPY_H
#define LOCKSTEP_TOOLS_NPY_H

#include "tools/errors.h"

#define NPY_RANK_MAX 8
#define NPY_HEADER_MAX 65535    /* bytes of the header text that is read; NumPy writes some 118 */

/* A view into the bytes of a file. */
typedef struct npy_array {
    lks_type type;
    uint32_t rank;                  /* 0: a single number */
    uint64_t dims[NPY_RANK_MAX];
    const uint8_t *data;            /* little-endian */
    size_t bytes;
} npy_array;

/* Do the bytes begin as a .npy file does? */
bool npy_is(const uint8_t *bytes, size_t size);

/*
 * Read a .npy file from memory.  Strict: the three keys once each, in any order; a type of i1, u1, i2, i4, i8; C order; data that
 * ends where the file ends.
 *
 * name  what errors call the file.
 */
bool npy_parse(const uint8_t *bytes, size_t size, const char *name, npy_array *array, lks_error *error);

/* "|i1", "<i4", ...: the type as .npy spells it. */
const char *npy_type(lks_type type);

/* Write the header of a file that holds a tensor of that description: the bytes that numpy.save writes (NumPy 1.23 and later).
 * Returns its length, a multiple of 64. */
#define NPY_HEADER_SIZE 256
size_t npy_header(const lks_tensor_info *tensor, char header[NPY_HEADER_SIZE]);

/* Write tensor and data to path, whole or not at all. */
bool npy_save(const char *path, const lks_tensor_info *tensor, const void *data, lks_error *error);

#endif
