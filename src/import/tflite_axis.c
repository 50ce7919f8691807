/* SPDX-License-Identifier: Apache-2.0
 *
 * Axes, and lists of extents, as operands and options state them.
 */
#include "import/tflite_axis.h"

lks_status lks_tfl_axis(const lks_tfl_op *op, int64_t axis, uint32_t rank, uint32_t *settled)
{
    if (axis < -(int64_t)rank || axis >= rank)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "axis %lld of %u dimensions", (long long)axis, (unsigned)rank);
    *settled = (uint32_t)(axis < 0 ? axis + rank : axis);
    return LKS_OK;
}

lks_status lks_tfl_constant_axis(const lks_tfl_op *op, uint32_t i, uint32_t rank, uint32_t *axis)
{
    lks_tfl_tensor *t;

    LKS_TFL_TRY(lks_tfl_constant(op, i, "axis", LKS_TFL_INT32, &t));
    if (lks_tfl_elements(t) != 1)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the axis must be one number");
    return lks_tfl_axis(op, lks_tfl_value(t, 0), rank, axis);
}

lks_status lks_tfl_constant_list(const lks_tfl_op *op, uint32_t i, const char *role, uint32_t count, lks_tfl_tensor **t)
{
    LKS_TFL_TRY(lks_tfl_operand(op, i, role, t));
    LKS_TFL_TRY(lks_tfl_constant(op, i, role, (*t)->type == LKS_TFL_INT64 ? LKS_TFL_INT64 : LKS_TFL_INT32, t));
    if (lks_tfl_elements(*t) != count)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "%s has %u elements, not %u", role, (unsigned)lks_tfl_elements(*t),
                              (unsigned)count);
    return LKS_OK;
}
