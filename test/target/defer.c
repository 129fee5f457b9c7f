// SPDX-License-Identifier: BSD-2-Clause
// DEFER, SYNC and FORCE: what may wait, who cannot be deceived by it, and what is counted.
//
// On the kernel under QEMU these show that the old page is out of reach when it must be. That no
// barrier is missing is shown by the machine model (test/host/core/evict_test.c).
#include "child.h"
#include "harness.h"

#define TOUCHED (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)
#define SECRET 0x5ec2e7

static sheaf_cptr page(void) { return make(SHEAF_FRAME, SHEAF_PAGE_BITS); }

static struct gathered gather_with(uint64_t flags, struct sheaf_gather_op op) {
    own_buffer()->ops[0] = op;
    return gather(1, flags);
}

// Neither invalidates nor waits.
static void defer(struct sheaf_gather_op op, uint64_t leaves) {
    uint64_t barriers = counter(SHEAF_COUNTER_DSB_ISH) + counter(SHEAF_COUNTER_DSB_ISHST);
    uint64_t deferred = counter(SHEAF_COUNTER_GATHER_DEFERRED);
    struct gathered g = gather_with(SHEAF_GATHER_DEFER, op);
    CHECK_OK(g.status);
    CHECK_EQ(g.leaves, leaves);
    CHECK_EQ(g.tables + g.tlbi + g.dsb + g.batches, 0);
    CHECK_EQ(counter(SHEAF_COUNTER_DSB_ISH) + counter(SHEAF_COUNTER_DSB_ISHST), barriers);
    CHECK_EQ(counter(SHEAF_COUNTER_GATHER_DEFERRED), deferred + 1);
}

// A page that the agent has written, by now deferred.
static void defer_page(struct agent *agent, sheaf_cptr frame) {
    agent_map(agent, CHILD_FREE, frame, ALL_ACCESS, TOUCHED);
    agent_result(agent, AGENT_WRITE, CHILD_FREE, SECRET);
    defer(unmap_op(agent->child.vspace, CHILD_FREE, 1, 0), 1);
}

static void fault_at(struct agent *agent, uint64_t va) {
    agent_page_fault(agent, AGENT_READ, va, SHEAF_ACCESS_READ);
    agent_page_fault(agent, AGENT_WRITE, va, SHEAF_ACCESS_WRITE);
}

static uint64_t released(void) { return counter(SHEAF_COUNTER_GATHER_RELEASED); }

// ---- Release points

static void synced_by(struct agent agent) {
    defer_page(&agent, page());
    uint64_t before = released();
    struct gathered g = must_gather(sync_op(agent.child.vspace));
    CHECK_EQ(g.leaves, 0);
    CHECK_EQ(g.tlbi, 1);
    CHECK_EQ(g.dsb, 2);
    CHECK_EQ(released(), before + 1);
    fault_at(&agent, CHILD_FREE);
    g = must_gather(sync_op(agent.child.vspace)); // nothing is pending any more
    CHECK_EQ(g.tlbi + g.dsb, 0);
}

WITH_BOTH_AGENTS(synced, synced_by)

static void evicted_and_synced_by(struct agent agent) {
    sheaf_cptr frame = page();
    agent_map(&agent, CHILD_FREE, frame, ALL_ACCESS, TOUCHED);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE, SECRET);
    defer(evict_op(frame, 1, SHEAF_OP_REPORT), 1);
    CHECK_EQ(own_buffer()->results[0], SHEAF_REPORT_ACCESSED | SHEAF_REPORT_DIRTY);
    CHECK_EQ(must_gather(sync_op(agent.child.vspace)).tlbi, 1);
    fault_at(&agent, CHILD_FREE);
}

WITH_BOTH_AGENTS(evicted_and_synced, evicted_and_synced_by)

