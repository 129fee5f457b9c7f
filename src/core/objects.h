// SPDX-License-Identifier: BSD-2-Clause
// The kernel objects of core, as they lie in memory.
//
// An object that counts the capabilities naming it begins with (or, for a Thread, contains) a
// struct object_head and dies with the last of them. Frames and Untypeds are only their
// capabilities; Console and System are the machine's.
#ifndef OBJECTS_H
#define OBJECTS_H

#include <arch.h>
#include <sheaf/gather.h>

#include "slot.h"

// ---- CNode: slots; index 0 is the CNode itself, which is why no capability pointer can name it.

struct cnode {
    struct object_head head; // flags: log2 of the number of slots
    struct lock lock;
    uint64_t unused[4];
};
_Static_assert(sizeof(struct cnode) == sizeof(struct slot),
               "the header takes the space of index 0");

static inline struct slot *cnode_slot(struct cnode *cnode, uint64_t index) {
    return (struct slot *)(void *)cnode + index;
}

// ---- Threads wait in one queue at most: a run queue, or that of an Endpoint or Notification.

struct thread_queue {
    struct thread *first, *last;
};

enum endpoint_kind { ENDPOINT_IDLE, ENDPOINT_SENDERS, ENDPOINT_RECEIVERS };

struct endpoint {
    struct object_head head; // flags: enum endpoint_kind, who waits in the queue
    struct lock lock;
    struct thread_queue queue; // by priority, first come first served within one
    // CANCEL goes through the senders in slices. head.reserved: number of the pass, never given
    // again; 0: there was none.
    struct thread *cancel_next; // the sender it looks at next; NULL: none is on its way
    uint64_t cancel_badge;
};

struct notification {
    struct object_head head;
    struct lock lock;
    uint64_t bits;             // signalled, and not yet taken
    struct thread_queue queue; // threads in RECV on it
    struct thread *bound;      // also receives the signals on any Endpoint
};

struct reply {
    struct object_head head;
    struct thread *caller;   // waits for this Reply; put there and taken as one word (ipc.h)
    struct thread *receiver; // waits on an Endpoint, under whose lock this is, and named this Reply
    struct thread *server;   // the last one that did: its end is told to the caller
    struct reply *next, *previous; // of that server's
    uint64_t unused;
};

_Static_assert(sizeof(struct endpoint) == BIT(SHEAF_ENDPOINT_BITS), "as the ABI says");
_Static_assert(sizeof(struct notification) == BIT(SHEAF_NOTIFICATION_BITS), "as the ABI says");
_Static_assert(sizeof(struct reply) == BIT(SHEAF_REPLY_BITS), "as the ABI says");

// ---- Deadlines: in the queue of a PE, earliest first (timeout.h)

enum timeout_kind { TIMEOUT_THREAD, TIMEOUT_TIMER };

struct timeout {
    uint64_t deadline; // 0: not in the queue
    struct timeout *parent, *left, *right;
    uint32_t rank;
    uint8_t kind; // enum timeout_kind: what it is part of
    uint8_t pe;   // whose queue
};

// ---- Timer. Its first cache line becomes the tombstone of its slot.

struct timer {
    struct object_head head;
    struct timeout timeout;
    _Alignas(64) struct slot notification;
};
_Static_assert(sizeof(struct timer) == BIT(SHEAF_TIMER_BITS), "as the ABI says");
_Static_assert(offsetof(struct timer, notification) == sizeof(struct slot), "room for a tombstone");

// ---- IrqHandler. The same.

struct irq_handler {
    struct object_head head; // flags: the interrupt; 0: none
    _Alignas(64) struct slot notification;
};
_Static_assert(sizeof(struct irq_handler) == BIT(SHEAF_IRQ_HANDLER_BITS), "as the ABI says");

// ---- Thread

enum thread_slot {
    THREAD_CSPACE,
    THREAD_VSPACE,
    THREAD_FAULT_ENDPOINT,
    THREAD_IPC_BUFFER,
    THREAD_FAULT_NOTIFICATION,
    THREAD_SLOTS,
};

// What a preempted system call left to be skipped when it is executed again. Another system call
// and WRITE_REGISTERS forget it. A fault does not: until the instruction is executed again, none
// can come but that of fetching it.
enum continuation_kind {
    CONTINUE_NOTHING,
    CONTINUE_DELETE,
    CONTINUE_CANCEL,
    CONTINUE_RECEIVE, // REPLY_RECV: its answer is given
    CONTINUE_GATHER,
};
#define CONTINUE_TAIL (SHEAF_GATHER_OPS + 1u) // index of a GATHER whose tail has answered

