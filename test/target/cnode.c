// SPDX-License-Identifier: BSD-2-Clause
// CNode: copy, mint, move, delete; how capability pointers are looked up.
#include "harness.h"
#include "support.h"

static sheaf_cptr page(void) { return make(SHEAF_FRAME, SHEAF_PAGE_BITS); }

static void copy_names_the_same_object(void) {
    sheaf_cptr frame = page();
    sheaf_cptr copy = copy_of(frame, SHEAF_RIGHTS_ALL);
    CHECK_EQ(frame_address(copy), frame_address(frame));
    CHECK_OK(cnode_delete(ROOT, frame));
    CHECK_EQ(probe_type(copy), SHEAF_FRAME);
}

static void copy_masks_rights(void) {
    sheaf_cptr endpoint = make(SHEAF_ENDPOINT, 0);
    sheaf_cptr reader = copy_of(endpoint, SHEAF_RIGHT_READ);
    CHECK_ERROR(nb_send(reader, MESSAGE(0, 0, 0)), NO_RIGHT);
    CHECK_ERROR(nb_receive(reader, 0).status, WOULD_BLOCK);
    sheaf_cptr writer = copy_of(endpoint, SHEAF_RIGHT_WRITE);
    CHECK_ERROR(nb_send(writer, MESSAGE(0, 0, 0)), WOULD_BLOCK);
    CHECK_ERROR(nb_receive(writer, 0).status, NO_RIGHT);
}

static void rights_never_grow(void) {
    sheaf_cptr reader = copy_of(make(SHEAF_ENDPOINT, 0), SHEAF_RIGHT_READ);
    CHECK_ERROR(nb_send(copy_of(reader, SHEAF_RIGHTS_ALL), MESSAGE(0, 0, 0)), NO_RIGHT);
    CHECK_ERROR(nb_send(badged(reader, SHEAF_RIGHTS_ALL, 7), MESSAGE(0, 0, 0)), NO_RIGHT);
}

static void unknown_rights(void) {
    sheaf_cptr slot = new_slot();
    CHECK_ERROR(cnode_copy(ROOT, slot, page(), 8), INVALID_ARGUMENT);
    CHECK_ERROR(cnode_copy(ROOT, slot, page(), UINT64_MAX), INVALID_ARGUMENT);
    CHECK(slot_is_empty(slot));
}

static void mint_gives_a_badge(void) {
    sheaf_cptr notification = make(SHEAF_NOTIFICATION, 0);
    CHECK_OK(signal_bits(badged(notification, SHEAF_RIGHT_WRITE, 0x8000000000000001)));
    struct message m = nb_receive(notification, 0);
    CHECK_OK(m.status);
    CHECK_EQ(m.word[0], 0x8000000000000001);
}

static void mint_errors(void) {
    sheaf_cptr endpoint = make(SHEAF_ENDPOINT, 0);
    sheaf_cptr once = badged(endpoint, SHEAF_RIGHTS_ALL, 5);
    sheaf_cptr slot = new_slot();
    CHECK_ERROR(cnode_mint(ROOT, slot, endpoint, SHEAF_RIGHTS_ALL, 0), INVALID_ARGUMENT);
    CHECK_ERROR(cnode_mint(ROOT, slot, once, SHEAF_RIGHTS_ALL, 6), INVALID_ARGUMENT);
    CHECK_ERROR(cnode_mint(ROOT, slot, page(), SHEAF_RIGHTS_ALL, 6), WRONG_TYPE);
    CHECK(slot_is_empty(slot));
}

static void copy_keeps_the_badge(void) {
    sheaf_cptr notification = make(SHEAF_NOTIFICATION, 0);
    sheaf_cptr copy = copy_of(badged(notification, SHEAF_RIGHTS_ALL, 0x40), SHEAF_RIGHT_WRITE);
    CHECK_OK(signal_bits(copy));
    CHECK_EQ(nb_receive(notification, 0).word[0], 0x40);
}

