// SPDX-License-Identifier: BSD-2-Clause
// Which PEs there are, for sums over their counters.
#ifndef SYSTEM_H
#define SYSTEM_H

#include <pe.h>

void system_register_pe(struct pe *pe); // once for each PE, by ascending id
bool system_has_pe(uint64_t id);

#endif
