/* SPDX-License-Identifier: Apache-2.0
 *
 * The faults.  Each says what a check must do to see it.
 */
#include "faulty/faulty.h"

#include "cpu_ref/backend.h"
#include "spec/arith.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void healthy(const faulty_call *c)
{
    lks_ref_step(c->plan, c->step, c->arena, c->n);
}

static int8_t *output(const faulty_call *c)
{
    return c->arena + c->plan->tensors[c->step->y].offset;
}

static size_t output_bytes(const faulty_call *c)
{
    return c->plan->tensors[c->step->y].image_bytes * c->n;
}

/* ---- single elements ----------------------------------------------------------------------------------------------------- */

/* Seen by comparing every byte of any depthwise op: not a part, and with no tolerance. */
static void flip(const faulty_call *c)
{
    healthy(c);
    if (c->step->kernel == LKS_KERNEL_DEPTHWISE)
        output(c)[output_bytes(c) / 2] ^= 1;
}

const fault faulty_flip = { .what = "depthwise: flips the lowest bit of the middle element", .step = flip };

/* Seen by 17 or more output channels that are no multiple of 16, and an arena that does not hold the right bytes already. */
static void tile(const faulty_call *c)
{
    const lks_matmul *a = &c->step->args.matmul;
    size_t bytes = output_bytes(c), full = (size_t)a->out_c / 16 * 16, rest = (size_t)a->out_c - full;
    int8_t *before = c->step->kernel == LKS_KERNEL_MATMUL && full ? malloc(bytes) : NULL;

    if (before)
        memcpy(before, output(c), bytes);
    healthy(c);
    for (size_t at = full; before && at < bytes; at += (size_t)a->out_c)
        memcpy(output(c) + at, before + at, rest);
    free(before);
}

const fault faulty_tile = { .what = "matmul: does not compute what is left behind full tiles of 16", .step = tile };

/* Seen by an input that has 127. */
static void table(const faulty_call *c)
{
    const int8_t *x = c->arena + (c->step->kernel == LKS_KERNEL_LUT ? c->plan->tensors[c->step->x].offset : 0);

    healthy(c);
    for (size_t i = 0; c->step->kernel == LKS_KERNEL_LUT && i < output_bytes(c); i++)
        if (x[i] == 127)
            output(c)[i] = c->step->table[254];
}

const fault faulty_table = { .what = "lut: takes 127 for 126", .step = table };

/* Seen by selftest alone: a device would never choose that variant. */
static void wrong_variant(const faulty_call *c)
{
    healthy(c);
    if (c->step->kernel == LKS_KERNEL_BINARY)
        output(c)[0] ^= 1;
}

const fault faulty_variant = {
    .what = "binary: its second variant flips a bit of the first element", .wrong_variant = "wrong",
    .step = wrong_variant
};

/* ---- sums and rounding --------------------------------------------------------------------------------------------------- */

/* Seen by neighbours of large inputs with large weights of one sign: (255 + 255) * 65 leaves 16 bits. */
static void saturate(const faulty_call *c)
{
    if (c->step->kernel == LKS_KERNEL_CONV)
        faulty_linear(c, FLAW_SATURATE);
    else
        healthy(c);
}

const fault faulty_saturate = { .what = "conv: pairs of products saturate at 16 bits", .step = saturate };

/* Seen by an accumulator beyond 2^24 whose rounding depends on its last bits. */
static void fp32(const faulty_call *c)
{
    if (c->step->kernel == LKS_KERNEL_MATMUL)
        faulty_linear(c, FLAW_FP32);
    else
        healthy(c);
}

const fault faulty_fp32 = { .what = "matmul: accumulates in binary32", .step = fp32 };

/* Seen by an exact tie in half_up: in practice a scale that is a power of two. */
static void ties(const faulty_call *c)
{
    if (c->step->kernel == LKS_KERNEL_MATMUL)
        faulty_linear(c, FLAW_HALF_DOWN);
    else
        healthy(c);
}

