// SPDX-License-Identifier: BSD-2-Clause
// Every pair of operations of src/mmu on two PEs, and triples on three, under all schedules up to a
// number of preemptions. Pairs that enter something as pending also where no entry is free: those
// are called "full ...".
//
//   test_mmu.explore                                   all of it
//   test_mmu.explore replay "unmap_one destroy" "12:1 40:0"   one schedule, with its last events
#include "explore_world.h"
#include <stdio.h>
#include <string.h>

#define PREEMPTIONS_OF_PAIRS 3u
#define PREEMPTIONS_OF_TRIPLES 2u
#define MOST 8u

static const char *const triples[][3] = {
    {"unmap_one", "unmap_table", "replace_one"},
    {"unmap_few", "unmap_table", "replace_one"},
    {"unmap_few", "move_table", "destroy"},
    {"unmap_few", "fault_write", "unmap_record"},
    {"unmap_table", "map_block", "unmap_record"},
    {"unmap_one", "activate", "destroy"},
    {"unmap_one", "move_table", "map_elsewhere"},
    {"unmap_record", "move_table", "unmap_table"},
    {"replace_one", "move_table", "unmap_all"},
    {"unmap_record", "unmap_all", "destroy"},
    {"unmap_record", "unmap_record", "destroy"},
    {"destroy", "destroy", "create"},
    {"destroy", "activate", "create"},
    {"unmap_table", "map_elsewhere", "shrink"},
    {"fault_write", "replace_one", "unmap_table"},
    {"fault_untouched", "unmap_all", "activate"},
    {"unmap_preempted", "replace_one", "destroy"},
    {"complete_record", "unmap_one", "map_block"},
    {"unmap_all", "unmap_keeping_tables", "grow"},
    {"protect_read_only", "age_dirty", "unmap_one"},
    {"protect_read_only", "age_dirty", "move_table"},
    {"age_accessed", "unmap_one", "fault_write"},
    {"age_dirty", "fault_write", "unmap_record"},
    {"move_table", "unmap_record", "unmap_one"},
    {"move_leaf", "unmap_table", "complete_record"},
    {"move_table", "move_leaf", "destroy"},
    {"unmap_deferred", "sync", "replace_one"},
    {"unmap_deferred", "evict_deferred", "sync"},
    {"unmap_deferred", "sync", "sync_forced"},
    {"unmap_deferred", "fault_write", "protect_forced"},
    {"unmap_deferred", "evict", "destroy"},
    {"unmap_deferred", "move_table", "sync"},
    {"evict_deferred", "unmap_record", "sync"},
    {"evict_deferred", "destroy", "create"},
    {"evict", "evict_deferred", "unmap_table"},
    {"evict", "move_leaf", "sync"},
    {"evict_forced", "unmap_table", "map_block"},
    {"unmap_forced", "activate", "destroy"},
    {"unmap_forced", "evict", "replace_one"},
    {"unmap_few", "unmap_deferred", "map_few"},
    {"unmap_few", "evict", "unmap_table"},
    {"defer_twice", "sync_and_unmap", "unmap_one"},
    {"defer_few", "sync_and_unmap", "replace_one"},
};

static const char *const when_full[] = {
    "unmap_one",      "unmap_table",    "unmap_deferred", "replace_one", "unmap_record",
    "evict",          "evict_deferred", "sync",           "defer_twice", "defer_few",
    "sync_and_unmap", "move_table",     "move_leaf",      "destroy",
};

struct named_case {
    char name[96];
    struct explore_case test;
    unsigned preemptions;
};

static uint64_t schedules, steps; // of all cases

static void run_case(void **state) {
    const struct named_case *named = *state;
    struct explore_result result = explore_all(&named->test, named->preemptions, UINT64_MAX);
    print_message("# %s, %lu schedules, %lu steps, %u preemptions, complete %s\n", named->name,
                  (unsigned long)result.schedules, (unsigned long)result.steps, named->preemptions,
                  result.complete ? "yes" : "no");
    schedules += result.schedules;
    steps += result.steps;
    if (result.failed) {
        vmsa_print_events();
        fail_msg("%s: %s", named->name, result.text);
    }
    assert_true(result.complete);
}

static void add(struct named_case *named, const struct world_operation *operation) {
    size_t used = strlen(named->name);
    snprintf(named->name + used, sizeof(named->name) - used, "%s%s", used == 0 ? "" : " ",
             operation->name);
    named->test.operation[named->test.pes++] = operation->run;
}

static struct named_case fresh(unsigned preemptions) {
    return (struct named_case){.test = {.setup = world_setup, .check = world_check},
                               .preemptions = preemptions};
}

static struct named_case fresh_full(unsigned preemptions) {
    struct named_case named = fresh(preemptions);
    named.test.setup = world_setup_full;
    snprintf(named.name, sizeof(named.name), "full");
    return named;
}

static int replay(const char *names, const char *schedule) {
    struct named_case named = fresh(0);
    char list[128];
    snprintf(list, sizeof(list), "%s", names);
    char *name = strtok(list, " ");
    if (name != NULL && strcmp(name, "full") == 0) {
        named = fresh_full(0);
        name = strtok(NULL, " ");
    }
    for (; name != NULL; name = strtok(NULL, " ")) {
        const struct world_operation *operation = world_find(name);
        if (operation == NULL || named.test.pes == MAX_PES) {
            fprintf(stderr, "no operation %s, or too many\n", name);
            return 2;
        }
        add(&named, operation);
    }
    struct explore_result result = explore_replay(&named.test, schedule);
    vmsa_print_events();
    printf("%s: %s\n", named.name, result.failed ? result.text : "nothing found");
    return result.failed;
}

int main(int argc, char **argv) {
    static struct named_case cases[1024];
    static struct CMUnitTest tests[ARRAY_SIZE(cases)];
    unsigned count = 0;
    if (argc == 4 && strcmp(argv[1], "replay") == 0)
        return replay(argv[2], argv[3]);
    for (unsigned a = 0; a < world_operation_count; a++) {
        for (unsigned b = a; b < world_operation_count; b++) {
            cases[count] = fresh(PREEMPTIONS_OF_PAIRS);
            add(&cases[count], &world_operations[a]);
            add(&cases[count++], &world_operations[b]);
        }
    }
    for (unsigned a = 0; a < ARRAY_SIZE(when_full); a++) {
        for (unsigned b = a; b < ARRAY_SIZE(when_full); b++) {
            cases[count] = fresh_full(PREEMPTIONS_OF_PAIRS);
            add(&cases[count], world_find(when_full[a]));
            add(&cases[count++], world_find(when_full[b]));
        }
    }
    for (unsigned i = 0; i < ARRAY_SIZE(triples); i++, count++) {
        cases[count] = fresh(PREEMPTIONS_OF_TRIPLES);
        for (unsigned n = 0; n < 3; n++)
            add(&cases[count], world_find(triples[i][n]));
    }
    for (unsigned i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){cases[i].name, run_case, NULL, NULL, &cases[i]};
    int failures = _cmocka_run_group_tests("mmu.explore", tests, count, NULL, NULL);
    printf("# %u operations, %u cases, %lu schedules, %lu steps, %d incomplete\n",
           world_operation_count, count, (unsigned long)schedules, (unsigned long)steps, failures);
    return failures;
}
