/* SPDX-License-Identifier: Apache-2.0
 *
 * One row: sessions in flight, rounds of a peak slice and timed runs, and what the measurements say.
 */
#include "tools/bench/bench.h"
#include "tools/bench/machine.h"
#include "tools/cases.h"

#include "host/registry.h"
#include "host/session.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One request at a time. */
typedef struct lane {
    pthread_t thread;
    const struct measurement *m;
    lks_session *session;
    lks_out *out;
    samples total, put, compute, get, enqueue;      /* in ms; of the current round, where it is not said otherwise */
    double deadline, end;
    bool parts;                 /* this loop takes the parts of a run apart */
    lks_error error;
    bool failed;
} lane;

typedef struct measurement {
    const bench_job *job;
    bench_row *row;
    lks_model_info info;
    lks_in *in;                 /* shared by the lanes */
    uint8_t *input;             /* one block */
    lane *lane;
    peak peak;
    samples total, put, compute, get, enqueue;      /* of all rounds */
    samples rates, latencies, percents, peaks, copies;      /* one per round */
    double timed_s, own_s;      /* of the timed runs: how long they were, and the processor time that they got */
    double gmac_per_image;
} measurement;

void bench_refuse(bench_row *row, row_status status, const char *reason)
{
    row->status = status;
    snprintf(row->reason, sizeof row->reason, "%s", reason);
    text_clean(row->reason);
}

/* ---- inputs and outputs -------------------------------------------------------------------------------------------------- */

/* Image i of the batch is case random_(seed + i) of lockstep verify. */
static bool make_inputs(measurement *m, lks_error *error)
{
    const uint32_t images = m->info.batch_free ? m->row->batch : 1;
    case_list list;
    bool ok = cases_start(m->job->model, images, &list, error);
    uint8_t *to;

    for (uint32_t i = 0; ok && i < images; i++)
        ok = cases_add(&list, CASE_SEED, m->job->b->options->seed + i, NULL, NULL, error);
    to = m->input = ok ? malloc(cases_bytes(&list) * images) : NULL;
    m->in = calloc(m->info.inputs, sizeof *m->in);
    if (ok && (!m->input || !m->in))
        ok = error_memory(error);
    for (uint32_t i = 0; ok && i < m->info.inputs; i++) {
        m->in[i] = (lks_in){ to, list.bytes[i] * images };
        for (uint32_t k = 0; k < images; k++, to += list.bytes[i])
            memcpy(to, cases_input(&list, &list.item[k], i), list.bytes[i]);
    }
    cases_close(&list);
    return ok;
}

static bool make_outputs(measurement *m, lane *l, lks_error *error)
{
    lks_tensor_info t;

    l->out = calloc(m->info.outputs, sizeof *l->out);
    if (!l->out)
        return error_memory(error);
    for (uint32_t i = 0; i < m->info.outputs; i++) {
        if (!tensor_get(m->job->model, lks_model_output(m->job->model, i), m->row->batch, &t, error))
            return false;
        l->out[i] = (lks_out){ calloc(1, t.bytes), t.bytes };
        if (!l->out[i].data)
            return error_memory(error);
    }
    return true;
}

/* From malloc; NULL: out of memory. */
static char *outputs_digest(const measurement *m, const lane *l, lks_error *error)
{
    char *text = calloc(m->info.outputs, HEX_SIZE);
    lks_tensor_info t;

    for (uint32_t i = 0; text && i < m->info.outputs; i++) {
        lks_model_tensor(m->job->model, lks_model_output(m->job->model, i), &t);
        tensor_digest(l->out[i].data, l->out[i].bytes, text + i * HEX_SIZE);
        if (i)
            text[i * HEX_SIZE - 1] = ';';
    }
    if (!text)
        error_memory(error);
    return text;
}

/* ---- runs ---------------------------------------------------------------------------------------------------------------- */

static bool run_whole(lane *l)
{
    double start = machine_seconds();

    return lks_session_run(l->session, l->m->in, l->out, &l->error) == LKS_OK
           && samples_add(&l->total, (machine_seconds() - start) * 1e3);
}

