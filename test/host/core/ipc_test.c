// SPDX-License-Identifier: BSD-2-Clause
// Endpoints and Replies: who meets whom, what arrives, what is told when it cannot.
#include "machine.h"
#include <ipc.h>
#include <string.h>
#include <thread.h>

static uint64_t endpoint, reply;

static int setup(void **state) {
    machine_setup(state);
    endpoint = make(SHEAF_ENDPOINT, 0);
    reply = make(SHEAF_REPLY, 0);
    return 0;
}

static struct call message(uint64_t number, uint64_t cap, uint64_t label, unsigned length) {
    struct call call = {.number = number, .cap = cap, .tag = SHEAF_TAG(label, length)};
    for (unsigned i = 0; i < MIN(length, SHEAF_REG_WORDS); i++)
        call.word[i] = 100 + i;
    return call;
}

static struct call receive_call(uint64_t with) {
    return (struct call){.number = SHEAF_SYS_RECV, .cap = endpoint, .reply = with};
}

static void check_message(const struct thread *thread, uint64_t label, unsigned length,
                          uint64_t badge) {
    struct result got = result_of(thread);
    assert_int_equal(got.status, SHEAF_OK);
    assert_int_equal(got.tag, SHEAF_TAG(label, length));
    assert_int_equal(got.badge, badge);
    for (unsigned i = 0; i < MIN(length, SHEAF_REG_WORDS); i++)
        assert_int_equal(got.word[i], 100 + i);
    for (unsigned i = SHEAF_REG_WORDS; i < length; i++)
        assert_int_equal(thread_buffer(thread)->message[i], 100 + i);
}

// ---- Messages

static void every_length_both_orders(void **state) {
    (void)state;
    struct helper server = helper(PRIORITY_READY);
    uint64_t used = badged(endpoint, 77);
    for (unsigned length = 0; length <= SHEAF_MSG_WORDS; length++) {
        for (unsigned order = 0; order < 2; order++) {
            for (unsigned i = SHEAF_REG_WORDS; i < SHEAF_MSG_WORDS; i++) {
                thread_buffer(thread_of(INIT))->message[i] = 100 + i;
                thread_buffer(server.thread)->message[i] = 0;
            }
            struct call send = message(SHEAF_SYS_SEND, used, length, length);
            if (order == 0) {
                by(&server, receive_call(0));
                OK(make_call(&send));
            } else {
                resume(&server);
                execute(&send); // init waits: the server runs
                assert_ptr_equal(running(), server.thread);
                execute(&(struct call){.number = SHEAF_SYS_RECV, .cap = endpoint});
                become(INIT);
                OK(result_of(running()));
            }
            check_message(server.thread, length, length, 77);
            if (length < SHEAF_MSG_WORDS)
                assert_int_not_equal(
                    thread_buffer(server.thread)->message[MAX(length, SHEAF_REG_WORDS)],
                    100 + length);
        }
    }
}

static void words_beyond_the_length_stay(void **state) {
    (void)state;
    struct helper server = helper(PRIORITY_READY);
    by(&server, receive_call(0));
    for (unsigned i = 0; i < 31; i++)
        server.thread->context.reg[i] = 9000 + i;
    struct call send = message(SHEAF_SYS_SEND, endpoint, 5, 2);
    OK(make_call(&send));
    const uint64_t *reg = server.thread->context.reg;
    for (unsigned i = 0; i < 31; i++)
        if (i > 3 && i != SHEAF_REG_BADGE)
            assert_int_equal(reg[i], 9000 + i);
}

