/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan: every op lowered, what may be fused fused, and every activation placed in one arena so that those alive together do
 * not overlap.
 */
#include "host/plan.h"

#include "host/error.h"
#include "host/fuse.h"
#include "host/lifetime.h"

#include <stdlib.h>

/* A plan and what it owns. */
typedef struct owned_plan {
    lks_plan plan;
    lks_lowered lowered;
    lks_plan_tensor *tensors;
    uint32_t *home;                 /* by tensor: the one in whose memory it lies (host/fuse.h) */
} owned_plan;

/* ---- the arena ----------------------------------------------------------------------------------------------------------- */

/* An activation to be placed. */
typedef struct block {
    uint32_t tensor;
    lks_lifetime life;
    size_t offset, size;
} block;

/* The largest first; the earlier tensor first where sizes are equal, so that the order is the same everywhere. */
static int larger_first(const void *a, const void *b)
{
    const block *p = a, *q = b;

    if (p->size != q->size)
        return p->size > q->size ? -1 : 1;
    return p->tensor < q->tensor ? -1 : 1;
}

static bool alive_together(const block *a, const block *b)
{
    return a->life.first <= b->life.last && b->life.first <= a->life.last;
}

/*
 * Place block i at the lowest offset that is free throughout its life.  placed: indices of the blocks before i, by offset; grows
 * by i.
 */
static void place(block *blocks, uint32_t i, uint32_t *placed)
{
    uint32_t k;
    size_t at = 0;

    for (k = 0; k < i; k++) {
        const block *other = &blocks[placed[k]];

        if (!alive_together(&blocks[i], other))
            continue;
        if (other->offset >= at && other->offset - at >= blocks[i].size)
            break;
        if (other->offset + other->size > at)
            at = other->offset + other->size;
    }
    blocks[i].offset = at;
    for (k = i; k > 0 && blocks[placed[k - 1]].offset > at; k--)
        placed[k] = placed[k - 1];
    placed[k] = i;
}

/* Greedy by size (the order of most memory planners): within a few percent of the best on real networks. */
static lks_status place_all(lks_plan *plan, block *blocks, uint32_t count, lks_plan_tensor *tensors)
{
    uint32_t *placed = malloc((count ? count : 1) * sizeof *placed);

    if (!placed)
        return LKS_ERR_NOMEM;
    qsort(blocks, count, sizeof *blocks, larger_first);
    for (uint32_t i = 0; i < count; i++) {
        place(blocks, i, placed);
        tensors[blocks[i].tensor].offset = blocks[i].offset + plan->guard_bytes;
        if (blocks[i].offset + blocks[i].size > plan->arena_bytes)
            plan->arena_bytes = blocks[i].offset + blocks[i].size;
    }
    free(placed);
    return LKS_OK;
}

static void use(lks_lifetime *life, const uint32_t *home, int32_t tensor, uint32_t step)
{
    if (tensor >= 0)
        life[home[tensor]].last = step;
}

/*
 * From which step to which each activation is alive, its aliases included; first > last: it is an alias, or fusing left it out.
 */
static void step_lifetimes(const lks_graph *g, const owned_plan *o, lks_lifetime *life)
{
    for (uint32_t t = 0; t < o->plan.tensor_count; t++)
        life[t] = (lks_lifetime){ 1, 0 };
    for (uint32_t i = 0; i < g->input_count; i++)
        life[g->inputs[i]] = (lks_lifetime){ 0, 0 };
    for (uint32_t i = 0; i < o->plan.step_count; i++) {
        const lks_step *s = &o->plan.steps[i];

        use(life, o->home, s->x, i);
        use(life, o->home, s->x2, i);
        if (life[s->y].first > life[s->y].last)         /* several steps may make one tensor, part by part */
            life[s->y].first = i;
        life[s->y].last = i;
        if (s->state >= 0)
            life[s->state] = (lks_lifetime){ 0, o->plan.step_count };
    }
    for (uint32_t i = 0; i < g->output_count; i++)
        use(life, o->home, (int32_t)g->outputs[i], o->plan.step_count);
    for (uint32_t t = 0; o->plan.keep && t < o->plan.tensor_count; t++)
        if (t >= g->tensor_count || !g->tensors[t].constant)
            life[t] = (lks_lifetime){ 0, o->plan.step_count };
}

/* The storage bytes of one image of a tensor of the plan. */
static uint64_t image_bytes(const lks_model *m, const owned_plan *o, uint32_t t)
{
    const lks_graph *g = &m->graph;

    return t < g->tensor_count ? lks_tensor_bytes(&g->tensors[t]) / lks_model_images(m)
                               : o->lowered.scratch_bytes[t - g->tensor_count];
}

