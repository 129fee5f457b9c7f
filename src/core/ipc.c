// SPDX-License-Identifier: BSD-2-Clause
// The system calls SEND, RECV, REPLY and REPLY_RECV: what is checked, in which order.
#include "ipc.h"

// The Reply named, NULL if none is.
static enum sheaf_error reply_argument(const struct thread *thread, struct slot **out) {
    sheaf_cptr name = thread->context.reg[SHEAF_REG_REPLY];
    *out = NULL;
    return name == 0 ? SHEAF_OK : lookup_type(thread, name, SHEAF_REPLY, out);
}

enum sheaf_error sys_send(struct pe *pe, struct thread *thread, bool block) {
    struct slot *slot;
    enum sheaf_error error = lookup(thread, thread->context.reg[SHEAF_REG_CAP], &slot);
    if (error != SHEAF_OK) {
        return error;
    }
    if (slot->type != SHEAF_ENDPOINT && slot->type != SHEAF_NOTIFICATION) {
        return SHEAF_ERR_WRONG_TYPE;
    }
    if ((slot->rights & SHEAF_RIGHT_WRITE) == 0) {
        return SHEAF_ERR_NO_RIGHT;
    }
    if (slot->type == SHEAF_NOTIFICATION) {
        notification_signal(pe, slot->object, slot->badge);
        return SHEAF_OK;
    }
    error = message_check(thread, thread->context.reg[SHEAF_REG_TAG]);
    if (error != SHEAF_OK) {
        return error;
    }
    return endpoint_send(pe, thread, slot, (struct wait){.block = block});
}

// What is received from: an Endpoint or Notification with the right to.
static enum sheaf_error source_argument(const struct thread *thread, struct slot **out) {
    enum sheaf_error error = lookup(thread, thread->context.reg[SHEAF_REG_CAP], out);
    if (error != SHEAF_OK) {
        return error;
    }
    if ((*out)->type != SHEAF_ENDPOINT && (*out)->type != SHEAF_NOTIFICATION) {
        return SHEAF_ERR_WRONG_TYPE;
    }
    return ((*out)->rights & SHEAF_RIGHT_READ) == 0 ? SHEAF_ERR_NO_RIGHT : SHEAF_OK;
}

static enum sheaf_error receive(struct pe *pe, struct thread *thread, const struct slot *source,
                                struct reply *reply, bool block) {
    if (source->type == SHEAF_NOTIFICATION) {
        return notification_receive(pe, thread, source->object, block);
    }
    return endpoint_receive(pe, thread, source->object, reply, block);
}

// Whether nobody is under the Reply that a receive names, so that its callers can be.
static enum sheaf_error check_free(const struct reply *reply) {
    bool in_use = reply != NULL && (reply->caller != NULL || reply->receiver != NULL);
    return in_use ? SHEAF_ERR_IN_USE : SHEAF_OK;
}

enum sheaf_error sys_receive(struct pe *pe, struct thread *thread, bool block) {
    struct slot *source, *slot;
    enum sheaf_error error = source_argument(thread, &source);
    if (error == SHEAF_OK) {
        error = reply_argument(thread, &slot);
    }
    if (error != SHEAF_OK) {
        return error;
    }
    struct reply *reply = slot != NULL ? slot->object : NULL;
    error = check_free(reply);
    return error == SHEAF_OK ? receive(pe, thread, source, reply, block) : error;
}

enum sheaf_error sys_reply(struct pe *pe, struct thread *thread) {
    struct slot *slot;
    enum sheaf_error error =
        lookup_type(thread, thread->context.reg[SHEAF_REG_CAP], SHEAF_REPLY, &slot);
    return error == SHEAF_OK ? reply_answer(pe, thread, slot) : error;
}

// Everything that can be wrong with the receive is found before the answer is given.
enum sheaf_error sys_reply_receive(struct pe *pe, struct thread *thread) {
    struct slot *source, *slot;
    enum sheaf_error error = source_argument(thread, &source);
    if (error == SHEAF_OK) {
        error = reply_argument(thread, &slot);
    }
    if (error != SHEAF_OK) {
        return error;
    }
    struct reply *reply = slot != NULL ? slot->object : NULL;
    if (unlikely(reply_is_given(thread))) {
        error = check_free(reply);
    } else if (reply != NULL) {
        error = reply->receiver != NULL ? SHEAF_ERR_IN_USE : reply_answer(pe, thread, slot);
        error = error == SHEAF_ERR_NOT_WAITING ? SHEAF_OK : error;
    }
    if (error != SHEAF_OK) {
        return error;
    }
    return reply_given(thread, receive(pe, thread, source, reply, true));
}
