/* SPDX-License-Identifier: Apache-2.0
 *
 * Models of one op, from a line of numbers: each row of the table names the numbers of an op.
 */
#include "tools/networks/single_op.h"
#include "tools/errors.h"
#include "tools/options.h"

#include <string.h>

#define NUMBERS_MAX 11
#define UNSET UINT64_MAX
#define ELEMENTS_MAX 0x7fffffffu        /* spec 7 */

typedef struct op_row {
    const char *name;
    const char *numbers;        /* as errors and the help show them */
    uint32_t least, most;       /* how many */
    activation (*make)(net *n, const uint64_t *v);
} op_row;

static uint32_t or_else(uint64_t v, uint32_t otherwise)
{
    return v == UNSET ? otherwise : (uint32_t)v;
}

/* r, s, and from `rest` on stride, pad, dilation where they are given. */
static window window_of(uint64_t r, uint64_t s, const uint64_t *rest)
{
    window w = { (uint32_t)r, (uint32_t)s, or_else(rest[0], 1), 0, or_else(rest[2], 1) };
    uint64_t larger = r > s ? r : s, pad = (larger - 1) * w.dilation / 2;

    w.pad = or_else(rest[1], pad > LKS_MAX_EXTENT ? LKS_MAX_EXTENT : (uint32_t)pad);
    return w;
}

/* [n, h, w, c], the first four. */
static activation image(net *n, const uint64_t *v)
{
    const uint32_t dims[4] = { (uint32_t)v[0], (uint32_t)v[1], (uint32_t)v[2], (uint32_t)v[3] };

    return net_input(n, 4, dims);
}

static activation one_conv(net *n, const uint64_t *v)
{
    activation x = image(n, v);

    return net_conv(n, "conv", &x, (uint32_t)v[4], window_of(v[5], v[6], v + 7), or_else(v[10], 1), LINEAR);
}

static activation one_depthwise(net *n, const uint64_t *v)
{
    activation x = image(n, v);

    return net_conv(n, "depthwise", &x, x.dims[3], window_of(v[4], v[5], v + 6), x.dims[3], LINEAR);
}

static activation one_fc(net *n, const uint64_t *v)
{
    const uint32_t dims[2] = { (uint32_t)v[0], (uint32_t)v[1] };
    activation x = net_input(n, 2, dims);

    return net_fully_connected(n, "fc", &x, (uint32_t)v[2], false, LINEAR);
}

static activation one_add(net *n, const uint64_t *v)
{
    activation a = image(n, v), b = image(n, v);

    return net_add(n, "add", &a, &b, LINEAR);
}

static activation one_max_pool(net *n, const uint64_t *v)
{
    activation x = image(n, v);

    return net_pool(n, "max_pool", LKS_OP_MAX_POOL, &x, window_of(v[4], v[5], v + 6));
}

static activation one_avg_pool(net *n, const uint64_t *v)
{
    activation x = image(n, v);

    return net_pool(n, "avg_pool", LKS_OP_AVG_POOL, &x, window_of(v[4], v[5], v + 6));
}

static const op_row rows[] = {
    { "conv", "N,H,W,C,K,R,S[,stride,pad,dilation,groups]", 7, 11, one_conv },
    { "depthwise", "N,H,W,C,R,S[,stride,pad,dilation]", 6, 9, one_depthwise },
    { "fc", "M,K,N", 3, 3, one_fc },
    { "add", "N,H,W,C", 4, 4, one_add },
    { "max_pool", "N,H,W,C,R,S[,stride,pad]", 6, 8, one_max_pool },
    { "avg_pool", "N,H,W,C,R,S[,stride,pad]", 6, 8, one_avg_pool }
};

/* Sets what is not given to UNSET.  Only pad, the second of those that may be left out, may be 0. */
static bool read_numbers(const op_row *row, const char *text, uint64_t *v)
{
    uint32_t count = 0;
    char one[16];

    for (uint32_t i = 0; i < NUMBERS_MAX; i++)
        v[i] = UNSET;
    for (;;) {
        size_t length = strcspn(text, ",");

        if (count == row->most || length >= sizeof one)
            return false;
        memcpy(one, text, length);
        one[length] = '\0';
        if (!options_number(one, false, count == row->least + 1 ? 0 : 1, LKS_MAX_EXTENT, &v[count]))
            return false;
        count++;
        if (text[length] == '\0')
            return count >= row->least;
        text += length + 1;
    }
}

/* Is the product of the first so many numbers a tensor? */
static bool fits(const uint64_t *v, uint32_t count)
{
    uint64_t elements = 1;

    for (uint32_t i = 0; i < count; i++)
        if ((elements *= v[i]) > ELEMENTS_MAX)      /* an extent is below 2^25 */
            return false;
    return true;
}

/* What layers.c relies on before the reader checks the rest: weights that can be made, and groups that divide. */
static bool sound(const op_row *row, const uint64_t *v)
{
    const uint64_t groups = row->make == one_conv && v[10] != UNSET ? v[10] : 1;

    if (row->make == one_conv)
        return fits(v, 4) && v[3] % groups == 0 && v[4] % groups == 0
               && fits((const uint64_t[]){ v[4], v[5], v[6], v[3] / groups }, 4);
    if (row->make == one_fc)
        return fits(v, 2) && fits(v + 1, 2);
    return fits(v, 4) && (row->most == 4 || fits(v + 3, 3));
}

bool single_op(net *n, const char *model, const char *what, activation *y, lks_error *error)
{
    uint64_t v[NUMBERS_MAX];

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t length = strlen(rows[i].name);

        if (strncmp(what, rows[i].name, length) != 0 || what[length] != ':')
            continue;
        if (!read_numbers(&rows[i], what + length + 1, v))
            return error_set(error, "%.200s: the numbers of %s are %s, each a whole number from 1 (pad: 0) to 2^24", model,
                             rows[i].name, rows[i].numbers);
        if (!sound(&rows[i], v))
            return error_set(error, "%.200s: a tensor has more than 2^31 - 1 elements, or groups do not divide C and K", model);
        *y = rows[i].make(n, v);
        return !n->failed || error_set(error, "%.200s: the window is larger than the padded image, or memory ran out", model);
    }
    return error_set(error, "%.200s: the op is unknown: use conv, depthwise, fc, add, max_pool or avg_pool", model);
}