static void move_leaves_an_empty_slot(void) {
    sheaf_cptr frame = page();
    uint64_t address = frame_address(frame);
    sheaf_cptr slot = new_slot();
    CHECK_OK(cnode_move(ROOT, slot, frame));
    CHECK(slot_is_empty(frame));
    CHECK_EQ(frame_address(slot), address);
}

static void move_keeps_the_mapping(void) {
    sheaf_cptr frame = page();
    volatile uint64_t *at = map_here(frame, SHEAF_PAGE_BITS, ALL_ACCESS);
    *at = 42;
    sheaf_cptr slot = new_slot();
    CHECK_OK(cnode_move(ROOT, slot, frame));
    uint64_t va;
    uint64_t pages;
    CHECK(frame_mapping(slot, &va, &pages));
    CHECK_EQ(va, (uint64_t)at);
    CHECK_EQ(*at, 42);
}

static void copy_names_no_mapping(void) {
    sheaf_cptr frame = page();
    map_here(frame, SHEAF_PAGE_BITS, ALL_ACCESS);
    uint64_t va;
    uint64_t pages;
    CHECK(!frame_mapping(copy_of(frame, SHEAF_RIGHTS_ALL), &va, &pages));
}

static void moves_between_cnodes(void) {
    sheaf_cptr one = make(SHEAF_CNODE, 4);
    sheaf_cptr two = make(SHEAF_CNODE, 4);
    sheaf_cptr frame = page();
    uint64_t address = frame_address(frame);
    CHECK_OK(cnode_move(one, 3, frame));
    CHECK_OK(cnode_move(two, 9, IN_CNODE(one, 3)));
    CHECK(slot_is_empty(IN_CNODE(one, 3)));
    CHECK_EQ(frame_address(IN_CNODE(two, 9)), address);
}

static void delete_empties_the_slot(void) {
    sheaf_cptr frame = page();
    CHECK_OK(cnode_delete(ROOT, frame));
    CHECK(slot_is_empty(frame));
    CHECK_ERROR(INVOKE(frame, SHEAF_FRAME_GET_ADDRESS, 0, 0).status, INVALID_CAPABILITY);
}

static void occupied(void) {
    sheaf_cptr a = page();
    sheaf_cptr b = page();
    uint64_t address = frame_address(b);
    CHECK_ERROR(cnode_copy(ROOT, b, a, SHEAF_RIGHTS_ALL), SLOT_OCCUPIED);
    CHECK_ERROR(cnode_move(ROOT, b, a), SLOT_OCCUPIED);
    CHECK_ERROR(cnode_move(ROOT, a, a), SLOT_OCCUPIED);
    CHECK_ERROR(cnode_mint(ROOT, b, make(SHEAF_ENDPOINT, 0), SHEAF_RIGHTS_ALL, 1), SLOT_OCCUPIED);
    CHECK_EQ(frame_address(b), address);
    CHECK_EQ(probe_type(a), SHEAF_FRAME);
}

static void indices_out_of_range(void) {
    sheaf_cptr cnode = make(SHEAF_CNODE, 4);
    sheaf_cptr frame = page();
    static const uint64_t bad[] = {0, 16, 17, UINT64_C(1) << 32, UINT64_MAX};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_ERROR(cnode_copy(cnode, bad[i], frame, SHEAF_RIGHTS_ALL), RANGE);
        CHECK_ERROR(cnode_move(cnode, bad[i], frame), RANGE);
        CHECK_ERROR(cnode_delete(cnode, bad[i]), RANGE);
        CHECK_ERROR(cnode_revoke(cnode, bad[i]), RANGE);
    }
    CHECK_OK(cnode_copy(cnode, 15, frame, SHEAF_RIGHTS_ALL));
}

