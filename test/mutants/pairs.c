// SPDX-License-Identifier: BSD-2-Clause
// Some pairs of operations under every schedule up to two preemptions: for mutants that only
// another PE notices. test_mmu.explore runs all pairs, with one more.
#include <explore_world.h>
#include <stdio.h>

#define PREEMPTIONS 2u

static const char *const pairs[][2] = {
    {"unmap_one", "unmap_table"},
    {"unmap_one", "unmap_record"},
    {"unmap_one", "replace_one"},
    {"unmap_table", "replace_one"},
    {"unmap_table", "map_elsewhere"},
    {"unmap_table", "map_block"},
    {"unmap_all", "activate"},
    {"unmap_one", "activate"},
    {"destroy", "activate"},
    {"destroy", "unmap_one"},
    {"destroy", "unmap_record"},
    {"destroy", "create"},
    {"destroy", "destroy"},
    {"move_table", "unmap_one"},
    {"move_table", "unmap_record"},
    {"move_leaf", "unmap_table"},
    {"fault_write", "replace_one"},
    {"fault_write", "unmap_table"},
    {"fault_untouched", "unmap_all"},
    {"age_dirty", "fault_write"},
    {"age_accessed", "unmap_one"},
    {"protect_read_only", "unmap_one"},
    {"protect_read_only", "age_dirty"},
    {"complete_record", "unmap_one"},
    {"unmap_preempted", "replace_one"},
};

static void run_pair(void **state) {
    const char *const *names = *state;
    struct explore_case test = {.setup = world_setup, .check = world_check, .pes = 2};
    for (unsigned n = 0; n < 2; n++)
        test.operation[n] = world_find(names[n])->run;
    struct explore_result result = explore_all(&test, PREEMPTIONS, UINT64_MAX);
    if (result.failed)
        fail_msg("%s %s: %s", names[0], names[1], result.text);
    assert_true(result.complete);
}

int pairs_main(int argc, char **argv);

int pairs_main(int argc, char **argv) {
    static struct CMUnitTest tests[ARRAY_SIZE(pairs)];
    static char names[ARRAY_SIZE(pairs)][96];
    (void)argc;
    (void)argv;
    for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++) {
        snprintf(names[i], sizeof(names[i]), "%s %s", pairs[i][0], pairs[i][1]);
        tests[i] = (struct CMUnitTest){names[i], run_pair, NULL, NULL, (void *)pairs[i]};
    }
    return cmocka_run_group_tests_name("pairs", tests, NULL, NULL);
}
