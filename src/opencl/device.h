/* SPDX-License-Identifier: Apache-2.0
 *
 * An open OpenCL device: its limits, and the programs that are compiled for it.
 */
#ifndef LKS_OPENCL_DEVICE_H
#define LKS_OPENCL_DEVICE_H

#include "opencl/api.h"

#include <pthread.h>

#define LKS_CL_LANES 64             /* work-items of a work-group where a kernel does not care */

/* The sources, each as one string that ends with a zero (made by cmake/embed.cmake from src/opencl and src/spec). */
#define LKS_CL_SOURCES(DO)                                                                                                       \
    DO(op) DO(arith) DO(magic) DO(args) DO(dot) DO(linear) DO(tile) DO(wide) DO(conv) DO(matmul) DO(batch_matmul) DO(window) DO(depthwise)        \
    DO(binary) DO(lut) DO(window_max) DO(window_sum) DO(reduce) DO(softmax) DO(copy) DO(selftest)

#define LKS_CL_SOURCE(name) extern const char lks_cl_source_##name[];
LKS_CL_SOURCES(LKS_CL_SOURCE)
#undef LKS_CL_SOURCE

/*
 * The programs.  direct has all kernels that multiply no matrices; each other one has conv and matmul in one variant: wide, or
 * a form of the dot product (opencl/dot.cl) and a size of the tile.
 */
typedef enum lks_cl_dot { LKS_CL_KHR, LKS_CL_PTX, LKS_CL_SDOT, LKS_CL_SUDOT, LKS_CL_PORTABLE, LKS_CL_DOTS } lks_cl_dot;

enum { LKS_CL_DIRECT, LKS_CL_WIDE, LKS_CL_TILES, LKS_CL_PROGRAMS = LKS_CL_TILES + 2 * LKS_CL_DOTS };

/* Of that form, with the large tile (128 x 128) or the small one (64 x 64). */
#define LKS_CL_TILE(dot, small) (LKS_CL_TILES + 2 * (uint32_t)(dot) + (uint32_t)(small))

typedef struct lks_cl_compiled {
    int tried;
    lks_status status;              /* where tried: LKS_OK, or why there is none */
    cl_program program;
    char text[400];                 /* the driver's words where it failed */
} lks_cl_compiled;

struct lks_device_handle {
    lks_cl_api cl;
    cl_platform_id platform;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;         /* for uploads, tests and measurements; streams have their own */
    uint32_t index;                 /* of the device, among all */
    int is_cpu;
    cl_ulong global_bytes, alloc_bytes, local_bytes;
    size_t group_items;
    char *cache_dir;                /* owned; NULL: nothing is kept */
    lks_cl_dot dot;                 /* the first form that passed its test; of a CPU: portable, and never used by itself */
    pthread_mutex_t lock;           /* of programs and queue */
    int has_lock;
    lks_cl_compiled programs[LKS_CL_PROGRAMS];
    cl_mem copied[2];               /* what an exercise copies from and to; made by the first one */
};

/* The contract's describe, open and close. */
lks_status lks_cl_describe(uint32_t i, lks_device_info *info);
lks_status lks_cl_open(uint32_t i, const lks_context_options *options, lks_device_handle **device, lks_error *error);
void lks_cl_close(lks_device_handle *device);

/* "direct", "wide", "khr_128x128", ... */
const char *lks_cl_program_name(uint32_t which);

/*
 * The compiled program, from the cache or from source; compiled at the first call, by whatever thread.
 *
 * LKS_OK               it passed its test.
 * LKS_ERR_UNSUPPORTED  it does not compile here, or its work-groups are too large; error has the driver's words.
 * LKS_ERR_DEVICE       it compiled, and is wrong.
 */
lks_status lks_cl_program(lks_device_handle *d, uint32_t which, cl_program *program, lks_error *error);

/* Compile from source or cache (compile.c): as lks_cl_program, but not tested, and not kept.  cached: it came from the cache. */
lks_status lks_cl_compile(lks_device_handle *d, uint32_t which, int use_cache, cl_program *program, int *cached,
                          lks_error *error);

#endif
