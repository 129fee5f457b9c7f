// SPDX-License-Identifier: BSD-2-Clause
// Coroutines: a stack and a set of registers each, switched by hand. Address sanitizer is told.
#ifndef VMSA_FIBER_H
#define VMSA_FIBER_H

#include <stddef.h>
#include <ucontext.h>

struct fiber {
    ucontext_t context;
    void *stack; // NULL: the program's own
    size_t stack_bytes;
    void *sanitizer;   // its stack for locals whose address is taken
    void (*run)(void); // must not return
};

// The next switch to `fiber` calls `run`, whatever it was in the middle of.
void fiber_begin(struct fiber *fiber, void (*run)(void));
// Returns when something switches to `from` again.
void fiber_switch(struct fiber *from, struct fiber *to);

#endif
