// SPDX-License-Identifier: BSD-2-Clause
// CNodes: look-up over levels, copy, mint, move, delete; rights, badges, and every error.
#include "lookup.h"
#include "machine.h"

#define LEVEL1(index) ((uint64_t)(index) << SHEAF_BOOT_CNODE_BITS)

// ---- Look-up

static void names_go_through_levels(void **state) {
    (void)state;
    uint64_t outer = make(SHEAF_CNODE, 4), inner = make(SHEAF_CNODE, 3);
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0);
    OK(INVOKE(inner, SHEAF_CNODE_MOVE, 5, endpoint));
    OK(INVOKE(outer, SHEAF_CNODE_MOVE, 9, inner));
    struct slot *slot;
    uint64_t name = outer | LEVEL1(9) | LEVEL1(5) << 4;
    assert_int_equal(lookup(running(), name, &slot), SHEAF_OK);
    assert_int_equal(slot->type, SHEAF_ENDPOINT);
    assert_int_equal(lookup(running(), outer | LEVEL1(9), &slot), SHEAF_OK);
    assert_int_equal(slot->type, SHEAF_CNODE);
    // An Endpoint is no CNode, an empty slot neither.
    assert_int_equal(lookup(running(), name | LEVEL1(1) << 7, &slot), SHEAF_ERR_INVALID_CAPABILITY);
    assert_int_equal(lookup(running(), outer | LEVEL1(3) | LEVEL1(1) << 4, &slot),
                     SHEAF_ERR_INVALID_CAPABILITY);
    // Index 0 on the way.
    assert_int_equal(lookup(running(), outer | LEVEL1(1) << 4, &slot),
                     SHEAF_ERR_INVALID_CAPABILITY);
}

static void names_of_nothing(void **state) {
    (void)state;
    FAILS(INVALID_CAPABILITY, INVOKE(0, 1));
    FAILS(INVALID_CAPABILITY, INVOKE(new_slots(1), 1));
    FAILS(INVALID_CAPABILITY, INVOKE(UINT64_MAX, 1));
    for (unsigned bit = SHEAF_BOOT_CNODE_BITS; bit < 64; bit++)
        FAILS(INVALID_CAPABILITY, INVOKE(UINT64_C(1) << bit, 1)); // far outside of the root CNode
    FAILS(INVALID_CAPABILITY, INVOKE(INIT | LEVEL1(1), 1));
}

// The root is asked first, with the whole name as an index: that must stay an index that is too
// large, and make no address that wraps around.
static void names_of_every_size(void **state) {
    (void)state;
    struct slot *slot;
    for (unsigned bit = SHEAF_BOOT_CNODE_BITS; bit < 64; bit++) {
        assert_false(lookup_in_root(running(), INIT | BIT(bit), &slot));
        FAILS(INVALID_CAPABILITY, INVOKE(INIT | BIT(bit), SHEAF_THREAD_INFO));
        FAILS(INVALID_CAPABILITY, INVOKE(INIT | UINT64_MAX << bit, SHEAF_THREAD_INFO));
        FAILS(INVALID_CAPABILITY, INVOKE(INIT | UINT64_MAX << bit >> 1, SHEAF_THREAD_INFO));
    }
}

// What a thread stands on serves until it is gone, however long the name; all else must be alive.
static void names_by_way_of_the_dying(void **state) {
    (void)state;
    uint64_t outer = make(SHEAF_CNODE, 4), object = make(SHEAF_ENDPOINT, 0);
    OK(INVOKE(outer, SHEAF_CNODE_COPY, 5, object, SHEAF_RIGHTS_ALL));
    struct slot *root = &running()->slot[THREAD_CSPACE], *inner = slot_of(outer), *slot;
    root->flags = SLOT_DYING;
    assert_int_equal(lookup(running(), object, &slot), SHEAF_OK);
    assert_int_equal(lookup(running(), outer | LEVEL1(5), &slot), SHEAF_OK);
    assert_ptr_equal(slot->object, slot_of(object)->object);
    root->flags = 0;
    inner->flags = SLOT_DYING;
    assert_int_equal(lookup(running(), outer, &slot), SHEAF_ERR_DEAD);
    assert_int_equal(lookup(running(), outer | LEVEL1(5), &slot), SHEAF_ERR_DEAD);
    inner->flags = 0;
}

