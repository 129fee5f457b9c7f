// SPDX-License-Identifier: BSD-2-Clause
// Which way a system call or fault took through the kernel.
#ifndef WAYS_H
#define WAYS_H

#include <stdbool.h>
#include <stdint.h>

void way_begin(void); // before it
// Counts, as events, what went by the fast path since then.
void way_note_call(uint64_t number);
void way_note_fault(void);

#endif
