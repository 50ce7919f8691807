/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads share one model and one open device, each with sessions of its own, and must all get the same bytes.  Meant for the
 * thread sanitizer.
 *
 * threads_test MODEL
 */
#include "lockstep/lockstep.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 8, ROUNDS = 20, BYTES = 4096 };

typedef struct worker {
    lks_model *model;
    lks_context *context;
    size_t in_bytes, out_bytes;
    uint8_t out[BYTES];
    int ok;
} worker;

static int run_once(worker *w, const uint8_t *pixels)
{
    lks_session *s;
    lks_in in = { pixels, w->in_bytes };
    lks_out out = { w->out, w->out_bytes };
    int ok = lks_session_open(w->model, &(lks_session_options){ .context = w->context }, &s, NULL) == LKS_OK
        && lks_session_run(s, &in, &out, NULL) == LKS_OK;

    lks_session_close(s);
    return ok;
}

static void *work(void *argument)
{
    worker *w = argument;
    uint8_t pixels[BYTES], first[BYTES];

    for (size_t i = 0; i < BYTES; i++)
        pixels[i] = (uint8_t)(i * 37);
    w->ok = run_once(w, pixels);
    memcpy(first, w->out, BYTES);
    for (int i = 0; i < ROUNDS; i++)
        w->ok = w->ok && run_once(w, pixels) && memcmp(first, w->out, w->out_bytes) == 0;
    return NULL;
}

int main(int argc, char **argv)
{
    static worker w[THREADS];
    pthread_t thread[THREADS];
    lks_tensor_info in, out;
    lks_model *m;
    lks_context *context;
    lks_error error;
    int passed = 0;

    if (argc != 2 || lks_model_open(argv[1], NULL, &m, &error) != LKS_OK)
        return printf("FAIL no model: %s\n", argc == 2 ? error.text : "usage: threads_test MODEL"), 1;
    if (lks_context_open(NULL, &context, &error) != LKS_OK)
        return printf("FAIL no device: %s\n", error.text), 1;
    lks_model_tensor(m, lks_model_input(m, 0), &in);
    lks_model_tensor(m, lks_model_output(m, 0), &out);
    for (int i = 0; i < THREADS; i++) {
        w[i].model = m;
        w[i].context = context;
        w[i].in_bytes = in.bytes;
        w[i].out_bytes = out.bytes;
        if (in.bytes > BYTES || out.bytes > BYTES || pthread_create(&thread[i], NULL, work, &w[i]) != 0)
            return printf("FAIL thread %d\n", i), 1;
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        passed += w[i].ok && memcmp(w[i].out, w[0].out, out.bytes) == 0;
    }
    lks_context_close(context);
    lks_model_close(m);
    printf("%d passed, %d failed\n", passed, THREADS - passed);
    return passed == THREADS ? 0 : 1;
}
