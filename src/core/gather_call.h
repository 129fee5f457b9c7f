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

// The same without flags, and with DEFER alone: what is nothing but UNMAPs of a few pages in one
// VSpace is done, and answered, in the fast way (gather_unmap.c); all else goes to syscall_gather.
void gather_unmap_fast(struct pe *pe, struct thread *thread);
void gather_defer_fast(struct pe *pe, struct thread *thread);

// What the registers say of a gather: how it ended, at which operation, and what was done, no
// number of it too large for its place.
static inline void gather_answer(struct thread *thread, const struct gather_totals *totals,
                                 enum sheaf_error error, unsigned index) {
    uint64_t *reg = thread->context.reg;
    reg[SHEAF_REG_GATHER] = (uint64_t)error | (uint64_t)index << 16 | totals->leaves << 32;
    reg[SHEAF_REG_TOTALS] =
        totals->tables | totals->tlbi << 16 | totals->dsb << 32 | totals->batches << 48;
}

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
