// SPDX-License-Identifier: BSD-2-Clause
// Preemption: an interrupt at any preemption point changes nothing but the time a call takes. Every
// scenario runs once without interrupts and then with one after every n polls, for many n; answers
// and the state of all capabilities are the same, and invariants hold.
#include "machine.h"
#include <mmu.h>
#include <string.h>

#define VA UINT64_C(0x200000000)
#define RW (SHEAF_MAP_READ | SHEAF_MAP_WRITE)

struct scenario {
    const char *name;
    void (*prepare)(void);
    uint64_t (*run)(void); // a hash of what was answered
    unsigned least;        // interrupts at the densest setting
};

static uint64_t slots[8];
static uint64_t hash;

static void answer_is(uint64_t value) { hash = (hash ^ value) * UINT64_C(0x100000001b3); }

static void answers_are(struct result result, unsigned words) {
    answer_is(result.status);
    answer_is(result.tag);
    for (unsigned i = 0; i < words; i++)
        answer_is(result.word[i]);
}

// ---- Scenarios

static void prepare_untyped(void) { slots[0] = untyped(21); }

static uint64_t retype_a_large_frame(void) {
    slots[1] = new_slots(1);
    answers_are(retype(slots[0], SHEAF_FRAME, 20, CNODE, slots[1], 1), 0);
    const uint8_t *bytes = port_kernel_address(slot_of(slots[1])->frame.address);
    for (unsigned i = 0; i < BIT(20); i++)
        if (bytes[i] != 0)
            fail_msg("byte %u is not zero", i);
    return hash;
}

static uint64_t retype_threads(void) {
    slots[1] = new_slots(200);
    retype_many(slots[0], SHEAF_THREAD, 0, slots[1], 200);
    answer_is(bytes_left(slots[0]));
    return hash;
}

static void prepare_revoke(void) {
    slots[0] = untyped(20);
    slots[1] = new_slots(300);
    retype_many(slots[0], SHEAF_FRAME, 12, slots[1], 100);
    for (unsigned i = 0; i < 200; i++)
        OK(copy(slots[1] + 100 + i, slots[1] + i % 100, 7));
    for (unsigned i = 0; i < 3; i++)
        map_frames(VA + (uint64_t)i * 100 * PAGE_BYTES, slots[1] + i * 100, 100, SHEAF_OP_DIRTY);
}

static uint64_t revoke_mapped_copies(void) {
    answers_are(revoke(slots[0]), 0);
    answer_is(bytes_left(slots[0]));
    return hash;
}

static void prepare_cnodes(void) {
    slots[0] = untyped(20);
    slots[1] = make_from(slots[0], SHEAF_CNODE, 10);
    slots[2] = make_from(slots[0], SHEAF_CNODE, 10);
    slots[3] = make_from(slots[0], SHEAF_ENDPOINT, 0);
    for (unsigned i = 1; i < 1000; i++) {
        OK(INVOKE(slots[1], SHEAF_CNODE_COPY, i, i % 3 == 0 ? slots[2] : slots[3], 7));
        OK(INVOKE(slots[2], SHEAF_CNODE_COPY, i, i % 3 == 0 ? slots[1] : slots[3], 7));
    }
}

static uint64_t revoke_cnodes_in_each_other(void) {
    answers_are(revoke(slots[0]), 0);
    answer_is(bytes_left(slots[0]));
    return hash;
}

static void prepare_last_cnode(void) {
    prepare_cnodes();
    for (unsigned i = 3; i < 1000; i += 3)
        OK(INVOKE(slots[2], SHEAF_CNODE_DELETE, i));
    slots[4] = new_slots(1);
    OK(INVOKE(slots[1], SHEAF_CNODE_DELETE, 999));
    OK(INVOKE(slots[1], SHEAF_CNODE_MOVE, 999, slots[2]));
}

static uint64_t delete_a_full_cnode(void) {
    answers_are(destroy(slots[1]), 0);
    answers_are(INVOKE(slots[0], SHEAF_UNTYPED_INFO), 3);
    answers_are(destroy(slots[1]), 0); // it is gone, whatever was interrupted
    return hash;
}

