// SPDX-License-Identifier: BSD-2-Clause
// Exceptions: in and out.
//
// While user space runs, SP_EL1 points at the current thread's struct arch_context. Entry stores
// the registers there without computing an address, then takes the PE's stack, which is empty at
// every entry. Exit loads them from whatever pe->context names by then.
#include "layout.h"
#include <arch_context.h>

// Leaves x0 = struct pe, sp = its stack, x29 = 0 (the end of the frame chain).
// 26 instructions, so that a slot of the vector table (32) holds it and a decision.
.macro save_user
    stp x0, x1, [sp]
    stp x2, x3, [sp, #0x10]
    stp x4, x5, [sp, #0x20]
    stp x6, x7, [sp, #0x30]
    stp x8, x9, [sp, #0x40]
    stp x10, x11, [sp, #0x50]
    stp x12, x13, [sp, #0x60]
    stp x14, x15, [sp, #0x70]
    stp x16, x17, [sp, #0x80]
    stp x18, x19, [sp, #0x90]
    stp x20, x21, [sp, #0xa0]
    stp x22, x23, [sp, #0xb0]
    stp x24, x25, [sp, #0xc0]
    stp x26, x27, [sp, #0xd0]
    stp x28, x29, [sp, #0xe0]
    mrs x1, sp_el0
    stp x30, x1, [sp, #ARCH_CONTEXT_SP - 8]
    mrs x2, elr_el1
    mrs x3, spsr_el1
    stp x2, x3, [sp, #ARCH_CONTEXT_PC]
    mrs x4, tpidr_el0
    str x4, [sp, #ARCH_CONTEXT_TLS]
    mrs x0, tpidr_el1
    ldr x5, [x0, #PE_STACK_TOP]
    mov sp, x5
    mov x29, xzr
.endm

.macro slot
    .balign 0x80
.endm

// An exception of the kernel itself. TPIDRRO_EL0 is the one register free to hold x0 until the
// frame's place is known; user space could read it, so it is cleared again.
.macro kernel_exception kind
    slot
    msr tpidrro_el0, x0
    mrs x0, tpidr_el1
    ldr x0, [x0, #PE_STACK_TOP]
    add x0, x0, #STACK_PANIC_BYTES
    sub x0, x0, #KERNEL_FRAME_BYTES
    str x1, [x0, #8]
    mov x1, #\kind
    b   kernel_exception_common
.endm

    .text
    .balign 0x800
    .global exception_vectors
    .type exception_vectors, %function
exception_vectors:
    // From EL1 with SP_EL0, which the kernel never uses, then with SP_EL1.
    kernel_exception 0
    kernel_exception 1
    kernel_exception 2
    kernel_exception 3
    kernel_exception 4
    kernel_exception 5
    kernel_exception 6
    kernel_exception 7

    // From EL0, AArch64. A system call is recognised by the whole of ESR_EL1: class SVC, 32-bit
    // instruction, immediate 0.
    slot
    save_user
    mrs x1, esr_el1
    mov w2, #0x56000000
    cmp w1, w2
    b.ne user_synchronous
    b   user_syscall
    slot
    save_user
    bl  exception_interrupt
    b   return_to_user
    slot // FIQ: masked in every context; a group 0 interrupt would need the firmware's mistake
    save_user
    bl  exception_interrupt
    b   return_to_user
    slot
    save_user
    mrs x1, esr_el1
    bl  exception_serror
    b   return_to_user

    // From EL0, AArch32: no context ever has that state.
    kernel_exception 12
    kernel_exception 13
    kernel_exception 14
    kernel_exception 15
    .size exception_vectors, . - exception_vectors

    .type user_synchronous, %function
user_synchronous:
    mrs x2, far_el1
    bl  exception_synchronous
    b   return_to_user

    .type user_syscall, %function
user_syscall:
    bl  core_syscall
    // Falls through.

    .global return_to_user
    .type return_to_user, %function
return_to_user:
    mrs x0, tpidr_el1
    ldr x0, [x0, #PE_CONTEXT]
    mov sp, x0
    ldp x2, x3, [sp, #ARCH_CONTEXT_PC]
    msr elr_el1, x2
    msr spsr_el1, x3
    ldr x4, [sp, #ARCH_CONTEXT_TLS]
    msr tpidr_el0, x4
    ldp x30, x1, [sp, #ARCH_CONTEXT_SP - 8]
    msr sp_el0, x1
    ldp x28, x29, [sp, #0xe0]
    ldp x26, x27, [sp, #0xd0]
    ldp x24, x25, [sp, #0xc0]
    ldp x22, x23, [sp, #0xb0]
    ldp x20, x21, [sp, #0xa0]
    ldp x18, x19, [sp, #0x90]
    ldp x16, x17, [sp, #0x80]
    ldp x14, x15, [sp, #0x70]
    ldp x12, x13, [sp, #0x60]
    ldp x10, x11, [sp, #0x50]
    ldp x8, x9, [sp, #0x40]
    ldp x6, x7, [sp, #0x30]
    ldp x4, x5, [sp, #0x20]
    ldp x2, x3, [sp, #0x10]
    ldp x0, x1, [sp]
    eret
    dsb nsh // never reached: keeps a core from speculating past the ERET with user registers
    isb

// x0: the frame (struct kernel_frame), x1 in its place already, x1 = number of the vector.
    .type kernel_exception_common, %function
kernel_exception_common:
    stp x2, x3, [x0, #0x10]
    mrs x2, tpidrro_el0
    str x2, [x0]
    msr tpidrro_el0, xzr
    stp x4, x5, [x0, #0x20]
    stp x6, x7, [x0, #0x30]
    stp x8, x9, [x0, #0x40]
    stp x10, x11, [x0, #0x50]
    stp x12, x13, [x0, #0x60]
    stp x14, x15, [x0, #0x70]
    stp x16, x17, [x0, #0x80]
    stp x18, x19, [x0, #0x90]
    stp x20, x21, [x0, #0xa0]
    stp x22, x23, [x0, #0xb0]
    stp x24, x25, [x0, #0xc0]
    stp x26, x27, [x0, #0xd0]
    stp x28, x29, [x0, #0xe0]
    mov x2, sp
    stp x30, x2, [x0, #KERNEL_FRAME_SP - 8]
    mrs x2, elr_el1
    mrs x3, spsr_el1
    stp x2, x3, [x0, #KERNEL_FRAME_PC]
    mrs x2, esr_el1
    mrs x3, far_el1
    stp x2, x3, [x0, #KERNEL_FRAME_SYNDROME]
    mov x19, x0
    mov sp, x0
    mov x29, xzr
    bl  exception_of_kernel     // returns only for the one instruction that may fault
    ldp x2, x3, [x19, #KERNEL_FRAME_PC]
    msr elr_el1, x2
    msr spsr_el1, x3
    ldp x30, x2, [x19, #KERNEL_FRAME_SP - 8]
    mov sp, x2
    mov x0, x19
    ldp x28, x29, [x0, #0xe0]
    ldp x26, x27, [x0, #0xd0]
    ldp x24, x25, [x0, #0xc0]
    ldp x22, x23, [x0, #0xb0]
    ldp x20, x21, [x0, #0xa0]
    ldp x18, x19, [x0, #0x90]
    ldp x16, x17, [x0, #0x80]
    ldp x14, x15, [x0, #0x70]
    ldp x12, x13, [x0, #0x60]
    ldp x10, x11, [x0, #0x50]
    ldp x8, x9, [x0, #0x40]
    ldp x6, x7, [x0, #0x30]
    ldp x4, x5, [x0, #0x20]
    ldp x2, x3, [x0, #0x10]
    ldp x0, x1, [x0]
    eret
    dsb nsh
    isb
