/* SPDX-License-Identifier: Apache-2.0
 *
 * acc + the dot product of four int8 pairs, modulo 2^32: in the form that LKS_DOT names.  Which forms a device has is found out
 * by compiling them and by dot_test_kernel, never by asking it (opencl/device.c).
 */
#if LKS_DOT == 1        /* cl_khr_integer_dot_product; never the saturating form */

#ifndef cl_khr_integer_dot_product
#error the device has no cl_khr_integer_dot_product
#endif
#pragma OPENCL EXTENSION cl_khr_integer_dot_product : enable

LKS_FN uint lks_dot(uint a, uint b, uint acc)
{
    return acc + (uint)dot_4x8packed_ss_int(a, b);
}

#elif LKS_DOT == 2      /* NVIDIA, from sm_61.  Others may take any text for their own assembler's */

#if !defined(__NV_CL_C_VERSION) && !defined(cl_nv_pragma_unroll) && !defined(__NVPTX__)
#error the device is not of NVIDIA
#endif

LKS_FN uint lks_dot(uint a, uint b, uint acc)
{
    uint d;

    __asm__("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(acc));
    return d;
}

#elif LKS_DOT == 3      /* AMD gfx906, gfx908 and later, gfx1011 and later, gfx103x; the last argument: do not saturate */

#if !defined(__AMDGCN__) && !defined(__AMD__)
#error the device is not of AMD
#endif

LKS_FN uint lks_dot(uint a, uint b, uint acc)
{
    return (uint)__builtin_amdgcn_sdot4((int)a, (int)b, (int)acc, false);
}

#elif LKS_DOT == 4      /* AMD gfx11 and later: both operands signed */

#if !defined(__AMDGCN__) && !defined(__AMD__)
#error the device is not of AMD
#endif

LKS_FN uint lks_dot(uint a, uint b, uint acc)
{
    return (uint)__builtin_amdgcn_sudot4(true, (int)a, true, (int)b, (int)acc, false);
}

#else                   /* any device */

LKS_FN uint lks_dot(uint a, uint b, uint acc)
{
    int4 p = convert_int4(as_char4(a)) * convert_int4(as_char4(b));

    return acc + (uint)(p.x + p.y + p.z + p.w);
}

#endif

/* y[i] = y[i] + a[i] . b[i] */
__kernel void dot_test_kernel(__global const uint *a, __global const uint *b, __global uint *y)
{
    size_t i = get_global_id(0);

    y[i] = lks_dot(a[i], b[i], y[i]);
}

/*
 * rounds of 8 dots in registers, 4 * 8 * rounds MACs a work-item.  An operand of each is another sum: with operands that never
 * change, a sum over rounds is a product, and a compiler that sees it multiplies once.
 */
__kernel void dot_exercise_kernel(__global uint *y, uint rounds)
{
    const uint a = (uint)get_global_id(0) * 0x9E3779B9u, b = a ^ 0x85EBCA6Bu;
    uint acc[8];

    for (int j = 0; j < 8; j++)
        acc[j] = (a + (uint)j) * 0x01030507u;
    for (uint i = 0; i < rounds; i++) {
        #pragma unroll
        for (int j = 0; j < 8; j++)
            acc[j] = lks_dot(acc[(j + 4) & 7], b, acc[j]);
    }
    for (int j = 1; j < 8; j++)
        acc[0] ^= acc[j];
    y[get_global_id(0)] = acc[0];
}
