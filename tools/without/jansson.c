/* SPDX-License-Identifier: Apache-2.0
 *
 * Values: making, packing, asking, writing.  Reading is in jansson_load.c.
 */
#include "tools/without/jansson.h"
#include "tools/without/utf8.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- making -------------------------------------------------------------------------------------------------------------- */

static json_t *make(json_type type)
{
    json_t *v = calloc(1, sizeof *v);

    if (v)
        v->type = type;
    return v;
}

json_t *json_object(void) { return make(JSON_OBJECT); }
json_t *json_array(void) { return make(JSON_ARRAY); }
json_t *json_null(void) { return make(JSON_NULL); }
json_t *json_boolean(int value) { return make(value ? JSON_TRUE : JSON_FALSE); }

json_t *json_integer(json_int_t value)
{
    json_t *v = make(JSON_INTEGER);

    if (v)
        v->integer = value;
    return v;
}

json_t *json_real(double value)
{
    json_t *v = value - value == 0 ? make(JSON_REAL) : NULL;       /* JSON has no infinity, and no NaN */

    if (v)
        v->real = value;
    return v;
}

static char *copy_text(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = malloc(bytes);

    return copy ? memcpy(copy, text, bytes) : NULL;
}

json_t *json_string(const char *text)
{
    json_t *v = text && utf8_valid(text, strlen(text)) ? make(JSON_STRING) : NULL;

    if (v && !(v->text = copy_text(text))) {
        free(v);
        return NULL;
    }
    if (v)
        v->length = strlen(text);
    return v;
}

json_t *json_sprintf(const char *format, ...)
{
    char text[256];
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return length >= 0 && (size_t)length < sizeof text ? json_string(text) : NULL;
}

void json_decref(json_t *v)
{
    if (!v)
        return;
    while (v->first) {
        json_t *child = v->first;

        v->first = child->next;
        json_decref(child);
    }
    free(v->key);
    free(v->text);
    free(v);
}

static int append(json_t *to, json_t *value)
{
    if (to->last)
        to->last->next = value;
    else
        to->first = value;
    to->last = value;
    to->count++;
    return 0;
}

int json_array_append_new(json_t *array, json_t *value)
{
    if (json_is_array(array) && value)
        return append(array, value);
    json_decref(value);
    return -1;
}

/* A key that is there already is an error: nothing here sets one twice. */
int json_object_set_new(json_t *object, const char *key, json_t *value)
{
    if (json_is_object(object) && value && !json_object_get(object, key) && (value->key = copy_text(key)))
        return append(object, value);
    json_decref(value);
    return -1;
}

/* ---- packing ------------------------------------------------------------------------------------------------------------- */

typedef struct packing {
    const char *at;
    va_list args;
} packing;

static void skip(packing *p)
{
    while (*p->at == ' ' || *p->at == ',' || *p->at == ':')
        p->at++;
}

static json_t *pack_object(packing *p);

/* *absent: there is to be none. */
static json_t *pack_value(packing *p, bool *absent)
{
    const char *text;

    *absent = false;
    switch (*p->at++) {
    case '{': return pack_object(p);
    case 'o': return va_arg(p->args, json_t *);
    case 'i': return json_integer(va_arg(p->args, int));
    case 'I': return json_integer(va_arg(p->args, json_int_t));
    case 's':
        text = va_arg(p->args, const char *);
        if (*p->at == '*') {
            p->at++;
            *absent = !text;
        }
        return text ? json_string(text) : NULL;
    default:
        return NULL;
    }
}

