// SPDX-License-Identifier: BSD-2-Clause
// MOVE as a system call: both forms, every error with its index, records of the capabilities.
#include "machine.h"
#include <mmu.h>

#define VA UINT64_C(0x200000000)
#define UNIT BIT(21)
#define RW (SHEAF_MAP_READ | SHEAF_MAP_WRITE)

static uint64_t vspace;

static int setup(void **state) {
    machine_setup(state);
    vspace = make(SHEAF_VSPACE, 0);
    return 0;
}

static struct sheaf_gather_op move_op(uint64_t from, uint64_t pages, uint64_t to, uint64_t slot) {
    return (struct sheaf_gather_op){
        {SHEAF_OP_WORD0(SHEAF_OP_MOVE, 0, 0), vspace, from, pages, to, slot}};
}

static bool allows(uint64_t va, uint64_t access) {
    return mmu_fault(slot_of(vspace)->object, VADDR(va), access) == MMU_FAULT_RESOLVED;
}

static void tables_move(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 3);
    OK(gather_op(map_op(vspace, VA + UNIT - PAGE_BYTES, 3, frames, 3, RW, SHEAF_OP_DIRTY)));
    struct result result = gather_op(move_op(VA, 1024, VA + 70 * UNIT, 0));
    OK(result);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 3);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t va = VA + 71 * UNIT + (i - UINT64_C(1)) * PAGE_BYTES;
        assert_int_equal(mapping(frames + i).va, va); // nobody touched the record
        assert_true(allows(va, SHEAF_ACCESS_WRITE));
    }
    assert_false(allows(VA + UNIT, SHEAF_ACCESS_READ));
    OK(destroy(frames + 1)); // found at its new place
    assert_false(allows(VA + 71 * UNIT, SHEAF_ACCESS_READ));
}

static void leaves_move_with_their_capabilities(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 3), big = make(SHEAF_FRAME, 14);
    OK(gather_op(map_op(vspace, VA, 3, frames, 3, RW, SHEAF_OP_DIRTY)));
    struct result result = gather_op(move_op(VA, 3, VA + 2 * PAGE_BYTES, frames));
    OK(result);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(mapping(frames + i).va, VA + (2 + i) * PAGE_BYTES);
    OK(gather_op(unmap_op(vspace, VA, 3, 0)));
    OK(gather_op(map_op(vspace, VA + UNIT, 4, big, 1, SHEAF_MAP_READ, 0)));
    OK(gather_op(move_op(VA + UNIT, 4, VA + UNIT + 7 * PAGE_BYTES, big)));
    assert_int_equal(mapping(big).va, VA + UNIT + 7 * PAGE_BYTES);
    assert_int_equal(mapping(big).pages, 4);
    assert_false(allows(VA + UNIT + 8 * PAGE_BYTES, SHEAF_ACCESS_WRITE));
    OK(revoke(big));
    OK(destroy(big));
    assert_false(allows(VA + UNIT + 8 * PAGE_BYTES, SHEAF_ACCESS_READ));
    assert_true(allows(VA + 3 * PAGE_BYTES, SHEAF_ACCESS_WRITE));
}

// A vector that exchanges two pages by way of a third place.
static void moves_in_a_vector(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 2);
    OK(gather_op(map_op(vspace, VA, 2, frames, 2, RW, SHEAF_OP_DIRTY)));
    buffer()->ops[0] = move_op(VA, 1, VA + 8 * PAGE_BYTES, frames);
    buffer()->ops[1] = move_op(VA + PAGE_BYTES, 1, VA, frames + 1);
    buffer()->ops[2] = move_op(VA + 8 * PAGE_BYTES, 1, VA + PAGE_BYTES, frames);
    OK(gather(3, 0));
    assert_int_equal(mapping(frames).va, VA + PAGE_BYTES);
    assert_int_equal(mapping(frames + 1).va, VA);
}

static void scenario_2d_a_bad_move_in_the_middle(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 3);
    OK(gather_op(map_op(vspace, VA, 3, frames, 3, RW, SHEAF_OP_DIRTY)));
    buffer()->ops[0] = unmap_op(vspace, VA, 1, 0);
    buffer()->ops[1] = move_op(VA + PAGE_BYTES, 1, VA, frames + 1);
    buffer()->ops[2] = move_op(VA, 2, VA + PAGE_BYTES, frames + 2); // not what is there
    buffer()->ops[3] = unmap_op(vspace, VA, 3, 0);
    struct result result = gather(4, 0);
    assert_int_equal(result.status, SHEAF_ERR_OTHER_MAPPING);
    assert_int_equal(SHEAF_GATHER_INDEX(result.x10), 2);
    assert_int_equal(mapping(frames).pages, 0);
    assert_int_equal(mapping(frames + 1).va, VA);
    assert_int_equal(mapping(frames + 2).va, VA + 2 * PAGE_BYTES);
}

