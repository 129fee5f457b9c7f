// SPDX-License-Identifier: BSD-2-Clause
// Faults: what the message says, how the thread goes on, and what happens when nobody cares.
#include "child.h"
#include "harness.h"

#include <string.h>

#define READ_FAULT SHEAF_ACCESS_READ
#define WRITE_FAULT SHEAF_ACCESS_WRITE
#define EXECUTE_FAULT SHEAF_ACCESS_EXECUTE

static sheaf_cptr page(void) { return make(SHEAF_FRAME, SHEAF_PAGE_BITS); }

static void check_page_fault(struct message m, uint64_t address, uint64_t access) {
    CHECK_EQ(m.badge, AGENT_FAULT_BADGE);
    CHECK_EQ(m.tag, SHEAF_TAG(SHEAF_LABEL_PAGE_FAULT, 3));
    CHECK_EQ(m.word[0], address);
    CHECK_EQ(m.word[1], access);
}

static void nothing_mapped(void) {
    struct agent agent = new_agent();
    agent_page_fault(&agent, AGENT_READ, CHILD_FREE + 8, READ_FAULT);
    agent_page_fault(&agent, AGENT_WRITE, CHILD_FREE + PAGE + 16, WRITE_FAULT);
    agent_page_fault(&agent, AGENT_EXECUTE, CHILD_FREE + 2 * PAGE, EXECUTE_FAULT);
}

static void without_the_right(void) {
    struct agent agent = new_agent();
    agent_map(&agent, CHILD_FREE, page(), SHEAF_MAP_READ, SHEAF_OP_ACCESSED);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE, 0), 0);
    agent_page_fault(&agent, AGENT_WRITE, CHILD_FREE + 24, WRITE_FAULT | SHEAF_FAULT_PERMISSION);
    agent_page_fault(&agent, AGENT_EXECUTE, CHILD_FREE, EXECUTE_FAULT | SHEAF_FAULT_PERMISSION);
}

static void kernel_half(void) {
    struct agent agent = new_agent();
    static const uint64_t addresses[] = {UINT64_C(0xffff000000000000), UINT64_C(0xffff000040080000),
                                         UINT64_C(0xfffffffffffffff8)};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        agent_do(&agent, AGENT_READ, addresses[i], 0);
        struct message m = agent_event(&agent);
        CHECK_EQ(m.badge, AGENT_FAULT_BADGE); // never a result
        CHECK_EQ(m.word[0], addresses[i]);
        agent_restart(&agent);
    }
}

static void non_canonical(void) {
    struct agent agent = new_agent();
    agent_do(&agent, AGENT_READ, UINT64_C(0x0001000000000000), 0);
    CHECK_EQ(agent_event(&agent).badge, AGENT_FAULT_BADGE);
    agent_restart(&agent);
    agent_do(&agent, AGENT_EXECUTE, UINT64_C(0x00f0000000000000), 0);
    CHECK_EQ(agent_event(&agent).badge, AGENT_FAULT_BADGE);
}

static void instruction_is_named(void) {
    struct agent agent = new_agent();
    agent_do(&agent, AGENT_READ, CHILD_FREE, 0);
    struct message m = agent_event(&agent);
    CHECK(m.word[2] >= CHILD_CODE && m.word[2] < CHILD_CODE + 4 * PAGE);
    CHECK_EQ(m.word[2] & 3, 0);
    CHECK_OK(thread_suspend(agent.child.thread));
    // A suspended thread stands at the instruction that faulted.
    CHECK_EQ(INVOKE(agent.child.thread, SHEAF_THREAD_READ_REGISTERS, 0, 0).word[1], m.word[2]);
    agent_restart(&agent);
    agent_do(&agent, AGENT_EXECUTE, CHILD_FREE, 0);
    CHECK_EQ(agent_event(&agent).word[2], CHILD_FREE);
}

