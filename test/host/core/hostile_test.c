// SPDX-License-Identifier: BSD-2-Clause
// What a hostile program tries between an interrupt and the continuation of the call it
// interrupted, and with capabilities that are dying. Nothing of the kernel's breaks, and nobody
// else notices.
#include "delete.h"
#include "machine.h"
#include <mmu.h>
#include <string.h>

#define VA UINT64_C(0x200000000)
#define RW (SHEAF_MAP_READ | SHEAF_MAP_WRITE)

// The running thread executes the call until its first preemption point that answers no `polls`
// times; it will go on when it runs next.
static void execute_interrupted(const struct call *call, uint64_t polls) {
    struct thread *thread = running();
    uint64_t *reg = thread->context.reg;
    reg[SHEAF_REG_SYSCALL] = call->number;
    reg[SHEAF_REG_CAP] = call->cap;
    reg[SHEAF_REG_TAG] = call->tag;
    reg[SHEAF_REG_REPLY] = call->reply;
    reg[SHEAF_REG_GATHER] = call->gather;
    reg[SHEAF_REG_DEADLINE] = call->deadline;
    memcpy(&reg[SHEAF_REG_WORD0], call->word, sizeof(call->word));
    thread->context.pc += FAKE_INSTRUCTION_BYTES;
    unsigned before = fake.interrupts;
    fake_set_interrupts(polls);
    fake_run(core_syscall, &fake.pe[0]);
    fake_set_interrupts(VMSA_NEVER);
    assert_int_equal(fake.interrupts, before + 1);
}

static struct call method_call(uint64_t cap, uint64_t method, unsigned words, uint64_t word0) {
    return (struct call){
        .number = SHEAF_SYS_CALL, .cap = cap, .tag = SHEAF_TAG(method, words), .word = {word0}};
}

// ---- Gathers

static uint64_t mapped_space(unsigned tables) {
    uint64_t vspace = make(SHEAF_VSPACE, 0), frames = make_many(SHEAF_FRAME, 12, tables);
    OK(INVOKE(vspace, SHEAF_VSPACE_GROW, untyped(18), 4));
    for (unsigned i = 0; i < tables; i++)
        OK(gather_op(map_op(vspace, VA + ((uint64_t)i << 21), 1, frames + i, 1, RW, 0)));
    return vspace;
}

// The operations are read again when the call goes on. One that is another by then must not be
// taken for the one that was under way: the place in a long range lies far behind a short one.
static void operations_change_while_interrupted(void **state) {
    (void)state;
    uint64_t vspace = mapped_space(20);
    buffer()->ops[0] = unmap_op(vspace, VA + 3 * PAGE_BYTES, BIT(24), 0);
    execute_interrupted(&(struct call){.number = SHEAF_SYS_GATHER, .gather = 1}, 4);
    assert_int_equal(running()->continuation.kind, CONTINUE_GATHER);
    assert_true(running()->continuation.pages > 1792 && running()->continuation.pages % 4 != 0);
    buffer()->ops[0] = unmap_op(vspace, VA, 2, SHEAF_OP_REPORT);
    memset(buffer()->results, 0xff, SHEAF_RESULT_BYTES);
    execute_again();
    OK(result_of(running()));
    assert_int_equal(buffer()->results[0], 0);
    for (unsigned i = 1; i < SHEAF_RESULT_BYTES; i++)
        assert_int_equal(buffer()->results[i], 0xff);
}

// A CNode may have millions of slots, and nothing is preemptible while they are looked through:
// more than an operation may map are refused before the second is found to be empty.
static void slots_that_are_too_many(void **state) {
    (void)state;
    uint64_t vspace = mapped_space(1), frames = new_slots(1000);
    OK(retype(untyped(16), SHEAF_FRAME, 12, CNODE, frames, 1));
    const unsigned most = SHEAF_MAP_FRAMES;
    GATHER_FAILS(INVALID_CAPABILITY, map_op(vspace, VA, most, frames, most, RW, 0));
    GATHER_FAILS(RANGE, map_op(vspace, VA, most + 1, frames, most + 1, RW, 0));
}

// ---- The way back to a call that was interrupted

