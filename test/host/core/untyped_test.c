// SPDX-License-Identifier: BSD-2-Clause
// Untyped memory: retype into every type, watermark, zeroing, starting again, and every error.
#include "machine.h"
#include <mmu.h>
#include <string.h>

static const struct {
    unsigned type, argument, object_bits;
} kinds[] = {
    {SHEAF_UNTYPED, 6, 6},      {SHEAF_UNTYPED, 13, 13}, {SHEAF_CNODE, 1, 7},
    {SHEAF_CNODE, 5, 11},       {SHEAF_THREAD, 0, 11},   {SHEAF_THREAD, 11, 11},
    {SHEAF_ENDPOINT, 0, 6},     {SHEAF_ENDPOINT, 6, 6},  {SHEAF_NOTIFICATION, 0, 6},
    {SHEAF_NOTIFICATION, 6, 6}, {SHEAF_REPLY, 0, 6},     {SHEAF_REPLY, 6, 6},
    {SHEAF_VSPACE, 0, 16},      {SHEAF_VSPACE, 16, 16},  {SHEAF_FRAME, 12, 12},
    {SHEAF_FRAME, 14, 14},
};

static void every_type_is_made(void **state) {
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        uint64_t memory = untyped(18), first = new_slots(3);
        OK(retype(memory, kinds[i].type, kinds[i].argument, CNODE, first, 3));
        for (unsigned j = 0; j < 3; j++) {
            const struct slot *slot = slot_of(first + j);
            assert_int_equal(slot->type, kinds[i].type);
            assert_int_equal(slot->rights, SHEAF_RIGHTS_ALL);
            assert_int_equal(slot->flags, 0);
        }
        assert_int_equal(bytes_left(memory), BIT(18) - 3 * BIT(kinds[i].object_bits));
        check_invariants();
        OK(revoke(memory));
        for (unsigned j = 0; j < 3; j++)
            assert_true(is_empty(first + j));
        assert_int_equal(bytes_left(memory), BIT(18));
    }
}

static void memory_is_zeroed(void **state) {
    (void)state;
    uint64_t memory = untyped(17), frame = make_from(memory, SHEAF_FRAME, 16);
    uint8_t *bytes = port_kernel_address(slot_of(frame)->frame.address);
    for (uint64_t i = 0; i < BIT(16); i++)
        assert_int_equal(bytes[i], 0);
    memset(bytes, 0xee, BIT(16));
    OK(destroy(frame));
    frame = make_from(memory, SHEAF_FRAME, 12);
    assert_ptr_equal(port_kernel_address(slot_of(frame)->frame.address), bytes);
    for (uint64_t i = 0; i < PAGE_BYTES; i++)
        assert_int_equal(bytes[i], 0);
    assert_int_equal(bytes[PAGE_BYTES], 0xee); // not more than was asked for
}

// An Untyped is seen by nobody: what is made of it is zeroed, and only then.
static void untyped_out_of_untyped_is_zeroed_once(void **state) {
    (void)state;
    uint64_t memory = untyped(17), frame = make_from(memory, SHEAF_FRAME, 16);
    uint8_t *bytes = port_kernel_address(slot_of(frame)->frame.address);
    memset(bytes, 0xee, BIT(16));
    OK(destroy(frame));
    uint64_t child = make_from(memory, SHEAF_UNTYPED, 14);
    uint64_t grandchild = make_from(child, SHEAF_UNTYPED, 13);
    for (uint64_t i = 0; i < BIT(16); i++)
        assert_int_equal(bytes[i], 0xee);
    frame = make_from(grandchild, SHEAF_FRAME, 12);
    uint64_t behind = make_from(child, SHEAF_FRAME, 12), last = make_from(memory, SHEAF_FRAME, 14);
    const uint64_t frames[] = {frame, behind, last};
    for (unsigned i = 0; i < 3; i++) {
        const struct slot *slot = slot_of(frames[i]);
        const uint8_t *at = port_kernel_address(slot->frame.address);
        for (uint64_t j = 0; j < BIT(slot->size_bits); j++)
            assert_int_equal(at[j], 0);
    }
    assert_int_equal(bytes[PAGE_BYTES], 0xee); // left of the grandchild
    OK(revoke(memory));                        // all of it begins anew
    make_from(memory, SHEAF_FRAME, 16);
    for (uint64_t i = 0; i < BIT(16); i++)
        assert_int_equal(bytes[i], 0);
}

static void objects_lie_at_multiples_of_their_size(void **state) {
    (void)state;
    uint64_t memory = untyped(16);
    make_from(memory, SHEAF_ENDPOINT, 0);
    uint64_t frame = make_from(memory, SHEAF_FRAME, 13);
    uint64_t base = untyped_address(slot_of(memory)).v;
    assert_int_equal(slot_of(frame)->frame.address.v, base + 8192);
    assert_int_equal(bytes_left(memory), BIT(16) - 16384);
    FAILS(NO_MEMORY, retype(memory, SHEAF_FRAME, 15, CNODE, new_slots(2), 2));
    make_from(memory, SHEAF_FRAME, 15);
    assert_int_equal(bytes_left(memory), 0);
    FAILS(NO_MEMORY, retype(memory, SHEAF_ENDPOINT, 0, CNODE, new_slots(1), 1));
}

