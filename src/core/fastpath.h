// SPDX-License-Identifier: BSD-2-Clause
// The fast path: CALL, REPLY_RECV, that as the tail of a gather, the message of a fault, signals,
// waits for them and YIELD, where everything is as it nearly always is.
//
// Each of them decides first, changing nothing, whether this is its case: no capabilities, no
// deadline, nothing to go on with, names of one level, somebody who waits on the other side, and
// can run next. If not, the ordinary way does the same thing from the start; what a caller can see,
// and what is in memory afterwards, is the same by both (test/host/core/fastpath_test.c compares
// them).
#ifndef FASTPATH_H
#define FASTPATH_H

#include "ipc.h"

// Sends the fault of the thread and decides who goes on.
void fastpath_fault(struct pe *pe, struct thread *thread);
// REPLY_RECV as the tail of a gather, the fast way or the ordinary one. Returns what
// sys_reply_receive does, or SWITCHED.
enum sheaf_error fastpath_tail(struct pe *pe, struct thread *thread);

// The ordinary way (fault.c, syscall.c), and its end: what a handler said becomes the answer, and
// it is decided who goes on. The call has no deadline.
void fault_execute(struct pe *pe, struct thread *thread);
void syscall_gather(struct pe *pe, struct thread *thread);
void syscall_execute(struct pe *pe, struct thread *thread, uint64_t number);
void syscall_finish(struct pe *pe, struct thread *thread, enum sheaf_error error);

#endif
