// SPDX-License-Identifier: BSD-2-Clause
// Timer: the EL1 virtual timer of the generic timer.
//
// The virtual one, because it is usable from EL1 on every board: the physical timer may be withheld
// by a hypervisor, and the boot code sets the virtual offset to zero where it comes from EL2.
#include <drivers.h>

// CNTV_CTL_EL0.
#define CONTROL_ENABLE 1U

#define NS_PER_SECOND UINT64_C(1000000000)

static uint32_t frequency;

bool timer_init(uint32_t frequency_override) {
    frequency = frequency_override != 0 ? frequency_override : arch_timer_read_frequency();
    timer_stop(); // whatever the firmware left running
    return frequency != 0;
}

uint32_t timer_hz(void) { return frequency; }

uint64_t timer_now(void) { return arch_timer_read_counter(); }

void timer_set_deadline(uint64_t ticks) {
    arch_timer_write_compare(ticks);
    arch_timer_write_control(CONTROL_ENABLE);
}

void timer_stop(void) { arch_timer_write_control(0); }

// value * to / from, rounded up, where `from` and `to` are rates below 2^32; UINT64_MAX if too
// large. Whole seconds and the rest are scaled apart: the rest's product fits 64 bits.
static uint64_t convert(uint64_t value, uint64_t from, uint64_t to) {
    uint64_t seconds = value / from;
    uint64_t rest = value % from;
    uint64_t scaled_rest = (rest * to + from - 1) / from;
    if (seconds > (UINT64_MAX - scaled_rest) / to) {
        return UINT64_MAX;
    }
    return seconds * to + scaled_rest;
}

uint64_t timer_ticks_from_ns(uint64_t ns, uint32_t hz) {
    ASSERT(hz != 0);
    return convert(ns, NS_PER_SECOND, hz);
}

uint64_t timer_ns_from_ticks(uint64_t ticks, uint32_t hz) {
    ASSERT(hz != 0);
    return convert(ticks, hz, NS_PER_SECOND);
}

void timer_tick_start(struct timer_tick *tick, uint64_t period, uint64_t now) {
    ASSERT(period != 0);
    tick->period = period;
    tick->next = now + period;
}

uint64_t timer_tick_advance(struct timer_tick *tick, uint64_t now) {
    if (now < tick->next) {
        return 0;
    }
    uint64_t passed = (now - tick->next) / tick->period + 1;
    tick->next += passed * tick->period;
    return passed;
}
