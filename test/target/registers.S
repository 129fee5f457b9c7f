// SPDX-License-Identifier: BSD-2-Clause
// What the tests do with registers that a compiler does not let go of: the whole general file at a
// thread's first instruction and around a system call, and the whole FP and SIMD state.

        .macro  function name
        .section .text.\name, "ax"
        .global \name
        .type   \name, %function
\name:
        .endm

// Entry of a thread. x30: memory; stores sp, TPIDR_EL0, x0 ... x29 and the condition flags there,
// then sends (a signal) to the capability in x27 and spins.
        function registers_store_first
        stp     x0, x1, [x30, #16]
        stp     x2, x3, [x30, #32]
        mov     x0, sp
        mrs     x1, tpidr_el0
        stp     x0, x1, [x30]
        stp     x4, x5, [x30, #48]
        stp     x6, x7, [x30, #64]
        stp     x8, x9, [x30, #80]
        stp     x10, x11, [x30, #96]
        stp     x12, x13, [x30, #112]
        stp     x14, x15, [x30, #128]
        stp     x16, x17, [x30, #144]
        stp     x18, x19, [x30, #160]
        stp     x20, x21, [x30, #176]
        stp     x22, x23, [x30, #192]
        stp     x24, x25, [x30, #208]
        stp     x26, x27, [x30, #224]
        stp     x28, x29, [x30, #240]
        mrs     x1, nzcv
        str     x1, [x30, #256]
        mov     x8, #2                  // SHEAF_SYS_SEND
        mov     x0, x27
        mov     x1, #0
        svc     #0
1:      b       1b
        .size   registers_store_first, . - registers_store_first

// uint64_t registers_around_call(uint64_t number): the system call `number` with x12 ... x29 set to
// their numbers; answers a mask of the registers that came back different.
        function registers_around_call
        sub     sp, sp, #96
        stp     x29, x30, [sp]
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        mov     x8, x0
        .irp    n, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
        mov     x\n, #\n
        .endr
        svc     #0
        mov     x0, #0
        mov     x1, #1
        .irp    n, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
        cmp     x\n, #\n
        cset    x2, ne
        lsl     x2, x2, #\n
        orr     x0, x0, x2
        .endr
        ldp     x29, x30, [sp]
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        add     sp, sp, #96
        ret
        .size   registers_around_call, . - registers_around_call

        .macro  move_pairs operation
        \operation q0, q1, [x9]
        \operation q2, q3, [x9, #32]
        \operation q4, q5, [x9, #64]
        \operation q6, q7, [x9, #96]
        \operation q8, q9, [x9, #128]
        \operation q10, q11, [x9, #160]
        \operation q12, q13, [x9, #192]
        \operation q14, q15, [x9, #224]
        \operation q16, q17, [x9, #256]
        \operation q18, q19, [x9, #288]
        \operation q20, q21, [x9, #320]
        \operation q22, q23, [x9, #352]
        \operation q24, q25, [x9, #384]
        \operation q26, q27, [x9, #416]
        \operation q28, q29, [x9, #448]
        \operation q30, q31, [x9, #480]
        .endm

// Functions that children have, too: in their section (child.h).
        .macro  child_function name
        .section child_code, "ax"
        .global \name
        .type   \name, %function
\name:
        .endm

// void fp_store(struct fp_state *state)
        child_function fp_store
        mov     x9, x0
        move_pairs stp
        mrs     x10, fpcr
        mrs     x11, fpsr
        str     x10, [x9, #512]
        str     x11, [x9, #520]
        ret
        .size   fp_store, . - fp_store

// void fp_load(const struct fp_state *state)
        child_function fp_load
        mov     x9, x0
        move_pairs ldp
        ldr     x10, [x9, #512]
        ldr     x11, [x9, #520]
        msr     fpcr, x10
        msr     fpsr, x11
        ret
        .size   fp_load, . - fp_load

// void fp_hold(const struct fp_state *in, struct fp_state *out, uint64_t spins, uint64_t number)
// Loads `in`, spins, makes the system call `number` (with nothing in its registers) unless it is 0,
// spins again, and stores what is there then; no FP instruction comes in between. FPCR and what a
// function must keep of v8 ... v15 are as before afterwards.
        function fp_hold
        stp     x29, x30, [sp, #-128]!
        mov     x29, sp
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     d8, d9, [sp, #48]
        stp     d10, d11, [sp, #64]
        stp     d12, d13, [sp, #80]
        stp     d14, d15, [sp, #96]
        mrs     x9, fpcr
        str     x9, [sp, #112]
        mov     x19, x1
        mov     x20, x2
        mov     x21, x3
        bl      fp_load
        mov     x22, x20
1:      subs    x22, x22, #1
        b.hi    1b
        cbz     x21, 2f
        mov     x8, x21
        mov     x0, #0
        mov     x1, #0
        svc     #0
2:      mov     x22, x20
3:      subs    x22, x22, #1
        b.hi    3b
        mov     x0, x19
        bl      fp_store
        ldr     x9, [sp, #112]
        msr     fpcr, x9
        ldp     d14, d15, [sp, #96]
        ldp     d12, d13, [sp, #80]
        ldp     d10, d11, [sp, #64]
        ldp     d8, d9, [sp, #48]
        ldp     x21, x22, [sp, #32]
        ldp     x19, x20, [sp, #16]
        ldp     x29, x30, [sp], #128
        ret
        .size   fp_hold, . - fp_hold

// uint64_t read_clock(void): the virtual counter.
        function read_clock
        isb
        mrs     x0, cntvct_el0
        ret
        .size   read_clock, . - read_clock

        .section .note.GNU-stack, "", %progbits
