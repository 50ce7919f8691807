/* SPDX-License-Identifier: Apache-2.0
 *
 * Barriers, bulk copies and wgmma of one block at a time.
 */
#include "cuda_shim/warpgroup.h"

#include "cuda_shim/block.h"
#include "cuda_shim/shim.h"

#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 1024
#define GROUP 128u              /* threads of a warpgroup */
#define BARRIERS_MAX 64
#define NAMED_MAX 16
#define COPIES_MAX 64
#define PRODUCTS_MAX 64
#define SUMS_MAX 4
#define PIECES (256u << 10 >> 4)        /* of 16 bytes in shared memory */
#define LANDED_MAX 512

typedef struct barrier {
    uint64_t *at;
    uint64_t written;           /* what stands there, so that it is noticed where it is overwritten */
    uint32_t count, pending;
    int64_t bytes;              /* expected, less those that came */
    uint32_t phase;
} barrier;

/* bar.sync */
typedef struct named {
    int32_t threads, arrived;
    uint32_t phase;
} named;

typedef struct copy {
    unsigned char *to;
    const void *from;
    uint32_t bytes;
    barrier *barrier;
} copy;

/* What a thread waits for. */
typedef struct waiting {
    const barrier *barrier;
    const named *named;
    uint32_t phase;             /* of a barrier its parity, of a named one the phase that must end */
} waiting;

typedef struct product {
    uint32_t *d;
    uint64_t a, b, sum;         /* sum: of the operands, when it was asked for */
    int columns;
    unsigned group;
} product;

/* Accumulators in flight: what they hold is here. */
typedef struct sums {
    uint32_t *d;
    uint32_t value[128];
    int columns;
} sums;

typedef struct flight {
    product products[PRODUCTS_MAX];
    sums sums[SUMS_MAX];
    unsigned product_count, sums_count, groups;
    uint64_t issued;            /* a sum of the products since the last commit */
    bool fenced;
    uint16_t landed[LANDED_MAX];        /* pieces of shared memory, since the last fence */
    unsigned landed_count;
} flight;

typedef struct block {
    barrier barriers[BARRIERS_MAX];
    named named[NAMED_MAX];
    copy copies[COPIES_MAX];
    unsigned barrier_count, copy_count;
    waiting waiting[THREADS_MAX];
    flight *flights[THREADS_MAX];       /* kept from block to block */
    uint64_t issued[THREADS_MAX / GROUP][PRODUCTS_MAX];         /* of a group of products: flight.issued of its first thread */
    uint16_t unfenced[PIECES];  /* 1 + the thread whose copy landed there */
    bool any_flight;
} block;

static __thread block *self;

static block *current(void)
{
    if (!self)
        self = calloc(1, sizeof *self);
    if (!self)
        shim_fault("out of memory");
    return self;
}

void shim_warpgroup_begin(void)
{
    if (!self)
        return;
    if (self->barrier_count)
        memset(self->unfenced, 0, sizeof self->unfenced);
    self->barrier_count = self->copy_count = 0;
    memset(self->named, 0, sizeof self->named);
    for (unsigned i = 0; self->any_flight && i < THREADS_MAX; i++)
        if (self->flights[i])
            self->flights[i]->product_count = self->flights[i]->sums_count = self->flights[i]->groups
                = self->flights[i]->landed_count = 0;
    memset(self->issued, 0, sizeof self->issued);
    self->any_flight = false;
}

const char *shim_warpgroup_end(void)
{
    if (!self)
        return NULL;
    for (unsigned i = 0; self->any_flight && i < THREADS_MAX; i++)
        if (self->flights[i] && self->flights[i]->product_count)
            return "ends with products in flight";
    for (unsigned i = 1; i < NAMED_MAX; i++)
        if (self->named[i].arrived)
            return "ends while a barrier of some threads is not complete";
    return self->copy_count ? "ends with bulk copies in flight" : NULL;
}

void shim_warpgroup_free(void)
{
    for (unsigned i = 0; self && i < THREADS_MAX; i++)
        free(self->flights[i]);
    free(self);
    self = NULL;
}

uint32_t shim_shared_address(const void *shared)
{
    return SHIM_SHARED_WINDOW + (uint32_t)((const unsigned char *)shared - shim_shared());
}

/* ---- barriers ------------------------------------------------------------------------------------------------------------ */

