/* SPDX-License-Identifier: Apache-2.0
 *
 * The linear kernels on shapes that random small models seldom have: more depth tiles than stages, several tiles each way, every
 * width of load and store, and what is fused behind them.  Every variant, one image and three, against the reference running op
 * by op.
 */
#include "cpu_ref/backend.h"
#include "cuda/backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_MAX 3
#define ALIGNED(bytes) (((bytes) + LKS_ARENA_ALIGN - 1) / LKS_ARENA_ALIGN * LKS_ARENA_ALIGN)

/* Pads are equal on all sides.  A matmul has rows = h, and neither window nor groups. */
typedef struct shape {
    lks_kernel kernel;
    int32_t h, w, in_c, out_c, groups, kernel_h, kernel_w, stride, dilation, pad, w_zero, rounding, adds, table;
} shape;

#define CONV LKS_KERNEL_CONV
#define MATMUL LKS_KERNEL_MATMUL
#define DEPTHWISE LKS_KERNEL_DEPTHWISE

static const shape shapes[] = {
    { CONV, 9, 15, 32, 136, 1, 1, 1, 1, 1, 0, 0, LKS_HALF_UP, 0, 0 },        /* two tiles each way, one depth tile */
    { CONV, 8, 16, 208, 128, 1, 1, 1, 1, 1, 0, 0, LKS_TFLITE, 1, 1 },        /* exact tiles, 7 depth tiles */
    { CONV, 16, 17, 1040, 70, 1, 1, 1, 1, 1, 0, 0, LKS_HALF_UP, 1, 1 },      /* more tiles than multiprocessors, 9 deep ones */
    { CONV, 17, 16, 96, 132, 1, 3, 3, 1, 1, 1, 0, LKS_TFLITE, 1, 0 },
    { CONV, 7, 7, 48, 20, 1, 1, 1, 2, 1, 0, 0, LKS_HALF_UP, 1, 0 },          /* strided without padding; half a depth tile */
    { CONV, 7, 9, 32, 80, 1, 3, 3, 1, 1, 1, 0, LKS_TFLITE, 0, 1 },
    { CONV, 9, 8, 16, 48, 1, 3, 3, 1, 2, 2, 0, LKS_HALF_UP, 1, 1 },          /* dilated: segments of one element */
    { CONV, 6, 6, 64, 96, 2, 3, 3, 2, 1, 1, 0, LKS_HALF_UP, 0, 0 },          /* groups of 32 to 48 */
    { CONV, 6, 6, 12, 40, 1, 3, 3, 1, 1, 1, 0, LKS_TFLITE, 1, 0 },
    { CONV, 7, 5, 24, 72, 1, 1, 1, 1, 1, 0, 0, LKS_HALF_UP, 0, 1 },
    { CONV, 7, 6, 24, 24, 3, 3, 3, 1, 2, 1, 0, LKS_HALF_UP, 0, 0 },          /* groups of 8 */
    { CONV, 17, 15, 3, 33, 1, 7, 7, 2, 1, 3, 0, LKS_TFLITE, 0, 0 },          /* a stem: segments of 21 bytes */
    { CONV, 11, 11, 3, 130, 1, 3, 3, 1, 1, 1, 0, LKS_HALF_UP, 1, 1 },
    { CONV, 9, 9, 5, 7, 1, 3, 3, 1, 2, 2, 0, LKS_TFLITE, 0, 0 },
    { CONV, 6, 5, 30, 10, 10, 2, 3, 1, 1, 1, 0, LKS_HALF_UP, 0, 0 },         /* groups of 3 to 1 */
    { CONV, 6, 7, 32, 70, 1, 3, 3, 1, 1, 1, 9, LKS_HALF_UP, 0, 0 },
    { CONV, 6, 7, 8, 70, 1, 3, 3, 1, 1, 1, -7, LKS_TFLITE, 0, 0 },
    { CONV, 8, 7, 3, 66, 1, 5, 5, 1, 1, 2, 100, LKS_TFLITE, 1, 0 },
    { MATMUL, 1, 1, 1040, 37, 1, 1, 1, 1, 1, 0, 0, LKS_HALF_UP, 0, 1 },
    { MATMUL, 2, 1, 528, 64, 1, 1, 1, 1, 1, 0, 0, LKS_TFLITE, 1, 0 },
    { MATMUL, 9, 1, 48, 19, 1, 1, 1, 1, 1, 0, 0, LKS_HALF_UP, 1, 1 },
    { MATMUL, 130, 1, 256, 144, 1, 1, 1, 1, 1, 0, 0, LKS_HALF_UP, 0, 0 },
    { MATMUL, 5, 1, 300, 70, 1, 1, 1, 1, 1, 0, 0, LKS_TFLITE, 0, 0 },
    { MATMUL, 70, 1, 201, 66, 1, 1, 1, 1, 1, 0, 0, LKS_HALF_UP, 0, 0 },
    { MATMUL, 4, 1, 64, 66, 1, 1, 1, 1, 1, 0, 3, LKS_HALF_UP, 0, 0 },
    { MATMUL, 4, 1, 68, 66, 1, 1, 1, 1, 1, 0, -3, LKS_HALF_UP, 0, 0 },
    { MATMUL, 4, 1, 67, 66, 1, 1, 1, 1, 1, 0, 127, LKS_HALF_UP, 0, 0 },
    { DEPTHWISE, 9, 13, 12, 12, 12, 3, 3, 1, 1, 1, 0, LKS_HALF_UP, 1, 1 },
    { DEPTHWISE, 9, 10, 36, 36, 36, 3, 3, 2, 1, 1, 0, LKS_TFLITE, 0, 0 },
    { DEPTHWISE, 4, 4, 8, 8, 8, 3, 3, 1, 1, 0, 0, LKS_HALF_UP, 0, 0 },
    { DEPTHWISE, 9, 9, 20, 20, 20, 5, 5, 1, 2, 3, 17, LKS_TFLITE, 0, 1 },
    { DEPTHWISE, 6, 8, 7, 21, 7, 3, 2, 1, 1, 1, -9, LKS_HALF_UP, 1, 0 }
};

