/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep convert`: write a model as a .lks file.
 */
#include "tools/commands.h"
#include "tools/files.h"
#include "tools/model_file.h"
#include "tools/options.h"
#include "tools/output.h"
#include "tools/tensor.h"

#include <inttypes.h>
#include <stdio.h>

static bool write_model(const lks_model *model, const char *path, lks_error *error)
{
    lks_model_info info;
    output_part part;
    char hex[HEX_SIZE];

    lks_model_get(model, &info);
    part = (output_part){ info.file, info.file_bytes };
    if (!output_write(path, &part, 1, error))
        return false;
    digest_hex(info.digest, hex);
    printf("model  sha256 %s  %s\n", hex, path);
    printf("%zu bytes, specification %" PRIu32 ", %" PRIu32 " ops, %" PRIu32 " tensors\n", info.file_bytes, info.spec_version,
           info.ops, info.tensors);
    return true;
}

static bool convert_main(int argc, char **argv, lks_error *error)
{
    static const char *const extensions[] = { ".lks", NULL };
    common_options common = { .backend = NULL };
    const option_spec specs[] = { OPTIONS_LIMITS(&common) };
    lks_model *model;
    int first;
    bool ok;

    if (!options_parse(argc, argv, specs, sizeof specs / sizeof specs[0], &first, error))
        return false;
    if (argc - first != 2)
        return error_set(error, "give IN and OUT.lks: see lockstep convert --help");
    if (!file_has_extension(argv[first + 1], extensions))
        return error_set(error, "%s: the output is a .lks file: give it a name that ends in .lks", argv[first + 1]);
    if (!model_file_open(argv[first], &common.limits, &model, error))
        return false;
    ok = write_model(model, argv[first + 1], error);
    lks_model_close(model);
    return ok;
}

const command command_convert = {
    "convert", "write a .tflite model as a .lks file",
    "usage: lockstep convert IN OUT.lks [options]\n\n"
    "Imports IN (.tflite) and writes the .lks file that stands for it: its SHA-256 is the identity of the model.  The\n"
    "scales become integers here, once, with integer arithmetic.  A .lks file as IN is checked and copied.\n\n"
    HELP_BUILTIN "\n"
    HELP_LIMITS,
    convert_main
};
