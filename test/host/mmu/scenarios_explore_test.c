// SPDX-License-Identifier: BSD-2-Clause
// The scenarios that need several PEs at once, under every schedule up to a bound; and, where a
// fault of the port takes away what guards one, that the explorer finds it.
#include "explore_world.h"
#include <stdio.h>
#include <string.h>

struct scenario {
    const char *name;
    const char *operations[3]; // the last may be NULL
    struct vmsa_faults fault;  // none: guarded by nothing that the port could leave out
    const char *rule;          // that the fault is found by
};

static const struct scenario scenarios[] = {
    {"scenario_0e_destroyed_while_another_pe_loads_it",
     {"destroy", "activate"},
     {.no_answer = true},
     "(G7)"},
    {"scenario_1b_a_page_under_a_table_that_another_unhooked",
     {"unmap_table", "unmap_one"},
     {.drop_dsb_ish = true},
     "(G1)"},
    {"scenario_2a_a_table_freed_under_a_walk_by_software",
     {"fault_write", "unmap_table"},
     {.open_ranks = 1u << LOCK_VSPACE},
     "software walk"},
    {"scenario_2a_a_chunk_given_away_under_a_walk_by_software",
     {"fault_write", "unmap_table", "shrink"},
     {0},
     NULL},
    {"scenario_2f_destroyed_while_gathers_on_it_run",
     {"unmap_one", "unmap_record", "destroy"},
     {.open_ranks = 1u << LOCK_ASID},
     "given back"},
    {"scenario_3e_the_pager_unmaps_and_the_frame_is_deleted",
     {"unmap_one", "unmap_record"},
     {.drop_dsb_ishst = true},
     "(G1)"},
    {"scenario_4f_a_pe_waits_for_a_lock_that_a_gather_holds",
     {"replace_one", "unmap_table", "destroy"},
     {0},
     NULL},
    {"scenario_4g_a_completion_while_another_one_runs",
     {"complete_record", "complete_record", "unmap_one"},
     {.drop_tlbi = true},
     "(G1)"},
};

static const struct scenario *current;

static void setup(void) {
    world_setup();
    vmsa_faults = current->fault;
}

static struct explore_result explore_scenario(const struct scenario *scenario, unsigned *pes) {
    struct explore_case test = {.setup = setup, .check = world_check};
    current = scenario;
    while (test.pes < ARRAY_SIZE(scenario->operations) && scenario->operations[test.pes] != NULL) {
        test.operation[test.pes] = world_find(scenario->operations[test.pes])->run;
        test.pes++;
    }
    *pes = test.pes;
    return explore_all(&test, test.pes == 2 ? 3 : 2, UINT64_MAX);
}

static void holds(void **state) {
    const struct scenario *scenario = *state;
    struct scenario sound = *scenario;
    unsigned pes;
    sound.fault = (struct vmsa_faults){0};
    struct explore_result result = explore_scenario(&sound, &pes);
    if (result.failed)
        fail_msg("%s", result.text);
    assert_true(result.complete && result.schedules > pes);
    if (scenario->rule == NULL)
        return;
    result = explore_scenario(scenario, &pes);
    assert_true(result.failed);
    print_message("# %s: %s\n", scenario->name, result.text);
    assert_non_null(strstr(result.text, scenario->rule));
}

// ---- Waiting in vain is found too

static struct lock held;
static bool come;

static void build(void) {
    machine_setup(NULL);
    lock_init(&held, LOCK_OBJECT);
    come = false;
}

static void wait_with_a_lock(void) {
    lock_acquire(&held);
    while (!come)
        port_relax();
    lock_release(&held);
}

static void come_behind_the_lock(void) {
    lock_acquire(&held);
    come = true;
    lock_release(&held);
}

static void scenario_4f_a_wait_in_vain_is_found(void **state) {
    (void)state;
    struct explore_case test = {
        .setup = build,
        .operation = {wait_with_a_lock, come_behind_the_lock},
        .pes = 2,
    };
    struct explore_result result = explore_all(&test, 3, UINT64_MAX);
    assert_true(result.failed);
    assert_non_null(strstr(result.text, "wait"));
}

int main(void) {
    static struct CMUnitTest tests[ARRAY_SIZE(scenarios) + 1];
    for (unsigned i = 0; i < ARRAY_SIZE(scenarios); i++)
        tests[i] = (struct CMUnitTest){scenarios[i].name, holds, NULL, NULL, (void *)&scenarios[i]};
    tests[ARRAY_SIZE(scenarios)] =
        (struct CMUnitTest)cmocka_unit_test(scenario_4f_a_wait_in_vain_is_found);
    return cmocka_run_group_tests_name("mmu.scenarios_explore", tests, NULL, NULL);
}
