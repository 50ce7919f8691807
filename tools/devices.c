/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep devices`: what this build can run on, and why not.
 */
#include "tools/commands.h"
#include "tools/device.h"
#include "tools/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool print_text(const device_list *list)
{
    printf("%-8s  %6s  %-6s  %s\n", "backend", "device", "usable", "name, driver");
    for (size_t i = 0; i < list->count; i++) {
        const device *d = &list->device[i];

        printf("%-8s  %6" PRIu32 "  %-6s  %s%s%s\n", d->info.backend, d->index, d->info.usable ? "yes" : "no", d->info.name,
               d->info.driver[0] ? ", " : "", d->info.driver);
        if (d->info.uuid[0])
            printf("%26s%s\n", "", d->info.uuid);
        if (!d->info.usable)
            printf("%26s%s\n", "", d->info.reason);
    }
    return true;
}

static bool print_json(const device_list *list, lks_error *error)
{
    json j = json_start();

    json_text(&j, "lockstep", LKS_VERSION);
    json_open(&j, "devices", '[');
    for (size_t i = 0; i < list->count; i++) {
        const device *d = &list->device[i];

        json_open(&j, NULL, '{');
        json_text(&j, "backend", d->info.backend);
        json_u64(&j, "device", d->index);
        json_text(&j, "name", d->info.name);
        json_text(&j, "driver", d->info.driver);
        json_text(&j, "uuid", d->info.uuid[0] ? d->info.uuid : NULL);
        json_bool(&j, "usable", d->info.usable);
        json_text(&j, "reason", d->info.usable ? NULL : d->info.reason);
        json_close(&j);
    }
    json_close(&j);
    return json_finish(&j, true, error);
}

/* Only one backend has instruction sets. */
static device_ways ways_of(const device *d, const device_ways *ways)
{
    device_ways own = *ways;

    if (strcmp(d->info.backend, DEVICE_CPU) != 0)
        own.isa = NULL;
    return own;
}

/* A driver may list a device that it cannot run: compile or compute wrongly.  Opening it shows that. */
static void try_devices(device_list *list, const device_ways *ways)
{
    for (size_t i = 0; i < list->count; i++) {
        device *d = &list->device[i];
        lks_error why;

        d->ways = ways_of(d, ways);
        if (d->info.usable && !device_hold(d, &why)) {
            d->info.usable = false;
            snprintf(d->info.reason, sizeof d->info.reason, "%.*s", (int)sizeof d->info.reason - 1, why.text);
        }
        if (d->ways.isa && d->info.usable)
            snprintf(d->info.driver, sizeof d->info.driver, "%.60s: asked for", d->ways.isa);
        device_release(d);
    }
}

static bool any_usable(const device_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->device[i].info.usable)
            return true;
    return false;
}

static bool devices_main(int argc, char **argv, lks_error *error)
{
    common_options common = { .json = false };
    const option_spec specs[] = { OPTIONS_ISA(&common.ways), OPTIONS_CACHE(&common.ways), OPTIONS_JSON(&common) };
    device_list list;
    int first;
    bool ok;

    if (!options_parse(argc, argv, specs, sizeof specs / sizeof specs[0], &first, error))
        return false;
    if (first != argc)
        return error_set(error, "%s: takes no operands: see lockstep devices --help", argv[first]);
    if (!device_enumerate(&list, error))
        return false;
    try_devices(&list, &common.ways);
    ok = common.json ? print_json(&list, error) : print_text(&list);
    ok = ok && (any_usable(&list) || error_set(error, "no device can be used: the table says why"));
    free(list.device);
    return ok;
}

const command command_devices = {
    "devices", "list the backends and devices of this build, and why one is not usable",
    "usage: lockstep devices [options]\n\n"
    "Lists every device of every backend in this build, and opens each, which tests it.  A device that is not usable says\n"
    "why, and what would mend it.  Exit status 0 if at least one is usable.\n\n"
    HELP_ISA("")
    HELP_CACHE("")
    "  --json              print JSON\n",
    devices_main
};
