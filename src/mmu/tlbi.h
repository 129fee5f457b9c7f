// SPDX-License-Identifier: BSD-2-Clause
// The encoder: the only place that makes operands of TLBI instructions.
#ifndef MMU_TLBI_H
#define MMU_TLBI_H

#include "descriptor.h"

// TTL (FEAT_TTL): a hint at the level of the leaf. 0: no hint, always right.
#define TLBI_NO_HINT 0u

// Operand of the operations by address: ASID 63:48, TTL 47:44, VA[55:12] 43:0.
uint64_t tlbi_operand_address(asid_t asid, vaddr_t va, unsigned ttl);
// Operand of ASIDE1IS: ASID 63:48, the rest RES0.
uint64_t tlbi_operand_asid(asid_t asid);

// One page further in an operand by address. The sum stays inside VA[55:12] for user addresses,
// whose bits 55:48 are zero.
#define TLBI_NEXT_PAGE UINT64_C(1)

#endif
