/* SPDX-License-Identifier: Apache-2.0
 *
 * From the sources to a program: what stands before them, in which order they come, and what the driver says.
 */
#include "opencl/cache.h"
#include "opencl/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const program_names[LKS_CL_PROGRAMS] = {
    [LKS_CL_DIRECT] = "direct", [LKS_CL_WIDE] = "wide",
    [LKS_CL_TILE(LKS_CL_KHR, 0)] = "khr_128x128", [LKS_CL_TILE(LKS_CL_KHR, 1)] = "khr_64x64",
    [LKS_CL_TILE(LKS_CL_PTX, 0)] = "ptx_128x128", [LKS_CL_TILE(LKS_CL_PTX, 1)] = "ptx_64x64",
    [LKS_CL_TILE(LKS_CL_SDOT, 0)] = "sdot_128x128", [LKS_CL_TILE(LKS_CL_SDOT, 1)] = "sdot_64x64",
    [LKS_CL_TILE(LKS_CL_SUDOT, 0)] = "sudot_128x128", [LKS_CL_TILE(LKS_CL_SUDOT, 1)] = "sudot_64x64",
    [LKS_CL_TILE(LKS_CL_PORTABLE, 0)] = "portable_128x128", [LKS_CL_TILE(LKS_CL_PORTABLE, 1)] = "portable_64x64"
};

#define SOURCES_MAX 40          /* of a program, with what stands before them and a NULL */
#define SOURCE(name) lks_cl_source_##name
static const char *const direct_sources[] = {
    SOURCE(op), SOURCE(arith), SOURCE(magic), SOURCE(args), SOURCE(linear), SOURCE(window), SOURCE(depthwise),
    SOURCE(batch_matmul), SOURCE(binary), SOURCE(lut), SOURCE(window_max), SOURCE(window_sum), SOURCE(reduce), SOURCE(softmax), SOURCE(copy),
    SOURCE(selftest), NULL
};
static const char *const wide_sources[] = {
    SOURCE(op), SOURCE(arith), SOURCE(magic), SOURCE(args), SOURCE(linear), SOURCE(wide), SOURCE(conv), SOURCE(matmul),
    SOURCE(batch_matmul), NULL
};
static const char *const tile_sources[] = {
    SOURCE(op), SOURCE(arith), SOURCE(magic), SOURCE(args), SOURCE(dot), SOURCE(linear), SOURCE(tile), SOURCE(conv),
    SOURCE(matmul), SOURCE(batch_matmul), NULL
};

const char *lks_cl_program_name(uint32_t which)
{
    return program_names[which];
}

static int is_khr(uint32_t which)
{
    return which == LKS_CL_TILE(LKS_CL_KHR, 0) || which == LKS_CL_TILE(LKS_CL_KHR, 1);
}

/* The extension came with OpenCL C 3.0; everything else is 1.2.  Nothing that would relax a result. */
static const char *options_of(uint32_t which)
{
    return is_khr(which) ? "-cl-std=CL3.0" : "-cl-std=CL1.2";
}

/* What the sources leave open: tile sizes, the form of the dot product, and how a kernel is called. */
static void write_prologue(const lks_device_handle *d, uint32_t which, char *text, size_t size)
{
    uint32_t dot = (which - LKS_CL_TILES) >> 1, log = (which - LKS_CL_TILES) & 1 ? 6 : 7;

    if (which == LKS_CL_DIRECT)
        snprintf(text, size, "#define WIDTH %d\n#define LANES_MAX %d\n", d->is_cpu ? 16 : 4, LKS_CL_LANES);
    else if (which == LKS_CL_WIDE)
        snprintf(text, size, "#define LKS_NAME(x) x##_wide_kernel\n");
    else
        snprintf(text, size, "#define LKS_DOT %u\n#define TILE_M_LOG %u\n#define TILE_N_LOG %u\n#define TILE_K_LOG %u\n"
                 "#define LKS_NAME(x) x##_%s_kernel\n", dot == LKS_CL_PORTABLE ? 0 : dot + 1, log, log, log - 4,
                 program_names[which]);
}

static const char *const *sources_of(uint32_t which)
{
    return which == LKS_CL_DIRECT ? direct_sources : which == LKS_CL_WIDE ? wide_sources : tile_sources;
}

