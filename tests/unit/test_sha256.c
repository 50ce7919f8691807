/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 against the vectors of NIST (FIPS 180-2, appendix B, and the empty message) and against libcrypto.
 */
#include "lockstep/lockstep.h"

#include <criterion/criterion.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect_digest(const void *data, size_t bytes, const char *expected)
{
    uint8_t digest[LKS_DIGEST_SIZE];
    char hex[2 * LKS_DIGEST_SIZE + 1];

    lks_sha256(data, bytes, digest);
    for (int i = 0; i < LKS_DIGEST_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    cr_assert_str_eq(hex, expected);
}

Test(sha256, nist_vectors)
{
    char *million = malloc(1000000);

    expect_digest("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_digest("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    memset(million, 'a', 1000000);
    expect_digest(million, 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

Test(sha256, equals_libcrypto_at_every_length_to_1000)
{
    uint8_t data[1000], ours[LKS_DIGEST_SIZE], theirs[SHA256_DIGEST_LENGTH];

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 131 + i / 7);
    for (size_t n = 0; n <= sizeof data; n++) {
        lks_sha256(data, n, ours);
        SHA256(data, n, theirs);
        cr_assert_arr_eq(ours, theirs, sizeof ours, "length %zu", n);
    }
}
