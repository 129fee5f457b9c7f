// SPDX-License-Identifier: BSD-2-Clause
// The small world that random operations happen in.
#ifndef WORLD_H
#define WORLD_H

#include "../core/machine.h"

#define WORLD_ASIDS 5u    // address space identifiers
#define WORLD_CHUNKS 576u // that a VSpace can have: docs/system-calls.md

enum world {
    WORLD_USUAL,
    WORLD_BARE,    // the driver has no IPC buffer
    WORLD_CROWDED, // one VSpace has as many chunks as it can hold
    WORLD_SMALL,   // quickly made, no blocks
};

extern const struct thread *driver; // of lowest priority; must not wait, nor give itself away

void world_begin(enum world which);
bool world_has_kernel_half(void); // memory can become non-cacheable
struct slot *world_memory(void);  // the capability to all of it; NULL: deleted
void world_end(void);             // all of it comes back

#endif
