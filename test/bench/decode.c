// SPDX-License-Identifier: BSD-2-Clause
// Instruction words: markers, TLB invalidations, barriers, and what ends a stretch with interrupts
// masked.
#include "decode.h"

#include <stdio.h>

#define HINT_MASK 0xfffff01fu
#define HINT 0xd503201fu
#define DSB_MASK 0xfffff0ffu
#define DSB 0xd503309fu
#define SYS_CRN8_MASK 0xfff8f000u
#define SYS_CRN8 0xd5088000u // SYS with CRn = 8: TLB maintenance
#define MRS_ISR_MASK 0xffffffe0u
#define MRS_ISR 0xd538c100u
#define ERET 0xd69f03e0u
#define DAIFCLR_MASK 0xfffff0ffu
#define DAIFCLR 0xd50340ffu
#define CRM(word) ((word) >> 8 & 15)
#define DAIFCLR_I 2u

static struct decoded decode_hint(uint32_t word) {
    unsigned hint = word >> 5 & 0x7f;
    switch (hint >> 4) {
    case 4:
        return (struct decoded){INSTRUCTION_BEGIN, hint & 15};
    case 5:
        return (struct decoded){INSTRUCTION_END, hint & 15};
    default:
        return (struct decoded){INSTRUCTION_OTHER, 0};
    }
}

struct decoded decode(uint32_t word) {
    if ((word & HINT_MASK) == HINT) {
        return decode_hint(word);
    }
    if ((word & SYS_CRN8_MASK) == SYS_CRN8) {
        unsigned op1 = word >> 16 & 7;
        unsigned op2 = word >> 5 & 7;
        return (struct decoded){INSTRUCTION_TLBI, op1 << 7 | CRM(word) << 3 | op2};
    }
    // CRm 0 and 4 are SSBB and PSSBB, which order speculation and complete nothing.
    if ((word & DSB_MASK) == DSB && CRM(word) != 0 && CRM(word) != 4) {
        return (struct decoded){INSTRUCTION_DSB, 0};
    }
    if ((word & MRS_ISR_MASK) == MRS_ISR) {
        return (struct decoded){INSTRUCTION_POLL, 0};
    }
    if (word == ERET || ((word & DAIFCLR_MASK) == DAIFCLR && (CRM(word) & DAIFCLR_I) != 0)) {
        return (struct decoded){INSTRUCTION_UNMASK, 0};
    }
    return (struct decoded){INSTRUCTION_OTHER, 0};
}

void tlbi_name(unsigned id, char name[TLBI_NAME_BYTES]) {
    static const char *const operations[8] = {"vmalle1", "vae1",  NULL, "vaae1",
                                              NULL,      "vale1", NULL, "vaale1"};
    unsigned op1 = id >> 7;
    unsigned crm = id >> 3 & 15;
    unsigned op2 = id & 7;
    // CRm: 1, 2, 3 outer shareable, range inner shareable, inner shareable; 5, 6, 7 range outer
    // shareable, range of this PE, this PE. A range operation has the name of the one by address.
    bool range = crm == 2 || crm == 5 || crm == 6;
    const char *domain = crm == 2 || crm == 3 ? "is" : crm == 1 || crm == 5 ? "os" : "";
    const char *operation = op2 == 2 && !range ? "aside1" : operations[op2];
    if (op1 != 0 || crm == 0 || crm == 4 || crm > 7 || operation == NULL || (range && op2 == 0)) {
        (void)snprintf(name, TLBI_NAME_BYTES, "op1=%u,crm=%u,op2=%u", op1, crm, op2);
        return;
    }
    (void)snprintf(name, TLBI_NAME_BYTES, "%s%s%s", range ? "r" : "", operation, domain);
}
