/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures: decoding to 8-bit pixels, and resizing with integers only.
 */
#ifndef LOCKSTEP_TOOLS_IMAGE_H
#define LOCKSTEP_TOOLS_IMAGE_H

#include "tools/errors.h"

#define IMAGE_SIDE_MAX 16384
#define IMAGE_PIXELS_MAX ((uint64_t)1 << 26)

/* width * height * channels bytes, row by row from the top, channels interleaved. */
typedef struct image {
    uint32_t width, height, channels;
    uint8_t *pixels;
} image;

typedef enum image_resizing { IMAGE_NEAREST, IMAGE_BILINEAR } image_resizing;

typedef enum image_kind { IMAGE_NONE, IMAGE_PNG, IMAGE_JPEG, IMAGE_BMP } image_kind;

/* As what kind of file do the bytes begin?  Is it one of these? */
image_kind image_kind_of(const uint8_t *bytes, size_t size);
bool image_is(const uint8_t *bytes, size_t size);

/*
 * Decode a PNG, JPEG or BMP file.
 *
 * channels  3: red, green, blue; 1: grey, (77 red + 150 green + 29 blue) >> 8 of a coloured picture.  Transparency is ignored,
 *           and of 16 bits the upper 8 are used.
 * name      what errors call the file.
 *
 * On success the caller owns out->pixels (free); on failure it is NULL.
 */
bool image_decode(const uint8_t *bytes, size_t size, uint32_t channels, const char *name, image *out, lks_error *error);

/*
 * Resize to out->width x out->height; out->pixels has room, and out->channels equals that of in.
 *
 * IMAGE_NEAREST   output pixel (x, y) is source pixel (floor((2x+1) * w_in / (2 * w_out)), floor((2y+1) * h_in / (2 * h_out))).
 *
 * IMAGE_BILINEAR  half-pixel centres in units of 2^-16 pixel, borders clamped, no smoothing before a reduction:
 *     px = floor((2x+1) * w_in * 2^15 / w_out) - 2^15, clamped to 0 .. (w_in-1) * 2^16
 *     x0 = px >> 16;  x1 = min(x0 + 1, w_in - 1);  fx = px mod 2^16;  y0, y1, fy likewise from h_in, h_out
 *     value = ((2^16-fy) * ((2^16-fx) * p[y0][x0] + fx * p[y0][x1]) + fy * ((2^16-fx) * p[y1][x0] + fx * p[y1][x1]) + 2^31) >> 32
 *   in 64 bits, for each channel alone.
 */
void image_resize(const image *in, image *out, image_resizing resizing);

/* The picture as text: one line per row, two characters per pixel from ' ' (0) to '@' (255).  flip is XORed with each byte first:
 * 0x80 shows int8 pixels. */
void image_draw(const image *in, uint8_t flip, char *text);

/* Bytes that image_draw writes, with the final zero. */
size_t image_draw_size(const image *in);

#endif
