// SPDX-License-Identifier: BSD-2-Clause
// Messages: who meets whom, whether it can pass, and which capabilities it takes along.
//
// Found from who waits before the call. That those queues are right is for the invariants and
// order.c to say; what is foreseen here is everything that the call does to the threads in them.
#include "foresee.h"
#include "method.h"
#include "news.h"

static unsigned carried[2 * SHEAF_MSG_CAPABILITIES]; // new elements of the reference
static unsigned carried_count;

void meet_undo(void) {
    while (carried_count > 0)
        reference_drop(carried[--carried_count]);
}

void meet_commit(void) { carried_count = 0; }

// ---- What a message brings

struct passage { // of capabilities
    unsigned count, from[SHEAF_MSG_CAPABILITIES];
    struct slot *to[SHEAF_MSG_CAPABILITIES];
};

// Those that are not in registers.
static void read_words(struct message *message) {
    const struct sheaf_ipc_buffer *page = thread_buffer(message->from);
    for (unsigned i = SHEAF_REG_WORDS; page != NULL && i < SHEAF_MSG_WORDS; i++)
        message->word[i] = page->message[i];
}

static struct message message_of_caller(const struct attempt *attempt, uint64_t badge) {
    struct message message = {.from = attempt->thread, .tag = attempt->call.tag, .badge = badge};
    for (unsigned i = 0; i < SHEAF_REG_WORDS; i++)
        message.word[i] = attempt->call.word[i];
    read_words(&message);
    return message;
}

static struct message message_of_queued(const struct thread *thread) {
    struct message message = {.from = thread,
                              .tag = thread->context.reg[SHEAF_REG_TAG],
                              .badge = thread->badge,
                              .call = thread->calling,
                              .fault = thread->faulting};
    for (unsigned i = 0; i < SHEAF_REG_WORDS; i++)
        message.word[i] = thread->context.reg[SHEAF_REG_WORD0 + i];
    read_words(&message);
    if (!thread->faulting)
        return message;
    message.tag = SHEAF_TAG(thread->fault.label, 3);
    for (unsigned i = 0; i < 3; i++)
        message.word[i] = thread->fault.word[i];
    return message;
}

// What is wrong with what the sender named.
static uint64_t find_sources(const struct message *message, struct passage *passage) {
    uint64_t wrong = 0;
    passage->count = SHEAF_TAG_CAPABILITIES(message->tag);
    if (passage->count == 0)
        return 0;
    if (!has_buffer(message->from))
        return E(NO_BUFFER);
    for (unsigned i = 0; i < passage->count; i++) {
        unsigned *cap = &passage->from[i];
        enum sheaf_error error =
            reference_resolve(message->from, thread_buffer(message->from)->send[i], cap);
        wrong |= error != SHEAF_OK                  ? BIT(error)
                 : caps[*cap].type == SHEAF_UNTYPED ? E(NOT_COPYABLE)
                                                    : 0;
    }
    return wrong;
}

// What is wrong with where the receiver wants them.
static uint64_t find_places(const struct thread *to, struct passage *passage) {
    if (passage->count == 0)
        return 0;
    if (!has_buffer(to))
        return E(NO_BUFFER);
    for (unsigned i = 0; i < passage->count; i++) {
        enum sheaf_error error;
        passage->to[i] = reference_place(to, thread_buffer(to)->receive[i], &error);
        if (passage->to[i] == NULL || cap_at(passage->to[i]) != NO_CAP)
            return E(NO_RECEIVE_SLOT);
        for (unsigned j = 0; j < i; j++)
            if (passage->to[j] == passage->to[i])
                return E(NO_RECEIVE_SLOT);
    }
    return 0;
}

static void carry(const struct passage *passage) {
    for (unsigned i = 0; i < passage->count; i++) {
        unsigned from = passage->from[i];
        reference_derive(passage->to[i], from, SHEAF_RIGHTS_ALL, caps[from].badge);
        carried[carried_count++] = cap_at(passage->to[i]);
    }
}

// What the sender is told when it meets this receiver; 0: the message passes.
static uint64_t meets(const struct message *message, const struct thread *to, bool has_reply,
                      struct passage *passage) {
    uint64_t wrong = message->call && !has_reply ? E(NO_REPLY) : 0;
    if (message->fault)
        return wrong;
    if (SHEAF_TAG_LENGTH(message->tag) > SHEAF_REG_WORDS &&
        (!has_buffer(message->from) || !has_buffer(to)))
        wrong |= E(NO_BUFFER);
    wrong |= find_sources(message, passage);
    return wrong | find_places(to, passage);
}

