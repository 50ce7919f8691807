/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading .npy files at the edges of the format, and writing the bytes that NumPy writes.
 */
#include "tools/npy.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A .npy file made of its parts; major: the version; data: so many bytes 0, 1, 2, ...; the caller's to free. */
static uint8_t *make_file(uint8_t major, const char *header, size_t data_bytes, size_t *size)
{
    size_t before = major == 1 ? 10 : 12, length = strlen(header);
    uint8_t *file = calloc(1, before + length + data_bytes + 1);

    memcpy(file, "\x93NUMPY", 6);
    file[6] = major;
    file[8] = (uint8_t)(length & 0xff);
    file[9] = (uint8_t)(length >> 8);
    memcpy(file + before, header, length);
    for (size_t i = 0; i < data_bytes; i++)
        file[before + length + i] = (uint8_t)i;
    *size = before + length + data_bytes;
    return file;
}

static bool parse(uint8_t major, const char *header, size_t data_bytes, npy_array *array, lks_error *error)
{
    static uint8_t *file;       /* the array of the last call points into it */
    size_t size;

    free(file);
    file = make_file(major, header, data_bytes, &size);
    return npy_parse(file, size, "x.npy", array, error);
}

typedef struct good_case {
    uint8_t major;
    const char *header;
    size_t data_bytes;
    lks_type type;
    uint32_t rank;
    uint64_t dims[4];
} good_case;

static const good_case good_cases[] = {
    { 1, "{'descr': '|i1', 'fortran_order': False, 'shape': (2, 3), }   \n", 6, LKS_I8, 2, { 2, 3 } },
    { 2, "{'descr': '|u1', 'fortran_order': False, 'shape': (4,), }\n", 4, LKS_U8, 1, { 4 } },
    { 3, "{'descr': '<i2', 'fortran_order': False, 'shape': (1, 1, 2, 1), }\n", 4, LKS_I16, 4, { 1, 1, 2, 1 } },
    { 1, "{'descr': '<i4', 'fortran_order': False, 'shape': (), }", 4, LKS_I32, 0, { 0 } },
    { 1, "{'descr': '<i8', 'fortran_order': False, 'shape': (0, 5), }", 0, LKS_I64, 2, { 0, 5 } },
    { 1, "{'shape':(3,),'fortran_order':False,'descr':'<i1'}", 3, LKS_I8, 1, { 3 } },
    { 1, "{ \"descr\" : \"|u1\" , \"shape\" : ( 3 , 1 ) , \"fortran_order\" : False }", 3, LKS_U8, 2, { 3, 1 } },
};

Test(npy, reads)
{
    for (size_t i = 0; i < sizeof good_cases / sizeof good_cases[0]; i++) {
        const good_case *c = &good_cases[i];
        npy_array a;
        lks_error error = { LKS_OK, "" };

        cr_assert(parse(c->major, c->header, c->data_bytes, &a, &error), "case %zu: %s", i, error.text);
        cr_assert_eq(a.type, c->type);
        cr_assert_eq(a.rank, c->rank);
        cr_assert_eq(a.bytes, c->data_bytes);
        for (uint32_t k = 0; k < a.rank; k++)
            cr_assert_eq(a.dims[k], c->dims[k]);
        for (size_t k = 0; k < a.bytes; k++)
            cr_assert_eq(a.data[k], k);
    }
}

typedef struct bad_case {
    const char *header;
    size_t data_bytes;
    const char *says;           /* part of the error */
} bad_case;

