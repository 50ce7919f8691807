/* SPDX-License-Identifier: Apache-2.0
 *
 * Building a JSON document value by value, and writing it to standard output; jansson does the rest.
 */
#include "tools/json.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Takes over value; NULL: it could not be made. */
static void add(json *j, const char *key, json_t *value)
{
    json_t *to = j->open[j->depth - 1];

    if (!value || (key ? json_object_set_new(to, key, value) : json_array_append_new(to, value)) != 0)
        j->failed = true;
}

json json_start(void)
{
    json_t *root = json_object();

    return (json){ .open = { root }, .depth = 1, .failed = !root };
}

bool json_finish(json *j, bool ok, lks_error *error)
{
    bool written = ok && !j->failed && json_dumpf(j->open[0], stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0;

    if (written)
        putchar('\n');
    json_decref(j->open[0]);
    return written || (ok ? error_memory(error) : false);
}

json_t *json_take(json *j)
{
    if (!j->failed)
        return j->open[0];
    json_decref(j->open[0]);
    return NULL;
}

void json_open(json *j, const char *key, char bracket)
{
    json_t *value = bracket == '{' ? json_object() : json_array();

    assert(j->depth < JSON_DEPTH_MAX);
    add(j, key, value);
    j->open[j->depth++] = value;
}

void json_close(json *j)
{
    assert(j->depth > 1);
    j->depth--;
}

/* Each byte beyond ASCII becomes U+FFFD. */
static json_t *replaced(const char *text)
{
    static const char unknown[] = "\xef\xbf\xbd";
    char *copy = malloc(strlen(text) * (sizeof unknown - 1) + 1), *end = copy;
    json_t *value;

    if (!copy)
        return NULL;
    for (; *text; text++)
        if ((unsigned char)*text < 0x80)
            *end++ = *text;
        else
            end = (char *)memcpy(end, unknown, sizeof unknown - 1) + sizeof unknown - 1;
    *end = 0;
    value = json_string(copy);
    free(copy);
    return value;
}

void json_text(json *j, const char *key, const char *text)
{
    json_t *value = text ? json_string(text) : json_null();

    add(j, key, value ? value : replaced(text));
}

void json_u64(json *j, const char *key, uint64_t value)
{
    if (value <= INT64_MAX)
        add(j, key, json_integer((json_int_t)value));
    else
        add(j, key, json_sprintf("%" PRIu64, value));
}

void json_i64(json *j, const char *key, int64_t value)
{
    add(j, key, json_integer(value));
}

void json_double(json *j, const char *key, double value)
{
    add(j, key, json_real(value));
}

void json_bool(json *j, const char *key, bool value)
{
    add(j, key, json_boolean(value));
}