// Scenario 4-a: another page where the deferred one was.
static void scenario_4a_range_mapped_anew_by(struct agent agent) {
    defer_page(&agent, page());
    uint64_t before = released();
    agent_map(&agent, CHILD_FREE, page(), ALL_ACCESS, TOUCHED);
    CHECK_EQ(released(), before + 1);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE, 0), 0);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE, 0x22);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE, 0), 0x22);
}

WITH_BOTH_AGENTS(scenario_4a_range_mapped_anew, scenario_4a_range_mapped_anew_by)

// Scenario 4-b: the same capability somewhere else, here in another VSpace.
static void scenario_4b_capability_mapped_anew_by(struct agent agent) {
    sheaf_cptr frame = page();
    defer_page(&agent, frame);
    uint64_t before = released();
    volatile uint64_t *at = map_here(frame, SHEAF_PAGE_BITS, ALL_ACCESS);
    CHECK_EQ(released(), before + 1);
    CHECK_EQ(*at, SECRET);
    *at = 0x33;
    fault_at(&agent, CHILD_FREE);
    CHECK_EQ(*at, 0x33);
}

WITH_BOTH_AGENTS(scenario_4b_capability_mapped_anew, scenario_4b_capability_mapped_anew_by)

static void check_reused(struct agent *agent, sheaf_cptr memory) {
    CHECK_EQ(untyped_info(memory).left, PAGE);
    volatile uint64_t *at =
        map_here(make_from(memory, SHEAF_FRAME, SHEAF_PAGE_BITS), SHEAF_PAGE_BITS, ALL_ACCESS);
    CHECK_EQ(*at, 0);
    *at = 0x44;
    fault_at(agent, CHILD_FREE);
    CHECK_EQ(*at, 0x44);
}

// Scenario 4-b: the capability goes, and its memory becomes something else.
static void scenario_4b_memory_used_anew_by(struct agent agent) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, SHEAF_PAGE_BITS);
    sheaf_cptr frame = make_from(memory, SHEAF_FRAME, SHEAF_PAGE_BITS);
    defer_page(&agent, frame);
    uint64_t before = released();
    CHECK_OK(cnode_delete(ROOT, frame));
    CHECK_EQ(released(), before + 1);
    check_reused(&agent, memory);
}

WITH_BOTH_AGENTS(scenario_4b_memory_used_anew, scenario_4b_memory_used_anew_by)

static void scenario_4b_memory_revoked_by(struct agent agent) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, SHEAF_PAGE_BITS);
    defer_page(&agent, make_from(memory, SHEAF_FRAME, SHEAF_PAGE_BITS));
    uint64_t before = released();
    CHECK_OK(cnode_revoke(ROOT, memory));
    CHECK_EQ(released(), before + 1);
    check_reused(&agent, memory);
}

WITH_BOTH_AGENTS(scenario_4b_memory_revoked, scenario_4b_memory_revoked_by)

// An EVICT that is not deferred promises that nothing can be reached any more.
static void evicted_for_good_by(struct agent agent) {
    sheaf_cptr frame = page();
    defer_page(&agent, frame);
    struct gathered g = must_gather(evict_op(frame, 1, 0));
    CHECK_EQ(g.leaves, 0);
    CHECK(g.tlbi != 0);
    fault_at(&agent, CHILD_FREE);
}

WITH_BOTH_AGENTS(evicted_for_good, evicted_for_good_by)

// The VSpace goes while something in it is deferred, and another takes its memory.
static void scenario_4b_vspace_destroyed(void) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, SHEAF_CHUNK_BITS), frame = page();
    for (unsigned i = 0; i < 3; i++) {
        sheaf_cptr vspace = make_from(memory, SHEAF_VSPACE, 0);
        must_gather(map_op(vspace, CHILD_FREE, 1, frame, 1, ALL_ACCESS, TOUCHED));
        defer(unmap_op(vspace, CHILD_FREE, 1, 0), 1);
        CHECK_OK(cnode_delete(ROOT, vspace));
        CHECK_EQ(untyped_info(memory).left, UINT64_C(1) << SHEAF_CHUNK_BITS);
    }
}

