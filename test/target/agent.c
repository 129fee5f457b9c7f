// SPDX-License-Identifier: BSD-2-Clause
// The agent as the main thread drives it: command out, fault or result in.
#include "child.h"
#include "harness.h"

struct agent new_agent(void) {
    struct agent agent = {.command = make(SHEAF_ENDPOINT, 0),
                          .event = make(SHEAF_ENDPOINT, 0),
                          .reply = make(SHEAF_REPLY, 0)};
    sheaf_cptr faults = badged(agent.event, SHEAF_RIGHTS_ALL, AGENT_FAULT_BADGE);
    agent.child = new_child(child_agent, LOW_PRIORITY, faults, 0);
    agent.child.page->argument[0] = agent.command;
    agent.child.page->argument[1] = badged(agent.event, SHEAF_RIGHT_WRITE, AGENT_RESULT_BADGE);
    start_child(&agent.child);
    return agent;
}

static void helper_agent(struct helper *self) { agent_loop(self->argument[0], self->argument[1]); }

struct agent new_agent_beside(void) {
    struct agent agent = {.command = make(SHEAF_ENDPOINT, 0),
                          .event = make(SHEAF_ENDPOINT, 0),
                          .reply = make(SHEAF_REPLY, 0),
                          .helper = new_helper(helper_agent, LOW_PRIORITY)};
    agent.helper->fault_endpoint = badged(agent.event, SHEAF_RIGHTS_ALL, AGENT_FAULT_BADGE);
    agent.helper->argument[0] = agent.command;
    agent.helper->argument[1] = badged(agent.event, SHEAF_RIGHT_WRITE, AGENT_RESULT_BADGE);
    agent.child.thread = agent.helper->thread;
    agent.child.vspace = OWN_VSPACE;
    start(agent.helper);
    return agent;
}

void agent_do(struct agent *agent, enum agent_command command, uint64_t word0, uint64_t word1) {
    CHECK_OK(send(agent->command, MESSAGE(command, 2, word0, word1)));
}

struct message agent_event(struct agent *agent) {
    struct message m = receive(agent->event, agent->reply);
    CHECK_OK(m.status);
    CHECK(m.badge == AGENT_FAULT_BADGE || m.badge == AGENT_RESULT_BADGE);
    return m;
}

void agent_restart(struct agent *agent) {
    CHECK_OK(thread_suspend(agent->child.thread));
    if (agent->helper != NULL) {
        restart(agent->helper);
    } else {
        restart_child(&agent->child, child_agent);
    }
}

uint64_t agent_result(struct agent *agent, enum agent_command command, uint64_t word0,
                      uint64_t word1) {
    agent_do(agent, command, word0, word1);
    struct message m = agent_event(agent);
    CHECK_EQ(m.badge, AGENT_RESULT_BADGE);
    return m.word[0];
}

void agent_page_fault(struct agent *agent, enum agent_command command, uint64_t address,
                      uint64_t access) {
    agent_do(agent, command, address, 0);
    struct message m = agent_event(agent);
    CHECK_EQ(m.badge, AGENT_FAULT_BADGE);
    CHECK_EQ(SHEAF_TAG_LABEL(m.tag), SHEAF_LABEL_PAGE_FAULT);
    CHECK_EQ(SHEAF_TAG_LENGTH(m.tag), 3);
    CHECK_EQ(m.word[0], address);
    CHECK_EQ(m.word[1], access);
    agent_restart(agent);
}

struct gathered agent_map(struct agent *agent, uint64_t va, sheaf_cptr frame, uint64_t rights,
                          uint64_t flags) {
    return must_gather(map_op(agent->child.vspace, va, 1, frame, 1, rights, flags));
}

struct gathered agent_unmap(struct agent *agent, uint64_t va, uint64_t pages, uint64_t flags) {
    return must_gather(unmap_op(agent->child.vspace, va, pages, flags));
}
