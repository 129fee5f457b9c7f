// SPDX-License-Identifier: BSD-2-Clause
// The machine model notices what breaks the architecture's rules 14 to 19 (docs/verification.md):
// operands of TLBI, ASIDs in them, global entries. The operands here are put together by hand, from
// the manual's fields.
#include "litmus.h"

// The sequence with one operation: whether page 0's leaf is gone.
static bool removes(enum port_tlbi kind, uint64_t operand) {
    clear_leaf();
    vmsa_dsb_ishst();
    vmsa_tlbi(kind, operand);
    vmsa_dsb_ish();
    return !cached();
}

#define TTL(level) ((UINT64_C(4) | (level)) << 44) // 4 KiB granule

static void rule_14_a_hint_without_the_feature(void **state) {
    (void)state;
    bare_tables();
    assert_true(removes(PORT_TLBI_VALE1IS, OPERAND | TTL(3))); // RES0 bits, ignored today
    assert_true(reported_only(VMSA_HINT));
}

static void rule_14_a_wrong_hint_invalidates_nothing(void **state) {
    (void)state;
    for (unsigned level = 1; level <= 3; level++) {
        machine_setup(NULL);
        vmsa_features.ttl = true;
        bare_tables();
        assert_int_equal(removes(PORT_TLBI_VALE1IS, OPERAND | TTL(level)), level == 3);
        assert_int_equal(reported(), 0); // it is no error, it just does nothing
    }
}

static void rule_14_a_hint_where_a_table_went(void **state) {
    (void)state;
    vmsa_features.ttl = true;
    bare_tables();
    vmsa_desc_write(chain[2], 0, DESC(0));
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_VAE1IS, OPERAND | TTL(3));
    vmsa_dsb_ish();
    vmsa_note(PORT_EVENT_TABLE_TAKEN, chain[3].v, LITMUS_ASID);
    assert_true(reported_only(VMSA_TABLE_REUSED));
}

static void rule_14_address_bits_in_the_hint(void **state) {
    (void)state;
    const uint64_t kernel_address = UINT64_C(0xffff000000000000);
    bare_tables();
    vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND | (kernel_address >> 12 & (BIT(48) - 1)));
    assert_true(reported_only(VMSA_HINT));
    assert_true(vmsa_violations(VMSA_HINT) == 1);
}

static void rule_14_an_address_not_shifted_or_shifted_by_more(void **state) {
    (void)state;
    static const unsigned shifts[] = {0, 12, 14, 16};
    const uint64_t page = 6;
    for (unsigned i = 0; i < ARRAY_SIZE(shifts); i++) {
        machine_setup(NULL);
        bare_tables();
        vmsa_desc_write(chain[3], (unsigned)page, DESC(FRAME(2).v | desc_leaf_bits(3, &touched)));
        vmsa_desc_write(chain[3], (unsigned)page, DESC(0));
        vmsa_dsb_ishst();
        vmsa_tlbi(PORT_TLBI_VALE1IS, OPERAND | PAGE(page).v >> shifts[i]);
        vmsa_dsb_ish();
        assert_int_equal(cached_page(page), shifts[i] != 12);
    }
}

// ---- Ranges

#define TG_4K (UINT64_C(1) << 46)
#define RANGE(scale, num, base)                                                                    \
    (OPERAND | TG_4K | (uint64_t)(scale) << 44 | (uint64_t)(num) << 39 | (uint64_t)(base))
#define RANGE_TTL(level) ((uint64_t)(level) << 37)
#define MOST_PAGES 512u

// Pages of chain[3] that the operation takes away, from 512 leaves that were cleared; `first` is
// the first of them. Fails where they are not all neighbours.
static unsigned range_removes(uint64_t operand, unsigned *first) {
    bool features = vmsa_features.range, hints = vmsa_features.ttl;
    unsigned removed = 0, end = 0;
    machine_setup(NULL);
    vmsa_features.range = features;
    vmsa_features.ttl = hints;
    bare_tables();
    for (unsigned i = 1; i < MOST_PAGES; i++)
        vmsa_desc_write(chain[3], i, DESC(FRAME(i).v | desc_leaf_bits(3, &touched)));
    for (unsigned i = 0; i < MOST_PAGES; i++)
        vmsa_desc_write(chain[3], i, DESC(0));
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_RVALE1IS, operand);
    vmsa_dsb_ish();
    for (unsigned i = 0; i < MOST_PAGES; i++) {
        if (cached_page(i))
            continue;
        if (removed++ == 0)
            *first = i;
        else
            assert_int_equal(i, end);
        end = i + 1;
    }
    return removed;
}

