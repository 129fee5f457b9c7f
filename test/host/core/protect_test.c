// SPDX-License-Identifier: BSD-2-Clause
// PROTECT and AGE as system calls: what they do, what is reported, and every error.
#include "machine.h"
#include <mmu.h>
#include <string.h>

#define VA UINT64_C(0x200000000)
#define RW (SHEAF_MAP_READ | SHEAF_MAP_WRITE)
#define RX (SHEAF_MAP_READ | SHEAF_MAP_EXECUTE)
#define BOTH (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)

static uint64_t vspace;

static int setup(void **state) {
    machine_setup(state);
    vspace = make(SHEAF_VSPACE, 0);
    return 0;
}

static bool allows(uint64_t va, uint64_t access) {
    return mmu_fault(slot_of(vspace)->object, VADDR(va), access) == MMU_FAULT_RESOLVED;
}

// Pages from VA on: 2 dirty, 2 only accessed, 2 never accessed.
static uint64_t fill(void) {
    uint64_t frames = make_many(SHEAF_FRAME, 12, 6);
    OK(gather_op(map_op(vspace, VA, 2, frames, 2, RW, SHEAF_OP_DIRTY)));
    OK(gather_op(map_op(vspace, VA + 2 * PAGE_BYTES, 2, frames + 2, 2, RW, SHEAF_OP_ACCESSED)));
    OK(gather_op(map_op(vspace, VA + 4 * PAGE_BYTES, 2, frames + 4, 2, RW, 0)));
    return frames;
}

static void rights_go_and_come_back(void **state) {
    (void)state;
    uint64_t frames = fill();
    struct result result = gather_op(protect_op(vspace, VA, 6, SHEAF_MAP_READ, 0));
    OK(result);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 6);
    assert_false(allows(VA, SHEAF_ACCESS_WRITE));
    assert_true(allows(VA, SHEAF_ACCESS_READ));
    assert_int_equal(mapping(frames + 5).va, VA + 5 * PAGE_BYTES); // the records stay true
    OK(gather_op(protect_op(vspace, VA, 3, RW, 0)));
    assert_true(allows(VA + 2 * PAGE_BYTES, SHEAF_ACCESS_WRITE));
    assert_false(allows(VA + 3 * PAGE_BYTES, SHEAF_ACCESS_WRITE));
    OK(gather_op(protect_op(vspace, VA, 6, RX, 0)));
    assert_true(allows(VA, SHEAF_ACCESS_EXECUTE));
    OK(gather_op(protect_op(vspace, VA, UINT64_C(1) << 30, SHEAF_MAP_EXECUTE, 0))); // the same
    assert_true(allows(VA, SHEAF_ACCESS_READ));
}

static void reports_of_both(void **state) {
    (void)state;
    fill();
    memset(buffer()->results, 0xff, SHEAF_RESULT_BYTES);
    buffer()->ops[0] = age_op(vspace, VA, 5, SHEAF_OP_ACCESSED | SHEAF_OP_REPORT);
    buffer()->ops[1] = age_op(vspace, VA, 1, SHEAF_OP_DIRTY); // reports nothing
    buffer()->ops[2] = protect_op(vspace, VA, 6, SHEAF_MAP_READ, SHEAF_OP_REPORT);
    buffer()->ops[3] = age_op(vspace, VA, 6, BOTH | SHEAF_OP_REPORT);
    struct result result = gather(4, 0);
    OK(result);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 4 + 1 + 6);
    static const uint8_t expected[] = {0x55, 0, 0x08, 0, 0, 0, 0xff};
    assert_memory_equal(buffer()->results, expected, sizeof(expected));
}

static void rights_of_the_capability_are_the_bound(void **state) {
    (void)state;
    uint64_t frame = make(SHEAF_FRAME, 12), reader = copy_of(frame, SHEAF_RIGHT_READ);
    OK(gather_op(map_op(vspace, VA, 1, frame, 1, SHEAF_MAP_READ, 0)));
    OK(gather_op(map_op(vspace, VA + PAGE_BYTES, 1, reader, 1, SHEAF_MAP_READ, 0)));
    GATHER_FAILS(RIGHTS_EXCEEDED, protect_op(vspace, VA, 2, RW, 0));
    OK(gather_op(protect_op(vspace, VA, 1, RW, 0)));
    GATHER_FAILS(RIGHTS_EXCEEDED, protect_op(vspace, VA + PAGE_BYTES, 1, SHEAF_MAP_WRITE, 0));
    OK(gather_op(protect_op(vspace, VA, 2, RX, 0)));
}

