/* SPDX-License-Identifier: Apache-2.0
 *
 * What the OpenCL backend does when something is wrong: no driver, no device, one that is too small, does not compile or computes
 * wrongly, no memory, a device that is lost.  A status in plain words, nothing left behind, and the next device goes on.
 *
 * opencl_failure_test MODEL    on the driver of opencl_fake/fake.h; linked with --wrap for malloc, calloc and realloc
 */
#include "failures.h"
#include "opencl_fake/fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKEND "opencl"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static long until_failure = -1;         /* allocations that still succeed; negative: all do */

static int fails(void)
{
    return until_failure >= 0 && until_failure-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

static void pretend(const char *settings)
{
    setenv(FAKE_VARIABLE, settings, 1);
    fake_reset();
}

/* ---- contexts and sessions ----------------------------------------------------------------------------------------------- */

static lks_status open_context(const char *backend, uint32_t device, lks_context **context, lks_error *error)
{
    const lks_context_options o = { .backend = backend, .device = device };

    return lks_context_open(&o, context, error);
}

static lks_status open_session(lks_context *context, const char *variant, uint32_t batch, lks_session **session, lks_error *error)
{
    const lks_session_options o = { .context = context, .max_batch = batch, .variant = variant, .check = LKS_CHECK_NONE };

    return lks_session_open(model, &o, session, error);
}

/* From the first call to the last. */
static lks_status live_once(const char *backend, uint32_t device, const char *variant, uint32_t batch, uint8_t *out,
                            lks_error *error)
{
    lks_context *context;
    lks_session *session = NULL;
    lks_status st = open_context(backend, device, &context, error);

    if (st == LKS_OK)
        st = open_session(context, variant, batch, &session, error);
    if (st == LKS_OK)
        st = run(session, out, error);
    lks_session_close(session);
    lks_context_close(context);
    return st;
}

/* Device 1 and the reference can be used, and nothing is left behind. */
static void goes_on(void)
{
    uint8_t out[BYTES];
    lks_error error = { .text = "" };

    check(live_once(BACKEND, 1, NULL, 1, out, &error) == LKS_OK, "  the next device is used", error.text);
    check(live_once("cpu_ref", 0, NULL, 1, out, &error) == LKS_OK && memcmp(out, expected, out_bytes) == 0, "  and cpu_ref",
          error.text);
    check(fake_live() == 0, "  and nothing is left behind", "");
}

/* ---- devices that are refused -------------------------------------------------------------------------------------------- */

/* Listed as not usable, in those words, and not opened. */
static void try_refused(void)
{
    static const char *const machines[][2] = {
        { "platforms=0", "the OpenCL loader knows no driver: install that of the card" },
        { "devices=0", "the OpenCL driver \"Pretence\" shows no device: CL_DEVICE_NOT_FOUND (-1): where there is a card, may you "
                       "use it?  sudo usermod -aG render,video $USER" },
        { "available=0", "not available" },
        { "compiler=0", "its driver has no compiler: install the full OpenCL driver" },
        { "little=0", "big-endian" },
        { "version=1", "it has OpenCL C 1.1 , and OpenCL C 1.2 is needed" },
        { "items=32", "its work-groups have 32 work-items at most, and the kernels need 64" }
    };

    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        const char *says = machines[i][1];
        lks_device_info info;
        lks_context *context;
        lks_error error;
        lks_status st;

        pretend(machines[i][0]);
        st = open_context(BACKEND, 0, &context, &error);
        check(lks_device(0, &info) == LKS_OK && strcmp(info.backend, BACKEND) == 0 && !info.usable && strstr(info.reason, says)
              && st == LKS_ERR_NO_DEVICE && !context && strstr(error.text, says), machines[i][0], info.reason);
    }
    pretend("devices=2");
    {
        lks_context *context;
        lks_error error;

        check(open_context(BACKEND, 2, &context, &error) == LKS_ERR_NO_DEVICE && strstr(error.text, "there are 2"),
              "a device that is not there", error.text);
    }
}

