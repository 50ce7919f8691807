/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that must not be touched, where the address sanitizer can say so.
 */
#ifndef SHIM_POISON_H
#define SHIM_POISON_H

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define shim_poison(p, bytes) __asan_poison_memory_region(p, bytes)
#define shim_unpoison(p, bytes) __asan_unpoison_memory_region(p, bytes)
#else
#define shim_poison(p, bytes) ((void)(p), (void)(bytes))
#define shim_unpoison(p, bytes) ((void)(p), (void)(bytes))
#endif

#endif
