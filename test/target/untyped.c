// SPDX-License-Identifier: BSD-2-Clause
// Untyped: retype into every type, all or nothing, zeroed memory, reset.
#include "harness.h"
#include "support.h"

#include <string.h>

// The state of an Untyped that a refused call must leave alone.
static void check_unchanged(struct untyped_info before, sheaf_cptr untyped) {
    struct untyped_info after = untyped_info(untyped);
    CHECK_EQ(after.physical, before.physical);
    CHECK_EQ(after.bits, before.bits);
    CHECK_EQ(after.left, before.left);
}

static void check_refused(enum sheaf_error error, unsigned type, unsigned bits, unsigned memory) {
    sheaf_cptr slot = new_slot();
    struct untyped_info before = untyped_info(arena());
    uint64_t status = untyped_retype(arena(), type, bits, memory, ROOT, slot, 1);
    check_status(status, error, "retype", __FILE__, (int)(type * 1000 + bits));
    check_unchanged(before, arena());
    CHECK(slot_is_empty(slot));
}

static void info_of_fresh(void) {
    struct untyped_info info = untyped_info(arena());
    CHECK_EQ(info.bits, ARENA_BITS);
    CHECK_EQ(info.left, UINT64_C(1) << ARENA_BITS);
    CHECK_EQ(info.physical & ((UINT64_C(1) << ARENA_BITS) - 1), 0);
}

static void every_type(void) {
    static const struct {
        enum sheaf_type type;
        unsigned bits;
    } types[] = {
        {SHEAF_UNTYPED, 12},
        {SHEAF_CNODE, 4},
        {SHEAF_THREAD, SHEAF_THREAD_BITS},
        {SHEAF_ENDPOINT, SHEAF_ENDPOINT_BITS},
        {SHEAF_NOTIFICATION, SHEAF_NOTIFICATION_BITS},
        {SHEAF_REPLY, SHEAF_REPLY_BITS},
        {SHEAF_VSPACE, SHEAF_CHUNK_BITS},
        {SHEAF_FRAME, SHEAF_PAGE_BITS},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        CHECK_EQ(probe_type(make(types[i].type, types[i].bits)), types[i].type);
    }
}

static void size_zero_means_the_fixed_size(void) {
    CHECK_EQ(probe_type(make(SHEAF_THREAD, 0)), SHEAF_THREAD);
    CHECK_EQ(probe_type(make(SHEAF_ENDPOINT, 0)), SHEAF_ENDPOINT);
    CHECK_EQ(probe_type(make(SHEAF_NOTIFICATION, 0)), SHEAF_NOTIFICATION);
    CHECK_EQ(probe_type(make(SHEAF_REPLY, 0)), SHEAF_REPLY);
    CHECK_EQ(probe_type(make(SHEAF_VSPACE, 0)), SHEAF_VSPACE);
}

static void several_at_once(void) {
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, 8);
    struct untyped_info info = untyped_info(arena());
    for (unsigned i = 0; i < 8; i++) {
        uint64_t address = frame_address(first + i);
        CHECK_EQ(address & (PAGE - 1), 0);
        CHECK(address >= info.physical);
        CHECK(address + PAGE <= info.physical + (UINT64_C(1) << info.bits));
        for (unsigned j = 0; j < i; j++) {
            CHECK(frame_address(first + j) != address);
        }
    }
}

static void bytes_left(void) {
    uint64_t left = untyped_info(arena()).left;
    make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, 3);
    CHECK_EQ(untyped_info(arena()).left, left - 3 * PAGE);
    make(SHEAF_ENDPOINT, 0);
    CHECK_EQ(untyped_info(arena()).left, left - 3 * PAGE - (1u << SHEAF_ENDPOINT_BITS));
}

