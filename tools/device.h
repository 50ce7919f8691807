/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the devices of this build, and opening sessions on them.
 */
#ifndef LOCKSTEP_TOOLS_DEVICE_H
#define LOCKSTEP_TOOLS_DEVICE_H

#include "tools/options.h"

#define DEVICE_REFERENCE "cpu_ref"
#define DEVICE_CPU "cpu"            /* the backend that has instruction sets and threads */

typedef struct device {
    lks_device_info info;
    uint32_t index;             /* within its backend */
    device_ways ways;           /* how it is used */
    lks_context *context;       /* where sessions on it run; NULL: each opens it for itself */
} device;

typedef struct device_list {
    device *device;             /* from malloc */
    size_t count;
} device_list;

/* All devices of all backends, usable or not. */
bool device_enumerate(device_list *list, lks_error *error);

/* Is there such a backend in this build?  If not, the error names those that there are. */
bool device_known(const device_list *list, const char *backend, lks_error *error);

/* Is it the device that --device names: by index, UUID, or a part of its name, in upper or lower case?  NULL names all. */
bool device_named(const device *d, const char *text);

/* --isa and --threads choose the backend that has them, where none is named: the name to add, or NULL. */
const char *device_implied(const device_ways *ways);
void device_imply(const device_ways *ways, option_list *backends);

/* The device that the options name; without --device the one with index 0, without --backend the first usable one. */
bool device_pick(const common_options *options, device *picked, lks_error *error);

/* Open it: *context is the caller's. */
bool device_connect(const device *d, lks_context **context, lks_error *error);

/* Open it once for all sessions that follow; give it back when they are closed.  Releasing what is not held is allowed. */
bool device_hold(device *d, lks_error *error);
void device_release(device *d);

/* Open a session on a device. */
bool device_open(lks_model *model, const device *d, uint32_t max_batch, bool keep, lks_session **session, lks_error *error);

/* The same with options of the caller's; their backend and device are those of d.  Refused: a variant that none of its kernels
 * has. */
bool device_open_with(lks_model *model, const device *d, lks_session_options options, lks_session **session, lks_error *error);

/* Has any kernel of the session's device a variant of that name? */
bool device_has_variant(const lks_session *session, const char *variant);

/* What --check says: auto, full, none, or sample:N (the first run, and then every N-th).  NULL: auto. */
bool device_check(const char *text, lks_session_options *options, lks_error *error);

/* Does a run with that batch stay within the limits?  name: what errors call the model. */
bool device_affordable(const lks_model *model, const char *name, uint32_t batch, const lks_limits *limits, lks_error *error);

#endif
