// SPDX-License-Identifier: BSD-2-Clause
// A program that is given its memory (init, the pager, the kernel's tests): its own address space.
//
// The heap takes from the pool without being asked: see self_open.
#ifndef SHEAF_SELF_H
#define SHEAF_SELF_H

#include <sheaf/user.h>

// Takes charge of the Untypeds and the free slots of sheaf_environment.bootinfo, if nothing did so
// yet. The first malloc calls it.
void self_open(void);
// `bytes` of this program's address space that nothing uses, aligned to 2 MiB.
uint64_t self_reserve(uint64_t bytes);
// Maps `count` Frames in consecutive slots, `pages` pages in all, into a VSpace, which grows from
// the pool as needed. Accessed and, with write, dirty from the start: nobody looks at these bits.
enum sheaf_error self_map_into(sheaf_cptr vspace, uint64_t va, uint64_t pages, sheaf_cptr slot,
                               uint64_t count, uint64_t rights);
// The same into this program's own.
enum sheaf_error self_map(uint64_t va, uint64_t pages, sheaf_cptr slot, uint64_t count,
                          uint64_t rights);
enum sheaf_error self_unmap(uint64_t va, uint64_t pages);
// Maps the whole RAM disk, read-only; NULL when that fails.
const uint8_t *self_map_ramdisk(size_t *bytes);
// Takes that mapping away again.
enum sheaf_error self_unmap_ramdisk(void);

#endif
