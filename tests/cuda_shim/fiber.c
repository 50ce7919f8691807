/* SPDX-License-Identifier: Apache-2.0
 *
 * Fibers: a few lines of assembly where they are known, ucontext elsewhere, which is slow: it asks the kernel for the signal
 * mask.
 */
#include "cuda_shim/fiber.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#if __has_feature(thread_sanitizer) && !defined(__SANITIZE_THREAD__)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif
#if !defined(__x86_64__) && !defined(__aarch64__)
#include <ucontext.h>
#define FIBER_UCONTEXT
#endif

#define STACK_BYTES (256u << 10)        /* touched only as far as a kernel needs; sanitizers make frames large */
#define GUARD_BYTES (64u << 10)         /* a multiple of every page size */

struct fiber {
    void *sp;                   /* where its registers lie */
    char *memory;               /* guard, then stack; NULL: the host's own */
    const char *bottom;         /* of the stack, for the sanitizer */
    size_t bytes;
    void (*main)(void);
    void *fake_stack, *tsan;
#ifdef FIBER_UCONTEXT
    ucontext_t context;
#endif
};

/* ---- sanitizers ---------------------------------------------------------------------------------------------------------- */

#define UNOBSERVED __attribute__((no_sanitize_thread))      /* enters on one fiber and returns on another */

static __thread fiber *left;    /* the fiber that was switched from */

UNOBSERVED static void announce_switch(fiber *from, fiber *to)
{
    left = from;
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(&from->fake_stack, to->bottom, to->bytes);
#endif
#ifdef __SANITIZE_THREAD__
    __tsan_switch_to_fiber(to->tsan, 0);
#endif
    (void)to;
}

/* Called first on the stack of f. */
UNOBSERVED static void announce_arrival(fiber *f)
{
#ifdef __SANITIZE_ADDRESS__
    const void *bottom;
    size_t bytes;

    __sanitizer_finish_switch_fiber(f->fake_stack, &bottom, &bytes);
    if (!left->memory) {
        left->bottom = bottom;
        left->bytes = bytes;
    }
#endif
    (void)f;
}

/* ---- the switch ---------------------------------------------------------------------------------------------------------- */

static __thread fiber *arriving;

UNOBSERVED static void enter(void)
{
    fiber *f = arriving;

    announce_arrival(f);
    f->main();
    abort();
}

#ifndef FIBER_UCONTEXT
/* Keep the registers that a call keeps on the old stack, and take those of the new one from there. */
void shim_fiber_swap(void **save, void *load);

__asm__(".text\n"
        ".globl shim_fiber_swap\n"
        ".type shim_fiber_swap, %function\n"
        "shim_fiber_swap:\n"
#ifdef __x86_64__
        "    pushq %rbp\n    pushq %rbx\n    pushq %r12\n    pushq %r13\n    pushq %r14\n    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n    popq %r14\n    popq %r13\n    popq %r12\n    popq %rbx\n    popq %rbp\n"
        "    ret\n"
#else
        "    sub sp, sp, #160\n"
        "    stp x19, x20, [sp]\n    stp x21, x22, [sp, #16]\n    stp x23, x24, [sp, #32]\n    stp x25, x26, [sp, #48]\n"
        "    stp x27, x28, [sp, #64]\n    stp x29, x30, [sp, #80]\n    stp d8, d9, [sp, #96]\n    stp d10, d11, [sp, #112]\n"
        "    stp d12, d13, [sp, #128]\n    stp d14, d15, [sp, #144]\n"
        "    mov x9, sp\n    str x9, [x0]\n    mov sp, x1\n"
        "    ldp x19, x20, [sp]\n    ldp x21, x22, [sp, #16]\n    ldp x23, x24, [sp, #32]\n    ldp x25, x26, [sp, #48]\n"
        "    ldp x27, x28, [sp, #64]\n    ldp x29, x30, [sp, #80]\n    ldp d8, d9, [sp, #96]\n    ldp d10, d11, [sp, #112]\n"
        "    ldp d12, d13, [sp, #128]\n    ldp d14, d15, [sp, #144]\n"
        "    add sp, sp, #160\n"
        "    ret\n"
#endif
        ".size shim_fiber_swap, .-shim_fiber_swap\n");

/* A stack on which a swap finds zeros for its registers and `enter` to return to. */
static void prepare(fiber *f)
{
    uintptr_t *top = (uintptr_t *)(void *)(f->memory + GUARD_BYTES + STACK_BYTES);
#ifdef __x86_64__
    uintptr_t *sp = top - 8;    /* six registers, the address of enter, and one word: the stack is as a call leaves it */

    sp[6] = (uintptr_t)enter;
#else
    uintptr_t *sp = top - 20;

    sp[11] = (uintptr_t)enter;  /* x30 */
#endif
    f->sp = sp;
}
#else
static void prepare(fiber *f)
{
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = f->memory + GUARD_BYTES;
    f->context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&f->context, enter, 0);
}
#endif

UNOBSERVED void fiber_switch(fiber *from, fiber *to)
{
    announce_switch(from, to);
    arriving = to;
#ifdef FIBER_UCONTEXT
    swapcontext(&from->context, &to->context);
#else
    shim_fiber_swap(&from->sp, to->sp);
#endif
    announce_arrival(from);
}

/* ---- making -------------------------------------------------------------------------------------------------------------- */

fiber *fiber_of_host(void)
{
    fiber *f = calloc(1, sizeof *f);

#ifdef __SANITIZE_THREAD__
    if (f)
        f->tsan = __tsan_get_current_fiber();
#endif
    return f;
}

fiber *fiber_make(void (*main)(void))
{
    fiber *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    f->memory = mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (f->memory == MAP_FAILED || mprotect(f->memory, GUARD_BYTES, PROT_NONE) != 0) {
        free(f);
        return NULL;
    }
    f->bottom = f->memory + GUARD_BYTES;
    f->bytes = STACK_BYTES;
    f->main = main;
#ifdef __SANITIZE_THREAD__
    f->tsan = __tsan_create_fiber(0);
#endif
    prepare(f);
    return f;
}

void fiber_rewind(fiber *f)
{
#ifdef __SANITIZE_ADDRESS__
    __asan_unpoison_memory_region(f->bottom, f->bytes);
#endif
#ifdef __SANITIZE_THREAD__
    __tsan_destroy_fiber(f->tsan);
    f->tsan = __tsan_create_fiber(0);
#endif
    f->fake_stack = NULL;
    prepare(f);
}

void fiber_free(fiber *f)
{
    if (!f)
        return;
#ifdef __SANITIZE_THREAD__
    if (f->memory)
        __tsan_destroy_fiber(f->tsan);
#endif
    if (f->memory) {
#ifdef __SANITIZE_ADDRESS__
        __asan_unpoison_memory_region(f->bottom, f->bytes);
#endif
        munmap(f->memory, GUARD_BYTES + STACK_BYTES);
    }
    free(f);
}
