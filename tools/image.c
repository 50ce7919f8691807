/* SPDX-License-Identifier: Apache-2.0
 *
 * Resizing pictures with integers only, and drawing them as text.
 */
#include "tools/image.h"

#define HALF ((uint64_t)1 << 15)
#define ONE ((uint64_t)1 << 16)

static void resize_nearest(const image *in, image *out)
{
    uint8_t *to = out->pixels;

    for (uint64_t y = 0; y < out->height; y++) {
        uint64_t from_y = (2 * y + 1) * in->height / (2 * (uint64_t)out->height);

        for (uint64_t x = 0; x < out->width; x++) {
            uint64_t from_x = (2 * x + 1) * in->width / (2 * (uint64_t)out->width);
            const uint8_t *from = in->pixels + (from_y * in->width + from_x) * in->channels;

            for (uint32_t c = 0; c < in->channels; c++)
                *to++ = from[c];
        }
    }
}

/* The two source pixels of output pixel i along one axis, and the weight of the second in units of 2^-16. */
typedef struct taps {
    uint64_t first, second, weight;
} taps;

static taps find_taps(uint64_t i, uint64_t in, uint64_t out)
{
    uint64_t position = (2 * i + 1) * in * HALF / out, last = (in - 1) * ONE;
    taps t;

    position = position < HALF ? 0 : position - HALF;
    if (position > last)
        position = last;
    t.first = position >> 16;
    t.second = t.first + 1 < in ? t.first + 1 : in - 1;
    t.weight = position & (ONE - 1);
    return t;
}

/* One row of the source, interpolated along x; units of 2^-16. */
static uint64_t along(const image *in, uint64_t y, const taps *x, uint32_t channel)
{
    const uint8_t *row = in->pixels + y * in->width * in->channels + channel;

    return (ONE - x->weight) * row[x->first * in->channels] + x->weight * row[x->second * in->channels];
}

static void resize_bilinear(const image *in, image *out)
{
    uint8_t *to = out->pixels;

    for (uint64_t j = 0; j < out->height; j++) {
        taps y = find_taps(j, in->height, out->height);

        for (uint64_t i = 0; i < out->width; i++) {
            taps x = find_taps(i, in->width, out->width);

            for (uint32_t c = 0; c < in->channels; c++) {
                uint64_t sum = (ONE - y.weight) * along(in, y.first, &x, c) + y.weight * along(in, y.second, &x, c);

                *to++ = (uint8_t)((sum + ((uint64_t)1 << 31)) >> 32);
            }
        }
    }
}

void image_resize(const image *in, image *out, image_resizing resizing)
{
    if (resizing == IMAGE_BILINEAR)
        resize_bilinear(in, out);
    else
        resize_nearest(in, out);
}

size_t image_draw_size(const image *in)
{
    return ((size_t)2 * in->width + 1) * in->height + 1;
}

void image_draw(const image *in, uint8_t flip, char *text)
{
    static const char ramp[] = " .:-=+*#%@";
    const uint8_t *p = in->pixels;

    for (uint32_t y = 0; y < in->height; y++) {
        for (uint32_t x = 0; x < in->width; x++, p += in->channels) {
            unsigned grey = p[0] ^ flip;

            if (in->channels == 3)
                grey = (77 * grey + 150 * (unsigned)(p[1] ^ flip) + 29 * (unsigned)(p[2] ^ flip)) >> 8;
            *text++ = ramp[grey * 10 / 256];
            *text++ = ramp[grey * 10 / 256];
        }
        *text++ = '\n';
    }
    *text = '\0';
}
