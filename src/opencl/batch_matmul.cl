/* SPDX-License-Identifier: Apache-2.0
 *
 * The product of matrices of two operands, with broadcasting, in the three kinds of programs (opencl/device.h): tiles with a dot
 * product of four bytes, wide vectors for a device that is a CPU, and one output by a work-item.  spec 4.50
 *
 * Neither operand can be packed, and either may lie along its depth or across it.
 */

/* What block i of the outputs is: of one output, or of a tile.  a, b: where the operands begin, in elements. */
typedef struct lks_block {
    uint matrix, row, column;       /* row and column count blocks */
    size_t a, b;
} lks_block;

LKS_FN lks_block lks_find_block(const lks_matrices *m, uint i)
{
    const uint line = lks_divide(i, m->by_column), matrix = lks_divide(line, m->by_row), image = lks_divide(matrix, m->by_image);
    uint rest = matrix - image * m->matrices;
    lks_block at = {
        matrix, line - matrix * (uint)m->by_row.divisor, i - line * (uint)m->by_column.divisor,
        (size_t)image * (size_t)m->k.a_image, (size_t)image * (size_t)m->k.b_image
    };

    for (int axis = LKS_MAX_RANK - 3; axis >= 0; axis--) {
        const uint next = lks_divide(rest, m->by[axis]), i = rest - next * (uint)m->k.dims[axis];

        at.a += (size_t)i * (size_t)m->k.a_stride[axis];
        at.b += (size_t)i * (size_t)m->k.b_stride[axis];
        rest = next;
    }
    return at;
}

#define ROWS_OF(m) ((m)->k.dims[LKS_MAX_RANK - 2])
#define COLUMNS_OF(m) ((m)->k.dims[LKS_MAX_RANK - 1])
#define A_ROW(m) ((m)->k.a_stride[LKS_MAX_RANK - 2])
#define B_COLUMN(m) ((m)->k.b_stride[LKS_MAX_RANK - 1])

#ifdef TILE_M_LOG

/* ---- tiles (opencl/tile.cl) ---------------------------------------------------------------------------------------------- */

/*
 * Four rows (of b: columns) by four bytes of depth as words of depth; 0 beyond the last row, and beyond the depth.  load: words
 * along the depth; words along rows, which are transposed; byte by byte.  Work-item i of a tile loads word i mod TILE_K of rows
 * 4 (i / TILE_K) to 4 (i / TILE_K) + 3.
 */
LKS_FN uint4 lks_load_block(__global const int8_t *x, int load, int first, int rows, int row_stride, int k, int depth,
                            int depth_stride)
{
    uint word[4];

    #pragma unroll
    for (int i = 0; i < 4; i++) {
        const int row = load == LKS_CL_ALONG_ROWS ? first : first + i, at = load == LKS_CL_ALONG_ROWS ? k + i : k;
        /* a tensor has fewer than 2^31 elements */
        const uint from = (uint)row * (uint)row_stride + (uint)at * (uint)depth_stride;

        word[i] = 0;
        if (row >= rows || at >= depth)
            continue;
        if (load != LKS_CL_BYTES)
            word[i] = *(__global const uint *)(x + from);
        else
            for (int j = 0; j < 4 && at + j < depth; j++)
                word[i] |= (uint)(uint8_t)x[from + (uint)j * (uint)depth_stride] << (8 * j);
    }
    if (load == LKS_CL_ALONG_ROWS) {
        const char4 b0 = as_char4(word[0]), b1 = as_char4(word[1]), b2 = as_char4(word[2]), b3 = as_char4(word[3]);

        word[0] = as_uint((char4)(b0.x, b1.x, b2.x, b3.x));
        word[1] = as_uint((char4)(b0.y, b1.y, b2.y, b3.y));
        word[2] = as_uint((char4)(b0.z, b1.z, b2.z, b3.z));
        word[3] = as_uint((char4)(b0.w, b1.w, b2.w, b3.w));
    }
    return (uint4)(word[0], word[1], word[2], word[3]);
}

