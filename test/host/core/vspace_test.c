// SPDX-License-Identifier: BSD-2-Clause
// VSpaces: chunks given and taken back, death by capability and by memory, and every error.
#include "delete.h"
#include "machine.h"
#include <mmu.h>

static struct vspace_info info_of(uint64_t vspace) {
    struct result result = INVOKE(vspace, SHEAF_VSPACE_INFO);
    OK(result);
    return (struct vspace_info){(unsigned)result.word[0], (unsigned)result.word[1],
                                (unsigned)result.word[2], (unsigned)result.word[3]};
}

static void grow_and_shrink(void **state) {
    (void)state;
    uint64_t vspace = make(SHEAF_VSPACE, 0), memory = untyped(19);
    struct vspace_info info = info_of(vspace);
    assert_int_equal(info.chunks, 1);
    assert_int_equal(info.tables_free, 14);
    assert_int_equal(info.tables_used, 1);
    OK(INVOKE(vspace, SHEAF_VSPACE_GROW, memory, 3));
    info = info_of(vspace);
    assert_int_equal(info.chunks, 4);
    assert_int_equal(info.tables_free, 59);
    assert_int_equal(bytes_left(memory), BIT(19) - 3 * BIT(16));
    check_invariants();
    OK(INVOKE(vspace, SHEAF_VSPACE_SHRINK, 2));
    assert_int_equal(info_of(vspace).chunks, 3);
    FAILS(RANGE, INVOKE(vspace, SHEAF_VSPACE_SHRINK, 2));
    OK(INVOKE(vspace, SHEAF_VSPACE_SHRINK, 1));
    OK(INVOKE(vspace, SHEAF_VSPACE_SHRINK, 3));
    assert_int_equal(bytes_left(memory), BIT(19)); // all of it is back
    OK(INVOKE(vspace, SHEAF_VSPACE_GROW, memory, 1));
    check_invariants();
}

static void grow_errors(void **state) {
    (void)state;
    uint64_t vspace = make(SHEAF_VSPACE, 0), memory = untyped(17), small = untyped(15);
    FAILS(ZERO_LENGTH, INVOKE(vspace, SHEAF_VSPACE_GROW, memory, 0));
    FAILS(RANGE, INVOKE(vspace, SHEAF_VSPACE_GROW, memory, SHEAF_GROW_MAX + 1));
    FAILS(NO_MEMORY, INVOKE(vspace, SHEAF_VSPACE_GROW, memory, 3));
    FAILS(NO_MEMORY, INVOKE(vspace, SHEAF_VSPACE_GROW, small, 1));
    FAILS(WRONG_TYPE, INVOKE(vspace, SHEAF_VSPACE_GROW, vspace, 1));
    FAILS(INVALID_CAPABILITY, INVOKE(vspace, SHEAF_VSPACE_GROW, 0, 1));
    FAILS(INVALID_ARGUMENT, INVOKE(vspace, SHEAF_VSPACE_GROW, memory));
    FAILS(RANGE, INVOKE(vspace, SHEAF_VSPACE_SHRINK, 0));
    FAILS(RANGE, INVOKE(vspace, SHEAF_VSPACE_SHRINK, 1));
    FAILS(RANGE, INVOKE(vspace, SHEAF_VSPACE_SHRINK, UINT64_MAX));
    FAILS(UNKNOWN_METHOD, INVOKE(vspace, 4));
    // A chunk whose tables are used.
    OK(INVOKE(vspace, SHEAF_VSPACE_GROW, memory, 1));
    uint64_t frame = make(SHEAF_FRAME, 12), first = new_slots(16);
    OK(gather_op(map_op(vspace, 0, 1, frame, 1, SHEAF_MAP_READ, 0)));
    for (unsigned i = 0; i < 16; i++) { // 14 tables of chunk 0, then of chunk 1
        OK(copy(first + i, frame, 7));
        OK(gather_op(map_op(vspace, (uint64_t)(i + 1) << 21, 1, first + i, 1, SHEAF_MAP_READ, 0)));
    }
    FAILS(TABLE_IN_USE, INVOKE(vspace, SHEAF_VSPACE_SHRINK, 1));
    OK(gather_op(unmap_op(vspace, 0, UINT64_C(1) << 36, 0)));
    OK(INVOKE(vspace, SHEAF_VSPACE_SHRINK, 1));
}

static void the_directory_is_bounded(void **state) {
    (void)state;
    machine_boot(&(struct image){.ram_bytes = RAM_MOST});
    uint64_t vspace = make(SHEAF_VSPACE, 0), more = untyped(24), memory = untyped(25);
    unsigned most = info_of(vspace).chunks_max, chunks = 1;
    for (unsigned count = SHEAF_GROW_MAX; chunks < most; chunks += count) {
        count = MIN(count, most - chunks);
        OK(INVOKE(vspace, SHEAF_VSPACE_GROW, chunks <= 512 - count ? memory : more, count));
    }
    assert_int_equal(info_of(vspace).chunks, most);
    FAILS(TOO_MANY_CHUNKS, INVOKE(vspace, SHEAF_VSPACE_GROW, more, 1));
    check_invariants();
    // All of them leave the tree, in slices, whoever is interrupted how often.
    fake_set_interrupts(2);
    OK(revoke(more));
    fake_set_interrupts(VMSA_NEVER);
    assert_int_equal(bytes_left(memory), BIT(25));
    assert_int_equal(bytes_left(more), BIT(24));
}

