// SPDX-License-Identifier: BSD-2-Clause
// What happens to the world beside system calls: faults, time, interrupts, input.
#ifndef EVENTS_H
#define EVENTS_H

#include <stdbool.h>

enum event {
    EVENT_FAULT_SENT,
    EVENT_FAULT_RESOLVED,
    EVENT_FAULT_UNHANDLED,
    EVENT_TIMED_OUT,
    EVENT_TIMER,
    EVENT_LINE,
    EVENT_INPUT,
    EVENT_DEFERRED, // gathers with operations, that succeeded
    EVENT_FORCED,
    EVENT_FAST_CALL, // by the fast path (ways.c)
    EVENT_FAST_ANSWER,
    EVENT_FAST_FAULT,
    EVENT_FAST_TAIL,
    EVENT_FAST_SIGNAL,
    EVENT_FAST_WAIT,
    EVENT_FAST_UNMAP,
    EVENTS
};

bool event_is_due(void);  // an interrupt comes before the next instruction of user space
void event_deliver(void); // it comes
void event_fault(void);   // the running thread faults
void event_random(void);  // time passes, a line rises or falls, a byte comes
void event_count(enum event event);
bool event_print(void); // how often; whether often enough

#endif
