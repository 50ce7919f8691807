/* SPDX-License-Identifier: Apache-2.0
 *
 * Resizing, drawing and decoding of pictures against results worked out by hand.
 */
#include "tools/image.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define MOST 32

/* A resize, and what must come out. */
typedef struct resize_case {
    image_resizing rule;
    uint32_t channels, w_in, h_in, w_out, h_out;
    uint8_t in[MOST], out[MOST];
} resize_case;

static const resize_case resize_cases[] = {
    /* nearest: floor((2x+1) w_in / (2 w_out)) */
    { IMAGE_NEAREST, 1, 5, 1, 2, 1, { 10, 11, 12, 13, 14 }, { 11, 13 } },
    { IMAGE_NEAREST, 1, 2, 1, 5, 1, { 7, 9 }, { 7, 7, 9, 9, 9 } },
    { IMAGE_NEAREST, 1, 4, 1, 2, 1, { 1, 2, 3, 4 }, { 2, 4 } },
    { IMAGE_NEAREST, 1, 1, 3, 1, 2, { 1, 2, 3 }, { 1, 3 } },
    { IMAGE_NEAREST, 1, 3, 2, 3, 2, { 1, 2, 3, 4, 5, 6 }, { 1, 2, 3, 4, 5, 6 } },
    { IMAGE_NEAREST, 3, 2, 2, 1, 1, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }, { 10, 11, 12 } },
    { IMAGE_NEAREST, 1, 1, 1, 2, 2, { 200 }, { 200, 200, 200, 200 } },
    /* bilinear, one row: positions 0, 1/4, 3/4, 1 (clamped); 0.5 and 1.5 round up */
    { IMAGE_BILINEAR, 1, 2, 1, 4, 1, { 0, 100 }, { 0, 25, 75, 100 } },
    { IMAGE_BILINEAR, 1, 2, 1, 4, 1, { 0, 255 }, { 0, 64, 191, 255 } },
    { IMAGE_BILINEAR, 1, 2, 1, 4, 1, { 0, 2 }, { 0, 1, 2, 2 } },
    { IMAGE_BILINEAR, 1, 2, 1, 4, 1, { 2, 0 }, { 2, 2, 1, 0 } },
    /* positions 1/2 and 5/2: 15 and 35.5 */
    { IMAGE_BILINEAR, 1, 4, 1, 2, 1, { 10, 20, 30, 41 }, { 15, 36 } },
    /* positions 1/4 and 7/4 */
    { IMAGE_BILINEAR, 1, 3, 1, 2, 1, { 0, 100, 200 }, { 25, 175 } },
    { IMAGE_BILINEAR, 1, 2, 1, 3, 1, { 0, 100 }, { 0, 50, 100 } },
    /* x = 1: floor(3 * 3 * 2^15 / 5) - 2^15 = 26214; 26214 * 255 / 65536 = 101.998 */
    { IMAGE_BILINEAR, 1, 3, 1, 5, 1, { 0, 255, 0 }, { 0, 102, 255, 102, 0 } },
    /* columns behave as rows do */
    { IMAGE_BILINEAR, 1, 1, 2, 1, 4, { 0, 100 }, { 0, 25, 75, 100 } },
    /* the mean of four: 0.5 up, 0.25 down, no carry beyond 255 */
    { IMAGE_BILINEAR, 1, 2, 2, 1, 1, { 0, 0, 0, 2 }, { 1 } },
    { IMAGE_BILINEAR, 1, 2, 2, 1, 1, { 0, 0, 0, 1 }, { 0 } },
    { IMAGE_BILINEAR, 1, 2, 2, 1, 1, { 255, 255, 255, 255 }, { 255 } },
    { IMAGE_BILINEAR, 3, 2, 2, 1, 1, { 0, 10, 255, 0, 20, 255, 0, 30, 255, 0, 40, 255 }, { 0, 25, 255 } },
    { IMAGE_BILINEAR, 1, 2, 3, 2, 3, { 1, 2, 3, 4, 5, 6 }, { 1, 2, 3, 4, 5, 6 } },
    { IMAGE_BILINEAR, 1, 1, 1, 2, 2, { 77 }, { 77, 77, 77, 77 } },
};

