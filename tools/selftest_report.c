/* SPDX-License-Identifier: Apache-2.0
 *
 * What `lockstep selftest` tells: failures with the line that replays them, the table, verdicts, JSON.
 */
#include "host/model.h"
#include "host/op_rules.h"
#include "tools/json.h"
#include "tools/selftest.h"
#include "tools/tensor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- an op on one line --------------------------------------------------------------------------------------------------- */

static void append(char *text, size_t size, const char *format, ...) TOOLS_PRINTF(3, 4);

static void append(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;

    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

static void append_tensor(const lks_model *model, uint32_t tensor, char *text, size_t size)
{
    char shape[SHAPE_SIZE];
    lks_tensor_info t;

    lks_model_tensor(model, tensor, &t);
    tensor_shape(&t, shape);
    append(text, size, "%s%s%s", t.constant ? "const " : "", t.type == LKS_U8 ? "u8 " : "", shape);
}

void describe_op(const lks_model *model, uint32_t op, char *text, size_t size)
{
    const lks_op *o = &model->graph.ops[op];
    const lks_op_rule *rule = lks_op_rule_of(o->kind);

    snprintf(text, size, "op %" PRIu32 " of %" PRIu32 ": %s ", op, model->graph.op_count, rule->name);
    for (uint32_t i = 0; i < o->operand_count; i++) {
        append(text, size, "%s", i ? ", " : "");
        append_tensor(model, o->operand[i], text, size);
    }
    append(text, size, " -> ");
    for (uint32_t i = 0; i < o->output_count; i++) {
        append(text, size, "%s", i ? ", " : "");
        append_tensor(model, o->output[i], text, size);
    }
    for (uint32_t i = 0; i < rule->arg_count; i++)
        if (o->args.word[i] != 0)
            append(text, size, " %s=%" PRId32, rule->args[i].name, o->args.word[i]);
}

/* ---- verdicts ------------------------------------------------------------------------------------------------------------ */

static uint64_t tried(const row *r)
{
    return r->passed + r->failed + r->unsupported;
}

bool row_counts(const target *t, uint32_t variant, uint32_t kind)
{
    return !t->variant[variant] || tried(&t->row[variant][kind]) > 0;
}

const char *row_word(const row *r)
{
    return r->failed ? "FAIL" : r->passed ? "OK" : r->unsupported ? "NOT_SUPPORTED" : "NOT_RUN";
}

/* Does some variant pass that op? */
static bool op_passes(const target *t, uint32_t kind)
{
    for (uint32_t v = 0; v < t->variants; v++)
        if (t->row[v][kind].passed)
            return true;
    return false;
}

bool target_passed(const selftest *s, const target *t)
{
    bool all = true, any = false;

    if (!t->device.info.usable || t->lost[0])
        return false;
    for (uint32_t k = 0; k < s->kinds; k++) {
        for (uint32_t v = 0; v < t->variants; v++)
            if (t->row[v][k].failed)
                return false;
        any = any || op_passes(t, k);
        all = all && op_passes(t, k);
    }
    return s->variant ? any : all && any;
}

/* ---- text ---------------------------------------------------------------------------------------------------------------- */

/* The command that runs that case alone. */
static void replay(const selftest *s, const target *t, uint32_t variant, uint32_t kind, const failure *f, char *text, size_t size)
{
    snprintf(text, size, "%s selftest --backend %s --device %" PRIu32 " --variant %s --op %s --seed %" PRIu64 " --case %" PRIu64,
             s->program, t->device.info.backend, t->device.index, t->variant[variant] ? t->variant[variant] : AUTO,
             cases_name(s->kind[kind]), s->seed, f->k);
    if (t->device.ways.isa)
        append(text, size, " --isa %s", t->device.ways.isa);
    if (t->device.ways.threads)
        append(text, size, " --threads %" PRIu32, t->device.ways.threads);
}

void report_failure(const selftest *s, const target *t, uint32_t variant, uint32_t kind, const failure *f)
{
    const char *backend = t->device.info.backend, *name = t->variant[variant] ? t->variant[variant] : AUTO;
    const char *op = cases_name(s->kind[kind]);
    char line[FINDING_SIZE];

    printf("%s %" PRIu32 " %s: %s: case %" PRIu64 " of seed %" PRIu64 ": check %s: %s\n", backend, t->device.index, name, op,
           f->k, s->seed, f->found.check, f->found.text);
    replay(s, t, variant, kind, f, line, sizeof line);
    printf("  %s\n  replay: %s\n", f->what, line);
    fflush(stdout);             /* a driver may take the process down */
}

static void print_row(const selftest *s, const target *t, uint32_t variant, uint32_t kind)
{
    const row *r = &t->row[variant][kind];

    if (!row_counts(t, variant, kind))
        return;
    printf("%-15s  %6" PRIu32 "  %-18s  %-16s  %8" PRIu64 "  %8" PRIu64 "  %8" PRIu64 "  %s\n", t->device.info.backend,
           t->device.index, t->variant[variant] ? t->variant[variant] : AUTO, cases_name(s->kind[kind]), r->passed, r->failed,
           r->unsupported, row_word(r));
}

static void print_more(const selftest *s, const target *t, uint32_t variant, uint32_t kind)
{
    const row *r = &t->row[variant][kind];

    if (r->failed > FAILURES_SHOWN)
        printf("%s %" PRIu32 " %s: %s: %" PRIu64 " failures, of which %d are shown above\n", t->device.info.backend,
               t->device.index, t->variant[variant] ? t->variant[variant] : AUTO, cases_name(s->kind[kind]), r->failed,
               FAILURES_SHOWN);
}

static const char *target_word(const selftest *s, const target *t)
{
    return !t->device.info.usable ? "not usable" : target_passed(s, t) ? "OK" : "FAIL";
}

/* Ops that no variant passed. */
static void print_holes(const selftest *s, const target *t)
{
    bool any = false;

    for (uint32_t k = 0; k < s->kinds && !s->variant; k++)
        if (!op_passes(t, k)) {
            printf("%s%s", any ? " " : "; no case passed of ", cases_name(s->kind[k]));
            any = true;
        }
    puts("");
}

static void print_target(const selftest *s, const target *t)
{
    const lks_device_info *info = &t->device.info;

    printf("%s %" PRIu32 " (%s%s%s): %s", info->backend, t->device.index, info->name, info->driver[0] ? ", " : "", info->driver,
           target_word(s, t));
    if (!info->usable || t->lost[0])
        printf(": %s\n", t->lost[0] ? t->lost : info->reason[0] ? info->reason : "no reason given");
    else
        print_holes(s, t);
}

static bool independent(const selftest *s)
{
    for (size_t i = 0; i < s->targets; i++)
        if (s->target[i].variants && strcmp(s->target[i].device.info.backend, DEVICE_REFERENCE) != 0)
            return true;
    return false;
}

void report_text(const selftest *s)
{
    printf("%-15s  %6s  %-18s  %-16s  %8s  %8s  %8s  %s\n", "backend", "device", "variant", "op", "passed", "failed", "not supp",
           "result");
    for (size_t i = 0; i < s->targets; i++)
        for (uint32_t v = 0; v < s->target[i].variants; v++)
            for (uint32_t k = 0; k < s->kinds; k++)
                print_row(s, &s->target[i], v, k);
    puts("");
    for (size_t i = 0; i < s->targets; i++)
        for (uint32_t v = 0; v < s->target[i].variants; v++)
            for (uint32_t k = 0; k < s->kinds; k++)
                print_more(s, &s->target[i], v, k);
    for (size_t i = 0; i < s->targets; i++)
        print_target(s, &s->target[i]);
    printf("%" PRIu64 " cases of seed %" PRIu64, s->ran, s->seed);
    if (s->only == NO_CASE)
        printf("; of each op 0 to %" PRIu64 "%s", s->cases - 1, s->ran < s->cases * s->kinds ? ", cut short by --time" : "");
    puts("");
    if (!independent(s))
        puts("No backend was compared with another one: this says only that cpu_ref agrees with itself.");
}

/* ---- JSON ---------------------------------------------------------------------------------------------------------------- */

static void json_failure(json *j, const failure *f, const char *line)
{
    json_open(j, NULL, '{');
    json_u64(j, "case", f->k);
    json_text(j, "check", f->found.check);
    json_text(j, "what", f->what);
    json_text(j, "text", f->found.text);
    json_text(j, "replay", line);
    json_close(j);
}

static void json_row(json *j, const selftest *s, const target *t, uint32_t variant, uint32_t kind)
{
    const row *r = &t->row[variant][kind];
    char line[FINDING_SIZE];

    if (!row_counts(t, variant, kind))
        return;
    json_open(j, NULL, '{');
    json_text(j, "variant", t->variant[variant] ? t->variant[variant] : AUTO);
    json_text(j, "op", cases_name(s->kind[kind]));
    json_u64(j, "passed", r->passed);
    json_u64(j, "failed", r->failed);
    json_u64(j, "not_supported", r->unsupported);
    json_text(j, "result", row_word(r));
    json_open(j, "failures", '[');
    for (uint64_t i = 0; i < r->failed && i < FAILURES_SHOWN; i++) {
        replay(s, t, variant, kind, &r->shown[i], line, sizeof line);
        json_failure(j, &r->shown[i], line);
    }
    json_close(j);
    json_close(j);
}

static void json_target(json *j, const selftest *s, const target *t)
{
    const lks_device_info *info = &t->device.info;

    json_open(j, NULL, '{');
    json_text(j, "backend", info->backend);
    json_u64(j, "device", t->device.index);
    json_text(j, "name", info->name);
    json_text(j, "driver", info->driver);
    json_text(j, "result", target_word(s, t));
    json_text(j, "reason", !info->usable ? info->reason : t->lost[0] ? t->lost : NULL);
    json_open(j, "rows", '[');
    for (uint32_t v = 0; v < t->variants; v++)
        for (uint32_t k = 0; k < s->kinds; k++)
            json_row(j, s, t, v, k);
    json_close(j);
    json_close(j);
}

bool report_json(const selftest *s, bool ok, lks_error *error)
{
    json j = json_start();

    json_text(&j, "lockstep", LKS_VERSION);
    json_u64(&j, "specification", LKS_SPEC_VERSION);
    json_u64(&j, "seed", s->seed);
    json_u64(&j, "cases", s->ran);
    json_open(&j, "devices", '[');
    for (size_t i = 0; i < s->targets; i++)
        json_target(&j, s, &s->target[i]);
    json_close(&j);
    json_bool(&j, "compared_with_another_backend", independent(s));
    json_text(&j, "result", ok ? "PASSED" : "FAILED");
    return json_finish(&j, true, error);
}
