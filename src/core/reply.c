// SPDX-License-Identifier: BSD-2-Clause
// Replies: who waits for an answer, and giving it.
#include "death.h"
#include "ipc.h"

void reply_forget(struct thread *caller) {
    struct reply *reply = caller->reply;
    struct thread *expected = caller;
    __atomic_compare_exchange_n(&reply->caller, &expected, NULL, false, __ATOMIC_ACQUIRE,
                                __ATOMIC_RELAXED);
    caller->reply = NULL;
}

// A fault is answered with a label only: 0 goes on at the same instruction.
static void answer_fault(struct pe *pe, struct thread *caller, uint64_t tag) {
    if (SHEAF_TAG_LABEL(tag) == 0) {
        caller->faulting = false;
        sched_wake(pe, caller);
    } else {
        fault_unhandled(pe, caller);
    }
}

// What the caller cannot take is its own affair: it is told, not the server.
void reply_give(struct pe *pe, struct thread *thread, struct thread *caller,
                struct transfer *transfer) {
    uint64_t tag = thread->context.reg[SHEAF_REG_TAG];
    if (unlikely(caller->faulting)) {
        answer_fault(pe, caller, tag);
        return;
    }
    enum sheaf_error error = SHEAF_OK;
    if (unlikely(SHEAF_TAG_LENGTH(tag) > SHEAF_REG_WORDS && thread_buffer(caller) == NULL)) {
        error = SHEAF_ERR_NO_BUFFER;
    } else if (transfer != NULL) {
        error = transfer_places(caller, transfer);
    }
    if (unlikely(error != SHEAF_OK)) {
        thread_answer(caller, error);
    } else {
        message_copy(thread, caller, tag);
        caller->context.reg[SHEAF_REG_BADGE] = 0;
        if (transfer != NULL) {
            transfer_run(transfer);
        }
    }
    sched_wake(pe, caller);
}

static enum sheaf_error answer(struct pe *pe, struct thread *thread, struct reply *reply,
                               struct transfer *transfer) {
    struct thread *caller = reply_take(reply);
    if (unlikely(caller == NULL)) {
        return SHEAF_ERR_NOT_WAITING; // another PE came first
    }
    reply_give(pe, thread, caller, transfer);
    return SHEAF_OK;
}

enum sheaf_error reply_answer(struct pe *pe, struct thread *thread, const struct slot *slot) {
    struct reply *reply = slot->object;
    enum sheaf_error error = message_check(thread, thread->context.reg[SHEAF_REG_TAG]);
    if (unlikely(error != SHEAF_OK)) {
        return error;
    }
    if (reply->caller == NULL) {
        return SHEAF_ERR_NOT_WAITING;
    }
    if (likely(!message_carries(thread))) {
        return answer(pe, thread, reply, NULL);
    }
    struct transfer transfer;
    lock_acquire(&tree_lock);
    error = transfer_sources(thread, slot, &transfer);
    if (error == SHEAF_OK) {
        error = answer(pe, thread, reply, &transfer);
    }
    lock_release(&tree_lock);
    return error;
}

// ---- Servers
//
// Whoever names a Reply when it receives becomes its server, and stays it until another does. So a
// caller is told when its server ends, wherever capabilities to the Reply are left. A thread's
// Replies are a list, since there may be any number.

static void leave_server(struct reply *reply) {
    ASSERT(lock_held(&tree_lock));
    if (reply->server == NULL) {
        return;
    }
    *(reply->previous != NULL ? &reply->previous->next : &reply->server->served) = reply->next;
    if (reply->next != NULL) {
        reply->next->previous = reply->previous;
    }
    reply->server = NULL;
}

void reply_serve(struct reply *reply, struct thread *server) {
    lock_acquire(&tree_lock);
    leave_server(reply);
    reply->next = server->served;
    reply->previous = NULL;
    if (reply->next != NULL) {
        reply->next->previous = reply;
    }
    server->served = reply;
    reply->server = server;
    lock_release(&tree_lock);
}

static void end_wait(struct pe *pe, struct reply *reply) {
    struct thread *caller = reply_take(reply);
    if (caller != NULL) {
        wait_fail(pe, caller, SHEAF_ERR_NO_REPLY);
    }
}

bool reply_server_ends(struct pe *pe, struct thread *server) {
    struct reply *reply = server->served;
    if (reply != NULL) {
        leave_server(reply);
        end_wait(pe, reply);
    }
    return server->served == NULL;
}

void reply_end(struct pe *pe, struct reply *reply) {
    struct thread *receiver = reply->receiver;
    if (receiver != NULL) {
        struct endpoint *endpoint = receiver->waiting_on;
        lock_acquire(&endpoint->lock);
        receiver->reply = NULL; // waits on; callers get NO_REPLY
        reply->receiver = NULL;
        lock_release(&endpoint->lock);
    }
    leave_server(reply);
    end_wait(pe, reply);
}
