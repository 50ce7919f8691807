/* SPDX-License-Identifier: Apache-2.0
 *
 * The program: finds the subcommand, prints help, and turns the outcome into an exit status.
 */
#define _POSIX_C_SOURCE 200809L

#include "tools/commands.h"
#include "tools/output.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const command *const commands[] = { &command_run, &command_info, &command_convert, &command_verify, &command_selftest,
                                           &command_bench, &command_explain, &command_devices };

#define COMMANDS (sizeof commands / sizeof commands[0])

/* A file must never be opened as descriptor 1 or 2, where messages would go into it.  Reading only: writes there still fail. */
static void fill_standard_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDONLY) == -1)
            exit(EXIT_FAILURE);
}

static const char *program = "lockstep";

const char *program_name(void)
{
    return program;
}

static void name_program(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;

    if (path && path[0])
        program = slash ? slash + 1 : path;
}

static const command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static bool asks_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static void print_help(void)
{
    puts("usage: lockstep COMMAND ...\n\n"
         "Runs integer neural networks with the same bytes on every machine.\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-10s%s\n", commands[i]->name, commands[i]->summary);
    puts("\n  --help    this text; `lockstep COMMAND --help` explains a command\n"
         "  --version the versions of the program, the specification and the file format\n\n"
         "Exit status: 0 on success only; otherwise 1, and one line on stderr that says what to do.");
}

static bool run_command(const command *c, int argc, char **argv, lks_error *error)
{
    if (!asks_help(argc, argv))
        return c->main(argc, argv, error);
    fputs(c->help, stdout);
    return true;
}

static bool dispatch(int argc, char **argv, const char **name, lks_error *error)
{
    const command *c;

    if (argc < 2)
        return error_set(error, "no command: see lockstep --help");
    c = find(argv[1]);
    if (c) {
        *name = c->name;
        return run_command(c, argc - 1, argv + 1, error);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        print_help();
    else if (strcmp(argv[1], "--version") == 0)
        printf("lockstep %s (specification %d, format %d)\n", LKS_VERSION, LKS_SPEC_VERSION, LKS_FORMAT_VERSION);
    else
        return error_set(error, "\"%s\" is no command: see lockstep --help", argv[1]);
    return true;
}

int main(int argc, char **argv)
{
    const char *name = NULL;
    lks_error error = { LKS_OK, "" }, lost = { LKS_OK, "" };
    bool ok;

    fill_standard_streams();
    name_program(argv[0]);
    signal(SIGPIPE, SIG_IGN);       /* a closed pipe becomes a write error, which is reported */
    ok = dispatch(argc, argv, &name, &error);
    if (!output_finish(&lost) && ok) {
        ok = false;
        error = lost;
    }
    if (!ok)
        error_print(name, &error);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
