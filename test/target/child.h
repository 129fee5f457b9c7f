// SPDX-License-Identifier: BSD-2-Clause
// Programs for threads in VSpaces of their own, and the agent: such a thread that touches memory on
// command, so that the main thread can watch what happens, as its pager.
#ifndef TARGET_CHILD_H
#define TARGET_CHILD_H

#include "support.h"

// What a child runs lies in this section, which is copied into its VSpace.
#define CHILD __attribute__((section("child_code"), noinline, used))

// Each of these is the entry of a child; what it does with its page's arguments is said there.
void child_agent(struct child_page *page); // 0 endpoint for commands, 1 endpoint for results
void agent_loop(sheaf_cptr commands, sheaf_cptr results);
void child_caller(struct child_page *page);    // 0 endpoint, 1 rounds, 2 first value
void child_echo(struct child_page *page);      // 0 endpoint, 1 Reply, 2 rounds
void child_count(struct child_page *page);     // counts in result 0 for ever
void child_wait(struct child_page *page);      // 0 endpoint to receive from; status in result 0
void child_move_over(struct child_page *page); // 0 itself, 1 VSpace; 2 in result 1
void child_touch(struct child_page *page);     // 0 address that it reads
void child_revoke(struct child_page *page);    // 0 CNode, 1 index

enum agent_command {
    AGENT_READ = 1,  // word 0 address; answers the 8 bytes there
    AGENT_WRITE,     // word 0 address, word 1 value
    AGENT_EXECUTE,   // calls the function at word 0; answers what it returned
    AGENT_SUM,       // word 0 address, word 1 pages: sum of the first 8 bytes of each
    AGENT_UNDEFINED, // executes UDF
    AGENT_BREAK,     // executes BRK
};

#define AGENT_FAULT_BADGE 0xfa
#define AGENT_RESULT_BADGE 0xda

struct agent {
    struct child child;
    struct helper *helper; // of an agent in this VSpace, which has no page
    sheaf_cptr command, event, reply;
};

struct agent new_agent(void); // started, waiting for commands
// The same in this VSpace. QEMU forgets all translations when the address space changes; so only an
// agent that shares it shows whether an invalidation was missing.
struct agent new_agent_beside(void);
// Defines two cases out of body(struct agent agent): name, and name_beside.
#define WITH_BOTH_AGENTS(name, body)                                                               \
    static void name(void) { body(new_agent()); }                                                  \
    static void name##_beside(void) { body(new_agent_beside()); }
void agent_do(struct agent *agent, enum agent_command command, uint64_t word0, uint64_t word1);
struct message agent_event(struct agent *agent); // the next result or fault
void agent_restart(struct agent *agent);         // gives up what it was doing

// Commands that must succeed without a fault message.
uint64_t agent_result(struct agent *agent, enum agent_command command, uint64_t word0,
                      uint64_t word1);
// A command that must end in a page fault message with exactly these words; the agent is restarted.
void agent_page_fault(struct agent *agent, enum agent_command command, uint64_t address,
                      uint64_t access);
// Maps one page of the agent's VSpace; `dirty_flags` are SHEAF_OP_ACCESSED and SHEAF_OP_DIRTY.
struct gathered agent_map(struct agent *agent, uint64_t va, sheaf_cptr frame, uint64_t rights,
                          uint64_t flags);
struct gathered agent_unmap(struct agent *agent, uint64_t va, uint64_t pages, uint64_t flags);

#endif
