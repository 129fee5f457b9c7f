// SPDX-License-Identifier: BSD-2-Clause
// Delete and revoke: everything derived goes, through CNodes in each other, and the system lives
// on.
#include "delete.h"
#include "machine.h"
#include <mmu.h>

static void takes_copies_of_copies(void **state) {
    (void)state;
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0), first = new_slots(40), last = endpoint;
    for (unsigned i = 0; i < 40; i++) { // a chain 40 deep
        OK(copy(first + i, last, 7));
        last = first + i;
    }
    uint64_t beside = copy_of(first + 20, 7);
    OK(revoke(first + 30));
    assert_false(is_empty(first + 30));
    assert_true(is_empty(first + 31));
    assert_false(is_empty(beside));
    OK(revoke(endpoint));
    for (unsigned i = 0; i < 40; i++)
        assert_true(is_empty(first + i));
    assert_true(is_empty(beside));
    assert_int_equal(slot_head(slot_of(endpoint))->references, 1);
    OK(revoke(endpoint)); // of nothing
}

static void more_than_one_slice(void **state) {
    (void)state;
    uint64_t memory = untyped(16), objects = new_slots(200), copies = new_slots(200);
    retype_many(memory, SHEAF_ENDPOINT, 0, objects, 200);
    for (unsigned i = 0; i < 200; i++)
        OK(copy(copies + i, objects + i, 7));
    OK(revoke(memory));
    for (unsigned i = 0; i < 200; i++)
        assert_true(is_empty(objects + i) && is_empty(copies + i));
    assert_int_equal(bytes_left(memory), BIT(16));
}

static void a_tree_of_untyped(void **state) {
    (void)state;
    uint64_t memory = untyped(18), level = memory;
    for (unsigned bits = 17; bits >= 10; bits--) {
        uint64_t next = make_from(level, SHEAF_UNTYPED, bits);
        make_from(level, SHEAF_NOTIFICATION, 0);
        level = next;
    }
    uint64_t leaf = make_from(level, SHEAF_ENDPOINT, 0);
    check_invariants();
    OK(destroy(level)); // its object moves up to the Untyped around it
    check_invariants();
    OK(revoke(memory));
    assert_true(is_empty(leaf));
    assert_int_equal(bytes_left(memory), BIT(18));
}

// ---- CNodes

static void a_cnode_takes_what_it_holds(void **state) {
    (void)state;
    uint64_t memory = untyped(16), cnode = make_from(memory, SHEAF_CNODE, 6);
    uint64_t endpoint = make_from(memory, SHEAF_ENDPOINT, 0);
    for (unsigned i = 1; i < 64; i++)
        OK(INVOKE(cnode, SHEAF_CNODE_COPY, i, endpoint, 7));
    uint64_t second = copy_of(cnode, 7);
    OK(destroy(cnode));
    assert_int_equal(slot_head(slot_of(endpoint))->references, 64); // the second keeps it
    OK(destroy(second));
    assert_int_equal(slot_head(slot_of(endpoint))->references, 1);
    OK(destroy(endpoint));
    assert_int_equal(bytes_left(memory), BIT(16));
}

static void cnodes_in_each_other(void **state) {
    (void)state;
    uint64_t memory = untyped(16), a = make_from(memory, SHEAF_CNODE, 3);
    uint64_t b = make_from(memory, SHEAF_CNODE, 3), c = make_from(memory, SHEAF_CNODE, 3);
    OK(INVOKE(a, SHEAF_CNODE_COPY, 1, b, 7));
    OK(INVOKE(b, SHEAF_CNODE_COPY, 1, c, 7));
    OK(INVOKE(c, SHEAF_CNODE_COPY, 1, a, 7));
    OK(INVOKE(a, SHEAF_CNODE_COPY, 2, a, 7)); // and itself
    OK(INVOKE(c, SHEAF_CNODE_COPY, 5, INIT, 7));
    OK(destroy(a));
    OK(destroy(b));
    OK(destroy(c));
    check_invariants();
    assert_int_not_equal(bytes_left(memory), BIT(16)); // a ring that nobody can name lives on
    OK(revoke(memory));
    assert_int_equal(bytes_left(memory), BIT(16));
    assert_null(slot_of(INIT)->first_child);
}

static void last_capabilities_in_each_other(void **state) {
    (void)state;
    uint64_t memory = untyped(16), a = make_from(memory, SHEAF_CNODE, 3);
    uint64_t b = make_from(memory, SHEAF_CNODE, 3), cpy = copy_of(a, 7);
    OK(INVOKE(b, SHEAF_CNODE_MOVE, 4, a));
    OK(INVOKE(cpy, SHEAF_CNODE_MOVE, 4, b)); // b lies in a, a's first capability in b
    OK(destroy(cpy));
    check_invariants();
    OK(revoke(memory));
    assert_int_equal(bytes_left(memory), BIT(16));
    // Its own last capability.
    a = make_from(memory, SHEAF_CNODE, 3);
    cpy = copy_of(a, 7);
    OK(INVOKE(cpy, SHEAF_CNODE_MOVE, 4, a));
    OK(destroy(cpy));
    OK(revoke(memory));
    assert_int_equal(bytes_left(memory), BIT(16));
}

