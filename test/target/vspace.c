// SPDX-License-Identifier: BSD-2-Clause
// VSpace as an object: chunks, tables, growing, shrinking, separation.
#include "child.h"
#include "harness.h"

#include <string.h>

#define CHUNK_TABLES 15

static sheaf_cptr page(void) { return make(SHEAF_FRAME, SHEAF_PAGE_BITS); }

static uint64_t grow(sheaf_cptr vspace, sheaf_cptr untyped, uint64_t count) {
    return INVOKE(vspace, SHEAF_VSPACE_GROW, 2, untyped, count).status;
}

static uint64_t shrink(sheaf_cptr vspace, uint64_t index) {
    return INVOKE(vspace, SHEAF_VSPACE_SHRINK, 1, index).status;
}

static void info_of_fresh(void) {
    struct vspace_info info = vspace_info(make_vspace(1));
    CHECK_EQ(info.chunks, 1);
    CHECK_EQ(info.used, 1); // the root
    CHECK_EQ(info.free, CHUNK_TABLES - 1);
    CHECK(info.chunks_max >= 2);
}

static void grows(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr memory = make(SHEAF_UNTYPED, SHEAF_CHUNK_BITS + 2);
    CHECK_OK(grow(vspace, memory, 3));
    struct vspace_info info = vspace_info(vspace);
    CHECK_EQ(info.chunks, 4);
    CHECK_EQ(info.free, 4 * CHUNK_TABLES - 1);
    CHECK_EQ(untyped_info(memory).left, UINT64_C(1) << SHEAF_CHUNK_BITS);
}

static void check_same(struct vspace_info a, struct vspace_info b) {
    CHECK_EQ(a.chunks, b.chunks);
    CHECK_EQ(a.free, b.free);
    CHECK_EQ(a.used, b.used);
}

static void grow_errors(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr memory = make(SHEAF_UNTYPED, SHEAF_CHUNK_BITS + 1);
    struct vspace_info before = vspace_info(vspace);
    CHECK_ERROR(grow(vspace, memory, 3), NO_MEMORY);
    CHECK_ERROR(grow(vspace, memory, SHEAF_GROW_MAX + 1), RANGE);
    CHECK_ERROR(grow(vspace, memory, UINT64_MAX), RANGE);
    CHECK_ERROR(grow(vspace, memory, 0), ZERO_LENGTH);
    CHECK_ERROR(grow(vspace, page(), 1), WRONG_TYPE);
    CHECK_ERROR(grow(vspace, new_slot(), 1), INVALID_CAPABILITY);
    CHECK_ERROR(grow(vspace, make(SHEAF_UNTYPED, 12), 1), NO_MEMORY);
    check_same(vspace_info(vspace), before);
    CHECK_EQ(untyped_info(memory).left, UINT64_C(1) << (SHEAF_CHUNK_BITS + 1));
    CHECK_OK(grow(vspace, memory, 2));
}

static void directory_is_bounded(void) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, 25); // first, so that the arena's other half is left
    sheaf_cptr vspace = make_vspace(1);
    struct vspace_info info = vspace_info(vspace);
    uint64_t left = untyped_info(arena()).left;
    CHECK(info.chunks_max > 512 && info.chunks_max < 512 + (left >> SHEAF_CHUNK_BITS));
    for (unsigned i = 0; i < 512; i += SHEAF_GROW_MAX) {
        CHECK_OK(grow(vspace, memory, SHEAF_GROW_MAX));
    }
    CHECK(info.chunks_max - 512 <= SHEAF_GROW_MAX);
    CHECK_ERROR(grow(vspace, arena(), info.chunks_max - 512), TOO_MANY_CHUNKS);
    CHECK_EQ(vspace_info(vspace).chunks, 513);
    CHECK_EQ(untyped_info(arena()).left, left);
    CHECK_OK(grow(vspace, arena(), info.chunks_max - 513));
    CHECK_ERROR(grow(vspace, arena(), 1), TOO_MANY_CHUNKS);
}

static void shrinks(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr memory = make(SHEAF_UNTYPED, SHEAF_CHUNK_BITS);
    CHECK_OK(grow(vspace, memory, 1));
    CHECK_OK(shrink(vspace, 1));
    CHECK_EQ(vspace_info(vspace).chunks, 1);
    CHECK_EQ(vspace_info(vspace).free, CHUNK_TABLES - 1);
    CHECK_EQ(untyped_info(memory).left, UINT64_C(1) << SHEAF_CHUNK_BITS); // it has no child
    CHECK_OK(grow(vspace, memory, 1));
}

