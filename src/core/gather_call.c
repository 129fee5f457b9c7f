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
    unsigned count, index;
    unsigned missing;            // tables, with NO_TABLES
    uint64_t done;               // pages of the operation at `index`
    size_t report_start;         // bytes of reports of the operations before it
    size_t report_first;         // where `report` begins to hold something
    size_t report_end;           // bytes of `report` that hold something
    struct gather_totals before; // of the slices before this one
    struct sheaf_gather_op ops[SHEAF_GATHER_OPS];
    uint8_t report[SHEAF_RESULT_BYTES];
};

static size_t report_bytes(const struct sheaf_gather_op *op) {
    bool reports = op_code(op) == SHEAF_OP_UNMAP && (op_flags(op) & SHEAF_OP_REPORT) != 0;
    return reports ? SHEAF_REPORT_BYTES(op_pages(op)) : 0;
}

#define MAP_FLAGS (SHEAF_OP_PART | SHEAF_OP_PAGES | SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)
#define UNMAP_FLAGS (SHEAF_OP_KEEP_TABLES | SHEAF_OP_REPORT)
#define ANY_FLAG UINT64_C(0xffff)

static enum sheaf_error check(const struct sheaf_gather_op *op) {
    // The bits of word 0 that an operation may have set.
    static const uint64_t allowed[] = {
        [SHEAF_OP_MAP] = SHEAF_OP_WORD0(SHEAF_OP_MAP, 0xff, MAP_FLAGS),
        [SHEAF_OP_UNMAP] = SHEAF_OP_WORD0(SHEAF_OP_UNMAP, 0, UNMAP_FLAGS),
    };
    unsigned code = op_code(op);
    if (unlikely(code == 0 || code >= ARRAY_SIZE(allowed))) {
        return SHEAF_ERR_UNKNOWN_OPERATION;
    }
    uint64_t excess = op->word[0] & ~allowed[code];
    if (code == SHEAF_OP_UNMAP) {
        excess |= op->word[4] != 0 || op->word[5] != 0;
    }
    if (unlikely(excess != 0)) {
        return (excess & SHEAF_OP_WORD0(0, 0, ANY_FLAG)) != 0 ? SHEAF_ERR_UNKNOWN_FLAG
                                                              : SHEAF_ERR_INVALID_ARGUMENT;
    }
    return gather_check_range(op_va(op), op_pages(op));
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

static enum sheaf_error run_unmap(struct vector *vector, struct vspace *vspace,
                                  const struct sheaf_gather_op *op) {
    size_t bytes = report_bytes(op);
    if (bytes > SHEAF_RESULT_BYTES - vector->report_start) {
        return SHEAF_ERR_RESULTS_TOO_LARGE;
    }
    uint8_t *report = vector->report + vector->report_start;
    if (bytes != 0 && vector->done != 0) {
        resume_report(vector, report, bytes);
    }
    enum sheaf_error error = gather_unmap(vector->gather, vspace, op_va(op), op_pages(op),
                                          op_flags(op), &vector->done, report);
    if (bytes != 0 && (error == SHEAF_OK || error == SHEAF_ERR_PREEMPTED)) {
        vector->report_end = vector->report_start + SHEAF_REPORT_BYTES(vector->done);
    }
    return error;
}

static enum sheaf_error run_operation(struct vector *vector) {
    const struct sheaf_gather_op *op = &vector->ops[vector->index];
    struct slot *slot;
    enum sheaf_error error = check(op);
    if (likely(error == SHEAF_OK)) {
        error = lookup_type(vector->thread, op->word[1], SHEAF_VSPACE, &slot);
    }
    if (unlikely(error != SHEAF_OK)) {
        return error;
    }
    struct vspace *vspace = slot->object;
    if (op_code(op) == SHEAF_OP_UNMAP) {
        error = run_unmap(vector, vspace, op);
    } else {
        error = gather_map_operation(vector->thread, vector->gather, vspace, op, &vector->done,
                                     &vector->missing);
    }
    if (likely(error == SHEAF_OK)) {
        port_count(SHEAF_COUNTER_GATHER_OPERATIONS, 1);
        vector->report_start += report_bytes(op);
        vector->done = 0;
    }
    return error;
}

static enum sheaf_error run_all(struct vector *vector) {
    for (; vector->index < vector->count; vector->index++) {
        enum sheaf_error error = run_operation(vector);
        if (error != SHEAF_OK) {
            return error;
        }
        if (vector->index + 1 < vector->count && arch_interrupt_pending()) {
            vector->index++;
            return SHEAF_ERR_PREEMPTED;
        }
    }
    return SHEAF_OK;
}

// Copies the operations and goes on where an interrupted execution was.
static enum sheaf_error begin(struct vector *vector, struct thread *thread) {
    uint64_t argument = thread->context.reg[SHEAF_REG_GATHER];
    uint64_t count = argument & UINT32_MAX;
    if ((argument >> 32 & ~SHEAF_GATHER_REPLY_RECV) != 0) {
        return SHEAF_ERR_UNKNOWN_FLAG;
    }
    if (count > SHEAF_GATHER_OPS) {
        return SHEAF_ERR_VECTOR_TOO_LONG;
    }
    const struct sheaf_ipc_buffer *buffer = thread_buffer(thread);
    if (buffer == NULL) {
        return SHEAF_ERR_NO_BUFFER;
    }
    arch_copy(vector->ops, buffer->ops, count * sizeof(vector->ops[0]));
    vector->thread = thread;
    vector->count = (unsigned)count;
    vector->index = 0;
    vector->done = 0;
    vector->missing = 0;
    vector->report_start = 0;
    vector->before = (struct gather_totals){0};
    const struct continuation *continuation = &thread->continuation;
    if (unlikely(continuation->kind == CONTINUE_GATHER)) {
        vector->index = MIN(continuation->index, vector->count);
        vector->done = continuation->pages;
        vector->before = continuation->totals;
        for (unsigned i = 0; i < vector->index; i++) {
            size_t bytes = MIN(report_bytes(&vector->ops[i]), SHEAF_RESULT_BYTES);
            vector->report_start = MIN(vector->report_start + bytes, SHEAF_RESULT_BYTES);
        }
    } else {
        port_count(SHEAF_COUNTER_GATHER_CALLS, 1);
    }
    vector->report_first = vector->report_start;
    vector->report_end = 0;
    return SHEAF_OK;
}

static struct gather_totals totals_of(const struct vector *vector) {
    struct gather_totals totals = *gather_totals(vector->gather);
    totals.leaves += vector->before.leaves;
    totals.tables += vector->before.tables;
    totals.tlbi += vector->before.tlbi;
    totals.dsb += vector->before.dsb;
    totals.batches += vector->before.batches;
    return totals;
}

// After the finish: what was removed is gone, so what is reported is final. The bits of what an
// earlier execution did are already there.
static void write_report(const struct vector *vector) {
    struct sheaf_ipc_buffer *buffer = thread_buffer(vector->thread);
    size_t start = vector->report_first;
    if (buffer != NULL && vector->report_end > start) {
        arch_copy(buffer->results + start, vector->report + start, vector->report_end - start);
    }
}

static uint64_t capped(uint64_t value) { return MIN(value, UINT16_MAX); }

static void write_totals(struct vector *vector, enum sheaf_error error) {
    uint64_t *reg = vector->thread->context.reg;
    struct gather_totals totals = totals_of(vector);
    reg[SHEAF_REG_GATHER] = (uint64_t)error |
                            (uint64_t)(error != SHEAF_OK ? vector->index : 0) << 16 |
                            MIN(totals.leaves, UINT32_MAX) << 32;
    reg[SHEAF_REG_TOTALS] = capped(totals.tables) | capped(totals.tlbi) << 16 |
                            capped(totals.dsb) << 32 | capped(totals.batches) << 48;
}

static enum sheaf_error keep_place(struct vector *vector) {
    struct continuation *continuation = &vector->thread->continuation;
    continuation->kind = CONTINUE_GATHER;
    continuation->index = vector->index;
    continuation->pages = vector->done;
    continuation->totals = totals_of(vector);
    return SHEAF_ERR_PREEMPTED;
}

// The operations are done; an interrupt in the tail comes back to the tail alone. The totals are
// in registers that no message touches, so it makes no difference whether the thread waits by now.
static enum sheaf_error tail(struct pe *pe, struct vector *vector) {
    enum sheaf_error error = fastpath_tail(pe, vector->thread);
    if (error == SHEAF_ERR_PREEMPTED) {
        return keep_place(vector);
    }
    write_totals(vector, SHEAF_OK);
    return error;
}

enum sheaf_error sys_gather(struct pe *pe, struct thread *thread) {
    struct vector vector; // not cleared: 3.5 KiB, of which a call uses what it brings
    enum sheaf_error error = begin(&vector, thread);
    if (error != SHEAF_OK) {
        thread->context.reg[SHEAF_REG_GATHER] = error;
        thread->context.reg[SHEAF_REG_TOTALS] = 0;
        return error;
    }
    bool has_tail = (thread->context.reg[SHEAF_REG_GATHER] >> 32 & SHEAF_GATHER_REPLY_RECV) != 0;
    vector.gather = gather_begin();
    error = run_all(&vector);
    gather_finish(vector.gather);
    write_report(&vector);
    if (error == SHEAF_ERR_PREEMPTED) {
        return keep_place(&vector);
    }
    if (error == SHEAF_OK && has_tail) {
        return tail(pe, &vector);
    }
    write_totals(&vector, error);
    if (error == SHEAF_OK) {
        return SHEAF_OK;
    }
    thread_answer(thread, error);
    thread->context.reg[SHEAF_REG_TAG] = vector.missing;
    return ANSWERED;
}
