// SPDX-License-Identifier: BSD-2-Clause
// The file may lie at any address (a cpio archive aligns to 4 bytes), so headers are copied out.
#include "elf.h"
#include <string.h>

#define PAGE UINT64_C(4096)
#define TYPE_EXECUTABLE 2
#define MACHINE_AARCH64 183
#define SEGMENT_LOAD 1
#define SEGMENT_EXECUTE 1u
#define SEGMENT_WRITE 2u

struct file_header {
    uint8_t identity[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_offset, section_offset;
    uint32_t flags;
    uint16_t header_bytes, program_entry_bytes, program_count;
    uint16_t section_entry_bytes, section_count, section_names;
};
_Static_assert(sizeof(struct file_header) == 64, "ELF64 file header");

struct program_header {
    uint32_t type, flags;
    uint64_t offset, va, physical, data_bytes, memory_bytes, align;
};
_Static_assert(sizeof(struct program_header) == 56, "ELF64 program header");

static const char *check_header(const struct file_header *header, size_t bytes) {
    static const uint8_t identity[] = {0x7f, 'E', 'L', 'F', 2, 1, 1}; // 64 bit, little-endian
    if (memcmp(header->identity, identity, sizeof identity) != 0)
        return "not a little-endian ELF64 file";
    if (header->type != TYPE_EXECUTABLE || header->machine != MACHINE_AARCH64)
        return "not a static AArch64 executable";
    if (header->program_entry_bytes != sizeof(struct program_header))
        return "program headers of another size";
    if (header->program_offset > bytes ||
        header->program_count > (bytes - header->program_offset) / sizeof(struct program_header))
        return "program headers outside of the file";
    return NULL;
}

static const char *add_segment(const uint8_t *file, size_t bytes, uint64_t limit,
                               const struct program_header *header, struct elf *elf) {
    if (header->memory_bytes == 0)
        return NULL;
    if (elf->count == ELF_SEGMENTS)
        return "too many segments";
    if (header->offset > bytes || header->data_bytes > bytes - header->offset ||
        header->data_bytes > header->memory_bytes)
        return "a segment outside of the file";
    if (header->va % PAGE != 0)
        return "a segment that does not begin at a page";
    if (header->va == 0 || header->va >= limit || header->memory_bytes > limit - header->va)
        return "a segment outside of the place for programs";
    if ((header->flags & SEGMENT_WRITE) != 0 && (header->flags & SEGMENT_EXECUTE) != 0)
        return "a segment that is writable and executable";
    if (elf->count > 0) {
        const struct elf_segment *last = &elf->segment[elf->count - 1];
        if (header->va < (last->va + last->memory_bytes + PAGE - 1) / PAGE * PAGE)
            return "segments that overlap or are not ascending";
    }
    elf->segment[elf->count++] = (struct elf_segment){
        .va = header->va,
        .memory_bytes = header->memory_bytes,
        .data = file + header->offset,
        .data_bytes = header->data_bytes,
        .write = (header->flags & SEGMENT_WRITE) != 0,
        .execute = (header->flags & SEGMENT_EXECUTE) != 0,
    };
    return NULL;
}

static bool entry_is_executable(const struct elf *elf) {
    for (unsigned i = 0; i < elf->count; i++) {
        const struct elf_segment *segment = &elf->segment[i];
        if (segment->execute && elf->entry >= segment->va && elf->entry % 4 == 0 &&
            elf->entry - segment->va < segment->data_bytes)
            return true;
    }
    return false;
}

const char *elf_read(const uint8_t *file, size_t bytes, uint64_t limit, struct elf *elf) {
    struct file_header header;
    if (bytes < sizeof header)
        return "shorter than an ELF header";
    memcpy(&header, file, sizeof header);
    const char *wrong = check_header(&header, bytes);
    *elf = (struct elf){.entry = header.entry};
    for (unsigned i = 0; i < header.program_count && wrong == NULL; i++) {
        struct program_header program;
        memcpy(&program, file + header.program_offset + i * sizeof program, sizeof program);
        if (program.type == SEGMENT_LOAD)
            wrong = add_segment(file, bytes, limit, &program, elf);
    }
    if (wrong == NULL && !entry_is_executable(elf))
        wrong = "no entry in an executable segment";
    return wrong;
}