static void bad_sources(void) {
    sheaf_cptr slot = new_slot();
    CHECK_ERROR(cnode_copy(ROOT, slot, 0, SHEAF_RIGHTS_ALL), INVALID_CAPABILITY);
    CHECK_ERROR(cnode_copy(ROOT, slot, new_slot(), SHEAF_RIGHTS_ALL), INVALID_CAPABILITY);
    CHECK_ERROR(cnode_move(ROOT, slot, new_slot()), INVALID_CAPABILITY);
    CHECK_ERROR(cnode_mint(ROOT, slot, new_slot(), SHEAF_RIGHTS_ALL, 1), INVALID_CAPABILITY);
    CHECK_ERROR(cnode_copy(ROOT, slot, UINT64_MAX, SHEAF_RIGHTS_ALL), INVALID_CAPABILITY);
    CHECK(slot_is_empty(slot));
}

static void two_levels(void) {
    sheaf_cptr cnode = make(SHEAF_CNODE, 4);
    sheaf_cptr frame = page();
    for (unsigned index = 1; index < 16; index++) {
        CHECK_OK(cnode_copy(cnode, index, frame, SHEAF_RIGHTS_ALL));
        CHECK_EQ(frame_address(IN_CNODE(cnode, index)), frame_address(frame));
    }
}

static void four_levels(void) {
    // root -> a (3 bits) -> b (5 bits) -> c (1 bit) -> frame
    sheaf_cptr a = make(SHEAF_CNODE, 3);
    CHECK_OK(untyped_retype(arena(), SHEAF_CNODE, 5, 0, ROOT, new_slot(), 1));
    sheaf_cptr b = make(SHEAF_CNODE, 5);
    sheaf_cptr c = make(SHEAF_CNODE, 1);
    sheaf_cptr frame = page();
    uint64_t address = frame_address(frame);
    CHECK_OK(cnode_move(c, 1, frame));
    CHECK_OK(cnode_move(b, 21, c));
    CHECK_OK(cnode_move(a, 6, b));
    sheaf_cptr deep = a | (UINT64_C(6) << 14) | (UINT64_C(21) << 17) | (UINT64_C(1) << 22);
    CHECK_EQ(frame_address(deep), address);
    CHECK_ERROR(INVOKE(a | (UINT64_C(5) << 14) | (UINT64_C(21) << 17), 1, 0, 0).status,
                INVALID_CAPABILITY);
}

static void cnode_in_itself(void) {
    sheaf_cptr frame = page();
    sheaf_cptr through_root = IN_CNODE(ROOT, frame); // slot 1 of the root names the root
    CHECK_EQ(frame_address(through_root), frame_address(frame));
    CHECK_EQ(frame_address(IN_CNODE(ROOT, 0) | (through_root << SHEAF_BOOT_CNODE_BITS)),
             frame_address(frame));
}

// A CNode of one slot that names itself: each further bit of a pointer is one more step through it.
static void too_many_levels(void) {
    sheaf_cptr cnode = make(SHEAF_CNODE, 1);
    CHECK_OK(cnode_copy(cnode, 1, cnode, SHEAF_RIGHTS_ALL));
    sheaf_cptr name = cnode;
    for (unsigned levels = 2; levels <= 8; levels++) {
        name |= UINT64_C(1) << (SHEAF_BOOT_CNODE_BITS + levels - 2);
        CHECK_EQ(probe_type(name), SHEAF_CNODE);
    }
    name |= UINT64_C(1) << (SHEAF_BOOT_CNODE_BITS + 7);
    CHECK_ERROR(answer(name, MESSAGE(0, 0, 0)), RANGE);
    CHECK_ERROR(cnode_copy(ROOT, new_slot(), name, SHEAF_RIGHTS_ALL), RANGE);
}

static void index_zero(void) {
    sheaf_cptr cnode = make(SHEAF_CNODE, 4);
    // A zero index with more to come: root index 0, and index 0 of the second level.
    CHECK(slot_is_empty(UINT64_C(1) << SHEAF_BOOT_CNODE_BITS));
    CHECK(slot_is_empty(cnode | UINT64_C(1) << (SHEAF_BOOT_CNODE_BITS + 4)));
    CHECK(slot_is_empty(0));
}

