/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the devices of this build, and opening sessions on them.
 */
#include "tools/device.h"

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
        grown[list->count].index = count_of(list, info.backend);
        grown[list->count++].info = info;
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

static bool pick(const device_list *list, const common_options *options, device *picked, lks_error *error)
{
    const device *named = NULL;

    if (options->backend && !device_known(list, options->backend, error))
        return false;
    for (size_t i = 0; i < list->count; i++) {
        const device *d = &list->device[i];

        if (d->index != options->device || (options->backend && strcmp(d->info.backend, options->backend) != 0))
            continue;
        if (d->info.usable) {
            *picked = *d;
            return true;
        }
        named = d;
    }
    if (named)
        return error_set(error, "%s %u: not usable: %s", named->info.backend, named->index, named->info.reason);
    return error_set(error, "--device: there is no device %u: see lockstep devices", options->device);
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

bool device_open(lks_model *model, const device *d, uint32_t max_batch, bool keep, lks_session **session, lks_error *error)
{
    const lks_session_options options = {
        .backend = d->info.backend, .device = d->index, .max_batch = max_batch, .keep = keep, .check = LKS_CHECK_NONE
    };

    return lks_session_open(model, &options, session, error) == LKS_OK;
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