static void bad_tags(void **state) {
    (void)state;
    struct call call = message(SHEAF_SYS_NB_SEND, endpoint, 0, 0);
    for (unsigned bit = 9; bit < 16; bit++) {
        call.tag = BIT(bit);
        FAILS(INVALID_ARGUMENT, make_call(&call));
    }
    for (unsigned length = 65; length < 128; length++) {
        call.tag = length;
        FAILS(MESSAGE_TOO_LONG, make_call(&call));
    }
    call.tag = SHEAF_TAG(SHEAF_LABEL_PAGE_FAULT, 3);
    FAILS(INVALID_ARGUMENT, make_call(&call)); // faults are not forged
    call.number = SHEAF_SYS_CALL;
    FAILS(INVALID_ARGUMENT, make_call(&call));
    call.tag = SHEAF_TAG(SHEAF_LABEL_KERNEL, 0);
    FAILS(INVALID_ARGUMENT, make_call(&call));
    call.number = SHEAF_SYS_REPLY;
    call.cap = reply;
    FAILS(INVALID_ARGUMENT, make_call(&call));
    call = message(SHEAF_SYS_NB_SEND, endpoint, SHEAF_LABEL_KERNEL - 1, 0);
    FAILS(WOULD_BLOCK, make_call(&call));
}

static void capabilities_and_rights(void **state) {
    (void)state;
    static const uint64_t sends[] = {SHEAF_SYS_SEND, SHEAF_SYS_NB_SEND};
    static const uint64_t receives[] = {SHEAF_SYS_RECV, SHEAF_SYS_NB_RECV, SHEAF_SYS_REPLY_RECV};
    uint64_t reader = copy_of(endpoint, SHEAF_RIGHT_READ);
    uint64_t writer = copy_of(endpoint, SHEAF_RIGHT_WRITE | SHEAF_RIGHT_GRANT);
    uint64_t empty = new_slots(1);
    for (unsigned i = 0; i < ARRAY_SIZE(sends); i++) {
        FAILS(NO_RIGHT, make_call(&(struct call){.number = sends[i], .cap = reader}));
        FAILS(WRONG_TYPE, make_call(&(struct call){.number = sends[i], .cap = reply}));
        FAILS(INVALID_CAPABILITY, make_call(&(struct call){.number = sends[i], .cap = empty}));
    }
    FAILS(NO_RIGHT, make_call(&(struct call){.number = SHEAF_SYS_CALL, .cap = reader}));
    for (unsigned i = 0; i < ARRAY_SIZE(receives); i++) {
        struct call call = {.number = receives[i], .cap = writer, .reply = reply};
        FAILS(NO_RIGHT, make_call(&call));
        call.cap = CNODE;
        FAILS(WRONG_TYPE, make_call(&call));
        call.cap = 0;
        FAILS(INVALID_CAPABILITY, make_call(&call));
        call.cap = endpoint;
        call.reply = endpoint;
        FAILS(WRONG_TYPE, make_call(&call));
        call.reply = empty;
        FAILS(INVALID_CAPABILITY, make_call(&call));
    }
    FAILS(WRONG_TYPE, make_call(&(struct call){.number = SHEAF_SYS_REPLY, .cap = endpoint}));
    FAILS(INVALID_CAPABILITY, make_call(&(struct call){.number = SHEAF_SYS_REPLY, .cap = empty}));
    FAILS(NOT_WAITING, make_call(&(struct call){.number = SHEAF_SYS_REPLY, .cap = reply}));
}

static void non_blocking_forms(void **state) {
    (void)state;
    struct helper other = helper(PRIORITY_READY);
    struct call send = message(SHEAF_SYS_NB_SEND, endpoint, 3, 1);
    struct call receive = {.number = SHEAF_SYS_NB_RECV, .cap = endpoint};
    FAILS(WOULD_BLOCK, make_call(&send));
    FAILS(WOULD_BLOCK, make_call(&receive));
    by(&other, receive_call(0));
    OK(make_call(&send));
    check_message(other.thread, 3, 1, 0);
    by(&other, message(SHEAF_SYS_SEND, endpoint, 4, 2));
    assert_int_equal(other.thread->state, SHEAF_STATE_SENDING);
    make_call(&receive);
    check_message(running(), 4, 2, 0);
    assert_int_equal(other.thread->state, SHEAF_STATE_READY);
    // Waiting senders do not make a send succeed.
    by(&other, message(SHEAF_SYS_SEND, endpoint, 4, 2));
    FAILS(WOULD_BLOCK, make_call(&send));
}

// ---- Call and reply

