// SPDX-License-Identifier: BSD-2-Clause
// Coroutines by ucontext. The sanitizer's functions are weak: absent in a build without it.
#include "fiber.h"
#include "model.h"

#define STACK_BYTES (256u << 10)

void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t bytes)
    __attribute__((weak));
void __sanitizer_finish_switch_fiber(void *save, const void **bottom_old, size_t *bytes_old)
    __attribute__((weak));
void __asan_unpoison_memory_region(const void *memory, size_t bytes) __attribute__((weak));

static struct {
    struct fiber *to;   // of the switch under way
    const void *bottom; // of the program's own stack, known after the first switch away from it
    size_t bytes;
} switching;

static void enter(void) {
    if (__sanitizer_finish_switch_fiber != NULL) {
        const void *bottom;
        size_t bytes;
        __sanitizer_finish_switch_fiber(NULL, &bottom, &bytes);
        if (switching.bottom == NULL) {
            switching.bottom = bottom;
            switching.bytes = bytes;
        }
    }
    switching.to->run();
    panic("vmsa: a coroutine returned");
}

void fiber_begin(struct fiber *fiber, void (*run)(void)) {
    if (fiber->stack == NULL) {
        fiber->stack = vmsa_grow(NULL, STACK_BYTES);
        fiber->stack_bytes = STACK_BYTES;
    }
    // Left in the middle, it may have marked parts of its stack.
    if (__asan_unpoison_memory_region != NULL)
        __asan_unpoison_memory_region(fiber->stack, fiber->stack_bytes);
    fiber->run = run;
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = fiber->stack_bytes;
    fiber->context.uc_link = NULL;
    makecontext(&fiber->context, enter, 0);
}

void fiber_switch(struct fiber *from, struct fiber *to) {
    switching.to = to;
    if (__sanitizer_start_switch_fiber != NULL) {
        bool own = to->stack == NULL;
        __sanitizer_start_switch_fiber(&from->sanitizer, own ? switching.bottom : to->stack,
                                       own ? switching.bytes : to->stack_bytes);
    }
    swapcontext(&from->context, &to->context);
    if (__sanitizer_finish_switch_fiber != NULL)
        __sanitizer_finish_switch_fiber(from->sanitizer, NULL, NULL);
}
