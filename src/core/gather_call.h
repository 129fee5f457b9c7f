// SPDX-License-Identifier: BSD-2-Clause
// The gather system call: a vector of operations over mmu.h (gather_call.c), and MAP
// (gather_map.c).
#ifndef GATHER_CALL_H
#define GATHER_CALL_H

#include "ipc.h"

// An operation's fields, out of the copy that the kernel made of it. What the words mean depends on
// the operation from word 4 on.
static inline unsigned op_code(const struct sheaf_gather_op *op) { return op->word[0] & 0xff; }

static inline unsigned op_rights(const struct sheaf_gather_op *op) {
    return (op->word[0] >> 8) & 0xff;
}

static inline unsigned op_flags(const struct sheaf_gather_op *op) {
    return (op->word[0] >> 16) & 0xffff;
}

static inline vaddr_t op_va(const struct sheaf_gather_op *op) { return VADDR(op->word[2]); }

static inline uint64_t op_pages(const struct sheaf_gather_op *op) { return op->word[3]; }

enum sheaf_error sys_gather(struct pe *pe, struct thread *thread);

// MAP. *done counts pages whose instructions are synchronised, for going on after an interrupt.
// *missing is set with NO_TABLES. All or nothing.
enum sheaf_error gather_map_operation(const struct thread *thread, struct gather *gather,
                                      struct vspace *vspace, const struct sheaf_gather_op *op,
                                      uint64_t *done, unsigned *missing);

#endif