static void rule_15_a_range_where_there_are_none(void **state) {
    (void)state;
    unsigned first;
    assert_int_equal(range_removes(RANGE(0, 0, 0), &first), 0);
    assert_true(reported_only(VMSA_OPERAND));
}

static void rule_15_how_far_a_range_reaches(void **state) {
    (void)state;
    static const struct {
        unsigned scale, num, base, pages;
    } cases[] = {{0, 0, 0, 2},    {0, 1, 6, 4},   {0, 31, 64, 64}, {1, 0, 3, 64},
                 {1, 6, 60, 448}, {1, 7, 0, 512}, {0, 0, 511, 1}};
    vmsa_features.range = true;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned first = MOST_PAGES;
        uint64_t operand = RANGE(cases[i].scale, cases[i].num, cases[i].base);
        assert_int_equal(range_removes(operand, &first), cases[i].pages);
        assert_int_equal(first, cases[i].base);
        assert_int_equal(reported(), 0);
    }
}

static void rule_15_another_granule_invalidates_nothing(void **state) {
    (void)state;
    unsigned first;
    vmsa_features.range = true;
    for (uint64_t granule = 0; granule < 4; granule++) {
        uint64_t operand = (RANGE(1, 7, 0) & ~(UINT64_C(3) << 46)) | granule << 46;
        assert_int_equal(range_removes(operand, &first), granule == 1 ? MOST_PAGES : 0);
    }
}

static void rule_15_a_hint_wants_an_aligned_base(void **state) {
    (void)state;
    unsigned first;
    vmsa_features.range = true;
    vmsa_features.ttl = true;
    assert_int_equal(range_removes(RANGE(0, 0, 7) | RANGE_TTL(3), &first), 2);
    assert_int_equal(range_removes(RANGE(0, 0, 7) | RANGE_TTL(2), &first), 0);
    assert_int_equal(range_removes(RANGE(0, 0, 0) | RANGE_TTL(2), &first), 0); // not their level
}

static void rule_15_a_range_over_the_end_of_the_half(void **state) {
    (void)state;
    vmsa_features.range = true;
    bare_tables();
    clear_leaf();
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_RVALE1IS, RANGE(3, 31, USER_HALF_PAGES - 2));
    vmsa_tlbi(PORT_TLBI_RVALE1IS, RANGE(3, 31, USER_HALF_PAGES));
    vmsa_dsb_ish();
    assert_true(cached());
}

static void rule_15_an_odd_page_needs_an_operation_of_its_own(void **state) {
    (void)state;
    unsigned first;
    vmsa_features.range = true;
    // 5 pages: no NUM and SCALE gives an odd number, so 4 leave one behind and 6 hit a neighbour.
    for (unsigned num = 0; num < 32; num++)
        assert_int_equal(range_removes(RANGE(0, num, 0), &first) % 2, 0);
}

// ---- ASIDs and global entries

static void rule_16_the_operand_of_another_asid(void **state) {
    (void)state;
    bare_tables();
    assert_false(removes(PORT_TLBI_VALE1IS, (LITMUS_ASID + 1) << 48));
    vmsa_tlbi(PORT_TLBI_ASIDE1IS, (LITMUS_ASID - 1) << 48);
    vmsa_dsb_ish();
    assert_true(cached());
    assert_int_equal(reported(), 0);
}

static void rule_16_the_port_takes_another_asid(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    vmsa_faults.wrong_asid = true;
    unmap_pages(vspace, 3, 2);
    assert_true(vmsa_violations(VMSA_REMOVAL_INCOMPLETE) > 0);
}

static void rule_16_the_port_takes_another_page(void **state) {
    (void)state;
    struct vspace *vspace = prepared();
    vmsa_faults.next_page = true;
    unmap_pages(vspace, 3, 2);
    assert_true(vmsa_violations(VMSA_REMOVAL_INCOMPLETE) > 0);
}

