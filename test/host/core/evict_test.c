// SPDX-License-Identifier: BSD-2-Clause
// EVICT, SYNC and the policies as system calls: what is unmapped and what stays, errors, the place
// of an interrupted walk in the tree, and memory that is not used anew while a deferred removal is
// pending (the machine model judges that).
#include "machine.h"
#include "sched.h"
#include <mmu.h>
#include <string.h>

#define VA UINT64_C(0x200000000)
#define RW (SHEAF_MAP_READ | SHEAF_MAP_WRITE)

static uint64_t vspace;

static int setup(void **state) {
    machine_setup(state);
    vspace = make(SHEAF_VSPACE, 0);
    return 0;
}

static struct sheaf_gather_op evict_op(uint64_t first, uint64_t count, uint64_t flags) {
    return (struct sheaf_gather_op){
        {SHEAF_OP_WORD0(SHEAF_OP_EVICT, 0, flags), 0, 0, 0, first, count}};
}

static struct sheaf_gather_op sync_op(uint64_t space) {
    return (struct sheaf_gather_op){{SHEAF_OP_WORD0(SHEAF_OP_SYNC, 0, 0), space}};
}

static struct result gather_with(uint64_t flags, struct sheaf_gather_op op) {
    buffer()->ops[0] = op;
    return gather(1, flags);
}

static void map_at(uint64_t space, uint64_t va, uint64_t frame, uint64_t flags) {
    OK(gather_op(map_op(space, va, 1, frame, 1, RW, flags)));
}

static bool is_mapped(uint64_t frame) { return mapping(frame).pages != 0; }

// A Frame with a copy, a copy of the copy and a second copy, each mapped in its own VSpace.
struct family {
    uint64_t original, copy, grandchild, second;
};

static struct family make_family(uint64_t flags) {
    struct family f = {.original = make(SHEAF_FRAME, 12)};
    f.copy = copy_of(f.original, 7);
    f.grandchild = copy_of(f.copy, 7);
    f.second = copy_of(f.original, 7);
    map_at(VSPACE, VA, f.original, flags);
    map_at(vspace, VA, f.copy, flags);
    map_at(make(SHEAF_VSPACE, 0), VA, f.grandchild, flags);
    map_at(vspace, VA + PAGE_BYTES, f.second, flags);
    return f;
}

// ---- What it does

static void unmaps_all_that_was_derived_and_deletes_nothing(void **state) {
    (void)state;
    struct family f = make_family(SHEAF_OP_DIRTY);
    uint64_t neighbour = make(SHEAF_FRAME, 12);
    map_at(vspace, VA + 2 * PAGE_BYTES, neighbour, 0);
    uint64_t before = fingerprint();
    struct result result = gather_op(evict_op(f.original, 1, 0));
    OK(result);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 4);
    assert_int_equal(SHEAF_GATHER_TABLES(result.x11), 0);
    assert_false(is_mapped(f.original) || is_mapped(f.copy) || is_mapped(f.grandchild) ||
                 is_mapped(f.second));
    assert_true(is_mapped(neighbour));
    assert_int_equal(fingerprint(), before);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_EVICTED), 4);
    OK(gather_op(evict_op(f.original, 1, 0))); // nothing is left
    map_at(VSPACE, VA, f.copy, 0);
}

static void leaves_what_the_capability_was_derived_from(void **state) {
    (void)state;
    struct family f = make_family(SHEAF_OP_DIRTY);
    OK(gather_op(evict_op(f.copy, 1, 0)));
    assert_true(is_mapped(f.original) && is_mapped(f.second));
    assert_false(is_mapped(f.copy) || is_mapped(f.grandchild));
}

