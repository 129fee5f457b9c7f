// SPDX-License-Identifier: BSD-2-Clause
// FP and SIMD state: each thread has its own, whatever happens in between.
#include "harness.h"
#include "registers.h"
#include "support.h"

#include <string.h>

#define FPCR_WRITABLE UINT64_C(0x07c00000) // rounding mode, flush to zero, default NaN, AHP
#define FPSR_WRITABLE UINT64_C(0x0800009f) // cumulative exceptions and saturation
#define SPINS 20000

static struct fp_state wanted[MAX_HELPERS];

static struct fp_state pattern(unsigned number) {
    struct fp_state state;
    for (unsigned i = 0; i < 32; i++) {
        state.q[i][0] = UINT64_C(0x0101010101010101) * (number + 1) + i;
        state.q[i][1] = ~state.q[i][0] * 3;
    }
    state.fpcr = (uint64_t)number << 22 & FPCR_WRITABLE;
    state.fpsr = (number * 0x13u) & FPSR_WRITABLE;
    return state;
}

// argument 0: number, 1: rounds, 2: system call in the middle. result 0: rounds that went well.
static void hold(struct helper *self) {
    struct fp_state found;
    for (uint64_t i = 0; i < self->argument[1]; i++) {
        fp_hold(&wanted[self->argument[0]], &found, SPINS, self->argument[2]);
        bool same = true;
        for (unsigned q = 0; q < 32; q++) {
            same = same && found.q[q][0] == wanted[self->argument[0]].q[q][0] &&
                   found.q[q][1] == wanted[self->argument[0]].q[q][1];
        }
        self->result[0] += same && found.fpcr == wanted[self->argument[0]].fpcr &&
                           found.fpsr == wanted[self->argument[0]].fpsr;
    }
}

static void threads_hold(uint64_t rounds, uint64_t number) {
    struct helper *helpers[4];
    uint64_t switches = counter(SHEAF_COUNTER_THREAD_SWITCHES);
    for (unsigned i = 0; i < 4; i++) {
        wanted[i] = pattern(i + 1);
        helpers[i] = spawn(hold, LOW_PRIORITY, i, rounds, number);
    }
    for (unsigned i = 0; i < 4; i++) {
        join(helpers[i]);
        CHECK_EQ(helpers[i]->result[0], rounds);
    }
    CHECK(counter(SHEAF_COUNTER_THREAD_SWITCHES) > switches + 4);
}

static void over_yields(void) { threads_hold(500, SHEAF_SYS_YIELD); }
static void over_preemption(void) { threads_hold(5000, 0); }
static void over_system_calls(void) { threads_hold(500, SHEAF_SYS_NULL); }

static void own_state(struct helper *self) {
    struct fp_state found;
    fp_store(&found);
    uint64_t rest = found.fpcr | found.fpsr;
    for (unsigned i = 0; i < 32; i++) {
        rest |= found.q[i][0] | found.q[i][1];
    }
    self->result[0] = rest;
}

// Lets `helper`, of priority 1, run to its end inside YIELDs (one, unless a tick cuts its turn
// short) while `state` is in the registers, and finds it there after each.
static void hold_over(const struct helper *helper, const struct fp_state *state) {
    CHECK_OK(thread_priority(OWN_THREAD, 1, 255, OWN_THREAD));
    for (unsigned i = 0; i < 1000 && !helper->finished; i++) {
        struct fp_state found;
        fp_hold(state, &found, 1, SHEAF_SYS_YIELD);
        CHECK(memcmp(state, &found, sizeof(found)) == 0);
    }
    CHECK(helper->finished);
}

// What others computed does not show in a thread that has just begun.
static void begins_with_zero(void) {
    struct fp_state mine = pattern(9);
    struct helper *helper = spawn(own_state, 1, 0, 0, 0);
    hold_over(helper, &mine);
    CHECK_EQ(helper->result[0], 0);
}

static void spoil(struct helper *self) {
    struct fp_state state;
    struct fp_state found;
    memset(&state, 0xff, sizeof(state));
    state.fpcr = FPCR_WRITABLE;
    state.fpsr = FPSR_WRITABLE;
    fp_hold(&state, &found, 1, 0);
    self->result[0] = found.fpcr;
}

// The main thread's state over a system call in which another thread runs and spoils everything.
static void over_a_switch_inside_a_call(void) {
    struct fp_state before = pattern(3);
    struct helper *helper = spawn(spoil, 1, 0, 0, 0);
    hold_over(helper, &before);
    CHECK_EQ(helper->result[0], FPCR_WRITABLE);
}

static const struct test_case cases[] = {
    {"fp.begins_with_zero", begins_with_zero},
    {"fp.kept_over_yields", over_yields},
    {"fp.kept_over_preemption", over_preemption},
    {"fp.kept_over_system_calls", over_system_calls},
    {"fp.kept_while_another_spoils_it", over_a_switch_inside_a_call},
};

const struct test_area fp_area = TEST_AREA(cases);
