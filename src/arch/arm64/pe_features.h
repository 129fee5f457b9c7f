// SPDX-License-Identifier: BSD-2-Clause
// What this PE has, and its errata, from ID registers.
#ifndef ARCH_PE_FEATURES_H
#define ARCH_PE_FEATURES_H

#include <mmu.h>

unsigned pe_asid_bits(void);     // 8 or 16, as head.S set TCR_EL1.AS
unsigned pe_physical_bits(void); // of an address, at most 48, as head.S set TCR_EL1.IPS
struct mmu_features pe_mmu_features(void);

#endif
