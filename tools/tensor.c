/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commands say about tensors: types, shapes, values, digests.
 */
#include "tools/tensor.h"

#include <stdio.h>
#include <stdlib.h>
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

int64_t tensor_value(lks_type type, const void *data, size_t i)
{
    const uint8_t *at = (const uint8_t *)data + i * tensor_type_bytes(type);
    int16_t i16;
    int32_t i32;
    int64_t i64;

    switch (type) {
    case LKS_I8: return *at < 128 ? *at : *at - 256;
    case LKS_U8: return *at;
    case LKS_I16: memcpy(&i16, at, sizeof i16); return i16;
    case LKS_I32: memcpy(&i32, at, sizeof i32); return i32;
    case LKS_I64: break;
    }
    memcpy(&i64, at, sizeof i64);
    return i64;
}

double tensor_scale(const lks_tensor_info *t)
{
    float scale;

    memcpy(&scale, &t->scale_bits, sizeof scale);
    return (double)scale;
}

static bool big_endian(void)
{
    const uint16_t one = 1;

    return *(const uint8_t *)&one == 0;
}

void tensor_swap(lks_type type, void *data, size_t bytes)
{
    size_t n = tensor_type_bytes(type);

    if (n == 1 || !big_endian())
        return;
    for (uint8_t *p = data; bytes >= n; p += n, bytes -= n)
        for (size_t i = 0; i < n / 2; i++) {
            uint8_t low = p[i];

            p[i] = p[n - 1 - i];
            p[n - 1 - i] = low;
        }
}

bool tensor_digest(lks_type type, const void *data, size_t bytes, char hex[HEX_SIZE], lks_error *error)
{
    uint8_t digest[LKS_DIGEST_SIZE];
    void *copy;

    if (tensor_type_bytes(type) == 1 || !big_endian()) {
        lks_sha256(data, bytes, digest);
    } else {
        copy = malloc(bytes ? bytes : 1);
        if (!copy)
            return error_memory(error);
        memcpy(copy, data, bytes);
        tensor_swap(type, copy, bytes);
        lks_sha256(copy, bytes, digest);
        free(copy);
    }
    digest_hex(digest, hex);
    return true;
}

void digest_hex(const uint8_t digest[LKS_DIGEST_SIZE], char hex[HEX_SIZE])
{
    for (int i = 0; i < LKS_DIGEST_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}
