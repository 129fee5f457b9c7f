// SPDX-License-Identifier: BSD-2-Clause
// A thread's life, apart from what it waits for.
#ifndef THREAD_H
#define THREAD_H

#include "ipc.h"

// Takes the thread from wherever it is; a wait is cancelled. It is SUSPENDED then.
void thread_suspend(struct pe *pe, struct thread *thread);

// The deadline of its wait has passed: the call answers TIMED_OUT.
void thread_time_out(struct pe *pe, struct thread *thread);

#endif
