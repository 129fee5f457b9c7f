// SPDX-License-Identifier: BSD-2-Clause
// Capabilities in messages: what arrives, and who is told when they cannot.
#include "machine.h"

static uint64_t endpoint, reply, frame;
static struct helper other;

static int setup(void **state) {
    machine_setup(state);
    endpoint = make(SHEAF_ENDPOINT, 0);
    reply = make(SHEAF_REPLY, 0);
    frame = make(SHEAF_FRAME, 12);
    other = helper(PRIORITY_READY);
    return 0;
}

static struct call carrying(uint64_t number, uint64_t cap, unsigned capabilities) {
    return (struct call){
        .number = number, .cap = cap, .tag = SHEAF_TAG_CARRYING(7, 1, capabilities), .word = {55}};
}

static struct call receive_call(uint64_t with) {
    return (struct call){.number = SHEAF_SYS_RECV, .cap = endpoint, .reply = with};
}

static void send_these(struct thread *thread, uint64_t a, uint64_t b, uint64_t c) {
    struct sheaf_ipc_buffer *buffer = thread_buffer(thread);
    buffer->send[0] = a;
    buffer->send[1] = b;
    buffer->send[2] = c;
}

static void receive_there(struct thread *thread, uint64_t a, uint64_t b, uint64_t c) {
    struct sheaf_ipc_buffer *buffer = thread_buffer(thread);
    buffer->receive[0] = a;
    buffer->receive[1] = b;
    buffer->receive[2] = c;
}

static void check_copy(uint64_t of, uint64_t at) {
    const struct slot *source = slot_of(of), *copied = slot_of(at);
    assert_int_equal(copied->type, source->type);
    assert_int_equal(copied->rights, source->rights);
    assert_ptr_equal(copied->object, source->object);
    if (source->type == SHEAF_ENDPOINT)
        assert_int_equal(copied->badge, source->badge);
}

static void each_number_both_orders(void **state) {
    (void)state;
    uint64_t sources[3] = {frame, badged(endpoint, 9), copy_of(VSPACE, SHEAF_RIGHT_READ)};
    for (unsigned count = 0; count <= SHEAF_MSG_CAPABILITIES; count++) {
        for (unsigned sender_first = 0; sender_first < 2; sender_first++) {
            uint64_t to = new_slots(3);
            struct thread *sender = sender_first != 0 ? other.thread : thread_of(INIT);
            struct thread *receiver = sender_first != 0 ? thread_of(INIT) : other.thread;
            send_these(sender, sources[0], sources[1], sources[2]);
            receive_there(receiver, to + 2, to, to + 1);
            struct call send = carrying(SHEAF_SYS_SEND, endpoint, count);
            if (sender_first != 0) {
                by(&other, send);
                struct call receive = receive_call(0);
                OK(make_call(&receive));
                OK(result_of(sender));
            } else {
                by(&other, receive_call(0));
                OK(make_call(&send));
            }
            assert_int_equal(result_of(receiver).tag, SHEAF_TAG_CARRYING(7, 1, count));
            assert_int_equal(result_of(receiver).word[0], 55);
            for (unsigned i = 0; i < 3; i++) {
                if (i < count)
                    check_copy(sources[i], to + (i + 2) % 3);
                else
                    assert_true(is_empty(to + (i + 2) % 3));
            }
            check_invariants();
        }
    }
    OK(revoke(frame)); // what came is a child of what was sent
    for (unsigned i = 0; i < 3; i++)
        assert_int_not_equal(slot_of(frame)->type, SHEAF_NULL);
    assert_null(slot_of(frame)->first_child);
}

static void call_and_answer(void **state) {
    (void)state;
    uint64_t asked = new_slots(1), given = new_slots(1), answer_cap = badged(endpoint, 3);
    receive_there(other.thread, asked, 0, 0);
    by(&other, receive_call(reply));
    send_these(thread_of(INIT), frame, 0, 0);
    receive_there(thread_of(INIT), given, 0, 0);
    struct call call = carrying(SHEAF_SYS_CALL, endpoint, 1);
    execute(&call);
    assert_ptr_equal(running(), other.thread);
    check_copy(frame, asked);
    send_these(other.thread, answer_cap, 0, 0);
    receive_there(other.thread, new_slots(1), 0, 0);
    struct call answer = carrying(SHEAF_SYS_REPLY_RECV, endpoint, 1);
    answer.reply = reply;
    execute(&answer);
    OK(result_of(thread_of(INIT)));
    assert_int_equal(result_of(thread_of(INIT)).tag, SHEAF_TAG_CARRYING(7, 1, 1));
    check_copy(answer_cap, given);
    assert_int_equal(other.thread->state, SHEAF_STATE_RECEIVING);
}

