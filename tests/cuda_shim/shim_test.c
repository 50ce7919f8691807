/* SPDX-License-Identifier: Apache-2.0
 *
 * Does the shim run right kernels right, and does it find what is wrong in wrong ones?  Each planted fault runs in a process of
 * its own, because an address sanitizer ends the one in which it finds something.
 */
#include "cuda_shim/shim.h"
#include "cuda_shim/shim_kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS 8192
#define LAUNCHES 40             /* in how many orders of warps and lanes */

static int passed, failed;

static void check(int ok, const char *what)
{
    printf("%s %s\n", ok ? "ok  " : "FAIL", what);
    *(ok ? &passed : &failed) += 1;
}

/* ---- one launch ---------------------------------------------------------------------------------------------------------- */

typedef struct bench {
    cudaStream_t stream;
    int32_t *x, *y;             /* of the device, WORDS each; y exactly as long as a kernel may write */
    int32_t *in, *out;          /* pinned */
    size_t y_words;
} bench;

static int open_bench(bench *b, size_t y_words)
{
    b->y_words = y_words;
    return cudaStreamCreateWithFlags(&b->stream, cudaStreamNonBlocking) == cudaSuccess
           && cudaMalloc((void **)&b->x, WORDS * 4) == cudaSuccess && cudaMalloc((void **)&b->y, y_words * 4) == cudaSuccess
           && cudaHostAlloc((void **)&b->in, WORDS * 4, 0) == cudaSuccess
           && cudaHostAlloc((void **)&b->out, WORDS * 4, 0) == cudaSuccess;
}

static void close_bench(bench *b)
{
    cudaFree(b->x);
    cudaFree(b->y);
    cudaFreeHost(b->in);
    cudaFreeHost(b->out);
    cudaStreamDestroy(b->stream);
}

static cudaError_t run(bench *b, int kernel, unsigned threads, int wrong)
{
    cudaError_t e;

    for (int i = 0; i < WORDS; i++)
        b->in[i] = i * 7919 % 1009;
    memset(b->out, 0x77, WORDS * 4);
    cudaMemcpyAsync(b->x, b->in, WORDS * 4, cudaMemcpyHostToDevice, b->stream);
    e = shim_test_launch(kernel, threads, b->x, b->x, b->y, wrong, b->stream);
    cudaMemcpyAsync(b->out, b->y, b->y_words * 4, cudaMemcpyDeviceToHost, b->stream);
    return e == cudaSuccess ? cudaStreamSynchronize(b->stream) : e;
}

/* Element i of the product of 64 rows and 64 columns that the wgmma kernels compute. */
static int32_t product_at(const bench *b, int i)
{
    int32_t sum = 0;

    for (int k = 0; k < 64; k++)
        sum += (int8_t)b->in[i / 64 * 64 + k] * (int8_t)b->in[4096 + i % 64 * 64 + k];
    return sum;
}

static int32_t expected_at(const bench *b, int kernel, int i)
{
    int32_t sum = 0;

    switch (kernel) {
    case SHIM_REVERSE:  return b->in[b->y_words - 1 - (size_t)i];
    case SHIM_COPY:
    case SHIM_RING:     return b->in[i];
    case SHIM_PAIRS:    return b->in[i ^ 63];
    case SHIM_GRID:     return 7 * i;
    case SHIM_SUM:
        for (int k = 0; k < 32; k++)
            sum += b->in[k];
        return sum;
    default:            return product_at(b, i);
    }
}

static int right(const bench *b, int kernel)
{
    for (int i = 0; i < (int)b->y_words; i++)
        if (b->out[i] != expected_at(b, kernel, i))
            return 0;
    return 1;
}

/* ---- right kernels ------------------------------------------------------------------------------------------------------- */

static void try_right(const char *what, int kernel, unsigned threads, size_t y_words)
{
    bench b;
    int ok = open_bench(&b, y_words);

    for (int i = 0; i < LAUNCHES && ok; i++)
        ok = run(&b, kernel, threads, PLANTED_NOTHING) == cudaSuccess && right(&b, kernel);
    close_bench(&b);
    check(ok, what);
}

static void try_matrix(void)
{
    bench b;
    int ok = open_bench(&b, 128) && run(&b, SHIM_MATRIX, 32, 0) == cudaSuccess;
    const int8_t *a = (const int8_t *)b.in;

    for (int m = 0; m < 16 && ok; m++)
        for (int n = 0; n < 8; n++) {
            int32_t sum = 0;

            for (int k = 0; k < 32; k++)
                sum += a[32 * m + k] * a[32 * n + k];
            ok = ok && b.out[8 * m + n] == sum;
        }
    close_bench(&b);
    check(ok, "ldmatrix and mma.sync");
}