static void goes_on_after_reply(void) {
    struct agent agent = new_agent();
    agent_do(&agent, AGENT_WRITE, CHILD_FREE, 4711);
    check_page_fault(agent_event(&agent), CHILD_FREE, WRITE_FAULT);
    sheaf_cptr frame = page();
    agent_map(&agent, CHILD_FREE, frame, ALL_ACCESS, SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY);
    CHECK_OK(answer(agent.reply, MESSAGE(0, 0, 0)));
    struct message m = agent_event(&agent);
    CHECK_EQ(m.badge, AGENT_RESULT_BADGE);
    CHECK_EQ(m.word[0], 4711);
    volatile uint64_t *at =
        map_here(copy_of(frame, SHEAF_RIGHTS_ALL), SHEAF_PAGE_BITS, SHEAF_MAP_READ);
    CHECK_EQ(*at, 4711);
}

// What a debugger or a driver of a made-up device does: the load never reaches memory. All other
// registers are written back as they were read, the condition flags among them.
static void handler_carries_out_the_load(void) {
    struct agent agent = new_agent();
    agent_do(&agent, AGENT_READ, CHILD_FREE, 0);
    struct message fault = agent_event(&agent);
    struct message m = INVOKE(agent.child.thread, SHEAF_THREAD_READ_REGISTERS, 0, 0);
    CHECK_OK(m.status);
    CHECK_EQ(m.word[1], fault.word[2]);
    uint32_t load = child_instruction(m.word[1]);
    CHECK_EQ(load & 0xffc00000, 0xf9400000); // LDR Xt, [Xn, #...]
    unsigned to = load & 31;
    m.tag = SHEAF_TAG(SHEAF_THREAD_WRITE_REGISTERS, 1 + SHEAF_REGISTERS);
    m.word[1] += 4;
    if (4 + to < SHEAF_REG_WORDS) {
        m.word[4 + to] = 4711;
    } else {
        own_buffer()->message[4 + to] = 4711; // where READ_REGISTERS has answered
    }
    CHECK_OK(call(agent.child.thread, m).status);
    CHECK_OK(answer(agent.reply, MESSAGE(0, 0, 0)));
    m = agent_event(&agent);
    CHECK_EQ(m.badge, AGENT_RESULT_BADGE);
    CHECK_EQ(m.word[0], 4711);
}

// Nothing mapped in between: the same fault comes again.
static void faults_again(void) {
    struct agent agent = new_agent();
    agent_do(&agent, AGENT_READ, CHILD_FREE, 0);
    for (unsigned i = 0; i < 5; i++) {
        check_page_fault(agent_event(&agent), CHILD_FREE, READ_FAULT);
        CHECK_OK(answer(agent.reply, MESSAGE(0, 0, 0)));
    }
}

// A pager's whole answer in one trap: map, reply, and wait for the next fault.
static void served_by_one_call(void) {
    struct agent agent = new_agent();
    sheaf_cptr first = make_many(SHEAF_FRAME, SHEAF_PAGE_BITS, 10);
    agent_do(&agent, AGENT_SUM, CHILD_FREE, 10);
    struct message m = agent_event(&agent);
    uint64_t entries = counter(SHEAF_COUNTER_KERNEL_SYSCALLS);
    for (unsigned i = 0; i < 10; i++) {
        check_page_fault(m, CHILD_FREE + i * PAGE, READ_FAULT);
        own_buffer()->ops[0] =
            map_op(agent.child.vspace, m.word[0], 1, first + i, 1, ALL_ACCESS, SHEAF_OP_ACCESSED);
        struct registers r = {
            .x = {[SHEAF_REG_CAP] = agent.event,
                  [SHEAF_REG_SYSCALL] = SHEAF_SYS_GATHER,
                  [SHEAF_REG_REPLY] = agent.reply,
                  [SHEAF_REG_GATHER] = SHEAF_GATHER_ARG(1, SHEAF_GATHER_REPLY_RECV)}};
        system_call(&r);
        CHECK_OK(r.x[0]);
        CHECK_EQ(SHEAF_GATHER_ERROR(r.x[SHEAF_REG_GATHER]), 0);
        CHECK_EQ(SHEAF_GATHER_LEAVES(r.x[SHEAF_REG_GATHER]), 1);
        m = (struct message){.status = r.x[0],
                             .tag = r.x[1],
                             .word = {r.x[2], r.x[3], r.x[4]},
                             .badge = r.x[SHEAF_REG_BADGE]};
    }
    CHECK_EQ(m.badge, AGENT_RESULT_BADGE);
    CHECK_EQ(m.word[0], 0);
    // Ten calls of this thread, one SEND of the agent, and the counter's own.
    CHECK_EQ(counter(SHEAF_COUNTER_KERNEL_SYSCALLS) - entries, 12);
}