static void prepare_waiters(void) {
    slots[0] = make(SHEAF_ENDPOINT, 0);
    for (unsigned i = 0; i < 20; i++) {
        struct helper waiter = helper(PRIORITY_READY);
        by(&waiter, (struct call){.number = i < 19 ? SHEAF_SYS_SEND : SHEAF_SYS_CALL,
                                  .cap = slots[0],
                                  .tag = SHEAF_TAG(i, 7)});
        OK(revoke(waiter.buffer)); // its message cannot be sent any more
    }
}

static uint64_t delete_an_endpoint(void) {
    answers_are(destroy(slots[0]), 0);
    return hash;
}

static uint64_t receive_past_impossible_senders(void) {
    answers_are(make_call(&(struct call){.number = SHEAF_SYS_NB_RECV, .cap = slots[0]}), 0);
    return hash;
}

static void prepare_thread(void) {
    slots[0] = make(SHEAF_THREAD, 0);
    slots[1] = untyped(20);
    slots[2] = make_from(slots[1], SHEAF_CNODE, 10);
    slots[3] = make(SHEAF_CNODE, 4);
    for (unsigned i = 1; i < 1024; i++)
        OK(INVOKE(slots[2], SHEAF_CNODE_COPY, i, VSPACE, 7));
    configure(slots[0], slots[2], VSPACE, 0, 0, 0);
    OK(destroy(slots[2]));
}

static uint64_t replace_a_cspace(void) {
    answers_are(INVOKE(slots[0], SHEAF_THREAD_CONFIGURE, slots[3], 0, 0, 0, 0), 0);
    answer_is(bytes_left(slots[1]));
    return hash;
}

static void prepare_own_cspace(void) {
    prepare_thread();
    OK(INVOKE(slots[3], SHEAF_CNODE_COPY, 1, CNODE, 7));
    OK(INVOKE(CNODE, SHEAF_CNODE_COPY, slots[2], slots[3], 7));
}

// The names in the call mean nothing any more when it is executed again.
static uint64_t replace_its_own_cspace(void) {
    configure(INIT, slots[3], 0, 0, 0, 0);
    answers_are(INVOKE(1 | INIT << 4, SHEAF_THREAD_CONFIGURE, 1, 0, 0, 0, 0), 0);
    return hash;
}

static void prepare_vspace(void) {
    slots[0] = untyped(21);
    slots[1] = make(SHEAF_VSPACE, 0);
    OK(INVOKE(slots[1], SHEAF_VSPACE_GROW, slots[0], 20));
}

static uint64_t grow_a_vspace(void) {
    answers_are(INVOKE(slots[1], SHEAF_VSPACE_GROW, slots[0], 10), 0);
    answers_are(INVOKE(slots[1], SHEAF_VSPACE_INFO), 4);
    return hash;
}

static uint64_t revoke_a_vspace(void) {
    answers_are(revoke(slots[0]), 0);
    answers_are(INVOKE(slots[1], SHEAF_VSPACE_INFO), 0);
    return hash;
}

static void prepare_gather(void) {
    slots[0] = make(SHEAF_VSPACE, 0);
    OK(INVOKE(slots[0], SHEAF_VSPACE_GROW, untyped(18), 4));
    slots[1] = make_many(SHEAF_FRAME, 12, 300);
    slots[2] = make(SHEAF_FRAME, 20);
}

