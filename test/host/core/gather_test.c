// SPDX-License-Identifier: BSD-2-Clause
// The gather system call over the real mmu and the machine model: MAP, UNMAP, reports, totals, the
// tail, and every error.
#include "machine.h"
#include <mmu.h>
#include <string.h>

#define VA UINT64_C(0x200000000)
#define RW (SHEAF_MAP_READ | SHEAF_MAP_WRITE)

static uint64_t vspace;

static int setup(void **state) {
    machine_setup(state);
    vspace = make(SHEAF_VSPACE, 0);
    return 0;
}

static struct vspace *object(void) { return slot_of(vspace)->object; }

static bool allows(uint64_t va, uint64_t access) {
    return mmu_fault(object(), VADDR(va), access) == MMU_FAULT_RESOLVED;
}

// ---- MAP

static void maps_frames_one_after_the_other(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 3);
    struct result result = gather_op(map_op(vspace, VA, 3, frames, 3, RW, 0));
    OK(result);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 3);
    assert_int_equal(SHEAF_GATHER_ERROR(result.x10), 0);
    assert_int_equal(SHEAF_GATHER_TLBI(result.x11), 0); // nothing was there before
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(mapping(frames + i).va, VA + i * PAGE_BYTES);
        assert_int_equal(mapping(frames + i).pages, 1);
        assert_true(allows(VA + i * PAGE_BYTES, SHEAF_ACCESS_WRITE));
        assert_false(allows(VA + i * PAGE_BYTES, SHEAF_ACCESS_EXECUTE));
    }
    assert_false(allows(VA + 3 * PAGE_BYTES, SHEAF_ACCESS_READ));
}

static void rights_of_a_mapping(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 4);
    static const uint64_t rights[] = {SHEAF_MAP_READ, SHEAF_MAP_WRITE, SHEAF_MAP_EXECUTE,
                                      SHEAF_MAP_WRITE | SHEAF_MAP_EXECUTE};
    for (unsigned i = 0; i < 4; i++) {
        uint64_t va = VA + i * PAGE_BYTES;
        OK(gather_op(map_op(vspace, va, 1, frames + i, 1, rights[i], SHEAF_OP_ACCESSED)));
        assert_true(allows(va, SHEAF_ACCESS_READ)); // always
        assert_int_equal(allows(va, SHEAF_ACCESS_WRITE), (rights[i] & SHEAF_MAP_WRITE) != 0);
        assert_int_equal(allows(va, SHEAF_ACCESS_EXECUTE), (rights[i] & SHEAF_MAP_EXECUTE) != 0);
    }
}

static void blocks_where_they_fit(void **state) {
    (void)state;
    uint64_t frame = make(SHEAF_FRAME, 21), big = copy_of(frame, 7), part = copy_of(frame, 7);
    struct result result = gather_op(map_op(vspace, VA, 512, frame, 1, RW, 0));
    OK(result);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 1);
    result = gather_op(map_op(vspace, VA + BIT(21), 512, big, 1, RW, SHEAF_OP_PAGES));
    OK(result);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 512);
    assert_int_equal(mapping(big).pages, 512);
    result = gather_op(map_op(vspace, VA + 2 * BIT(21), 512, part, 0, RW, SHEAF_OP_PART));
    OK(result);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 1);
    GATHER_FAILS(BLOCK_CUT, unmap_op(vspace, VA, 511, 0));
    GATHER_FAILS(BLOCK_CUT, unmap_op(vspace, VA + PAGE_BYTES, 512, 0));
    OK(gather_op(unmap_op(vspace, VA, 3 * 512, 0)));
    assert_int_equal(mapping(frame).pages, 0);
}

