/* SPDX-License-Identifier: Apache-2.0
 *
 * From sums to outputs, LANES channels at a time (scale.c says why it is exact).  A template over vec_*.h.
 */
typedef struct v_scale {
    v base, m, m_odd, c_even, c_odd, shift;
} v_scale;

LKS_INLINE v_scale v_scale_load(const int32_t *scale)
{
    const v_scale k = {
        v_load(scale + LKS_CPU_SCALE_BASE * LANES), v_load(scale + LKS_CPU_SCALE_M * LANES),
        v_load(scale + LKS_CPU_SCALE_M_ODD * LANES), v_load(scale + LKS_CPU_SCALE_C_EVEN * LANES),
        v_load(scale + LKS_CPU_SCALE_C_ODD * LANES), v_load(scale + LKS_CPU_SCALE_SHIFT * LANES)
    };

    return k;
}

/* Of one scale for all lanes.  scaling is LKS_CPU_HALF_UP or LKS_CPU_TFLITE, and a constant where this is used. */
LKS_INLINE v v_scaled(v acc, const v_scale *k, lks_cpu_scaling scaling)
{
    if (scaling == LKS_CPU_HALF_UP)
        return v_sra(v_product32(acc, k->m, k->m_odd, k->c_even, k->c_odd), k->shift);
    return v_sra(v_add(v_product31(acc, k->m, k->m_odd, k->c_even, k->c_odd), v_sign(acc)), k->shift);
}

/* Of constants that lks_cpu_pack_scale packed; acc has the base. */
LKS_INLINE v v_scaled_packed(v acc, const v_scale *k, lks_cpu_scaling scaling)
{
    if (scaling == LKS_CPU_HALF_UP)
        return v_scaled(acc, k, scaling);
    return v_sra(v_sub(v_product32u(acc, k->m, k->m_odd, k->c_even, k->c_odd), v_sign(acc)), k->shift);
}
