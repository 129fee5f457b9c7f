// SPDX-License-Identifier: BSD-2-Clause
// Revoke and delete: everything derived goes, wherever it lies and whatever it is doing.
#include "child.h"
#include "harness.h"

static sheaf_cptr page(void) { return make(SHEAF_FRAME, SHEAF_PAGE_BITS); }

static void copies(void) {
    sheaf_cptr frame = page();
    sheaf_cptr copy = copy_of(frame, SHEAF_RIGHTS_ALL);
    sheaf_cptr second = copy_of(frame, SHEAF_RIGHT_READ);
    sheaf_cptr deeper = copy_of(copy, SHEAF_RIGHT_READ);
    CHECK_OK(cnode_revoke(ROOT, frame));
    CHECK(slot_is_empty(copy) && slot_is_empty(second) && slot_is_empty(deeper));
    CHECK_EQ(probe_type(frame), SHEAF_FRAME);
}

static void only_what_is_below(void) {
    sheaf_cptr endpoint = make(SHEAF_ENDPOINT, 0);
    sheaf_cptr minted = badged(endpoint, SHEAF_RIGHTS_ALL, 3);
    sheaf_cptr below = copy_of(minted, SHEAF_RIGHTS_ALL);
    sheaf_cptr beside = badged(endpoint, SHEAF_RIGHTS_ALL, 4);
    CHECK_OK(cnode_revoke(ROOT, minted));
    CHECK(slot_is_empty(below));
    CHECK(!slot_is_empty(minted) && !slot_is_empty(beside) && !slot_is_empty(endpoint));
}

static void nothing_derived(void) {
    sheaf_cptr frame = page();
    CHECK_OK(cnode_revoke(ROOT, frame));
    CHECK_EQ(probe_type(frame), SHEAF_FRAME);
    CHECK_ERROR(cnode_revoke(ROOT, new_slot()), INVALID_CAPABILITY);
}

static void after_move(void) {
    sheaf_cptr frame = page();
    sheaf_cptr copy = copy_of(frame, SHEAF_RIGHTS_ALL);
    sheaf_cptr moved = new_slot();
    sheaf_cptr moved_copy = new_slot();
    CHECK_OK(cnode_move(ROOT, moved, frame));
    CHECK_OK(cnode_move(ROOT, moved_copy, copy));
    CHECK_OK(cnode_revoke(ROOT, moved));
    CHECK(slot_is_empty(moved_copy));
}

static void through_other_cnodes(void) {
    sheaf_cptr one = make(SHEAF_CNODE, 4);
    sheaf_cptr two = make(SHEAF_CNODE, 4);
    sheaf_cptr memory = make(SHEAF_UNTYPED, 14);
    CHECK_OK(untyped_retype(memory, SHEAF_FRAME, 12, 0, one, 3, 2));
    CHECK_OK(cnode_copy(two, 7, IN_CNODE(one, 3), SHEAF_RIGHTS_ALL));
    CHECK_OK(cnode_move(two, 8, IN_CNODE(one, 4)));
    CHECK_OK(cnode_revoke(ROOT, memory));
    CHECK(slot_is_empty(IN_CNODE(one, 3)) && slot_is_empty(IN_CNODE(two, 7)));
    CHECK(slot_is_empty(IN_CNODE(two, 8)));
    CHECK_EQ(untyped_info(memory).left, UINT64_C(1) << 14);
}

static void cnodes_in_each_other(void) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, 16);
    sheaf_cptr one = make_from(memory, SHEAF_CNODE, 4);
    sheaf_cptr two = make_from(memory, SHEAF_CNODE, 4);
    CHECK_OK(cnode_copy(one, 1, two, SHEAF_RIGHTS_ALL));
    CHECK_OK(cnode_copy(two, 1, one, SHEAF_RIGHTS_ALL));
    CHECK_OK(cnode_copy(one, 2, one, SHEAF_RIGHTS_ALL));
    CHECK_OK(cnode_revoke(ROOT, memory));
    CHECK(slot_is_empty(one) && slot_is_empty(two));
    CHECK_EQ(untyped_info(memory).left, UINT64_C(1) << 16);
}

