// SPDX-License-Identifier: BSD-2-Clause
// The longest operations that a program can ask for: how long interrupts stay masked in each.
//
// A case makes what is dear for the kernel: many levels, many leaves that stand alone, many address
// spaces, many waiters. Once is enough; the longest stretch counts, whatever the whole takes.
#include "bench.h"

#include <stdio.h>
#include <string.h>

#define TOUCHED (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)

static const char *name;

static void begin(void) { bench_begin(REGION_LONG); }

static void end(void) {
    bench_end(REGION_LONG);
    printf("# region %s %u\n", name, REGION_LONG);
}

static sheaf_cptr pages(unsigned count) { return make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, count); }

// ---- Retype

static void retype(void) {
    static const struct {
        unsigned type, bits, count;
    } kinds[] = {
        {SHEAF_UNTYPED, 6, SHEAF_RETYPE_MAX},      {SHEAF_CNODE, 4, SHEAF_RETYPE_MAX},
        {SHEAF_THREAD, 0, SHEAF_RETYPE_MAX},       {SHEAF_ENDPOINT, 0, SHEAF_RETYPE_MAX},
        {SHEAF_NOTIFICATION, 0, SHEAF_RETYPE_MAX}, {SHEAF_REPLY, 0, SHEAF_RETYPE_MAX},
        {SHEAF_FRAME, 12, SHEAF_RETYPE_MAX},       {SHEAF_IRQ_HANDLER, 0, SHEAF_RETYPE_MAX},
        {SHEAF_TIMER, 0, SHEAF_RETYPE_MAX},        {SHEAF_VSPACE, 0, SHEAF_RETYPE_MAX_VSPACES},
    };
    name = "masked.retype";
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        sheaf_cptr first = new_slots(kinds[i].count);
        begin();
        uint64_t status =
            untyped_retype(arena(), kinds[i].type, kinds[i].bits, 0, ROOT, first, kinds[i].count);
        end();
        CHECK_OK(status);
    }
}

// Memory becomes non-cacheable and comes back, as much as one batch takes and more; then in blocks
// that stand alone. Once it is asked for by a purge, else by a retype.
static void measure_retype(sheaf_cptr memory, unsigned bits, unsigned memory_type) {
    sheaf_cptr slot = new_slot();
    begin();
    uint64_t status = untyped_retype(memory, SHEAF_FRAME, bits, memory_type, ROOT, slot, 1);
    end();
    CHECK_OK(status);
    begin();
    status = cnode_revoke(ROOT, memory);
    end();
    CHECK_OK(status);
}

static void alias(void) {
    enum { BITS = 27, BLOCKS = 1 << (BITS - SHEAF_NON_CACHEABLE_MIN_BITS) };
    sheaf_cptr memory = make_untyped_apart(BITS), pieces = new_slots(BLOCKS);
    name = "masked.alias";
    measure_retype(memory, 16, SHEAF_MEMORY_NON_CACHEABLE);
    measure_retype(memory, 12, SHEAF_MEMORY_NORMAL);
    retype_many(memory, SHEAF_UNTYPED, SHEAF_NON_CACHEABLE_MIN_BITS, ROOT, pieces, BLOCKS);
    for (unsigned i = 0; i < BLOCKS; i += 2) {
        measure_retype(pieces + i, 12, SHEAF_MEMORY_NON_CACHEABLE);
    }
    begin();
    uint64_t status = INVOKE(memory, SHEAF_UNTYPED_PURGE, 0, 0).status;
    end();
    CHECK_OK(status);
    CHECK_OK(cnode_revoke(ROOT, memory));
}

// ---- Delete and revoke

