// SPDX-License-Identifier: BSD-2-Clause
// The end of a kernel whose state is corrupt, in words (panic() itself is in base.h).
#ifndef ARCH_PANIC_H
#define ARCH_PANIC_H

#include "exceptions.h"

// An exception of the kernel that has no cure. `what` names its kind.
_Noreturn void panic_exception(const struct kernel_frame *frame, const char *what);

#endif
