// SPDX-License-Identifier: BSD-2-Clause
// A program that was given the machine ends the machine.
#include "../lib/thread.h"

_Noreturn void sheaf_end(int status) {
    sheaf_power_off(sheaf_environment.system, (uint64_t)status);
    for (;;) // without the right to it (the pager) the thread ends here
        __builtin_trap();
}
