/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader of FlatBuffers that trusts nothing.
 *
 * Every offset and length is checked against the file before a byte behind it is read, and bytes are read one by one, so
 * neither alignment nor the machine's byte order matters.  Nothing is recursive: the caller follows tables, field by field.
 *
 * The first damage is kept in the reader (status, and *error names the field); from then on every call returns absence: a table
 * or vector that is not there, a field's default.  So a caller may read a whole table and look at status once.
 *
 * Source of the format: "FlatBuffers internals" in the FlatBuffers documentation.
 */
#ifndef LKS_IMPORT_FLATBUFFER_H
#define LKS_IMPORT_FLATBUFFER_H

#include "lockstep/lockstep.h"

#include <stdbool.h>

typedef struct lks_fb {
    const uint8_t *bytes;
    size_t size;
    const char *name;           /* what errors call the file */
    lks_status status;          /* LKS_OK, or that of the first damage */
    lks_error *error;           /* NULL: nothing to fill in */
} lks_fb;

/* A field of the schema: its name in errors, its slot in the vtable, the bytes of a scalar (or of a vector's element) and its
 * default.  Vectors of offsets have 4 bytes. */
typedef struct lks_fb_field {
    const char *name;
    uint16_t slot;
    uint8_t bytes;
    int64_t absent;
} lks_fb_field;

/* at = 0: absent.  Made only by lks_fb_root, lks_fb_table_at and lks_fb_item_table, so always inside the file. */
typedef struct lks_fb_table {
    uint32_t at, bytes;
    uint32_t vtable, vtable_bytes;
} lks_fb_table;

/* The elements of a vector: count * bytes bytes from at, all inside the file.  Absent and empty look alike. */
typedef struct lks_fb_vector {
    uint32_t at, count;
    uint8_t bytes;
    const char *name;
} lks_fb_vector;

/* Begin to read.  size at most LKS_FB_MAX: larger files are damage. */
#define LKS_FB_MAX 0x7fffffffu
lks_fb lks_fb_open(const void *bytes, size_t size, const char *name, lks_error *error);

/* The root table. */
lks_fb_table lks_fb_root(lks_fb *fb, const char *name);

/* Whether a field is written down. */
bool lks_fb_has(lks_fb *fb, lks_fb_table table, const lks_fb_field *field);

/* A scalar, sign-extended; its default where it is not written down. */
int64_t lks_fb_signed(lks_fb *fb, lks_fb_table table, const lks_fb_field *field);
/* The same without a sign. */
uint64_t lks_fb_unsigned(lks_fb *fb, lks_fb_table table, const lks_fb_field *field);

lks_fb_table lks_fb_table_at(lks_fb *fb, lks_fb_table table, const lks_fb_field *field);
lks_fb_vector lks_fb_vector_at(lks_fb *fb, lks_fb_table table, const lks_fb_field *field);

/* Element i < count of a vector of scalars. */
int64_t lks_fb_item_signed(const lks_fb *fb, lks_fb_vector vector, uint32_t i);
uint64_t lks_fb_item_unsigned(const lks_fb *fb, lks_fb_vector vector, uint32_t i);

/* Element i < count of a vector of tables. */
lks_fb_table lks_fb_item_table(lks_fb *fb, lks_fb_vector vector, uint32_t i);

#endif
