/* SPDX-License-Identifier: Apache-2.0
 *
 * What the importers of single ops share: refusing, operands, quantization, activation ranges, windows, and emitting.
 *
 * Every check that returns a status has filled in the error when that is not LKS_OK.
 */
#ifndef LKS_IMPORT_TFLITE_OP_H
#define LKS_IMPORT_TFLITE_OP_H

#include "host/error.h"
#include "import/tflite_model.h"
#include "import/tflite_names.h"

typedef struct lks_tfl_op {
    lks_tfl_model *m;
    lks_tfl_operator o;
    char label[128];                     /* what errors call it: "op 3 (CONV_2D)" */
} lks_tfl_op;

/* Pass a failure on. */
#define LKS_TFL_TRY(call) \
    do { \
        lks_status try_status = (call); \
        if (try_status != LKS_OK) \
            return try_status; \
    } while (0)

/* Replace what is not printable ASCII by '?': names come from the file, and terminals obey some bytes beyond ASCII. */
void lks_tfl_printable(char *text);

/* Fill in the error as "file: label: reason" and return status. */
lks_status lks_tfl_refuse(const lks_tfl_op *op, lks_status status, const char *format, ...) LKS_PRINTF(3, 4);

/* The same: what has that rank, and should have the other. */
lks_status lks_tfl_refuse_rank(const lks_tfl_op *op, const char *what, uint32_t rank, uint32_t wanted);

/* ---- operands ------------------------------------------------------------------------------------------------------------ */

/* Which types an activation may have. */
typedef enum lks_tfl_types {
    LKS_TFL_I8_ONLY,
    LKS_TFL_I8_OR_U8,
    LKS_TFL_I8_U8_OR_I16,
    LKS_TFL_INDICES,        /* INT32, INT64 */
    LKS_TFL_ANY             /* of these */
} lks_tfl_types;

/* Whether operand i is there: optional ones may be left out. */
bool lks_tfl_has(const lks_tfl_op *op, uint32_t i);

/* Operand i, whatever it is.  role: "input", "weights", ...: what errors call it. */
lks_status lks_tfl_operand(const lks_tfl_op *op, uint32_t i, const char *role, lks_tfl_tensor **t);

/* Refused where a .lks file could not state the shape. */
lks_status lks_tfl_check_shape(const lks_tfl_op *op, const char *role, const lks_tfl_tensor *t);

/* Operand i, an activation that exists by now. */
lks_status lks_tfl_input(const lks_tfl_op *op, uint32_t i, lks_tfl_types types, lks_tfl_tensor **t);

/* Output 0, an activation that nothing has made yet.  Of another type than the one given: refused. */
lks_status lks_tfl_output(const lks_tfl_op *op, lks_tfl_types types, lks_tfl_tensor **t);

/* The same for output i. */
lks_status lks_tfl_output_at(const lks_tfl_op *op, uint32_t i, lks_tfl_types types, lks_tfl_tensor **t);

/* Operand 0 and output 0 of an op whose activations are all INT8, or all UINT8 (a legacy model). */
lks_status lks_tfl_unary(const lks_tfl_op *op, lks_tfl_tensor **x, lks_tfl_tensor **y);

/* Refused where an operand has another type than the output. */
lks_status lks_tfl_same_type(const lks_tfl_op *op, const lks_tfl_tensor *x, const lks_tfl_tensor *y);

/* Operand i, a variable of that type that is the state of no op so far; it becomes that of this one. */
lks_status lks_tfl_variable(const lks_tfl_op *op, uint32_t i, const char *role, int32_t type, lks_tfl_tensor **t);

/* Operand i, a constant of that type (an LKS_TFL_ number) whose data fits its shape. */
lks_status lks_tfl_constant(const lks_tfl_op *op, uint32_t i, const char *role, int32_t type, lks_tfl_tensor **t);

/* The number of elements; the shape has been checked by one of the above. */
uint32_t lks_tfl_elements(const lks_tfl_tensor *t);

/* Element i of a constant INT8 or UINT8 as the .lks stores it: an int8. */
uint8_t lks_tfl_stored_byte(const lks_tfl_tensor *t, uint32_t i);

/* Element i of a constant; a UINT8 as it is stored, 128 less. */
int64_t lks_tfl_value(const lks_tfl_tensor *t, uint32_t i);