static void call_and_reply(void **state) {
    (void)state;
    struct helper server = helper(PRIORITY_READY);
    by(&server, receive_call(reply));
    struct call call = message(SHEAF_SYS_CALL, badged(endpoint, 5), 8, 6);
    execute(&call);
    assert_ptr_equal(running(), server.thread); // straight to the server
    assert_int_equal(thread_of(INIT)->state, SHEAF_STATE_WAITING_REPLY);
    check_message(server.thread, 8, 6, 5);
    check_invariants();
    struct call answer = message(SHEAF_SYS_REPLY, reply, 9, 3);
    execute(&answer);
    OK(result_of(server.thread));
    assert_ptr_equal(running(), thread_of(INIT));
    check_message(running(), 9, 3, 0);
    FAILS(NOT_WAITING, make_call(&answer)); // once
}

static void reply_and_receive(void **state) {
    (void)state;
    struct helper server = helper(PRIORITY_READY);
    struct call serve = message(SHEAF_SYS_REPLY_RECV, endpoint, 1, 4);
    serve.reply = reply;
    by(&server, serve); // nothing to answer yet
    assert_int_equal(server.thread->state, SHEAF_STATE_RECEIVING);
    for (unsigned i = 0; i < 5; i++) {
        struct call call = message(SHEAF_SYS_CALL, endpoint, i, i);
        execute(&call);
        check_message(server.thread, i, i, 0);
        execute(&serve);
        assert_ptr_equal(running(), thread_of(INIT));
        check_message(running(), 1, 4, 0);
        assert_int_equal(server.thread->state, SHEAF_STATE_RECEIVING);
        check_invariants();
    }
    // Without a Reply it is a receive.
    OK(INVOKE(server.cap, SHEAF_THREAD_SUSPEND));
    serve.reply = 0;
    by(&server, serve);
    assert_int_equal(server.thread->state, SHEAF_STATE_RECEIVING);
    OK(make_call(&(struct call){.number = SHEAF_SYS_SEND, .cap = endpoint}));
}

static void a_reply_in_use(void **state) {
    (void)state;
    struct helper server = helper(PRIORITY_READY), client = helper(PRIORITY_READY);
    by(&server, receive_call(reply));
    FAILS(IN_USE,
          make_call(&(struct call){.number = SHEAF_SYS_NB_RECV, .cap = endpoint, .reply = reply}));
    FAILS(IN_USE, make_call(&(struct call){
                      .number = SHEAF_SYS_REPLY_RECV, .cap = endpoint, .reply = reply}));
    by(&client, message(SHEAF_SYS_CALL, endpoint, 0, 0));
    assert_int_equal(client.thread->state, SHEAF_STATE_WAITING_REPLY);
    FAILS(IN_USE,
          make_call(&(struct call){.number = SHEAF_SYS_NB_RECV, .cap = endpoint, .reply = reply}));
}

static void without_a_reply(void **state) {
    (void)state;
    struct helper server = helper(PRIORITY_READY), client = helper(PRIORITY_READY);
    by(&server, receive_call(0));
    struct call call = message(SHEAF_SYS_CALL, endpoint, 0, 1);
    FAILS(NO_REPLY, make_call(&call));
    assert_int_equal(server.thread->state, SHEAF_STATE_RECEIVING); // waits on
    OK(INVOKE(server.cap, SHEAF_THREAD_SUSPEND));
    by(&client, call);
    struct helper plain = helper(PRIORITY_READY);
    by(&plain, message(SHEAF_SYS_SEND, endpoint, 6, 2));
    // The caller is told, the message behind it is received.
    make_call(&(struct call){.number = SHEAF_SYS_NB_RECV, .cap = endpoint});
    check_message(running(), 6, 2, 0);
    assert_int_equal(result_of(client.thread).status, SHEAF_ERR_NO_REPLY);
    assert_int_equal(client.thread->state, SHEAF_STATE_READY);
}

