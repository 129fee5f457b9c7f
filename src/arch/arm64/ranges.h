// SPDX-License-Identifier: BSD-2-Clause
// Sets of physical memory ranges: adding, cutting out, searching. Pure.
#ifndef ARCH_RANGES_H
#define ARCH_RANGES_H

#include <core.h>

// Banks (16) and one more for each range cut out (48 reserved, image, RAM disk, device tree,
// tables) fit.
#define RANGES_MAX 96

struct ranges {
    unsigned count;
    struct memory_range range[RANGES_MAX]; // ascending, apart from each other
};

// Both widen or narrow nothing: the caller aligns. False, and the set unchanged, if it is full.
bool ranges_add(struct ranges *set, uint64_t start, uint64_t end);
bool ranges_remove(struct ranges *set, uint64_t start, uint64_t end);

// Gives up the smallest ranges until at most `room` are left. Returns the bytes given up.
uint64_t ranges_keep_largest(struct ranges *set, unsigned room);

uint64_t ranges_bytes(const struct ranges *set);
bool ranges_contain(const struct ranges *set, uint64_t start, uint64_t end);
// The lowest aligned place for `bytes` at or after `from`; false if there is none.
bool ranges_find(const struct ranges *set, uint64_t from, uint64_t bytes, uint64_t alignment,
                 uint64_t *start);

#endif
