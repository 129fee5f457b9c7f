// SPDX-License-Identifier: BSD-2-Clause
// Kernel aliases: blocks of the kernel's own map change their memory type, and change it back.
//
// The model judges each change (a break that is not complete before the make), and what the kernel
// does with a block afterwards: by which types it may reach it, on each PE. Races of two PEs are
// explored under every schedule of up to three preemptions.
#include "support.h"

#include <descriptor.h>
#include <explore.h>

#define BLOCK ALIAS_BLOCK_BYTES
#define AT(n) PADDR(VMSA_BASE + (n) * BLOCK)
#define CACHEABLE BIT(SHEAF_MEMORY_NORMAL)
#define UNCACHED BIT(SHEAF_MEMORY_NON_CACHEABLE)
#define MOST UINT64_C(32) // blocks of one batch

static paddr_t root;

static int setup(void **state) {
    (void)state;
    root = machine_init_kernel_half((struct mmu_features){0}, BIT(30));
    return 0;
}

static desc_t leaf_of(uint64_t block) {
    paddr_t lower = PADDR(root.v + 2 * PAGE_BYTES);
    return *((const desc_t *)vmsa_kernel_address(lower) + block);
}

// Types by which any PE's kernel may reach it.
static uint64_t types_of(uint64_t block) {
    uint64_t types = 0;
    for (unsigned pe = 0; pe < MAX_PES; pe++)
        types |= vmsa_types_by_kernel(pe, VADDR(VMSA_KERNEL_HALF + AT(block).v + 0x1000));
    return types;
}

static void assert_types(uint64_t first, uint64_t blocks, uint64_t types) {
    for (uint64_t n = first; n < first + blocks; n++) {
        assert_int_equal(types_of(n), types);
        assert_int_equal(leaf_of(n).v & 3, 1);
    }
}

static void change(uint64_t first, uint64_t blocks) {
    for (uint64_t done = 0; done < blocks * BLOCK;) {
        alias_begin();
        done += alias_break(PADDR(AT(first).v + done), blocks * BLOCK - done);
        alias_end();
    }
}

static void queue(uint64_t first, uint64_t blocks) {
    for (uint64_t done = 0; done < blocks * BLOCK;)
        done += alias_queue(PADDR(AT(first).v + done), blocks * BLOCK - done);
}

static void purge(enum alias_policy policy, uint64_t block) {
    while (alias_wants_purge(policy, AT(block), BLOCK)) {
        alias_begin();
        alias_break_queued();
        alias_end();
    }
}

// ---- One PE

static void a_block_and_back(void **state) {
    (void)state;
    desc_t before = leaf_of(3);
    assert_true(alias_can_change(AT(3), BLOCK));
    assert_false(alias_is_used());
    vmsa_log_reset();
    change(3, 1);
    assert_int_equal(vmsa_log_count(), 1);
    assert_int_equal(vmsa_log()[0].kind, PORT_TLBI_VAALE1IS);
    assert_int_equal(vmsa_log()[0].operand,
                     (VMSA_KERNEL_HALF + AT(3).v) >> 12 & (BIT(44) - 1)); // no ASID, no hint
    assert_int_equal(vmsa_dsb_count(), 3);
    assert_types(3, 1, UNCACHED);
    assert_types(2, 1, CACHEABLE);
    assert_types(4, 1, CACHEABLE);
    assert_true(alias_is_used());
    assert_false(alias_wants_purge(ALIAS_FORCE, PADDR(0), 0));
    queue(3, 1);
    assert_false(alias_is_used());
    assert_types(3, 1, UNCACHED);
    assert_false(alias_wants_purge(ALIAS_NEVER, AT(3), BLOCK));
    assert_true(alias_wants_purge(ALIAS_FORCE, PADDR(0), 0));
    assert_true(alias_wants_purge(ALIAS_IF_NEEDED, AT(3), BLOCK));
    assert_true(alias_wants_purge(ALIAS_IF_NEEDED, PADDR(AT(3).v - 64), 128)); // its first bytes
    assert_true(alias_wants_purge(ALIAS_IF_NEEDED, PADDR(AT(4).v - 64), 128)); // its last ones
    assert_false(alias_wants_purge(ALIAS_IF_NEEDED, PADDR(AT(3).v - 64), 64));
    assert_false(alias_wants_purge(ALIAS_IF_NEEDED, AT(4), BLOCK));
    vmsa_log_reset();
    purge(ALIAS_IF_NEEDED, 3);
    assert_int_equal(vmsa_log_count(), 1);
    assert_int_equal(leaf_of(3).v, before.v);
    assert_types(3, 1, CACHEABLE);
    assert_false(alias_wants_purge(ALIAS_FORCE, PADDR(0), 0));
}

