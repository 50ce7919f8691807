/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run of a model costs: docs/spec.md section 6.
 */
#include "host/error.h"
#include "host/lifetime.h"
#include "host/model.h"
#include "host/op_rules.h"

#include <stdlib.h>

/* What all ops keep from run to run. */
static bool state_bytes(const lks_graph *g, uint64_t *bytes)
{
    bool fits = true;

    *bytes = 0;
    for (uint32_t i = 0; i < g->op_count; i++) {
        lks_op_view v = lks_view_op(g, i, "", NULL);

        fits &= lks_add_u64(*bytes, lks_op_state_bytes(&v), bytes);
    }
    return fits;
}

/* The highest sum of live bytes: what begins at an op is added, then what ends there is taken off. */
static bool peak_bytes(const lks_graph *g, uint64_t *peak)
{
    lks_lifetime *life = lks_lifetimes(g);
    uint64_t *begins = calloc(g->op_count, sizeof *begins), *ends = calloc(g->op_count, sizeof *ends);
    bool ok = life && begins && ends;
    uint64_t live = 0;

    *peak = 0;
    for (uint32_t t = 0; ok && t < g->tensor_count; t++) {
        if (g->tensors[t].constant)
            continue;
        begins[life[t].first] += lks_tensor_bytes(&g->tensors[t]);
        ends[life[t].last] += lks_tensor_bytes(&g->tensors[t]);
    }
    for (uint32_t i = 0; ok && i < g->op_count; i++) {
        live += begins[i];
        *peak = live > *peak ? live : *peak;
        live -= ends[i];
    }
    free(life);
    free(begins);
    free(ends);
    return ok;
}

lks_status lks_model_cost(const lks_model *m, uint32_t batch, lks_cost *cost)
{
    uint64_t state = 0;
    bool fits = true;

    if (!m || !cost)
        return LKS_ERR_ARGUMENT;
    *cost = (lks_cost){ 0 };
    if (!lks_model_runs_with(m, batch))
        return LKS_ERR_ARGUMENT;

    const lks_graph *g = &m->graph;
    uint64_t own = lks_model_images(m);

    for (uint32_t i = 0; i < g->op_count; i++) {
        lks_op_view v = lks_view_op(g, i, "", NULL);
        const lks_op_rule *rule = lks_op_rule_of(v.op->kind);

        fits &= lks_add_u64(cost->macs, rule->macs ? rule->macs(&v) : 0, &cost->macs);
        fits &= lks_add_u64(cost->element_ops, rule->element_ops(&v), &cost->element_ops);
    }
    for (uint32_t i = 0; i < g->tensor_count; i++)
        if (g->tensors[i].constant)
            cost->parameter_bytes += lks_tensor_bytes(&g->tensors[i]);
    if (!peak_bytes(g, &cost->peak_bytes))
        return LKS_ERR_NOMEM;
    fits &= state_bytes(g, &state) && lks_add_u64(cost->peak_bytes, state, &cost->peak_bytes);
    if (m->batch_free) {        /* every activation, and so every term, is a multiple of the model's own batch */
        fits &= lks_mul_u64(cost->macs / own, batch, &cost->macs);
        fits &= lks_mul_u64(cost->element_ops / own, batch, &cost->element_ops);
        fits &= lks_mul_u64(cost->peak_bytes / own, batch, &cost->peak_bytes);
    }
    return fits ? LKS_OK : LKS_ERR_LIMIT;
}
