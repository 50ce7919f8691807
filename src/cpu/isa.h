/* SPDX-License-Identifier: Apache-2.0
 *
 * An instruction set as kernels see it: a table of micro-kernels.  Each is written once, in a template (micro_*.h) over vectors
 * of int32 (vec_*.h), and compiled once per set (isa_*.c), so that one binary holds all sets of its architecture and takes the
 * best that the machine has.
 */
#ifndef LKS_CPU_ISA_H
#define LKS_CPU_ISA_H

#include "spec/op.h"

#include <stddef.h>

/* How a block of channels is requantized: the first whose conditions all of its channels meet.  scale.c decides, and says why. */
typedef enum lks_cpu_scaling {
    LKS_CPU_HALF_UP,            /* s >= 32 */
    LKS_CPU_TFLITE,             /* a right shift of 1 to 31, and sums that leave room for its rounding term */
    LKS_CPU_ANY                 /* whatever spec 3.1 allows: lks_finish, one by one */
} lks_cpu_scaling;

/*
 * The constants of LANES channels, each a vector: packed by scale.c.  c is added to the 64-bit products of even and odd lanes,
 * two int32 lanes each.
 */
enum {
    LKS_CPU_SCALE_BASE,         /* what is added to a sum before it is scaled: bias and zero points */
    LKS_CPU_SCALE_M,
    LKS_CPU_SCALE_M_ODD,        /* M of odd lanes, in the even lane before them */
    LKS_CPU_SCALE_C_EVEN,
    LKS_CPU_SCALE_C_ODD,
    LKS_CPU_SCALE_SHIFT,        /* the shift to the right that is left after the product */
    LKS_CPU_SCALE_S,            /* lks_rq.s */
    LKS_CPU_SCALE_VECTORS
};

/* The one that an accumulator of at most |bound| (below 2^31) needs. */
lks_cpu_scaling lks_cpu_scaling_of(lks_rq rq, uint64_t bound, int32_t rounding);

/* The same scale with a shift that its form can have: with M = 0 the result is 0 whatever it is. */
static inline lks_rq lks_cpu_shiftable(lks_rq rq, lks_cpu_scaling scaling)
{
    const lks_rq none = { 0, scaling == LKS_CPU_TFLITE ? -1 : 32 };

    return rq.m || scaling == LKS_CPU_ANY ? rq : none;
}

/* How the elements of a pair are made.  pair.c decides, and says why. */
typedef enum lks_cpu_way {
    LKS_CPU_PAIR_LINEAR,        /* one linear form of both operands, found at build and tried on all 65536 pairs */
    LKS_CPU_PAIR_FAST,          /* `kind` step by step; all scales have the scaling of the pair, but those that are shifts */
    LKS_CPU_PAIR_ANY            /* lks_pair_value, one by one */
} lks_cpu_way;

/*
 * linear: ((a a_high + b b_high + add_high) + floor((a a_low + b b_low + add_low) / 2^15)) / 2^shift, rounded down, then clamped:
 * factors of 31 bits and exact sums, from products of int16.
 */
typedef struct lks_cpu_pair {
    lks_pair pair;
    lks_cpu_way way;
    lks_cpu_scaling scaling;
    int32_t a_high, b_high, add_high, a_low, b_low, add_low, shift;
    int32_t a_shift, b_shift;   /* of an addend that is v * 2^shift; -1: it is scaled */
    int8_t positive[LKS_TABLE_SIZE];    /* prelu: what comes of an a that is not negative, at a + 128 */
} lks_cpu_pair;

/*
 * A tile of a product of matrices: `rows` rows of x by `columns` columns of w, as deep as segments * steps * k_step.
 *
 * y[r][o] = tail(base[o] + row_add[r] + sum of products), o < columns; acc: the same before the tail, for LKS_CPU_ANY.
 */
