/* SPDX-License-Identifier: Apache-2.0
 *
 * The subcommands of the program.
 */
#ifndef LOCKSTEP_TOOLS_COMMANDS_H
#define LOCKSTEP_TOOLS_COMMANDS_H

#include "tools/errors.h"

typedef struct command {
    const char *name;
    const char *summary;        /* one line for `lockstep --help` */
    const char *help;           /* what `lockstep NAME --help` prints */
    /* argv[0] is the name of the command.  false: *error says why, and the program exits with 1. */
    bool (*main)(int argc, char **argv, lks_error *error);
} command;

extern const command command_run, command_info, command_convert, command_verify, command_selftest, command_bench,
                     command_explain, command_devices;

/* What the program was called by, without its folder: the first word of a line that replays something. */
const char *program_name(void);

#endif
