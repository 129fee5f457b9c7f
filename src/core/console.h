// SPDX-License-Identifier: BSD-2-Clause
// The Console object's only state: which Notification input is signalled to.
#ifndef CONSOLE_H
#define CONSOLE_H

#include "objects.h"

void console_init(void);
void console_forget(const struct notification *notification); // it dies

#endif
