// SPDX-License-Identifier: BSD-2-Clause
// A sorted array of areas.
#include "space.h"
#include <stdlib.h>
#include <string.h>

static size_t position(const struct space *space, uint64_t start) {
    size_t low = 0, high = space->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (space->areas[middle]->start < start)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct area *space_area(struct space *space, uint64_t va) {
    uint64_t start = va & ~(AREA_BYTES - 1);
    if (space->last != NULL && space->last->start == start)
        return space->last;
    size_t at = position(space, start);
    if (at == space->count || space->areas[at]->start != start)
        return NULL;
    return space->last = space->areas[at];
}

struct area *space_make_area(struct space *space, uint64_t va) {
    uint64_t start = va & ~(AREA_BYTES - 1);
    struct area *area = space_area(space, va);
    if (area != NULL)
        return area;
    if (space->count == space->room) {
        size_t room = space->room * 2 + 8;
        struct area **larger = realloc(space->areas, room * sizeof *larger);
        if (larger == NULL)
            return NULL;
        space->areas = larger;
        space->room = room;
    }
    area = calloc(1, sizeof *area);
    if (area == NULL)
        return NULL;
    area->start = start;
    size_t at = position(space, start);
    memmove(&space->areas[at + 1], &space->areas[at], (space->count - at) * sizeof *space->areas);
    space->areas[at] = area;
    space->count++;
    return space->last = area;
}

void space_clear(struct space *space) {
    for (size_t i = 0; i < space->count; i++)
        free(space->areas[i]);
    free(space->areas);
    *space = (struct space){0};
}
