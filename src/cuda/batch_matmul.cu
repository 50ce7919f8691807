/* SPDX-License-Identifier: Apache-2.0
 *
 * The product of matrices of two operands, with broadcasting: a tile of 64 x 64 outputs through shared memory, and for narrow
 * matrices one output per thread.  spec 4.50
 *
 * Neither operand can be packed, and either may lie along its depth or across it, so that loading brings both into words of four
 * bytes of depth: blocks of four rows (of a; of b: columns) by four of depth, which are transposed on the way where they must be.
 *
 *     sum (a - za) (b - zb) = sum a b - zb sum a - za sum b + K za zb
 *
 * All modulo 2^32.  Who loads a block also adds its bytes up, so the sums of a row cost no more than the loads.
 */
#include "cuda/axes.cuh"
#include "cuda/family.h"

#define SIDE 64                 /* rows, and columns, of a tile */
#define WORDS 8                 /* of depth that are brought in at a time */
#define THREADS 256             /* half of them load a, the others b; each then has 4 x 4 outputs */
#define STRIDE (SIDE + 4)       /* of a word of depth in shared memory, in words */

/* How blocks of an operand are loaded. */
enum { ALONG_DEPTH, ALONG_ROWS, BYTES };        /* words along the depth; words along rows, transposed; byte by byte */

/* outer: of a rows, of b columns; strides in elements. */
typedef struct operand {
    const int8_t *data;
    int32_t outer, outer_stride, depth_stride, zero, load;
} operand;

/* matrices: strides of a and b; tiles in a grid of one dimension, columns first. */
typedef struct product_args {
    operand a, b;
    int8_t *y;
    uint32_t outputs;           /* of all matrices */
    int32_t depth;
    lks_axes matrices;
    lks_magic row_tiles, column_tiles, rows, columns;
    lks_rq rq;
    lks_tail tail;
} product_args;

/* ---- device: tiles ------------------------------------------------------------------------------------------------------- */

/* Four bytes of depth of one row, of which those beyond the depth are 0. */
static __device__ __forceinline__ uint32_t load_bytes(const operand &o, const int8_t *row, int32_t k, int32_t depth)
{
    uint32_t word = 0;

#pragma unroll
    for (int32_t i = 0; i < 4; i++)
        if (k + i < depth)
            word |= (uint32_t)(uint8_t)row[(size_t)(uint32_t)(k + i) * (uint32_t)o.depth_stride] << (8 * i);
    return word;
}

/* word[i]: depth k to k + 3 of row `first` + i; 0 beyond the last row, and beyond the depth. */
static __device__ __forceinline__ void load_block(const operand &o, const int8_t *data, int32_t first, int32_t k, int32_t depth,
                                                  uint32_t word[4])
{
#pragma unroll
    for (int32_t i = 0; i < 4; i++) {
        const int32_t row = o.load == ALONG_ROWS ? first : first + i, at = o.load == ALONG_ROWS ? k + i : k;
        const int8_t *from = data + (size_t)(uint32_t)row * (uint32_t)o.outer_stride;

        word[i] = 0;
        if (row >= o.outer || at >= depth)
            continue;
        word[i] = o.load == BYTES ? load_bytes(o, from, at, depth)
            : *(const uint32_t *)(from + (size_t)(uint32_t)at * (uint32_t)o.depth_stride);
    }
    if (o.load == ALONG_ROWS)
        lks_transpose4(word);
}

/* acc[i][j] += row i . column j over the words in shared memory. */
static __device__ __forceinline__ void multiply(uint32_t acc[4][4], const uint32_t *a, const uint32_t *b)
{
#pragma unroll
    for (int32_t k = 0; k < WORDS; k++) {
        const uint4 va = *(const uint4 *)(a + k * STRIDE), vb = *(const uint4 *)(b + k * STRIDE);
        const uint32_t x[4] = { va.x, va.y, va.z, va.w }, w[4] = { vb.x, vb.y, vb.z, vb.w };

#pragma unroll
        for (int32_t i = 0; i < 4; i++)
#pragma unroll
            for (int32_t j = 0; j < 4; j++)
                acc[i][j] = lks_dp4a(x[i], w[j], acc[i][j]);
    }
}

