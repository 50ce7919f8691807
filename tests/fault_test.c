/* SPDX-License-Identifier: Apache-2.0
 *
 * Fails every allocation of the engine in turn: each must end in LKS_ERR_NOMEM, without a crash or a leak.
 *
 * fault_test MODEL     loads, opens a session, runs, costs, and closes; linked with --wrap for malloc, calloc and realloc
 */
#include "lockstep/lockstep.h"

#include <stdio.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static long until_failure = -1;         /* allocations that still succeed; negative: all do */
static long allocations;

static int fails(void)
{
    allocations++;
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

static lks_status run(lks_model *m, lks_session *s, lks_error *error)
{
    static uint8_t in_bytes[1 << 20], out_bytes[1 << 20];
    lks_tensor_info in_info, out_info;
    lks_cost cost;

    lks_model_tensor(m, lks_model_input(m, 0), &in_info);
    lks_model_tensor(m, lks_model_output(m, 0), &out_info);
    if (in_info.bytes > sizeof in_bytes || out_info.bytes > sizeof out_bytes)
        return LKS_ERR_ARGUMENT;

    lks_in in = { in_bytes, in_info.bytes };
    lks_out out = { out_bytes, out_info.bytes };
    lks_status st = lks_model_cost(m, 1, &cost);

    return st == LKS_OK ? lks_session_run(s, &in, &out, error) : st;
}

/* The whole life of a model. */
static lks_status live(const char *path, lks_error *error)
{
    const lks_session_options keep = { .keep = 1 };
    lks_model *m;
    lks_session *s = NULL;
    lks_status st = lks_model_open(path, NULL, &m, error);

    if (st == LKS_OK)
        st = lks_session_open(m, &keep, &s, error);
    if (st == LKS_OK)
        st = run(m, s, error);
    lks_session_close(s);
    lks_model_close(m);
    return st;
}

int main(int argc, char **argv)
{
    lks_error error = { .text = "" };
    long total;
    int passed = 0, failed = 0;

    if (argc != 2 || live(argv[1], &error) != LKS_OK) {
        printf("FAIL the model must run before anything is made to fail: %s\n", error.text);
        return 1;
    }
    total = allocations;
    for (long i = 0; i < total; i++) {
        until_failure = i;

        lks_status st = live(argv[1], &error);
        int ok = st == LKS_ERR_NOMEM || (st == LKS_ERR_IO && i == 0);      /* libc's own, for the FILE */

        until_failure = -1;
        if (!ok)
            printf("FAIL allocation %ld of %ld: %s %s\n", i, total, lks_status_name(st), error.text);
        *(ok ? &passed : &failed) += 1;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 10 ? 0 : 1;
}
