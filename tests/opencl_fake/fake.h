/* SPDX-License-Identifier: Apache-2.0
 *
 * An OpenCL loader and driver that pretends: it is found as libOpenCL.so.1, compiles anything, and runs nothing but the two tests
 * that the backend makes of a device, whose answers it works out itself.
 *
 * What it pretends is read from the environment at every call, as words with blanks between, so that a whole `lockstep` can run
 * on it:
 *
 *     LOCKSTEP_FAKE_OPENCL="devices=2 items=32 fail=clFinish:1:-5"
 *
 * Where there are several devices, all but the first are healthy; a failing call fails whatever device it is for.
 *
 *     platforms (1)  devices (1)  cpu (0)        how many; CPUs or GPUs
 *     available  compiler  little (1)            what CL_DEVICE_... says of it
 *     version (2)  driver (1)                    OpenCL C 1.x; the version of the driver
 *     items (256)  kernel_items (256)            largest work-group: of the device, of a compiled kernel
 *     local (32768)  alloc (268435456)  global (1073741824)      bytes
 *     build (0)      1: nothing compiles  2: sources with a tile of 128 x 128 do not
 *     wrong (0)      1: dot products  2: arithmetic  3: whatever came from a binary
 *     binary (1)     0: binaries are not accepted  2: the driver gives none
 *     fail=F:K:C     call K of the function F fails with the code C
 */
#ifndef OPENCL_FAKE_FAKE_H
#define OPENCL_FAKE_FAKE_H

#define FAKE_VARIABLE "LOCKSTEP_FAKE_OPENCL"

/* Calls of a function since the last reset; also of "sources" and "binaries": what programs were built from. */
long fake_calls(const char *function);
void fake_reset(void);

/* Objects that were not given back. */
long fake_live(void);

#endif