// A thread whose page with the system call was taken away meanwhile: INIT, its pager, maps it again
// and answers.
static void fault_on_the_way_back(const struct helper *other, uint64_t endpoint, uint64_t reply) {
    page_fault(other->thread->context.pc, SHEAF_ACCESS_EXECUTE);
    assert_ptr_equal(running(), thread_of(INIT));
    OK(make_call(&(struct call){.number = SHEAF_SYS_NB_RECV, .cap = endpoint, .reply = reply}));
    OK(make_call(&(struct call){.number = SHEAF_SYS_REPLY, .cap = reply}));
    assert_ptr_equal(running(), other->thread); // its priority is the higher one
}

static void a_gather_goes_on_after_a_page_fault(void **state) {
    (void)state;
    uint64_t vspace = mapped_space(1), frames = make_many(SHEAF_FRAME, 12, 4);
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0), reply = make(SHEAF_REPLY, 0);
    struct helper other = helper(PRIORITY_READY);
    configure(other.cap, 0, 0, endpoint, 0, 0);
    for (unsigned i = 0; i < 4; i++)
        thread_buffer(other.thread)->ops[i] =
            map_op(vspace, VA + PAGE_BYTES * (i + 1), 1, frames + i, 1, RW, 0);
    resume(&other);
    become(other.cap);
    execute_interrupted(&(struct call){.number = SHEAF_SYS_GATHER, .gather = 4}, 1);
    assert_int_equal(other.thread->continuation.kind, CONTINUE_GATHER);
    fault_on_the_way_back(&other, endpoint, reply);
    execute_again();
    struct result result = result_of(other.thread);
    OK(result);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 4);
}

static uint64_t full_cnode(uint64_t memory, unsigned bits, uint64_t source) {
    uint64_t cnode = make_from(memory, SHEAF_CNODE, bits);
    for (unsigned i = 1; i < BIT(bits); i++)
        OK(INVOKE(cnode, SHEAF_CNODE_COPY, i, source, 7));
    return cnode;
}

static void a_delete_goes_on_after_a_page_fault(void **state) {
    (void)state;
    uint64_t memory = untyped(18), cnode = full_cnode(memory, 8, VSPACE);
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0), reply = make(SHEAF_REPLY, 0);
    struct helper other = helper(PRIORITY_READY);
    configure(other.cap, 0, 0, endpoint, 0, 0);
    resume(&other);
    become(other.cap);
    struct call call = method_call(CNODE, SHEAF_CNODE_DELETE, 1, cnode);
    execute_interrupted(&call, 2);
    assert_int_equal(other.thread->continuation.kind, CONTINUE_DELETE);
    assert_true(is_empty(cnode)); // deleting it again would be INVALID_CAPABILITY
    fault_on_the_way_back(&other, endpoint, reply);
    execute_again();
    OK(result_of(other.thread));
    become(INIT);
    assert_int_equal(bytes_left(memory), BIT(18));
}

// ---- Cancelling

// Somebody below init runs until the next timer interrupt, when ten ticks have passed.
static void let_run(const struct helper *helper, uint64_t silence) {
    execute(&(struct call){.number = SHEAF_SYS_RECV, .cap = silence, .deadline = fake.now + 10});
    assert_ptr_equal(running(), helper->thread);
    fake.now += 10;
}

// A CANCEL has answered eight senders when it is interrupted; then one of those it has not come to
// is given another priority, and so another place in the queue.
static void cancel_while_waiter_moves(unsigned left, unsigned which, unsigned priority) {
    struct helper waiter[16], other = helper(PRIORITY_READY);
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0), badge = badged(endpoint, 5);
    uint64_t silence = make(SHEAF_NOTIFICATION, 0);
    for (unsigned i = 0; i < 8 + left; i++) {
        waiter[i] = helper(PRIORITY_READY);
        by(&waiter[i], (struct call){.number = SHEAF_SYS_SEND, .cap = badge});
    }
    resume(&other);
    let_run(&other, silence);
    struct call call = method_call(CNODE, SHEAF_CNODE_CANCEL, 1, badge);
    execute_interrupted(&call, 0);
    assert_ptr_equal(running(), thread_of(INIT));
    assert_int_equal(waiter[8].thread->state, SHEAF_STATE_SENDING);
    set_priority(waiter[8 + which].cap, priority);
    assert_int_equal(other.thread->continuation.kind, CONTINUE_CANCEL);
    let_run(&other, silence);
    execute_again();
    interrupt();
    assert_ptr_equal(running(), thread_of(INIT));
    OK(result_of(other.thread));
    for (unsigned i = 0; i < 8 + left; i++) {
        assert_int_equal(waiter[i].thread->state, SHEAF_STATE_READY);
        assert_int_equal(result_of(waiter[i].thread).status, SHEAF_ERR_CANCELLED);
    }
    check_invariants();
}