static void path_through_no_cnode(void) {
    sheaf_cptr frame = page();
    uint64_t status = INVOKE(IN_CNODE(frame, 3), SHEAF_FRAME_GET_ADDRESS, 0, 0).status;
    CHECK_ERROR(status, INVALID_CAPABILITY);
}

static void delete_of_a_cnode(void) {
    sheaf_cptr cnode = make(SHEAF_CNODE, 4);
    sheaf_cptr memory = make(SHEAF_UNTYPED, 12);
    CHECK_OK(untyped_retype(memory, SHEAF_FRAME, 12, 0, cnode, 5, 1));
    CHECK_ERROR(untyped_retype(memory, SHEAF_FRAME, 12, 0, cnode, 6, 1), NO_MEMORY);
    CHECK_OK(cnode_delete(ROOT, cnode));
    CHECK_OK(untyped_retype(memory, SHEAF_FRAME, 12, 0, ROOT, new_slot(), 1)); // all is back
}

// A mapped Frame whose only capability lies in a CNode that is deleted.
static void delete_unmaps_its_contents(void) {
    sheaf_cptr cnode = make(SHEAF_CNODE, 4);
    CHECK_OK(untyped_retype(arena(), SHEAF_FRAME, SHEAF_PAGE_BITS, 0, cnode, 9, 2));
    sheaf_cptr keep = copy_of(IN_CNODE(cnode, 9), SHEAF_RIGHTS_ALL);
    sheaf_cptr vspace = make_vspace(1);
    must_gather(map_op(vspace, CHILD_FREE, 2, IN_CNODE(cnode, 9), 2, ALL_ACCESS, 0));
    CHECK_ERROR(gather_one(map_op(vspace, CHILD_FREE, 1, keep, 1, ALL_ACCESS, 0)).status,
                PLACE_OCCUPIED);
    CHECK_OK(cnode_delete(ROOT, cnode));
    must_gather(map_op(vspace, CHILD_FREE, 1, keep, 1, ALL_ACCESS, 0));
}

static void cnode_lives_with_its_last_capability(void) {
    sheaf_cptr cnode = make(SHEAF_CNODE, 4);
    sheaf_cptr copy = copy_of(cnode, SHEAF_RIGHTS_ALL);
    CHECK_OK(cnode_copy(cnode, 1, page(), SHEAF_RIGHTS_ALL));
    CHECK_OK(cnode_delete(ROOT, cnode));
    CHECK_EQ(probe_type(IN_CNODE(copy, 1)), SHEAF_FRAME);
}

static void full_cnode(void) {
    sheaf_cptr cnode = make(SHEAF_CNODE, 10);
    retype_many(arena(), SHEAF_ENDPOINT, 0, cnode, 1, 1023);
    CHECK_EQ(probe_type(IN_CNODE(cnode, 1)), SHEAF_ENDPOINT);
    CHECK_EQ(probe_type(IN_CNODE(cnode, 1023)), SHEAF_ENDPOINT);
    CHECK_OK(cnode_delete(ROOT, cnode));
}

static void methods_need_a_cnode(void) {
    sheaf_cptr frame = page();
    CHECK_ERROR(INVOKE(frame, SHEAF_CNODE_REVOKE, 1, 1).status, UNKNOWN_METHOD);
    CHECK_ERROR(INVOKE(ROOT, 0, 1, 1).status, UNKNOWN_METHOD);
    CHECK_ERROR(INVOKE(ROOT, 100, 1, 1).status, UNKNOWN_METHOD);
    CHECK_ERROR(INVOKE(ROOT, SHEAF_CNODE_COPY, 2, new_slot(), frame).status, INVALID_ARGUMENT);
    CHECK_ERROR(INVOKE(ROOT, SHEAF_CNODE_DELETE, 0, frame).status, INVALID_ARGUMENT);
    CHECK_EQ(probe_type(frame), SHEAF_FRAME);
}

