/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of failing devices share: a count of checks, and one small model with an input and what the reference makes of
 * it.  Included by a test's only source.
 */
#ifndef TESTS_FAILURES_H
#define TESTS_FAILURES_H

#include "lockstep/lockstep.h"

#include <stdio.h>

#define BYTES 65536

static int passed, failed;
static lks_model *model;
static size_t in_bytes, out_bytes;
static uint8_t pixels[BYTES], expected[BYTES];

static void check(int ok, const char *what, const char *text)
{
    printf("%s %s%s%s\n", ok ? "ok  " : "FAIL", what, ok ? "" : ": ", ok ? "" : text);
    *(ok ? &passed : &failed) += 1;
}

static lks_status run(lks_session *s, uint8_t *out, lks_error *error)
{
    return lks_session_run(s, &(lks_in){ pixels, in_bytes }, &(lks_out){ out, out_bytes }, error);
}

static lks_status get_expected(lks_error *error)
{
    const lks_session_options o = { .backend = "cpu_ref" };
    lks_session *s;
    lks_status st = lks_session_open(model, &o, &s, error);

    for (size_t i = 0; i < in_bytes; i++)
        pixels[i] = (uint8_t)(i * 37);
    if (st == LKS_OK)
        st = run(s, expected, error);
    lks_session_close(s);
    return st;
}

/* The model that is the program's only argument; false, with a line that says why, where it is of no use. */
static int open_model(int argc, char **argv)
{
    lks_tensor_info in, out;
    lks_error error = { .text = "usage: one argument, a model of one input and one output, up to 64 KiB each" };

    if (argc != 2 || lks_model_open(argv[1], NULL, &model, &error) != LKS_OK)
        return printf("FAIL no model: %s\n", error.text), 0;
    lks_model_tensor(model, lks_model_input(model, 0), &in);
    lks_model_tensor(model, lks_model_output(model, 0), &out);
    in_bytes = in.bytes;
    out_bytes = out.bytes;
    if (in_bytes > BYTES || out_bytes > BYTES || get_expected(&error) != LKS_OK)
        return printf("FAIL the reference: %s\n", error.text), 0;
    return 1;
}

/* Close the model and say how it went: the exit status. */
static int finish(void)
{
    lks_model_close(model);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}

#endif