static void parts_of_a_frame(void **state) {
    (void)state;
    uint64_t frame = make(SHEAF_FRAME, 14), second = copy_of(frame, 7);
    OK(gather_op(map_op(vspace, VA + PAGE_BYTES, 2, frame, 1, RW, SHEAF_OP_PART)));
    assert_int_equal(mapping(frame).va, VA + PAGE_BYTES);
    assert_int_equal(mapping(frame).pages, 2);
    OK(gather_op(map_op(vspace, VA, 1, second, 3, RW, SHEAF_OP_PART | SHEAF_OP_ACCESSED)));
    paddr_t at;
    assert_int_equal(vmsa_reachable(1, VADDR(VA), &at, 1), 0); // no PE has loaded it
    GATHER_FAILS(ALREADY_MAPPED, map_op(vspace, VA + BIT(20), 1, frame, 0, RW, SHEAF_OP_PART));
    uint64_t third = copy_of(frame, 7);
    GATHER_FAILS(RANGE, map_op(vspace, VA + BIT(20), 2, third, 3, RW, SHEAF_OP_PART));
    GATHER_FAILS(RANGE, map_op(vspace, VA + BIT(20), 1, third, 4, RW, SHEAF_OP_PART));
    GATHER_FAILS(RANGE, map_op(vspace, VA + BIT(20), 1, third, UINT64_MAX, RW, SHEAF_OP_PART));
    GATHER_FAILS(RANGE, map_op(vspace, VA + BIT(21) - PAGE_BYTES, 2, third, 0, RW, SHEAF_OP_PART));
}

static void unmapped_capabilities_map_again(void **state) {
    (void)state;
    uint64_t frame = make(SHEAF_FRAME, 12), second = make(SHEAF_FRAME, 12);
    OK(gather_op(map_op(vspace, VA, 1, frame, 1, RW, SHEAF_OP_DIRTY)));
    GATHER_FAILS(ALREADY_MAPPED, map_op(vspace, VA + BIT(21), 1, frame, 1, RW, 0));
    GATHER_FAILS(PLACE_OCCUPIED, map_op(vspace, VA, 1, second, 1, RW, 0));
    OK(gather_op(unmap_op(vspace, VA, 1, 0)));
    OK(gather_op(map_op(vspace, VA, 1, second, 1, RW, 0)));
    GATHER_FAILS(PLACE_OCCUPIED, map_op(vspace, VA, 1, frame, 1, RW, 0));
    OK(gather_op(map_op(vspace, VA + BIT(21), 1, frame, 1, RW, 0)));
    assert_int_equal(mapping(frame).va, VA + BIT(21));
    assert_int_equal(mapping(second).va, VA);
}

static void map_is_all_or_nothing(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 4), blocker = make(SHEAF_FRAME, 12);
    OK(gather_op(map_op(vspace, VA + 2 * PAGE_BYTES, 1, blocker, 1, RW, 0)));
    GATHER_FAILS(PLACE_OCCUPIED, map_op(vspace, VA, 4, frames, 4, RW, 0));
    OK(INVOKE(CNODE, SHEAF_CNODE_DELETE, frames + 3));
    GATHER_FAILS(INVALID_CAPABILITY, map_op(vspace, VA + BIT(21), 4, frames, 4, RW, 0));
    OK(INVOKE(CNODE, SHEAF_CNODE_COPY, frames + 3, INIT, 7));
    GATHER_FAILS(WRONG_TYPE, map_op(vspace, VA + BIT(21), 4, frames, 4, RW, 0));
    OK(INVOKE(CNODE, SHEAF_CNODE_DELETE, frames + 3));
    OK(INVOKE(CNODE, SHEAF_CNODE_COPY, frames + 3, blocker, SHEAF_RIGHT_READ));
    GATHER_FAILS(RIGHTS_EXCEEDED, map_op(vspace, VA + BIT(21), 4, frames, 4, RW, 0));
    OK(gather_op(map_op(vspace, VA + BIT(21), 4, frames, 4, SHEAF_MAP_READ, 0)));
}

static void tables_run_out(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 13);
    for (unsigned i = 0; i < 12; i++) // 14 tables: levels 1 and 2, and 12 of level 3
        OK(gather_op(map_op(vspace, VA + ((uint64_t)i << 21), 1, frames + i, 1, RW, 0)));
    buffer()->ops[0] = map_op(vspace, BIT(46), 1, frames + 12, 1, RW, 0);
    snapshot_take();
    struct result result = gather(1, 0);
    assert_int_equal(result.status, SHEAF_ERR_NO_TABLES);
    assert_int_equal(result.tag, 3); // missing
    snapshot_compare("map without tables", __FILE__, __LINE__);
    OK(INVOKE(vspace, SHEAF_VSPACE_GROW, untyped(16), 1));
    OK(gather_op(map_op(vspace, BIT(46), 1, frames + 12, 1, RW, 0)));
}

