// SPDX-License-Identifier: BSD-2-Clause
// Exceptions as entry.S hands them to C.
#ifndef ARCH_EXCEPTIONS_H
#define ARCH_EXCEPTIONS_H

#include <base.h>
#include <pe.h>

// Registers of the kernel at an exception of its own; at the top of the PE's panic stack.
struct kernel_frame {
    uint64_t reg[31];
    uint64_t sp, pc, flags, syndrome, fault_address;
};

// From user space, registers saved in pe->context.
void exception_synchronous(struct pe *pe, uint64_t syndrome, uint64_t fault_address);
void exception_interrupt(struct pe *pe);
void exception_serror(struct pe *pe, uint64_t syndrome);

// From the kernel. `vector` is the number of the vector table's slot, 0 to 15.
void exception_of_kernel(struct kernel_frame *frame, unsigned vector);

#endif
