// SPDX-License-Identifier: BSD-2-Clause
// The small world that the fuzzer's inputs act in: of every type of object some, four players that
// hold capabilities to all of them in a CNode they share, and the driver.
//
// The driver is the first thread. It has the lowest priority and waits with deadlines only, so
// there is always somebody to make the next call.
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include "../host/core/machine.h"

#define COMMON_BITS 6u // the CNode that the players share

extern const struct thread *driver;

void world_begin(void);
// Revokes all memory, which must come back whole whatever was done to it.
void world_end(void);

#endif
