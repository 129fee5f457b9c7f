// SPDX-License-Identifier: BSD-2-Clause
// Kernel aliases: the calls of mmu.h are made in alias.c.
#ifndef MMU_ALIAS_H
#define MMU_ALIAS_H

#include <mmu.h>

void alias_init(const struct mmu_config *config);

#endif
