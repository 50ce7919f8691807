/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise: some neighbouring outputs of LANES channels at once (isa.h).  A template over vec_*.h.
 */
#define MAX_OUTPUTS 4
#define MAX_COLUMNS 7
#define MAX_QUADS 2

/* Outputs i to i + outputs of a call, from their sums. */
LKS_INLINE void taps_finish(const lks_cpu_taps *t, v *acc, int32_t i, const v_scale *k, const int outputs,
                            lks_cpu_scaling scaling)
{
    int8_t *y = t->y + (size_t)i * t->y_step;
    int8_t part[MAX_OUTPUTS * LANES];

    if (scaling == LKS_CPU_ANY) {
        LKS_UNROLL
        for (int o = 0; o < outputs; o++)
            v_store(t->acc + ((size_t)i + (size_t)o) * LANES, acc[o]);
        return;
    }
    LKS_UNROLL
    for (int o = 0; o < outputs; o++)
        acc[o] = v_scaled_packed(acc[o], k, scaling);
    if (t->channels == LANES) {
        v_store_pixels(y, t->y_step, acc, outputs, v_tail_of(t->tail));
        return;
    }
    v_store_pixels(part, LANES, acc, outputs, v_tail_of(t->tail));
    for (int o = 0; o < outputs; o++)
        memcpy(y + (size_t)o * t->y_step, part + o * LANES, (size_t)t->channels);
}

/* ---- taps one by one ----------------------------------------------------------------------------------------------------- */

LKS_INLINE void taps_group(const lks_cpu_taps *t, int32_t i, const v_scale *k, const int outputs, lks_cpu_scaling scaling)
{
    v acc[MAX_OUTPUTS];

    LKS_UNROLL
    for (int o = 0; o < outputs; o++)
        acc[o] = k->base;
    for (int32_t g = 0; g < t->groups; g++) {
        const v w = v_load((const int32_t *)(const void *)(t->w + (size_t)g * (4 * LANES)));
        const size_t at = t->channel + (size_t)i * t->x_step;
        const int8_t *const *x = t->x + 4 * (size_t)g;

        LKS_UNROLL
        for (int o = 0; o < outputs; o++) {
            const size_t here = at + (size_t)o * t->x_step;
            const int8_t *const rows[4] = { x[0] + here, x[1] + here, x[2] + here, x[3] + here };

            acc[o] = v_dot4(acc[o], v_quads(rows), w);
        }
    }
    taps_finish(t, acc, i, k, outputs, scaling);
}

LKS_INLINE void taps_each(const lks_cpu_taps *t, lks_cpu_scaling scaling)
{
    const v_scale k = v_scale_load(t->scale);
    int32_t i = 0;

    for (; i + MAX_OUTPUTS <= t->count; i += MAX_OUTPUTS)
        taps_group(t, i, &k, MAX_OUTPUTS, scaling);
    for (; i < t->count; i++)
        taps_group(t, i, &k, 1, scaling);
}

static void taps_general(const lks_cpu_taps *t)
{
    if (t->scaling == LKS_CPU_HALF_UP)
        taps_each(t, LKS_CPU_HALF_UP);
    else if (t->scaling == LKS_CPU_TFLITE)
        taps_each(t, LKS_CPU_TFLITE);
    else
        taps_each(t, LKS_CPU_ANY);
}

/* ---- a window that slides ------------------------------------------------------------------------------------------------ */

/* What does not change from output to output. */
typedef struct taps_still {
    const int8_t *x[4 * MAX_QUADS];
    v w[MAX_COLUMNS * MAX_QUADS], pad;
    v_scale k;
} taps_still;

/* Quad q of a column of the image. */
LKS_INLINE v taps_column(const lks_cpu_taps *t, const taps_still *s, int32_t column, int q)
{
    const int8_t *const *x = s->x + 4 * q;
    const size_t at = (size_t)column * t->x_column;
    const int8_t *const rows[4] = { x[0] + at, x[1] + at, x[2] + at, x[3] + at };

    return v_quads(rows);
}