/* Behind its bracket.  Goes on to the end after a failure, so that every value that was given is taken over. */
static json_t *pack_object(packing *p)
{
    json_t *object = json_object();
    bool failed = !object;

    for (skip(p); *p->at && *p->at != '}'; skip(p)) {
        const char *key = va_arg(p->args, const char *);
        json_t *value;
        bool absent;

        p->at++;
        skip(p);
        value = pack_value(p, &absent);
        failed |= !absent && json_object_set_new(object, key, value) != 0;
    }
    p->at += *p->at == '}';
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

json_t *json_pack(const char *format, ...)
{
    packing p = { .at = format + 1 };
    json_t *v;

    va_start(p.args, format);
    v = pack_object(&p);
    va_end(p.args);
    return v;
}

/* ---- asking -------------------------------------------------------------------------------------------------------------- */

json_t *json_object_get(const json_t *object, const char *key)
{
    json_t *v = json_is_object(object) ? object->first : NULL;

    while (v && strcmp(v->key, key) != 0)
        v = v->next;
    return v;
}

json_t *json_array_get(const json_t *array, size_t index)
{
    json_t *v = json_is_array(array) ? array->first : NULL;

    while (v && index-- > 0)
        v = v->next;
    return v;
}

size_t json_array_size(const json_t *array) { return json_is_array(array) ? array->count : 0; }
const char *json_string_value(const json_t *v) { return json_is_string(v) ? v->text : NULL; }
size_t json_string_length(const json_t *v) { return json_is_string(v) ? v->length : 0; }
json_int_t json_integer_value(const json_t *v) { return json_is_integer(v) ? v->integer : 0; }
double json_real_value(const json_t *v) { return json_is_real(v) ? v->real : 0; }
double json_number_value(const json_t *v) { return json_is_integer(v) ? (double)v->integer : json_real_value(v); }

/* ---- writing ------------------------------------------------------------------------------------------------------------- */

typedef struct writing {
    char *text;
    size_t length, room, flags;
    bool failed;
} writing;

static void put(writing *w, const char *text, size_t length)
{
    if (w->length + length + 1 > w->room) {
        size_t room = 2 * (w->length + length + 1);
        char *grown = w->failed ? NULL : realloc(w->text, room);

        w->failed = !grown;
        if (!grown)
            return;
        w->text = grown;
        w->room = room;
    }
    memcpy(w->text + w->length, text, length);
    w->length += length;
    w->text[w->length] = '\0';
}

static void put_text(writing *w, const char *text)
{
    put(w, text, strlen(text));
}

static void put_string(writing *w, const char *text, size_t length)
{
    char escaped[8];

    put_text(w, "\"");
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\')
            snprintf(escaped, sizeof escaped, "\\%c", c);
        else if (c == '\n' || c == '\t' || c == '\r')
            snprintf(escaped, sizeof escaped, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
        else
            snprintf(escaped, sizeof escaped, c < 0x20 || c == 0x7f ? "\\u%04X" : "%c", c);
        put(w, c ? escaped : "\\u0000", c ? strlen(escaped) : 6);
    }
    put_text(w, "\"");
}

static void put_real(writing *w, double value)
{
    int precision = (int)(w->flags >> 11 & 0x1f);
    char text[64];

    snprintf(text, sizeof text, "%.*g", precision ? precision : 17, value);
    put_text(w, text);
    if (!strpbrk(text, ".e"))
        put_text(w, ".0");
}

static void put_break(writing *w, size_t depth)
{
    size_t indent = w->flags & 0x1f;

    if (!indent)
        return;
    put_text(w, "\n");
    for (size_t i = 0; i < indent * depth; i++)
        put_text(w, " ");
}

static void put_value(writing *w, const json_t *v, size_t depth);

static void put_children(writing *w, const json_t *v, size_t depth)
{
    bool compact = w->flags & JSON_COMPACT, object = v->type == JSON_OBJECT;

    put_text(w, object ? "{" : "[");
    for (const json_t *child = v->first; child; child = child->next) {
        put_break(w, depth + 1);
        if (object) {
            put_string(w, child->key, strlen(child->key));
            put_text(w, compact ? ":" : ": ");
        }
        put_value(w, child, depth + 1);
        if (child->next)
            put_text(w, compact || w->flags & 0x1f ? "," : ", ");
    }
    if (v->first)
        put_break(w, depth);
    put_text(w, object ? "}" : "]");
}

static void put_value(writing *w, const json_t *v, size_t depth)
{
    char number[32];

    switch (v->type) {
    case JSON_STRING:   put_string(w, v->text, v->length); break;
    case JSON_REAL:     put_real(w, v->real); break;
    case JSON_TRUE:     put_text(w, "true"); break;
    case JSON_FALSE:    put_text(w, "false"); break;
    case JSON_NULL:     put_text(w, "null"); break;
    case JSON_INTEGER:
        snprintf(number, sizeof number, "%lld", v->integer);
        put_text(w, number);
        break;
    default:
        put_children(w, v, depth);
    }
}

char *json_dumps(const json_t *value, size_t flags)
{
    writing w = { .flags = flags };

    if (value)
        put_value(&w, value, 0);
    if (!w.failed)
        return w.text;
    free(w.text);
    return NULL;
}

int json_dumpf(const json_t *value, FILE *file, size_t flags)
{
    char *text = json_dumps(value, flags);
    int failed = !text || fputs(text, file) < 0;

    free(text);
    return failed ? -1 : 0;
}
