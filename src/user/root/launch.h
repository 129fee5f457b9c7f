// SPDX-License-Identifier: BSD-2-Clause
// Starting a program that pages for itself: everything it needs is there before its first
// instruction.
//
// It finds what init finds when the kernel starts it: the slots of enum sheaf_boot_slot, stack, IPC
// buffer and boot information at the same addresses.
#ifndef SHEAF_LAUNCH_H
#define SHEAF_LAUNCH_H

#include "elf.h"
#include <sheaf/user.h>

struct launch {
    sheaf_cptr fault_notification;    // filled in by the caller, 0 for none
    sheaf_cptr cnode, vspace, thread; // slots of this program's root CNode
    uint64_t entry;
};

// Makes CNode (2^cnode_bits slots), VSpace and Thread from the pool, loads the program, and fills
// the slots CNODE, THREAD, VSPACE and IPC_BUFFER of the new CNode.
enum sheaf_error launch_load(const struct elf *elf, unsigned cnode_bits, struct launch *launch);
// Writes its boot information page and lets it run.
enum sheaf_error launch_run(const struct launch *launch, const struct sheaf_bootinfo *bootinfo,
                            const char *name, uint64_t priority);

#endif