static uint64_t a_long_gather(void) {
    struct sheaf_gather_op *ops = buffer()->ops;
    memset(buffer()->results, 0xff, SHEAF_RESULT_BYTES);
    for (unsigned i = 0; i < 30; i++) // over many tables
        ops[i] = map_op(slots[0], VA + ((uint64_t)i << 21), 10, slots[1] + i * 10, 10, RW,
                        i % 3 == 0   ? 0
                        : i % 3 == 1 ? SHEAF_OP_ACCESSED
                                     : SHEAF_OP_DIRTY);
    ops[30] = map_op(slots[0], VA + BIT(32), 256, slots[2], 1, SHEAF_MAP_EXECUTE, 0);
    for (unsigned i = 0; i < 20; i++)
        ops[31 + i] = unmap_op(slots[0], VA + ((uint64_t)i << 21) + PAGE_BYTES, 7, SHEAF_OP_REPORT);
    ops[51] = unmap_op(slots[0], VA, 10 * 512, 0);
    ops[52] = unmap_op(slots[0], VA + ((uint64_t)20 << 21), 200, SHEAF_OP_REPORT);
    // From the middle of a byte of bits over two boundaries of tables.
    ops[53] = unmap_op(slots[0], VA + ((uint64_t)24 << 21) + 3 * PAGE_BYTES, 1100, SHEAF_OP_REPORT);
    ops[54] = unmap_op(slots[0], 0, UINT64_C(1) << 36, 0);
    struct result result = gather(55, 0);
    answers_are(result, 0);
    answer_is(result.x10); // leaves
    answer_is(SHEAF_GATHER_TABLES(result.x11));
    for (unsigned i = 0; i < SHEAF_RESULT_BYTES; i++)
        answer_is(buffer()->results[i]);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 2 * (300 + 256));
    return hash;
}

static void prepare_tail(void) {
    prepare_waiters();
    slots[4] = slots[0];
    prepare_gather();
}

// The tail's receive is interrupted as well; the operations are not done again.
static uint64_t a_gather_with_a_long_tail(void) {
    buffer()->ops[0] = map_op(slots[0], VA, 10, slots[1], 10, RW, 0);
    struct thread *thread = running();
    execute(&(struct call){.number = SHEAF_SYS_GATHER,
                           .cap = slots[4],
                           .gather = SHEAF_GATHER_ARG(1, SHEAF_GATHER_REPLY_RECV)});
    answer_is(thread->state);
    answer_is(thread->context.reg[SHEAF_REG_GATHER]);
    return hash;
}

// The second PROTECT is refused as a whole, whatever the first one has looked through.
static uint64_t rights_and_flags(void) {
    struct sheaf_gather_op *ops = buffer()->ops;
    uint64_t all = 30 * 512, top = VA + ((uint64_t)29 << 21);
    memset(buffer()->results, 0xff, SHEAF_RESULT_BYTES);
    uint64_t reader = copy_of(slots[1] + 299, SHEAF_RIGHT_READ);
    for (unsigned i = 0; i < 29; i++)
        ops[i] = map_op(slots[0], VA + ((uint64_t)i << 21), 10, slots[1] + i * 10, 10, RW,
                        i % 2 == 0 ? SHEAF_OP_DIRTY : 0);
    ops[29] = protect_op(slots[0], VA, all, SHEAF_MAP_READ | SHEAF_MAP_EXECUTE, 0);
    ops[30] = protect_op(slots[0], VA, all, RW, 0);
    ops[31] = map_op(slots[0], top, 1, reader, 1, SHEAF_MAP_READ, SHEAF_OP_ACCESSED);
    ops[32] = age_op(slots[0], top - BIT(21) - PAGE_BYTES, 1100,
                     SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY | SHEAF_OP_REPORT);
    ops[33] = protect_op(slots[0], VA + PAGE_BYTES, 600, SHEAF_MAP_READ, SHEAF_OP_REPORT);
    ops[34] = protect_op(slots[0], VA, all, RW, 0);
    struct result result = gather(35, 0);
    answers_are(result, 0);
    answer_is(result.x10);
    for (unsigned i = 0; i < SHEAF_RESULT_BYTES; i++)
        answer_is(buffer()->results[i]);
    assert_int_equal(result.status, SHEAF_ERR_RIGHTS_EXCEEDED);
    assert_int_equal(SHEAF_GATHER_INDEX(result.x10), 34);
    return hash;
}

static uint64_t a_gather_that_fails(void) {
    struct sheaf_gather_op *ops = buffer()->ops;
    for (unsigned i = 0; i < 20; i++)
        ops[i] = map_op(slots[0], VA + ((uint64_t)i << 21), 10, slots[1] + i * 10, 10, RW, 0);
    ops[20] = map_op(slots[0], VA, 10, slots[1] + 200, 10, RW, 0);
    struct result result = gather(21, 0);
    answers_are(result, 0);
    answer_is(result.x10);
    assert_int_equal(SHEAF_GATHER_INDEX(result.x10), 20);
    return hash;
}

