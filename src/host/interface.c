/* SPDX-License-Identifier: Apache-2.0
 *
 * Interface bytes and stored values.  spec 2
 */
#include "host/interface.h"

#include <assert.h>
#include <string.h>

int64_t lks_interface_value(const void *data, lks_type type, uint64_t i)
{
    const size_t width = lks_type_bytes(type);
    const uint8_t *p = (const uint8_t *)data + i * width;
    const uint64_t sign = type == LKS_U8 ? 0 : (uint64_t)1 << (8 * width - 1);
    uint64_t v = 0;

    for (size_t k = 0; k < width; k++)
        v |= (uint64_t)p[k] << 8 * k;
    v = (v ^ sign) - sign;
    return v <= INT64_MAX ? (int64_t)v : -(int64_t)(UINT64_MAX - v) - 1;
}

static void put_value(uint8_t *data, lks_type type, size_t i, int64_t value)
{
    const size_t width = lks_type_bytes(type);

    for (size_t k = 0; k < width; k++)
        data[i * width + k] = (uint8_t)((uint64_t)value >> 8 * k);
}

static int64_t stored_value(const uint8_t *data, lks_type type, size_t i)
{
    int16_t i16;
    int32_t i32;

    if (type == LKS_I16) {
        memcpy(&i16, data + i * sizeof i16, sizeof i16);
        return i16;
    }
    assert(type == LKS_I32);
    memcpy(&i32, data + i * sizeof i32, sizeof i32);
    return i32;
}

/* false: the type does not hold it. */
static bool store_value(uint8_t *data, lks_type type, size_t i, int64_t value)
{
    const int64_t most = type == LKS_I16 ? INT16_MAX : INT32_MAX;

    if (value < -most - 1 || value > most)
        return false;
    if (type == LKS_I16)
        memcpy(data + i * sizeof(int16_t), &(int16_t){ (int16_t)value }, sizeof(int16_t));
    else
        memcpy(data + i * sizeof(int32_t), &(int32_t){ (int32_t)value }, sizeof(int32_t));
    return true;
}

/* u8 v is stored as v - 128, and back: the same exchange of the highest bit. */
static void exchange_u8(uint8_t *to, const uint8_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = from[i] ^ 0x80;
}

bool lks_interface_differs(const lks_tensor *t)
{
    return t->interface != LKS_I8;
}

size_t lks_interface_store(const lks_tensor *t, const void *data, size_t count, void *stored)
{
    if (t->interface == LKS_U8) {
        exchange_u8(stored, data, count);
        return count;
    }
    for (size_t i = 0; i < count; i++)
        if (!store_value(stored, t->type, i, lks_interface_value(data, t->interface, i)))
            return i;
    return count;
}

void lks_interface_load(const lks_tensor *t, void *data, size_t count)
{
    if (t->interface == LKS_U8)
        exchange_u8(data, data, count);
    else
        for (size_t i = count; i-- > 0;)        /* from the last: it may grow */
            put_value(data, t->interface, i, stored_value(data, t->type, i));
}
