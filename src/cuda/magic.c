/* SPDX-License-Identifier: Apache-2.0
 *
 * The division that launchers and packers do on the host.
 */
#include "cuda/magic.h"

#include <assert.h>

lks_magic lks_magic_of(int64_t divisor)
{
    lks_magic m = { .divisor = (int32_t)divisor };

    assert(divisor >= 1 && divisor <= LKS_INT32_MAX);
    while (((int64_t)1 << m.shift) < divisor)
        m.shift++;
    m.factor = (uint32_t)(((((uint64_t)1 << m.shift) - (uint64_t)divisor) << 32) / (uint64_t)divisor + 1);
    return m;
}

int64_t lks_ceil_div(int64_t n, int64_t d)
{
    return n / d + (n % d != 0);
}