static void dies_with_its_last_capability(void **state) {
    (void)state;
    uint64_t memory = untyped(19), more = untyped(19), vspace = make_from(memory, SHEAF_VSPACE, 0);
    OK(INVOKE(vspace, SHEAF_VSPACE_GROW, more, 5));
    uint64_t frame = make(SHEAF_FRAME, 12), second = copy_of(vspace, 7);
    OK(gather_op(map_op(vspace, 0x1000, 1, frame, 1, SHEAF_MAP_READ, SHEAF_OP_ACCESSED)));
    OK(destroy(vspace));
    assert_int_equal(mapping(frame).va, 0x1000); // lives
    OK(destroy(second));
    assert_int_equal(mapping(frame).pages, 0);
    assert_int_equal(bytes_left(memory), BIT(19));
    assert_int_equal(bytes_left(more), BIT(19));
    OK(destroy(frame)); // its record names a VSpace that is gone
}

static void dies_with_the_memory_of_a_chunk(void **state) {
    (void)state;
    uint64_t memory = untyped(19), a = untyped(19), b = untyped(19);
    uint64_t vspace = make_from(memory, SHEAF_VSPACE, 0), frame = make(SHEAF_FRAME, 12);
    OK(INVOKE(vspace, SHEAF_VSPACE_GROW, a, 2));
    OK(INVOKE(vspace, SHEAF_VSPACE_GROW, b, 2));
    OK(gather_op(map_op(vspace, 0x1000, 1, frame, 1, SHEAF_MAP_READ, SHEAF_OP_ACCESSED)));
    struct helper other = helper(PRIORITY_READY);
    configure(other.cap, 0, vspace, 0, 0, 0);
    OK(revoke(a));
    check_invariants();
    assert_int_equal(bytes_left(a), BIT(19));
    assert_int_equal(bytes_left(b), BIT(19)); // the other chunks go with it
    assert_int_not_equal(bytes_left(memory), BIT(19));
    FAILS(DEAD, INVOKE(vspace, SHEAF_VSPACE_INFO));
    FAILS(DEAD, INVOKE(vspace, SHEAF_VSPACE_GROW, a, 1));
    FAILS(DEAD, INVOKE(vspace, SHEAF_VSPACE_SHRINK, 1));
    GATHER_FAILS(DEAD, map_op(vspace, 0x1000, 1, frame, 1, SHEAF_MAP_READ, 0));
    GATHER_FAILS(DEAD, unmap_op(vspace, 0x1000, 1, 0));
    assert_int_equal(mapping(frame).pages, 0);
    // A thread in it runs into a fault at once, on the empty root.
    resume(&other);
    become(other.cap);
    assert_int_equal(port_loaded_root() >> 48, 0);
    page_fault(0x1000, SHEAF_ACCESS_READ); // what was mapped there does not count
    assert_int_equal(other.thread->state, SHEAF_STATE_FAULTED);
    OK(revoke(memory));
    assert_int_equal(bytes_left(memory), BIT(19));
}

static void chunk_goes_up_with_its_untyped(void **state) {
    (void)state;
    uint64_t memory = untyped(19), inner = make_from(memory, SHEAF_UNTYPED, 18);
    uint64_t vspace = make(SHEAF_VSPACE, 0);
    OK(INVOKE(vspace, SHEAF_VSPACE_GROW, inner, 2));
    OK(destroy(inner)); // the chunks hang below `memory` now
    check_invariants();
    assert_int_equal(info_of(vspace).chunks, 3);
    OK(revoke(memory));
    FAILS(DEAD, INVOKE(vspace, SHEAF_VSPACE_INFO));
}

// More chunks than one slice of a deletion takes out of the tree, and an interrupt after any of
// them: the call goes on, and all memory is there.
static void a_large_one_dies_in_slices(void **state) {
    (void)state;
    const unsigned chunks = 3 * DELETE_SLICE;
    for (uint64_t polls = 0; polls < 5; polls++) {
        machine_boot(&(struct image){.ram_bytes = 2 * RAM_BYTES});
        uint64_t memory = untyped(23), home = untyped(16);
        uint64_t vspace = make_from(home, SHEAF_VSPACE, 0);
        for (unsigned i = 0; i < chunks; i += SHEAF_GROW_MAX)
            OK(INVOKE(vspace, SHEAF_VSPACE_GROW, memory, MIN(chunks - i, SHEAF_GROW_MAX)));
        assert_int_equal(info_of(vspace).chunks, 1 + chunks);
        fake_set_interrupts(polls);
        OK(destroy(vspace));
        fake_set_interrupts(VMSA_NEVER);
        assert_true(is_empty(vspace));
        assert_int_equal(bytes_left(memory), BIT(23));
        assert_int_equal(bytes_left(home), BIT(16));
        check_invariants();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(grow_and_shrink),
        TEST(grow_errors),
        TEST(the_directory_is_bounded),
        TEST(dies_with_its_last_capability),
        TEST(dies_with_the_memory_of_a_chunk),
        TEST(chunk_goes_up_with_its_untyped),
        TEST(a_large_one_dies_in_slices),
    };
    return cmocka_run_group_tests_name("core.vspace", tests, NULL, NULL);
}