static void no_memory(void) {
    sheaf_cptr small = make(SHEAF_UNTYPED, 14);
    sheaf_cptr slots = new_slots(5);
    struct untyped_info before = untyped_info(small);
    CHECK_ERROR(untyped_retype(small, SHEAF_FRAME, 12, 0, ROOT, slots, 5), NO_MEMORY);
    CHECK_ERROR(untyped_retype(small, SHEAF_FRAME, 15, 0, ROOT, slots, 1), NO_MEMORY);
    check_unchanged(before, small);
    for (unsigned i = 0; i < 5; i++) {
        CHECK(slot_is_empty(slots + i));
    }
}

static void exactly_all_memory(void) {
    sheaf_cptr small = make(SHEAF_UNTYPED, 14);
    sheaf_cptr slots = new_slots(5);
    CHECK_OK(untyped_retype(small, SHEAF_FRAME, 12, 0, ROOT, slots, 4));
    CHECK_EQ(untyped_info(small).left, 0);
    CHECK_ERROR(untyped_retype(small, SHEAF_ENDPOINT, 0, 0, ROOT, slots + 4, 1), NO_MEMORY);
}

static void slot_range(void) {
    sheaf_cptr cnode = make(SHEAF_CNODE, 3); // indices 1 to 7
    struct untyped_info before = untyped_info(arena());
    CHECK_ERROR(untyped_retype(arena(), SHEAF_FRAME, 12, 0, cnode, 0, 1), RANGE);
    CHECK_ERROR(untyped_retype(arena(), SHEAF_FRAME, 12, 0, cnode, 8, 1), RANGE);
    CHECK_ERROR(untyped_retype(arena(), SHEAF_FRAME, 12, 0, cnode, 7, 2), RANGE);
    CHECK_ERROR(untyped_retype(arena(), SHEAF_FRAME, 12, 0, cnode, 1, 8), RANGE);
    CHECK_ERROR(untyped_retype(arena(), SHEAF_FRAME, 12, 0, cnode, 2, UINT64_MAX), RANGE);
    CHECK_ERROR(untyped_retype(arena(), SHEAF_FRAME, 12, 0, cnode, UINT64_MAX, 2), RANGE);
    CHECK_ERROR(untyped_retype(arena(), SHEAF_FRAME, 12, 0, cnode, UINT64_MAX, 1), RANGE);
    check_unchanged(before, arena());
    CHECK_OK(untyped_retype(arena(), SHEAF_FRAME, 12, 0, cnode, 1, 7));
}

static void objects_in_one_call_are_bounded(void) {
    sheaf_cptr slots = new_slots(SHEAF_RETYPE_MAX + 1);
    CHECK_ERROR(untyped_retype(arena(), SHEAF_ENDPOINT, 0, 0, ROOT, slots, SHEAF_RETYPE_MAX + 1),
                RANGE);
    CHECK(slot_is_empty(slots));
    CHECK_OK(untyped_retype(arena(), SHEAF_ENDPOINT, 0, 0, ROOT, slots, SHEAF_RETYPE_MAX));
}

static void slot_occupied(void) {
    sheaf_cptr first = new_slots(4);
    CHECK_OK(cnode_copy(ROOT, first + 2, SHEAF_BOOT_SLOT_CONSOLE, SHEAF_RIGHTS_ALL));
    struct untyped_info before = untyped_info(arena());
    CHECK_ERROR(untyped_retype(arena(), SHEAF_FRAME, 12, 0, ROOT, first, 4), SLOT_OCCUPIED);
    check_unchanged(before, arena());
    CHECK(slot_is_empty(first) && slot_is_empty(first + 1) && slot_is_empty(first + 3));
}

