/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the devices of this build, and opening sessions on them.
 */
#include "tools/device.h"

#include "host/session.h"
#include "tools/cache.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t count_of(const device_list *list, const char *backend)
{
    uint32_t n = 0;

    for (size_t i = 0; i < list->count; i++)
        n += strcmp(list->device[i].info.backend, backend) == 0;
    return n;
}

bool device_enumerate(device_list *list, lks_error *error)
{
    lks_device_info info;

    memset(list, 0, sizeof *list);
    for (uint32_t i = 0; lks_device(i, &info) == LKS_OK; i++) {
        device *grown = realloc(list->device, (list->count + 1) * sizeof *grown);

        if (!grown) {
            free(list->device);
            memset(list, 0, sizeof *list);
            return error_memory(error);
        }
        list->device = grown;
        grown[list->count] = (device){ .info = info, .index = count_of(list, info.backend) };
        list->count++;
    }
    return true;
}

bool device_known(const device_list *list, const char *backend, lks_error *error)
{
    char known[256] = "";

    for (size_t i = 0; i < list->count; i++) {
        const char *name = list->device[i].info.backend;

        if (strcmp(name, backend) == 0)
            return true;
        if (list->device[i].index == 0)
            snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "", name);
    }
    return error_set(error, "--backend: \"%s\" is not in this build, which has: %s", backend, known);
}

static bool contains(const char *text, const char *part)
{
    size_t length = strlen(part), i;

    for (; *text; text++) {
        for (i = 0; i < length && text[i] && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i]); i++)
            ;
        if (i == length)
            return true;
    }
    return false;
}

bool device_named(const device *d, const char *text)
{
    uint64_t index;

    if (!text)
        return true;
    if (options_number(text, false, 0, UINT32_MAX, &index))
        return d->index == index;
    return contains(d->info.uuid, text) || contains(d->info.name, text);
}

const char *device_implied(const device_ways *ways)
{
    return ways->isa || ways->threads ? DEVICE_CPU : NULL;
}

void device_imply(const device_ways *ways, option_list *backends)
{
    if (backends->count == 0 && device_implied(ways))
        backends->item[backends->count++] = device_implied(ways);
}

static bool pick(const device_list *list, const common_options *options, device *picked, lks_error *error)
{
    const char *backend = options->backend ? options->backend : device_implied(&options->ways);
    const char *text = options->device ? options->device : "0";
    const device *named = NULL;

    if (backend && !device_known(list, backend, error))
        return false;
    for (size_t i = 0; i < list->count; i++) {
        const device *d = &list->device[i];

        if (!device_named(d, text) || (backend && strcmp(d->info.backend, backend) != 0))
            continue;
        if (d->info.by_name_only && !backend)
            continue;
        if (d->info.usable) {
            *picked = *d;
            picked->ways = options->ways;
            return true;
        }
        named = d;
    }
    if (named)
        return error_set(error, "%s %u: not usable: %s", named->info.backend, named->index, named->info.reason);
    return error_set(error, "--device: there is no device \"%.80s\": see lockstep devices", text);
}

bool device_pick(const common_options *options, device *picked, lks_error *error)
{
    device_list list;
    bool ok;

    if (!device_enumerate(&list, error))
        return false;
    ok = pick(&list, options, picked, error);
    free(list.device);
    return ok;
}

/* A folder that the user did not ask for may be unfit: then it is done without. */
bool device_connect(const device *d, lks_context **context, lks_error *error)
{
    const device_ways *w = &d->ways;
    lks_context_options options = { .backend = d->info.backend, .device = d->index, .threads = w->threads, .isa = w->isa,
                                    .no_graph = w->no_graph, .cache_dir = w->cache };
    char own[CACHE_PATH_MAX];
    lks_status st;

    *context = NULL;
    if (w->cache && w->no_cache)
        return error_set(error, "--cache and --no-cache: give only one of them");
    if (!w->cache && !w->no_cache && cache_of_user(own, sizeof own))
        options.cache_dir = own;
    st = lks_context_open(&options, context, error);
    if (st == LKS_ERR_ARGUMENT && options.cache_dir == own) {
        options.cache_dir = NULL;
        st = lks_context_open(&options, context, error);
    }
    return st == LKS_OK;
}

bool device_hold(device *d, lks_error *error)
{
    return d->context || device_connect(d, &d->context, error);
}

void device_release(device *d)
{
    lks_context_close(d->context);
    d->context = NULL;
}

