/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep verify`: telling the outcome, as text or JSON, with the line that shows a difference again.
 */
#define _POSIX_C_SOURCE 200809L

#include "tools/commands.h"
#include "tools/json.h"
#include "tools/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const check_names[CHECKS] = { "against_cpu_ref", "repeat", "outputs", "batch", "saved", "expected" };
static const char *const check_columns[CHECKS] = { "cpu_ref", "repeat", "outputs", "batch", "saved", "expected" };

/* Comparisons with files are told only where there is one. */
static bool asked(const verification *v, int check)
{
    return check == CHECK_SAVED ? v->saved.count > 0 : check == CHECK_EXPECT ? v->golden.count > 0 : true;
}

/* ---- verdicts ------------------------------------------------------------------------------------------------------------ */

static uint64_t comparisons_of(const verdict *d)
{
    uint64_t all = 0;

    for (int i = 0; i < CHECKS; i++)
        all += d->comparisons[i];
    return all;
}

bool verify_verdict_ok(const verification *v, const verdict *d)
{
    if (!d->device.info.usable)
        return v->options->backends.count == 0;
    return !d->failure[0] && d->divergences == 0 && comparisons_of(d) > 0;
}

static const char *verdict_word(const verdict *d)
{
    if (!d->device.info.usable)
        return "not usable";
    if (d->divergences)
        return "DIFFERS";
    if (d->failure[0])
        return "FAILED";
    return comparisons_of(d) ? "equal" : "NOTHING COMPARED";
}

/* Was a device other than the reference compared with it? */
static bool independent(const verification *v)
{
    for (size_t i = 0; i < v->count; i++)
        if (v->verdict[i].comparisons[CHECK_REFERENCE])
            return true;
    return false;
}

/* ---- one difference ------------------------------------------------------------------------------------------------------ */

static const char *check_words(verify_check check)
{
    switch (check) {
    case CHECK_REFERENCE: return "from cpu_ref";
    case CHECK_REPEAT:    return "from its own first run";
    case CHECK_OUTPUTS:   return "in what a run returns, from the op output";
    case CHECK_BATCH:     return "in a batch, from a single run";
    case CHECK_SAVED:     return "from the saved outputs";
    case CHECK_EXPECT:    return "from the expected digests";
    case CHECKS:          break;
    }
    return "";
}

static void describe_digest(const verification *v, const divergence *what, char *text, size_t size)
{
    uint32_t i = 0;

    while (what->entry && i < v->info.outputs && v->output[i] != what->entry)
        i++;
    if (what->entry)
        snprintf(text, size, "outputs_sha256[%" PRIu32 "] \"%.80s\": expected %s, got %s", i, what->entry->tensor.name,
                 what->expected, what->got);
    else
        snprintf(text, size, "all_tensors_sha256: expected %s, got %s", what->expected, what->got);
}

void verify_describe(const verification *v, const verdict *d, const divergence *what, char line[VERIFY_LINE])
{
    char text[VERIFY_LINE / 2];

    if (what->check == CHECK_EXPECT)
        describe_digest(v, what, text, sizeof text);
    else
        trace_describe(v->model, what->entry, &what->mismatch, text, sizeof text);
    snprintf(line, VERIFY_LINE, "%s %" PRIu32 " differs %s: case %s, %s", d->device.info.backend, d->device.index,
             check_words(what->check), what->item->name, text);
}

/* ---- the line that shows it again ---------------------------------------------------------------------------------------- */

/* One word for a shell. */
static void put_word(FILE *f, const char *word)
{
    const char *safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=.,:/@%";

    if (word[0] && strspn(word, safe) == strlen(word)) {
        fprintf(f, " %s", word);
        return;
    }
    fputs(" '", f);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", f);
        else
            fputc(*word, f);
    fputc('\'', f);
}

static void put_option(FILE *f, const char *option, const char *value)
{
    fprintf(f, " %s", option);
    put_word(f, value);
}

/* A single random or constant case can be made again alone; a batch, and what comes from a file, as it was. */
static void put_cases(FILE *f, const verify_options *o, const divergence *what)
{
    if (o->load_outputs) {
        put_option(f, "--load-outputs", o->load_outputs);
        return;
    }
    if (o->expect && (what->check == CHECK_EXPECT || what->check == CHECK_BATCH || what->item->kind != CASE_SEED)) {
        put_option(f, "--expect", o->expect);
        for (size_t i = 0; i < o->folders.count; i++)
            put_option(f, "--inputs", o->folders.item[i]);
        return;
    }
    if (what->check == CHECK_BATCH)
        fprintf(f, " --seed %" PRIu64 " --cases %" PRIu32, o->seed, o->cases);
    else if (what->item->kind == CASE_SEED)
        fprintf(f, " --seed %" PRIu64 " --cases 1", what->item->number);
    else
        fputs(" --cases 0", f);
}

char *verify_replay_line(const verification *v, const verdict *d, const divergence *what)
{
    const verify_options *o = v->options;
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return NULL;
    fputs(program_name(), f);
    put_option(f, "verify", o->model);
    for (uint32_t i = 0; i < o->input_count && (what->item->kind == CASE_GIVEN || what->check == CHECK_BATCH); i++)
        put_word(f, o->inputs[i]);
    put_option(f, "--backend", d->device.info.backend);
    fprintf(f, " --device %" PRIu32, d->device.index);
    if (o->variant)
        put_option(f, "--variant", o->variant);
    if (o->common.ways.isa)
        put_option(f, "--isa", o->common.ways.isa);
    if (o->common.ways.threads)
        fprintf(f, " --threads %" PRIu32, o->common.ways.threads);
    put_cases(f, o, what);
    if (o->common.limits.mem_bytes)
        fprintf(f, " --max-mem %" PRIu64, o->common.limits.mem_bytes);
    if (o->common.limits.work)
        fprintf(f, " --max-work %" PRIu64, o->common.limits.work);
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

/* ---- text ---------------------------------------------------------------------------------------------------------------- */

static void print_divergence(const verification *v, const verdict *d)
{
    char line[VERIFY_LINE], *replay = verify_replay_line(v, d, &d->first);

    verify_describe(v, d, &d->first, line);
    printf("\n%s\n", line);
    if (replay)
        printf("again: %s\n", replay);
    free(replay);
}

static void print_count(const verdict *d, int check)
{
    if (d->comparisons[check])
        printf("  %9" PRIu64, d->comparisons[check]);
    else
        printf("  %9s", "-");
}

/* Of the column of backends. */
static int width_of(const verification *v)
{
    size_t width = 8;

    for (size_t i = 0; i < v->count; i++)
        if (strlen(v->verdict[i].device.info.backend) > width)
            width = strlen(v->verdict[i].device.info.backend);
    return (int)width;
}

static void print_verdict(const verification *v, const verdict *d)
{
    printf("%-*s  %6" PRIu32, width_of(v), d->device.info.backend, d->device.index);
    for (int i = 0; i < CHECKS; i++)
        if (asked(v, i))
            print_count(d, i);
    printf("  %12" PRIu64 "  %s%s%s\n", d->bytes, verdict_word(d), d->failure[0] ? ": " : "", d->failure);
}

static void print_cases(const verification *v)
{
    printf("cases  %zu:", v->cases.count);
    for (size_t i = 0; i < v->cases.count && i < 16; i++)
        printf(" %s", v->cases.item[i].name);
    puts(v->cases.count > 16 ? " ..." : "");
    if (v->skipped_count == 0)
        return;
    printf("skipped  %zu, whose files --inputs must bring:", v->skipped_count);
    for (size_t i = 0; i < v->skipped_count && i < 16; i++)
        printf(" %s (%s)", v->skipped[i]->name, v->skipped[i]->file);
    puts(v->skipped_count > 16 ? " ..." : "");
}

static void print_files(const verification *v)
{
    const recording *r = &v->saved;

    if (r->count)
        printf("saved  %s: Lockstep %s on %s %" PRIu32 "  %s, %s%s%s\n", v->options->load_outputs, r->engine, r->backend,
               r->device, r->name, r->driver, r->variant[0] ? ", variant " : "", r->variant);
    if (v->golden.count)
        printf("expected  %s\n", v->options->expect);
}

static void print_table(const verification *v)
{
    printf("\ncomparisons of tensors: every op output with cpu_ref's, and with a second run's; the outputs of runs without kept\n"
           "intermediates, and of batches%s, with those of single runs", v->group > 1 ? "" : " (not of this model)");
    if (v->saved.count)
        fputs("; every op output with the saved one", stdout);
    if (v->golden.count)
        fputs("; digests with the expected ones", stdout);
    printf("\n\n%-*s  %6s", width_of(v), "backend", "device");
    for (int i = 0; i < CHECKS; i++)
        if (asked(v, i))
            printf("  %9s", check_columns[i]);
    printf("  %12s  %s\n", "bytes", "result");
    for (size_t i = 0; i < v->count; i++)
        print_verdict(v, &v->verdict[i]);
}

static void print_reduction(const reduction *r)
{
    printf("\ncapsule  %s: %" PRIu32 " of %" PRIu32 " ops, batch %" PRIu32 " of %" PRIu32, r->path, r->ops, r->of_ops, r->batch,
           r->of_batch);
    printf(", op %" PRIu32 " of the model (%" PRIu32 " tries)\nagain: %s", r->op, r->tries, program_name());
    put_word(stdout, "verify");
    put_word(stdout, r->path);
    putchar('\n');
}

static bool any_fault(const verification *v)
{
    for (size_t i = 0; i < v->count; i++)
        if (v->verdict[i].fault.item)
            return true;
    return false;
}

void verify_print_text(const verification *v)
{
    printf("model  sha256 %s  %s\n", v->sha256, v->options->model);
    print_files(v);
    print_cases(v);
    print_table(v);
    for (size_t i = 0; i < v->count; i++)
        if (v->verdict[i].divergences)
            print_divergence(v, &v->verdict[i]);
    if (v->reduction.path)
        print_reduction(&v->reduction);
    else if ((v->options->reduce || v->options->capsule) && !any_fault(v))
        puts("\nNo capsule was written: no device gave other bytes than cpu_ref.");
    if (!independent(v))
        printf("\nNo backend was compared with another one: this says only that cpu_ref agrees with itself%s.\n",
               v->saved.count || v->golden.count ? ", and whether it does with the file" : "");
}

/* ---- JSON ---------------------------------------------------------------------------------------------------------------- */

static void json_elements(json *j, const verification *v, const divergence *d)
{
    const trace_entry *e = d->entry;
    lks_op_info op = { .kind = "?" };

    lks_model_op(v->model, e->op, &op);
    json_u64(j, "op", e->op);
    json_text(j, "kind", op.kind);
    json_text(j, "name", e->tensor.name);
    json_open(j, "at", '[');
    for (uint32_t i = 0; i < e->tensor.rank; i++)
        json_u64(j, NULL, d->mismatch.at[i]);
    json_close(j);
    json_i64(j, "expected", d->mismatch.expected);
    json_i64(j, "got", d->mismatch.got);
    json_u64(j, "elements_that_differ", d->mismatch.count);
}

static void json_divergence(json *j, const verification *v, const verdict *on)
{
    const divergence *d = &on->first;
    char line[VERIFY_LINE], *replay = verify_replay_line(v, on, d);

    verify_describe(v, on, d, line);
    json_open(j, "first_divergence", '{');
    json_text(j, "check", check_names[d->check]);
    json_text(j, "case", d->item->name);
    if (d->check == CHECK_EXPECT) {
        json_text(j, "name", d->entry ? d->entry->tensor.name : NULL);
        json_text(j, "expected_sha256", d->expected);
        json_text(j, "got_sha256", d->got);
    } else {
        json_elements(j, v, d);
    }
    json_text(j, "text", line);
    json_text(j, "again", replay);
    json_close(j);
    free(replay);
}

static void json_verdict(json *j, const verification *v, const verdict *d)
{
    json_open(j, NULL, '{');
    json_text(j, "backend", d->device.info.backend);
    json_u64(j, "device", d->device.index);
    json_text(j, "name", d->device.info.name);
    json_text(j, "driver", d->device.info.driver);
    json_text(j, "result", verdict_word(d));
    json_text(j, "reason", d->failure[0] ? d->failure : NULL);
    json_open(j, "comparisons", '{');
    for (int i = 0; i < CHECKS; i++)
        if (asked(v, i))
            json_u64(j, check_names[i], d->comparisons[i]);
    json_close(j);
    json_u64(j, "bytes", d->bytes);
    json_u64(j, "comparisons_that_differ", d->divergences);
    if (d->divergences)
        json_divergence(j, v, d);
    json_close(j);
}

static void json_skipped(json *j, const verification *v)
{
    if (!v->golden.count)
        return;
    json_open(j, "skipped", '[');
    for (size_t i = 0; i < v->skipped_count; i++) {
        json_open(j, NULL, '{');
        json_text(j, "case", v->skipped[i]->name);
        json_text(j, "file", v->skipped[i]->file);
        json_close(j);
    }
    json_close(j);
}

static void json_reduction(json *j, const reduction *r)
{
    if (!r->path)
        return;
    json_open(j, "capsule", '{');
    json_text(j, "file", r->path);
    json_u64(j, "ops", r->ops);
    json_u64(j, "of_ops", r->of_ops);
    json_u64(j, "batch", r->batch);
    json_u64(j, "of_batch", r->of_batch);
    json_u64(j, "op", r->op);
    json_u64(j, "tries", r->tries);
    json_close(j);
}

bool verify_print_json(const verification *v, bool ok, lks_error *error)
{
    json j = json_start();

    json_text(&j, "lockstep", LKS_VERSION);
    json_text(&j, "model", v->options->model);
    json_text(&j, "model_sha256", v->sha256);
    json_text(&j, "variant", v->options->variant);
    json_open(&j, "cases", '[');
    for (size_t i = 0; i < v->cases.count; i++)
        json_text(&j, NULL, v->cases.item[i].name);
    json_close(&j);
    json_skipped(&j, v);
    json_open(&j, "devices", '[');
    for (size_t i = 0; i < v->count; i++)
        json_verdict(&j, v, &v->verdict[i]);
    json_close(&j);
    json_reduction(&j, &v->reduction);
    json_bool(&j, "compared_with_another_backend", independent(v));
    json_text(&j, "result", ok ? "PASSED" : "FAILED");
    return json_finish(&j, true, error);
}
