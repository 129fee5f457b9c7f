// SPDX-License-Identifier: BSD-2-Clause
// What this PE has. See pe_features.h.
#include "pe_features.h"
#include "tlb_features.h"

unsigned pe_asid_bits(void) {
    uint64_t tcr;
    __asm__("mrs %0, tcr_el1" : "=r"(tcr));
    return (tcr & BIT(36)) != 0 ? 16 : 8; // AS
}

unsigned pe_physical_bits(void) {
    static const uint8_t bits[8] = {32, 36, 40, 42, 44, 48, 48, 48}; // head.S gives no more than 5
    uint64_t tcr;
    __asm__("mrs %0, tcr_el1" : "=r"(tcr));
    return bits[(tcr >> 32) & 7];
}

struct mmu_features pe_mmu_features(void) {
    struct id_registers id;
    __asm__("mrs %0, midr_el1" : "=r"(id.midr));
    __asm__("mrs %0, id_aa64isar0_el1" : "=r"(id.isar0));
    __asm__("mrs %0, s3_0_c0_c7_2" : "=r"(id.mmfr2)); // ID_AA64MMFR2_EL1, by number: Armv8.2's name
    return features_decode(&id);
}