// ---- Sending

static const struct endpoint *endpoint_of(unsigned cap) {
    return port_kernel_address(PADDR(caps[cap].address));
}

static const struct notification *notification_of(unsigned cap) {
    return port_kernel_address(PADDR(caps[cap].address));
}

static const struct reply *reply_of(unsigned cap) {
    return port_kernel_address(PADDR(caps[cap].address));
}

static const struct thread *first_receiver(const struct endpoint *endpoint) {
    return endpoint->head.flags == ENDPOINT_RECEIVERS ? endpoint->queue.first : NULL;
}

static uint64_t send(const struct endpoint *endpoint, const struct message *message, bool *waits) {
    struct passage passage = {0};
    const struct thread *to = first_receiver(endpoint);
    *waits = to == NULL || message->call;
    if (to == NULL)
        return 0;
    uint64_t wrong = meets(message, to, to->reply != NULL, &passage);
    if (wrong == 0) {
        carry(&passage);
        news_message(to, message);
    }
    return wrong;
}

void wrong_send(struct attempt *attempt) {
    unsigned cap = attempt->cap;
    bool call = attempt->row->number == SHEAF_SYS_CALL;
    bool block = attempt->row->number != SHEAF_SYS_NB_SEND;
    if ((caps[cap].rights & SHEAF_RIGHT_WRITE) == 0)
        attempt->wrong |= E(NO_RIGHT);
    if (caps[cap].type == SHEAF_NOTIFICATION) {
        if (attempt->wrong == 0)
            news_signal(notification_of(cap), caps[cap].badge);
        return;
    }
    check_message(attempt);
    struct message message = message_of_caller(attempt, caps[cap].badge);
    struct passage passage;
    message.call = call;
    attempt->wrong |= find_sources(&message, &passage); // a sender that waits is told now, too
    if (passage.count != 0 && (caps[cap].rights & SHEAF_RIGHT_GRANT) == 0)
        attempt->wrong |= E(NO_RIGHT);
    if (!block && first_receiver(endpoint_of(cap)) == NULL)
        attempt->wrong |= E(WOULD_BLOCK);
    if (attempt->wrong == 0)
        attempt->wrong = send(endpoint_of(cap), &message, &attempt->waits);
}

void meet_fault(const struct thread *thread, uint64_t label, const uint64_t *words) {
    unsigned cap = cap_at(&thread->slot[THREAD_FAULT_ENDPOINT]);
    struct message message = {.from = thread, .tag = SHEAF_TAG(label, 3), .fault = true};
    bool waits;
    message.call = true;
    for (unsigned i = 0; i < 3; i++)
        message.word[i] = words[i];
    if (cap != NO_CAP)
        message.badge = caps[cap].badge;
    if (cap == NO_CAP || send(endpoint_of(cap), &message, &waits) != 0)
        news_unhandled(thread);
}

// ---- Receiving

// Takes the first whose message can pass, and tells the others.
static void receive_from(struct attempt *attempt, const struct endpoint *endpoint, bool has_reply) {
    const struct thread *thread = attempt->thread, *sender = NULL;
    if (endpoint->head.flags == ENDPOINT_SENDERS)
        sender = endpoint->queue.first;
    for (;; sender = sender->next) {
        uint64_t bits = thread->bound != NULL ? news_bits(thread->bound) : 0;
        if (bits != 0) {
            struct message signals = signals_message(SHEAF_LABEL_SIGNAL, bits);
            news_message(thread, &signals);
            return;
        }
        if (sender == NULL) {
            attempt->waits = true;
            return;
        }
        struct passage passage = {0};
        struct message message = message_of_queued(sender);
        uint64_t wrong = meets(&message, thread, has_reply, &passage);
        if (wrong == 0) {
            carry(&passage);
            news_message(thread, &message);
            if (!message.call)
                news_errors(sender, E(OK));
            return;
        }
        if (message.fault)
            news_unhandled(sender);
        else
            news_errors(sender, wrong);
    }
}

static void receive(struct attempt *attempt, unsigned source, bool has_reply) {
    if (caps[source].type == SHEAF_ENDPOINT) {
        receive_from(attempt, endpoint_of(source), has_reply);
    } else {
        uint64_t bits = news_bits(notification_of(source));
        struct message signals = signals_message(0, bits);
        attempt->waits = bits == 0;
        if (bits != 0)
            news_message(attempt->thread, &signals);
    }
    if (attempt->waits && attempt->row->number == SHEAF_SYS_NB_RECV) {
        attempt->waits = false;
        attempt->wrong |= E(WOULD_BLOCK);
    }
}

