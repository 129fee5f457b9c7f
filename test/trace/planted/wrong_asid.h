// SPDX-License-Identifier: BSD-2-Clause
// Planted in src/mmu/finish.c: every operand names the ASID after the one that it should.
#include <port.h>

#define port_tlbi(kind, operand) port_tlbi((kind), (operand) + BIT(48))
