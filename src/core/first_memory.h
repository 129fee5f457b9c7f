// SPDX-License-Identifier: BSD-2-Clause
// Memory while the first program is made: taken from the free ranges, the rest cut into pieces.
#ifndef FIRST_MEMORY_H
#define FIRST_MEMORY_H

#include <core.h>
#include <sheaf/bootinfo.h>

void first_memory_init(const struct core_boot *boot);
// Zeroed; `bytes` is also the alignment, a power of two of at least a page. Panics if there is
// none.
paddr_t first_memory_take(uint64_t bytes);
uint64_t first_memory_taken(void); // bytes so far

struct boot_piece {
    uint64_t address;
    unsigned size_bits;
};

// Cuts [start, end) off into the largest naturally aligned power of two at its start, at most
// 2^most_bits. Page-aligned; start < end.
struct boot_piece boot_piece_first(uint64_t start, uint64_t end, unsigned most_bits);

// Everything that is left, as pieces, ascending. When there are more than `room`, the smallest are
// left out: their number and bytes are in *left_out and *bytes_left_out.
unsigned first_memory_rest(struct boot_piece *pieces, unsigned room, unsigned *left_out,
                           uint64_t *bytes_left_out);

#endif
