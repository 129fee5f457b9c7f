// SPDX-License-Identifier: BSD-2-Clause
// The small world that random operations happen in.
#ifndef WORLD_H
#define WORLD_H

#include "method.h"

#define WORLD_BITS 23u // bytes of its memory, as a power of two

#define WORLD_ASIDS 6u // address space identifiers

// Crowded: one VSpace has as many chunks as it can hold.
void world_begin(bool crowded);
void world_end(void); // all memory comes back

#endif
