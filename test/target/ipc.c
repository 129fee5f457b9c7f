// SPDX-License-Identifier: BSD-2-Clause
// Endpoints and Replies: what travels, in which order, and what waiters are told.
//
// The main thread mostly plays the server. Helpers have a lower priority, so they run when it
// waits.
#include "child.h"
#include "harness.h"

static sheaf_cptr endpoint(void) { return make(SHEAF_ENDPOINT, 0); }
static sheaf_cptr reply_object(void) { return make(SHEAF_REPLY, 0); }

static uint64_t pattern(uint64_t length, uint64_t i) { return (length << 32) + i * 3 + 1; }

static bool words_agree(const struct message *m, const struct sheaf_ipc_buffer *buffer,
                        unsigned length, uint64_t salt) {
    for (unsigned i = 0; i < length; i++) {
        uint64_t word =
            i < SHEAF_REG_WORDS ? m->word[i] : *(volatile uint64_t *)&buffer->message[i];
        if (word != pattern(length, i) + salt) {
            return false;
        }
    }
    return SHEAF_TAG_LENGTH(m->tag) == length;
}

static struct message patterned(struct sheaf_ipc_buffer *buffer, unsigned length, uint64_t salt) {
    struct message m = {.tag = SHEAF_TAG(length + 1000, length)};
    for (unsigned i = 0; i < length; i++) {
        if (i < SHEAF_REG_WORDS) {
            m.word[i] = pattern(length, i) + salt;
        } else {
            buffer->message[i] = pattern(length, i) + salt;
        }
    }
    return m;
}

// Calls once with each length; result 0 counts the good answers.
static void call_all_lengths(struct helper *self) {
    for (unsigned length = 0; length <= SHEAF_MSG_WORDS; length++) {
        struct message m = call(self->argument[0], patterned(self->buffer, length, 0));
        self->result[0] += m.status == SHEAF_OK && words_agree(&m, self->buffer, length, 77) &&
                           SHEAF_TAG_LABEL(m.tag) == length + 1000;
    }
}

static void all_lengths(void) {
    sheaf_cptr e = endpoint();
    sheaf_cptr reply = reply_object();
    struct helper *caller = spawn(call_all_lengths, LOW_PRIORITY, e, 0, 0);
    for (unsigned length = 0; length <= SHEAF_MSG_WORDS; length++) {
        struct message m = receive(e, reply);
        CHECK_OK(m.status);
        CHECK_EQ(SHEAF_TAG_LABEL(m.tag), length + 1000);
        CHECK(words_agree(&m, own_buffer(), length, 0));
        CHECK_OK(answer(reply, patterned(own_buffer(), length, 77)));
    }
    join(caller);
    CHECK_EQ(caller->result[0], SHEAF_MSG_WORDS + 1);
}

static void call_once(struct helper *self) {
    struct message m = call(self->argument[0], MESSAGE(self->argument[1], 1, self->argument[2]));
    self->result[0] = m.status;
    self->result[1] = m.word[0];
    self->result[2] = m.tag;
    self->result[3] = m.badge;
}

static void send_once(struct helper *self) {
    self->result[0] = send(self->argument[0], MESSAGE(self->argument[1], 1, self->argument[2]));
}

static void receive_once(struct helper *self) {
    struct message m = receive(self->argument[0], self->argument[1]);
    self->result[0] = m.status;
    self->result[1] = m.word[0];
    self->result[2] = m.tag;
    self->result[3] = m.badge;
}

// Once with each of two Replies.
static void receive_twice(struct helper *self) {
    for (unsigned i = 0; i < 2; i++) {
        self->result[i] = receive(self->argument[0], self->argument[1 + i]).status;
    }
}

static void tag_errors(void) {
    sheaf_cptr e = endpoint();
    struct message m = {.tag = 65};
    CHECK_ERROR(nb_send(e, m), MESSAGE_TOO_LONG);
    CHECK_ERROR(call(e, m).status, MESSAGE_TOO_LONG);
    CHECK_ERROR(send(e, m), MESSAGE_TOO_LONG);
    m.tag = 127;
    CHECK_ERROR(nb_send(e, m), MESSAGE_TOO_LONG);
    m.tag = 0x200; // bits 9 to 15 are zero
    CHECK_ERROR(nb_send(e, m), INVALID_ARGUMENT);
    m.tag = 0x8000;
    CHECK_ERROR(nb_send(e, m), INVALID_ARGUMENT);
}