static barrier *find_barrier(block *b, uint64_t *at)
{
    for (unsigned i = 0; i < b->barrier_count; i++)
        if (b->barriers[i].at == at) {
            if (*at != b->barriers[i].written)
                shim_fault("a barrier at byte %u of shared memory was overwritten", shim_shared_address(at) - SHIM_SHARED_WINDOW);
            return &b->barriers[i];
        }
    shim_fault("no barrier was made at byte %u of shared memory", shim_shared_address(at) - SHIM_SHARED_WINDOW);
    return NULL;
}

void shim_barrier_init(uint64_t *at, uint32_t count)
{
    block *b = current();

    shim_need_shared(at, sizeof *at);
    if ((uintptr_t)at % 8 != 0 || count == 0 || count >= 1u << 20 || b->barrier_count == BARRIERS_MAX)
        shim_fault("a barrier has 8 aligned bytes and a count from 1 to 2^20 - 1; a block has up to %d", BARRIERS_MAX);
    *at = 0xba221e7000000000u + b->barrier_count;
    b->barriers[b->barrier_count++] = (barrier){ .at = at, .written = *at, .count = count, .pending = count };
}

static void end_phase(barrier *b)
{
    if (b->pending || b->bytes)
        return;
    b->pending = b->count;
    b->phase++;
}

void shim_barrier_arrive(uint64_t *at, uint32_t expect)
{
    barrier *b = find_barrier(current(), at);

    if (b->pending == 0)
        shim_fault("more threads arrive than its count of %u at the barrier at byte %u of shared memory", b->count,
                   shim_shared_address(at) - SHIM_SHARED_WINDOW);
    b->bytes += expect;
    b->pending--;
    end_phase(b);
}

static bool phase_ended(const void *p)
{
    const waiting *w = p;

    return (w->barrier->phase & 1) != w->phase;
}

void shim_barrier_wait(uint64_t *at, uint32_t parity)
{
    block *b = current();
    waiting *w = &b->waiting[shim_thread_number()];

    if (parity > 1)
        shim_fault("a parity is 0 or 1");
    *w = (waiting){ .barrier = find_barrier(b, at), .phase = parity };
    shim_wait_until(phase_ended, w, "the phase of a barrier at byte", shim_shared_address(at) - SHIM_SHARED_WINDOW);
}

static bool named_ended(const void *p)
{
    const waiting *w = p;

    return w->named->phase != w->phase;
}

void shim_sync_some(int32_t number, int32_t threads)
{
    block *b = current();
    named *n = &b->named[number & (NAMED_MAX - 1)];
    waiting *w = &b->waiting[shim_thread_number()];

    if (number < 1 || number >= NAMED_MAX || threads < 1 || threads % SHIM_WARP != 0)
        shim_fault("bar.sync has a number from 1 to 15 and whole warps");
    if (n->arrived && n->threads != threads)
        shim_fault("barrier %d waits for %d threads, and here for %d", number, n->threads, threads);
    n->threads = threads;
    *w = (waiting){ .named = n, .phase = n->phase };
    if (++n->arrived == threads) {
        n->arrived = 0;
        n->phase++;
    }
    shim_wait_until(named_ended, w, "the threads of barrier", (unsigned)number);
}

/* ---- copies -------------------------------------------------------------------------------------------------------------- */

void shim_copy_bulk(void *to, const void *from, uint32_t bytes, uint64_t *at)
{
    block *b = current();

    if ((uintptr_t)to % 16 != 0 || (uintptr_t)from % 16 != 0 || bytes % 16 != 0 || bytes == 0)
        shim_fault("a bulk copy is of 16 bytes and multiples, at such addresses");
    shim_need_shared(to, bytes);
    if (b->copy_count == COPIES_MAX)
        shim_fault("more than %d bulk copies in flight", COPIES_MAX);
    memset(to, 0x99, bytes);
    b->copies[b->copy_count++] = (copy){ to, from, bytes, find_barrier(b, at) };
}

bool shim_land_copy(uint64_t random)
{
    copy *c;

    if (!self || !self->copy_count)
        return false;
    c = &self->copies[random % self->copy_count];
    memcpy(c->to, c->from, c->bytes);
    c->barrier->bytes -= c->bytes;
    end_phase(c->barrier);
    *c = self->copies[--self->copy_count];
    return true;
}

/* ---- what a thread has in flight ----------------------------------------------------------------------------------------- */

static flight *my_flight(block *b)
{
    flight **f = &b->flights[shim_thread_number()];

    if (!*f)
        *f = calloc(1, sizeof **f);
    if (!*f)
        shim_fault("out of memory");
    b->any_flight = true;
    return *f;
}