// ---- UNMAP

static void unmaps_and_reports(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 6);
    OK(gather_op(map_op(vspace, VA, 2, frames, 2, RW, 0)));
    OK(gather_op(map_op(vspace, VA + 2 * PAGE_BYTES, 2, frames + 2, 2, RW, SHEAF_OP_ACCESSED)));
    OK(gather_op(map_op(vspace, VA + 4 * PAGE_BYTES, 2, frames + 4, 2, RW, SHEAF_OP_DIRTY)));
    assert_true(allows(VA, SHEAF_ACCESS_READ));
    memset(buffer()->results, 0xff, SHEAF_RESULT_BYTES);
    buffer()->ops[0] = unmap_op(vspace, VA, 3, SHEAF_OP_REPORT);
    buffer()->ops[1] = unmap_op(vspace, VA + 3 * PAGE_BYTES, 5, SHEAF_OP_REPORT);
    struct result result = gather(2, 0);
    OK(result);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 6);
    assert_int_equal(SHEAF_GATHER_TABLES(result.x11), 0); // no range covers a whole table
    assert_int_equal(buffer()->results[0], 0x11);         // page 0 and 2 accessed
    assert_int_equal(buffer()->results[1], 0x3d);         // accessed; both; both; nothing there
    assert_int_equal(buffer()->results[2], 0);
    assert_int_equal(buffer()->results[3], 0xff);
}

static unsigned completed;

static void nothing_is_reported_yet(enum vmsa_call call, uint64_t a, uint64_t b) {
    (void)b;
    assert_int_equal(buffer()->results[0], 0x55);
    completed += call == VMSA_CALL_BARRIER && a == 1; // DSB ISH
}

// Who reads a report may rely on it that the pages are not written any more.
static void reports_are_written_after_the_finish(void **state) {
    (void)state;
    uint64_t frame = make(SHEAF_FRAME, 12);
    OK(gather_op(map_op(VSPACE, VA, 1, frame, 1, RW, SHEAF_OP_DIRTY)));
    buffer()->results[0] = 0x55;
    completed = 0;
    vmsa_set_hook(nothing_is_reported_yet);
    OK(gather_op(unmap_op(VSPACE, VA, 1, SHEAF_OP_REPORT)));
    vmsa_set_hook(NULL);
    assert_int_equal(completed, 1);
    assert_int_equal(buffer()->results[0], SHEAF_REPORT_ACCESSED | SHEAF_REPORT_DIRTY);
}

static void unmapping_nothing_succeeds(void **state) {
    (void)state;
    struct result result = gather_op(unmap_op(vspace, 0, UINT64_C(1) << 36, 0));
    OK(result);
    assert_int_equal(result.x10, 0);
    assert_int_equal(SHEAF_GATHER_DSB(result.x11), 0);
}

static void the_whole_user_half(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 3);
    OK(gather_op(map_op(vspace, 0, 1, frames, 1, RW, SHEAF_OP_DIRTY)));
    OK(gather_op(map_op(vspace, VA, 1, frames + 1, 1, RW, SHEAF_OP_DIRTY)));
    OK(gather_op(map_op(vspace, BIT(48) - PAGE_BYTES, 1, frames + 2, 1, RW, SHEAF_OP_DIRTY)));
    struct result result = gather_op(unmap_op(vspace, 0, UINT64_C(1) << 36, 0));
    OK(result);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 3);
    assert_int_equal(SHEAF_GATHER_TABLES(result.x11), 8);
    OK(gather_op(unmap_op(vspace, 0, UINT64_C(1) << 36, 0)));
}

// ---- Vectors

