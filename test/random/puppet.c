// SPDX-License-Identifier: BSD-2-Clause
// What a puppet executes; all it has is its page, its stack and its IPC buffer.
#include "puppet.h"

CHILD static void fill_buffer(const struct command *command) {
    struct sheaf_ipc_buffer *buffer = (struct sheaf_ipc_buffer *)CHILD_BUFFER;
    for (unsigned i = 0; i < SHEAF_MSG_CAPABILITIES; i++) {
        buffer->send[i] = command->send[i];
        buffer->receive[i] = command->receive[i];
    }
    for (unsigned i = 0; i < command->operations; i++) {
        for (unsigned j = 0; j < SHEAF_GATHER_OP_WORDS; j++) {
            buffer->ops[i].word[j] = command->operation[i][j];
        }
    }
}

// Counted as begun first: whoever is started again after a fault goes on with the next one.
CHILD static void perform(struct puppet_page *page) {
    struct command *command = &page->command[page->next];
    page->next = page->next + 1;
    if (command->touch != 0) {
        *(volatile uint64_t *)command->touch = 1;
        command->status = SHEAF_OK;
        return;
    }
    fill_buffer(command);
    struct registers r;
    for (unsigned i = 0; i < sizeof(r.x) / sizeof(r.x[0]); i++) {
        r.x[i] = command->in.x[i];
    }
    system_call(&r);
    command->x10 = r.x[SHEAF_REG_GATHER];
    command->status = r.x[SHEAF_REG_STATUS];
}

// With nothing left to do it waits; where that is no longer possible, in a fault.
CHILD void puppet(struct child_page *shared) {
    struct puppet_page *page = (struct puppet_page *)shared;
    for (;;) {
        while (page->next < page->count && page->next < COMMANDS) {
            perform(page);
        }
        if (receive(page->idle, 0).status != SHEAF_OK) {
            breakpoint_instruction();
        }
    }
}