/*
 * All that a shape needs: constants, a fused step and the same as single steps, and the four tensors x, x2, and two in between.
 */
typedef struct problem {
    lks_step fused, single[3];
    lks_plan_tensor tensors[5];
    lks_plan plan, reference;
    int8_t *w, *data;           /* data: of x2 and x */
    int32_t *bias;
    lks_rq *rq;
    int8_t table[LKS_TABLE_SIZE];
} problem;

static uint32_t state;

static int8_t next_byte(void)
{
    state = state * 1664525u + 1013904223u;
    return (int8_t)((int32_t)(state >> 24) - 128);
}

static void *allocate(size_t bytes)
{
    void *p = malloc(bytes);

    if (!p)
        exit(2);
    return p;
}

/* ---- a problem ----------------------------------------------------------------------------------------------------------- */

static int32_t out_extent(int32_t in, int32_t kernel, const shape *s)
{
    return (in + 2 * s->pad - (kernel - 1) * s->dilation - 1) / s->stride + 1;
}

static lks_conv conv_of(const shape *s)
{
    return (lks_conv){
        .window = { .images = 1, .in_h = s->h, .in_w = s->w, .out_h = out_extent(s->h, s->kernel_h, s),
                    .out_w = out_extent(s->w, s->kernel_w, s), .kernel_h = s->kernel_h, .kernel_w = s->kernel_w,
                    .stride_h = s->stride, .stride_w = s->stride, .dilation_h = s->dilation, .dilation_w = s->dilation,
                    .pad_top = s->pad, .pad_left = s->pad },
        .in_c = s->in_c, .out_c = s->out_c, .groups = s->groups, .pad_value = 31, .x_zero = -11, .w_zero = s->w_zero,
        .tail = { .y_zero = 4, .y_min = -100, .y_max = 120, .rounding = s->rounding }
    };
}