Test(image, resize)
{
    for (size_t i = 0; i < sizeof resize_cases / sizeof resize_cases[0]; i++) {
        const resize_case *c = &resize_cases[i];
        uint8_t source[MOST], got[MOST + 1];
        const image in = { c->w_in, c->h_in, c->channels, source };
        image out = { c->w_out, c->h_out, c->channels, got };
        size_t bytes = (size_t)c->w_out * c->h_out * c->channels;

        memcpy(source, c->in, sizeof source);
        memset(got, 0xee, sizeof got);
        image_resize(&in, &out, c->rule);
        cr_assert_arr_eq(got, c->out, bytes, "case %zu", i);
        cr_assert_eq(got[bytes], 0xee, "case %zu writes beyond the end", i);
    }
}

/* The largest picture whose weights must not leave 64 bits: one row of 16384 pixels. */
Test(image, wide)
{
    uint8_t *row = malloc(IMAGE_SIDE_MAX), got[2];
    const image in = { IMAGE_SIDE_MAX, 1, 1, row };
    image out = { 2, 1, 1, got };

    memset(row, 0, IMAGE_SIDE_MAX);
    row[4095] = 100;            /* positions 4095.5 and 12287.5 */
    row[4096] = 200;
    row[12287] = 255;
    image_resize(&in, &out, IMAGE_BILINEAR);
    cr_assert_eq(got[0], 150);
    cr_assert_eq(got[1], 128);
    image_resize(&in, &out, IMAGE_NEAREST);
    cr_assert_eq(got[0], 200);
    cr_assert_eq(got[1], 0);
    free(row);
}

Test(image, draw)
{
    uint8_t grey[] = { 0, 255, 25, 26 }, colour[] = { 255, 255, 255, 0, 0, 0 };
    const image a = { 2, 2, 1, grey }, b = { 2, 1, 3, colour };
    char text[64];

    cr_assert_eq(image_draw_size(&a), 11u);
    image_draw(&a, 0, text);
    cr_assert_str_eq(text, "  @@\n  ..\n");
    image_draw(&a, 0x80, text);
    cr_assert_str_eq(text, "++==\n++**\n");
    image_draw(&b, 0, text);
    cr_assert_str_eq(text, "@@  \n");
}

/* 2 x 2 pixels of 24 bits, rows bottom-up, blue green red, padded to 4 bytes. */
static const uint8_t bmp[] = {
    'B', 'M', 70, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0,
    40, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 24, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    3, 2, 1, 6, 5, 4, 0, 0,
    9, 8, 7, 0, 0, 255, 0, 0,
};

Test(image, decode_bmp)
{
    const uint8_t colour[] = { 7, 8, 9, 255, 0, 0, 1, 2, 3, 4, 5, 6 };
    const uint8_t grey[] = { 7, 76, 1, 4 };     /* (77 r + 150 g + 29 b) >> 8 */
    lks_error error;
    image out;

    cr_assert(image_decode(bmp, sizeof bmp, 3, "a.bmp", &out, &error));
    cr_assert_eq(out.width, 2u);
    cr_assert_eq(out.height, 2u);
    cr_assert_arr_eq(out.pixels, colour, sizeof colour);
    free(out.pixels);
    cr_assert(image_decode(bmp, sizeof bmp, 1, "a.bmp", &out, &error));
    cr_assert_arr_eq(out.pixels, grey, sizeof grey);
    free(out.pixels);
}

Test(image, cut_bmp_is_refused_at_every_length)
{
    for (size_t size = 0; size < sizeof bmp; size++) {
        uint8_t *exact = malloc(size ? size : 1);       /* so that a sanitizer sees reads beyond the end */
        lks_error error = { LKS_OK, "" };
        image out;

        memcpy(exact, bmp, size);
        if (image_is(exact, size)) {
            cr_assert_not(image_decode(exact, size, 3, "a.bmp", &out, &error), "%zu bytes", size);
            cr_assert_null(out.pixels);
            cr_assert_eq(strncmp(error.text, "a.bmp: ", 7), 0);
        }
        free(exact);
    }
}

Test(image, first_bytes)
{
    const uint8_t png[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' }, jpeg[] = { 0xff, 0xd8, 0xff, 0xe0 };
    const uint8_t text[] = "BM is how this text begins", jpeg_like[] = { 0xff, 0xd8, 0xff, 0x00 };

    cr_assert(image_is(png, sizeof png));
    cr_assert(image_is(jpeg, sizeof jpeg));
    cr_assert(image_is(bmp, sizeof bmp));
    cr_assert_not(image_is(text, sizeof text));
    cr_assert_not(image_is(jpeg_like, sizeof jpeg_like));
    cr_assert_not(image_is(png, 7));
    cr_assert_not(image_is(bmp, 17));
}
