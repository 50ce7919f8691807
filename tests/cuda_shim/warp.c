/* SPDX-License-Identifier: Apache-2.0
 *
 * Shuffles, votes, and the matrix operations with the lane layouts of the PTX manual ("Matrix Fragments for mma").
 */
#include "cuda_shim/warp.h"

#include "cuda_shim/shim.h"

#include <string.h>

/* ---- shuffles and votes -------------------------------------------------------------------------------------------------- */

/* The lane that lane i reads from; itself where the shuffle would leave its segment. */
static int source_of(const shim_lane *l, int i)
{
    int first = i / l->width * l->width, last = first + l->width - 1, from = i;

    switch (l->what) {
    case SHIM_SHUFFLE:      return first + (int)((unsigned)l->argument % (unsigned)l->width);
    case SHIM_SHUFFLE_UP:   from = i - l->argument; break;
    case SHIM_SHUFFLE_DOWN: from = i + l->argument; break;
    default:                from = i ^ l->argument; break;
    }
    /* xor may read from a lower segment, not from a higher one */
    return (from < first && l->what != SHIM_SHUFFLE_XOR) || from > last ? i : from;
}

static const char *shuffle(shim_lane *lanes[SHIM_WARP])
{
    uint32_t brought[SHIM_WARP][2];

    for (int i = 0; i < SHIM_WARP; i++)
        if (lanes[i])
            memcpy(brought[i], lanes[i]->value, sizeof brought[i]);
    for (int i = 0; i < SHIM_WARP; i++) {
        int width = lanes[i] ? lanes[i]->width : 1, from;

        if (width < 1 || width > SHIM_WARP || (width & (width - 1)) != 0)
            return "the width of a shuffle is a power of two up to 32";
        if (!lanes[i])
            continue;
        from = source_of(lanes[i], i);
        if (!lanes[from])
            return "a shuffle reads from a lane outside its mask";
        memcpy(lanes[i]->value, brought[from], sizeof brought[from]);
    }
    return NULL;
}

static const char *ballot(shim_lane *lanes[SHIM_WARP])
{
    uint32_t votes = 0;

    for (int i = 0; i < SHIM_WARP; i++)
        votes |= lanes[i] && lanes[i]->value[0] ? 1u << i : 0;
    for (int i = 0; i < SHIM_WARP; i++)
        if (lanes[i])
            lanes[i]->value[0] = votes;
    return NULL;
}

/* ---- matrices ------------------------------------------------------------------------------------------------------------ */

/* Where a register of a fragment stands; of m8n8k16 there is one, which can be taken for no other. */
static int place_of(int i, shim_swapped fragment)
{
    return shim.swapped == fragment ? i ^ 1 : i;
}

/* ldmatrix: lanes 8j .. 8j+7 name the rows of matrix j, and lane i gets bytes 4 (i % 4) .. of row i / 4 of each. */
static const char *load_matrices(shim_lane *lanes[SHIM_WARP])
{
    for (int i = 0; i < 8 * lanes[0]->words; i++)
        if ((uintptr_t)lanes[i]->row % 16 != 0)
            return "ldmatrix: a row is not aligned to 16 bytes";
    for (int i = 0; i < SHIM_WARP; i++)
        for (int j = 0; j < lanes[0]->words; j++)
            memcpy(&lanes[i]->value[j], (const char *)lanes[8 * place_of(j, SWAPPED_LDMATRIX) + i / 4]->row + 4 * (i % 4), 4);
    return NULL;
}

/* The byte of a fragment, four to a register. */
static int32_t byte_of(const uint32_t *registers, int at)
{
    return (int8_t)(registers[at / 4] >> 8 * (at % 4));
}

/*
 * D = A B + C modulo 2^32.  group = lane / 4, part = lane % 4.
 *     A [m][k]  register r: row group + 8 (r % 2), columns 4 part .. + 16 (r / 2); of m8n8k16 there is one register, row group
 *     B [k][n]  register r: column group, rows 4 part .. + 16 r
 *     C [m][n]  value v: row group + 8 (v / 2), column 2 part + v % 2
 */
static const char *multiply(shim_lane *lanes[SHIM_WARP], int m, int k)
{
    int8_t a[16][32], b[32][8];
    int a_registers = m / 8 * (k / 16), b_registers = k / 16, c_at = a_registers + b_registers;

    for (int i = 0; i < SHIM_WARP; i++) {
        const uint32_t *v = lanes[i]->value;

        for (int at = 0; at < 4 * a_registers; at++) {
            int r = place_of(at / 4, SWAPPED_A), row = m == 8 ? 0 : 8 * (r % 2), column = m == 8 ? 0 : 16 * (r / 2);

            a[i / 4 + row][column + 4 * (i % 4) + at % 4] = (int8_t)byte_of(v, at);
        }
        for (int at = 0; at < 4 * b_registers; at++) {
            int r = k == 16 ? 0 : place_of(at / 4, SWAPPED_B);

            b[16 * r + 4 * (i % 4) + at % 4][i / 4] = (int8_t)byte_of(v + a_registers, at);
        }
    }
    for (int i = 0; i < SHIM_WARP; i++)
        for (int v = 0; v < m / 4; v++) {
            uint32_t sum = lanes[i]->value[c_at + v];

            for (int j = 0; j < k; j++)
                sum += (uint32_t)(a[i / 4 + 8 * (v / 2)][j] * b[j][2 * (i % 4) + place_of(v % 2, SWAPPED_C)]);
            lanes[i]->value[v] = sum;
        }
    return NULL;
}

const char *shim_warp_exchange(shim_lane *lanes[SHIM_WARP])
{
    const shim_lane *any = NULL;
    int count = 0;

    for (int i = 0; i < SHIM_WARP; i++)
        if (lanes[i]) {
            any = lanes[i];
            count++;
        }
    if (any->what >= SHIM_LDMATRIX && count < SHIM_WARP)
        return "a matrix operation needs all 32 lanes";
    switch (any->what) {
    case SHIM_SYNC:         return NULL;
    case SHIM_BALLOT:       return ballot(lanes);
    case SHIM_LDMATRIX:     return load_matrices(lanes);
    case SHIM_MMA_16832:    return multiply(lanes, 16, 32);
    case SHIM_MMA_8816:     return multiply(lanes, 8, 16);
    default:                return shuffle(lanes);
    }
}