// A chain of copies, and copies that are mapped each in its own VSpace and in one.
static void revoke(void) {
    enum { DEPTH = 200, SPACES = 40, COPIES = 200 };
    sheaf_cptr frame = pages(1);
    sheaf_cptr chain = new_slots(DEPTH);
    for (unsigned i = 0; i < DEPTH; i++) {
        CHECK_OK(cnode_copy(ROOT, chain + i, i == 0 ? frame : chain + i - 1, SHEAF_RIGHTS_ALL));
    }
    name = "masked.revoke";
    begin();
    uint64_t status = cnode_revoke(ROOT, frame);
    end();
    CHECK_OK(status);
    for (unsigned i = 0; i < SPACES; i++) {
        must_gather(map_op(make_vspace(1), CHILD_FREE, 1, copy_of(frame, SHEAF_RIGHTS_ALL), 1,
                           ALL_ACCESS, TOUCHED));
    }
    sheaf_cptr copies = new_slots(COPIES);
    uint64_t place = new_place(2 * COPIES * PAGE);
    for (unsigned i = 0; i < COPIES; i++) { // leaves that stand alone
        CHECK_OK(cnode_copy(ROOT, copies + i, frame, SHEAF_RIGHTS_ALL));
        must_gather(
            map_op(OWN_VSPACE, place + 2 * i * PAGE, 1, copies + i, 1, ALL_ACCESS, TOUCHED));
    }
    begin();
    status = cnode_revoke(ROOT, frame);
    end();
    CHECK_OK(status);
    CHECK(slot_is_empty(copies) && slot_is_empty(copies + COPIES - 1));
}

// A Frame mapped as 512 pages, and one whose record names 512 pages that are others' by now.
static void delete_frame(void) {
    sheaf_cptr frame = make(SHEAF_FRAME, 21), other = make(SHEAF_FRAME, 21);
    uint64_t place = new_place(BLOCK);
    must_gather(map_op(OWN_VSPACE, place, 512, frame, 1, ALL_ACCESS, SHEAF_OP_PAGES | TOUCHED));
    must_gather(unmap_op(OWN_VSPACE, place, 512, SHEAF_OP_KEEP_TABLES));
    must_gather(map_op(OWN_VSPACE, place, 512, other, 1, ALL_ACCESS, SHEAF_OP_PAGES | TOUCHED));
    name = "masked.delete.frame";
    begin();
    uint64_t status = cnode_delete(ROOT, frame);
    end();
    CHECK_OK(status);
    begin();
    status = cnode_delete(ROOT, other);
    end();
    CHECK_OK(status);
}

static void delete_cnode(void) {
    sheaf_cptr cnode = make(SHEAF_CNODE, 12);
    sheaf_cptr memory = make(SHEAF_UNTYPED, 22);
    retype_many(memory, SHEAF_THREAD, 0, cnode, 1, 200);
    retype_many(memory, SHEAF_TIMER, 0, cnode, 201, 200);
    retype_many(memory, SHEAF_ENDPOINT, 0, cnode, 401, 200);
    retype_many(memory, SHEAF_FRAME, SHEAF_PAGE_BITS, cnode, 601, 200);
    for (unsigned i = 0; i < 8; i++) {
        CHECK_OK(untyped_retype(memory, SHEAF_VSPACE, 0, 0, cnode, 2000 + i, 1));
    }
    name = "masked.delete.cnode";
    begin();
    uint64_t status = cnode_delete(ROOT, cnode);
    end();
    CHECK_OK(status);
    CHECK_EQ(untyped_info(memory).left, UINT64_C(1) << 22);
}

static void vspace(void) {
    enum { CHUNKS = 2 * SHEAF_GROW_MAX };
    sheaf_cptr memory = make(SHEAF_UNTYPED, 24);
    sheaf_cptr space = make_vspace(1);
    name = "masked.vspace";
    for (unsigned i = 0; i < CHUNKS; i += SHEAF_GROW_MAX) {
        begin();
        uint64_t status = INVOKE(space, SHEAF_VSPACE_GROW, 2, memory, SHEAF_GROW_MAX).status;
        end();
        CHECK_OK(status);
    }
    begin();
    uint64_t status = cnode_revoke(ROOT, memory);
    end();
    CHECK_OK(status);
    CHECK_EQ(untyped_info(memory).left, UINT64_C(1) << 24);
}

// ---- Gathers

