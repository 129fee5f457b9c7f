// SPDX-License-Identifier: BSD-2-Clause
// Invoking an object of the kernel: a CALL whose label is a method and whose words are arguments.
//
// Each type has a table of methods. A method checks everything that can be wrong before it changes
// anything. What it answers is written to the caller's registers only when it has succeeded.
#ifndef INVOKE_H
#define INVOKE_H

#include "ipc.h"

struct invocation {
    struct pe *pe;
    struct thread *caller;
    struct slot *slot; // the capability invoked
    unsigned length;   // words of the message
    unsigned answers;  // words of the answer
    uint64_t answer[SHEAF_REG_WORDS];
};

struct method {
    enum sheaf_error (*run)(struct invocation *invocation);
    uint8_t words;  // at least; fewer are INVALID_ARGUMENT
    uint8_t rights; // needed, all of them; else NO_RIGHT
};

struct methods {
    const struct method *of; // index: the method's number
    uint64_t count;
};

extern const struct methods untyped_methods, cnode_methods, thread_methods, vspace_methods,
    frame_methods, console_methods, system_methods, timer_methods, irq_control_methods,
    irq_handler_methods;

enum sheaf_error sys_call(struct pe *pe, struct thread *thread);

// Word `i` of the message, read once from the register or the buffer. i < length.
static inline uint64_t argument(const struct invocation *invocation, unsigned i) {
    const struct thread *caller = invocation->caller;
    return i < SHEAF_REG_WORDS ? caller->context.reg[SHEAF_REG_WORD0 + i]
                               : *(const volatile uint64_t *)&thread_buffer(caller)->message[i];
}

// The next word of the answer. One after the sixth needs the caller's buffer.
static inline void answer(struct invocation *invocation, uint64_t word) {
    unsigned i = invocation->answers++;
    *(i < SHEAF_REG_WORDS ? &invocation->answer[i]
                          : &thread_buffer(invocation->caller)->message[i]) = word;
}

// The running thread may stand in another VSpace now, or in none.
static inline void reload_vspace(const struct pe *pe) {
    if (pe->current != NULL) {
        vspace_activate(thread_vspace(pe->current));
    }
}

// The end of what deletes: empties the containers that have died. An interrupted call goes on with
// that, whatever the names in it mean by then; unless its thread is among what has died.
enum sheaf_error invocation_bury(const struct invocation *invocation);

// Memory of an Untyped (untyped.c): `count` pieces of 2^bits bytes from `start` on, zeroed if it is
// RAM; unless it is `again` Untyped, which zeroes what is made of it. With tree_lock held on
// success, and only then. `watermark` is what to go back to if the memory is not taken after all.
// MEMORY_TYPE, IN_USE, NO_MEMORY, DEAD, PREEMPTED.
struct reserve {
    enum sheaf_memory_type memory_type;
    unsigned bits;
    uint64_t count;
    bool again;
    uint64_t start, watermark; // out
};
enum sheaf_error untyped_reserve(struct slot *untyped, struct reserve *reserve);
// Up to `end` it is used now. tree_lock held.
void untyped_commit(struct slot *untyped, const struct reserve *reserve, uint64_t end);

// An Untyped that is empty begins anew as what it was made as, which non-cacheable blocks of the
// kernel's map are queued for; then, with FORCE, all that is queued in the machine is purged.
// Policies: NEVER, FORCE. OK also if the Untyped is gone, or not empty. PREEMPTED.
enum sheaf_error untyped_reset(struct slot *untyped, enum alias_policy policy);

enum sheaf_error untyped_retype(struct invocation *invocation);   // retype.c
enum sheaf_error thread_configure(struct invocation *invocation); // thread_configure.c

// w0 Notification, or 0 to detach what is in the object's `slot` (attach.c). NO_RIGHT, IN_USE,
// look-up's, PREEMPTED.
enum sheaf_error attach_notification(struct invocation *invocation, struct slot *slot);

// In zeroed memory.
void thread_init(struct thread *thread);
void timer_begin(struct timer *timer);

void irq_begin(void); // once: nobody receives an interrupt

#endif
