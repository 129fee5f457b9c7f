// SPDX-License-Identifier: BSD-2-Clause
// Constants that assembly and C share: the kernel's addresses and the stacks. #defines only.
//
// The kernel's half of the address space:
//   0xffff000000000000 + PA   all RAM that may be mapped, in 2 MiB blocks; of the image its tables
//   0xffffffff80200000        the image; sheaf.lds has the same number
//   0xffffffff90000000        device tree, while the kernel boots
//   0xffffffffa0000000        device registers
// The last three share one level 1 entry.
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#define IMAGE_TEXT_OFFSET 0x200000
#define KERNEL_IMAGE_VA 0xffffffff80200000
#define KERNEL_FDT_VA 0xffffffff90000000
#define KERNEL_DEVICE_VA 0xffffffffa0000000
#define KERNEL_DEVICE_END 0xffffffffc0000000

// A device tree is at most 2 MiB (Linux' arm64 boot protocol, which the image header follows).
#define FDT_BYTES_MAX 0x200000

// The stacks of one PE, upwards: a page that is not mapped, the kernel stack, the stack on which
// exceptions of the kernel itself are reported (the other one may be what is broken).
#define STACK_GUARD_BYTES 0x1000
#define STACK_KERNEL_BYTES 0x4000
#define STACK_PANIC_BYTES 0x2000
#define STACK_TOP_OFFSET (STACK_GUARD_BYTES + STACK_KERNEL_BYTES)
#define STACK_BYTES (STACK_TOP_OFFSET + STACK_PANIC_BYTES)

// struct pe, struct kernel_frame (exceptions.h): asserted in exceptions.c.
#define PE_CONTEXT 0
#define PE_STACK_TOP 16
#define KERNEL_FRAME_BYTES 0x120
#define KERNEL_FRAME_SP 0xf8
#define KERNEL_FRAME_PC 0x100
#define KERNEL_FRAME_SYNDROME 0x110

#endif
