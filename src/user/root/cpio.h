// SPDX-License-Identifier: BSD-2-Clause
// Reader of the RAM disk: a cpio archive in the `newc` format. Reads inside [archive, archive +
// bytes) only, whatever the archive says.
#ifndef SHEAF_CPIO_H
#define SHEAF_CPIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpio_file {
    const char *name; // zero-terminated, in the archive
    const uint8_t *data;
    size_t bytes;
};

// The next file from *offset on; *offset moves behind it. False at the end, and where the archive
// is damaged. Begin with *offset = 0. Only regular files come; a leading "./" of the name is passed
// over.
bool cpio_next(const uint8_t *archive, size_t bytes, size_t *offset, struct cpio_file *file);
// The file of that name.
bool cpio_find(const uint8_t *archive, size_t bytes, const char *name, struct cpio_file *file);

#endif
