// SPDX-License-Identifier: BSD-2-Clause
// Operands of TLBI (Arm manual, "TLBI VAE1IS, TLB Invalidate by VA, EL1, Inner Shareable", "TLBI
// RVAE1IS, TLB Range Invalidate by VA, EL1, Inner Shareable").
#include "tlbi.h"

// TG, and the upper half of TTL. With another granule than the one in use nothing is invalidated.
#define GRANULE_4K UINT64_C(1)

uint64_t tlbi_operand_address(asid_t asid, vaddr_t va, unsigned level) {
    // The shift is 12 whatever the granule. The mask keeps VA[63:56] out of the TTL field, where a
    // core with FEAT_TTL would read a wrong level and invalidate nothing.
    uint64_t address = (va.v >> 12) & (BIT(44) - 1);
    // A granule alone is a hint too, at level 0, so without a level TTL is zero as a whole.
    uint64_t ttl = level == TLBI_NO_HINT ? 0 : GRANULE_4K << 2 | (level & 3u);
    return (uint64_t)asid.v << 48 | ttl << 44 | address;
}

uint64_t tlbi_operand_asid(asid_t asid) { return (uint64_t)asid.v << 48; }

uint64_t tlbi_operand_range(asid_t asid, vaddr_t base, unsigned scale, unsigned num,
                            unsigned level) {
    uint64_t address = (base.v >> 12) & (BIT(37) - 1);
    return (uint64_t)asid.v << 48 | GRANULE_4K << 46 | (uint64_t)(scale & 3u) << 44 |
           (uint64_t)(num & 31u) << 39 | (uint64_t)(level & 3u) << 37 | address;
}