static void too_many_levels(void **state) {
    (void)state;
    uint64_t cnode = make(SHEAF_CNODE, 1);
    OK(INVOKE(cnode, SHEAF_CNODE_COPY, 1, cnode, SHEAF_RIGHTS_ALL)); // contains itself
    struct slot *slot;
    uint64_t name = cnode;
    for (unsigned level = 1; level < LOOKUP_LEVELS; level++) {
        assert_int_equal(lookup(running(), name, &slot), SHEAF_OK);
        name |= LEVEL1(1) << (level - 1);
    }
    assert_int_equal(lookup(running(), name, &slot), SHEAF_OK);
    assert_int_equal(lookup(running(), name | LEVEL1(1) << (LOOKUP_LEVELS - 1), &slot),
                     SHEAF_ERR_RANGE);
    FAILS(RANGE, INVOKE(name | LEVEL1(1) << (LOOKUP_LEVELS - 1), 1));
}

static void without_a_cspace(void **state) {
    (void)state;
    struct helper thread = {.cap = make(SHEAF_THREAD, 0)};
    set_priority(thread.cap, PRIORITY_RUNNING + 1);
    resume(&thread);
    assert_ptr_equal(running(), thread_of(thread.cap));
    FAILS(INVALID_CAPABILITY, INVOKE(1, 1));
    FAILS(INVALID_CAPABILITY, INVOKE(0, 1));
}

// ---- Copy, mint

static void copies_have_the_rights_of_both(void **state) {
    (void)state;
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0);
    uint64_t write = copy_of(endpoint, SHEAF_RIGHT_WRITE | SHEAF_RIGHT_GRANT);
    assert_int_equal(slot_of(write)->rights, SHEAF_RIGHT_WRITE | SHEAF_RIGHT_GRANT);
    uint64_t less = copy_of(write, SHEAF_RIGHT_READ | SHEAF_RIGHT_WRITE);
    assert_int_equal(slot_of(less)->rights, SHEAF_RIGHT_WRITE);
    assert_int_equal(slot_of(copy_of(less, 0))->rights, 0);
    assert_int_equal(slot_head(slot_of(endpoint))->references, 4);
}

static void badges_are_given_once(void **state) {
    (void)state;
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0), notification = make(SHEAF_NOTIFICATION, 0);
    uint64_t minted = badged(endpoint, UINT64_MAX), copy = copy_of(minted, SHEAF_RIGHTS_ALL);
    assert_int_equal(slot_of(minted)->badge, UINT64_MAX);
    assert_int_equal(slot_of(copy)->badge, UINT64_MAX);
    uint64_t empty = new_slots(1);
    FAILS(INVALID_ARGUMENT, INVOKE(CNODE, SHEAF_CNODE_MINT, empty, minted, 7, 1));
    FAILS(INVALID_ARGUMENT, INVOKE(CNODE, SHEAF_CNODE_MINT, empty, endpoint, 7, 0));
    FAILS(WRONG_TYPE, INVOKE(CNODE, SHEAF_CNODE_MINT, empty, VSPACE, 7, 1));
    OK(INVOKE(CNODE, SHEAF_CNODE_MINT, empty, notification, SHEAF_RIGHT_WRITE, 4));
    assert_int_equal(slot_of(empty)->badge, 4);
}

static void copy_errors(void **state) {
    (void)state;
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0), memory = untyped(12), empty = new_slots(1);
    const uint64_t slots = BIT(SHEAF_BOOT_CNODE_BITS);
    FAILS(SLOT_OCCUPIED, copy(endpoint, INIT, 7));
    FAILS(SLOT_OCCUPIED, INVOKE(CNODE, SHEAF_CNODE_MINT, INIT, endpoint, 7, 1));
    FAILS(RANGE, copy(0, endpoint, 7));
    FAILS(RANGE, copy(slots, endpoint, 7));
    FAILS(RANGE, copy(UINT64_MAX, endpoint, 7));
    FAILS(INVALID_CAPABILITY, copy(empty, 0, 7));
    FAILS(INVALID_CAPABILITY, copy(empty, empty, 7));
    FAILS(INVALID_CAPABILITY, INVOKE(CNODE, SHEAF_CNODE_MINT, empty, empty, 7, 1));
    FAILS(INVALID_ARGUMENT, copy(empty, endpoint, 8));
    FAILS(INVALID_ARGUMENT, INVOKE(CNODE, SHEAF_CNODE_COPY, empty, endpoint));
    FAILS(INVALID_ARGUMENT, INVOKE(CNODE, SHEAF_CNODE_MINT, empty, endpoint, 7));
    FAILS(NOT_COPYABLE, copy(empty, memory, 7));
    FAILS(UNKNOWN_METHOD, INVOKE(CNODE, 0));
    FAILS(UNKNOWN_METHOD, INVOKE(CNODE, SHEAF_CNODE_CANCEL + 1));
    FAILS(UNKNOWN_METHOD, INVOKE(CNODE, UINT64_C(0xffffffffffff)));
    uint64_t reply = make(SHEAF_REPLY, 0), notification = make(SHEAF_NOTIFICATION, 0);
    FAILS(UNKNOWN_METHOD, INVOKE(reply, 1));
    FAILS(UNKNOWN_METHOD, INVOKE(notification, 1));
}

