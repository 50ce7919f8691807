/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparing two tensors: equal bytes, or where they differ.
 */
#include "host/interface.h"

#include <string.h>

/* Row-major; the first coordinate takes what is left, so that it counts through any batch. */
static void coordinates(const lks_tensor_info *t, uint64_t index, uint32_t at[LKS_RANK_MAX])
{
    for (uint32_t i = t->rank; i-- > 1;) {
        at[i] = (uint32_t)(index % t->dims[i]);
        index /= t->dims[i];
    }
    at[0] = (uint32_t)index;
}

lks_status lks_compare(const lks_tensor_info *t, const void *expected, const void *got, size_t bytes, lks_mismatch *mismatch)
{
    size_t width = lks_type_bytes(t->type), image = width;

    *mismatch = (lks_mismatch){ 0 };
    if (t->rank < 1 || t->rank > LKS_RANK_MAX)
        return LKS_ERR_ARGUMENT;
    for (uint32_t i = 1; i < t->rank; i++)
        image *= t->dims[i];
    if (bytes == 0 || image == 0 || bytes % image != 0)
        return LKS_ERR_ARGUMENT;
    if (memcmp(expected, got, bytes) == 0)
        return LKS_OK;
    for (uint64_t i = 0; i < bytes / width; i++) {
        if (memcmp((const uint8_t *)expected + i * width, (const uint8_t *)got + i * width, width) == 0)
            continue;
        if (mismatch->count++ == 0) {
            mismatch->first = i;
            mismatch->expected = lks_interface_value(expected, t->type, i);
            mismatch->got = lks_interface_value(got, t->type, i);
            coordinates(t, i, mismatch->at);
        }
    }
    return LKS_ERR_MISMATCH;
}
