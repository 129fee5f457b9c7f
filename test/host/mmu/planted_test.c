// SPDX-License-Identifier: BSD-2-Clause
// The explorer finds races that are planted, says by which rule, and its schedule shows them again.
//
//   test_mmu.planted       all of them
//   test_mmu.planted NAME  one; prints the events that lead to it
#include "explore_world.h"
#include "planted.h"
#include <stdio.h>
#include <string.h>

#define PREEMPTIONS 3u

struct planted_race {
    const char *name;
    const char *operations[3]; // the last may be NULL
    enum planted race;
    bool unloaded; // no PE has the VSpace loaded at the beginning
    const char *rule;
};

static const struct planted_race races[] = {
    {"planted_help_skipped_is_found",
     {"unmap_one", "replace_one"},
     PLANTED_HELP_SKIPPED,
     false,
     "break-before-make"},
    {"planted_ticket_ignored_is_found",
     {"unmap_one", "unmap_table"},
     PLANTED_TICKET_IGNORED,
     false,
     "(G1)"},
    {"planted_weak_help_is_found", {"unmap_one", "unmap_one"}, PLANTED_WEAK_HELP, false, "(G1)"},
    {"planted_early_mask_is_found", {"unmap_one", "activate"}, PLANTED_EARLY_MASK, true, "(G1)"},
    {"planted_pin_skipped_is_found",
     {"unmap_one", "unmap_record", "destroy"},
     PLANTED_PIN_SKIPPED,
     false,
     "given back"},
    {"planted_no_answer_is_found", {"activate", "destroy"}, PLANTED_NO_ANSWER, false, "given back"},
    {"planted_open_asid_lock_is_found",
     {"unmap_record", "destroy"},
     PLANTED_OPEN_ASID_LOCK,
     false,
     "given back"},
};
_Static_assert(ARRAY_SIZE(races) == PLANTED_RACES - 1, "each race has its case");

static const struct planted_race *current;

static void setup(void) {
    plant(PLANTED_NONE);
    if (current->unloaded)
        world_setup_unloaded();
    else
        world_setup();
    plant(current->race);
}

static struct explore_case case_of(const struct planted_race *race) {
    struct explore_case test = {
        .setup = setup,
        .check = world_check,
    };
    current = race;
    while (test.pes < ARRAY_SIZE(race->operations) && race->operations[test.pes] != NULL) {
        test.operation[test.pes] = world_find(race->operations[test.pes])->run;
        test.pes++;
    }
    return test;
}

static void is_found(void **state) {
    const struct planted_race *race = *state;
    struct explore_case test = case_of(race);
    struct explore_result found = explore_all(&test, PREEMPTIONS, UINT64_MAX);
    print_message("# %s: %lu schedules, %s\n", race->name, (unsigned long)found.schedules,
                  found.failed ? found.text : "not found");
    assert_true(found.failed);
    assert_non_null(strstr(found.text, race->rule));
    // The same schedule shows it again, and nothing without the race.
    const char *schedule = strchr(strstr(found.text, "schedule \""), '"') + 1;
    struct explore_result again = explore_replay(&test, schedule);
    assert_true(again.failed);
    assert_string_equal(again.text, found.text);
    struct planted_race sound = *race;
    sound.race = PLANTED_NONE;
    test = case_of(&sound);
    struct explore_result without = explore_replay(&test, schedule);
    if (without.failed)
        fail_msg("without the race: %s", without.text);
}

static int show(const char *name) {
    for (unsigned i = 0; i < ARRAY_SIZE(races); i++) {
        if (strcmp(races[i].name, name) != 0)
            continue;
        struct explore_case test = case_of(&races[i]);
        struct explore_result found = explore_all(&test, PREEMPTIONS, UINT64_MAX);
        vmsa_print_events();
        printf("%s: %s\n", name, found.failed ? found.text : "not found");
        return found.failed ? 0 : 1;
    }
    fprintf(stderr, "no planted race %s\n", name);
    return 2;
}

int main(int argc, char **argv) {
    static struct CMUnitTest tests[ARRAY_SIZE(races)];
    if (argc == 2)
        return show(argv[1]);
    for (unsigned i = 0; i < ARRAY_SIZE(races); i++)
        tests[i] = (struct CMUnitTest){races[i].name, is_found, NULL, NULL, (void *)&races[i]};
    return _cmocka_run_group_tests("mmu.planted", tests, ARRAY_SIZE(tests), NULL, NULL);
}
