/* SPDX-License-Identifier: Apache-2.0
 *
 * One output element as a worked sum: its terms, and every step of docs/spec.md that follows, with numbers.
 *
 * All of it is computed here, in 64 bits, from the formulas of the specification; neither spec/arith.h nor any kernel takes part,
 * so that the result is an opinion of its own.
 */
#ifndef LOCKSTEP_TOOLS_EXPLAIN_H
#define LOCKSTEP_TOOLS_EXPLAIN_H

#include "tools/errors.h"

#include "host/model.h"

#define EXPLAIN_COLUMNS 5
#define EXPLAIN_STEPS 96

/* One row of the sum, or of what a maximum is taken of. */
typedef struct explain_term {
    uint64_t index;
    bool padded;                            /* outside the image: `at` says nothing */
    uint32_t at[LKS_RANK_MAX], w_at[LKS_RANK_MAX];
    int64_t value[EXPLAIN_COLUMNS];
} explain_term;

typedef struct explain_step {
    char name[24], text[160];               /* what is computed, with numbers; may be empty */
    int64_t value;
} explain_step;

/* A tensor at the batch of the run. */
typedef struct explain_tensor {
    const lks_tensor *tensor;               /* NULL: the op has no such operand */
    uint32_t dims[LKS_RANK_MAX], rank;
    const uint8_t *data;                    /* activations: interface bytes; constants: NULL, see tensor->data */
} explain_tensor;

typedef struct explanation {
    const lks_op *op;
    explain_tensor *in, *out, y;            /* operands and outputs of the op, from malloc; y is out[output] */
    uint32_t output, at[LKS_RANK_MAX];
    bool all;                               /* keep every term */

    /* filled in by explain_op */
    const char *column[EXPLAIN_COLUMNS];    /* headings; the last column is what is summed */
    uint32_t columns;
    bool has_w, sums;                       /* terms have a place in w; the last column is summed */
    explain_term *term;                     /* from malloc */
    size_t kept, room;
    uint64_t terms;                         /* kept or not */
    uint64_t expected;                      /* how many there will be */
    int64_t sum, hidden;                    /* of the last column: of all terms; of those that are not kept */
    explain_step step[EXPLAIN_STEPS];
    size_t steps;
    uint64_t bound;                         /* of the accumulator, for this channel; 0: none */
    bool broken;                            /* |acc| exceeds the bound, or memory ran out: see error */
    int64_t stored, result;                 /* as stored, and in the interface type */
    lks_error *error;
} explanation;

/* Work out the element.  false: the op is not one that explain knows, or memory ran out, or the bound does not hold. */
bool explain_op(explanation *e);
void explain_close(explanation *e);

/* ---- explain_terms.c ------------------------------------------------------------------------------------------------------ */

/* From the place of an element to its index in row-major order, and back. */
uint64_t explain_index(const explain_tensor *t, const uint32_t *at);
void explain_coordinates(const explain_tensor *t, uint64_t index, uint32_t *at);

/* The stored value of an element.  spec 2 */
int64_t explain_element(const explain_tensor *t, uint64_t i);
int64_t explain_element_at(const explain_tensor *t, const uint32_t *at);

int64_t explain_maxabs(int64_t zero);           /* the largest |x - zero| of an int8 value.  spec 3.2 */
int64_t explain_magnitude(int64_t v);

/* Begin a sum, or what a maximum is taken of.  expected: how many terms there will be; names: of the columns. */
void explain_begin_terms(explanation *e, uint64_t expected, bool sums, uint32_t columns, const char *const *names);

/* Add a term.  at: its place in x; NULL: in the padding.  w_at: its place in w, or NULL.  value: of each column. */
void explain_add_term(explanation *e, const uint32_t *at, const uint32_t *w_at, const int64_t *value);

/* The same for terms (x - x_zero) * (w - w_zero). */
void explain_begin_products(explanation *e, uint64_t expected);
void explain_add_product(explanation *e, const uint32_t *at, const uint32_t *w_at, int64_t x, int64_t w, const int64_t zero[2]);

/* ---- explain_math.c: spec 3, with each step noted -------------------------------------------------------------------------- */

/* Note a step: name, value, and the text that leads to it. */
void explain_note(explanation *e, const char *name, int64_t value, const char *format, ...) TOOLS_PRINTF(4, 5);

/* spec 3.1; the names of its steps begin with prefix. */
int64_t explain_requant(explanation *e, const char *prefix, int64_t acc, int64_t m, int64_t s, int32_t rounding);

/* From an accumulator to the output: requant, zero point, clamp.  Checks the bound first. */
void explain_finish(explanation *e, int64_t acc, int64_t m, int64_t s, const int64_t tail[3], int32_t rounding);
void explain_clamp(explanation *e, int64_t value, int64_t lo, int64_t hi);

/* spec 4.9; note: with the steps. */
int64_t explain_softmax_exp(explanation *e, int64_t d, int64_t m, int64_t s, bool note);
int64_t explain_recip(explanation *e, int64_t a);
int64_t explain_shift(int64_t x, int64_t n);            /* floor(x / 2^n) */
int64_t explain_rshift(int64_t x, int64_t n);           /* spec 3.3 */
int64_t explain_mulh(int64_t a, int64_t b);             /* spec 3.3 */
int64_t explain_floor(int64_t a, int64_t b);            /* floor(a / b), b > 0 */

#endif