const fault faulty_ties = { .what = "matmul, half_up: rounds ties down", .step = ties };

/* Seen by a tflite scale below 1/2 and a few hundred outputs. */
static void round_once(const faulty_call *c)
{
    if (c->step->kernel == LKS_KERNEL_DEPTHWISE)
        faulty_linear(c, FLAW_SINGLE_ROUNDING);
    else
        healthy(c);
}

const fault faulty_round = { .what = "depthwise, tflite: rounds once instead of twice", .step = round_once };

/* Seen by a window of an even number of elements with a negative sum that ends in a tie, in tflite. */
static void average(lks_step *step)
{
    if (step->kernel == LKS_KERNEL_WINDOW_SUM)
        step->args.pool.rounding = LKS_HALF_UP;
}

const fault faulty_average = { .what = "window sum, tflite: rounds negative ties up", .prepare = average };

/* lks_recip with two steps of Newton's method instead of three. */
static int32_t rough_recip(int32_t a)
{
    int32_t h = (int32_t)(((uint32_t)a + 0x80000000u) >> 1);
    int32_t x = 1515870810 + lks_mulh(h, -1010580540);

    for (int i = 0; i < 2; i++)
        x += lks_lshift_sat(lks_mulh(x, (1 << 29) - lks_mulh(h, x)), 2);
    return lks_lshift_sat(x, 1);
}

static void softmax_row(const int8_t *x, int8_t *y, int32_t columns, const int32_t *exp_table)
{
    int32_t top = -128, total = 0;
    lks_softmax_row row;

    for (int32_t c = 0; c < columns; c++)
        top = x[c] > top ? x[c] : top;
    for (int32_t c = 0; c < columns; c++)
        total += lks_rshift_away(exp_table[top - x[c]], 12);
    row = lks_softmax_begin(total);
    row.r = rough_recip((int32_t)(((uint32_t)total << (35 - row.n)) - 0x80000000u));
    for (int32_t c = 0; c < columns; c++)
        y[c] = lks_softmax_finish(exp_table[top - x[c]], row);
}

/* Seen by some thousand outputs that are not all at their rails: a relative error of 2^-16 moves few of them. */
static void softmax(const faulty_call *c)
{
    const lks_softmax *a = &c->step->args.softmax;

    if (c->step->kernel != LKS_KERNEL_SOFTMAX) {
        healthy(c);
        return;
    }
    for (size_t at = 0; at < output_bytes(c); at += (size_t)a->columns)
        softmax_row(c->arena + c->plan->tensors[c->step->x].offset + at, output(c) + at, a->columns, c->step->exp_table);
}

const fault faulty_softmax = { .what = "softmax: a step of Newton's method is missing", .step = softmax };

/* ---- what is read -------------------------------------------------------------------------------------------------------- */

/* Packed weights, by shape.  The one global state here, and the fault itself. */
static struct packed {
    struct packed *next;
    lks_kernel_args args;
    int8_t *w;
} *cache;

/* Without the numbers that are not the shape. */
static lks_kernel_args shape_of(const lks_step *step)
{
    lks_kernel_args shape;

    memset(&shape, 0, sizeof shape);
    shape.matmul = step->args.matmul;
    shape.matmul.x_zero = shape.matmul.w_zero = 0;
    shape.matmul.tail = (lks_tail){ 0, 0, 0, 0 };
    return shape;
}

/* Does any int8 weight leave the sums of a matmul in int32?  What is proven of its own weights says nothing of others. */
static int has_room(const lks_step *step)
{
    const lks_matmul *a = &step->args.matmul;

    for (int32_t o = 0; o < a->out_c; o++)
        if (step->bias[o] > 1 << 28 || step->bias[o] < -(1 << 28) || (a->tail.rounding == LKS_TFLITE && step->rq[o].s > 0))
            return 0;
    return a->in_c <= 4096;
}