static void message_errors_of_methods(void **state) {
    (void)state;
    struct call call = {.number = SHEAF_SYS_CALL, .cap = CNODE};
    call.tag = SHEAF_TAG(SHEAF_CNODE_DELETE, 1) | 0x80;
    FAILS(INVALID_ARGUMENT, make_call(&call));
    call.tag = SHEAF_TAG(SHEAF_CNODE_DELETE, 1) | 0x8000;
    FAILS(INVALID_ARGUMENT, make_call(&call));
    call.tag = SHEAF_TAG(SHEAF_CNODE_DELETE, 65);
    FAILS(MESSAGE_TOO_LONG, make_call(&call));
    call.number = 0;
    FAILS(UNKNOWN_SYSCALL, make_call(&call));
    call.number = 11;
    FAILS(UNKNOWN_SYSCALL, make_call(&call));
    call.number = UINT64_MAX;
    FAILS(UNKNOWN_SYSCALL, make_call(&call));
    OK(make_call(&(struct call){.number = SHEAF_SYS_NULL}));
}

// ---- Move, delete

static void moves_keep_the_place_in_the_tree(void **state) {
    (void)state;
    uint64_t memory = untyped(12), endpoint = make_from(memory, SHEAF_ENDPOINT, 0);
    uint64_t child = badged(endpoint, 3), to = new_slots(1), cnode = make(SHEAF_CNODE, 2);
    OK(INVOKE(CNODE, SHEAF_CNODE_MOVE, to, endpoint));
    assert_true(is_empty(endpoint));
    assert_ptr_equal(slot_of(to)->first_child, slot_of(child));
    assert_ptr_equal(slot_of(memory)->first_child, slot_of(to));
    check_invariants();
    OK(INVOKE(cnode, SHEAF_CNODE_MOVE, 3, to));
    check_invariants();
    OK(revoke(memory)); // reaches what was moved
    assert_true(is_empty(child));
    OK(INVOKE(CNODE, SHEAF_CNODE_MOVE, to, memory)); // an Untyped moves, with its watermark
    assert_int_equal(bytes_left(to), 4096);
    FAILS(SLOT_OCCUPIED, INVOKE(CNODE, SHEAF_CNODE_MOVE, to, INIT));
    FAILS(SLOT_OCCUPIED, INVOKE(CNODE, SHEAF_CNODE_MOVE, to, to));
    FAILS(RANGE, INVOKE(cnode, SHEAF_CNODE_MOVE, 4, to));
    FAILS(RANGE, INVOKE(cnode, SHEAF_CNODE_MOVE, 0, to));
    FAILS(INVALID_CAPABILITY, INVOKE(cnode, SHEAF_CNODE_MOVE, 1, memory));
    FAILS(INVALID_ARGUMENT, INVOKE(cnode, SHEAF_CNODE_MOVE, 1));
}

static void children_take_the_place_of_the_deleted(void **state) {
    (void)state;
    uint64_t memory = untyped(12), endpoint = make_from(memory, SHEAF_ENDPOINT, 0);
    uint64_t other = make_from(memory, SHEAF_NOTIFICATION, 0);
    uint64_t a = copy_of(endpoint, 7), b = copy_of(endpoint, 7), c = copy_of(a, 7);
    OK(destroy(endpoint));
    struct slot *first = slot_of(memory)->first_child;
    assert_ptr_equal(first, slot_of(a));
    assert_int_equal(first->next, (uintptr_t)slot_of(b));
    assert_int_equal(slot_of(b)->next, (uintptr_t)slot_of(other));
    check_invariants();
    OK(destroy(a));
    assert_ptr_equal(slot_of(memory)->first_child, slot_of(c));
    OK(destroy(other));
    OK(destroy(b));
    assert_int_equal(slot_head(slot_of(c))->references, 1);
    OK(destroy(c));
    assert_null(slot_of(memory)->first_child);
    assert_int_equal(bytes_left(memory), 4096);
}