// Scenario 4-c: a table that a deferred UNMAP empties stays until another finds it.
static void scenario_4c_tables_are_kept(void) {
    sheaf_cptr vspace = make_vspace(1);
    must_gather(map_op(vspace, CHILD_FREE, 1, page(), 1, ALL_ACCESS, TOUCHED));
    uint64_t used = vspace_info(vspace).used;
    defer(unmap_op(vspace, CHILD_FREE, TABLE_PAGES, 0), 1);
    CHECK_EQ(vspace_info(vspace).used, used);
    struct gathered g = must_gather(unmap_op(vspace, CHILD_FREE, TABLE_PAGES, 0));
    CHECK_EQ(g.leaves, 0);
    CHECK_EQ(g.tables, 1);
    CHECK_EQ(vspace_info(vspace).used, used - 1);
}

// Eight wait at most; the ninth completes the oldest.
static void one_more_than_can_wait_by(struct agent agent) {
    enum { WAITING = 8 };
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, WAITING + 1);
    map_frames(agent.child.vspace, CHILD_FREE, first, WAITING + 1, ALL_ACCESS, TOUCHED);
    agent_result(&agent, AGENT_SUM, CHILD_FREE, WAITING + 1);
    for (unsigned i = 0; i < WAITING; i++) {
        defer(unmap_op(agent.child.vspace, CHILD_FREE + i * PAGE, 1, 0), 1);
    }
    uint64_t before = released();
    struct gathered g = gather_with(
        SHEAF_GATHER_DEFER, unmap_op(agent.child.vspace, CHILD_FREE + WAITING * PAGE, 1, 0));
    CHECK_OK(g.status);
    CHECK_EQ(g.tlbi, 1);
    CHECK_EQ(released(), before + 1);
    fault_at(&agent, CHILD_FREE);
    g = must_gather(sync_op(agent.child.vspace));
    CHECK_EQ(g.dsb, 2);
    CHECK_EQ(released(), before + 1 + WAITING);
    for (unsigned i = 0; i <= WAITING; i++) {
        fault_at(&agent, CHILD_FREE + i * PAGE);
    }
}

WITH_BOTH_AGENTS(one_more_than_can_wait, one_more_than_can_wait_by)

// One SYNC after the other shares the barriers.
static void two_vspaces_synced_at_once(void) {
    struct agent agent = new_agent();
    uint64_t place = new_place(PAGE);
    sheaf_cptr frame = page();
    must_gather(map_op(OWN_VSPACE, place, 1, frame, 1, ALL_ACCESS, TOUCHED));
    *(volatile uint64_t *)place = 1;
    defer(unmap_op(OWN_VSPACE, place, 1, 0), 1);
    defer_page(&agent, page());
    own_buffer()->ops[0] = sync_op(OWN_VSPACE);
    own_buffer()->ops[1] = sync_op(agent.child.vspace);
    struct gathered g = gather(2, 0);
    CHECK_OK(g.status);
    CHECK_EQ(g.tlbi, 2);
    CHECK_EQ(g.dsb, 2);
    CHECK_EQ(g.batches, 1);
    fault_at(&agent, CHILD_FREE);
}

// ---- FORCE

static uint64_t invalidations(void) {
    return counter(SHEAF_COUNTER_TLBI_VAE1IS) + counter(SHEAF_COUNTER_TLBI_VALE1IS) +
           counter(SHEAF_COUNTER_TLBI_RVAE1IS) + counter(SHEAF_COUNTER_TLBI_RVALE1IS) +
           counter(SHEAF_COUNTER_TLBI_ASIDE1IS);
}