typedef struct lks_cpu_tile {
    const int8_t *const *x;     /* x[s * x_stride + r]: segment s of row r; int16 where the set widens */
    size_t x_stride;
    const int8_t *w;            /* [segment][step][vectors of columns][LANES][k_step] */
    int32_t segments, steps;    /* steps of one segment */
    int32_t columns;            /* at most the lanes of its vectors */
    const int32_t *scale;       /* [vector][LKS_CPU_SCALE_VECTORS][LANES] */
    const int32_t *row_add;     /* NULL: nothing */
    lks_cpu_scaling scaling;
    lks_tail tail;
    int8_t *y;
    size_t y_stride;
    int32_t *acc;               /* [rows][vectors * LANES], where scaling is LKS_CPU_ANY */
    const int8_t *ahead;        /* what will be read soon, brought nearer while this is computed: ahead_step bytes per step */
    size_t ahead_step;
    size_t x_step;              /* for lks_cpu_matrix: from row to row */
    int32_t line, gap;          /* the same: after so many rows, so many that are in x alone, not in y, row_add and acc */
} lks_cpu_tile;

typedef void lks_cpu_tile_function(const lks_cpu_tile *t);

/* Tiles of one width, tallest first; ends with rows 0.  There is one of 1 row. */
typedef struct lks_cpu_tile_kernel {
    int32_t rows;
    lks_cpu_tile_function *run;
} lks_cpu_tile_kernel;

/*
 * Where the processor multiplies matrices by itself: any number of rows against one block.  It differs from a tile in how
 * operands lie:
 *
 * x    rows are x_step bytes apart from x[s * x_stride] on, and readable up to a multiple of 16 of them.
 * w    [pair of vectors][segment][step][vectors of the pair][LANES][k_step]
 *
 * Steps are a multiple of depth / k_step.  Between begin and end a thread may call run; x_offset is not added.
 */
typedef struct lks_cpu_matrix {
    int32_t depth;              /* that is multiplied at once; rows of x are filled up to it */
    void (*begin)(void);
    void (*run)(const lks_cpu_tile *t, int32_t rows);
    void (*end)(void);
    /*
     * to[r * to_step + ...] = the segments of row r, one behind the other, and zeros up to to_step.  Segments are readable, and
     * what follows the last row is writable, up to a multiple of 32 bytes.
     */
    void (*join)(const int8_t *const *x, size_t x_stride, int32_t segments, size_t segment_bytes, int8_t *to, size_t to_step,
                 int32_t rows);
} lks_cpu_matrix;

#define LKS_CPU_MATRIX_ROWS 32  /* that are multiplied at once */

#define LKS_CPU_MAX_VECTORS 4   /* that a tile is wide */
#define LKS_CPU_MAX_LANES 16

/*
 * Depthwise: `count` outputs of LANES channels, from taps four at a time.  Two forms:
 *
 * columns = 0  y[i][c] = tail(base[c] + sum over t of x[t][i * x_step + c] * w[t / 4][c][t % 4]).  x has 4 * groups pointers;
 *              what fills a group has weight 0 and points at anything readable.
 * else         Taps are a kernel of so many columns, 4 * quads rows each, and neighbouring outputs share columns: x are rows of
 *              an image of in_w columns, x_column bytes apart; output i begins at column first + i * step, and a column beyond
 *              the image is `pad`.  w is [column][quad][LANES][4].  lks_cpu_taps_slide says which there are.
 *
 * c is a channel, from `channel` on in x; w and scale are those of the LANES channels; y and acc begin with them.
 */
typedef struct lks_cpu_taps {
    const int8_t *const *x;
    size_t channel;
    const int8_t *w;
    int32_t groups, columns, quads, step, first, in_w, count;
    int32_t channels;           /* of each output that are stored, at most LANES */
    size_t x_step, x_column, y_step;        /* in bytes */
    const int8_t *pad;          /* LANES bytes */
    const int32_t *scale;       /* [LKS_CPU_SCALE_VECTORS][LANES] */
    lks_cpu_scaling scaling;
    lks_tail tail;
    int8_t *y;
    int32_t *acc;               /* [count][LANES], where scaling is LKS_CPU_ANY */
} lks_cpu_taps;

/*
 * The same for 4 * LANES channels of a kernel of 3 columns and at most 4 rows, step 1 or 2: lane i of vector k is channel
 * lks_cpu_lane_channel(k, i), as bytes fall when they are interleaved where they stand.  w is [column][vector][LANES][4], scale
 * [vector][LKS_CPU_SCALE_VECTORS][LANES]; scaling is not LKS_CPU_ANY.
 */
typedef void lks_cpu_wide_function(const lks_cpu_taps *t);

static inline int32_t lks_cpu_lane_channel(int32_t vector, int32_t lane)
{
    return 16 * (lane / 4) + 4 * vector + lane % 4;
}