// Frames that were mapped before: MAP checks each record.
static void map(void) {
    sheaf_cptr first = pages(SHEAF_MAP_FRAMES);
    uint64_t place = new_place(2 * BLOCK) + BLOCK - 7 * PAGE; // in two tables
    name = "masked.map";
    for (unsigned i = 0; i < 2; i++) {
        begin();
        struct gathered g = gather_one(map_op(OWN_VSPACE, place, SHEAF_MAP_FRAMES, first,
                                              SHEAF_MAP_FRAMES, ALL_ACCESS, TOUCHED));
        end();
        CHECK_OK(g.status);
        must_gather(unmap_op(OWN_VSPACE, place, SHEAF_MAP_FRAMES, 0));
    }
    sheaf_cptr large = make(SHEAF_FRAME, 21);
    place = new_place(BLOCK);
    begin();
    struct gathered g = gather_one(map_op(OWN_VSPACE, place, 512, large, 1,
                                          SHEAF_MAP_READ | SHEAF_MAP_EXECUTE, SHEAF_OP_PAGES));
    end();
    CHECK_OK(g.status);
}

// A table of leaves that stand alone, with a report and without; a table full of leaves.
static void unmap(void) {
    static const unsigned flags[] = {0, SHEAF_OP_KEEP_TABLES, SHEAF_OP_REPORT};
    sheaf_cptr first = pages(256);
    uint64_t place = new_place(BLOCK);
    name = "masked.unmap";
    for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        for (unsigned page = 0; page < 256; page++) {
            must_gather(map_op(OWN_VSPACE, place + 2 * page * PAGE, 1, first + page, 1, ALL_ACCESS,
                               TOUCHED));
        }
        begin();
        struct gathered g = gather_one(unmap_op(OWN_VSPACE, place, 512, flags[i]));
        end();
        CHECK_OK(g.status);
        CHECK_EQ(g.leaves, 256);
    }
    sheaf_cptr large = make(SHEAF_FRAME, 21);
    must_gather(map_op(OWN_VSPACE, place, 512, large, 1, ALL_ACCESS, SHEAF_OP_PAGES | TOUCHED));
    begin();
    struct gathered g = gather_one(unmap_op(OWN_VSPACE, place, 512, SHEAF_OP_REPORT));
    end();
    CHECK_OK(g.status);
    CHECK_EQ(g.leaves, 512);
}

// As many operations of a page as one call takes at once, each in another GiB, from the last one
// down; and one of 64 pages, none like the one before it.
static void unmap_few(void) {
    const uint64_t gib = BLOCK * 512;
    sheaf_cptr space = loaded_vspace(2 * SHEAF_GATHER_OPS / 15 + 2), first = pages(64);
    name = "masked.unmap.few";
    for (unsigned i = 0; i < SHEAF_GATHER_OPS; i++) {
        must_gather(map_op(space, (i + 1) * gib, 1, first + i, 1, ALL_ACCESS, TOUCHED));
    }
    for (unsigned i = 0; i < SHEAF_GATHER_OPS; i++) {
        own_buffer()->ops[i] = unmap_op(space, (SHEAF_GATHER_OPS - i) * gib, 1, 0);
    }
    begin();
    struct gathered g = gather(SHEAF_GATHER_OPS, 0);
    end();
    CHECK_OK(g.status);
    CHECK_EQ(g.leaves, SHEAF_GATHER_OPS);
    for (unsigned i = 0; i < 64; i++) {
        must_gather(map_op(space, gib + i * PAGE, 1, first + i, 1, ALL_ACCESS,
                           i % 2 == 0 ? TOUCHED : SHEAF_OP_ACCESSED));
    }
    begin();
    g = gather_one(unmap_op(space, gib, 64, 0));
    end();
    CHECK_OK(g.status);
    CHECK_EQ(g.leaves, 64);
}