void shim_landed(const void *shared)
{
    const unsigned piece = (shim_shared_address(shared) - SHIM_SHARED_WINDOW) >> 4;
    flight *f;

    if (!self || !self->barrier_count)
        return;
    f = my_flight(self);
    if (f->landed_count == LANDED_MAX)
        shim_fault("more than %d copies without a fence", LANDED_MAX);
    f->landed[f->landed_count++] = (uint16_t)piece;
    self->unfenced[piece] = (uint16_t)(1 + shim_thread_number());
}

void shim_fence_async(void)
{
    block *b = current();
    flight *f = my_flight(b);

    for (unsigned i = 0; i < f->landed_count; i++)
        if (b->unfenced[f->landed[i]] == 1 + shim_thread_number())
            b->unfenced[f->landed[i]] = 0;
    f->landed_count = 0;
}

/* ---- operands: "Matrix Descriptor Format" and "Shared Memory Matrix Layout" of wgmma --------------------------------------- */

/* Depth along rows; 8 rows after another, each of 16 bytes times mask + 1. */
typedef struct matrix {
    uint32_t start, leading, stride, mask;
} matrix;

static uint32_t field(uint64_t descriptor, int first)
{
    return (uint32_t)(descriptor >> first & 0x3fff) << 4;
}

static matrix decode(uint64_t descriptor)
{
    static const uint32_t masks[] = { 0, 7, 3, 1 };
    matrix m = { field(descriptor, 0), field(descriptor, 16), field(descriptor, 32), masks[descriptor >> 62] };

    if (descriptor >> 49 & 7)
        shim_fault("wgmma: a base offset, which nothing here uses");
    if (m.start & (m.mask << 7))
        shim_fault("wgmma: the pattern of a swizzle begins at no multiple of its size, and the base offset is 0");
    return m;
}

/* 16 bytes: piece 0 or 1 of the 32 bytes of depth of a row. */
static const unsigned char *find_piece(matrix m, uint32_t row, uint32_t piece)
{
    uint32_t at = m.start + (row >> 3) * m.stride + (row & 7) * 16 * (m.mask + 1) + piece * (m.mask ? 16 : m.leading);
    const unsigned char *p;

    at ^= ((at >> 7) & m.mask) << 4;
    p = shim_shared() + (int32_t)(at - SHIM_SHARED_WINDOW);
    shim_need_shared(p, 16);
    return p;
}

/* Rows of a and of b that this thread's accumulators come from. */
static uint32_t a_row(uint32_t thread, int i)
{
    return 16 * (thread / SHIM_WARP % 4) + thread % SHIM_WARP / 4 + 8 * (uint32_t)i;
}

static uint32_t b_row(uint32_t thread, int j)
{
    return 8 * (uint32_t)(j / 2) + 2 * (thread % 4) + (uint32_t)(j & 1);
}

/* A sum of 16 bytes that notices each change of one. */
static uint64_t mix(uint64_t sum, const unsigned char *piece)
{
    uint64_t words[2];

    memcpy(words, piece, sizeof words);
    return (sum ^ words[0] * 0x9e3779b97f4a7c15u ^ (words[1] + 1) * 0xc2b2ae3d27d4eb4fu) * 0x100000001b3u + 1;
}

static uint64_t sum_operands(block *b, const product *p, bool fresh)
{
    const uint32_t thread = shim_thread_number();
    const matrix of_a = decode(p->a), of_b = decode(p->b);
    uint64_t sum = 0;

    for (int i = 0; i < 2 + p->columns / 4; i++)
        for (uint32_t k = 0; k < 2; k++) {
            const unsigned char *piece = i < 2 ? find_piece(of_a, a_row(thread, i), k)
                : find_piece(of_b, b_row(thread, i - 2), k);
            const unsigned owner = b->unfenced[(unsigned)(piece - shim_shared()) >> 4];

            if (fresh && owner)
                shim_fault("wgmma reads what thread %u copied, and no fence.proxy.async of it is between", owner - 1);
            sum = mix(sum, piece);
        }
    return sum;
}

/* ---- products ------------------------------------------------------------------------------------------------------------ */

void shim_wgmma_fence(void)
{
    my_flight(current())->fenced = true;
}

static sums *find_sums(flight *f, const uint32_t *d)
{
    for (unsigned i = 0; i < f->sums_count; i++)
        if (f->sums[i].d == d)
            return &f->sums[i];
    return NULL;
}

