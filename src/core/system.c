// SPDX-License-Identifier: BSD-2-Clause
// The System object: counters and power.
#include "system.h"

#include "invoke.h"

static struct pe *pes[MAX_PES];

void system_register_pe(struct pe *pe) { pes[pe->id] = pe; }

bool system_has_pe(uint64_t id) { return id < MAX_PES && pes[id] != NULL; }

static uint64_t counter_sum(uint64_t counter) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < MAX_PES && pes[i] != NULL; i++) {
        sum += pes[i]->counters[counter];
    }
    return sum;
}

static enum sheaf_error system_counters(struct invocation *invocation) {
    uint64_t counter = argument(invocation, 0);
    unsigned room = thread_buffer(invocation->caller) != NULL ? SHEAF_MSG_WORDS : SHEAF_REG_WORDS;
    if (counter > SHEAF_COUNTER_COUNT) {
        return SHEAF_ERR_RANGE;
    }
    answer(invocation, SHEAF_COUNTER_COUNT);
    for (; counter < SHEAF_COUNTER_COUNT && invocation->answers < room; counter++) {
        answer(invocation, counter_sum(counter));
    }
    return SHEAF_OK;
}

static enum sheaf_error system_power_off(struct invocation *invocation) {
    arch_power_off(argument(invocation, 0));
}

static const struct method methods[] = {
    [SHEAF_SYSTEM_COUNTERS] = {.run = system_counters, .words = 1, .rights = SHEAF_RIGHT_READ},
    [SHEAF_SYSTEM_POWER_OFF] = {.run = system_power_off, .words = 1, .rights = SHEAF_RIGHT_WRITE},
};
const struct methods system_methods = {.of = methods, .count = ARRAY_SIZE(methods)};
