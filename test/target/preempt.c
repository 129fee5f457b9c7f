// SPDX-License-Identifier: BSD-2-Clause
// Long operations are cut short by interrupts and go on; their callers do not see it.
//
// A spinning thread of the same priority takes the PE at every tick that a long operation lets
// through, and counts; so a count that rose during the call shows that it was preempted.
#include "child.h"
#include "harness.h"
#include "registers.h"

static volatile bool stop;

static void spin(struct helper *self) {
    while (!stop) {
        self->result[0] = self->result[0] + 1;
    }
}

// A spinner that runs beside the main thread from now on.
static struct helper *beside(void) {
    stop = false;
    struct helper *spinner = spawn(spin, LOW_PRIORITY, 0, 0, 0);
    CHECK_OK(thread_priority(OWN_THREAD, LOW_PRIORITY, 255, OWN_THREAD));
    while (spinner->result[0] == 0) {
        yield();
    }
    return spinner;
}

static void end(struct helper *spinner) {
    stop = true;
    CHECK_OK(thread_priority(OWN_THREAD, MAIN_PRIORITY, 255, OWN_THREAD));
    join(spinner);
}

// Repeats `operation`, which answers false on an error, until the kernel has counted preemptions;
// gives up after ten seconds.
static void until_preempted(bool (*operation)(void)) {
    struct helper *spinner = beside();
    uint64_t preemptions = counter(SHEAF_COUNTER_KERNEL_PREEMPTIONS);
    uint64_t give_up = read_clock() + 10 * boot_information()->timer_hz;
    bool good = true;
    while (good && read_clock() < give_up &&
           counter(SHEAF_COUNTER_KERNEL_PREEMPTIONS) < preemptions + 5) {
        good = operation();
    }
    uint64_t seen = counter(SHEAF_COUNTER_KERNEL_PREEMPTIONS) - preemptions;
    end(spinner);
    CHECK(good);
    CHECK(seen >= 5);
}

static sheaf_cptr memory, first, vspace, frame;

static bool zero_once(void) {
    if (untyped_retype(memory, SHEAF_FRAME, 24, 0, ROOT, first, 1) != SHEAF_OK) {
        return false;
    }
    uint64_t address = frame_address(first);
    return cnode_delete(ROOT, first) == SHEAF_OK && address == untyped_info(memory).physical;
}

static void zeroing(void) {
    memory = make(SHEAF_UNTYPED, 24);
    first = new_slot();
    until_preempted(zero_once);
    // What was zeroed in slices is zero.
    CHECK_OK(untyped_retype(memory, SHEAF_FRAME, 24, 0, ROOT, first, 1));
    volatile uint64_t *at = map_here(first, 24, ALL_ACCESS);
    for (size_t i = 0; i < (UINT64_C(1) << 24) / sizeof(*at); i += 64) {
        if (at[i] != 0) {
            CHECK_EQ(at[i], 0);
        }
        at[i] = i + 1;
    }
}

#define COPIES 1500

static bool revoke_once(void) {
    for (unsigned i = 0; i < COPIES; i++) {
        if (cnode_copy(ROOT, first + i, i == 0 ? frame : first + (i - 1) / 2, SHEAF_RIGHTS_ALL) !=
            SHEAF_OK) {
            return false;
        }
    }
    if (cnode_revoke(ROOT, frame) != SHEAF_OK) {
        return false;
    }
    for (unsigned i = 0; i < COPIES; i++) {
        if (!slot_is_empty(first + i)) {
            return false;
        }
    }
    return !slot_is_empty(frame);
}

static void revoking(void) {
    frame = make(SHEAF_FRAME, SHEAF_PAGE_BITS);
    first = new_slots(COPIES);
    until_preempted(revoke_once);
}

// One page in each of many tables: a look at pending interrupts after each.
#define SPARSE 512

