/* SPDX-License-Identifier: Apache-2.0
 *
 * What a compiled program must get right before it is used: dot products and arithmetic over rails and a spread of values,
 * against what this file and the host's own spec/arith.h compute.  And the exercises that a device's limits are measured with.
 */
#include "opencl/selftest.h"

#include "opencl/args.h"
#include "opencl/program.h"
#include "spec/arith.h"

#include <stdlib.h>
#include <string.h>

#define CASES 1024
#define RESULTS 8

/* ---- buffers ------------------------------------------------------------------------------------------------------------- */

/* One call of a kernel on up to three buffers, the last of which is read back. */
typedef struct call {
    lks_device_handle *d;
    cl_kernel kernel;
    cl_mem buffer[3];
    cl_uint buffers;
} call;

static cl_int add_buffer(call *c, void *data, size_t bytes)
{
    const lks_cl_api *cl = &c->d->cl;
    cl_int code;
    cl_mem b = cl->clCreateBuffer(c->d->context, CL_MEM_READ_WRITE | (data ? CL_MEM_COPY_HOST_PTR : 0), bytes, data, &code);

    if (!b)
        return code;
    c->buffer[c->buffers] = b;
    return cl->clSetKernelArg(c->kernel, c->buffers++, sizeof b, &b);
}

static cl_int open_call(call *c, lks_device_handle *d, cl_program program, const char *name)
{
    cl_int code;

    *c = (call){ .d = d };
    c->kernel = d->cl.clCreateKernel(program, name, &code);
    return c->kernel ? CL_SUCCESS : code;
}

static cl_int run_call(call *c, size_t items, void *result, size_t bytes)
{
    const lks_cl_api *cl = &c->d->cl;
    const size_t local = LKS_CL_LANES;
    cl_int code = cl->clEnqueueNDRangeKernel(c->d->queue, c->kernel, 1, NULL, &items, &local, 0, NULL, NULL);

    if (code == CL_SUCCESS && result)
        return cl->clEnqueueReadBuffer(c->d->queue, c->buffer[c->buffers - 1], CL_TRUE, 0, bytes, result, 0, NULL, NULL);
    return code == CL_SUCCESS ? cl->clFinish(c->d->queue) : code;
}

static void close_call(call *c)
{
    for (cl_uint i = 0; i < c->buffers; i++)
        c->d->cl.clReleaseMemObject(c->buffer[i]);
    if (c->kernel)
        c->d->cl.clReleaseKernel(c->kernel);
}

/* ---- values -------------------------------------------------------------------------------------------------------------- */

