// SPDX-License-Identifier: BSD-2-Clause
// Notifications: bits that stay, waiters, bound threads, and every error.
#include "machine.h"

static uint64_t notification;

static int setup(void **state) {
    machine_setup(state);
    notification = make(SHEAF_NOTIFICATION, 0);
    return 0;
}

static struct result signal_by(uint64_t cap) {
    return make_call(&(struct call){.number = SHEAF_SYS_SEND, .cap = cap});
}

static struct result poll(void) {
    return make_call(&(struct call){.number = SHEAF_SYS_NB_RECV, .cap = notification});
}

static const struct call wait_for = {.number = SHEAF_SYS_RECV};

static struct call wait_on(uint64_t cap) {
    struct call call = wait_for;
    call.cap = cap;
    return call;
}

static void check_bits(struct result result, uint64_t label, uint64_t bits) {
    OK(result);
    assert_int_equal(result.tag, SHEAF_TAG(label, 1));
    assert_int_equal(result.word[0], bits);
    assert_int_equal(result.badge, 0);
}

static void bits_stay_and_are_taken_once(void **state) {
    (void)state;
    uint64_t four = badged(notification, 4), top = badged(notification, BIT(63));
    FAILS(WOULD_BLOCK, poll());
    OK(signal_by(four));
    OK(signal_by(four));
    OK(signal_by(top));
    check_bits(poll(), 0, BIT(63) | 4);
    FAILS(WOULD_BLOCK, poll());
    OK(signal_by(notification)); // without badge: bit 0
    check_bits(make_call(&(struct call){.number = SHEAF_SYS_RECV, .cap = notification}), 0, 1);
    OK(make_call(&(struct call){.number = SHEAF_SYS_NB_SEND, .cap = four}));
    check_bits(poll(), 0, 4);
}

static void waiters_by_priority(void **state) {
    (void)state;
    struct helper low = helper(PRIORITY_READY), high = helper(PRIORITY_READY);
    uint64_t two = badged(notification, 2);
    by(&low, wait_on(notification));
    by(&high, wait_on(notification));
    set_priority(low.cap, 10);
    set_priority(high.cap, 20); // while they wait
    check_invariants();
    OK(signal_by(two));
    assert_int_equal(low.thread->state, SHEAF_STATE_WAITING_NOTIFICATION);
    check_bits(result_of(high.thread), 0, 2);
    OK(signal_by(notification));
    check_bits(result_of(low.thread), 0, 1);
    FAILS(WOULD_BLOCK, poll());
}

static void wakes_a_higher_thread_at_once(void **state) {
    (void)state;
    struct helper high = helper(PRIORITY_READY);
    by(&high, wait_on(notification));
    set_priority(high.cap, PRIORITY_RUNNING + 1);
    execute(&(struct call){.number = SHEAF_SYS_SEND, .cap = notification});
    assert_ptr_equal(running(), high.thread);
    OK(result_of(thread_of(INIT)));
}

static void rights(void **state) {
    (void)state;
    uint64_t reader = copy_of(notification, SHEAF_RIGHT_READ);
    uint64_t writer = copy_of(notification, SHEAF_RIGHT_WRITE);
    FAILS(NO_RIGHT, signal_by(reader));
    FAILS(NO_RIGHT, make_call(&(struct call){.number = SHEAF_SYS_RECV, .cap = writer}));
    FAILS(NO_RIGHT, INVOKE(INIT, SHEAF_THREAD_BIND, writer));
    FAILS(UNKNOWN_METHOD, make_call(&(struct call){.number = SHEAF_SYS_CALL, .cap = notification}));
    OK(signal_by(writer));
}

