/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of jansson's API that the program uses, for machines without jansson (LOCKSTEP_JANSSON=OFF): such as one with a card
 * and a compiler, and no package manager.  Names and meanings are jansson's; a value has one owner and no reference count.
 */
#ifndef LOCKSTEP_WITHOUT_JANSSON_H
#define LOCKSTEP_WITHOUT_JANSSON_H

#include <stddef.h>
#include <stdio.h>

typedef long long json_int_t;
#define JSON_INTEGER_FORMAT "lld"

typedef enum json_type {
    JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_INTEGER, JSON_REAL, JSON_TRUE, JSON_FALSE, JSON_NULL
} json_type;

typedef struct json_t {
    json_type type;
    struct json_t *next;        /* within its object or array */
    char *key;                  /* within its object */
    struct json_t *first, *last;
    size_t count;
    char *text;
    size_t length;
    json_int_t integer;
    double real;
} json_t;

typedef struct json_error_t {
    int line, column;
    char text[160];
} json_error_t;

#define JSON_INDENT(n) ((size_t)(n) & 0x1f)
#define JSON_COMPACT ((size_t)0x20)
#define JSON_REAL_PRECISION(n) (((size_t)(n) & 0x1f) << 11)
#define JSON_REJECT_DUPLICATES ((size_t)1)

/* NULL: out of memory, or text is not UTF-8. */
json_t *json_object(void);
json_t *json_array(void);
json_t *json_string(const char *text);
json_t *json_sprintf(const char *format, ...);
json_t *json_integer(json_int_t value);
json_t *json_real(double value);
json_t *json_boolean(int value);
json_t *json_null(void);

/* format: objects of s (text), s* (text, left out where it is NULL), o (a value, taken over), i (int),
   I (json_int_t) and objects.
 * NULL: something could not be made; what was to be taken over is freed. */
json_t *json_pack(const char *format, ...);

/* Take over value, also where they fail (not 0). */
int json_object_set_new(json_t *object, const char *key, json_t *value);
int json_array_append_new(json_t *array, json_t *value);

/* NULL is allowed. */
void json_decref(json_t *value);

/* NULL, or 0, where the value is of another type, or NULL. */
json_t *json_object_get(const json_t *object, const char *key);
json_t *json_array_get(const json_t *array, size_t index);
size_t json_array_size(const json_t *array);
const char *json_string_value(const json_t *value);
size_t json_string_length(const json_t *value);
json_int_t json_integer_value(const json_t *value);
double json_real_value(const json_t *value);
double json_number_value(const json_t *value);

#define json_is_object(v) ((v) && (v)->type == JSON_OBJECT)
#define json_is_array(v) ((v) && (v)->type == JSON_ARRAY)
#define json_is_string(v) ((v) && (v)->type == JSON_STRING)
#define json_is_integer(v) ((v) && (v)->type == JSON_INTEGER)
#define json_is_real(v) ((v) && (v)->type == JSON_REAL)
#define json_is_number(v) (json_is_integer(v) || json_is_real(v))

#define json_array_foreach(array, index, value) \
    for ((index) = 0, (value) = json_is_array(array) ? (array)->first : NULL; (value); (value) = (value)->next, (index)++)
#define json_object_foreach(object, name, value) \
    for ((value) = json_is_object(object) ? (object)->first : NULL; (value) && ((name) = (value)->key); (value) = (value)->next)

/* The text is the caller's to free.  NULL, or not 0: out of memory, or the file cannot be written. */
char *json_dumps(const json_t *value, size_t flags);
int json_dumpf(const json_t *value, FILE *file, size_t flags);

/* An object or array; duplicate keys are always refused.  NULL: *error says where and why; error may be NULL. */
json_t *json_loads(const char *text, size_t flags, json_error_t *error);
json_t *json_loadb(const char *text, size_t length, size_t flags, json_error_t *error);

#endif
