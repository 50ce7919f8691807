/* SPDX-License-Identifier: Apache-2.0
 *
 * Building a JSON document value by value, and writing it to standard output; jansson does the rest.
 *
 * Every function takes the key of the value, or NULL inside an array.  Failures (out of memory) are kept and told by json_finish.
 */
#ifndef LOCKSTEP_TOOLS_JSON_H
#define LOCKSTEP_TOOLS_JSON_H

#include "tools/errors.h"

#define JSON_DEPTH_MAX 8

typedef struct json {
    struct json_t *open[JSON_DEPTH_MAX];    /* from the outermost object to the innermost open object or array */
    unsigned depth;                         /* how many of them */
    bool failed;
} json;

/* A document with its outermost object open. */
json json_start(void);

/* Write the document, unless ok is false or something failed, and free it: every json_start ends here. */
bool json_finish(json *j, bool ok, lks_error *error);

/* The document, the caller's; NULL: something failed.  In place of json_finish. */
struct json_t *json_take(json *j);

/* bracket: '{' or '['. */
void json_open(json *j, const char *key, char bracket);
void json_close(json *j);

/* NULL writes null; in text that is not UTF-8, U+FFFD stands for each byte beyond ASCII. */
void json_text(json *j, const char *key, const char *text);

/* Beyond 2^63 - 1: as a string of digits. */
void json_u64(json *j, const char *key, uint64_t value);
void json_i64(json *j, const char *key, int64_t value);
void json_double(json *j, const char *key, double value);
void json_bool(json *j, const char *key, bool value);

#endif
