/* SPDX-License-Identifier: Apache-2.0
 *
 * Turning files into the input bytes of a model: .npy arrays, pictures, raw bytes.
 */
#ifndef LOCKSTEP_TOOLS_INPUT_H
#define LOCKSTEP_TOOLS_INPUT_H

#include "tools/image.h"

typedef struct input_options {
    image_resizing resizing;
    uint64_t max_bytes;             /* of each model input */
} input_options;

/* What was loaded: one buffer per model input. */
typedef struct input_set {
    uint32_t count;                 /* of model inputs */
    lks_in *in;                     /* data: from malloc, owned by the set */
    uint32_t batch;
    uint32_t files;
    uint32_t *images;               /* how many images each file held */
} input_set;

/*
 * Load one file per model input, in model order; or, for a model with one input and a free batch, any number of files that
 * together make the batch.
 *
 * A file is a .npy array, a picture (PNG, JPEG, BMP, told by its first bytes; inputs [n, h, w, 1 or 3] of type i8 or u8 only), or
 * raw little-endian bytes: a whole number of images.  A name that ends in .bin or .raw always means raw bytes.
 */
bool input_load(const lks_model *model, char *const *paths, uint32_t count, const input_options *options, input_set *set,
                lks_error *error);
void input_free(input_set *set);

/* The help text of the above. */
#define HELP_INPUTS                                                                                                     \
    "An INPUT is a .npy array (type and shape of the model's input), a picture (PNG, JPEG or BMP, told by its\n"        \
    "content, for inputs [n, h, w, 1 or 3] of 8 bits), or raw little-endian bytes: a whole number of images.  A\n"      \
    "name that ends in .bin or .raw always means raw bytes.  Give one INPUT per model input; a model with one\n"        \
    "input and a free batch takes several, which make the batch.\n"

#endif