/* The last words of the build log: errors come last. */
static lks_status fail_build(const lks_device_handle *d, cl_program program, uint32_t which, cl_int code, lks_error *error)
{
    size_t size = 0;
    char *log = NULL;

    if (d->cl.clGetProgramBuildInfo(program, d->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size) == CL_SUCCESS && size > 1)
        log = calloc(size + 1, 1);
    if (log)
        d->cl.clGetProgramBuildInfo(program, d->id, CL_PROGRAM_BUILD_LOG, size, log, NULL);
    lks_cl_fail(error, LKS_ERR_UNSUPPORTED, "opencl %u: the kernels \"%s\" do not compile here: %s: %.300s", d->index,
                program_names[which], lks_cl_error_name(code), log ? log : "the driver says no more");
    free(log);
    return LKS_ERR_UNSUPPORTED;
}

static lks_status build(lks_device_handle *d, uint32_t which, cl_program program, lks_error *error)
{
    cl_int code = d->cl.clBuildProgram(program, 1, &d->id, options_of(which), NULL, NULL);

    return code == CL_SUCCESS ? LKS_OK : fail_build(d, program, which, code, error);
}

static lks_status build_source(lks_device_handle *d, uint32_t which, const char *const *strings, cl_program *program,
                               lks_error *error)
{
    const char *copy[SOURCES_MAX];
    cl_uint count = 0;
    cl_int code;
    lks_status st;

    while (strings[count]) {
        copy[count] = strings[count];
        count++;
    }
    *program = d->cl.clCreateProgramWithSource(d->context, count, copy, NULL, &code);
    if (!*program)
        return lks_cl_fail_call(error, "clCreateProgramWithSource", code);
    st = build(d, which, *program, error);
    if (st != LKS_OK) {
        d->cl.clReleaseProgram(*program);
        *program = NULL;
    }
    return st;
}

/* 0: the cache has none, or what it has is not accepted. */
static int build_cached(lks_device_handle *d, uint32_t which, const lks_cl_cache_key *key, cl_program *program)
{
    lks_error unused;
    size_t size;
    unsigned char *binary = lks_cl_cache_read(d->cache_dir, key, &size);
    const unsigned char *read_only = binary;
    cl_int status, code;

    if (!binary)
        return 0;
    *program = d->cl.clCreateProgramWithBinary(d->context, 1, &d->id, &size, &read_only, &status, &code);
    free(binary);
    if (!*program)
        return 0;
    if (build(d, which, *program, &unused) == LKS_OK)
        return 1;
    d->cl.clReleaseProgram(*program);
    *program = NULL;
    return 0;
}

/* Keeping it is a convenience: where it fails, the program is compiled again next time. */
static void keep(lks_device_handle *d, const lks_cl_cache_key *key, cl_program program)
{
    size_t size = 0;
    unsigned char *binary;

    if (d->cl.clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL) != CL_SUCCESS || size == 0)
        return;
    binary = malloc(size);
    if (binary && d->cl.clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) == CL_SUCCESS)
        lks_cl_cache_write(d->cache_dir, key, binary, size);
    free(binary);
}

lks_status lks_cl_compile(lks_device_handle *d, uint32_t which, int use_cache, cl_program *program, int *cached, lks_error *error)
{
    const char *const *sources = sources_of(which);
    const char *strings[SOURCES_MAX] = { NULL };
    char prologue[256];
    lks_cl_cache_key key;
    lks_status st;

    write_prologue(d, which, prologue, sizeof prologue);
    strings[0] = prologue;
    for (size_t i = 0; sources[i]; i++)
        strings[i + 1] = sources[i];
    *cached = 0;
    if (d->cache_dir && !lks_cl_cache_make_key(&key, d, strings, options_of(which)))
        return lks_cl_fail(error, LKS_ERR_NOMEM, "opencl: out of memory");
    if (d->cache_dir && use_cache && build_cached(d, which, &key, program)) {
        *cached = 1;
        return LKS_OK;
    }
    st = build_source(d, which, strings, program, error);
    if (st == LKS_OK && d->cache_dir)
        keep(d, &key, *program);
    return st;
}

