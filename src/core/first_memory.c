// SPDX-License-Identifier: BSD-2-Clause
// Memory while the first program is made.
//
// What is taken comes from the smallest free range that has room, so that the large ranges stay
// whole and the rest makes few pieces.
#include "first_memory.h"

#include <arch.h>
#include <port.h>

#define RANGES 128

static struct {
    struct memory_range range[RANGES];
    unsigned count;
    uint64_t taken;
} memory;

static uint64_t end_of(const struct memory_range *range) { return range->start.v + range->bytes; }

static void insert(unsigned at, uint64_t start, uint64_t end) {
    if (start == end) {
        return;
    }
    if (memory.count == RANGES) {
        panic("boot: free memory lies in more than %d ranges", RANGES);
    }
    for (unsigned i = memory.count++; i > at; i--) {
        memory.range[i] = memory.range[i - 1];
    }
    memory.range[at] = (struct memory_range){PADDR(start), end - start};
}

void first_memory_init(const struct core_boot *boot) {
    memory.count = 0;
    memory.taken = 0;
    for (unsigned i = 0; i < boot->free_count; i++) {
        insert(memory.count, boot->free[i].start.v, end_of(&boot->free[i]));
    }
}

static bool fits(const struct memory_range *range, uint64_t bytes) {
    uint64_t start = ALIGN_UP(range->start.v, bytes);
    return start < end_of(range) && end_of(range) - start >= bytes;
}

paddr_t first_memory_take(uint64_t bytes) {
    unsigned best = RANGES;
    for (unsigned i = 0; i < memory.count; i++) {
        if (fits(&memory.range[i], bytes) &&
            (best == RANGES || memory.range[i].bytes < memory.range[best].bytes)) {
            best = i;
        }
    }
    if (best == RANGES) {
        panic("boot: no %lu KiB of memory in one piece are free for the first program",
              (unsigned long)(bytes >> 10));
    }
    struct memory_range range = memory.range[best];
    uint64_t start = ALIGN_UP(range.start.v, bytes);
    for (unsigned i = best + 1; i < memory.count; i++) {
        memory.range[i - 1] = memory.range[i];
    }
    memory.count--;
    insert(best, start + bytes, end_of(&range));
    insert(best, range.start.v, start);
    memory.taken += bytes;
    port_note(PORT_EVENT_FRAME_RELEASED, start, bytes);
    arch_zero(port_kernel_address(PADDR(start)), bytes);
    return PADDR(start);
}

uint64_t first_memory_taken(void) { return memory.taken; }

struct boot_piece boot_piece_first(uint64_t start, uint64_t end, unsigned most_bits) {
    unsigned bits = most_bits;
    while (!IS_ALIGNED(start, BIT(bits)) || end - start < BIT(bits)) {
        bits--;
    }
    return (struct boot_piece){start, bits};
}

static unsigned smallest(const struct boot_piece *pieces, unsigned count) {
    unsigned least = 0;
    for (unsigned i = 1; i < count; i++) {
        if (pieces[i].size_bits < pieces[least].size_bits) {
            least = i;
        }
    }
    return least;
}

unsigned first_memory_rest(struct boot_piece *pieces, unsigned room, unsigned *left_out,
                           uint64_t *bytes_left_out) {
    unsigned count = 0;
    *left_out = 0;
    *bytes_left_out = 0;
    for (unsigned i = 0; i < memory.count; i++) {
        uint64_t at = memory.range[i].start.v, end = end_of(&memory.range[i]);
        while (at < end) {
            struct boot_piece piece = boot_piece_first(at, end, SHEAF_UNTYPED_MAX_BITS);
            at += BIT(piece.size_bits);
            if (count == room) {
                unsigned least = smallest(pieces, count);
                struct boot_piece out = piece;
                if (pieces[least].size_bits < piece.size_bits) {
                    out = pieces[least];
                    for (unsigned j = least + 1; j < count; j++) {
                        pieces[j - 1] = pieces[j];
                    }
                    pieces[count - 1] = piece;
                }
                *left_out += 1;
                *bytes_left_out += BIT(out.size_bits);
            } else {
                pieces[count++] = piece;
            }
        }
    }
    return count;
}
