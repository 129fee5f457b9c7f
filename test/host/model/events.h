// SPDX-License-Identifier: BSD-2-Clause
// What happens to the world beside system calls: faults, time, interrupts, input.
#ifndef EVENTS_H
#define EVENTS_H

#include <stdbool.h>

bool event_is_due(void);  // an interrupt comes before the next instruction of user space
void event_deliver(void); // it comes
void event_fault(void);   // the running thread faults
void event_random(void);  // time passes, a line rises or falls, a byte comes
void event_fast(void);    // the call before went the fast path
bool event_print(void);   // how often; whether often enough

#endif
