// SPDX-License-Identifier: BSD-2-Clause
// Notifications: bits gathered and taken, waiters, and the bound thread.
#include "harness.h"
#include "support.h"

static sheaf_cptr notification(void) { return make(SHEAF_NOTIFICATION, 0); }

static void check_bits(struct message m, uint64_t bits) {
    CHECK_EQ(m.badge, 0);
    CHECK_OK(m.status);
    CHECK_EQ(SHEAF_TAG_LENGTH(m.tag), 1);
    CHECK_EQ(m.word[0], bits);
}

static void signal_then_wait(void) {
    sheaf_cptr n = notification();
    CHECK_OK(signal_bits(badged(n, SHEAF_RIGHT_WRITE, 0x10)));
    check_bits(receive(n, 0), 0x10);
}

static void without_badge(void) {
    sheaf_cptr n = notification();
    CHECK_OK(signal_bits(n));
    struct message m = receive(n, 0);
    check_bits(m, 1);
    CHECK_EQ(SHEAF_TAG_LABEL(m.tag), 0);
}

static void bits_are_gathered(void) {
    sheaf_cptr n = notification();
    for (unsigned bit = 0; bit < 64; bit += 9) {
        sheaf_cptr one = badged(n, SHEAF_RIGHT_WRITE, UINT64_C(1) << bit);
        CHECK_OK(signal_bits(one));
        CHECK_OK(nb_send(one, MESSAGE(0, 0, 0)));
    }
    check_bits(receive(n, 0), UINT64_C(0x8040201008040201));
}

static void taken_once(void) {
    sheaf_cptr n = notification();
    CHECK_ERROR(nb_receive(n, 0).status, WOULD_BLOCK);
    CHECK_OK(signal_bits(badged(n, SHEAF_RIGHT_WRITE, 4)));
    check_bits(nb_receive(n, 0), 4);
    CHECK_ERROR(nb_receive(n, 0).status, WOULD_BLOCK);
}

static void rights(void) {
    sheaf_cptr n = notification();
    CHECK_ERROR(signal_bits(badged(n, SHEAF_RIGHT_READ, 1)), NO_RIGHT);
    CHECK_ERROR(nb_receive(copy_of(n, SHEAF_RIGHT_WRITE), 0).status, NO_RIGHT);
    CHECK_ERROR(receive(copy_of(n, SHEAF_RIGHT_WRITE), 0).status, NO_RIGHT);
}

static void message_is_not_read(void) {
    sheaf_cptr n = notification();
    CHECK_OK(send(badged(n, SHEAF_RIGHTS_ALL, 2), MESSAGE(7, 3, 1, 2, 3)));
    check_bits(receive(n, 0), 2);
}

static void wait_once(struct helper *self) {
    struct message m = receive(self->argument[0], 0);
    self->result[0] = m.status;
    self->result[1] = m.word[0];
    self->result[2] = m.badge;
}

static void wakes_a_waiter(void) {
    sheaf_cptr n = notification();
    struct helper *waiter = spawn(wait_once, LOW_PRIORITY, n, 0, 0);
    wait_for_state(waiter->thread, SHEAF_STATE_WAITING_NOTIFICATION);
    CHECK_OK(signal_bits(badged(n, SHEAF_RIGHT_WRITE, 8)));
    join(waiter);
    CHECK_OK(waiter->result[0]);
    CHECK_EQ(waiter->result[1], 8);
    CHECK_ERROR(nb_receive(n, 0).status, WOULD_BLOCK); // the waiter has taken it
}

static void one_waiter_a_signal(void) {
    sheaf_cptr n = notification();
    sheaf_cptr one = badged(n, SHEAF_RIGHT_WRITE, 1);
    struct helper *low = spawn(wait_once, 10, n, 0, 0);
    struct helper *high = spawn(wait_once, 40, n, 0, 0);
    wait_for_state(low->thread, SHEAF_STATE_WAITING_NOTIFICATION);
    CHECK_OK(signal_bits(one));
    join(high);
    CHECK(!low->finished);
    CHECK_EQ(thread_state(low->thread), SHEAF_STATE_WAITING_NOTIFICATION);
    CHECK_OK(signal_bits(one));
    join(low);
}

static void deleted(void) {
    sheaf_cptr n = notification();
    struct helper *waiter = spawn(wait_once, LOW_PRIORITY, n, 0, 0);
    wait_for_state(waiter->thread, SHEAF_STATE_WAITING_NOTIFICATION);
    CHECK_OK(cnode_delete(ROOT, n));
    join(waiter);
    CHECK_ERROR(waiter->result[0], CANCELLED);
}

