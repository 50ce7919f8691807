/* SPDX-License-Identifier: Apache-2.0
 *
 * How the program reports failure: one error, printed as one line.
 */
#include "tools/errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool error_set(lks_error *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    error->status = LKS_ERR_ARGUMENT;
    text_clean(error->text);
    return false;
}

bool error_errno(lks_error *error, const char *path, const char *what, int number)
{
    return error_set(error, "%s: %s: %s", path, what, strerror(number));
}

bool error_memory(lks_error *error)
{
    return error_set(error, "out of memory: use a smaller batch or a smaller model");
}

void error_print(const char *command, const lks_error *error)
{
    char text[sizeof error->text];

    memcpy(text, error->text, sizeof text);
    text[sizeof text - 1] = '\0';
    text_clean(text);
    fprintf(stderr, "lockstep%s%s: %s\n", command ? " " : "", command ? command : "", text);
}

void text_clean(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';
}
