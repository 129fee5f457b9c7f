// SPDX-License-Identifier: BSD-2-Clause
// Planted races. The linker's --wrap sends calls from one file of src/mmu to a function of another
// through here; the port's faults do the rest.
#include "planted.h"
#include "explore_world.h"

#include <asid.h>
#include <finish.h>
#include <pending.h>

static enum planted planted;

void plant(enum planted race) {
    planted = race;
    vmsa_faults.no_answer = race == PLANTED_NO_ANSWER;
    vmsa_faults.open_ranks = race == PLANTED_OPEN_ASID_LOCK ? 1u << LOCK_ASID : 0;
}

void __real_finish_work(struct finish_work *work, struct gather_totals *totals);
bool __real_pending_complete_all(struct vspace *vspace, uint64_t except);
bool __real_pending_complete_overlapping(struct vspace *vspace, uint64_t first, uint64_t pages,
                                         uint64_t except);
struct pending *__real_pending_find(struct vspace *vspace, unsigned index, uint64_t ticket);
void __real_vspace_pin(struct vspace *vspace);
void __real_vspace_unpin(struct vspace *vspace);

void __wrap_finish_work(struct finish_work *work, struct gather_totals *totals);
bool __wrap_pending_complete_all(struct vspace *vspace, uint64_t except);
bool __wrap_pending_complete_overlapping(struct vspace *vspace, uint64_t first, uint64_t pages,
                                         uint64_t except);
struct pending *__wrap_pending_find(struct vspace *vspace, unsigned index, uint64_t ticket);
void __wrap_vspace_pin(struct vspace *vspace);
void __wrap_vspace_unpin(struct vspace *vspace);

void __wrap_finish_work(struct finish_work *work, struct gather_totals *totals) {
    if (planted == PLANTED_WEAK_HELP)
        work->foreign = false;
    for (unsigned i = 0; i < work->space_count && planted == PLANTED_EARLY_MASK; i++) {
        if (work->spaces[i].vspace->start.loaded == 0)
            work->spaces[i].form = PLAN_NONE;
    }
    __real_finish_work(work, totals);
}

bool __wrap_pending_complete_all(struct vspace *vspace, uint64_t except) {
    return planted != PLANTED_HELP_SKIPPED && __real_pending_complete_all(vspace, except);
}

bool __wrap_pending_complete_overlapping(struct vspace *vspace, uint64_t first, uint64_t pages,
                                         uint64_t except) {
    return planted != PLANTED_HELP_SKIPPED &&
           __real_pending_complete_overlapping(vspace, first, pages, except);
}

struct pending *__wrap_pending_find(struct vspace *vspace, unsigned index, uint64_t ticket) {
    struct pending *entry = &vspace->pending[index];
    if (planted == PLANTED_TICKET_IGNORED && ticket != 0 && entry->ticket != 0)
        return entry;
    return __real_pending_find(vspace, index, ticket);
}

void __wrap_vspace_pin(struct vspace *vspace) {
    if (planted != PLANTED_PIN_SKIPPED)
        __real_vspace_pin(vspace);
}

// Called for look-ups by record as well, which pin inside asid.c and are not wrapped.
void __wrap_vspace_unpin(struct vspace *vspace) {
    if (planted != PLANTED_PIN_SKIPPED || vspace->pins != 0)
        __real_vspace_unpin(vspace);
}
