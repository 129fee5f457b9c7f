// SPDX-License-Identifier: BSD-2-Clause
// What init hands to the pager, beyond what every program started with bootinfo finds.
#ifndef SHEAF_PAGER_BOOT_H
#define SHEAF_PAGER_BOOT_H

#include <sheaf/user.h>

#define PAGER_BOOT_SLOT_ENDPOINT 8 // requests and faults come here
// init's own requests carry this badge; processes are numbered from 1 on.
#define PAGER_INIT_PROCESS 1
#define PAGER_SELF_PROCESS 2
#define PAGER_BADGE(process, thread, fault)                                                        \
    ((uint64_t)(process) << 20 | (uint64_t)(thread) << 1 | (fault))

// The pager runs above all that it serves.
#define PAGER_PRIORITY 200
#define PAGER_CLIENT_PRIORITY 100

#endif
