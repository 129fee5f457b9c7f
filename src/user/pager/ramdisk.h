// SPDX-License-Identifier: BSD-2-Clause
// The RAM disk, mapped in the pager.
#ifndef SHEAF_PAGER_RAMDISK_H
#define SHEAF_PAGER_RAMDISK_H

#include <cpio.h>

bool ramdisk_open(void);
bool ramdisk_find(const char *name, struct cpio_file *file);
// The index-th file.
bool ramdisk_at(uint64_t index, struct cpio_file *file);

#endif