static void without_a_buffer(void **state) {
    (void)state;
    struct helper server = helper(PRIORITY_READY), client = helper(PRIORITY_READY);
    struct call longest = message(SHEAF_SYS_SEND, endpoint, 1, 7);
    OK(revoke(server.buffer)); // takes the thread's copy
    by(&server, receive_call(0));
    FAILS(NO_BUFFER, make_call(&longest)); // the receiver has none
    assert_int_equal(server.thread->state, SHEAF_STATE_RECEIVING);
    OK(INVOKE(server.cap, SHEAF_THREAD_SUSPEND));
    by(&client, longest);
    assert_int_equal(client.thread->state, SHEAF_STATE_SENDING);
    by(&server, (struct call){.number = SHEAF_SYS_NB_RECV, .cap = endpoint});
    assert_int_equal(result_of(server.thread).status, SHEAF_ERR_WOULD_BLOCK);
    assert_int_equal(result_of(client.thread).status, SHEAF_ERR_NO_BUFFER);
    // A waiting sender that loses its buffer.
    by(&client, longest);
    OK(revoke(client.buffer));
    make_call(&(struct call){.number = SHEAF_SYS_NB_RECV, .cap = endpoint});
    assert_int_equal(result_of(running()).status, SHEAF_ERR_WOULD_BLOCK);
    assert_int_equal(result_of(client.thread).status, SHEAF_ERR_NO_BUFFER);
    // The one who sends has none.
    by(&client, longest);
    assert_int_equal(result_of(client.thread).status, SHEAF_ERR_NO_BUFFER);
    // An answer too long for the caller: it is told, not the server.
    by(&client, message(SHEAF_SYS_CALL, endpoint, 0, 0));
    make_call(&(struct call){.number = SHEAF_SYS_RECV, .cap = endpoint, .reply = reply});
    OK(result_of(running()));
    struct call answer = message(SHEAF_SYS_REPLY, reply, 0, 64);
    OK(make_call(&answer));
    assert_int_equal(result_of(client.thread).status, SHEAF_ERR_NO_BUFFER);
}

static void two_threads_with_one_buffer(void **state) {
    (void)state;
    struct helper server = helper(PRIORITY_READY);
    configure(server.cap, 0, 0, 0, SHEAF_BOOT_SLOT_IPC_BUFFER, 0);
    by(&server, receive_call(0));
    for (unsigned i = SHEAF_REG_WORDS; i < 20; i++)
        buffer()->message[i] = 100 + i;
    struct call send = message(SHEAF_SYS_SEND, endpoint, 2, 20);
    OK(make_call(&send));
    check_message(server.thread, 2, 20, 0);
}

// ---- Queues

static void by_priority_then_in_order(void **state) {
    (void)state;
    static const unsigned priorities[] = {20, 40, 20, 30, 40};
    static const unsigned order[] = {1, 4, 3, 0, 2};
    struct helper others[5];
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 5; i++) {
            if (round == 0)
                others[i] = helper(PRIORITY_READY);
            else
                set_priority(others[i].cap, PRIORITY_READY);
            by(&others[i], round == 0 ? message(SHEAF_SYS_SEND, endpoint, i, 0) : receive_call(0));
            set_priority(others[i].cap, priorities[i]); // takes its new place in the queue
            check_invariants();
        }
        for (unsigned i = 0; i < 5; i++) {
            if (round == 0) {
                make_call(&(struct call){.number = SHEAF_SYS_RECV, .cap = endpoint});
                assert_int_equal(SHEAF_TAG_LABEL(result_of(running()).tag), order[i]);
            } else {
                struct call send = message(SHEAF_SYS_SEND, endpoint, 50 + i, 0);
                OK(make_call(&send));
                assert_int_equal(SHEAF_TAG_LABEL(result_of(others[order[i]].thread).tag), 50 + i);
            }
        }
    }
}

// ---- Death

static void deleted_endpoint(void **state) {
    (void)state;
    struct helper others[3];
    for (unsigned round = 0; round < 2; round++) {
        endpoint = make(SHEAF_ENDPOINT, 0);
        for (unsigned i = 0; i < 3; i++) {
            others[i] = helper(PRIORITY_READY);
            by(&others[i], round == 0
                               ? message(i == 0 ? SHEAF_SYS_CALL : SHEAF_SYS_SEND, endpoint, 0, 0)
                               : receive_call(i == 0 ? reply : 0));
        }
        OK(destroy(endpoint));
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(others[i].thread->state, SHEAF_STATE_READY);
            assert_int_equal(result_of(others[i].thread).status, SHEAF_ERR_CANCELLED);
        }
        check_invariants();
    }
}

