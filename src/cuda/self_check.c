/* SPDX-License-Identifier: Apache-2.0
 *
 * What a card must compute before it is taken: small convolutions and products through every variant that it has, against plain
 * loops on the host.  A miscompiled kernel, a broken driver or failing memory is found here rather than in a result.
 */
#include "cuda/host.h"

#include "spec/arith.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_C = 21, CHANNELS_MAX = 36, X_MAX = 3 * 5 * 6 * 208, W_MAX = OUT_C * 3 * 3 * 208, Y_MAX = 3 * 5 * 6 * CHANNELS_MAX };
enum { OUT_PLACE = (X_MAX + LKS_ARENA_ALIGN - 1) / LKS_ARENA_ALIGN * LKS_ARENA_ALIGN };    /* of y in the arena: behind x */

/* A convolution padded by half its window, or a product of h * w rows. */
typedef struct shape {
    lks_kernel kernel;
    int32_t size, stride, h, w, in_c, images, w_zero, rounding;
} shape;

/*
 * Every kernel of every variant: channels that are a multiple of 16, of 4 and of nothing, with and without a zero point of the
 * weights; depths beyond the stages of a tile; one row, few, and a number that is no multiple of a tile.
 */
static const shape shapes[] = {
    { LKS_KERNEL_CONV, 1, 1, 5, 6, 208, 3, 0, LKS_HALF_UP },
    { LKS_KERNEL_CONV, 3, 1, 5, 6, 48, 3, 0, LKS_TFLITE },
    { LKS_KERNEL_CONV, 3, 1, 5, 6, 36, 3, 0, LKS_HALF_UP },
    { LKS_KERNEL_CONV, 3, 2, 5, 6, 35, 3, 0, LKS_TFLITE },
    { LKS_KERNEL_CONV, 3, 2, 5, 6, 48, 3, 7, LKS_HALF_UP },
    { LKS_KERNEL_CONV, 3, 2, 5, 6, 36, 3, -7, LKS_TFLITE },
    { LKS_KERNEL_CONV, 3, 2, 5, 6, 35, 3, 7, LKS_HALF_UP },
    { LKS_KERNEL_DEPTHWISE, 3, 1, 5, 6, 36, 3, 0, LKS_HALF_UP },
    { LKS_KERNEL_DEPTHWISE, 3, 2, 5, 6, 36, 3, 0, LKS_TFLITE },
    { LKS_KERNEL_MATMUL, 1, 1, 5, 6, 208, 3, 0, LKS_TFLITE },
    { LKS_KERNEL_MATMUL, 1, 1, 1, 1, 208, 3, 0, LKS_HALF_UP },
    { LKS_KERNEL_MATMUL, 1, 1, 1, 1, 208, 1, 0, LKS_TFLITE },
    { LKS_KERNEL_MATMUL, 1, 1, 5, 6, 204, 3, 0, LKS_HALF_UP },
    { LKS_KERNEL_MATMUL, 1, 1, 5, 6, 203, 3, 0, LKS_TFLITE },
    { LKS_KERNEL_MATMUL, 1, 1, 5, 6, 208, 3, 7, LKS_HALF_UP },
    { LKS_KERNEL_MATMUL, 1, 1, 5, 6, 204, 3, -7, LKS_TFLITE },
    { LKS_KERNEL_MATMUL, 1, 1, 5, 6, 203, 3, 7, LKS_HALF_UP },
    { LKS_KERNEL_BATCH_MATMUL, 1, 1, 5, 6, 208, 3, 7, LKS_TFLITE },
    { LKS_KERNEL_BATCH_MATMUL, 1, 1, 5, 6, 203, 3, -7, LKS_HALF_UP }
};

/* Where wgmma is open: twice the stages of its rings. */
static const shape deep = { LKS_KERNEL_CONV, 3, 1, 5, 6, 208, 3, 0, LKS_HALF_UP };

typedef struct problem {
    lks_step step;
    lks_plan_tensor tensors[2];
    lks_plan plan;
    size_t x_bytes, y_bytes;    /* of all images */
    lks_rq rq[CHANNELS_MAX];
    int32_t bias[CHANNELS_MAX];
    int8_t w[W_MAX], x[X_MAX], expected[Y_MAX], y[Y_MAX];
} problem;

/* Bytes over the whole range, the same every time: a linear congruence. */
static void fill(int8_t *bytes, size_t count, uint32_t state)
{
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (int8_t)((state >> 24) ^ 0x80u);
    }
}