static bool unmap_once(void) {
    for (unsigned i = 0; i < SPARSE; i++) {
        own_buffer()->ops[i % 64] =
            map_op(vspace, CHILD_FREE + i * BLOCK, 1, first + i, 1, ALL_ACCESS, SHEAF_OP_ACCESSED);
        if (i % 64 == 63 && gather(64, 0).status != SHEAF_OK) {
            return false;
        }
    }
    struct gathered g = gather_one(unmap_op(vspace, 0, USER_HALF_PAGES, 0));
    return g.status == SHEAF_OK && g.leaves == SPARSE && g.tables >= SPARSE &&
           vspace_info(vspace).used == 1;
}

static void unmapping(void) {
    vspace = make_vspace(36);
    first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, SPARSE);
    until_preempted(unmap_once);
    uint64_t va;
    uint64_t pages;
    for (unsigned i = 0; i < SPARSE; i++) {
        CHECK(!frame_mapping(first + i, &va, &pages));
    }
}

// 64 operations; totals and reports must come out as if nothing had happened.
static bool vector_once(void) {
    struct sheaf_ipc_buffer *buffer = own_buffer();
    for (unsigned i = 0; i < 64; i++) {
        buffer->ops[i] =
            map_op(vspace, CHILD_FREE + i * BLOCK, 16, first + 16 * i, 16,
                   SHEAF_MAP_READ | SHEAF_MAP_EXECUTE, i % 2 != 0 ? SHEAF_OP_ACCESSED : 0);
    }
    struct gathered g = gather(64, 0);
    if (g.status != SHEAF_OK || g.leaves != 1024) {
        return false;
    }
    for (unsigned i = 0; i < 64; i++) {
        buffer->ops[i] = unmap_op(vspace, CHILD_FREE + i * BLOCK, 16, SHEAF_OP_REPORT);
    }
    g = gather(64, 0);
    if (g.status != SHEAF_OK || g.leaves != 1024) {
        return false;
    }
    for (unsigned i = 0; i < 64; i++) {
        for (unsigned byte = 0; byte < 4; byte++) {
            if (buffer->results[4 * i + byte] != (i % 2 != 0 ? 0x55 : 0)) {
                return false;
            }
        }
    }
    return true;
}

static void vectors(void) {
    vspace = make_vspace(6);
    first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, 1024);
    until_preempted(vector_once);
}

// One operation that reports on many tables, and begins in the middle of a byte of each. MAP of a
// few Frames is not preemptible: every preemption that is counted was in the middle of UNMAP.
#define REPORTED (4 * SHEAF_RESULT_BYTES - 1)
#define A_FEW 15

static bool report_once(void) {
    uint64_t va = CHILD_FREE + PAGE;
    for (unsigned i = 0; i < REPORTED; i += A_FEW) {
        unsigned some = REPORTED - i < A_FEW ? REPORTED - i : A_FEW;
        if (gather_one(
                map_op(vspace, va + i * PAGE, some, first + i, some, ALL_ACCESS, SHEAF_OP_ACCESSED))
                .status != SHEAF_OK) {
            return false;
        }
    }
    struct gathered g = gather_one(unmap_op(vspace, va, REPORTED, SHEAF_OP_REPORT));
    const volatile uint8_t *results = own_buffer()->results;
    for (unsigned i = 0; i < SHEAF_RESULT_BYTES; i++) {
        if (results[i] != (i + 1 < SHEAF_RESULT_BYTES ? 0x55 : 0x15)) {
            return false;
        }
    }
    return g.status == SHEAF_OK && g.leaves == REPORTED;
}

static void reporting(void) {
    vspace = make_vspace(1);
    first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, REPORTED);
    until_preempted(report_once);
}

static bool teardown_once(void) {
    sheaf_cptr doomed = new_slot();
    if (untyped_retype(memory, SHEAF_VSPACE, 0, 0, ROOT, doomed, 1) != SHEAF_OK ||
        INVOKE(doomed, SHEAF_VSPACE_GROW, 2, memory, 30).status != SHEAF_OK) {
        return false;
    }
    sheaf_cptr cnode = new_slot();
    if (untyped_retype(memory, SHEAF_CNODE, 11, 0, ROOT, cnode, 1) != SHEAF_OK) {
        return false;
    }
    retype_many(memory, SHEAF_ENDPOINT, 0, cnode, 1, 1024);
    retype_many(memory, SHEAF_THREAD, 0, cnode, 1025, 200);
    return cnode_revoke(ROOT, memory) == SHEAF_OK &&
           untyped_info(memory).left == UINT64_C(1) << 23 && slot_is_empty(doomed) &&
           slot_is_empty(cnode);
}