static void slots_that_name_nothing(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 40), last = BIT(14) - 2;
    OK(gather_op(map_op(vspace, VA, 20, frames, 20, RW, 0)));
    OK(gather_op(map_op(vspace, VA + 20 * PAGE_BYTES, 20, frames + 20, 20, RW, 0)));
    uint64_t to = VA + 9 * UNIT;
    OK(gather_op(move_op(VA, 40, to, frames)));
    GATHER_FAILS(WRONG_TYPE, move_op(to, 40, VA, VSPACE));
    GATHER_FAILS(OTHER_MAPPING, move_op(to, 40, VA, frames + 1));
    OK(gather_op(move_op(to, 40, VA, frames)));
    GATHER_FAILS(OTHER_MAPPING, move_op(VA, 2, to, frames + 1));
    OK(INVOKE(CNODE, SHEAF_CNODE_MOVE, last, frames + 2));
    GATHER_FAILS(INVALID_CAPABILITY, move_op(VA, 3, to, frames)); // the third slot is empty
    GATHER_FAILS(INVALID_CAPABILITY, move_op(VA, 3, to, frames + 2));
    OK(INVOKE(CNODE, SHEAF_CNODE_COPY, frames + 2, INIT, 7));
    GATHER_FAILS(WRONG_TYPE, move_op(VA, 3, to, frames));
    GATHER_FAILS(WRONG_TYPE, move_op(VA, 3, to, vspace));
    OK(gather_op(move_op(VA + 2 * PAGE_BYTES, 1, to, last)));
    OK(INVOKE(CNODE, SHEAF_CNODE_MOVE, last + 1, last));
    OK(gather_op(move_op(to, 1, VA + 2 * PAGE_BYTES, last + 1)));
    GATHER_FAILS(RANGE, move_op(VA + 2 * PAGE_BYTES, 2, to, last + 1)); // the CNode ends
}

// A record that verifies by what a copy with more rights has mapped in its place: were the leaf to
// move by it, it would stay writable when the copy is taken back.
static void a_record_moves_no_leaf_that_allows_more(void **state) {
    (void)state;
    uint64_t frame = make(SHEAF_FRAME, 12), reader = new_slots(1), to = VA + 8 * PAGE_BYTES;
    OK(INVOKE(CNODE, SHEAF_CNODE_COPY, reader, frame, SHEAF_RIGHT_READ));
    OK(gather_op(map_op(vspace, VA, 1, reader, 1, SHEAF_MAP_READ, 0)));
    OK(gather_op(unmap_op(vspace, VA, 1, SHEAF_OP_KEEP_TABLES)));
    OK(gather_op(map_op(vspace, VA, 1, frame, 1, RW, SHEAF_OP_DIRTY)));
    GATHER_FAILS(OTHER_MAPPING, move_op(VA, 1, to, reader));
    OK(gather_op(move_op(VA, 1, to, frame)));
    assert_int_equal(mapping(frame).va, to);
    OK(gather_op(unmap_op(vspace, to, 1, 0)));
    OK(gather_op(map_op(vspace, VA, 1, reader, 1, SHEAF_MAP_READ, 0)));
    OK(gather_op(move_op(VA, 1, to, reader))); // its own
    assert_int_equal(mapping(reader).va, to);
}