/* The bytes of four words, added up one by one. */
LKS_FN uint4 lks_sum_bytes(uint4 w, uint4 sum)
{
    const uint ones = 0x01010101u;

    return (uint4)(lks_dot(w.x, ones, sum.x), lks_dot(w.y, ones, sum.y), lks_dot(w.z, ones, sum.z), lks_dot(w.w, ones, sum.w));
}

/* Of each row of the tile, and of each column, the sums that were loaded of it by words, into the first of them. */
LKS_FN void lks_join_sums(__local uint *sums, int stride, uint side)
{
    const uint at = (uint)get_local_id(0);
    uint sum = 0;

    if (at >= side)
        return;
    for (int k = 0; k < TILE_K; k++)
        sum += sums[k * stride + at];
    sums[at] = sum;
}

/* Four columns of one row; b_sum: of the columns. */
LKS_FN void lks_finish_row(const lks_matrices *m, __global int8_t *y, uint row, uint column, uint zero, const uint *acc,
                           __local const uint *b_sum)
{
    const uint columns = (uint)COLUMNS_OF(m);
    const size_t at = (size_t)row * columns + column;
    int8_t v[4];

    #pragma unroll
    for (uint j = 0; j < 4; j++) {
        v[j] = lks_finish((int32_t)(acc[j] - zero - (uint)m->k.a_zero * b_sum[j]), m->k.rq, m->k.tail);
        if ((columns & 3) != 0 && column + j < columns)
            y[at + j] = v[j];
    }
    if ((columns & 3) == 0 && column < columns)
        *(__global char4 *)(y + at) = (char4)(v[0], v[1], v[2], v[3]);
}

/* sum (a - za) (b - zb) = sum a b - zb sum a - za sum b + K za zb, modulo 2^32.  A work-group is a tile. */
LKS_GROUP __kernel void LKS_NAME(batch_matmul)(lks_matrices m, lks_places p, __global int8_t *arena,
                                 __global const int8_t *constants)
{
    LKS_LOCAL;
    const uint tid = (uint)get_local_id(0);
    const int word = (int)(tid & (TILE_K - 1)), block = (int)(tid >> TILE_K_LOG) << 2;
    const uint row = (tid >> (TILE_N_LOG - 3)) << 2, column = (tid & ((TILE_N >> 3) - 1)) << 2;
    const lks_block at = lks_find_block(&m, (uint)get_group_id(0));
    const int m0 = (int)at.row << TILE_M_LOG, n0 = (int)at.column << TILE_N_LOG, depth = m.k.depth;
    __global const int8_t *a = LKS_OPERAND(x) + at.a, *b = LKS_OPERAND(x2) + at.b;
    __global int8_t *y = arena + p.y + (size_t)at.matrix * (size_t)ROWS_OF(&m) * (size_t)COLUMNS_OF(&m);
    uint acc[8][8], unused[8];
    __local uint4 a_sums[THREADS], b_sums[THREADS];     /* of the bytes that a work-item has loaded: registers are for acc */

    a_sums[tid] = b_sums[tid] = (uint4)(0);
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++)
            acc[i][j] = 0;
    for (int k = 0; k < depth; k += 4 * TILE_K) {
        const int at_k = k + 4 * word;
        const uint4 words_a = lks_load_block(a, m.a_load, m0 + block, ROWS_OF(&m), A_ROW(&m), at_k, depth, m.k.a_depth);
        const uint4 words_b = lks_load_block(b, m.b_load, n0 + block, COLUMNS_OF(&m), B_COLUMN(&m), at_k, depth, m.k.b_depth);

        vstore4(words_a, 0, as + word * A_STRIDE + block);
        vstore4(words_b, 0, bs + word * TILE_N + block);
        a_sums[tid] = lks_sum_bytes(words_a, a_sums[tid]);
        b_sums[tid] = lks_sum_bytes(words_b, b_sums[tid]);
        barrier(CLK_LOCAL_MEM_FENCE);
        lks_tile_multiply(as, bs, row, column, 0, acc, unused);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    vstore4(a_sums[tid], 0, as + word * A_STRIDE + block);
    vstore4(b_sums[tid], 0, bs + word * TILE_N + block);
    barrier(CLK_LOCAL_MEM_FENCE);
    lks_join_sums(as, A_STRIDE, TILE_M);
    lks_join_sums(bs, TILE_N, TILE_N);
    barrier(CLK_LOCAL_MEM_FENCE);
    #pragma unroll
    for (uint i = 0; i < 8; i++) {
        const uint in_tile = row + (i & 3) + (i >> 2) * (TILE_M >> 1), at_row = (uint)m0 + in_tile, at_column = (uint)n0 + column;
        const uint zero = (uint)m.k.b_zero * (as[in_tile] - (uint)depth * (uint)m.k.a_zero);

        if (at_row >= (uint)ROWS_OF(&m))
            continue;
        lks_finish_row(&m, y, at_row, at_column, zero, acc[i], bs + column);
        lks_finish_row(&m, y, at_row, at_column + (TILE_N >> 1), zero, acc[i] + 4, bs + column + (TILE_N >> 1));
    }
}

