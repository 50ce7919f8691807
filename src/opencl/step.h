/* SPDX-License-Identifier: Apache-2.0
 *
 * From a step of a plan to a kernel call: its program, its arguments, its constants, its size.
 */
#ifndef LKS_OPENCL_STEP_H
#define LKS_OPENCL_STEP_H

#include "opencl/args.h"
#include "opencl/device.h"

/* All constants of a program, one behind the other, as they will lie on the device. */
typedef struct lks_cl_constants {
    uint8_t *bytes;             /* from calloc; NULL while sizes are counted */
    uint64_t size;
} lks_cl_constants;

typedef struct lks_cl_step {
    uint32_t which;             /* the program */
    const char *kernel;         /* "conv", "conv_1x1", ...; the program's name follows */
    lks_places places;          /* n and count are those of a run */
    size_t args_bytes;
    union {
        lks_linear linear;
        lks_depthwise direct;
        lks_matrices matrices;
        lks_pairing pairing;
        lks_lut lut;
        lks_requantization requant;
        lks_pooling pooling;
        lks_summing summing;
        lks_softmax softmax;
        lks_moving moving;
        lks_gathering gathering;
        lks_resizing resizing;
        lks_choosing choosing;
        lks_unrolling lstm;
        lks_streaming svdf;
    } args;
    uint64_t per_image;         /* count = n * per_image */
    /* Work-groups: along `axis` there are ceil(count / per_group), along the others `groups`. */
    uint32_t axis, per_group;
    size_t local, groups[3];
} lks_cl_step;

/* Variant i of a kernel family as the contract names it; NULL: beyond the last. */
const char *lks_cl_variant(lks_kernel kernel, uint32_t i);

/*
 * Lay out one step.
 *
 * variant    NULL: chosen here.  Steps whose family has no such variant are chosen, too.
 * constants  where bytes is NULL, only its size grows; the second time, with room for all, they are written.
 */
void lks_cl_make_step(lks_device_handle *d, const lks_plan *plan, const lks_step *s, const char *variant,
                      lks_cl_constants *constants, lks_cl_step *out);

#endif