static void many_slots_and_their_reports(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 6);
    uint64_t copies = copy_of(frames + 4, 7);
    map_at(VSPACE, VA, frames, 0);
    map_at(VSPACE, VA + 0x1000, frames + 1, SHEAF_OP_ACCESSED);
    map_at(VSPACE, VA + 0x2000, frames + 2, SHEAF_OP_DIRTY);
    map_at(VSPACE, VA + 0x4000, frames + 4, SHEAF_OP_ACCESSED);
    map_at(vspace, VA + 0x4000, copies, SHEAF_OP_DIRTY);
    memset(buffer()->results, 0xff, SHEAF_RESULT_BYTES);
    buffer()->ops[0] = unmap_op(VSPACE, VA + BIT(21), 1, SHEAF_OP_REPORT);
    buffer()->ops[1] = evict_op(frames, 6, SHEAF_OP_REPORT);
    struct result result = gather(2, 0);
    OK(result);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 5);
    assert_int_equal(buffer()->results[0], 0);
    assert_int_equal(buffer()->results[1], 0x34); // none, accessed, both, not mapped
    assert_int_equal(buffer()->results[2], 0x03); // over both leaves; not mapped
    assert_int_equal(buffer()->results[3], 0xff);
}

static void more_vspaces_than_a_batch_holds(void **state) {
    (void)state;
    uint64_t frame = make(SHEAF_FRAME, 12), copies = new_slots(20);
    for (unsigned i = 0; i < 20; i++) {
        OK(copy(copies + i, i % 3 == 0 ? frame : copies + i - 1, 7));
        map_at(make(SHEAF_VSPACE, 0), VA, copies + i, SHEAF_OP_DIRTY);
    }
    struct result result = gather_op(evict_op(frame, 1, 0));
    OK(result);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 20);
    for (unsigned i = 0; i < 20; i++)
        assert_false(is_mapped(copies + i));
}

static void large_frames(void **state) {
    (void)state;
    uint64_t frame = make_from(untyped(22), SHEAF_FRAME, 21), block = copy_of(frame, 7);
    OK(gather_op(map_op(VSPACE, VA, 512, frame, 1, RW, SHEAF_OP_PAGES | SHEAF_OP_DIRTY)));
    OK(gather_op(map_op(vspace, VA, 512, block, 1, RW, SHEAF_OP_DIRTY)));
    struct result result = gather_op(evict_op(frame, 1, SHEAF_OP_REPORT));
    OK(result);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 513);
    assert_int_equal(buffer()->results[0], 3);
}

// ---- Errors

static void bad_evicts(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 3), endpoint = make(SHEAF_ENDPOINT, 0);
    uint64_t empty = new_slots(1);
    map_at(VSPACE, VA, frames, SHEAF_OP_DIRTY);
    GATHER_FAILS(ZERO_LENGTH, evict_op(frames, 0, 0));
    GATHER_FAILS(RANGE, evict_op(frames, SHEAF_EVICT_SLOTS + 1, 0));
    GATHER_FAILS(RANGE, evict_op(frames, UINT64_MAX, 0));
    GATHER_FAILS(WRONG_TYPE, evict_op(frames, 4, 0)); // the Endpoint is behind them
    GATHER_FAILS(WRONG_TYPE, evict_op(endpoint, 1, 0));
    GATHER_FAILS(INVALID_CAPABILITY, evict_op(empty, 1, 0));
    GATHER_FAILS(INVALID_CAPABILITY, evict_op(0, 1, 0));
    OK(destroy(frames + 1));
    GATHER_FAILS(INVALID_CAPABILITY, evict_op(frames, 3, 0));
    for (unsigned flag = 1; flag < 0x10000; flag <<= 1)
        if (flag != SHEAF_OP_REPORT)
            GATHER_FAILS(UNKNOWN_FLAG, evict_op(frames, 1, flag));
    for (unsigned word = 0; word < 4; word++) {
        struct sheaf_gather_op op = evict_op(frames, 1, 0);
        op.word[word] |= word == 0 ? BIT(8) : PAGE_BYTES;
        GATHER_FAILS(INVALID_ARGUMENT, op);
    }
    buffer()->ops[0] = unmap_op(VSPACE, VA + BIT(21), 1792, SHEAF_OP_REPORT);
    buffer()->ops[1] = evict_op(frames, 1, SHEAF_OP_REPORT);
    struct result result = gather(2, 0);
    assert_int_equal(result.status, SHEAF_ERR_RESULTS_TOO_LARGE);
    assert_int_equal(SHEAF_GATHER_INDEX(result.x10), 1);
    assert_true(is_mapped(frames));
}