static void cancelled_though_they_move(void **state) {
    (void)state;
    for (unsigned left = 1; left <= 3; left++) {
        for (unsigned which = 0; which < left; which++) {
            machine_boot(&(struct image){0});
            cancel_while_waiter_moves(left, which, PRIORITY_READY + 1);
            machine_boot(&(struct image){0});
            cancel_while_waiter_moves(left, which, PRIORITY_BEHIND);
        }
    }
}

// ---- Evicting

// An EVICT is interrupted on its way from the end of a chain of copies to the copies beside it, at
// one distance after the other, and the chain is taken apart above and below its place.
static void evict_while_the_chain_is_cut(uint64_t polls) {
    uint64_t frame = make(SHEAF_FRAME, 12), chain = new_slots(602);
    uint64_t silence = make(SHEAF_NOTIFICATION, 0);
    struct helper other = helper(PRIORITY_READY);
    for (unsigned i = 0; i < 600; i++)
        OK(copy(chain + i, i == 0 ? frame : chain + i - 1, 7));
    OK(copy(chain + 600, chain + 300, 7));
    OK(copy(chain + 601, frame, 7));
    for (unsigned i = 599; i < 602; i++)
        OK(gather_op(map_op(VSPACE, VA + i * PAGE_BYTES, 1, chain + i, 1, RW, 0)));
    resume(&other);
    let_run(&other, silence);
    buffer()->ops[0] = (struct sheaf_gather_op){{SHEAF_OP_EVICT, 0, 0, 0, frame, 1}};
    execute_interrupted(&(struct call){.number = SHEAF_SYS_GATHER, .gather = 1}, polls);
    assert_ptr_equal(running(), thread_of(INIT));
    assert_int_equal(mapping(chain + 599).pages, 0);
    for (unsigned i = 20; i < 600; i += i % 40 == 0 ? 1 : 19)
        OK(destroy(chain + i));
    OK(copy(chain + 20, chain + 19, 7));
    check_invariants();
    let_run(&other, silence);
    execute_again();
    OK(result_of(other.thread));
    assert_int_equal(mapping(chain + 600).pages + mapping(chain + 601).pages, 0);
    interrupt();
    OK(revoke(frame));
    assert_null(slot_of(frame)->first_child);
}

static void evicted_though_the_chain_is_cut(void **state) {
    (void)state;
    for (uint64_t polls = 19; polls < 26; polls++) { // before that it goes down
        machine_boot(&(struct image){0});
        evict_while_the_chain_is_cut(polls);
        check_invariants();
    }
}

// ---- Answers

// A sender whose message is longer than the registers, and whose buffer has gone since.
static void impossible_sender(uint64_t endpoint) {
    struct helper sender = helper(PRIORITY_READY);
    by(&sender, (struct call){.number = SHEAF_SYS_SEND, .cap = endpoint, .tag = SHEAF_TAG(1, 7)});
    OK(revoke(sender.buffer));
}

