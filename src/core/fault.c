// SPDX-License-Identifier: BSD-2-Clause
// Faults of user space: resolved by mmu, sent to the fault endpoint, or the end of the thread.
#include <core.h>

#include "fastpath.h"

// A dump takes as long as the serial port needs for 2 KiB, with interrupts masked: at 115,200 baud
// a fifth of a second. It cannot be cut: a fault may turn out to be unhandled in the middle of a
// deletion, under the tree lock, and what is printed is the thread as it is at that moment. So a
// program that faults again and again must not have them all: each PE has DUMPS_AT_ONCE to give,
// and gets back one in DUMP_SECONDS, 2 % of its time. The rest is only counted.
#define DUMPS_AT_ONCE 8
#define DUMP_SECONDS 10

static struct {
    uint64_t spent; // when all that were given will have come back
    unsigned left_out;
} dumps[MAX_PES];

void faults_begin(void) {
    for (unsigned i = 0; i < MAX_PES; i++) {
        dumps[i].spent = 0;
        dumps[i].left_out = 0;
    }
}

static bool may_dump(const struct pe *pe) {
    uint64_t now = arch_now(), each = DUMP_SECONDS * arch_timer_hz();
    uint64_t spent = MAX(dumps[pe->id].spent, now);
    if (spent - now > (DUMPS_AT_ONCE - 1) * each) {
        dumps[pe->id].left_out++;
        return false;
    }
    dumps[pe->id].spent = spent + each;
    return true;
}

static void dump(const struct pe *pe, const struct thread *thread) {
    if (!may_dump(pe)) {
        return;
    }
    if (dumps[pe->id].left_out != 0) {
        kprintf("%u faults that nobody handled are not shown\n", dumps[pe->id].left_out);
        dumps[pe->id].left_out = 0;
    }
    kprintf("thread %s: fault not handled\n", thread_name(thread));
    arch_dump_thread(thread_name(thread), &thread->context, thread_vspace(thread));
}

void fault_unhandled(struct pe *pe, struct thread *thread) {
    thread->state = SHEAF_STATE_FAULTED;
    thread->faulting = false;
    port_count(SHEAF_COUNTER_FAULT_UNHANDLED, 1);
    dump(pe, thread);
    notification_signal_slot(pe, &thread->slot[THREAD_FAULT_NOTIFICATION]);
}

void wait_fail(struct pe *pe, struct thread *thread, enum sheaf_error error) {
    if (thread->faulting) {
        fault_unhandled(pe, thread);
    } else {
        thread_answer(thread, error);
        sched_wake(pe, thread);
    }
}

// The fault is a CALL that the kernel makes in the thread's name.
void fault_execute(struct pe *pe, struct thread *thread) {
    const struct slot *slot = &thread->slot[THREAD_FAULT_ENDPOINT];
    if (slot->living_type != SHEAF_ENDPOINT ||
        endpoint_send(pe, thread, slot, (struct wait){.call = true, .block = true}) != ANSWERED) {
        fault_unhandled(pe, thread);
    }
    sched_leave(pe);
}

void core_page_fault(struct pe *pe, vaddr_t address, uint64_t access) {
    struct thread *thread = pe->current;
    struct vspace *vspace = thread_vspace(thread);
    enum mmu_fault fault =
        vspace != NULL ? mmu_fault(vspace, address, access) : MMU_FAULT_TRANSLATION;
    if (fault == MMU_FAULT_RESOLVED) {
        return;
    }
    thread->fault.label = SHEAF_LABEL_PAGE_FAULT;
    thread->fault.word[0] = address.v;
    thread->fault.word[1] = access | (fault == MMU_FAULT_PERMISSION ? SHEAF_FAULT_PERMISSION : 0);
    thread->fault.word[2] = thread->context.pc;
    fastpath_fault(pe, thread);
}

void core_exception(struct pe *pe, uint64_t syndrome, uint64_t address) {
    struct thread *thread = pe->current;
    thread->fault.label = SHEAF_LABEL_EXCEPTION;
    thread->fault.word[0] = syndrome;
    thread->fault.word[1] = address;
    thread->fault.word[2] = thread->context.pc;
    fastpath_fault(pe, thread);
}
