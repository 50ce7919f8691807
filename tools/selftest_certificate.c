/* SPDX-License-Identifier: Apache-2.0
 *
 * The certificate of `lockstep selftest`: what one device gave for a fixed list of cases, in one digest.
 */
#include "tools/json.h"
#include "tools/output.h"
#include "tools/selftest.h"
#include "tools/tensor.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/*
 * Of each op: d = 32 zero bytes, then d = SHA-256(d, all op outputs of the case) for case after case, as the device's own choice
 * of kernels gave them.  "digest" is the SHA-256 of these, in the order of "digests".  "case_list" chains the model's digest, the
 * batch (u32, little-endian) and the inputs of every case in the same way, case 0 of all ops first.
 */
static void add_digests(json *j, const selftest *s, const target *t)
{
    char hex[HEX_SIZE];
    uint8_t all[LKS_DIGEST_SIZE];

    lks_sha256(t->chain, s->kinds * sizeof t->chain[0], all);
    digest_hex(all, hex);
    json_text(j, "digest", hex);
    json_open(j, "digests", '{');
    for (uint32_t k = 0; k < s->kinds; k++) {
        digest_hex(t->chain[k], hex);
        json_text(j, cases_name(s->kind[k]), hex);
    }
    json_close(j);
    digest_hex(s->list, hex);
    json_text(j, "case_list", hex);
}

static void add_row(json *j, const selftest *s, const row *r, uint32_t kind)
{
    json_open(j, cases_name(s->kind[kind]), '{');
    json_u64(j, "passed", r->passed);
    json_u64(j, "failed", r->failed);
    json_u64(j, "not_supported", r->unsupported);
    json_text(j, "result", row_word(r));
    json_close(j);
}

static void add_variants(json *j, const selftest *s, const target *t)
{
    json_open(j, "variants", '{');
    for (uint32_t v = 0; v < t->variants; v++) {
        json_open(j, t->variant[v] ? t->variant[v] : AUTO, '{');
        for (uint32_t k = 0; k < s->kinds; k++)
            if (row_counts(t, v, k))
                add_row(j, s, &t->row[v][k], k);
        json_close(j);
    }
    json_close(j);
}

static void fill(json *j, const selftest *s, const target *t)
{
    json_text(j, "lockstep", LKS_VERSION);
    json_u64(j, "specification", LKS_SPEC_VERSION);
    json_text(j, "backend", t->device.info.backend);
    json_text(j, "device", t->device.info.name);
    json_text(j, "driver", t->device.info.driver);
    json_u64(j, "seed", s->seed);
    json_u64(j, "cases_per_op", s->cases);
    json_u64(j, "cases", s->ran);
    json_text(j, "result", target_passed(s, t) ? "PASSED" : "FAILED");
    add_digests(j, s, t);
    add_variants(j, s, t);
}

bool certificate_write(const selftest *s, const char *path, lks_error *error)
{
    json j = json_start();
    char *text;
    bool ok;

    if (!j.failed)
        fill(&j, s, &s->target[0]);
    text = j.failed ? NULL : json_dumps(j.open[0], JSON_INDENT(2));
    ok = text ? output_write(path, &(output_part){ text, strlen(text) }, 1, error) : error_memory(error);
    free(text);
    json_decref(j.open[0]);
    return ok;
}