/*
 * Outputs i to i + outputs.  window: the first columns - step columns under the first of them, and then under the one that
 * follows the last.  inside: none of the other columns lies beyond the image.
 */
LKS_INLINE void slide_group(const lks_cpu_taps *t, const taps_still *s, v *window, int32_t i, const int outputs,
                            const int columns, const int quads, const int step, const int inside, lks_cpu_scaling scaling)
{
    const int kept = columns - step, span = (outputs - 1) * step + columns;
    const int32_t first = t->first + i * step + kept;
    v x[((MAX_OUTPUTS - 1) * 2 + MAX_COLUMNS) * MAX_QUADS], acc[MAX_OUTPUTS];

    LKS_UNROLL
    for (int j = 0; j < kept * quads; j++)
        x[j] = window[j];
    LKS_UNROLL
    for (int j = kept; j < span; j++) {
        const int32_t column = first + j - kept;

        LKS_UNROLL
        for (int q = 0; q < quads; q++)
            x[j * quads + q] = inside || (uint32_t)column < (uint32_t)t->in_w ? taps_column(t, s, column, q) : s->pad;
    }
    LKS_UNROLL
    for (int o = 0; o < outputs; o++) {
        acc[o] = s->k.base;
        LKS_UNROLL
        for (int j = 0; j < columns * quads; j++)
            acc[o] = v_dot4(acc[o], x[o * step * quads + j], s->w[j]);
    }
    LKS_UNROLL
    for (int j = 0; j < kept * quads; j++)
        window[j] = x[outputs * step * quads + j];
    taps_finish(t, acc, i, &s->k, outputs, scaling);
}

LKS_INLINE void slide(const lks_cpu_taps *t, const int columns, const int quads, const int step, lks_cpu_scaling scaling)
{
    const int outputs = quads == 1 ? MAX_OUTPUTS : 2, kept = columns - step;
    const int8_t *const pad[4] = { t->pad, t->pad, t->pad, t->pad };
    taps_still s = { .k = v_scale_load(t->scale), .pad = v_quads(pad) };
    v window[MAX_COLUMNS * MAX_QUADS];
    int32_t i = 0;

    LKS_UNROLL
    for (int j = 0; j < 4 * quads; j++)
        s.x[j] = t->x[j] + t->channel;
    LKS_UNROLL
    for (int j = 0; j < columns * quads; j++)
        s.w[j] = v_load((const int32_t *)(const void *)(t->w + j * (4 * LANES)));
    LKS_UNROLL
    for (int j = 0; j < kept; j++) {
        const int32_t column = t->first + j;

        LKS_UNROLL
        for (int q = 0; q < quads; q++)
            window[j * quads + q] = (uint32_t)column < (uint32_t)t->in_w ? taps_column(t, &s, column, q) : s.pad;
    }
    while (i < t->count) {
        const int32_t next = t->first + i * step + kept, last = t->first + (i + outputs - 1) * step + columns - 1;

        if (i + outputs <= t->count && next >= 0 && last < t->in_w) {
            slide_group(t, &s, window, i, outputs, columns, quads, step, 1, scaling);
            i += outputs;
        } else
            slide_group(t, &s, window, i++, 1, columns, quads, step, 0, scaling);
    }
}

#define SLIDE(columns, quads, step)                                             \
    static void slide_##columns##_##step(const lks_cpu_taps *t)                 \
    {                                                                           \
        if (t->scaling == LKS_CPU_HALF_UP)                                      \
            slide(t, columns, quads, step, LKS_CPU_HALF_UP);                    \
        else if (t->scaling == LKS_CPU_TFLITE)                                  \
            slide(t, columns, quads, step, LKS_CPU_TFLITE);                     \
        else                                                                    \
            slide(t, columns, quads, step, LKS_CPU_ANY);                        \
    }

SLIDE(3, 1, 1) SLIDE(3, 1, 2) SLIDE(5, 2, 1) SLIDE(5, 2, 2) SLIDE(7, 2, 1)

static void micro_taps(const lks_cpu_taps *t)
{
    if (t->columns == 0)
        taps_general(t);
    else if (t->columns == 3)
        (t->step == 1 ? slide_3_1 : slide_3_2)(t);
    else if (t->columns == 5)
        (t->step == 1 ? slide_5_1 : slide_5_2)(t);
    else
        slide_7_1(t);
}