static void deleted_reply(void **state) {
    (void)state;
    struct helper server = helper(PRIORITY_READY), client = helper(PRIORITY_READY);
    by(&server, receive_call(reply));
    by(&client, message(SHEAF_SYS_CALL, endpoint, 0, 0));
    assert_int_equal(client.thread->state, SHEAF_STATE_WAITING_REPLY);
    OK(destroy(reply));
    assert_int_equal(client.thread->state, SHEAF_STATE_READY);
    assert_int_equal(result_of(client.thread).status, SHEAF_ERR_NO_REPLY);
    // Deleted while the receiver waits: it waits on, and callers are told.
    reply = make(SHEAF_REPLY, 0);
    by(&server, receive_call(reply));
    OK(destroy(reply));
    assert_int_equal(server.thread->state, SHEAF_STATE_RECEIVING);
    FAILS(NO_REPLY, make_call(&(struct call){.number = SHEAF_SYS_CALL, .cap = endpoint}));
}

static void a_server_dies(void **state) {
    (void)state;
    uint64_t memory = untyped(14), cnode = make_from(memory, SHEAF_CNODE, 4);
    uint64_t own = make_from(memory, SHEAF_REPLY, 0);
    struct helper server = helper(PRIORITY_READY), client = helper(PRIORITY_READY);
    by(&server, receive_call(own));
    OK(INVOKE(cnode, SHEAF_CNODE_MOVE, 2, own)); // the only capability to it
    configure(server.cap, cnode, 0, 0, 0, 0);    // while it waits
    OK(destroy(cnode));
    set_priority(server.cap, 1); // it must not run: it does not know init's names
    by(&client, message(SHEAF_SYS_CALL, endpoint, 0, 0));
    OK(destroy(server.cap)); // with its CSpace, with the Reply in it
    assert_int_equal(result_of(client.thread).status, SHEAF_ERR_NO_REPLY);
    assert_int_equal(bytes_left(memory), BIT(14));
}

// Init keeps a capability to each Reply: the servers' end is told all the same, and only theirs.
static void servers_die_and_their_replies_stay(void **state) {
    (void)state;
    enum { CALLERS = 5 };
    struct helper servers[2] = {helper(PRIORITY_READY), helper(PRIORITY_READY)}, callers[CALLERS];
    uint64_t replies = make_many(SHEAF_REPLY, 0, CALLERS);
    for (unsigned i = 0; i < CALLERS; i++) {
        callers[i] = helper(PRIORITY_READY);
        by(&servers[i / 4], receive_call(replies + i));
        by(&callers[i], message(SHEAF_SYS_CALL, endpoint, 0, 0));
        assert_int_equal(callers[i].thread->state, SHEAF_STATE_WAITING_REPLY);
    }
    OK(make_call(&(struct call){.number = SHEAF_SYS_REPLY, .cap = replies}));
    OK(destroy(replies + 1)); // out of the middle of the server's
    fake_set_interrupts(0);
    OK(destroy(servers[0].cap));
    fake_set_interrupts(VMSA_NEVER);
    assert_int_equal(result_of(callers[0].thread).status, SHEAF_OK);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(callers[i].thread->state, SHEAF_STATE_READY);
        assert_int_equal(result_of(callers[i].thread).status, SHEAF_ERR_NO_REPLY);
    }
    assert_int_equal(callers[4].thread->state, SHEAF_STATE_WAITING_REPLY);
    OK(make_call(&(struct call){.number = SHEAF_SYS_REPLY, .cap = replies + 4}));
    FAILS(NOT_WAITING, make_call(&(struct call){.number = SHEAF_SYS_REPLY, .cap = replies + 2}));
    check_invariants();
}

