/* SPDX-License-Identifier: Apache-2.0
 *
 * The FlatBuffer reader of import/flatbuffer.c: a small buffer made by hand, sound and with each kind of damage.
 */
#include "import/flatbuffer.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(rows) (sizeof rows / sizeof rows[0])

static const lks_fb_field
    scalar = { "T.scalar", 0, 4, 9 },
    numbers = { "T.numbers", 1, 4, 0 },
    inner = { "T.inner", 2, 4, 0 },
    unset = { "T.unset", 3, 4, -42 },
    later = { "T.later", 9, 2, 43 },
    inners = { "T.inners", 4, 4, 0 };

/* Offsets, for the rows below. */
enum { ROOT = 0, VTABLE = 8, TABLE = 22, NUMBERS = 42, INNER_VTABLE = 54, INNER = 58, INNERS = 62, END = 70 };

static const uint8_t sound[END] = {
    TABLE, 0, 0, 0,  'T', 'E', 'S', 'T',
    14, 0, 20, 0,  4, 0, 8, 0, 12, 0, 0, 0, 16, 0,          /* VTABLE: bytes of itself, of the table; slots 0 to 4 */
    TABLE - VTABLE, 0, 0, 0,                                /* TABLE: the way back to its vtable */
    0xfb, 0xff, 0xff, 0xff,                                 /* scalar */
    NUMBERS - TABLE - 8, 0, 0, 0,
    INNER - TABLE - 12, 0, 0, 0,
    INNERS - TABLE - 16, 0, 0, 0,
    2, 0, 0, 0,  7, 0, 0, 0,  0xfe, 0xff, 0xff, 0xff,       /* NUMBERS */
    4, 0, 4, 0,                                             /* INNER_VTABLE */
    INNER - INNER_VTABLE, 0, 0, 0,                          /* INNER */
    1, 0, 0, 0,  0xf8, 0xff, 0xff, 0x7f,                    /* INNERS: its element points far away */
};

/* Read all there is, as an importer would; the status at the end. */
static lks_status read_all(const uint8_t *bytes, size_t size, lks_error *error)
{
    lks_fb fb = lks_fb_open(bytes, size, "file", error);
    lks_fb_table root = lks_fb_root(&fb, "Root");
    lks_fb_vector v;

    (void)lks_fb_signed(&fb, root, &scalar);
    v = lks_fb_vector_at(&fb, root, &numbers);
    for (uint32_t i = 0; i < v.count; i++)
        (void)lks_fb_item_signed(&fb, v, i);
    (void)lks_fb_signed(&fb, lks_fb_table_at(&fb, root, &inner), &scalar);
    (void)lks_fb_vector_at(&fb, root, &inners);
    return fb.status;
}

Test(import_flatbuffer, reads_a_sound_buffer)
{
    lks_error error;
    lks_fb fb = lks_fb_open(sound, sizeof sound, "file", &error);
    lks_fb_table root = lks_fb_root(&fb, "Root"), table;
    lks_fb_vector v;

    cr_assert(root.at == TABLE && fb.status == LKS_OK);
    cr_expect(lks_fb_signed(&fb, root, &scalar) == -5);
    cr_expect(lks_fb_unsigned(&fb, root, &scalar) == 0xfffffffbu);
    cr_expect(lks_fb_has(&fb, root, &scalar) && !lks_fb_has(&fb, root, &unset) && !lks_fb_has(&fb, root, &later));
    cr_expect(lks_fb_signed(&fb, root, &unset) == -42 && lks_fb_signed(&fb, root, &later) == 43);
    v = lks_fb_vector_at(&fb, root, &numbers);
    cr_assert(v.count == 2);
    cr_expect(lks_fb_item_signed(&fb, v, 0) == 7 && lks_fb_item_signed(&fb, v, 1) == -2);
    cr_expect(lks_fb_item_unsigned(&fb, v, 1) == 0xfffffffeu);
    table = lks_fb_table_at(&fb, root, &inner);
    cr_expect(table.at == INNER);
    cr_expect(lks_fb_signed(&fb, table, &scalar) == 9);
    cr_expect(lks_fb_table_at(&fb, root, &unset).at == 0 && lks_fb_vector_at(&fb, root, &unset).count == 0);
    cr_expect(fb.status == LKS_OK);
}

Test(import_flatbuffer, absence_is_harmless)
{
    lks_error error;
    lks_fb fb = lks_fb_open(sound, sizeof sound, "file", &error);
    lks_fb_table none = { 0 };

    cr_expect(lks_fb_signed(&fb, none, &unset) == -42 && !lks_fb_has(&fb, none, &scalar));
    cr_expect(lks_fb_table_at(&fb, none, &inner).at == 0 && lks_fb_vector_at(&fb, none, &numbers).count == 0);
    cr_expect(fb.status == LKS_OK);
}

/* Eight bytes: the whole range of a field of 8, and its sign. */
Test(import_flatbuffer, reads_wide_fields)
{
    static const lks_fb_field wide = { "T.wide", 0, 8, 0 };
    uint8_t bytes[] = { 14, 0, 0, 0, 0, 0, 0, 0, 6, 0, 12, 0, 4, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80 };
    lks_error error;
    lks_fb fb = lks_fb_open(bytes, sizeof bytes, "file", &error);
    lks_fb_table root = lks_fb_root(&fb, "Root");

    cr_expect(lks_fb_signed(&fb, root, &wide) == INT64_MIN);
    cr_expect(lks_fb_unsigned(&fb, root, &wide) == UINT64_C(1) << 63);
    memset(bytes + sizeof bytes - 8, 0xff, 8);
    cr_expect(lks_fb_signed(&fb, root, &wide) == -1);
    cr_expect(fb.status == LKS_OK);
}

