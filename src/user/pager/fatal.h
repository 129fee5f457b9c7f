// SPDX-License-Identifier: BSD-2-Clause
// What the pager says when something cannot go on.
#ifndef SHEAF_PAGER_FATAL_H
#define SHEAF_PAGER_FATAL_H

#include "process.h"

// The kernel refused what it must not refuse: the pager's picture of the system is wrong, and it
// stops.
_Noreturn void fatal(const char *what, enum sheaf_error error);
// Why a process is ended: "pager: words (3): TEXT".
void complain(const struct process *process, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