// The server is interrupted between its answer and its wait, and another thread takes a caller with
// the same Reply. The rest of the server's call is the wait: that caller is not answered by it.
static void answered_once(const struct call *answer) {
    uint64_t endpoint = answer->cap, reply = answer->reply,
             other_endpoint = make(SHEAF_ENDPOINT, 0);
    uint64_t silence = make(SHEAF_NOTIFICATION, 0);
    struct helper server = helper(PRIORITY_READY), first = helper(PRIORITY_READY),
                  second = helper(PRIORITY_READY);
    by(&second, (struct call){.number = SHEAF_SYS_CALL, .cap = other_endpoint});
    by(&first, (struct call){.number = SHEAF_SYS_CALL, .cap = endpoint});
    by(&server, (struct call){.number = SHEAF_SYS_RECV, .cap = endpoint, .reply = reply});
    for (unsigned i = 0; i < 2; i++)
        impossible_sender(endpoint);
    let_run(&server, silence);
    execute_interrupted(answer, 0);
    assert_ptr_equal(running(), thread_of(INIT));
    assert_int_equal(result_of(first.thread).tag, SHEAF_TAG(77, 0));
    OK(make_call(
        &(struct call){.number = SHEAF_SYS_NB_RECV, .cap = other_endpoint, .reply = reply}));
    OK(INVOKE(first.cap, SHEAF_THREAD_SUSPEND));
    let_run(&server, silence);
    execute_again();
    assert_int_equal(second.thread->state, SHEAF_STATE_WAITING_REPLY);
    assert_int_equal(result_of(server.thread).status, SHEAF_ERR_IN_USE); // as RECV would be
}

static void an_answer_is_given_once(void **state) {
    (void)state;
    struct call answer = {.number = SHEAF_SYS_REPLY_RECV, .tag = SHEAF_TAG(77, 0)};
    answer.cap = make(SHEAF_ENDPOINT, 0);
    answer.reply = make(SHEAF_REPLY, 0);
    answered_once(&answer);
    machine_boot(&(struct image){0});
    answer.number = SHEAF_SYS_GATHER;
    answer.gather = SHEAF_GATHER_ARG(0, SHEAF_GATHER_REPLY_RECV);
    answer.cap = make(SHEAF_ENDPOINT, 0);
    answer.reply = make(SHEAF_REPLY, 0);
    answered_once(&answer);
}

// ---- Dying capabilities

// Revokes `memory` by another thread, which is interrupted at once and suspended for ever.
static void leave_dying(uint64_t memory, uint64_t polls) {
    struct helper other = helper(PRIORITY_READY);
    struct call call = method_call(CNODE, SHEAF_CNODE_REVOKE, 1, memory);
    resume(&other);
    become(other.cap);
    execute_interrupted(&call, polls);
    become(INIT);
    OK(INVOKE(other.cap, SHEAF_THREAD_SUSPEND));
}

// From the moment it is marked, whatever is asked of it: DEAD. Whoever deletes it as well helps.
static void what_is_dying_cannot_be_used(void **state) {
    (void)state;
    uint64_t memory = untyped(19), outside = make(SHEAF_CNODE, 4), room = untyped(12);
    uint64_t first = make_from(memory, SHEAF_REPLY, 0), pair = new_slots(2), badge = new_slots(1);
    uint64_t endpoint = make_from(memory, SHEAF_ENDPOINT, 0);
    uint64_t vspace = make_from(memory, SHEAF_VSPACE, 0), space = make(SHEAF_VSPACE, 0);
    uint64_t cnode = make_from(memory, SHEAF_CNODE, 4),
             piece = make_from(memory, SHEAF_UNTYPED, 16);
    OK(retype(untyped(12), SHEAF_FRAME, 12, CNODE, pair, 1));
    OK(retype(memory, SHEAF_FRAME, 12, CNODE, pair + 1, 1));
    uint64_t last = make_from(memory, SHEAF_REPLY, 0);
    OK(INVOKE(CNODE, SHEAF_CNODE_MINT, badge, endpoint, 7, 5));
    OK(INVOKE(cnode, SHEAF_CNODE_COPY, 1, INIT, 7));
    leave_dying(memory, 0);
    assert_true(is_empty(first) || is_empty(last)); // one of them was the slice's first
    FAILS(DEAD, INVOKE(vspace, SHEAF_VSPACE_INFO));
    FAILS(DEAD, INVOKE(cnode | (uint64_t)1 << SHEAF_BOOT_CNODE_BITS, SHEAF_THREAD_INFO));
    FAILS(DEAD, INVOKE(outside, SHEAF_CNODE_COPY, 1, endpoint, 7));
    FAILS(DEAD, INVOKE(outside, SHEAF_CNODE_MINT, 1, endpoint, 7, 6));
    FAILS(DEAD, INVOKE(outside, SHEAF_CNODE_MOVE, 1, pair + 1));
    FAILS(DEAD, INVOKE(CNODE, SHEAF_CNODE_CANCEL, badge));
    FAILS(DEAD, INVOKE(space, SHEAF_VSPACE_GROW, piece, 1));
    FAILS(DEAD, retype(room, SHEAF_REPLY, 0, cnode, 2, 1));
    FAILS(DEAD, make_call(&(struct call){.number = SHEAF_SYS_NB_SEND, .cap = endpoint}));
    GATHER_FAILS(DEAD, map_op(space, VA, 1, pair + 1, 1, RW, 0));
    GATHER_FAILS(DEAD, map_op(space, VA, 2, pair, 2, RW, 0));
    GATHER_FAILS(
        DEAD, (struct sheaf_gather_op){{SHEAF_OP_WORD0(SHEAF_OP_EVICT, 0, 0), 0, 0, 0, pair, 2}});
    OK(destroy(pair + 1));
    OK(gather_op(map_op(space, VA, 1, pair, 1, RW, 0)));
    OK(revoke(memory));
    assert_int_equal(bytes_left(memory), BIT(19));
}

