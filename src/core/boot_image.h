// SPDX-License-Identifier: BSD-2-Clause
// The boot image: a file in the RAM disk (cpio, newc), and a program in a file (ELF, 64 bit).
//
// Both readers check every number against the bytes they were given before they use it.
#ifndef BOOT_IMAGE_H
#define BOOT_IMAGE_H

#include <base.h>

struct boot_bytes {
    const uint8_t *start; // NULL: not found
    uint64_t bytes;
};

// The regular file called `name`. On failure *problem says why.
struct boot_bytes cpio_find(struct boot_bytes archive, const char *name, const char **problem);

struct boot_segment {
    uint64_t va, memory_bytes; // in memory; file_bytes of them come from the file, the rest is zero
    const uint8_t *file;
    uint64_t file_bytes;
    bool write, execute;
};

#define BOOT_SEGMENTS 8

struct boot_program {
    uint64_t entry;
    unsigned segments;
    struct boot_segment segment[BOOT_SEGMENTS];
};

// NULL, or what is wrong with it.
const char *elf_read(struct boot_bytes file, struct boot_program *program);

#endif