static void label_is_48_bits(void) {
    sheaf_cptr e = endpoint();
    spawn(send_once, LOW_PRIORITY, e, UINT64_C(0xfedcba987654), 0);
    struct message m = receive(e, 0);
    CHECK_OK(m.status);
    CHECK_EQ(SHEAF_TAG_LABEL(m.tag), UINT64_C(0xfedcba987654));
}

// Otherwise a client could send its pager, or a server, faults and signals that never were.
static void kernel_labels_are_not_forged(void) {
    sheaf_cptr e = endpoint();
    sheaf_cptr reply = reply_object();
    static const uint64_t labels[] = {SHEAF_LABEL_KERNEL, SHEAF_LABEL_PAGE_FAULT,
                                      SHEAF_LABEL_EXCEPTION, SHEAF_LABEL_SIGNAL,
                                      UINT64_C(0xffffffffffff)};
    struct helper *caller = spawn(call_once, LOW_PRIORITY, e, SHEAF_LABEL_KERNEL - 1, 0);
    CHECK_OK(receive(e, reply).status);
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        CHECK_ERROR(send(e, MESSAGE(labels[i], 0, 0)), INVALID_ARGUMENT);
        CHECK_ERROR(nb_send(e, MESSAGE(labels[i], 0, 0)), INVALID_ARGUMENT);
        CHECK_ERROR(call(e, MESSAGE(labels[i], 0, 0)).status, INVALID_ARGUMENT);
        CHECK_ERROR(answer(reply, MESSAGE(labels[i], 0, 0)), INVALID_ARGUMENT);
    }
    CHECK_OK(answer(reply, MESSAGE(0, 0, 0)));
    join(caller);
}

static void badges(void) {
    sheaf_cptr e = endpoint();
    sheaf_cptr reply = reply_object();
    struct helper *plain = spawn(call_once, LOW_PRIORITY, e, 0, 0);
    struct message m = receive(e, reply);
    CHECK_EQ(m.badge, 0);
    CHECK_OK(answer(reply, MESSAGE(0, 0, 0)));
    join(plain);
    CHECK_EQ(plain->result[3], 0);
    spawn(send_once, LOW_PRIORITY, badged(e, SHEAF_RIGHT_WRITE, UINT64_MAX), 0, 0);
    CHECK_EQ(receive(e, reply).badge, UINT64_MAX);
}

static void send_waits(void) {
    sheaf_cptr e = endpoint();
    struct helper *sender = spawn(send_once, LOW_PRIORITY, e, 5, 66);
    wait_for_state(sender->thread, SHEAF_STATE_SENDING);
    CHECK(!sender->finished);
    struct message m = receive(e, 0);
    CHECK_EQ(m.word[0], 66);
    join(sender);
    CHECK_OK(sender->result[0]);
}

static void receive_waits(void) {
    sheaf_cptr e = endpoint();
    struct helper *receiver = spawn(receive_once, LOW_PRIORITY, e, 0, 0);
    wait_for_state(receiver->thread, SHEAF_STATE_RECEIVING);
    CHECK_OK(send(e, MESSAGE(9, 1, 123)));
    join(receiver);
    CHECK_OK(receiver->result[0]);
    CHECK_EQ(receiver->result[1], 123);
    CHECK_EQ(receiver->result[2], SHEAF_TAG(9, 1));
}