static void the_first_failure_stops(void **state) {
    (void)state;
    fill();
    OK(gather_op(map_op(vspace, VA + BIT(21), 512, make(SHEAF_FRAME, 21), 1, RW, 0)));
    buffer()->ops[0] = protect_op(vspace, VA, 1, SHEAF_MAP_READ, 0);
    buffer()->ops[1] = protect_op(vspace, VA + PAGE_BYTES, 512, SHEAF_MAP_READ, 0);
    buffer()->ops[2] = protect_op(vspace, VA + PAGE_BYTES, 1, SHEAF_MAP_READ, 0);
    struct result result = gather(3, 0);
    assert_int_equal(result.status, SHEAF_ERR_BLOCK_CUT);
    assert_int_equal(SHEAF_GATHER_INDEX(result.x10), 1);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 1);
    assert_false(allows(VA, SHEAF_ACCESS_WRITE));
    assert_true(allows(VA + PAGE_BYTES, SHEAF_ACCESS_WRITE));
}

static void bad_operations(void **state) {
    (void)state;
    uint64_t frames = fill();
    OK(gather_op(map_op(vspace, VA + BIT(21), 512, make(SHEAF_FRAME, 21), 1, RW, 0)));
    for (unsigned flag = 1; flag < 0x10000; flag <<= 1) {
        if (flag != SHEAF_OP_REPORT)
            GATHER_FAILS(UNKNOWN_FLAG, protect_op(vspace, VA, 1, RW, flag));
        if ((flag & (BOTH | SHEAF_OP_REPORT)) == 0)
            GATHER_FAILS(UNKNOWN_FLAG, age_op(vspace, VA, 1, BOTH | flag));
    }
    GATHER_FAILS(INVALID_ARGUMENT, protect_op(vspace, VA, 1, 0, 0));
    GATHER_FAILS(INVALID_ARGUMENT, protect_op(vspace, VA, 1, 8, 0));
    GATHER_FAILS(INVALID_ARGUMENT, age_op(vspace, VA, 1, 0));
    GATHER_FAILS(INVALID_ARGUMENT, age_op(vspace, VA, 1, SHEAF_OP_REPORT));
    for (unsigned i = 0; i < 2; i++) {
        struct sheaf_gather_op good =
            i == 0 ? protect_op(vspace, VA, 1, RW, 0) : age_op(vspace, VA, 1, BOTH);
        struct sheaf_gather_op op = good;
        op.word[0] |= BIT(32);
        GATHER_FAILS(INVALID_ARGUMENT, op);
        for (unsigned word = 4; word < SHEAF_GATHER_OP_WORDS; word++) {
            op = good;
            op.word[word] = 1;
            GATHER_FAILS(INVALID_ARGUMENT, op);
        }
        op = good;
        op.word[1] = frames;
        GATHER_FAILS(WRONG_TYPE, op);
        op.word[1] = 0;
        GATHER_FAILS(INVALID_CAPABILITY, op);
        op = good;
        op.word[0] |= SHEAF_OP_WORD0(0, 0, SHEAF_OP_REPORT);
        op.word[3] = 1793;
        GATHER_FAILS(RESULTS_TOO_LARGE, op);
        op = good;
        op.word[2] = VA + BIT(21) + PAGE_BYTES;
        GATHER_FAILS(BLOCK_CUT, op);
    }
    GATHER_FAILS(INVALID_ARGUMENT,
                 (struct sheaf_gather_op){{SHEAF_OP_WORD0(SHEAF_OP_AGE, RW, BOTH), vspace, VA, 1}});
}

static void bad_ranges(void **state) {
    (void)state;
    static const struct {
        uint64_t va, pages;
        enum sheaf_error error;
    } ranges[] = {
        {VA + 1, 1, SHEAF_ERR_MISALIGNED},
        {BIT(48), 1, SHEAF_ERR_NON_CANONICAL},
        {UINT64_C(0xffff000000000000), 1, SHEAF_ERR_KERNEL_HALF},
        {VA, 0, SHEAF_ERR_ZERO_LENGTH},
        {BIT(48) - PAGE_BYTES, 2, SHEAF_ERR_OVERFLOW},
        {VA, UINT64_MAX, SHEAF_ERR_OVERFLOW},
    };
    for (unsigned i = 0; i < 2 * ARRAY_SIZE(ranges); i++) {
        uint64_t va = ranges[i / 2].va, pages = ranges[i / 2].pages;
        buffer()->ops[0] =
            i % 2 == 0 ? protect_op(vspace, va, pages, RW, 0) : age_op(vspace, va, pages, BOTH);
        snapshot_take();
        check_status(gather(1, 0).status, ranges[i / 2].error, "bad range", __FILE__, __LINE__);
        snapshot_compare("bad range", __FILE__, __LINE__);
    }
}

#define PROTECT_TEST(function) cmocka_unit_test_setup_teardown(function, setup, machine_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        PROTECT_TEST(rights_go_and_come_back),
        PROTECT_TEST(reports_of_both),
        PROTECT_TEST(rights_of_the_capability_are_the_bound),
        PROTECT_TEST(the_first_failure_stops),
        PROTECT_TEST(bad_operations),
        PROTECT_TEST(bad_ranges),
    };
    return cmocka_run_group_tests_name("core.protect", tests, NULL, NULL);
}