/* The steps of lks_session_run, one after the other. */
static bool run_in_parts(lane *l, bool counts)
{
    double t[5];
    bool ok;

    t[0] = machine_seconds();
    ok = lks_session_put(l->session, l->m->in, &l->error) == LKS_OK && lks_session_wait(l->session, &l->error) == LKS_OK;
    t[1] = machine_seconds();
    ok = ok && lks_session_compute(l->session, &l->error) == LKS_OK;
    t[2] = machine_seconds();
    ok = ok && lks_session_wait(l->session, &l->error) == LKS_OK;
    t[3] = machine_seconds();
    ok = ok && lks_session_get(l->session, l->out, &l->error) == LKS_OK && lks_session_wait(l->session, &l->error) == LKS_OK;
    t[4] = machine_seconds();
    ok = ok && samples_add(&l->put, (t[1] - t[0]) * 1e3) && samples_add(&l->enqueue, (t[2] - t[1]) * 1e3)
         && samples_add(&l->compute, (t[3] - t[1]) * 1e3) && samples_add(&l->get, (t[4] - t[3]) * 1e3);
    return ok && (!counts || samples_add(&l->total, (t[4] - t[0]) * 1e3));
}

/* On the CPU nothing overlaps: the parts are those of the timed runs themselves. */
static bool on_cpu(const measurement *m)
{
    return m->job->context->backend->exercise == NULL;
}

static void *lane_loop(void *argument)
{
    lane *l = argument;

    do {
        l->failed = l->parts || on_cpu(l->m) ? !run_in_parts(l, on_cpu(l->m)) : !run_whole(l);
        l->end = machine_seconds();
    } while (!l->failed && l->end < l->deadline);
    return NULL;
}

/* Run all lanes for that long, at least one run each; *seconds is how long it was. */
static bool run_lanes(measurement *m, double duration_s, bool parts, double *seconds, lks_error *error)
{
    const double start = machine_seconds();
    uint32_t started = 1;
    bool ok = true;

    for (uint32_t i = 0; i < m->row->inflight; i++) {
        m->lane[i].deadline = start + duration_s;
        m->lane[i].parts = parts;
        m->lane[i].failed = false;
    }
    while (started < m->row->inflight && pthread_create(&m->lane[started].thread, NULL, lane_loop, &m->lane[started]) == 0)
        started++;
    lane_loop(&m->lane[0]);
    *seconds = m->lane[0].end - start;
    for (uint32_t i = 1; i < started; i++) {
        pthread_join(m->lane[i].thread, NULL);
        *seconds = fmax(*seconds, m->lane[i].end - start);
    }
    if (started < m->row->inflight)
        return error_set(error, "--inflight: this system does not start %u threads", m->row->inflight);
    for (uint32_t i = 0; ok && i < started; i++)
        if (m->lane[i].failed) {
            *error = m->lane[i].error;
            ok = error->text[0] ? false : error_memory(error);
        }
    return ok;
}

/* ---- opening ------------------------------------------------------------------------------------------------------------- */

static bool open_lane(measurement *m, lane *l, lks_error *error)
{
    const char *variant = m->job->b->options->variant;
    lks_session_options options = { .context = m->job->context, .max_batch = m->row->batch, .variant = variant,
                                    .no_fuse = m->job->b->options->ways.no_fuse, .check = LKS_CHECK_NONE };

    l->m = m;
    if (lks_session_open(m->job->model, &options, &l->session, error) != LKS_OK)
        return false;
    if (variant && !device_has_variant(l->session, variant)) {
        error_set(error, "--variant: has no kernel of the name \"%.40s\"", variant);
        error->status = LKS_ERR_UNSUPPORTED;
        return false;
    }
    return make_outputs(m, l, error);
}

static bool open_lanes(measurement *m, lks_error *error)
{
    double start;

    m->lane = calloc(m->row->inflight, sizeof *m->lane);
    if (!m->lane)
        return error_memory(error);
    if (!make_inputs(m, error))
        return false;
    start = machine_seconds();
    for (uint32_t i = 0; i < m->row->inflight; i++) {
        if (!open_lane(m, &m->lane[i], error))
            return false;
        if (i == 0)
            m->row->figure[SESSION_OPEN_MS] = (machine_seconds() - start) * 1e3;
    }
    return true;
}

static bool first_runs(measurement *m, lks_error *error)
{
    for (uint32_t i = 0; i < m->row->inflight; i++) {
        double start = machine_seconds();

        if (lks_session_run(m->lane[i].session, m->in, m->lane[i].out, error) != LKS_OK)
            return false;
        if (i == 0)
            m->row->figure[FIRST_RUN_MS] = (machine_seconds() - start) * 1e3;
    }
    m->row->outputs = outputs_digest(m, &m->lane[0], error);
    return m->row->outputs != NULL;
}

