// SPDX-License-Identifier: BSD-2-Clause
// A dozen files: searched from the beginning each time.
#include "ramdisk.h"
#include <self.h>

static const uint8_t *archive;
static size_t archive_bytes;

bool ramdisk_open(void) {
    archive = self_map_ramdisk(&archive_bytes);
    return archive != NULL;
}

bool ramdisk_find(const char *name, struct cpio_file *file) {
    return cpio_find(archive, archive_bytes, name, file);
}

bool ramdisk_at(uint64_t index, struct cpio_file *file) {
    size_t offset = 0;
    while (cpio_next(archive, archive_bytes, &offset, file))
        if (index-- == 0)
            return true;
    return false;
}
