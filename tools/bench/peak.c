/* SPDX-License-Identifier: Apache-2.0
 *
 * The measured peak of an open device: its int8 rate and its copy bandwidth.
 */
#include "tools/bench/peak.h"
#include "tools/bench/machine.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The best of so many slices counts: another process can only take time away, and seldom comes within a millisecond. */
#define SLICE_S 0.001
#define SLICES 20
#define COPIES 4
#define DEVICE_SLICE_S 0.02
#define COPY_BYTES_LEAST ((size_t)64 << 20)
#define COPY_BYTES_MOST ((size_t)256 << 20)

/* ---- the processor ------------------------------------------------------------------------------------------------------- */

/* The share of one thread. */
typedef struct worker {
    pthread_t thread;
    pthread_barrier_t *start;       /* NULL: alone */
    const peak *p;
    bool copy;
    size_t offset, bytes;           /* copy */
    double rate;                    /* the best, per second */
} worker;

static double spin_once(const worker *w)
{
    double start = machine_seconds();

    if (w->copy)
        memcpy(w->p->to + w->offset, w->p->from + w->offset, w->bytes);
    else
        w->p->cpu->spin(w->p->spins);
    return (w->copy ? 2 * (double)w->bytes : (double)(w->p->spins * w->p->cpu->macs)) / (machine_seconds() - start);
}

static void *work(void *argument)
{
    worker *w = argument;

    if (w->start)
        pthread_barrier_wait(w->start);
    for (int i = 0; i < (w->copy ? COPIES : SLICES); i++)
        w->rate = fmax(w->rate, spin_once(w));
    return NULL;
}

/* All threads at once; their rates add up. */
static bool work_together(const peak *p, bool copy, double *rate, lks_error *error)
{
    worker *w = calloc(p->threads, sizeof *w);
    pthread_barrier_t start;
    uint32_t started = 1;

    if (!w || pthread_barrier_init(&start, NULL, p->threads) != 0) {
        free(w);
        return error_memory(error);
    }
    for (uint32_t i = 0; i < p->threads; i++)
        w[i] = (worker){ .start = &start, .p = p, .copy = copy, .bytes = p->copy_bytes / p->threads,
                         .offset = p->copy_bytes / p->threads * i };
    while (started < p->threads && pthread_create(&w[started].thread, NULL, work, &w[started]) == 0)
        started++;
    if (started < p->threads)       /* those that wait at the barrier cannot be called back: the program ends */
        return error_set(error, "--threads: this system does not start %u threads", p->threads);
    work(&w[0]);
    *rate = w[0].rate;
    for (uint32_t i = 1; i < started; i++) {
        pthread_join(w[i].thread, NULL);
        *rate += w[i].rate;
    }
    pthread_barrier_destroy(&start);
    free(w);
    return true;
}

/* Twice the last cache at least, for each of the two. */
static void open_copy(peak *p)
{
    size_t bytes = 2 * machine_cache_bytes();

    p->copy_bytes = bytes < COPY_BYTES_LEAST ? COPY_BYTES_LEAST : bytes > COPY_BYTES_MOST ? COPY_BYTES_MOST : bytes;
    p->from = malloc(p->copy_bytes);
    p->to = malloc(p->copy_bytes);
    if (!p->from || !p->to)
        return;
    memset(p->to, 1, p->copy_bytes);
    for (size_t i = 0; i < p->copy_bytes; i++)
        p->from[i] = (uint8_t)(i * 0x9e3779b1u >> 13);
}

static void open_cpu(peak *p)
{
    double start, taken = 0;

    p->cpu = cpu_unit_best();
    p->unit = p->cpu->name;
    for (p->spins = 256; taken < SLICE_S; p->spins *= 2) {
        start = machine_seconds();
        p->cpu->spin(p->spins);
        taken = machine_seconds() - start;
    }
    p->spins /= 2;
    open_copy(p);
}

double peak_clock_ghz(void)
{
    uint64_t n = 200000;
    double best = INFINITY, start;

    if (!cpu_clock)
        return NAN;
    for (int i = 0; i < SLICES; i++) {
        start = machine_seconds();
        cpu_clock(n);
        best = fmin(best, machine_seconds() - start);
    }
    return (double)n * CPU_CLOCKS / best * 1e-9;
}

/* ---- a device of its own ------------------------------------------------------------------------------------------------- */

/* Work per second; 0: it has no such units.  *amount grows until the work takes a slice. */
static bool exercise(const peak *p, lks_exercise what, uint64_t *amount, double *rate, lks_error *error)
{
    const lks_context *c = p->context;
    double start, taken;
    uint64_t done = 0;

    for (;;) {
        lks_status st;

        start = machine_seconds();
        st = c->backend->exercise(c->device, what, *amount, &done, error);
        taken = machine_seconds() - start;
        if (st != LKS_OK)
            *rate = 0;
        if (st != LKS_OK)
            return st == LKS_ERR_UNSUPPORTED;
        *rate = (double)done / taken;
        if (taken >= DEVICE_SLICE_S / 2 || *amount > UINT64_MAX / 8)
            return true;
        *amount *= taken < DEVICE_SLICE_S / 8 ? 4 : 2;
    }
}

static bool open_device(peak *p, lks_error *error)
{
    uint64_t amount[2] = { 1u << 30, 1u << 30 };
    double rate[2];

    p->copy_amount = 1u << 28;
    for (int pass = 0; pass < 2; pass++)        /* the first one wakes the device up */
        if (!exercise(p, LKS_EXERCISE_DOT, &amount[0], &rate[0], error)
            || !exercise(p, LKS_EXERCISE_MATRIX, &amount[1], &rate[1], error))
            return false;
    p->what = rate[1] > rate[0] ? LKS_EXERCISE_MATRIX : LKS_EXERCISE_DOT;
    p->unit = p->what == LKS_EXERCISE_MATRIX ? "matrix units" : "int8 dot product";
    p->amount = amount[rate[1] > rate[0]];
    return true;
}

/* ---- both ---------------------------------------------------------------------------------------------------------------- */

bool peak_open(peak *p, const lks_context *context, uint32_t threads, lks_error *error)
{
    *p = (peak){ .context = context, .threads = threads };
    if (context->backend->exercise)
        return open_device(p, error);
    open_cpu(p);
    return true;
}

bool peak_measure(const peak *p, peak_slice *slice, lks_error *error)
{
    uint64_t amount = p->amount, copy_amount = p->copy_amount;
    double macs = 0, copied = 0;
    bool ok;

    if (p->cpu)
        ok = work_together(p, false, &macs, error) && (!p->from || !p->to || work_together(p, true, &copied, error));
    else
        ok = exercise(p, p->what, &amount, &macs, error) && exercise(p, LKS_EXERCISE_COPY, &copy_amount, &copied, error);
    slice->gmac_per_s = macs > 0 ? macs * 1e-9 : NAN;
    slice->copy_gb_per_s = copied > 0 ? copied * 1e-9 : NAN;
    return ok;
}

void peak_close(peak *p)
{
    free(p->from);
    free(p->to);
    *p = (peak){ .context = NULL };
}
