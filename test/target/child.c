// SPDX-License-Identifier: BSD-2-Clause
// Programs for threads in VSpaces of their own.
//
// new_child() copies this section into Frames of the other VSpace, so nothing here may refer to
// anything outside of it: no global, no string, no library function (which also means: no structure
// so large that the compiler copies it with memcpy, no switch that becomes a table).
#include "child.h"

CHILD static _Noreturn void child_end(struct child_page *page) {
    page->finished = 1;
    signal_bits(page->done);
    for (;;) {
        thread_suspend(page->thread);
    }
}

CHILD static uint64_t sum_of_pages(uint64_t address, uint64_t pages) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < pages; i++) {
        sum += *(volatile uint64_t *)(address + i * PAGE);
    }
    return sum;
}

CHILD static uint64_t perform(uint64_t command, uint64_t word0, uint64_t word1) {
    if (command == AGENT_READ) {
        return *(volatile uint64_t *)word0;
    }
    if (command == AGENT_WRITE) {
        *(volatile uint64_t *)word0 = word1;
        return word1;
    }
    if (command == AGENT_EXECUTE) {
        return ((uint64_t (*)(void))word0)();
    }
    if (command == AGENT_SUM) {
        return sum_of_pages(word0, word1);
    }
    if (command == AGENT_UNDEFINED) {
        undefined_instruction();
    }
    if (command == AGENT_BREAK) {
        breakpoint_instruction();
    }
    return 0;
}

CHILD void agent_loop(sheaf_cptr commands, sheaf_cptr results) {
    for (;;) {
        struct message m = receive(commands, 0);
        if (m.status != SHEAF_OK) {
            return;
        }
        uint64_t value = perform(SHEAF_TAG_LABEL(m.tag), m.word[0], m.word[1]);
        send(results, MESSAGE(1, 1, value));
    }
}

CHILD void child_agent(struct child_page *page) {
    agent_loop(page->argument[0], page->argument[1]);
    child_end(page);
}

// Result 0: answers that were value + 1; result 1: the last status.
CHILD void child_caller(struct child_page *page) {
    uint64_t value = page->argument[2];
    for (uint64_t i = 0; i < page->argument[1]; i++) {
        struct message m = call(page->argument[0], MESSAGE(i, 2, value, ~value));
        page->result[1] = m.status;
        if (m.status != SHEAF_OK) {
            break;
        }
        page->result[0] += m.word[0] == value + 1 && SHEAF_TAG_LABEL(m.tag) == i;
        value = m.word[0];
    }
    child_end(page);
}

// Answers value + 1 under the label of the question; result 0: messages whose words agreed.
CHILD void child_echo(struct child_page *page) {
    struct message m = receive(page->argument[0], page->argument[1]);
    for (uint64_t i = 1; i <= page->argument[2] && m.status == SHEAF_OK; i++) {
        page->result[0] += m.word[1] == ~m.word[0];
        struct message out = MESSAGE(SHEAF_TAG_LABEL(m.tag), 1, m.word[0] + 1);
        if (i < page->argument[2]) {
            m = answer_receive(page->argument[0], page->argument[1], out);
        } else {
            answer(page->argument[1], out);
        }
    }
    child_end(page);
}

CHILD void child_count(struct child_page *page) {
    for (;;) {
        page->result[0] = page->result[0] + 1;
    }
}

CHILD void child_wait(struct child_page *page) {
    page->result[0] = receive(page->argument[0], 0).status;
    child_end(page);
}

CHILD void child_revoke(struct child_page *page) {
    page->result[0] = cnode_revoke(page->argument[0], page->argument[1]);
    child_end(page);
}

CHILD void child_touch(struct child_page *page) {
    page->result[0] = *(volatile uint64_t *)page->argument[0];
    child_end(page);
}

// After CONFIGURE its page, stack and code are those of the other VSpace.
CHILD void child_move_over(struct child_page *page) {
    uint64_t status = thread_configure(page->argument[0], 0, page->argument[1], 0, 0, 0);
    page->result[0] = status;
    page->result[1] = page->argument[2];
    child_end(page);
}