static void forget_round(lane *l)
{
    l->total.count = l->put.count = l->compute.count = l->get.count = l->enqueue.count = 0;
}

/* The first run counts as well: a slow model needs no other. */
static bool warm_up(measurement *m, lks_error *error)
{
    double rest = (double)m->job->b->options->warmup_ms - m->row->figure[FIRST_RUN_MS], seconds;
    bool ok = rest <= 0 || run_lanes(m, rest * 1e-3, false, &seconds, error);

    for (uint32_t i = 0; i < m->row->inflight; i++)
        forget_round(&m->lane[i]);
    return ok;
}

/* ---- rounds -------------------------------------------------------------------------------------------------------------- */

static bool append(samples *to, const samples *from)
{
    bool ok = true;

    for (size_t i = 0; ok && i < from->count; i++)
        ok = samples_add(to, from->v[i]);
    return ok;
}

static bool keep_round(measurement *m, double seconds, const peak_slice *slice, lks_error *error)
{
    const double images = m->info.batch_free ? m->row->batch : m->info.batch;
    samples all = { NULL, 0, 0 };
    bool ok = true;
    double median, rate;

    for (uint32_t i = 0; ok && i < m->row->inflight; i++) {
        lane *l = &m->lane[i];

        ok = append(&all, &l->total) && append(&m->put, &l->put) && append(&m->compute, &l->compute) && append(&m->get, &l->get)
             && append(&m->enqueue, &l->enqueue);
        forget_round(l);
    }
    ok = ok && append(&m->total, &all);
    if (!ok) {
        samples_free(&all);
        return error_memory(error);
    }
    samples_sort(&all);
    median = samples_median(&all);
    rate = m->row->scenario == OFFLINE ? images * (double)all.count / seconds : images * 1e3 / median;
    m->timed_s += seconds;
    samples_free(&all);
    ok = samples_add(&m->latencies, median) && samples_add(&m->rates, rate) && samples_add(&m->peaks, slice->gmac_per_s)
         && samples_add(&m->copies, slice->copy_gb_per_s)
         && samples_add(&m->percents, 100 * rate * m->gmac_per_image / slice->gmac_per_s);
    return ok || error_memory(error);
}

/* A fifth of the time of a device of its own goes into parts taken apart. */
static bool run_round(measurement *m, lks_error *error)
{
    const bench_options *o = m->job->b->options;
    const double duration = (double)o->duration_ms * 1e-3 / o->rounds;
    double seconds, apart, own;
    peak_slice slice;

    if (!peak_measure(&m->peak, &slice, error))
        return false;
    own = machine_own_seconds();
    if (!run_lanes(m, on_cpu(m) ? duration : duration * 0.8, false, &seconds, error))
        return false;
    m->own_s += machine_own_seconds() - own;
    if (!on_cpu(m) && !run_lanes(m, duration * 0.2, true, &apart, error))
        return false;
    return keep_round(m, seconds, &slice, error);
}

/* ---- what they say ------------------------------------------------------------------------------------------------------- */

static double median_of(samples *s)
{
    samples_sort(s);
    return s->count ? samples_median(s) : NAN;
}

static void put_interval(double *to, samples *s)
{
    interval i;

    samples_sort(s);
    i = samples_interval(s);
    to[0] = samples_median(s);
    to[1] = i.low;
    to[2] = i.high;
}

/*
 * Rounds follow one another within seconds, in which a clock or a neighbour need not change as much as until tomorrow.  So the
 * spread of a rate holds at least what the percents of peak allow at the lowest and the highest peak that were seen.
 */
static void widen(measurement *m)
{
    double *f = m->row->figure;
    const double lowest = m->peaks.v[0], highest = m->peaks.v[m->peaks.count - 1];
    const double low = f[PERCENT_OF_PEAK_LOW] / 100 * lowest / m->gmac_per_image;
    const double high = f[PERCENT_OF_PEAK_HIGH] / 100 * highest / m->gmac_per_image;

    if (low < f[IMAGES_PER_S_LOW]) {
        f[MEDIAN_HIGH_MS] *= f[IMAGES_PER_S_LOW] / low;
        f[IMAGES_PER_S_LOW] = low;
    }
    if (high > f[IMAGES_PER_S_HIGH]) {
        f[MEDIAN_LOW_MS] *= f[IMAGES_PER_S_HIGH] / high;
        f[IMAGES_PER_S_HIGH] = high;
    }
}

