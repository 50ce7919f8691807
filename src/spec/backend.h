/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract between the host and a backend.
 *
 * The host makes a plan (host/plan.h): kernels in order, and a place in one arena for every activation.  A backend builds the
 * plan into a program (packs weights, chooses kernels), opens streams on it (arena memory and a queue), and runs them:
 *
 *     device -> program (immutable, shared between threads) -> stream (one thread at a time)
 *
 * A device may be used by several threads at once: variant, build, stream_open and exercise look after that themselves.
 *
 * A backend keeps no global mutable state, prints nothing, aborts nothing, and calls no other backend.  Every function that can
 * fail returns a status and fills in the error, which is never NULL here.
 */
#ifndef LKS_SPEC_BACKEND_H
#define LKS_SPEC_BACKEND_H

#include "lockstep/lockstep.h"
#include "spec/op.h"

/*
 * An activation of a plan.  Two have the same place where one is a reshaping of the other (LKS_FUSE_ALIAS).  One that is the
 * state of a step (lks_step.state) shares its memory with no other, so that it lasts from run to run; the host sets it to zero
 * where it is to begin anew.
 */
typedef struct lks_plan_tensor {
    size_t offset;              /* of its first byte in the arena; a multiple of LKS_ARENA_ALIGN */
    size_t image_bytes;         /* storage bytes of one image; of the whole tensor where the model is not batch free */
} lks_plan_tensor;

/*
 * What the host may fuse (host/fuse.c) in a plan for a backend that says so; never in a plan that keeps.  The reference fuses
 * nothing, so that fused plans are held against plans of single ops.
 */
enum {
    LKS_FUSE_PAD = 1,           /* a pad of h and w becomes the padding of the conv or depthwise behind it */
    LKS_FUSE_ADD = 2,           /* conv, depthwise or matmul, then add: lks_fused in op.h */
    LKS_FUSE_TABLE = 4,         /* conv, depthwise, matmul or binary, then lut: the step has a table, and applies it last */
    LKS_FUSE_ALIAS = 8,         /* a copy that moves nothing is no step: its y lies where its x lies */
    LKS_FUSE_PLACE = 16         /* conv, then a copy of its y into some channels of another: lks_conv.y_pixel in op.h */
};

#define LKS_ARENA_ALIGN 64

/*
 * One kernel call.  Indices are into lks_plan.tensors; an operand that is not an activation is a pointer to constants, which live
 * as long as the plan.  Which of them a kernel uses stands beside its struct in op.h; the others are NULL.
 */
typedef struct lks_step {
    lks_kernel kernel;
    uint32_t op, last_op;       /* of the model: for reports only; last_op is another one where ops were fused */
    int32_t x, x2, y;           /* activations; x or x2 is -1 where that operand is constant (x_data, x2_data), or not there */
    int32_t state;              /* the activation that the kernel reads, and leaves to the next run; -1: it has none */
    const int8_t *x_data, *x2_data;
    size_t x_data_bytes, x2_data_bytes;     /* 0 where the operand is no constant */
    const int8_t *w;
    const int16_t *w_time;      /* svdf */
    const int32_t *bias;
    const lks_rq *rq;           /* out_c rows */
    const int8_t *table;        /* lut, and what a lut was fused into: 256 values; else NULL */
    const int32_t *exp_table;   /* softmax: 256 exponentials; lstm: the 256 values S of spec 3.4 */
    const int32_t *rows, *columns;          /* gather: out_a and out_b indices */
    lks_kernel_args args;
} lks_step;

/* A pure function of model, batch and options.  Immutable. */
typedef struct lks_plan {
    uint32_t max_batch;         /* a run may have any n from 1 to this; 1 where the model is not batch free (op.h) */
    int keep;                   /* no two activations share memory */
    size_t guard_bytes;         /* that no kernel may write to before and after each activation; a multiple of LKS_ARENA_ALIGN */
    size_t arena_bytes;
    uint32_t step_count, tensor_count;
    const lks_step *steps;
    const lks_plan_tensor *tensors;     /* by tensor index of the model; image_bytes 0: a constant, or left out by fusing */
} lks_plan;

typedef struct lks_device_handle lks_device_handle;
typedef struct lks_program lks_program;
typedef struct lks_stream lks_stream;

/* What a device can be made to do for no result, so that its limits can be measured (lockstep bench). */
typedef enum lks_exercise {
    LKS_EXERCISE_DOT,           /* int8 multiply-accumulates of the vector units (such as dp4a), operands in registers; in MACs */
    LKS_EXERCISE_MATRIX,        /* the same of the matrix units; in MACs */
    LKS_EXERCISE_COPY           /* a copy within the memory of the device, beyond its caches; bytes read plus bytes written */
} lks_exercise;

typedef struct lks_backend {
    const char *name;
    uint32_t fusions;           /* LKS_FUSE_...: what its kernels can do */

    /* Describe device i without keeping it open.  LKS_ERR_NO_DEVICE: beyond the last. */
    lks_status (*describe)(uint32_t i, lks_device_info *info);

    /*
     * options  backend and device are not looked at; never NULL.
     *
     * LKS_OK: *device is the caller's.
     */
    lks_status (*open)(uint32_t i, const lks_context_options *options, lks_device_handle **device, lks_error *error);
    void (*close)(lks_device_handle *device);

    /*
     * The name of implementation i of a kernel family, as this device could choose it; NULL beyond the last.  There is at least
     * one per family.  Which one runs never changes a byte.
     */
    const char *(*variant)(lks_device_handle *device, lks_kernel kernel, uint32_t i);

    /*
     * The plan outlives the program; the device outlives it too.
     *
     * variant  NULL: the backend chooses.  Else each step whose family has a variant of that name uses it.
     *
     * LKS_ERR_UNSUPPORTED  a step's shape is beyond that variant, or the device is too small for the plan; nothing was built.
     */
    lks_status (*build)(lks_device_handle *device, const lks_plan *plan, const char *variant, lks_program **program,
                        lks_error *error);
    void (*destroy)(lks_program *program);

    lks_status (*stream_open)(lks_program *program, lks_stream **stream, lks_error *error);
    void (*stream_close)(lks_stream *stream);

    /* Put bytes into the arena, before the next run.  The caller may reuse data at once. */
    lks_status (*write)(lks_stream *stream, size_t offset, const void *data, size_t bytes, lks_error *error);

    /* All steps, in order.  May return before they are done: read and wait come after them. */
    lks_status (*run)(lks_stream *stream, uint32_t n, lks_error *error);

    /* Return when everything that was asked of the stream is done; an error of it that came late is reported here, or by read. */
    lks_status (*wait)(lks_stream *stream, lks_error *error);

    /* Get bytes of the arena as the last run left them.  Only graph outputs are sure to be there, unless the plan keeps. */
    lks_status (*read)(lks_stream *stream, size_t offset, void *data, size_t bytes, lks_error *error);

    /*
     * Do about amount of such work, return when it is done, and say in *done how much it was.  The caller takes the time.
     * NULL: the device is the CPU that the caller itself runs on.
     *
     * LKS_ERR_UNSUPPORTED  the device has no such units.
     */
    lks_status (*exercise)(lks_device_handle *device, lks_exercise what, uint64_t amount, uint64_t *done, lks_error *error);
} lks_backend;

#endif