static void teardown(void) {
    memory = make(SHEAF_UNTYPED, 23);
    until_preempted(teardown_once);
}

// Copies of copies in pages that alternate between two VSpaces, with a report.
#define EVICTED 300

static bool evict_once(void) {
    for (unsigned i = 0; i < EVICTED; i++) {
        struct sheaf_gather_op op =
            map_op(i % 2 != 0 ? vspace : OWN_VSPACE, CHILD_FREE + (UINT64_C(1) << 40) + i * PAGE, 1,
                   first + i, 1, ALL_ACCESS, i % 3 == 0 ? SHEAF_OP_ACCESSED : SHEAF_OP_DIRTY);
        if (gather_one(op).status != SHEAF_OK) {
            return false;
        }
    }
    struct gathered g = gather_one(evict_op(frame, 2, SHEAF_OP_REPORT));
    uint64_t va, pages;
    for (unsigned i = 0; i < EVICTED; i++) {
        if (frame_mapping(first + i, &va, &pages)) {
            return false;
        }
    }
    return g.status == SHEAF_OK && g.leaves == EVICTED && g.tables == 0 &&
           own_buffer()->results[0] == SHEAF_REPORT_ACCESSED + SHEAF_REPORT_DIRTY;
}

static void evicting(void) {
    vspace = make_vspace(1);
    frame = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, 2); // the second has no copies
    first = new_slots(EVICTED);
    for (unsigned i = 0; i < EVICTED; i++) {
        CHECK_OK(
            cnode_copy(ROOT, first + i, i == 0 ? frame : first + (i - 1) / 2, SHEAF_RIGHTS_ALL));
    }
    until_preempted(evict_once);
}

// CNodes, each in the one before: deleting the first must not need a stack as deep as they are.
static void cnodes_nested_deep(void) {
    enum { DEPTH = 3000 };
    memory = make(SHEAF_UNTYPED, 20);
    sheaf_cptr outer = make_from(memory, SHEAF_CNODE, 1);
    new_slot(); // outer + 1
    for (unsigned i = 0; i < DEPTH; i++) {
        sheaf_cptr next = outer + 1;
        CHECK_OK(untyped_retype(memory, SHEAF_CNODE, 1, 0, ROOT, next, 1));
        CHECK_OK(cnode_move(next, 1, outer)); // what was outermost goes into the new one
        CHECK_OK(cnode_move(ROOT, outer, next));
    }
    CHECK_OK(cnode_delete(ROOT, outer));
    CHECK_EQ(untyped_info(memory).left, UINT64_C(1) << 20);
}

static void copies_of_copies(void) {
    enum { DEPTH = 3000 };
    frame = make(SHEAF_FRAME, SHEAF_PAGE_BITS);
    first = new_slots(DEPTH);
    for (unsigned i = 0; i < DEPTH; i++) {
        CHECK_OK(cnode_copy(ROOT, first + i, i == 0 ? frame : first + i - 1, SHEAF_RIGHTS_ALL));
    }
    CHECK_OK(cnode_revoke(ROOT, frame));
    CHECK(slot_is_empty(first) && slot_is_empty(first + DEPTH / 2));
    CHECK(slot_is_empty(first + DEPTH - 1));
}

static const struct test_case cases[] = {
    {"preempt.zeroing", zeroing},
    {"preempt.revoke", revoking},
    {"preempt.unmap", unmapping},
    {"preempt.vector_of_operations", vectors},
    {"preempt.report", reporting},
    {"preempt.evict", evicting},
    {"preempt.teardown", teardown},
    {"preempt.cnodes_nested_deep", cnodes_nested_deep},
    {"preempt.copies_of_copies_deep", copies_of_copies},
};

const struct test_area preempt_area = TEST_AREA(cases);