#define WIDE_STEP_2 2

/* ---- four vectors of channels at once ------------------------------------------------------------------------------------ */

/*
 * Interleaving 4 * LANES channels costs a sixth of what four times LANES cost, and what comes out of it in an odd order, packing
 * to bytes puts right again.  So weights and constants are packed in that order (depthwise.c).
 */
LKS_INLINE void wide_column(const lks_cpu_taps *t, const int8_t *const x[4], int32_t column, v q[4])
{
    if ((uint32_t)column < (uint32_t)t->in_w)
        v_quads4(x, (size_t)column * t->x_column, q);
    else {
        LKS_UNROLL
        for (int k = 0; k < 4; k++)
            q[k] = v_quads_of(t->pad[0]);
    }
}

/* Some outputs from the columns under them; constants are loaded once for all. */
LKS_INLINE void wide_outputs(const lks_cpu_taps *t, v x[5][4], int8_t *y, const int outputs, const int step,
                             lks_cpu_scaling scaling, v_tail tail)
{
    v acc[2][4];

    LKS_UNROLL
    for (int k = 0; k < 4; k++) {
        const v_scale s = v_scale_load(t->scale + k * (LKS_CPU_SCALE_VECTORS * LANES));

        LKS_UNROLL
        for (int o = 0; o < outputs; o++)
            acc[o][k] = s.base;
        LKS_UNROLL
        for (int g = 0; g < 3; g++) {
            const v w = v_load((const int32_t *)(const void *)(t->w + (4 * g + k) * (4 * LANES)));

            LKS_UNROLL
            for (int o = 0; o < outputs; o++)
                acc[o][k] = v_dot4(acc[o][k], x[o * step + g][k], w);
        }
        LKS_UNROLL
        for (int o = 0; o < outputs; o++)
            acc[o][k] = v_scaled_packed(acc[o][k], &s, scaling);
    }
    LKS_UNROLL
    for (int o = 0; o < outputs; o++)
        v_store_quads4(y + (size_t)o * t->y_step, acc[o], tail);
}

LKS_INLINE void wide(const lks_cpu_taps *t, const int outputs, const int step, lks_cpu_scaling scaling)
{
    const int kept = 3 - step, columns = (outputs - 1) * step + 3;
    const int8_t *const lines[4] = { t->x[0] + t->channel, t->x[1] + t->channel, t->x[2] + t->channel, t->x[3] + t->channel };
    const v_tail tail = v_tail_of(t->tail);
    int32_t column = t->first, i = 0;
    v x[5][4];

    for (int j = 0; j < kept; j++)
        wide_column(t, lines, column++, x[j]);
    for (; i + outputs <= t->count; i += outputs) {
        LKS_UNROLL
        for (int j = kept; j < columns; j++)
            wide_column(t, lines, column++, x[j]);
        wide_outputs(t, x, t->y + (size_t)i * t->y_step, outputs, step, scaling, tail);
        LKS_UNROLL
        for (int j = 0; j < kept; j++)
            LKS_UNROLL
            for (int k = 0; k < 4; k++)
                x[j][k] = x[j + columns - kept][k];
    }
    if (i < t->count) {
        for (int j = kept; j < 3; j++)
            wide_column(t, lines, column++, x[j]);
        wide_outputs(t, x, t->y + (size_t)i * t->y_step, 1, step, scaling, tail);
    }
}

static void micro_wide(const lks_cpu_taps *t)
{
    if (t->step == 1 && t->scaling == LKS_CPU_HALF_UP)
        wide(t, 2, 1, LKS_CPU_HALF_UP);
    else if (t->step == 1)
        wide(t, 2, 1, LKS_CPU_TFLITE);
    else if (t->scaling == LKS_CPU_HALF_UP)
        wide(t, WIDE_STEP_2, 2, LKS_CPU_HALF_UP);
    else
        wide(t, WIDE_STEP_2, 2, LKS_CPU_TFLITE);
}
