// SPDX-License-Identifier: BSD-2-Clause
// All assembly of user space: start of a program, start of a thread, the system call, the thread
// register.

        .macro  function name
        .section .text.\name, "ax"
        .global \name
        .type   \name, %function
\name:
        .endm

// Start of a program. x0: boot information page or struct sheaf_start. sp: top of the stack.
        function _start
        mov     x29, xzr                // end of the chain of frames
        mov     x30, xzr
        bl      sheaf_start_program
        brk     #1                      // it does not return
        // libc.a has do-nothing locks of the same names as newlib/locks.c, and the linker would take
        // those once libc itself asks. A reference from here, where every link begins, is earlier.
        .reloc  _start, R_AARCH64_NONE, __retarget_lock_acquire
        .size   _start, . - _start

// Start of another thread. x0: struct sheaf_thread, x1: IPC buffer, x2: number.
        function sheaf_thread_entry
        mov     x29, xzr
        mov     x30, xzr
        bl      sheaf_thread_main
        brk     #1
        .size   sheaf_thread_entry, . - sheaf_thread_entry

// void sheaf_syscall(struct sheaf_registers *registers)
// Loads x0 to x11, enters the kernel, stores them. The kernel keeps all other registers, so
// x12, which the procedure call standard lets a function change, can hold the pointer.
        function sheaf_syscall
        mov     x12, x0
        ldp     x0, x1, [x12]
        ldp     x2, x3, [x12, #16]
        ldp     x4, x5, [x12, #32]
        ldp     x6, x7, [x12, #48]
        ldp     x8, x9, [x12, #64]
        ldp     x10, x11, [x12, #80]
        svc     #0
        stp     x0, x1, [x12]
        stp     x2, x3, [x12, #16]
        stp     x4, x5, [x12, #32]
        stp     x6, x7, [x12, #48]
        stp     x8, x9, [x12, #64]
        stp     x10, x11, [x12, #80]
        ret
        .size   sheaf_syscall, . - sheaf_syscall

// The thread register, TPIDR_EL0: see struct sheaf_thread_area in thread.h.
        function sheaf_thread_register
        mrs     x0, tpidr_el0
        ret
        .size   sheaf_thread_register, . - sheaf_thread_register

        function sheaf_set_thread_register
        msr     tpidr_el0, x0
        ret
        .size   sheaf_set_thread_register, . - sheaf_set_thread_register

// uint64_t sheaf_clock(void): the virtual counter. ISB: the counter may not be read early.
        function sheaf_clock
        isb
        mrs     x0, cntvct_el0
        ret
        .size   sheaf_clock, . - sheaf_clock

        function sheaf_clock_hz
        mrs     x0, cntfrq_el0
        ret
        .size   sheaf_clock_hz, . - sheaf_clock_hz

        .section .note.GNU-stack, "", %progbits
