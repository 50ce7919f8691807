/* SPDX-License-Identifier: Apache-2.0
 *
 * Cards: which there are, why one is refused, opening one, and what goes wrong with it in plain words.
 */
#include "cuda/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SM_FLOOR 75             /* the oldest that kernels are built for */
#define SCRATCH_LEAST ((size_t)1 << 20)
#define SCRATCH_MOST ((size_t)1 << 30)          /* beyond every cache */

/* ---- errors -------------------------------------------------------------------------------------------------------------- */

/* Does the device still answer?  One on which a kernel has failed does not, until the process ends. */
static int answers(const lks_device_handle *device, size_t *room, size_t *total)
{
    int ok = cudaSetDevice((int)device->index) == cudaSuccess && cudaMemGetInfo(room, total) == cudaSuccess;

    cudaGetLastError();         /* so that the next call of this thread does not find an error */
    return ok;
}

/* Why it failed, and what to do about it. */
static void explain(const lks_device_handle *device, cudaError_t e, char *why, size_t size)
{
    size_t room = 0, total = 0;
    const int well = answers(device, &room, &total);

    if (e == cudaErrorMemoryAllocation && well)
        snprintf(why, size, "out of memory: %zu of %zu bytes are free", room, total);
    else if (e == cudaErrorMemoryAllocation)
        snprintf(why, size, "out of memory: other processes have that of the card: see nvidia-smi");
    else if (e == cudaErrorNoKernelImageForDevice || e == cudaErrorUnsupportedPtxVersion)
        snprintf(why, size, "this build has no kernels for sm_%d: build with LOCKSTEP_CUDA_ARCHITECTURES=%d-real",
                 device->caps.sm, device->caps.sm);
    else if (e == cudaErrorDevicesUnavailable)
        snprintf(why, size, "another process has the card for itself: end it, or nvidia-smi -i %u -c DEFAULT", device->index);
    else
        snprintf(why, size, "%.120s%s", cudaGetErrorString(e),
                 well ? "" : "; after a failed kernel only a new process can use the device again");
}

lks_status lks_cuda_fail(const lks_device_handle *device, const char *doing, cudaError_t e, lks_error *error)
{
    char why[256];

    explain(device, e, why, sizeof why);
    error->status = e == cudaErrorMemoryAllocation ? LKS_ERR_NOMEM : LKS_ERR_DEVICE;
    snprintf(error->text, sizeof error->text, LKS_CUDA_NAME " %u: %s: %s", device->index, doing, why);
    return error->status;
}

lks_status lks_cuda_no_memory(const lks_device_handle *device, size_t bytes, lks_error *error)
{
    error->status = LKS_ERR_NOMEM;
    snprintf(error->text, sizeof error->text, LKS_CUDA_NAME " %u: out of memory of the host: %zu bytes", device->index, bytes);
    return error->status;
}

lks_status lks_cuda_enter(const lks_device_handle *device, lks_error *error)
{
    cudaError_t e = cudaSetDevice((int)device->index);

    if (e != cudaSuccess)
        return lks_cuda_fail(device, "cannot be used", e, error);
    cudaGetLastError();
    return LKS_OK;
}

lks_status lks_cuda_allocate(const lks_device_handle *device, void **p, size_t bytes, lks_error *error)
{
    cudaError_t e = cudaSuccess;
    char doing[64];

    *p = NULL;
    if (bytes > 0)
        e = cudaMalloc(p, bytes);
    if (e == cudaSuccess)
        return LKS_OK;
    snprintf(doing, sizeof doing, "allocating %zu bytes", bytes);
    return lks_cuda_fail(device, doing, e, error);
}

/* ---- describing ---------------------------------------------------------------------------------------------------------- */

