/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoding pictures: stb_image, with the checks that it does not make.
 */
#include "tools/image.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define ALLOCATION_MAX ((size_t)1 << 30)

/* stb_image lets a small compressed file ask for gigabytes: every allocation is capped.  It also reads tables that a damaged JPEG
 * uses without defining them: they are zero, so that such a picture is the same everywhere, and no index leaves them. */
static void *capped_malloc(size_t bytes)
{
    return bytes > ALLOCATION_MAX ? NULL : calloc(1, bytes);
}

static void *capped_realloc(void *old, size_t bytes)
{
    return bytes > ALLOCATION_MAX ? NULL : realloc(old, bytes);
}

#define STBI_MALLOC(bytes) capped_malloc(bytes)
#define STBI_REALLOC(old, bytes) capped_realloc(old, bytes)
#define STBI_FREE(old) free(old)
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_MAX_DIMENSIONS IMAGE_SIDE_MAX
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_NO_SIMD            /* one decoder on every machine */
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

static uint32_t little32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

/* Chunks up to IEND, all inside the file. */
static bool png_complete(const uint8_t *bytes, size_t size)
{
    size_t at = 8;

    while (size - at >= 12) {
        uint32_t length = big32(bytes + at);

        if (memcmp(bytes + at + 4, "IEND", 4) == 0)
            return true;
        if (length > size - at - 12)
            return false;
        at += (size_t)length + 12;
    }
    return false;
}

/* An end marker behind the last scan: inside a scan FF D9 cannot occur. */
static bool jpeg_complete(const uint8_t *bytes, size_t size)
{
    for (size_t i = size - 1; i > 0; i--) {
        if (bytes[i - 1] != 0xff)
            continue;
        if (bytes[i] == 0xd9)
            return true;
        if (bytes[i] == 0xda)
            return false;
    }
    return false;
}

/* Rows are padded to 4 bytes. */
static bool bmp_complete(const uint8_t *bytes, size_t size)
{
    bool old = little32(bytes + 14) == 12;
    uint64_t width, height, bits, offset = little32(bytes + 10);

    if (size < 32)
        return false;
    width = old ? (little32(bytes + 18) & 0xffff) : little32(bytes + 18);
    height = old ? little32(bytes + 18) >> 16 : little32(bytes + 22);
    bits = old ? little32(bytes + 22) >> 16 : little32(bytes + 26) >> 16;
    if (height > INT32_MAX)
        height = (UINT64_C(1) << 32) - height;      /* negative: rows from the top */
    if (width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX || offset > size)
        return false;
    return (width * bits + 31) / 32 * 4 * height <= size - offset;
}

/* stb_image fills in what a cut file lacks, or skips it: a run on half a picture must not look like a run on all of it. */
static bool is_complete(const uint8_t *bytes, size_t size)
{
    switch (image_kind_of(bytes, size)) {
    case IMAGE_PNG:  return png_complete(bytes, size);
    case IMAGE_JPEG: return jpeg_complete(bytes, size);
    default:         return bmp_complete(bytes, size);
    }
}

static bool check_size(const uint8_t *bytes, size_t size, const char *name, lks_error *error)
{
    int width, height, found;

    if (size > INT_MAX || !stbi_info_from_memory(bytes, (int)size, &width, &height, &found))
        return error_set(error, "%s: picture: cannot be decoded (%s): give a PNG, JPEG or BMP of at most %d pixels a side", name,
                         size > INT_MAX ? "too large" : stbi_failure_reason(), IMAGE_SIDE_MAX);
    if (width <= 0 || height <= 0 || (uint64_t)width * (uint64_t)height > IMAGE_PIXELS_MAX)
        return error_set(error, "%s: picture: %d x %d pixels: at most %llu in all are read", name, width, height,
                         (unsigned long long)IMAGE_PIXELS_MAX);
    if (!is_complete(bytes, size))
        return error_set(error, "%s: picture: the file is cut short or damaged", name);
    return true;
}

bool image_decode(const uint8_t *bytes, size_t size, uint32_t channels, const char *name, image *out, lks_error *error)
{
    int width, height, found;

    memset(out, 0, sizeof *out);
    if (!check_size(bytes, size, name, error))
        return false;
    out->pixels = stbi_load_from_memory(bytes, (int)size, &width, &height, &found, (int)channels);
    if (!out->pixels)
        return error_set(error, "%s: picture: cannot be decoded (%s)", name, stbi_failure_reason());
    out->width = (uint32_t)width;
    out->height = (uint32_t)height;
    out->channels = channels;
    return true;
}
