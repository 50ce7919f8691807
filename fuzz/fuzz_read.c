/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a .lks file: refused, or a model whose file is those very bytes, and that runs.
 */
#include "lockstep/lockstep.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/*
 * Run once with every input byte equal; the assertions of spec/arith.h watch the sums.  What an i64 has then fits its i32 only
 * where all bits are equal (spec 2).
 */
static void run(lks_model *m, int byte)
{
    lks_model_info info;
    lks_tensor_info t;
    lks_in in[8];
    lks_out out[8];
    lks_session *s = NULL;
    lks_status expected = LKS_OK;

    lks_model_get(m, &info);
    if (info.inputs > 8 || info.outputs > 8 || lks_session_open(m, NULL, &s, NULL) != LKS_OK)
        return;
    for (uint32_t i = 0; i < info.inputs; i++) {
        lks_model_tensor(m, lks_model_input(m, i), &t);
        if (t.type == LKS_I64 && byte != 0)
            expected = LKS_ERR_ARGUMENT;
        in[i] = (lks_in){ memset(malloc(t.bytes), byte, t.bytes), t.bytes };
    }
    for (uint32_t i = 0; i < info.outputs; i++) {
        lks_model_tensor(m, lks_model_output(m, i), &t);
        out[i] = (lks_out){ malloc(t.bytes), t.bytes };
    }
    if (lks_session_run(s, in, out, NULL) != expected)
        abort();
    for (uint32_t i = 0; i < info.inputs; i++)
        free((void *)in[i].data);
    for (uint32_t i = 0; i < info.outputs; i++)
        free(out[i].data);
    lks_session_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const lks_limits limits = { .mem_bytes = 1 << 24, .work = 1 << 22 };
    lks_model_info info;
    lks_model *m;
    lks_error error;

    if (size >= 8 && memcmp(bytes + 4, "TFL3", 4) == 0)
        return 0;                       /* fuzz_import.c */
    if (lks_model_parse(bytes, size, "fuzz", &limits, &m, &error) != LKS_OK)
        return 0;
    lks_model_get(m, &info);
    if (info.file_bytes != size || memcmp(info.file, bytes, size) != 0)
        abort();
    run(m, 0x00);
    run(m, 0x7f);
    run(m, 0x80);
    lks_model_close(m);
    return 0;
}