static void without_waiting(void) {
    sheaf_cptr e = endpoint();
    CHECK_ERROR(nb_send(e, MESSAGE(0, 0, 0)), WOULD_BLOCK);
    CHECK_ERROR(nb_receive(e, 0).status, WOULD_BLOCK);
    struct helper *receiver = spawn(receive_once, LOW_PRIORITY, e, 0, 0);
    wait_for_state(receiver->thread, SHEAF_STATE_RECEIVING);
    CHECK_OK(nb_send(e, MESSAGE(0, 1, 31)));
    CHECK_ERROR(nb_send(e, MESSAGE(0, 1, 32)), WOULD_BLOCK);
    join(receiver);
    CHECK_EQ(receiver->result[1], 31);
    struct helper *sender = spawn(send_once, LOW_PRIORITY, e, 0, 33);
    wait_for_state(sender->thread, SHEAF_STATE_SENDING);
    struct message m = nb_receive(e, 0);
    CHECK_OK(m.status);
    CHECK_EQ(m.word[0], 33);
}

static void rights(void) {
    sheaf_cptr e = endpoint();
    sheaf_cptr reader = copy_of(e, SHEAF_RIGHT_READ);
    sheaf_cptr writer = copy_of(e, SHEAF_RIGHT_WRITE);
    CHECK_ERROR(send(reader, MESSAGE(0, 0, 0)), NO_RIGHT);
    CHECK_ERROR(call(reader, MESSAGE(0, 0, 0)).status, NO_RIGHT);
    CHECK_ERROR(receive(writer, 0).status, NO_RIGHT);
    CHECK_ERROR(answer_receive(writer, reply_object(), MESSAGE(0, 0, 0)).status, NO_RIGHT);
}

static void wrong_types(void) {
    sheaf_cptr e = endpoint();
    sheaf_cptr frame = make(SHEAF_FRAME, SHEAF_PAGE_BITS);
    CHECK_ERROR(send(frame, MESSAGE(0, 0, 0)), WRONG_TYPE);
    CHECK_ERROR(nb_send(frame, MESSAGE(0, 0, 0)), WRONG_TYPE);
    CHECK_ERROR(receive(frame, 0).status, WRONG_TYPE);
    CHECK_ERROR(nb_receive(frame, 0).status, WRONG_TYPE);
    CHECK_ERROR(answer(e, MESSAGE(0, 0, 0)), WRONG_TYPE);
    CHECK_ERROR(nb_receive(e, frame).status, WRONG_TYPE);
    CHECK_ERROR(nb_receive(e, new_slot()).status, INVALID_CAPABILITY);
    CHECK_ERROR(send(new_slot(), MESSAGE(0, 0, 0)), INVALID_CAPABILITY);
    CHECK_ERROR(call(new_slot(), MESSAGE(0, 0, 0)).status, INVALID_CAPABILITY);
    CHECK_ERROR(receive(0, 0).status, INVALID_CAPABILITY);
    CHECK_ERROR(answer(0, MESSAGE(0, 0, 0)), INVALID_CAPABILITY);
}

static void unknown_system_calls(void) {
    static const unsigned numbers[] = {0, 11, 12, 63, 1000, 0xffffffff};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        CHECK_ERROR(exchange(numbers[i], ROOT, 0, MESSAGE(0, 0, 0)).status, UNKNOWN_SYSCALL);
    }
    struct registers r = {.x = {[SHEAF_REG_SYSCALL] = (UINT64_C(1) << 32) | SHEAF_SYS_CALL}};
    system_call(&r);
    CHECK_ERROR(r.x[0], UNKNOWN_SYSCALL);
}

// More than six words need a buffer, on either side.
static void long_without_buffer(void) {
    sheaf_cptr e = endpoint();
    struct helper *caller = new_helper(call_once, LOW_PRIORITY);
    caller->argument[0] = e;
    caller->buffer_frame = 0;
    start(caller);
    sheaf_cptr reply = reply_object();
    CHECK_OK(receive(e, reply).status); // one word needs none
    uint64_t status = answer(reply, patterned(own_buffer(), 7, 0));
    if (status == SHEAF_OK) {
        join(caller);
        status = caller->result[0];
    }
    CHECK_ERROR(status, NO_BUFFER);
}

static void send_long(struct helper *self) {
    self->result[0] = send(self->argument[0], (struct message){.tag = SHEAF_TAG(0, 7)});
}

static void long_from_without_buffer(void) {
    struct helper *sender = new_helper(send_long, LOW_PRIORITY);
    sender->argument[0] = endpoint();
    sender->buffer_frame = 0;
    start(sender);
    join(sender);
    CHECK_ERROR(sender->result[0], NO_BUFFER);
}

