// SPDX-License-Identifier: BSD-2-Clause
// Features and errata that src/mmu goes by, out of ID registers and boot arguments.
#ifndef ARCH_TLB_FEATURES_H
#define ARCH_TLB_FEATURES_H

#include <mmu.h>

struct id_registers {
    uint64_t midr;  // MIDR_EL1
    uint64_t isar0; // ID_AA64ISAR0_EL1
    uint64_t mmfr2; // ID_AA64MMFR2_EL1
};

// Of one PE.
struct mmu_features features_decode(const struct id_registers *id);
// Without what the boot arguments ttl=off, tlbirange=off and tlbirepeat=off switch off.
struct mmu_features features_wanted(struct mmu_features present, const char *args);

#endif
