// SPDX-License-Identifier: BSD-2-Clause
// The fast path and the ordinary one: both must be tried enough, since they share little code.
//
// What the fast path leaves to the ordinary one is linked in with --wrap and takes note.
#include "ways.h"
#include "../core/machine.h"
#include "events.h"
#include "fastpath.h"

static bool ordinary, tail_switched, unmapped_few;

void __real_syscall_execute(struct pe *pe, struct thread *thread, uint64_t number);
void __wrap_syscall_execute(struct pe *pe, struct thread *thread, uint64_t number);
void __real_syscall_finish(struct pe *pe, struct thread *thread, enum sheaf_error error);
void __wrap_syscall_finish(struct pe *pe, struct thread *thread, enum sheaf_error error);
void __real_fault_execute(struct pe *pe, struct thread *thread);
void __wrap_fault_execute(struct pe *pe, struct thread *thread);
enum sheaf_error __real_fastpath_tail(struct pe *pe, struct thread *thread);
enum sheaf_error __wrap_fastpath_tail(struct pe *pe, struct thread *thread);
bool __real_gather_unmap_few(struct vspace *vspace, const struct gather_pages *list, unsigned count,
                             struct gather_totals *totals);
bool __wrap_gather_unmap_few(struct vspace *vspace, const struct gather_pages *list, unsigned count,
                             struct gather_totals *totals);

void __wrap_syscall_execute(struct pe *pe, struct thread *thread, uint64_t number) {
    ordinary = true;
    __real_syscall_execute(pe, thread, number);
}

void __wrap_syscall_finish(struct pe *pe, struct thread *thread, enum sheaf_error error) {
    ordinary = true;
    __real_syscall_finish(pe, thread, error);
}

void __wrap_fault_execute(struct pe *pe, struct thread *thread) {
    ordinary = true;
    __real_fault_execute(pe, thread);
}

enum sheaf_error __wrap_fastpath_tail(struct pe *pe, struct thread *thread) {
    enum sheaf_error error = __real_fastpath_tail(pe, thread);
    tail_switched = error == SWITCHED;
    return error;
}

bool __wrap_gather_unmap_few(struct vspace *vspace, const struct gather_pages *list, unsigned count,
                             struct gather_totals *totals) {
    unmapped_few = __real_gather_unmap_few(vspace, list, count, totals);
    return unmapped_few;
}

void way_begin(void) {
    ordinary = false;
    tail_switched = false;
    unmapped_few = false;
}

void way_note_call(uint64_t number) {
    if (tail_switched)
        event_count(EVENT_FAST_TAIL);
    if (unmapped_few)
        event_count(EVENT_FAST_UNMAP);
    if (ordinary)
        return;
    if (number == SHEAF_SYS_CALL)
        event_count(EVENT_FAST_CALL);
    else if (number == SHEAF_SYS_REPLY_RECV)
        event_count(EVENT_FAST_ANSWER);
    else if (number == SHEAF_SYS_SEND || number == SHEAF_SYS_NB_SEND)
        event_count(EVENT_FAST_SIGNAL);
    else if (number == SHEAF_SYS_RECV)
        event_count(EVENT_FAST_WAIT);
}

void way_note_fault(void) {
    if (!ordinary)
        event_count(EVENT_FAST_FAULT);
}
