/* SPDX-License-Identifier: Apache-2.0
 *
 * onednn_worker KIND H W C O K STRIDE: oneDNN (version 3) with one layer, batch 1: u8 activations, s8 weights, a scale per
 * channel, a bias, s8 out, NHWC, weights in the layout that it likes best. KIND is conv, depthwise (O = C) or fc (C to O). Data
 * are drawn from a seed. The protocol is that of worker.py; threads are OMP_NUM_THREADS, the instruction set at most
 * ONEDNN_MAX_CPU_ISA.
 */
#define _POSIX_C_SOURCE 200809L
#include <oneapi/dnnl/dnnl.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS_MIN 3
#define ARGS_MAX 8
#define SPREAD 10800.0          /* deviation of one product of u8 and s8 */

typedef struct layer {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t args[ARGS_MAX];
    int arg_count;
    uint8_t *result;
    size_t result_bytes;
} layer;

static void check(dnnl_status_t status, const char *what)
{
    if (status == dnnl_success)
        return;
    fprintf(stderr, "onednn_worker: %s: status %d\n", what, (int)status);
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint8_t draw(void)
{
    static uint64_t state = 1;

    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint8_t)(state >> 56);
}

static dnnl_memory_desc_t description(int rank, const dnnl_dims_t dims, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t md;

    check(dnnl_memory_desc_create_with_tag(&md, rank, dims, type, tag), "a memory description");
    return md;
}

/* Takes data over. */
static dnnl_memory_t memory(const layer *l, const_dnnl_memory_desc_t md, void *data)
{
    dnnl_memory_t m;

    check(dnnl_memory_create(&m, md, l->engine, data), "memory");
    return m;
}

static void argument(layer *l, int which, dnnl_memory_t m)
{
    l->args[l->arg_count++] = (dnnl_exec_arg_t){ which, m };
}

static void *random_bytes(size_t count)
{
    uint8_t *data = malloc(count);

    for (size_t i = 0; data && i < count; i++)
        data[i] = draw();
    return data;
}

static float *filled(size_t count, double value)
{
    float *data = malloc(count * sizeof *data);

    for (size_t i = 0; data && i < count; i++)
        data[i] = (float)(value * (1.0 + (double)(i % 7) / 16));      /* a scale of its own for each channel */
    return data;
}

static void reorder(const layer *l, dnnl_memory_t from, dnnl_memory_t to, const_dnnl_memory_desc_t from_md,
                    const_dnnl_memory_desc_t to_md)
{
    dnnl_primitive_desc_t pd;
    dnnl_primitive_t p;
    dnnl_exec_arg_t args[2] = { { DNNL_ARG_FROM, from }, { DNNL_ARG_TO, to } };

    check(dnnl_reorder_primitive_desc_create(&pd, from_md, l->engine, to_md, l->engine, NULL), "a reorder");
    check(dnnl_primitive_create(&p, pd), "a reorder");
    check(dnnl_primitive_execute(p, l->stream, 2, args), "a reorder");
    check(dnnl_stream_wait(l->stream), "a reorder");
}

