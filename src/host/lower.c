/* SPDX-License-Identifier: Apache-2.0
 *
 * Lowering: ops in order become steps; the rows of each family stand in lower_*.c.
 */
#include "host/lower.h"

#include "host/error.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const lks_lowering_row *const families[] = {
    lks_linear_lowerings, lks_conv_lowerings, lks_element_lowerings, lks_reduce_lowerings, lks_move_lowerings, lks_state_lowerings
};

/* Constants of a plan: a list of blocks, each before its bytes. */
struct lks_constants {
    lks_constants *next;
    max_align_t bytes[];
};

/* ---- what lowerings add -------------------------------------------------------------------------------------------------- */

/* Room for one more of size bytes at array; the new array, or NULL when memory ran out. */
static void *grow(lks_lowering *l, void *array, uint32_t count, uint32_t *room, size_t size)
{
    void *bigger;

    if (l->failed)
        return NULL;
    if (count < *room)
        return array;
    bigger = realloc(array, (*room ? 2 * (size_t)*room : 16) * size);
    if (!bigger)
        l->failed = true;
    else
        *room = *room ? 2 * *room : 16;
    return bigger;
}

lks_step *lks_add_step(lks_lowering *l, lks_kernel kernel)
{
    const lks_op *op = l->v.op;
    lks_step *steps = NULL, *s = &l->spare;

    if (l->to->step_count < LKS_MAX_STEPS)
        steps = grow(l, l->to->steps, l->to->step_count, &l->step_room, sizeof *steps);
    else
        l->failed = true;
    if (steps) {
        l->to->steps = steps;
        s = &steps[l->to->step_count++];
    }
    *s = (lks_step){ .kernel = kernel, .op = l->v.index, .last_op = l->v.index, .x = -1, .x2 = -1, .state = -1,
                      .y = (int32_t)op->output[0] };
    if (!l->v.in[0]->constant)
        s->x = (int32_t)op->operand[0];
    if (op->operand_count > 1 && !l->v.in[1]->constant)
        s->x2 = (int32_t)op->operand[1];
    return s;
}

void lks_set_operand_data(const lks_lowering *l, lks_step *s)
{
    const lks_tensor *a = l->v.in[0], *b = l->v.in[1];

    s->x_data = a->data;
    s->x2_data = b->data;
    s->x_data_bytes = a->constant ? a->elements : 0;
    s->x2_data_bytes = b->constant ? b->elements : 0;
}

int32_t lks_add_scratch(lks_lowering *l, uint64_t image_bytes)
{
    uint64_t *scratch = grow(l, l->to->scratch_bytes, l->to->scratch_count, &l->scratch_room, sizeof *scratch);

    if (!scratch)
        return -1;
    l->to->scratch_bytes = scratch;
    scratch[l->to->scratch_count] = image_bytes;
    return (int32_t)(l->m->graph.tensor_count + l->to->scratch_count++);
}

void lks_add_state(lks_lowering *l, lks_step *s, uint64_t elements)
{
    s->state = lks_add_scratch(l, elements * sizeof(int16_t));
}

void *lks_add_constants(lks_lowering *l, size_t bytes)
{
    lks_constants *block = NULL;

    if (!l->failed && bytes <= SIZE_MAX - sizeof *block)
        block = calloc(1, sizeof *block + bytes);
    if (!block) {
        l->failed = true;
        return NULL;
    }
    block->next = l->to->constants;
    l->to->constants = block;
    return block->bytes;
}

/* ---- shapes -------------------------------------------------------------------------------------------------------------- */

int32_t lks_first_extent(const lks_lowering *l, const lks_tensor *t)
{
    return (int32_t)(l->m->batch_free ? t->dims[0] / l->m->batch : t->dims[0]);
}

int32_t lks_image_elements(const lks_lowering *l, const lks_tensor *t)
{
    return (int32_t)(t->elements / lks_model_images(l->m));
}

void lks_image_dims(const lks_lowering *l, const lks_tensor *t, int32_t dims[LKS_MAX_RANK])
{
    dims[0] = lks_first_extent(l, t);
    for (uint32_t i = 1; i < LKS_MAX_RANK; i++)
        dims[i] = i < t->rank ? (int32_t)t->dims[i] : 1;
}

/* ---- all ops ------------------------------------------------------------------------------------------------------------- */

static void lower_op(lks_lowering *l)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        for (const lks_lowering_row *r = families[i]; r->kind != 0; r++)
            if (r->kind == l->v.op->kind) {
                r->lower(l);
                return;
            }
    assert(0 && "an op without a lowering");      /* tests/laws.py compares the two tables */
}

lks_status lks_lower(const lks_model *m, lks_lowered *to)
{
    lks_lowering l = { .m = m, .to = to };
    bool full;

    *to = (lks_lowered){ 0 };
    for (uint32_t i = 0; !l.failed && i < m->graph.op_count; i++) {
        l.v = lks_view_op(&m->graph, i, "", NULL);
        lower_op(&l);
    }
    if (!l.failed)
        return LKS_OK;
    full = to->step_count == LKS_MAX_STEPS;
    lks_lowered_free(to);
    return full ? LKS_ERR_LIMIT : LKS_ERR_NOMEM;
}

void lks_lowered_free(lks_lowered *l)
{
    while (l->constants) {
        lks_constants *next = l->constants->next;

        free(l->constants);
        l->constants = next;
    }
    free(l->steps);
    free(l->scratch_bytes);
    *l = (lks_lowered){ 0 };
}
