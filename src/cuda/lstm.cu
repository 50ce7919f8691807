/* SPDX-License-Identifier: Apache-2.0
 *
 * Long short-term memory.  What the gates see of x does not depend on time, so all steps are done at once, by as many threads as
 * there are; then a block per image goes from step to step, with a barrier between them.  spec 4.52
 *
 * Weights are packed [word of inputs][output channel][gate], four inputs in a word: threads side by side read words side by side,
 * and a thread of the second kernel all gates of its cell by 16 bytes.
 */
#include "cuda/element.cuh"
#include "cuda/family.h"

#include <string.h>

#define ROWS 4                  /* of x by a thread of the first kernel: each weight serves them all */
#define CELLS 256               /* threads of the second kernel, at most */

/* base: what does not depend on x, or on y. */
typedef struct lstm_args {
    const int8_t *x;
    const int16_t *seen;
    const uint32_t *base, *w;
    const int32_t *table;
    int16_t *state;
    int8_t *y;
    uint32_t rows, columns;     /* columns: 4 out_c */
    lks_magic by_column;
    lks_lstm k;
} lstm_args;

/* ---- device -------------------------------------------------------------------------------------------------------------- */

/* Elements 4 i to 4 i + 3 of count, of which those beyond the last are 0; the row is aligned where count is a multiple of 4. */
static __device__ __forceinline__ uint32_t load_word(const int8_t *row, int32_t i, int32_t count)
{
    uint32_t word = 0;

    if ((count & 3) == 0)
        return *(const uint32_t *)(row + 4 * i);
#pragma unroll
    for (int32_t b = 0; b < 4; b++)
        if (4 * i + b < count)
            word |= (uint32_t)(uint8_t)row[4 * i + b] << (8 * b);
    return word;
}

/* One gate of one cell at ROWS rows. */
extern "C" __global__ void __launch_bounds__(256) lstm_input_kernel(const lstm_args p)
{
    const uint32_t i = lks_thread_index(), group = lks_divide(i, p.by_column), column = lks_remainder(i, group, p.by_column);
    const int32_t words = (p.k.in_c + 3) >> 2;
    const lks_rq rq = p.k.x_rq[column & 3];
    int16_t *y = (int16_t *)p.y;
    uint32_t acc[ROWS];

    if (group * ROWS >= p.rows)
        return;
#pragma unroll
    for (uint32_t r = 0; r < ROWS; r++)
        acc[r] = p.base[column];
    for (int32_t k = 0; k < words; k++) {
        const uint32_t w = p.w[(size_t)(uint32_t)k * p.columns + column];

#pragma unroll
        for (uint32_t r = 0; r < ROWS; r++) {       /* beyond the last row: the last one, which is not stored */
            const int8_t *x = p.x + (size_t)min(group * ROWS + r, p.rows - 1) * (uint32_t)p.k.in_c;

            acc[r] = lks_dp4a(load_word(x, k, p.k.in_c), w, acc[r]);
        }
    }
#pragma unroll
    for (uint32_t r = 0; r < ROWS; r++)
        if (group * ROWS + r < p.rows)
            y[(size_t)(group * ROWS + r) * p.columns + column]
                = (int16_t)lks_clamp16(lks_requant((int32_t)acc[r], rq, p.k.rounding));
}

/* What the gates of cell o see of the hidden state before the first step, of int16 and less its zero point. */
static __device__ __forceinline__ void see_state(const lstm_args &p, const int16_t *hidden, uint32_t o, uint32_t acc[4])
{
    for (int32_t i = 0; i < p.k.out_c; i++) {
        const uint4 w = *(const uint4 *)(p.w + (size_t)(uint32_t)(i >> 2) * p.columns + 4 * o);
        const int32_t h = hidden[i], byte = i & 3;

        acc[0] += (uint32_t)(lks_byte(w.x, byte) * h);
        acc[1] += (uint32_t)(lks_byte(w.y, byte) * h);
        acc[2] += (uint32_t)(lks_byte(w.z, byte) * h);
        acc[3] += (uint32_t)(lks_byte(w.w, byte) * h);
    }
}

/* The same of the y of the step before. */
static __device__ __forceinline__ void see_row(const lstm_args &p, const int8_t *y, uint32_t o, uint32_t acc[4])
{
    const int32_t words = (p.k.out_c + 3) >> 2;
    const uint4 base = *(const uint4 *)(p.base + 4 * o);

    acc[0] = base.x, acc[1] = base.y, acc[2] = base.z, acc[3] = base.w;
#pragma unroll 2
    for (int32_t i = 0; i < words; i++) {
        const uint4 w = *(const uint4 *)(p.w + (size_t)(uint32_t)i * p.columns + 4 * o);
        const uint32_t h = load_word(y, i, p.k.out_c);

        acc[0] = lks_dp4a(h, w.x, acc[0]);
        acc[1] = lks_dp4a(h, w.y, acc[1]);
        acc[2] = lks_dp4a(h, w.z, acc[2]);
        acc[3] = lks_dp4a(h, w.w, acc[3]);
    }
}

