// SPDX-License-Identifier: BSD-2-Clause
// Some pairs of operations under every schedule up to two preemptions: for mutants that only
// another PE notices. test_mmu.explore runs all pairs, with one more.
#include <explore_world.h>
#include <stdio.h>

#define PREEMPTIONS 2u

struct pair {
    const char *first, *second;
    bool unloaded; // no PE has the VSpace loaded at the beginning
};

static const struct pair pairs[] = {
    {"unmap_one", "unmap_table", false},
    {"unmap_one", "unmap_record", false},
    {"unmap_one", "replace_one", false},
    {"unmap_table", "replace_one", false},
    {"unmap_table", "map_elsewhere", false},
    {"unmap_table", "map_block", false},
    {"unmap_one", "activate", true},
    {"unmap_all", "activate", true},
    {"destroy", "activate", false},
    {"destroy", "unmap_one", false},
    {"destroy", "unmap_record", false},
    {"destroy", "create", false},
    {"destroy", "destroy", false},
    {"move_table", "unmap_one", false},
    {"move_table", "unmap_record", false},
    {"move_leaf", "unmap_table", false},
    {"fault_write", "replace_one", false},
    {"fault_write", "unmap_table", false},
    {"fault_untouched", "unmap_all", false},
    {"age_dirty", "fault_write", false},
    {"age_accessed", "unmap_one", false},
    {"protect_read_only", "unmap_one", false},
    {"protect_read_only", "age_dirty", false},
    {"complete_record", "unmap_one", false},
    {"unmap_preempted", "replace_one", false},
};

static void run_pair(void **state) {
    const struct pair *pair = *state;
    const struct explore_case test = {
        .setup = pair->unloaded ? world_setup_unloaded : world_setup,
        .operation = {world_find(pair->first)->run, world_find(pair->second)->run},
        .pes = 2,
        .check = world_check,
    };
    struct explore_result result = explore_all(&test, PREEMPTIONS, UINT64_MAX);
    if (result.failed)
        fail_msg("%s %s: %s", pair->first, pair->second, result.text);
    assert_true(result.complete);
}

int pairs_main(int argc, char **argv);

int pairs_main(int argc, char **argv) {
    static struct CMUnitTest tests[ARRAY_SIZE(pairs)];
    static char names[ARRAY_SIZE(pairs)][96];
    (void)argc;
    (void)argv;
    for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++) {
        snprintf(names[i], sizeof(names[i]), "%s %s", pairs[i].first, pairs[i].second);
        tests[i] = (struct CMUnitTest){names[i], run_pair, NULL, NULL, (void *)&pairs[i]};
    }
    return cmocka_run_group_tests_name("pairs", tests, NULL, NULL);
}
