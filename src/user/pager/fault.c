// SPDX-License-Identifier: BSD-2-Clause
// From a fault message to a mapped page:
//
//   region      is anything there, and may it be accessed so?
//   page        where is it: inactive (only map it again), in the swap area, in the file, or zeros?
//   frame       one that is at hand, else the oldest inactive one
//   vector      unmap a batch if few frames are at hand; map the page, and ahead of it others of
//   its file answer      with the vector, in one system call
#include "fault.h"
#include "evict.h"
#include "fatal.h"
#include "frames.h"
#include "statistics.h"
#include "vector.h"
#include "window.h"
#include <inttypes.h>

// Pages mapped ahead of use when a file is read in order, at most a 32nd of the budget: so many
// pages may turn out not to be needed.
#define AHEAD_MAXIMUM 8u
#define AHEAD_SHARE 32u
#define LABEL_FAULTED 1 // any label but 0: the kernel suspends the thread and prints its registers

static const char *access_name(uint64_t access) {
    return (access & SHEAF_ACCESS_EXECUTE) != 0 ? "execute"
           : (access & SHEAF_ACCESS_WRITE) != 0 ? "write"
                                                : "read";
}

// Why this access is not served, NULL if it may be.
static const char *refusal(const struct region *region, uint64_t access) {
    if (region == NULL)
        return "nothing is there";
    if (region->kind == REGION_GUARD)
        return "it is a guard beside a stack";
    if ((access & SHEAF_ACCESS_WRITE) != 0 && !region->write)
        return "it is not writable";
    if ((access & SHEAF_ACCESS_EXECUTE) != 0 && !region->execute)
        return "it is not executable";
    return NULL;
}

static void end_for_fault(struct process *process, const struct request *request, const char *why) {
    COUNT(FAULTS_FATAL);
    reply_now(LABEL_FAULTED);
    complain(process, "page fault at 0x%" PRIx64 " (%s), pc 0x%" PRIx64 ": %s", request->word[0],
             access_name(request->word[1]), request->word[2], why);
    process_end(process, PAGER_STATUS_FAULT);
}

static void end_for_exception(struct process *process, const struct request *request) {
    COUNT(FAULTS_FATAL);
    reply_now(LABEL_FAULTED);
    complain(process, "exception, syndrome 0x%" PRIx64 ", pc 0x%" PRIx64, request->word[0],
             request->word[2]);
    process_end(process, PAGER_STATUS_ILLEGAL);
}

static void end_for_memory(struct process *process, const char *why) {
    complain(process, "%s; it is stopped", why);
    process_end(process, PAGER_STATUS_NO_MEMORY);
}

// False when the copy in the swap area cannot be read.
static bool fill(const struct region *region, const struct page *page, uint64_t va,
                 void *contents) {
    if (page->slot != 0) {
        if (swap_read(page->slot, contents) != STORE_OK)
            return false;
        COUNT(SWAPPED_IN);
    } else if (region_fill(region, va, contents)) {
        COUNT(READ_IN);
    } else {
        COUNT(ZEROED);
    }
    return true;
}

uint32_t fault_bring(const struct region *region, struct area *area, uint64_t va) {
    uint32_t frame = evict_take_frame();
    if (frame != 0 && !fill(region, area_page(area, va), va, window_page(frame)))
        return 0;
    return frame;
}

static uint64_t rights_of(const struct region *region) {
    return SHEAF_MAP_READ | (region->write ? SHEAF_MAP_WRITE : 0) |
           (region->execute ? SHEAF_MAP_EXECUTE : 0);
}

// How many pages to map ahead: one more each time a process goes on reading in order, half as many
// each time one of them comes back unused (evict.c).
static unsigned pages_ahead(struct process *process) {
    unsigned share = frames_budget() / AHEAD_SHARE;
    unsigned most = share < AHEAD_MAXIMUM ? share : AHEAD_MAXIMUM;
    process->ahead = process->ahead < most ? process->ahead + 1 : most;
    return process->ahead;
}

// Maps pages behind `va` that come from the same file, when the page before it is there too: the
// file is being read in order. The access flag stays clear, so unmapping tells whether they were
// used.
static void map_ahead(struct process *process, const struct region *region, struct area *area,
                      uint64_t va) {
    uint64_t last = region->start + region->data_bytes;
    if (region->kind != REGION_FILE || region->write || va % AREA_BYTES == 0 ||
        area_page(area, va - PAGE_BYTES)->frame == 0)
        return;
    for (unsigned left = pages_ahead(process); left > 0; left--) {
        va += PAGE_BYTES;
        if (va >= last || va % AREA_BYTES == 0 || area_page(area, va)->frame != 0)
            return;
        uint32_t frame = evict_take_frame_at_hand();
        if (frame == 0 || !fill(region, area_page(area, va), va, window_page(frame)))
            return;
        page_activate(process, area, va, frame);
        area_page(area, va)->ahead = 1;
        vector_add_map(process, va, window_frame(frame), rights_of(region), 0);
        COUNT(PAGES_PREFAULTED);
    }
}

// The page is known not to be mapped.
static void serve(struct process *process, const struct region *region, struct area *area,
                  uint64_t va, bool write, struct answer *answer) {
    struct page *page = area_page(area, va);
    bool fresh = page->frame == 0;
    uint32_t frame = page->frame;
    if (fresh && (frame = fault_bring(region, area, va)) == 0) {
        end_for_memory(process, "the swap area is full or cannot be read");
        return;
    }
    if (!fresh)
        COUNT(FAULTS_RECLAIMED);
    page_activate(process, area, va, frame);
    if (!page->touched)
        COUNT(PAGES_TOUCHED);
    page->touched = 1;
    evict_plan();
    vector_add_map(process, va, window_frame(frame), rights_of(region),
                   SHEAF_OP_ACCESSED | (write ? SHEAF_OP_DIRTY : 0));
    if (fresh)
        map_ahead(process, region, area, va);
    answer->send = true;
    process->faults++;
    COUNT(FAULTS_SERVED);
}

void fault_serve(struct process *process, const struct request *request, struct answer *answer) {
    if (request->label != SHEAF_LABEL_PAGE_FAULT) {
        end_for_exception(process, request);
        return;
    }
    uint64_t access = request->word[1], va = request->word[0] & ~(PAGE_BYTES - 1);
    const struct region *region = region_find(&process->regions, va);
    const char *why = refusal(region, access);
    if (why != NULL) {
        end_for_fault(process, request, why);
        return;
    }
    struct area *area = space_make_area(&process->space, va);
    if (area == NULL) {
        end_for_memory(process, "the pager has no memory left to note where pages are");
        return;
    }
    const struct page *page = area_page(area, va);
    if (page->frame != 0 && frames_get(page->frame)->state == FRAME_ACTIVE) {
        if ((access & SHEAF_FAULT_PERMISSION) != 0)
            end_for_fault(process, request, "its mapping does not allow it");
        else // another thread of the process was faster
            answer->send = true;
        return;
    }
    serve(process, region, area, va, (access & SHEAF_ACCESS_WRITE) != 0, answer);
}
