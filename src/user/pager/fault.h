// SPDX-License-Identifier: BSD-2-Clause
// Serving a fault.
#ifndef SHEAF_PAGER_FAULT_H
#define SHEAF_PAGER_FAULT_H

#include "process.h"
#include "reply.h"

// A message that the kernel sent for a thread of the process. The answer lets the thread go on, or
// nobody is answered because the process was ended.
void fault_serve(struct process *process, const struct request *request, struct answer *answer);

// Brings a page into a frame, filled but not mapped. 0 without memory.
uint32_t fault_bring(const struct region *region, struct area *area, uint64_t va);

#endif