static void build(layer *l, char **argv)
{
    const int depthwise = strcmp(argv[1], "depthwise") == 0, fc = strcmp(argv[1], "fc") == 0;
    const long h = atol(argv[2]), w = atol(argv[3]), c = atol(argv[4]), o = atol(argv[5]), k = atol(argv[6]), s = atol(argv[7]);
    const long p = k / 2, oh = (h + 2 * p - k) / s + 1, ow = (w + 2 * p - k) / s + 1;
    const dnnl_dims_t x_dims = { 1, c, h, w }, y_dims = { 1, o, oh, ow }, b_dims = { o }, strides = { s, s }, none = { 0, 0 },
                      pads = { p, p }, plain_w = { o, c, k, k }, group_w = { c, 1, 1, k, k };
    const double scale = 40.0 / (SPREAD * sqrt((double)(depthwise ? k * k : c * k * k)));
    const int w_rank = fc ? 2 : depthwise ? 5 : 4, flat = fc ? 2 : 4;
    const int64_t *w_dims = depthwise ? group_w : plain_w;
    const dnnl_format_tag_t w_tag = fc ? dnnl_ab : depthwise ? dnnl_abcde : dnnl_abcd;
    dnnl_memory_desc_t x_md = description(flat, x_dims, dnnl_u8, fc ? dnnl_ab : dnnl_nhwc),
                       y_md = description(flat, y_dims, dnnl_s8, fc ? dnnl_ab : dnnl_nhwc),
                       b_md = description(1, b_dims, dnnl_f32, dnnl_a), w_md = description(w_rank, w_dims, dnnl_s8, w_tag),
                       any_md = description(w_rank, w_dims, dnnl_s8, dnnl_format_tag_any);
    const size_t w_bytes = dnnl_memory_desc_get_size(w_md);
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t pd;
    dnnl_memory_t packed;
    const_dnnl_memory_desc_t packed_md;

    check(dnnl_engine_create(&l->engine, dnnl_cpu, 0), "a CPU engine");
    check(dnnl_stream_create(&l->stream, l->engine, dnnl_stream_default_flags), "a stream");
    check(dnnl_primitive_attr_create(&attr), "attributes");
    check(dnnl_primitive_attr_set_scales_mask(attr, DNNL_ARG_WEIGHTS, depthwise ? 3 : 1), "scales");
    if (fc)
        check(dnnl_inner_product_forward_primitive_desc_create(&pd, l->engine, dnnl_forward_inference, x_md, any_md, b_md, y_md,
                                                               attr), "an inner product");
    else
        check(dnnl_convolution_forward_primitive_desc_create(&pd, l->engine, dnnl_forward_inference, dnnl_convolution_direct,
                                                             x_md, any_md, b_md, y_md, strides, none, pads, pads, attr),
              "a convolution");
    check(dnnl_primitive_create(&l->primitive, pd), "the layer");
    packed_md = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    packed = memory(l, packed_md, DNNL_MEMORY_ALLOCATE);
    argument(l, DNNL_ARG_SRC, memory(l, x_md, random_bytes(dnnl_memory_desc_get_size(x_md))));
    reorder(l, memory(l, w_md, random_bytes(w_bytes)), packed, w_md, packed_md);
    argument(l, DNNL_ARG_WEIGHTS, packed);
    argument(l, DNNL_ARG_BIAS, memory(l, b_md, filled((size_t)o, 1.0)));
    argument(l, DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, memory(l, b_md, filled((size_t)o, scale)));
    l->result_bytes = dnnl_memory_desc_get_size(y_md);
    l->result = malloc(l->result_bytes);
    argument(l, DNNL_ARG_DST, memory(l, y_md, l->result));
}

static void run(const layer *l)
{
    check(dnnl_primitive_execute(l->primitive, l->stream, l->arg_count, l->args), "a run");
    check(dnnl_stream_wait(l->stream), "a run");
}

static void run_for(const layer *l, double seconds)
{
    const int64_t end = now_ns() + (int64_t)(seconds * 1e9);

    fputs("{\"ns\": [", stdout);
    for (int i = 0; i < RUNS_MIN || now_ns() < end; i++) {
        int64_t start = now_ns();

        run(l);
        printf("%s%" PRId64, i ? ", " : "", now_ns() - start);
    }
    puts("]}");
}

static void write_result(const layer *l, const char *path)
{
    FILE *file = fopen(path, "wb");

    run(l);
    if (!file || fwrite(l->result, 1, l->result_bytes, file) != l->result_bytes || fclose(file)) {
        fprintf(stderr, "onednn_worker: %s: cannot be written\n", path);
        exit(1);
    }
    printf("{\"bytes\": %zu}\n", l->result_bytes);
}

int main(int argc, char **argv)
{
    layer l = { .arg_count = 0 };
    char line[4096];

    if (argc != 8) {
        fprintf(stderr, "usage: onednn_worker KIND H W C O K STRIDE\n");
        return 2;
    }
    build(&l, argv);
    run(&l);
    puts("{\"ready\": true}");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "run ", 4) == 0)
            run_for(&l, atof(line + 4));
        else if (strncmp(line, "outputs ", 8) == 0)
            write_result(&l, line + 8);
        fflush(stdout);
    }
    return 0;
}
