/* SPDX-License-Identifier: Apache-2.0
 *
 * What the CUDA backend does when something is wrong: no driver, an old one, no card, one that is too old or that computes
 * wrongly, no memory, a kernel that fails.  A status in plain words, nothing lost, and the next device goes on.
 *
 * cuda_test MODEL
 */
#include "cuda/backend.h"
#include "cuda_shim/shim.h"
#include "failures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKEND "cuda-shim"

/* ---- describing and refusing --------------------------------------------------------------------------------------------- */

/* Device 0 is listed, is not usable, says so in those words, and does not open. */
static void refused(const char *what, const char *says)
{
    const lks_context_options o = { .backend = BACKEND };
    lks_device_info info;
    lks_context *context;
    lks_error error;
    lks_status st = lks_context_open(&o, &context, &error);

    check(lks_device(0, &info) == LKS_OK && strcmp(info.backend, BACKEND) == 0 && !info.usable && strstr(info.reason, says)
          && st == LKS_ERR_NO_DEVICE && !context && strstr(error.text, says), what, info.reason);
}

static void try_machines(void)
{
    shim.driver = 0;
    refused("no driver", "there is no NVIDIA driver");
    shim_reset();
    shim.driver = 12040;
    refused("an old driver", "it speaks CUDA 12.4, and this build needs 13.0");
    shim_reset();
    shim.cards = 0;
    refused("no card", "finds no card");
    shim_reset();
    shim.card[0].name = "NVIDIA GeForce GTX 1080";
    shim.card[0].major = 6;
    shim.card[0].minor = 1;
    refused("a card below sm_75",
            "NVIDIA GeForce GTX 1080 is sm_61, and CUDA kernels need sm_75 or later: use it through OpenCL");
    shim_reset();
    shim.card[0].prohibited = true;
    refused("a card that may not compute", "nvidia-smi -i 0 -c DEFAULT");
    shim_reset();
}

static void try_uuid(void)
{
    lks_device_info a, b;

    shim.cards = 2;
    shim.card[1] = shim.card[0];
    check(lks_device(0, &a) == LKS_OK && lks_device(1, &b) == LKS_OK && strcmp(a.backend, b.backend) == 0
          && strcmp(a.uuid, b.uuid) != 0 && strcmp(a.uuid, "GPU-00010203-0405-0607-0809-0a0b0c0d0e0f") == 0,
          "devices are told apart", a.uuid);
    shim_reset();
}

/* ---- sessions ------------------------------------------------------------------------------------------------------------ */

static lks_status open_session(uint32_t device, lks_session **session, lks_error *error)
{
    const lks_session_options o = { .backend = BACKEND, .device = device, .check = LKS_CHECK_NONE, .max_batch = 2 };

    return lks_session_open(model, &o, session, error);
}

static lks_status open_and_run(uint32_t device, uint8_t *out, lks_error *error)
{
    lks_session *s;
    lks_status st = open_session(device, &s, error);

    if (st == LKS_OK)
        st = run(s, out, error);
    lks_session_close(s);
    return st;
}

/* Device 1 gives the right bytes, and nothing is left behind. */
static void goes_on(const char *what)
{
    uint8_t out[BYTES];
    lks_error error = { .text = "" };

    shim.fail_launch = shim.fail_call = shim.fail_malloc = shim.fail_host = 0;
    check(open_and_run(1, out, &error) == LKS_OK && memcmp(out, expected, out_bytes) == 0, what, error.text);
    check(shim_live() == 0, "  and nothing is left behind", "");
}

static void two_cards(void)
{
    shim_reset();
    shim.cards = 2;
    shim.card[1] = shim.card[0];
}

static void try_wrong_cards(void)
{
    uint8_t out[BYTES];
    lks_error error;

    two_cards();
    shim.card[0].wrong = true;
    check(open_and_run(0, out, &error) == LKS_ERR_DEVICE && strstr(error.text, "fails its self-check"), "a wrong bit",
          error.text);
    goes_on("  the next device is used");
    two_cards();
    shim.card[0].no_kernels = true;
    check(open_and_run(0, out, &error) == LKS_ERR_DEVICE
          && strstr(error.text, "has no kernels for sm_90: build with LOCKSTEP_CUDA_ARCH"),
          "a build without kernels for the card", error.text);
    goes_on("  the next device is used");
    two_cards();
    shim.card[0].busy = true;
    check(open_and_run(0, out, &error) == LKS_ERR_DEVICE && strstr(error.text, "another process has the card for itself"),
          "a card that another process has", error.text);
    goes_on("  the next device is used");
    two_cards();
    shim.card[0].full = true;
    check(open_and_run(0, out, &error) == LKS_ERR_NOMEM && strstr(error.text, "other processes have that of the card"),
          "a card whose memory others have", error.text);
    goes_on("  the next device is used");
}

