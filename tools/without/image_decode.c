/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures where there is no stb_image (LOCKSTEP_PICTURES=OFF): they are told from other files, and refused.
 */
#include "tools/image.h"

bool image_decode(const uint8_t *bytes, size_t size, uint32_t channels, const char *name, image *out, lks_error *error)
{
    (void)bytes;
    (void)size;
    (void)channels;
    *out = (image){ .pixels = NULL };
    return error_set(error, "%s: picture: this build reads none (LOCKSTEP_PICTURES=OFF): give a .npy file or raw bytes", name);
}
