// SPDX-License-Identifier: BSD-2-Clause
// Deadlines, and waiting for them.
#include "thread.h"
#include <sheaf/time.h>

#define NS_PER_SECOND UINT64_C(1000000000)

uint64_t sheaf_deadline_after(uint64_t nanoseconds) {
    uint64_t hz = sheaf_clock_hz(), now = sheaf_clock();
    // hz has 32 bits, so neither product overflows: whole seconds are at most 2^34.
    uint64_t ticks = nanoseconds / NS_PER_SECOND * hz +
                     (nanoseconds % NS_PER_SECOND * hz + NS_PER_SECOND - 1) / NS_PER_SECOND;
    return ticks > UINT64_MAX - now ? UINT64_MAX : now + ticks;
}

enum sheaf_error sheaf_wait_until(sheaf_cptr notification, uint64_t deadline, uint64_t *bits) {
    struct sheaf_registers r = {.x = {[SHEAF_REG_CAP] = notification,
                                      [SHEAF_REG_SYSCALL] = SHEAF_SYS_RECV,
                                      [SHEAF_REG_DEADLINE] = deadline}};
    sheaf_syscall(&r);
    enum sheaf_error error = (enum sheaf_error)r.x[SHEAF_REG_STATUS];
    if (error == SHEAF_OK)
        *bits = r.x[SHEAF_REG_WORD0];
    return error;
}

bool sheaf_sleep_until(uint64_t deadline) {
    sheaf_cptr silence = sheaf_silence();
    uint64_t bits;
    while (sheaf_clock() < deadline)
        if (sheaf_wait_until(silence, deadline, &bits) == SHEAF_ERR_INVALID_CAPABILITY)
            return false;
    return true;
}
