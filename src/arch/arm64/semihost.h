// SPDX-License-Identifier: BSD-2-Clause
// Semihosting: asking the emulator or debugger that may stand behind the machine.
#ifndef ARCH_SEMIHOST_H
#define ARCH_SEMIHOST_H

#include <stdint.h>

// HLT #0xf000 with the operation and its argument. UINT64_MAX if nobody answers: the instruction is
// then undefined, and exceptions.c steps over it.
uint64_t semihost_call(uint64_t operation, const void *argument);
extern const char semihost_instruction[]; // the HLT

#endif