static uint64_t a_gather_with_a_tail(void) {
    uint64_t endpoint = make(SHEAF_ENDPOINT, 0), reply = make(SHEAF_REPLY, 0);
    struct helper client = helper(PRIORITY_READY);
    by(&client, (struct call){.number = SHEAF_SYS_CALL, .cap = endpoint, .tag = SHEAF_TAG(7, 0)});
    struct sheaf_gather_op *ops = buffer()->ops;
    for (unsigned i = 0; i < 20; i++)
        ops[i] = map_op(slots[0], VA + ((uint64_t)i << 21), 10, slots[1] + i * 10, 10, RW, 0);
    struct result result =
        make_call(&(struct call){.number = SHEAF_SYS_GATHER,
                                 .cap = endpoint,
                                 .reply = reply,
                                 .gather = SHEAF_GATHER_ARG(20, SHEAF_GATHER_REPLY_RECV)});
    answers_are(result, 0);
    answer_is(result.x10);
    answer_is(client.thread->state);
    return hash;
}

// 100 tables over a boundary of 1 GiB, and 100 blocks of nothing beside.
static void prepare_move(void) {
    slots[0] = make(SHEAF_VSPACE, 0);
    OK(INVOKE(slots[0], SHEAF_VSPACE_GROW, untyped(20), 8));
    slots[1] = make_many(SHEAF_FRAME, 12, 100);
    for (unsigned i = 0; i < 100; i++)
        OK(gather_op(map_op(slots[0], VA + BIT(30) - BIT(27) + i * BIT(21), 1, slots[1] + i, 1, RW,
                            SHEAF_OP_DIRTY)));
}

// There, to a place that overlaps, and all of the user half's first TiB to behind it.
static uint64_t move_many_tables(void) {
    struct sheaf_gather_op *ops = buffer()->ops;
    uint64_t from = VA + BIT(30) - BIT(27), word = SHEAF_OP_WORD0(SHEAF_OP_MOVE, 0, 0);
    ops[0] = (struct sheaf_gather_op){{word, slots[0], from, 51200, BIT(42), 0}};
    ops[1] = (struct sheaf_gather_op){{word, slots[0], BIT(42), 51200, BIT(42) + BIT(24), 0}};
    ops[2] = (struct sheaf_gather_op){{word, slots[0], BIT(42) + BIT(24), 1, BIT(42), slots[1]}};
    ops[3] = (struct sheaf_gather_op){{word, slots[0], BIT(42), BIT(28), 0, 0}};
    struct result result = gather(4, 0);
    answers_are(result, 0);
    answer_is(result.x10);
    for (unsigned i = 0; i < 100; i++)
        answer_is(mapping(slots[1] + i).va);
    assert_int_equal(mapping(slots[1]).va, 0);
    assert_int_equal(mapping(slots[1] + 99).va, BIT(24) + 99 * BIT(21));
    // All of them leaf by leaf, which are as far apart, over themselves.
    ops[0] = (struct sheaf_gather_op){{word, slots[0], 0, BIT(28), BIT(12), slots[1]}};
    answers_are(gather(1, 0), 0);
    for (unsigned i = 0; i < 100; i++)
        answer_is(mapping(slots[1] + i).va);
    assert_int_equal(mapping(slots[1] + 99).va, BIT(24) + BIT(12) + 99 * BIT(21));
    return hash;
}

static void prepare_senders(void) {
    slots[0] = make(SHEAF_ENDPOINT, 0);
    slots[1] = badged(slots[0], 1);
    slots[2] = badged(slots[0], 2);
    for (unsigned i = 0; i < 300; i++) {
        struct helper sender = helper(PRIORITY_READY - i % 7);
        by(&sender, (struct call){.number = SHEAF_SYS_SEND, .cap = slots[i < 200 ? 2 : 1]});
    }
}

