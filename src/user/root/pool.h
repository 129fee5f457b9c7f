// SPDX-License-Identifier: BSD-2-Clause
// The Untyped memory a program holds: objects are made from the smallest piece that has room, so
// that large pieces stay whole for large Frames.
#ifndef SHEAF_POOL_H
#define SHEAF_POOL_H

#include <sheaf/user.h>

// Adds an Untyped. False when the table is full (SHEAF_BOOT_UNTYPED pieces).
bool pool_add(sheaf_cptr untyped);
// Forgets all of them.
void pool_clear(void);
// As sheaf_retype, into the program's root CNode. All from one piece. NO_MEMORY when none has room.
enum sheaf_error pool_make(enum sheaf_type type, unsigned type_bits, sheaf_cptr slot,
                           uint64_t count);
// Makes Frames of 2^bits bytes from one piece: `count`, or as many as it has room for or one retype
// makes. Answers how many.
uint64_t pool_make_frames(unsigned bits, sheaf_cptr slot, uint64_t count);
// Gives the VSpace `chunks` more chunks. Whole chunks may have been given when it fails.
enum sheaf_error pool_grow(sheaf_cptr vspace, uint64_t chunks);
// Bytes that no object was made from yet, in pieces with room for 2^bits bytes at least.
uint64_t pool_bytes_left(unsigned bits);

#endif
