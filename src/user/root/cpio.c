// SPDX-License-Identifier: BSD-2-Clause
// An entry is a header of 110 characters, the name with its zero, and the data; name and data are
// each padded so that what follows lies at a multiple of 4 from the archive's start.
#include "cpio.h"
#include <string.h>

#define HEADER_BYTES 110
#define FIELD_MODE 14 // offsets of the 8-digit fields used here
#define FIELD_BYTES 54
#define FIELD_NAME_BYTES 94
#define MODE_TYPE 0170000u
#define MODE_REGULAR 0100000u

static bool hex_field(const uint8_t *field, uint32_t *value) {
    uint32_t result = 0;
    for (int i = 0; i < 8; i++) {
        uint8_t c = field[i];
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if (c >= 'a' && c <= 'f')
            digit = c - 'a' + 10u;
        else if (c >= 'A' && c <= 'F')
            digit = c - 'A' + 10u;
        else
            return false;
        result = result << 4 | digit;
    }
    *value = result;
    return true;
}

static size_t padded(size_t offset) { return (offset + 3) & ~(size_t)3; }

struct entry {
    struct cpio_file file;
    bool regular;
};

static bool read_entry(const uint8_t *archive, size_t bytes, size_t *offset, struct entry *entry) {
    uint32_t mode, data_bytes, name_bytes;
    size_t at = *offset;
    if (at > bytes || bytes - at < HEADER_BYTES)
        return false;
    const uint8_t *header = archive + at;
    if (memcmp(header, "070701", 6) != 0 && memcmp(header, "070702", 6) != 0)
        return false;
    if (!hex_field(header + FIELD_MODE, &mode) || !hex_field(header + FIELD_BYTES, &data_bytes) ||
        !hex_field(header + FIELD_NAME_BYTES, &name_bytes))
        return false;
    size_t name = at + HEADER_BYTES;
    if (name_bytes == 0 || name_bytes > bytes - name || archive[name + name_bytes - 1] != '\0')
        return false;
    size_t data = padded(name + name_bytes);
    if (data > bytes || data_bytes > bytes - data)
        return false;
    entry->file = (struct cpio_file){(const char *)archive + name, archive + data, data_bytes};
    entry->regular = (mode & MODE_TYPE) == MODE_REGULAR;
    *offset = padded(data + data_bytes);
    return strcmp(entry->file.name, "TRAILER!!!") != 0;
}

bool cpio_next(const uint8_t *archive, size_t bytes, size_t *offset, struct cpio_file *file) {
    struct entry entry;
    do {
        if (!read_entry(archive, bytes, offset, &entry))
            return false;
    } while (!entry.regular);
    if (strncmp(entry.file.name, "./", 2) == 0)
        entry.file.name += 2;
    *file = entry.file;
    return true;
}

bool cpio_find(const uint8_t *archive, size_t bytes, const char *name, struct cpio_file *file) {
    size_t offset = 0;
    while (cpio_next(archive, bytes, &offset, file))
        if (strcmp(file->name, name) == 0)
            return true;
    return false;
}
