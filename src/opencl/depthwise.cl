/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution straight from the image, WIDTH output channels of one pixel by a work-item: depthwise (spec 4.1 with groups =
 * in_c), and the variant direct of conv, for groups of few output channels.
 *
 * Weights are packed [tap][channel of the group][output channel], so that neighbours read neighbouring bytes.
 */

/* Output channels o .. o + count - 1 of the pixel whose window begins at h, w of an image. */
LKS_FN void lks_depthwise_taps(const lks_depthwise *d, __global const int8_t *image, __global const int8_t *w, int h, int v,
                               uint o, uint count, uint acc[WIDTH])
{
    for (int kh = 0; kh < d->kernel_h; kh++) {
        for (int kw = 0; kw < d->kernel_w; kw++, w += (size_t)d->group_c * (size_t)d->out_c) {
            int at_h = h + kh * d->dilation_h, at_w = v + kw * d->dilation_w;
            int inside = at_h >= 0 && at_h < d->in_h && at_w >= 0 && at_w < d->in_w;
            __global const int8_t *pixel = image + ((size_t)at_h * (size_t)d->in_w + (size_t)at_w) * (size_t)d->in_c;

            for (uint j = 0; j < count; j++) {
                uint first = (d->group_o == 1 ? o + j : lks_divide(o + j, d->by_group_o)) * (uint)d->group_c;

                for (int c = 0; c < d->group_c; c++) {
                    int x = inside ? pixel[first + (uint)c] : d->pad_value;

                    acc[j] += (uint)((x - d->x_zero) * (w[(size_t)c * (size_t)d->out_c + o + j] - d->w_zero));
                }
            }
        }
    }
}

/* One block of channels of one pixel of the batch. */
__kernel void depthwise_kernel(lks_depthwise d, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    const uint i = (uint)get_global_id(0);

    if (i >= p.count)
        return;

    const uint pixel = lks_divide(i, d.by_blocks), o = (i - pixel * d.blocks) * WIDTH;
    const uint image = lks_divide(pixel, d.by_image), rest = pixel - image * d.pixels;
    const uint row = lks_divide(rest, d.by_row), column = rest - row * (uint)d.out_w, count = min((uint)d.out_c - o, (uint)WIDTH);
    const size_t at = (size_t)pixel * (size_t)d.out_c + o, image_bytes = (size_t)d.in_h * (size_t)d.in_w * (size_t)d.in_c;
    __global const int8_t *x = LKS_OPERAND(x), *x2 = LKS_OPERAND(x2), *table = LKS_TABLE;
    uint acc[WIDTH];

    for (uint j = 0; j < count; j++)
        acc[j] = (uint)LKS_BIAS[o + j];
    lks_depthwise_taps(&d, x + image * image_bytes, constants + p.w, (int)row * d.stride_h - d.pad_top,
                       (int)column * d.stride_w - d.pad_left, o, count, acc);
    for (uint j = 0; j < count; j++)
        arena[p.y + at + j] = lks_linear_tail(acc[j], LKS_RQ[o + j], d.tail, &d.fused, x2 + at + j, table);
}
