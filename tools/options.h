/* SPDX-License-Identifier: Apache-2.0
 *
 * Command line options as a table: each row names an option, its kind and the variable that it sets.
 */
#ifndef LOCKSTEP_TOOLS_OPTIONS_H
#define LOCKSTEP_TOOLS_OPTIONS_H

#include "tools/errors.h"

typedef enum option_kind {
    OPTION_FLAG,        /* no value; target: bool */
    OPTION_TEXT,        /* target: const char * */
    OPTION_LIST,        /* may be repeated; target: option_list */
    OPTION_U32,         /* target: uint32_t, within min and max */
    OPTION_U64,         /* target: uint64_t, within min and max */
    OPTION_BYTES,       /* the same, with an optional suffix K, M, G or T: powers of 1024 */
    OPTION_CHOICE       /* target: int, the index in choices */
} option_kind;

#define OPTION_LIST_MAX 16

typedef struct option_list {
    const char *item[OPTION_LIST_MAX];
    size_t count;
} option_list;

typedef struct option_spec {
    const char *name;               /* without the dashes; a single letter is a short option, -x */
    option_kind kind;
    void *target;
    uint64_t min, max;              /* numbers only */
    const char *const *choices;     /* OPTION_CHOICE only; ends with NULL */
} option_spec;

/* Ways to use a device that change no byte. */
typedef struct device_ways {
    bool no_fuse, no_graph, no_cache;
    const char *cache;              /* a folder for compiled kernels; NULL: the user's own (tools/cache.h) */
    const char *isa;                /* instruction set of the backend cpu; NULL: its own choice; of cuda: wgmma */
    uint32_t threads;               /* of the backend cpu; 0: one per core */
} device_ways;

/* What all commands that load a model understand. */
typedef struct common_options {
    const char *backend;            /* NULL: choose */
    const char *device;             /* its index in the backend, UUID, or part of its name (device_named); NULL: choose */
    device_ways ways;
    lks_limits limits;
    bool json;
} common_options;

#define OPTIONS_LIMITS(common)                                                                          \
    { "max-mem", OPTION_BYTES, &(common)->limits.mem_bytes, 1, UINT64_MAX, NULL },                      \
    { "max-work", OPTION_U64, &(common)->limits.work, 1, UINT64_MAX, NULL }

#define OPTIONS_JSON(common) { "json", OPTION_FLAG, &(common)->json, 0, 0, NULL }

#define OPTIONS_DEVICE(common)                                                                          \
    { "backend", OPTION_TEXT, &(common)->backend, 0, 0, NULL },                                         \
    { "device", OPTION_TEXT, &(common)->device, 0, 0, NULL }

#define OPTIONS_CACHE(ways)                                                                             \
    { "cache", OPTION_TEXT, &(ways)->cache, 0, 0, NULL },                                               \
    { "no-cache", OPTION_FLAG, &(ways)->no_cache, 0, 0, NULL }

/* gap: blanks, where a command's column of explanations begins later. */
#define HELP_CACHE(gap)                                                                                 \
    "  --cache DIR         " gap "OpenCL: keep compiled kernels in DIR, a folder of yours alone, made if absent\n" \
    "                      " gap "(default: $XDG_CACHE_HOME/lockstep, else ~/.cache/lockstep)\n"      \
    "  --no-cache          " gap "OpenCL: compile the kernels anew, and keep none\n"

#define THREADS_MAX 1024

#define OPTIONS_ISA(ways) { "isa", OPTION_TEXT, &(ways)->isa, 0, 0, NULL }

#define HELP_ISA(gap)                                                                                   \
    "  --isa NAME          " gap "cpu: the instruction set, see lockstep devices; cuda: wgmma; changes no byte\n"

#define OPTIONS_THREADS(ways) { "threads", OPTION_U32, &(ways)->threads, 0, THREADS_MAX, NULL }

/* What names the backend as well: device_imply. */
#define HELP_THREADS(gap)                                                                               \
    "  --threads N         " gap "cpu: so many threads, to 1024; 0 (default): one per core; changes no byte.\n" \
    "                      " gap "Where --backend names none, --isa and --threads choose cpu\n"

#define OPTIONS_WAYS(ways)                                                                              \
    { "no-fuse", OPTION_FLAG, &(ways)->no_fuse, 0, 0, NULL },                                           \
    { "no-graph", OPTION_FLAG, &(ways)->no_graph, 0, 0, NULL },                                         \
    OPTIONS_ISA(ways), OPTIONS_CACHE(ways)

#define HELP_WAYS(gap)                                                                                  \
    "  --no-fuse           " gap "run op by op; changes no byte\n"                                      \
    "  --no-graph          " gap "CUDA: launch kernel by kernel, for profilers; changes no byte\n"      \
    HELP_ISA(gap)                                                                                       \
    HELP_CACHE(gap)

#define HELP_LIMITS                                                                                     \
    "  --max-mem BYTES     refuse models that need more memory (suffixes K M G T; default 4G)\n"        \
    "  --max-work N        refuse models that need more MACs plus element ops (default: no limit)\n"

/* Read argv[1..]; options and operands may be mixed, and "--" ends the options.  *operands is the index of the first operand, to
 * which the operands have been moved. */
bool options_parse(int argc, char **argv, const option_spec *specs, size_t count, int *operands, lks_error *error);

/* Digits only, min to max; suffixes: allow K, M, G, T.  false: *value is unchanged. */
bool options_number(const char *text, bool suffixes, uint64_t min, uint64_t max, uint64_t *value);

/* limits->mem_bytes, or the default of the library. */
uint64_t options_memory(const lks_limits *limits);

#endif