/* Cell o at the step of that row; before: the row of the step before, or NULL.  Its y. */
static __device__ __forceinline__ int32_t step_cell(const lstm_args &p, size_t row, const int8_t *before, int16_t *state,
                                                    uint32_t o)
{
    const uint2 seen = *(const uint2 *)(p.seen + row * p.columns + 4 * o);
    const int32_t x[4] = { (int16_t)seen.x, (int16_t)(seen.x >> 16), (int16_t)seen.y, (int16_t)(seen.y >> 16) };
    uint32_t acc[4] = { 0, 0, 0, 0 };
    int32_t gate[4];

    if (before)
        see_row(p, before, o, acc);
    else
        see_state(p, state + p.k.out_c, o, acc);
#pragma unroll
    for (int32_t g = 0; g < 4; g++)
        gate[g] = lks_clamp16(x[g] + lks_clamp16(lks_requant((int32_t)acc[g], p.k.h_rq[g], p.k.rounding)));

    const lks_lstm_cell c = lks_lstm_update(gate, state[o], &p.k, p.table);

    state[o] = (int16_t)c.cell;
    return c.y;
}

/* A block per image; a thread has the same cells at every step, and reads those of others behind a barrier. */
extern "C" __global__ void __launch_bounds__(CELLS) lstm_kernel(const lstm_args p)
{
    const uint32_t image = blockIdx.x, out_c = (uint32_t)p.k.out_c;
    int16_t *state = p.state + (size_t)image * 2 * out_c;
    const int8_t *before = NULL;

    for (int32_t step = 0; step < p.k.steps; step++) {
        const size_t row = (size_t)image * (uint32_t)p.k.image_rows + (size_t)(uint32_t)step * (uint32_t)p.k.step_rows;
        int8_t *y = p.y + row * out_c;

        for (uint32_t o = threadIdx.x; o < out_c; o += blockDim.x)
            y[o] = (int8_t)step_cell(p, row, before, state, o);
        __syncthreads();
        before = y;
    }
    for (uint32_t o = threadIdx.x; o < out_c; o += blockDim.x)
        state[out_c + o] = (int16_t)(before[o] - p.k.y_zero);
}

/* ---- host ---------------------------------------------------------------------------------------------------------------- */

static const char *const variants[] = { "steps", NULL };

/* The table, base, weights. */
static size_t packed_bytes(const lks_step *s, uint32_t)
{
    const lks_lstm *k = &s->args.lstm;
    const size_t columns = (size_t)k->out_c * LKS_GATES, words = (size_t)lks_ceil_div(k->recurrent ? k->out_c : k->in_c, 4);

    return (LKS_TABLE_SIZE + columns + words * columns) * 4;
}

static void pack(const lks_step *s, uint32_t variant, void *packed)
{
    const lks_lstm *k = &s->args.lstm;
    const size_t out_c = (size_t)k->out_c, columns = out_c * LKS_GATES, in_c = (size_t)(k->recurrent ? k->out_c : k->in_c);
    const uint32_t zero = (uint32_t)(k->recurrent ? k->y_zero : k->x_zero);
    uint32_t *base = (uint32_t *)packed + LKS_TABLE_SIZE;
    uint8_t *w = (uint8_t *)(base + columns);

    memset(packed, 0, packed_bytes(s, variant));
    if (s->exp_table)
        memcpy(packed, s->exp_table, LKS_TABLE_SIZE * sizeof *s->exp_table);
    for (size_t gate = 0, row = 0; gate < LKS_GATES; gate++)
        for (size_t o = 0; o < out_c; o++, row++) {
            const size_t column = o * LKS_GATES + gate;
            int64_t sum = 0;

            for (size_t i = 0; i < in_c; i++) {
                const int8_t v = s->w[row * in_c + i];

                sum += v;
                w[((i >> 2) * columns + column) * 4 + (i & 3)] = (uint8_t)v;
            }
            base[column] = (k->recurrent ? 0u : (uint32_t)s->bias[row]) - zero * (uint32_t)sum;
        }
}

static cudaError_t launch(const lks_step *s, uint32_t, const lks_cuda_operands *t, const lks_cuda_caps *, cudaStream_t stream)
{
    const lks_lstm *k = &s->args.lstm;
    const uint32_t *packed = (const uint32_t *)t->packed;
    const uint32_t columns = (uint32_t)k->out_c * LKS_GATES, images = (uint32_t)(t->n * k->images);
    const lstm_args p = {
        t->x, (const int16_t *)t->x, packed + LKS_TABLE_SIZE, packed + LKS_TABLE_SIZE + columns, (const int32_t *)packed,
        t->state, t->y, images * (uint32_t)k->steps, columns, lks_magic_of(columns), *k
    };

    const unsigned lanes = (unsigned)(k->out_c < CELLS ? lks_ceil_div(k->out_c, 32) * 32 : CELLS);

    if (k->recurrent)
        return LKS_LAUNCH(lstm_kernel, dim3(images), dim3(lanes), 0, stream, p);

    const int64_t threads = lks_ceil_div(p.rows, ROWS) * columns;

    return LKS_LAUNCH(lstm_input_kernel, dim3((unsigned)lks_ceil_div(threads, 256)), dim3(256), 0, stream, p);
}

extern "C" const lks_cuda_family lks_cuda_lstm = { variants, NULL, NULL, packed_bytes, pack, NULL, launch };