/* ---- quantization -------------------------------------------------------------------------------------------------------- */

/* Of a whole tensor; zero in stored values, for UINT8 thus 128 less than in the file. */
typedef struct lks_tfl_quant {
    uint32_t scale;
    int32_t zero;
} lks_tfl_quant;

/* Refused where there is none, or one per channel, or a scale or zero point that is none. */
lks_status lks_tfl_quantization(const lks_tfl_op *op, const lks_tfl_tensor *t, lks_tfl_quant *q);

/* Which values an output may have after its fused activation function (schema.fbs: ActivationFunctionType). */
lks_status lks_tfl_range(const lks_tfl_op *op, const lks_fb_field *fused, lks_tfl_quant y, int32_t *y_min, int32_t *y_max);

/* The stored values that real ones from .. to have, from <= 0 <= to, within an int8. */
lks_status lks_tfl_between(const lks_tfl_op *op, lks_tfl_quant y, int32_t from, int32_t to, int32_t *y_min, int32_t *y_max);

/* ---- options ------------------------------------------------------------------------------------------------------------- */

/* An option, or its default; damage shows in m->fb.status, which the caller of the op's importer looks at. */
int64_t lks_tfl_option(const lks_tfl_op *op, const lks_fb_field *field);

/* ---- windows ------------------------------------------------------------------------------------------------------------- */

/* Where the options of an op with a window stand.  name NULL: the op has no such option. */
typedef struct lks_tfl_window_fields {
    lks_fb_field padding, stride_w, stride_h, dilation_w, dilation_h, kernel_w, kernel_h, fused;
} lks_tfl_window_fields;

/* One axis of a window that slides over an image: before and after is the padding. */
typedef struct lks_tfl_window {
    int32_t in, out, kernel;
    int64_t stride, dilation;
    int32_t before, after;
} lks_tfl_window;

/* Set the padding of one axis, of which all else is set.  Refused where its output has not the extent that the rule gives. */
lks_status lks_tfl_pad_window(const lks_tfl_op *op, const lks_fb_field *padding, const char *axis, lks_tfl_window *w);

/*
 * Both axes of the window of x [N, H, W, C] that makes y.
 *
 * kernel_h, kernel_w  for ops whose options do not state them.
 *
 * Refused where the extents of y are not those that the padding rule, SAME or VALID, gives.
 */
lks_status lks_tfl_windows(const lks_tfl_op *op, const lks_tfl_window_fields *f, const lks_tfl_tensor *x, const lks_tfl_tensor *y,
                           int32_t kernel_h, int32_t kernel_w, lks_tfl_window *h, lks_tfl_window *w);

/* ---- emitting ------------------------------------------------------------------------------------------------------------ */

/* Take bytes of constants from what the file may become; before work of that size is done.  LKS_ERR_LIMIT */
lks_status lks_tfl_spend(const lks_tfl_op *op, uint64_t bytes);

/* Add a constant to the .lks.  data in the machine's byte order; source: gives it its name, may be NULL. */
uint32_t lks_tfl_emit_constant(const lks_tfl_op *op, const lks_tfl_tensor *source, lks_type type, uint32_t rank,
                               const uint32_t *dims, const void *data);

/* Add a constant INT8 tensor as it is, or a UINT8 tensor with 128 taken from each element, once. */
lks_status lks_tfl_emit_plain(const lks_tfl_op *op, lks_tfl_tensor *t, uint32_t *index);

/* Operand i of an op that makes y, activation or constant, of its type: the quantization, and the index in the .lks. */
lks_status lks_tfl_either(const lks_tfl_op *op, uint32_t i, const lks_tfl_tensor *y, lks_tfl_quant *q, uint32_t *index,
                          bool *constant);

/* Add an activation. */
lks_status lks_tfl_emit_activation(const lks_tfl_op *op, lks_tfl_tensor *t);

/* Add output y and then the op: the last step of every importer. */
lks_status lks_tfl_emit(const lks_tfl_op *op, uint32_t kind, const uint32_t *operands, lks_tfl_tensor *y,
                        const lks_op_args *args);

/* Add an activation that only the .lks has, on the way to y: of y's type, quantization and name. */
lks_status lks_tfl_emit_between(const lks_tfl_op *op, const lks_tfl_tensor *y, uint32_t rank, const uint32_t *dims,
                                uint32_t *index);

#endif
