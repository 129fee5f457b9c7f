// SPDX-License-Identifier: BSD-2-Clause
// The arch room for host tests of core.
#include "arch_fake.h"
#include <core.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vmsa.h>

struct fake fake;

void fake_init(void) {
    memset(&fake, 0, sizeof(fake));
    for (unsigned i = 0; i < MAX_PES; i++)
        fake.pe[i].id = i;
    fake.output_room = sizeof(fake.output);
    fake_set_interrupts(VMSA_NEVER);
}

void fake_set_interrupts(uint64_t polls) {
    fake.polls = polls;
    vmsa_set_interrupt(polls);
}

struct pe *fake_pe(void) { return &fake.pe[port_pe()]; }

// What one kernel entry leaves on the stack, the next must not find: a PE's stack is used by all.
static __attribute__((noinline)) void spoil_stack(void) {
    char stack[16384];
    static void *(*volatile fill)(void *, int, size_t) = memset; // not to be left out
    fill(stack, 0xa5, sizeof(stack));
}

enum fake_exit fake_run(void (*function)(struct pe *pe), struct pe *pe) {
    jmp_buf here;
    fake.exit = FAKE_RUNS;
    fake.leave = &here;
    spoil_stack();
    if (setjmp(here) == 0)
        function(pe);
    fake.leave = NULL;
    return fake.exit;
}

static _Noreturn void leave(enum fake_exit exit_by) {
    fake.exit = exit_by;
    longjmp(*fake.leave, 1);
}

// ---- Contexts

void arch_context_init(struct arch_context *context) { context->flags = FAKE_USER_STATE; }

void fake_switch(struct arch_context *from, struct arch_context *to) {
    fake.switches++;
    fake.switched_from = from;
    fake.switched_to = to;
}

// ---- Interrupts and time

void arch_handle_interrupts(void) {
    fake.interrupts++;
    vmsa_set_interrupt(fake.polls);
    if (fake.timer_set && fake.now >= fake.deadline) {
        fake.timer_set = false;
        core_tick(fake_pe());
    }
    if (fake.listening && fake.input_count > 0)
        core_console_input();
    for (unsigned i = 32; i < 64; i++) {
        if ((fake.raised & fake.unmasked & BIT(i)) != 0) {
            fake.unmasked &= ~BIT(i);
            if ((fake.edges & BIT(i)) != 0)
                fake.raised &= ~BIT(i); // a level stays until the device takes it down
            fake.deliveries += core_device_interrupt(i) ? 1u : 0u;
        }
    }
}

enum arch_interrupt arch_interrupt_owner(uint64_t interrupt) {
    return interrupt < 32 || interrupt > 63 ? ARCH_INTERRUPT_NONE
           : interrupt == 33                ? ARCH_INTERRUPT_KERNEL
                                            : ARCH_INTERRUPT_FREE;
}

bool arch_interrupt_set_trigger(uint32_t interrupt, bool edge) {
    if (interrupt == 34 && !edge)
        return false;
    fake.edges = edge ? fake.edges | BIT(interrupt) : fake.edges & ~BIT(interrupt);
    return true;
}

void arch_interrupt_mask(uint32_t interrupt) { fake.unmasked &= ~BIT(interrupt); }

void arch_interrupt_unmask(uint32_t interrupt) { fake.unmasked |= BIT(interrupt); }

// With nothing that could wake the PE, the test goes on instead.
void arch_wait_for_interrupt(void) {
    if (fake.listening && fake.input_count > 0)
        return;
    if (!fake.timer_set)
        leave(FAKE_IDLE);
    fake.now = fake.deadline;
}

uint64_t arch_now(void) { return fake.now; }

uint64_t arch_timer_hz(void) { return FAKE_TIMER_HZ; }

void arch_timer_set(uint64_t deadline) {
    fake.deadline = deadline;
    fake.timer_set = true;
}

void arch_timer_stop(void) { fake.timer_set = false; }

// ---- Memory

void arch_zero(void *start, size_t bytes) {
    ASSERT(((uintptr_t)start | bytes) % 64 == 0);
    vmsa_kernel_writes(vmsa_physical_address(start), bytes);
    memset(start, 0, bytes);
}

void arch_copy(void *to, const void *from, size_t bytes) { memcpy(to, from, bytes); }

// ---- Serial port, power

size_t arch_console_write(const char *bytes, size_t count) {
    size_t taken = MIN(count, fake.output_room - fake.output_count);
    memcpy(fake.output + fake.output_count, bytes, taken);
    fake.output_count += taken;
    return taken;
}

size_t arch_console_read(char *bytes, size_t count) {
    size_t taken = MIN(count, fake.input_count);
    memcpy(bytes, fake.input, taken);
    fake.input_count -= taken;
    memmove(fake.input, fake.input + taken, fake.input_count);
    return taken;
}

void arch_console_listen(bool on) { fake.listening = on; }

void arch_power_off(uint64_t status) {
    fake.power_off_status = status;
    leave(FAKE_POWER_OFF);
}

// ---- Printing

void arch_dump_thread(const char *name, const struct arch_context *context, struct vspace *vspace) {
    (void)context;
    (void)vspace;
    fake.dumps++;
    snprintf(fake.dumped, sizeof(fake.dumped), "%s", name);
}

static void print(const char *format, va_list arguments) {
    size_t room = sizeof(fake.printed) - fake.printed_count;
    int count = vsnprintf(fake.printed + fake.printed_count, room, format, arguments);
    fake.printed_count += MIN((size_t)count, room - 1);
}

void kprintf(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print(format, arguments);
    va_end(arguments);
}

// A panic that the test waits for ends the kernel's run; any other ends the program.
void panic(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print(format, arguments);
    va_end(arguments);
    if (fake.leave == NULL || strncmp(format, "boot: ", 6) != 0) {
        fprintf(stderr, "# panic: %s\n", fake.printed);
        abort();
    }
    leave(FAKE_PANIC);
}
