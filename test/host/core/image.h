// SPDX-License-Identifier: BSD-2-Clause
// The boot image of the host tests, and its parts, to be spoilt by the tests of boot.
#ifndef IMAGE_H
#define IMAGE_H

#include <stddef.h>
#include <stdint.h>

#define IMAGE_ENTRY UINT64_C(0x400010)
#define IMAGE_TEXT UINT64_C(0x400000) // readable, executable
#define IMAGE_TEXT_OFFSET 0x200u
#define IMAGE_TEXT_BYTES 5000u
#define IMAGE_DATA UINT64_C(0x410800) // readable, writable, begins inside a page
#define IMAGE_DATA_OFFSET 0x1800u
#define IMAGE_DATA_BYTES 100u
#define IMAGE_DATA_MEMORY_BYTES 9000u
#define IMAGE_PROGRAM_BYTES 0x1900u
#define IMAGE_TEXT_BYTE(i) ((uint8_t)((i) * 7 + 1))
#define IMAGE_DATA_BYTE(i) ((uint8_t)((i) * 3 + 2))
#define IMAGE_ROOM 0x4000u

void put_le(uint8_t *at, uint64_t value, unsigned bytes);
void image_program(uint8_t *elf); // IMAGE_PROGRAM_BYTES
// `elf` NULL: without the program. Returns the bytes used.
size_t image_archive(uint8_t *archive, size_t room, const uint8_t *elf, size_t elf_bytes);

#endif
