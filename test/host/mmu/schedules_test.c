// SPDX-License-Identifier: BSD-2-Clause
// Random schedules of random operations, beyond the bound that the explorer goes to: two to four
// PEs, one to three operations each, all drawn from one number.
//
//   test_mmu.schedules               100,000, from seed 1 on (./scripts/test schedules: a million)
//   test_mmu.schedules FIRST COUNT   these seeds; with COUNT 1 the last events are printed
#include "explore_world.h"
#include <stdio.h>
#include <stdlib.h>

#define SEEDS UINT64_C(100000)
#define PARTS 20u
#define MOST_OPERATIONS 3u
#define MOST_PES 4u

static struct {
    unsigned operations[MOST_PES][MOST_OPERATIONS];
    unsigned count[MOST_PES];
} drawn;

static uint64_t first_seed = 1, seeds = SEEDS;

static void run_drawn(void) {
    unsigned pe = vmsa_pe();
    for (unsigned i = 0; i < drawn.count[pe]; i++)
        world_operations[drawn.operations[pe][i]].run();
}

static struct explore_case draw_case(uint64_t seed) {
    struct explore_case test = {.setup = world_setup, .check = world_check};
    world_features = features_of(seed);
    uint64_t random = seed * UINT64_C(0xbf58476d1ce4e5b9) + UINT64_C(0x94d049bb133111eb);
    if ((random >> 56) % 8 == 0)
        test.setup = world_setup_full;
    test.pes = 2 + (unsigned)(random >> 60) % (MOST_PES - 1);
    for (unsigned pe = 0; pe < test.pes; pe++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t bits = random >> 24;
        test.operation[pe] = run_drawn;
        drawn.count[pe] = 1 + (unsigned)(bits % MOST_OPERATIONS);
        for (unsigned i = 0; i < MOST_OPERATIONS; i++) {
            bits /= world_operation_count;
            drawn.operations[pe][i] = (unsigned)(bits % world_operation_count);
        }
    }
    return test;
}

static void print_case(const struct explore_case *test) {
    for (unsigned pe = 0; pe < test->pes; pe++) {
        fprintf(stderr, "# PE %u:", pe);
        for (unsigned i = 0; i < drawn.count[pe]; i++)
            fprintf(stderr, " %s", world_operations[drawn.operations[pe][i]].name);
        fprintf(stderr, "\n");
    }
}

static void random_schedules(void **state) {
    uint64_t part = *(const uint64_t *)*state;
    uint64_t from = first_seed + part * seeds / PARTS, to = first_seed + (part + 1) * seeds / PARTS;
    uint64_t steps = 0;
    for (uint64_t seed = from; seed < to; seed++) {
        struct explore_case test = draw_case(seed);
        struct explore_result result = explore_random(&test, seed);
        steps += result.steps;
        if (!result.failed)
            continue;
        vmsa_print_events();
        print_case(&test);
        fail_msg("seed %lu: %s", (unsigned long)seed, result.text);
    }
    print_message("# random, %lu schedules from seed %lu, %lu steps\n", (unsigned long)(to - from),
                  (unsigned long)from, (unsigned long)steps);
    assert_true(steps > 0);
}

static int show(uint64_t seed) {
    struct explore_case test = draw_case(seed);
    struct explore_result result = explore_random(&test, seed);
    vmsa_print_events();
    print_case(&test);
    printf("seed %lu: %s\n", (unsigned long)seed, result.failed ? result.text : "nothing found");
    return result.failed;
}

int main(int argc, char **argv) {
    static struct CMUnitTest tests[PARTS];
    static uint64_t parts[PARTS];
    static char names[PARTS][64];
    if (argc == 3) {
        first_seed = strtoull(argv[1], NULL, 0);
        seeds = strtoull(argv[2], NULL, 0);
        if (seeds == 1)
            return show(first_seed);
    }
    for (unsigned i = 0; i < PARTS; i++) {
        parts[i] = i;
        snprintf(names[i], sizeof(names[i]), "random_schedules_from_seed_%lu",
                 (unsigned long)(first_seed + i * seeds / PARTS));
        tests[i] = (struct CMUnitTest){names[i], random_schedules, NULL, NULL, &parts[i]};
    }
    return cmocka_run_group_tests_name("mmu.schedules", tests, NULL, NULL);
}
