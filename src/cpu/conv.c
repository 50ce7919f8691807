/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution that is not depthwise: a product of matrices (product.h).  spec 4.1
 */
#include "cpu/product.h"

const lks_cpu_family lks_cpu_conv = {
    .packed_bytes = lks_cpu_product_packed_bytes, .pack = lks_cpu_product_pack, .scratch_bytes = lks_cpu_product_scratch_bytes,
    .units = lks_cpu_product_units, .unit_work = lks_cpu_product_unit_work, .run = lks_cpu_product_run
};
