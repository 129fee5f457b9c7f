// SPDX-License-Identifier: BSD-2-Clause
// The frame table with a queue for each state, doubly linked by number.
#include "frames.h"
#include <stdlib.h>

#define STATES 4
#define BATCH_MAXIMUM 16u

static struct {
    struct frame *frames; // [0] is not used
    uint32_t count;
    struct {
        uint32_t oldest, youngest, count;
    } queue[STATES];
} table;

static void unlink_frame(uint32_t number) {
    struct frame *frame = &table.frames[number];
    if (frame->previous != 0)
        table.frames[frame->previous].next = frame->next;
    else
        table.queue[frame->state].oldest = frame->next;
    if (frame->next != 0)
        table.frames[frame->next].previous = frame->previous;
    else
        table.queue[frame->state].youngest = frame->previous;
    table.queue[frame->state].count--;
}

static void link_youngest(uint32_t number, enum frame_state state) {
    struct frame *frame = &table.frames[number];
    frame->state = state;
    frame->previous = table.queue[state].youngest;
    frame->next = 0;
    if (frame->previous != 0)
        table.frames[frame->previous].next = number;
    else
        table.queue[state].oldest = number;
    table.queue[state].youngest = number;
    table.queue[state].count++;
}

static void link_oldest(uint32_t number, enum frame_state state) {
    struct frame *frame = &table.frames[number];
    frame->state = state;
    frame->next = table.queue[state].oldest;
    frame->previous = 0;
    if (frame->next != 0)
        table.frames[frame->next].previous = number;
    else
        table.queue[state].youngest = number;
    table.queue[state].oldest = number;
    table.queue[state].count++;
}

bool frames_open(uint32_t count) {
    table.frames = calloc((size_t)count + 1, sizeof *table.frames);
    if (table.frames == NULL)
        return false;
    table.count = count;
    for (unsigned i = 0; i < STATES; i++)
        table.queue[i].oldest = table.queue[i].youngest = table.queue[i].count = 0;
    for (uint32_t number = 1; number <= count; number++)
        link_youngest(number, FRAME_FREE);
    return true;
}

struct frame *frames_get(uint32_t number) { return &table.frames[number]; }

uint32_t frames_budget(void) { return table.count; }

uint32_t frames_count(enum frame_state state) { return table.queue[state].count; }

uint32_t frames_oldest(enum frame_state state) { return table.queue[state].oldest; }

uint32_t frames_next_younger(uint32_t number) { return table.frames[number].next; }

void frames_set(uint32_t number, enum frame_state state) {
    unlink_frame(number);
    link_youngest(number, state);
}

void frames_set_oldest(uint32_t number, enum frame_state state) {
    unlink_frame(number);
    link_oldest(number, state);
}

uint32_t frames_reserve(void) {
    uint32_t reserve = table.count / 4;
    return reserve > 2 ? reserve : 2;
}

uint32_t frames_batch(void) {
    uint32_t batch = table.count / 16;
    return batch < 1 ? 1 : batch > BATCH_MAXIMUM ? BATCH_MAXIMUM : batch;
}