static void bad_syncs(void **state) {
    (void)state;
    GATHER_FAILS(WRONG_TYPE, sync_op(CNODE));
    GATHER_FAILS(INVALID_CAPABILITY, sync_op(0));
    for (unsigned flag = 1; flag < 0x10000; flag <<= 1) {
        struct sheaf_gather_op op = sync_op(vspace);
        op.word[0] |= (uint64_t)flag << 16;
        GATHER_FAILS(UNKNOWN_FLAG, op);
    }
    for (unsigned word = 0; word < 6; word++) {
        struct sheaf_gather_op op = sync_op(vspace);
        op.word[word] |= word == 0 ? BIT(8) : PAGE_BYTES;
        if (word != 1)
            GATHER_FAILS(INVALID_ARGUMENT, op);
    }
}

static void defer_where_it_may_not_be(void **state) {
    (void)state;
    uint64_t frame = make(SHEAF_FRAME, 12);
    map_at(VSPACE, VA, frame, SHEAF_OP_DIRTY);
    buffer()->ops[0] = unmap_op(VSPACE, VA, 1, 0);
    buffer()->ops[1] = map_op(VSPACE, VA, 1, frame, 1, RW, 0);
    struct result result = gather(2, SHEAF_GATHER_DEFER);
    assert_int_equal(result.status, SHEAF_ERR_UNKNOWN_FLAG);
    assert_int_equal(SHEAF_GATHER_INDEX(result.x10), 1);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 1);
    buffer()->ops[0] = sync_op(VSPACE);
    FAILS(UNKNOWN_FLAG, gather(1, SHEAF_GATHER_DEFER));
    FAILS(INVALID_ARGUMENT, gather(1, SHEAF_GATHER_DEFER | SHEAF_GATHER_FORCE));
    OK(gather(1, 0));
    OK(gather(1, SHEAF_GATHER_FORCE));
}

// ---- Policies

static void deferred_and_synced(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 8);
    map_frames(VA, frames, 8, SHEAF_OP_DIRTY);
    struct result result = gather_with(SHEAF_GATHER_DEFER, unmap_op(VSPACE, VA, 512, 0));
    OK(result);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 8);
    assert_int_equal(result.x11, 0); // no table, TLBI, DSB, batch
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_DEFERRED), 1);
    result = gather_op(sync_op(VSPACE));
    OK(result);
    assert_int_equal(SHEAF_GATHER_TLBI(result.x11), 8);
    assert_int_equal(SHEAF_GATHER_DSB(result.x11), 2);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_RELEASED), 1);
    map_frames(VA, frames, 8, SHEAF_OP_DIRTY);
    result = gather_with(SHEAF_GATHER_DEFER, evict_op(frames, 8, SHEAF_OP_REPORT));
    OK(result);
    assert_int_equal(result.x11, 0);
    assert_int_equal(buffer()->results[0], 0xff);
    result = gather_op(sync_op(VSPACE));
    assert_int_equal(SHEAF_GATHER_TLBI(result.x11), 8);
}

static void forced(void **state) {
    (void)state;
    uint64_t frame = make(SHEAF_FRAME, 12);
    struct result result = gather_with(SHEAF_GATHER_FORCE, unmap_op(VSPACE, VA, 3, 0));
    OK(result);
    assert_int_equal(SHEAF_GATHER_TLBI(result.x11), 3);
    assert_int_equal(SHEAF_GATHER_DSB(result.x11), 2);
    map_at(VSPACE, VA, frame, 0);
    result = gather_with(SHEAF_GATHER_FORCE, evict_op(frame, 1, 0)); // never accessed
    assert_int_equal(SHEAF_GATHER_TLBI(result.x11), 1);
    result = gather_with(SHEAF_GATHER_FORCE, evict_op(frame, 1, 0)); // not even mapped
    assert_int_equal(SHEAF_GATHER_TLBI(result.x11), 1);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 0);
    result = gather_with(SHEAF_GATHER_FORCE, map_op(VSPACE, VA, 1, frame, 1, RW, 0));
    assert_int_equal(SHEAF_GATHER_TLBI(result.x11), 1);
    result = gather_with(SHEAF_GATHER_FORCE, sync_op(VSPACE));
    assert_int_equal(SHEAF_GATHER_TLBI(result.x11), 1);
    assert_int_equal(SHEAF_GATHER_DSB(result.x11), 2);
}

