// SPDX-License-Identifier: BSD-2-Clause
// What this PE has. See pe_features.h.
#include "pe_features.h"

// MIDR_EL1: implementer 31:24, variant 23:20, part 15:4, revision 3:0.
#define MIDR_IMPLEMENTER(midr) ((unsigned)((midr) >> 24) & 0xff)
#define MIDR_PART(midr) ((unsigned)((midr) >> 4) & 0xfff)
#define MIDR_RELEASE(midr) ((((unsigned)((midr) >> 20) & 0xf) << 4) | ((unsigned)(midr) & 0xf))
#define IMPLEMENTER_ARM 0x41u
#define RELEASE(r, p) (((r) << 4) | (p))
#define RELEASE_ALL RELEASE(0xf, 0xf)

// Cores on which a DSB after a broadcast TLBI may end too early; a second TLBI and DSB make up for
// it. Erratum 2441007 (A55) and 2441009 (A510), and CVE-2025-10263, which names Cortex-A76 and the
// large cores after it, erratum 1286807 of A76 and N1 included.
static const struct {
    uint16_t part;
    uint8_t last_release;
} repeat_tlbi_cores[] = {
    {0xd05, RELEASE_ALL},   // A55
    {0xd46, RELEASE(1, 1)}, // A510
    {0xd0b, RELEASE_ALL},   // A76
    {0xd0c, RELEASE_ALL},   // Neoverse N1
    {0xd0d, RELEASE_ALL},   // A77
    {0xd0e, RELEASE_ALL},   // A76AE
    {0xd40, RELEASE_ALL},   // Neoverse V1
    {0xd41, RELEASE_ALL},   // A78
    {0xd42, RELEASE_ALL},   // A78AE
    {0xd44, RELEASE_ALL},   // X1
    {0xd47, RELEASE_ALL},   // A710
    {0xd48, RELEASE_ALL},   // X2
    {0xd49, RELEASE_ALL},   // Neoverse N2
    {0xd4b, RELEASE_ALL},   // A78C
    {0xd4d, RELEASE_ALL},   // A715
    {0xd4e, RELEASE_ALL},   // X3
    {0xd4f, RELEASE_ALL},   // Neoverse V2
    {0xd81, RELEASE_ALL},   // A720
    {0xd82, RELEASE_ALL},   // X4
    {0xd84, RELEASE_ALL},   // Neoverse V3
    {0xd85, RELEASE_ALL},   // X925
    {0xd87, RELEASE_ALL},   // A725
};

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

static bool needs_repeat_tlbi(void) {
    uint64_t midr;
    __asm__("mrs %0, midr_el1" : "=r"(midr));
    if (MIDR_IMPLEMENTER(midr) != IMPLEMENTER_ARM) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(repeat_tlbi_cores); i++) {
        if (MIDR_PART(midr) == repeat_tlbi_cores[i].part) {
            return MIDR_RELEASE(midr) <= repeat_tlbi_cores[i].last_release;
        }
    }
    return false;
}

struct mmu_features pe_mmu_features(void) {
    return (struct mmu_features){.repeat_tlbi = needs_repeat_tlbi()};
}
