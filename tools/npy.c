/* SPDX-License-Identifier: Apache-2.0
 *
 * NumPy's .npy files: a strict reader, and a writer of the same bytes as numpy.save.
 */
#include "tools/npy.h"
#include "tools/output.h"
#include "tools/tensor.h"

#include <stdio.h>
#include <string.h>

#define MAGIC_SIZE 6
#define GROWTH_DIGITS 21        /* NumPy leaves room for the first extent to grow to so many digits */

/* The header text, a Python dictionary of literals, while it is being read. */
typedef struct cursor {
    const char *at, *end;
} cursor;

typedef struct header {
    char descr[16];
    bool fortran_order;
    uint32_t rank;
    uint64_t dims[NPY_RANK_MAX];
    bool has_descr, has_order, has_shape;
} header;

static void skip_space(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n'))
        c->at++;
}

/* The next token, if it is that one. */
static bool take(cursor *c, const char *token)
{
    size_t n = strlen(token);

    skip_space(c);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, token, n) != 0)
        return false;
    c->at += n;
    return true;
}

/* 'text' or "text", without escapes. */
static bool take_string(cursor *c, char *text, size_t size)
{
    char quote;
    size_t n = 0;

    skip_space(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"'))
        return false;
    quote = *c->at++;
    while (c->at < c->end && *c->at != quote) {
        if (n + 1 >= size || *c->at == '\\' || *c->at == '\0')
            return false;
        text[n++] = *c->at++;
    }
    text[n] = '\0';
    return take(c, quote == '"' ? "\"" : "'");
}

static bool take_number(cursor *c, uint64_t *value)
{
    const char *start;

    skip_space(c);
    start = c->at;
    for (*value = 0; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        if (*value > (UINT64_MAX - 9) / 10)
            return false;
        *value = *value * 10 + (uint64_t)(*c->at - '0');
    }
    return c->at > start;
}

/* (), (3,), (3, 4) or (3, 4,) */
static bool take_shape(cursor *c, header *h)
{
    bool comma = true;

    if (!take(c, "("))
        return false;
    for (h->rank = 0; !take(c, ")"); h->rank++) {
        if (!comma || h->rank == NPY_RANK_MAX || !take_number(c, &h->dims[h->rank]))
            return false;
        comma = take(c, ",");
    }
    return h->rank != 1 || comma;       /* (3) is a number in Python, not a shape */
}

static bool take_value(cursor *c, const char *key, header *h)
{
    if (strcmp(key, "descr") == 0 && !h->has_descr)
        return h->has_descr = take_string(c, h->descr, sizeof h->descr);
    if (strcmp(key, "fortran_order") == 0 && !h->has_order) {
        h->fortran_order = take(c, "True");
        return h->has_order = h->fortran_order || take(c, "False");
    }
    if (strcmp(key, "shape") == 0 && !h->has_shape)
        return h->has_shape = take_shape(c, h);
    return false;
}

static bool take_header(cursor *c, header *h)
{
    char key[16];
    bool comma = true;

    memset(h, 0, sizeof *h);
    if (!take(c, "{"))
        return false;
    while (!take(c, "}")) {
        if (!comma || !take_string(c, key, sizeof key) || !take(c, ":") || !take_value(c, key, h))
            return false;
        comma = take(c, ",");
    }
    skip_space(c);
    return c->at == c->end && h->has_descr && h->has_order && h->has_shape;
}

bool npy_is(const uint8_t *bytes, size_t size)
{
    return size >= MAGIC_SIZE && memcmp(bytes, "\x93NUMPY", MAGIC_SIZE) == 0;
}

/* Find the header text and the start of the data. */
static bool frame(const uint8_t *bytes, size_t size, const char *name, cursor *text, lks_error *error)
{
    size_t before, length;

    if (!npy_is(bytes, size) || size < MAGIC_SIZE + 4)
        return error_set(error, "%s: not a .npy file, or cut short", name);
    if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0)
        return error_set(error, "%s: .npy version %u.%u: only 1.0, 2.0 and 3.0 are known", name, bytes[6], bytes[7]);
    before = bytes[6] == 1 ? 10 : 12;
    if (size < before)
        return error_set(error, "%s: header: the file is cut short", name);
    length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
    if (bytes[6] > 1)
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (length > NPY_HEADER_MAX)
        return error_set(error, "%s: header: %zu bytes, more than the %d that are read", name, length, NPY_HEADER_MAX);
    if (length > size - before)
        return error_set(error, "%s: header: the file is cut short", name);
    text->at = (const char *)bytes + before;
    text->end = text->at + length;
    return true;
}

