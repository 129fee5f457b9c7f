// SPDX-License-Identifier: BSD-2-Clause
// Cases of one thread that change no memory: the markers themselves, entry and exit, a signal.
#include "bench.h"

#include <stdio.h>

void announce(const char *name, unsigned id) {
    for (unsigned i = 0; i < RUNS; i++) {
        printf("# region %s %u\n", name, id);
    }
}

static void markers(void) {
    for (unsigned i = 0; i < RUNS; i++) {
        bench_begin(REGION_MARKERS);
        bench_end(REGION_MARKERS);
    }
    announce("markers", REGION_MARKERS);
}

static void null_call(void) {
    uint64_t entries = counter(SHEAF_COUNTER_KERNEL_SYSCALLS);
    for (unsigned i = 0; i < RUNS; i++) {
        struct registers r = {.x = {1, [SHEAF_REG_SYSCALL] = SHEAF_SYS_NULL}};
        bench_begin(REGION_NULL);
        system_call(&r);
        bench_end(REGION_NULL);
        CHECK_OK(r.x[SHEAF_REG_STATUS]);
    }
    CHECK_EQ(counter(SHEAF_COUNTER_KERNEL_SYSCALLS), entries + RUNS + 1);
    announce("null", REGION_NULL);
}

static void signal_nobody(void) {
    sheaf_cptr notification = make(SHEAF_NOTIFICATION, 0);
    for (unsigned i = 0; i < RUNS; i++) {
        sheaf_cptr signaller = badged(notification, SHEAF_RIGHT_WRITE, UINT64_C(1) << i);
        bench_begin(REGION_SIGNAL);
        uint64_t status = signal_bits(signaller);
        bench_end(REGION_SIGNAL);
        CHECK_OK(status);
        struct message m = nb_receive(notification, 0);
        CHECK_OK(m.status);
        CHECK_EQ(m.word[0], UINT64_C(1) << i);
    }
    announce("signal", REGION_SIGNAL);
}

static const struct test_case cases[] = {
    {"markers", markers},
    {"null", null_call},
    {"signal", signal_nobody},
};

const struct test_area kernel_bench_area = TEST_AREA(cases);
