// SPDX-License-Identifier: BSD-2-Clause
// A small boot image: a cpio archive (newc) with a directory, the program `init` and another file.
#include "image.h"
#include <base.h>
#include <stdio.h>
#include <string.h>

struct writer {
    uint8_t *at;
    size_t used, room;
};

static void put(struct writer *writer, const void *bytes, size_t count) {
    if (writer->used + count <= writer->room && bytes != NULL)
        memcpy(writer->at + writer->used, bytes, count);
    else if (writer->used + count <= writer->room)
        memset(writer->at + writer->used, 0, count);
    writer->used += count;
}

static void pad(struct writer *writer) { put(writer, NULL, (4 - writer->used % 4) % 4); }

static void put_file(struct writer *writer, const char *name, unsigned mode, const void *bytes,
                     size_t count) {
    char header[128];
    snprintf(header, sizeof(header), "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
             1u, mode, 0u, 0u, 1u, 0u, (unsigned)count, 0u, 0u, 0u, 0u, (unsigned)strlen(name) + 1,
             0u);
    put(writer, header, 110);
    put(writer, name, strlen(name) + 1);
    pad(writer);
    put(writer, bytes, count);
    pad(writer);
}

void put_le(uint8_t *at, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void put_segment(uint8_t *elf, unsigned i, unsigned type, unsigned flags, uint64_t offset,
                        uint64_t va, uint64_t file_bytes, uint64_t memory_bytes) {
    uint8_t *header = elf + 64 + 56 * i;
    put_le(header, type, 4);
    put_le(header + 4, flags, 4);
    put_le(header + 8, offset, 8);
    put_le(header + 16, va, 8);
    put_le(header + 24, va, 8);
    put_le(header + 32, file_bytes, 8);
    put_le(header + 40, memory_bytes, 8);
    put_le(header + 48, 4096, 8);
}

void image_program(uint8_t *elf) {
    memset(elf, 0, IMAGE_PROGRAM_BYTES);
    put_le(elf, UINT64_C(0x010102464c457f), 7); // 0x7f, ELF, 64 bit, little-endian, version 1
    put_le(elf + 16, 2, 2);
    put_le(elf + 24, IMAGE_ENTRY, 8);
    put_le(elf + 32, 64, 8);
    put_le(elf + 54, 56, 2);
    put_le(elf + 56, 3, 2);
    put_segment(elf, 0, 1, 5, IMAGE_TEXT_OFFSET, IMAGE_TEXT, IMAGE_TEXT_BYTES, IMAGE_TEXT_BYTES);
    put_segment(elf, 1, 1, 6, IMAGE_DATA_OFFSET, IMAGE_DATA, IMAGE_DATA_BYTES,
                IMAGE_DATA_MEMORY_BYTES);
    put_segment(elf, 2, 0x6474e551, 6, 0, 0, 0, 0); // a note for linkers: not loaded
    for (unsigned i = 0; i < IMAGE_TEXT_BYTES; i++)
        elf[IMAGE_TEXT_OFFSET + i] = IMAGE_TEXT_BYTE(i);
    for (unsigned i = 0; i < IMAGE_DATA_BYTES; i++)
        elf[IMAGE_DATA_OFFSET + i] = IMAGE_DATA_BYTE(i);
}

size_t image_archive(uint8_t *archive, size_t room, const uint8_t *elf, size_t elf_bytes) {
    struct writer writer = {archive, 0, room};
    put_file(&writer, "init", 040755, NULL, 0); // a directory of that name is not the program
    if (elf != NULL)
        put_file(&writer, "init", 0100755, elf, elf_bytes);
    put_file(&writer, "other", 0100644, "x\n", 2);
    put_file(&writer, "TRAILER!!!", 0, NULL, 0);
    if (writer.used > room)
        panic("image: no room");
    return writer.used;
}
