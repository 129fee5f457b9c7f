// SPDX-License-Identifier: BSD-2-Clause
// What a program that is given its memory sleeps on: a Notification of its own.
#include "../lib/thread.h"
#include "pool.h"
#include "self.h"
#include "slots.h"

sheaf_cptr sheaf_silence(void) {
    static sheaf_cptr silence;
    if (silence == 0) {
        self_open();
        sheaf_cptr slot = slots_take(1);
        if (slot != 0 && pool_make(SHEAF_NOTIFICATION, 0, slot, 1) == SHEAF_OK)
            silence = slot;
        else if (slot != 0)
            slots_give(slot);
    }
    return silence;
}
