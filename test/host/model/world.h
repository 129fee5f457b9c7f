// SPDX-License-Identifier: BSD-2-Clause
// The small world that random operations happen in.
#ifndef WORLD_H
#define WORLD_H

#include "method.h"

#define WORLD_BITS 22u // bytes of its memory, as a power of two

void world_begin(void);
void world_end(void); // all memory comes back

#endif