// A failing operation: no reply, no receive, the client still waits and can be served properly.
static void failed_gather_has_no_tail(void) {
    struct agent agent = new_agent();
    agent_do(&agent, AGENT_READ, CHILD_FREE, 0);
    check_page_fault(agent_event(&agent), CHILD_FREE, READ_FAULT);
    own_buffer()->ops[0] = map_op(agent.child.vspace, CHILD_FREE, 1, new_slot(), 1, ALL_ACCESS, 0);
    struct registers r = {.x = {[SHEAF_REG_CAP] = agent.event,
                                [SHEAF_REG_SYSCALL] = SHEAF_SYS_GATHER,
                                [SHEAF_REG_REPLY] = agent.reply,
                                [SHEAF_REG_GATHER] = SHEAF_GATHER_ARG(1, SHEAF_GATHER_REPLY_RECV)}};
    system_call(&r);
    CHECK_ERROR(r.x[0], INVALID_CAPABILITY);
    CHECK_ERROR(SHEAF_GATHER_ERROR(r.x[SHEAF_REG_GATHER]), INVALID_CAPABILITY);
    CHECK_EQ(thread_state(agent.child.thread), SHEAF_STATE_WAITING_REPLY);
    agent_map(&agent, CHILD_FREE, page(), ALL_ACCESS, SHEAF_OP_ACCESSED);
    CHECK_OK(answer(agent.reply, MESSAGE(0, 0, 0)));
    CHECK_EQ(agent_event(&agent).badge, AGENT_RESULT_BADGE);
}

// The operations succeed, the receive cannot: x0 says so, x10 tells which of the two failed, and
// the client has not been answered.
static void failed_tail_is_told_apart(void) {
    struct agent agent = new_agent();
    agent_do(&agent, AGENT_READ, CHILD_FREE, 0);
    check_page_fault(agent_event(&agent), CHILD_FREE, READ_FAULT);
    own_buffer()->ops[0] =
        map_op(agent.child.vspace, CHILD_FREE, 1, page(), 1, ALL_ACCESS, SHEAF_OP_ACCESSED);
    struct registers r = {.x = {[SHEAF_REG_CAP] = copy_of(agent.event, SHEAF_RIGHT_WRITE),
                                [SHEAF_REG_SYSCALL] = SHEAF_SYS_GATHER,
                                [SHEAF_REG_REPLY] = agent.reply,
                                [SHEAF_REG_GATHER] = SHEAF_GATHER_ARG(1, SHEAF_GATHER_REPLY_RECV)}};
    system_call(&r);
    CHECK_ERROR(r.x[0], NO_RIGHT);
    CHECK_EQ(SHEAF_GATHER_ERROR(r.x[SHEAF_REG_GATHER]), 0);
    CHECK_EQ(SHEAF_GATHER_LEAVES(r.x[SHEAF_REG_GATHER]), 1);
    CHECK_EQ(thread_state(agent.child.thread), SHEAF_STATE_WAITING_REPLY);
    CHECK_OK(answer(agent.reply, MESSAGE(0, 0, 0)));
    CHECK_EQ(agent_event(&agent).badge, AGENT_RESULT_BADGE);
}

