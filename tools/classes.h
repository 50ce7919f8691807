/* SPDX-License-Identifier: Apache-2.0
 *
 * The best classes of an output, and their names.
 */
#ifndef LOCKSTEP_TOOLS_CLASSES_H
#define LOCKSTEP_TOOLS_CLASSES_H

#include "tools/errors.h"

typedef struct labels {
    char *text;                 /* the file; lines end in zero bytes */
    char **line;
    size_t count;
} labels;

/* Read one label per line; empty lines at the end do not count.  The caller closes it. */
bool labels_open(const char *path, labels *l, lks_error *error);
void labels_close(labels *l);

typedef struct class_score {
    uint32_t index;
    int64_t value;              /* as stored */
} class_score;

#define CLASSES_TOP_MAX 1000

/* The classes of an output: the extent of its last axis, where one image has no other axis longer than 1; else 0.  *images: how
 * many rows of that many classes the output has. */
uint32_t classes_of(const lks_tensor_info *output, uint32_t *images);

/* The best `top` classes of one row, best first, equal values by lower index.  best has room for top; returns how many there are:
 * top, or all classes. */
uint32_t classes_best(const lks_tensor_info *output, const void *data, uint32_t row, uint32_t top, class_score *best);

/* The real number that a stored value stands for.  Only where the scale is known. */
double classes_real(const lks_tensor_info *output, int64_t value);

#endif