static void rule_16_upper_bits_where_asids_have_eight(void **state) {
    (void)state;
    bare_tables(); // the machine has 8-bit ASIDs
    assert_true(removes(PORT_TLBI_VALE1IS, OPERAND | BIT(56)));
    assert_true(reported_only(VMSA_OPERAND));
}

static void rule_17_an_asid_read_before_the_store(void **state) {
    (void)state;
    bare_tables();
    clear_leaf();
    // The space moves to ASID 10 before the store is ordered: walkers still find the leaf.
    vmsa_load_root(chain[0].v | (LITMUS_ASID + 1) << 48);
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_ASIDE1IS, OPERAND); // to the old one
    vmsa_dsb_ish();
    assert_true(cached());
    vmsa_tlbi(PORT_TLBI_ASIDE1IS, (LITMUS_ASID + 1) << 48);
    vmsa_dsb_ish();
    assert_false(cached());
}

// Page 1 as a global leaf.
static void global_tables(void) {
    bare_tables();
    uint64_t leaf = FRAME(2).v | desc_leaf_bits(3, &touched);
    vmsa_desc_write(chain[3], 1, DESC(leaf & ~DESC_NOT_GLOBAL));
    vmsa_desc_write(chain[3], 1, DESC(0));
    vmsa_dsb_ishst();
}

static void rule_18_a_global_user_leaf(void **state) {
    (void)state;
    global_tables();
    assert_true(reported_only(VMSA_ATTRIBUTES));
    vmsa_load_root(chain[0].v | (LITMUS_ASID + 1) << 48);
    assert_true(cached_page(1)); // every ASID uses it
    vmsa_tlbi(PORT_TLBI_ASIDE1IS, OPERAND);
    vmsa_tlbi(PORT_TLBI_ASIDE1IS, (LITMUS_ASID + 1) << 48);
    vmsa_dsb_ish();
    assert_true(cached_page(1)); // and no operation by ASID takes it away
}

static void rule_19_global_entries_by_address(void **state) {
    (void)state;
    static const enum port_tlbi kinds[] = {PORT_TLBI_VAAE1IS, PORT_TLBI_VAALE1IS,
                                           PORT_TLBI_VMALLE1IS};
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        machine_setup(NULL);
        global_tables();
        vmsa_tlbi(kinds[i], kinds[i] == PORT_TLBI_VMALLE1IS ? 0 : 1);
        assert_true(cached_page(1)); // not before the barrier
        vmsa_dsb_ish();
        assert_false(cached_page(1));
    }
}

static void rule_19_last_level_only_for_a_table_of_all_asids(void **state) {
    (void)state;
    static const enum port_tlbi kinds[] = {PORT_TLBI_VAALE1IS, PORT_TLBI_VAAE1IS};
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        machine_setup(NULL);
        bare_tables();
        vmsa_desc_write(chain[2], 0, DESC(0));
        vmsa_dsb_ishst();
        vmsa_tlbi(kinds[i], 0);
        vmsa_dsb_ish();
        vmsa_note(PORT_EVENT_TABLE_TAKEN, chain[3].v, LITMUS_ASID);
        assert_int_equal(vmsa_violations(VMSA_TABLE_REUSED), i == 0);
    }
}

// ---- The kernel's own half

#define ALIAS_PAGE (VMSA_KERNEL_HALF >> PAGE_BITS & (BIT(44) - 1))

static paddr_t alias_table; // of level 2

// Tables of the kernel's half, with a block of frames 512 to 1023 as its first alias.
static uint64_t alias_tables(void) {
    const struct leaf_attributes attributes = {.write = true, .accessed = true, .dirty = true};
    uint64_t block = (FRAME(512).v | desc_leaf_bits(2, &attributes)) & ~DESC_NOT_GLOBAL;
    bare_tables();
    paddr_t root = spare_table(), upper = PADDR(root.v + PAGE_BYTES);
    alias_table = PADDR(upper.v + PAGE_BYTES);
    vmsa_desc_write(root, 0, desc_make_table(upper));
    vmsa_desc_write(upper, 0, desc_make_table(alias_table));
    vmsa_desc_write(alias_table, 0, DESC(block));
    vmsa_dsb_ish();
    vmsa_load_kernel_root(root);
    return block;
}