/* How many cards there are; where there are none, why. */
static uint32_t count_cards(char *reason, size_t size)
{
    int driver = 0, runtime = 0, count = 0;
    cudaError_t e;

    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    e = cudaGetDeviceCount(&count);
    cudaGetLastError();
    if (e == cudaSuccess && count > 0)
        return (uint32_t)count;
    if (driver == 0)
        snprintf(reason, size, "there is no NVIDIA driver here: install it, or in a container, pass the card on (--gpus all)");
    else if (e == cudaErrorInsufficientDriver)
        snprintf(reason, size, "the NVIDIA driver is too old: it speaks CUDA %d.%d, and this build needs %d.0: update the driver",
                 driver / 1000, driver % 1000 / 10, runtime / 1000);
    else if (e == cudaSuccess || e == cudaErrorNoDevice)
        snprintf(reason, size, "the NVIDIA driver finds no card: see nvidia-smi, and CUDA_VISIBLE_DEVICES");
    else
        snprintf(reason, size, "the NVIDIA driver does not start: %s: see nvidia-smi", cudaGetErrorString(e));
    return 0;
}

static void write_uuid(const struct cudaDeviceProp *p, char *text, size_t size)
{
    const unsigned char *b = (const unsigned char *)p->uuid.bytes;

    snprintf(text, size, "GPU-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4],
             b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static lks_cuda_caps caps_of(const struct cudaDeviceProp *p)
{
    return (lks_cuda_caps){ .sm = 10 * p->major + p->minor, .multiprocessors = p->multiProcessorCount,
                            .shared_bytes_per_block = p->sharedMemPerBlockOptin, .memory_bytes = p->totalGlobalMem };
}

/* Why a card that the driver knows cannot be used; else empty. */
static void judge(uint32_t i, const lks_cuda_caps *c, const char *name, char *reason, size_t size)
{
    int mode = cudaComputeModeDefault;

    reason[0] = '\0';
    cudaDeviceGetAttribute(&mode, cudaDevAttrComputeMode, (int)i);
    if (c->sm < SM_FLOOR)
        snprintf(reason, size, "%.100s is sm_%d, and CUDA kernels need sm_%d or later: use it through OpenCL, --backend opencl",
                 name, c->sm, SM_FLOOR);
    else if (mode == cudaComputeModeProhibited)
        snprintf(reason, size, "%.100s is set to allow no computing: nvidia-smi -i %u -c DEFAULT", name, i);
}

/* Reads properties only: no context is made.  caps: may be NULL. */
static lks_status find_card(uint32_t i, lks_device_info *info, lks_cuda_caps *caps)
{
    lks_cuda_caps c;
    struct cudaDeviceProp p;
    int driver = 0;
    uint32_t count;

    *info = (lks_device_info){ .backend = LKS_CUDA_NAME };
    count = count_cards(info->reason, sizeof info->reason);
    if (i >= count && !(count == 0 && i == 0))
        return LKS_ERR_NO_DEVICE;
    if (count == 0) {
        snprintf(info->name, sizeof info->name, "none");
        return LKS_OK;
    }
    if (cudaGetDeviceProperties(&p, (int)i) != cudaSuccess) {
        cudaGetLastError();
        snprintf(info->name, sizeof info->name, "unknown");
        snprintf(info->reason, sizeof info->reason, "the driver does not describe it: see nvidia-smi");
        return LKS_OK;
    }
    c = caps_of(&p);
    cudaDriverGetVersion(&driver);
    snprintf(info->name, sizeof info->name, "%.100s, sm_%d", p.name, c.sm);
    snprintf(info->driver, sizeof info->driver, "CUDA %d.%d", driver / 1000, driver % 1000 / 10);
    write_uuid(&p, info->uuid, sizeof info->uuid);
    judge(i, &c, p.name, info->reason, sizeof info->reason);
    info->usable = info->reason[0] == '\0';
    if (caps)
        *caps = c;
    return LKS_OK;
}

lks_status lks_cuda_describe(uint32_t i, lks_device_info *info)
{
    return find_card(i, info, NULL);
}

/* ---- opening ------------------------------------------------------------------------------------------------------------- */

/* Tiles of wgmma.cuh take most of the 227 KiB of shared memory that a block can have there; sm_100 has no wgmma any more. */
static int has_wgmma(const lks_cuda_caps *c)
{
    return c->sm == 90 && c->shared_bytes_per_block >= 227u << 10;
}

static lks_status refuse(uint32_t i, const char *reason, lks_error *error)
{
    error->status = LKS_ERR_NO_DEVICE;
    snprintf(error->text, sizeof error->text, LKS_CUDA_NAME " %u: %s", i, reason);
    return error->status;
}

lks_status lks_cuda_open(uint32_t i, const lks_context_options *options, lks_device_handle **device, lks_error *error)
{
    lks_device_handle found = { .index = i, .no_graph = options->no_graph };
    lks_device_info info;
    lks_device_handle *d;
    lks_status st;

    *device = NULL;
    if (options->isa && strcmp(options->isa, "wgmma") != 0) {
        error->status = LKS_ERR_ARGUMENT;
        snprintf(error->text, sizeof error->text, LKS_CUDA_NAME ": instruction set \"%.40s\": there is none to choose but wgmma",
                 options->isa);
        return error->status;
    }
    if (find_card(i, &info, &found.caps) != LKS_OK)
        return refuse(i, "there is no such card: see lockstep devices", error);
    if (!info.usable)
        return refuse(i, info.reason, error);
    if (options->isa && !has_wgmma(&found.caps))
        return refuse(i, "it has no wgmma: that is of sm_90", error);
    found.caps.wgmma = options->isa != NULL;
    d = malloc(sizeof *d);
    if (!d)
        return lks_cuda_no_memory(&found, sizeof *d, error);
    *d = found;
    if (pthread_mutex_init(&d->lock, NULL) != 0) {
        free(d);
        return lks_cuda_no_memory(&found, sizeof *d, error);
    }
    d->ranges = lks_cuda_ranges_open();
    if ((st = lks_cuda_enter(d, error)) != LKS_OK || (st = lks_cuda_self_check(d, error)) != LKS_OK) {
        lks_cuda_close(d);
        return st;
    }
    *device = d;
    return LKS_OK;
}

void lks_cuda_close(lks_device_handle *device)
{
    lks_error unused;

    if (device->scratch && lks_cuda_enter(device, &unused) == LKS_OK)
        cudaFree(device->scratch);
    lks_cuda_ranges_close(device->ranges);
    pthread_mutex_destroy(&device->lock);
    free(device);
}

/* ---- exercise ------------------------------------------------------------------------------------------------------------ */

/* Memory for exercises, made by the first one: the caller times the call, and an allocation of its own would count. */
static cudaError_t take_scratch(lks_device_handle *d, cudaStream_t stream)
{
    const size_t share = d->caps.memory_bytes / 8;
    const size_t bytes = share < SCRATCH_LEAST ? SCRATCH_LEAST : share > SCRATCH_MOST ? SCRATCH_MOST : share;
    cudaError_t e = d->scratch ? cudaSuccess : cudaMalloc(&d->scratch, bytes);

    if (d->scratch_bytes || e != cudaSuccess)
        return e;
    e = cudaMemsetAsync(d->scratch, 0x5a, bytes, stream);
    if (e == cudaSuccess)
        d->scratch_bytes = bytes;       /* from now on there is something to copy */
    return e;
}

static lks_status exercise(lks_device_handle *d, lks_exercise what, uint64_t amount, uint64_t *done, lks_error *error)
{
    lks_status st = lks_cuda_enter(d, error);
    cudaStream_t stream = NULL;
    cudaError_t e;

    if (st != LKS_OK)
        return st;
    e = cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    if (e == cudaSuccess)
        e = take_scratch(d, stream);
    if (e == cudaSuccess)
        e = lks_cuda_exercise(what, amount, done, &d->caps, stream, d->scratch, d->scratch_bytes);
    if (e == cudaSuccess)
        e = cudaStreamSynchronize(stream);
    if (stream)
        cudaStreamDestroy(stream);
    return e == cudaSuccess ? LKS_OK : lks_cuda_fail(d, "exercise", e, error);
}

lks_status lks_cuda_do_exercise(lks_device_handle *device, lks_exercise what, uint64_t amount, uint64_t *done, lks_error *error)
{
    lks_status st;

    *done = 0;
    pthread_mutex_lock(&device->lock);
    st = exercise(device, what, amount, done, error);
    pthread_mutex_unlock(&device->lock);
    return st;
}
