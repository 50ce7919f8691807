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

/* An image of 5 x 6, more channels than a vector holds and no multiple of a tile, one image more than a pair. */
enum { IMAGES = 3, H = 5, W = 6, IN_C = 36, OUT_C = 21, K_MAX = 3, OUT_PLACE = 4096 };      /* OUT_PLACE: beyond x, aligned */

typedef struct problem {
    lks_step step;
    lks_plan_tensor tensors[2];
    lks_plan plan;
    lks_rq rq[IN_C];
    int32_t bias[IN_C];
    int8_t w[IN_C * K_MAX * K_MAX * IN_C], x[IMAGES * H * W * IN_C], expected[IMAGES * H * W * IN_C], y[IMAGES * H * W * IN_C];
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
    int32_t depth = a->in_c / a->groups, first = o / (a->out_c / a->groups) * depth, acc = p->bias[o];

    for (int32_t kh = 0; kh < a->window.kernel_h; kh++)
        for (int32_t kw = 0; kw < a->window.kernel_w; kw++)
            for (int32_t c = 0; c < depth; c++) {
                int32_t h = at_h + kh - a->window.pad_top, w = at_w + kw - a->window.pad_left;
                int inside = h >= 0 && h < H && w >= 0 && w < W;
                int32_t x = inside ? p->x[((image * H + h) * W + w) * a->in_c + first + c] : a->pad_value;

                int32_t w_at = p->w[((o * a->window.kernel_h + kh) * a->window.kernel_w + kw) * depth + c];

                acc += (x - a->x_zero) * (w_at - a->w_zero);
            }
    return lks_finish(acc, p->rq[o], a->tail);
}

static void expect(problem *p, const lks_conv *a)
{
    for (int32_t i = 0; i < IMAGES * H * W; i++)
        for (int32_t o = 0; o < a->out_c; o++)
            p->expected[i * a->out_c + o] = expected_at(p, a, i / (H * W), i / W % H, i % W, o);
}

/* size: of the kernel; groups: 1, or IN_C for a depthwise one. */
static lks_conv geometry(int32_t size, int32_t groups)
{
    return (lks_conv){
        .window = { .images = 1, .in_h = H, .in_w = W, .out_h = H, .out_w = W, .kernel_h = size, .kernel_w = size, .stride_h = 1,
                    .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .pad_top = size / 2, .pad_left = size / 2 },
        .in_c = IN_C, .out_c = groups == 1 ? OUT_C : IN_C, .groups = groups, .pad_value = -5, .x_zero = -5, .w_zero = 0,
        .tail = { .y_zero = 3, .y_min = -120, .y_max = 125, .rounding = LKS_HALF_UP }
    };
}

static void make_problem(problem *p, lks_kernel kernel, int32_t size)
{
    const lks_conv a = geometry(size, kernel == LKS_KERNEL_DEPTHWISE ? IN_C : 1);

    fill(p->x, sizeof p->x, 1);
    fill(p->w, sizeof p->w, 2);
    for (int32_t o = 0; o < IN_C; o++) {
        p->bias[o] = 1000 * o - 9000;
        p->rq[o] = (lks_rq){ LKS_INT32_MAX - 20000000 * o, 41 - o % 2 };
    }
    expect(p, &a);
    p->step = (lks_step){ .kernel = kernel, .x = 0, .x2 = -1, .y = 1, .w = p->w, .bias = p->bias, .rq = p->rq, .args.conv = a };
    if (kernel == LKS_KERNEL_MATMUL)
        p->step.args.matmul = (lks_matmul){ .rows = H * W, .in_c = IN_C, .out_c = OUT_C, .x_zero = a.x_zero, .tail = a.tail };
    p->tensors[0] = (lks_plan_tensor){ 0, H * W * IN_C };
    p->tensors[1] = (lks_plan_tensor){ OUT_PLACE, (size_t)(H * W * a.out_c) };
    p->plan = (lks_plan){ .max_batch = IMAGES, .arena_bytes = OUT_PLACE + sizeof p->y, .step_count = 1, .tensor_count = 2,
                          .steps = &p->step, .tensors = p->tensors };
}

static lks_status run(problem *p, lks_program *program, lks_error *error)
{
    lks_stream *stream;
    lks_status st = lks_cuda_stream_open(program, &stream, error);

    if (st != LKS_OK)
        return st;
    if ((st = lks_cuda_write(stream, 0, p->x, sizeof p->x, error)) == LKS_OK
        && (st = lks_cuda_run(stream, IMAGES, error)) == LKS_OK)
        st = lks_cuda_read(stream, OUT_PLACE, p->y, IMAGES * p->tensors[1].image_bytes, error);
    lks_cuda_stream_close(stream);
    return st;
}

static lks_status compare(const problem *p, const lks_device_handle *device, const char *variant, lks_error *error)
{
    size_t bytes = IMAGES * p->tensors[1].image_bytes, i = 0;

    while (i < bytes && p->y[i] == p->expected[i])
        i++;
    if (i == bytes)
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
    static const struct { lks_kernel kernel; int32_t size; } checks[] = {
        { LKS_KERNEL_CONV, 1 }, { LKS_KERNEL_CONV, 3 }, { LKS_KERNEL_DEPTHWISE, 3 }, { LKS_KERNEL_MATMUL, 1 }
    };
    problem *p = calloc(1, sizeof *p);
    lks_status st = LKS_OK;

    if (!p)
        return lks_cuda_no_memory(device, sizeof *p, error);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0] && st == LKS_OK; i++) {
        make_problem(p, checks[i].kernel, checks[i].size);
        st = check_kernel(p, device, error);
    }
    free(p);
    return st;
}