// The Reply is another's by then, who received with it and has a caller.
static void a_server_before_dies(void **state) {
    (void)state;
    struct helper before = helper(PRIORITY_READY), server = helper(PRIORITY_READY);
    struct helper client = helper(PRIORITY_READY);
    by(&before, receive_call(reply));
    by(&client, message(SHEAF_SYS_CALL, endpoint, 0, 0));
    OK(make_call(&(struct call){.number = SHEAF_SYS_REPLY, .cap = reply}));
    by(&server, receive_call(reply));
    by(&client, message(SHEAF_SYS_CALL, endpoint, 0, 0));
    OK(destroy(before.cap));
    assert_int_equal(client.thread->state, SHEAF_STATE_WAITING_REPLY);
    OK(destroy(server.cap));
    assert_int_equal(result_of(client.thread).status, SHEAF_ERR_NO_REPLY);
}

// It goes on with the deletion until nobody waits for it.
static void a_server_deletes_itself(void **state) {
    (void)state;
    enum { CALLERS = 3 };
    struct helper server = helper(PRIORITY_READY), callers[CALLERS];
    uint64_t replies = make_many(SHEAF_REPLY, 0, CALLERS);
    for (unsigned i = 0; i < CALLERS; i++) {
        callers[i] = helper(PRIORITY_BEHIND);
        by(&server, receive_call(replies + i));
        by(&callers[i], message(SHEAF_SYS_CALL, endpoint, 0, 0));
    }
    fake_set_interrupts(0);
    become(server.cap);
    execute(&(struct call){.number = SHEAF_SYS_CALL,
                           .cap = CNODE,
                           .tag = SHEAF_TAG(SHEAF_CNODE_DELETE, 1),
                           .word = {server.cap}});
    fake_set_interrupts(VMSA_NEVER);
    assert_true(is_empty(server.cap));
    for (unsigned i = 0; i < CALLERS; i++)
        assert_int_equal(result_of(callers[i].thread).status, SHEAF_ERR_NO_REPLY);
    check_invariants();
}

static void a_caller_dies(void **state) {
    (void)state;
    struct helper client = helper(PRIORITY_READY);
    by(&client, message(SHEAF_SYS_CALL, endpoint, 0, 0));
    make_call(&(struct call){.number = SHEAF_SYS_RECV, .cap = endpoint, .reply = reply});
    OK(destroy(client.cap));
    FAILS(NOT_WAITING, make_call(&(struct call){.number = SHEAF_SYS_REPLY, .cap = reply}));
}

#define IPC_TEST(function) cmocka_unit_test_setup_teardown(function, setup, machine_teardown)

static struct result cancel(uint64_t slot) { return INVOKE(CNODE, SHEAF_CNODE_CANCEL, slot); }

static void cancelled_by_badge(void **state) {
    (void)state;
    enum { WAITING = 40 };
    struct helper others[WAITING];
    uint64_t one = badged(endpoint, 1), two = badged(endpoint, 2);
    for (unsigned i = 0; i < WAITING; i++) {
        others[i] = helper(PRIORITY_READY);
        by(&others[i],
           message(i % 3 == 0 ? SHEAF_SYS_CALL : SHEAF_SYS_SEND, i % 2 == 0 ? one : two, 0, 0));
    }
    fake_set_interrupts(1); // one is pending whenever the kernel looks
    OK(cancel(one));
    fake_set_interrupts(VMSA_NEVER);
    for (unsigned i = 0; i < WAITING; i++) {
        bool cancelled = i % 2 == 0;
        assert_int_equal(others[i].thread->state,
                         cancelled ? SHEAF_STATE_READY : SHEAF_STATE_SENDING);
        if (cancelled)
            assert_int_equal(result_of(others[i].thread).status, SHEAF_ERR_CANCELLED);
    }
    check_invariants();
    OK(cancel(one)); // nobody is left
    OK(cancel(two));
    by(&others[0], receive_call(0));
    OK(cancel(one)); // receivers are not meant
    assert_int_equal(others[0].thread->state, SHEAF_STATE_RECEIVING);
}

static struct {
    struct thread *caller;
    struct endpoint *endpoint;
    uint64_t badge;
    enum sheaf_error error;
} pass;