/* A kernel fails in a session: at each of the launches of two runs in turn. */
static void try_sticky(void)
{
    long launches = 0;
    int ok = 1;
    lks_error error = { .text = "" };

    for (long k = 1; ok && !launches; k++) {
        uint8_t out[BYTES];
        lks_session *s, *other;
        lks_status st, again, next;

        two_cards();
        ok = open_session(0, &s, &error) == LKS_OK;
        shim.fail_launch = k;
        st = ok ? run(s, out, &error) : LKS_ERR_NOMEM;
        if (st == LKS_OK)           /* the second time, as a graph */
            st = run(s, out, &error);
        if (st == LKS_OK) {
            launches = k - 1;
        } else {
            ok = ok && st == LKS_ERR_DEVICE && strstr(error.text, "only a new process can use the device again");
            again = run(s, out, &error);
            next = open_session(0, &other, &error);
            ok = ok && again == LKS_ERR_DEVICE && next == LKS_ERR_DEVICE && strstr(error.text, "cuda-shim 0: cannot be used");
        }
        lks_session_close(s);
    }
    check(ok && launches > 10, "a kernel that fails: the session, and the device from then on", error.text);
    goes_on("  the next device is used");
}

/* A card with less memory than a model needs. */
static void try_small_card(void)
{
    lks_error error = { .text = "" };
    lks_session_options large = { .backend = BACKEND, .max_batch = 100000 };
    lks_session *s;

    two_cards();
    shim.card[0].memory_bytes = 8000000;
    check(lks_session_open(model, &large, &s, &error) == LKS_ERR_UNSUPPORTED && !s
          && strstr(error.text, "for activations at batch 100000")
          && strstr(error.text, "and the card has 8000000: make the batch smaller"),
          "a card that is too small", error.text);
    goes_on("  the next device is used");
}

/* Open a session on a context, run twice, once launch by launch and once as a graph, and close it. */
static lks_status run_on(lks_context *context, uint8_t *out, lks_error *error)
{
    const lks_session_options o = { .context = context, .check = LKS_CHECK_NONE, .max_batch = 2 };
    lks_session *s;
    lks_status st = lks_session_open(model, &o, &s, error);

    for (int turn = 0; turn < 2 && st == LKS_OK; turn++)
        st = run(s, out, error);
    lks_session_close(s);
    return st;
}

/* What fails in turn: the counter of the shim that says which, and what is then said. */
typedef struct failing {
    const char *what;
    long *counter;
    lks_status status;
    const char *says;
    long least;                 /* failures of a session */
} failing;

static int told(const failing *f, lks_status st, const lks_error *error)
{
    return st == f->status && strstr(error->text, f->says) && !strstr(error->text, "only a new process");
}

/* Each one of a session fails in turn, once: the same context takes the next session. */
static void try_session(const failing *f)
{
    const lks_context_options o = { .backend = BACKEND };
    uint8_t out[BYTES];
    lks_error error = { .text = "" };
    lks_context *context;
    long refused = 0;
    int ok, reached = 1;

    two_cards();
    ok = lks_context_open(&o, &context, &error) == LKS_OK;
    for (long k = 1, live = shim_live(); ok && reached; k++) {
        lks_status st;

        *f->counter = k;
        st = run_on(context, out, &error);
        reached = *f->counter == 0;
        *f->counter = 0;
        refused += st != LKS_OK;
        ok = shim_live() == live && (st == LKS_OK ? memcmp(out, expected, out_bytes) == 0 : told(f, st, &error));
        ok = ok && run_on(context, out, &error) == LKS_OK && memcmp(out, expected, out_bytes) == 0;
    }
    lks_context_close(context);
    check(ok && refused >= f->least, f->what, error.text);
    goes_on("  the next device is used");
}