static void a_batch_without_work_has_no_barrier(void **state) {
    (void)state;
    vmsa_log_reset();
    alias_begin();
    alias_end();
    alias_begin();
    alias_break_queued();
    alias_end();
    queue(0, 512);
    assert_int_equal(vmsa_log_count() + vmsa_dsb_count(), 0);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_ALIAS_QUEUED), 0);
}

static void with_every_feature(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct mmu_features features = features_of(seed);
        root = machine_init_kernel_half(features, BIT(30));
        vmsa_log_reset();
        change(8, 3);
        assert_int_equal(vmsa_log_count(), 3 + features.repeat_tlbi);
        assert_int_equal(vmsa_dsb_count(), 3 + features.repeat_tlbi);
        for (size_t i = 0; i < vmsa_log_count(); i++)
            assert_int_equal(vmsa_log()[i].operand >> 44, features.ttl ? 6 : 0); // 4 KiB, level 2
        queue(8, 3);
        purge(ALIAS_FORCE, 0);
        assert_types(8, 3, CACHEABLE);
    }
}

// More blocks than a batch takes, than a slice looks at, and with others between them.
static void many_blocks(void **state) {
    (void)state;
    change(0, 512);
    assert_types(0, 512, UNCACHED);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_ALIAS_CHANGED), 512);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_BATCHES), 512 / MOST);
    for (uint64_t n = 0; n < 512; n += 3)
        queue(n, 1);
    purge(ALIAS_FORCE, 0);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_ALIAS_PURGED), 171);
    for (uint64_t n = 0; n < 512; n++)
        assert_int_equal(types_of(n), n % 3 == 0 ? CACHEABLE : UNCACHED);
    queue(0, 512);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_ALIAS_QUEUED), 512);
    change(100, 200); // kept where they are, changed anew where they are not
    purge(ALIAS_FORCE, 0);
    assert_types(0, 100, CACHEABLE);
    assert_types(100, 200, UNCACHED);
    assert_types(300, 212, CACHEABLE);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_ALIAS_KEPT), 134);
    queue(511, 1);
    queue(100, 200);
    queue(40, 1);
    purge(ALIAS_IF_NEEDED, 299);
    assert_types(0, 512, CACHEABLE);
}

static void a_slice_is_bounded(void **state) {
    (void)state;
    uint64_t reads = vmsa_reads();
    alias_begin();
    assert_int_equal(alias_break(AT(0), 512 * BLOCK), 0);
    alias_end();
    assert_true(vmsa_reads() - reads < 3 * 2 * MOST + 8);
    assert_types(0, MOST, UNCACHED);
    assert_types(MOST, 1, CACHEABLE);
    change(0, 512);
    assert_true(alias_queue(AT(0), 512 * BLOCK) < 512 * BLOCK);
}

// What is no RAM, or not whole, or holds something of the kernel's.
static void what_cannot_be_changed(void **state) {
    (void)state;
    assert_false(alias_can_change(AT(0), BLOCK / 2));
    assert_false(alias_can_change(PADDR(AT(0).v + PAGE_BYTES), BLOCK));
    assert_false(alias_can_change(AT(0), 0));
    assert_false(alias_can_change(PADDR(0), BLOCK));       // no table
    assert_false(alias_can_change(PADDR(BIT(40)), BLOCK)); // neither
    assert_true(alias_can_change(AT(511), BLOCK));
    machine_setup(NULL);
    assert_false(alias_can_change(AT(0), BLOCK)); // no map is known
}

// ---- What the model says of a port that leaves something out

