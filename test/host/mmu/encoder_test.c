// SPDX-License-Identifier: BSD-2-Clause
// The encoder against the manual's layout of TLBI operands, and the planner's decisions.
#include "support.h"

#include <plan.h>
#include <tlbi.h>

static uint64_t field(uint64_t value, unsigned high, unsigned low) {
    return value >> low & ((UINT64_C(1) << (high - low + 1)) - 1);
}

static void address_operand_has_the_fields_of_the_manual(void **state) {
    (void)state;
    // Every single bit of the address and of the ASID, and some mixtures.
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t operand = tlbi_operand_address(ASID(0x5aa5), VADDR(BIT(bit)), TLBI_NO_HINT);
        assert_int_equal(field(operand, 63, 48), 0x5aa5);
        assert_int_equal(field(operand, 47, 44), 0);
        assert_int_equal(field(operand, 43, 0), bit >= 12 && bit <= 55 ? BIT(bit - 12) : 0);
    }
    for (unsigned bit = 0; bit < 16; bit++) {
        uint64_t operand =
            tlbi_operand_address(ASID(BIT(bit)), VADDR(UINT64_C(0xfffffffff000)), TLBI_NO_HINT);
        assert_int_equal(field(operand, 63, 48), BIT(bit));
        assert_int_equal(field(operand, 43, 0), UINT64_C(0xfffffffff));
    }
}

static void kernel_addresses_do_not_reach_the_hint(void **state) {
    (void)state;
    uint64_t operand =
        tlbi_operand_address(ASID(1), VADDR(UINT64_C(0xffff800012345000)), TLBI_NO_HINT);
    assert_int_equal(field(operand, 47, 44), 0);
    assert_int_equal(field(operand, 43, 0), UINT64_C(0xff800012345));
}

static void hint_goes_where_the_manual_has_it(void **state) {
    (void)state;
    uint64_t operand = tlbi_operand_address(ASID(7), VADDR(0x1000), 0x7); // 4 KiB granule, level 3
    assert_int_equal(field(operand, 47, 44), 7);
    assert_int_equal(field(operand, 43, 0), 1);
    assert_int_equal(field(operand, 63, 48), 7);
}

static void asid_operand_has_nothing_but_the_asid(void **state) {
    (void)state;
    for (unsigned asid = 0; asid <= UINT16_MAX; asid++)
        assert_int_equal(tlbi_operand_asid(ASID(asid)), (uint64_t)asid << 48);
}

static void the_next_page_is_one_more(void **state) {
    (void)state;
    uint64_t last = tlbi_operand_address(ASID(3), PAGE(USER_HALF_PAGES - 1), TLBI_NO_HINT);
    uint64_t before = tlbi_operand_address(ASID(3), PAGE(USER_HALF_PAGES - 2), TLBI_NO_HINT);
    assert_int_equal(before + TLBI_NEXT_PAGE, last);
}

static void forms_go_from_least_to_most(void **state) {
    (void)state;
    struct plan_facts facts = {0};
    assert_int_equal(plan_form(&facts), PLAN_NONE);
    facts.operations = 1;
    assert_int_equal(plan_form(&facts), PLAN_LAST_LEVEL);
    facts.tables_freed = true;
    assert_int_equal(plan_form(&facts), PLAN_WALK);
    facts.operations = PLAN_THRESHOLD;
    assert_int_equal(plan_form(&facts), PLAN_WALK);
    facts.operations = PLAN_THRESHOLD + 1;
    assert_int_equal(plan_form(&facts), PLAN_ASID);
    facts = (struct plan_facts){.operations = PLAN_THRESHOLD};
    assert_int_equal(plan_form(&facts), PLAN_LAST_LEVEL);
    facts.foreign = true; // another's levels are not known
    assert_int_equal(plan_form(&facts), PLAN_WALK);
}

static void operations_follow_the_stride(void **state) {
    (void)state;
    assert_int_equal(plan_operations(513, 3), 513);
    assert_int_equal(plan_operations(1, 2), 1); // a part counts as a whole
    assert_int_equal(plan_operations(512, 2), 1);
    assert_int_equal(plan_operations(1024, 2), 2);
    assert_int_equal(plan_operations(GIB_PAGES, 1), 1);
    struct plan_range range = {GIB_PAGES, 3 * TABLE_PAGES, 2, 0};
    struct plan_run run = plan_run(PLAN_WALK, &range);
    assert_int_equal(run.kind, PORT_TLBI_VAE1IS);
    assert_int_equal(run.first, GIB_PAGES);
    assert_int_equal(run.count, 3);
    assert_int_equal(run.step, TABLE_PAGES);
}

static bool contains(const struct plan_range *range, uint64_t page) {
    struct plan_run run = plan_run(PLAN_LAST_LEVEL, range);
    uint64_t offset = page - run.first;
    return page >= run.first && offset % run.step == 0 && offset / run.step < run.count;
}

static void merging_loses_no_address(void **state) {
    (void)state;
    const struct plan_range ranges[] = {
        {0, 1, 3, 0},           {5, 7, 3, 0},      {600, 2, 3, 0},
        {512, 1024, 2, 0},      {2048, 512, 2, 0}, {GIB_PAGES, GIB_PAGES, 1, 0},
        {GIB_PAGES, 512, 2, 0}, {511, 1, 3, 0},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++) {
        for (unsigned j = 0; j < ARRAY_SIZE(ranges); j++) {
            struct plan_range merged = plan_merge(&ranges[i], &ranges[j]);
            for (unsigned k = 0; k < 2; k++) {
                struct plan_run run = plan_run(PLAN_LAST_LEVEL, k == 0 ? &ranges[i] : &ranges[j]);
                for (uint64_t n = 0; n < run.count; n++)
                    assert_true(contains(&merged, run.first + n * run.step));
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address_operand_has_the_fields_of_the_manual),
        cmocka_unit_test(kernel_addresses_do_not_reach_the_hint),
        cmocka_unit_test(hint_goes_where_the_manual_has_it),
        cmocka_unit_test(asid_operand_has_nothing_but_the_asid),
        cmocka_unit_test(the_next_page_is_one_more),
        cmocka_unit_test(forms_go_from_least_to_most),
        cmocka_unit_test(operations_follow_the_stride),
        cmocka_unit_test(merging_loses_no_address),
    };
    return cmocka_run_group_tests_name("mmu.encoder", tests, NULL, NULL);
}
