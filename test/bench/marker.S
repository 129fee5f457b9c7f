// SPDX-License-Identifier: BSD-2-Clause
// The markers: void bench_begin(unsigned id), void bench_end(unsigned id), id 0 to 15.
//
// HINT instructions that no core gives a meaning to. They touch no FP register and no memory, so they
// stand as close to what is measured as a call can. They lie in the children's section, to be
// copied to other address spaces too.
        .section child_code, "ax"

        .macro  marker name, first
        .global \name
        .type   \name, %function
\name:
        adr     x9, 1f
        add     x9, x9, w0, uxtw #3
        br      x9
1:
        .irp    id, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        hint    #(\first + \id)
        ret
        .endr
        .size   \name, . - \name
        .endm

        marker  bench_begin, 0x40
        marker  bench_end, 0x50

        .section .note.GNU-stack, "", %progbits