static lks_addition addition_of(const shape *s)
{
    const int tflite = s->rounding == LKS_TFLITE;

    return (lks_addition){
        .a_zero = 4, .b_zero = -3, .left_shift = tflite ? 20 : 0,
        .a_rq = { tflite ? 1500000000 : 1234567, tflite ? -1 : 0 }, .b_rq = { tflite ? 1200000000 : 987654, tflite ? -2 : 0 },
        .rq = { 1400000000, tflite ? -18 : 51 }, .tail = { .y_zero = -2, .y_min = -128, .y_max = 127, .rounding = s->rounding }
    };
}

/*
 * Multipliers that spread the sums of `depth` products over the range of an int8; one in five is far too large, so that clamps
 * act.
 */
static lks_rq draw_rq(const shape *s, int32_t depth)
{
    int32_t shift = 13;
    lks_rq rq = { 1073741824 + (next_byte() + 128) * 4194304, 0 };

    while (depth > 4) {
        depth /= 4;
        shift++;
    }
    shift -= next_byte() % 5 == 0 ? 4 : 0;
    rq.s = s->rounding == LKS_TFLITE ? 1 - shift + 8 : 30 + shift - 8;
    return rq;
}

static void set_steps(problem *p, const shape *s, const lks_conv *k, int32_t elements)
{
    lks_step *linear = &p->single[0], *add = &p->single[1], *lut = &p->single[2];

    *linear = (lks_step){ .kernel = s->kernel, .x = 0, .x2 = -1, .y = 2, .state = -1, .w = p->w, .bias = p->bias, .rq = p->rq,
                          .args.conv = *k };
    if (s->kernel == MATMUL)
        linear->args.matmul = (lks_matmul){ .rows = s->h, .in_c = s->in_c, .out_c = s->out_c, .x_zero = k->x_zero,
                                            .w_zero = k->w_zero, .tail = k->tail };
    *add = (lks_step){ .kernel = LKS_KERNEL_BINARY, .x = 2, .x2 = 1, .y = 3, .state = -1, .args.binary = {
        elements, elements, { elements, 1, 1, 1, 1, 1 }, { 1 }, { 1 }, { .add = addition_of(s) } } };
    *lut = (lks_step){ .kernel = LKS_KERNEL_LUT, .x = s->adds ? 3 : 2, .x2 = -1, .y = 4, .state = -1, .table = p->table,
                       .args.lut = { elements } };
    p->fused = *linear;
    p->fused.y = 4;
    if (s->adds) {
        p->fused.x2 = 1;
        *(s->kernel == MATMUL ? &p->fused.args.matmul.fused : &p->fused.args.conv.fused) = (lks_fused){ 1, addition_of(s) };
    }
    if (s->table)
        p->fused.table = p->table;
    if (!s->table)                      /* the last of the single steps makes tensor 4 */
        (s->adds ? add : linear)->y = 4;
    if (!s->adds)
        *add = *lut;
}

static void make(problem *p, const shape *s)
{
    lks_conv k = conv_of(s);
    const int32_t depth = s->kernel_h * s->kernel_w * (s->in_c / s->groups);
    const int32_t elements = s->kernel == MATMUL ? s->h * s->out_c : k.window.out_h * k.window.out_w * s->out_c;
    const size_t x_bytes = (size_t)(s->h * s->w * s->in_c);
    size_t at = 0;

    state = (uint32_t)(s - shapes) + 1;
    p->w = allocate((size_t)depth * (size_t)s->out_c);
    p->bias = allocate((size_t)s->out_c * sizeof *p->bias);
    p->rq = allocate((size_t)s->out_c * sizeof *p->rq);
    for (int32_t i = 0; i < depth * s->out_c; i++)
        p->w[i] = next_byte();
    for (int32_t o = 0; o < s->out_c; o++) {
        p->bias[o] = next_byte() * 50;
        p->rq[o] = draw_rq(s, depth);
    }
    for (int32_t i = 0; i < LKS_TABLE_SIZE; i++)
        p->table[i] = next_byte();
    for (int i = 4; i >= 0; i--) {      /* x ends the arena, so that a read beyond it is one beyond the memory */
        p->tensors[i] = (lks_plan_tensor){ at, i == 0 ? x_bytes : (size_t)elements };
        at += ALIGNED(N_MAX * p->tensors[i].image_bytes);
    }
    set_steps(p, s, &k, elements);
    p->plan = (lks_plan){ .max_batch = N_MAX, .arena_bytes = at, .step_count = 1, .tensor_count = 5, .steps = &p->fused,
                          .tensors = p->tensors };
    p->reference = p->plan;
    p->reference.steps = p->single;
    p->reference.step_count = (uint32_t)(1 + s->adds + s->table);
    p->data = allocate(at - p->tensors[1].offset);
    for (size_t i = 0; i < at - p->tensors[1].offset; i++)
        p->data[i] = next_byte();
}