// Without a revoke: the last capabilities from outside go, and only the cycle is left.
static void cycle_without_a_way_in(void) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, 16);
    sheaf_cptr one = make_from(memory, SHEAF_CNODE, 4);
    sheaf_cptr two = make_from(memory, SHEAF_CNODE, 4);
    CHECK_OK(cnode_copy(one, 1, two, SHEAF_RIGHTS_ALL));
    CHECK_OK(cnode_copy(two, 1, one, SHEAF_RIGHTS_ALL));
    CHECK_OK(cnode_delete(ROOT, one));
    CHECK_OK(cnode_delete(ROOT, two));
    CHECK_OK(cnode_revoke(ROOT, memory));
    CHECK_EQ(untyped_info(memory).left, UINT64_C(1) << 16);
}

static void chain_of_untyped(void) {
    sheaf_cptr top = make(SHEAF_UNTYPED, 20);
    sheaf_cptr memory = top;
    for (unsigned bits = 19; bits >= 12; bits--) {
        memory = make_from(memory, SHEAF_UNTYPED, bits);
    }
    sheaf_cptr endpoint = make_from(memory, SHEAF_ENDPOINT, 0);
    CHECK_OK(cnode_revoke(ROOT, top));
    CHECK(slot_is_empty(endpoint) && slot_is_empty(memory));
    CHECK_EQ(untyped_info(top).left, UINT64_C(1) << 20);
}

static void two_thousand_copies(void) {
    sheaf_cptr frame = page();
    sheaf_cptr first = new_slots(2000);
    for (unsigned i = 0; i < 2000; i++) {
        CHECK_OK(
            cnode_copy(ROOT, first + i, i == 0 ? frame : first + (i - 1) / 2, SHEAF_RIGHTS_ALL));
    }
    CHECK_OK(cnode_revoke(ROOT, frame));
    for (unsigned i = 0; i < 2000; i++) {
        CHECK(slot_is_empty(first + i));
    }
}

static void mapped_copy_is_unmapped_by(struct agent agent) {
    sheaf_cptr frame = page();
    sheaf_cptr copy = copy_of(frame, SHEAF_RIGHTS_ALL);
    agent_map(&agent, CHILD_FREE, copy, ALL_ACCESS, SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY);
    CHECK_EQ(agent_result(&agent, AGENT_WRITE, CHILD_FREE, 77), 77);
    CHECK_OK(cnode_revoke(ROOT, frame));
    agent_page_fault(&agent, AGENT_READ, CHILD_FREE, SHEAF_ACCESS_READ);
    volatile uint64_t *at = map_here(frame, SHEAF_PAGE_BITS, SHEAF_MAP_READ);
    CHECK_EQ(*at, 77); // the revoked capability itself lives, and so do the contents
}

WITH_BOTH_AGENTS(mapped_copy_is_unmapped, mapped_copy_is_unmapped_by)

static void many_mappings_are_unmapped_by(struct agent agent) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, 20);
    sheaf_cptr first = new_slots(200);
    retype_many(memory, SHEAF_FRAME, 12, ROOT, first, 200);
    map_frames(agent.child.vspace, CHILD_FREE, first, 200, ALL_ACCESS, SHEAF_OP_ACCESSED);
    CHECK_EQ(agent_result(&agent, AGENT_SUM, CHILD_FREE, 200), 0);
    CHECK_OK(cnode_revoke(ROOT, memory));
    for (unsigned i = 0; i < 200; i += 39) {
        agent_page_fault(&agent, AGENT_READ, CHILD_FREE + i * PAGE, SHEAF_ACCESS_READ);
    }
    CHECK_EQ(untyped_info(memory).left, UINT64_C(1) << 20);
}

WITH_BOTH_AGENTS(many_mappings_are_unmapped, many_mappings_are_unmapped_by)

static void delete_unmaps_by(struct agent agent) {
    sheaf_cptr frame = page();
    agent_map(&agent, CHILD_FREE, frame, ALL_ACCESS, SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE, 5);
    CHECK_OK(cnode_delete(ROOT, frame));
    agent_page_fault(&agent, AGENT_WRITE, CHILD_FREE, SHEAF_ACCESS_WRITE);
}

WITH_BOTH_AGENTS(delete_unmaps, delete_unmaps_by)

// A counting thread of the main thread's priority, seen to run.
static struct child counting(sheaf_cptr memory) {
    struct child child = new_child(child_count, LOW_PRIORITY, 0, 0);
    CHECK_OK(cnode_delete(ROOT, child.thread));
    child.thread = make_from(memory, SHEAF_THREAD, 0);
    CHECK_OK(thread_configure(child.thread, ROOT, child.vspace, 0, 0, 0));
    CHECK_OK(thread_priority(child.thread, LOW_PRIORITY, LOW_PRIORITY, OWN_THREAD));
    CHECK_OK(thread_priority(OWN_THREAD, LOW_PRIORITY, 255, OWN_THREAD));
    restart_child(&child, child_count);
    while (child.page->result[0] == 0) {
        yield();
    }
    return child;
}

