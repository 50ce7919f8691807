/* SPDX-License-Identifier: Apache-2.0
 *
 * lks_compare: equal, different in one place, in many, in each type, beyond the model's own batch.
 */
#include "lockstep/lockstep.h"

#include <criterion/criterion.h>
#include <string.h>

static const lks_tensor_info image = { .name = "t", .type = LKS_I8, .rank = 4, .dims = { 1, 2, 3, 4 }, .bytes = 24 };

Test(compare, equal)
{
    uint8_t a[24] = { 1, 2, 3 }, b[24] = { 1, 2, 3 };
    lks_mismatch m;

    cr_assert_eq(lks_compare(&image, a, b, sizeof a, &m), LKS_OK);
    cr_assert_eq(m.count, 0);
}

Test(compare, names_the_first_difference_and_counts_all)
{
    int8_t a[48] = { 0 }, b[48] = { 0 };
    lks_mismatch m;

    b[24 + 17] = -5;                    /* image 1, [1][1][1] */
    b[24 + 23] = 7;
    cr_assert_eq(lks_compare(&image, a, b, sizeof a, &m), LKS_ERR_MISMATCH);
    cr_assert_eq(m.count, 2);
    cr_assert_eq(m.first, 41);
    cr_assert(m.at[0] == 1 && m.at[1] == 1 && m.at[2] == 1 && m.at[3] == 1);
    cr_assert(m.expected == 0 && m.got == -5);
}

Test(compare, values_have_their_type)
{
    const uint8_t u[2] = { 200, 200 }, v[2] = { 200, 255 };
    const uint8_t p[8] = { 0, 0, 0, 0, 0, 0xff, 0xff, 0xff }, q[8] = { 1 };
    lks_tensor_info t = { .type = LKS_U8, .rank = 1, .dims = { 2 } };
    lks_mismatch m;

    cr_assert_eq(lks_compare(&t, u, v, 2, &m), LKS_ERR_MISMATCH);
    cr_assert(m.expected == 200 && m.got == 255 && m.at[0] == 1);
    t = (lks_tensor_info){ .type = LKS_I64, .rank = 1, .dims = { 1 } };
    cr_assert_eq(lks_compare(&t, p, q, 8, &m), LKS_ERR_MISMATCH);
    cr_assert(m.expected == -((int64_t)1 << 40) && m.got == 1);
}

Test(compare, nothing_compared_is_no_success)
{
    uint8_t a[24] = { 0 };
    lks_mismatch m;

    cr_assert_eq(lks_compare(&image, a, a, 0, &m), LKS_ERR_ARGUMENT);
    cr_assert_eq(lks_compare(&image, a, a, 23, &m), LKS_ERR_ARGUMENT);
}
