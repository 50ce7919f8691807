/* SPDX-License-Identifier: Apache-2.0
 *
 * The known networks, layer by layer, and what a name of a built-in model says.
 */
#include "tools/networks/networks.h"
#include "tools/networks/layers.h"
#include "tools/networks/single_op.h"
#include "tools/options.h"

#include <stdio.h>
#include <string.h>

static window square(uint32_t kernel, uint32_t stride)
{
    return (window){ kernel, kernel, stride, kernel / 2, 1 };
}

/* ---- ResNet-50 v1.5: the stride of a stage is in its 3 x 3 (He et al. 2015; the revision of torchvision and MLPerf) -------- */

static activation bottleneck(net *n, const char *name, activation x, uint32_t width, uint32_t stride, bool project)
{
    char part[64];
    activation y, shortcut = x;

    snprintf(part, sizeof part, "%s.reduce", name);
    y = net_conv(n, part, &x, width, square(1, 1), 1, RELU);
    snprintf(part, sizeof part, "%s.conv", name);
    y = net_conv(n, part, &y, width, square(3, stride), 1, RELU);
    snprintf(part, sizeof part, "%s.expand", name);
    y = net_conv(n, part, &y, 4 * width, square(1, 1), 1, LINEAR);
    snprintf(part, sizeof part, "%s.project", name);
    if (project)
        shortcut = net_conv(n, part, &x, 4 * width, square(1, stride), 1, LINEAR);
    return net_add(n, name, &shortcut, &y, RELU);
}

static activation resnet50(net *n)
{
    static const uint32_t image[] = { 1, 224, 224, 3 }, blocks[] = { 3, 4, 6, 3 };
    activation x = net_input(n, 4, image);
    char name[32];

    x = net_conv(n, "stem", &x, 64, square(7, 2), 1, RELU);
    x = net_pool(n, "pool", LKS_OP_MAX_POOL, &x, square(3, 2));
    for (uint32_t stage = 0; stage < 4; stage++)
        for (uint32_t i = 0; i < blocks[stage]; i++) {
            snprintf(name, sizeof name, "stage%u.%u", stage + 1, i);
            x = bottleneck(n, name, x, 64u << stage, stage > 0 && i == 0 ? 2 : 1, i == 0);
        }
    x = net_mean(n, "mean", &x);
    return net_fully_connected(n, "logits", &x, 1000, false, LINEAR);
}

/* ---- MobileNetV2 1.0 (Sandler et al. 2018) ------------------------------------------------------------------------------- */

static activation inverted_residual(net *n, const char *name, activation x, uint32_t times, uint32_t out_c, uint32_t stride)
{
    uint32_t in_c = x.dims[3];
    activation y = x;
    char part[64];

    snprintf(part, sizeof part, "%s.expand", name);
    if (times > 1)
        y = net_conv(n, part, &y, in_c * times, square(1, 1), 1, RELU);
    snprintf(part, sizeof part, "%s.depthwise", name);
    y = net_conv(n, part, &y, in_c * times, square(3, stride), in_c * times, RELU);
    snprintf(part, sizeof part, "%s.project", name);
    y = net_conv(n, part, &y, out_c, square(1, 1), 1, LINEAR);
    return stride == 1 && in_c == out_c ? net_add(n, name, &x, &y, LINEAR) : y;
}

static activation mobilenet_v2(net *n)
{
    static const uint32_t image[] = { 1, 224, 224, 3 };
    static const struct { uint32_t times, out_c, count, stride; } rows[] = {
        { 1, 16, 1, 1 }, { 6, 24, 2, 2 }, { 6, 32, 3, 2 }, { 6, 64, 4, 2 }, { 6, 96, 3, 1 }, { 6, 160, 3, 2 }, { 6, 320, 1, 1 }
    };
    activation x = net_input(n, 4, image);
    char name[32];

    x = net_conv(n, "stem", &x, 32, square(3, 2), 1, RELU);
    for (uint32_t k = 0; k < COUNT_OF(rows); k++)
        for (uint32_t i = 0; i < rows[k].count; i++) {
            snprintf(name, sizeof name, "block%u.%u", k + 1, i);
            x = inverted_residual(n, name, x, rows[k].times, rows[k].out_c, i == 0 ? rows[k].stride : 1);
        }
    x = net_conv(n, "head", &x, 1280, square(1, 1), 1, RELU);
    x = net_mean(n, "mean", &x);
    return net_fully_connected(n, "logits", &x, 1000, false, LINEAR);
}

/* ---- VGG16 (Simonyan and Zisserman 2014) --------------------------------------------------------------------------------- */

static activation vgg16(net *n)
{
    static const uint32_t image[] = { 1, 224, 224, 3 }, depth[] = { 2, 2, 3, 3, 3 }, width[] = { 64, 128, 256, 512, 512 };
    activation x = net_input(n, 4, image);
    char name[32];

    for (uint32_t stage = 0; stage < 5; stage++) {
        for (uint32_t i = 0; i < depth[stage]; i++) {
            snprintf(name, sizeof name, "conv%u_%u", stage + 1, i + 1);
            x = net_conv(n, name, &x, width[stage], square(3, 1), 1, RELU);
        }
        snprintf(name, sizeof name, "pool%u", stage + 1);
        x = net_pool(n, name, LKS_OP_MAX_POOL, &x, (window){ 2, 2, 2, 0, 1 });
    }
    x = net_fully_connected(n, "fc6", &x, 4096, true, RELU);
    x = net_fully_connected(n, "fc7", &x, 4096, false, RELU);
    return net_fully_connected(n, "logits", &x, 1000, false, LINEAR);
}