// The Reply in x9; NO_CAP: none is named, or the name is wrong.
static unsigned named_reply(struct attempt *attempt) {
    unsigned reply = NO_CAP;
    if ((caps[attempt->cap].rights & SHEAF_RIGHT_READ) == 0)
        attempt->wrong |= E(NO_RIGHT);
    if (attempt->call.reply != 0)
        check_name(attempt, attempt->call.reply, 1u << SHEAF_REPLY, &reply);
    return reply;
}

void wrong_receive(struct attempt *attempt) {
    unsigned reply = named_reply(attempt);
    if (reply != NO_CAP && (reply_of(reply)->caller != NULL || reply_of(reply)->receiver != NULL))
        attempt->wrong |= E(IN_USE);
    if (attempt->wrong == 0)
        receive(attempt, attempt->cap, reply != NO_CAP);
}

// ---- Answering

// The caller cannot refuse an answer: it is told why it does not get it.
static void answer(const struct thread *caller, const struct message *message,
                   struct passage *passage) {
    if (caller->faulting) {
        if (SHEAF_TAG_LABEL(message->tag) != 0)
            news_unhandled(caller);
        else
            news_resumed(caller);
        return;
    }
    uint64_t wrong = find_places(caller, passage);
    if (SHEAF_TAG_LENGTH(message->tag) > SHEAF_REG_WORDS && !has_buffer(caller))
        wrong |= E(NO_BUFFER);
    if (wrong != 0) {
        news_errors(caller, wrong);
        return;
    }
    carry(passage);
    news_message(caller, message);
}

static void give_answer(struct attempt *attempt, unsigned cap) {
    const struct thread *caller = reply_of(cap)->caller;
    struct message message = message_of_caller(attempt, 0);
    struct passage passage;
    attempt->wrong |= find_sources(&message, &passage);
    if (passage.count != 0 && (caps[cap].rights & SHEAF_RIGHT_GRANT) == 0)
        attempt->wrong |= E(NO_RIGHT);
    if (attempt->wrong == 0)
        answer(caller, &message, &passage);
}

void wrong_reply(struct attempt *attempt) {
    check_message(attempt);
    if (reply_of(attempt->cap)->caller == NULL)
        attempt->wrong |= E(NOT_WAITING);
    else
        give_answer(attempt, attempt->cap);
}

void wrong_reply_receive(struct attempt *attempt) {
    unsigned reply = named_reply(attempt);
    if (reply != NO_CAP) {
        check_message(attempt);
        if (reply_of(reply)->receiver != NULL)
            attempt->wrong |= E(IN_USE);
        if (reply_of(reply)->caller != NULL)
            give_answer(attempt, reply);
    }
    if (attempt->wrong == 0)
        receive(attempt, attempt->cap, reply != NO_CAP);
}

// ---- Gather: its operations (foresee.c), and its tail if they succeed

void wrong_gather(struct attempt *attempt) {
    const uint64_t policies = SHEAF_GATHER_DEFER | SHEAF_GATHER_FORCE;
    uint64_t count = attempt->call.gather & UINT32_MAX, flags = attempt->call.gather >> 32;
    if ((flags & ~(SHEAF_GATHER_REPLY_RECV | policies)) != 0)
        attempt->wrong |= E(UNKNOWN_FLAG);
    else if ((flags & policies) == policies)
        attempt->wrong |= E(INVALID_ARGUMENT);
    if (count > SHEAF_GATHER_OPS)
        attempt->wrong |= E(VECTOR_TOO_LONG);
    if (!has_buffer(attempt->thread))
        attempt->wrong |= E(NO_BUFFER);
    attempt->tail = 0;
    if (attempt->wrong == 0)
        foresee_gather(attempt);
    if (attempt->wrong != 0 || (flags & SHEAF_GATHER_REPLY_RECV) == 0)
        return;
    enum sheaf_error error = check_name(
        attempt, attempt->call.cap, 1u << SHEAF_ENDPOINT | 1u << SHEAF_NOTIFICATION, &attempt->cap);
    if (error == SHEAF_OK)
        wrong_reply_receive(attempt);
    attempt->tail = attempt->wrong;
    attempt->wrong = 0;
}
