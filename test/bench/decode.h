// SPDX-License-Identifier: BSD-2-Clause
// What the meter tells apart in an A64 instruction word (Arm manual, "A64 instruction set
// encoding").
#ifndef DECODE_H
#define DECODE_H

#include <stdbool.h>
#include <stdint.h>

enum instruction {
    INSTRUCTION_OTHER,
    INSTRUCTION_BEGIN, // HINT #0x40 to #0x4f: a region begins
    INSTRUCTION_END,   // HINT #0x50 to #0x5f: it ends
    INSTRUCTION_TLBI,
    INSTRUCTION_DSB,
    INSTRUCTION_POLL,   // MRS from ISR_EL1: the kernel looks whether an interrupt is pending
    INSTRUCTION_UNMASK, // ERET, or MSR DAIFCLR with the I bit
};

struct decoded {
    enum instruction what;
    unsigned id; // of a region; of a TLBI: op1, CRm and op2 as bits 7-9, 3-6 and 0-2
};

struct decoded decode(uint32_t word);

// "vale1is"; "op1=4,crm=3,op2=1" for one that no kernel at EL1 uses.
#define TLBI_NAME_BYTES 32
#define TLBI_KINDS 1024
void tlbi_name(unsigned id, char name[TLBI_NAME_BYTES]);

#endif
