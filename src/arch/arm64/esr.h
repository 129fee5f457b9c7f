// SPDX-License-Identifier: BSD-2-Clause
// ESR_EL1: fields and words (Arm manual, "ESR_EL1").
#ifndef ARCH_ESR_H
#define ARCH_ESR_H

#include <base.h>

enum esr_class { // EC, bits 31:26
    ESR_CLASS_UNKNOWN = 0x00,
    ESR_CLASS_FP = 0x07,
    ESR_CLASS_SVC = 0x15,
    ESR_CLASS_INSTRUCTION_ABORT_USER = 0x20,
    ESR_CLASS_INSTRUCTION_ABORT_KERNEL = 0x21,
    ESR_CLASS_PC_ALIGNMENT = 0x22,
    ESR_CLASS_DATA_ABORT_USER = 0x24,
    ESR_CLASS_DATA_ABORT_KERNEL = 0x25,
};

#define ESR_CLASS(esr) ((unsigned)((esr) >> 26) & 0x3f)
#define ESR_FAULT(esr) ((unsigned)(esr) & 0x3f) // IFSC or DFSC of an abort
#define ESR_WRITE BIT(6)                        // WnR
#define ESR_CACHE_MAINTENANCE BIT(8)            // CM

// Whether an abort is one that other table contents would cure: translation, access flag,
// permission, whose codes are 0b0001LL, 0b0010LL and 0b0011LL.
static inline bool esr_is_page_fault(uint64_t esr) {
    return ESR_FAULT(esr) >= 0x04 && ESR_FAULT(esr) <= 0x0f;
}

// "esr 96000047 data abort, same level; write; translation fault, level 3"
void esr_print(uint64_t esr);

#endif