/* A captured launch runs when its graph is launched, as often as that. */
static void try_graph(void)
{
    bench b;
    cudaGraph_t graph = NULL;
    cudaGraphExec_t exec = NULL;
    int ok = open_bench(&b, 60);

    ok = ok && cudaStreamBeginCapture(b.stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess
         && shim_test_launch(SHIM_GRID, 0, NULL, NULL, b.y, 0, b.stream) == cudaSuccess
         && cudaStreamEndCapture(b.stream, &graph) == cudaSuccess && cudaGraphInstantiateWithFlags(&exec, graph, 0) == cudaSuccess
         && cudaStreamSynchronize(b.stream) == cudaSuccess && shim_launches_of("grid_kernel") == LAUNCHES;
    for (int i = 0; i < 2 && ok; i++)
        ok = cudaGraphLaunch(exec, b.stream) == cudaSuccess
             && cudaMemcpyAsync(b.out, b.y, 240, cudaMemcpyDeviceToHost, b.stream) == cudaSuccess
             && cudaStreamSynchronize(b.stream) == cudaSuccess && right(&b, SHIM_GRID);
    ok = ok && shim_launches_of("grid_kernel") == LAUNCHES + 2;
    if (exec)
        cudaGraphExecDestroy(exec);
    if (graph)
        cudaGraphDestroy(graph);
    close_bench(&b);
    check(ok, "graphs");
}

/* ---- strictness of the runtime ------------------------------------------------------------------------------------------- */

static void try_refusals(void)
{
    bench b;
    int32_t pageable[4] = { 0 };
    int ok = open_bench(&b, 8);

    check(ok && cudaMemcpyAsync(b.x, pageable, 16, cudaMemcpyHostToDevice, b.stream) == cudaErrorInvalidValue,
          "an asynchronous copy from pageable memory is refused");
    check(ok && cudaMemcpyAsync(b.y, b.in, 36, cudaMemcpyHostToDevice, b.stream) == cudaErrorInvalidValue,
          "a copy beyond its allocation is refused");
    check(ok && cudaGetLastError() == cudaErrorInvalidValue && cudaGetLastError() == cudaSuccess, "the last error is kept, once");
    check(ok && shim_test_launch(SHIM_REVERSE, 2048, b.x, b.x, b.y, 0, b.stream) == cudaErrorInvalidConfiguration,
          "a block that is too large is refused");
    check(ok && cudaMemcpyAsync(b.x, b.in, 16, cudaMemcpyHostToDevice, b.stream) == cudaSuccess
          && (memset(b.in, 0x11, 16), cudaMemcpyAsync(b.out, b.x, 16, cudaMemcpyDeviceToHost, b.stream)) == cudaSuccess
          && (b.out[0] = 0, cudaStreamSynchronize(b.stream)) == cudaSuccess && b.out[0] == 0x11111111,
          "work waits until something waits for it");
    close_bench(&b);
}

/* ---- planted faults ------------------------------------------------------------------------------------------------------ */

/* In a child: 0 where nothing was noticed, 1 where results were wrong, 2 where the device has failed. */
static int try_planted(int kernel, unsigned threads, size_t y_words, int wrong)
{
    bench b;
    int noticed = open_bench(&b, y_words) ? 0 : 3;

    for (int i = 0; i < LAUNCHES && !noticed; i++) {
        if (run(&b, kernel, threads, wrong) != cudaSuccess)
            noticed = cudaStreamSynchronize(b.stream) != cudaSuccess ? 2 : 3;   /* it stays so */
        else if (!right(&b, kernel))
            noticed = 1;
    }
    close_bench(&b);
    return noticed;
}

/* says: in what the child writes to stderr; NULL: nothing, results alone show it.  An address sanitizer may say it its own
 * way. */
static void planted(const char *what, int kernel, unsigned threads, size_t y_words, int wrong, const char *says)
{
    char text[4096] = "";
    int ends[2], status = 0, found;
    size_t length = 0;
    ssize_t got;
    pid_t child;

    fflush(stdout);
    if (pipe(ends) != 0 || (child = fork()) < 0)
        exit(2);
    if (child == 0) {
        dup2(ends[1], 2);
        close(ends[0]);
        _exit(try_planted(kernel, threads, y_words, wrong));
    }
    close(ends[1]);
    while ((got = read(ends[0], text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)got;
    close(ends[0]);
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == (says ? 2 : 1))
        found = !says || strstr(text, says);
    else
        found = says && strstr(text, "AddressSanitizer: use-after-poison");
    check(found, what);
    if (!found)
        printf("     exit status 0x%x: %s\n", (unsigned)status, text);
}

static void planted_of_hopper(void)
{
    const size_t ring = 32 * SHIM_RING_STEPS;
    const int wgmma = SHIM_WGMMA_128B;

    planted("no barrier of some threads", SHIM_PAIRS, 128, 128, PLANTED_NO_BARRIER, NULL);
    planted("a warp that does not come to it", SHIM_PAIRS, 128, 128, PLANTED_SOME_RETURN, "waits for the threads of barrier 2");
    planted("a phase that nothing waits for", SHIM_RING, 64, ring, PLANTED_NO_WAIT, "deadlock: waits for the phase");
    planted("a wait for the wrong phase", SHIM_RING, 64, ring, PLANTED_WRONG_PARITY, "deadlock: waits for the phase");
    planted("a copy that does not come", SHIM_RING, 64, ring, PLANTED_LOST_COPY, "deadlock: waits for the phase");
    planted("a barrier that is overwritten", SHIM_RING, 64, ring, PLANTED_OVERWRITTEN, "was overwritten");
    planted("accumulators read before the wait", wgmma, 128, 4096, PLANTED_NO_WAIT, NULL);
    planted("products that nothing waits for", wgmma, 128, 4096, PLANTED_NEVER_WAITED, "ends with products in flight");
    planted("no wgmma.fence", wgmma, 128, 4096, PLANTED_NO_WGMMA_FENCE, "no wgmma.fence");
    planted("no fence.proxy.async", wgmma, 128, 4096, PLANTED_NO_ASYNC_FENCE, "no fence.proxy.async");
    planted("an operand written too early", wgmma, 128, 4096, PLANTED_OPERAND_WRITTEN, "operands were changed");
    planted("a warp with another product", wgmma, 128, 4096, PLANTED_OTHER_PRODUCT, "different products");
}

int main(void)
{
    try_right("barriers and shared memory", SHIM_REVERSE, 200, 200);
    try_right("shuffles", SHIM_SUM, 32, 1);
    try_right("asynchronous copies", SHIM_COPY, 64, 512);
    try_right("grids", SHIM_GRID, 6, 60);
    try_right("barriers of some threads", SHIM_PAIRS, 128, 128);
    try_right("bulk copies, and barriers with phases", SHIM_RING, 64, 32 * SHIM_RING_STEPS);
    try_right("wgmma without a swizzle", SHIM_WGMMA_NONE, 128, 4096);
    try_right("wgmma, swizzle of 128 bytes", SHIM_WGMMA_128B, 128, 4096);
    try_right("wgmma, swizzle of 64 bytes", SHIM_WGMMA_64B, 128, 4096);
    try_right("wgmma, swizzle of 32 bytes", SHIM_WGMMA_32B, 128, 4096);
    try_matrix();
    try_graph();
    try_refusals();
    planted("a missing barrier", SHIM_REVERSE, 200, 200, PLANTED_NO_BARRIER, NULL);
    planted("a barrier that one thread does not reach", SHIM_REVERSE, 200, 200, PLANTED_SOME_RETURN, "divergent barrier: some");
    planted("two barriers at once", SHIM_REVERSE, 200, 200, PLANTED_OTHER_BARRIER, "divergent barrier: waits at line");
    planted("an overrun of shared memory", SHIM_REVERSE, 200, 200, PLANTED_SHARED_OVERRUN,
            "wrote beside its 800 bytes of shared");
    planted("an overrun of global memory", SHIM_REVERSE, 200, 200, PLANTED_GLOBAL_OVERRUN, "wrote beside 800 bytes of memory");
    planted("a lane that has returned", SHIM_SUM, 32, 1, PLANTED_LANE_RETURNS, "lane 5 of its mask 0xffffffff has returned");
    planted("a lane with another mask", SHIM_SUM, 32, 1, PLANTED_OTHER_MASK, "of its mask waits at line");
    planted("a lane outside the mask", SHIM_SUM, 32, 1, PLANTED_LANE_OUTSIDE, "reads from a lane outside its mask");
    planted("lanes beyond the block", SHIM_SUM, 31, 1, PLANTED_NOTHING, "lane 31 of its mask 0xffffffff is beyond the block");
    planted("a missing wait", SHIM_COPY, 64, 512, PLANTED_NO_WAIT, NULL);
    planted_of_hopper();
    check(shim_live() == 0, "everything was given back");
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