/* Listed, and found wrong when it is opened. */
static void try_found_out(void)
{
    static const struct { const char *machine; lks_status status; const char *says; } cases[] = {
        { "devices=2 build=1", LKS_ERR_DEVICE, "opencl 0: the kernels \"direct\" do not compile here: CL_BUILD_PROGRAM_FAILURE "
                                               "(-11): kernels.cl:81:5: error: no such builtin: \"dp9a\"" },
        { "devices=2 wrong=1", LKS_ERR_DEVICE, "self-test of the kernels \"portable_64x64\": dot product, case 512: expected " },
        { "devices=2 wrong=2", LKS_ERR_DEVICE, "self-test of the kernels \"direct\": arithmetic, case 4096: expected " },
        { "devices=2 kernel_items=16", LKS_ERR_DEVICE, "need work-groups of 64 work-items, and one of them can have 16 at most" },
        { "devices=2 local=4159", LKS_ERR_DEVICE, "need 4160 bytes of local memory, and the device has 4159" },
        { "devices=2 fail=clCreateContext:1:-6", LKS_ERR_NOMEM, "opening a context: out of memory: CL_OUT_OF_HOST_MEMORY (-6)" },
        { "devices=2 fail=clCreateContext:1:-2", LKS_ERR_DEVICE, "CL_DEVICE_NOT_AVAILABLE (-2): the device is gone" },
        { "devices=2 fail=clBuildProgram:1:-6", LKS_ERR_NOMEM, "compiling: out of memory" },
        { "devices=2 fail=clCreateBuffer:1:-4", LKS_ERR_NOMEM, "out of memory: CL_MEM_OBJECT_ALLOCATION_FAILURE (-4)" },
        { "devices=2 fail=clEnqueueNDRangeKernel:1:-777", LKS_ERR_DEVICE, "an error of the driver's own (-777)" }
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lks_device_info info;
        lks_context *context;
        lks_error error = { .text = "" };
        lks_status st;

        pretend(cases[i].machine);
        st = open_context(BACKEND, 0, &context, &error);
        check(lks_device(0, &info) == LKS_OK && info.usable && st == cases[i].status && !context
              && strstr(error.text, cases[i].says) && !strchr(error.text, '\n'), cases[i].machine, error.text);
        goes_on();
    }
}

/* ---- limits -------------------------------------------------------------------------------------------------------------- */

#define MANY 2000       /* images: enough for the large tile */

/* Where the large tile cannot be had, the small one is chosen; asked for by name, it is refused with the numbers. */
static void try_small_devices(void)
{
    static const char *const machines[][2] = {
        { "items=255", "need work-groups of 256 work-items, and the device has 255 at most" },
        { "local=16511", "need 16512 bytes of local memory, and the device has 16511" },
        { "kernel_items=128", "need work-groups of 256 work-items, and one of them can have 128 at most" },
        { "build=2", "do not compile here" }
    };
    uint8_t out[BYTES];
    lks_error error = { .text = "" };

    pretend("");
    check(live_once(BACKEND, 0, NULL, 1, out, &error) == LKS_OK && fake_calls("sources") == 2, "one image: the small tile alone",
          error.text);
    pretend("");
    check(live_once(BACKEND, 0, NULL, MANY, out, &error) == LKS_OK && fake_calls("sources") == 3, "many: the large one too",
          error.text);
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        pretend(machines[i][0]);
        check(live_once(BACKEND, 0, NULL, MANY, out, &error) == LKS_OK, machines[i][0], error.text);
        check(live_once(BACKEND, 0, "portable_128x128", 1, out, &error) == LKS_ERR_UNSUPPORTED
              && strstr(error.text, "portable_128x128") && strstr(error.text, machines[i][1]), "  by name it is refused",
              error.text);
        check(fake_live() == 0, "  and nothing is left behind", "");
    }
}