/* Kernels of whose columns, quads of rows and steps there is the second form. */
static inline int lks_cpu_taps_slide(int32_t columns, int32_t quads, int32_t step)
{
    return (columns == 3 && quads == 1 && step <= 2) || (columns == 5 && quads == 2 && step <= 2)
        || (columns == 7 && quads == 2 && step == 1);
}

typedef struct lks_cpu_isa {
    const char *name;
    int32_t lanes;              /* int32 of a vector */
    int32_t max_vectors;        /* of columns in a tile */
    int32_t k_step;             /* elements of depth that one instruction takes: 2, 4 or 8 */
    int32_t x_bytes;            /* of an element of x in tiles: 1, or 2 where the set multiplies int16 */
    int32_t x_offset;           /* what tile and taps add to each x: 128 where instructions want it unsigned; scale.c folds it */
    const lks_cpu_tile_kernel *tiles[LKS_CPU_MAX_VECTORS];      /* by vectors - 1 */
    const lks_cpu_matrix *matrix;       /* NULL: it has tiles alone */
    void (*taps)(const lks_cpu_taps *t);
    lks_cpu_wide_function *wide;

    /* to[i] = x[i], i < count, as int16. */
    void (*widen)(const int8_t *x, int16_t *to, size_t count);
    /* The sum of count elements. */
    int32_t (*sum)(const int8_t *x, size_t count);

    /* y[i] = f(a[i * a_step], b[i * b_step]); steps are 0 or 1. */
    void (*pairs)(const lks_cpu_pair *p, const int8_t *a, size_t a_step, const int8_t *b, size_t b_step, int8_t *y, size_t count);
    /* y[i] = table[x[i] + 128] */
    void (*lut)(const int8_t *table, const int8_t *x, int8_t *y, size_t count);
    /* y[i] = tail(x[i] - x_zero) */
    void (*requant)(const lks_requantization *k, const int16_t *x, int8_t *y, size_t count);
    /* y[i] = the larger of y[i] and x[i]; of complements, i.e. the smaller, where smallest. */
    void (*max)(const int8_t *x, int8_t *y, size_t count, int32_t smallest);
    /* y[i] = clamp(y[i], lo, hi) */
    void (*clamp)(int8_t *y, size_t count, int32_t lo, int32_t hi);
    /* acc[i] += x[i] */
    void (*accumulate)(const int8_t *x, int32_t *acc, size_t count);
    /* y[i] = tail(acc[i]), all with one scale. */
    void (*finish)(const int32_t *acc, lks_rq rq, lks_tail tail, int8_t *y, size_t count);
    /* y[i] = clamp(acc[i] / k, y_min, y_max), rounded as spec 4.7 says; |acc[i]| <= 128 k, k < 2^22. */
    void (*average)(const int32_t *acc, int32_t k, lks_tail tail, int8_t *y, size_t count);
    /* The largest of count elements, at least 1. */
    int32_t (*top)(const int8_t *x, size_t count);
    /* sum of x[i] * w[i], modulo 2^32. */
    int32_t (*dot)(const int8_t *x, const int8_t *w, size_t count);
    int32_t (*dot16)(const int16_t *x, const int8_t *w, size_t count);
    /* One row of a bilinear image: y[i] from corners x[0..3][i], h and w as in lks_bilinear_value. */
    void (*bilinear)(const int8_t *const x[4], int32_t h, int32_t w, int32_t rounding, int8_t *y, size_t count);
} lks_cpu_isa;

/* The sets of this architecture, best first; ends with NULL.  The last, portable C, runs everywhere. */
extern const lks_cpu_isa *const lks_cpu_isas[];

/* Whether this machine has it. */
int lks_cpu_has(const lks_cpu_isa *isa);

/*
 * The set that is used: the one of that name, or the best where name is NULL.  NULL: it is unknown, or this machine has it not.
 */
const lks_cpu_isa *lks_cpu_choose_isa(const char *name);

/* Which sets this machine has and lacks, in words. */
void lks_cpu_list_isas(char *text, size_t bytes);

/* The processor's name, or "CPU"; and in words which set is used and why.  Both end with 0. */
void lks_cpu_describe_processor(char *name, size_t name_bytes, char *why, size_t why_bytes);

#endif
