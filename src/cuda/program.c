/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan as a program: a variant for each step, and all constants, packed, in one block of device memory.
 */
#include "cuda/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN 256u              /* of each step's constants: family.h */

static const char *const kernel_names[LKS_KERNEL_COUNT] = {
    "conv", "depthwise", "matmul", "batch_matmul", "binary", "lut", "requant", "window_max", "window_sum", "reduce", "softmax",
    "copy", "gather", "bilinear", "arg_max", "lstm", "svdf"
};

static size_t align_up(size_t bytes)
{
    return (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

/* ---- variants ------------------------------------------------------------------------------------------------------------ */

/* The variant that was asked for, where the family has it; else false. */
static int find_variant(const lks_cuda_family *f, const char *name, uint32_t *variant)
{
    for (uint32_t i = 0; name && f->variants[i]; i++)
        if (strcmp(f->variants[i], name) == 0) {
            *variant = i;
            return 1;
        }
    return 0;
}

static uint32_t best_variant(const lks_cuda_family *f, const lks_step *s, uint32_t max_batch, const lks_cuda_caps *c)
{
    uint32_t variant = 0;

    if (f->choose)
        return f->choose(s, max_batch, c);
    while (!lks_cuda_supports(f, s, variant, c))
        variant++;
    return variant;
}

static lks_status choose_variant(const lks_program *p, uint32_t i, const char *name, lks_error *error)
{
    const lks_step *s = &p->plan->steps[i];
    lks_cuda_step *c = &p->steps[i];

    c->family = lks_cuda_family_of(s->kernel);
    if (!find_variant(c->family, name, &c->variant)) {
        c->variant = best_variant(c->family, s, p->plan->max_batch, &p->device->caps);
    } else if (!lks_cuda_supports(c->family, s, c->variant, &p->device->caps)) {
        const int closed = strncmp(name, "wgmma", 5) == 0 && !p->device->caps.wgmma;

        error->status = LKS_ERR_UNSUPPORTED;
        snprintf(error->text, sizeof error->text, LKS_CUDA_NAME " %u: op %u: %s kernels \"%s\" %s", p->device->index, s->op,
                 kernel_names[s->kernel], name,
                 closed ? "have not passed on a card yet: --isa wgmma opens them" : "do not do its shape");
        return error->status;
    }
    snprintf(c->label, sizeof c->label, "op %u %s %s", s->op, kernel_names[s->kernel], c->family->variants[c->variant]);
    return LKS_OK;
}

/* ---- constants ----------------------------------------------------------------------------------------------------------- */

static void measure(lks_program *p)
{
    for (uint32_t i = 0; i < p->plan->step_count; i++) {
        const lks_step *s = &p->plan->steps[i];
        lks_cuda_step *c = &p->steps[i];
        const lks_cuda_family *f = c->family;
        size_t packed = f->packed_bytes ? f->packed_bytes(s, c->variant) : 0;
        size_t workspace = f->workspace_bytes ? f->workspace_bytes(s, c->variant, p->plan->max_batch, &p->device->caps) : 0;

        c->packed = p->constants_bytes;
        c->x_data = c->packed + align_up(packed);
        c->x2_data = c->x_data + align_up(s->x_data_bytes);
        p->constants_bytes = c->x2_data + align_up(s->x2_data_bytes);
        if (workspace > p->workspace_bytes)
            p->workspace_bytes = workspace;
    }
}

/* Before anything is allocated: a program and one stream. */
static lks_status check_fits(const lks_program *p, lks_error *error)
{
    size_t room = p->device->caps.memory_bytes, arena = p->plan->arena_bytes;

    if (arena <= room && p->constants_bytes <= room - arena && p->workspace_bytes <= room - arena - p->constants_bytes)
        return LKS_OK;
    error->status = LKS_ERR_UNSUPPORTED;
    snprintf(error->text, sizeof error->text,
             LKS_CUDA_NAME " %u: the model needs %zu bytes for weights, %zu for activations at batch %u "
             "and %zu of workspace, and the card has %zu: make the batch smaller", p->device->index, p->constants_bytes, arena,
             p->plan->max_batch, p->workspace_bytes, room);
    return error->status;
}

static void pack_step(const lks_program *p, uint32_t i, uint8_t *image)
{
    const lks_step *s = &p->plan->steps[i];
    const lks_cuda_step *c = &p->steps[i];

    if (c->family->pack)
        c->family->pack(s, c->variant, image + c->packed);
    if (s->x_data)
        memcpy(image + c->x_data, s->x_data, s->x_data_bytes);
    if (s->x2_data)
        memcpy(image + c->x2_data, s->x2_data, s->x2_data_bytes);
}

static lks_status upload(lks_program *p, lks_error *error)
{
    uint8_t *image = calloc(1, p->constants_bytes + 1);
    cudaError_t e = cudaSuccess;
    lks_status st;

    if (!image)
        return lks_cuda_no_memory(p->device, p->constants_bytes, error);
    st = lks_cuda_allocate(p->device, (void **)&p->constants, p->constants_bytes, error);
    if (st == LKS_OK && p->constants) {
        for (uint32_t i = 0; i < p->plan->step_count; i++)
            pack_step(p, i, image);
        e = cudaMemcpy(p->constants, image, p->constants_bytes, cudaMemcpyHostToDevice);
        if (e == cudaSuccess)
            e = cudaStreamSynchronize(NULL);    /* a copy from pageable memory may return before it is there */
    }
    free(image);
    return e == cudaSuccess ? st : lks_cuda_fail(p->device, "uploading weights", e, error);
}

/* ---- the program --------------------------------------------------------------------------------------------------------- */

lks_status lks_cuda_build(lks_device_handle *device, const lks_plan *plan, const char *variant, lks_program **program,
                          lks_error *error)
{
    lks_program *p = calloc(1, sizeof *p);
    lks_status st = LKS_ERR_NOMEM;

    *program = NULL;
    if (!p)
        return lks_cuda_no_memory(device, sizeof *p, error);
    p->device = device;
    p->plan = plan;
    p->steps = calloc(plan->step_count + 1, sizeof *p->steps);
    if (!p->steps) {
        lks_cuda_no_memory(device, (plan->step_count + 1) * sizeof *p->steps, error);
        goto fail;
    }
    for (uint32_t i = 0; i < plan->step_count; i++)
        if ((st = choose_variant(p, i, variant, error)) != LKS_OK)
            goto fail;
    measure(p);
    if ((st = check_fits(p, error)) != LKS_OK)          goto fail;
    if ((st = lks_cuda_enter(device, error)) != LKS_OK) goto fail;
    if ((st = upload(p, error)) != LKS_OK)              goto fail;
    *program = p;
    return LKS_OK;

fail:
    lks_cuda_destroy(p);
    return st;
}

void lks_cuda_destroy(lks_program *p)
{
    lks_error unused;

    if (p->constants) {
        lks_cuda_enter(p->device, &unused);
        cudaFree(p->constants);
    }
    free(p->steps);
    free(p);
}
