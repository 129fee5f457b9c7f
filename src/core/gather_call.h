// SPDX-License-Identifier: BSD-2-Clause
// The gather system call: a vector of operations over mmu.h (gather_call.c), and MAP
// (gather_map.c).
#ifndef GATHER_CALL_H
#define GATHER_CALL_H

#include "ipc.h"

#define MAP_RIGHTS (SHEAF_MAP_READ | SHEAF_MAP_WRITE | SHEAF_MAP_EXECUTE)
#define MAP_BLOCK_BITS 21u // 2 MiB: what one table of pages covers, and the smaller block

// One operation, copied out of the IPC buffer and taken apart.
struct operation {
    unsigned code, rights, flags; // word 0
    uint64_t rest;                // bits 32-63 of it, which must be zero
    sheaf_cptr vspace;
    vaddr_t va;
    uint64_t pages;
    uint64_t word4, word5;
};

enum sheaf_error sys_gather(struct pe *pe, struct thread *thread);

// MAP. *done counts pages whose instructions are synchronised, for going on after an interrupt.
// *missing is set with NO_TABLES. All or nothing.
enum sheaf_error gather_map_operation(const struct thread *thread, struct gather *gather,
                                      struct vspace *vspace, const struct operation *operation,
                                      uint64_t *done, unsigned *missing);

// MOVE. *move says how far a MOVE of tables has come. *missing as above.
enum sheaf_error gather_move_operation(const struct thread *thread, struct gather *gather,
                                       struct vspace *vspace, const struct operation *operation,
                                       struct gather_move *move, unsigned *missing);

#endif