static void check_stopped(const struct child *child) {
    uint64_t count = child->page->result[0];
    for (unsigned i = 0; i < 100; i++) {
        yield();
    }
    CHECK_EQ(child->page->result[0], count);
}

static void revoke_kills_a_thread(void) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, 14);
    struct child child = counting(memory);
    CHECK_OK(cnode_revoke(ROOT, memory));
    CHECK(slot_is_empty(child.thread));
    check_stopped(&child);
    CHECK_EQ(untyped_info(memory).left, UINT64_C(1) << 14);
}

static void delete_stops_a_running_thread(void) {
    struct child child = counting(arena());
    sheaf_cptr copy = copy_of(child.thread, SHEAF_RIGHTS_ALL);
    CHECK_OK(cnode_delete(ROOT, child.thread)); // not the last capability: it runs on
    uint64_t count = child.page->result[0];
    while (child.page->result[0] == count) {
        yield();
    }
    CHECK_OK(cnode_delete(ROOT, copy));
    check_stopped(&child);
}

static void ipc_buffer_is_unbound(void) {
    struct child child = new_child(child_caller, LOW_PRIORITY, 0, 0);
    CHECK_OK(cnode_revoke(ROOT, child.buffer_frame)); // the thread's derived copy goes
    sheaf_cptr endpoint = make(SHEAF_ENDPOINT, 0);
    sheaf_cptr reply = make(SHEAF_REPLY, 0);
    child.page->argument[0] = endpoint;
    child.page->argument[1] = 1;
    start_child(&child);
    CHECK_OK(receive(endpoint, reply).status); // two words need no buffer
    // An answer of seven words has nowhere to go: one of the two sides is told.
    uint64_t status = answer(reply, MESSAGE(0, 7, 1));
    if (status == SHEAF_OK) {
        join_child(&child);
        status = child.page->result[1];
    }
    CHECK_ERROR(status, NO_BUFFER);
}

static void vspace_dies_with_any_of_its_chunks(void) {
    sheaf_cptr chunk = make(SHEAF_UNTYPED, SHEAF_CHUNK_BITS);
    struct agent agent = new_agent();
    CHECK_OK(INVOKE(agent.child.vspace, SHEAF_VSPACE_GROW, 2, chunk, 1).status);
    CHECK_EQ(untyped_info(chunk).left, 0);
    CHECK_OK(cnode_revoke(ROOT, chunk));
    CHECK_EQ(untyped_info(chunk).left, UINT64_C(1) << SHEAF_CHUNK_BITS);
    sheaf_cptr vspace = agent.child.vspace;
    CHECK_ERROR(INVOKE(vspace, SHEAF_VSPACE_INFO, 0, 0).status, DEAD);
    CHECK_ERROR(INVOKE(vspace, SHEAF_VSPACE_GROW, 2, arena(), 1).status, DEAD);
    CHECK_ERROR(INVOKE(vspace, SHEAF_VSPACE_SHRINK, 1, 1).status, DEAD);
    CHECK_ERROR(gather_one(map_op(vspace, CHILD_FREE, 1, page(), 1, ALL_ACCESS, 0)).status, DEAD);
    CHECK_ERROR(gather_one(unmap_op(vspace, CHILD_FREE, 1, 0)).status, DEAD);
    CHECK_ERROR(thread_configure(make(SHEAF_THREAD, 0), 0, vspace, 0, 0, 0), DEAD);
}

static void vspace_memory_comes_back(void) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, 18);
    sheaf_cptr vspace = make_from(memory, SHEAF_VSPACE, 0);
    CHECK_OK(INVOKE(vspace, SHEAF_VSPACE_GROW, 2, memory, 2).status);
    must_gather(map_op(vspace, CHILD_FREE, 1, page(), 1, ALL_ACCESS, 0));
    CHECK_OK(cnode_revoke(ROOT, memory));
    CHECK_EQ(untyped_info(memory).left, UINT64_C(1) << 18);
    CHECK(slot_is_empty(vspace));
}

