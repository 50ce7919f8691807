/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commands say about tensors: types, shapes, digests.
 */
#include "tools/tensor.h"

#include <stdio.h>
#include <string.h>

bool tensor_get(const lks_model *model, uint32_t tensor, uint32_t batch, lks_tensor_info *info, lks_error *error)
{
    lks_model_info m;
    size_t image;

    if (lks_model_tensor(model, tensor, info) != LKS_OK)
        return error_set(error, "the model has no tensor %u", tensor);
    lks_model_get(model, &m);
    if (!m.batch_free || info->constant)
        return true;
    image = tensor_image_bytes(info);
    if (image != 0 && batch > SIZE_MAX / image)
        return error_set(error, "a batch of %u is too large for this machine", batch);
    info->dims[0] = batch;
    info->bytes = image * batch;
    return true;
}

const char *tensor_type_name(lks_type type)
{
    switch (type) {
    case LKS_I8: return "i8";
    case LKS_U8: return "u8";
    case LKS_I16: return "i16";
    case LKS_I32: return "i32";
    case LKS_I64: return "i64";
    }
    return "?";
}

size_t tensor_type_bytes(lks_type type)
{
    switch (type) {
    case LKS_I8:
    case LKS_U8: return 1;
    case LKS_I16: return 2;
    case LKS_I32: return 4;
    case LKS_I64: return 8;
    }
    return 1;
}

size_t tensor_image_bytes(const lks_tensor_info *t)
{
    return t->bytes / (t->dims[0] ? t->dims[0] : 1);
}

void tensor_shape(const lks_tensor_info *t, char text[SHAPE_SIZE])
{
    size_t used = 0;

    for (uint32_t i = 0; i < t->rank && i < LKS_RANK_MAX; i++)
        used += (size_t)snprintf(text + used, SHAPE_SIZE - used, "%s%u", i ? ", " : "[", t->dims[i]);
    snprintf(text + used, SHAPE_SIZE - used, "]");
}

double tensor_scale(const lks_tensor_info *t)
{
    float scale;

    memcpy(&scale, &t->scale_bits, sizeof scale);
    return (double)scale;
}

void tensor_digest(const void *data, size_t bytes, char hex[HEX_SIZE])
{
    uint8_t digest[LKS_DIGEST_SIZE];

    lks_sha256(data, bytes, digest);
    digest_hex(digest, hex);
}

void digest_hex(const uint8_t digest[LKS_DIGEST_SIZE], char hex[HEX_SIZE])
{
    for (int i = 0; i < LKS_DIGEST_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}
