// SPDX-License-Identifier: BSD-2-Clause
// Operands of TLBI, read as a core reads them: field by field, and independent of src/mmu's encoder
// (Arm Architecture Reference Manual, "TLBI VAE1IS", "TLBI RVAE1IS").
#include "model.h"

#define FIELD(operand, low, bits) ((operand) >> (low) & (BIT(bits) - 1))
#define GRANULE_4K 1u // TG, and bits 3:2 of TTL

static bool in_a_half(uint64_t first, uint64_t pages) {
    uint64_t offset = first >= KERNEL_PAGE ? first - KERNEL_PAGE : first;
    return offset < USER_HALF && pages <= USER_HALF - offset;
}

// TTL of the operations by address: granule and level.
static bool decode_hint(uint64_t ttl, struct scope *scope) {
    unsigned granule = (unsigned)ttl >> 2, level = ttl & 3;
    if (granule == 0)
        return true; // no hint, whatever the level says
    if (!vmsa_features.ttl) {
        violation(VMSA_HINT, "TTL %lx", (unsigned long)ttl);
        return true; // RES0: ignored
    }
    if (granule != GRANULE_4K)
        return false;
    scope->hint = level; // 0: reserved without FEAT_LPA2, no hint
    return true;
}

static bool decode_address(uint64_t operand, struct scope *scope) {
    uint64_t address = FIELD(operand, 0, 44); // VA[55:12]
    uint64_t ttl = FIELD(operand, 44, 4);
    scope->first = address;
    scope->pages = 1;
    if (ttl != 0 && ttl >> 2 == 0 && !vmsa_features.ttl)
        violation(VMSA_HINT, "TTL %lx", (unsigned long)ttl);
    return decode_hint(ttl, scope) && in_a_half(address, 1);
}

static bool decode_range(uint64_t operand, struct scope *scope) {
    uint64_t ttl = FIELD(operand, 37, 2);
    uint64_t scale = FIELD(operand, 44, 2);
    if (!vmsa_features.range) {
        violation(VMSA_OPERAND, "range operation without FEAT_TLBIRANGE: undefined instruction");
        return false;
    }
    if (ttl != 0 && !vmsa_features.ttl)
        violation(VMSA_HINT, "TTL %lx", (unsigned long)ttl);
    scope->first = FIELD(operand, 0, 37); // VA[48:12]: bit 48 is the half
    if (scope->first >= USER_HALF)
        scope->first += KERNEL_PAGE - USER_HALF;
    scope->pages = (FIELD(operand, 39, 5) + 1) << (5 * scale + 1);
    scope->hint = (unsigned)ttl;
    if (FIELD(operand, 46, 2) != GRANULE_4K)
        return false;
    // With a hint the base is a multiple of what a leaf of that level covers, or nothing happens.
    if (ttl != 0 && scope->first % span_pages((unsigned)ttl) != 0)
        return false;
    return in_a_half(scope->first, scope->pages);
}

static bool decode_asid(uint64_t operand, struct scope *scope) {
    if ((operand & (BIT(48) - 1)) != 0)
        violation(VMSA_OPERAND, "operand %lx: bits 47:0 are RES0", (unsigned long)operand);
    scope->by_asid = true;
    scope->any_page = true;
    return true;
}

static bool decode_target(enum port_tlbi kind, uint64_t operand, struct scope *scope) {
    switch (kind) {
    case PORT_TLBI_ASIDE1IS:
        return decode_asid(operand, scope);
    case PORT_TLBI_VMALLE1IS:
    case PORT_TLBI_VMALLE1:
        scope->any_asid = true;
        scope->any_page = true;
        return true;
    case PORT_TLBI_RVAE1IS:
    case PORT_TLBI_RVALE1IS:
        return decode_range(operand, scope);
    case PORT_TLBI_VAAE1IS:
    case PORT_TLBI_VAALE1IS:
        scope->any_asid = true;
        return decode_address(operand, scope);
    case PORT_TLBI_VAE1IS:
    case PORT_TLBI_VALE1IS:
    case PORT_TLBI_VALE1:
        return decode_address(operand, scope);
    case PORT_TLBI_KINDS:
        break;
    }
    panic("vmsa: TLBI kind %d does not exist", (int)kind);
}

bool operand_decode(enum port_tlbi kind, uint64_t operand, struct scope *scope) {
    *scope = (struct scope){
        .asid = (uint16_t)FIELD(operand, 48, 16),
        .last_level = kind == PORT_TLBI_VALE1IS || kind == PORT_TLBI_VAALE1IS ||
                      kind == PORT_TLBI_RVALE1IS || kind == PORT_TLBI_VALE1,
        .local = kind == PORT_TLBI_VALE1 || kind == PORT_TLBI_VMALLE1,
    };
    bool asks = decode_target(kind, operand, scope);
    if (vmsa_features.asids_of_8_bits && !scope->any_asid && scope->asid > UINT8_MAX) {
        violation(VMSA_OPERAND, "operand %lx: ASIDs have 8 bits", (unsigned long)operand);
        scope->asid &= UINT8_MAX;
    }
    return asks;
}
