// SPDX-License-Identifier: BSD-2-Clause
// frames.h has the policy; here is how a page leaves. When the last mapped page of an area of 2 MiB
// goes, the UNMAP covers the whole area, so that the kernel frees the empty table with it.
#include "evict.h"
#include "frames.h"
#include "statistics.h"
#include "vector.h"
#include "window.h"

static struct page *page_in(const struct frame *frame) {
    return area_page(space_area(&frame->owner->space, frame->va), frame->va);
}

// Empties an inactive frame. False when its page is dirty and cannot be written.
static bool evict_page(uint32_t number) {
    struct frame *frame = frames_get(number);
    struct page *page = page_in(frame);
    if (frame->dirty) {
        swap_slot slot = page->slot;
        if (swap_write(&slot, window_page(number)) != STORE_OK)
            return false;
        if (page->slot == 0)
            frame->owner->swapped++;
        page->slot = slot & 0x7fffffff;
        frame->dirty = false;
        COUNT(EVICTED_DIRTY);
    } else {
        COUNT(EVICTED_CLEAN);
    }
    page->frame = 0;
    frame->owner->resident--;
    frame->owner = NULL;
    frames_set(number, FRAME_FREE);
    return true;
}

uint32_t evict_take_frame_at_hand(void) {
    uint32_t number = frames_oldest(FRAME_FREE);
    if (number != 0)
        return number;
    for (number = frames_oldest(FRAME_INACTIVE); number != 0;) {
        uint32_t younger = frames_next_younger(number);
        if (evict_page(number))
            return number;
        number = younger; // a clean one behind it can still go
    }
    return 0;
}

// ---- Unmapping a batch

struct victim {
    struct process *process;
    uint64_t va;
};

static bool comes_before(const struct victim *a, const struct victim *b) {
    if (a->process != b->process)
        return a->process->number < b->process->number;
    return a->va < b->va;
}

// Takes the oldest active frames from their queue; answers how many, sorted by place.
static unsigned choose(struct victim *victims, unsigned wanted) {
    unsigned count = 0;
    while (count < wanted && frames_oldest(FRAME_ACTIVE) != 0) {
        uint32_t number = frames_oldest(FRAME_ACTIVE);
        const struct frame *frame = frames_get(number);
        const struct victim victim = {frame->owner, frame->va};
        frames_set(number, FRAME_LEAVING);
        space_area(&victim.process->space, victim.va)->mapped--;
        unsigned at = count++;
        for (; at > 0 && comes_before(&victim, &victims[at - 1]); at--)
            victims[at] = victims[at - 1];
        victims[at] = victim;
    }
    return count;
}

// Adds the operations for the victims of one area, victims[0] to victims[count - 1].
static void unmap_in_area(const struct victim *victims, unsigned count) {
    struct process *process = victims->process;
    struct area *area = space_area(&process->space, victims->va);
    if (area->mapped == 0 && vector_has_room(AREA_PAGES)) {
        vector_add_unmap(process, area->start, AREA_PAGES);
        return;
    }
    for (unsigned first = 0; first < count;) {
        unsigned end = first + 1;
        while (end < count && victims[end].va == victims[end - 1].va + PAGE_BYTES)
            end++;
        vector_add_unmap(process, victims[first].va, end - first);
        first = end;
    }
}

static void plan_batch(void) {
    struct victim victims[16];
    unsigned batch = frames_batch();
    unsigned count = choose(victims, batch < 16 ? batch : 16);
    for (unsigned first = 0; first < count;) {
        unsigned end = first + 1;
        while (end < count && victims[end].process == victims[first].process &&
               victims[end].va / AREA_BYTES == victims[first].va / AREA_BYTES)
            end++;
        unmap_in_area(&victims[first], end - first);
        first = end;
    }
}

void evict_plan(void) {
    uint32_t at_hand = frames_count(FRAME_FREE) + frames_count(FRAME_INACTIVE);
    if (at_hand < frames_reserve() && vector_is_empty())
        plan_batch();
}

uint32_t evict_take_frame(void) {
    uint32_t number;
    while ((number = evict_take_frame_at_hand()) == 0) {
        if (frames_count(FRAME_ACTIVE) == 0)
            return 0;
        plan_batch();
        vector_run();
    }
    return number;
}

// What the two bits of a page that left say. A page that was mapped ahead for nothing halves how
// far the process's files are mapped ahead.
static void take_report(struct process *process, struct page *page, unsigned bits) {
    COUNT(PAGES_UNMAPPED);
    if ((bits & SHEAF_REPORT_DIRTY) != 0)
        frames_get(page->frame)->dirty = true;
    if ((bits & SHEAF_REPORT_ACCESSED) == 0) {
        if (page->ahead)
            process->ahead /= 2;
        frames_set_oldest(page->frame, FRAME_INACTIVE);
    } else {
        if (!page->touched)
            COUNT(PAGES_TOUCHED);
        page->touched = 1;
        frames_set(page->frame, FRAME_INACTIVE);
    }
    page->ahead = 0;
}

void evict_reported(struct process *process, uint64_t va, uint32_t pages, const uint8_t *report) {
    struct area *area = space_area(&process->space, va);
    for (uint32_t i = 0; i < pages; i++) {
        struct page *page = area_page(area, va + i * PAGE_BYTES);
        struct frame *frame = frames_get(page->frame);
        if (page->frame == 0 || frame->state != FRAME_LEAVING)
            continue; // not mapped: the operation covers the whole area
        take_report(process, page, report[i / 4] >> (i % 4 * 2) & 3);
    }
}

// ---- Pages

void page_activate(struct process *process, struct area *area, uint64_t va, uint32_t frame) {
    struct page *page = area_page(area, va);
    if (page->frame == 0) {
        page->frame = frame & 0x7fffffff;
        process->resident++;
        frames_get(frame)->owner = process;
        frames_get(frame)->va = va;
        frames_get(frame)->dirty = false;
    }
    frames_set(frame, FRAME_ACTIVE);
    area->mapped++;
}

void page_drop(struct process *process, struct page *page) {
    if (page->frame != 0) {
        struct frame *frame = frames_get(page->frame);
        frame->owner = NULL;
        frame->dirty = false;
        frames_set(page->frame, FRAME_FREE);
        process->resident--;
    }
    if (page->slot != 0) {
        swap_free(page->slot);
        process->swapped--;
    }
    *page = (struct page){0};
}
