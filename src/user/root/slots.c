// SPDX-License-Identifier: BSD-2-Clause
// A boundary that sinks, and a stack of single slots that came back above it.
#include "slots.h"
#include <stdlib.h>

static struct {
    uint64_t first, boundary; // [first, boundary) was never taken
    sheaf_cptr *returned;
    size_t returned_count, returned_room;
} slots;

void slots_init(uint64_t first, uint64_t end) {
    slots.first = first;
    slots.boundary = end;
}

sheaf_cptr slots_take(uint64_t count) {
    if (count == 1 && slots.returned_count > 0)
        return slots.returned[--slots.returned_count];
    if (count == 0 || slots.boundary - slots.first < count)
        return 0;
    slots.boundary -= count;
    return slots.boundary;
}

void slots_give(sheaf_cptr slot) {
    if (slots.returned_count == slots.returned_room) {
        // malloc may itself take slots meanwhile, for more heap, but gives none back.
        size_t room = slots.returned_room * 2 + 64;
        sheaf_cptr *larger = malloc(room * sizeof *larger);
        if (larger == NULL)
            return; // this slot stays unused
        for (size_t i = 0; i < slots.returned_count; i++)
            larger[i] = slots.returned[i];
        free(slots.returned);
        slots.returned = larger;
        slots.returned_room = room;
    }
    slots.returned[slots.returned_count++] = slot;
}

void slots_delete(sheaf_cptr slot) {
    if (sheaf_delete(SHEAF_BOOT_SLOT_CNODE, slot) == SHEAF_OK)
        slots_give(slot);
}