const char *npy_type(lks_type type)
{
    switch (type) {
    case LKS_I8: return "|i1";
    case LKS_U8: return "|u1";
    case LKS_I16: return "<i2";
    case LKS_I32: return "<i4";
    case LKS_I64: break;
    }
    return "<i8";
}

static bool find_type(const char *descr, const char *name, lks_type *type, lks_error *error)
{
    const lks_type known[] = { LKS_I8, LKS_U8, LKS_I16, LKS_I32, LKS_I64 };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const char *spelling = npy_type(known[i]);
        bool order_matters = spelling[0] != '|';

        *type = known[i];
        if (descr[0] != '\0' && strcmp(descr + 1, spelling + 1) == 0
            && (descr[0] == spelling[0] || (!order_matters && strchr("<>=", descr[0]))))
            return true;
    }
    if (descr[0] == '>')
        return error_set(error, "%s: dtype %s is big-endian: save it as little-endian integers", name, descr);
    return error_set(error, "%s: dtype %s: only i1, u1, i2, i4 and i8 can be read", name, descr);
}

/* The data must have exactly the bytes that type and shape ask for. */
static bool find_data(const header *h, const uint8_t *start, size_t left, const char *name, npy_array *array, lks_error *error)
{
    uint64_t bytes = tensor_type_bytes(array->type);

    for (uint32_t i = 0; i < h->rank; i++) {
        if (h->dims[i] != 0 && bytes > UINT64_MAX / h->dims[i])
            return error_set(error, "%s: shape: too large", name);
        bytes *= h->dims[i];
        array->dims[i] = h->dims[i];
    }
    if (bytes != left)
        return error_set(error, "%s: data: %zu bytes where type and shape ask for %llu: the file is %s", name, left,
                         (unsigned long long)bytes, left < bytes ? "cut short" : "too long");
    array->rank = h->rank;
    array->data = start;
    array->bytes = left;
    return true;
}

bool npy_parse(const uint8_t *bytes, size_t size, const char *name, npy_array *array, lks_error *error)
{
    cursor text = { NULL, NULL };
    header h;
    const uint8_t *start;

    memset(array, 0, sizeof *array);
    if (!frame(bytes, size, name, &text, error))
        return false;
    start = (const uint8_t *)text.end;
    if (!take_header(&text, &h))
        return error_set(error, "%s: header: not what numpy.save writes for an array of numbers", name);
    if (!find_type(h.descr, name, &array->type, error))
        return false;
    if (h.fortran_order)
        return error_set(error, "%s: fortran_order: only C order can be read: save numpy.ascontiguousarray(x)", name);
    return find_data(&h, start, size - (size_t)(start - bytes), name, array, error);
}

static int decimals(uint32_t value)
{
    int n = 1;

    for (; value >= 10; value /= 10)
        n++;
    return n;
}

size_t npy_header(const lks_tensor_info *tensor, char out[NPY_HEADER_SIZE])
{
    char *text = out + 10;
    size_t used, length, room = NPY_HEADER_SIZE - 10;

    used = (size_t)snprintf(text, room, "{'descr': '%s', 'fortran_order': False, 'shape': (", npy_type(tensor->type));
    for (uint32_t i = 0; i < tensor->rank; i++)
        used += (size_t)snprintf(text + used, room - used, "%s%u", i ? ", " : "", tensor->dims[i]);
    used += (size_t)snprintf(text + used, room - used, "%s), }", tensor->rank == 1 ? "," : "");
    used += (size_t)snprintf(text + used, room - used, "%*s", GROWTH_DIGITS - decimals(tensor->dims[0]), "");
    length = (10 + used + 1 + 63) / 64 * 64;
    memset(text + used, ' ', length - 10 - used - 1);
    out[length - 1] = '\n';
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (char)((length - 10) & 0xff);
    out[9] = (char)((length - 10) >> 8);
    return length;
}

bool npy_save(const char *path, const lks_tensor_info *tensor, const void *data, lks_error *error)
{
    char text[NPY_HEADER_SIZE];
    const output_part parts[2] = { { text, npy_header(tensor, text) }, { data, tensor->bytes } };

    return output_write(path, parts, 2, error);
}
