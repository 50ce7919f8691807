/* SPDX-License-Identifier: Apache-2.0
 *
 * Long short-term memory: what the gates see of all inputs, and then step by step.  spec 4.52
 */
#include "cpu_ref/backend.h"
#include "spec/arith.h"

#include <stddef.h>

/* y [rows][out_c][4]: what each gate sees of x. */
static void see_inputs(const lks_lstm *a, const lks_operands *t)
{
    const size_t rows = (size_t)t->n * (size_t)a->images * (size_t)a->steps, in_c = (size_t)a->in_c, out_c = (size_t)a->out_c;
    int16_t *y = (int16_t *)(void *)t->y;

    for (size_t row = 0; row < rows; row++)
        for (size_t o = 0; o < out_c; o++)
            for (size_t gate = 0; gate < LKS_GATES; gate++) {
                const int8_t *x = t->x + row * in_c, *w = t->w + (gate * out_c + o) * in_c;
                int32_t acc = t->bias[gate * out_c + o];        /* rules_*.c: cannot overflow */

                for (size_t i = 0; i < in_c; i++)
                    acc += (x[i] - a->x_zero) * w[i];
                y[(row * out_c + o) * LKS_GATES + gate] = (int16_t)lks_clamp16(lks_requant(acc, a->x_rq[gate], a->rounding));
            }
}

/* What gate `gate` of cell o sees in all, of a hidden state less its zero point. */
static int32_t see(const lks_lstm *a, const int16_t *seen, const int16_t *hidden, const int8_t *w, size_t o, size_t gate)
{
    const size_t out_c = (size_t)a->out_c;
    int32_t acc = 0;

    for (size_t i = 0; i < out_c; i++)
        acc += hidden[i] * w[(gate * out_c + o) * out_c + i];
    return lks_clamp16(seen[o * LKS_GATES + gate] + lks_clamp16(lks_requant(acc, a->h_rq[gate], a->rounding)));
}

/* All cells at one step; the hidden state changes once all of them have seen it. */
static void take_step(const lks_lstm *a, const int16_t *seen, int16_t *state, const lks_operands *t, int8_t *y)
{
    int16_t *cells = state, *hidden = state + a->out_c;

    for (size_t o = 0; o < (size_t)a->out_c; o++) {
        int32_t gate[LKS_GATES];
        lks_lstm_cell c;

        for (size_t g = 0; g < LKS_GATES; g++)
            gate[g] = see(a, seen, hidden, t->w, o, g);
        c = lks_lstm_update(gate, cells[o], a, t->exp_table);
        cells[o] = (int16_t)c.cell;
        y[o] = (int8_t)c.y;
    }
    for (int32_t o = 0; o < a->out_c; o++)
        hidden[o] = (int16_t)(y[o] - a->y_zero);
}

void lks_ref_lstm(const lks_kernel_args *args, const lks_operands *t)
{
    const lks_lstm *a = &args->lstm;
    const int16_t *seen = (const int16_t *)(const void *)t->x;
    const size_t out_c = (size_t)a->out_c;

    if (!a->recurrent) {
        see_inputs(a, t);
        return;
    }
    for (size_t i = 0; i < (size_t)t->n * (size_t)a->images; i++)
        for (size_t step = 0; step < (size_t)a->steps; step++) {
            const size_t row = i * (size_t)a->image_rows + step * (size_t)a->step_rows;

            take_step(a, seen + row * out_c * LKS_GATES, t->state + 2 * i * out_c, t, t->y + row * out_c);
        }
}
