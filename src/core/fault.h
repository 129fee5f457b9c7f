// SPDX-License-Identifier: BSD-2-Clause
// The message of a fault.
#ifndef FAULT_H
#define FAULT_H

#include "ipc.h"

#define FAULT_WORDS 3u
#define FAULT_TAG(label) SHEAF_TAG(label, FAULT_WORDS)

// The words of its fault, as the message that `to` receives.
static inline void fault_message(const struct thread *faulting, struct thread *to) {
    _Static_assert(ARRAY_SIZE(faulting->fault.word) == FAULT_WORDS, "all of them");
    to->context.reg[SHEAF_REG_STATUS] = SHEAF_OK;
    to->context.reg[SHEAF_REG_TAG] = FAULT_TAG(faulting->fault.label);
    for (unsigned i = 0; i < FAULT_WORDS; i++) {
        to->context.reg[SHEAF_REG_WORD0 + i] = faulting->fault.word[i];
    }
    port_count(SHEAF_COUNTER_FAULT_MESSAGES, 1);
}

#endif
