// SPDX-License-Identifier: BSD-2-Clause
// A program that was given the machine ends the machine. One that is run by hand was not given it
// and ends as any program does.
#include "../lib/thread.h"
#include <sheaf/pager.h>

_Noreturn void sheaf_end(int status) {
    uint64_t word = (uint64_t)status;
    sheaf_power_off(sheaf_environment.system, word);
    if (sheaf_environment.pager != 0)
        sheaf_call(sheaf_environment.pager, PAGER_EXIT, &word, 1, NULL, NULL, NULL);
    for (;;) // the pager itself: init, which watches it, hears of the fault
        __builtin_trap();
}
