// SPDX-License-Identifier: BSD-2-Clause
// Cases with two threads, each in a VSpace of its own, of equal priority.
#include "bench.h"

#define PRIORITY (MAIN_PRIORITY - 1) // both run while the main thread waits

struct pair {
    struct child first, second;
};

static struct pair new_pair(void (*first)(struct child_page *page),
                            void (*second)(struct child_page *page), sheaf_cptr first_fault,
                            unsigned region, bool fp) {
    struct pair pair = {.first = new_child(first, PRIORITY, first_fault, 0),
                        .second = new_child(second, PRIORITY, 0, 0)};
    pair.first.page->argument[PAIR_REGION] = region;
    pair.first.page->argument[PAIR_FP] = fp;
    pair.second.page->argument[PAIR_FP] = fp;
    return pair;
}

// The second one first, so that it waits when the first one begins. Every round costs exactly one
// switch there and one back: nothing else ran, and no tick came in between.
static void run_pair(struct pair *pair, const char *name, unsigned region) {
    start_child(&pair->second);
    start_child(&pair->first);
    join_child(&pair->first);
    join_child(&pair->second);
    CHECK_EQ(pair->first.page->result[PAIR_ROUNDS], RUNS);
    CHECK_EQ(pair->second.page->result[PAIR_ROUNDS], RUNS);
    CHECK_EQ(pair->first.page->result[PAIR_FP_KEPT], 1);
    CHECK_EQ(pair->second.page->result[PAIR_FP_KEPT], 1);
    CHECK_EQ(pair->first.page->result[PAIR_SWITCHES], 2 * RUNS);
    announce(name, region);
}

static void call_and_answer(const char *name, unsigned region, unsigned words, bool fp) {
    sheaf_cptr endpoint = make(SHEAF_ENDPOINT, 0);
    struct pair pair = new_pair(pair_caller, pair_server, 0, region, fp);
    pair.first.page->argument[PAIR_OBJECT] = badged(endpoint, SHEAF_RIGHT_WRITE, 1);
    pair.first.page->argument[PAIR_WORDS] = words;
    pair.second.page->argument[PAIR_OBJECT] = endpoint;
    pair.second.page->argument[PAIR_OTHER] = make(SHEAF_REPLY, 0);
    pair.second.page->argument[PAIR_WORDS] = words;
    run_pair(&pair, name, region);
}

static void call0(void) { call_and_answer("ipc.call0", REGION_CALL0, 0, true); }
static void call4(void) { call_and_answer("ipc.call4", REGION_CALL4, 4, true); }
static void call0_nofp(void) { call_and_answer("ipc.call0.nofp", REGION_CALL0_NOFP, 0, false); }
static void call4_nofp(void) { call_and_answer("ipc.call4.nofp", REGION_CALL4_NOFP, 4, false); }
static void call60(void) { call_and_answer("ipc.call60", REGION_CALL60, 60, true); }

static void pingpong(void) {
    sheaf_cptr there = make(SHEAF_NOTIFICATION, 0);
    sheaf_cptr back = make(SHEAF_NOTIFICATION, 0);
    struct pair pair = new_pair(pair_signaller, pair_answerer, 0, REGION_PINGPONG, true);
    pair.first.page->argument[PAIR_OBJECT] = back;
    pair.first.page->argument[PAIR_OTHER] = badged(there, SHEAF_RIGHT_WRITE, 1);
    pair.second.page->argument[PAIR_OBJECT] = there;
    pair.second.page->argument[PAIR_OTHER] = badged(back, SHEAF_RIGHT_WRITE, 2);
    run_pair(&pair, "notify.pingpong", REGION_PINGPONG);
}

static void yield_pair(void) {
    struct pair pair = new_pair(pair_yielder, pair_yielder_beside, 0, REGION_YIELD, true);
    run_pair(&pair, "yield.pair", REGION_YIELD);
}

// The pages lie in a table that is there already: the neighbour of the first one is mapped.
static void fault_map(void) {
    sheaf_cptr endpoint = make(SHEAF_ENDPOINT, 0);
    sheaf_cptr frames = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, RUNS + 1);
    sheaf_cptr faults = badged(endpoint, SHEAF_RIGHTS_ALL, 1);
    struct pair pair = new_pair(pair_toucher, pair_pager, faults, REGION_FAULT_MAP, true);
    must_gather(map_op(pair.first.vspace, CHILD_FREE, 1, frames, 1, ALL_ACCESS, 0));
    pair.first.page->argument[PAIR_OBJECT] = CHILD_FREE + PAGE;
    pair.first.page->argument[PAIR_OTHER] = badged(endpoint, SHEAF_RIGHT_WRITE, 2);
    pair.second.page->argument[PAIR_OBJECT] = endpoint;
    pair.second.page->argument[PAIR_OTHER] = make(SHEAF_REPLY, 0);
    pair.second.page->argument[PAIR_FRAMES] = frames + 1;
    pair.second.page->argument[PAIR_FRAMES + 1] = pair.first.vspace;
    run_pair(&pair, "fault.map", REGION_FAULT_MAP);
    for (unsigned i = 0; i <= RUNS; i++) {
        uint64_t va;
        uint64_t pages;
        CHECK(frame_mapping(frames + i, &va, &pages));
        CHECK_EQ(va, CHILD_FREE + i * PAGE);
        CHECK_EQ(pages, 1);
    }
}

static const struct test_case cases[] = {
    {"ipc.call0", call0},           {"ipc.call4", call4},     {"ipc.call0.nofp", call0_nofp},
    {"ipc.call4.nofp", call4_nofp}, {"ipc.call60", call60},   {"notify.pingpong", pingpong},
    {"yield.pair", yield_pair},     {"fault.map", fault_map},
};

const struct test_area ipc_bench_area = TEST_AREA(cases);
