/* SPDX-License-Identifier: Apache-2.0
 *
 * lockstep_worker BACKEND MODEL THREADS INPUTS [VARIANT]: Lockstep with one model, which stays alive and runs when it is asked.
 * The protocol is that of worker.py.
 */
#define _POSIX_C_SOURCE 200809L
#include <lockstep/lockstep.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS_MIN 3

typedef struct work {
    lks_session *session;
    uint8_t *images, *result;
    size_t image_bytes, result_bytes, count;
} work;

static void die(const char *what)
{
    fprintf(stderr, "lockstep_worker: %s\n", what);
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void run(const work *w, size_t image)
{
    const lks_in in = { w->images + image * w->image_bytes, w->image_bytes };
    const lks_out out = { w->result, w->result_bytes };
    lks_error error;

    if (lks_session_run(w->session, &in, &out, &error) != LKS_OK)
        die(error.text);
}

static void run_for(const work *w, double seconds)
{
    const int64_t end = now_ns() + (int64_t)(seconds * 1e9);

    fputs("{\"ns\": [", stdout);
    for (int i = 0; i < RUNS_MIN || now_ns() < end; i++) {
        int64_t start = now_ns();

        run(w, 0);
        printf("%s%" PRId64, i ? ", " : "", now_ns() - start);
    }
    puts("]}");
}

static void write_outputs(const work *w, const char *path)
{
    FILE *file = fopen(path, "wb");

    if (!file)
        die(path);
    for (size_t i = 0; i < w->count; i++) {
        run(w, i);
        if (fwrite(w->result, 1, w->result_bytes, file) != w->result_bytes)
            die(path);
    }
    if (fclose(file))
        die(path);
    printf("{\"bytes\": %zu}\n", w->count * w->result_bytes);
}

static void read_images(work *w, const char *path)
{
    FILE *file = fopen(path, "rb");
    long size;

    if (!file || fseek(file, 0, SEEK_END) || (size = ftell(file)) <= 0)
        die(path);
    rewind(file);
    w->images = malloc((size_t)size);
    w->count = (size_t)size / w->image_bytes;
    if (!w->images || !w->count || fread(w->images, 1, (size_t)size, file) != (size_t)size)
        die(path);
    fclose(file);
}

static void open_work(work *w, char **argv, const char *variant)
{
    const lks_context_options where = { .backend = argv[1], .threads = (uint32_t)atoi(argv[3]) };
    lks_session_options how = { .check = LKS_CHECK_NONE, .variant = variant };
    lks_tensor_info end;
    lks_model *model;
    lks_error error;

    if (lks_model_open(argv[2], NULL, &model, &error) != LKS_OK || lks_context_open(&where, &how.context, &error) != LKS_OK ||
        lks_session_open(model, &how, &w->session, &error) != LKS_OK)
        die(error.text);
    lks_model_tensor(model, lks_model_input(model, 0), &end);
    w->image_bytes = end.bytes;
    lks_model_tensor(model, lks_model_output(model, 0), &end);
    w->result_bytes = end.bytes;
    if (!(w->result = malloc(w->result_bytes)))
        die("out of memory");
    read_images(w, argv[4]);
}

int main(int argc, char **argv)
{
    char line[4096];
    work w = { .count = 0 };

    if (argc != 5 && argc != 6)
        die("BACKEND MODEL THREADS INPUTS [VARIANT]");
    open_work(&w, argv, argc == 6 ? argv[5] : NULL);
    run(&w, 0);
    puts("{\"ready\": true}");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "run ", 4) == 0)
            run_for(&w, atof(line + 4));
        else if (strncmp(line, "outputs ", 8) == 0)
            write_outputs(&w, line + 8);
        else
            die("what is asked is neither run nor outputs");
        fflush(stdout);
    }
    return 0;
}
