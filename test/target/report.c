// SPDX-License-Identifier: BSD-2-Clause
// The accessed and dirty bits that UNMAP reports.
#include "child.h"
#include "harness.h"

#include <string.h>

static sheaf_cptr page(void) { return make(SHEAF_FRAME, SHEAF_PAGE_BITS); }

// Bits of page `i` of the operation whose bits begin at byte `first`.
static unsigned reported(unsigned first, unsigned i) {
    const volatile uint8_t *results = own_buffer()->results;
    return results[first + i / 4] >> (2 * (i % 4)) & 3;
}

static struct gathered unmap_reporting(sheaf_cptr vspace, uint64_t va, uint64_t pages) {
    memset(own_buffer()->results, 0xff, SHEAF_RESULT_BYTES);
    return must_gather(unmap_op(vspace, va, pages, SHEAF_OP_REPORT));
}

static void as_mapped(void) {
    sheaf_cptr vspace = make_vspace(1);
    must_gather(map_op(vspace, CHILD_FREE, 1, page(), 1, ALL_ACCESS, 0));
    must_gather(map_op(vspace, CHILD_FREE + PAGE, 1, page(), 1, ALL_ACCESS, SHEAF_OP_ACCESSED));
    must_gather(map_op(vspace, CHILD_FREE + 2 * PAGE, 1, page(), 1, ALL_ACCESS,
                       SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY));
    unmap_reporting(vspace, CHILD_FREE, 4);
    CHECK_EQ(reported(0, 0), 0);
    CHECK_EQ(reported(0, 1), SHEAF_REPORT_ACCESSED);
    CHECK_EQ(reported(0, 2), SHEAF_REPORT_ACCESSED | SHEAF_REPORT_DIRTY);
    CHECK_EQ(reported(0, 3), 0); // nothing there
}

static void as_used_by(struct agent agent) {
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, 3);
    must_gather(map_op(agent.child.vspace, CHILD_FREE, 3, first, 3, ALL_ACCESS, 0));
    agent_result(&agent, AGENT_READ, CHILD_FREE + PAGE, 0);
    agent_result(&agent, AGENT_WRITE, CHILD_FREE + 2 * PAGE, 5);
    unmap_reporting(agent.child.vspace, CHILD_FREE, 3);
    CHECK_EQ(reported(0, 0), 0);
    CHECK_EQ(reported(0, 1), SHEAF_REPORT_ACCESSED);
    CHECK_EQ(reported(0, 2), SHEAF_REPORT_ACCESSED | SHEAF_REPORT_DIRTY);
}

WITH_BOTH_AGENTS(as_used, as_used_by)

// Execution is an access.
static void as_executed(void) {
    struct agent agent = new_agent();
    sheaf_cptr frame = page();
    uint32_t *at = map_here(copy_of(frame, SHEAF_RIGHTS_ALL), SHEAF_PAGE_BITS, ALL_ACCESS);
    at[0] = 0xd65f03c0; // ret
    agent_map(&agent, CHILD_FREE, frame, SHEAF_MAP_READ | SHEAF_MAP_EXECUTE, 0);
    agent_result(&agent, AGENT_EXECUTE, CHILD_FREE, 0);
    unmap_reporting(agent.child.vspace, CHILD_FREE, 1);
    CHECK_EQ(reported(0, 0), SHEAF_REPORT_ACCESSED);
}

static void several_operations(void) {
    sheaf_cptr vspace = make_vspace(1);
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, 8);
    must_gather(
        map_op(vspace, CHILD_FREE, 8, first, 8, ALL_ACCESS, SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY));
    memset(own_buffer()->results, 0xff, SHEAF_RESULT_BYTES);
    own_buffer()->ops[0] = unmap_op(vspace, CHILD_FREE, 5, SHEAF_OP_REPORT);
    own_buffer()->ops[1] = unmap_op(vspace, CHILD_FREE + 5 * PAGE, 1, 0); // reports nothing
    own_buffer()->ops[2] = unmap_op(vspace, CHILD_FREE + 6 * PAGE, 3, SHEAF_OP_REPORT);
    CHECK_OK(gather(3, 0).status);
    for (unsigned i = 0; i < 5; i++) {
        CHECK_EQ(reported(0, i), 3);
    }
    // The third operation's bits begin at the next whole byte.
    CHECK_EQ(reported(SHEAF_REPORT_BYTES(5), 0), 3);
    CHECK_EQ(reported(SHEAF_REPORT_BYTES(5), 1), 3);
    CHECK_EQ(reported(SHEAF_REPORT_BYTES(5), 2), 0);
}

