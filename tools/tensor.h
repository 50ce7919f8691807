/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commands say about tensors: types, shapes, digests.
 *
 * The bytes of a tensor are its interface bytes everywhere in tools/, as in files and digests: little-endian on every machine.
 */
#ifndef LOCKSTEP_TOOLS_TENSOR_H
#define LOCKSTEP_TOOLS_TENSOR_H

#include "tools/errors.h"

#define HEX_SIZE (2 * LKS_DIGEST_SIZE + 1)
#define SHAPE_SIZE 80           /* "[16777216, ...]" with LKS_RANK_MAX extents */

/* The tensor as a run with that batch sees it: where the model is batch free, the first extent is the batch.  The caller knows
 * that the model runs with that batch.  false: the tensor does not exist, or its bytes do not fit size_t. */
bool tensor_get(const lks_model *model, uint32_t tensor, uint32_t batch, lks_tensor_info *info, lks_error *error);

/* "i8", and the bytes of one element. */
const char *tensor_type_name(lks_type type);
size_t tensor_type_bytes(lks_type type);

/* Bytes of one image: all of it over the first extent. */
size_t tensor_image_bytes(const lks_tensor_info *t);

/* "[1, 8, 8, 1]" */
void tensor_shape(const lks_tensor_info *t, char text[SHAPE_SIZE]);

/* The scale of the real values; 0: unknown. */
double tensor_scale(const lks_tensor_info *t);

/* SHA-256 in hexadecimal.  spec 8: of a tensor's bytes. */
void tensor_digest(const void *data, size_t bytes, char hex[HEX_SIZE]);
void digest_hex(const uint8_t digest[LKS_DIGEST_SIZE], char hex[HEX_SIZE]);

#endif