static void starts_again_only_when_empty(void **state) {
    (void)state;
    uint64_t memory = untyped(12), a = make_from(memory, SHEAF_ENDPOINT, 0);
    uint64_t b = make_from(memory, SHEAF_ENDPOINT, 0);
    OK(destroy(b));
    assert_int_equal(bytes_left(memory), 4096 - 128);
    make_from(memory, SHEAF_REPLY, 0);
    assert_int_equal(bytes_left(memory), 4096 - 192);
    uint64_t child = copy_of(a, 7); // it stands in for the object
    OK(destroy(a));
    assert_int_equal(bytes_left(memory), 4096 - 192);
    OK(revoke(memory));
    assert_true(is_empty(child));
    assert_int_equal(bytes_left(memory), 4096);
    uint64_t whole = make_from(memory, SHEAF_FRAME, 12);
    assert_int_equal(slot_of(whole)->frame.address.v, untyped_address(slot_of(memory)).v);
}

static void retype_into_another_cnode(void **state) {
    (void)state;
    uint64_t cnode = make(SHEAF_CNODE, 3);
    OK(retype(untyped(12), SHEAF_ENDPOINT, 0, cnode, 1, 7));
    for (unsigned i = 1; i < 8; i++)
        assert_int_equal(cnode_slot(slot_of(cnode)->object, i)->type, SHEAF_ENDPOINT);
}

static void info_answers(void **state) {
    (void)state;
    uint64_t memory = untyped(14);
    struct result result = INVOKE(memory, SHEAF_UNTYPED_INFO);
    OK(result);
    assert_int_equal(result.tag, SHEAF_TAG(0, 4));
    assert_int_equal(result.word[0], untyped_address(slot_of(memory)).v);
    assert_int_equal(result.word[1], 14);
    assert_int_equal(result.word[2], BIT(14));
    assert_int_equal(result.word[3], SHEAF_MEMORY_NORMAL);
}

// ---- Errors

static void sizes_out_of_range(void **state) {
    (void)state;
    static const struct {
        unsigned type, bits;
    } bad[] = {
        {SHEAF_UNTYPED, 5},       {SHEAF_UNTYPED, 48}, {SHEAF_UNTYPED, 0}, {SHEAF_CNODE, 0},
        {SHEAF_CNODE, 25},        {SHEAF_FRAME, 11},   {SHEAF_FRAME, 31},  {SHEAF_FRAME, 0},
        {SHEAF_THREAD, 12},       {SHEAF_REPLY, 7},    {SHEAF_VSPACE, 17}, {SHEAF_ENDPOINT, 5},
        {SHEAF_NOTIFICATION, 64}, {SHEAF_TIMER, 8},    {SHEAF_FRAME, 255},
    };
    uint64_t memory = untyped(16), slot = new_slots(1);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        FAILS(RANGE, retype(memory, bad[i].type, bad[i].bits, CNODE, slot, 1));
}

static void types_and_words(void **state) {
    (void)state;
    uint64_t memory = untyped(16), slot = new_slots(1);
    static const unsigned bad[] = {
        SHEAF_NULL, SHEAF_CONSOLE, SHEAF_SYSTEM, SHEAF_TYPE_COUNT, 64, 65, 255};
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        FAILS(INVALID_ARGUMENT, retype(memory, bad[i], 12, CNODE, slot, 1));
    const uint64_t device = SHEAF_MEMORY_DEVICE << 16; // of RAM there is none
    FAILS(MEMORY_TYPE,
          INVOKE(memory, SHEAF_UNTYPED_RETYPE, SHEAF_UNTYPED | 12 << 8 | device, CNODE, slot, 1));
    FAILS(MEMORY_TYPE,
          INVOKE(memory, SHEAF_UNTYPED_RETYPE, SHEAF_ENDPOINT | device, CNODE, slot, 1));
    const uint64_t page = SHEAF_FRAME | 12 << 8;
    FAILS(INVALID_ARGUMENT, INVOKE(memory, SHEAF_UNTYPED_RETYPE, page | 1 << 24, CNODE, slot, 1));
    FAILS(INVALID_ARGUMENT,
          INVOKE(memory, SHEAF_UNTYPED_RETYPE, page | UINT64_C(1) << 63, CNODE, slot, 1));
    FAILS(INVALID_ARGUMENT, INVOKE(memory, SHEAF_UNTYPED_RETYPE, page | 3 << 16, CNODE, slot, 1));
    FAILS(INVALID_ARGUMENT, INVOKE(memory, SHEAF_UNTYPED_RETYPE, page, CNODE, slot));
    FAILS(MEMORY_TYPE, INVOKE(memory, SHEAF_UNTYPED_RETYPE, page | SHEAF_MEMORY_NON_CACHEABLE << 16,
                              CNODE, slot, 1));
    FAILS(MEMORY_TYPE, INVOKE(memory, SHEAF_UNTYPED_RETYPE, page | device, CNODE, slot, 1));
    FAILS(UNKNOWN_METHOD, INVOKE(memory, 0));
    FAILS(UNKNOWN_METHOD, INVOKE(memory, 4));
}

