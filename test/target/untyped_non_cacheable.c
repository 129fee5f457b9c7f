// SPDX-License-Identifier: BSD-2-Clause
// Non-cacheable memory: Untypeds that become so and come back, and what lies in their Frames.
#include "harness.h"
#include "support.h"

#define NC SHEAF_MEMORY_NON_CACHEABLE

static uint64_t retype_nc(sheaf_cptr memory, unsigned type, unsigned bits, sheaf_cptr slot) {
    return untyped_retype(memory, type, bits, NC, ROOT, slot, 1);
}

static sheaf_cptr make_nc(sheaf_cptr memory, unsigned type, unsigned bits) {
    sheaf_cptr slot = new_slot();
    CHECK_OK(retype_nc(memory, type, bits, slot));
    return slot;
}

static void check_zero(const uint64_t *words, uint64_t bytes) {
    for (uint64_t i = 0; i < bytes / 8; i++) {
        CHECK_EQ(words[i], 0);
    }
}

static void write_words(volatile uint64_t *words, uint64_t bytes, uint64_t seed) {
    for (uint64_t i = 0; i < bytes / 8; i++) {
        words[i] = seed + i;
    }
}

static void check_words(const volatile uint64_t *words, uint64_t bytes, uint64_t seed) {
    for (uint64_t i = 0; i < bytes / 8; i++) {
        CHECK_EQ(words[i], seed + i);
    }
}

// From cacheable with contents, to non-cacheable, and to cacheable again: what is handed out is
// zero, and what is written is read, at two places at once.
static void there_and_back(void) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, 22), first = make_from(memory, SHEAF_FRAME, 22);
    write_words(map_here(first, 22, ALL_ACCESS), BLOCK, 0x1111);
    CHECK_OK(cnode_revoke(ROOT, memory));
    uint64_t changed = counter(SHEAF_COUNTER_ALIAS_CHANGED);
    uint64_t purged = counter(SHEAF_COUNTER_ALIAS_PURGED);
    sheaf_cptr frame = make_nc(memory, SHEAF_FRAME, 16);
    CHECK_EQ(counter(SHEAF_COUNTER_ALIAS_CHANGED), changed + 2);
    CHECK_EQ(untyped_info(memory).memory_type, NC);
    struct message m = INVOKE(frame, SHEAF_FRAME_GET_ADDRESS, 0, 0);
    CHECK_EQ(m.word[0], untyped_info(memory).physical);
    CHECK_EQ(m.word[2], NC);
    uint64_t *here = map_here(frame, 16, ALL_ACCESS);
    const uint64_t *there = map_here(copy_of(frame, SHEAF_RIGHT_READ), 16, SHEAF_MAP_READ);
    check_zero(here, UINT64_C(1) << 16);
    write_words(here, UINT64_C(1) << 16, 0x2222);
    check_words(there, UINT64_C(1) << 16, 0x2222);
    CHECK_OK(cnode_revoke(ROOT, memory));
    CHECK_EQ(untyped_info(memory).memory_type, SHEAF_MEMORY_NORMAL);
    CHECK_EQ(counter(SHEAF_COUNTER_ALIAS_PURGED), purged);
    first = make_from(memory, SHEAF_FRAME, 22);
    CHECK_EQ(counter(SHEAF_COUNTER_ALIAS_PURGED), purged + 2);
    here = map_here(first, 22, ALL_ACCESS);
    check_zero(here, BLOCK);
    write_words(here, PAGE, 0x3333);
    check_words(here, PAGE, 0x3333);
}

static void refused(void) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, 21), small = make(SHEAF_UNTYPED, 20), slot = new_slot();
    CHECK_ERROR(retype_nc(small, SHEAF_FRAME, 12, slot), MEMORY_TYPE);
    CHECK_ERROR(retype_nc(arena(), SHEAF_FRAME, 12, slot), IN_USE);
    CHECK_ERROR(retype_nc(memory, SHEAF_THREAD, 0, slot), MEMORY_TYPE);
    CHECK_ERROR(retype_nc(memory, SHEAF_FRAME, 22, slot), NO_MEMORY);
    CHECK_EQ(untyped_info(memory).memory_type, SHEAF_MEMORY_NORMAL);
    sheaf_cptr piece = make_nc(memory, SHEAF_UNTYPED, 16);
    CHECK_ERROR(untyped_retype(memory, SHEAF_FRAME, 12, 0, ROOT, slot, 1), IN_USE);
    CHECK_ERROR(untyped_retype(memory, SHEAF_ENDPOINT, 0, 0, ROOT, slot, 1), IN_USE);
    CHECK_ERROR(untyped_retype(piece, SHEAF_FRAME, 12, 0, ROOT, slot, 1), MEMORY_TYPE);
    CHECK(slot_is_empty(slot));
    CHECK_ERROR(
        thread_configure(make(SHEAF_THREAD, 0), 0, 0, 0, make_nc(piece, SHEAF_FRAME, 12), 0),
        MEMORY_TYPE);
}

// Many blocks at once; and those of Untypeds that are gone when the arena is whole again.
static void many_blocks(void) {
    sheaf_cptr large = make(SHEAF_UNTYPED, 25), inner = make_from(large, SHEAF_UNTYPED, 24);
    sheaf_cptr frame = make_nc(inner, SHEAF_FRAME, 21);
    uint64_t queued = counter(SHEAF_COUNTER_ALIAS_QUEUED);
    uint64_t purged = counter(SHEAF_COUNTER_ALIAS_PURGED);
    uint64_t purges = counter(SHEAF_COUNTER_ALIAS_PURGES);
    write_words(map_here(frame, 21, ALL_ACCESS), PAGE, 0x4444);
    CHECK_OK(cnode_revoke(ROOT, large));
    CHECK_EQ(counter(SHEAF_COUNTER_ALIAS_QUEUED), queued + 8);
    CHECK_OK(INVOKE(large, SHEAF_UNTYPED_PURGE, 0, 0).status);
    CHECK_EQ(counter(SHEAF_COUNTER_ALIAS_PURGED), purged + 8);
    CHECK_EQ(counter(SHEAF_COUNTER_ALIAS_PURGES), purges + 1);
    frame = make_from(large, SHEAF_FRAME, 25);
    check_zero(map_here(frame, 25, SHEAF_MAP_READ), UINT64_C(1) << 25);
    CHECK_EQ(counter(SHEAF_COUNTER_ALIAS_PURGES), purges + 1);
}

static void left_to_the_next_case(void) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, 22);
    write_words(map_here(make_nc(memory, SHEAF_FRAME, 12), 12, ALL_ACCESS), PAGE, 0x5555);
    CHECK_OK(cnode_delete(ROOT, memory)); // the Frame lives, and is mapped
}

static void found_by_the_next_case(void) {
    sheaf_cptr frame = make(SHEAF_FRAME, 25);
    check_zero(map_here(frame, 25, SHEAF_MAP_READ), UINT64_C(1) << 25);
}

static const struct test_case cases[] = {
    {"untyped.non_cacheable_there_and_back", there_and_back},
    {"untyped.non_cacheable_refused", refused},
    {"untyped.non_cacheable_many_blocks", many_blocks},
    {"untyped.non_cacheable_left_behind", left_to_the_next_case},
    {"untyped.non_cacheable_found_again", found_by_the_next_case},
};

const struct test_area untyped_non_cacheable_area = TEST_AREA(cases);
