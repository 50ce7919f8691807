/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of spec/backend.h, and the kernel families behind it.
 */
#include "cuda/backend.h"

#include "cuda/host.h"

static const lks_cuda_family *const families[LKS_KERNEL_COUNT] = {
    [LKS_KERNEL_CONV] = &lks_cuda_conv,
    [LKS_KERNEL_DEPTHWISE] = &lks_cuda_depthwise,
    [LKS_KERNEL_MATMUL] = &lks_cuda_matmul,
    [LKS_KERNEL_BATCH_MATMUL] = &lks_cuda_batch_matmul,
    [LKS_KERNEL_BINARY] = &lks_cuda_binary,
    [LKS_KERNEL_LUT] = &lks_cuda_lut,
    [LKS_KERNEL_REQUANT] = &lks_cuda_requant,
    [LKS_KERNEL_WINDOW_MAX] = &lks_cuda_window_max,
    [LKS_KERNEL_WINDOW_SUM] = &lks_cuda_window_sum,
    [LKS_KERNEL_REDUCE] = &lks_cuda_reduce,
    [LKS_KERNEL_SOFTMAX] = &lks_cuda_softmax,
    [LKS_KERNEL_COPY] = &lks_cuda_copy,
    [LKS_KERNEL_GATHER] = &lks_cuda_gather,
    [LKS_KERNEL_BILINEAR] = &lks_cuda_bilinear,
    [LKS_KERNEL_ARG_MAX] = &lks_cuda_arg_max,
    [LKS_KERNEL_LSTM] = &lks_cuda_lstm,
    [LKS_KERNEL_SVDF] = &lks_cuda_svdf
};

const lks_cuda_family *lks_cuda_family_of(lks_kernel kernel)
{
    return families[kernel];
}

const char *lks_cuda_variant(lks_device_handle *device, lks_kernel kernel, uint32_t i)
{
    const char *const *names = families[kernel]->variants;

    (void)device;
    for (uint32_t k = 0; k < i; k++)
        if (!names[k])
            return NULL;
    return names[i];
}

const lks_backend lks_cuda_backend = {
    .name = LKS_CUDA_NAME,
    .fusions = LKS_FUSE_PAD | LKS_FUSE_ADD | LKS_FUSE_TABLE | LKS_FUSE_ALIAS,
    .describe = lks_cuda_describe, .open = lks_cuda_open, .close = lks_cuda_close,
    .variant = lks_cuda_variant, .build = lks_cuda_build, .destroy = lks_cuda_destroy,
    .stream_open = lks_cuda_stream_open, .stream_close = lks_cuda_stream_close,
    .write = lks_cuda_write, .run = lks_cuda_run, .wait = lks_cuda_wait, .read = lks_cuda_read,
    .exercise = lks_cuda_do_exercise
};
