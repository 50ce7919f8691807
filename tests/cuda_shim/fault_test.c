/* SPDX-License-Identifier: Apache-2.0
 *
 * Fails every allocation (where a sanitizer runs, every seventh) that the host side of the CUDA backend makes, in turn: each must end in LKS_ERR_NOMEM, without a crash, and
 * everything is given back.  The sources of src/cuda are compiled for it with allocations that are these.
 *
 * cuda_fault_test MODEL
 */
#include "cuda_shim/shim.h"
#include "lockstep/lockstep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES 65536

void *fault_malloc(size_t size);
void *fault_calloc(size_t count, size_t size);
void fault_free(void *p);

static long until_failure = -1;         /* allocations that still succeed; negative: all do */
static long allocations, live;

static void *counted(void *p)
{
    live += p != NULL;
    return p;
}

static int fails(void)
{
    allocations++;
    return until_failure >= 0 && until_failure-- == 0;
}

void *fault_malloc(size_t size)
{
    return fails() ? NULL : counted(malloc(size));
}

void *fault_calloc(size_t count, size_t size)
{
    return fails() ? NULL : counted(calloc(count, size));
}

void fault_free(void *p)
{
    live -= p != NULL;
    free(p);
}

/* Open a session on the card, run the model, close. */
static lks_status go(lks_model *model, uint8_t *out, size_t out_bytes, lks_error *error)
{
    static uint8_t in[BYTES];
    const lks_session_options o = { .backend = "cuda-shim", .check = LKS_CHECK_NONE };
    lks_tensor_info info;
    lks_session *s;
    lks_status st = lks_session_open(model, &o, &s, error);

    lks_model_tensor(model, lks_model_input(model, 0), &info);
    if (st == LKS_OK)
        st = lks_session_run(s, &(lks_in){ in, info.bytes }, &(lks_out){ out, out_bytes }, error);
    lks_session_close(s);
    return st;
}

int main(int argc, char **argv)
{
    static uint8_t expected[BYTES], out[BYTES];
    lks_error error = { .text = "usage: cuda_fault_test MODEL" };
    lks_tensor_info info;
    lks_model *model;
    const long step = getenv("LOCKSTEP_QUICK") ? 7 : 1;     /* a sanitizer makes each opening slow */
    long count;

    if (argc != 2 || lks_model_open(argv[1], NULL, &model, &error) != LKS_OK)
        return printf("FAIL no model: %s\n", error.text), 1;
    lks_model_tensor(model, lks_model_output(model, 0), &info);
    if (info.bytes > BYTES || go(model, expected, info.bytes, &error) != LKS_OK)
        return printf("FAIL without a fault: %s\n", error.text), 1;
    count = allocations;
    for (long k = 0; k < count; k += step) {
        until_failure = k;
        if (go(model, out, info.bytes, &error) != LKS_ERR_NOMEM || !strstr(error.text, "out of memory of the host")
            || live != 0 || shim_live() != 0)
            return printf("FAIL allocation %ld of %ld: %s; %ld of the host and %ld of the card are left\n", k, count, error.text,
                          live, shim_live()), 1;
    }
    until_failure = -1;
    if (count < 10 || go(model, out, info.bytes, &error) != LKS_OK || memcmp(out, expected, info.bytes) != 0 || live != 0)
        return printf("FAIL after %ld faults: %s\n", count, error.text), 1;
    lks_model_close(model);
    printf("%ld allocations failed, one at a time\n", count / step);
    return 0;
}
