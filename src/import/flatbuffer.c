/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader of FlatBuffers that trusts nothing.
 */
#include "import/flatbuffer.h"

#include "host/error.h"

#include <assert.h>

/* Sizes of the format: offsets, and the two fields that open a vtable. */
enum { OFFSET = 4, VTABLE_HEAD = 4 };

static const lks_fb_table no_table;

/* Keep the first damage. */
static void damage(lks_fb *fb, const char *field, const char *what)
{
    if (fb->status == LKS_OK)
        fb->status = lks_fail(fb->error, LKS_ERR_FORMAT, "%s: damaged file: %s %s", fb->name, field, what);
}

static bool inside(const lks_fb *fb, uint64_t at, uint64_t bytes)
{
    return at <= fb->size && bytes <= fb->size - at;
}

/* Little-endian; the caller has checked the range. */
static uint64_t load(const lks_fb *fb, uint64_t at, uint32_t bytes)
{
    uint64_t v = 0;

    assert(inside(fb, at, bytes) && bytes <= 8);
    for (uint32_t i = 0; i < bytes; i++)
        v |= (uint64_t)fb->bytes[at + i] << (8 * i);
    return v;
}

static int64_t extend(uint64_t v, uint32_t bytes)
{
    uint64_t sign = UINT64_C(1) << (8 * bytes - 1);

    return v & sign ? -(int64_t)((2 * sign - 1 - v)) - 1 : (int64_t)v;
}

/* Where the offset stored at `at` leads; 0, which nothing else is, for damage. */
static uint32_t follow(lks_fb *fb, uint64_t at, const char *field)
{
    uint64_t offset, target;

    if (!inside(fb, at, OFFSET)) {
        damage(fb, field, "lies beyond the end");
        return 0;
    }
    offset = load(fb, at, OFFSET);
    target = at + offset;
    if (offset == 0 || !inside(fb, target, OFFSET)) {
        damage(fb, field, "points beyond the end");
        return 0;
    }
    return (uint32_t)target;
}

static lks_fb_table open_table(lks_fb *fb, uint32_t at, const char *field)
{
    lks_fb_table t = no_table;
    int64_t vtable;

    if (at == 0)
        return no_table;
    vtable = (int64_t)at - extend(load(fb, at, OFFSET), OFFSET);
    if (vtable < 0 || !inside(fb, (uint64_t)vtable, VTABLE_HEAD)) {
        damage(fb, field, "has its field list beyond the file");
        return no_table;
    }
    t.at = at;
    t.vtable = (uint32_t)vtable;
    t.vtable_bytes = (uint32_t)load(fb, t.vtable, 2);
    t.bytes = (uint32_t)load(fb, (uint64_t)t.vtable + 2, 2);
    if (t.vtable_bytes < VTABLE_HEAD || !inside(fb, t.vtable, t.vtable_bytes)) {
        damage(fb, field, "has a field list of impossible size");
        return no_table;
    }
    if (t.bytes < OFFSET || !inside(fb, at, t.bytes)) {
        damage(fb, field, "has an impossible size");
        return no_table;
    }
    return t;
}

/* Where a field of that many bytes stands; 0: it is not written down, or damaged. */
static uint32_t field_at(lks_fb *fb, lks_fb_table table, const lks_fb_field *field, uint32_t bytes)
{
    uint32_t entry = VTABLE_HEAD + 2 * (uint32_t)field->slot, offset;

    if (table.at == 0 || fb->status != LKS_OK || entry + 2 > table.vtable_bytes)
        return 0;
    offset = (uint32_t)load(fb, (uint64_t)table.vtable + entry, 2);
    if (offset == 0)
        return 0;
    if (offset < OFFSET || offset + bytes > table.bytes) {
        damage(fb, field->name, "stands outside its table");
        return 0;
    }
    return table.at + offset;
}

lks_fb lks_fb_open(const void *bytes, size_t size, const char *name, lks_error *error)
{
    lks_fb fb = { bytes, size, name, LKS_OK, error };

    if (size > LKS_FB_MAX) {
        fb.size = 0;
        damage(&fb, "its size", "is beyond 2^31 - 1 bytes");
    }
    return fb;
}

lks_fb_table lks_fb_root(lks_fb *fb, const char *name)
{
    return fb->status == LKS_OK ? open_table(fb, follow(fb, 0, name), name) : no_table;
}

bool lks_fb_has(lks_fb *fb, lks_fb_table table, const lks_fb_field *field)
{
    return field_at(fb, table, field, field->bytes) != 0;
}

uint64_t lks_fb_unsigned(lks_fb *fb, lks_fb_table table, const lks_fb_field *field)
{
    uint32_t at = field_at(fb, table, field, field->bytes);

    return at == 0 ? (uint64_t)field->absent : load(fb, at, field->bytes);
}

int64_t lks_fb_signed(lks_fb *fb, lks_fb_table table, const lks_fb_field *field)
{
    uint32_t at = field_at(fb, table, field, field->bytes);

    return at == 0 ? field->absent : extend(load(fb, at, field->bytes), field->bytes);
}

lks_fb_table lks_fb_table_at(lks_fb *fb, lks_fb_table table, const lks_fb_field *field)
{
    uint32_t at = field_at(fb, table, field, OFFSET);

    return at == 0 ? no_table : open_table(fb, follow(fb, at, field->name), field->name);
}

lks_fb_vector lks_fb_vector_at(lks_fb *fb, lks_fb_table table, const lks_fb_field *field)
{
    lks_fb_vector v = { 0, 0, field->bytes, field->name };
    uint32_t at = field_at(fb, table, field, OFFSET);
    uint64_t count;

    if (at == 0 || (at = follow(fb, at, field->name)) == 0)
        return v;
    count = load(fb, at, OFFSET);
    if (!inside(fb, (uint64_t)at + OFFSET, count * field->bytes)) {     /* at most 2^32 * 8: no overflow */
        damage(fb, field->name, "is longer than the file");
        return v;
    }
    v.at = at + OFFSET;
    v.count = (uint32_t)count;
    return v;
}

uint64_t lks_fb_item_unsigned(const lks_fb *fb, lks_fb_vector vector, uint32_t i)
{
    assert(i < vector.count);
    return load(fb, vector.at + (uint64_t)i * vector.bytes, vector.bytes);
}

int64_t lks_fb_item_signed(const lks_fb *fb, lks_fb_vector vector, uint32_t i)
{
    return extend(lks_fb_item_unsigned(fb, vector, i), vector.bytes);
}

lks_fb_table lks_fb_item_table(lks_fb *fb, lks_fb_vector vector, uint32_t i)
{
    assert(i < vector.count && vector.bytes == OFFSET);
    if (fb->status != LKS_OK)
        return no_table;
    return open_table(fb, follow(fb, vector.at + (uint64_t)i * OFFSET, vector.name), vector.name);
}
