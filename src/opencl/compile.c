/* SPDX-License-Identifier: Apache-2.0
 *
 * From sources or a cached binary to a program: what stands before the sources, in which order they come, and what the driver
 * says.
 */
#include "opencl/cache.h"
#include "opencl/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES_MAX 40

/* The sources, each as one string that ends with a zero (made by cmake/embed.cmake from src/opencl and src/spec). */
#define SOURCES(DO)                                                                                                              \
    DO(op) DO(arith) DO(magic) DO(args) DO(dot) DO(linear) DO(tile) DO(wide) DO(conv) DO(matmul) DO(batch_matmul)                \
    DO(window) DO(depthwise) DO(binary) DO(lut) DO(requant) DO(window_max) DO(window_sum) DO(reduce) DO(softmax) DO(copy)        \
    DO(gather) DO(bilinear) DO(arg_max) DO(lstm) DO(svdf) DO(selftest)

#define DECLARE(name) extern const char lks_cl_source_##name[];
SOURCES(DECLARE)
#undef DECLARE

#define SOURCE(name) lks_cl_source_##name
static const char *const direct_sources[] = {
    SOURCE(op), SOURCE(arith), SOURCE(magic), SOURCE(args), SOURCE(linear), SOURCE(window), SOURCE(depthwise),
    SOURCE(batch_matmul), SOURCE(binary), SOURCE(lut), SOURCE(requant), SOURCE(window_max), SOURCE(window_sum), SOURCE(reduce),
    SOURCE(softmax), SOURCE(copy), SOURCE(gather), SOURCE(bilinear), SOURCE(arg_max), SOURCE(lstm), SOURCE(svdf),
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

/* What is handed to the compiler. */
typedef struct text {
    char prologue[256];
    const char *string[SOURCES_MAX];    /* the prologue, then the sources, then NULL */
    cl_uint count;
    const char *options;
} text;

/* ---- the sources --------------------------------------------------------------------------------------------------------- */

/* What the sources leave open: tile sizes, the form of the dot product, and how a kernel is called. */
static void write_prologue(const lks_device_handle *d, uint32_t which, char *to, size_t size)
{
    const uint32_t dot = (which - LKS_CL_TILES) >> 1, log = (which - LKS_CL_TILES) & 1 ? 6 : 7;

    if (which == LKS_CL_DIRECT)
        snprintf(to, size, "#define WIDTH %d\n#define LANES_MAX %d\n", d->limits.is_cpu ? 16 : 4, LKS_CL_LANES);
    else if (which == LKS_CL_WIDE)
        snprintf(to, size, "#define LKS_NAME(x) x##_wide_kernel\n");
    else
        snprintf(to, size, "#define LKS_DOT %u\n#define TILE_M_LOG %u\n#define TILE_N_LOG %u\n#define TILE_K_LOG %u\n"
                 "#define LKS_NAME(x) x##_%s_kernel\n", dot == LKS_CL_PORTABLE ? 0 : dot + 1, log, log, log - 4,
                 lks_cl_program_name(which));
}

static int is_khr(uint32_t which)
{
    return which == LKS_CL_TILE(LKS_CL_KHR, 0) || which == LKS_CL_TILE(LKS_CL_KHR, 1);
}

/* The extension came with OpenCL C 3.0; everything else is 1.2.  No option relaxes a result. */
static void gather(const lks_device_handle *d, uint32_t which, text *t)
{
    const char *const *sources = which == LKS_CL_DIRECT ? direct_sources : which == LKS_CL_WIDE ? wide_sources : tile_sources;

    write_prologue(d, which, t->prologue, sizeof t->prologue);
    t->string[0] = t->prologue;
    t->count = 1;
    while ((t->string[t->count] = sources[t->count - 1]) != NULL)
        t->count++;
    t->options = is_khr(which) ? "-cl-std=CL3.0" : "-cl-std=CL1.2";
}

/* ---- compiling ----------------------------------------------------------------------------------------------------------- */

/* What stands where an error does, else the beginning of the log: the rest follows from it. */
static const char *heart_of(const char *log)
{
    const char *at = strstr(log, "error");

    if (!at)
        return log;
    while (at > log && at[-1] != '\n')
        at--;
    return at;
}

static lks_status fail_build(const lks_device_handle *d, cl_program program, uint32_t which, cl_int code, lks_error *error)
{
    size_t size = 0;
    char *log = NULL;

    if (d->cl.clGetProgramBuildInfo(program, d->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size) == CL_SUCCESS && size > 1)
        log = calloc(size + 1, 1);
    if (log)
        d->cl.clGetProgramBuildInfo(program, d->id, CL_PROGRAM_BUILD_LOG, size, log, NULL);
    lks_cl_fail(error, LKS_ERR_UNSUPPORTED, "opencl %u: the kernels \"%s\" do not compile here: %s (%d): %.240s", d->index,
                lks_cl_program_name(which), lks_cl_error_name(code), code,
                log && log[0] ? heart_of(log) : "the driver says no more");
    free(log);
    return LKS_ERR_UNSUPPORTED;
}

static cl_int build(const lks_device_handle *d, const text *t, cl_program program)
{
    return d->cl.clBuildProgram(program, 1, &d->id, t->options, NULL, NULL);
}

lks_status lks_cl_compile(lks_device_handle *d, uint32_t which, cl_program *program, lks_error *error)
{
    lks_status st = LKS_OK;
    cl_int code;
    text t;

    gather(d, which, &t);
    *program = d->cl.clCreateProgramWithSource(d->context, t.count, t.string, NULL, &code);
    if (!*program)
        return lks_cl_fail_call(d, "making a program", code, error);
    code = build(d, &t, *program);
    if (code == CL_OUT_OF_HOST_MEMORY)
        st = lks_cl_fail_call(d, "compiling", code, error);
    else if (code != CL_SUCCESS)
        st = fail_build(d, *program, which, code, error);
    if (st != LKS_OK) {
        d->cl.clReleaseProgram(*program);
        *program = NULL;
    }
    return st;
}

/* ---- the cache ----------------------------------------------------------------------------------------------------------- */

cl_program lks_cl_compile_cached(lks_device_handle *d, uint32_t which)
{
    lks_cl_cache_key key;
    cl_program program;
    unsigned char *binary;
    const unsigned char *read_only;
    cl_int status, code;
    size_t size;
    text t;

    gather(d, which, &t);
    if (!d->cache_dir || !lks_cl_cache_make_key(&key, d, t.string, t.options)
        || !(binary = lks_cl_cache_read(d->cache_dir, &key, &size)))
        return NULL;
    read_only = binary;
    program = d->cl.clCreateProgramWithBinary(d->context, 1, &d->id, &size, &read_only, &status, &code);
    free(binary);
    if (program && build(d, &t, program) != CL_SUCCESS) {
        d->cl.clReleaseProgram(program);
        program = NULL;
    }
    return program;
}

void lks_cl_keep(lks_device_handle *d, uint32_t which, cl_program program)
{
    lks_cl_cache_key key;
    unsigned char *binary;
    size_t size = 0;
    text t;

    gather(d, which, &t);
    if (!d->cache_dir || !lks_cl_cache_make_key(&key, d, t.string, t.options))
        return;
    if (d->cl.clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL) != CL_SUCCESS || size == 0)
        return;
    binary = calloc(size, 1);
    if (binary && d->cl.clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) == CL_SUCCESS)
        lks_cl_cache_write(d->cache_dir, &key, binary, size);
    free(binary);
}