static uint64_t bind(sheaf_cptr thread, sheaf_cptr n) {
    return INVOKE(thread, SHEAF_THREAD_BIND, 1, n).status;
}

static void bound_wakes_a_receiver(void) {
    sheaf_cptr n = notification();
    struct helper *receiver = new_helper(wait_once, LOW_PRIORITY);
    receiver->argument[0] = make(SHEAF_ENDPOINT, 0);
    CHECK_OK(bind(receiver->thread, n));
    start(receiver);
    wait_for_state(receiver->thread, SHEAF_STATE_RECEIVING);
    CHECK_OK(signal_bits(badged(n, SHEAF_RIGHT_WRITE, 0x20)));
    join(receiver);
    CHECK_OK(receiver->result[0]);
    CHECK_EQ(receiver->result[1], 0x20);
}

static void bound_signal_comes_first(void) {
    sheaf_cptr n = notification();
    sheaf_cptr e = make(SHEAF_ENDPOINT, 0);
    CHECK_OK(bind(OWN_THREAD, n));
    CHECK_ERROR(nb_receive(e, 0).status, WOULD_BLOCK);
    CHECK_OK(signal_bits(badged(n, SHEAF_RIGHT_WRITE, 0x300)));
    struct message m = receive(e, 0);
    check_bits(m, 0x300);
    CHECK_EQ(SHEAF_TAG_LABEL(m.tag), SHEAF_LABEL_SIGNAL);
    CHECK_OK(signal_bits(badged(n, SHEAF_RIGHT_WRITE, 0x400)));
    check_bits(nb_receive(e, 0), 0x400);
    CHECK_ERROR(nb_receive(e, 0).status, WOULD_BLOCK);
    CHECK_OK(bind(OWN_THREAD, 0));
}

static void unbound_again(void) {
    sheaf_cptr n = notification();
    sheaf_cptr e = make(SHEAF_ENDPOINT, 0);
    CHECK_OK(bind(OWN_THREAD, n));
    CHECK_OK(bind(OWN_THREAD, 0));
    CHECK_OK(signal_bits(badged(n, SHEAF_RIGHT_WRITE, 1)));
    CHECK_ERROR(nb_receive(e, 0).status, WOULD_BLOCK);
    check_bits(nb_receive(n, 0), 1);
}

static void bound_once(void) {
    sheaf_cptr n = notification();
    sheaf_cptr other = make(SHEAF_THREAD, 0);
    CHECK_OK(bind(other, n));
    CHECK_ERROR(bind(OWN_THREAD, n), IN_USE);
    CHECK_ERROR(bind(other, notification()), IN_USE);
    CHECK_ERROR(bind(OWN_THREAD, make(SHEAF_ENDPOINT, 0)), WRONG_TYPE);
    CHECK_ERROR(bind(OWN_THREAD, new_slot()), INVALID_CAPABILITY);
    CHECK_OK(cnode_delete(ROOT, other)); // the thread's death frees the Notification
    CHECK_OK(bind(OWN_THREAD, n));
    CHECK_OK(bind(OWN_THREAD, 0));
}

static void deleted_while_bound(void) {
    sheaf_cptr n = notification();
    CHECK_OK(bind(OWN_THREAD, n));
    CHECK_OK(cnode_delete(ROOT, n));
    CHECK_ERROR(nb_receive(make(SHEAF_ENDPOINT, 0), 0).status, WOULD_BLOCK);
    CHECK_OK(bind(OWN_THREAD, notification()));
    CHECK_OK(bind(OWN_THREAD, 0));
}

static const struct test_case cases[] = {
    {"notification.signal_then_wait", signal_then_wait},
    {"notification.signal_without_badge_is_bit_0", without_badge},
    {"notification.bits_are_gathered", bits_are_gathered},
    {"notification.bits_are_taken_once", taken_once},
    {"notification.rights", rights},
    {"notification.message_is_not_read", message_is_not_read},
    {"notification.wakes_a_waiter", wakes_a_waiter},
    {"notification.one_waiter_for_a_signal_by_priority", one_waiter_a_signal},
    {"notification.deleted_tells_the_waiter", deleted},
    {"notification.bound_wakes_a_receiver", bound_wakes_a_receiver},
    {"notification.bound_signal_comes_first", bound_signal_comes_first},
    {"notification.unbound_again", unbound_again},
    {"notification.bound_to_one_thread", bound_once},
    {"notification.deleted_while_bound", deleted_while_bound},
};

const struct test_area notification_area = TEST_AREA(cases);
