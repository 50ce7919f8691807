/* SPDX-License-Identifier: Apache-2.0
 *
 * Command line options: the table walked with getopt_long, every value checked.
 */
#define _POSIX_C_SOURCE 200809L

#include "tools/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define SPECS_MAX 40
#define FIRST_CODE 256      /* getopt_long returns FIRST_CODE + the row, beyond every character */
#define DEFAULT_MEMORY ((uint64_t)4 << 30)

static const char *dashes(const option_spec *spec)
{
    return spec->name[1] == '\0' ? "-" : "--";
}

static bool multiply(uint64_t *value, uint64_t factor)
{
    if (*value > UINT64_MAX / factor)
        return false;
    *value *= factor;
    return true;
}

/* 1, 1024, ... for "", "K", ...; 0: no such suffix. */
static uint64_t suffix_factor(const char *suffix)
{
    const char *letters = "KMGT", *at;

    if (suffix[0] == '\0')
        return 1;
    at = strchr(letters, suffix[0]);
    if (!at || suffix[1] != '\0')
        return 0;
    return (uint64_t)1 << (10 * (at - letters + 1));
}

bool options_number(const char *text, bool suffixes, uint64_t min, uint64_t max, uint64_t *value)
{
    uint64_t result = 0, factor;
    const char *p = text;

    for (; *p >= '0' && *p <= '9'; p++) {
        if (!multiply(&result, 10) || result > UINT64_MAX - (uint64_t)(*p - '0'))
            return false;
        result += (uint64_t)(*p - '0');
    }
    if (p == text || (*p != '\0' && !suffixes))
        return false;
    factor = suffix_factor(p);
    if (factor == 0 || !multiply(&result, factor) || result < min || result > max)
        return false;
    *value = result;
    return true;
}

uint64_t options_memory(const lks_limits *limits)
{
    return limits->mem_bytes ? limits->mem_bytes : DEFAULT_MEMORY;
}

static bool set_number(const option_spec *spec, const char *text, lks_error *error)
{
    bool suffixes = spec->kind == OPTION_BYTES;
    uint64_t value;

    if (!options_number(text, suffixes, spec->min, spec->max, &value)) {
        if (spec->max == UINT64_MAX)
            return error_set(error, "%s%s: \"%s\" is not a whole number%s%s", dashes(spec), spec->name, text,
                         spec->min ? " above 0" : "",
                             suffixes ? ", with K, M, G, T or nothing behind it" : "");
        return error_set(error, "%s%s: \"%s\" is not a whole number from %llu to %llu", dashes(spec), spec->name, text,
                         (unsigned long long)spec->min, (unsigned long long)spec->max);
    }
    if (spec->kind == OPTION_U32)
        *(uint32_t *)spec->target = (uint32_t)value;
    else
        *(uint64_t *)spec->target = value;
    return true;
}

static bool set_choice(const option_spec *spec, const char *text, lks_error *error)
{
    char known[128] = "";

    for (int i = 0; spec->choices[i]; i++) {
        if (strcmp(text, spec->choices[i]) == 0) {
            *(int *)spec->target = i;
            return true;
        }
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? " or " : "", spec->choices[i]);
    }
    return error_set(error, "%s%s: \"%s\" is unknown: use %s", dashes(spec), spec->name, text, known);
}

static bool set_list(const option_spec *spec, const char *text, lks_error *error)
{
    option_list *list = spec->target;

    if (list->count == OPTION_LIST_MAX)
        return error_set(error, "%s%s: given more than %d times", dashes(spec), spec->name, OPTION_LIST_MAX);
    list->item[list->count++] = text;
    return true;
}

static bool set_option(const option_spec *spec, const char *text, lks_error *error)
{
    switch (spec->kind) {
    case OPTION_FLAG:
        *(bool *)spec->target = true;
        return true;
    case OPTION_TEXT:
        if (text[0] == '\0')
            return error_set(error, "%s%s: its value is empty", dashes(spec), spec->name);
        *(const char **)spec->target = text;
        return true;
    case OPTION_LIST:
        return set_list(spec, text, error);
    case OPTION_CHOICE:
        return set_choice(spec, text, error);
    case OPTION_U32:
    case OPTION_U64:
    case OPTION_BYTES:
        break;
    }
    return set_number(spec, text, error);
}

/* What getopt_long could not read. */
static bool refuse(int argc, char **argv, int code, lks_error *error)
{
    const char *word = argv[optind > 1 && optind <= argc ? optind - 1 : argc - 1];

    if (code == ':' && optopt > 0 && optopt < FIRST_CODE)
        return error_set(error, "-%c: needs a value: see --help", optopt);
    if (code == ':')
        return error_set(error, "%s: needs a value: see --help", word);
    if (optopt >= FIRST_CODE)
        return error_set(error, "%s: takes no value: see --help", word);
    if (optopt != 0)
        return error_set(error, "-%c: no such option: see --help (a file of such a name is ./-%c...)", optopt, optopt);
    return error_set(error, "%s: no such option, or short for several: see --help", word);
}

bool options_parse(int argc, char **argv, const option_spec *specs, size_t count, int *operands, lks_error *error)
{
    struct option table[SPECS_MAX + 1];
    char letters[2 * SPECS_MAX + 2] = ":";
    int code;

    if (count > SPECS_MAX)
        return error_set(error, "too many options in the table");
    memset(table, 0, sizeof table);
    for (size_t i = 0; i < count; i++) {
        table[i].name = specs[i].name;
        table[i].has_arg = specs[i].kind == OPTION_FLAG ? no_argument : required_argument;
        table[i].val = FIRST_CODE + (int)i;
        if (specs[i].name[1] == '\0')
            snprintf(letters + strlen(letters), 3, "%s%s", specs[i].name, specs[i].kind == OPTION_FLAG ? "" : ":");
    }
    opterr = 0;
    optind = 1;
    while ((code = getopt_long(argc, argv, letters, table, NULL)) != -1) {
        for (size_t i = 0; i < count; i++)
            if (code == specs[i].name[0] && specs[i].name[1] == '\0')
                code = FIRST_CODE + (int)i;
        if (code < FIRST_CODE)
            return refuse(argc, argv, code, error);
        if (!set_option(&specs[code - FIRST_CODE], optarg, error))
            return false;
    }
    *operands = optind;
    return true;
}
