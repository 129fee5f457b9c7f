// SPDX-License-Identifier: BSD-2-Clause
// Operands of TLBI (Arm manual, "TLBI VAE1IS, TLB Invalidate by VA, EL1, Inner Shareable").
#include "tlbi.h"

uint64_t tlbi_operand_address(asid_t asid, vaddr_t va, unsigned ttl) {
    // The shift is 12 whatever the granule. The mask keeps VA[63:56] out of the TTL field, where a
    // core with FEAT_TTL would read a wrong level and invalidate nothing.
    uint64_t address = (va.v >> 12) & (BIT(44) - 1);
    return (uint64_t)asid.v << 48 | (uint64_t)(ttl & 15u) << 44 | address;
}

uint64_t tlbi_operand_asid(asid_t asid) { return (uint64_t)asid.v << 48; }