#elif defined(ROWS)

/* ---- wide (opencl/wide.cl) ----------------------------------------------------------------------------------------------- */

/* Values less their zero point, as int16: a pair of their products stays in int32. */
LKS_FN short16 lks_centre(char16 v, int zero)
{
    return convert_short16(v) - (short16)((short)zero);
}

/* The work-item's rows and columns, beyond the last ones again the last. */
typedef struct lks_patch {
    __global const int8_t *a[ROWS], *b;     /* rows of a; the first column of b, or its first element of depth */
    uint columns;                           /* that it has */
} lks_patch;

/* Columns side by side: of 32 adjacent ones two elements of depth at a time.  w: 0 beyond the last column. */
LKS_FN void lks_load_columns(const lks_matrices *m, __global const int8_t *from, uint columns, short16 w[2])
{
    char part[COLUMNS];

    if (columns == COLUMNS) {
        w[0] = lks_centre(vload16(0, from), m->k.b_zero);
        w[1] = lks_centre(vload16(1, from), m->k.b_zero);
        return;
    }
    for (uint j = 0; j < COLUMNS; j++)
        part[j] = j < columns ? from[j] : 0;
    w[0] = lks_centre(vload16(0, part), m->k.b_zero);
    w[1] = lks_centre(vload16(1, part), m->k.b_zero);
}

LKS_FN void lks_multiply_columns(const lks_matrices *m, const lks_patch *t, uint8 acc[ROWS][4])
{
    for (int k = 0; k < m->k.depth; k += 2) {
        const int odd = k + 1 < m->k.depth;
        __global const int8_t *from = t->b + (size_t)k * (size_t)m->k.b_depth;
        short16 even_w[2], odd_w[2] = { (short16)(0), (short16)(0) }, w[4];

        lks_load_columns(m, from, t->columns, even_w);
        if (odd)
            lks_load_columns(m, from + m->k.b_depth, t->columns, odd_w);
        #pragma unroll
        for (int i = 0; i < 2; i++) {
            w[2 * i].even = even_w[i].lo;
            w[2 * i].odd = odd_w[i].lo;
            w[2 * i + 1].even = even_w[i].hi;
            w[2 * i + 1].odd = odd_w[i].hi;
        }
        #pragma unroll
        for (int r = 0; r < ROWS; r++) {
            __global const int8_t *x = t->a[r] + (size_t)k * (size_t)m->k.a_depth;
            const ushort x0 = (ushort)(x[0] - m->k.a_zero), x1 = odd ? (ushort)(x[m->k.a_depth] - m->k.a_zero) : 0;
            const short16 pair = as_short16((uint8)((uint)x0 | (uint)x1 << 16));

            #pragma unroll
            for (int j = 0; j < 4; j++)
                acc[r][j] += lks_pairs(w[j], pair);
        }
    }
}

/* 16 elements along the depth, and 0 where it ends. */
LKS_FN short16 lks_load_depth(__global const int8_t *from, int stride, int left, int zero)
{
    short part[16];

    if (stride == 1 && left >= 16)
        return lks_centre(vload16(0, from), zero);
    for (int i = 0; i < 16; i++)
        part[i] = i < left ? (short)(from[(size_t)i * (size_t)stride] - zero) : 0;
    return vload16(0, part);
}

