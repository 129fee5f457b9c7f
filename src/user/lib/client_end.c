// SPDX-License-Identifier: BSD-2-Clause
// How a program that the pager runs ends.
#include "thread.h"
#include <sheaf/pager.h>

_Noreturn void sheaf_end(int status) {
    uint64_t word = (uint64_t)status;
    sheaf_call(sheaf_environment.pager, PAGER_EXIT, &word, 1, NULL, NULL, NULL);
    for (;;) // without a pager nothing is left to do
        __builtin_trap();
}
