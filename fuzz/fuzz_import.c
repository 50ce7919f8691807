/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a .tflite file: refused with a message, or imported as a model that the reader takes.
 */
#include "lockstep/lockstep.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const lks_limits limits = { .mem_bytes = 1 << 24, .work = 1 << 22 };
    lks_model *m;
    lks_error error;

    if (size < 8 || memcmp(bytes + 4, "TFL3", 4) != 0)
        return 0;                       /* fuzz_read.c */
    if (lks_model_parse(bytes, size, "fuzz", &limits, &m, &error) != LKS_OK) {
        if (error.status == LKS_OK || error.text[0] == '\0' || m)
            abort();
        return 0;
    }
    lks_model_close(m);
    return 0;
}