// 600 tables of one leaf each.
static void unmap_tables(void) {
    enum { TABLES = 600 };
    sheaf_cptr space = make_vspace(45);
    sheaf_cptr frame = pages(1);
    sheaf_cptr copies = new_slots(TABLES);
    for (unsigned i = 0; i < TABLES; i++) {
        CHECK_OK(cnode_copy(ROOT, copies + i, frame, SHEAF_RIGHTS_ALL));
        must_gather(map_op(space, i * BLOCK, 1, copies + i, 1, ALL_ACCESS, TOUCHED));
    }
    name = "masked.unmap.tables";
    begin();
    struct gathered g = gather_one(unmap_op(space, 0, TABLES * TABLE_PAGES, 0));
    end();
    CHECK_OK(g.status);
    CHECK_EQ(g.leaves, TABLES);
    CHECK_EQ(vspace_info(space).used, 3); // those that reach beyond the range
}

// PROTECT and AGE of pages that are all different from their neighbours, of a full table, of what
// becomes executable, as pages and as a block.
static void protect(void) {
    sheaf_cptr first = pages(256), large = make(SHEAF_FRAME, 21), block = make(SHEAF_FRAME, 21);
    uint64_t place = new_place(3 * BLOCK);
    for (unsigned page = 0; page < 256; page++) {
        uint64_t rights = page % 2 == 0 ? ALL_ACCESS : SHEAF_MAP_READ;
        uint64_t flags = page % 2 == 0 ? TOUCHED : SHEAF_OP_ACCESSED;
        must_gather(map_op(OWN_VSPACE, place + page * PAGE, 1, first + page, 1, rights, flags));
    }
    must_gather(
        map_op(OWN_VSPACE, place + BLOCK, 512, large, 1, ALL_ACCESS, SHEAF_OP_PAGES | TOUCHED));
    must_gather(map_op(OWN_VSPACE, place + 2 * BLOCK, 512, block, 1, ALL_ACCESS, TOUCHED));
    const struct sheaf_gather_op ops[] = {
        age_op(OWN_VSPACE, place, 1536, SHEAF_OP_DIRTY | SHEAF_OP_REPORT),
        age_op(OWN_VSPACE, place, 1536, TOUCHED | SHEAF_OP_REPORT),
        protect_op(OWN_VSPACE, place, 1536, SHEAF_MAP_READ, SHEAF_OP_REPORT),
        protect_op(OWN_VSPACE, place, 1536, ALL_ACCESS, 0),
        protect_op(OWN_VSPACE, place, 1536, SHEAF_MAP_EXECUTE, 0),
    };
    name = "masked.protect";
    for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        begin();
        struct gathered g = gather_one(ops[i]);
        end();
        CHECK_OK(g.status);
    }
}

// ---- Waiting

#define CROWD 250

static char stacks[CROWD][512] __attribute__((aligned(16)));

static void sender(sheaf_cptr endpoint, sheaf_cptr self) {
    send(endpoint, MESSAGE(0, 0, 0));
    for (;;) {
        thread_suspend(self);
    }
}

// Threads that wait to send, each with a priority of its own; every second one with badge 1.
static sheaf_cptr crowd(sheaf_cptr endpoint) {
    sheaf_cptr first = make_many(SHEAF_THREAD, 0, CROWD);
    sheaf_cptr one = badged(endpoint, SHEAF_RIGHT_WRITE, 1);
    sheaf_cptr two = badged(endpoint, SHEAF_RIGHT_WRITE, 2);
    struct sheaf_ipc_buffer *buffer = own_buffer();
    for (unsigned i = 0; i < CROWD; i++) {
        CHECK_OK(thread_configure(first + i, ROOT, OWN_VSPACE, 0, 0, 0));
        CHECK_OK(thread_priority(first + i, 2 + i, 255, OWN_THREAD));
        buffer->message[SHEAF_REG_WORDS] = 0;
        CHECK_OK(INVOKE(first + i, SHEAF_THREAD_WRITE_REGISTERS, 6, 5, (uint64_t)sender,
                        (uint64_t)(stacks[i] + sizeof(stacks[i])), 0, i % 2 == 0 ? one : two,
                        first + i)
                     .status);
        CHECK_OK(thread_resume(first + i));
        wait_for_state(first + i, SHEAF_STATE_SENDING);
    }
    CHECK_OK(thread_priority(OWN_THREAD, MAIN_PRIORITY, 255, OWN_THREAD));
    return first;
}