/* The self-check, when a device is opened, repeats the same few calls: steps of a prime number meet each kind of them. */
static void try_opening(const failing *f)
{
    const lks_context_options o = { .backend = BACKEND };
    const long step = getenv("LOCKSTEP_QUICK") ? 97 : 29;
    lks_error error = { .text = "" };
    long refused = 0;
    int ok = 1, reached = 1;

    for (long k = 1; ok && reached; k += step) {
        lks_context *context;
        lks_status st;

        two_cards();
        *f->counter = k;
        st = lks_context_open(&o, &context, &error);
        reached = *f->counter == 0;
        refused += st != LKS_OK;
        ok = st == LKS_OK ? context != NULL : !context && told(f, st, &error);
        lks_context_close(context);
        ok = ok && shim_live() == 0;
    }
    check(ok && refused > 100 / step, "  and when a device is opened", error.text);
    goes_on("  the next device is used");
}

static void try_failing(void)
{
    const failing all[] = {
        { "each allocation of a session fails in turn", &shim.fail_malloc, LKS_ERR_NOMEM, "bytes are free", 3 },
        { "each one of the host fails in turn", &shim.fail_host, LKS_ERR_NOMEM, "out of memory of the host", 4 },
        { "each call of a session fails in turn", &shim.fail_call, LKS_ERR_DEVICE, "initialization error", 25 }
    };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        try_session(&all[i]);
        try_opening(&all[i]);
    }
}

/* ---- what is right ------------------------------------------------------------------------------------------------------- */

/* Run n images three times: launch by launch, captured, and as the same graph again; all give the same. */
static int run_thrice(lks_session *s, const uint8_t *images, uint32_t n, uint8_t *out)
{
    uint8_t first[40 * 64];
    int ok = 1;

    for (int turn = 0; turn < 3 && ok; turn++) {
        ok = lks_session_run(s, &(lks_in){ images, n * in_bytes }, &(lks_out){ out, n * out_bytes }, NULL) == LKS_OK;
        if (turn == 0)
            memcpy(first, out, n * out_bytes);
        ok = ok && memcmp(out, first, n * out_bytes) == 0;
        if (turn < 2)
            memset(out, 0x33, n * out_bytes);
    }
    return ok;
}

/* With graphs, and launch by launch; more batch sizes than graphs are kept. */
static void try_graphs(void)
{
    enum { MOST = 40, KEPT = 32 };
    static uint8_t images[MOST * 1024], graph[MOST * 64], plain[MOST * 64];
    lks_context_options c = { .backend = BACKEND };
    lks_session_options o = { .max_batch = MOST, .check = LKS_CHECK_NONE };
    int ok = in_bytes <= 1024 && out_bytes <= 64;

    for (size_t i = 0; i < sizeof images; i++)
        images[i] = (uint8_t)(i * 73 >> 2);
    for (int no_graph = 0; no_graph < 2 && ok; no_graph++) {
        lks_session *s = NULL;
        long live;

        c.no_graph = no_graph;
        ok = lks_context_open(&c, &o.context, NULL) == LKS_OK && lks_session_open(model, &o, &s, NULL) == LKS_OK;
        live = shim_live();
        for (uint32_t n = 1; n <= MOST && ok; n++)
            ok = run_thrice(s, images, n, no_graph ? plain : graph);
        ok = ok && (!no_graph || memcmp(plain, graph, MOST * out_bytes) == 0);
        ok = ok && shim_live() - live == (no_graph ? 0 : KEPT);
        lks_session_close(s);
        lks_context_close(o.context);
    }
    check(ok && shim_live() == 0, "graphs, and launch by launch", "");
}

static void try_exercise(void)
{
    const lks_context_options o = { .backend = BACKEND };
    lks_device_handle *device;
    lks_error error = { .text = "" };

    shim_reset();
    shim.card[0].memory_bytes = (size_t)16 << 20;
    check(lks_cuda_backend.open(0, &o, &device, &error) == LKS_OK, "a small card opens", error.text);
    for (int what = LKS_EXERCISE_DOT; what <= LKS_EXERCISE_COPY && device; what++) {
        uint64_t done = 0;

        check(lks_cuda_backend.exercise(device, (lks_exercise)what, 1000, &done, &error) == LKS_OK && done > 0, "exercise",
              error.text);
    }
    if (device)
        lks_cuda_backend.close(device);
    check(shim_live() == 0, "  and nothing is left behind", "");
}

int main(int argc, char **argv)
{
    if (!open_model(argc, argv))
        return 1;
    try_machines();
    try_uuid();
    try_graphs();
    try_exercise();
    try_wrong_cards();
    try_small_card();
    try_failing();
    try_sticky();
    return finish();
}