static struct result rotate(uint64_t index, uint64_t pivot, uint64_t source) {
    return INVOKE(CNODE, SHEAF_CNODE_ROTATE, index, pivot, source);
}

static void rotate_moves_both(void **state) {
    (void)state;
    uint64_t frame = make(SHEAF_FRAME, 12), endpoint = make(SHEAF_ENDPOINT, 0);
    uint64_t empty = new_slots(1), child = copy_of(frame, SHEAF_RIGHTS_ALL);
    uint64_t cnode = make(SHEAF_CNODE, 3);
    const void *object = slot_of(endpoint)->object;
    OK(rotate(empty, frame, endpoint)); // frame to `empty`, endpoint to where frame was
    assert_int_equal(slot_of(empty)->type, SHEAF_FRAME);
    assert_ptr_equal(slot_of(empty)->first_child, slot_of(child));
    assert_ptr_equal(slot_of(frame)->object, object);
    assert_true(is_empty(endpoint));
    check_invariants();
    OK(rotate(empty, frame, empty)); // the two change places
    assert_int_equal(slot_of(frame)->type, SHEAF_FRAME);
    assert_ptr_equal(slot_of(empty)->object, object);
    check_invariants();
    OK(rotate(endpoint, child, frame)); // parent and child
    assert_ptr_equal(slot_of(child)->first_child, slot_of(endpoint));
    check_invariants();
    OK(INVOKE(cnode, SHEAF_CNODE_ROTATE, 5, child, endpoint)); // into another CNode
    struct cnode *other = slot_of(cnode)->object;
    assert_ptr_equal(cnode_slot(other, 5)->home, other);
    assert_ptr_equal(cnode_slot(other, 5)->first_child, slot_of(child));
}

static void rotate_errors(void **state) {
    (void)state;
    uint64_t a = make(SHEAF_FRAME, 12), b = make(SHEAF_FRAME, 12), c = make(SHEAF_FRAME, 12);
    uint64_t empty = new_slots(1), other = new_slots(1);
    FAILS(INVALID_ARGUMENT, rotate(empty, a, a));
    FAILS(INVALID_ARGUMENT, rotate(a, a, b));
    FAILS(SLOT_OCCUPIED, rotate(c, a, b));
    FAILS(INVALID_CAPABILITY, rotate(empty, other, b));
    FAILS(INVALID_CAPABILITY, rotate(empty, a, other));
    FAILS(RANGE, rotate(0, a, b));
    FAILS(INVALID_ARGUMENT, INVOKE(CNODE, SHEAF_CNODE_ROTATE, empty, a));
}

static void delete_errors(void **state) {
    (void)state;
    uint64_t empty = new_slots(1);
    FAILS(INVALID_CAPABILITY, destroy(empty));
    FAILS(INVALID_CAPABILITY, revoke(empty));
    FAILS(RANGE, destroy(0));
    FAILS(RANGE, destroy(BIT(SHEAF_BOOT_CNODE_BITS)));
    FAILS(RANGE, revoke(0));
    FAILS(RANGE, revoke(UINT64_MAX));
    FAILS(INVALID_ARGUMENT, INVOKE(CNODE, SHEAF_CNODE_DELETE));
    FAILS(INVALID_ARGUMENT, INVOKE(CNODE, SHEAF_CNODE_REVOKE));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(names_go_through_levels),
        TEST(names_of_nothing),
        TEST(names_of_every_size),
        TEST(names_by_way_of_the_dying),
        TEST(too_many_levels),
        TEST(without_a_cspace),
        TEST(copies_have_the_rights_of_both),
        TEST(badges_are_given_once),
        TEST(copy_errors),
        TEST(message_errors_of_methods),
        TEST(moves_keep_the_place_in_the_tree),
        TEST(children_take_the_place_of_the_deleted),
        TEST(rotate_moves_both),
        TEST(rotate_errors),
        TEST(delete_errors),
    };
    return cmocka_run_group_tests_name("core.cnode", tests, NULL, NULL);
}
