/* SPDX-License-Identifier: Apache-2.0
 *
 * Telling pictures from other files by how they begin.
 */
#include "tools/image.h"

#include <string.h>

static uint32_t little32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool is_png(const uint8_t *bytes, size_t size)
{
    return size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static bool is_jpeg(const uint8_t *bytes, size_t size)
{
    return size >= 4 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff && bytes[3] >= 0xc0;
}

/* "BM" alone is too little: raw input bytes may begin so. */
static bool is_bmp(const uint8_t *bytes, size_t size)
{
    uint32_t header;

    if (size < 18 || bytes[0] != 'B' || bytes[1] != 'M' || little32(bytes + 6) != 0)
        return false;
    header = little32(bytes + 14);
    return header == 12 || header == 40 || header == 56 || header == 108 || header == 124;
}

image_kind image_kind_of(const uint8_t *bytes, size_t size)
{
    if (is_png(bytes, size))
        return IMAGE_PNG;
    if (is_jpeg(bytes, size))
        return IMAGE_JPEG;
    return is_bmp(bytes, size) ? IMAGE_BMP : IMAGE_NONE;
}

bool image_is(const uint8_t *bytes, size_t size)
{
    return image_kind_of(bytes, size) != IMAGE_NONE;
}