static sheaf_cptr badge_slot(sheaf_cptr endpoint, uint64_t badge) {
    return badged(endpoint, SHEAF_RIGHT_READ | SHEAF_RIGHT_WRITE, badge); // read: to cancel
}

// In a queue of 250 priorities a thread changes its place; then senders are cancelled, the Endpoint
// goes.
static void waiters(void) {
    sheaf_cptr endpoint = make(SHEAF_ENDPOINT, 0);
    sheaf_cptr first = crowd(endpoint), one = badge_slot(endpoint, 1);
    name = "masked.waiters";
    begin();
    uint64_t status = thread_priority(first + CROWD - 1, 1, 255, OWN_THREAD);
    end();
    CHECK_OK(status);
    begin();
    status = INVOKE(ROOT, SHEAF_CNODE_CANCEL, 1, one).status;
    end();
    CHECK_OK(status);
    begin();
    CHECK_OK(cnode_revoke(ROOT, endpoint));
    status = cnode_delete(ROOT, endpoint);
    end();
    CHECK_OK(status);
}

static void timers(void) {
    enum { TIMERS = 100 };
    sheaf_cptr first = make_many(SHEAF_TIMER, 0, TIMERS);
    sheaf_cptr notification = make(SHEAF_NOTIFICATION, 0);
    uint64_t deadline =
        INVOKE(first, SHEAF_TIMER_GET_TIME, 0, 0).word[0] + boot_information()->timer_hz / 100;
    for (unsigned i = 0; i < TIMERS; i++) {
        CHECK_OK(INVOKE(first + i, SHEAF_TIMER_ATTACH, 1, notification).status);
        CHECK_OK(INVOKE(first + i, SHEAF_TIMER_SET, 1, deadline).status);
    }
    name = "masked.timers";
    begin();
    struct message m = receive(notification, 0);
    end();
    CHECK_OK(m.status);
}

// ---- Messages

static void serve_once(struct helper *self) {
    for (unsigned i = 0; i < SHEAF_MSG_CAPABILITIES; i++) {
        self->buffer->receive[i] = self->argument[2] + i;
    }
    struct message m = receive(self->argument[0], self->argument[1]);
    m.tag = SHEAF_TAG(0, SHEAF_MSG_WORDS);
    answer(self->argument[1], m);
}

// All words of a message and three capabilities.
static void call_with_capabilities(void) {
    sheaf_cptr endpoint = make(SHEAF_ENDPOINT, 0), slots = new_slots(SHEAF_MSG_CAPABILITIES);
    struct helper *server = spawn(serve_once, LOW_PRIORITY, endpoint, make(SHEAF_REPLY, 0), slots);
    wait_for_state(server->thread, SHEAF_STATE_RECEIVING);
    sheaf_cptr frames = pages(SHEAF_MSG_CAPABILITIES);
    for (unsigned i = 0; i < SHEAF_MSG_CAPABILITIES; i++) {
        own_buffer()->send[i] = frames + i;
    }
    struct message m = {.tag = SHEAF_TAG_CARRYING(0, SHEAF_MSG_WORDS, SHEAF_MSG_CAPABILITIES)};
    name = "masked.call";
    begin();
    m = call(endpoint, m);
    end();
    CHECK_OK(m.status);
    CHECK_EQ(SHEAF_TAG_LENGTH(m.tag), SHEAF_MSG_WORDS);
    CHECK_EQ(probe_type(slots + SHEAF_MSG_CAPABILITIES - 1), SHEAF_FRAME);
    join(server);
}

static const struct test_case cases[] = {
    {"masked.retype", retype},
    {"masked.alias", alias},
    {"masked.revoke", revoke},
    {"masked.delete.frame", delete_frame},
    {"masked.delete.cnode", delete_cnode},
    {"masked.vspace", vspace},
    {"masked.map", map},
    {"masked.unmap", unmap},
    {"masked.unmap.few", unmap_few},
    {"masked.unmap.tables", unmap_tables},
    {"masked.protect", protect},
    {"masked.waiters", waiters},
    {"masked.timers", timers},
    {"masked.call", call_with_capabilities},
};

const struct test_area long_bench_area = TEST_AREA(cases);
