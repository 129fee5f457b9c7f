// SPDX-License-Identifier: BSD-2-Clause
// The gather system call.
//
//      copy all operations in                    then the buffer is not read again
//      gather_begin
//      each operation: check, run                the first error stops the vector
//      gather_finish                             everything removed is gone everywhere
//      write report bits, totals                 only now
//      tail: REPLY_RECV                          if every operation succeeded
//
// Preemption: the batch is finished, the report bits that are final are written, and the place
// (operation, pages of it, totals) is kept in the thread. When the call is executed again,
// everything is copied and checked again and what is done is skipped.
#include "gather_call.h"
#include "fastpath.h"

struct vector {
    struct thread *thread;
    struct gather *gather;
    struct sheaf_gather_op *next, *end; // of `ops`: the operation to run, and after the last one
    unsigned missing;                   // tables, with NO_TABLES
    uint64_t done;                      // pages of the operation at `next`
    size_t report_start;                // bytes of reports of the operations before it
    size_t report_first;                // where `report` begins to hold something
    size_t report_end;                  // bytes of `report` that hold something
    struct sheaf_gather_op ops[SHEAF_GATHER_OPS];
    uint8_t report[SHEAF_RESULT_BYTES];
};

static size_t report_bytes(const struct sheaf_gather_op *op) {
    bool reports = op_code(op) == SHEAF_OP_UNMAP && (op_flags(op) & SHEAF_OP_REPORT) != 0;
    return reports ? SHEAF_REPORT_BYTES(op_pages(op)) : 0;
}

// The bits of word 0 that an operation may have set.
#define MAP_BITS                                                                                   \
    SHEAF_OP_WORD0(SHEAF_OP_MAP, 0xff,                                                             \
                   SHEAF_OP_PART | SHEAF_OP_PAGES | SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)
#define UNMAP_BITS SHEAF_OP_WORD0(SHEAF_OP_UNMAP, 0, SHEAF_OP_KEEP_TABLES | SHEAF_OP_REPORT)
#define FLAG_BITS SHEAF_OP_WORD0(0, 0, UINT64_C(0xffff))

// What every operation has: known bits, a range, a VSpace. `unused`: words that must be zero.
static inline enum sheaf_error check(const struct thread *thread, const struct sheaf_gather_op *op,
                                     uint64_t bits, uint64_t unused, struct vspace **vspace) {
    struct slot *slot;
    uint64_t excess = op->word[0] & ~bits;
    if (unlikely((excess | unused) != 0)) {
        return (excess & FLAG_BITS) != 0 ? SHEAF_ERR_UNKNOWN_FLAG : SHEAF_ERR_INVALID_ARGUMENT;
    }
    enum sheaf_error error = gather_check_range(op_va(op), op_pages(op));
    if (unlikely(error != SHEAF_OK)) {
        return error;
    }
    error = lookup_type(thread, op->word[1], SHEAF_VSPACE, &slot);
    if (likely(error == SHEAF_OK)) {
        *vspace = slot->object;
    }
    return error;
}

// Begun before an interrupt: bits of then that share a byte with those to come are in the results
// area; what comes after begins empty.
static void resume_report(struct vector *vector, uint8_t *report, size_t bytes) {
    size_t first = vector->done / 4;
    vector->report_first = vector->report_start + first;
    for (size_t i = first; i < bytes; i++) {
        report[i] = 0;
    }
    if (vector->done % 4 != 0) {
        uint8_t earlier = thread_buffer(vector->thread)->results[vector->report_start + first];
        report[first] = earlier & (uint8_t)((1u << (vector->done % 4 * 2)) - 1);
    }
}

