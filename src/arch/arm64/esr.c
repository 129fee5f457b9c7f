// SPDX-License-Identifier: BSD-2-Clause
// ESR_EL1 in words. See esr.h.
#include "esr.h"

struct code_text {
    uint8_t code;
    const char *text;
};

static const struct code_text class_texts[] = {
    {0x00, "undefined instruction"},
    {0x01, "WFI or WFE"},
    {0x07, "FP or SIMD instruction while trapped"},
    {0x0d, "branch target exception"},
    {0x0e, "illegal execution state"},
    {0x15, "system call"},
    {0x18, "system register or instruction not allowed"},
    {0x19, "SVE instruction while trapped"},
    {0x1c, "pointer authentication failure"},
    {0x1d, "SME instruction while trapped"},
    {0x20, "instruction abort, user"},
    {0x21, "instruction abort, same level"},
    {0x22, "misaligned program counter"},
    {0x24, "data abort, user"},
    {0x25, "data abort, same level"},
    {0x26, "misaligned stack pointer"},
    {0x2c, "FP exception"},
    {0x2f, "SError"},
    {0x30, "breakpoint, user"},
    {0x31, "breakpoint, same level"},
    {0x32, "software step, user"},
    {0x33, "software step, same level"},
    {0x34, "watchpoint, user"},
    {0x35, "watchpoint, same level"},
    {0x3c, "BRK instruction"},
};

// IFSC and DFSC without the level in bits 1:0, where there is one.
static const struct code_text level_fault_texts[] = {
    {0x00, "address size fault"},
    {0x04, "translation fault"},
    {0x08, "access flag fault"},
    {0x0c, "permission fault"},
    {0x14, "external abort on a table walk"},
    {0x1c, "parity or ECC error on a table walk"},
};

static const struct code_text fault_texts[] = {
    {0x10, "external abort"},      {0x11, "tag check fault"},
    {0x18, "parity or ECC error"}, {0x21, "alignment fault"},
    {0x30, "TLB conflict"},        {0x31, "unsupported atomic update of a descriptor"},
    {0x34, "lockdown fault"},      {0x35, "unsupported exclusive or atomic access"},
};

static const char *find(const struct code_text *texts, size_t count, unsigned code) {
    for (size_t i = 0; i < count; i++) {
        if (texts[i].code == code) {
            return texts[i].text;
        }
    }
    return NULL;
}

static void print_fault(unsigned fault) {
    const char *text = find(fault_texts, ARRAY_SIZE(fault_texts), fault);
    if (text != NULL) {
        kprintf("; %s", text);
        return;
    }
    text = find(level_fault_texts, ARRAY_SIZE(level_fault_texts), fault & 0x3c);
    if (text != NULL) {
        kprintf("; %s, level %u", text, fault & 3);
    } else {
        kprintf("; fault status 0x%02x", fault);
    }
}

void esr_print(uint64_t esr) {
    unsigned class = ESR_CLASS(esr);
    const char *text = find(class_texts, ARRAY_SIZE(class_texts), class);
    kprintf("esr  %08lx %s", esr, text != NULL ? text : "unknown class");
    switch (class) {
    case ESR_CLASS_DATA_ABORT_USER:
    case ESR_CLASS_DATA_ABORT_KERNEL:
        kprintf("; %s", (esr & ESR_CACHE_MAINTENANCE) != 0 ? "cache maintenance"
                        : (esr & ESR_WRITE) != 0           ? "write"
                                                           : "read");
        print_fault(ESR_FAULT(esr));
        break;
    case ESR_CLASS_INSTRUCTION_ABORT_USER:
    case ESR_CLASS_INSTRUCTION_ABORT_KERNEL:
        print_fault(ESR_FAULT(esr));
        break;
    default:
        break;
    }
    kprintf("\n");
}
