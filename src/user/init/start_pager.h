// SPDX-License-Identifier: BSD-2-Clause
// Making the pager out of what the kernel handed to init.
#ifndef SHEAF_INIT_START_PAGER_H
#define SHEAF_INIT_START_PAGER_H

#include <stddef.h>
#include <stdint.h>

struct archive { // the RAM disk, mapped here
    const uint8_t *start;
    size_t bytes;
};

// Starts a program of the RAM disk as the pager: unmaps the RAM disk here, hands over all memory
// but a little, the RAM disk and the console, and opens sheaf_environment.pager. `frames` is its
// budget, `swap_mib` what the swap area may take, 0 for all that is left. NULL, or what went wrong.
const char *start_pager(const struct archive *ramdisk, const char *program, unsigned long frames,
                        unsigned long swap_mib);

#endif
