// SPDX-License-Identifier: BSD-2-Clause
// The encoder: the only place that makes operands of TLBI instructions.
#ifndef MMU_TLBI_H
#define MMU_TLBI_H

#include "descriptor.h"

// TG, and the upper half of TTL. With another granule than the one in use nothing is invalidated.
#define TLBI_GRANULE_4K UINT64_C(1)

// Instead of the level of the leaves, 1 to 3, that FEAT_TTL lets an operand name: always right.
#define TLBI_NO_HINT 0u

// Operand of the operations by address: ASID 63:48, TTL 47:44 (granule, level), VA[55:12] 43:0.
static inline uint64_t tlbi_operand_address(asid_t asid, vaddr_t va, unsigned level) {
    // The shift is 12 whatever the granule. The mask keeps VA[63:56] out of the TTL field, where a
    // core with FEAT_TTL would read a wrong level and invalidate nothing.
    uint64_t address = (va.v >> 12) & (BIT(44) - 1);
    // A granule alone is a hint too, at level 0, so without a level TTL is zero as a whole.
    uint64_t ttl = level == TLBI_NO_HINT ? 0 : TLBI_GRANULE_4K << 2 | (level & 3u);
    return (uint64_t)asid.v << 48 | ttl << 44 | address;
}
// Operand of the operations by range (FEAT_TLBIRANGE): ASID 63:48, TG 47:46, SCALE 45:44, NUM
// 43:39, TTL 38:37 (level), BaseADDR 36:0 = VA[48:12]. The pages are (num + 1) << (5 * scale + 1);
// scale 0 to 3, num 0 to 31. With a level the base is a multiple of what a leaf of it covers.
uint64_t tlbi_operand_range(asid_t asid, vaddr_t base, unsigned scale, unsigned num,
                            unsigned level);
// Operand of ASIDE1IS: ASID 63:48, the rest RES0.
static inline uint64_t tlbi_operand_asid(asid_t asid) { return (uint64_t)asid.v << 48; }

// One page further in an operand by address. The sum stays inside VA[55:12] for user addresses,
// whose bits 55:48 are zero, and in the kernel's half below its last page.
#define TLBI_NEXT_PAGE UINT64_C(1)

#endif
