// SPDX-License-Identifier: BSD-2-Clause
// The gather that runs next. Serving a fault puts the unmapping of old pages and the mapping of the
// new one into it; it runs as one system call that also answers the fault and waits for the next
// message.
#ifndef SHEAF_PAGER_VECTOR_H
#define SHEAF_PAGER_VECTOR_H

#include "process.h"

// Adds an operation. The caller has checked the room.
void vector_add_unmap(struct process *process, uint64_t va, uint32_t pages);
void vector_add_map(struct process *process, uint64_t va, sheaf_cptr frame, uint64_t rights,
                    uint64_t flags);
bool vector_is_empty(void);
// Room for one more UNMAP over so many pages, and after it for MAPs of a fault.
bool vector_has_room(uint32_t pages);

// Writes the operations into the IPC buffer; answers how many.
unsigned vector_put(void);
// Takes in what the kernel answered. True when all is done; false when the rest is to run again. A
// process that cannot be given the tables it needs is ended; *gone is set then.
bool vector_take(const struct sheaf_gather_result *result, bool *gone);
// Runs the vector by itself. False when a process had to be ended.
bool vector_run(void);

// One operation by itself: a range of a process unmapped (after the vector, if there is one), a
// frame that stays mapped, readable and writable.
void vector_run_unmap(struct process *process, uint64_t va, uint64_t pages);
bool vector_run_map(struct process *process, uint64_t va, sheaf_cptr frame);

#endif
