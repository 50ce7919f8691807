/* SPDX-License-Identifier: Apache-2.0
 *
 * The OpenCL loader, opened at run time.
 */
#include "opencl/api.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void *open_loader(void)
{
    static const char *const names[] = { "libOpenCL.so.1", "libOpenCL.so" };
    void *library = NULL;

    for (size_t i = 0; !library && i < sizeof names / sizeof names[0]; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    return library;
}

/* A pointer to a function is not a pointer to an object: it is copied. */
static int find(void *library, const char *name, void *function, size_t size)
{
    void *symbol = dlsym(library, name);

    memcpy(function, &symbol, size);
    return symbol != NULL;
}

int lks_cl_load(lks_cl_api *api, char *reason, size_t size)
{
    void *library = open_loader();
    const char *missing = NULL;

    if (!library) {
        snprintf(reason, size, "there is no OpenCL loader (libOpenCL.so.1): apt-get install "
                 "ocl-icd-libopencl1, and install the driver of the card");
        return 0;
    }
#define LKS_CL_FIND(name) missing = find(library, #name, &api->name, sizeof api->name) ? missing : #name;
    LKS_CL_FUNCTIONS(LKS_CL_FIND)
#undef LKS_CL_FIND
    if (missing)
        snprintf(reason, size, "the OpenCL loader lacks %s: it is older than OpenCL 1.2", missing);
    return missing == NULL;
}

const char *lks_cl_error_name(cl_int code)
{
#define LKS_CL_NAME(name) case name: return #name;
    switch (code) {
    LKS_CL_NAME(CL_DEVICE_NOT_FOUND) LKS_CL_NAME(CL_DEVICE_NOT_AVAILABLE) LKS_CL_NAME(CL_COMPILER_NOT_AVAILABLE)
    LKS_CL_NAME(CL_MEM_OBJECT_ALLOCATION_FAILURE) LKS_CL_NAME(CL_OUT_OF_RESOURCES) LKS_CL_NAME(CL_OUT_OF_HOST_MEMORY)
    LKS_CL_NAME(CL_BUILD_PROGRAM_FAILURE) LKS_CL_NAME(CL_INVALID_BINARY) LKS_CL_NAME(CL_INVALID_BUFFER_SIZE)
    LKS_CL_NAME(CL_INVALID_KERNEL_NAME) LKS_CL_NAME(CL_INVALID_KERNEL_ARGS) LKS_CL_NAME(CL_INVALID_ARG_SIZE)
    LKS_CL_NAME(CL_INVALID_WORK_GROUP_SIZE) LKS_CL_NAME(CL_INVALID_WORK_ITEM_SIZE) LKS_CL_NAME(CL_INVALID_VALUE)
    LKS_CL_NAME(CL_INVALID_DEVICE) LKS_CL_NAME(CL_INVALID_CONTEXT) LKS_CL_NAME(CL_INVALID_COMMAND_QUEUE)
    LKS_CL_NAME(CL_INVALID_PLATFORM) LKS_CL_NAME(CL_INVALID_MEM_OBJECT) LKS_CL_NAME(CL_INVALID_PROGRAM)
    LKS_CL_NAME(CL_INVALID_KERNEL) LKS_CL_NAME(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST)
    LKS_CL_NAME(CL_INVALID_BUILD_OPTIONS) LKS_CL_NAME(CL_INVALID_PROGRAM_EXECUTABLE) LKS_CL_NAME(CL_INVALID_OPERATION)
    case -1001: return "CL_PLATFORM_NOT_FOUND_KHR";
    default: return "an error of the driver's own";
    }
#undef LKS_CL_NAME
}

lks_status lks_cl_fail(lks_error *error, lks_status status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    for (char *c = error->text; *c; c++)
        if ((unsigned char)*c < 32)
            *c = ' ';                           /* one line: a driver's words may have more */
    error->status = status;
    return status;
}