static void run_cancel(struct pe *pe) {
    pass.error = endpoint_cancel(pe, pass.caller, pass.endpoint, pass.badge);
    sched_leave(pe);
}

// Two cancel at one Endpoint in turns, each interrupted at every poll: whoever runs brings on the
// pass that has begun, and both come to their end, in as many slices as two passes have. Threads
// leave the queue from under the pass, and change places in it.
static void two_cancel_at_once(void **state) {
    (void)state;
    enum { WAITING = 600, SLICES = WAITING / 128 + WAITING / 3 / 8 + 2 };
    static struct helper senders[WAITING];
    uint64_t badge[3] = {badged(endpoint, 1), badged(endpoint, 2), badged(endpoint, 3)};
    for (unsigned i = 0; i < WAITING; i++) {
        senders[i] = helper(PRIORITY_READY);
        by(&senders[i], message(SHEAF_SYS_SEND, badge[i % 3], 0, 0));
    }
    struct helper other = helper(PRIORITY_BEHIND);
    struct thread *callers[2] = {running(), other.thread};
    bool over[2] = {false, false};
    pass.endpoint = slot_of(endpoint)->object;
    fake_set_interrupts(0);
    for (unsigned i = 0, slices = 0; !over[0] || !over[1]; i ^= 1) {
        if (over[i])
            continue;
        pass.caller = callers[i];
        pass.badge = i + 1;
        fake_run(run_cancel, &fake.pe[0]);
        assert_in_range(++slices, 1, 2 * SLICES);
        over[i] = pass.error == SHEAF_OK;
        struct thread *next = pass.endpoint->cancel_next;
        if (next != NULL && slices % 3 == 0)
            endpoint_requeue(next, next->priority + (slices % 2 == 0 ? 1 : -1));
        else if (next != NULL && next->badge == 3)
            thread_suspend(&fake.pe[0], next);
    }
    fake_set_interrupts(VMSA_NEVER);
    callers[0]->continuation.kind = CONTINUE_NOTHING;
    callers[1]->continuation.kind = CONTINUE_NOTHING;
    for (unsigned i = 0; i < WAITING; i++)
        if (i % 3 < 2)
            assert_int_equal(senders[i].thread->state, SHEAF_STATE_READY);
        else
            assert_int_not_equal(senders[i].thread->state, SHEAF_STATE_READY);
}

static void cancel_errors(void **state) {
    (void)state;
    uint64_t empty = new_slots(1);
    FAILS(INVALID_ARGUMENT, cancel(endpoint)); // has no badge
    // A client's capability, which others may have, too.
    uint64_t client = copy_of(badged(endpoint, 1), SHEAF_RIGHT_WRITE | SHEAF_RIGHT_GRANT);
    FAILS(NO_RIGHT, cancel(client));
    FAILS(WRONG_TYPE, cancel(reply));
    FAILS(INVALID_CAPABILITY, cancel(empty));
    FAILS(RANGE, cancel(0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IPC_TEST(every_length_both_orders),
        IPC_TEST(words_beyond_the_length_stay),
        IPC_TEST(bad_tags),
        IPC_TEST(capabilities_and_rights),
        IPC_TEST(non_blocking_forms),
        IPC_TEST(call_and_reply),
        IPC_TEST(reply_and_receive),
        IPC_TEST(a_reply_in_use),
        IPC_TEST(without_a_reply),
        IPC_TEST(without_a_buffer),
        IPC_TEST(two_threads_with_one_buffer),
        IPC_TEST(by_priority_then_in_order),
        IPC_TEST(deleted_endpoint),
        IPC_TEST(deleted_reply),
        IPC_TEST(a_server_dies),
        IPC_TEST(servers_die_and_their_replies_stay),
        IPC_TEST(a_server_before_dies),
        IPC_TEST(a_server_deletes_itself),
        IPC_TEST(a_caller_dies),
        IPC_TEST(cancelled_by_badge),
        IPC_TEST(two_cancel_at_once),
        IPC_TEST(cancel_errors),
    };
    return cmocka_run_group_tests_name("core.ipc", tests, NULL, NULL);
}
