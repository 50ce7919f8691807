/* SPDX-License-Identifier: Apache-2.0
 *
 * Long short-term memory.  What the gates see of x is one row of inputs per unit; the steps of an image follow one another, so
 * there a unit is an image.  spec 4.52
 */
#include "cpu/family.h"

#include "spec/arith.h"

static size_t packed_bytes(const lks_step *s, const lks_cpu_isa *isa)
{
    const lks_lstm *a = &s->args.lstm;

    (void)isa;
    return a->recurrent ? 0 : LKS_GATES * (size_t)a->out_c * sizeof(uint32_t);
}

/* bias - x_zero * sum(w), of each gate and cell. */
static void pack(const lks_step *s, const lks_cpu_isa *isa, void *packed)
{
    const lks_lstm *a = &s->args.lstm;
    uint32_t *base = packed;

    for (size_t o = 0; packed_bytes(s, isa) && o < LKS_GATES * (size_t)a->out_c; o++)
        base[o] = (uint32_t)s->bias[o] - (uint32_t)a->x_zero * (uint32_t)isa->sum(s->w + o * (size_t)a->in_c, (size_t)a->in_c);
}

static int64_t units(const lks_cpu_call *c)
{
    const lks_lstm *a = &c->args->lstm;

    return (int64_t)c->n * a->images * (a->recurrent ? 1 : a->steps);
}

static int64_t unit_work(const lks_cpu_call *c)
{
    const lks_lstm *a = &c->args->lstm;
    const int64_t cells = LKS_GATES * (int64_t)a->out_c;

    return a->recurrent ? a->steps * cells * (a->out_c / 16 + 8) + 1 : cells * (a->in_c / 32 + 4) + 1;
}

/* y [out_c][4]: what each gate sees of one row of x. */
static void see_inputs(const lks_cpu_call *c, size_t row)
{
    const lks_lstm *a = &c->args->lstm;
    const size_t in_c = (size_t)a->in_c, out_c = (size_t)a->out_c;
    const uint32_t *base = c->packed;
    int16_t *y = (int16_t *)(void *)c->y + row * out_c * LKS_GATES;

    for (size_t gate = 0; gate < LKS_GATES; gate++)
        for (size_t o = 0; o < out_c; o++) {
            const size_t k = gate * out_c + o;
            const uint32_t acc = base[k] + (uint32_t)c->isa->dot(c->x + row * in_c, c->step->w + k * in_c, in_c);

            y[o * LKS_GATES + gate] = (int16_t)lks_clamp16(lks_requant((int32_t)acc, a->x_rq[gate], a->rounding));
        }
}

/* All cells at one step; the hidden state changes once all of them have seen it. */
static void take_step(const lks_cpu_call *c, const int16_t *seen, int16_t *state, int8_t *y)
{
    const lks_lstm *a = &c->args->lstm;
    const size_t out_c = (size_t)a->out_c;
    int16_t *cells = state, *hidden = state + out_c;

    for (size_t o = 0; o < out_c; o++) {
        int32_t gate[LKS_GATES];
        lks_lstm_cell next;

        for (size_t g = 0; g < LKS_GATES; g++) {
            const int32_t acc = c->isa->dot16(hidden, c->step->w + (g * out_c + o) * out_c, out_c);

            gate[g] = lks_clamp16(seen[o * LKS_GATES + g] + lks_clamp16(lks_requant(acc, a->h_rq[g], a->rounding)));
        }
        next = lks_lstm_update(gate, cells[o], a, c->step->exp_table);
        cells[o] = (int16_t)next.cell;
        y[o] = (int8_t)next.y;
    }
    for (size_t o = 0; o < out_c; o++)
        hidden[o] = (int16_t)(y[o] - a->y_zero);
}

static void run_image(const lks_cpu_call *c, size_t i)
{
    const lks_lstm *a = &c->args->lstm;
    const size_t out_c = (size_t)a->out_c;

    for (size_t step = 0; step < (size_t)a->steps; step++) {
        const size_t row = i * (size_t)a->image_rows + step * (size_t)a->step_rows;

        take_step(c, (const int16_t *)(const void *)c->x + row * out_c * LKS_GATES, c->state + 2 * i * out_c, c->y + row * out_c);
    }
}

static void run(const lks_cpu_call *c, int64_t first, int64_t end, void *scratch)
{
    (void)scratch;
    for (int64_t unit = first; unit < end; unit++) {
        if (c->args->lstm.recurrent)
            run_image(c, (size_t)unit);
        else
            see_inputs(c, (size_t)unit);
    }
}

const lks_cpu_family lks_cpu_lstm = {
    .packed_bytes = packed_bytes, .pack = pack, .units = units, .unit_work = unit_work, .run = run
};
