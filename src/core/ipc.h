// SPDX-License-Identifier: BSD-2-Clause
// Messages between threads, signals, and the waits for them.
//
// A waiting thread's registers hold its side of the system call: a sender's tag and words, and
// where its answer goes. A thread that has been taken out of a queue and is not yet ready belongs
// to whoever took it; so no two locks of one rank are ever needed.
//
// Who is told when a message cannot pass: always the one who sends or calls, never a server that
// receives. A message of more than six words for a receiver without IPC buffer answers NO_BUFFER
// to its sender, a CALL to a receiver without Reply NO_REPLY, and the receiver waits on. An answer
// too long for a caller without IPC buffer answers NO_BUFFER to the caller.
#ifndef IPC_H
#define IPC_H

#include "lookup.h"
#include "sched.h"

// Beside enum sheaf_error, from a system call's handler: the registers are written, or will be
// when the wait is over.
#define ANSWERED ((enum sheaf_error)0x100)
// The same, and another thread runs by now: nothing is left to be done.
#define SWITCHED ((enum sheaf_error)0x101)

static inline void thread_answer(struct thread *thread, enum sheaf_error error) {
    thread->context.reg[SHEAF_REG_STATUS] = error;
    thread->context.reg[SHEAF_REG_TAG] = 0;
}

#define TAG_ZERO_BITS UINT64_C(0xfe00) // bits 9-15

// MESSAGE_TOO_LONG, INVALID_ARGUMENT (bits 9-15, a label of the kernel's), NO_BUFFER.
enum sheaf_error message_check(const struct thread *from, uint64_t tag);
// Tag and words of `from`, as its registers and buffer hold them. Whether both have buffers when
// the length asks for them was checked.
void message_copy(const struct thread *from, struct thread *to, uint64_t tag);

// Status, tag and the `count` words that are in registers, at most six: the bits of the number say
// which runs of four, two and one there are. Loaded before they are stored, or the compiler must
// take the two for one thread.
static inline void message_copy_registers(const struct thread *from, struct thread *to,
                                          uint64_t tag, unsigned count) {
    _Static_assert(SHEAF_REG_WORDS < 8, "three bits");
    const uint64_t *in = &from->context.reg[SHEAF_REG_WORD0];
    uint64_t *out = &to->context.reg[SHEAF_REG_WORD0];
    to->context.reg[SHEAF_REG_STATUS] = SHEAF_OK;
    to->context.reg[SHEAF_REG_TAG] = tag;
    if ((count & 4) != 0) {
        uint64_t a = in[0], b = in[1], c = in[2], d = in[3];
        out[0] = a;
        out[1] = b;
        out[2] = c;
        out[3] = d;
    }
    if ((count & 2) != 0) {
        unsigned i = count & 4;
        uint64_t a = in[i], b = in[i + 1];
        out[i] = a;
        out[i + 1] = b;
    }
    if ((count & 1) != 0) {
        out[count - 1] = in[count - 1];
    }
    port_count(SHEAF_COUNTER_IPC_MESSAGES, 1);
}

// ---- Capabilities in messages (transfer.c). All or none: looked up, then copied.
struct transfer {
    unsigned count;
    struct {
        struct slot *from, *to;
        struct cnode *home; // of `to`
    } capability[SHEAF_MSG_CAPABILITIES];
};

// Whether the message that the thread sends brings capabilities. A fault's does not, whatever the
// registers hold.
static inline bool message_carries(const struct thread *from) {
    return unlikely(SHEAF_TAG_CAPABILITIES(from->context.reg[SHEAF_REG_TAG]) != 0) &&
           !from->faulting;
}

// Finds what `from` sends, with the right to send it through `through`; NULL: that was checked.
// NO_RIGHT, NO_BUFFER, look-up's, NOT_COPYABLE. tree_lock held, from here to transfer_run.
enum sheaf_error transfer_sources(const struct thread *from, const struct slot *through,
                                  struct transfer *transfer);
// Finds where `to` takes them. NO_BUFFER, NO_RECEIVE_SLOT.
enum sheaf_error transfer_places(const struct thread *to, struct transfer *transfer);
void transfer_run(const struct transfer *transfer);

// ---- Endpoints (endpoint.c)
struct wait {
    bool call;  // send: wait for the answer
    bool block; // or WOULD_BLOCK
};
enum sheaf_error endpoint_send(struct pe *pe, struct thread *thread, const struct slot *slot,
                               struct wait wait);
enum sheaf_error endpoint_receive(struct pe *pe, struct thread *thread, struct endpoint *endpoint,
                                  struct reply *reply, bool block);
void endpoint_forget(struct thread *thread); // takes a SENDING or RECEIVING thread out
// Ends the waits of senders that used `badge`, with CANCELLED. OK or PREEMPTED: then `caller` keeps
// which pass it has begun. Who comes to send meanwhile may be cancelled or not.
enum sheaf_error endpoint_cancel(struct pe *pe, struct thread *caller, struct endpoint *endpoint,
                                 uint64_t badge);