/* Columns along the depth: four at a time. */
LKS_FN void lks_multiply_depth(const lks_matrices *m, const lks_patch *t, uint first, uint value[ROWS][COLUMNS])
{
    uint8 acc[ROWS][4];

    for (int r = 0; r < ROWS; r++)
        for (int j = 0; j < 4; j++)
            acc[r][j] = (uint8)(0);
    for (int k = 0; k < m->k.depth; k += 16) {
        const int left = m->k.depth - k;
        short16 x[ROWS];

        #pragma unroll
        for (int r = 0; r < ROWS; r++)
            x[r] = lks_load_depth(t->a[r] + (size_t)k * (size_t)m->k.a_depth, m->k.a_depth, left, m->k.a_zero);
        #pragma unroll
        for (uint j = 0; j < 4; j++) {
            const uint column = min(first + j, t->columns - 1);
            const short16 w = lks_load_depth(t->b + (size_t)column * (size_t)B_COLUMN(m) + k, 1, left, m->k.b_zero);

            #pragma unroll
            for (int r = 0; r < ROWS; r++)
                acc[r][j] += lks_pairs(w, x[r]);
        }
    }
    for (int r = 0; r < ROWS; r++)
        for (uint j = 0; j < 4; j++) {
            const uint8 v = acc[r][j];
            const uint4 half_sum = v.lo + v.hi;

            value[r][first + j] = half_sum.x + half_sum.y + half_sum.z + half_sum.w;
        }
}

/* ROWS rows by COLUMNS columns by a work-item. */
__kernel void LKS_NAME(batch_matmul)(lks_matrices m, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    const lks_block at = lks_find_block(&m, (uint)get_global_id(0));
    const uint rows = (uint)ROWS_OF(&m), columns = (uint)COLUMNS_OF(&m), m0 = at.row * ROWS, n0 = at.column * COLUMNS;
    uint value[ROWS][COLUMNS];
    uint8 acc[ROWS][4];
    lks_patch t;

    if (get_global_id(0) >= p.count)
        return;
    t.columns = min(columns - n0, (uint)COLUMNS);
    t.b = LKS_OPERAND(x2) + at.b + (size_t)n0 * (size_t)B_COLUMN(&m);
    for (uint r = 0; r < ROWS; r++) {
        t.a[r] = LKS_OPERAND(x) + at.a + (size_t)min(m0 + r, rows - 1) * (size_t)A_ROW(&m);
        for (int j = 0; j < 4; j++)
            acc[r][j] = (uint8)(0);
    }
    if (m.k.b_depth == 1) {
        for (uint j = 0; j < t.columns; j += 4)
            lks_multiply_depth(&m, &t, j, value);
    } else {
        lks_multiply_columns(&m, &t, acc);
        for (int r = 0; r < ROWS; r++)
            for (int j = 0; j < 4; j++)
                vstore8(acc[r][j], j, value[r]);
    }
    for (uint r = 0; r < ROWS && m0 + r < rows; r++)
        for (uint j = 0; j < t.columns; j++)
            arena[p.y + ((size_t)at.matrix * rows + m0 + r) * columns + n0 + j] =
                lks_finish((int32_t)value[r][j], m.k.rq, m.k.tail);
}

#else

/* ---- one output by a work-item ------------------------------------------------------------------------------------------- */

__kernel void batch_matmul_kernel(lks_matrices m, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    const uint i = (uint)get_global_id(0);

    if (i >= p.count)
        return;

    const lks_block at = lks_find_block(&m, i);
    __global const int8_t *a = LKS_OPERAND(x) + at.a + (size_t)at.row * (size_t)A_ROW(&m);
    __global const int8_t *b = LKS_OPERAND(x2) + at.b + (size_t)at.column * (size_t)B_COLUMN(&m);
    uint acc = 0;

    for (int k = 0; k < m.k.depth; k++)
        acc += (uint)((a[(size_t)k * (size_t)m.k.a_depth] - m.k.a_zero) * (b[(size_t)k * (size_t)m.k.b_depth] - m.k.b_zero));
    arena[p.y + i] = lks_finish((int32_t)acc, m.k.rq, m.k.tail);
}

#endif
