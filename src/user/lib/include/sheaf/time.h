// SPDX-License-Identifier: BSD-2-Clause
// Time: the system counter, and waiting until it says so.
//
// sleep, usleep, nanosleep, clock, time and gettimeofday of the C library stand on these.
#ifndef SHEAF_TIME_H
#define SHEAF_TIME_H

#include <sheaf/user.h>

uint64_t sheaf_clock(void);    // ticks since the machine started; the same on all PEs
uint64_t sheaf_clock_hz(void); // ticks a second

// The deadline that lies that many nanoseconds ahead, rounded up; at most UINT64_MAX.
uint64_t sheaf_deadline_after(uint64_t nanoseconds);

// As sheaf_wait, but not longer than until `deadline` (ticks; 0: for ever): TIMED_OUT.
enum sheaf_error sheaf_wait_until(sheaf_cptr notification, uint64_t deadline, uint64_t *bits);

// Lets other threads run until `deadline`. False where there is nothing to wait on: then no time
// has passed.
bool sheaf_sleep_until(uint64_t deadline);

#endif