static void bound_thread_receives_on_endpoints(void **state) {
    (void)state;
    struct helper server = helper(PRIORITY_READY);
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0), reply = make(SHEAF_REPLY, 0);
    uint64_t eight = badged(notification, 8);
    OK(INVOKE(server.cap, SHEAF_THREAD_BIND, notification));
    struct call receive = {.number = SHEAF_SYS_RECV, .cap = endpoint, .reply = reply};
    // It waits: the signal comes to it, and the Reply is free again.
    by(&server, receive);
    OK(signal_by(eight));
    check_bits(result_of(server.thread), SHEAF_LABEL_SIGNAL, 8);
    assert_int_equal(server.thread->state, SHEAF_STATE_READY);
    assert_null(((struct reply *)slot_of(reply)->object)->receiver);
    // The signal waits for it.
    OK(signal_by(eight));
    OK(signal_by(notification));
    by(&server, receive);
    check_bits(result_of(server.thread), SHEAF_LABEL_SIGNAL, 9);
    // It waits for a reply: the signal stays.
    struct helper other = helper(PRIORITY_READY);
    by(&server, (struct call){.number = SHEAF_SYS_CALL, .cap = endpoint});
    OK(signal_by(eight));
    assert_int_equal(server.thread->state, SHEAF_STATE_SENDING);
    check_bits(poll(), 0, 8);
    (void)other;
}

static void bind_and_unbind(void **state) {
    (void)state;
    struct helper server = helper(PRIORITY_READY), other = helper(PRIORITY_READY);
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0), second = make(SHEAF_NOTIFICATION, 0);
    OK(INVOKE(server.cap, SHEAF_THREAD_BIND, notification));
    FAILS(IN_USE, INVOKE(server.cap, SHEAF_THREAD_BIND, notification));
    FAILS(IN_USE, INVOKE(server.cap, SHEAF_THREAD_BIND, second));
    FAILS(IN_USE, INVOKE(other.cap, SHEAF_THREAD_BIND, notification));
    FAILS(WRONG_TYPE, INVOKE(other.cap, SHEAF_THREAD_BIND, endpoint));
    FAILS(INVALID_CAPABILITY, INVOKE(other.cap, SHEAF_THREAD_BIND, new_slots(1)));
    FAILS(INVALID_ARGUMENT, INVOKE(other.cap, SHEAF_THREAD_BIND));
    OK(INVOKE(server.cap, SHEAF_THREAD_BIND, 0));
    OK(INVOKE(server.cap, SHEAF_THREAD_BIND, 0));
    by(&server, wait_on(endpoint));
    OK(signal_by(notification));
    assert_int_equal(server.thread->state, SHEAF_STATE_RECEIVING);
    // Bound while it waits and the signal is there.
    OK(INVOKE(server.cap, SHEAF_THREAD_BIND, notification));
    check_bits(result_of(server.thread), SHEAF_LABEL_SIGNAL, 1);
    // Deleting either unbinds.
    OK(destroy(server.cap));
    OK(INVOKE(other.cap, SHEAF_THREAD_BIND, notification));
    OK(destroy(notification));
    assert_null(other.thread->bound);
}

static void deleted_notification(void **state) {
    (void)state;
    struct helper others[3];
    for (unsigned i = 0; i < 3; i++) {
        others[i] = helper(PRIORITY_READY);
        by(&others[i], wait_on(notification));
    }
    OK(destroy(notification));
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(others[i].thread->state, SHEAF_STATE_READY);
        assert_int_equal(result_of(others[i].thread).status, SHEAF_ERR_CANCELLED);
    }
}

#define NOTIFICATION_TEST(function)                                                                \
    cmocka_unit_test_setup_teardown(function, setup, machine_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        NOTIFICATION_TEST(bits_stay_and_are_taken_once),
        NOTIFICATION_TEST(waiters_by_priority),
        NOTIFICATION_TEST(wakes_a_higher_thread_at_once),
        NOTIFICATION_TEST(rights),
        NOTIFICATION_TEST(bound_thread_receives_on_endpoints),
        NOTIFICATION_TEST(bind_and_unbind),
        NOTIFICATION_TEST(deleted_notification),
    };
    return cmocka_run_group_tests_name("core.notification", tests, NULL, NULL);
}