static uint64_t cancel_behind_many_others(void) {
    answers_are(INVOKE(CNODE, SHEAF_CNODE_CANCEL, slots[1]), 0);
    return hash;
}

// Records that were true once, of pages and of large Frames as pages: each must be looked at.
static void prepare_stale_records(void) {
    slots[0] = make(SHEAF_VSPACE, 0);
    slots[1] = make_many(SHEAF_FRAME, 12, SHEAF_MAP_FRAMES);
    slots[2] = new_slots(2);
    retype_many(untyped(22), SHEAF_FRAME, 21, slots[2], 2);
    OK(gather_op(map_op(slots[0], VA, SHEAF_MAP_FRAMES, slots[1], SHEAF_MAP_FRAMES, RW, 0)));
    OK(gather_op(unmap_op(slots[0], VA, SHEAF_MAP_FRAMES, 0)));
    for (unsigned i = 0; i < 2; i++) {
        OK(gather_op(map_op(slots[0], VA, 512, slots[2] + i, 1, RW, SHEAF_OP_PAGES)));
        OK(gather_op(unmap_op(slots[0], VA, 512, SHEAF_OP_KEEP_TABLES)));
    }
}

static uint64_t map_again(void) {
    answers_are(gather_op(map_op(slots[0], VA + BIT(30), SHEAF_MAP_FRAMES, slots[1],
                                 SHEAF_MAP_FRAMES, RW, 0)),
                0);
    answers_are(gather_op(map_op(slots[0], VA + BIT(31), 1024, slots[2], 2, RW, 0)), 0);
    for (unsigned i = 0; i < SHEAF_MAP_FRAMES; i++)
        answer_is(mapping(slots[1] + i).va);
    answer_is(mapping(slots[2] + 1).va);
    return hash;
}

// More leaves of one record than a slice clears, and a CNode of such Frames.
static void prepare_large_frames(void) {
    slots[0] = untyped(22);
    slots[1] = make_from(slots[0], SHEAF_CNODE, 3);
    slots[2] = new_slots(1);
    OK(retype(slots[0], SHEAF_FRAME, 21, CNODE, slots[2], 1));
    OK(gather_op(map_op(VSPACE, VA, 512, slots[2], 1, RW, SHEAF_OP_PAGES | SHEAF_OP_DIRTY)));
    OK(INVOKE(slots[1], SHEAF_CNODE_MOVE, 5, slots[2]));
}

static uint64_t delete_a_cnode_of_large_frames(void) {
    answers_are(destroy(slots[1]), 0);
    answer_is(bytes_left(slots[0]));
    return hash;
}

// Frames with copies and copies of copies, one of them of 512 leaves, over several VSpaces.
static void prepare_evict(void) {
    uint64_t memory = untyped(22);
    slots[0] = new_slots(11);
    slots[1] = new_slots(60);
    OK(retype(memory, SHEAF_FRAME, 21, CNODE, slots[0] + 10, 1));
    retype_many(untyped(18), SHEAF_FRAME, 12, slots[0], 10);
    OK(gather_op(
        map_op(VSPACE, VA + BIT(30), 512, slots[0] + 10, 1, RW, SHEAF_OP_PAGES | SHEAF_OP_DIRTY)));
    for (unsigned i = 0; i < 60; i++) {
        uint64_t space = i % 6 == 0 ? make(SHEAF_VSPACE, 0) : VSPACE;
        OK(copy(slots[1] + i, i % 3 == 0 ? slots[0] + i / 6 : slots[1] + i - 1, 7));
        OK(gather_op(map_op(space, VA + i * PAGE_BYTES, 1, slots[1] + i, 1, RW,
                            i % 2 == 0 ? SHEAF_OP_ACCESSED : SHEAF_OP_DIRTY)));
    }
}

