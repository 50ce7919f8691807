/* SPDX-License-Identifier: Apache-2.0
 *
 * The backends of a test of the CPU backend, in the place of host/backends.c: the backend itself, with more threads than it would
 * take, and each of its instruction sets as a backend of its own, so that whatever is held against all devices holds all sets.
 * Linked with src/cpu compiled so that even the smallest steps are shared out (tests/CMakeLists.txt).
 */
#include "cpu/backend.h"
#include "cpu_ref/backend.h"
#include "host/registry.h"

#include <stdio.h>

#define THREADS 3               /* unless the caller says; odd, so that shares do not come out even */

/* isa: NULL: what the backend chooses. */
static lks_status open_set(const char *isa, uint32_t i, const lks_context_options *options, lks_device_handle **device,
                           lks_error *error)
{
    lks_context_options o = *options;

    o.isa = isa ? isa : o.isa;
    o.threads = o.threads ? o.threads : THREADS;
    return lks_cpu_backend.open(i, &o, device, error);
}

/* A set that the machine lacks is a device that cannot be used. */
static lks_status describe_set(const char *isa, const char *backend, uint32_t i, lks_device_info *info)
{
    const lks_context_options one_thread = { .threads = 1 };
    lks_device_handle *device = NULL;
    lks_status st = lks_cpu_backend.describe(i, info);
    lks_error error;

    snprintf(info->backend, sizeof info->backend, "%s", backend);
    if (st != LKS_OK || !isa)
        return st;
    info->usable = open_set(isa, i, &one_thread, &device, &error) == LKS_OK;
    if (info->usable)
        lks_cpu_backend.close(device);
    else
        snprintf(info->reason, sizeof info->reason, "%.200s", error.text);
    return LKS_OK;
}

#define FOR_EACH_SET(DO)                                                                                                         \
    DO(all, NULL, "cpu") DO(amx, "amx", "cpu-amx") DO(avx512vnni, "avx512vnni", "cpu-avx512vnni")                                \
    DO(avxvnni, "avxvnni", "cpu-avxvnni")                                                                                        \
    DO(avx2, "avx2", "cpu-avx2") DO(i8mm, "i8mm", "cpu-i8mm") DO(dotprod, "dotprod", "cpu-dotprod")                              \
    DO(neon, "neon", "cpu-neon") DO(c, "c", "cpu-c")

/* The functions of lks_cpu_backend are no constants to a compiler: they are filled in when the program starts. */
#define DEFINE_BACKEND(set, isa, backend_name)                                                                                   \
    static lks_status describe_##set(uint32_t i, lks_device_info *info)                                                          \
    {                                                                                                                            \
        return describe_set(isa, backend_name, i, info);                                                                         \
    }                                                                                                                            \
    static lks_status open_##set(uint32_t i, const lks_context_options *options, lks_device_handle **device, lks_error *error)   \
    {                                                                                                                            \
        return open_set(isa, i, options, device, error);                                                                         \
    }                                                                                                                            \
    static lks_backend backend_##set = { .name = backend_name, .describe = describe_##set, .open = open_##set };

FOR_EACH_SET(DEFINE_BACKEND)

#define REFER(set, isa, backend_name) &backend_##set,

const lks_backend *const lks_backends[] = { FOR_EACH_SET(REFER) &lks_ref_backend, NULL };

/* Everything else is the backend's own. */
static void take_over(lks_backend *b)
{
    lks_backend full = lks_cpu_backend;

    full.name = b->name;
    full.describe = b->describe;
    full.open = b->open;
    *b = full;
}

#define TAKE_OVER(set, isa, backend_name) take_over(&backend_##set);

__attribute__((constructor)) static void fill_in(void)
{
    FOR_EACH_SET(TAKE_OVER)
}
