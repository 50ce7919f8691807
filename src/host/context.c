/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening a device of a backend by name, or the first that can be used.
 */
#include "host/context.h"

#include "host/error.h"
#include "host/registry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The one whose instruction sets lks_context_options.isa names. */
#define WITH_SETS "cpu"

static lks_status open_named(lks_context *c, const lks_context_options *o, const char *name, lks_error *error)
{
    for (size_t i = 0; lks_backend_at(i); i++)
        if (strcmp(lks_backend_at(i)->name, name) == 0) {
            c->backend = lks_backend_at(i);
            return c->backend->open(o->device, o, &c->device, error);
        }
    return lks_fail(error, LKS_ERR_NO_DEVICE, "backend \"%.40s\": this build has none of that name", name);
}

/* A device that only lacked memory is not passed over: the caller would be given a slower one without being told. */
static lks_status open_first_usable(lks_context *c, const lks_context_options *o, lks_error *error)
{
    lks_status st;

    if (o->device != 0)
        return lks_fail(error, LKS_ERR_ARGUMENT, "device %u: of which backend?  Devices are numbered within one", o->device);
    st = lks_fail(error, LKS_ERR_NO_DEVICE, "no backend of this build has a usable device");

    for (size_t i = 0; lks_backend_at(i); i++) {
        lks_device_info info;

        c->backend = lks_backend_at(i);
        if (c->backend->describe(0, &info) == LKS_OK && info.by_name_only)
            continue;
        st = c->backend->open(0, o, &c->device, error);
        if (st == LKS_OK || st == LKS_ERR_NOMEM)
            return st;
    }
    return st;
}

static lks_status open_device(lks_context *c, const lks_context_options *o, lks_error *error)
{
    const char *name = o->backend || !o->isa ? o->backend : WITH_SETS;

    return name ? open_named(c, o, name, error) : open_first_usable(c, o, error);
}

lks_status lks_context_open(const lks_context_options *options, lks_context **context, lks_error *error)
{
    const lks_context_options defaults = { 0 }, *o = options ? options : &defaults;
    lks_error unused;
    lks_context *c;
    lks_status st;

    error = error ? error : &unused;
    if (!context)
        return lks_fail(error, LKS_ERR_ARGUMENT, "lks_context_open: context is NULL");
    *context = NULL;
    c = calloc(1, sizeof *c);
    if (!c)
        return lks_fail(error, LKS_ERR_NOMEM, "out of memory");
    atomic_init(&c->references, 1);
    c->index = o->device;
    st = open_device(c, o, error);
    if (st != LKS_OK) {
        lks_context_close(c);
        return st;
    }
    *context = c;
    return lks_ok(error);
}

lks_context *lks_context_share(lks_context *c)
{
    atomic_fetch_add(&c->references, 1);
    return c;
}

void lks_context_close(lks_context *c)
{
    if (!c || atomic_fetch_sub(&c->references, 1) != 1)
        return;
    if (c->device)
        c->backend->close(c->device);
    free(c);
}

void lks_context_device(const lks_context *c, lks_device_info *info)
{
    assert(c && info);
    c->backend->describe(c->index, info);
}