static uint64_t evict_with_copies(void) {
    buffer()->ops[0] = (struct sheaf_gather_op){
        {SHEAF_OP_WORD0(SHEAF_OP_EVICT, 0, SHEAF_OP_REPORT), 0, 0, 0, slots[0], 11}};
    struct result result = gather(1, 0);
    answers_are(result, 0);
    answer_is(result.x10);
    for (unsigned i = 0; i < 3; i++)
        answer_is(buffer()->results[i]);
    for (unsigned i = 0; i < 60; i++)
        answer_is(mapping(slots[1] + i).pages);
    return hash;
}

// A chain of copies of copies, deeper than the walk climbs in one step, from whose end it must come
// back to the last copy of the top.
static void prepare_chain(void) {
    slots[0] = make(SHEAF_FRAME, 12);
    slots[1] = new_slots(702);
    for (unsigned i = 0; i < 700; i++)
        OK(copy(slots[1] + i, i == 0 ? slots[0] : slots[1] + i - 1, 7));
    OK(copy(slots[1] + 700, slots[1] + 400, 7));
    OK(copy(slots[1] + 701, slots[0], 7));
    for (unsigned i = 0; i < 3; i++)
        OK(gather_op(map_op(VSPACE, VA + i * PAGE_BYTES, 1, slots[1] + 699 + i, 1, RW, 0)));
}

