// SPDX-License-Identifier: BSD-2-Clause
// The operands of TLBI for every ASID, address, level, SCALE and NUM, against the fields of the Arm
// manual ("TLBI VAE1IS", "TLBI ASIDE1IS", "TLBI RVAE1IS"), given here by their bit positions.
#include "../../src/mmu/tlbi.c"

#include "proof.h"

static uint64_t field(uint64_t value, unsigned high, unsigned low) {
    return value >> low & (~UINT64_C(0) >> (63 - (high - low)));
}

// TTL is 01LL for a leaf of level LL with the 4 KiB granule, and zero as a whole without a hint.
static uint64_t ttl_of(unsigned level) { return level == TLBI_NO_HINT ? 0 : 4 + level; }

void proof_address(uint16_t asid, uint64_t va, unsigned level) {
    prove_if(level <= 3);
    uint64_t operand = tlbi_operand_address(ASID(asid), VADDR(va), level);
    prove(field(operand, 63, 48) == asid);
    prove(field(operand, 47, 44) == ttl_of(level));
    prove(field(operand, 43, 0) == field(va, 55, 12));
    proof_ends();
}

// What finish adds for the next page stays inside the address for all of the user half.
void proof_next_page(uint16_t asid, uint64_t first, uint64_t page, unsigned level) {
    prove_if(level <= 3);
    prove_if(first < USER_PAGES && page < USER_PAGES);
    prove_if(first + page < USER_PAGES);
    uint64_t base = tlbi_operand_address(ASID(asid), VADDR(first << PAGE_BITS), level);
    prove(base + page * TLBI_NEXT_PAGE ==
          tlbi_operand_address(ASID(asid), VADDR((first + page) << PAGE_BITS), level));
    proof_ends();
}

void proof_asid(uint16_t asid) {
    uint64_t operand = tlbi_operand_asid(ASID(asid));
    prove(field(operand, 63, 48) == asid);
    prove(field(operand, 47, 0) == 0);
    proof_ends();
}

void proof_range(uint16_t asid, uint64_t va, unsigned scale, unsigned num, unsigned level) {
    prove_if(scale <= 3);
    prove_if(num <= 31);
    prove_if(level <= 3);
    uint64_t operand = tlbi_operand_range(ASID(asid), VADDR(va), scale, num, level);
    prove(field(operand, 63, 48) == asid);
    prove(field(operand, 47, 46) == 1); // TG: 4 KiB
    prove(field(operand, 45, 44) == scale);
    prove(field(operand, 43, 39) == num);
    prove(field(operand, 38, 37) == level);
    prove(field(operand, 36, 0) == field(va, 48, 12));
    proof_ends();
}
