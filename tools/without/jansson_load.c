/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading JSON (RFC 8259) strictly: an object or array, nothing behind it, no key twice, UTF-8, integers of 64 bits.
 */
#include "tools/without/jansson.h"
#include "tools/without/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64

typedef struct reading {
    const char *text, *at, *end;
    const char *why;            /* the first reason; NULL: none yet */
    int depth;
} reading;

static json_t *fail(reading *r, const char *why)
{
    if (!r->why)
        r->why = why;
    return NULL;
}

static void skip_space(reading *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static bool take(reading *r, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0)
        return false;
    r->at += length;
    return true;
}

/* ---- strings ------------------------------------------------------------------------------------------------------------- */

/* Four hexadecimal digits; -1: they are not. */
static long read_hex(reading *r)
{
    char digits[5] = "";

    if (r->end - r->at < 4)
        return -1;
    memcpy(digits, r->at, 4);
    if (strspn(digits, "0123456789abcdefABCDEF") != 4)
        return -1;
    r->at += 4;
    return strtol(digits, NULL, 16);
}

static char *put_utf8(char *to, long c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *to++ = (char)(0xe0 | c >> 12);
        } else {
            *to++ = (char)(0xf0 | c >> 18);
            *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (c & 0x3f));
    return to;
}

/* Behind \u: a character, or two surrogates that make one.  U+0000 is refused: texts end with it. */
static char *read_escaped(reading *r, char *to)
{
    long c = read_hex(r), low;

    if (c >= 0xd800 && c < 0xdc00) {
        low = take(r, "\\u") ? read_hex(r) : -1;
        c = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : -1;
    }
    if (c <= 0 || (c >= 0xd800 && c < 0xe000))
        return NULL;
    return put_utf8(to, c);
}

/* Behind the quote; from malloc, at most as long as its source. */
static char *read_string(reading *r)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    char *text = malloc((size_t)(r->end - r->at) + 1), *to = text;

    if (!text)
        return (char *)fail(r, "out of memory");
    while (to && r->at < r->end && *r->at != '"' && (unsigned char)*r->at >= 0x20) {
        const char *known;

        if (*r->at != '\\') {
            *to++ = *r->at++;
        } else if (++r->at < r->end && *r->at == 'u') {
            r->at++;
            to = read_escaped(r, to);
        } else {
            known = r->at < r->end && *r->at ? strchr(from, *r->at) : NULL;
            if (known)
                *to++ = into[known - from];
            else
                to = NULL;
            r->at++;
        }
    }
    if (!to || r->at >= r->end || *r->at != '"' || !utf8_valid(text, (size_t)(to - text))) {
        free(text);
        return (char *)fail(r, "a text that is cut, or has what no text may have");
    }
    r->at++;
    *to = '\0';
    return text;
}

static json_t *read_text(reading *r)
{
    char *text = read_string(r);
    json_t *v = text ? json_string(text) : NULL;

    free(text);
    return v ? v : fail(r, "out of memory");
}

/* ---- numbers ------------------------------------------------------------------------------------------------------------- */

static size_t digits(const char *p)
{
    return strspn(p, "0123456789");
}

static json_t *read_number(reading *r)
{
    char text[64] = "", *p = text, *end;
    size_t length = 0;
    json_int_t integer;

    while (r->at + length < r->end && r->at[length] && strchr("+-.eE0123456789", r->at[length]) && length < sizeof text - 1)
        length++;
    memcpy(text, r->at, length);
    p += *p == '-';
    if (digits(p) == 0 || (*p == '0' && digits(p) > 1) || length == sizeof text - 1)
        return fail(r, "no value");
    p += digits(p);
    r->at += length;
    if (!*p) {
        errno = 0;
        integer = strtoll(text, &end, 10);
        return errno ? fail(r, "an integer of more than 64 bits") : json_integer(integer);
    }
    if (*p == '.' && digits(++p) == 0)
        return fail(r, "a number without digits behind its point");
    p += digits(p);
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '+' || *p == '-';
        if (digits(p) == 0)
            return fail(r, "a number without an exponent");
        p += digits(p);
    }
    return *p ? fail(r, "a damaged number") : json_real(strtod(text, NULL));
}

/* ---- objects and arrays -------------------------------------------------------------------------------------------------- */

static json_t *read_value(reading *r);

static bool read_member(reading *r, json_t *object)
{
    json_t *value = NULL;
    char *key;
    bool ok;

    if (!take(r, "\""))
        return fail(r, "no key"), false;
    key = read_string(r);
    skip_space(r);
    if (key && !take(r, ":"))
        fail(r, "no colon behind a key");
    else if (key)
        value = read_value(r);
    ok = value && json_object_set_new(object, key, value) == 0;
    if (!ok)
        fail(r, "a key that is there twice");
    free(key);
    return ok;
}

/* Behind the bracket. */
static json_t *read_children(reading *r, json_t *v, const char *close)
{
    bool ok = v && ++r->depth <= DEPTH_MAX;

    skip_space(r);
    if (ok && take(r, close)) {
        r->depth--;
        return v;
    }
    while (ok) {
        skip_space(r);
        ok = v->type == JSON_OBJECT ? read_member(r, v) : json_array_append_new(v, read_value(r)) == 0;
        skip_space(r);
        if (ok && take(r, close)) {
            r->depth--;
            return v;
        }
        ok = ok && take(r, ",");
    }
    json_decref(v);
    return fail(r, "an object or array that does not end, or is too deep");
}

static json_t *read_value(reading *r)
{
    skip_space(r);
    if (take(r, "{"))       return read_children(r, json_object(), "}");
    if (take(r, "["))       return read_children(r, json_array(), "]");
    if (take(r, "\""))      return read_text(r);
    if (take(r, "true"))    return json_boolean(1);
    if (take(r, "false"))   return json_boolean(0);
    if (take(r, "null"))    return json_null();
    return read_number(r);
}

/* ---- the whole ----------------------------------------------------------------------------------------------------------- */

static void locate(const reading *r, json_error_t *error)
{
    *error = (json_error_t){ .line = 1, .column = 1 };
    for (const char *p = r->text; p < r->at; p++) {
        error->column = *p == '\n' ? 1 : error->column + 1;
        error->line += *p == '\n';
    }
    snprintf(error->text, sizeof error->text, "%s", r->why ? r->why : "out of memory");
}

json_t *json_loadb(const char *text, size_t length, size_t flags, json_error_t *error)
{
    reading r = { .text = text, .at = text, .end = text + length };
    json_t *v = read_value(&r);

    (void)flags;
    skip_space(&r);
    if (v && ((v->type != JSON_OBJECT && v->type != JSON_ARRAY) || r.at != r.end)) {
        json_decref(v);
        v = fail(&r, r.at != r.end ? "something behind its end" : "no object or array");
    }
    if (!v && error)
        locate(&r, error);
    return v;
}

json_t *json_loads(const char *text, size_t flags, json_error_t *error)
{
    return json_loadb(text, strlen(text), flags, error);
}