/* y = tail(bias + sum of (x - x_zero) (w - w_zero)), with pad_value beside the image.  spec 4.1 */
static int8_t expected_at(const problem *p, const lks_conv *a, int32_t image, int32_t at_h, int32_t at_w, int32_t o)
{
    const lks_window *s = &a->window;
    int32_t depth = a->in_c / a->groups, first = o / (a->out_c / a->groups) * depth, acc = p->bias[o];

    for (int32_t kh = 0; kh < s->kernel_h; kh++)
        for (int32_t kw = 0; kw < s->kernel_w; kw++)
            for (int32_t c = 0; c < depth; c++) {
                int32_t h = at_h * s->stride_h + kh - s->pad_top, w = at_w * s->stride_w + kw - s->pad_left;
                int inside = h >= 0 && h < s->in_h && w >= 0 && w < s->in_w;
                int32_t x = inside ? p->x[((image * s->in_h + h) * s->in_w + w) * a->in_c + first + c] : a->pad_value;
                int32_t w_at = p->w[((o * s->kernel_h + kh) * s->kernel_w + kw) * depth + c];

                acc += (x - a->x_zero) * (w_at - a->w_zero);
            }
    return lks_finish(acc, p->rq[o], a->tail);
}

static void expect(problem *p, const lks_conv *a, int32_t images)
{
    const int32_t h = a->window.out_h, w = a->window.out_w;

    for (int32_t i = 0; i < images * h * w; i++)
        for (int32_t o = 0; o < a->out_c; o++)
            p->expected[i * a->out_c + o] = expected_at(p, a, i / (h * w), i / w % h, i % w, o);
}

static int32_t out_extent(int32_t in, const shape *s)
{
    return (in + s->size / 2 * 2 - s->size) / s->stride + 1;
}

static lks_conv geometry(const shape *s)
{
    const int depthwise = s->kernel == LKS_KERNEL_DEPTHWISE;

    return (lks_conv){
        .window = { .images = 1, .in_h = s->h, .in_w = s->w, .out_h = out_extent(s->h, s), .out_w = out_extent(s->w, s),
                    .kernel_h = s->size, .kernel_w = s->size, .stride_h = s->stride, .stride_w = s->stride,
                    .dilation_h = 1, .dilation_w = 1, .pad_top = s->size / 2, .pad_left = s->size / 2 },
        .in_c = s->in_c, .out_c = depthwise ? s->in_c : OUT_C, .groups = depthwise ? s->in_c : 1,
        .pad_value = -5, .x_zero = -5, .w_zero = s->w_zero,
        .tail = { .y_zero = 3, .y_min = -120, .y_max = 125, .rounding = s->rounding }
    };
}

/* Multipliers of about 2^-10; a product of two operands has one, and no bias. */
static void fill_columns(problem *p, const shape *s)
{
    const int32_t differ = s->kernel != LKS_KERNEL_BATCH_MATMUL;

    for (int32_t o = 0; o < CHANNELS_MAX; o++) {
        int32_t k = differ * o;

        p->bias[o] = differ * (1000 * o - 9000);
        p->rq[o] = (lks_rq){ LKS_INT32_MAX - 20000000 * k, s->rounding == LKS_TFLITE ? k % 2 - 10 : 41 - k % 2 };
    }
}

/* The weights are its constant second operand, a column of it contiguous. */
static lks_batch_matmul product_of(const problem *p, const shape *s, const lks_conv *a)
{
    return (lks_batch_matmul){
        .a_image = s->h * s->w * s->in_c, .dims = { 1, 1, 1, 1, s->h * s->w, OUT_C }, .a_stride = { [4] = s->in_c },
        .b_stride = { [5] = s->in_c }, .depth = s->in_c, .a_depth = 1, .b_depth = 1, .a_zero = a->x_zero, .b_zero = s->w_zero,
        .rq = p->rq[0], .tail = a->tail
    };
}