static void put_rates(measurement *m)
{
    double *f = m->row->figure;

    put_interval(&f[IMAGES_PER_S], &m->rates);
    put_interval(&f[MEDIAN_MS], &m->latencies);
    f[PEAK_GMAC_PER_S] = median_of(&m->peaks);
    f[COPY_GB_PER_S] = median_of(&m->copies);
    f[GMAC_PER_IMAGE] = m->gmac_per_image;
    if (m->gmac_per_image > 0) {        /* else there is nothing to hold against the peak */
        f[GMAC_PER_S] = f[IMAGES_PER_S] * m->gmac_per_image;
        put_interval(&f[PERCENT_OF_PEAK], &m->percents);
        widen(m);
    }
}

static void summarize(measurement *m)
{
    double *f = m->row->figure;

    put_rates(m);
    samples_sort(&m->total);
    f[MEDIAN_MS] = samples_median(&m->total);
    f[MEAN_MS] = samples_mean(&m->total);
    f[STDDEV_MS] = samples_deviation(&m->total);
    f[MIN_MS] = m->total.v[0];
    f[MAX_MS] = m->total.v[m->total.count - 1];
    f[P90_MS] = samples_percentile(&m->total, 90);
    f[P95_MS] = samples_percentile(&m->total, 95);
    f[P99_MS] = samples_percentile(&m->total, 99);
    f[H2D_MS] = median_of(&m->put);
    f[COMPUTE_MS] = median_of(&m->compute);
    f[D2H_MS] = median_of(&m->get);
    f[RUNS] = (double)m->total.count;
    f[ROUNDS] = (double)m->rates.count;
    f[TIMED_S] = m->timed_s;
}

static void warn(bench_row *row, bool condition, const char *words)
{
    if (condition && row->warnings < BENCH_WARNINGS)
        row->warning[row->warnings++] = words;
}

/*
 * Others had the processor while runs were timed, and may have more of it, or none, the next time.  What they took is known: the
 * spread reaches up to the rate that all of the time would have given.
 */
static void allow_for_others(measurement *m)
{
    double *f = m->row->figure, share = m->own_s / (m->timed_s * m->peak.threads);

    if (!on_cpu(m) || !(share > 0) || share >= 1)
        return;
    f[IMAGES_PER_S_HIGH] /= share;
    f[PERCENT_OF_PEAK_HIGH] /= share;
    f[MEDIAN_LOW_MS] *= share;
}

static void judge(measurement *m, const machine_usage *before)
{
    const machine_usage after = machine_usage_now();
    const double *f = m->row->figure, wall = after.wall - before->wall;
    const bool known = after.known && before->known;
    const bool busy = known && after.others - before->others > 0.05 * wall + 0.03;
    const bool stolen = known && after.stolen - before->stolen > 0.02 * wall + 0.03;
    double enqueue = median_of(&m->enqueue);

    if (busy || stolen)
        allow_for_others(m);

    warn(m->row, m->peaks.v[m->peaks.count - 1] > 1.05 * m->peaks.v[0],
         "clock unstable: the peak varied by more than 5 % from round to round; compare percents of peak, not times");
    warn(m->row, !on_cpu(m) && enqueue > 0.8 * f[COMPUTE_MS],
         "launch-bound: the host needs about as long to ask for the work as the device to do it; use larger batches");
    warn(m->row, f[H2D_MS] + f[D2H_MS] > f[COMPUTE_MS],
         "transfer-bound: moving inputs and outputs takes longer than computing");
    warn(m->row, f[RUNS] < 20, "run too short: fewer than 20 timed runs, so that percentiles say little; raise --duration");
    warn(m->row, busy, "machine busy: other processes took processor time, which the spread allows for; prefer --ab");
    warn(m->row, stolen, "machine busy: the hypervisor gave processor time to others");
}

/* Every lane, after all its runs, must hold what the first run gave. */
static bool outputs_agree(measurement *m, lks_error *error)
{
    for (uint32_t i = 0; i < m->row->inflight; i++) {
        char *digest = outputs_digest(m, &m->lane[i], error);
        bool equal = digest && strcmp(digest, m->row->outputs) == 0;

        free(digest);
        if (!digest)
            return false;
        if (!equal)
            return error_set(error, "the outputs changed from run to run");
    }
    return true;
}

/* ---- the row ------------------------------------------------------------------------------------------------------------- */

/* How many threads compute at once; the reference has one. */
static uint32_t busy_threads(const bench_job *job, const bench_row *row)
{
    const uint32_t processors = machine_processors();
    uint64_t threads = job->context->backend == lks_reference() ? 1 : row->threads ? row->threads : processors;

    threads *= row->inflight;
    return threads > processors ? processors : (uint32_t)threads;
}