/* splitmix64 of i: the tests are the same everywhere. */
static uint64_t spread(uint64_t i)
{
    uint64_t z = (i + 1) * 0x9E3779B97F4A7C15u;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static uint32_t rail(uint64_t i)
{
    static const uint32_t rails[] = { 0x80808080u, 0x7f7f7f7fu, 0x7f807f80u, 0x00ff01feu, 0x00000000u, 0xffffffffu };

    return i % 13 < 6 ? rails[i % 13] : (uint32_t)spread(i);
}

static uint32_t dot_by_hand(uint32_t a, uint32_t b, uint32_t acc)
{
    for (int i = 0; i < 4; i++) {
        int32_t x = (int32_t)(a >> 8 * i & 0xff), y = (int32_t)(b >> 8 * i & 0xff);

        x = x > 127 ? x - 256 : x;
        y = y > 127 ? y - 256 : y;
        acc += (uint32_t)(x * y);
    }
    return acc;
}

/* ---- the tests ----------------------------------------------------------------------------------------------------------- */

static lks_status differs(const lks_device_handle *d, uint32_t which, const char *what, size_t i, int64_t expected, int64_t got,
                          lks_error *error)
{
    return lks_cl_fail(error, LKS_ERR_DEVICE, "opencl %u: self-test of the kernels \"%s\": %s, case %zu: expected %lld, got "
                       "%lld: the device or its driver computes wrongly, and they are not used", d->index,
                       lks_cl_program_name(which), what, i, (long long)expected, (long long)got);
}

static lks_status test_dot(lks_device_handle *d, uint32_t which, cl_program program, lks_error *error)
{
    uint32_t a[CASES], b[CASES], y[CASES], got[CASES];
    call c;
    cl_int code = open_call(&c, d, program, "dot_test_kernel");

    for (uint64_t i = 0; i < CASES; i++) {
        a[i] = rail(i);
        b[i] = rail(7 * i + 3);
        y[i] = i % 3 ? (uint32_t)spread(i + CASES) : 0x7fffffffu;      /* beyond which it must wrap */
    }
    code = code == CL_SUCCESS ? add_buffer(&c, a, sizeof a) : code;
    code = code == CL_SUCCESS ? add_buffer(&c, b, sizeof b) : code;
    code = code == CL_SUCCESS ? add_buffer(&c, y, sizeof y) : code;
    code = code == CL_SUCCESS ? run_call(&c, CASES, got, sizeof got) : code;
    close_call(&c);
    if (code != CL_SUCCESS)
        return lks_cl_fail_call(d, "self-test of the dot product", code, error);
    for (size_t i = 0; i < CASES; i++)
        if (got[i] != dot_by_hand(a[i], b[i], y[i]))
            return differs(d, which, "dot product", i, dot_by_hand(a[i], b[i], y[i]), got[i], error);
    return LKS_OK;
}

/* A form of the dot product that is wrong here is one that the device does not have; there is another one behind it. */
static lks_status test_form(lks_device_handle *d, uint32_t which, cl_program program, lks_error *error)
{
    lks_status st = test_dot(d, which, program, error);

    if (st == LKS_ERR_DEVICE && which >= LKS_CL_TILES && which < LKS_CL_TILE(LKS_CL_PORTABLE, 0))
        error->status = st = LKS_ERR_UNSUPPORTED;
    return st;
}

/* Within the limits of spec 3.2. */
static lks_arithmetic argument(uint64_t i)
{
    const uint64_t r = spread(i), q = spread(i + 4 * CASES);
    lks_arithmetic t = {
        .shift = (int32_t)(r % 31) + 1, .a = (int32_t)(r >> 8 & 255) - 128, .b = (int32_t)(r >> 16 & 255) - 128,
        .exponent = -(int32_t)(q % (31u << 26)), .total = (int32_t)((1u << 19) + q % 2000000000u),
        .half_up = { (int32_t)((1u << 30) + (q >> 4) % (1u << 30)), 31 + (int32_t)(q % 31) },
        .tflite = { (int32_t)((1u << 30) + (q >> 20) % (1u << 30)), -(int32_t)(q >> 40) % 20 }
    };

    t.acc = i % 5 == 0 ? (i % 2 ? LKS_INT32_MAX - 1 : -LKS_INT32_MAX) : (int32_t)(r >> 32 & 0x7fffffff) - (1 << 30);
    t.tflite.s = -(int32_t)(q >> 40 & 15);
    t.add = (lks_addition){
        .a_zero = (int32_t)(q & 127) - 64, .b_zero = (int32_t)(q >> 7 & 127) - 64, .left_shift = 20,
        .subtracts = (int32_t)(i % 3) - 1,
        .a_rq = { t.tflite.m, -1 }, .b_rq = { t.half_up.m, -2 }, .rq = { t.tflite.m, -18 }, .tail = { 3, -128, 127, LKS_TFLITE }
    };
    t.by = lks_magic_of(1 + (int64_t)(q % 70000));
    return t;
}

static void by_host(const lks_arithmetic *t, uint64_t i, int32_t y[RESULTS])
{
    const uint64_t q = spread(i + 4 * CASES);

    y[0] = lks_requant_half_up(t->acc, t->half_up);
    y[1] = lks_requant_tflite(t->acc, t->tflite);
    y[2] = lks_rshift_away(t->acc, t->shift);
    y[3] = lks_mulh(t->acc, t->tflite.m);
    y[4] = lks_add(t->a, t->b, t->add);
    y[5] = lks_softmax_exp(t->a < 0 ? t->a : -t->a, 1374389535, 20);
    y[6] = lks_softmax_finish(lks_exp5(t->exponent), lks_softmax_begin(t->total));
    y[7] = (int32_t)((uint32_t)t->total / (1 + (uint32_t)(q % 70000)));
}

static lks_status test_arithmetic(lks_device_handle *d, uint32_t which, cl_program program, lks_error *error)
{
    lks_arithmetic *x = malloc(CASES * sizeof *x);
    int32_t *got = malloc(CASES * RESULTS * sizeof *got), expected[RESULTS];
    lks_status st = LKS_OK;
    call c;
    cl_int code = open_call(&c, d, program, "arithmetic_test_kernel");

    if (!x || !got)
        code = CL_OUT_OF_HOST_MEMORY;
    for (size_t i = 0; code == CL_SUCCESS && i < CASES; i++)
        x[i] = argument(i);
    code = code == CL_SUCCESS ? add_buffer(&c, x, CASES * sizeof *x) : code;
    code = code == CL_SUCCESS ? add_buffer(&c, NULL, CASES * RESULTS * sizeof *got) : code;
    code = code == CL_SUCCESS ? run_call(&c, CASES, got, CASES * RESULTS * sizeof *got) : code;
    close_call(&c);
    if (code != CL_SUCCESS)
        st = lks_cl_fail_call(d, "self-test of the arithmetic", code, error);
    for (size_t i = 0; st == LKS_OK && i < CASES; i++) {
        by_host(&x[i], i, expected);
        for (size_t k = 0; st == LKS_OK && k < RESULTS; k++)
            if (got[i * RESULTS + k] != expected[k])
                st = differs(d, which, "arithmetic", i * RESULTS + k, expected[k], got[i * RESULTS + k], error);
    }
    free(x);
    free(got);
    return st;
}

lks_status lks_cl_test_program(lks_device_handle *d, uint32_t which, cl_program program, lks_error *error)
{
    if (which == LKS_CL_DIRECT)
        return test_arithmetic(d, which, program, error);
    return test_form(d, which, program, error);
}

/* ---- exercises ----------------------------------------------------------------------------------------------------------- */

#define DOT_ITEMS (1u << 18)
#define DOT_MACS 32u                    /* of a work-item and round; of the wide variant 128 */
#define ROUNDS_MOST (1u << 24)
#define COPY_BYTES ((cl_ulong)256 << 20)
#define COPY_LEAST ((cl_ulong)4096)         /* and its multiples */

static cl_int exercise_dot(lks_device_handle *d, cl_program program, uint64_t amount, uint64_t *done)
{
    const uint64_t items = d->limits.is_cpu ? 1u << 12 : DOT_ITEMS, macs = d->limits.is_cpu ? 4 * DOT_MACS : DOT_MACS;
    const uint64_t wanted = 1 + amount / (items * macs);
    const cl_uint rounds = (cl_uint)(wanted < ROUNDS_MOST ? wanted : ROUNDS_MOST);
    call c;
    cl_int code = open_call(&c, d, program, "dot_exercise_kernel");

    code = code == CL_SUCCESS ? add_buffer(&c, NULL, items * sizeof(cl_uint)) : code;
    code = code == CL_SUCCESS ? d->cl.clSetKernelArg(c.kernel, 1, sizeof rounds, &rounds) : code;
    code = code == CL_SUCCESS ? run_call(&c, items, NULL, 0) : code;
    close_call(&c);
    *done = items * macs * rounds;
    return code;
}

static cl_int exercise_copy(lks_device_handle *d, cl_program program, uint64_t amount, uint64_t *done)
{
    const cl_ulong quarter = d->limits.alloc_bytes / 4 / COPY_LEAST * COPY_LEAST;
    const size_t bytes = (size_t)(quarter > COPY_BYTES ? COPY_BYTES : quarter < COPY_LEAST ? COPY_LEAST : quarter);
    const uint64_t times = 1 + amount / (2 * bytes);
    call c;
    cl_int code = open_call(&c, d, program, "copy_exercise_kernel");

    for (cl_uint i = 0; code == CL_SUCCESS && i < 2; i++) {
        if (!d->copied[i])
            d->copied[i] = d->cl.clCreateBuffer(d->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
        code = d->copied[i] ? d->cl.clSetKernelArg(c.kernel, i, sizeof d->copied[i], &d->copied[i]) : code;
    }
    for (uint64_t i = 0; code == CL_SUCCESS && i < times; i++)
        code = run_call(&c, bytes / 16, NULL, 0);
    close_call(&c);
    *done = times * 2 * bytes;
    return code;
}

lks_status lks_cl_exercise(lks_device_handle *d, lks_exercise what, uint64_t amount, uint64_t *done, lks_error *error)
{
    const uint32_t product = d->limits.is_cpu ? (uint32_t)LKS_CL_WIDE : LKS_CL_TILE(d->dot, 1);
    const uint32_t which = what == LKS_EXERCISE_COPY ? (uint32_t)LKS_CL_DIRECT : product;
    cl_program program;
    cl_int code;
    lks_status st;

    *done = 0;
    if ((st = lks_cl_check_alive(d, error)) != LKS_OK)
        return st;
    if (what == LKS_EXERCISE_MATRIX)
        return lks_cl_fail(error, LKS_ERR_UNSUPPORTED, "opencl: its kernels do not use matrix units");
    st = lks_cl_program(d, which, &program, error);
    if (st != LKS_OK)
        return st;
    pthread_mutex_lock(&d->lock);
    code = what == LKS_EXERCISE_COPY ? exercise_copy(d, program, amount, done) : exercise_dot(d, program, amount, done);
    pthread_mutex_unlock(&d->lock);
    return code == CL_SUCCESS ? LKS_OK : lks_cl_fail_run(d, "exercise", code, error);
}