static const bad_case bad_cases[] = {
    { "{'descr': '|i1', 'fortran_order': False, 'shape': (2, 3), }", 5, "cut short" },
    { "{'descr': '|i1', 'fortran_order': False, 'shape': (2, 3), }", 7, "too long" },
    { "{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3), }", 6, "fortran_order" },
    { "{'descr': '>i2', 'fortran_order': False, 'shape': (3,), }", 6, "big-endian" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 12, "<f4" },
    { "{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", 3, "|b1" },
    { "{'descr': '<u2', 'fortran_order': False, 'shape': (3,), }", 6, "<u2" },
    { "{'descr': '|i2', 'fortran_order': False, 'shape': (3,), }", 6, "|i2" },
    { "{'descr': '', 'fortran_order': False, 'shape': (3,), }", 3, "dtype" },
    { "{'descr': [('a', '|i1')], 'fortran_order': False, 'shape': (3,), }", 3, "header" },
    { "{'descr': '|i1', 'shape': (3,), }", 3, "header" },
    { "{'descr': '|i1', 'descr': '|i1', 'fortran_order': False, 'shape': (3,), }", 3, "header" },
    { "{'descr': '|i1', 'fortran_order': False, 'shape': (3,), 'more': 1, }", 3, "header" },
    { "{'descr': '|i1', 'fortran_order': 0, 'shape': (3,), }", 3, "header" },
    { "{'descr': '|i1', 'fortran_order': False, 'shape': (3), }", 3, "header" },
    { "{'descr': '|i1', 'fortran_order': False, 'shape': 3, }", 3, "header" },
    { "{'descr': '|i1', 'fortran_order': False, 'shape': (-3,), }", 3, "header" },
    { "{'descr': '|i1', 'fortran_order': False, 'shape': (3 1), }", 3, "header" },
    { "{'descr': '|i1', 'fortran_order': False, 'shape': (,), }", 3, "header" },
    { "{'descr': '|i1', 'fortran_order': False, 'shape': (99999999999999999999,), }", 3, "header" },
    { "{'descr': '|i1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 1, "header" },
    { "{'descr': '<i8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 0, "too large" },
    { "{'descr': '|i1', 'fortran_order': False, 'shape': (3,), } x", 3, "header" },
    { "{'descr': '|i1' 'fortran_order': False, 'shape': (3,), }", 3, "header" },
    { "{'descr': '|i1', 'fortran_order': False, 'shape': (3,)", 3, "header" },
    { "{'descr': '|i1", 3, "header" },
    { "", 3, "header" },
};

Test(npy, refuses)
{
    for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
        const bad_case *c = &bad_cases[i];
        npy_array a;
        lks_error error = { LKS_OK, "" };

        cr_assert_not(parse(1, c->header, c->data_bytes, &a, &error), "case %zu is accepted", i);
        cr_assert_eq(strncmp(error.text, "x.npy: ", 7), 0, "case %zu: %s", i, error.text);
        cr_assert_not_null(strstr(error.text, c->says), "case %zu: %s", i, error.text);
    }
}

Test(npy, refuses_every_cut)
{
    size_t size;
    uint8_t *file = make_file(2, "{'descr': '|i1', 'fortran_order': False, 'shape': (2, 3), }\n", 6, &size);

    for (size_t n = 0; n < size; n++) {
        uint8_t *exact = malloc(n ? n : 1);     /* so that a sanitizer sees reads beyond the end */
        npy_array a;
        lks_error error;

        memcpy(exact, file, n);
        cr_assert_not(npy_parse(exact, n, "x.npy", &a, &error), "%zu bytes", n);
        free(exact);
    }
    free(file);
}

Test(npy, refuses_versions_and_huge_headers)
{
    size_t size;
    uint8_t *file = make_file(2, "{'descr': '|i1', 'fortran_order': False, 'shape': (1,), }\n", 1, &size);
    npy_array a;
    lks_error error;

    cr_assert(npy_parse(file, size, "x.npy", &a, &error));
    file[10] = 1;               /* header length + 2^16 */
    cr_assert_not(npy_parse(file, size, "x.npy", &a, &error));
    cr_assert_not_null(strstr(error.text, "header"));
    file[10] = 0;
    file[11] = 0xff;            /* ... + 255 * 2^24 */
    cr_assert_not(npy_parse(file, size, "x.npy", &a, &error));
    file[11] = 0;
    file[7] = 1;
    cr_assert_not(npy_parse(file, size, "x.npy", &a, &error));
    file[7] = 0;
    for (int major = 0; major < 256; major++) {
        file[6] = (uint8_t)major;
        if (major != 2 && major != 3)
            cr_assert_not(npy_parse(file, size, "x.npy", &a, &error), "version %d", major);
    }
    free(file);
}

static void expect_header(lks_type type, uint32_t rank, const uint32_t *dims, size_t bytes, const char *text)
{
    lks_tensor_info t = { .type = type, .rank = rank };
    char header[NPY_HEADER_SIZE], expected[NPY_HEADER_SIZE];

    memcpy(t.dims, dims, rank * sizeof *dims);
    memset(expected, ' ', sizeof expected);
    memcpy(expected, "\x93NUMPY\x01\x00", 8);
    expected[8] = (char)(bytes - 10);
    expected[9] = 0;
    memcpy(expected + 10, text, strlen(text));
    expected[bytes - 1] = '\n';
    cr_assert_eq(npy_header(&t, header), bytes);
    cr_assert_arr_eq(header, expected, bytes);
}

/* What numpy.save writes (NumPy 1.23 and later). */
Test(npy, writes_as_numpy_does)
{
    const uint32_t two[] = { 1, 10 }, one[] = { 3 }, six[] = { 16777216, 1, 16777216, 1, 1000, 1 };
    const uint32_t long_six[] = { 1, 16777216, 16777216, 16777216, 16777216, 16777216 };

    expect_header(LKS_I8, 2, two, 128, "{'descr': '|i1', 'fortran_order': False, 'shape': (1, 10), }");
    expect_header(LKS_U8, 1, one, 128, "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }");
    expect_header(LKS_I32, 6, six, 128,
                  "{'descr': '<i4', 'fortran_order': False, 'shape': (16777216, 1, 16777216, 1, 1000, 1), }");
    expect_header(LKS_I64, 6, long_six, 192,
                  "{'descr': '<i8', 'fortran_order': False, 'shape': (1, 16777216, 16777216, 16777216, 16777216, 16777216), }");
}

Test(npy, reads_what_it_writes)
{
    const lks_type types[] = { LKS_I8, LKS_U8, LKS_I16, LKS_I32, LKS_I64 };
    const size_t bytes[] = { 6, 6, 12, 24, 48 };

    for (size_t i = 0; i < 5; i++) {
        const lks_tensor_info t = { .type = types[i], .rank = 3, .dims = { 1, 2, 3 } };
        uint8_t file[NPY_HEADER_SIZE + 48] = { 0 };
        size_t header = npy_header(&t, (char *)file);
        npy_array a;
        lks_error error;

        cr_assert(npy_parse(file, header + bytes[i], "x.npy", &a, &error), "%s", error.text);
        cr_assert_eq(a.type, types[i]);
        cr_assert_eq(a.rank, 3u);
        cr_assert_eq(a.dims[2], 3u);
    }
}