// The alias becomes non-cacheable with these operations in between: what is reported.
static unsigned change_alias(bool invalidated, enum port_tlbi kind, bool completed) {
    machine_setup(NULL);
    uint64_t block = alias_tables();
    vmsa_desc_write(alias_table, 0, DESC(0));
    vmsa_dsb_ishst();
    if (invalidated)
        vmsa_tlbi(kind, ALIAS_PAGE);
    if (completed)
        vmsa_dsb_ish();
    vmsa_isb();
    vmsa_desc_write(alias_table, 0,
                    DESC(block | SHEAF_MEMORY_NON_CACHEABLE << DESC_ATTRIBUTE_SHIFT));
    return vmsa_violations(VMSA_BREAK_BEFORE_MAKE);
}

static void rule_19_a_kernel_alias_changed_without_a_complete_break(void **state) {
    (void)state;
    assert_int_equal(change_alias(true, PORT_TLBI_VAALE1IS, true), 0);
    assert_int_equal(reported(), 0);
    assert_int_equal(change_alias(true, PORT_TLBI_VAAE1IS, true), 0);
    assert_int_equal(change_alias(true, PORT_TLBI_VAALE1IS, false), 1);
    assert_int_equal(change_alias(false, PORT_TLBI_VAALE1IS, true), 1);
    assert_int_equal(change_alias(true, PORT_TLBI_VALE1, true), 1); // this PE only
}

static void rule_19_aliases_are_seen_from_every_space(void **state) {
    (void)state;
    paddr_t addresses[2];
    alias_tables();
    vaddr_t alias = VADDR(VMSA_KERNEL_HALF + 5 * PAGE_BYTES);
    for (unsigned pe = 0; pe < MAX_PES; pe++) {
        assert_int_equal(vmsa_reachable(pe, alias, addresses, 2), 1);
        assert_int_equal(addresses[0].v, FRAME(517).v);
    }
    vmsa_desc_write(alias_table, 0, DESC(0));
    vmsa_dsb_ishst();
    vmsa_tlbi(PORT_TLBI_ASIDE1IS, OPERAND); // no ASID's
    vmsa_dsb_ish();
    assert_int_equal(vmsa_reachable(3, alias, addresses, 2), 1);
    vmsa_tlbi(PORT_TLBI_VAALE1IS, ALIAS_PAGE);
    vmsa_dsb_ish();
    assert_int_equal(vmsa_reachable(3, alias, addresses, 2), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(rule_14_a_hint_without_the_feature, machine_setup),
        cmocka_unit_test(rule_14_a_wrong_hint_invalidates_nothing),
        cmocka_unit_test_setup(rule_14_a_hint_where_a_table_went, machine_setup),
        cmocka_unit_test_setup(rule_14_address_bits_in_the_hint, machine_setup),
        cmocka_unit_test(rule_14_an_address_not_shifted_or_shifted_by_more),
        cmocka_unit_test_setup(rule_15_a_range_where_there_are_none, machine_setup),
        cmocka_unit_test_setup(rule_15_how_far_a_range_reaches, machine_setup),
        cmocka_unit_test_setup(rule_15_another_granule_invalidates_nothing, machine_setup),
        cmocka_unit_test_setup(rule_15_a_hint_wants_an_aligned_base, machine_setup),
        cmocka_unit_test_setup(rule_15_a_range_over_the_end_of_the_half, machine_setup),
        cmocka_unit_test_setup(rule_15_an_odd_page_needs_an_operation_of_its_own, machine_setup),
        cmocka_unit_test_setup(rule_16_the_operand_of_another_asid, machine_setup),
        cmocka_unit_test_setup(rule_16_the_port_takes_another_asid, machine_setup),
        cmocka_unit_test_setup(rule_16_the_port_takes_another_page, machine_setup),
        cmocka_unit_test_setup(rule_16_upper_bits_where_asids_have_eight, machine_setup),
        cmocka_unit_test_setup(rule_17_an_asid_read_before_the_store, machine_setup),
        cmocka_unit_test_setup(rule_18_a_global_user_leaf, machine_setup),
        cmocka_unit_test(rule_19_global_entries_by_address),
        cmocka_unit_test(rule_19_last_level_only_for_a_table_of_all_asids),
        cmocka_unit_test(rule_19_a_kernel_alias_changed_without_a_complete_break),
        cmocka_unit_test_setup(rule_19_aliases_are_seen_from_every_space, machine_setup),
    };
    return cmocka_run_group_tests_name("vmsa.rules_operand", tests, NULL, NULL);
}
