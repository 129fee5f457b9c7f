// SPDX-License-Identifier: BSD-2-Clause
// The library's typed functions: that each asks for what its name says.
#include "child.h"
#include "harness.h"

#include <sheaf/time.h>
#include <string.h>

static void thread_registers(void) {
    struct agent agent = new_agent();
    agent_do(&agent, AGENT_BREAK, 0, 0);
    struct message fault = agent_event(&agent);
    struct sheaf_thread_registers registers = {0};
    CHECK_OK(sheaf_thread_read_registers(agent.child.thread, &registers));
    CHECK_EQ(registers.pc, fault.word[2]);
    CHECK(registers.sp > CHILD_STACK_TOP - PAGE && registers.sp <= CHILD_STACK_TOP);
    registers.pc += 4; // behind the BRK
    registers.x[19] = UINT64_C(0x1234567890);
    registers.flags ^= SHEAF_FLAGS;
    CHECK_OK(sheaf_thread_write_registers(agent.child.thread, &registers));
    struct sheaf_thread_registers again = {0};
    CHECK_OK(sheaf_thread_read_registers(agent.child.thread, &again));
    CHECK(memcmp(&again, &registers, sizeof(again)) == 0);
    registers.flags = 1;
    CHECK_ERROR(sheaf_thread_write_registers(agent.child.thread, &registers), INVALID_ARGUMENT);
}

static void server_answers(void) {
    sheaf_cptr endpoint = make(SHEAF_ENDPOINT, 0), reply = make(SHEAF_REPLY, 0);
    struct child child = new_child(child_caller, LOW_PRIORITY, 0, 0);
    child.page->argument[0] = badged(endpoint, SHEAF_RIGHTS_ALL, 77);
    child.page->argument[1] = 3;
    child.page->argument[2] = 1000;
    start_child(&child);
    struct sheaf_message message;
    CHECK_OK(sheaf_receive(endpoint, reply, &message));
    for (unsigned i = 0; i < 3; i++) {
        CHECK(message.badge == 77 && message.label == i && message.count == 2);
        CHECK(message.capabilities == 0 && message.word[0] == ~message.word[1]);
        CHECK_EQ(message.word[0], 1000 + i);
        uint64_t answer = message.word[0] + 1;
        if (i < 2) {
            CHECK_OK(sheaf_reply_receive(endpoint, reply, message.label, &answer, 1, &message));
        } else {
            CHECK_OK(sheaf_reply(reply, message.label, &answer, 1));
        }
    }
    join_child(&child);
    CHECK_EQ(child.page->result[0], 3); // answers as they should be
    CHECK_ERROR(sheaf_reply(reply, 0, NULL, 0), NOT_WAITING);
}

static void sends(void) {
    struct agent agent = new_agent();
    const uint64_t words[] = {CHILD_FREE, 4711};
    CHECK_OK(sheaf_send(agent.command, AGENT_WRITE, words, 2));
    struct sheaf_message message;
    CHECK_OK(sheaf_receive(agent.event, agent.reply, &message));
    CHECK(message.label == SHEAF_LABEL_PAGE_FAULT && message.count == 3);
    CHECK(message.badge == AGENT_FAULT_BADGE && message.word[0] == CHILD_FREE);
    agent_map(&agent, CHILD_FREE, make(SHEAF_FRAME, SHEAF_PAGE_BITS), ALL_ACCESS, 0);
    CHECK_OK(sheaf_reply(agent.reply, 0, NULL, 0));
    CHECK_OK(sheaf_receive(agent.event, 0, &message));
    CHECK(message.badge == AGENT_RESULT_BADGE && message.count == 1 && message.word[0] == 4711);
}

static void rotates(void) {
    sheaf_cptr to = new_slot(), pivot = make(SHEAF_CNODE, 4), source = make(SHEAF_VSPACE, 0);
    CHECK_OK(sheaf_rotate(ROOT, to, pivot, source));
    CHECK_EQ(probe_type(to), SHEAF_CNODE);
    CHECK_EQ(probe_type(pivot), SHEAF_VSPACE);
    CHECK(slot_is_empty(source));
}

static void cancels(void) {
    sheaf_cptr used = badged(make(SHEAF_ENDPOINT, 0), SHEAF_RIGHTS_ALL, 5);
    struct child child = new_child(child_caller, LOW_PRIORITY, 0, 0);
    child.page->argument[0] = used;
    child.page->argument[1] = 1;
    start_child(&child);
    wait_for_state(child.thread, SHEAF_STATE_SENDING);
    CHECK_OK(sheaf_cancel(ROOT, used));
    join_child(&child);
    CHECK_ERROR(child.page->result[1], CANCELLED);
}

static void shrinks(void) {
    sheaf_cptr vspace = make_vspace(2);
    struct sheaf_vspace_info info;
    CHECK_ERROR(sheaf_vspace_shrink(vspace, 0), RANGE);
    CHECK_OK(sheaf_vspace_shrink(vspace, 1));
    CHECK_OK(sheaf_vspace_info(vspace, &info));
    CHECK_EQ(info.chunks, 1);
}

static void timer(void) {
    sheaf_cptr timer = make(SHEAF_TIMER, 0), notification = make(SHEAF_NOTIFICATION, 0);
    uint64_t bits = 0, deadline = sheaf_deadline_after(1000000);
    CHECK_OK(sheaf_timer_attach(timer, badged(notification, SHEAF_RIGHT_WRITE, 0x40)));
    CHECK_ERROR(sheaf_timer_attach(timer, notification), IN_USE);
    CHECK_OK(sheaf_timer_set(timer, deadline));
    CHECK_OK(sheaf_wait(notification, &bits));
    CHECK_EQ(bits, 0x40);
    CHECK(sheaf_clock() >= deadline);
    CHECK_OK(sheaf_timer_attach(timer, 0));
    CHECK_OK(sheaf_timer_attach(timer, notification));
}

static void interrupt(void) {
    const uint64_t line = 201; // of no device on any machine that is tested
    sheaf_cptr handler = make(SHEAF_IRQ_HANDLER, 0);
    CHECK_ERROR(sheaf_irq_acknowledge(handler), INVALID_ARGUMENT);
    CHECK_OK(sheaf_irq_bind(SHEAF_BOOT_SLOT_IRQ_CONTROL, line, SHEAF_IRQ_LEVEL, handler));
    CHECK_ERROR(sheaf_irq_bind(SHEAF_BOOT_SLOT_IRQ_CONTROL, line, SHEAF_IRQ_LEVEL, handler),
                IN_USE);
    CHECK_OK(sheaf_irq_attach(handler, make(SHEAF_NOTIFICATION, 0)));
    CHECK_ERROR(sheaf_irq_attach(handler, make(SHEAF_NOTIFICATION, 0)), IN_USE);
    CHECK_OK(sheaf_irq_acknowledge(handler));
}

static const struct test_case cases[] = {
    {"methods.server_answers", server_answers},
    {"methods.sends", sends},
    {"methods.rotates", rotates},
    {"methods.cancels", cancels},
    {"methods.shrinks", shrinks},
    {"methods.timer", timer},
    {"methods.interrupt", interrupt},
    {"methods.thread_registers", thread_registers},
};
const struct test_area methods_area = TEST_AREA(cases);
