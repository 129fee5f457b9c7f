// SPDX-License-Identifier: BSD-2-Clause
// The Console's only state: the Notification that is signalled when input comes.
#ifndef CONSOLE_H
#define CONSOLE_H

#include "objects.h"

// A derived copy, as Timers and IrqHandlers keep one (attach.c). There is one serial port, so the
// slot lies in no object: it never dies, and is only emptied.
extern struct slot console_listener;

void console_init(void);

#endif