static uint64_t rotate(uint64_t index, sheaf_cptr pivot, sheaf_cptr source) {
    return INVOKE(ROOT, SHEAF_CNODE_ROTATE, 3, index, pivot, source).status;
}

static void rotates(void) {
    sheaf_cptr frame = make(SHEAF_FRAME, SHEAF_PAGE_BITS);
    sheaf_cptr endpoint = make(SHEAF_ENDPOINT, 0);
    sheaf_cptr empty = new_slot();
    uint64_t *at = map_here(frame, SHEAF_PAGE_BITS, ALL_ACCESS);
    *at = 5;
    CHECK_OK(rotate(empty, frame, endpoint));
    CHECK_EQ(probe_type(empty), SHEAF_FRAME);
    CHECK_EQ(probe_type(frame), SHEAF_ENDPOINT);
    CHECK(slot_is_empty(endpoint));
    uint64_t va;
    uint64_t pages;
    CHECK(frame_mapping(empty, &va, &pages) && va == (uint64_t)at); // with its mapping
    CHECK_OK(rotate(empty, frame, empty));
    CHECK_EQ(probe_type(frame), SHEAF_FRAME);
    CHECK_EQ(probe_type(empty), SHEAF_ENDPOINT);
    CHECK_EQ(*at, 5);
    CHECK_ERROR(rotate(endpoint, frame, frame), INVALID_ARGUMENT);
    CHECK_ERROR(rotate(frame, frame, empty), INVALID_ARGUMENT);
    CHECK_ERROR(rotate(ROOT, frame, empty), SLOT_OCCUPIED);
    CHECK_ERROR(rotate(endpoint, frame, new_slot()), INVALID_CAPABILITY);
}

static const struct test_case cases[] = {
    {"cnode.copy_names_the_same_object", copy_names_the_same_object},
    {"cnode.copy_masks_rights", copy_masks_rights},
    {"cnode.rights_never_grow", rights_never_grow},
    {"cnode.unknown_rights", unknown_rights},
    {"cnode.mint_gives_a_badge", mint_gives_a_badge},
    {"cnode.mint_refuses_what_has_no_badge_to_give", mint_errors},
    {"cnode.copy_keeps_the_badge", copy_keeps_the_badge},
    {"cnode.move_leaves_an_empty_slot", move_leaves_an_empty_slot},
    {"cnode.move_keeps_the_mapping", move_keeps_the_mapping},
    {"cnode.copy_names_no_mapping", copy_names_no_mapping},
    {"cnode.moves_between_cnodes", moves_between_cnodes},
    {"cnode.delete_empties_the_slot", delete_empties_the_slot},
    {"cnode.occupied_destination", occupied},
    {"cnode.indices_out_of_range", indices_out_of_range},
    {"cnode.sources_that_name_nothing", bad_sources},
    {"cnode.lookup_over_two_levels", two_levels},
    {"cnode.lookup_over_four_levels", four_levels},
    {"cnode.lookup_through_itself", cnode_in_itself},
    {"cnode.lookup_over_too_many_levels", too_many_levels},
    {"cnode.index_zero_is_not_addressable", index_zero},
    {"cnode.path_through_another_type", path_through_no_cnode},
    {"cnode.delete_takes_its_contents", delete_of_a_cnode},
    {"cnode.delete_unmaps_its_contents", delete_unmaps_its_contents},
    {"cnode.lives_until_its_last_capability", cnode_lives_with_its_last_capability},
    {"cnode.filled_to_the_last_slot", full_cnode},
    {"cnode.methods_and_their_words", methods_need_a_cnode},
    {"cnode.rotate_moves_two_or_swaps", rotates},
};

const struct test_area cnode_area = TEST_AREA(cases);