static void force(struct sheaf_gather_op op, uint64_t leaves) {
    uint64_t before = invalidations(), forced = counter(SHEAF_COUNTER_GATHER_FORCED);
    struct gathered g = gather_with(SHEAF_GATHER_FORCE, op);
    CHECK_OK(g.status);
    CHECK_EQ(g.leaves, leaves);
    CHECK(g.tlbi != 0);
    CHECK_EQ(g.dsb, 2);
    CHECK_EQ(invalidations(), before + g.tlbi);
    CHECK_EQ(counter(SHEAF_COUNTER_GATHER_FORCED), forced + 1);
}

// Where nothing was found, was never accessed, and in a VSpace that no PE ever loaded.
static void forced(void) {
    sheaf_cptr vspace = make_vspace(1), frame = page();
    force(unmap_op(vspace, CHILD_FREE, 3, 0), 0);
    force(map_op(vspace, CHILD_FREE, 1, frame, 1, ALL_ACCESS, SHEAF_OP_ACCESSED), 1);
    force(protect_op(vspace, CHILD_FREE, 1, SHEAF_MAP_READ, 0), 1);
    force(age_op(vspace, CHILD_FREE, 1, SHEAF_OP_ACCESSED), 1);
    force(evict_op(frame, 1, 0), 1);
    force(evict_op(frame, 1, 0), 0); // the place that the record names
    uint64_t whole = counter(SHEAF_COUNTER_TLBI_ASIDE1IS);
    force(sync_op(vspace), 0);
    CHECK_EQ(counter(SHEAF_COUNTER_TLBI_ASIDE1IS), whole + 1);
}

// ---- Errors

static void refused(uint64_t flags, struct sheaf_gather_op op, enum sheaf_error error, int line) {
    struct gathered g = gather_with(flags, op);
    check_status(g.status, error, "gather", __FILE__, line);
    CHECK_EQ(g.index, 0);
    CHECK_EQ(g.leaves, 0);
}

#define CHECK_REFUSED(flags, op, error) refused(flags, op, SHEAF_ERR_##error, __LINE__)

static void nothing_else_is_deferred(void) {
    sheaf_cptr vspace = make_vspace(2), frame = page(), other = page();
    must_gather(map_op(vspace, CHILD_FREE, 1, frame, 1, ALL_ACCESS, TOUCHED));
    uint64_t deferred = counter(SHEAF_COUNTER_GATHER_DEFERRED);
    const struct sheaf_gather_op ops[] = {
        map_op(vspace, CHILD_FREE + PAGE, 1, other, 1, ALL_ACCESS, 0),
        protect_op(vspace, CHILD_FREE, 1, SHEAF_MAP_READ, 0),
        move_op(vspace, CHILD_FREE, 1, CHILD_FREE + BLOCK, frame),
        age_op(vspace, CHILD_FREE, 1, SHEAF_OP_ACCESSED),
        sync_op(vspace),
    };
    for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        CHECK_REFUSED(SHEAF_GATHER_DEFER, ops[i], UNKNOWN_FLAG);
        own_buffer()->ops[1] = ops[i];
        CHECK_OK(gather_with(SHEAF_GATHER_DEFER, unmap_op(vspace, 0, 1, 0)).status);
        struct gathered g = gather(2, SHEAF_GATHER_DEFER); // behind one that is
        CHECK_ERROR(g.status, UNKNOWN_FLAG);
        CHECK_EQ(g.index, 1);
    }
    CHECK_EQ(counter(SHEAF_COUNTER_GATHER_DEFERRED), deferred);
    uint64_t va, pages;
    CHECK(frame_mapping(frame, &va, &pages) && va == CHILD_FREE);
    CHECK(!frame_mapping(other, &va, &pages));
}