/* One number overwritten; the message must name the field. */
static const struct {
    uint32_t at, bytes, value;
    const char *field;
} damages[] = {
    { ROOT, 4, 0, "Root" },
    { ROOT, 4, END - 3, "Root" },
    { ROOT, 4, END, "Root" },
    { ROOT, 4, 0x7fffffff, "Root" },
    { ROOT, 4, 0xffffffff, "Root" },
    { TABLE, 4, 0x7fffffff, "Root" },           /* the vtable before the file */
    { TABLE, 4, 0x80000000, "Root" },           /* behind it */
    { TABLE, 4, TABLE + 1, "Root" },
    { TABLE, 4, (uint32_t)(TABLE - END), "Root" },
    { TABLE, 4, (uint32_t)(TABLE - END + 3), "Root" },
    { VTABLE, 2, 0, "Root" },
    { VTABLE, 2, 3, "Root" },
    { VTABLE, 2, END - VTABLE + 1, "Root" },
    { VTABLE, 2, 0xffff, "Root" },
    { VTABLE + 2, 2, 0, "Root" },
    { VTABLE + 2, 2, 3, "Root" },
    { VTABLE + 2, 2, END - TABLE + 1, "Root" },
    { VTABLE + 2, 2, 0xffff, "Root" },
    { VTABLE + 4, 2, 1, "T.scalar" },           /* on the way back to the vtable */
    { VTABLE + 4, 2, 3, "T.scalar" },
    { VTABLE + 4, 2, 17, "T.scalar" },          /* across the end of the table */
    { VTABLE + 4, 2, 0xffff, "T.scalar" },
    { VTABLE + 6, 2, 17, "T.numbers" },
    { TABLE + 8, 4, 0, "T.numbers" },
    { TABLE + 8, 4, END - TABLE - 8 - 3, "T.numbers" },
    { TABLE + 8, 4, END - TABLE - 8, "T.numbers" },
    { TABLE + 8, 4, 0xfffffff0, "T.numbers" },
    { NUMBERS, 4, 7, "T.numbers" },             /* one element too many for the file */
    { NUMBERS, 4, 0x3fffffff, "T.numbers" },
    { NUMBERS, 4, 0x40000000, "T.numbers" },    /* times 4: 2^32 */
    { NUMBERS, 4, 0x80000000, "T.numbers" },
    { NUMBERS, 4, 0xffffffff, "T.numbers" },
    { TABLE + 12, 4, 0, "T.inner" },
    { TABLE + 12, 4, 0x7fffffff, "T.inner" },
    { INNER, 4, 0x7fffffff, "T.inner" },
    { INNER_VTABLE, 2, 2, "T.inner" },
    { INNER_VTABLE + 2, 2, 0xffff, "T.inner" },
};

Test(import_flatbuffer, names_the_damaged_field)
{
    for (size_t i = 0; i < COUNT(damages); i++) {
        uint8_t *bytes = malloc(END);           /* of its own, so that a sanitizer sees its ends */
        lks_error error = { LKS_OK, "" };

        memcpy(bytes, sound, END);
        for (uint32_t b = 0; b < damages[i].bytes; b++)
            bytes[damages[i].at + b] = (uint8_t)(damages[i].value >> 8 * b);
        cr_expect(read_all(bytes, END, &error) == LKS_ERR_FORMAT, "damage %zu is not seen", i);
        cr_expect(strncmp(error.text, "file: ", 6) == 0 && strstr(error.text, damages[i].field), "damage %zu: %s", i, error.text);
        free(bytes);
    }
}

Test(import_flatbuffer, an_element_may_point_nowhere)
{
    lks_error error;
    lks_fb fb = lks_fb_open(sound, sizeof sound, "file", &error);
    lks_fb_vector v = lks_fb_vector_at(&fb, lks_fb_root(&fb, "Root"), &inners);

    cr_assert(v.count == 1);
    cr_expect(lks_fb_item_table(&fb, v, 0).at == 0);
    cr_expect(fb.status == LKS_ERR_FORMAT && strstr(error.text, "T.inners"));
}

Test(import_flatbuffer, the_first_damage_stays)
{
    lks_error error;
    uint8_t bytes[END];
    lks_fb fb;
    lks_fb_table root;

    memcpy(bytes, sound, END);
    bytes[VTABLE + 4] = 1;
    fb = lks_fb_open(bytes, sizeof bytes, "file", &error);
    root = lks_fb_root(&fb, "Root");
    cr_expect(lks_fb_signed(&fb, root, &scalar) == 9);      /* its default */
    cr_expect(lks_fb_vector_at(&fb, root, &numbers).count == 0 && lks_fb_table_at(&fb, root, &inner).at == 0);
    cr_expect(fb.status == LKS_ERR_FORMAT && strstr(error.text, "T.scalar") && !strstr(error.text, "T.numbers"));
}

Test(import_flatbuffer, every_truncation_is_safe)
{
    for (size_t size = 0; size < END; size++) {
        uint8_t *bytes = malloc(size ? size : 1);
        lks_error error;

        memcpy(bytes, sound, size);
        cr_expect(read_all(bytes, size, &error) == LKS_ERR_FORMAT, "cut at %zu", size);
        free(bytes);
    }
}

Test(import_flatbuffer, needs_no_error_to_fill_in)
{
    cr_expect(read_all(sound, 10, NULL) == LKS_ERR_FORMAT);
}