static void nothing_behind_the_last(void) {
    sheaf_cptr vspace = make_vspace(1);
    must_gather(map_op(vspace, CHILD_FREE, 1, page(), 1, ALL_ACCESS, SHEAF_OP_ACCESSED));
    unmap_reporting(vspace, CHILD_FREE, 4);
    CHECK_EQ(own_buffer()->results[0], SHEAF_REPORT_ACCESSED);
    CHECK_EQ(own_buffer()->results[1], 0xff);
    CHECK_EQ(own_buffer()->results[SHEAF_RESULT_BYTES - 1], 0xff);
}

static void full_area(void) {
    sheaf_cptr vspace = make_vspace(2);
    uint64_t pages = 4 * SHEAF_RESULT_BYTES;
    sheaf_cptr last = page();
    must_gather(map_op(vspace, CHILD_FREE + (pages - 1) * PAGE, 1, last, 1, ALL_ACCESS,
                       SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY));
    unmap_reporting(vspace, CHILD_FREE, pages);
    CHECK_EQ(reported(0, 0), 0);
    CHECK_EQ(reported(0, (unsigned)pages - 2), 0);
    CHECK_EQ(reported(0, (unsigned)pages - 1), 3);
}

static void block_reports_every_page(void) {
    struct agent agent = new_agent();
    must_gather(
        map_op(agent.child.vspace, CHILD_FREE, 512, make(SHEAF_FRAME, 21), 1, ALL_ACCESS, 0));
    agent_result(&agent, AGENT_WRITE, CHILD_FREE + 300 * PAGE, 1);
    unmap_reporting(agent.child.vspace, CHILD_FREE, 512);
    for (unsigned i = 0; i < 512; i += 73) {
        CHECK_EQ(reported(0, i), 3); // a block has one of each
    }
}

static void send_once(struct helper *self) {
    self->result[0] = send(self->argument[0], MESSAGE(0, 1, 1));
}

static void survive_the_tail(void) {
    sheaf_cptr vspace = make_vspace(1);
    must_gather(
        map_op(vspace, CHILD_FREE, 1, page(), 1, ALL_ACCESS, SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY));
    sheaf_cptr endpoint = make(SHEAF_ENDPOINT, 0);
    spawn(send_once, LOW_PRIORITY, endpoint, 0, 0);
    memset(own_buffer()->results, 0xff, SHEAF_RESULT_BYTES);
    own_buffer()->ops[0] = unmap_op(vspace, CHILD_FREE, 2, SHEAF_OP_REPORT);
    struct registers r = {.x = {[SHEAF_REG_CAP] = endpoint,
                                [SHEAF_REG_SYSCALL] = SHEAF_SYS_GATHER,
                                [SHEAF_REG_REPLY] = make(SHEAF_REPLY, 0),
                                [SHEAF_REG_GATHER] = SHEAF_GATHER_ARG(1, SHEAF_GATHER_REPLY_RECV)}};
    system_call(&r);
    CHECK_OK(r.x[0]);
    CHECK_EQ(r.x[SHEAF_REG_WORD0], 1);
    CHECK_EQ(SHEAF_GATHER_LEAVES(r.x[SHEAF_REG_GATHER]), 1);
    CHECK_EQ(reported(0, 0), 3);
    CHECK_EQ(reported(0, 1), 0);
}

// Read, unmapped and reported clean, then written through a mapping that is no longer there: the
// write must not arrive in the frame.
static void reported_clean_stays_clean_by(struct agent agent) {
    sheaf_cptr frame = page();
    volatile uint64_t *at =
        map_here(copy_of(frame, SHEAF_RIGHTS_ALL), SHEAF_PAGE_BITS, SHEAF_MAP_READ);
    for (unsigned i = 0; i < 30; i++) {
        agent_map(&agent, CHILD_FREE, frame, ALL_ACCESS, SHEAF_OP_ACCESSED);
        CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE, 0), 0);
        unmap_reporting(agent.child.vspace, CHILD_FREE, 1);
        CHECK_EQ(reported(0, 0), SHEAF_REPORT_ACCESSED);
        agent_page_fault(&agent, AGENT_WRITE, CHILD_FREE, SHEAF_ACCESS_WRITE);
        CHECK_EQ(*at, 0);
    }
}

WITH_BOTH_AGENTS(reported_clean_stays_clean, reported_clean_stays_clean_by)

static const struct test_case cases[] = {
    {"gather.report_as_mapped", as_mapped},
    {"gather.report_as_used", as_used},
    {"gather.report_as_used_same_space", as_used_beside},
    {"gather.report_execution_as_access", as_executed},
    {"gather.report_several_operations", several_operations},
    {"gather.report_writes_nothing_behind_the_last", nothing_behind_the_last},
    {"gather.report_fills_the_area", full_area},
    {"gather.report_every_page_of_a_block", block_reports_every_page},
    {"gather.report_survives_the_tail", survive_the_tail},
    {"gather.report_clean_stays_clean", reported_clean_stays_clean},
    {"gather.report_clean_stays_clean_same_space", reported_clean_stays_clean_beside},
};

const struct test_area report_area = TEST_AREA(cases);
