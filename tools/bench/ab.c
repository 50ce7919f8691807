/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep bench --ab PROGRAM`: two builds, measured in turns on one machine, and which of them is faster.
 *
 * Each turn is a child process that measures every row once.  The turns go A B, B A, A B, ..., so that a machine that slows
 * down or speeds up favours none; each pair gives one ratio, and the ratios decide.
 */
#include "tools/bench/bench.h"
#include "tools/json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 96
#define TEXT_MAX 160
#define SELF "/proc/self/exe"

/* The command line of a turn: pointers, and room for those that must be made. */
typedef struct arguments {
    char *word[ARGUMENTS_MAX + 1];
    char text[ARGUMENTS_MAX][TEXT_MAX];
    size_t count;
} arguments;

/* A row of both programs. */
typedef struct contest {
    char name[192];
    char *outputs;              /* of the first turn that measured it; from malloc */
    samples rate[2];            /* images/s of PROGRAM, and of this one */
    samples speedup;            /* one per pair */
    double last[2];             /* of the pair at hand; NAN: not measured */
    interval spread;
    double median;
    const char *problem;        /* NULL: none */
} contest;

typedef struct ab {
    const bench_options *o;
    contest *row;               /* from malloc */
    size_t count;
} ab;

/* ---- a turn -------------------------------------------------------------------------------------------------------------- */

static void add_word(arguments *a, const char *text)
{
    if (a->count < ARGUMENTS_MAX) {
        a->word[a->count] = (char *)(uintptr_t)text;
        a->count++;
    }
}

static void add_number(arguments *a, const char *option, uint64_t value)
{
    char *text = a->text[a->count < ARGUMENTS_MAX ? a->count : 0];

    snprintf(text, TEXT_MAX, "--%s=%llu", option, (unsigned long long)value);
    add_word(a, text);
}

static void add_list(arguments *a, const char *option, const number_list *list)
{
    char *text = a->text[a->count < ARGUMENTS_MAX ? a->count : 0];
    int used = snprintf(text, TEXT_MAX, "--%s=", option);

    if (list->item[0] == 0)
        return;
    for (size_t i = 0; i < list->count; i++)
        used += snprintf(text + used, TEXT_MAX - (size_t)used, "%s%u", i ? "," : "", list->item[i]);
    add_word(a, text);
}

static void add_duration(arguments *a, const bench_options *o)
{
    char *text = a->text[a->count < ARGUMENTS_MAX ? a->count : 0];
    uint32_t ms = o->duration_ms / o->rounds;

    snprintf(text, TEXT_MAX, "--duration=%u.%03u", ms / 1000, ms % 1000);
    add_word(a, text);
}

static void make_arguments(const bench_options *o, arguments *a)
{
    a->count = 0;
    add_word(a, "lockstep");
    add_word(a, "bench");
    add_number(a, "rounds", 1);
    add_duration(a, o);
    add_number(a, "warmup", o->warmup_ms);
    if (o->device) {
        add_word(a, "--device");
        add_word(a, o->device);
    }
    if (o->ways.cache) {
        add_word(a, "--cache");
        add_word(a, o->ways.cache);
    }
    if (o->ways.no_cache)
        add_word(a, "--no-cache");
    add_number(a, "seed", o->seed);
    add_list(a, "batch", &o->batches);
    add_list(a, "threads", &o->threads);
    if (o->inflight)
        add_number(a, "inflight", o->inflight);
    if (o->limits.mem_bytes)
        add_number(a, "max-mem", o->limits.mem_bytes);
    if (o->limits.work)
        add_number(a, "max-work", o->limits.work);
    for (size_t i = 0; i < o->backends.count; i++) {
        add_word(a, "--backend");
        add_word(a, o->backends.item[i]);
    }
    if (o->variant) {
        add_word(a, "--variant");
        add_word(a, o->variant);
    }
    if (o->ways.isa) {
        add_word(a, "--isa");
        add_word(a, o->ways.isa);
    }
    if (o->ways.no_fuse)
        add_word(a, "--no-fuse");
    if (o->ways.no_graph)
        add_word(a, "--no-graph");
    add_word(a, o->scenarios[0] && o->scenarios[1] ? "--scenario=SingleStream,Offline"
                : o->scenarios[1] ? "--scenario=Offline" : "--scenario=SingleStream");
    add_word(a, "--output=jsonl");
    add_word(a, "--");
    for (size_t i = 0; i < o->models.count; i++)
        add_word(a, o->models.item[i]);
    a->word[a->count] = NULL;
}

/* Its standard output, from malloc; *good: it ended with 0. */
static char *run_program(const char *program, arguments *a, bool *good, lks_error *error)
{
    char *text = NULL;
    size_t size = 0, room = 0;
    int ends[2], status = 0;
    ssize_t got;
    pid_t child;

    if (pipe(ends) != 0 || (child = fork()) < 0) {
        error_errno(error, program, "cannot be started", errno);
        return NULL;
    }
    if (child == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        execvp(program, a->word);
        _exit(127);
    }
    close(ends[1]);
    do {
        if (size + 4097 > room) {
            char *grown = realloc(text, room = 2 * room + 8192);

            if (!grown)
                break;
            text = grown;
        }
        got = read(ends[0], text + size, 4096);
        size += got > 0 ? (size_t)got : 0;
    } while (got > 0 || (got < 0 && errno == EINTR));
    close(ends[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    *good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (text)
        text[size] = '\0';
    else
        error_memory(error);
    return text;
}

/* ---- what it said -------------------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text ? text : "";
}

static void name_row(const json_t *row, char name[192])
{
    snprintf(name, 192, "%.80s, batch %lld, %.16s %lld, threads %lld, %.16s", text_of(row, "model"),
             (long long)json_integer_value(json_object_get(row, "batch")), text_of(row, "backend"),
             (long long)json_integer_value(json_object_get(row, "device")),
             (long long)json_integer_value(json_object_get(row, "threads")), text_of(row, "scenario"));
}

/* The row of that name, made if there is none yet; NULL: out of memory. */
static contest *find_row(ab *x, const char *name)
{
    contest *grown;

    for (size_t i = 0; i < x->count; i++)
        if (strcmp(x->row[i].name, name) == 0)
            return &x->row[i];
    grown = realloc(x->row, (x->count + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    x->row = grown;
    grown[x->count] = (contest){ .last = { NAN, NAN } };
    snprintf(grown[x->count].name, sizeof grown[0].name, "%s", name);
    return &grown[x->count++];
}

static bool take_row(ab *x, const json_t *row, int side, lks_error *error)
{
    const json_t *rate = json_object_get(row, "images_per_s");
    char name[192];
    contest *c;

    name_row(row, name);
    c = find_row(x, name);
    if (!c)
        return error_memory(error);
    if (strcmp(text_of(row, "status"), "OK") != 0 || !json_is_number(rate) || !(json_number_value(rate) > 0)) {
        c->problem = side ? "not measured by this program" : "not measured by the other program";
        return true;
    }
    c->last[side] = json_number_value(rate);
    if (!c->outputs && !(c->outputs = strdup(text_of(row, "outputs_sha256"))))
        return error_memory(error);
    if (strcmp(c->outputs, text_of(row, "outputs_sha256")) != 0)
        c->problem = "the outputs differ";
    return samples_add(&c->rate[side], c->last[side]) || error_memory(error);
}

static bool turn(ab *x, int side, lks_error *error)
{
    const char *program = side ? SELF : x->o->ab;
    arguments a;
    bool good, ok = true;
    size_t rows = 0;
    char *text, *line, *rest = NULL;

    make_arguments(x->o, &a);
    text = run_program(program, &a, &good, error);
    if (!text)
        return false;
    for (line = strtok_r(text, "\n", &rest); ok && line; line = strtok_r(NULL, "\n", &rest)) {
        json_t *row = json_loads(line, 0, NULL);

        ok = json_is_object(row) ? take_row(x, row, side, error)
                                 : error_set(error, "--ab: %s: prints something else than the rows of lockstep bench", program);
        rows++;
        json_decref(row);
    }
    free(text);
    return ok && ((good && rows > 0) || error_set(error, "--ab: %s: `%s bench ...` failed", program, program));
}

/* ---- the outcome --------------------------------------------------------------------------------------------------------- */

static bool pair_up(ab *x, lks_error *error)
{
    for (size_t i = 0; i < x->count; i++) {
        contest *c = &x->row[i];

        if (isnan(c->last[0]) || isnan(c->last[1])) {
            c->problem = c->problem ? c->problem : "measured by one of the programs only";
            continue;
        }
        if (!samples_add(&c->speedup, c->last[1] / c->last[0]))
            return error_memory(error);
        c->last[0] = c->last[1] = NAN;
    }
    return true;
}

static bool decide(const ab *x, contest *c)
{
    if (c->speedup.count == 0)
        return false;
    for (int side = 0; side < 2; side++)
        samples_sort(&c->rate[side]);
    samples_sort(&c->speedup);
    c->median = samples_median(&c->speedup);
    c->spread = samples_interval(&c->speedup);
    if (!c->problem && x->o->threshold >= 0 && c->spread.high < 1 - x->o->threshold / 100)
        c->problem = "slower by more than --threshold, spread included";
    return !c->problem;
}

static void print_text(const ab *x, bool ok)
{
    printf("A  %s\nB  this program\n\n| row | A images/s | B images/s | B / A [spread] | |\n|---|--:|--:|--:|---|\n", x->o->ab);
    for (size_t i = 0; i < x->count; i++) {
        const contest *c = &x->row[i];

        if (c->speedup.count)
            printf("| %s | %.4g | %.4g | %.3f [%.3f, %.3f] | B: %s%s%s |\n", c->name, samples_median(&c->rate[0]),
                   samples_median(&c->rate[1]), c->median, c->spread.low, c->spread.high,
                   bench_verdict(c->spread.low, c->spread.high), c->problem ? "; " : "", c->problem ? c->problem : "");
        else
            printf("| %s |  |  |  | %s |\n", c->name, c->problem);
    }
    puts(ok ? "\nPASSED" : "\nFAILED");
}

static bool print_json(const ab *x, bool ok, lks_error *error)
{
    json j = json_start();

    json_text(&j, "lockstep", LKS_VERSION);
    json_text(&j, "a", x->o->ab);
    json_open(&j, "rows", '[');
    for (size_t i = 0; i < x->count; i++) {
        const contest *c = &x->row[i];

        json_open(&j, NULL, '{');
        json_text(&j, "row", c->name);
        json_text(&j, "problem", c->problem);
        json_u64(&j, "pairs", c->speedup.count);
        if (c->speedup.count) {
            json_double(&j, "a_images_per_s", samples_median(&c->rate[0]));
            json_double(&j, "b_images_per_s", samples_median(&c->rate[1]));
            json_double(&j, "speedup", c->median);
            json_double(&j, "speedup_low", c->spread.low);
            json_double(&j, "speedup_high", c->spread.high);
            json_text(&j, "verdict", bench_verdict(c->spread.low, c->spread.high));
        }
        json_text(&j, "outputs_sha256", c->outputs);
        json_close(&j);
    }
    json_close(&j);
    json_text(&j, "result", ok ? "PASSED" : "FAILED");
    return json_finish(&j, true, error);
}

static void close_ab(ab *x)
{
    for (size_t i = 0; i < x->count; i++) {
        free(x->row[i].outputs);
        samples_free(&x->row[i].rate[0]);
        samples_free(&x->row[i].rate[1]);
        samples_free(&x->row[i].speedup);
    }
    free(x->row);
}

bool bench_ab(const bench_options *o, lks_error *error)
{
    ab x = { .o = o };
    bool ok = true, passed = true;

    for (uint32_t i = 0; ok && i < o->rounds; i++)
        ok = turn(&x, i % 2, error) && turn(&x, 1 - i % 2, error) && pair_up(&x, error);
    for (size_t i = 0; ok && i < x.count; i++)
        passed = decide(&x, &x.row[i]) && passed;
    passed = passed && x.count > 0;
    if (ok && o->format == FORMAT_JSON)
        ok = print_json(&x, passed, error);
    else if (ok)
        print_text(&x, passed);
    close_ab(&x);
    return ok && (passed || error_set(error, "--ab: a check failed: see the report"));
}