static void note_memory(measurement *m, bool reset)
{
    uint64_t bare = m->job->b->bare_bytes, peak_bytes = reset ? machine_peak_bytes() : 0;

    if (bare && peak_bytes)
        m->row->figure[PEAK_MEMORY_BYTES] = peak_bytes > bare ? (double)(peak_bytes - bare) : 0;
}

static bool measure(measurement *m, lks_error *error)
{
    const bool reset = machine_peak_reset();
    machine_usage before;

    if (!open_lanes(m, error) || !first_runs(m, error))
        return false;
    note_memory(m, reset);          /* before the peak takes memory of its own */
    if (!peak_open(&m->peak, m->job->context, busy_threads(m->job, m->row), error) || !warm_up(m, error))
        return false;
    m->row->unit = m->peak.unit;
    before = machine_usage_now();
    for (uint32_t i = 0; i < m->job->b->options->rounds; i++)
        if (!run_round(m, error))
            return false;
    summarize(m);
    judge(m, &before);
    return outputs_agree(m, error);
}

static void close_lane(measurement *m, lane *l)
{
    for (uint32_t i = 0; l->out && i < m->info.outputs; i++)
        free(l->out[i].data);
    free(l->out);
    lks_session_close(l->session);
    samples_free(&l->total);
    samples_free(&l->put);
    samples_free(&l->compute);
    samples_free(&l->get);
    samples_free(&l->enqueue);
}

static void close_measurement(measurement *m)
{
    samples *const all[] = { &m->total, &m->put, &m->compute, &m->get, &m->enqueue, &m->rates, &m->latencies, &m->percents,
                             &m->peaks, &m->copies };

    for (uint32_t i = 0; m->lane && i < m->row->inflight; i++)
        close_lane(m, &m->lane[i]);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        samples_free(all[i]);
    free(m->lane);
    free(m->in);
    free(m->input);
    peak_close(&m->peak);
}

void bench_measure(const bench_job *job, bench_row *row)
{
    measurement m = { .job = job, .row = row };
    lks_error why = { LKS_OK, "" };
    lks_cost cost;

    lks_model_get(job->model, &m.info);
    row->figure[DEVICE_OPEN_MS] = job->device_open_ms;
    row->figure[MODEL_LOAD_MS] = job->model_load_ms;
    if (!device_affordable(job->model, row->model, row->batch, &job->b->options->limits, &why)) {
        bench_refuse(row, ROW_NOT_SUPPORTED, why.text);
        return;
    }
    lks_model_cost(job->model, row->batch, &cost);
    m.gmac_per_image = (double)cost.macs * 1e-9 / row->batch;
    if (!measure(&m, &why))
        bench_refuse(row, why.status == LKS_ERR_UNSUPPORTED ? ROW_NOT_SUPPORTED : ROW_FAILED, why.text);
    close_measurement(&m);
}

bool bench_measure_peak(const bench_job *job, bench_row *row, lks_error *error)
{
    const uint32_t threads = busy_threads(job, row);
    samples rates = { NULL, 0, 0 }, copies = { NULL, 0, 0 };
    double *f = row->figure;
    peak p;
    bool ok = peak_open(&p, job->context, threads, error);

    f[DEVICE_OPEN_MS] = job->device_open_ms;
    row->unit = p.unit;
    for (uint32_t i = 0; ok && i < job->b->options->rounds; i++) {
        peak_slice slice;
        double clock = p.cpu ? peak_clock_ghz() : NAN;

        ok = peak_measure(&p, &slice, error);
        ok = ok && ((samples_add(&rates, slice.gmac_per_s) && samples_add(&copies, slice.copy_gb_per_s)) || error_memory(error));
        f[CLOCK_GHZ] = isnan(f[CLOCK_GHZ]) ? clock : fmax(clock, f[CLOCK_GHZ]);
    }
    if (ok) {
        f[PEAK_GMAC_PER_S] = median_of(&rates);
        f[COPY_GB_PER_S] = median_of(&copies);
        f[MACS_PER_CLOCK_PER_CORE] = f[PEAK_GMAC_PER_S] / f[CLOCK_GHZ] / threads;
        f[ROUNDS] = (double)rates.count;
    }
    samples_free(&rates);
    samples_free(&copies);
    peak_close(&p);
    return ok;
}