static void set_step(problem *p, const shape *s, const lks_conv *a)
{
    p->step = (lks_step){ .kernel = s->kernel, .x = 0, .x2 = -1, .y = 1, .state = -1, .w = p->w, .bias = p->bias, .rq = p->rq,
                          .args.conv = *a };
    if (s->kernel == LKS_KERNEL_MATMUL) {
        p->step.args.matmul = (lks_matmul){ .rows = s->h * s->w, .in_c = s->in_c, .out_c = OUT_C, .x_zero = a->x_zero,
                                            .w_zero = s->w_zero, .tail = a->tail };
    } else if (s->kernel == LKS_KERNEL_BATCH_MATMUL) {
        p->step.args.batch_matmul = product_of(p, s, a);
        p->step.x2_data = p->w;
        p->step.x2_data_bytes = (size_t)(OUT_C * s->in_c);
    }
}

static void make_problem(problem *p, const shape *s)
{
    const lks_conv a = geometry(s);
    const size_t x_image = (size_t)(s->h * s->w * s->in_c), y_image = (size_t)(a.window.out_h * a.window.out_w * a.out_c);

    fill(p->x, sizeof p->x, 1);
    fill(p->w, sizeof p->w, 2);
    fill_columns(p, s);
    expect(p, &a, s->images);
    set_step(p, s, &a);
    p->x_bytes = x_image * (size_t)s->images;
    p->y_bytes = y_image * (size_t)s->images;
    p->tensors[0] = (lks_plan_tensor){ 0, x_image };
    p->tensors[1] = (lks_plan_tensor){ OUT_PLACE, y_image };
    p->plan = (lks_plan){ .max_batch = (uint32_t)s->images, .arena_bytes = OUT_PLACE + sizeof p->y, .step_count = 1,
                          .tensor_count = 2, .steps = &p->step, .tensors = p->tensors };
}

/* The output is made wrong in every byte first: memory may still hold the right ones, from the variant before. */
static lks_status run(problem *p, lks_program *program, lks_error *error)
{
    lks_stream *stream;
    lks_status st = lks_cuda_stream_open(program, &stream, error);

    if (st != LKS_OK)
        return st;
    for (size_t i = 0; i < p->y_bytes; i++)
        p->y[i] = (int8_t)~p->expected[i];
    if ((st = lks_cuda_write(stream, 0, p->x, p->x_bytes, error)) == LKS_OK
        && (st = lks_cuda_write(stream, OUT_PLACE, p->y, p->y_bytes, error)) == LKS_OK
        && (st = lks_cuda_run(stream, p->plan.max_batch, error)) == LKS_OK)
        st = lks_cuda_read(stream, OUT_PLACE, p->y, p->y_bytes, error);
    lks_cuda_stream_close(stream);
    return st;
}

static lks_status compare(const problem *p, const lks_device_handle *device, const char *variant, lks_error *error)
{
    size_t i = 0;

    while (i < p->y_bytes && p->y[i] == p->expected[i])
        i++;
    if (i == p->y_bytes)
        return LKS_OK;
    error->status = LKS_ERR_DEVICE;
    snprintf(error->text, sizeof error->text,
             LKS_CUDA_NAME " %u: fails its self-check: kernels \"%s\", kernel family %d, element %zu: "
             "expected %d, got %d: it is not used; update the driver, or test the card's memory", device->index, variant,
             (int)p->step.kernel, i, p->expected[i], p->y[i]);
    return error->status;
}

/* Every variant that does the problem. */
static lks_status check_kernel(problem *p, lks_device_handle *device, lks_error *error)
{
    const lks_cuda_family *f = lks_cuda_family_of(p->step.kernel);
    lks_status st = LKS_OK;

    for (uint32_t v = 0; f->variants[v] && st == LKS_OK; v++) {
        lks_program *program;

        if (!lks_cuda_supports(f, &p->step, v, &device->caps))
            continue;
        if ((st = lks_cuda_build(device, &p->plan, f->variants[v], &program, error)) != LKS_OK)
            return st;
        if ((st = run(p, program, error)) == LKS_OK)
            st = compare(p, device, f->variants[v], error);
        lks_cuda_destroy(program);
    }
    return st;
}

lks_status lks_cuda_self_check(lks_device_handle *device, lks_error *error)
{
    problem *p = calloc(1, sizeof *p);
    lks_status st = LKS_OK;

    if (!p)
        return lks_cuda_no_memory(device, sizeof *p, error);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0] && st == LKS_OK; i++) {
        make_problem(p, &shapes[i]);
        st = check_kernel(p, device, error);
    }
    if (st == LKS_OK && device->caps.wgmma) {
        make_problem(p, &deep);
        st = check_kernel(p, device, error);
    }
    free(p);
    return st;
}
