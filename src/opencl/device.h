/* SPDX-License-Identifier: Apache-2.0
 *
 * An open OpenCL device: its limits, the programs that are compiled for it, and what is said when it fails.
 */
#ifndef LKS_OPENCL_DEVICE_H
#define LKS_OPENCL_DEVICE_H

#include "opencl/find.h"

#include <pthread.h>

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
    cl_command_queue queue;         /* for tests and measurements; streams have their own */
    uint32_t index;                 /* of the device, among all */
    lks_cl_limits limits;
    char *cache_dir;                /* owned; NULL: nothing is kept */
    lks_cl_dot dot;                 /* the first form that passed its test; of a CPU: portable, and never used by itself */
    pthread_mutex_t lock;           /* of what follows, and of queue */
    int has_lock;
    int lost;                       /* something failed while it ran */
    lks_cl_compiled programs[LKS_CL_PROGRAMS];
    cl_mem copied[2];               /* what an exercise copies from and to; made by the first one */
};

/* The contract's open and close. */
lks_status lks_cl_open(uint32_t i, const lks_context_options *options, lks_device_handle **device, lks_error *error);
void lks_cl_close(lks_device_handle *device);

/*
 * A failed call: doing says what it was for.  Out of memory becomes LKS_ERR_NOMEM, all else LKS_ERR_DEVICE.
 *
 * lks_cl_fail_run is for calls that run something or wait for it: unless memory was short, the device is lost, since nobody
 * knows what it did.
 */
lks_status lks_cl_fail_call(const lks_device_handle *d, const char *doing, cl_int code, lks_error *error);
lks_status lks_cl_fail_run(lks_device_handle *d, const char *doing, cl_int code, lks_error *error);
lks_status lks_cl_fail_memory(const lks_device_handle *d, uint64_t bytes, lks_error *error);     /* of the host */

/* LKS_ERR_DEVICE once it was lost. */
lks_status lks_cl_check_alive(lks_device_handle *d, lks_error *error);

#endif