/* The activations as blocks; false: together they are beyond the address space. */
static bool measure_blocks(const lks_model *m, owned_plan *o, const lks_lifetime *life, block *blocks, uint32_t *count)
{
    uint64_t total = 0;

    for (uint32_t t = 0; t < o->plan.tensor_count; t++) {
        uint64_t image = image_bytes(m, o, t), bytes;

        if (life[t].first > life[t].last)
            continue;
        if (!lks_mul_u64(image, o->plan.max_batch, &bytes) || bytes > UINT64_MAX / 2)
            return false;
        if (t >= m->graph.tensor_count && bytes > LKS_MAX_ELEMENTS * (uint64_t)sizeof(int32_t))
            return false;   /* spec 4.38: what the model has is within the limits, but scratch grows with the batch too */
        bytes = (bytes + LKS_ARENA_ALIGN - 1) / LKS_ARENA_ALIGN * LKS_ARENA_ALIGN + 2 * (uint64_t)o->plan.guard_bytes;
        if (!lks_add_u64(total, bytes, &total) || total > SIZE_MAX / 2)
            return false;
        o->tensors[t].image_bytes = (size_t)image;
        blocks[(*count)++] = (block){ t, life[t], 0, (size_t)bytes };
    }
    return true;
}

static lks_status plan_arena(const lks_model *m, owned_plan *o, lks_error *error)
{
    lks_lifetime *life = calloc(o->plan.tensor_count, sizeof *life);
    block *blocks = calloc(o->plan.tensor_count, sizeof *blocks);
    uint32_t count = 0;
    lks_status st = LKS_ERR_NOMEM;

    if (life && blocks) {
        step_lifetimes(&m->graph, o, life);
        st = measure_blocks(m, o, life, blocks, &count) ? place_all(&o->plan, blocks, count, o->tensors) : LKS_ERR_LIMIT;
    }
    for (uint32_t t = 0; t < o->plan.tensor_count; t++)
        o->tensors[t] = o->tensors[o->home[t]];
    free(life);
    free(blocks);
    if (st == LKS_ERR_LIMIT)
        return lks_fail(error, st, "a batch of %u is too large for the address space", o->plan.max_batch);
    return st == LKS_OK ? st : lks_fail(error, st, "out of memory");
}

/* ---- the plan ------------------------------------------------------------------------------------------------------------ */

/* Steps, in their final form, and the tensors that they work on. */
static lks_status make_steps(const lks_model *m, const lks_plan_options *options, owned_plan *o)
{
    lks_plan *p = &o->plan;
    lks_status st = lks_lower(m, &o->lowered);

    if (st != LKS_OK)
        return st;
    p->tensor_count = m->graph.tensor_count + o->lowered.scratch_count;
    p->step_count = o->lowered.step_count;
    p->steps = o->lowered.steps;
    p->tensors = o->tensors = calloc(p->tensor_count, sizeof *o->tensors);
    o->home = calloc(p->tensor_count, sizeof *o->home);
    if (!o->tensors || !o->home)
        return LKS_ERR_NOMEM;
    return lks_fuse(&m->graph, options->keep ? 0 : options->fusions, &o->lowered, &p->step_count, o->home);
}

lks_status lks_plan_make(const lks_model *m, const lks_plan_options *options, lks_plan **plan, lks_error *error)
{
    owned_plan *o = calloc(1, sizeof *o);
    lks_status st;

    *plan = NULL;
    if (!o)
        return lks_fail(error, LKS_ERR_NOMEM, "out of memory");
    o->plan = (lks_plan){ .max_batch = options->max_batch, .keep = options->keep, .guard_bytes = options->guard_bytes };
    if ((st = make_steps(m, options, o)) != LKS_OK) {
        lks_fail(error, st, st == LKS_ERR_LIMIT ? "the ops of the model become more than %u steps" : "out of memory",
                 LKS_MAX_STEPS);
        goto fail;
    }
    if ((st = plan_arena(m, o, error)) != LKS_OK)
        goto fail;
    *plan = &o->plan;
    return LKS_OK;

fail:
    lks_plan_free(&o->plan);
    return st;
}

void lks_plan_free(lks_plan *plan)
{
    owned_plan *o = (owned_plan *)plan;     /* plan is its first member */

    if (!o)
        return;
    lks_lowered_free(&o->lowered);
    free(o->tensors);
    free(o->home);
    free(o);
}
