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
#include "evict.h"
#include "fastpath.h"
#include "gather_fast.h"

struct vector {
    struct thread *thread;
    struct gather *gather;
    enum gather_policy policy;
    const struct sheaf_gather_op *next, *end; // in `ops`: to run next, and behind the last one
    uint64_t done;                            // pages of the operation at `next`; EVICT: slots
    uint32_t missing;                         // tables, with NO_TABLES
    uint32_t report_start;                    // bytes of reports of the operations before it
    uint32_t report_first;                    // where `report` begins to hold something
    uint32_t report_end;                      // bytes of `report` that hold something
    bool begun;                               // the operation is an EVICT that was interrupted
    struct gather_move move;                  // of a MOVE, where `done` is not 0
    struct sheaf_gather_op ops[SHEAF_GATHER_OPS];
    uint8_t report[SHEAF_RESULT_BYTES];
};

static struct operation take_apart(const struct sheaf_gather_op *op) {
    return (struct operation){.code = op->word[0] & 0xff,
                              .rights = (op->word[0] >> 8) & 0xff,
                              .flags = (op->word[0] >> 16) & 0xffff,
                              .rest = op->word[0] >> 32,
                              .vspace = op->word[1],
                              .va = VADDR(op->word[2]),
                              .pages = op->word[3],
                              .word4 = op->word[4],
                              .word5 = op->word[5]};
}

static size_t report_bytes(const struct operation *operation) {
    bool reports = operation->code != SHEAF_OP_MAP && (operation->flags & SHEAF_OP_REPORT) != 0;
    uint64_t count = operation->code == SHEAF_OP_EVICT ? operation->word5 : operation->pages;
    return reports ? SHEAF_REPORT_BYTES(count) : 0;
}

// Words and bits that an operation does not use must be zero, those that it needs must not.
static bool is_malformed(const struct operation *operation) {
    unsigned rights = operation->rights;
    bool unused = (operation->word4 | operation->word5) != 0;
    switch (operation->code) {
    case SHEAF_OP_MAP:
        return rights == 0 || (rights & ~MAP_RIGHTS) != 0;
    case SHEAF_OP_MOVE:
        return rights != 0;
    case SHEAF_OP_PROTECT:
        return unused || rights == 0 || (rights & ~MAP_RIGHTS) != 0;
    case SHEAF_OP_EVICT:
        return (rights | operation->vspace | operation->va.v | operation->pages) != 0;
    case SHEAF_OP_SYNC:
        return unused || (rights | operation->va.v | operation->pages) != 0;
    case SHEAF_OP_AGE:
        return unused || rights != 0 ||
               (operation->flags & (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)) == 0;
    default:
        return unused || rights != 0;
    }
}

static bool may_be_deferred(const struct operation *operation) {
    return operation->code == SHEAF_OP_UNMAP || operation->code == SHEAF_OP_EVICT;
}

static bool has_range(const struct operation *operation) {
    return operation->code != SHEAF_OP_EVICT && operation->code != SHEAF_OP_SYNC;
}

static enum sheaf_error check(const struct operation *operation, enum gather_policy policy) {
    static const uint64_t flags[] = {
        [SHEAF_OP_MAP] = SHEAF_OP_PART | SHEAF_OP_PAGES | SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY,
        [SHEAF_OP_UNMAP] = SHEAF_OP_KEEP_TABLES | SHEAF_OP_REPORT,
        [SHEAF_OP_PROTECT] = SHEAF_OP_REPORT,
        [SHEAF_OP_MOVE] = 0,
        [SHEAF_OP_AGE] = SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY | SHEAF_OP_REPORT,
        [SHEAF_OP_EVICT] = SHEAF_OP_REPORT,
        [SHEAF_OP_SYNC] = 0,
    };
    if (operation->code == 0 || operation->code >= ARRAY_SIZE(flags)) {
        return SHEAF_ERR_UNKNOWN_OPERATION;
    }
    if ((operation->flags & ~flags[operation->code]) != 0 ||
        (policy == GATHER_DEFER && !may_be_deferred(operation))) {
        return SHEAF_ERR_UNKNOWN_FLAG;
    }
    if (operation->rest != 0 || is_malformed(operation)) {
        return SHEAF_ERR_INVALID_ARGUMENT;
    }
    return has_range(operation) ? gather_check_range(operation->va, operation->pages) : SHEAF_OK;
}