static void by_priority(void) {
    sheaf_cptr e = endpoint();
    static const unsigned priorities[] = {20, 40, 30, 40, 10};
    static const unsigned order[] = {1, 3, 2, 0, 4};
    for (unsigned i = 0; i < 5; i++) {
        struct helper *sender = spawn(send_once, priorities[i], e, 0, i);
        wait_for_state(sender->thread, SHEAF_STATE_SENDING);
    }
    for (unsigned i = 0; i < 5; i++) {
        struct message m = receive(e, 0);
        CHECK_OK(m.status);
        CHECK_EQ(m.word[0], order[i]);
    }
}

static void receivers_by_priority(void) {
    sheaf_cptr e = endpoint();
    struct helper *low = spawn(receive_once, 10, e, 0, 0);
    struct helper *high = spawn(receive_once, 40, e, 0, 0);
    wait_for_state(low->thread, SHEAF_STATE_RECEIVING);
    CHECK_OK(send(e, MESSAGE(0, 1, 1)));
    CHECK_OK(send(e, MESSAGE(0, 1, 2)));
    join(high);
    join(low);
    CHECK_EQ(high->result[1], 1);
    CHECK_EQ(low->result[1], 2);
}

static void reply_once(void) {
    sheaf_cptr e = endpoint();
    sheaf_cptr reply = reply_object();
    CHECK_ERROR(answer(reply, MESSAGE(0, 0, 0)), NOT_WAITING);
    struct helper *caller = spawn(call_once, LOW_PRIORITY, e, 0, 0);
    CHECK_OK(receive(e, reply).status);
    CHECK_OK(answer(reply, MESSAGE(3, 1, 99)));
    CHECK_ERROR(answer(reply, MESSAGE(3, 1, 100)), NOT_WAITING);
    join(caller);
    CHECK_OK(caller->result[0]);
    CHECK_EQ(caller->result[1], 99);
    CHECK_EQ(caller->result[2], SHEAF_TAG(3, 1));
}

static void reply_after_send(void) {
    sheaf_cptr e = endpoint();
    sheaf_cptr reply = reply_object();
    spawn(send_once, LOW_PRIORITY, e, 0, 0);
    CHECK_OK(receive(e, reply).status);
    CHECK_ERROR(answer(reply, MESSAGE(0, 0, 0)), NOT_WAITING); // a sender expects no answer
}

static void reply_in_use(void) {
    sheaf_cptr e = endpoint();
    sheaf_cptr reply = reply_object();
    struct helper *first = spawn(call_once, LOW_PRIORITY, e, 0, 1);
    CHECK_OK(receive(e, reply).status);
    struct helper *second = spawn(call_once, LOW_PRIORITY, e, 0, 2);
    wait_for_state(second->thread, SHEAF_STATE_SENDING);
    CHECK_ERROR(receive(e, reply).status, IN_USE);
    CHECK_EQ(thread_state(first->thread), SHEAF_STATE_WAITING_REPLY);
    CHECK_EQ(thread_state(second->thread), SHEAF_STATE_SENDING);
    CHECK_OK(answer(reply, MESSAGE(0, 0, 0)));
    join(first);
}

static void reply_waits_elsewhere(void) {
    sheaf_cptr one = endpoint();
    sheaf_cptr two = endpoint();
    sheaf_cptr reply = reply_object();
    struct helper *server = spawn(receive_once, LOW_PRIORITY, one, reply, 0);
    wait_for_state(server->thread, SHEAF_STATE_RECEIVING);
    CHECK_ERROR(receive(two, reply).status, IN_USE);
    CHECK_OK(thread_suspend(server->thread)); // its wait is over, so the Reply is free
    CHECK_ERROR(nb_receive(two, reply).status, WOULD_BLOCK);
}

