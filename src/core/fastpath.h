// SPDX-License-Identifier: BSD-2-Clause
// The fast path: CALL, and REPLY_RECV, where everything is as it nearly always is.
//
// Each of the two decides first, changing nothing, whether this is its case: no
// capabilities, no deadline, nothing to go on with, names of one level, somebody who
// waits on the other side, and that thread the next to run. If not, the ordinary way does the same
// thing from the start; what a caller can see, and what is in memory afterwards, is the same by
// both (test/host/core/fastpath_test.c compares them).
#ifndef FASTPATH_H
#define FASTPATH_H

#include "ipc.h"

// The ordinary way (syscall.c).
void syscall_execute(struct pe *pe, struct thread *thread, uint64_t number);

#endif
