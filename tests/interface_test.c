/* SPDX-License-Identifier: Apache-2.0
 *
 * Interface bytes are little-endian on every machine: comparing them, storing them, giving them back.  A plain program, because a
 * big-endian machine is what can get this wrong, and CI runs it there.
 */
#include "host/interface.h"

#include <stdio.h>
#include <string.h>

static int failures;

static void expect(int holds, const char *what)
{
    if (!holds) {
        printf("FAIL %s\n", what);
        failures++;
    }
}

/* Two elements; the second is the value. */
static const struct {
    const char *name;
    lks_type type;
    size_t width;
    uint8_t bytes[16];
    int64_t value;
} values[] = {
    { "i8", LKS_I8, 1, { 0, 0x80 }, -128 },
    { "u8", LKS_U8, 1, { 0, 0x80 }, 128 },
    { "i16", LKS_I16, 2, { 0, 0, 0x34, 0x12 }, 0x1234 },
    { "negative i16", LKS_I16, 2, { 0, 0, 0x01, 0x80 }, -32767 },
    { "i32", LKS_I32, 4, { 0, 0, 0, 0, 0x78, 0x56, 0x34, 0x12 }, 0x12345678 },
    { "lowest i32", LKS_I32, 4, { 0, 0, 0, 0, 0, 0, 0, 0x80 }, INT32_MIN },
    { "i64", LKS_I64, 8, { 0, 0, 0, 0, 0, 0, 0, 0, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01 }, 0x0123456789abcdef },
    { "negative i64", LKS_I64, 8, { 0, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, -2 },
    { "lowest i64", LKS_I64, 8, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80 }, INT64_MIN }
};

static void compare(void)
{
    static const uint8_t zeros[16];

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        const lks_tensor_info t = { .type = values[i].type, .rank = 1, .dims = { 2 } };
        lks_mismatch m, back;

        expect(lks_compare(&t, zeros, values[i].bytes, 2 * values[i].width, &m) == LKS_ERR_MISMATCH, values[i].name);
        expect(lks_compare(&t, values[i].bytes, zeros, 2 * values[i].width, &back) == LKS_ERR_MISMATCH, values[i].name);
        expect(m.count == 1 && m.first == 1 && m.at[0] == 1, values[i].name);
        expect(m.expected == 0 && m.got == values[i].value, values[i].name);
        expect(back.expected == values[i].value && back.got == 0, values[i].name);
    }
}

static const uint8_t halves[] = { 0x34, 0x12, 0x01, 0x80, 0xff, 0xff },
                     words[] = { 0x78, 0x56, 0x34, 0x12, 0xfe, 0xff, 0xff, 0xff },
                     longs[] = { 0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                 0, 0, 0, 0x80, 0, 0, 0, 0 };
static const int16_t halves_stored[] = { 0x1234, -32767, -1 };
static const int32_t words_stored[] = { 0x12345678, -2 };

/* count elements there, and back in place. */
static void both_ways(const char *name, lks_type type, lks_type interface, const uint8_t *bytes, const void *stored, size_t count)
{
    const lks_tensor t = { .type = type, .interface = interface };
    uint8_t room[64];

    expect(lks_interface_differs(&t), name);
    expect(lks_interface_store(&t, bytes, count, room) == count, name);
    expect(memcmp(room, stored, count * lks_type_bytes(type)) == 0, name);
    lks_interface_load(&t, room, count);
    expect(memcmp(room, bytes, count * lks_type_bytes(interface)) == 0, name);
}

int main(void)
{
    static const uint8_t pixels[] = { 0, 128, 255 };
    static const int8_t pixels_stored[] = { -128, 0, 127 };
    const lks_tensor wide = { .type = LKS_I32, .interface = LKS_I64 }, plain = { .type = LKS_I8, .interface = LKS_I8 };
    int32_t room[3];

    compare();
    both_ways("u8", LKS_I8, LKS_U8, pixels, pixels_stored, 3);
    both_ways("i16", LKS_I16, LKS_I16, halves, halves_stored, 3);
    both_ways("i32", LKS_I32, LKS_I32, words, words_stored, 2);
    both_ways("i64", LKS_I32, LKS_I64, longs, words_stored, 2);
    expect(lks_interface_store(&wide, longs, 3, room) == 2, "an i64 that is no i32");
    expect(!lks_interface_differs(&plain), "i8");
    puts(failures ? "FAILED" : "PASSED");
    return failures != 0;
}