static void configure_over_what_is_dying(void **state) {
    (void)state;
    uint64_t memory = untyped(16), endpoint = make_from(memory, SHEAF_ENDPOINT, 0);
    uint64_t other_endpoint = make(SHEAF_ENDPOINT, 0);
    struct helper target = helper(PRIORITY_READY);
    configure(target.cap, 0, 0, endpoint, 0, 0);
    for (unsigned i = 0; i < 5; i++) {
        struct helper waiter = helper(PRIORITY_READY);
        by(&waiter, (struct call){.number = SHEAF_SYS_SEND, .cap = endpoint});
    }
    leave_dying(memory, 0);
    const struct slot *slot = &target.thread->slot[THREAD_FAULT_ENDPOINT];
    assert_int_equal(slot->type, SHEAF_ENDPOINT);
    assert_true(slot_is_dying(slot));
    configure(target.cap, 0, 0, other_endpoint, 0, 0);
    assert_ptr_equal(slot->object, slot_of(other_endpoint)->object);
    assert_false(slot_is_dying(slot));
    assert_int_equal(bytes_left(memory), BIT(16));
}

// A thread that deletes itself and is interrupted when its memory is free already, while what it
// held is still being emptied: nothing is written to it any more.
static void memory_of_a_dead_thread_is_left_alone(void **state) {
    (void)state;
    uint64_t memory = untyped(12), cnode = full_cnode(untyped(17), 10, VSPACE);
    struct helper other = {.cap = make_from(memory, SHEAF_THREAD, 0)};
    other.thread = thread_of(other.cap);
    OK(INVOKE(cnode, SHEAF_CNODE_DELETE, 5));
    OK(INVOKE(cnode, SHEAF_CNODE_COPY, 5, CNODE, 7));
    configure(other.cap, cnode, VSPACE, 0, 0, 0);
    OK(destroy(cnode)); // the thread has the last capability
    set_priority(other.cap, PRIORITY_RUNNING + 1);
    resume(&other);
    assert_ptr_equal(running(), other.thread);
    struct call call = method_call(5, SHEAF_CNODE_DELETE, 1, other.cap);
    execute_interrupted(&call, 3);
    assert_null(slot_of(memory)->first_child);
    assert_int_equal(other.thread->continuation.kind, CONTINUE_NOTHING);
    assert_ptr_equal(running(), thread_of(INIT));
    OK(destroy(copy_of(VSPACE, 7))); // empties the rest
}

// ---- Revoking the way by which the revocation is named