static void deep_nesting_needs_no_stack(void **state) {
    (void)state;
    enum { DEPTH = 3000 };
    uint64_t memory = untyped(20), holder = make_from(memory, SHEAF_CNODE, 1), next = new_slots(1);
    for (unsigned i = 0; i < DEPTH; i++) { // each holds the last capability to the one before
        OK(retype(memory, SHEAF_CNODE, 1, CNODE, next, 1));
        OK(INVOKE(next, SHEAF_CNODE_MOVE, 1, holder));
        OK(INVOKE(CNODE, SHEAF_CNODE_MOVE, holder, next));
    }
    check_invariants();
    OK(destroy(holder));
    assert_int_equal(bytes_left(memory), BIT(20));
}

// ---- The ground the caller stands on

static struct helper stand_on(uint64_t memory, uint64_t *cnode) {
    struct helper other = {.cap = make_from(memory, SHEAF_THREAD, 0)};
    uint64_t vspace = make_from(memory, SHEAF_VSPACE, 0);
    *cnode = make_from(memory, SHEAF_CNODE, 4);
    other.thread = thread_of(other.cap);
    OK(INVOKE(*cnode, SHEAF_CNODE_COPY, 3, CNODE, 7));
    configure(other.cap, *cnode, vspace, 0, 0, 0);
    set_priority(other.cap, PRIORITY_RUNNING + 1);
    resume(&other);
    assert_ptr_equal(running(), other.thread);
    return other;
}

static struct call revoke_call(uint64_t cnode, uint64_t index) {
    return (struct call){.number = SHEAF_SYS_CALL,
                         .cap = cnode,
                         .tag = SHEAF_TAG(SHEAF_CNODE_REVOKE, 1),
                         .word = {index}};
}

static void revokes_all_it_stands_on(void **state) {
    (void)state;
    uint64_t memory = untyped(18), cnode;
    struct helper other = stand_on(memory, &cnode);
    struct call call = revoke_call(3, memory); // its slot 3 is init's CNode
    execute(&call);
    assert_ptr_equal(running(), thread_of(INIT));
    assert_true(is_empty(other.cap) && is_empty(cnode));
    check_invariants();
    OK(revoke(memory));
    assert_int_equal(bytes_left(memory), BIT(18));
}

static void revokes_its_own_cspace(void **state) {
    (void)state;
    uint64_t memory = untyped(18), cnode;
    struct helper other = stand_on(memory, &cnode);
    struct call call = revoke_call(3, cnode);
    struct result result = make_call(&call);
    assert_ptr_equal(running(), other.thread); // it lives, and can name nothing any more
    OK(result);
    FAILS(INVALID_CAPABILITY, make_call(&call));
    assert_false(is_empty(cnode));
}

static void deletes_its_own_vspace(void **state) {
    (void)state;
    uint64_t vspace = make(SHEAF_VSPACE, 0);
    configure(INIT, 0, vspace, 0, 0, 0);
    uint64_t root = port_loaded_root();
    OK(revoke(vspace));
    assert_null(thread_vspace(running()));
    assert_int_not_equal(port_loaded_root(), root);
    assert_int_equal(port_loaded_root() >> 48, 0);
    OK(destroy(vspace));
}

static void untyped_in_a_cnode_of_its_own_memory(void **state) {
    (void)state;
    uint64_t outer = untyped(18), inner = make_from(outer, SHEAF_UNTYPED, 17);
    uint64_t cnode = make_from(inner, SHEAF_CNODE, 4), beside = make_from(inner, SHEAF_REPLY, 0);
    OK(INVOKE(cnode, SHEAF_CNODE_MOVE, 3, inner));
    OK(INVOKE(cnode, SHEAF_CNODE_REVOKE, 3)); // takes back the CNode that holds it
    assert_true(is_empty(cnode) && is_empty(beside));
    check_invariants();
    assert_null(slot_of(outer)->first_child); // and its own slot with it
    OK(revoke(outer));
    assert_int_equal(bytes_left(outer), BIT(18));
}

// ---- Mappings

static void mapped_frames_are_unmapped(void **state) {
    (void)state;
    enum { FRAMES = 80 };
    uint64_t memory = untyped(20), frames = new_slots(FRAMES), va = 0x20000000;
    retype_many(memory, SHEAF_FRAME, 12, frames, FRAMES);
    map_frames(va, frames, FRAMES, SHEAF_OP_DIRTY);
    uint64_t other = copy_of(frames, 7);
    OK(gather_op(
        map_op(VSPACE, va + (FRAMES << 12), 1, other, 1, SHEAF_MAP_READ, SHEAF_OP_ACCESSED)));
    // The first capability goes with its mapping, the copy's stands.
    OK(destroy(frames));
    assert_int_equal(mmu_fault(thread_vspace(running()), VADDR(va), SHEAF_ACCESS_READ),
                     MMU_FAULT_TRANSLATION);
    assert_int_equal(mapping(other).va, va + (FRAMES << 12));
    OK(revoke(memory));
    paddr_t left[4];
    for (unsigned i = 0; i <= FRAMES; i++)
        assert_int_equal(vmsa_reachable(0, VADDR(va + ((uint64_t)i << 12)), left, 4), 0);
    assert_int_equal(bytes_left(memory), BIT(20));
}