static void replies_out_of_order(void) {
    sheaf_cptr e = endpoint();
    sheaf_cptr replies[3];
    struct helper *callers[3];
    for (unsigned i = 0; i < 3; i++) {
        replies[i] = reply_object();
        callers[i] = spawn(call_once, LOW_PRIORITY, e, 0, i);
        CHECK_EQ(receive(e, replies[i]).word[0], i);
    }
    static const unsigned order[] = {1, 2, 0};
    for (unsigned i = 0; i < 3; i++) {
        CHECK_OK(answer(replies[order[i]], MESSAGE(0, 1, 50 + order[i])));
        join(callers[order[i]]);
        CHECK_EQ(callers[order[i]]->result[1], 50 + order[i]);
    }
}

static void deleted_reply(void) {
    sheaf_cptr e = endpoint();
    sheaf_cptr reply = reply_object();
    struct helper *caller = spawn(call_once, LOW_PRIORITY, e, 0, 0);
    CHECK_OK(receive(e, reply).status);
    CHECK_OK(cnode_delete(ROOT, reply));
    join(caller);
    CHECK_ERROR(caller->result[0], NO_REPLY);
}

// Who calls a server that waits without a Reply is told; the server waits on for a plain message.
static void call_without_reply(void) {
    sheaf_cptr e = endpoint();
    struct helper *server = spawn(receive_once, LOW_PRIORITY, e, 0, 0);
    wait_for_state(server->thread, SHEAF_STATE_RECEIVING);
    CHECK_ERROR(call(e, MESSAGE(0, 1, 8)).status, NO_REPLY);
    CHECK(!server->finished);
    CHECK_OK(send(e, MESSAGE(0, 1, 9)));
    join(server);
    CHECK_EQ(server->result[1], 9);
    struct helper *caller = spawn(call_once, LOW_PRIORITY, e, 0, 8);
    wait_for_state(caller->thread, SHEAF_STATE_SENDING);
    CHECK_ERROR(nb_receive(e, 0).status, WOULD_BLOCK);
    join(caller);
    CHECK_ERROR(caller->result[0], NO_REPLY);
}

static void receiver_without_buffer(void) {
    sheaf_cptr e = endpoint();
    struct helper *server = new_helper(receive_once, LOW_PRIORITY);
    server->argument[0] = e;
    server->buffer_frame = 0;
    start(server);
    wait_for_state(server->thread, SHEAF_STATE_RECEIVING);
    CHECK_ERROR(send(e, patterned(own_buffer(), 7, 0)), NO_BUFFER);
    CHECK_OK(send(e, patterned(own_buffer(), 6, 0)));
    join(server);
    CHECK_OK(server->result[0]);
    CHECK_EQ(server->result[2], SHEAF_TAG(1006, 6));
}

static void deleted_endpoint(void) {
    sheaf_cptr sending = endpoint();
    sheaf_cptr receiving = endpoint();
    struct helper *sender = spawn(send_once, LOW_PRIORITY, sending, 0, 0);
    struct helper *caller = spawn(call_once, LOW_PRIORITY, sending, 0, 0);
    struct helper *receiver = spawn(receive_once, LOW_PRIORITY, receiving, reply_object(), 0);
    wait_for_state(receiver->thread, SHEAF_STATE_RECEIVING);
    CHECK_OK(cnode_delete(ROOT, sending));
    CHECK_OK(cnode_delete(ROOT, receiving));
    join(sender);
    join(caller);
    join(receiver);
    CHECK_ERROR(sender->result[0], CANCELLED);
    CHECK_ERROR(caller->result[0], CANCELLED);
    CHECK_ERROR(receiver->result[0], CANCELLED);
}

static void endpoint_deleted_after_receive(void) {
    sheaf_cptr e = endpoint();
    sheaf_cptr reply = reply_object();
    struct helper *caller = spawn(call_once, LOW_PRIORITY, e, 0, 0);
    CHECK_OK(receive(e, reply).status);
    CHECK_OK(cnode_delete(ROOT, e));
    CHECK_EQ(thread_state(caller->thread), SHEAF_STATE_WAITING_REPLY);
    CHECK_OK(answer(reply, MESSAGE(0, 1, 4)));
    join(caller);
    CHECK_OK(caller->result[0]);
    CHECK_EQ(caller->result[1], 4);
}