bool device_open(lks_model *model, const device *d, uint32_t max_batch, bool keep, lks_session **session, lks_error *error)
{
    const lks_session_options options = { .max_batch = max_batch, .keep = keep, .check = LKS_CHECK_NONE };

    return device_open_with(model, d, options, session, error);
}

bool device_has_variant(const lks_session *session, const char *variant)
{
    const char *name;

    for (int k = 0; k < LKS_KERNEL_COUNT; k++)
        for (uint32_t i = 0; (name = lks_session_variant(session, k, i)) != NULL; i++)
            if (strcmp(name, variant) == 0)
                return true;
    return false;
}

/* Each name once, as far as there is room. */
static void list_variants(const lks_session *session, char *text, size_t size)
{
    char all[256] = ",";        /* ",one,two," */
    const char *name;

    for (int k = 0; k < LKS_KERNEL_COUNT; k++)
        for (uint32_t i = 0; (name = lks_session_variant(session, k, i)) != NULL; i++) {
            char entry[64];

            snprintf(entry, sizeof entry, ",%s,", name);
            if (!strstr(all, entry) && strlen(all) + strlen(entry) < sizeof all)
                strcat(all, entry + 1);
        }
    all[strlen(all) - 1] = '\0';
    snprintf(text, size, "%s", all[0] ? all + 1 : "none");
}

bool device_open_with(lks_model *model, const device *d, lks_session_options options, lks_session **session, lks_error *error)
{
    char known[256];
    lks_status st;

    *session = NULL;
    if (!d->context && !device_connect(d, &options.context, error))
        return false;
    options.context = d->context ? d->context : options.context;
    options.no_fuse = d->ways.no_fuse;
    st = lks_session_open(model, &options, session, error);
    if (!d->context)
        lks_context_close(options.context);     /* the session keeps it */
    if (st != LKS_OK)
        return false;
    if (!options.variant || device_has_variant(*session, options.variant))
        return true;
    list_variants(*session, known, sizeof known);
    lks_session_close(*session);
    *session = NULL;
    return error_set(error, "--variant: %s %u has no kernel of the name \"%s\", only: %s", d->info.backend, d->index,
                     options.variant, known);
}

bool device_check(const char *text, lks_session_options *options, lks_error *error)
{
    static const struct { const char *name; lks_check check; } rules[] = {
        { "auto", LKS_CHECK_AUTO }, { "full", LKS_CHECK_FULL }, { "none", LKS_CHECK_NONE }
    };
    uint64_t every;

    options->check = LKS_CHECK_AUTO;
    if (!text)
        return true;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (strcmp(text, rules[i].name) == 0) {
            options->check = rules[i].check;
            return true;
        }
    if (strcmp(text, "freivalds") == 0)
        return error_set(error, "--check: freivalds is not built yet: use auto, full, sample:N or none");
    if (strncmp(text, "sample:", 7) != 0 || !options_number(text + 7, false, 1, UINT32_MAX - 1, &every))
        return error_set(error, "--check: \"%s\" is unknown: use auto, full, none, or sample:N, N from 1 to 4294967294", text);
    options->check = LKS_CHECK_SAMPLE;
    options->sample_every = (uint32_t)every;
    return true;
}

bool device_affordable(const lks_model *model, const char *name, uint32_t batch, const lks_limits *limits, lks_error *error)
{
    lks_cost cost;
    lks_status status = lks_model_cost(model, batch, &cost);

    if (status == LKS_ERR_ARGUMENT)
        return error_set(error, "%s: does not run with a batch of %u", name, batch);
    if (status != LKS_OK || cost.parameter_bytes > UINT64_MAX - cost.peak_bytes || cost.macs > UINT64_MAX - cost.element_ops)
        return error_set(error, "%s: a batch of %u costs more than 64 bits can count", name, batch);
    if (cost.parameter_bytes + cost.peak_bytes > options_memory(limits))
        return error_set(error, "%s: a batch of %u needs %llu bytes of memory: raise --max-mem or make the batch smaller", name,
                         batch, (unsigned long long)(cost.parameter_bytes + cost.peak_bytes));
    if (limits->work && cost.macs + cost.element_ops > limits->work)
        return error_set(error, "%s: a batch of %u needs %llu units of work: raise --max-work or make the batch smaller", name,
                         batch, (unsigned long long)(cost.macs + cost.element_ops));
    return true;
}
