// SPDX-License-Identifier: BSD-2-Clause
// Deadlines: of waiting threads and of Timers, and the one alarm that the timer is set to.
//
// Each PE has a queue of deadlines, a leftist heap: inserting, taking out the earliest and taking
// out any one cost O(log n) in the worst case, without a table whose size would be a limit, and a
// wait that ends in time, the common case, leaves nothing behind. (A pairing heap is shorter, but
// one removal in it can take n steps, with interrupts masked.)
//
// The timer is set to the earlier of the first deadline and the end of the time slice. It is not
// set anew when the first deadline is cancelled: the interrupt that comes finds nothing to do and
// sets it for the next. So a call with a deadline that is kept programs the timer at most once.
#ifndef TIMEOUT_H
#define TIMEOUT_H

#include "sched.h"

#define NO_ALARM UINT64_MAX

// Ends at `deadline`, not 0. It is not in a queue.
void timeout_start(struct pe *pe, struct timeout *timeout, uint64_t deadline);
// Nothing if it is in none.
void timeout_cancel(struct timeout *timeout);
// The same; the lock of the queue's struct sched is held.
void timeout_remove(struct sched *sched, struct timeout *timeout);

// Sets the timer for what comes first.
void timeout_alarm(struct sched *sched);

// The alarm went off: ends what is over at `now`, at most EXPIRE_SLICE of it. If more is, the timer
// interrupts again at once, so that other interrupts get their turn in between. One costs up to
// 1,500 instructions: a heap of 100,000 and a queue of 256 priorities.
#define EXPIRE_SLICE 4
void timeouts_expire(struct pe *pe, uint64_t now);

#endif