static void discard(problem *p)
{
    free(p->w);
    free(p->bias);
    free(p->rq);
    free(p->data);
}

/* ---- running it ---------------------------------------------------------------------------------------------------------- */

static lks_status run(const lks_backend *b, lks_device_handle *device, const problem *p, const lks_plan *plan,
                      const char *variant, uint32_t n, int8_t *y, lks_error *error)
{
    const size_t inputs = p->tensors[1].offset;     /* x2, and then x */
    lks_program *program;
    lks_stream *stream;
    lks_status st = b->build(device, plan, variant, &program, error);

    if (st != LKS_OK)
        return st;
    if ((st = b->stream_open(program, &stream, error)) == LKS_OK) {
        if ((st = b->write(stream, inputs, p->data, plan->arena_bytes - inputs, error)) == LKS_OK
            && (st = b->run(stream, n, error)) == LKS_OK)
            st = b->read(stream, p->tensors[4].offset, y, n * p->tensors[4].image_bytes, error);
        b->stream_close(stream);
    }
    b->destroy(program);
    return st;
}

/* 1: failed */
static int try_variant(lks_device_handle *cuda, lks_device_handle *ref, const shape *s, const problem *p, const char *variant,
                       uint32_t n)
{
    const size_t bytes = n * p->tensors[4].image_bytes;
    int8_t *expected = allocate(bytes), *got = allocate(bytes);
    lks_error error = { LKS_OK, "" };
    lks_status st = run(&lks_ref_backend, ref, p, &p->reference, NULL, n, expected, &error);
    size_t i = 0;
    int failed;

    if (st == LKS_OK)
        st = run(&lks_cuda_backend, cuda, p, &p->plan, variant, n, got, &error);
    while (st == LKS_OK && i < bytes && expected[i] == got[i])
        i++;
    failed = st != LKS_ERR_UNSUPPORTED && (st != LKS_OK || i < bytes);
    if (failed)
        printf("FAIL shape %d, %s, n %u: %s: element %zu: expected %d, got %d\n", (int)(s - shapes), variant ? variant : "auto",
               n,
               st == LKS_OK ? "differs" : error.text, i, i < bytes ? expected[i] : 0, i < bytes ? got[i] : 0);
    free(expected);
    free(got);
    return failed;
}

int main(void)
{
    const lks_context_options options = { .isa = "wgmma" }, plain = { .threads = 0 };
    lks_device_handle *cuda, *ref;
    lks_error error;
    int failed = 0;

    if (lks_cuda_backend.open(0, &options, &cuda, &error) != LKS_OK
        || lks_ref_backend.open(0, &plain, &ref, &error) != LKS_OK) {
        puts(error.text);
        return 2;
    }
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const char *variant;
        problem p;

        make(&p, &shapes[i]);
        failed += try_variant(cuda, ref, &shapes[i], &p, NULL, N_MAX);
        for (uint32_t v = 0; (variant = lks_cuda_backend.variant(cuda, shapes[i].kernel, v)) != NULL; v++)
            for (uint32_t n = 1; n <= N_MAX; n += 2)
                failed += try_variant(cuda, ref, &shapes[i], &p, variant, n);
        discard(&p);
    }
    lks_ref_backend.close(ref);
    lks_cuda_backend.close(cuda);
    puts(failed ? "FAILED" : "PASSED");
    return failed != 0;
}