static void only_with_grant(void **state) {
    (void)state;
    uint64_t writer = copy_of(endpoint, SHEAF_RIGHT_READ | SHEAF_RIGHT_WRITE);
    uint64_t weak_reply = copy_of(reply, SHEAF_RIGHT_READ | SHEAF_RIGHT_WRITE);
    receive_there(other.thread, new_slots(1), 0, 0);
    by(&other, receive_call(reply));
    send_these(thread_of(INIT), frame, 0, 0);
    static const uint64_t numbers[] = {SHEAF_SYS_SEND, SHEAF_SYS_NB_SEND, SHEAF_SYS_CALL};
    for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
        struct call send = carrying(numbers[i], writer, 1);
        FAILS(NO_RIGHT, make_call(&send));
    }
    struct call call = {.number = SHEAF_SYS_CALL, .cap = writer}; // without, it passes
    execute(&call);
    assert_ptr_equal(running(), other.thread);
    send_these(other.thread, frame, 0, 0);
    struct call answer = carrying(SHEAF_SYS_REPLY, weak_reply, 1);
    FAILS(NO_RIGHT, make_call(&answer));
    answer = carrying(SHEAF_SYS_REPLY_RECV, endpoint, 1);
    answer.reply = weak_reply;
    FAILS(NO_RIGHT, make_call(&answer));
    assert_int_equal(thread_of(INIT)->state, SHEAF_STATE_WAITING_REPLY);
}

static void what_cannot_be_sent(void **state) {
    (void)state;
    uint64_t memory = untyped(12), place = new_slots(3);
    receive_there(other.thread, place, place + 1, place + 2);
    by(&other, receive_call(0));
    struct call send = carrying(SHEAF_SYS_SEND, endpoint, 3);
    send_these(thread_of(INIT), frame, frame, memory);
    FAILS(NOT_COPYABLE, make_call(&send));
    send_these(thread_of(INIT), frame, new_slots(1), frame);
    FAILS(INVALID_CAPABILITY, make_call(&send));
    send_these(thread_of(INIT), frame, frame, UINT64_MAX);
    FAILS(INVALID_CAPABILITY, make_call(&send));
    send_these(thread_of(INIT), 0, frame, frame);
    FAILS(INVALID_CAPABILITY, make_call(&send));
    struct call method = {.number = SHEAF_SYS_CALL,
                          .cap = frame,
                          .tag = SHEAF_TAG_CARRYING(SHEAF_FRAME_GET_ADDRESS, 0, 1)};
    FAILS(INVALID_ARGUMENT, make_call(&method));
    assert_int_equal(other.thread->state, SHEAF_STATE_RECEIVING);
    // A signal is no message.
    send.cap = make(SHEAF_NOTIFICATION, 0);
    OK(make_call(&send));
}

static void no_room_at_the_receiver(void **state) {
    (void)state;
    uint64_t place = new_slots(3);
    struct call send = carrying(SHEAF_SYS_SEND, endpoint, 3);
    by(&other, receive_call(0));
    send_these(thread_of(INIT), frame, frame, frame);
    const uint64_t places[][3] = {
        {0, place, place + 1},          // not named
        {place, frame, place + 1},      // occupied
        {place, place + 1, place},      // named twice
        {place, place + 1, UINT64_MAX}, // not a slot
        {place, place + 1, place | frame << SHEAF_BOOT_CNODE_BITS},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
        receive_there(other.thread, places[i][0], places[i][1], places[i][2]);
        FAILS(NO_RECEIVE_SLOT, make_call(&send));
        assert_int_equal(other.thread->state, SHEAF_STATE_RECEIVING);
    }
    OK(revoke(other.buffer));
    FAILS(NO_BUFFER, make_call(&send));
    struct call plain = {.number = SHEAF_SYS_SEND, .cap = endpoint};
    OK(make_call(&plain));
}

static void a_waiting_sender_is_told(void **state) {
    (void)state;
    uint64_t place = new_slots(1), gone = copy_of(frame, SHEAF_RIGHTS_ALL);
    struct call receive = {.number = SHEAF_SYS_NB_RECV, .cap = endpoint};
    send_these(other.thread, gone, 0, 0);
    by(&other, carrying(SHEAF_SYS_SEND, endpoint, 1));
    OK(destroy(gone)); // the source vanished
    receive_there(thread_of(INIT), place, 0, 0);
    assert_int_equal(make_call(&receive).status, SHEAF_ERR_WOULD_BLOCK);
    assert_int_equal(result_of(other.thread).status, SHEAF_ERR_INVALID_CAPABILITY);
    assert_true(is_empty(place));
    send_these(other.thread, frame, 0, 0);
    by(&other, carrying(SHEAF_SYS_CALL, endpoint, 1));
    receive.reply = reply;
    receive_there(thread_of(INIT), frame, 0, 0); // the slot is occupied
    assert_int_equal(make_call(&receive).status, SHEAF_ERR_WOULD_BLOCK);
    assert_int_equal(result_of(other.thread).status, SHEAF_ERR_NO_RECEIVE_SLOT);
    assert_null(slot_of(frame)->first_child);
}