static enum sheaf_error run_unmap(struct vector *vector, const struct sheaf_gather_op *op) {
    struct vspace *vspace;
    size_t bytes = report_bytes(op);
    enum sheaf_error error =
        check(vector->thread, op, UNMAP_BITS, op->word[4] | op->word[5], &vspace);
    if (error != SHEAF_OK) {
        return error;
    }
    if (bytes > SHEAF_RESULT_BYTES - vector->report_start) {
        return SHEAF_ERR_RESULTS_TOO_LARGE;
    }
    uint8_t *report = vector->report + vector->report_start;
    if (bytes != 0 && vector->done != 0) {
        resume_report(vector, report, bytes);
    }
    error = gather_unmap(vector->gather, vspace, op_va(op), op_pages(op), op_flags(op),
                         &vector->done, report);
    if (bytes != 0 && (error == SHEAF_OK || error == SHEAF_ERR_PREEMPTED)) {
        vector->report_end = vector->report_start + SHEAF_REPORT_BYTES(vector->done);
    }
    if (error == SHEAF_OK) {
        vector->report_start += bytes;
    }
    return error;
}

static inline enum sheaf_error run_map(struct vector *vector, const struct sheaf_gather_op *op) {
    struct vspace *vspace;
    enum sheaf_error error = check(vector->thread, op, MAP_BITS, 0, &vspace);
    return unlikely(error != SHEAF_OK)
               ? error
               : gather_map_operation(vector->thread, vector->gather, vspace, op, &vector->done,
                                      &vector->missing);
}

static inline enum sheaf_error run_operation(struct vector *vector,
                                             const struct sheaf_gather_op *op) {
    switch (op_code(op)) {
    case SHEAF_OP_MAP:
        return run_map(vector, op);
    case SHEAF_OP_UNMAP:
        return run_unmap(vector, op);
    default:
        return SHEAF_ERR_UNKNOWN_OPERATION;
    }
}

static inline enum sheaf_error run_all(struct vector *vector) {
    while (vector->next != vector->end) {
        enum sheaf_error error = run_operation(vector, vector->next);
        if (unlikely(error != SHEAF_OK)) {
            return error;
        }
        port_count(SHEAF_COUNTER_GATHER_OPERATIONS, 1);
        vector->done = 0;
        if (++vector->next != vector->end && arch_interrupt_pending()) {
            return SHEAF_ERR_PREEMPTED;
        }
    }
    return SHEAF_OK;
}

// How far the operation in turn has come. The buffer is user space's, and other threads may have
// written to it since: another operation than the one that was interrupted has not begun.
static uint64_t pages_done(const struct continuation *continuation, const struct vector *vector) {
    if (vector->next == vector->end) {
        return 0;
    }
    for (unsigned i = 0; i < SHEAF_GATHER_OP_WORDS; i++) {
        if (continuation->op.word[i] != vector->next->word[i]) {
            return 0;
        }
    }
    return continuation->pages;
}

// The place where an interrupted execution was.
static __attribute__((noinline)) void resume(struct vector *vector) {
    const struct continuation *continuation = &vector->thread->continuation;
    unsigned count = (unsigned)(vector->end - vector->ops);
    vector->next += MIN(continuation->index, count);
    vector->done = pages_done(continuation, vector);
    for (const struct sheaf_gather_op *op = vector->ops; op != vector->next; op++) {
        size_t bytes = MIN(report_bytes(op), SHEAF_RESULT_BYTES);
        vector->report_start = MIN(vector->report_start + bytes, SHEAF_RESULT_BYTES);
    }
    vector->report_first = vector->report_start;
}

static bool is_resumed(const struct thread *thread) {
    return unlikely(thread->continuation.kind == CONTINUE_GATHER);
}

// Copies the operations, each word once: other threads may write to the buffer.
static inline enum sheaf_error begin(struct vector *vector, struct thread *thread,
                                     uint64_t argument) {
    uint64_t count = argument & UINT32_MAX;
    if (unlikely((argument >> 32 & ~SHEAF_GATHER_REPLY_RECV) != 0)) {
        return SHEAF_ERR_UNKNOWN_FLAG;
    }
    if (unlikely(count > SHEAF_GATHER_OPS)) {
        return SHEAF_ERR_VECTOR_TOO_LONG;
    }
    const struct sheaf_ipc_buffer *buffer = thread_buffer(thread);
    if (unlikely(buffer == NULL)) {
        return SHEAF_ERR_NO_BUFFER;
    }
    const volatile struct sheaf_gather_op *from = buffer->ops;
    vector->next = vector->ops;
    vector->end = vector->ops + count;
    for (struct sheaf_gather_op *to = vector->ops; to != vector->end; to++) {
        *to = *from++;
    }
    vector->thread = thread;
    vector->missing = 0;
    vector->done = 0;
    vector->report_start = 0;
    vector->report_first = 0;
    vector->report_end = 0;
    if (is_resumed(thread)) {
        resume(vector);
    } else {
        port_count(SHEAF_COUNTER_GATHER_CALLS, 1);
    }
    return SHEAF_OK;
}