void endpoint_requeue(struct thread *thread, unsigned priority);

// ---- Replies (reply.c)
// Who waits for the answer is one word: put there by a store with release, taken out by an exchange
// with acquire. Whoever takes the thread out has it alone, so a Reply needs no lock.
//
// Puts `caller`, which is in no queue, under the Reply.
static inline void reply_hold(struct reply *reply, struct thread *caller) {
    caller->reply = reply;
    caller->state = SHEAF_STATE_WAITING_REPLY;
    __atomic_store_n(&reply->caller, caller, __ATOMIC_RELEASE);
}
// Who waits, and does no longer; NULL: nobody, or another PE came first.
static inline struct thread *reply_take(struct reply *reply) {
    struct thread *caller = __atomic_exchange_n(&reply->caller, NULL, __ATOMIC_ACQUIRE);
    if (likely(caller != NULL)) {
        caller->reply = NULL;
    }
    return caller;
}
void reply_forget(struct thread *caller); // a WAITING_REPLY thread goes
// Makes `server` the one whose end the Reply's callers are told. Takes and drops tree_lock.
void reply_serve(struct reply *reply, struct thread *server);
// Gives the message in `thread`'s registers to a caller that was taken out, and wakes it.
// `transfer`: the capabilities it carries, or NULL.
void reply_give(struct pe *pe, struct thread *thread, struct thread *caller,
                struct transfer *transfer);
// Answers the caller with the message in `thread`'s registers, through a capability to the Reply.
// NOT_WAITING, message_check's, transfer_sources's.
enum sheaf_error reply_answer(struct pe *pe, struct thread *thread, const struct slot *slot);

// REPLY_RECV, when it has answered: if its receive is interrupted, that is all that is left of the
// call. The Reply may hold another's caller by the time it goes on.
static inline enum sheaf_error reply_given(struct thread *thread, enum sheaf_error received) {
    struct continuation *continuation = &thread->continuation;
    if (unlikely(received == SHEAF_ERR_PREEMPTED && continuation->kind == CONTINUE_NOTHING)) {
        continuation->kind = CONTINUE_RECEIVE; // a gather makes it the place of its own
    }
    return received;
}
static inline bool reply_is_given(const struct thread *thread) {
    const struct continuation *continuation = &thread->continuation;
    return continuation->kind == CONTINUE_RECEIVE ||
           (continuation->kind == CONTINUE_GATHER && continuation->index == CONTINUE_TAIL);
}

// ---- Notifications (notification.c)
void notification_signal(struct pe *pe, struct notification *notification, uint64_t badge);
// The same through a capability that the kernel keeps: nothing, if that is gone or dying.
void notification_signal_slot(struct pe *pe, const struct slot *slot);
static inline uint64_t notification_bits(uint64_t badge) { return badge != 0 ? badge : 1; }
// The bits become the thread's message.
static inline void notification_hand_over(struct thread *thread, uint64_t label, uint64_t bits) {
    thread->context.reg[SHEAF_REG_STATUS] = SHEAF_OK;
    thread->context.reg[SHEAF_REG_TAG] = SHEAF_TAG(label, 1);
    thread->context.reg[SHEAF_REG_WORD0] = bits;
    thread->context.reg[SHEAF_REG_BADGE] = 0;
}
// Hands what is there to whoever waits for it.
void notification_serve(struct pe *pe, struct notification *notification);
enum sheaf_error notification_receive(struct pe *pe, struct thread *thread,
                                      struct notification *notification, bool block);
void notification_forget(struct thread *thread); // takes a WAITING_NOTIFICATION thread out
void notification_requeue(struct thread *thread, unsigned priority);
// Hands the signals of the thread's bound Notification to it, as the message of a receive.
bool notification_take_bound(struct thread *thread);
// Who is bound to what, both ways. IN_USE.
enum sheaf_error notification_bind(struct thread *thread, struct notification *notification);
void notification_unbind(struct thread *thread);

// ---- Faults (fault.c)
void faults_begin(void); // once
// Nobody handles the thread's fault: it stops as FAULTED, its fault Notification is signalled, the
// registers are printed. Called with no lock but tree_lock held; the thread is in no queue.
void fault_unhandled(struct pe *pe, struct thread *thread);
// Ends a wait with an error: the system call's answer, or a fault that nobody handles.
void wait_fail(struct pe *pe, struct thread *thread, enum sheaf_error error);

// ---- System calls (ipc.c)
enum sheaf_error sys_send(struct pe *pe, struct thread *thread, bool block);
enum sheaf_error sys_receive(struct pe *pe, struct thread *thread, bool block);
enum sheaf_error sys_reply(struct pe *pe, struct thread *thread);
enum sheaf_error sys_reply_receive(struct pe *pe, struct thread *thread);

#endif
