/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest useful program on liblockstep: classify MODEL INPUT.bin prints the best class and the digest of the output.
 */
#include "lockstep/lockstep.h"

#include <stdio.h>
#include <stdlib.h>

/* Exactly `bytes` bytes from a file; NULL: it has more, fewer, or cannot be read. */
static void *read_file(const char *path, size_t bytes)
{
    FILE *f = fopen(path, "rb");
    void *data = malloc(bytes);

    if (!f || !data || fread(data, 1, bytes, f) != bytes || fgetc(f) != EOF) {
        fprintf(stderr, "%s: cannot be read, or does not have %zu bytes\n", path, bytes);
        free(data);
        data = NULL;
    }
    if (f)
        fclose(f);
    return data;
}

/* The index of the largest 8-bit value; the lowest if several are equal. */
static size_t best_class(const lks_tensor_info *output, const uint8_t *y)
{
    uint8_t flip = output->type == LKS_I8 ? 0x80 : 0;       /* the order of i8 values is that of the bytes XOR 0x80 */
    size_t best = 0;

    for (size_t i = 1; i < output->bytes; i++)
        if ((y[i] ^ flip) > (y[best] ^ flip))
            best = i;
    return best;
}

static int classify(lks_model *model, lks_session *session, const char *path)
{
    lks_tensor_info input, output;
    uint8_t digest[LKS_DIGEST_SIZE];
    lks_error error = { LKS_OK, "" };
    void *x, *y;
    int ok;

    lks_model_tensor(model, lks_model_input(model, 0), &input);
    lks_model_tensor(model, lks_model_output(model, 0), &output);
    x = read_file(path, input.bytes);
    y = malloc(output.bytes);
    ok = x && y && lks_session_run(session, &(lks_in){ x, input.bytes }, &(lks_out){ y, output.bytes }, &error) == LKS_OK;
    if (ok) {
        lks_sha256(y, output.bytes, digest);
        printf("class %zu  sha256 ", best_class(&output, y));
        for (size_t i = 0; i < sizeof digest; i++)
            printf("%02x", digest[i]);
        putchar('\n');
    } else if (error.text[0]) {
        fprintf(stderr, "%s\n", error.text);
    }
    free(x);
    free(y);
    return ok;
}

int main(int argc, char **argv)
{
    lks_model *model = NULL;
    lks_session *session = NULL;
    lks_model_info info;
    lks_error error;
    int ok = 0;

    if (argc != 3) {
        fputs("usage: classify MODEL INPUT.bin\n", stderr);
        return EXIT_FAILURE;
    }
    if (lks_model_open(argv[1], NULL, &model, &error) == LKS_OK && lks_session_open(model, NULL, &session, &error) == LKS_OK) {
        lks_model_get(model, &info);
        if (info.inputs == 1 && info.outputs == 1)
            ok = classify(model, session, argv[2]);
        else
            fprintf(stderr, "%s: has more than one input or output\n", argv[1]);
    } else {
        fprintf(stderr, "%s\n", error.text);
    }
    lks_session_close(session);
    lks_model_close(model);
    return ok && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
