// SPDX-License-Identifier: BSD-2-Clause
// Random system calls: whatever a program does, the kernel goes on and all memory comes back.
//
// A helper with a small CSpace of its own makes mostly well-formed calls in random order; the main
// thread, below it, gets it out of waits that nobody else would end. After each round everything is
// revoked and every byte must be there. `seed=N` as boot argument repeats a run.
#include "harness.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS 300
#define CALLS 600 // a round
#define CSPACE_BITS 6
#define MEMORY_BITS 20
#define ERRORS 64

static uint64_t state; // of the generator
static uint64_t answers[ERRORS];

// splitmix64, as published by Steele, Lea and Flood (2014).
static uint64_t random_word(void) {
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t below(uint64_t n) { return random_word() % n; }

static sheaf_cptr random_cap(void) {
    uint64_t slot = below(1u << CSPACE_BITS);
    switch (below(16)) {
    case 0:
        return random_word();
    case 1: // through the CNode in itself, or another
        return slot | below(1u << CSPACE_BITS) << CSPACE_BITS;
    default:
        return below(3) == 0 ? slot : 1 + below(16);
    }
}

static uint64_t random_argument(void) {
    static const uint64_t corners[] = {0,
                                       1,
                                       UINT64_MAX,
                                       UINT64_C(1) << 47,
                                       UINT64_C(0x0000fffffffff000),
                                       UINT64_C(0xffff000000000000),
                                       CHILD_FREE,
                                       4096,
                                       63,
                                       64};
    switch (below(4)) {
    case 0:
        return corners[below(sizeof(corners) / sizeof(corners[0]))];
    case 1:
        return random_cap();
    case 2:
        return below(8);
    default:
        return random_word() >> below(64);
    }
}

static struct message random_message(void) {
    struct message m;
    for (unsigned i = 0; i < SHEAF_REG_WORDS; i++) {
        m.word[i] = random_argument();
    }
    m.tag = SHEAF_TAG(below(8) == 0 ? random_word() >> 16 : below(11), below(7));
    if (below(40) == 0) {
        m.tag = random_word() >> below(64);
    }
    return m;
}

// A call that has a good chance: retype, copy, mint, move, delete, revoke with sensible words.
static uint64_t likely_call(void) {
    static const uint8_t bits[SHEAF_TYPE_COUNT] = {
        [SHEAF_UNTYPED] = 12, [SHEAF_CNODE] = 3, [SHEAF_FRAME] = 12, [SHEAF_VSPACE] = 16};
    uint64_t index = 1 + below((1u << CSPACE_BITS) - 1);
    uint64_t type = 1 + below(SHEAF_FRAME);
    switch (below(8)) {
    case 0:
    case 1:
    case 2:
        return untyped_retype(below(2) == 0 ? 2 : random_cap(), (unsigned)type, bits[type], 0, 1,
                              index, 1 + below(4));
    case 3:
        return cnode_copy(1, index, random_cap(), below(8));
    case 4:
        return cnode_mint(1, index, random_cap(), below(8), below(16));
    case 5:
        return cnode_move(1, index, random_cap());
    case 6:
        return cnode_delete(1, index < 8 ? index + 20 : index);
    default:
        return cnode_revoke(1, index);
    }
}

static uint64_t random_gather(struct sheaf_ipc_buffer *buffer) {
    unsigned count = (unsigned)below(below(10) == 0 ? 70 : 5);
    for (unsigned i = 0; i < count && i < SHEAF_GATHER_OPS; i++) {
        uint64_t va = CHILD_FREE + below(1200) * PAGE;
        buffer->ops[i] =
            below(2) == 0
                ? map_op(3, va, 1 + below(3), 1 + below(60), 1 + below(3), 1 + below(7),
                         below(4) == 0 ? below(16) : SHEAF_OP_ACCESSED)
                : unmap_op(3, va, 1 + below(600), below(2) == 0 ? SHEAF_OP_KEEP_TABLES : 0);
        if (below(8) == 0) {
            buffer->ops[i].word[below(6)] = random_argument();
        }
    }
    return gather(count, 0).status;
}

static uint64_t one_call(struct sheaf_ipc_buffer *buffer) {
    switch (below(4)) {
    case 0:
        return likely_call();
    case 1:
        return random_gather(buffer);
    default:
        return exchange((unsigned)below(12), random_cap(), random_cap(), random_message()).status;
    }
}

static void make_calls(struct helper *self) {
    for (unsigned i = 0; i < CALLS; i++) {
        uint64_t status = one_call(self->buffer);
        answers[status < ERRORS ? status : ERRORS - 1]++;
        self->result[0] = i + 1;
    }
    // Its CSpace holds nothing any more that it could end by: it waits in a fault.
    self->result[1] = *(volatile uint64_t *)self->argument[0];
}

// The CSpace: 1 itself, 2 memory, 3 VSpace, 4 Thread, 5 Endpoint, 6 Notification, 7 Reply, 8 and 9
// CNodes, from 10 on Frames.
static sheaf_cptr make_cspace(sheaf_cptr memory) {
    sheaf_cptr cspace = make(SHEAF_CNODE, CSPACE_BITS);
    sheaf_cptr inner = make_from(arena(), SHEAF_UNTYPED, MEMORY_BITS);
    CHECK_OK(cnode_copy(cspace, 1, cspace, SHEAF_RIGHTS_ALL));
    CHECK_OK(cnode_move(cspace, 2, inner));
    CHECK_OK(untyped_retype(memory, SHEAF_VSPACE, 0, 0, cspace, 3, 1));
    CHECK_OK(untyped_retype(memory, SHEAF_THREAD, 0, 0, cspace, 4, 1));
    CHECK_OK(untyped_retype(memory, SHEAF_ENDPOINT, 0, 0, cspace, 5, 1));
    CHECK_OK(untyped_retype(memory, SHEAF_NOTIFICATION, 0, 0, cspace, 6, 1));
    CHECK_OK(untyped_retype(memory, SHEAF_REPLY, 0, 0, cspace, 7, 1));
    CHECK_OK(untyped_retype(memory, SHEAF_CNODE, 3, 0, cspace, 8, 2));
    CHECK_OK(untyped_retype(memory, SHEAF_FRAME, 12, 0, cspace, 10, 8));
    return cspace;
}

static void run_round(void) {
    struct helper *helper = new_helper(make_calls, LOW_PRIORITY);
    helper->cspace = make_cspace(make(SHEAF_UNTYPED, MEMORY_BITS));
    helper->fault_endpoint = make(SHEAF_ENDPOINT, 0);
    helper->argument[0] = new_place(PAGE); // nothing is mapped there
    start(helper);
    CHECK_OK(thread_priority(OWN_THREAD, 1, 255, OWN_THREAD));
    unsigned ended = 0;
    while (helper->result[0] < CALLS && ended < 2 * CALLS) {
        // We run, so it does not: something that nobody else will end holds it.
        CHECK_OK(thread_suspend(helper->thread));
        CHECK_OK(thread_resume(helper->thread));
        ended++;
    }
    CHECK_EQ(helper->result[0], CALLS);
    CHECK_OK(thread_suspend(helper->thread));
    CHECK_OK(thread_priority(OWN_THREAD, MAIN_PRIORITY, 255, OWN_THREAD));
}

static void all_memory_comes_back(void) {
    const char *seed = strstr(boot_information()->args, "seed=");
    uint64_t first = 1;
    if (seed != NULL) {
        sscanf(seed + 5, "%llu", (unsigned long long *)&first);
    }
    memset(answers, 0, sizeof(answers));
    for (uint64_t round = 0; round < ROUNDS; round++) {
        state = first + round;
        own_buffer()->user[0] = state; // for whoever looks at a panic
        run_round();
        surroundings_end();
        surroundings_begin();
    }
    unsigned kinds = 0;
    for (unsigned i = 0; i < ERRORS; i++) {
        if (answers[i] != 0) {
            printf("# %s %llu\n", error_name(i), (unsigned long long)answers[i]);
            kinds++;
        }
    }
    CHECK(answers[SHEAF_OK] > (uint64_t)ROUNDS * CALLS / 10);
    CHECK(kinds >= 15);
}

static const struct test_case cases[] = {
    {"random.all_memory_comes_back", all_memory_comes_back},
};

const struct test_area random_area = TEST_AREA(cases);
