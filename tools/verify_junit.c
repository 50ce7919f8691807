/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep verify`: a JUnit report, as CI systems read it.
 */
#define _POSIX_C_SOURCE 200809L

#include "tools/output.h"
#include "tools/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Text of an attribute or an element.  What XML does not allow, and bytes beyond ASCII, become '?'. */
static void put_text(FILE *f, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        switch (*p) {
        case '<':  fputs("&lt;", f); break;
        case '>':  fputs("&gt;", f); break;
        case '&':  fputs("&amp;", f); break;
        case '"':  fputs("&quot;", f); break;
        default:   fputc(*p < 0x20 || *p > 0x7e ? '?' : *p, f);
        }
}

static void put_attribute(FILE *f, const char *name, const char *value)
{
    fprintf(f, " %s=\"", name);
    put_text(f, value);
    fputc('"', f);
}

static void put_result(FILE *f, const char *kind, const char *message, const char *more)
{
    fprintf(f, "      <%s", kind);
    put_attribute(f, "message", message);
    if (more) {
        fputc('>', f);
        put_text(f, more);
        fprintf(f, "</%s>\n", kind);
    } else {
        fputs("/>\n", f);
    }
}

/* ---- one device ---------------------------------------------------------------------------------------------------------- */

typedef enum outcome { EQUAL, FAILURE, ERROR, SKIPPED } outcome;

/* A device that failed is an error in every case: what it gave before cannot be relied on. */
static outcome outcome_of(const verification *v, const verdict *d, size_t c)
{
    if (!d->device.info.usable)
        return v->options->backends.count ? ERROR : SKIPPED;
    if (d->by_case && d->by_case[c].divergences)
        return FAILURE;
    return d->failure[0] || !d->by_case || !d->by_case[c].comparisons ? ERROR : EQUAL;
}

static void put_case(FILE *f, const verification *v, const verdict *d, size_t c)
{
    const case_verdict *one = d->by_case ? &d->by_case[c] : NULL;
    outcome result = outcome_of(v, d, c);
    char line[VERIFY_LINE], class_name[64], *replay;

    snprintf(class_name, sizeof class_name, "lockstep.verify.%s.%" PRIu32, d->device.info.backend, d->device.index);
    fputs("    <testcase", f);
    put_attribute(f, "classname", class_name);
    put_attribute(f, "name", v->cases.item[c].name);
    fprintf(f, " time=\"%.6f\"%s>\n", one ? one->seconds : 0.0, result == EQUAL ? "/" : "");
    if (result == EQUAL)
        return;
    if (result == FAILURE) {
        verify_describe(v, d, &one->first, line);
        replay = verify_replay_line(v, d, &one->first);
        put_result(f, "failure", line, replay);
        free(replay);
    } else {
        put_result(f, result == ERROR ? "error" : "skipped", d->failure[0] ? d->failure : "nothing was compared", NULL);
    }
    fputs("    </testcase>\n", f);
}

static void put_skipped(FILE *f, const verdict *d, const golden_case *c)
{
    char class_name[64], why[512];

    snprintf(class_name, sizeof class_name, "lockstep.verify.%s.%" PRIu32, d->device.info.backend, d->device.index);
    snprintf(why, sizeof why, "needs the file %s: give its folder with --inputs", c->file);
    fputs("    <testcase", f);
    put_attribute(f, "classname", class_name);
    put_attribute(f, "name", c->name);
    fputs(" time=\"0\">\n", f);
    put_result(f, "skipped", why, NULL);
    fputs("    </testcase>\n", f);
}

static void count_outcomes(const verification *v, const verdict *d, size_t counts[4])
{
    for (int i = 0; i < 4; i++)
        counts[i] = 0;
    for (size_t c = 0; c < v->cases.count; c++)
        counts[outcome_of(v, d, c)]++;
    counts[SKIPPED] += v->skipped_count;
}

static void put_suite(FILE *f, const verification *v, const verdict *d)
{
    char name[64];
    double seconds = 0;
    size_t n[4];

    count_outcomes(v, d, n);
    for (size_t c = 0; d->by_case && c < v->cases.count; c++)
        seconds += d->by_case[c].seconds;
    snprintf(name, sizeof name, "%s %" PRIu32, d->device.info.backend, d->device.index);
    fputs("  <testsuite", f);
    put_attribute(f, "name", name);
    fprintf(f, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%.6f\">\n    <properties>\n",
            v->cases.count + v->skipped_count, n[FAILURE], n[ERROR], n[SKIPPED], seconds);
    const char *const properties[][2] = {
        { "model", v->options->model }, { "model_sha256", v->sha256 }, { "lockstep", LKS_VERSION },
        { "device", d->device.info.name }, { "driver", d->device.info.driver }
    };
    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++) {
        fputs("      <property", f);
        put_attribute(f, "name", properties[i][0]);
        put_attribute(f, "value", properties[i][1]);
        fputs("/>\n", f);
    }
    fputs("    </properties>\n", f);
    for (size_t c = 0; c < v->cases.count; c++)
        put_case(f, v, d, c);
    for (size_t i = 0; i < v->skipped_count; i++)
        put_skipped(f, d, v->skipped[i]);
    fputs("  </testsuite>\n", f);
}

bool verify_write_junit(const verification *v, lks_error *error)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    bool ok;

    if (!f)
        return error_memory(error);
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"lockstep verify\">\n", f);
    for (size_t i = 0; i < v->count; i++)
        put_suite(f, v, &v->verdict[i]);
    fputs("</testsuites>\n", f);
    ok = !ferror(f);
    if (fclose(f) != 0 || !ok)
        ok = error_memory(error);
    else
        ok = output_write(v->options->junit, &(output_part){ text, size }, 1, error);
    free(text);
    return ok;
}