static const struct {
    const char *name;
    struct vmsa_faults faults;
} breaks[] = {
    {"no invalidation", {.drop_tlbi = true}},
    {"no completion", {.drop_dsb_ish = true}},
    {"stores not ordered", {.drop_dsb_ishst = true}},
    {"this PE's TLB only", {.local_only = true}},
};

static void rule_22_a_make_without_a_complete_break(void **state) {
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(breaks); i++) {
        for (unsigned back = 0; back < 2; back++) {
            setup(NULL);
            if (back != 0) {
                change(5, 1);
                queue(5, 1);
            }
            vmsa_expect_violations();
            vmsa_faults = breaks[i].faults;
            back != 0 ? purge(ALIAS_FORCE, 0) : change(5, 1);
            assert_true(vmsa_violations(VMSA_BREAK_BEFORE_MAKE) > 0);
        }
    }
}

static void rule_06_the_completion_is_repeated(void **state) {
    (void)state;
    setup(NULL);
    vmsa_features.repeat_tlbi = true; // which the kernel was not told
    vmsa_expect_violations();
    change(5, 1);
    assert_true(vmsa_violations(VMSA_BREAK_BEFORE_MAKE) > 0);
}

static unsigned reached_between; // breaks after which this PE's kernel could still use the block

// The lock is taken for the break, and then for the make.
static void look_between(enum vmsa_call call, uint64_t a, uint64_t b) {
    (void)a;
    (void)b;
    if (call == VMSA_CALL_LOCK && (leaf_of(5).v & 1) == 0)
        reached_between += vmsa_types_by_kernel(0, VADDR(VMSA_KERNEL_HALF + AT(5).v)) != 0;
}

static void rule_07_a_break_is_one_for_the_own_kernel_too(void **state) {
    (void)state;
    for (unsigned dropped = 0; dropped < 2; dropped++) {
        setup(NULL);
        vmsa_features.late_context = true;
        vmsa_faults.drop_isb = dropped != 0;
        reached_between = 0;
        vmsa_set_hook(look_between);
        change(5, 1);
        vmsa_set_hook(NULL);
        assert_int_equal(reached_between, dropped);
    }
}

static void rule_07_the_kernel_synchronises_its_own_context(void **state) {
    (void)state;
    for (unsigned dropped = 0; dropped < 2; dropped++) {
        setup(NULL);
        vmsa_features.late_context = true;
        vmsa_expect_violations();
        vmsa_faults.drop_isb = dropped != 0;
        change(5, 1);
        vmsa_clean_and_invalidate(AT(5), BLOCK);
        vmsa_kernel_writes(AT(5), PAGE_BYTES);
        assert_int_equal(vmsa_violations(VMSA_MISMATCHED), dropped);
    }
}

// What was made is there for the PE's own next access, too.
static void rule_07_a_make_is_one_for_the_own_kernel_too(void **state) {
    (void)state;
    for (unsigned dropped = 0; dropped < 2; dropped++) {
        setup(NULL);
        vmsa_faults.drop_isb = dropped != 0;
        change(5, 1);
        assert_int_equal(vmsa_may_fault_in_kernel(0), dropped);
    }
}

// ---- Two PEs

static unsigned waits;

static void end_the_first_batch(enum vmsa_call call, uint64_t a, uint64_t b) {
    (void)a;
    (void)b;
    if (call != VMSA_CALL_RELAX)
        return;
    waits++;
    vmsa_set_pe(0);
    alias_end();
}

static void a_second_batch_waits_for_the_first(void **state) {
    (void)state;
    alias_begin();
    alias_break(AT(5), BLOCK);
    waits = 0;
    vmsa_set_pe(1);
    vmsa_set_hook(end_the_first_batch);
    alias_begin();
    vmsa_set_hook(NULL);
    assert_int_equal(waits, 1);
    assert_types(5, 1, UNCACHED);
    alias_end();
}

static const unsigned racing = 2; // blocks, the first ones

static void begin(void) { root = machine_init_kernel_half((struct mmu_features){0}, 4 * BLOCK); }

static void begin_queued(void) {
    begin();
    change(0, racing);
    queue(0, racing);
}

static void begin_without_completion(void) {
    begin_queued();
    vmsa_faults.drop_dsb_ish = true;
}

