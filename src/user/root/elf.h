// SPDX-License-Identifier: BSD-2-Clause
// Reader of programs: which bytes of the file go where. Reads inside the file only.
#ifndef SHEAF_ELF_H
#define SHEAF_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENTS 8 // a program with more is refused

struct elf_segment {
    uint64_t va;           // page-aligned
    uint64_t memory_bytes; // not 0; behind data_bytes they are zero
    const uint8_t *data;
    uint64_t data_bytes;
    bool write, execute;
};

struct elf {
    uint64_t entry;
    unsigned count;
    struct elf_segment segment[ELF_SEGMENTS]; // ascending, on pages of their own
};

// NULL when it is a program that can be loaded below `limit`, else what is wrong with it. Required:
// a static ELF64 executable for AArch64, little-endian, page-aligned segments on separate pages,
// none writable and executable, the entry in an executable one.
const char *elf_read(const uint8_t *file, size_t bytes, uint64_t limit, struct elf *elf);

#endif