static void bad_sizes(void) {
    check_refused(SHEAF_ERR_RANGE, SHEAF_FRAME, 11, 0);
    check_refused(SHEAF_ERR_RANGE, SHEAF_FRAME, 31, 0);
    check_refused(SHEAF_ERR_RANGE, SHEAF_FRAME, 0, 0);
    check_refused(SHEAF_ERR_RANGE, SHEAF_FRAME, 255, 0);
    check_refused(SHEAF_ERR_RANGE, SHEAF_CNODE, 0, 0);
    check_refused(SHEAF_ERR_RANGE, SHEAF_CNODE, 25, 0);
    check_refused(SHEAF_ERR_RANGE, SHEAF_UNTYPED, 5, 0);
    check_refused(SHEAF_ERR_RANGE, SHEAF_UNTYPED, 48, 0);
    check_refused(SHEAF_ERR_RANGE, SHEAF_THREAD, 12, 0);
    check_refused(SHEAF_ERR_RANGE, SHEAF_ENDPOINT, 5, 0);
    check_refused(SHEAF_ERR_RANGE, SHEAF_VSPACE, 17, 0);
}

static void bad_types(void) {
    check_refused(SHEAF_ERR_INVALID_ARGUMENT, SHEAF_NULL, 12, 0);
    check_refused(SHEAF_ERR_INVALID_ARGUMENT, SHEAF_CONSOLE, 0, 0);
    check_refused(SHEAF_ERR_INVALID_ARGUMENT, SHEAF_SYSTEM, 0, 0);
    check_refused(SHEAF_ERR_INVALID_ARGUMENT, SHEAF_TYPE_COUNT, 0, 0);
    check_refused(SHEAF_ERR_INVALID_ARGUMENT, 255, 12, 0);
}

static void bad_memory_types(void) {
    check_refused(SHEAF_ERR_MEMORY_TYPE, SHEAF_FRAME, 12, SHEAF_MEMORY_DEVICE);
    check_refused(SHEAF_ERR_MEMORY_TYPE, SHEAF_THREAD, 0, SHEAF_MEMORY_NON_CACHEABLE);
    check_refused(SHEAF_ERR_INVALID_ARGUMENT, SHEAF_FRAME, 12, 3);
    check_refused(SHEAF_ERR_INVALID_ARGUMENT, SHEAF_FRAME, 12, 255);
}

static void undefined_argument_bits(void) {
    sheaf_cptr slot = new_slot();
    struct untyped_info before = untyped_info(arena());
    for (unsigned bit = 24; bit < 64; bit += 13) {
        uint64_t word0 = RETYPE_WORD(SHEAF_FRAME, 12, 0) | UINT64_C(1) << bit;
        CHECK_ERROR(INVOKE(arena(), SHEAF_UNTYPED_RETYPE, 4, word0, ROOT, slot, 1).status,
                    INVALID_ARGUMENT);
    }
    check_unchanged(before, arena());
}

static void too_few_words(void) {
    sheaf_cptr slot = new_slot();
    struct untyped_info before = untyped_info(arena());
    // The words are there, but the tag says that they are not part of the message.
    CHECK_ERROR(
        INVOKE(arena(), SHEAF_UNTYPED_RETYPE, 3, RETYPE_WORD(SHEAF_FRAME, 12, 0), ROOT, slot, 1)
            .status,
        INVALID_ARGUMENT);
    check_unchanged(before, arena());
    CHECK(slot_is_empty(slot));
}

static void zero_objects(void) {
    CHECK_ERROR(untyped_retype(arena(), SHEAF_FRAME, 12, 0, ROOT, new_slot(), 0), ZERO_LENGTH);
}

static void destination_not_a_cnode(void) {
    struct untyped_info before = untyped_info(arena());
    CHECK_ERROR(untyped_retype(arena(), SHEAF_FRAME, 12, 0, OWN_THREAD, 1, 1), WRONG_TYPE);
    CHECK_ERROR(untyped_retype(arena(), SHEAF_FRAME, 12, 0, new_slot(), 1, 1), INVALID_CAPABILITY);
    CHECK_ERROR(untyped_retype(arena(), SHEAF_FRAME, 12, 0, 0, 1, 1), INVALID_CAPABILITY);
    check_unchanged(before, arena());
}