/* What the eight threads that loaded the words of the same rows have added up, into shared memory: [row]. */
static __device__ __forceinline__ void share_sums(uint32_t sum[4], int32_t word, uint32_t *to)
{
#pragma unroll
    for (int32_t i = 0; i < 4; i++) {
#pragma unroll
        for (int32_t step = 1; step < WORDS; step <<= 1)
            sum[i] += __shfl_xor_sync(0xffffffffu, sum[i], step);
        if (word == 0)
            to[i] = sum[i];
    }
}

/* The thread's outputs, from the first one on; four adjacent ones are one word where rows of y are made of words. */
static __device__ __forceinline__ void store(const product_args &p, const uint32_t acc[4][4], const uint32_t *a_sum,
                                             const uint32_t *b_sum, int8_t *y, int32_t row, int32_t column)
{
    const uint32_t both = (uint32_t)p.depth * (uint32_t)p.a.zero * (uint32_t)p.b.zero;

#pragma unroll
    for (int32_t i = 0; i < 4; i++) {
        uint32_t word = 0;

        if (row + i >= p.a.outer || column >= p.b.outer)
            continue;
#pragma unroll
        for (int32_t j = 0; j < 4; j++) {
            const uint32_t v = acc[i][j] - (uint32_t)p.b.zero * a_sum[i] - (uint32_t)p.a.zero * b_sum[j] + both;

            word |= (uint32_t)(uint8_t)lks_finish((int32_t)v, p.rq, p.tail) << (8 * j);
        }

        int8_t *to = y + (size_t)(uint32_t)(row + i) * (uint32_t)p.b.outer + (uint32_t)column;

        if ((p.b.outer & 3) == 0) {
            *(uint32_t *)to = word;
        } else {
#pragma unroll
            for (int32_t j = 0; j < 4; j++)
                if (column + j < p.b.outer)
                    to[j] = (int8_t)lks_byte(word, j);
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) batch_matmul_tile_kernel(const product_args p)
{
    LKS_SHARED(shared);
    uint32_t *const words = (uint32_t *)shared;         /* a, then b: [word of depth][row] */
    const int32_t thread = (int32_t)threadIdx.x, half = thread >> 7, block_row = (thread & 127) >> 3, word = thread & 7;
    const uint32_t line = lks_divide(blockIdx.x, p.column_tiles), matrix = lks_divide(line, p.row_tiles);
    const int32_t column0 = (int32_t)lks_remainder(blockIdx.x, line, p.column_tiles) * SIDE;
    const int32_t row0 = (int32_t)lks_remainder(line, matrix, p.row_tiles) * SIDE;
    const lks_offsets at = lks_locate_element(p.matrices, matrix);
    const operand &mine = half ? p.b : p.a;
    const int8_t *data = mine.data + (half ? at.second : at.first);
    const int32_t first = (half ? column0 : row0) + 4 * block_row;
    const int32_t row = 4 * (thread >> 4), column = 4 * (thread & 15);
    uint32_t acc[4][4] = { { 0 } }, sum[4] = { 0 }, next[4];

    load_block(mine, data, first, 4 * word, p.depth, next);
#pragma unroll 1
    for (int32_t k = 0; k < p.depth; k += 4 * WORDS) {
        *(uint4 *)(words + half * WORDS * STRIDE + word * STRIDE + 4 * block_row) = uint4{ next[0], next[1], next[2], next[3] };
#pragma unroll
        for (int32_t i = 0; i < 4; i++)
            sum[i] = lks_dp4a(next[i], 0x01010101u, sum[i]);
        __syncthreads();
        load_block(mine, data, first, k + 4 * (WORDS + word), p.depth, next);
        multiply(acc, words + row, words + WORDS * STRIDE + column);
        __syncthreads();
    }
    share_sums(sum, word, words + half * SIDE + 4 * block_row);
    __syncthreads();
    store(p, acc, words + row, words + SIDE + column,
          p.y + (size_t)matrix * (uint32_t)p.a.outer * (uint32_t)p.b.outer, row0 + row, column0 + column);
}

/* ---- device: one output per thread --------------------------------------------------------------------------------------- */

extern "C" __global__ void __launch_bounds__(256) batch_matmul_direct_kernel(const product_args p)
{
    const uint32_t i = lks_thread_index();

    if (i >= p.outputs)
        return;

    const uint32_t line = lks_divide(i, p.columns), matrix = lks_divide(line, p.rows);
    const lks_offsets at = lks_locate_element(p.matrices, matrix);
    const int8_t *a = p.a.data + at.first + (size_t)lks_remainder(line, matrix, p.rows) * (uint32_t)p.a.outer_stride;
    const int8_t *b = p.b.data + at.second + (size_t)lks_remainder(i, line, p.columns) * (uint32_t)p.b.outer_stride;
    uint32_t acc = 0;

#pragma unroll 4
    for (int32_t k = 0; k < p.depth; k++) {
        acc += (uint32_t)((*a - p.a.zero) * (*b - p.b.zero));
        a += p.a.depth_stride;
        b += p.b.depth_stride;
    }
    p.y[i] = lks_finish((int32_t)acc, p.rq, p.tail);
}

/* ---- host ---------------------------------------------------------------------------------------------------------------- */

static const char *const variants[] = { "tile_64x64", "direct", NULL };
enum { TILE, DIRECT };

enum { ROWS = LKS_MAX_RANK - 2, COLUMNS = LKS_MAX_RANK - 1 };   /* of dims */

/* A tile is worth its barriers where it is not mostly empty. */
static uint32_t choose(const lks_step *s, uint32_t, const lks_cuda_caps *)
{
    const lks_batch_matmul *k = &s->args.batch_matmul;

    return k->dims[ROWS] >= 16 && k->dims[COLUMNS] >= 16 ? TILE : DIRECT;
}

/* Words are aligned where every step but the one along them is a multiple of 4; arena and constants are. */
static int32_t load_of(const lks_batch_matmul *k, int32_t image, const int32_t stride[LKS_MAX_RANK], int32_t outer, int32_t depth)
{
    int32_t others = image;

    for (int32_t axis = 0; axis < ROWS; axis++)
        others |= stride[axis];
    if ((others & 3) == 0 && depth == 1 && (stride[outer] & 3) == 0 && (k->depth & 3) == 0)
        return ALONG_DEPTH;
    if ((others & 3) == 0 && stride[outer] == 1 && (depth & 3) == 0 && (k->dims[outer] & 3) == 0)
        return ALONG_ROWS;
    return BYTES;
}

static product_args args_of(const lks_batch_matmul *k, const lks_cuda_operands *t)
{
    const int32_t rows = k->dims[ROWS], columns = k->dims[COLUMNS];
    product_args p = {};

    p.a = operand{ t->x, rows, k->a_stride[ROWS], k->a_depth, k->a_zero, load_of(k, k->a_image, k->a_stride, ROWS, k->a_depth) };
    p.b = operand{ t->x2, columns, k->b_stride[COLUMNS], k->b_depth, k->b_zero,
                   load_of(k, k->b_image, k->b_stride, COLUMNS, k->b_depth) };
    p.y = t->y;
    p.outputs = (uint32_t)(t->n * lks_elements(k->dims));
    p.depth = k->depth;
    lks_axes_add(&p.matrices, t->n, k->a_image, k->b_image);
    for (int axis = 0; axis < ROWS; axis++)
        lks_axes_add(&p.matrices, k->dims[axis], k->a_stride[axis], k->b_stride[axis]);
    lks_axes_finish(&p.matrices);
    p.row_tiles = lks_magic_of(lks_ceil_div(rows, SIDE));
    p.column_tiles = lks_magic_of(lks_ceil_div(columns, SIDE));
    p.rows = lks_magic_of(rows);
    p.columns = lks_magic_of(columns);
    p.rq = k->rq;
    p.tail = k->tail;
    return p;
}

static cudaError_t launch(const lks_step *s, uint32_t variant, const lks_cuda_operands *t, const lks_cuda_caps *,
                          cudaStream_t stream)
{
    const product_args p = args_of(&s->args.batch_matmul, t);
    const int64_t matrices = lks_ceil_div(p.outputs, (int64_t)p.rows.divisor * p.columns.divisor);

    if (variant == DIRECT)
        return LKS_LAUNCH_EACH(batch_matmul_direct_kernel, p.outputs, stream, p);

    const dim3 grid((unsigned)(matrices * p.row_tiles.divisor * p.column_tiles.divisor));

    return LKS_LAUNCH(batch_matmul_tile_kernel, grid, dim3(THREADS), 2 * WORDS * STRIDE * 4, stream, p);
}

extern "C" const lks_cuda_family lks_cuda_batch_matmul = { variants, NULL, choose, NULL, NULL, NULL, launch };
