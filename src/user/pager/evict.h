// SPDX-License-Identifier: BSD-2-Clause
// Making room: which pages are unmapped, and which frames are used again.
#ifndef SHEAF_PAGER_EVICT_H
#define SHEAF_PAGER_EVICT_H

#include "process.h"

// A frame with nothing in it, 0 when no page can go (the swap area is full of pages that only it
// and frames hold). Writes a dirty page to the swap area before its frame is used again; unmaps
// pages by a gather of its own when no unmapped ones are left.
uint32_t evict_take_frame(void);
// The same without a gather: 0 when it would need one.
uint32_t evict_take_frame_at_hand(void);
// Puts the unmapping of a batch into the vector when few frames are free or inactive.
void evict_plan(void);
// What the kernel reported for an UNMAP of the vector.
void evict_reported(struct process *process, uint64_t va, uint32_t pages, const uint8_t *report);

// A page gets a frame: young, and to be mapped by the vector. Its contents are there.
void page_activate(struct process *process, struct area *area, uint64_t va, uint32_t frame);
// A page gives up frame and place in the swap area; its contents are lost.
void page_drop(struct process *process, struct page *page);

#endif
