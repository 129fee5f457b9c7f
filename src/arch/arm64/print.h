// SPDX-License-Identifier: BSD-2-Clause
// Behind kprintf (base.h).
#ifndef ARCH_PRINT_H
#define ARCH_PRINT_H

#include <base.h>

#include <stdarg.h>

void kvprintf(const char *format, va_list *arguments);

// The serial port works from now on: sends what was kept so far.
void print_start(void);

// This PE is in a panic: printing no longer takes the console lock.
void print_panicking(void);

#endif
