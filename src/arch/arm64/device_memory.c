// SPDX-License-Identifier: BSD-2-Clause
// Device memory. See device_memory.h.
#include "device_memory.h"

// Page by page: what has a byte in it goes. Nothing of the set lies at or above `limit`.
static bool cut_out(struct ranges *set, uint64_t limit, uint64_t start, uint64_t bytes) {
    uint64_t end = MIN(start + bytes, limit); // aligned below, it may not wrap
    return ranges_remove(set, ALIGN_DOWN(start, PAGE_BYTES), ALIGN_UP(end, PAGE_BYTES));
}

bool device_memory_find(const struct board *board, const struct ranges *kernel,
                        unsigned physical_bits, struct ranges *device) {
    const uint64_t limit = BIT(physical_bits);
    device->count = 0;
    bool fits = ranges_add(device, 0, limit);
    for (uint32_t i = 0; i < board->memory_count; i++) {
        fits = fits && cut_out(device, limit, board->memory[i].base.v, board->memory[i].size);
    }
    for (uint32_t i = 0; i < board->reserved_count; i++) {
        const struct board_range *range = &board->reserved[i].range;
        fits = fits && cut_out(device, limit, range->base.v, range->size);
    }
    for (unsigned i = 0; i < kernel->count; i++) {
        fits = fits && cut_out(device, limit, kernel->range[i].start.v, kernel->range[i].bytes);
    }
    return fits;
}
