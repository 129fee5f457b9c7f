// SPDX-License-Identifier: BSD-2-Clause
// Readers for cpio (newc) and ELF, for the one program that the kernel itself starts.
#include "boot_image.h"

// ---- cpio: a header of ASCII hex fields, the name, the file, both padded to 4 bytes

#define CPIO_MAGIC "070701"
#define CPIO_HEADER 110u
#define CPIO_MODE 14u // offset of the field
#define CPIO_FILE_SIZE 54u
#define CPIO_NAME_SIZE 94u
#define CPIO_TYPE_MASK 0170000u
#define CPIO_REGULAR 0100000u

static bool same(const uint8_t *bytes, const char *text, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        if (bytes[i] != (uint8_t)text[i]) {
            return false;
        }
    }
    return true;
}

static bool hex_field(const uint8_t *at, uint64_t *out) {
    *out = 0;
    for (unsigned i = 0; i < 8; i++) {
        unsigned c = at[i] | 0x20u; // lower case; digits have the bit already
        unsigned digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
        if (digit == 16) {
            return false;
        }
        *out = *out << 4 | digit;
    }
    return true;
}

static uint64_t text_length(const char *text) {
    uint64_t length = 0;
    while (text[length] != 0) {
        length++;
    }
    return length;
}

static bool is_name(const uint8_t *at, uint64_t bytes, const char *name) {
    uint64_t length = text_length(name) + 1; // its zero too
    return bytes == length && same(at, name, length);
}

struct boot_bytes cpio_find(struct boot_bytes archive, const char *name, const char **problem) {
    const struct boot_bytes nothing = {NULL, 0};
    uint64_t at = 0, mode, name_size, file_size;
    *problem = "the RAM disk is cut off";
    while (at <= archive.bytes && archive.bytes - at >= CPIO_HEADER) {
        const uint8_t *header = archive.start + at;
        if (!same(header, CPIO_MAGIC, sizeof(CPIO_MAGIC) - 1) ||
            !hex_field(header + CPIO_MODE, &mode) ||
            !hex_field(header + CPIO_NAME_SIZE, &name_size) ||
            !hex_field(header + CPIO_FILE_SIZE, &file_size)) {
            *problem = "the RAM disk is not a cpio archive (newc)";
            return nothing;
        }
        uint64_t file = ALIGN_UP(CPIO_HEADER + name_size, 4); // 32-bit fields: no overflow
        if (file > archive.bytes - at || file_size > archive.bytes - at - file) {
            return nothing;
        }
        if (is_name(header + CPIO_HEADER, name_size, "TRAILER!!!")) {
            *problem = "the RAM disk has no program `init`";
            return nothing;
        }
        if (is_name(header + CPIO_HEADER, name_size, name) &&
            (mode & CPIO_TYPE_MASK) == CPIO_REGULAR) {
            return (struct boot_bytes){header + file, file_size};
        }
        at += file + ALIGN_UP(file_size, 4);
    }
    return nothing;
}

// ---- ELF. Fields are copied out byte by byte: the file lies anywhere in the archive.

#define ELF_HEADER 64u
#define ELF_PROGRAM_HEADER 56u
#define ELF_LOAD 1u
#define ELF_EXECUTE 1u
#define ELF_WRITE 2u
#define USER_END (UINT64_C(1) << 47) // far below what the first program's other parts occupy

static uint64_t little_endian(const uint8_t *at, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

static const char *read_segment(struct boot_bytes file, const uint8_t *header,
                                struct boot_segment *segment) {
    uint64_t flags = little_endian(header + 4, 4), offset = little_endian(header + 8, 8);
    segment->va = little_endian(header + 16, 8);
    segment->file_bytes = little_endian(header + 32, 8);
    segment->memory_bytes = little_endian(header + 40, 8);
    segment->write = (flags & ELF_WRITE) != 0;
    segment->execute = (flags & ELF_EXECUTE) != 0;
    if (offset > file.bytes || segment->file_bytes > file.bytes - offset ||
        segment->file_bytes > segment->memory_bytes) {
        return "a segment of `init` lies outside of its file";
    }
    if (segment->va < PAGE_BYTES || segment->va >= USER_END ||
        segment->memory_bytes > USER_END - segment->va) {
        return "a segment of `init` lies outside of the user half, or in page 0";
    }
    if (segment->write && segment->execute) {
        return "a segment of `init` is writable and executable";
    }
    segment->file = file.start + offset;
    return NULL;
}

const char *elf_read(struct boot_bytes file, struct boot_program *program) {
    if (file.bytes < ELF_HEADER || !same(file.start, "\177ELF\2\1\1", 7)) {
        return "`init` is not a 64-bit little-endian ELF file";
    }
    uint64_t table = little_endian(file.start + 32, 8);
    uint64_t size = little_endian(file.start + 54, 2), count = little_endian(file.start + 56, 2);
    program->entry = little_endian(file.start + 24, 8);
    program->segments = 0;
    if (size != ELF_PROGRAM_HEADER || table > file.bytes || count > (file.bytes - table) / size) {
        return "the program headers of `init` lie outside of its file";
    }
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *header = file.start + table + i * size;
        if (little_endian(header, 4) != ELF_LOAD || little_endian(header + 40, 8) == 0) {
            continue;
        }
        if (program->segments == BOOT_SEGMENTS) {
            return "`init` has more than 8 segments";
        }
        const char *problem = read_segment(file, header, &program->segment[program->segments++]);
        if (problem != NULL) {
            return problem;
        }
    }
    return program->segments == 0 ? "`init` has nothing to load" : NULL;
}
