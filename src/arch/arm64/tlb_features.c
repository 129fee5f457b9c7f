// SPDX-License-Identifier: BSD-2-Clause
// Features and errata out of ID registers: pure functions. See tlb_features.h.
#include "tlb_features.h"
#include "boot_args.h"

// MIDR_EL1: implementer 31:24, variant 23:20, part 15:4, revision 3:0.
#define MIDR_IMPLEMENTER(midr) ((unsigned)((midr) >> 24) & 0xff)
#define MIDR_PART(midr) ((unsigned)((midr) >> 4) & 0xfff)
#define MIDR_RELEASE(midr) ((((unsigned)((midr) >> 20) & 0xf) << 4) | ((unsigned)(midr) & 0xf))
#define ARM 0x41
#define QUALCOMM 0x51
#define RELEASE(r, p) (((r) << 4) | (p))
#define RELEASE_ALL RELEASE(0xf, 0xf)

// Cores on which a DSB after a broadcast TLBI may end too early; a second TLBI and DSB make up for
// it. Erratum 2441007 (A55) and 2441009 (A510), and CVE-2025-10263, which names Cortex-A76 and the
// large cores after it, erratum 1286807 of A76 and N1 included; Falkor's erratum 1009.
static const struct {
    uint8_t implementer;
    uint16_t part;
    uint8_t last_release;
} repeat_tlbi_cores[] = {
    {ARM, 0xd05, RELEASE_ALL},   // A55
    {ARM, 0xd46, RELEASE(1, 1)}, // A510
    {ARM, 0xd0b, RELEASE_ALL},   // A76
    {ARM, 0xd0c, RELEASE_ALL},   // Neoverse N1
    {ARM, 0xd0d, RELEASE_ALL},   // A77
    {ARM, 0xd0e, RELEASE_ALL},   // A76AE
    {ARM, 0xd40, RELEASE_ALL},   // Neoverse V1
    {ARM, 0xd41, RELEASE_ALL},   // A78
    {ARM, 0xd42, RELEASE_ALL},   // A78AE
    {ARM, 0xd44, RELEASE_ALL},   // X1
    {ARM, 0xd47, RELEASE_ALL},   // A710
    {ARM, 0xd48, RELEASE_ALL},   // X2
    {ARM, 0xd49, RELEASE_ALL},   // Neoverse N2
    {ARM, 0xd4b, RELEASE_ALL},   // A78C
    {ARM, 0xd4d, RELEASE_ALL},   // A715
    {ARM, 0xd4e, RELEASE_ALL},   // X3
    {ARM, 0xd4f, RELEASE_ALL},   // Neoverse V2
    {ARM, 0xd81, RELEASE_ALL},   // A720
    {ARM, 0xd82, RELEASE_ALL},   // X4
    {ARM, 0xd84, RELEASE_ALL},   // Neoverse V3
    {ARM, 0xd85, RELEASE_ALL},   // X925
    {ARM, 0xd87, RELEASE_ALL},   // A725
    {QUALCOMM, 0x800, RELEASE(0, 0)},
};

static bool needs_repeat_tlbi(uint64_t midr) {
    for (size_t i = 0; i < ARRAY_SIZE(repeat_tlbi_cores); i++) {
        if (MIDR_IMPLEMENTER(midr) == repeat_tlbi_cores[i].implementer &&
            MIDR_PART(midr) == repeat_tlbi_cores[i].part) {
            return MIDR_RELEASE(midr) <= repeat_tlbi_cores[i].last_release;
        }
    }
    return false;
}

// ID fields of four bits count upwards: a larger value has all that a smaller one has.
static unsigned id_field(uint64_t value, unsigned low) { return (value >> low) & 0xf; }

struct mmu_features features_decode(const struct id_registers *id) {
    return (struct mmu_features){
        .ttl = id_field(id->mmfr2, 48) >= 1,   // ID_AA64MMFR2_EL1.TTL
        .range = id_field(id->isar0, 56) >= 2, // ID_AA64ISAR0_EL1.TLB; 1: outer shareable only
        .repeat_tlbi = needs_repeat_tlbi(id->midr),
    };
}

struct mmu_features features_wanted(struct mmu_features present, const char *args) {
    return (struct mmu_features){
        .ttl = present.ttl && !boot_args_is(args, "ttl", "off"),
        .range = present.range && !boot_args_is(args, "tlbirange", "off"),
        .repeat_tlbi = present.repeat_tlbi && !boot_args_is(args, "tlbirepeat", "off"),
    };
}