struct continuation {
    enum continuation_kind kind;
    const void *endpoint;        // CANCEL: whose senders
    uint64_t pass;               // CANCEL: its number
    bool begun;                  // GATHER: the operation is an EVICT
    unsigned index;              // GATHER: operation to go on with, or CONTINUE_TAIL
    uint64_t pages;              // GATHER: pages of it done
    struct gather_ahead ahead;   // GATHER: what PROTECT knows beyond them
    struct gather_move move;     // GATHER: how far it has come, if it is a MOVE
    struct sheaf_gather_op op;   // GATHER: that operation, as it was then
    struct gather_totals totals; // GATHER: of the slices so far
};

// Where an EVICT that was interrupted is, in the derivation tree (evict.h). Linked only while the
// continuation is that of its gather.
struct evict_walk {
    struct slot cursor, fence;
};

// In a run queue, and there in front because it was interrupted in its slice.
enum queued { QUEUED_NOT, QUEUED, QUEUED_IN_SLICE };

struct thread {
    struct arch_context context; // first: pe->context is the thread
    struct object_head head;

    struct thread *next, *previous;
    struct thread *lower; // in a queue by priority: the next level (queue.c)
    uint8_t state;        // enum sheaf_thread_state
    uint8_t priority;
    uint8_t max_priority;
    uint8_t pe;           // affinity
    uint8_t queued;       // enum queued: in a run queue
    bool calling;         // SENDING: expects an answer
    bool faulting;        // SENDING, WAITING_REPLY: the message is `fault`, sent by the kernel
    void *waiting_on;     // Endpoint or Notification
    struct reply *reply;  // WAITING_REPLY: the one that holds us; RECEIVING: where a caller goes
    struct reply *served; // the first of those that we are the server of; tree_lock
    struct notification *bound;
    uint64_t badge; // SENDING: of the capability used
    struct {
        uint64_t label, word[3];
    } fault;
    struct timeout timeout; // of the wait
    struct continuation continuation;
    char name[16];

    _Alignas(64) struct slot slot[THREAD_SLOTS];
    struct slot retired[THREAD_SLOTS]; // what CONFIGURE replaced, until it is deleted
    struct slot retirement;            // their tombstone (delete.h)
    union {
        struct slot tombstone;  // of slot[], when the thread is dead
        struct evict_walk walk; // while it lives
    };
};
_Static_assert(sizeof(struct thread) <= BIT(SHEAF_THREAD_BITS), "with room for scheduling budgets");
_Static_assert(offsetof(struct thread, context) == 0, "pe->context is the thread");

// A slot of the thread is empty as soon as the capability it was derived from is revoked. So the
// kernel keeps no pointers beside them.
static inline struct vspace *thread_vspace(const struct thread *thread) {
    return (struct vspace *)thread->slot[THREAD_VSPACE].object;
}

// For people to read.
static inline const char *thread_name(const struct thread *thread) {
    return thread->name[0] != 0 ? thread->name : "(unnamed)";
}

static inline bool thread_has_buffer(const struct thread *thread) {
    return thread->slot[THREAD_IPC_BUFFER].type == SHEAF_FRAME;
}

static inline struct sheaf_ipc_buffer *thread_buffer(const struct thread *thread) {
    const struct slot *slot = &thread->slot[THREAD_IPC_BUFFER];
    return thread_has_buffer(thread) ? port_kernel_address(slot->frame.address) : NULL;
}

// The head of the object that `slot` names; NULL for types without one.
struct object_head *slot_head(const struct slot *slot);

// What a copy takes over: only Endpoints and Notifications have a badge.
static inline uint64_t slot_badge(const struct slot *slot) {
    bool has_badge = slot->type == SHEAF_ENDPOINT || slot->type == SHEAF_NOTIFICATION;
    return has_badge ? slot->badge : 0;
}

// Makes `slot` name what `source` names, as its child, with `rights` and `badge`. A Frame starts
// without a record. tree_lock held; `slot` is empty; `home` is the CNode that holds it, or NULL.
void slot_derive(struct slot *slot, struct cnode *home, struct slot *source, uint64_t rights,
                 uint64_t badge);

#endif