static void check_zero(const void *memory, size_t bytes) {
    const uint64_t *words = memory;
    for (size_t i = 0; i < bytes / sizeof(*words); i++) {
        if (words[i] != 0) {
            CHECK_EQ(words[i], 0);
        }
    }
}

// Dirties a Frame, gives its memory back, and looks at what the next Frame there holds.
static void zeroed_again(unsigned bits) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, bits);
    sheaf_cptr frame = make_from(memory, SHEAF_FRAME, bits);
    uint64_t address = frame_address(frame);
    void *at = map_here(frame, bits, ALL_ACCESS);
    check_zero(at, (size_t)1 << bits);
    memset(at, 0xa5, (size_t)1 << bits);
    CHECK_OK(cnode_delete(ROOT, frame));
    frame = make_from(memory, SHEAF_FRAME, bits);
    CHECK_EQ(frame_address(frame), address);
    check_zero(map_here(frame, bits, SHEAF_MAP_READ), (size_t)1 << bits);
}

static void page_zeroed(void) { zeroed_again(SHEAF_PAGE_BITS); }
static void block_zeroed(void) { zeroed_again(21); }

// Rubbish in the memory must not show through in objects made from it.
static void objects_zeroed(void) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, 14);
    sheaf_cptr frame = make_from(memory, SHEAF_FRAME, 14);
    memset(map_here(frame, 14, ALL_ACCESS), 0xff, 1u << 14);
    CHECK_OK(cnode_delete(ROOT, frame));
    sheaf_cptr cnode = make_from(memory, SHEAF_CNODE, 4);
    for (unsigned i = 1; i < 16; i++) {
        CHECK(slot_is_empty(IN_CNODE(cnode, i)));
    }
    sheaf_cptr notification = make_from(memory, SHEAF_NOTIFICATION, 0);
    CHECK_ERROR(nb_receive(notification, 0).status, WOULD_BLOCK);
    CHECK_EQ(thread_state(make_from(memory, SHEAF_THREAD, 0)), SHEAF_STATE_SUSPENDED);
}

static void reset_without_children(void) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, 14);
    sheaf_cptr slots = new_slots(4);
    for (unsigned round = 0; round < 3; round++) {
        CHECK_OK(untyped_retype(memory, SHEAF_FRAME, 12, 0, ROOT, slots, 4));
        CHECK_EQ(untyped_info(memory).left, 0);
        for (unsigned i = 0; i < 4; i++) {
            CHECK_OK(cnode_delete(ROOT, slots + i));
        }
    }
    CHECK_EQ(untyped_info(memory).left, UINT64_C(1) << 14);
}

static void no_reset_with_a_child(void) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, 14);
    sheaf_cptr slots = new_slots(4);
    CHECK_OK(untyped_retype(memory, SHEAF_FRAME, 12, 0, ROOT, slots, 4));
    for (unsigned i = 0; i < 3; i++) {
        CHECK_OK(cnode_delete(ROOT, slots + i));
    }
    CHECK_ERROR(untyped_retype(memory, SHEAF_FRAME, 12, 0, ROOT, slots, 1), NO_MEMORY);
    CHECK_OK(cnode_delete(ROOT, slots + 3));
    CHECK_OK(untyped_retype(memory, SHEAF_FRAME, 12, 0, ROOT, slots, 4));
}

// A copy of the child is a child as much as the child itself.
static void no_reset_with_a_copy_of_a_child(void) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, 12);
    sheaf_cptr frame = make_from(memory, SHEAF_FRAME, 12);
    sheaf_cptr copy = copy_of(frame, SHEAF_RIGHTS_ALL);
    CHECK_OK(cnode_delete(ROOT, frame));
    CHECK_ERROR(untyped_retype(memory, SHEAF_FRAME, 12, 0, ROOT, frame, 1), NO_MEMORY);
    CHECK_OK(cnode_delete(ROOT, copy));
    CHECK_OK(untyped_retype(memory, SHEAF_FRAME, 12, 0, ROOT, frame, 1));
}