static void exceptions(void) {
    struct agent agent = new_agent();
    agent_do(&agent, AGENT_UNDEFINED, 0, 0);
    struct message m = agent_event(&agent);
    CHECK_EQ(m.badge, AGENT_FAULT_BADGE);
    CHECK_EQ(m.tag, SHEAF_TAG(SHEAF_LABEL_EXCEPTION, 3));
    CHECK_EQ(m.word[0] >> 26, 0); // exception class: unknown reason
    CHECK(m.word[2] >= CHILD_CODE && m.word[2] < CHILD_CODE + 4 * PAGE);
    agent_restart(&agent);
    agent_do(&agent, AGENT_BREAK, 0, 0);
    m = agent_event(&agent);
    CHECK_EQ(m.tag, SHEAF_TAG(SHEAF_LABEL_EXCEPTION, 3));
    CHECK_EQ(m.word[0] >> 26, 0x3c); // exception class: BRK
    CHECK_EQ(m.word[0] & 0xffff, 7); // its immediate
}

static void misaligned_instruction(void) {
    struct agent agent = new_agent();
    agent_do(&agent, AGENT_EXECUTE, CHILD_CODE + 2, 0);
    struct message m = agent_event(&agent);
    CHECK_EQ(m.tag, SHEAF_TAG(SHEAF_LABEL_EXCEPTION, 3));
    CHECK_EQ(m.word[0] >> 26, 0x22); // exception class: PC alignment fault
    CHECK_EQ(m.word[2], CHILD_CODE + 2);
}

static void refused(void) {
    struct agent agent = new_agent();
    agent_do(&agent, AGENT_READ, CHILD_FREE, 0);
    agent_event(&agent);
    CHECK_OK(answer(agent.reply, MESSAGE(1, 0, 0)));
    CHECK_EQ(thread_state(agent.child.thread), SHEAF_STATE_FAULTED);
    CHECK_ERROR(nb_receive(agent.event, agent.reply).status, WOULD_BLOCK);
    agent_restart(&agent); // a faulted thread can begin again
    agent_map(&agent, CHILD_FREE, page(), ALL_ACCESS, SHEAF_OP_ACCESSED);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE, 0), 0);
}

static void set_name(sheaf_cptr thread, const char *name) {
    uint64_t words[2] = {0};
    memcpy(words, name, strnlen(name, 15));
    CHECK_OK(INVOKE(thread, SHEAF_THREAD_SET_NAME, 2, words[0], words[1]).status);
}

// The kernel prints the dump of such a thread on the console.
static void check_nobody_cares(struct child *child, sheaf_cptr told) {
    uint64_t unhandled = counter(SHEAF_COUNTER_FAULT_UNHANDLED);
    set_name(child->thread, "nobody-cares");
    start_child(child);
    struct message m = receive(told, 0);
    CHECK_OK(m.status);
    CHECK_EQ(m.word[0], 0x8000);
    CHECK_EQ(thread_state(child->thread), SHEAF_STATE_FAULTED);
    CHECK_EQ(counter(SHEAF_COUNTER_FAULT_UNHANDLED), unhandled + 1);
}

static void without_endpoint(void) {
    sheaf_cptr told = badged(make(SHEAF_NOTIFICATION, 0), SHEAF_RIGHTS_ALL, 0x8000);
    struct child child = new_child(child_touch, LOW_PRIORITY, 0, told);
    child.page->argument[0] = CHILD_FREE;
    check_nobody_cares(&child, told);
}

static void endpoint_gone(void) {
    sheaf_cptr told = badged(make(SHEAF_NOTIFICATION, 0), SHEAF_RIGHTS_ALL, 0x8000);
    sheaf_cptr faults = make(SHEAF_ENDPOINT, 0);
    struct child child = new_child(child_touch, LOW_PRIORITY, faults, told);
    child.page->argument[0] = CHILD_FREE;
    CHECK_OK(cnode_revoke(ROOT, faults)); // the thread's copy goes
    CHECK_OK(cnode_delete(ROOT, faults));
    check_nobody_cares(&child, told);
}

