// SPDX-License-Identifier: BSD-2-Clause
// Methods of a Timer: what time it is, and a signal at a deadline.
#include "death.h"
#include "invoke.h"
#include "timeout.h"

void timer_begin(struct timer *timer) { timer->timeout.kind = TIMEOUT_TIMER; }

void timer_finish(struct timer *timer) { timeout_cancel(&timer->timeout); }

static enum sheaf_error timer_get_time(struct invocation *invocation) {
    answer(invocation, arch_now());
    answer(invocation, arch_timer_hz());
    return SHEAF_OK;
}

static enum sheaf_error timer_attach(struct invocation *invocation) {
    struct timer *timer = invocation->slot->object;
    return attach_notification(invocation, &timer->notification);
}

static enum sheaf_error timer_set(struct invocation *invocation) {
    struct timer *timer = invocation->slot->object;
    uint64_t deadline = argument(invocation, 0);
    timeout_cancel(&timer->timeout);
    if (deadline != 0) {
        timeout_start(invocation->pe, &timer->timeout, deadline);
    }
    return SHEAF_OK;
}

static const struct method methods[] = {
    [SHEAF_TIMER_GET_TIME] = {.run = timer_get_time},
    [SHEAF_TIMER_ATTACH] = {.run = timer_attach, .words = 1},
    [SHEAF_TIMER_SET] = {.run = timer_set, .words = 1},
};
const struct methods timer_methods = {.of = methods, .count = ARRAY_SIZE(methods)};
