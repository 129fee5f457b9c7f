// SPDX-License-Identifier: BSD-2-Clause
// Random system calls: whatever programs do, the kernel goes on and all memory comes back.
//
// Helpers with a small CSpace of their own make mostly well-formed calls in random order; the main
// thread, below them, gets them out of waits that nobody else would end. After each round
// everything is revoked and every byte must be there. Boot arguments: seed=N, the first round's
// seed; rounds=N. With one thread a seed repeats a round exactly, but for the timer's interrupts.
#include "harness.h"
#include "support.h"

#include <sheaf/time.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 400
#define CALLS 250 // of each thread in a round
#define MAX_CALLERS 3
#define CSPACE_BITS 6
#define MEMORY_BITS 20
#define ERRORS 64

struct source { // of random numbers
    uint64_t state;
};

static struct source sources[MAX_CALLERS];
static uint64_t answers[ERRORS];

// splitmix64, as published by Steele, Lea and Flood (2014).
static uint64_t random_word(struct source *s) {
    uint64_t z = s->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t below(struct source *s, uint64_t n) { return random_word(s) % n; }

static sheaf_cptr random_cap(struct source *s) {
    uint64_t slot = below(s, 1u << CSPACE_BITS);
    switch (below(s, 16)) {
    case 0:
        return random_word(s);
    case 1: // through the CNode in itself, or another
        return slot | below(s, 1u << CSPACE_BITS) << CSPACE_BITS;
    default:
        return below(s, 3) == 0 ? slot : 1 + below(s, 16);
    }
}

static uint64_t random_argument(struct source *s) {
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
    switch (below(s, 4)) {
    case 0:
        return corners[below(s, sizeof(corners) / sizeof(corners[0]))];
    case 1:
        return random_cap(s);
    case 2:
        return below(s, 8);
    default:
        return random_word(s) >> below(s, 64);
    }
}

static struct message random_message(struct source *s) {
    struct message m;
    for (unsigned i = 0; i < SHEAF_REG_WORDS; i++) {
        m.word[i] = random_argument(s);
    }
    m.tag = SHEAF_TAG_CARRYING(below(s, 8) == 0 ? random_word(s) >> 16 : below(s, 11), below(s, 7),
                               below(s, 4) == 0 ? below(s, 4) : 0);
    if (below(s, 40) == 0) {
        m.tag = random_word(s) >> below(s, 64);
    }
    return m;
}

// A call that has a good chance: retype, copy, mint, move, delete, revoke with sensible words.
static uint64_t likely_call(struct source *s) {
    static const uint8_t bits[SHEAF_TYPE_COUNT] = {
        [SHEAF_UNTYPED] = 12, [SHEAF_CNODE] = 3, [SHEAF_FRAME] = 12,
        [SHEAF_VSPACE] = 16,  [SHEAF_TIMER] = 7, [SHEAF_IRQ_HANDLER] = 7};
    uint64_t index = 1 + below(s, (1u << CSPACE_BITS) - 1);
    uint64_t type = below(s, 12) == 0 ? (below(s, 2) == 0 ? SHEAF_TIMER : SHEAF_IRQ_HANDLER)
                                      : 1 + below(s, SHEAF_FRAME);
    switch (below(s, 8)) {
    case 0:
    case 1:
    case 2:
        return untyped_retype(below(s, 2) == 0 ? 2 : random_cap(s), (unsigned)type, bits[type], 0,
                              1, index, 1 + below(s, 4));
    case 3:
        return cnode_copy(1, index, random_cap(s), below(s, 8));
    case 4:
        return cnode_mint(1, index, random_cap(s), below(s, 8), below(s, 16));
    case 5:
        return cnode_move(1, index, random_cap(s));
    case 6:
        return cnode_delete(1, index < 8 ? index + 20 : index);
    default:
        return cnode_revoke(1, index);
    }
}

static uint64_t random_gather(struct source *s, struct sheaf_ipc_buffer *buffer) {
    unsigned count = (unsigned)below(s, below(s, 10) == 0 ? 70 : 5);
    for (unsigned i = 0; i < count && i < SHEAF_GATHER_OPS; i++) {
        uint64_t va = CHILD_FREE + below(s, 1200) * PAGE;
        sheaf_cptr first = below(s, 4) != 0 ? 10 + below(s, 8) : random_cap(s);
        uint64_t frames = 1 + below(s, 8) / 6;
        buffer->ops[i] =
            below(s, 2) == 0
                ? map_op(3, va, frames, first, frames, SHEAF_MAP_READ | below(s, 8),
                         below(s, 4) == 0 ? below(s, 16) : SHEAF_OP_ACCESSED)
                : unmap_op(3, va, 1 + below(s, 600), below(s, 2) == 0 ? SHEAF_OP_KEEP_TABLES : 0);
        if (below(s, 8) == 0) {
            buffer->ops[i].word[below(s, 6)] = random_argument(s);
        }
    }
    return gather(count, 0).status;
}

static uint64_t random_deadline(struct source *s) {
    return below(s, 2) == 0 ? random_argument(s) : sheaf_clock() + below(s, 100000);
}

static uint64_t one_call(struct source *s, struct sheaf_ipc_buffer *buffer) {
    switch (below(s, 4)) {
    case 0:
        return likely_call(s);
    case 1:
        return random_gather(s, buffer);
    default:
        for (unsigned i = 0; i < SHEAF_MSG_CAPABILITIES; i++) {
            buffer->send[i] = random_cap(s);
            buffer->receive[i] = random_cap(s);
        }
        return exchange_until((unsigned)below(s, 12), random_cap(s), random_cap(s),
                              random_message(s), below(s, 4) != 0 ? 0 : random_deadline(s))
            .status;
    }
}

static void make_calls(struct helper *self) {
    for (unsigned i = 0; i < CALLS; i++) {
        uint64_t status = one_call((struct source *)self->argument[1], self->buffer);
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

// Whether it has made all its calls; if not, and it waits, it waits no longer.
static bool is_through(struct helper *helper) {
    if (helper->result[0] < CALLS) {
        // We run, so it does not: something that perhaps nobody else will end holds it.
        CHECK_OK(thread_suspend(helper->thread));
        CHECK_OK(thread_resume(helper->thread));
        return false;
    }
    return true;
}

static void run_round(unsigned callers, uint64_t seed) {
    struct helper *helpers[MAX_CALLERS];
    sheaf_cptr cspace = make_cspace(make(SHEAF_UNTYPED, MEMORY_BITS));
    sheaf_cptr faults = make(SHEAF_ENDPOINT, 0);
    for (unsigned i = 0; i < callers; i++) {
        sources[i].state = seed * MAX_CALLERS + i;
        helpers[i] = new_helper(make_calls, LOW_PRIORITY);
        helpers[i]->cspace = cspace;
        helpers[i]->fault_endpoint = faults;
        helpers[i]->argument[0] = new_place(PAGE); // nothing is mapped there
        helpers[i]->argument[1] = (uint64_t)&sources[i];
    }
    for (unsigned i = 0; i < callers; i++) {
        start(helpers[i]);
    }
    CHECK_OK(thread_priority(OWN_THREAD, 1, 255, OWN_THREAD));
    unsigned through = 0;
    for (unsigned tries = 0; tries < 2 * CALLS * MAX_CALLERS && through < callers; tries++) {
        through = 0;
        for (unsigned i = 0; i < callers; i++) {
            through += is_through(helpers[i]);
        }
    }
    CHECK_EQ(through, callers);
    for (unsigned i = 0; i < callers; i++) {
        CHECK_OK(thread_suspend(helpers[i]->thread)); // it waits in a fault
    }
}

static uint64_t number_of(const char *name, uint64_t otherwise) {
    const char *at = strstr(boot_information()->args, name);
    return at != NULL ? strtoull(at + strlen(name), NULL, 0) : otherwise;
}

static void report(void) {
    for (unsigned i = 0; i < ERRORS; i++) {
        if (answers[i] != 0) {
            printf("# %s %llu\n", error_name(i), (unsigned long long)answers[i]);
        }
    }
}

static void rounds(unsigned callers) {
    uint64_t count = number_of("rounds=", ROUNDS);
    uint64_t seed = number_of("seed=", 1);
    memset(answers, 0, sizeof(answers));
    printf("# seed=%llu rounds=%llu\n", (unsigned long long)seed, (unsigned long long)count);
    for (uint64_t round = 0; round < count; round++) {
        own_buffer()->user[0] = seed + round; // for whoever looks at a panic
        run_round(callers, seed + round);
        surroundings_end();
        surroundings_begin();
    }
    report();
    unsigned kinds = 0;
    for (unsigned i = 0; i < ERRORS; i++) {
        kinds += answers[i] != 0;
    }
    CHECK(answers[SHEAF_OK] > count * callers * CALLS / 10);
    CHECK(kinds >= 15 || count < ROUNDS);
}

static void one_thread(void) { rounds(1); }
static void several_threads(void) { rounds(MAX_CALLERS); }

static const struct test_case cases[] = {
    {"random.one_thread", one_thread},
    {"random.several_threads", several_threads},
};

const struct test_area random_area = TEST_AREA(cases);
