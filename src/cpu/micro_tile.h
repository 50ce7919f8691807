/* SPDX-License-Identifier: Apache-2.0
 *
 * Tiles of a product of matrices: rows x vectors accumulators in registers.  A template over vec_*.h.
 */
#define MAX_ROWS 14

/* One step of depth: the weights once, then each row against all of them. */
LKS_INLINE void tile_step(v acc[MAX_ROWS][MAX_VECTORS], const int8_t *const x[MAX_ROWS], size_t at, const int8_t *w,
                          const int rows, const int vectors)
{
    v column[MAX_VECTORS];

    LKS_UNROLL
    for (int j = 0; j < vectors; j++)
        column[j] = v_tile_w(w + j * (LANES * K_STEP));
    LKS_UNROLL
    for (int i = 0; i < rows; i++) {
        const v row = v_tile_x(x[i] + at);

        LKS_UNROLL
        for (int j = 0; j < vectors; j++)
            acc[i][j] = v_tile_dot(acc[i][j], row, column[j]);
    }
}

LKS_INLINE void tile_finish(const lks_cpu_tile *t, v acc[MAX_ROWS][MAX_VECTORS], const int rows, const int vectors,
                            lks_cpu_scaling scaling)
{
    const v_tail tail = v_tail_of(t->tail);

    LKS_UNROLL
    for (int j = 0; j < vectors; j++) {
        const v_scale k = v_scale_load(t->scale + j * (LKS_CPU_SCALE_VECTORS * LANES));

        LKS_UNROLL
        for (int i = 0; i < rows; i++)
            acc[i][j] = v_scaled_packed(acc[i][j], &k, scaling);
    }
    if (vectors == 1 && rows % 4 == 0 && t->columns == LANES) {
        LKS_UNROLL
        for (int i = 0; i < rows; i += 4) {
            const v four[4] = { acc[i][0], acc[i + 1][0], acc[i + 2][0], acc[i + 3][0] };

            v_store_pixels(t->y + (size_t)i * t->y_stride, t->y_stride, four, 4, tail);
        }
        return;
    }
    LKS_UNROLL
    for (int i = 0; i < rows; i++)
        v_store_row(t->y + (size_t)i * t->y_stride, acc[i], vectors, t->columns, tail);
}

LKS_INLINE void tile_store(const lks_cpu_tile *t, v acc[MAX_ROWS][MAX_VECTORS], const int rows, const int vectors)
{
    LKS_UNROLL
    for (int i = 0; i < rows; i++)
        LKS_UNROLL
        for (int j = 0; j < vectors; j++)
            v_store(t->acc + (size_t)(i * vectors + j) * LANES, acc[i][j]);
}

/* From sums of products, with the base in them, to what the tile is for. */
LKS_INLINE void tile_end(const lks_cpu_tile *t, v acc[MAX_ROWS][MAX_VECTORS], const int rows, const int vectors)
{
    if (t->row_add)
        LKS_UNROLL
        for (int i = 0; i < rows; i++)
            LKS_UNROLL
            for (int j = 0; j < vectors; j++)
                acc[i][j] = v_add(acc[i][j], v_set(t->row_add[i]));
    if (t->scaling == LKS_CPU_HALF_UP)
        tile_finish(t, acc, rows, vectors, LKS_CPU_HALF_UP);
    else if (t->scaling == LKS_CPU_TFLITE)
        tile_finish(t, acc, rows, vectors, LKS_CPU_TFLITE);
    else
        tile_store(t, acc, rows, vectors);
}

/* rows and vectors are constants where this is used. */
LKS_INLINE void tile(const lks_cpu_tile *t, const int rows, const int vectors)
{
    const size_t bytes = (size_t)t->steps * (K_STEP * X_BYTES);
    const int8_t *w = t->w, *x[MAX_ROWS], *ahead = t->ahead;
    const size_t ahead_step = t->ahead_step;
    v acc[MAX_ROWS][MAX_VECTORS];

    LKS_UNROLL
    for (int j = 0; j < vectors; j++) {
        const v base = v_load(t->scale + j * (LKS_CPU_SCALE_VECTORS * LANES) + LKS_CPU_SCALE_BASE * LANES);

        LKS_UNROLL
        for (int i = 0; i < rows; i++)
            acc[i][j] = base;
    }
    for (int32_t s = 0; s < t->segments; s++) {
        LKS_UNROLL
        for (int i = 0; i < rows; i++)
            x[i] = t->x[(size_t)s * t->x_stride + (size_t)i];
        for (size_t at = 0; at < bytes; at += K_STEP * X_BYTES, w += vectors * (LANES * K_STEP), ahead += ahead_step) {
            LKS_PREFETCH(ahead);
            tile_step(acc, x, at, w, rows, vectors);
        }
    }
    LKS_UNROLL
    for (int i = 0; i < rows; i++)
        LKS_UNROLL
        for (int j = 0; j < vectors; j++)
            LKS_KEEP(acc[i][j], REGISTER);
    tile_end(t, acc, rows, vectors);
}

#define TILE(rows, vectors)                                     \
    static void tile_##rows##_##vectors(const lks_cpu_tile *t)  \
    {                                                           \
        tile(t, rows, vectors);                                 \
    }