static void destinations(void **state) {
    (void)state;
    uint64_t memory = untyped(16), slot = new_slots(4);
    const uint64_t slots = BIT(SHEAF_BOOT_CNODE_BITS);
    FAILS(ZERO_LENGTH, retype(memory, SHEAF_ENDPOINT, 0, CNODE, slot, 0));
    FAILS(RANGE, retype(memory, SHEAF_ENDPOINT, 0, CNODE, slot, SHEAF_RETYPE_MAX + 1));
    FAILS(RANGE, retype(memory, SHEAF_VSPACE, 0, CNODE, slot, SHEAF_RETYPE_MAX_VSPACES + 1));
    FAILS(RANGE, retype(memory, SHEAF_ENDPOINT, 0, CNODE, slot, UINT64_MAX));
    FAILS(RANGE, retype(memory, SHEAF_ENDPOINT, 0, CNODE, 0, 1));
    FAILS(RANGE, retype(memory, SHEAF_ENDPOINT, 0, CNODE, slots, 1));
    FAILS(RANGE, retype(memory, SHEAF_ENDPOINT, 0, CNODE, slots - 1, 2));
    FAILS(RANGE, retype(memory, SHEAF_ENDPOINT, 0, CNODE, UINT64_MAX, 2));
    FAILS(WRONG_TYPE, retype(memory, SHEAF_ENDPOINT, 0, memory, 1, 1));
    FAILS(INVALID_CAPABILITY, retype(memory, SHEAF_ENDPOINT, 0, slot, 1, 1));
    copy_of(INIT, 7); // occupies the slot behind the four
    FAILS(SLOT_OCCUPIED, retype(memory, SHEAF_ENDPOINT, 0, CNODE, slot, 5));
    FAILS(SLOT_OCCUPIED, retype(memory, SHEAF_FRAME, 12, CNODE, INIT, 1));
    FAILS(NO_MEMORY, retype(memory, SHEAF_FRAME, 17, CNODE, slot, 1));
    FAILS(NO_MEMORY, retype(memory, SHEAF_UNTYPED, 47, CNODE, slot, 1));
    FAILS(NO_MEMORY, retype(memory, SHEAF_FRAME, 15, CNODE, slot, 3));
}

static void identifiers_run_out(void **state) {
    (void)state;
    machine_boot(&(struct image){.asid_limit = 8});
    uint64_t memory = untyped(21), slot = new_slots(16), made = 0;
    make_from(memory, SHEAF_ENDPOINT, 0); // so that the next objects leave a gap
    while (retype(memory, SHEAF_VSPACE, 0, CNODE, slot + made, 1).status == SHEAF_OK)
        made++;
    assert_in_range(made, 5, 7); // init has one
    OK(destroy(slot + --made));
    OK(destroy(slot + --made));
    uint64_t before = bytes_left(memory);
    // Three at once: two find an identifier, and give it back.
    assert_int_equal(retype(memory, SHEAF_VSPACE, 0, CNODE, slot + made, 3).status,
                     SHEAF_ERR_NO_ASID);
    assert_int_equal(bytes_left(memory), before);
    for (unsigned i = 0; i < 3; i++)
        assert_true(is_empty(slot + made + i));
    check_invariants();
    OK(retype(memory, SHEAF_VSPACE, 0, CNODE, slot + made, 2));
    OK(revoke(memory));
    OK(retype(memory, SHEAF_VSPACE, 0, CNODE, slot, made + 2));
}

static void every_identifier_comes_back(void **state) {
    (void)state;
    uint64_t memory = untyped(21), slot = new_slots(32);
    for (unsigned i = 0; i < 20; i++) { // more than there are
        for (unsigned made = 0; made < 32; made += SHEAF_RETYPE_MAX_VSPACES)
            OK(retype(memory, SHEAF_VSPACE, 0, CNODE, slot + made, SHEAF_RETYPE_MAX_VSPACES));
        OK(revoke(memory));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_type_is_made),
        TEST(memory_is_zeroed),
        TEST(untyped_out_of_untyped_is_zeroed_once),
        TEST(objects_lie_at_multiples_of_their_size),
        TEST(starts_again_only_when_empty),
        TEST(retype_into_another_cnode),
        TEST(info_answers),
        TEST(sizes_out_of_range),
        TEST(types_and_words),
        TEST(destinations),
        TEST(identifiers_run_out),
        TEST(every_identifier_comes_back),
    };
    return cmocka_run_group_tests_name("core.untyped", tests, NULL, NULL);
}
