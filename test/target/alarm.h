// SPDX-License-Identifier: BSD-2-Clause
// A device with an interrupt, on each board that is tested: an alarm, whose line goes up when asked
// to and stays up until it is cleared.
//
// Place and interrupt are constants of the boards: the device tree, which would say so, is read by
// the kernel and gone when the first program runs. By the device trees both lines are levels.
#ifndef TARGET_ALARM_H
#define TARGET_ALARM_H

#include "support.h"

#include <stdbool.h>

// Maps the registers and puts the line down. Skips the case where there is no such device.
void alarm_open(void);
void alarm_map(void); // once more, after device_end()
sheaf_cptr alarm_handler(uint64_t trigger, sheaf_cptr notification); // has its interrupt
uint64_t alarm_interrupt(void);

void alarm_raise(void);   // the line is up
void alarm_soon(void);    // it will be, within two seconds, or is already
void alarm_clear(void);   // it is down
void alarm_silence(void); // the same, without a check: helpers may call it
bool alarm_is_up(void);

#endif