// With those of the slices before this one.
static inline struct gather_totals totals_of(const struct vector *vector) {
    struct gather_totals totals = *gather_totals(vector->gather);
    if (is_resumed(vector->thread)) {
        const struct gather_totals *before = &vector->thread->continuation.totals;
        totals.leaves += before->leaves;
        totals.tables += before->tables;
        totals.tlbi += before->tlbi;
        totals.dsb += before->dsb;
        totals.batches += before->batches;
    }
    return totals;
}

// After the finish: what was removed is gone, so what is reported is final. The bits of what an
// earlier execution did are already there.
static void write_report(const struct vector *vector) {
    size_t start = vector->report_first;
    if (likely(vector->report_end <= start)) {
        return;
    }
    struct sheaf_ipc_buffer *buffer = thread_buffer(vector->thread);
    if (buffer != NULL) {
        arch_copy(buffer->results + start, vector->report + start, vector->report_end - start);
    }
}

static uint64_t capped(uint64_t value) { return MIN(value, UINT16_MAX); }

static inline void write_totals(struct vector *vector, enum sheaf_error error) {
    uint64_t *reg = vector->thread->context.reg;
    struct gather_totals totals = totals_of(vector);
    uint64_t index = error != SHEAF_OK ? (uint64_t)(vector->next - vector->ops) : 0;
    reg[SHEAF_REG_GATHER] = (uint64_t)error | index << 16 | MIN(totals.leaves, UINT32_MAX) << 32;
    reg[SHEAF_REG_TOTALS] = capped(totals.tables) | capped(totals.tlbi) << 16 |
                            capped(totals.dsb) << 32 | capped(totals.batches) << 48;
}

static enum sheaf_error keep_place(struct vector *vector) {
    struct continuation *continuation = &vector->thread->continuation;
    continuation->totals = totals_of(vector);
    continuation->kind = CONTINUE_GATHER;
    continuation->index = (unsigned)(vector->next - vector->ops);
    continuation->pages = vector->done;
    if (vector->next != vector->end) {
        continuation->op = *vector->next;
    }
    return SHEAF_ERR_PREEMPTED;
}

static enum sheaf_error fail(struct vector *vector, enum sheaf_error error) {
    if (error == SHEAF_ERR_PREEMPTED) {
        return keep_place(vector);
    }
    write_totals(vector, error);
    thread_answer(vector->thread, error);
    vector->thread->context.reg[SHEAF_REG_TAG] = vector->missing;
    return ANSWERED;
}

enum sheaf_error sys_gather(struct pe *pe, struct thread *thread) {
    uint64_t argument = thread->context.reg[SHEAF_REG_GATHER];
    struct vector vector; // not cleared: 3.5 KiB, of which a call uses what it brings
    enum sheaf_error error = begin(&vector, thread, argument);
    if (unlikely(error != SHEAF_OK)) {
        thread->context.reg[SHEAF_REG_GATHER] = error;
        thread->context.reg[SHEAF_REG_TOTALS] = 0;
        return error;
    }
    vector.gather = gather_begin();
    error = run_all(&vector);
    gather_finish(vector.gather);
    write_report(&vector);
    if (unlikely(error != SHEAF_OK)) {
        return fail(&vector, error);
    }
    if ((argument >> 32 & SHEAF_GATHER_REPLY_RECV) != 0) {
        // An interrupt in the tail comes back to the tail alone. The totals are in registers that
        // no message touches, so it makes no difference whether the thread waits by now.
        error = fastpath_tail(pe, thread);
        if (unlikely(error == SHEAF_ERR_PREEMPTED)) {
            return keep_place(&vector);
        }
    }
    write_totals(&vector, SHEAF_OK);
    return error;
}
