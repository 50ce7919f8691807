/* SPDX-License-Identifier: Apache-2.0
 *
 * Importing .tflite files: the bytes of one become the bytes of a .lks file.
 *
 * What is imported: int8 models (docs/spec.md, rounding `tflite`), which give the bytes of TensorFlow Lite Micro's reference
 * kernels, and legacy uint8 models, whose values, weights and zero points become int8 by subtracting 128, and which give the
 * bytes of LiteRT's. One op of the file becomes one op of the .lks, in the same order, but for those of tflite_ends.h; tensors
 * stand in the order graph inputs, then per op its constants and its output, and keep their names.
 */
#ifndef LKS_IMPORT_TFLITE_H
#define LKS_IMPORT_TFLITE_H

#include "lockstep/lockstep.h"

#include <stdbool.h>

/* Whether the bytes claim to be a .tflite file: the identifier "TFL3" at byte 4. */
bool lks_tflite_recognise(const void *bytes, size_t size);

/*
 * Import a file.  Nothing in it is trusted.
 *
 * name  what errors call the file.
 *
 * LKS_OK               *lks are the bytes of a .lks file, the caller's (free); the reader has not checked them yet.
 * LKS_ERR_FORMAT       the file is damaged.
 * LKS_ERR_UNSUPPORTED  it holds something that is not imported; the error names op, op name and reason.
 * LKS_ERR_LIMIT        it is, or would become, too large.
 * LKS_ERR_NOMEM        memory ran out.
 * On failure *lks is NULL and *lks_size 0.
 */
lks_status lks_tflite_import(const void *bytes, size_t size, const char *name, uint8_t **lks, size_t *lks_size, lks_error *error);

#endif