static void the_first_failure_stops(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 3);
    buffer()->ops[0] = map_op(vspace, VA, 1, frames, 1, RW, 0);
    buffer()->ops[1] = map_op(vspace, VA, 1, frames + 1, 1, RW, 0);
    buffer()->ops[2] = map_op(vspace, VA + PAGE_BYTES, 1, frames + 2, 1, RW, 0);
    struct result result = gather(3, SHEAF_GATHER_REPLY_RECV);
    assert_int_equal(result.status, SHEAF_ERR_PLACE_OCCUPIED);
    assert_int_equal(SHEAF_GATHER_ERROR(result.x10), SHEAF_ERR_PLACE_OCCUPIED);
    assert_int_equal(SHEAF_GATHER_INDEX(result.x10), 1);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 1);
    assert_int_equal(mapping(frames).pages, 1);
    assert_int_equal(mapping(frames + 2).pages, 0);
}

static void scenario_2d_entry_37_of_64_is_wrong(void **state) {
    (void)state;
    enum { WRONG = 36 };
    paddr_t addresses[2];
    uint64_t frames = make_many(SHEAF_FRAME, 12, 64);
    for (unsigned i = 0; i < 64; i += 32)
        OK(gather_op(
            map_op(vspace, VA + i * PAGE_BYTES, 32, frames + i, 32, RW, SHEAF_OP_ACCESSED)));
    vspace_activate(object());
    for (unsigned i = 0; i < 64; i++)
        buffer()->ops[i] = unmap_op(vspace, VA + i * PAGE_BYTES, 1, 0);
    buffer()->ops[WRONG].word[2]++;
    struct result result = gather(64, 0);
    assert_int_equal(result.status, SHEAF_ERR_MISALIGNED);
    assert_int_equal(SHEAF_GATHER_INDEX(result.x10), WRONG);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), WRONG);
    // Those before it are complete, those behind it did not happen.
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(mapping(frames + i).pages, i >= WRONG);
        assert_int_equal(vmsa_reachable(0, VADDR(VA + i * PAGE_BYTES), addresses, 2), i >= WRONG);
    }
}

static void the_longest_vector(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 64);
    for (unsigned i = 0; i < 64; i++)
        buffer()->ops[i] = map_op(vspace, VA + i * PAGE_BYTES, 1, frames + i, 1, RW, 0);
    struct result result = gather(64, 0);
    OK(result);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 64);
    FAILS(VECTOR_TOO_LONG, gather(65, 0));
    FAILS(VECTOR_TOO_LONG, gather(UINT32_MAX, 0));
    for (unsigned bit = 3; bit < 32; bit++)
        FAILS(UNKNOWN_FLAG, gather(0, BIT(bit)));
    FAILS(INVALID_ARGUMENT, gather(0, SHEAF_GATHER_DEFER | SHEAF_GATHER_FORCE));
    OK(gather(0, 0));
    OK(revoke(SHEAF_BOOT_SLOT_IPC_BUFFER));
    FAILS(NO_BUFFER, gather(0, 0));
}

static void the_tail_answers_and_receives(void **state) {
    (void)state;
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0), reply = make(SHEAF_REPLY, 0);
    uint64_t frame = make(SHEAF_FRAME, 12);
    struct helper client = helper(PRIORITY_READY);
    configure(client.cap, 0, vspace, endpoint, 0, 0);
    resume(&client);
    become(client.cap);
    page_fault(VA, SHEAF_ACCESS_WRITE);
    become(INIT);
    make_call(&(struct call){.number = SHEAF_SYS_RECV, .cap = endpoint, .reply = reply});
    buffer()->ops[0] = map_op(vspace, VA, 1, frame, 1, RW, SHEAF_OP_DIRTY);
    execute(&(struct call){.number = SHEAF_SYS_GATHER,
                           .cap = endpoint,
                           .reply = reply,
                           .gather = SHEAF_GATHER_ARG(1, SHEAF_GATHER_REPLY_RECV)});
    assert_ptr_equal(running(), client.thread); // straight back to the client
    const struct thread *pager = thread_of(INIT);
    assert_int_equal(pager->state, SHEAF_STATE_RECEIVING);
    assert_int_equal(SHEAF_GATHER_LEAVES(pager->context.reg[SHEAF_REG_GATHER]), 1);
    assert_true(allows(VA, SHEAF_ACCESS_WRITE));
    // The next fault comes to the receive, the totals stay.
    page_fault(VA + PAGE_BYTES, SHEAF_ACCESS_READ);
    assert_ptr_equal(running(), pager);
    OK(result_of(pager));
    assert_int_equal(result_of(pager).word[0], VA + PAGE_BYTES);
    assert_int_equal(SHEAF_GATHER_LEAVES(result_of(pager).x10), 1);
    // A tail that fails leaves the operations done; the client waits on.
    uint64_t second = make(SHEAF_FRAME, 12);
    buffer()->ops[0] = map_op(vspace, VA + PAGE_BYTES, 1, second, 1, RW, 0);
    struct result result = make_call(&(struct call){.number = SHEAF_SYS_GATHER,
                                                    .cap = CNODE,
                                                    .reply = reply,
                                                    .gather = SHEAF_GATHER_ARG(1, 1)});
    assert_int_equal(result.status, SHEAF_ERR_WRONG_TYPE);
    assert_int_equal(SHEAF_GATHER_ERROR(result.x10), 0);
    assert_int_equal(mapping(second).pages, 1);
    assert_int_equal(client.thread->state, SHEAF_STATE_WAITING_REPLY);
}