// Begun before an interrupt: bits of then that share a byte with those to come are in the results
// area; what comes after begins empty. EVICT adds to any of its bits.
static void resume_report(struct vector *vector, uint8_t *report, size_t bytes) {
    if (vector->begun) {
        arch_copy(report, thread_buffer(vector->thread)->results + vector->report_start, bytes);
        return;
    }
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

static unsigned index_of(const struct vector *vector) {
    return (unsigned)(vector->next - vector->ops);
}

static bool is_resumed(const struct thread *thread) {
    return unlikely(thread->continuation.kind == CONTINUE_GATHER);
}

// What PROTECT has found out beyond the pages done stays in the thread. It is of the operation that
// was interrupted; another begins with nothing.
static struct gather_ahead *ahead_of(const struct vector *vector) {
    struct continuation *continuation = &vector->thread->continuation;
    if (!is_resumed(vector->thread) || continuation->index != index_of(vector)) {
        continuation->ahead = (struct gather_ahead){0};
    }
    return &continuation->ahead;
}

// Operations on whatever is mapped: in a range, or by capabilities. `report`: where its bits go,
// NULL without REPORT.
static enum sheaf_error run_on_range(struct vector *vector, struct vspace *vspace,
                                     const struct operation *operation, uint8_t *report) {
    const struct gather_change change = {
        .va = operation->va,
        .pages = operation->pages,
        .done = &vector->done,
        .ahead = operation->code == SHEAF_OP_PROTECT ? ahead_of(vector) : NULL,
        .report = report,
    };
    switch (operation->code) {
    case SHEAF_OP_PROTECT:
        return gather_protect(vector->gather, vspace, operation->rights, &change);
    case SHEAF_OP_EVICT:
        return evict_operation(vector->thread, vector->gather, operation, &vector->done,
                               &vector->begun, report);
    case SHEAF_OP_AGE:
        return gather_age(vector->gather, vspace, operation->flags, &change);
    default:
        return gather_unmap(vector->gather, vspace, operation->va, operation->pages,
                            operation->flags, &vector->done, report);
    }
}

static enum sheaf_error run_range(struct vector *vector, struct vspace *vspace,
                                  const struct operation *operation) {
    size_t bytes = report_bytes(operation);
    if (bytes > SHEAF_RESULT_BYTES - vector->report_start) {
        return SHEAF_ERR_RESULTS_TOO_LARGE;
    }
    uint8_t *report = bytes != 0 ? vector->report + vector->report_start : NULL;
    if (bytes != 0 && (vector->done != 0 || vector->begun)) {
        resume_report(vector, report, bytes);
    }
    enum sheaf_error error = run_on_range(vector, vspace, operation, report);
    if (bytes != 0) { // also of what was done before an error, if it was interrupted in between
        vector->report_end =
            vector->report_start + (vector->begun ? bytes : SHEAF_REPORT_BYTES(vector->done));
    }
    return error;
}

static enum sheaf_error run_move(struct vector *vector, struct vspace *vspace,
                                 const struct operation *operation) {
    if (vector->done == 0) {
        vector->move = (struct gather_move){0};
    }
    enum sheaf_error error = gather_move_operation(vector->thread, vector->gather, vspace,
                                                   operation, &vector->move, &vector->missing);
    vector->done = operation->pages; // begun: how far is in `move`
    return error;
}

// FORCE, after an operation that succeeded.
static void force(const struct vector *vector, struct vspace *vspace,
                  const struct operation *operation) {
    if (operation->code == SHEAF_OP_SYNC) {
        gather_force(vector->gather, vspace, VADDR(0), USER_PAGES);
        return;
    }
    gather_force(vector->gather, vspace, operation->va, operation->pages);
    if (operation->code == SHEAF_OP_MOVE) {
        gather_force(vector->gather, vspace, VADDR(operation->word4), operation->pages);
    }
}

static enum sheaf_error run_in_vspace(struct vector *vector, const struct operation *operation) {
    struct slot *slot;
    enum sheaf_error error = lookup_type(vector->thread, operation->vspace, SHEAF_VSPACE, &slot);
    if (error != SHEAF_OK) {
        return error;
    }
    struct vspace *vspace = slot->object;
    if (operation->code == SHEAF_OP_MOVE) {
        error = run_move(vector, vspace, operation);
    } else if (operation->code == SHEAF_OP_MAP) {
        error = gather_map_operation(vector->thread, vector->gather, vspace, operation,
                                     &vector->done, &vector->missing);
    } else if (operation->code == SHEAF_OP_SYNC) {
        error = gather_sync(vector->gather, vspace);
    } else {
        error = run_range(vector, vspace, operation);
    }
    if (error == SHEAF_OK && vector->policy == GATHER_FORCE) {
        force(vector, vspace, operation);
    }
    return error;
}

static enum sheaf_error run_ordinary(struct vector *vector) {
    struct operation operation = take_apart(vector->next);
    enum sheaf_error error = check(&operation, vector->policy);
    if (error == SHEAF_OK) {
        error = operation.code == SHEAF_OP_EVICT ? run_range(vector, NULL, &operation)
                                                 : run_in_vspace(vector, &operation);
    }
    if (error == SHEAF_OK) {
        vector->report_start += report_bytes(&operation);
        vector->begun = false;
    }
    return error;
}

static inline enum sheaf_error run_operation(struct vector *vector) {
    if (likely(vector->policy == GATHER_IF_NEEDED &&
               gather_map_fast(vector->thread, vector->gather, vector->next))) {
        return SHEAF_OK;
    }
    return run_ordinary(vector);
}

static inline enum sheaf_error run_all(struct vector *vector) {
    while (vector->next != vector->end) {
        enum sheaf_error error = run_operation(vector);
        if (unlikely(error != SHEAF_OK)) {
            return error;
        }
        port_count(SHEAF_COUNTER_GATHER_OPERATIONS, 1);
        if (++vector->next == vector->end) {
            break;
        }
        vector->done = 0;
        if (arch_interrupt_pending()) {
            return SHEAF_ERR_PREEMPTED;
        }
    }
    return SHEAF_OK;
}

// Whether the operation in turn is the one that was interrupted. The buffer is user space's, and
// other threads may have written to it since: another operation has not begun.
static bool is_same_operation(const struct continuation *continuation,
                              const struct vector *vector) {
    if (vector->next == vector->end) {
        return false;
    }
    for (unsigned i = 0; i < SHEAF_GATHER_OP_WORDS; i++) {
        if (continuation->op.word[i] != vector->next->word[i]) {
            return false;
        }
    }
    return true;
}

// Goes on where an interrupted execution was.
static __attribute__((noinline)) void resume(struct vector *vector) {
    struct continuation *continuation = &vector->thread->continuation;
    vector->next += MIN(continuation->index, (unsigned)(vector->end - vector->ops));
    if (is_same_operation(continuation, vector)) {
        vector->done = continuation->pages;
        vector->begun = continuation->begun;
    } else {
        evict_abandon(vector->thread);
        continuation->ahead = (struct gather_ahead){0};
    }
    vector->move = continuation->move;
    for (const struct sheaf_gather_op *op = vector->ops; op != vector->next; op++) {
        struct operation operation = take_apart(op);
        size_t bytes = MIN(report_bytes(&operation), SHEAF_RESULT_BYTES);
        vector->report_start = MIN(vector->report_start + bytes, SHEAF_RESULT_BYTES);
    }
    vector->report_first = vector->report_start;
}

static __attribute__((noinline)) enum sheaf_error choose_policy(struct vector *vector,
                                                                uint64_t flags) {
    const uint64_t policies = SHEAF_GATHER_DEFER | SHEAF_GATHER_FORCE;
    if ((flags & ~(SHEAF_GATHER_REPLY_RECV | policies)) != 0) {
        return SHEAF_ERR_UNKNOWN_FLAG;
    }
    if ((flags & policies) == policies) {
        return SHEAF_ERR_INVALID_ARGUMENT;
    }
    vector->policy = (flags & SHEAF_GATHER_DEFER) != 0 ? GATHER_DEFER : GATHER_FORCE;
    return SHEAF_OK;
}

// Copies the operations, each word once: other threads may write to the buffer.
static inline enum sheaf_error begin(struct vector *vector, struct thread *thread,
                                     uint64_t argument) {
    uint64_t count = argument & UINT32_MAX;
    uint64_t flags = argument >> 32;
    vector->policy = GATHER_IF_NEEDED;
    if (unlikely((flags & ~SHEAF_GATHER_REPLY_RECV) != 0)) {
        enum sheaf_error error = choose_policy(vector, flags);
        if (error != SHEAF_OK) {
            return error;
        }
    }
    if (unlikely(count > SHEAF_GATHER_OPS)) {
        return SHEAF_ERR_VECTOR_TOO_LONG;
    }
    if (unlikely(!thread_has_buffer(thread))) {
        return SHEAF_ERR_NO_BUFFER;
    }
    const volatile struct sheaf_gather_op *from = thread_buffer(thread)->ops;
    for (struct sheaf_gather_op *to = vector->ops; to != vector->ops + count; to++) {
        *to = *from++;
    }
    vector->thread = thread;
    vector->next = vector->ops;
    vector->end = vector->ops + count;
    vector->done = 0;
    vector->begun = false;
    vector->missing = 0;
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
    const struct gather_totals totals = totals_of(vector);
    const struct gather_totals shown = {
        .leaves = MIN(totals.leaves, UINT32_MAX),
        .tables = capped(totals.tables),
        .tlbi = capped(totals.tlbi),
        .dsb = capped(totals.dsb),
        .batches = capped(totals.batches),
    };
    gather_answer(vector->thread, &shown, error, error != SHEAF_OK ? index_of(vector) : 0);
}

static enum sheaf_error keep_place(struct vector *vector) {
    struct continuation *continuation = &vector->thread->continuation;
    continuation->totals = totals_of(vector);
    continuation->kind = CONTINUE_GATHER;
    continuation->index = index_of(vector);
    continuation->pages = vector->done;
    continuation->begun = vector->begun;
    continuation->move = vector->move;
    if (vector->next != vector->end) {
        continuation->op = *vector->next;
    }
    return SHEAF_ERR_PREEMPTED;
}

static __attribute__((noinline)) enum sheaf_error fail(struct vector *vector,
                                                       enum sheaf_error error) {
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
    if (unlikely(vector.policy != GATHER_IF_NEEDED)) {
        gather_set_policy(vector.gather, vector.policy);
    }
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
            error = keep_place(&vector);
            thread->continuation.index = CONTINUE_TAIL;
            return error;
        }
    }
    write_totals(&vector, SHEAF_OK);
    return error;
}
