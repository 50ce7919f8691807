/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking for the backends and importers of this build.
 */
#include "host/registry.h"

#include "cpu_ref/backend.h"
#include "import/tflite.h"

static const lks_importer importers[] = { { lks_tflite_recognise, lks_tflite_import } };

const lks_backend *lks_backend_at(size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (!lks_backends[k])
            return NULL;
    return lks_backends[i];
}

const lks_backend *lks_reference(void)
{
    return &lks_ref_backend;
}

const lks_importer *lks_importer_of(const void *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof importers / sizeof importers[0]; i++)
        if (importers[i].recognise(bytes, size))
            return &importers[i];
    return NULL;
}

lks_status lks_device(uint32_t i, lks_device_info *info)
{
    for (size_t b = 0; lks_backend_at(b); b++)
        for (uint32_t d = 0; lks_backend_at(b)->describe(d, info) == LKS_OK; d++)
            if (i-- == 0)
                return LKS_OK;
    *info = (lks_device_info){ .usable = 0 };
    return LKS_ERR_NO_DEVICE;
}
