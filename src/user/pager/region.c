// SPDX-License-Identifier: BSD-2-Clause
// A sorted array: a process has some ten regions, looked up at each fault by halving.
#include "region.h"
#include <stdlib.h>
#include <string.h>

// Index of the first region that ends behind the address.
static size_t position(const struct region_list *list, uint64_t address) {
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->regions[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool region_add(struct region_list *list, const struct region *region) {
    size_t at = position(list, region->start);
    if (at < list->count && list->regions[at].start < region->end)
        return false;
    if (list->count == list->room) {
        size_t room = list->room * 2 + 8;
        struct region *larger = realloc(list->regions, room * sizeof *larger);
        if (larger == NULL)
            return false;
        list->regions = larger;
        list->room = room;
    }
    memmove(&list->regions[at + 1], &list->regions[at], (list->count - at) * sizeof *list->regions);
    list->regions[at] = *region;
    list->count++;
    return true;
}

struct region *region_find(const struct region_list *list, uint64_t address) {
    size_t at = position(list, address);
    if (at == list->count || list->regions[at].start > address)
        return NULL;
    return &list->regions[at];
}

// Unlike region_find also for a region of no length, as a heap is at first.
static size_t index_of(const struct region_list *list, uint64_t start) {
    for (size_t i = 0; i < list->count; i++)
        if (list->regions[i].start == start)
            return i;
    return list->count;
}

void region_remove(struct region_list *list, uint64_t start) {
    size_t at = index_of(list, start);
    if (at == list->count)
        return;
    list->count--;
    memmove(&list->regions[at], &list->regions[at + 1], (list->count - at) * sizeof *list->regions);
}

bool region_extend(struct region_list *list, uint64_t start, uint64_t end) {
    size_t at = index_of(list, start);
    if (at == list->count || end < list->regions[at].end ||
        (at + 1 < list->count && list->regions[at + 1].start < end))
        return false;
    list->regions[at].end = end;
    return true;
}

void region_clear(struct region_list *list) {
    free(list->regions);
    *list = (struct region_list){0};
}

bool region_fill(const struct region *region, uint64_t va, void *page) {
    uint64_t offset = va - region->start, bytes = 0;
    if (region->kind == REGION_FILE && offset < region->data_bytes) {
        bytes = region->data_bytes - offset;
        if (bytes > PAGE_BYTES)
            bytes = PAGE_BYTES;
        memcpy(page, region->data + offset, bytes);
    }
    memset((uint8_t *)page + bytes, 0, PAGE_BYTES - bytes);
    return bytes > 0;
}