// ---- Memory of a deferred removal: the model fails the test where it is written too early

static void prepare_deferred(uint64_t *memory, uint64_t *frame) {
    *memory = untyped(16);
    *frame = make_from(*memory, SHEAF_FRAME, 12);
    map_at(VSPACE, VA, *frame, SHEAF_OP_DIRTY);
    OK(gather_with(SHEAF_GATHER_DEFER, unmap_op(VSPACE, VA, 1, 0)));
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_RELEASED), 0);
}

static void scenario_4b_memory_is_retyped_after_a_deferred_unmap(void **state) {
    (void)state;
    uint64_t memory, frame;
    prepare_deferred(&memory, &frame);
    OK(destroy(frame));
    make_from(memory, SHEAF_UNTYPED, 16); // all of it is zeroed
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_RELEASED), 1);
}

static void scenario_4b_memory_is_revoked_after_a_deferred_unmap(void **state) {
    (void)state;
    uint64_t memory, frame;
    prepare_deferred(&memory, &frame);
    OK(revoke(memory));
    make_from(memory, SHEAF_UNTYPED, 16);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_RELEASED), 1);
}

static void scenario_4b_the_same_capability_is_mapped_anew(void **state) {
    (void)state;
    uint64_t memory, frame;
    prepare_deferred(&memory, &frame);
    map_at(vspace, VA, frame, 0); // in another VSpace
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_RELEASED), 1);
}

static void scenario_4b_a_deferred_evict_then_delete(void **state) {
    (void)state;
    uint64_t memory = untyped(16), frame = make_from(memory, SHEAF_FRAME, 12);
    uint64_t other = copy_of(frame, 7);
    map_at(VSPACE, VA, frame, SHEAF_OP_DIRTY);
    map_at(vspace, VA, other, SHEAF_OP_DIRTY);
    OK(gather_with(SHEAF_GATHER_DEFER, evict_op(frame, 1, 0)));
    OK(destroy(other));
    OK(destroy(frame));
    make_from(memory, SHEAF_UNTYPED, 16);
}

static void scenario_4b_the_vspace_dies(void **state) {
    (void)state;
    uint64_t memory, frame;
    prepare_deferred(&memory, &frame);
    map_at(vspace, VA, frame, SHEAF_OP_DIRTY);
    OK(gather_with(SHEAF_GATHER_DEFER, unmap_op(vspace, VA, 1, 0)));
    OK(destroy(vspace));
    OK(destroy(frame));
    make_from(memory, SHEAF_UNTYPED, 16);
}

static void scenario_4a_the_range_is_mapped_anew(void **state) {
    (void)state;
    uint64_t memory, frame;
    prepare_deferred(&memory, &frame);
    map_at(VSPACE, VA, make(SHEAF_FRAME, 12), 0);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_GATHER_RELEASED), 1);
}

static void scenario_4c_a_chunk_is_taken_back_after_a_deferred_unmap(void **state) {
    (void)state;
    uint64_t memory = untyped(16), frame = make(SHEAF_FRAME, 12);
    uint64_t others = make_many(SHEAF_FRAME, 12, 12);
    for (unsigned i = 0; i < 12; i++)
        map_at(vspace, VA + i * BIT(21), others + i, SHEAF_OP_DIRTY);
    OK(INVOKE(vspace, SHEAF_VSPACE_GROW, memory, 1));
    map_at(vspace, BIT(40), frame, SHEAF_OP_DIRTY);
    OK(gather_with(SHEAF_GATHER_DEFER, unmap_op(vspace, BIT(40), 512, 0)));
    FAILS(TABLE_IN_USE, INVOKE(vspace, SHEAF_VSPACE_SHRINK, 1)); // kept by DEFER
    OK(gather_op(unmap_op(vspace, BIT(39), BIT(36) - BIT(27), 0)));
    OK(INVOKE(vspace, SHEAF_VSPACE_SHRINK, 1));
    make_from(memory, SHEAF_FRAME, 16);
}

