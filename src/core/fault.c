// SPDX-License-Identifier: BSD-2-Clause
// Faults of user space: resolved by mmu, sent to the fault endpoint, or the end of the thread.
#include <core.h>

#include "fastpath.h"

void fault_unhandled(struct pe *pe, struct thread *thread) {
    thread->state = SHEAF_STATE_FAULTED;
    thread->faulting = false;
    port_count(SHEAF_COUNTER_FAULT_UNHANDLED, 1);
    kprintf("thread %s: fault not handled\n", thread->name);
    arch_dump_thread(thread->name, &thread->context, thread_vspace(thread));
    const struct slot *slot = &thread->slot[THREAD_FAULT_NOTIFICATION];
    if (slot->type == SHEAF_NOTIFICATION && !slot_is_dying(slot)) {
        notification_signal(pe, slot->object, slot->badge);
    }
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
