// SPDX-License-Identifier: BSD-2-Clause
// UNMAP, the fast way: a vector that is nothing but UNMAPs of a few pages in one VSpace, without
// report or tail, deferred or not.
//
// It decides first, changing nothing, whether this is its case; every check is one that the
// ordinary way (gather_call.c) makes too, and what is wrong with an operation is found out there.
#include "gather_call.h"
#include "fastpath.h"

#define USER_PAGE_ADDRESSES (BIT(48) - PAGE_BYTES) // bits that one may have

// Takes the operations apart, reading once what is used of them: other threads may write to the
// buffer. False: one is of another kind, or they name more pages than go at once.
static inline bool take_list(const volatile struct sheaf_gather_op *op, sheaf_cptr vspace,
                             struct gather_pages *list, uint64_t count) {
    const uint64_t unmap = SHEAF_OP_WORD0(SHEAF_OP_UNMAP, 0, 0);
    const uint64_t keep_tables = SHEAF_OP_WORD0(0, 0, SHEAF_OP_KEEP_TABLES); // none goes here
    uint64_t left = GATHER_FEW_PAGES;
    for (const struct gather_pages *end = list + count; list != end; list++, op++) {
        uint64_t va = op->word[2], pages = op->word[3];
        uint64_t wrong = ((op->word[0] & ~keep_tables) ^ unmap) | (op->word[1] ^ vspace) |
                         (va & ~USER_PAGE_ADDRESSES) | op->word[4] | op->word[5];
        if (unlikely(wrong != 0 || pages - 1 >= left)) {
            return false;
        }
        left -= pages;
        *list = (struct gather_pages){VADDR(va), pages};
    }
    return true;
}

// False: nothing has changed.
ALWAYS_INLINE bool unmap(struct thread *thread, struct gather_totals *totals, uint64_t count,
                         bool deferred) {
    struct gather_pages list[SHEAF_GATHER_OPS];
    struct slot *space;
    if (unlikely(count - 1 >= SHEAF_GATHER_OPS || !thread_has_buffer(thread) ||
                 thread->continuation.kind != CONTINUE_NOTHING)) {
        return false;
    }
    const volatile struct sheaf_gather_op *ops = thread_buffer(thread)->ops;
    sheaf_cptr vspace = ops->word[1];
    if (unlikely(!take_list(ops, vspace, list, count) || !lookup_in_root(thread, vspace, &space) ||
                 space->living_type != SHEAF_VSPACE)) {
        return false;
    }
    return deferred ? gather_defer_few(space->object, list, (unsigned)count, totals)
                    : gather_unmap_few(space->object, list, (unsigned)count, totals);
}

ALWAYS_INLINE void run(struct pe *pe, struct thread *thread, bool deferred) {
    uint64_t argument = thread->context.reg[SHEAF_REG_GATHER];
    uint64_t count = deferred ? argument & UINT32_MAX : argument; // without flags
    struct gather_totals totals;
    if (unlikely(!unmap(thread, &totals, count, deferred))) {
        syscall_gather(pe, thread);
        return;
    }
    port_count(SHEAF_COUNTER_GATHER_CALLS, 1);
    port_count(SHEAF_COUNTER_GATHER_OPERATIONS, count);
    gather_answer(thread, &totals, SHEAF_OK, 0);
    thread_answer(thread, SHEAF_OK); // nobody has become ready, so the thread goes on
}

void gather_unmap_fast(struct pe *pe, struct thread *thread) { run(pe, thread, false); }

void gather_defer_fast(struct pe *pe, struct thread *thread) { run(pe, thread, true); }