// ---- The place of an interrupted walk

#define COPIES 200

static uint64_t copies;
static unsigned cut; // so many of them are through when the walk is interrupted
static struct helper worker;

// The worker runs, or init again; neither makes a call for it, which would end what is interrupted.
static void let_worker_run(bool it) {
    sched_set_priority(&fake.pe[0], worker.thread, it ? PRIORITY_RUNNING + 1 : PRIORITY_READY);
    interrupt();
    assert_int_equal(running() == worker.thread, it);
}

// A gather of one operation that is interrupted at that look at pending interrupts.
static void begin_in_worker(struct sheaf_gather_op op, uint64_t polls) {
    worker = helper(PRIORITY_READY);
    resume(&worker);
    thread_buffer(worker.thread)->ops[0] = op;
    let_worker_run(true);
    uint64_t *reg = worker.thread->context.reg;
    reg[SHEAF_REG_SYSCALL] = SHEAF_SYS_GATHER;
    reg[SHEAF_REG_GATHER] = 1;
    fake_set_interrupts(polls);
    fake_run(core_syscall, &fake.pe[0]);
    fake_set_interrupts(VMSA_NEVER);
    assert_int_equal(worker.thread->continuation.kind, CONTINUE_GATHER);
    let_worker_run(false);
}

static unsigned still_mapped(void) {
    unsigned count = 0;
    for (unsigned i = 0; i < COPIES; i++)
        count += !is_empty(copies + i) && is_mapped(copies + i);
    return count;
}

// A Frame with copies of copies, each mapped, and a thread that is interrupted while it evicts
// them.
static uint64_t begin_walk(uint64_t memory, uint64_t polls) {
    uint64_t frame = make_from(memory, SHEAF_FRAME, 12);
    copies = new_slots(COPIES);
    for (unsigned i = 0; i < COPIES; i++) {
        OK(copy(copies + i, i % 5 == 0 ? frame : copies + i - 1, 7));
        map_at(VSPACE, VA + i * PAGE_BYTES, copies + i, SHEAF_OP_DIRTY);
    }
    begin_in_worker(evict_op(frame, 1, SHEAF_OP_REPORT), polls);
    assert_int_equal(worker.thread->walk.cursor.type, SLOT_WALK);
    cut = COPIES - still_mapped();
    return frame;
}

static struct result end_walk(void) {
    let_worker_run(true);
    fake_run(core_syscall, &fake.pe[0]);
    struct result result = result_of(worker.thread);
    assert_int_equal(worker.thread->walk.cursor.type, SHEAF_NULL);
    assert_int_equal(worker.thread->walk.fence.type, SHEAF_NULL);
    let_worker_run(false);
    return result;
}

static void goes_on_where_it_was(void **state) {
    (void)state;
    unsigned before = 0;
    for (uint64_t polls = 0; polls < 8; polls++) {
        uint64_t memory = untyped(16), frame = begin_walk(memory, polls);
        assert_in_range(cut, before + 1, before + 64);
        before = cut;
        uint64_t bystander = copy_of(make(SHEAF_FRAME, 12), 7);
        map_at(vspace, VA, bystander, 0);
        struct result result = end_walk();
        OK(result);
        assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), COPIES);
        assert_int_equal(thread_buffer(worker.thread)->results[0], 3);
        assert_int_equal(still_mapped(), 0);
        assert_true(is_mapped(bystander));
        OK(destroy(bystander));
        assert_false(is_empty(frame));
        check_invariants();
    }
}