// A thread whose CSpace lies in the memory that it revokes; it finds that memory's capability in
// init's CNode. The thread itself, its code and its address space are not concerned.
static void revokes_its_cspace_among_others(void **state) {
    (void)state;
    for (uint64_t polls = 0; polls < 6; polls++) {
        machine_boot(&(struct image){0});
        uint64_t memory = untyped(18), cnode = make_from(memory, SHEAF_CNODE, 4);
        uint64_t endpoint = make_from(memory, SHEAF_ENDPOINT, 0), copies = new_slots(200);
        for (unsigned i = 0; i < 200; i++)
            OK(copy(copies + i, endpoint, 7));
        struct helper other = helper(PRIORITY_READY);
        OK(INVOKE(cnode, SHEAF_CNODE_COPY, 3, CNODE, 7));
        resume(&other);
        become(other.cap);
        configure(other.cap, cnode, 0, 0, 0, 0);
        struct call call = method_call(3, SHEAF_CNODE_REVOKE, 1, memory);
        fake_set_interrupts(polls);
        execute(&call);
        fake_set_interrupts(VMSA_NEVER);
        OK(result_of(other.thread));
        for (unsigned i = 0; i < 200; i++)
            assert_true(is_empty(copies + i));
        assert_null(slot_of(memory)->first_child);
        check_invariants();
    }
}

// The memory's capability lies in a CNode made of that memory, as do many other CNodes: all are
// taken back before the one that holds what they are derived from.
static void revokes_the_cnode_that_holds_it(void **state) {
    (void)state;
    for (uint64_t polls = 0; polls < 8; polls++) {
        machine_boot(&(struct image){0});
        uint64_t outer = untyped(18), inner = make_from(outer, SHEAF_UNTYPED, 17);
        uint64_t cnode = make_from(inner, SHEAF_CNODE, 4), others = new_slots(300);
        retype_many(inner, SHEAF_CNODE, 1, others, 300);
        OK(INVOKE(cnode, SHEAF_CNODE_MOVE, 3, inner));
        fake_set_interrupts(polls == 7 ? VMSA_NEVER : polls);
        OK(INVOKE(cnode, SHEAF_CNODE_REVOKE, 3));
        fake_set_interrupts(VMSA_NEVER);
        assert_true(is_empty(cnode));
        for (unsigned i = 0; i < 300; i++)
            assert_true(is_empty(others + i));
        assert_null(slot_of(outer)->first_child);
        check_invariants();
    }
}

// A thread's CSpace, and a CNode in it through which it names the memory that both are made of: an
// interrupt at any point, after the first of the two is gone as well, leaves neither.
static void revokes_every_level_of_its_way(void **state) {
    (void)state;
    for (uint64_t polls = 0; polls < 12; polls++) {
        machine_boot(&(struct image){0});
        uint64_t memory = untyped(18), inner = make_from(memory, SHEAF_CNODE, 4);
        uint64_t root = make_from(memory, SHEAF_CNODE, 4), endpoint = make(SHEAF_ENDPOINT, 0);
        OK(INVOKE(inner, SHEAF_CNODE_COPY, 2, CNODE, 7));
        OK(INVOKE(inner, SHEAF_CNODE_MOVE, 5, endpoint));
        OK(INVOKE(root, SHEAF_CNODE_MOVE, 3, inner));
        struct helper other = helper(PRIORITY_READY);
        resume(&other);
        become(other.cap);
        configure(other.cap, root, 0, 0, 0, 0);
        struct call call = method_call(3 | 2 << 4, SHEAF_CNODE_REVOKE, 1, memory);
        fake_set_interrupts(polls);
        execute(&call);
        fake_set_interrupts(VMSA_NEVER);
        OK(result_of(other.thread));
        assert_null(slot_of(memory)->first_child);
        assert_int_equal(other.thread->slot[THREAD_CSPACE].type, SHEAF_NULL);
        check_invariants();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(operations_change_while_interrupted), TEST(slots_that_are_too_many),
        TEST(a_gather_goes_on_after_a_page_fault), TEST(a_delete_goes_on_after_a_page_fault),
        TEST(configure_over_what_is_dying),        TEST(memory_of_a_dead_thread_is_left_alone),
        TEST(revokes_its_cspace_among_others),     TEST(revokes_the_cnode_that_holds_it),
        TEST(cancelled_though_they_move),          TEST(revokes_every_level_of_its_way),
        TEST(what_is_dying_cannot_be_used),        TEST(an_answer_is_given_once),
        TEST(evicted_though_the_chain_is_cut),
    };
    return cmocka_run_group_tests_name("core.hostile", tests, NULL, NULL);
}
