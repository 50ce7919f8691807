/* SPDX-License-Identifier: Apache-2.0
 *
 * From which op to which each activation is alive.
 */
#include "host/lifetime.h"

#include <stdlib.h>

lks_lifetime *lks_lifetimes(const lks_graph *g)
{
    lks_lifetime *life = calloc(g->tensor_count, sizeof *life);

    if (!life)
        return NULL;
    for (uint32_t t = 0; t < g->tensor_count; t++)
        life[t].first = g->tensors[t].constant ? 1 : 0;
    for (uint32_t i = 0; i < g->op_count; i++) {
        const lks_op *op = &g->ops[i];

        for (uint32_t k = 0; k < op->operand_count; k++)
            if (!g->tensors[op->operand[k]].constant)
                life[op->operand[k]].last = i;
        for (uint32_t k = 0; k < op->output_count; k++)
            life[op->output[k]].first = life[op->output[k]].last = i;
    }
    for (uint32_t i = 0; i < g->output_count; i++)
        life[g->outputs[i]].last = g->op_count - 1;
    return life;
}