static void policies_exclude_each_other(void) {
    sheaf_cptr vspace = make_vspace(1), frame = page();
    must_gather(map_op(vspace, CHILD_FREE, 1, frame, 1, ALL_ACCESS, TOUCHED));
    uint64_t both = SHEAF_GATHER_DEFER | SHEAF_GATHER_FORCE, va, pages;
    CHECK_REFUSED(both, unmap_op(vspace, CHILD_FREE, 1, 0), INVALID_ARGUMENT);
    CHECK_REFUSED(both, evict_op(frame, 1, 0), INVALID_ARGUMENT);
    CHECK_REFUSED(both, sync_op(vspace), INVALID_ARGUMENT);
    CHECK_REFUSED(both | SHEAF_GATHER_REPLY_RECV, sync_op(vspace), INVALID_ARGUMENT);
    CHECK(frame_mapping(frame, &va, &pages));
}

static void bad_syncs(void) {
    sheaf_cptr vspace = make_vspace(1);
    CHECK_REFUSED(0, sync_op(0), INVALID_CAPABILITY);
    CHECK_REFUSED(0, sync_op(new_slot()), INVALID_CAPABILITY);
    CHECK_REFUSED(0, sync_op(page()), WRONG_TYPE);
    for (unsigned bit = 0; bit < 16; bit++) {
        struct sheaf_gather_op op = sync_op(vspace);
        op.word[0] |= UINT64_C(1) << (16 + bit);
        CHECK_REFUSED(0, op, UNKNOWN_FLAG);
    }
    for (unsigned word = 0; word < SHEAF_GATHER_OP_WORDS; word++) {
        struct sheaf_gather_op op = sync_op(vspace);
        op.word[word] |= word == 0 ? UINT64_C(1) << 8 : PAGE;
        if (word != 1) {
            CHECK_REFUSED(0, op, INVALID_ARGUMENT);
        }
    }
}

// The first of them stands, and waits.
static void error_behind_a_deferred_one(void) {
    struct agent agent = new_agent();
    agent_map(&agent, CHILD_FREE, page(), ALL_ACCESS, TOUCHED);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE, SECRET);
    own_buffer()->ops[0] = unmap_op(agent.child.vspace, CHILD_FREE, 1, 0);
    own_buffer()->ops[1] = unmap_op(agent.child.vspace, CHILD_FREE + 1, 1, 0);
    struct gathered g = gather(2, SHEAF_GATHER_DEFER);
    CHECK_ERROR(g.status, MISALIGNED);
    CHECK_EQ(g.index, 1);
    CHECK_EQ(g.leaves, 1);
    CHECK_EQ(g.tlbi + g.dsb, 0);
    CHECK_EQ(must_gather(sync_op(agent.child.vspace)).tlbi, 1);
    fault_at(&agent, CHILD_FREE);
}

#define BOTH(name, function)                                                                       \
    {"gather.defer." name, function}, { "gather.defer." name ".beside", function##_beside }

static const struct test_case cases[] = {
    BOTH("synced", synced),
    BOTH("evicted_and_synced", evicted_and_synced),
    BOTH("scenario_4a_range_mapped_anew", scenario_4a_range_mapped_anew),
    BOTH("scenario_4b_capability_mapped_anew", scenario_4b_capability_mapped_anew),
    BOTH("scenario_4b_memory_used_anew", scenario_4b_memory_used_anew),
    BOTH("scenario_4b_memory_revoked", scenario_4b_memory_revoked),
    BOTH("evicted_for_good", evicted_for_good),
    BOTH("one_more_than_can_wait", one_more_than_can_wait),
    {"gather.defer.scenario_4b_vspace_destroyed", scenario_4b_vspace_destroyed},
    {"gather.defer.scenario_4c_tables_are_kept", scenario_4c_tables_are_kept},
    {"gather.defer.two_vspaces_synced_at_once", two_vspaces_synced_at_once},
    {"gather.defer.nothing_else_is_deferred", nothing_else_is_deferred},
    {"gather.defer.policies_exclude_each_other", policies_exclude_each_other},
    {"gather.defer.bad_syncs", bad_syncs},
    {"gather.defer.error_behind_a_deferred_one", error_behind_a_deferred_one},
    {"gather.force.invalidates_whatever_is_known", forced},
};

const struct test_area defer_area = TEST_AREA(cases);
