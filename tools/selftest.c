/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep selftest`: does every kernel of every device give the bytes of the reference?
 */
#include "tools/selftest.h"
#include "tools/commands.h"
#include "tools/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CASES 5000

typedef struct selftest_options {
    option_list ops, backends;
    const char *device;
    const char *variant, *certificate, *export;
    uint64_t cases, seed, only, seconds;
    device_ways ways;
    bool json;
} selftest_options;

/* ---- options ------------------------------------------------------------------------------------------------------------- */

static bool parse(int argc, char **argv, selftest_options *o, lks_error *error)
{
    const option_spec specs[] = {
        { "op", OPTION_LIST, &o->ops, 0, 0, NULL },
        { "backend", OPTION_LIST, &o->backends, 0, 0, NULL },
        { "device", OPTION_TEXT, &o->device, 0, 0, NULL },
        { "variant", OPTION_TEXT, &o->variant, 0, 0, NULL },
        { "cases", OPTION_U64, &o->cases, 1, 1000000000, NULL },
        { "seed", OPTION_U64, &o->seed, 0, UINT64_MAX, NULL },
        { "case", OPTION_U64, &o->only, 0, UINT64_MAX - 1, NULL },
        { "time", OPTION_U64, &o->seconds, 1, 1000000000, NULL },
        { "certificate", OPTION_TEXT, &o->certificate, 0, 0, NULL },
        { "export", OPTION_TEXT, &o->export, 0, 0, NULL },
        { "json", OPTION_FLAG, &o->json, 0, 0, NULL },
        OPTIONS_WAYS(&o->ways), OPTIONS_THREADS(&o->ways),
    };
    int first;

    *o = (selftest_options){ .only = NO_CASE };
    if (!options_parse(argc, argv, specs, sizeof specs / sizeof specs[0], &first, error))
        return false;
    if (first != argc)
        return error_set(error, "%s: takes no operands: see lockstep selftest --help", argv[first]);
    if (o->only != NO_CASE && o->cases)
        return error_set(error, "--case runs one case: leave --cases away");
    if (o->certificate && (o->only != NO_CASE || o->seconds || o->ops.count || o->variant))
        return error_set(error, "--certificate is for the whole list: leave --op, --variant, --case and --time away");
    device_imply(&o->ways, &o->backends);
    o->cases = o->cases ? o->cases : DEFAULT_CASES;
    return true;
}

static bool op_wanted(const selftest_options *o, const char *name)
{
    for (size_t i = 0; i < o->ops.count; i++)
        if (strcmp(o->ops.item[i], name) == 0)
            return true;
    return o->ops.count == 0;
}

static bool op_known(const char *name, lks_error *error)
{
    char known[400] = "";
    uint32_t kind;

    for (size_t i = 0; cases_kind(i, &kind); i++) {
        if (strcmp(cases_name(kind), name) == 0)
            return true;
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? " " : "", cases_name(kind));
    }
    return error_set(error, "--op: \"%.40s\" is unknown: there are %s", name, known);
}

static bool find_kinds(selftest *s, const selftest_options *o, lks_error *error)
{
    uint32_t kind;

    for (size_t i = 0; i < o->ops.count; i++)
        if (!op_known(o->ops.item[i], error))
            return false;
    for (size_t i = 0; cases_kind(i, &kind) && s->kinds < KINDS_MAX; i++)
        if (op_wanted(o, cases_name(kind)))
            s->kind[s->kinds++] = kind;
    return true;
}

/* ---- devices ------------------------------------------------------------------------------------------------------------- */

static bool device_wanted(const selftest_options *o, const device *d)
{
    bool named = o->backends.count == 0;

    for (size_t i = 0; i < o->backends.count; i++)
        named = named || strcmp(o->backends.item[i], d->info.backend) == 0;
    return named && device_named(d, o->device);
}

static bool select_targets(selftest *s, const selftest_options *o, const device_list *list, lks_error *error)
{
    for (size_t i = 0; i < o->backends.count; i++)
        if (!device_known(list, o->backends.item[i], error))
            return false;
    s->target = calloc(list->count + 1, sizeof *s->target);
    if (!s->target)
        return error_memory(error);
    for (size_t i = 0; i < list->count; i++)
        if (device_wanted(o, &list->device[i])) {
            device *d = &s->target[s->targets++].device;

            *d = list->device[i];
            d->ways = o->ways;
        }
    if (s->targets == 0)
        return error_set(error, "--device: the chosen backends have no device \"%.80s\": see lockstep devices", o->device);
    if (o->certificate && s->targets > 1)
        return error_set(error, "--certificate: %zu devices are chosen, and it is for one: name it with --backend and --device",
                         s->targets);
    return true;
}

static bool find_targets(selftest *s, const selftest_options *o, lks_error *error)
{
    device_list list;
    bool ok;

    if (!device_enumerate(&list, error))
        return false;
    ok = select_targets(s, o, &list, error);
    free(list.device);
    return ok;
}

/* ---- the command --------------------------------------------------------------------------------------------------------- */

/* A device that nobody asked for by name may be unusable; any other must have passed, and at least one must have been there. */
static bool passed(const selftest *s, const selftest_options *o)
{
    bool any = false;

    for (size_t i = 0; i < s->targets; i++) {
        const target *t = &s->target[i];

        if (!t->device.info.usable && o->backends.count == 0)
            continue;
        if (t->variants == 0 && s->variant && t->device.info.usable && !t->lost[0])
            continue;           /* it has no variant of that name */
        if (!target_passed(s, t))
            return false;
        any = true;
    }
    return any;
}

static bool write_files(const selftest *s, const selftest_options *o, lks_error *error)
{
    if (s->pack && !output_write(o->export, &(output_part){ s->pack->data, s->pack->bytes }, 1, error))
        return false;
    return !o->certificate || certificate_write(s, o->certificate, error);
}

static bool selftest_all(selftest *s, const selftest_options *o, lks_error *error)
{
    bool ok;

    if (!find_kinds(s, o, error) || !find_targets(s, o, error) || !selftest_prepare(s, error) || !selftest_run(s, error))
        return false;
    ok = passed(s, o);
    if (!o->json)
        report_text(s);
    else if (!report_json(s, ok, error))
        return false;
    if (!write_files(s, o, error))
        return false;
    return ok || error_set(error, "not every device gave the bytes of the reference: see the report");
}

static bool selftest_main(int argc, char **argv, lks_error *error)
{
    buffer pack = { NULL, 0, 0 };
    selftest_options o;
    selftest *s;
    bool ok;

    if (!parse(argc, argv, &o, error))
        return false;
    s = calloc(1, sizeof *s);
    if (!s)
        return error_memory(error);
    s->program = program_name();
    s->seed = o.seed;
    s->cases = o.cases;
    s->only = o.only;
    s->seconds = o.seconds;
    s->variant = o.variant;
    s->quiet = o.json;
    s->certify = o.certificate != NULL;
    s->pack = o.export ? &pack : NULL;
    ok = selftest_all(s, &o, error);
    if (!o.json)
        puts(ok ? "\nPASSED" : "\nFAILED");
    selftest_free(s);
    free(s);
    free(pack.data);
    return ok;
}

const command command_selftest = {
    "selftest", "check every kernel of every device against the reference",
    "usage: lockstep selftest [options]\n\n"
    "Runs small random models on every usable device, with every variant of its kernels, and compares every byte with\n"
    "cpu_ref: like a memory test, before a machine takes part.  A case is a model of one op, or for `graph` of 2 to 12.\n"
    "Checked are: every op output (reference); the same in a second run in other memory (repeat); that no byte beside a\n"
    "tensor is written (guard); runs that keep no intermediate tensors, with ops fused and not (keep); each image of a\n"
    "batch alone (batch).\n"
    "The variant \"auto\" is what the device chooses by itself; variants of cpu are the instruction sets of the machine.\n\n"
    "A failure prints the command that replays it alone; where that passes, the device kept something from an earlier case:\n"
    "run with --cases K+1.  A row is OK, FAIL, or NOT_SUPPORTED, where the variant does none of the cases; a device needs a\n"
    "passing variant for every op.  The last line is PASSED or FAILED.\n\n"
    "  --op NAME           only that op, or `graph`; may be repeated\n"
    "  --backend NAME      only that backend; may be repeated; it then must be usable\n"
    "  --device NAME       only devices with that number, UUID, or part of a name\n"
    "  --variant NAME      only that variant\n"
    "  --cases N           cases per op and variant (default 5000)\n"
    "  --seed S            which cases (default 0); equal seeds give equal cases on every machine\n"
    "  --case K            only case K of each op\n"
    "  --time SECONDS      start no case after that; all ops get equally many\n"
    "  --certificate FILE  write what one device gave for the whole list as JSON.  Its \"digest\" is equal on every machine\n"
    "                      and backend that agree, for equal --cases, --seed and version.  Where there are several devices,\n"
    "                      name one\n"
    "  --export FILE       write the cases and the answers of cpu_ref as records of tests/golden/README.md\n"
    HELP_WAYS("") HELP_THREADS("")
    "  --json              print JSON\n",
    selftest_main
};
