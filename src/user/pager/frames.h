// SPDX-License-Identifier: BSD-2-Clause
// The frame budget: every frame that programs' pages may be in, and in what order they go.
//
// A frame is in one of these states:
//
//   free      nothing in it
//   active    holds a page, mapped; a queue in the order of mapping
//   leaving   taken from the active queue; its UNMAP stands in the vector that runs next
//   inactive  holds a page, not mapped any more; a queue in the order of unmapping
//
// Without looking at accessed bits, the kernel's UNMAP with its report is the only way to learn
// whether a page is still in use. So a page is unmapped well before its frame is needed, and waits
// in the inactive queue: if it is used there, the fault only maps it again (no copy) and it is
// young once more. What reaches the old end of the inactive queue was not used for as long as the
// queue is. This is segmented first-in first-out replacement, which comes near to
// least-recently-used. A page that turns out never to have been accessed while it was mapped (it
// was mapped ahead of use) goes to the old end at once.
#ifndef SHEAF_PAGER_FRAMES_H
#define SHEAF_PAGER_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

struct process;

enum frame_state { FRAME_FREE, FRAME_ACTIVE, FRAME_LEAVING, FRAME_INACTIVE };

struct frame {
    struct process *owner; // of the page in it
    uint64_t va;
    uint32_t previous, next; // in its queue, 0: end
    enum frame_state state;
    bool dirty; // known to differ from what file or swap area would give back
};

// An instruction can need three pages at the same time: its own, and two for an access that crosses
// a page boundary. Beyond what the threads need to make progress there must be a frame to fill, one
// to unmap and two that wait in the inactive queue, and one that a start-up block occupies.
#define FRAMES_FOR_THREAD 3u
#define FRAMES_BESIDES 5u
#define FRAMES_MINIMUM (FRAMES_FOR_THREAD + FRAMES_BESIDES)

// Frame numbers are 1 to `count`. False without memory for the table.
bool frames_open(uint32_t count);
struct frame *frames_get(uint32_t number);
uint32_t frames_budget(void);
uint32_t frames_count(enum frame_state state);
// The oldest frame in that state, 0 if there is none.
uint32_t frames_oldest(enum frame_state state);
uint32_t frames_next_younger(uint32_t number);

// Moves a frame to another state: at the young end of its queue, or at the old one.
void frames_set(uint32_t number, enum frame_state state);
void frames_set_oldest(uint32_t number, enum frame_state state);

// Frames that should be free or inactive, and how many are unmapped at a time. A quarter of the
// budget is enough to tell used from unused pages; a batch costs one DSB, whatever its length.
uint32_t frames_reserve(void);
uint32_t frames_batch(void);

#endif