// ---- Errors of an operation

static void bad_operations(void **state) {
    (void)state;
    uint64_t frame = make(SHEAF_FRAME, 12), big = make(SHEAF_FRAME, 13),
             huge = make(SHEAF_FRAME, 22);
    uint64_t blind = copy_of(frame, SHEAF_RIGHT_WRITE), reader = copy_of(frame, SHEAF_RIGHT_READ);
    struct sheaf_gather_op op = map_op(vspace, VA, 1, frame, 1, RW, 0);
    static const unsigned codes[] = {0, 8, 255};
    for (unsigned i = 0; i < ARRAY_SIZE(codes); i++) {
        op.word[0] = codes[i];
        GATHER_FAILS(UNKNOWN_OPERATION, op);
    }
    for (unsigned flag = 0x10; flag < 0x10000; flag <<= 1)
        GATHER_FAILS(UNKNOWN_FLAG, map_op(vspace, VA, 1, frame, 1, RW, flag));
    for (unsigned flag = 1; flag < 0x10000; flag <<= 1)
        if (flag != SHEAF_OP_KEEP_TABLES && flag != SHEAF_OP_REPORT)
            GATHER_FAILS(UNKNOWN_FLAG, unmap_op(vspace, VA, 1, flag));
    op = unmap_op(vspace, VA, 1, 0);
    op.word[0] |= BIT(32);
    GATHER_FAILS(INVALID_ARGUMENT, op);
    op = unmap_op(vspace, VA, 1, 0);
    op.word[4] = 1;
    GATHER_FAILS(INVALID_ARGUMENT, op);
    op = unmap_op(vspace, VA, 1, 0);
    op.word[5] = 1;
    GATHER_FAILS(INVALID_ARGUMENT, op);
    GATHER_FAILS(INVALID_ARGUMENT, map_op(vspace, VA, 1, frame, 1, 0, 0));
    GATHER_FAILS(INVALID_ARGUMENT, map_op(vspace, VA, 1, frame, 1, 8, 0));
    GATHER_FAILS(INVALID_ARGUMENT, map_op(vspace, VA, 1, frame, 1, SHEAF_MAP_READ, SHEAF_OP_DIRTY));
    GATHER_FAILS(INVALID_ARGUMENT, map_op(vspace, VA, 2, frame, 1, RW, 0));
    GATHER_FAILS(INVALID_ARGUMENT, map_op(vspace, VA, 1, big, 1, RW, 0));
    GATHER_FAILS(NO_RIGHT, map_op(vspace, VA, 1, blind, 1, SHEAF_MAP_READ, 0));
    GATHER_FAILS(RIGHTS_EXCEEDED, map_op(vspace, VA, 1, reader, 1, RW, 0));
    GATHER_FAILS(RIGHTS_EXCEEDED, map_op(vspace, VA, 1, reader, 1, SHEAF_MAP_WRITE, 0));
    GATHER_FAILS(MISALIGNED, map_op(vspace, VA + PAGE_BYTES, 2, big, 1, RW, 0));
    GATHER_FAILS(RANGE, map_op(vspace, VA, 1024, huge, 1, RW, SHEAF_OP_PAGES)); // two tables
    GATHER_FAILS(RANGE, map_op(vspace, VA, 1, frame, 20000, RW, 0));
    GATHER_FAILS(RANGE, map_op(vspace, VA, 1, frame, UINT64_MAX, RW, 0));
    GATHER_FAILS(ZERO_LENGTH, map_op(vspace, VA, 1, frame, 0, RW, 0));
    GATHER_FAILS(WRONG_TYPE, map_op(CNODE, VA, 1, frame, 1, RW, 0));
    GATHER_FAILS(WRONG_TYPE, unmap_op(frame, VA, 1, 0));
    GATHER_FAILS(WRONG_TYPE, map_op(vspace, VA, 1, CNODE, 1, RW, 0));
    GATHER_FAILS(INVALID_CAPABILITY, map_op(0, VA, 1, frame, 1, RW, 0));
    GATHER_FAILS(INVALID_CAPABILITY, map_op(vspace, VA, 1, 0, 1, RW, 0));
    GATHER_FAILS(RESULTS_TOO_LARGE, unmap_op(vspace, VA, 1793, SHEAF_OP_REPORT));
    OK(gather_op(unmap_op(vspace, VA, 1792, SHEAF_OP_REPORT)));
}