static void frame_outlives_its_vspace(void) {
    sheaf_cptr frame = page();
    sheaf_cptr vspace = make_vspace(1);
    must_gather(map_op(vspace, CHILD_FREE, 1, frame, 1, ALL_ACCESS, 0));
    CHECK_OK(cnode_delete(ROOT, vspace));
    uint64_t va;
    uint64_t pages;
    CHECK(!frame_mapping(frame, &va, &pages));
    map_here(frame, SHEAF_PAGE_BITS, ALL_ACCESS); // the record no longer verifies
    CHECK_OK(cnode_delete(ROOT, frame));
}

static void endpoint_waiters_are_told(void) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, 12);
    sheaf_cptr endpoint = make_from(memory, SHEAF_ENDPOINT, 0);
    struct child child = new_child(child_wait, LOW_PRIORITY, 0, 0);
    child.page->argument[0] = endpoint;
    start_child(&child);
    wait_for_state(child.thread, SHEAF_STATE_RECEIVING);
    CHECK_OK(cnode_revoke(ROOT, memory));
    join_child(&child);
    CHECK_ERROR(child.page->result[0], CANCELLED);
}

// A thread revokes the Untyped that it is itself made of.
static void by_a_thread_that_dies_of_it(void) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, 18);
    struct child child = new_child(child_revoke, LOW_PRIORITY, 0, 0);
    sheaf_cptr thread = make_from(memory, SHEAF_THREAD, 0);
    CHECK_OK(cnode_delete(ROOT, child.thread));
    child.thread = thread;
    sheaf_cptr cspace = make_from(memory, SHEAF_CNODE, 4);
    CHECK_OK(cnode_copy(cspace, 1, ROOT, SHEAF_RIGHTS_ALL));
    CHECK_OK(cnode_copy(cspace, 2, cspace, SHEAF_RIGHTS_ALL));
    CHECK_OK(thread_configure(thread, cspace, child.vspace, 0, 0, 0));
    CHECK_OK(thread_priority(thread, LOW_PRIORITY, LOW_PRIORITY, OWN_THREAD));
    child.page->argument[0] = 1; // the root CNode, in its own CSpace
    child.page->argument[1] = memory;
    restart_child(&child, child_revoke);
    CHECK_OK(thread_priority(OWN_THREAD, LOW_PRIORITY, 255, OWN_THREAD));
    for (unsigned i = 0; i < 10000 && !slot_is_empty(thread); i++) {
        yield();
    }
    CHECK(slot_is_empty(thread));
    // Its own CSpace went with it, so what it began may have to be finished by another.
    CHECK_OK(cnode_revoke(ROOT, memory));
    CHECK_EQ(untyped_info(memory).left, UINT64_C(1) << 18);
}

static const struct test_case cases[] = {
    {"revoke.takes_copies_and_their_copies", copies},
    {"revoke.takes_only_what_is_below", only_what_is_below},
    {"revoke.of_what_has_no_descendants", nothing_derived},
    {"revoke.follows_moved_capabilities", after_move},
    {"revoke.reaches_into_other_cnodes", through_other_cnodes},
    {"revoke.of_cnodes_in_each_other", cnodes_in_each_other},
    {"revoke.of_a_cycle_without_a_way_in", cycle_without_a_way_in},
    {"revoke.of_a_chain_of_untyped", chain_of_untyped},
    {"revoke.of_two_thousand_copies", two_thousand_copies},
    {"revoke.unmaps_a_mapped_copy", mapped_copy_is_unmapped},
    {"revoke.unmaps_a_mapped_copy_same_space", mapped_copy_is_unmapped_beside},
    {"revoke.unmaps_two_hundred_frames", many_mappings_are_unmapped},
    {"revoke.unmaps_two_hundred_frames_same_space", many_mappings_are_unmapped_beside},
    {"revoke.delete_unmaps", delete_unmaps},
    {"revoke.delete_unmaps_same_space", delete_unmaps_beside},
    {"revoke.kills_a_thread", revoke_kills_a_thread},
    {"revoke.delete_stops_a_running_thread", delete_stops_a_running_thread},
    {"revoke.unbinds_an_ipc_buffer", ipc_buffer_is_unbound},
    {"revoke.of_a_chunk_kills_the_vspace", vspace_dies_with_any_of_its_chunks},
    {"revoke.gives_back_a_vspace", vspace_memory_comes_back},
    {"revoke.frame_outlives_its_vspace", frame_outlives_its_vspace},
    {"revoke.tells_who_waits_on_an_endpoint", endpoint_waiters_are_told},
    {"revoke.by_a_thread_that_dies_of_it", by_a_thread_that_dies_of_it},
};

const struct test_area revoke_area = TEST_AREA(cases);