/* Refused with the numbers, before any memory is asked for.  (Where the large tile is wanted, its own test asks for some.) */
static void try_large_models(void)
{
    static const struct { const char *machine; uint32_t batch; const char *says; } cases[] = {
        { "devices=2 items=128 alloc=65536", MANY, "bytes are needed for activations at batch 2000, and one buffer of the device "
                                                   "can have 65536: make the batch smaller" },
        { "devices=2 alloc=1024", 1, "bytes are needed for weights at batch 1, and one buffer of the device can have 1024" },
        { "devices=2 items=128 global=65536", MANY, "for activations at batch 2000, and the device has 65536: make the batch "
                                                    "smaller" }
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lks_context *context;
        lks_session *session = NULL;
        lks_error error = { .text = "" };
        long before;
        lks_status st;

        pretend(cases[i].machine);
        st = open_context(BACKEND, 0, &context, &error);
        before = fake_calls("clCreateBuffer");
        if (st == LKS_OK)
            st = open_session(context, NULL, cases[i].batch, &session, &error);
        check(st == LKS_ERR_UNSUPPORTED && !session && strstr(error.text, cases[i].says)
              && fake_calls("clCreateBuffer") == before, cases[i].machine, error.text);
        lks_context_close(context);
        goes_on();
    }
}

/* ---- while it runs ------------------------------------------------------------------------------------------------------- */

/* The run fails, and from then on everything on that context, though the driver would go on; a new one is tested anew. */
static void lose(const char *settings, const char *says)
{
    uint8_t out[BYTES];
    lks_context *context;
    lks_session *session = NULL, *other = NULL;
    lks_error error = { .text = "" };
    int ok;

    pretend("devices=2");
    ok = open_context(BACKEND, 0, &context, &error) == LKS_OK && open_session(context, NULL, 1, &session, &error) == LKS_OK;
    pretend(settings);
    ok = ok && run(session, out, &error) == LKS_ERR_DEVICE;
    check(ok && strstr(error.text, says) && strstr(error.text, "it is not used again until it is opened anew"), settings,
          error.text);
    ok = ok && run(session, out, &error) == LKS_ERR_DEVICE && strstr(error.text, "opencl 0: it failed earlier")
        && open_session(context, NULL, 1, &other, &error) == LKS_ERR_DEVICE && !other
        && strstr(error.text, "opencl 0: it failed earlier");
    check(ok, "  it is not used again", error.text);
    lks_session_close(session);
    lks_context_close(context);
    check(live_once(BACKEND, 0, NULL, 1, out, &error) == LKS_OK, "  a new context is tested anew", error.text);
    goes_on();
}

static void try_lost_devices(void)
{
    lose("devices=2 fail=clEnqueueNDRangeKernel:1:-5", "running op 0 (conv");
    lose("devices=2 fail=clEnqueueNDRangeKernel:2:-5", "CL_OUT_OF_RESOURCES (-5): the driver broke a kernel off, or has lost the "
         "device");
    lose("devices=2 fail=clEnqueueWriteBuffer:1:-2", "CL_DEVICE_NOT_AVAILABLE (-2): the device is gone");
    lose("devices=2 fail=clEnqueueReadBuffer:1:-36", "CL_INVALID_COMMAND_QUEUE (-36): the driver has given the queue up");
    lose("devices=2 fail=clEnqueueReadBuffer:1:-9999", "a kernel touched memory that is not its own");
}

/* Memory that is short is no lost device. */
static void try_short_memory(void)
{
    uint8_t out[BYTES];
    lks_context *context;
    lks_session *session = NULL;
    lks_error error = { .text = "" };
    int ok;

    pretend("devices=2");
    ok = open_context(BACKEND, 0, &context, &error) == LKS_OK;
    pretend("devices=2 fail=clCreateBuffer:1:-4");
    ok = ok && open_session(context, NULL, 1, &session, &error) == LKS_ERR_NOMEM && !session
        && strstr(error.text, "bytes for weights: out of memory: CL_MEM_OBJECT_ALLOCATION_FAILURE (-4)");
    pretend("devices=2 fail=clCreateBuffer:2:-4");
    ok = ok && open_session(context, NULL, 1, &session, &error) == LKS_ERR_NOMEM && !session
        && strstr(error.text, "bytes for activations: out of memory");
    ok = ok && open_session(context, NULL, 1, &session, &error) == LKS_OK;
    pretend("devices=2 fail=clEnqueueNDRangeKernel:1:-4");
    ok = ok && run(session, out, &error) == LKS_ERR_NOMEM;
    ok = ok && run(session, out, &error) == LKS_OK;
    check(ok, "no memory for weights, activations, a launch; then there is", error.text);
    lks_session_close(session);
    lks_context_close(context);
    goes_on();
}