// We keep capabilities to its Replies; it has two callers when it goes.
static void server_dies_and_its_replies_stay(void) {
    sheaf_cptr e = endpoint();
    struct helper *callers[2];
    struct helper *server = spawn(receive_twice, LOW_PRIORITY, e, reply_object(), reply_object());
    for (unsigned i = 0; i < 2; i++) {
        callers[i] = spawn(call_once, LOW_PRIORITY, e, 0, i);
    }
    join(server);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_OK(server->result[i]);
        CHECK_EQ(thread_state(callers[i]->thread), SHEAF_STATE_WAITING_REPLY);
    }
    CHECK_OK(cnode_delete(ROOT, server->thread));
    for (unsigned i = 0; i < 2; i++) {
        join(callers[i]);
        CHECK_ERROR(callers[i]->result[0], NO_REPLY);
    }
}

static void server_dies(void) {
    sheaf_cptr memory = make(SHEAF_UNTYPED, 12);
    sheaf_cptr e = endpoint();
    sheaf_cptr reply = make_from(memory, SHEAF_REPLY, 0);
    struct helper *caller = spawn(call_once, LOW_PRIORITY, e, 0, 0);
    CHECK_OK(receive(e, reply).status);
    CHECK_OK(cnode_revoke(ROOT, memory)); // takes what the server is made of
    join(caller);
    CHECK_ERROR(caller->result[0], NO_REPLY);
}

static void caller_dies(void) {
    sheaf_cptr e = endpoint();
    sheaf_cptr reply = reply_object();
    struct helper *caller = spawn(call_once, LOW_PRIORITY, e, 0, 0);
    CHECK_OK(receive(e, reply).status);
    CHECK_OK(cnode_delete(ROOT, caller->thread));
    CHECK_ERROR(answer(reply, MESSAGE(0, 0, 0)), NOT_WAITING);
    spawn(call_once, LOW_PRIORITY, e, 0, 17); // the Reply serves the next one
    CHECK_EQ(receive(e, reply).word[0], 17);
}

static void waiting_sender_dies(void) {
    sheaf_cptr e = endpoint();
    struct helper *first = spawn(send_once, LOW_PRIORITY, e, 0, 1);
    struct helper *second = spawn(send_once, LOW_PRIORITY, e, 0, 2);
    wait_for_state(second->thread, SHEAF_STATE_SENDING);
    CHECK_OK(cnode_delete(ROOT, first->thread));
    CHECK_EQ(receive(e, 0).word[0], 2);
    CHECK_ERROR(nb_receive(e, 0).status, WOULD_BLOCK);
}

static void reply_and_receive(void) {
    sheaf_cptr e = endpoint();
    sheaf_cptr reply = reply_object();
    struct helper *first = spawn(call_once, LOW_PRIORITY, e, 0, 1);
    struct message m = answer_receive(e, reply, MESSAGE(0, 1, 0)); // holds nobody: receives
    CHECK_OK(m.status);
    CHECK_EQ(m.word[0], 1);
    struct helper *second = spawn(call_once, LOW_PRIORITY, e, 0, 2);
    m = answer_receive(e, reply, MESSAGE(0, 1, 11));
    CHECK_OK(m.status);
    CHECK_EQ(m.word[0], 2);
    CHECK_OK(answer(reply, MESSAGE(0, 1, 12)));
    join(first);
    join(second);
    CHECK_EQ(first->result[1], 11);
    CHECK_EQ(second->result[1], 12);
}