static void a_caller_without_room(void **state) {
    (void)state;
    by(&other, (struct call){.number = SHEAF_SYS_CALL, .cap = endpoint});
    struct call receive = receive_call(reply);
    OK(make_call(&receive));
    struct call answer = carrying(SHEAF_SYS_REPLY, reply, 1);
    send_these(thread_of(INIT), new_slots(1), 0, 0);
    FAILS(INVALID_CAPABILITY, make_call(&answer)); // the caller is still held
    assert_int_equal(other.thread->state, SHEAF_STATE_WAITING_REPLY);
    send_these(thread_of(INIT), frame, 0, 0);
    OK(make_call(&answer));
    assert_int_equal(result_of(other.thread).status, SHEAF_ERR_NO_RECEIVE_SLOT);
    assert_int_equal(other.thread->state, SHEAF_STATE_READY);
}

// A thread that has faulted, with `frame` named in its buffer as if to be sent.
static struct helper fault_with_a_capability(void) {
    struct helper faulting = helper(PRIORITY_READY);
    configure(faulting.cap, 0, 0, endpoint, 0, 0);
    resume(&faulting);
    become(faulting.cap);
    send_these(faulting.thread, frame, 0, 0);
    faulting.thread->context.reg[SHEAF_REG_TAG] = SHEAF_TAG_CARRYING(0, 0, 1);
    page_fault(UINT64_C(0x1000), SHEAF_ACCESS_READ);
    become(INIT);
    return faulting;
}

static void a_fault_carries_nothing(void **state) {
    (void)state;
    uint64_t place = new_slots(1);
    struct helper faulting = fault_with_a_capability();
    receive_there(thread_of(INIT), place, 0, 0);
    struct call receive = receive_call(reply);
    OK(make_call(&receive));
    assert_int_equal(result_of(running()).tag, SHEAF_TAG(SHEAF_LABEL_PAGE_FAULT, 3));
    assert_true(is_empty(place));
    struct call answer = {.number = SHEAF_SYS_REPLY, .cap = reply, .tag = SHEAF_TAG(0, 0)};
    OK(make_call(&answer));
    assert_int_equal(faulting.thread->state, SHEAF_STATE_READY);
}

// What the answer's tag announces is checked as in any answer, and nobody gets it.
static void nor_does_its_answer(void **state) {
    (void)state;
    uint64_t place = new_slots(1), without_grant = copy_of(reply, SHEAF_RIGHT_WRITE);
    struct helper faulting = fault_with_a_capability();
    receive_there(faulting.thread, place, 0, 0);
    struct call receive = receive_call(reply), answer = carrying(SHEAF_SYS_REPLY, reply, 1);
    answer.tag = SHEAF_TAG_CARRYING(0, 0, 1);
    OK(make_call(&receive));
    send_these(thread_of(INIT), new_slots(1), 0, 0);
    FAILS(INVALID_CAPABILITY, make_call(&answer)); // the fault is still held
    send_these(thread_of(INIT), frame, 0, 0);
    answer.cap = without_grant;
    FAILS(NO_RIGHT, make_call(&answer));
    assert_int_equal(faulting.thread->state, SHEAF_STATE_WAITING_REPLY);
    answer.cap = reply;
    OK(make_call(&answer));
    assert_int_equal(faulting.thread->state, SHEAF_STATE_READY);
    assert_true(is_empty(place));
    assert_null(slot_of(frame)->first_child);
}

// Into a CNode below the root, and into the very slot that another message just filled.
static void into_another_cnode(void **state) {
    (void)state;
    uint64_t cnode = make(SHEAF_CNODE, 4);
    struct call send = carrying(SHEAF_SYS_SEND, endpoint, 1);
    send_these(thread_of(INIT), frame, 0, 0);
    receive_there(other.thread, cnode | UINT64_C(5) << SHEAF_BOOT_CNODE_BITS, 0, 0);
    by(&other, receive_call(0));
    OK(make_call(&send));
    struct cnode *object = slot_of(cnode)->object;
    assert_int_equal(cnode_slot(object, 5)->type, SHEAF_FRAME);
    assert_ptr_equal(cnode_slot(object, 5)->home, object);
    by(&other, receive_call(0));
    FAILS(NO_RECEIVE_SLOT, make_call(&send));
    OK(destroy(cnode));
    FAILS(NO_RECEIVE_SLOT, make_call(&send));
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, machine_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(each_number_both_orders), CASE(call_and_answer),
        CASE(only_with_grant),         CASE(what_cannot_be_sent),
        CASE(no_room_at_the_receiver), CASE(a_waiting_sender_is_told),
        CASE(a_caller_without_room),   CASE(a_fault_carries_nothing),
        CASE(nor_does_its_answer),     CASE(into_another_cnode),
    };
    return cmocka_run_group_tests_name("core.transfer", tests, NULL, NULL);
}