static uint64_t evict_up_a_chain(void) {
    buffer()->ops[0] = (struct sheaf_gather_op){
        {SHEAF_OP_WORD0(SHEAF_OP_EVICT, 0, SHEAF_OP_REPORT), 0, 0, 0, slots[0], 1}};
    struct result result = gather(1, 0);
    answers_are(result, 0);
    assert_int_equal(SHEAF_GATHER_LEAVES(result.x10), 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(mapping(slots[1] + 699 + i).pages, 0);
    return hash;
}

static uint64_t evict_deferred_and_sync(void) {
    buffer()->ops[0] = (struct sheaf_gather_op){{SHEAF_OP_EVICT, 0, 0, 0, slots[0], 11}};
    struct result result = gather(1, SHEAF_GATHER_DEFER);
    answers_are(result, 0);
    answer_is(result.x10);
    buffer()->ops[0] = (struct sheaf_gather_op){{SHEAF_OP_SYNC, VSPACE}};
    answers_are(gather(1, 0), 0);
    answer_is(mapping(slots[1] + 59).pages);
    return hash;
}

static const struct scenario scenarios[] = {
    {"retype_a_large_frame", prepare_untyped, retype_a_large_frame, 60},
    {"retype_threads", prepare_untyped, retype_threads, 20},
    {"revoke_mapped_copies", prepare_revoke, revoke_mapped_copies, 8},
    {"revoke_cnodes_in_each_other", prepare_cnodes, revoke_cnodes_in_each_other, 60},
    {"delete_a_full_cnode", prepare_last_cnode, delete_a_full_cnode, 50},
    {"delete_an_endpoint", prepare_waiters, delete_an_endpoint, 18},
    {"receive_past_impossible_senders", prepare_waiters, receive_past_impossible_senders, 19},
    {"replace_a_cspace", prepare_thread, replace_a_cspace, 30},
    {"replace_its_own_cspace", prepare_own_cspace, replace_its_own_cspace, 1},
    {"grow_a_vspace", prepare_vspace, grow_a_vspace, 30},
    {"revoke_a_vspace", prepare_vspace, revoke_a_vspace, 0},
    {"a_long_gather", prepare_gather, a_long_gather, 50},
    {"a_gather_with_a_long_tail", prepare_tail, a_gather_with_a_long_tail, 19},
    {"rights_and_flags", prepare_gather, rights_and_flags, 100},
    {"a_gather_that_fails", prepare_gather, a_gather_that_fails, 19},
    {"move_many_tables", prepare_move, move_many_tables, 12},
    {"cancel_behind_many_others", prepare_senders, cancel_behind_many_others, 13},
    {"map_again", prepare_stale_records, map_again, 5},
    {"delete_a_cnode_of_large_frames", prepare_large_frames, delete_a_cnode_of_large_frames, 4},
    {"evict_with_copies", prepare_evict, evict_with_copies, 24},
    {"evict_up_a_chain", prepare_chain, evict_up_a_chain, 9},
    {"evict_deferred_and_sync", prepare_evict, evict_deferred_and_sync, 24},
    {"a_gather_with_a_tail", prepare_gather, a_gather_with_a_tail, 19},
};

// ---- Every scenario, with interrupts at every distance

static uint64_t run(const struct scenario *scenario, uint64_t polls, unsigned *interrupts,
                    uint64_t *polled) {
    machine_boot(&(struct image){0});
    scenario->prepare();
    hash = 1;
    fake.interrupts = 0;
    fake_set_interrupts(polls);
    scenario->run();
    *interrupts = fake.interrupts;
    *polled = vmsa_polled();
    fake_set_interrupts(VMSA_NEVER);
    check_invariants();
    return hash ^ fingerprint();
}

static void same_with_interrupts(void **state) {
    const struct scenario *scenario = *state;
    unsigned interrupts;
    uint64_t work, polled;
    uint64_t expected = run(scenario, VMSA_NEVER, &interrupts, &work);
    assert_int_equal(interrupts, 0);
    for (uint64_t polls = 0; polls < 12; polls++) {
        uint64_t got = run(scenario, polls, &interrupts, &polled);
        if (got != expected)
            fail_msg("%s: another result with an interrupt every %lu polls", scenario->name,
                     (unsigned long)polls);
        // At 0 every poll says yes: even then each execution gets something done.
        if (polls == 0 && interrupts < scenario->least)
            fail_msg("%s: only %u interrupts", scenario->name, interrupts);
        // What was done is not done again: an execution for each poll there is without interrupts,
        // and now and then one that only finds out that it is through.
        if (interrupts > work * 2 + 8)
            fail_msg("%s: %u interrupts, for %lu polls", scenario->name, interrupts,
                     (unsigned long)work);
    }
}

static void another_call_forgets_the_rest(void **state) {
    (void)state;
    machine_boot(&(struct image){0});
    prepare_gather();
    struct helper other = helper(PRIORITY_READY);
    resume(&other);
    for (unsigned i = 0; i < 4; i++)
        thread_buffer(other.thread)->ops[i] =
            map_op(slots[0], VA + ((uint64_t)i << 21), 1, slots[1] + i, 1, RW, 0);
    become(other.cap);
    uint64_t *reg = other.thread->context.reg;
    reg[SHEAF_REG_SYSCALL] = SHEAF_SYS_GATHER;
    reg[SHEAF_REG_GATHER] = 4;
    fake_set_interrupts(2);
    fake_run(core_syscall, &fake.pe[0]);
    fake_set_interrupts(VMSA_NEVER);
    assert_int_equal(other.thread->continuation.kind, CONTINUE_GATHER);
    unsigned done = other.thread->continuation.index;
    assert_true(done > 0 && done < 4);
    become(INIT);
    OK(INVOKE(other.cap, SHEAF_THREAD_SUSPEND));
    OK(INVOKE(other.cap, SHEAF_THREAD_WRITE_REGISTERS, 1, 0x9000));
    assert_int_equal(other.thread->continuation.kind, CONTINUE_NOTHING);
    resume(&other);
    become(other.cap);
    // The same call is a new one: what is there already is in the way.
    struct result result = gather(4, 0);
    assert_int_equal(result.status, SHEAF_ERR_ALREADY_MAPPED);
    assert_int_equal(SHEAF_GATHER_INDEX(result.x10), 0);
    check_invariants();
}

int main(void) {
    struct CMUnitTest tests[ARRAY_SIZE(scenarios) + 1];
    for (unsigned i = 0; i < ARRAY_SIZE(scenarios); i++)
        tests[i] = (struct CMUnitTest){.name = scenarios[i].name,
                                       .test_func = same_with_interrupts,
                                       .initial_state = (void *)(uintptr_t)&scenarios[i]};
    tests[ARRAY_SIZE(scenarios)] =
        (struct CMUnitTest)cmocka_unit_test(another_call_forgets_the_rest);
    return _cmocka_run_group_tests("core.preemption", tests, ARRAY_SIZE(tests), NULL, NULL);
}
