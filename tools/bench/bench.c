/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep bench`: how fast models run: options, the sweep over models, devices, threads, batches and scenarios.
 */
#include "tools/bench/bench.h"
#include "tools/bench/machine.h"
#include "tools/commands.h"
#include "tools/model_file.h"
#include "tools/output.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH_MAX 65536
#define INFLIGHT_MAX 64
#define NAME_MAX_BYTES 256

/* ---- options ------------------------------------------------------------------------------------------------------------- */

/* What is read as text first. */
typedef struct raw_options {
    const char *batches, *threads, *scenario, *duration, *threshold;
    option_list ops, backends;
    char name[2 * OPTION_LIST_MAX][NAME_MAX_BYTES];     /* of built-in models, and of backends */
    size_t names;
} raw_options;

/* The next word of a list with commas; false: none is left, or it is too long (then *text is not at the end). */
static bool next_word(const char **text, char *word, size_t size)
{
    size_t length = strcspn(*text, ",");

    if (length == 0 || length >= size)
        return false;
    memcpy(word, *text, length);
    word[length] = '\0';
    *text += length;
    if ((*text)[0] == ',' && (*text)[1] != '\0')
        (*text)++;
    return true;
}

static bool read_numbers(const char *option, const char *text, uint32_t max, number_list *list, lks_error *error)
{
    const char *rest = text;
    uint64_t value;
    char word[16];

    if (!text)
        list->count = 1;        /* a 0 */
    while (text && *rest) {
        if (list->count == BENCH_LIST_MAX)
            return error_set(error, "%s: more than %d numbers", option, BENCH_LIST_MAX);
        if (!next_word(&rest, word, sizeof word) || !options_number(word, false, 1, max, &value))
            return error_set(error, "%s: \"%.60s\" is no list of whole numbers from 1 to %u, such as 1,8,64", option, text, max);
        list->item[list->count++] = (uint32_t)value;
    }
    return list->count > 0 || error_set(error, "%s: its value is empty", option);
}

/* A decimal number without sign, below 10^6, with at most three digits behind the point, in thousandths. */
static bool read_decimal(const char *text, uint64_t *thousandths)
{
    const char *point = strchr(text, '.');
    size_t digits = point ? strlen(point + 1) : 0;
    uint64_t whole, part = 0;
    char copy[16];

    if (strlen(text) >= sizeof copy || digits > 3 || (point && digits == 0))
        return false;
    strcpy(copy, text);
    if (point)
        copy[point - text] = '\0';
    if (!options_number(copy, false, 0, 1000000, &whole) || (point && !options_number(point + 1, false, 0, 999, &part)))
        return false;
    for (size_t i = digits; i < 3; i++)
        part *= 10;
    *thousandths = 1000 * whole + part;
    return true;
}

static bool read_scenarios(const char *text, bool scenarios[2], lks_error *error)
{
    const char *rest = text ? text : scenario_names[SINGLE_STREAM];
    char word[16];

    while (*rest) {
        bool known = false;

        if (!next_word(&rest, word, sizeof word))
            word[0] = '\0';
        for (int i = 0; i < 2; i++)
            if (strcmp(word, scenario_names[i]) == 0)
                scenarios[i] = known = true;
        if (!known)
            return error_set(error, "--scenario: \"%.60s\" is unknown: use SingleStream, Offline, or both with a comma", text);
    }
    return true;
}

static bool add_name(raw_options *raw, option_list *list, const char *prefix, const char *name, lks_error *error)
{
    char *room = raw->name[raw->names];

    if (list->count == OPTION_LIST_MAX || raw->names == 2 * OPTION_LIST_MAX)
        return error_set(error, "%s: more than %d models or backends", name, OPTION_LIST_MAX);
    if ((size_t)snprintf(room, NAME_MAX_BYTES, "%s%s", prefix, name) >= NAME_MAX_BYTES)
        return error_set(error, "%.100s...: is too long", name);
    raw->names++;
    list->item[list->count++] = room;
    return true;
}

/* The name of a network, alone, means the built-in one, unless there is such a file. */
static bool read_models(char *const *operand, int count, raw_options *raw, bench_options *o, lks_error *error)
{
    for (int i = 0; i < count; i++) {
        const char *prefix = network_known(operand[i]) && access(operand[i], F_OK) != 0 ? NETWORK_PREFIX : "";

        if (!network_named(operand[i]) && !prefix[0] && access(operand[i], R_OK) != 0)
            return error_set(error, "%s: is no file that can be read, and no built-in network", operand[i]);
        if (!add_name(raw, &o->models, prefix, operand[i], error))
            return false;
    }
    for (size_t i = 0; i < raw->ops.count; i++)
        if (!add_name(raw, &o->models, NETWORK_PREFIX, raw->ops.item[i], error))
            return false;
    if (o->models.count == 0 && !o->peak)
        return error_set(error, "give a MODEL, a network such as resnet50, --op or --peak: see lockstep bench --help");
    return (o->models.count == 0 || !o->peak) || error_set(error, "--peak: measures no model: leave out %s", o->models.item[0]);
}

static bool read_backends(raw_options *raw, bench_options *o, lks_error *error)
{
    char word[64];

    for (size_t i = 0; i < raw->backends.count; i++) {
        const char *rest = raw->backends.item[i];

        do {
            if (!next_word(&rest, word, sizeof word))
                return error_set(error, "--backend: \"%.60s\" is no list of names, such as cpu_ref,cuda", raw->backends.item[i]);
            if (!add_name(raw, &o->backends, "", word, error))
                return false;
        } while (*rest);
    }
    return true;
}

static bool check_options(const raw_options *raw, bench_options *o, lks_error *error)
{
    uint64_t thousandths;

    if (raw->duration && (!read_decimal(raw->duration, &thousandths) || thousandths > 3600000))
        return error_set(error, "--duration: \"%.60s\" is no number of seconds from 0 to 3600, such as 3 or 0.5", raw->duration);
    if (raw->duration)
        o->duration_ms = (uint32_t)thousandths;
    o->threshold = -1;
    if (raw->threshold && (!read_decimal(raw->threshold, &thousandths) || thousandths >= 100000))
        return error_set(error, "--threshold: \"%.60s\" is no percentage from 0 to below 100", raw->threshold);
    if (raw->threshold)
        o->threshold = (double)thousandths / 1000;
    if (raw->threshold && !o->against && !o->ab)
        return error_set(error, "--threshold: with --against or --ab only");
    if (o->ab && (o->against || o->save || o->peak))
        return error_set(error, "--ab: leave out --against, --save and --peak");
    if (o->ab && (o->format == FORMAT_CSV || o->format == FORMAT_JSONL))
        return error_set(error, "--ab: use --output md or json");
    if (o->peak && o->against)
        return error_set(error, "--peak: leave out --against");
    if (o->inflight && o->scenarios[SINGLE_STREAM])
        return error_set(error, "--inflight: with --scenario Offline only; SingleStream is one request at a time");
    if (o->save && o->against && output_same_file(o->save, o->against))
        return error_set(error, "%s: --save: is the file of --against: choose another name", o->save);
    return true;
}

static bool parse(int argc, char **argv, raw_options *raw, bench_options *o, lks_error *error)
{
    static const char *const formats[] = { "md", "csv", "json", "jsonl", NULL };
    const option_spec specs[] = {
        { "op", OPTION_LIST, &raw->ops, 0, 0, NULL },
        { "b", OPTION_TEXT, &raw->batches, 0, 0, NULL }, { "batch", OPTION_TEXT, &raw->batches, 0, 0, NULL },
        { "t", OPTION_TEXT, &raw->threads, 0, 0, NULL }, { "threads", OPTION_TEXT, &raw->threads, 0, 0, NULL },
        { "r", OPTION_U32, &o->rounds, 1, 1000, NULL }, { "rounds", OPTION_U32, &o->rounds, 1, 1000, NULL },
        { "o", OPTION_CHOICE, &o->format, 0, 0, formats }, { "output", OPTION_CHOICE, &o->format, 0, 0, formats },
        { "backend", OPTION_LIST, &raw->backends, 0, 0, NULL },
        { "device", OPTION_TEXT, &o->device, 0, 0, NULL },
        { "variant", OPTION_TEXT, &o->variant, 0, 0, NULL },
        { "scenario", OPTION_TEXT, &raw->scenario, 0, 0, NULL },
        { "inflight", OPTION_U32, &o->inflight, 1, INFLIGHT_MAX, NULL },
        { "warmup", OPTION_U32, &o->warmup_ms, 0, 3600000, NULL },
        { "duration", OPTION_TEXT, &raw->duration, 0, 0, NULL },
        { "seed", OPTION_U64, &o->seed, 0, UINT64_MAX, NULL },
        { "peak", OPTION_FLAG, &o->peak, 0, 0, NULL },
        { "save", OPTION_TEXT, &o->save, 0, 0, NULL },
        { "against", OPTION_TEXT, &o->against, 0, 0, NULL },
        { "ab", OPTION_TEXT, &o->ab, 0, 0, NULL },
        { "threshold", OPTION_TEXT, &raw->threshold, 0, 0, NULL },
        OPTIONS_WAYS(&o->ways), OPTIONS_LIMITS(o)
    };
    int first;

    *o = (bench_options){ .warmup_ms = 200, .duration_ms = 3000 };
    if (!options_parse(argc, argv, specs, sizeof specs / sizeof specs[0], &first, error)
        || !read_numbers("--batch", raw->batches, BATCH_MAX, &o->batches, error)
        || !read_numbers("--threads", raw->threads, THREADS_MAX, &o->threads, error)
        || !read_scenarios(raw->scenario, o->scenarios, error) || !check_options(raw, o, error))
        return false;
    o->rounds = o->rounds ? o->rounds : o->ab ? 10 : 5;
    return read_backends(raw, o, error) && read_models(argv + first, argc - first, raw, o, error);
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------- */

static bool add_row(bench *b, bench_row **row, lks_error *error)
{
    bench_row *grown = realloc(b->row, (b->count + 1) * sizeof *grown);

    if (!grown)
        return error_memory(error);
    b->row = grown;
    *row = &grown[b->count++];
    **row = (bench_row){ .model = "", .inflight = 1, .scenario = PEAK_ONLY };
    for (int i = 0; i < FIGURES; i++)
        (*row)->figure[i] = NAN;
    return true;
}

static void progress(const bench *b, const bench_row *r)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[Krow %zu: %s, batch %u, %s", b->count, r->model[0] ? r->model : "peak", r->batch,
                r->device.info.backend);
}

/* A device and a number of threads: what is opened once. */
typedef struct group {
    bench *b;
    device device;
    uint32_t threads;
    lks_context *context;       /* NULL: it could not be opened: why */
    lks_error why;
    double device_open_ms;
} group;

/* A request to a backend for what it does not have is no failure. */
static row_status refusal(const lks_error *why)
{
    bool lacks = why->status == LKS_ERR_ARGUMENT || why->status == LKS_ERR_NO_DEVICE || why->status == LKS_ERR_UNSUPPORTED;

    return lacks ? ROW_NOT_SUPPORTED : ROW_FAILED;
}

static void open_group(group *g)
{
    double start = machine_seconds();

    g->context = NULL;
    g->why = (lks_error){ LKS_ERR_NO_DEVICE, "" };
    if (g->device.info.usable)
        device_connect(&g->device, &g->context, &g->why);
    else
        snprintf(g->why.text, sizeof g->why.text, "not usable: %s", g->device.info.reason);
    g->device_open_ms = (machine_seconds() - start) * 1e3;
}

static bool measure_row(group *g, bench_job *job, bench_row row, lks_error *error)
{
    bench_row *r = NULL;

    if (!add_row(g->b, &r, error))
        return false;
    row.device = g->device;
    row.threads = g->threads;
    memcpy(row.figure, r->figure, sizeof row.figure);
    *r = row;
    progress(g->b, r);
    if (!g->context) {
        bench_refuse(r, refusal(&g->why), g->why.text);
        return true;
    }
    job->context = g->context;
    job->device_open_ms = g->device_open_ms;
    if (!job->model)
        return bench_measure_peak(job, r, error);
    bench_measure(job, r);
    return true;
}

/* Several requests keep a device of its own busy; on the CPU one request has all threads already. */
static uint32_t default_inflight(const group *g)
{
    return g->context && g->context->backend->exercise ? 2 : 1;
}

static bool measure_model(group *g, const char *name, lks_error *error)
{
    const bench_options *o = g->b->options;
    double start = machine_seconds();
    bench_job job = { .b = g->b };
    lks_model_info info;
    bench_row row = { .model = name };
    bool ok = model_file_open(name, &o->limits, &job.model, error);

    if (!ok)
        return false;
    job.model_load_ms = (machine_seconds() - start) * 1e3;
    lks_model_get(job.model, &info);
    digest_hex(info.digest, row.sha256);
    for (size_t i = 0; ok && i < o->batches.count; i++)
        for (int s = 0; ok && s < 2; s++) {
            row.batch = o->batches.item[i] ? o->batches.item[i] : info.batch;
            row.scenario = (scenario)s;
            row.inflight = s == OFFLINE ? o->inflight ? o->inflight : default_inflight(g) : 1;
            if (o->scenarios[s])
                ok = measure_row(g, &job, row, error);
        }
    lks_model_close(job.model);
    return ok;
}

static bool measure_device(bench *b, const device *d, lks_error *error)
{
    const bench_options *o = b->options;
    bool ok = true;

    for (size_t i = 0; ok && i < o->threads.count; i++) {
        group g = { .b = b, .device = *d, .threads = o->threads.item[i] };
        bench_job job = { .b = b };

        g.device.ways = o->ways;
        g.device.ways.threads = g.threads;
        open_group(&g);
        if (o->peak)
            ok = measure_row(&g, &job, (bench_row){ .model = "", .inflight = 1, .scenario = PEAK_ONLY }, error);
        for (size_t k = 0; ok && k < o->models.count; k++)
            ok = measure_model(&g, o->models.item[k], error);
        lks_context_close(g.context);
    }
    return ok;
}

static bool measure_named(bench *b, const device_list *list, const char *backend, lks_error *error)
{
    bool all = strcmp(backend, "all") == 0, found = false;

    if (!all && !device_known(list, backend, error))
        return false;
    for (size_t i = 0; i < list->count; i++) {
        const device *d = &list->device[i];

        if (all ? !d->info.usable : strcmp(d->info.backend, backend) != 0
            || !device_named(d, b->options->device ? b->options->device : "0"))
            continue;
        found = true;
        if (!measure_device(b, d, error))
            return false;
    }
    return found || error_set(error, "--device: %s has no device \"%.80s\": see lockstep devices", backend,
                              b->options->device ? b->options->device : "0");
}

static bool sweep(bench *b, lks_error *error)
{
    const bench_options *o = b->options;
    common_options common = { .device = o->device, .ways = o->ways };
    device_list list;
    device first;
    bool ok = true;

    common.ways.threads = o->threads.item[0];
    if (o->backends.count == 0)
        return device_pick(&common, &first, error) && measure_device(b, &first, error);
    if (!device_enumerate(&list, error))
        return false;
    for (size_t i = 0; ok && i < o->backends.count; i++)
        ok = measure_named(b, &list, o->backends.item[i], error);
    free(list.device);
    return ok;
}

/* ---- the command --------------------------------------------------------------------------------------------------------- */

static bool save(const bench *b, lks_error *error)
{
    char *text = bench_document(b);
    bool ok = text ? output_write(b->options->save, &(output_part){ text, strlen(text) }, 1, error) : error_memory(error);

    free(text);
    return ok;
}

/* Is there something that can be right or wrong? */
static bool checks(const bench *b)
{
    size_t measured = 0;

    for (size_t i = 0; i < b->count; i++)
        measured += b->row[i].status == ROW_OK && b->row[i].outputs;
    return b->options->against || b->failed || measured > 1;
}

static bool finish(bench *b, lks_error *error)
{
    const bench_options *o = b->options;
    size_t measured = 0;

    bench_compare_rows(b);
    if (o->against && !bench_compare_base(b, error))
        return false;
    for (size_t i = 0; i < b->count; i++) {
        measured += b->row[i].status == ROW_OK;
        b->failed = b->failed || b->row[i].status == ROW_FAILED;
    }
    b->failed = b->failed || measured == 0;
    if (!bench_report(b, error) || (o->save && !save(b, error)))
        return false;
    if (o->format == FORMAT_MD && checks(b))
        puts(b->failed ? "\nFAILED" : "\nPASSED");
    if (measured == 0)
        return error_set(error, "no row could be measured: the report says why");
    return !b->failed || error_set(error, "a row failed: the report says why");
}

static bool bench_main(int argc, char **argv, lks_error *error)
{
    raw_options raw = { .batches = NULL };
    bench_options options;
    bench b = { .options = &options };
    bool ok = parse(argc, argv, &raw, &options, error);

    if (!ok || options.ab)
        return ok && bench_ab(&options, error);
    b.bare_bytes = machine_bare_bytes();
    ok = sweep(&b, error);
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    ok = ok && finish(&b, error);
    for (size_t i = 0; i < b.count; i++)
        free(b.row[i].outputs);
    free(b.row);
    return ok;
}

const command command_bench = {
    "bench", "how fast models run, against the measured peak of the device",
    "usage: lockstep bench MODEL... [options]\n"
    "       lockstep bench --op OP... [options]\n"
    "       lockstep bench --peak [options]\n\n"
    "Measures every MODEL and OP with every batch, number of threads, backend and scenario, in rounds; each round measures\n"
    "the int8 rate and the copy bandwidth of the device as well, so that a row can say how much of them it reached.\n"
    "Inputs are random; runs are not checked while they are timed, but outputs must be the same in all rows of a model\n"
    "and batch.\n\n"
    "A MODEL is a file (.lks or .tflite) or built in: resnet50 (v1.5), mobilenet_v2 (1.0), vgg16 (all 224 x 224) or\n"
    "bert_base (the linear layers, 128 tokens), with random weights.  builtin:NAME[,half_up][,seed=N] names one in every\n"
    "command; here NAME alone will do where there is no file of that name.\n"
    "An OP is a model of one op, in other commands builtin:OP; what is in brackets may be left out, from the last:\n"
    "  conv:N,H,W,C,K,R,S[,stride,pad,dilation,groups]     K filters of R x S over N images of H x W x C\n"
    "  depthwise:N,H,W,C,R,S[,stride,pad,dilation]\n"
    "  fc:M,K,N                                            M rows of K numbers to N\n"
    "  add:N,H,W,C    max_pool:N,H,W,C,R,S[,stride,pad]    avg_pool:N,H,W,C,R,S[,stride,pad]\n"
    "  (stride 1, pad on all sides so that an odd square kernel keeps the size, dilation 1, groups 1)\n\n"
    "  -b, --batch LIST      such as 1,8,64 (default: the model's own)\n"
    "  -t, --threads LIST    of cpu (default: one per core); it and --isa choose cpu, where --backend names none\n"
    "  --backend LIST        such as cpu_ref,cuda, or all: every usable device (default: the first usable one)\n"
    "  --device NAME         of those backends: a number from 0, a UUID, or part of a name\n"
    "  --variant NAME        use the kernels of that name where the backend has them\n"
    "  --scenario LIST       SingleStream (default): one request at a time, for latency; Offline: throughput\n"
    "  --inflight N          Offline: so many requests at once (default: 2 on a device of its own, 1 on the CPU)\n"
    "  --warmup MS           before the first round (default 200)\n"
    "  --duration S          of the timed runs of a row, all rounds together (default 3); a round makes one run at least\n"
    "  -r, --rounds N        default 5; with --ab 10 pairs\n"
    "  --seed N              of the inputs: image i is case random_(N + i) of lockstep verify (default 0)\n"
    "  --peak                measure the device alone\n"
    "  -o, --output FORMAT   md (default), csv, json or jsonl; all but md have every figure\n"
    "  --save FILE           write the json form\n"
    "  --against FILE        compare with what --save wrote on this device: how many times as fast, with the spread\n"
    "  --ab PROGRAM          measure another build and this one in turns, A B B A: which is faster?\n"
    "  --threshold PERCENT   with --against or --ab: fail where a row is slower by more, its whole spread included\n"
    HELP_WAYS("  ")
    HELP_LIMITS
    "\nimages/s is batch / median latency (SingleStream) or images / time (Offline), the median of the rounds.  [spread] is\n"
    "where the median lies with 95 % confidence, judged by the rounds (below six of them: from the worst to the best), and\n"
    "what the percents of peak allow at the lowest and the highest peak that a round saw: so it holds the clock as well.\n"
    "Beside other processes it reaches up to the rate of a whole processor.\n"
    "MiB: the most memory while the row is opened and first run, above what lockstep --version takes.\n"
    "A row that a backend has no means for is NOT SUPPORTED, which is no failure as long as one row is measured.\n",
    bench_main
};