/* Seen by two fully connected ops of one shape and different weights, in one model or one after the other in one process. */
static void stale(lks_step *step)
{
    lks_kernel_args shape = shape_of(step);
    size_t bytes = (size_t)shape.matmul.in_c * (size_t)shape.matmul.out_c;
    struct packed *p;

    if (step->kernel != LKS_KERNEL_MATMUL || !has_room(step))
        return;
    for (p = cache; p; p = p->next)
        if (memcmp(&p->args, &shape, sizeof shape) == 0) {
            step->w = p->w;
            return;
        }
    p = malloc(sizeof *p);
    if (!p || !(p->w = malloc(bytes))) {
        free(p);
        return;
    }
    memcpy(p->w, step->w, bytes);
    p->args = shape;
    p->next = cache;
    cache = p;
}

const fault faulty_stale = { .what = "matmul: keeps weights by shape, from program to program", .prepare = stale };

/* Seen by padding in a conv whose pad value is not 0. */
static void pad(lks_step *step)
{
    if (step->kernel == LKS_KERNEL_CONV)
        step->args.conv.pad_value = 0;
}

const fault faulty_pad = { .what = "conv: pads with 0", .prepare = pad };

/* Seen by padding in a depthwise op whose pad value is not the zero point, which no imported model has. */
static void border(lks_step *step)
{
    if (step->kernel == LKS_KERNEL_DEPTHWISE)
        step->args.conv.pad_value = step->args.conv.x_zero;
}

const fault faulty_border = { .what = "depthwise: pads with the zero point", .prepare = border };

/* Seen by a batch of two different images, with two activations. */
static void batch(lks_step *step)
{
    if (step->kernel == LKS_KERNEL_BINARY)
        step->args.binary.b_image = 0;
}

const fault faulty_batch = { .what = "binary: takes the second operand of image 0 for every image", .prepare = batch };

/* ---- what is written ----------------------------------------------------------------------------------------------------- */

/* Seen by an arena that does not hold the right bytes already. */
static void skip(const faulty_call *c)
{
    const lks_copy *a = &c->step->args.copy;

    if (c->step->kernel != LKS_KERNEL_COPY || memcmp(a->x_dims, a->dims, sizeof a->dims) != 0)
        healthy(c);
}

const fault faulty_skip = { .what = "copy: does not write where nothing moves", .step = skip };

/* Seen by guard bytes; or where the next activation begins there and is read later. */
static void overrun(const faulty_call *c)
{
    healthy(c);
    if (c->step->kernel == LKS_KERNEL_WINDOW_MAX)
        output(c)[output_bytes(c)] ^= 1;
}

const fault faulty_overrun = { .what = "window max: changes the byte behind its output", .step = overrun };

/* ---- devices ------------------------------------------------------------------------------------------------------------- */

/* Seen by a check of just that run; of a later one on device 1. */
static void flaky(const faulty_call *c)
{
    healthy(c);
    if (c->last && (c->device == 0 ? c->run == 3 : c->run >= 3))
        output(c)[output_bytes(c) - 1] ^= 1;
}

const fault faulty_flaky = {
    .what = "wrong on the third run of a stream; device 1: from the third run on", .devices = 2, .step = flaky
};

static lks_status fail(lks_error *error, const char *text)
{
    error->status = LKS_ERR_DEVICE;
    snprintf(error->text, sizeof error->text, "%s", text);
    return LKS_ERR_DEVICE;
}

static lks_status refuse(uint32_t device, lks_error *error)
{
    (void)device;
    return fail(error, "faulty-refuse 0: does not open");
}

const fault faulty_refuse = { .what = "looks usable, and does not open", .open = refuse };

static lks_status lose(uint32_t device, uint64_t run, lks_error *error)
{
    (void)device;
    return run < 2 ? LKS_OK : fail(error, "faulty-lost 0: the device is gone");
}

const fault faulty_lost = { .what = "fails from the second run of a stream on", .run = lose };
