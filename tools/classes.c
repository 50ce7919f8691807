/* SPDX-License-Identifier: Apache-2.0
 *
 * The best classes of an output, and their names.
 */
#include "tools/classes.h"
#include "tools/files.h"
#include "tools/tensor.h"
#include "host/interface.h"

#include <stdlib.h>
#include <string.h>

#define LABELS_BYTES_MAX ((uint64_t)16 << 20)

static size_t count_lines(const char *text)
{
    size_t n = 1;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* Cut the text into lines, in place. */
static void cut(labels *l)
{
    char *start = l->text;

    while (start) {
        char *end = strchr(start, '\n');

        if (end)
            *end = '\0';
        if (end && end > start && end[-1] == '\r')
            end[-1] = '\0';
        text_clean(start);
        l->line[l->count++] = start;
        start = end ? end + 1 : NULL;
    }
    while (l->count > 0 && l->line[l->count - 1][0] == '\0')
        l->count--;
}

bool labels_open(const char *path, labels *l, lks_error *error)
{
    blob b;

    memset(l, 0, sizeof *l);
    if (!file_read(path, LABELS_BYTES_MAX, &b, error))
        return false;
    l->text = (char *)b.data;
    if (strlen(l->text) != b.bytes) {
        labels_close(l);
        return error_set(error, "%s: holds a zero byte: give a text file with one label per line", path);
    }
    l->line = malloc(count_lines(l->text) * sizeof *l->line);
    if (!l->line) {
        labels_close(l);
        return error_memory(error);
    }
    cut(l);
    return true;
}

void labels_close(labels *l)
{
    free(l->text);
    free(l->line);
    memset(l, 0, sizeof *l);
}

uint32_t classes_of(const lks_tensor_info *output, uint32_t *images)
{
    uint32_t last = output->dims[output->rank - 1];

    *images = output->rank == 1 ? 1 : output->dims[0];
    for (uint32_t i = 1; i + 1 < output->rank; i++)
        if (output->dims[i] != 1)
            return 0;
    return last;
}

uint32_t classes_best(const lks_tensor_info *output, const void *data, uint32_t row, uint32_t top, class_score *best)
{
    uint32_t classes = output->dims[output->rank - 1], found = 0;

    for (uint32_t i = 0; i < classes; i++) {
        class_score score = { i, lks_interface_value(data, output->type, (size_t)row * classes + i) };
        uint32_t at = found < top ? found++ : top;      /* where it would go as the worst; top: not in the list */

        while (at > 0 && best[at - 1].value < score.value) {
            if (at < top)
                best[at] = best[at - 1];
            at--;
        }
        if (at < top)
            best[at] = score;
    }
    return found;
}

double classes_real(const lks_tensor_info *output, int64_t value)
{
    return tensor_scale(output) * (double)(value - output->zero_point);
}
