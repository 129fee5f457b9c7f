// SPDX-License-Identifier: BSD-2-Clause
// Sets of physical memory ranges. See ranges.h.
#include "ranges.h"

static uint64_t range_end(const struct memory_range *range) {
    return range->start.v + range->bytes;
}

static void delete_at(struct ranges *set, unsigned index) {
    set->count--;
    for (unsigned i = index; i < set->count; i++) {
        set->range[i] = set->range[i + 1];
    }
}

// The caller has checked that there is room.
static void insert_at(struct ranges *set, unsigned index, uint64_t start, uint64_t end) {
    for (unsigned i = set->count; i > index; i--) {
        set->range[i] = set->range[i - 1];
    }
    set->range[index] = (struct memory_range){PADDR(start), end - start};
    set->count++;
}

bool ranges_add(struct ranges *set, uint64_t start, uint64_t end) {
    if (start >= end) {
        return true;
    }
    unsigned index = 0;
    while (index < set->count && range_end(&set->range[index]) < start) {
        index++;
    }
    if (set->count == RANGES_MAX && (index == set->count || set->range[index].start.v > end)) {
        return false; // it touches none, and there is no room for one more
    }
    // Whatever it touches becomes part of it.
    while (index < set->count && set->range[index].start.v <= end) {
        start = MIN(start, set->range[index].start.v);
        end = MAX(end, range_end(&set->range[index]));
        delete_at(set, index);
    }
    insert_at(set, index, start, end);
    return true;
}

bool ranges_remove(struct ranges *set, uint64_t start, uint64_t end) {
    if (start >= end) {
        return true;
    }
    unsigned index = 0;
    while (index < set->count) {
        struct memory_range *range = &set->range[index];
        uint64_t range_start = range->start.v, old_end = range_end(range);
        if (old_end <= start || range_start >= end) {
            index++;
            continue;
        }
        if (range_start < start && old_end > end) { // a hole in the middle: only this one
            if (set->count == RANGES_MAX) {
                return false;
            }
            range->bytes = start - range_start;
            insert_at(set, index + 1, end, old_end);
            return true;
        }
        if (range_start < start) {
            range->bytes = start - range_start;
            index++;
        } else if (old_end > end) {
            *range = (struct memory_range){PADDR(end), old_end - end};
            index++;
        } else {
            delete_at(set, index);
        }
    }
    return true;
}

uint64_t ranges_keep_largest(struct ranges *set, unsigned room) {
    uint64_t lost = 0;
    while (set->count > room) {
        unsigned smallest = 0;
        for (unsigned i = 1; i < set->count; i++) {
            if (set->range[i].bytes < set->range[smallest].bytes) {
                smallest = i;
            }
        }
        lost += set->range[smallest].bytes;
        delete_at(set, smallest);
    }
    return lost;
}

uint64_t ranges_bytes(const struct ranges *set) {
    uint64_t bytes = 0;
    for (unsigned i = 0; i < set->count; i++) {
        bytes += set->range[i].bytes;
    }
    return bytes;
}

bool ranges_contain(const struct ranges *set, uint64_t start, uint64_t end) {
    for (unsigned i = 0; i < set->count; i++) {
        if (set->range[i].start.v <= start && end <= range_end(&set->range[i])) {
            return true;
        }
    }
    return false;
}

bool ranges_find(const struct ranges *set, uint64_t from, uint64_t bytes, uint64_t alignment,
                 uint64_t *start) {
    for (unsigned i = 0; i < set->count; i++) {
        uint64_t end = range_end(&set->range[i]);
        uint64_t candidate = ALIGN_UP(MAX(from, set->range[i].start.v), alignment);
        if (candidate < end && end - candidate >= bytes) {
            *start = candidate;
            return true;
        }
    }
    return false;
}
