// SPDX-License-Identifier: BSD-2-Clause
// Invariants of waiting, seen from what is waited for: nobody is there who is dead, waits elsewhere
// or does not know of it.
#include "invariants.h"

static struct slot *const *all;
static unsigned all_count;

static void check_exists(const struct thread *thread) {
    for (unsigned i = 0; i < all_count; i++)
        if (all[i]->type == SHEAF_THREAD && all[i]->object == thread)
            return;
    fail_msg("a thread that is waited for, or bound, is dead");
}

static void check_queue(const struct thread_queue *queue, const void *object, unsigned state) {
    for (const struct thread *thread = queue->first; thread != NULL; thread = thread->next) {
        check_exists(thread);
        assert_ptr_equal(thread->waiting_on, object);
        assert_int_equal(thread->state, state);
    }
}

static void check_endpoint(const struct endpoint *endpoint) {
    bool senders = endpoint->head.flags == ENDPOINT_SENDERS;
    assert_int_equal(endpoint->queue.first == NULL, endpoint->head.flags == ENDPOINT_IDLE);
    check_queue(&endpoint->queue, endpoint, senders ? SHEAF_STATE_SENDING : SHEAF_STATE_RECEIVING);
}

static void check_notification(const struct notification *notification) {
    check_queue(&notification->queue, notification, SHEAF_STATE_WAITING_NOTIFICATION);
    assert_true(notification->bits == 0 || notification->queue.first == NULL);
    if (notification->bound == NULL)
        return;
    check_exists(notification->bound);
    assert_ptr_equal(notification->bound->bound, notification);
    // A signal does not lie there while the thread it is for waits on an Endpoint.
    assert_true(notification->bits == 0 || notification->bound->state != SHEAF_STATE_RECEIVING);
}

static void check_reply(const struct reply *reply) {
    assert_true(reply->caller == NULL || reply->receiver == NULL);
    if (reply->caller != NULL) {
        check_exists(reply->caller);
        assert_ptr_equal(reply->caller->reply, reply);
        assert_non_null(reply->server);
        assert_int_equal(reply->caller->state, SHEAF_STATE_WAITING_REPLY);
    }
    if (reply->server != NULL)
        check_exists(reply->server);
    if (reply->receiver != NULL) {
        check_exists(reply->receiver);
        assert_ptr_equal(reply->receiver->reply, reply);
        assert_int_equal(reply->receiver->state, SHEAF_STATE_RECEIVING);
    }
}

static bool is_named(unsigned type, const void *object) {
    for (unsigned i = 0; i < all_count; i++)
        if (all[i]->type == type && all[i]->object == object)
            return true;
    return false;
}

// What a thread waits for is alive: whose server dies is told, and does not hang.
static void check_waiting_for(const struct thread *thread) {
    if (thread->state == SHEAF_STATE_SENDING || thread->state == SHEAF_STATE_RECEIVING)
        assert_true(is_named(SHEAF_ENDPOINT, thread->waiting_on));
    if (thread->state == SHEAF_STATE_WAITING_NOTIFICATION)
        assert_true(is_named(SHEAF_NOTIFICATION, thread->waiting_on));
    if (thread->reply != NULL)
        assert_true(is_named(SHEAF_REPLY, thread->reply));
    if (thread->bound != NULL)
        assert_true(is_named(SHEAF_NOTIFICATION, thread->bound));
}

static void check_reply_of(const struct thread *thread) {
    if (thread->state != SHEAF_STATE_RECEIVING && thread->state != SHEAF_STATE_WAITING_REPLY)
        assert_null(thread->reply);
}

static void check_thread_waits(const struct thread *thread) {
    check_reply_of(thread);
    check_waiting_for(thread);
}

void check_waits(struct slot *const *slots, unsigned count) {
    all = slots;
    all_count = count;
    for (unsigned i = 0; i < count; i++) {
        if (slots[i]->type == SHEAF_ENDPOINT)
            check_endpoint(slots[i]->object);
        else if (slots[i]->type == SHEAF_NOTIFICATION)
            check_notification(slots[i]->object);
        else if (slots[i]->type == SHEAF_REPLY)
            check_reply(slots[i]->object);
        else if (slots[i]->type == SHEAF_THREAD)
            check_thread_waits(slots[i]->object);
    }
}