// A retype to non-cacheable: when it is through the kernel writes there.
static void retype_uncached(void) {
    change(0, racing);
    vmsa_clean_and_invalidate(AT(0), racing * BLOCK);
    vmsa_kernel_writes(AT(0), PAGE_BYTES);
}

// A retype of the next block to cacheable, which is queued or being purged by the other PE.
static void retype_cacheable(void) {
    purge(ALIAS_IF_NEEDED, 0);
    vmsa_kernel_writes(AT(0), PAGE_BYTES);
}

static void purge_all(void) { purge(ALIAS_FORCE, 0); }

static void give_up(void) { queue(0, racing); }

static void uncached_others(void) { change(racing, 1); }

static void all_is_in_order(void) {
    for (uint64_t n = 0; n <= racing; n++) {
        uint64_t types = types_of(n);
        explore_require(types == CACHEABLE || types == UNCACHED, "a block has one type");
        explore_require((leaf_of(n).v & 1) != 0, "a block is in the map");
    }
    queue(0, 3);
    purge(ALIAS_FORCE, 0);
    for (uint64_t n = 0; n <= racing; n++)
        explore_require(types_of(n) == CACHEABLE && (leaf_of(n).v & DESC_QUEUED) == 0,
                        "all can be given back");
    explore_require(!alias_is_used(), "none is left");
}

static const struct {
    const char *name;
    struct explore_case test;
} races[] = {
    {"two retypes of what is queued",
     {begin_queued, {retype_cacheable, retype_cacheable}, 2, NULL}},
    {"a purge while another one runs", {begin_queued, {retype_cacheable, purge_all}, 2, NULL}},
    {"two that change the same", {begin, {retype_uncached, retype_uncached}, 2, NULL}},
    {"changed again while it is purged", {begin_queued, {retype_uncached, purge_all}, 2, NULL}},
    {"deleted while it is changed", {begin, {retype_uncached, give_up}, 2, NULL}},
    {"others changed beside a purge", {begin_queued, {uncached_others, retype_cacheable}, 2, NULL}},
};

static void explored(void **state) {
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(races); i++) {
        struct explore_case test = races[i].test;
        test.check = all_is_in_order;
        struct explore_result result = explore_all(&test, 3, UINT64_MAX);
        print_message("# %s, %lu schedules, %lu steps, 3 preemptions, complete %s\n", races[i].name,
                      (unsigned long)result.schedules, (unsigned long)result.steps,
                      result.complete ? "yes" : "no");
        if (result.failed)
            fail_msg("%s: %s", races[i].name, result.text);
        assert_true(result.complete && result.schedules > 10);
    }
}

// "Someone is purging" is not "it is purged".
static void scenario_4g_a_purge_while_another_one_runs(void **state) {
    (void)state;
    struct explore_case test = {begin_queued, {retype_cacheable, purge_all}, 2, all_is_in_order};
    struct explore_result result = explore_all(&test, 3, UINT64_MAX);
    if (result.failed)
        fail_msg("%s", result.text);
    assert_true(result.complete);
    test.setup = begin_without_completion;
    result = explore_all(&test, 3, UINT64_MAX);
    assert_true(result.failed);
    print_message("# %s\n", result.text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_block_and_back, setup),
        cmocka_unit_test_setup(a_batch_without_work_has_no_barrier, setup),
        cmocka_unit_test(with_every_feature),
        cmocka_unit_test_setup(many_blocks, setup),
        cmocka_unit_test_setup(a_slice_is_bounded, setup),
        cmocka_unit_test_setup(what_cannot_be_changed, setup),
        cmocka_unit_test(rule_22_a_make_without_a_complete_break),
        cmocka_unit_test(rule_06_the_completion_is_repeated),
        cmocka_unit_test(rule_07_a_break_is_one_for_the_own_kernel_too),
        cmocka_unit_test(rule_07_the_kernel_synchronises_its_own_context),
        cmocka_unit_test(rule_07_a_make_is_one_for_the_own_kernel_too),
        cmocka_unit_test_setup(a_second_batch_waits_for_the_first, setup),
        cmocka_unit_test(explored),
        cmocka_unit_test(scenario_4g_a_purge_while_another_one_runs),
    };
    return cmocka_run_group_tests_name("mmu.alias", tests, NULL, NULL);
}