static void cancelled_by_badge(void) {
    sheaf_cptr e = endpoint();
    sheaf_cptr one = badged(e, SHEAF_RIGHTS_ALL, 1);
    sheaf_cptr two = badged(e, SHEAF_RIGHTS_ALL, 2);
    struct helper *sender = spawn(send_once, LOW_PRIORITY, one, 0, 0);
    struct helper *caller = spawn(call_once, LOW_PRIORITY, one, 0, 0);
    struct helper *other = spawn(send_once, LOW_PRIORITY, two, 0, 22);
    wait_for_state(other->thread, SHEAF_STATE_SENDING);
    sheaf_cptr client = copy_of(one, SHEAF_RIGHT_WRITE | SHEAF_RIGHT_GRANT);
    CHECK_ERROR(INVOKE(ROOT, SHEAF_CNODE_CANCEL, 1, client).status, NO_RIGHT);
    CHECK_OK(INVOKE(ROOT, SHEAF_CNODE_CANCEL, 1, one).status);
    join(sender);
    join(caller);
    CHECK_ERROR(sender->result[0], CANCELLED);
    CHECK_ERROR(caller->result[0], CANCELLED);
    CHECK_EQ(receive(e, 0).word[0], 22);
    CHECK_ERROR(INVOKE(ROOT, SHEAF_CNODE_CANCEL, 1, e).status, INVALID_ARGUMENT);
    CHECK_ERROR(INVOKE(ROOT, SHEAF_CNODE_CANCEL, 1, ROOT).status, WRONG_TYPE);
}

#define ROUNDS 1000

static void across_vspaces(void) {
    sheaf_cptr e = endpoint();
    struct child server = new_child(child_echo, LOW_PRIORITY + 1, 0, 0);
    server.page->argument[0] = e;
    server.page->argument[1] = reply_object();
    server.page->argument[2] = ROUNDS;
    struct child client = new_child(child_caller, LOW_PRIORITY, 0, 0);
    client.page->argument[0] = e;
    client.page->argument[1] = ROUNDS;
    client.page->argument[2] = 1;
    uint64_t messages = counter(SHEAF_COUNTER_IPC_MESSAGES);
    start_child(&server);
    start_child(&client);
    join_child(&client);
    join_child(&server);
    CHECK_EQ(client.page->result[0], ROUNDS);
    CHECK_EQ(server.page->result[0], ROUNDS);
    CHECK(counter(SHEAF_COUNTER_IPC_MESSAGES) >= messages + 2 * ROUNDS);
}

static const struct test_case cases[] = {
    {"ipc.every_length_from_0_to_64_words", all_lengths},
    {"ipc.bad_tags", tag_errors},
    {"ipc.label_is_48_bits", label_is_48_bits},
    {"ipc.kernel_labels_are_not_forged", kernel_labels_are_not_forged},
    {"ipc.badge_of_the_capability_used", badges},
    {"ipc.send_waits_for_a_receiver", send_waits},
    {"ipc.receive_waits_for_a_sender", receive_waits},
    {"ipc.non_blocking_forms", without_waiting},
    {"ipc.rights", rights},
    {"ipc.wrong_types", wrong_types},
    {"ipc.unknown_system_calls", unknown_system_calls},
    {"ipc.long_answer_needs_a_buffer", long_without_buffer},
    {"ipc.long_message_needs_a_buffer", long_from_without_buffer},
    {"ipc.long_message_needs_a_buffer_at_the_receiver", receiver_without_buffer},
    {"ipc.senders_by_priority_then_in_order", by_priority},
    {"ipc.receivers_by_priority", receivers_by_priority},
    {"ipc.reply_answers_once", reply_once},
    {"ipc.reply_holds_no_sender", reply_after_send},
    {"ipc.reply_that_holds_a_caller_is_in_use", reply_in_use},
    {"ipc.reply_that_waits_elsewhere_is_in_use", reply_waits_elsewhere},
    {"ipc.replies_out_of_order", replies_out_of_order},
    {"ipc.deleted_reply_tells_the_caller", deleted_reply},
    {"ipc.call_to_a_receiver_without_reply", call_without_reply},
    {"ipc.deleted_endpoint_tells_all_waiters", deleted_endpoint},
    {"ipc.endpoint_deleted_after_receive", endpoint_deleted_after_receive},
    {"ipc.server_dies", server_dies},
    {"ipc.server_dies_and_its_replies_stay", server_dies_and_its_replies_stay},
    {"ipc.caller_dies", caller_dies},
    {"ipc.waiting_sender_dies", waiting_sender_dies},
    {"ipc.reply_and_receive", reply_and_receive},
    {"ipc.thousand_calls_across_vspaces", across_vspaces},
    {"ipc.cancel_by_badge", cancelled_by_badge},
};

const struct test_area ipc_area = TEST_AREA(cases);
