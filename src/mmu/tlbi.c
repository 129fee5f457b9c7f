// SPDX-License-Identifier: BSD-2-Clause
// Operands of TLBI (Arm manual, "TLBI VAE1IS, TLB Invalidate by VA, EL1, Inner Shareable", "TLBI
// RVAE1IS, TLB Range Invalidate by VA, EL1, Inner Shareable").
#include "tlbi.h"

uint64_t tlbi_operand_range(asid_t asid, vaddr_t base, unsigned scale, unsigned num,
                            unsigned level) {
    uint64_t address = (base.v >> 12) & (BIT(37) - 1);
    return (uint64_t)asid.v << 48 | TLBI_GRANULE_4K << 46 | (uint64_t)(scale & 3u) << 44 |
           (uint64_t)(num & 31u) << 39 | (uint64_t)(level & 3u) << 37 | address;
}
