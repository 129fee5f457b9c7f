// SPDX-License-Identifier: BSD-2-Clause
// Planted in src/mmu/finish.c: the TLBIs of a batch are issued, and nothing waits for them.
#include <port.h>

#define port_dsb_ish() ((void)0)