static void unmapped_again_mapped_elsewhere(void **state) {
    (void)state;
    uint64_t frame = make(SHEAF_FRAME, 12), second = make(SHEAF_FRAME, 12), va = 0x30000000;
    OK(gather_op(map_op(VSPACE, va, 1, frame, 1, SHEAF_MAP_READ, SHEAF_OP_ACCESSED)));
    OK(gather_op(unmap_op(VSPACE, va, 1, 0)));
    OK(gather_op(map_op(VSPACE, va, 1, second, 1, SHEAF_MAP_READ, SHEAF_OP_ACCESSED)));
    OK(destroy(frame)); // its record names a place that is another's now
    assert_int_equal(mapping(second).va, va);
    assert_int_equal(mapping(second).pages, 1);
}

// ---- What another left dying

static void an_orphaned_burial_is_finished(void **state) {
    (void)state;
    uint64_t memory = untyped(18), cnode = make_from(memory, SHEAF_CNODE, 8);
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0);
    for (unsigned i = 1; i < 256; i++)
        OK(INVOKE(cnode, SHEAF_CNODE_COPY, i, endpoint, 7));
    struct helper other = helper(PRIORITY_READY);
    resume(&other);
    become(other.cap);
    // It is interrupted in the middle, and suspended for ever.
    struct thread *thread = running();
    uint64_t *reg = thread->context.reg;
    reg[SHEAF_REG_SYSCALL] = SHEAF_SYS_CALL;
    reg[SHEAF_REG_CAP] = CNODE;
    reg[SHEAF_REG_TAG] = SHEAF_TAG(SHEAF_CNODE_DELETE, 1);
    reg[SHEAF_REG_WORD0] = cnode;
    fake_set_interrupts(3);
    fake_run(core_syscall, &fake.pe[0]);
    fake_set_interrupts(VMSA_NEVER);
    assert_true(slot_head(slot_of(endpoint))->references > 1);
    assert_true(is_empty(cnode));                  // its slot is free at once
    assert_non_null(slot_of(memory)->first_child); // the tombstone
    become(INIT);
    OK(INVOKE(other.cap, SHEAF_THREAD_SUSPEND));
    // Whoever deletes next, anything, finishes it.
    OK(destroy(copy_of(endpoint, 7)));
    assert_int_equal(slot_head(slot_of(endpoint))->references, 1);
    assert_int_equal(bytes_left(memory), BIT(18));
}

static void idle_finishes_burials(void **state) {
    (void)state;
    uint64_t memory = untyped(18), cnode = make_from(memory, SHEAF_CNODE, 8);
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0), notification = make(SHEAF_NOTIFICATION, 0);
    for (unsigned i = 1; i < 256; i++)
        OK(INVOKE(cnode, SHEAF_CNODE_COPY, i, endpoint, 7));
    struct thread *thread = running();
    uint64_t *reg = thread->context.reg;
    reg[SHEAF_REG_SYSCALL] = SHEAF_SYS_CALL;
    reg[SHEAF_REG_CAP] = CNODE;
    reg[SHEAF_REG_TAG] = SHEAF_TAG(SHEAF_CNODE_DELETE, 1);
    reg[SHEAF_REG_WORD0] = cnode;
    fake_set_interrupts(3);
    fake_run(core_syscall, &fake.pe[0]);
    fake_set_interrupts(VMSA_NEVER);
    assert_true(slot_head(slot_of(endpoint))->references > 1);
    // The thread waits instead of going on; nobody else is ready.
    execute(&(struct call){.number = SHEAF_SYS_RECV, .cap = notification});
    assert_null(running());
    assert_int_equal(slot_head(slot_of(endpoint))->references, 1);
    assert_null(slot_of(memory)->first_child);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(takes_copies_of_copies),
        TEST(more_than_one_slice),
        TEST(a_tree_of_untyped),
        TEST(a_cnode_takes_what_it_holds),
        TEST(cnodes_in_each_other),
        TEST(last_capabilities_in_each_other),
        TEST(deep_nesting_needs_no_stack),
        TEST(revokes_all_it_stands_on),
        TEST(revokes_its_own_cspace),
        TEST(deletes_its_own_vspace),
        TEST(untyped_in_a_cnode_of_its_own_memory),
        TEST(mapped_frames_are_unmapped),
        TEST(unmapped_again_mapped_elsewhere),
        TEST(an_orphaned_burial_is_finished),
        TEST(idle_finishes_burials),
    };
    return cmocka_run_group_tests_name("core.revoke", tests, NULL, NULL);
}
