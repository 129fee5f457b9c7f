// SPDX-License-Identifier: BSD-2-Clause
// What a program that the pager runs sleeps on.
#include "thread.h"
#include <sheaf/start.h>

sheaf_cptr sheaf_silence(void) {
    return sheaf_environment.pager != 0 ? SHEAF_PROGRAM_SLOT_SILENCE : 0;
}