// Table by table: when the interrupt comes, capabilities behind the place are through, too. Their
// bits are kept.
static void bits_of_those_behind_the_place(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 8);
    for (unsigned i = 0; i < 8; i++)
        map_at(i % 2 == 0 ? VSPACE : vspace, VA + i * PAGE_BYTES, frames + i,
               i % 4 < 2 ? SHEAF_OP_DIRTY : SHEAF_OP_ACCESSED);
    begin_in_worker(evict_op(frames, 8, SHEAF_OP_REPORT), 0);
    uint8_t *results = thread_buffer(worker.thread)->results;
    results[2] = 0xff;
    assert_int_equal(worker.thread->continuation.pages, 1);
    assert_int_equal(results[0], 0x13);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(is_mapped(frames + i), i % 2 != 0);
    struct result result = end_walk();
    OK(result);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 8);
    assert_int_equal(results[0], 0x5f);
    assert_int_equal(results[1], 0x5f);
    assert_int_equal(results[2], 0xff);
}

static void deletions_pass_over_it(void **state) {
    (void)state;
    uint64_t memory = untyped(16), frame = begin_walk(memory, 0);
    for (unsigned i = cut - 4; i < cut + 6; i++) // around the cursor
        OK(destroy(copies + i));
    OK(destroy(frame)); // even the named one: what was derived from it is its parent's by now
    check_invariants();
    struct result result = end_walk();
    OK(result);
    assert_int_equal(still_mapped(), 0);
}

static void copies_made_meanwhile(void **state) {
    (void)state;
    uint64_t memory = untyped(16);
    begin_walk(memory, 0);
    uint64_t behind = copy_of(copies + cut + 30, 7), stranger = make_from(memory, SHEAF_FRAME, 12);
    map_at(vspace, VA, behind, 0);
    map_at(vspace, VA + PAGE_BYTES, stranger, 0);
    OK(INVOKE(CNODE, SHEAF_CNODE_MOVE, new_slots(1), copies + 20)); // moved with its mapping
    OK(end_walk());
    assert_false(is_mapped(behind));
    assert_true(is_mapped(stranger));
    assert_int_equal(still_mapped(), 0);
}

static void revoked_around_it(void **state) {
    (void)state;
    uint64_t memory = untyped(16), frame = begin_walk(memory, 0);
    assert_int_not_equal(cut % 5, 0);
    OK(revoke(copies + cut - cut % 5)); // the cursor is below
    check_invariants();
    assert_int_equal(worker.thread->walk.cursor.type, SHEAF_NULL);
    OK(end_walk()); // begins again, over what is left
    assert_int_equal(still_mapped(), 0);
    assert_false(is_empty(frame));
}

static void all_of_it_is_revoked(void **state) {
    (void)state;
    uint64_t memory = untyped(16);
    begin_walk(memory, 0);
    OK(revoke(memory));
    assert_int_equal(bytes_left(memory), BIT(16));
    check_invariants();
    struct result result = end_walk();
    assert_int_equal(result.status, SHEAF_ERR_INVALID_CAPABILITY);
}

static void it_holds_no_memory_back(void **state) {
    (void)state;
    uint64_t memory = untyped(16), frame = begin_walk(memory, 0);
    OK(INVOKE(worker.cap, SHEAF_THREAD_SUSPEND)); // and it never goes on
    for (unsigned i = 0; i < COPIES; i++)
        OK(destroy(copies + i));
    OK(destroy(frame));
    assert_int_equal(bytes_left(memory), BIT(16));
    make_from(memory, SHEAF_UNTYPED, 16);
    check_invariants();
}

static void the_thread_is_deleted(void **state) {
    (void)state;
    begin_walk(untyped(16), 0);
    OK(destroy(worker.cap));
    check_invariants();
    assert_int_equal(still_mapped(), COPIES - cut);
}