static void nested(void) {
    sheaf_cptr memory = arena();
    for (unsigned bits = 20; bits >= 14; bits--) {
        memory = make_from(memory, SHEAF_UNTYPED, bits);
    }
    CHECK_EQ(probe_type(make_from(memory, SHEAF_THREAD, 0)), SHEAF_THREAD);
}

static void aligned_objects(void) {
    make(SHEAF_ENDPOINT, 0); // the watermark is now not aligned for what follows
    CHECK_EQ(frame_address(make(SHEAF_FRAME, 12)) & (PAGE - 1), 0);
    make(SHEAF_ENDPOINT, 0);
    CHECK_EQ(frame_address(make(SHEAF_FRAME, 16)) & 0xffff, 0);
    make(SHEAF_ENDPOINT, 0);
    CHECK_EQ(frame_address(make(SHEAF_FRAME, 21)) & (BLOCK - 1), 0);
}

// Two capabilities with one watermark each would hand out the same memory twice.
static void moved_but_not_copied(void) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, 14);
    make_from(memory, SHEAF_FRAME, 12);
    CHECK_ERROR(cnode_copy(ROOT, new_slot(), memory, SHEAF_RIGHTS_ALL), NOT_COPYABLE);
    sheaf_cptr moved = new_slot();
    CHECK_OK(cnode_move(ROOT, moved, memory));
    CHECK_EQ(untyped_info(moved).left, (1u << 14) - PAGE);
    make_from(moved, SHEAF_FRAME, 12);
}

static void unknown_method(void) {
    CHECK_ERROR(INVOKE(arena(), 0, 0, 0).status, UNKNOWN_METHOD);
    CHECK_ERROR(INVOKE(arena(), 4, 0, 0).status, UNKNOWN_METHOD);
    CHECK_ERROR(INVOKE(arena(), SHEAF_LABEL_KERNEL - 1, 0, 0).status, UNKNOWN_METHOD);
}

static const struct test_case cases[] = {
    {"untyped.info_of_a_fresh_one", info_of_fresh},
    {"untyped.retypes_into_every_type", every_type},
    {"untyped.size_zero_means_the_fixed_size", size_zero_means_the_fixed_size},
    {"untyped.several_objects_at_once", several_at_once},
    {"untyped.bytes_left_are_counted", bytes_left},
    {"untyped.no_memory_changes_nothing", no_memory},
    {"untyped.gives_its_last_byte", exactly_all_memory},
    {"untyped.slots_out_of_range", slot_range},
    {"untyped.objects_in_one_call_are_bounded", objects_in_one_call_are_bounded},
    {"untyped.occupied_slot_changes_nothing", slot_occupied},
    {"untyped.sizes_out_of_range", bad_sizes},
    {"untyped.types_that_are_not_made", bad_types},
    {"untyped.memory_types_that_do_not_fit", bad_memory_types},
    {"untyped.undefined_argument_bits", undefined_argument_bits},
    {"untyped.too_few_words", too_few_words},
    {"untyped.zero_objects", zero_objects},
    {"untyped.destination_is_no_cnode", destination_not_a_cnode},
    {"untyped.page_is_zeroed", page_zeroed},
    {"untyped.block_is_zeroed", block_zeroed},
    {"untyped.objects_are_zeroed", objects_zeroed},
    {"untyped.starts_again_without_children", reset_without_children},
    {"untyped.goes_on_while_a_child_lives", no_reset_with_a_child},
    {"untyped.goes_on_while_a_copy_of_a_child_lives", no_reset_with_a_copy_of_a_child},
    {"untyped.nested_seven_deep", nested},
    {"untyped.objects_are_aligned", aligned_objects},
    {"untyped.is_moved_but_not_copied", moved_but_not_copied},
    {"untyped.unknown_method", unknown_method},
};

const struct test_area untyped_area = TEST_AREA(cases);
