// SPDX-License-Identifier: BSD-2-Clause
// The library's typed functions: that each asks for what its name says.
#include "child.h"
#include "harness.h"

#include <sheaf/user.h>
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

static const struct test_case cases[] = {
    {"methods.thread_registers", thread_registers},
};
const struct test_area methods_area = TEST_AREA(cases);