static void the_thread_does_something_else(void **state) {
    (void)state;
    uint64_t memory = untyped(16);
    begin_walk(memory, 0);
    OK(INVOKE(worker.cap, SHEAF_THREAD_SUSPEND));
    OK(INVOKE(worker.cap, SHEAF_THREAD_WRITE_REGISTERS, 1, 0x9000));
    assert_int_equal(worker.thread->walk.cursor.type, SHEAF_NULL);
    check_invariants();
}

static void the_operation_was_changed_meanwhile(void **state) {
    (void)state;
    begin_walk(untyped(16), 0);
    uint64_t other = make(SHEAF_FRAME, 12);
    map_at(vspace, VA, other, SHEAF_OP_ACCESSED);
    thread_buffer(worker.thread)->ops[0] = evict_op(other, 1, SHEAF_OP_REPORT);
    struct result result = end_walk();
    OK(result);
    assert_false(is_mapped(other));
    assert_int_equal(thread_buffer(worker.thread)->results[0], SHEAF_REPORT_ACCESSED);
    assert_int_equal(still_mapped(), COPIES - cut);
}

// Two walks over the same capabilities, interrupted in turn.
static void two_walks_at_once(void **state) {
    (void)state;
    uint64_t memory = untyped(16), frame = begin_walk(memory, 0);
    buffer()->ops[0] = evict_op(frame, 1, 0);
    OK(gather(1, 0));
    assert_int_equal(still_mapped(), 0);
    for (unsigned i = 0; i < COPIES; i++)
        map_at(VSPACE, VA + i * PAGE_BYTES, copies + i, 0);
    OK(end_walk());
    assert_int_equal(still_mapped(), cut); // what lay before its place
}

// Scenario 2-e: slots whose Frames are mapped in the VSpace of a capability that is gone.
static void scenario_2e_frames_of_a_dead_vspace(void **state) {
    (void)state;
    struct family f = make_family(SHEAF_OP_DIRTY);
    OK(destroy(vspace));
    vspace = make(SHEAF_VSPACE, 0); // may have the ASID
    struct result result = gather_op(evict_op(f.original, 1, 0));
    OK(result);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 2);
}

#define EVICT_TEST(function) cmocka_unit_test_setup_teardown(function, setup, machine_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        EVICT_TEST(unmaps_all_that_was_derived_and_deletes_nothing),
        EVICT_TEST(leaves_what_the_capability_was_derived_from),
        EVICT_TEST(many_slots_and_their_reports),
        EVICT_TEST(more_vspaces_than_a_batch_holds),
        EVICT_TEST(large_frames),
        EVICT_TEST(bad_evicts),
        EVICT_TEST(bad_syncs),
        EVICT_TEST(defer_where_it_may_not_be),
        EVICT_TEST(deferred_and_synced),
        EVICT_TEST(forced),
        EVICT_TEST(scenario_4b_memory_is_retyped_after_a_deferred_unmap),
        EVICT_TEST(scenario_4b_memory_is_revoked_after_a_deferred_unmap),
        EVICT_TEST(scenario_4b_the_same_capability_is_mapped_anew),
        EVICT_TEST(scenario_4b_a_deferred_evict_then_delete),
        EVICT_TEST(scenario_4b_the_vspace_dies),
        EVICT_TEST(scenario_4a_the_range_is_mapped_anew),
        EVICT_TEST(scenario_4c_a_chunk_is_taken_back_after_a_deferred_unmap),
        EVICT_TEST(goes_on_where_it_was),
        EVICT_TEST(bits_of_those_behind_the_place),
        EVICT_TEST(deletions_pass_over_it),
        EVICT_TEST(copies_made_meanwhile),
        EVICT_TEST(revoked_around_it),
        EVICT_TEST(all_of_it_is_revoked),
        EVICT_TEST(it_holds_no_memory_back),
        EVICT_TEST(the_thread_is_deleted),
        EVICT_TEST(the_thread_does_something_else),
        EVICT_TEST(the_operation_was_changed_meanwhile),
        EVICT_TEST(two_walks_at_once),
        EVICT_TEST(scenario_2e_frames_of_a_dead_vspace),
    };
    return cmocka_run_group_tests_name("core.evict", tests, NULL, NULL);
}