static void shrink_errors(void) {
    sheaf_cptr vspace = make_vspace(2);
    CHECK_ERROR(shrink(vspace, 0), RANGE);
    CHECK_ERROR(shrink(vspace, 2), RANGE);
    CHECK_ERROR(shrink(vspace, UINT64_MAX), RANGE);
    CHECK_ERROR(shrink(vspace, UINT64_C(0x100000001)), RANGE);
    CHECK_EQ(vspace_info(vspace).chunks, 2);
}

// All tables of both chunks are in use; the second cannot go before they are freed.
static void shrink_in_use(void) {
    sheaf_cptr vspace = make_vspace(2);
    sheaf_cptr frames = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, 2 * CHUNK_TABLES - 3);
    for (unsigned i = 0; i < 2 * CHUNK_TABLES - 3; i++) { // two tables of higher levels, the root
        must_gather(map_op(vspace, CHILD_FREE + i * BLOCK, 1, frames + i, 1, ALL_ACCESS, 0));
    }
    CHECK_EQ(vspace_info(vspace).free, 0);
    CHECK_ERROR(shrink(vspace, 1), TABLE_IN_USE);
    must_gather(unmap_op(vspace, 0, USER_HALF_PAGES, 0));
    CHECK_EQ(vspace_info(vspace).used, 1);
    CHECK_OK(shrink(vspace, 1));
}

static void methods(void) {
    sheaf_cptr vspace = make_vspace(1);
    CHECK_ERROR(INVOKE(vspace, 0, 0, 0).status, UNKNOWN_METHOD);
    CHECK_ERROR(INVOKE(vspace, 4, 0, 0).status, UNKNOWN_METHOD);
    CHECK_ERROR(INVOKE(vspace, SHEAF_VSPACE_GROW, 1, arena(), 1).status, INVALID_ARGUMENT);
    CHECK_ERROR(INVOKE(vspace, SHEAF_VSPACE_SHRINK, 0, 1).status, INVALID_ARGUMENT);
    sheaf_cptr frame = page();
    CHECK_ERROR(INVOKE(frame, 0, 0, 0).status, UNKNOWN_METHOD);
    CHECK_ERROR(INVOKE(frame, 3, 0, 0).status, UNKNOWN_METHOD);
}

// The same address means another page in another VSpace.
static void are_separate(void) {
    struct agent one = new_agent();
    struct agent two = new_agent();
    agent_map(&one, CHILD_FREE, page(), ALL_ACCESS, SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY);
    agent_map(&two, CHILD_FREE, page(), ALL_ACCESS, SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY);
    agent_result(&one, AGENT_WRITE, CHILD_FREE, 111);
    agent_result(&two, AGENT_WRITE, CHILD_FREE, 222);
    for (unsigned i = 0; i < 20; i++) {
        CHECK_EQ(agent_result(&one, AGENT_READ, CHILD_FREE, 0), 111);
        CHECK_EQ(agent_result(&two, AGENT_READ, CHILD_FREE, 0), 222);
    }
    agent_unmap(&one, CHILD_FREE, 1, 0);
    CHECK_EQ(agent_result(&two, AGENT_READ, CHILD_FREE, 0), 222);
    agent_page_fault(&one, AGENT_READ, CHILD_FREE, SHEAF_ACCESS_READ);
}

static void share_a_frame(void) {
    struct agent one = new_agent();
    struct agent two = new_agent();
    sheaf_cptr frame = page();
    agent_map(&one, CHILD_FREE, frame, ALL_ACCESS, SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY);
    agent_map(&two, CHILD_FREE + PAGE, copy_of(frame, SHEAF_RIGHT_READ), SHEAF_MAP_READ,
              SHEAF_OP_ACCESSED);
    agent_result(&one, AGENT_WRITE, CHILD_FREE + 8, 333);
    CHECK_EQ(agent_result(&two, AGENT_READ, CHILD_FREE + PAGE + 8, 0), 333);
    agent_page_fault(&two, AGENT_WRITE, CHILD_FREE + PAGE,
                     SHEAF_ACCESS_WRITE | SHEAF_FAULT_PERMISSION);
}

