// SPDX-License-Identifier: BSD-2-Clause
// Parts of check_invariants (machine.h) that have a file of their own.
#ifndef INVARIANTS_H
#define INVARIANTS_H

#include "machine.h"

// `slots` are all those in the tree.
void check_leaves(struct slot *const *slots, unsigned count);     // leaves.c
void check_waits(struct slot *const *slots, unsigned count);      // waits.c
void check_timeouts(struct slot *const *slots, unsigned count);   // outside.c
void check_interrupts(struct slot *const *slots, unsigned count); // outside.c

#endif