// The endpoint dies while the fault waits in it.
static void endpoint_dies(void) {
    sheaf_cptr told = badged(make(SHEAF_NOTIFICATION, 0), SHEAF_RIGHTS_ALL, 0x8000);
    sheaf_cptr memory = make(SHEAF_UNTYPED, 12);
    struct child child =
        new_child(child_touch, LOW_PRIORITY, make_from(memory, SHEAF_ENDPOINT, 0), told);
    child.page->argument[0] = CHILD_FREE;
    start_child(&child);
    wait_for_state(child.thread, SHEAF_STATE_SENDING);
    CHECK_OK(cnode_revoke(ROOT, memory));
    CHECK_EQ(receive(told, 0).word[0], 0x8000);
    CHECK_EQ(thread_state(child.thread), SHEAF_STATE_FAULTED);
}

// The pager's Reply is deleted: the client is not left waiting for ever.
static void reply_dies(void) {
    sheaf_cptr told = badged(make(SHEAF_NOTIFICATION, 0), SHEAF_RIGHTS_ALL, 0x8000);
    sheaf_cptr faults = make(SHEAF_ENDPOINT, 0);
    sheaf_cptr reply = make(SHEAF_REPLY, 0);
    struct child child = new_child(child_touch, LOW_PRIORITY, faults, told);
    child.page->argument[0] = CHILD_FREE;
    start_child(&child);
    CHECK_OK(receive(faults, reply).status);
    CHECK_OK(cnode_delete(ROOT, reply));
    CHECK_EQ(receive(told, 0).word[0], 0x8000);
    CHECK_EQ(thread_state(child.thread), SHEAF_STATE_FAULTED);
}

static void system_lives_on(void) {
    sheaf_cptr told = badged(make(SHEAF_NOTIFICATION, 0), SHEAF_RIGHTS_ALL, 0x8000);
    for (unsigned i = 0; i < 3; i++) {
        struct child child = new_child(child_touch, LOW_PRIORITY, 0, told);
        child.page->argument[0] = UINT64_C(0xffff000000000000) + i * PAGE;
        check_nobody_cares(&child, told);
        CHECK_OK(cnode_delete(ROOT, child.thread));
    }
    struct agent agent = new_agent();
    agent_map(&agent, CHILD_FREE, page(), ALL_ACCESS, SHEAF_OP_ACCESSED);
    CHECK_EQ(agent_result(&agent, AGENT_WRITE, CHILD_FREE, 1), 1);
}

static const struct test_case cases[] = {
    {"fault.translation_message_by_access", nothing_mapped},
    {"fault.permission_message_by_access", without_the_right},
    {"fault.kernel_half_is_closed", kernel_half},
    {"fault.non_canonical_addresses", non_canonical},
    {"fault.message_names_the_instruction", instruction_is_named},
    {"fault.goes_on_after_map_and_reply", goes_on_after_reply},
    {"fault.handler_carries_out_the_load", handler_carries_out_the_load},
    {"fault.comes_again_when_nothing_was_mapped", faults_again},
    {"fault.served_by_one_call", served_by_one_call},
    {"fault.failed_gather_has_no_tail", failed_gather_has_no_tail},
    {"fault.failed_tail_is_told_apart", failed_tail_is_told_apart},
    {"fault.undefined_instruction_and_breakpoint", exceptions},
    {"fault.misaligned_instruction", misaligned_instruction},
    {"fault.refused_by_its_handler", refused},
    {"fault.nobody_handles_it", without_endpoint},
    {"fault.endpoint_was_deleted", endpoint_gone},
    {"fault.endpoint_deleted_while_it_waits", endpoint_dies},
    {"fault.reply_deleted_while_it_waits", reply_dies},
    {"fault.system_lives_on", system_lives_on},
};

const struct test_area fault_area = TEST_AREA(cases);