// Made, filled and deleted over and over: neither memory nor address space identifiers run out, and
// nothing of the one before shows through.
static void made_and_deleted_often(void) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, SHEAF_CHUNK_BITS);
    sheaf_cptr frame = page();
    sheaf_cptr vspace = new_slot();
    for (unsigned i = 0; i < 300; i++) {
        CHECK_OK(untyped_retype(memory, SHEAF_VSPACE, 0, 0, ROOT, vspace, 1));
        must_gather(map_op(vspace, CHILD_FREE + i * PAGE, 1, frame, 1, ALL_ACCESS, 0));
        CHECK_OK(cnode_delete(ROOT, vspace));
    }
    CHECK_EQ(untyped_info(memory).left, UINT64_C(1) << SHEAF_CHUNK_BITS);
}

// Only where a boot argument makes them scarce: 65,535 VSpaces do not fit the arena.
static void identifiers_run_out(void) {
    if (strstr(boot_information()->args, "asids=") == NULL) {
        skip_case("needs the boot argument asids=N");
    }
    sheaf_cptr memory = make(SHEAF_UNTYPED, 24);
    sheaf_cptr first = new_slots(256);
    unsigned made = 0;
    uint64_t status = SHEAF_OK;
    while (made < 256 && status == SHEAF_OK) {
        status = untyped_retype(memory, SHEAF_VSPACE, 0, 0, ROOT, first + made, 1);
        made += status == SHEAF_OK;
    }
    CHECK_ERROR(status, NO_ASID);
    CHECK(made >= 2);
    CHECK(slot_is_empty(first + made));
    uint64_t left = untyped_info(memory).left;
    // Two at once where one is free: none is made.
    CHECK_OK(cnode_delete(ROOT, first));
    sheaf_cptr two = new_slots(2);
    CHECK_ERROR(untyped_retype(memory, SHEAF_VSPACE, 0, 0, ROOT, two, 2), NO_ASID);
    CHECK(slot_is_empty(two) && slot_is_empty(two + 1));
    CHECK_EQ(untyped_info(memory).left, left);
    CHECK_OK(untyped_retype(memory, SHEAF_VSPACE, 0, 0, ROOT, two, 1));
}

// An identifier given up by one VSpace and given to the next: nothing of the first shows through.
static void identifiers_are_reused_clean(void) {
    if (strstr(boot_information()->args, "asids=") == NULL) {
        skip_case("needs the boot argument asids=N");
    }
    for (unsigned i = 0; i < 40; i++) {
        struct agent agent = new_agent();
        agent_page_fault(&agent, AGENT_READ, CHILD_FREE, SHEAF_ACCESS_READ);
        agent_map(&agent, CHILD_FREE, page(), ALL_ACCESS, SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY);
        CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE, 0), 0);
        agent_result(&agent, AGENT_WRITE, CHILD_FREE, 5);
        surroundings_end();
        surroundings_begin();
    }
}

// Deleted while a thread runs in it: the thread stops or faults, the system does not.
static void deleted_under_a_thread(void) {
    struct child child = new_child(child_count, LOW_PRIORITY, 0, 0);
    CHECK_OK(thread_priority(OWN_THREAD, LOW_PRIORITY, 255, OWN_THREAD));
    start_child(&child);
    while (child.page->result[0] == 0) {
        yield();
    }
    CHECK_OK(cnode_revoke(ROOT, child.vspace)); // the thread's own copy of the capability
    CHECK_OK(cnode_delete(ROOT, child.vspace));
    uint64_t count = child.page->result[0];
    for (unsigned i = 0; i < 50; i++) {
        yield();
    }
    CHECK_EQ(child.page->result[0], count);
    CHECK(thread_state(child.thread) != SHEAF_STATE_READY);
}

static const struct test_case cases[] = {
    {"vspace.info_of_a_fresh_one", info_of_fresh},
    {"vspace.grows_by_chunks", grows},
    {"vspace.grow_errors_change_nothing", grow_errors},
    {"vspace.directory_is_bounded", directory_is_bounded},
    {"vspace.shrinks", shrinks},
    {"vspace.shrink_out_of_range", shrink_errors},
    {"vspace.shrink_of_a_chunk_in_use", shrink_in_use},
    {"vspace.methods_and_their_words", methods},
    {"vspace.are_separate", are_separate},
    {"vspace.share_a_frame", share_a_frame},
    {"vspace.made_and_deleted_often", made_and_deleted_often},
    {"vspace.identifiers_run_out", identifiers_run_out},
    {"vspace.identifiers_are_reused_clean", identifiers_are_reused_clean},
    {"vspace.deleted_under_a_thread", deleted_under_a_thread},
};

const struct test_area vspace_area = TEST_AREA(cases);
