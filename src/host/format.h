/* SPDX-License-Identifier: Apache-2.0
 *
 * The numbers of docs/format.md that the reader and the writer share, and little-endian words.
 */
#ifndef LKS_HOST_FORMAT_H
#define LKS_HOST_FORMAT_H

#include <stdint.h>

enum {
    LKS_HEADER_BYTES = 64,
    LKS_TENSOR_BYTES = 48,
    LKS_SECTION_ALIGN = 64,
    LKS_OP_HEAD_WORDS = 4
};

static const uint8_t lks_magic[8] = { 0x89, 'L', 'K', 'S', 0x0d, 0x0a, 0x1a, 0x0a };

static inline uint64_t lks_align(uint64_t bytes)
{
    return (bytes + (LKS_SECTION_ALIGN - 1)) / LKS_SECTION_ALIGN * LKS_SECTION_ALIGN;
}

static inline uint32_t lks_get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t lks_get64(const uint8_t *p)
{
    return lks_get32(p) | (uint64_t)lks_get32(p + 4) << 32;
}

static inline void lks_put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static inline void lks_put64(uint8_t *p, uint64_t v)
{
    lks_put32(p, (uint32_t)v);
    lks_put32(p + 4, (uint32_t)(v >> 32));
}

/* Two's complement, as C defines it. */
static inline int32_t lks_signed32(uint32_t v)
{
    return v <= INT32_MAX ? (int32_t)v : -(int32_t)(UINT32_MAX - v) - 1;
}

#endif