/* A device that passes its tests and still computes wrongly: its bytes are not delivered. */
static void try_wrong_bytes(void)
{
    const lks_session_options o = { .backend = BACKEND, .max_batch = 1 };
    uint8_t out[BYTES];
    lks_session *session;
    lks_mismatch mismatch;
    lks_error error = { .text = "" };
    lks_status st;

    pretend("devices=2");
    st = lks_session_open(model, &o, &session, &error);
    if (st == LKS_OK)
        st = run(session, out, &error);
    check(st == LKS_ERR_MISMATCH && memcmp(out, expected, out_bytes) == 0
          && lks_session_mismatch(session, &mismatch) == LKS_ERR_MISMATCH && mismatch.count > 0,
          "a device whose kernels do nothing: the reference's bytes are delivered", error.text);
    lks_session_close(session);
    goes_on();
}

/* ---- everything in turn -------------------------------------------------------------------------------------------------- */

/* Call 1, 2, ... of a function fails, until there are no more of them.  must: what fails then fails as a whole. */
static void fail_calls(const char *function, int must, int code)
{
    char settings[128], what[160];
    lks_error error = { .text = "" };
    int ok = 1;
    long k = 0;

    for (long calls = 1; ok && k < calls; k++) {
        uint8_t out[BYTES];
        lks_status st;

        snprintf(settings, sizeof settings, "fail=%s:%ld:%d", function, k + 1, code);
        pretend(settings);
        error.text[0] = '\0';
        st = live_once(BACKEND, 0, NULL, MANY, out, &error);
        calls = fake_calls(function);
        if (k >= calls)
            break;
        ok = fake_live() == 0 && (st == LKS_OK ? !must : error.text[0] != '\0');
    }
    snprintf(what, sizeof what, "each call of %s fails in turn: %ld", function, k);
    check(ok && k > 0, what, error.text);
}

static void try_every_call(void)
{
    static const char *const fatal[] = {
        "clCreateContext", "clCreateCommandQueue", "clCreateProgramWithSource", "clBuildProgram", "clCreateKernel",
        "clCreateKernelsInProgram", "clGetKernelWorkGroupInfo", "clSetKernelArg", "clCreateBuffer", "clEnqueueNDRangeKernel",
        "clEnqueueWriteBuffer", "clEnqueueReadBuffer"
    };
    static const char *const asking[] = { "clGetPlatformIDs", "clGetDeviceIDs", "clGetDeviceInfo" };

    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
        fail_calls(fatal[i], 1, -5);
        fail_calls(fatal[i], 1, -6);
    }
    for (size_t i = 0; i < sizeof asking / sizeof asking[0]; i++)
        fail_calls(asking[i], 0, -6);
}

/* Each allocation of the host fails in turn. */
static void try_every_allocation(void)
{
    lks_error error = { .text = "" };
    uint8_t out[BYTES];
    long k = 0, short_of_memory = 0;
    int ok = 1;

    for (int done = 0; ok && !done; k++) {
        lks_status st;

        pretend("");
        until_failure = k;
        st = live_once(BACKEND, 0, NULL, 1, out, &error);
        done = until_failure >= 0;
        until_failure = -1;
        short_of_memory += st == LKS_ERR_NOMEM;
        ok = fake_live() == 0 && (done ? st == LKS_OK : st == LKS_OK || error.text[0] != '\0');
    }
    check(ok && short_of_memory > 10, "each allocation of the host fails in turn", error.text);
}

int main(int argc, char **argv)
{
    if (!open_model(argc, argv))
        return 1;
    try_refused();
    try_found_out();
    try_small_devices();
    try_large_models();
    try_lost_devices();
    try_short_memory();
    try_wrong_bytes();
    try_every_call();
    try_every_allocation();
    return finish();
}
