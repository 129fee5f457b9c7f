// SPDX-License-Identifier: BSD-2-Clause
// Seeing to it that the machine ends when the pager does.
#ifndef SHEAF_INIT_WATCH_H
#define SHEAF_INIT_WATCH_H

#include <stdbool.h>
#include <sheaf/user.h>

#define STATUS_NO_PAGER 3 // of the machine

// Makes a notification, for the pager's faults, and a thread that waits for it. When it comes,
// nobody would answer init's requests any more; the thread ends the machine.
bool watch_start(sheaf_cptr *notification);

#endif
