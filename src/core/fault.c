// SPDX-License-Identifier: BSD-2-Clause
// Faults of user space: resolved by mmu, sent to the fault endpoint, or the end of the thread.
#include <core.h>

#include "fault_dump.h"
#include "ipc.h"

void fault_message(const struct thread *faulting, struct thread *to) {
    to->context.reg[SHEAF_REG_STATUS] = SHEAF_OK;
    to->context.reg[SHEAF_REG_TAG] = SHEAF_TAG(faulting->fault.label, 3);
    for (unsigned i = 0; i < ARRAY_SIZE(faulting->fault.word); i++) {
        to->context.reg[SHEAF_REG_WORD0 + i] = faulting->fault.word[i];
    }
    port_count(SHEAF_COUNTER_FAULT_MESSAGES, 1);
}

void fault_unhandled(struct pe *pe, struct thread *thread) {
    thread->state = SHEAF_STATE_FAULTED;
    thread->faulting = false;
    port_count(SHEAF_COUNTER_FAULT_UNHANDLED, 1);
    fault_dump(thread);
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
static void send_fault(struct pe *pe, struct thread *thread) {
    const struct slot *slot = &thread->slot[THREAD_FAULT_ENDPOINT];
    thread->continuation.kind = CONTINUE_NOTHING;
    thread->faulting = true;
    if (slot->type != SHEAF_ENDPOINT || slot_is_dying(slot) ||
        endpoint_send(pe, thread, slot, (struct wait){.call = true, .block = true}) != ANSWERED) {
        fault_unhandled(pe, thread);
    }
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
    send_fault(pe, thread);
    sched_leave(pe);
}

void core_exception(struct pe *pe, uint64_t syndrome, uint64_t address) {
    struct thread *thread = pe->current;
    thread->fault.label = SHEAF_LABEL_EXCEPTION;
    thread->fault.word[0] = syndrome;
    thread->fault.word[1] = address;
    thread->fault.word[2] = thread->context.pc;
    send_fault(pe, thread);
    sched_leave(pe);
}
