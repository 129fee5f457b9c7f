// SPDX-License-Identifier: BSD-2-Clause
#ifndef FAULT_DUMP_H
#define FAULT_DUMP_H

#include "objects.h"

void fault_dump_init(void); // once
// Prints why the thread stopped, with its registers and backtrace. Takes and drops the lock of its
// VSpace.
void fault_dump(const struct thread *thread);

#endif