/* ---- the linear layers of BERT-base (Devlin et al. 2018), 128 tokens ----------------------------------------------------- */

/* A sum stands for attention, a rectifier for GELU; layer normalization is left out. */
static activation encoder(net *n, uint32_t layer, activation x)
{
    static const char *const names[] = { "query", "key", "value" };
    activation part[3], y;
    char name[64];

    for (uint32_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "layer%u.%s", layer, names[i]);
        part[i] = net_fully_connected(n, name, &x, 768, false, LINEAR);
    }
    snprintf(name, sizeof name, "layer%u.mixed", layer);
    y = net_add(n, name, &part[0], &part[1], LINEAR);
    y = net_add(n, name, &y, &part[2], LINEAR);
    snprintf(name, sizeof name, "layer%u.output", layer);
    y = net_fully_connected(n, name, &y, 768, false, LINEAR);
    snprintf(name, sizeof name, "layer%u.attended", layer);
    x = net_add(n, name, &x, &y, LINEAR);
    snprintf(name, sizeof name, "layer%u.up", layer);
    y = net_fully_connected(n, name, &x, 3072, false, RELU);
    snprintf(name, sizeof name, "layer%u.down", layer);
    y = net_fully_connected(n, name, &y, 768, false, LINEAR);
    snprintf(name, sizeof name, "layer%u", layer);
    return net_add(n, name, &x, &y, LINEAR);
}

static activation bert_base(net *n)
{
    static const uint32_t tokens[] = { 1, 128, 768 };
    activation x = net_input(n, 3, tokens);

    for (uint32_t layer = 0; layer < 12; layer++)
        x = encoder(n, layer, x);
    return x;
}

/* ---- names --------------------------------------------------------------------------------------------------------------- */

static const struct { const char *name; activation (*make)(net *n); } networks[] = {
    { "resnet50", resnet50 }, { "mobilenet_v2", mobilenet_v2 }, { "vgg16", vgg16 }, { "bert_base", bert_base }
};

bool network_named(const char *model)
{
    return strncmp(model, NETWORK_PREFIX, strlen(NETWORK_PREFIX)) == 0;
}

bool network_known(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(networks); i++)
        if (strcmp(networks[i].name, name) == 0)
            return true;
    return false;
}

/* Takes ",tflite", ",half_up" and ",seed=N" off the end of what. */
static bool take_options(const char *model, char *what, net *n, lks_error *error)
{
    char *comma;

    while ((comma = strrchr(what, ',')) != NULL && (comma[1] < '0' || comma[1] > '9')) {
        if (strcmp(comma + 1, "half_up") == 0)
            n->rounding = LKS_HALF_UP;
        else if (strcmp(comma + 1, "tflite") == 0)
            n->rounding = LKS_TFLITE;
        else if (strncmp(comma + 1, "seed=", 5) != 0 || !options_number(comma + 6, false, 0, UINT64_MAX, &n->seed))
            return error_set(error, "%.200s: \"%.100s\" is unknown: use half_up, tflite or seed=N", model, comma + 1);
        *comma = '\0';
    }
    return true;
}

static bool make(net *n, const char *model, const char *what, activation *y, lks_error *error)
{
    for (size_t i = 0; i < COUNT_OF(networks); i++)
        if (strcmp(networks[i].name, what) == 0) {
            *y = networks[i].make(n);
            return true;
        }
    if (strchr(what, ':'))
        return single_op(n, model, what, y, error);
    return error_set(error, "%.200s: there is no such network: use resnet50, mobilenet_v2, vgg16 or bert_base, or an op such as "
                     "builtin:conv:1,56,56,64,64,3,3", model);
}

static bool write_model(net *n, const char *model, activation y, blob *file, lks_error *error)
{
    if (n->failed)
        return error_memory(error);
    lks_builder_output(n->b, y.tensor);
    if (lks_builder_write(n->b, &file->data, &file->bytes, error) == LKS_OK)
        return true;
    return error_set(error, "%.200s: %.200s", model, error->text);
}

bool network_file(const char *model, blob *file, lks_error *error)
{
    net n = { .rounding = LKS_TFLITE };
    char what[200];
    activation y;
    bool ok;

    memset(file, 0, sizeof *file);
    if ((size_t)snprintf(what, sizeof what, "%s", model + strlen(NETWORK_PREFIX)) >= sizeof what)
        return error_set(error, "%.200s...: is too long for the name of a built-in model", model);
    if (!take_options(model, what, &n, error))
        return false;
    n.b = lks_builder_open();
    if (!n.b)
        return error_memory(error);
    ok = make(&n, model, what, &y, error) && write_model(&n, model, y, file, error);
    lks_builder_close(n.b);
    return ok;
}