/* The registers are wgmma's from now on, and nobody may read them. */
static void take_sums(flight *f, uint32_t *d, int columns)
{
    sums *s = &f->sums[f->sums_count];

    if (f->sums_count++ == SUMS_MAX)
        shim_fault("wgmma: more than %d sets of accumulators in flight", SUMS_MAX);
    if (!f->fenced)
        shim_fault("wgmma: no wgmma.fence since its accumulators were those of the thread");
    s->d = d;
    s->columns = columns;
    memcpy(s->value, d, (size_t)columns / 2 * sizeof *d);
    memset(d, 0xb5, (size_t)columns / 2 * sizeof *d);
}

void shim_wgmma(uint32_t *d, int columns, uint64_t a, uint64_t b)
{
    block *at = current();
    flight *f = my_flight(at);
    sums *s = find_sums(f, d);
    product *p = &f->products[f->product_count];

    if (columns != 8 && columns != 24 && (columns % 16 != 0 || columns < 16 || columns > 256))
        shim_fault("wgmma of integers has no %d columns", columns);
    if (f->product_count++ == PRODUCTS_MAX)
        shim_fault("more than %d products in flight", PRODUCTS_MAX);
    if (!s)
        take_sums(f, d, columns);
    else if (s->columns != columns)
        shim_fault("wgmma: products of different shapes on the same accumulators without a wait");
    *p = (product){ d, a, b, 0, columns, f->groups };
    p->sum = sum_operands(at, p, true);
    f->issued = (f->issued + (a ^ b * 3) + (uint64_t)columns) * 0x100000001b3u;
}

/* All threads of a warpgroup commit the same products (".aligned"), those of a warp together (".sync"). */
void shim_wgmma_commit(void)
{
    shim_lane all = { .what = SHIM_SYNC, .mask = 0xffffffffu, .file = "wgmma.commit_group" };
    block *b = current();
    flight *f = my_flight(b);
    uint64_t *first = &b->issued[shim_thread_number() / GROUP][f->groups % PRODUCTS_MAX];
    const uint64_t tagged = (f->issued << 16 | (f->groups & 0x7fff)) << 1 | 1;

    if (*first && (*first >> 1 & 0x7fff) == (f->groups & 0x7fff) && *first != tagged)
        shim_fault("wgmma: threads of a warpgroup ask for different products");
    *first = tagged;
    f->issued = 0;
    f->groups++;
    shim_exchange_lanes(&all);
}

/* s32 += s8 * s8 over the depth of 32, modulo 2^32. */
static void multiply(block *b, flight *f, const product *p)
{
    const uint32_t thread = shim_thread_number();
    const matrix of_a = decode(p->a), of_b = decode(p->b);
    const int swapped = shim.swapped == SWAPPED_WGMMA;
    int8_t rows[2][32], column[32];
    sums *s = find_sums(f, p->d);

    if (sum_operands(b, p, false) != p->sum)
        shim_fault("wgmma: its operands were changed before it was waited for");
    for (int i = 0; i < 2; i++)
        for (uint32_t k = 0; k < 2; k++)
            memcpy(rows[i] + 16 * k, find_piece(of_a, a_row(thread, i), k), 16);
    for (int j = 0; j < p->columns / 4; j++) {
        for (uint32_t k = 0; k < 2; k++)
            memcpy(column + 16 * k, find_piece(of_b, b_row(thread, j), k), 16);
        for (int i = 0; i < 2; i++) {
            int32_t sum = 0;

            for (int k = 0; k < 32; k++)
                sum += rows[i][k] * column[k];
            s->value[4 * (j / 2) + 2 * (i ^ swapped) + (j & 1)] += (uint32_t)sum;
        }
    }
}

static bool in_flight(const flight *f, const uint32_t *d)
{
    for (unsigned i = 0; i < f->product_count; i++)
        if (f->products[i].d == d)
            return true;
    return false;
}

/* Others go on before products are computed, so that what they write too early shows. */
void shim_wgmma_wait(int pending)
{
    block *b = current();
    flight *f = my_flight(b);
    unsigned kept = 0;

    shim_let_others_run();
    for (unsigned i = 0; i < f->product_count; i++)
        if (f->products[i].group + (unsigned)pending >= f->groups)
            f->products[kept++] = f->products[i];
        else
            multiply(b, f, &f->products[i]);
    f->product_count = kept;
    for (unsigned i = f->sums_count; i-- > 0;) {
        sums *s = &f->sums[i];

        if (in_flight(f, s->d))
            continue;
        memcpy(s->d, s->value, (size_t)s->columns / 2 * sizeof *s->d);
        *s = f->sums[--f->sums_count];
        f->fenced = false;
    }
}
