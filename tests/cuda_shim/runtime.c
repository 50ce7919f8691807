/* SPDX-License-Identifier: Apache-2.0
 *
 * Devices, errors, and the kernels that were launched.
 */
#include "cuda_shim/shim.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNTIME_VERSION 13000
#define KERNELS_MAX 512

shim_machine shim;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread int current;
static __thread cudaError_t last_error;

/* ---- the machine --------------------------------------------------------------------------------------------------------- */

static int environment(const char *name, int otherwise)
{
    const char *text = getenv(name);

    return text ? atoi(text) : otherwise;
}

void shim_reset(void)
{
    int sm = environment("LOCKSTEP_SHIM_SM", 90);

    shim = (shim_machine){ .driver = environment("LOCKSTEP_SHIM_DRIVER", RUNTIME_VERSION),
                           .cards = environment("LOCKSTEP_SHIM_CARDS", 1), .idle = getenv("LOCKSTEP_SHIM_IDLE"),
                           .swapped = (shim_swapped)environment("LOCKSTEP_SHIM_SWAPPED", SWAPPED_NONE) };
    if (shim.cards > SHIM_CARDS_MAX)
        shim.cards = SHIM_CARDS_MAX;
    for (int i = 0; i < shim.cards; i++)
        shim.card[i] = (shim_card){ .name = "shim", .major = sm / 10, .minor = sm % 10, .multiprocessors = 4,
                                    .memory_bytes = (size_t)8 << 30,
                                    .shared_bytes_per_block = sm == 75 ? 65536 : sm == 90 ? 232448 : 101376 };
}

__attribute__((constructor)) static void start(void)
{
    shim_reset();
}

/* ---- kernels ------------------------------------------------------------------------------------------------------------- */

static struct {
    const char *name;
    uint64_t launches;
} kernels[KERNELS_MAX];
static size_t kernel_count;
static uint64_t all_launches;

uint64_t shim_launch_number(const char *kernel)
{
    size_t i = 0;
    uint64_t number;

    pthread_mutex_lock(&lock);
    while (i < kernel_count && strcmp(kernels[i].name, kernel) != 0)
        i++;
    if (i == kernel_count && kernel_count < KERNELS_MAX)
        kernels[kernel_count++].name = kernel;
    if (i < kernel_count)
        kernels[i].launches++;
    number = ++all_launches;
    pthread_mutex_unlock(&lock);
    return number;
}

uint64_t shim_launches_of(const char *kernel)
{
    for (size_t i = 0; i < kernel_count; i++)
        if (strcmp(kernels[i].name, kernel) == 0)
            return kernels[i].launches;
    return 0;
}

__attribute__((destructor)) static void write_kernels(void)
{
    const char *path = getenv("LOCKSTEP_SHIM_KERNELS");
    FILE *f = path ? fopen(path, "a") : NULL;

    for (size_t i = 0; f && i < kernel_count; i++)
        fprintf(f, "%s %llu\n", kernels[i].name, (unsigned long long)kernels[i].launches);
    if (f)
        fclose(f);
}

/* ---- errors -------------------------------------------------------------------------------------------------------------- */

cudaError_t shim_return(cudaError_t status)
{
    if (status != cudaSuccess)
        last_error = status;
    return status;
}

cudaError_t cudaGetLastError(void)
{
    cudaError_t last = last_error;

    last_error = cudaSuccess;
    return last;
}

cudaError_t cudaPeekAtLastError(void)
{
    return last_error;
}

const char *cudaGetErrorString(cudaError_t error)
{
    switch (error) {
    case cudaSuccess:                       return "no error";
    case cudaErrorMemoryAllocation:         return "out of memory";
    case cudaErrorInitializationError:      return "initialization error";
    case cudaErrorInvalidConfiguration:     return "invalid configuration argument";
    case cudaErrorInsufficientDriver:       return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorDevicesUnavailable:       return "all CUDA-capable devices are busy or unavailable";
    case cudaErrorNoDevice:                 return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:            return "invalid device ordinal";
    case cudaErrorNoKernelImageForDevice:   return "no kernel image is available for execution on the device";
    case cudaErrorIllegalAddress:           return "an illegal memory access was encountered";
    case cudaErrorLaunchFailure:            return "unspecified launch failure";
    case cudaErrorStreamCaptureInvalidated: return "operation failed due to a previous error during capture";
    default:                                return "invalid argument";
    }
}

const char *cudaGetErrorName(cudaError_t error)
{
    return error == cudaSuccess ? "cudaSuccess" : "cudaError";
}

/* ---- devices ------------------------------------------------------------------------------------------------------------- */

int shim_device(void)
{
    return current;
}

shim_card *shim_current(void)
{
    return &shim.card[current];
}

cudaError_t shim_sticky(const shim_card *card)
{
    return __atomic_load_n(&card->sticky, __ATOMIC_RELAXED);
}

void shim_break(shim_card *card, cudaError_t status)
{
    if (status != cudaSuccess)
        __atomic_store_n(&card->sticky, status, __ATOMIC_RELAXED);
}

static cudaError_t machine_usable(void)
{
    if (shim.driver / 1000 < RUNTIME_VERSION / 1000)
        return cudaErrorInsufficientDriver;
    return shim.cards ? cudaSuccess : cudaErrorNoDevice;
}

/* Is it the turn of this call to fail? */
static cudaError_t turn(void)
{
    return shim.fail_call > 0 && --shim.fail_call == 0 ? cudaErrorInitializationError : cudaSuccess;
}

cudaError_t shim_usable(void)
{
    cudaError_t status = machine_usable();

    if (status == cudaSuccess)
        status = turn();
    if (status == cudaSuccess && current >= shim.cards)
        status = cudaErrorInvalidDevice;
    return status == cudaSuccess ? shim_sticky(&shim.card[current]) : status;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = shim.driver;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = RUNTIME_VERSION;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    cudaError_t status = machine_usable();

    *count = status == cudaSuccess ? shim.cards : 0;
    return shim_return(status);
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *prop, int device)
{
    const shim_card *c = &shim.card[device];

    if (machine_usable() != cudaSuccess || device < 0 || device >= shim.cards)
        return shim_return(cudaErrorInvalidDevice);
    memset(prop, 0, sizeof *prop);
    snprintf(prop->name, sizeof prop->name, "%s", c->name);
    for (int i = 0; i < 16; i++)
        prop->uuid.bytes[i] = (char)(0x11 * device + i);
    prop->totalGlobalMem = c->memory_bytes;
    prop->sharedMemPerBlockOptin = c->shared_bytes_per_block;
    prop->major = c->major;
    prop->minor = c->minor;
    prop->multiProcessorCount = c->multiprocessors;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
    if (device < 0 || device >= shim.cards || attribute != cudaDevAttrComputeMode)
        return shim_return(cudaErrorInvalidValue);
    *value = shim.card[device].prohibited ? cudaComputeModeProhibited : cudaComputeModeDefault;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
    cudaError_t status = machine_usable();

    if (status == cudaSuccess && (device < 0 || device >= shim.cards))
        status = cudaErrorInvalidDevice;
    if (status == cudaSuccess && (shim.card[device].prohibited || shim.card[device].busy))
        status = cudaErrorDevicesUnavailable;
    if (status == cudaSuccess && shim.card[device].full)
        status = cudaErrorMemoryAllocation;
    if (status == cudaSuccess)
        status = turn();
    if (status == cudaSuccess)
        current = device;
    return shim_return(status == cudaSuccess ? shim_sticky(&shim.card[device]) : status);
}

cudaError_t cudaGetDevice(int *device)
{
    *device = current;
    return cudaSuccess;
}
