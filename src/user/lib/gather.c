// SPDX-License-Identifier: BSD-2-Clause
// Putting together a gather, and reading what came of it.
#include <sheaf/user.h>

void sheaf_put_unmap(unsigned i, sheaf_cptr vspace, uint64_t va, uint64_t pages, uint64_t flags) {
    sheaf_ipc_buffer()->ops[i] =
        (struct sheaf_gather_op){{SHEAF_OP_WORD0(SHEAF_OP_UNMAP, 0, flags), vspace, va, pages}};
}

void sheaf_put_protect(unsigned i, sheaf_cptr vspace, uint64_t va, uint64_t pages, uint64_t rights,
                       uint64_t flags) {
    sheaf_ipc_buffer()->ops[i] = (struct sheaf_gather_op){
        {SHEAF_OP_WORD0(SHEAF_OP_PROTECT, rights, flags), vspace, va, pages}};
}

void sheaf_put_age(unsigned i, sheaf_cptr vspace, uint64_t va, uint64_t pages, uint64_t flags) {
    sheaf_ipc_buffer()->ops[i] =
        (struct sheaf_gather_op){{SHEAF_OP_WORD0(SHEAF_OP_AGE, 0, flags), vspace, va, pages}};
}

void sheaf_put_map(unsigned i, sheaf_cptr vspace, uint64_t va, uint64_t pages, sheaf_cptr slot,
                   uint64_t count, uint64_t rights, uint64_t flags) {
    sheaf_ipc_buffer()->ops[i] = (struct sheaf_gather_op){
        {SHEAF_OP_WORD0(SHEAF_OP_MAP, rights, flags), vspace, va, pages, slot, count}};
}

void sheaf_put_move(unsigned i, sheaf_cptr vspace, uint64_t from, uint64_t pages, uint64_t to,
                    sheaf_cptr slot) {
    sheaf_ipc_buffer()->ops[i] = (struct sheaf_gather_op){
        {SHEAF_OP_WORD0(SHEAF_OP_MOVE, 0, 0), vspace, from, pages, to, slot}};
}

void sheaf_put_evict(unsigned i, sheaf_cptr slot, uint64_t count, uint64_t flags) {
    sheaf_ipc_buffer()->ops[i] =
        (struct sheaf_gather_op){{SHEAF_OP_WORD0(SHEAF_OP_EVICT, 0, flags), 0, 0, 0, slot, count}};
}

void sheaf_put_sync(unsigned i, sheaf_cptr vspace) {
    sheaf_ipc_buffer()->ops[i] =
        (struct sheaf_gather_op){{SHEAF_OP_WORD0(SHEAF_OP_SYNC, 0, 0), vspace}};
}

struct sheaf_gather_result sheaf_gather_result(const struct sheaf_registers *registers) {
    uint64_t done = registers->x[SHEAF_REG_GATHER];
    uint64_t totals = registers->x[SHEAF_REG_TOTALS];
    struct sheaf_gather_result result = {
        .error = (enum sheaf_error)SHEAF_GATHER_ERROR(done),
        .failed = SHEAF_GATHER_INDEX(done),
        .leaves = SHEAF_GATHER_LEAVES(done),
        .tables = SHEAF_GATHER_TABLES(totals),
        .tlbi = SHEAF_GATHER_TLBI(totals),
        .dsb = SHEAF_GATHER_DSB(totals),
        .batches = SHEAF_GATHER_BATCHES(totals),
    };
    if (result.error == SHEAF_ERR_NO_TABLES)
        result.tables_missing = (unsigned)registers->x[SHEAF_REG_TAG];
    return result;
}

struct sheaf_gather_result sheaf_gather(unsigned n) { return sheaf_gather_with(n, 0); }

struct sheaf_gather_result sheaf_gather_with(unsigned n, uint64_t policy) {
    struct sheaf_registers r = {.x = {[SHEAF_REG_GATHER] = SHEAF_GATHER_ARG(n, policy),
                                      [SHEAF_REG_SYSCALL] = SHEAF_SYS_GATHER}};
    sheaf_syscall(&r);
    struct sheaf_gather_result result = sheaf_gather_result(&r);
    if (result.error == SHEAF_OK) // refused as a whole: vector, flags, buffer
        result.error = (enum sheaf_error)r.x[SHEAF_REG_STATUS];
    return result;
}