static void bad_moves(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 4), block = make(SHEAF_FRAME, 21),
             big = make(SHEAF_FRAME, 13);
    OK(gather_op(map_op(vspace, VA, 4, frames, 4, RW, 0)));
    OK(gather_op(map_op(vspace, VA + 8 * UNIT, 512, block, 1, RW, 0)));
    OK(gather_op(map_op(vspace, VA + UNIT, 2, big, 1, RW, 0)));
    uint64_t to = VA + 64 * UNIT;
    for (unsigned flag = 1; flag < 0x10000; flag <<= 1) {
        struct sheaf_gather_op op = move_op(VA, 512, to, 0);
        op.word[0] |= (uint64_t)flag << 16;
        GATHER_FAILS(UNKNOWN_FLAG, op);
    }
    struct sheaf_gather_op op = move_op(VA, 512, to, 0);
    op.word[0] |= SHEAF_MAP_READ << 8;
    GATHER_FAILS(INVALID_ARGUMENT, op);
    op = move_op(VA, 512, to, 0);
    op.word[1] = CNODE;
    GATHER_FAILS(WRONG_TYPE, op);
    GATHER_FAILS(MISALIGNED, move_op(VA, 511, to, 0));
    GATHER_FAILS(MISALIGNED, move_op(VA + PAGE_BYTES, 512, to, 0));
    GATHER_FAILS(MISALIGNED, move_op(VA, 512, to + PAGE_BYTES, 0));
    GATHER_FAILS(MISALIGNED, move_op(VA, 1, to + 1, frames));
    GATHER_FAILS(MISALIGNED, move_op(VA + 8 * UNIT, 512, to + PAGE_BYTES, block));
    GATHER_FAILS(OTHER_MAPPING, move_op(VA + 8 * UNIT, 512, to, 0));
    GATHER_FAILS(OTHER_MAPPING, move_op(VA, 512 * 9, to, 0));
    GATHER_FAILS(PLACE_OCCUPIED, move_op(VA, 512, VA + UNIT, 0));
    GATHER_FAILS(PLACE_OCCUPIED, move_op(VA, 512, VA + 8 * UNIT, 0));
    GATHER_FAILS(PLACE_OCCUPIED, move_op(VA, 4, VA + UNIT, frames));
    GATHER_FAILS(PLACE_OCCUPIED, move_op(VA + 2 * PAGE_BYTES, 1, VA, frames + 2));
    GATHER_FAILS(BLOCK_CUT, move_op(VA + UNIT, 1, to, big));
    GATHER_FAILS(BLOCK_CUT, move_op(VA + UNIT + PAGE_BYTES, 2, to, big));
    GATHER_FAILS(RANGE, move_op(VA + UNIT, 2, to - PAGE_BYTES, big));
    GATHER_FAILS(ZERO_LENGTH, move_op(VA, 0, to, 0));
    GATHER_FAILS(NON_CANONICAL, move_op(VA, 512, BIT(48), 0));
    GATHER_FAILS(KERNEL_HALF, move_op(VA, 512, UINT64_C(0xffff000000000000), 0));
    GATHER_FAILS(OVERFLOW, move_op(VA, 1024, BIT(48) - UNIT, 0));
    GATHER_FAILS(OVERFLOW, move_op(VA, UINT64_C(1) << 36, to, 0));
    OK(gather_op(move_op(VA + 8 * UNIT, 512, to, block)));
    assert_int_equal(mapping(block).va, to);
}

static void tables_run_out(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 12);
    for (unsigned i = 0; i < 12; i++) // 14 tables: levels 1 and 2, and 12 of level 3
        OK(gather_op(map_op(vspace, VA + i * UNIT, 1, frames + i, 1, RW, 0)));
    struct sheaf_gather_op ops[] = {move_op(VA, 12 * 512, BIT(46), 0),
                                    move_op(VA, 1, BIT(46), frames)};
    static const unsigned missing[] = {2, 3};
    for (unsigned i = 0; i < 2; i++) {
        buffer()->ops[0] = ops[i];
        snapshot_take();
        struct result result = gather(1, 0);
        assert_int_equal(result.status, SHEAF_ERR_NO_TABLES);
        assert_int_equal(result.tag, missing[i]);
        snapshot_compare("move without tables", __FILE__, __LINE__);
    }
    OK(INVOKE(vspace, SHEAF_VSPACE_GROW, untyped(16), 1));
    OK(gather_op(ops[1]));
    GATHER_FAILS(PLACE_OCCUPIED, ops[0]);
    OK(gather_op(move_op(BIT(46), 1, VA, frames)));
    OK(gather_op(ops[0])); // the table that was made room for gives way
    assert_int_equal(mapping(frames).va, BIT(46));
    assert_int_equal(mapping(frames + 11).va, BIT(46) + 11 * UNIT);
}

#define MOVE_TEST(function) cmocka_unit_test_setup_teardown(function, setup, machine_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        MOVE_TEST(tables_move),
        MOVE_TEST(leaves_move_with_their_capabilities),
        MOVE_TEST(moves_in_a_vector),
        MOVE_TEST(scenario_2d_a_bad_move_in_the_middle),
        MOVE_TEST(slots_that_name_nothing),
        MOVE_TEST(a_record_moves_no_leaf_that_allows_more),
        MOVE_TEST(bad_moves),
        MOVE_TEST(tables_run_out),
    };
    return cmocka_run_group_tests_name("core.move", tests, NULL, NULL);
}