static void bad_ranges(void **state) {
    (void)state;
    static const struct {
        uint64_t va, pages;
        unsigned error;
    } ranges[] = {
        {VA + 1, 1, SHEAF_ERR_MISALIGNED},
        {VA + 4095, 1, SHEAF_ERR_MISALIGNED},
        {BIT(48), 1, SHEAF_ERR_NON_CANONICAL},
        {UINT64_C(0xfffe000000000000), 1, SHEAF_ERR_NON_CANONICAL},
        {UINT64_C(0xffff000000000000), 1, SHEAF_ERR_KERNEL_HALF},
        {UINT64_C(0xfffffffffffff000), 1, SHEAF_ERR_KERNEL_HALF},
        {VA, 0, SHEAF_ERR_ZERO_LENGTH},
        {BIT(48) - PAGE_BYTES, 2, SHEAF_ERR_OVERFLOW},
        {PAGE_BYTES, UINT64_C(1) << 36, SHEAF_ERR_OVERFLOW},
        {VA, UINT64_MAX, SHEAF_ERR_OVERFLOW},
        {VA, UINT64_C(1) << 52, SHEAF_ERR_OVERFLOW},
        {VA, (UINT64_C(1) << 52) + 1, SHEAF_ERR_OVERFLOW}, // in bytes, 64 bits wide: one page
    };
    uint64_t frame = make(SHEAF_FRAME, 12);
    for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++) {
        for (unsigned op = 0; op < 2; op++) {
            buffer()->ops[0] = op == 0
                                   ? unmap_op(vspace, ranges[i].va, ranges[i].pages, 0)
                                   : map_op(vspace, ranges[i].va, ranges[i].pages, frame, 1, RW, 0);
            snapshot_take();
            check_status(gather(1, 0).status, ranges[i].error, op == 0 ? "unmap" : "map", __FILE__,
                         __LINE__);
            snapshot_compare("bad range", __FILE__, __LINE__);
        }
    }
}

#define GATHER_TEST(function) cmocka_unit_test_setup_teardown(function, setup, machine_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        GATHER_TEST(maps_frames_one_after_the_other),
        GATHER_TEST(rights_of_a_mapping),
        GATHER_TEST(blocks_where_they_fit),
        GATHER_TEST(parts_of_a_frame),
        GATHER_TEST(unmapped_capabilities_map_again),
        GATHER_TEST(map_is_all_or_nothing),
        GATHER_TEST(tables_run_out),
        GATHER_TEST(unmaps_and_reports),
        GATHER_TEST(reports_are_written_after_the_finish),
        GATHER_TEST(unmapping_nothing_succeeds),
        GATHER_TEST(the_whole_user_half),
        GATHER_TEST(the_first_failure_stops),
        GATHER_TEST(scenario_2d_entry_37_of_64_is_wrong),
        GATHER_TEST(the_longest_vector),
        GATHER_TEST(the_tail_answers_and_receives),
        GATHER_TEST(bad_operations),
        GATHER_TEST(bad_ranges),
    };
    return cmocka_run_group_tests_name("core.gather", tests, NULL, NULL);
}
