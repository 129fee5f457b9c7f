// SPDX-License-Identifier: BSD-2-Clause
// Panic, and the dump of a user thread: who, where, why, and how it came there.
#include "panic.h"

#include "backtrace.h"
#include "esr.h"
#include "print.h"

#include <arch.h>
#include <core.h>

// What an emulator passes on as its exit status after a panic: a test that runs into one fails.
#define PANIC_STATUS 101

#define REGISTERS_A_LINE 4

static void print_registers(const uint64_t *reg) {
    for (unsigned i = 0; i < 31; i++) {
        kprintf("x%-3u %016lx", i, reg[i]);
        kprintf(i % REGISTERS_A_LINE == 3 ? "\n" : "  ");
    }
    kprintf("\n");
}

// A panic inside a panic says so and stops: what it would print is what has just failed.
static void enter_panic(void) {
    static bool entered;
    print_panicking();
    if (entered) {
        kprintf("\npanic inside a panic\n");
        arch_power_off(PANIC_STATUS);
    }
    entered = true;
}

static void print_who(void) {
    const struct pe *pe = arch_pe();
    kprintf("pe %u\nthread %s\n", pe->id, core_thread_name(pe));
}

_Noreturn void panic_exception(const struct kernel_frame *frame, const char *what) {
    enter_panic();
    kprintf("\npanic: %s in the kernel\n", what);
    print_who();
    esr_print(frame->syndrome);
    kprintf("far  %016lx\nelr  ", frame->fault_address);
    symbol_print(frame->pc);
    kprintf("\nlr   ");
    symbol_print(frame->reg[30]);
    kprintf("\nsp   %016lx  spsr %08lx\n", frame->sp, frame->flags);
    print_registers(frame->reg);
    backtrace_kernel(frame->pc, frame->reg[29]);
    arch_power_off(PANIC_STATUS);
}

void panic(const char *format, ...) {
    enter_panic();
    kprintf("\npanic: ");
    va_list arguments;
    va_start(arguments, format);
    kvprintf(format, &arguments);
    va_end(arguments);
    kprintf("\n");
    print_who();
    const struct arch_context *context = arch_pe()->context;
    if (context != NULL) {
        kprintf("registers of the thread\npc   %016lx  sp %016lx\n", context->pc, context->sp);
        print_registers(context->reg);
    }
    backtrace_kernel((uint64_t)(uintptr_t)__builtin_return_address(0) - ARCH_INSTRUCTION_BYTES,
                     *(const uint64_t *)__builtin_frame_address(0));
    arch_power_off(PANIC_STATUS);
}

void arch_dump_thread(const char *name, const struct arch_context *context, struct vspace *vspace) {
    kprintf("thread %s\n", name);
    esr_print(context->syndrome);
    kprintf("far  %016lx\nelr  %016lx\nlr   %016lx\nsp   %016lx\n", context->fault_address,
            context->pc, context->reg[30], context->sp);
    print_registers(context->reg);
    if (vspace != NULL) {
        backtrace_user(context, vspace);
    }
}
