// SPDX-License-Identifier: BSD-2-Clause
// Helper threads in this VSpace, and children in VSpaces of their own.
#include "threads.h"
#include "harness.h"
#include "support.h"

#include <string.h>

#define STACK_BYTES 16384

static struct helper helpers[MAX_HELPERS];
static char stacks[MAX_HELPERS][STACK_BYTES] __attribute__((aligned(16)));
static unsigned helper_count;

#define MAX_THREADS 24
static sheaf_cptr threads[MAX_THREADS]; // helpers' and children's
static unsigned thread_count;

static void watch(sheaf_cptr thread) {
    CHECK(thread_count < MAX_THREADS);
    threads[thread_count++] = thread;
}

void threads_forget(void) {
    helper_count = 0;
    thread_count = 0;
    memset(helpers, 0, sizeof(helpers));
}

void threads_quieten(void) {
    for (unsigned i = 0; i < thread_count; i++) {
        struct message m = INVOKE(threads[i], SHEAF_THREAD_INFO, 0, 0);
        if (m.status == SHEAF_OK &&
            (m.word[0] == SHEAF_STATE_SENDING || m.word[0] == SHEAF_STATE_WAITING_REPLY)) {
            thread_suspend(threads[i]);
        }
    }
}

void wait_for_state(sheaf_cptr thread, enum sheaf_thread_state state) {
    CHECK_OK(thread_priority(OWN_THREAD, 1, 255, OWN_THREAD));
    for (unsigned i = 0; i < 1000 && thread_state(thread) != state; i++) {
        yield();
    }
    CHECK_OK(thread_priority(OWN_THREAD, MAIN_PRIORITY, 255, OWN_THREAD));
    CHECK_EQ(thread_state(thread), state);
}

static _Noreturn void helper_entry(struct helper *self) {
    self->function(self);
    self->finished = true;
    signal_bits(self->done);
    for (;;) {
        thread_suspend(self->thread);
    }
}

struct helper *new_helper(void (*function)(struct helper *self), unsigned priority) {
    CHECK(helper_count < MAX_HELPERS);
    struct helper *helper = &helpers[helper_count++];
    helper->function = function;
    helper->priority = priority;
    helper->thread = make(SHEAF_THREAD, 0);
    watch(helper->thread);
    helper->done = badged(make(SHEAF_NOTIFICATION, 0), SHEAF_RIGHTS_ALL, 1);
    helper->buffer_frame = make(SHEAF_FRAME, SHEAF_PAGE_BITS);
    helper->buffer = map_here(helper->buffer_frame, SHEAF_PAGE_BITS, ALL_ACCESS);
    return helper;
}

void start(struct helper *helper) {
    CHECK_OK(thread_configure(helper->thread, helper->cspace != 0 ? helper->cspace : ROOT,
                              OWN_VSPACE, helper->fault_endpoint, helper->buffer_frame,
                              helper->fault_notification));
    CHECK_OK(thread_priority(helper->thread, helper->priority, helper->priority, OWN_THREAD));
    restart(helper);
}

void restart(struct helper *helper) {
    char *stack_top = stacks[helper - helpers] + STACK_BYTES;
    CHECK_OK(INVOKE(helper->thread, SHEAF_THREAD_WRITE_REGISTERS, 5, 4, (uint64_t)helper_entry,
                    (uint64_t)stack_top, helper->thread_register, (uint64_t)helper)
                 .status);
    CHECK_OK(thread_resume(helper->thread));
}

struct helper *spawn(void (*function)(struct helper *self), unsigned priority, uint64_t argument0,
                     uint64_t argument1, uint64_t argument2) {
    struct helper *helper = new_helper(function, priority);
    helper->argument[0] = argument0;
    helper->argument[1] = argument1;
    helper->argument[2] = argument2;
    start(helper);
    return helper;
}

void join(struct helper *helper) {
    while (!helper->finished) {
        CHECK_OK(receive(helper->done, 0).status);
    }
}

// The linker gives these names to the ends of the section child.c puts its functions into.
extern const char __start_child_code[];
extern const char __stop_child_code[];

static void put_in_child(sheaf_cptr vspace, uint64_t va, sheaf_cptr frame, uint64_t rights) {
    must_gather(map_op(vspace, va, 1, copy_of(frame, SHEAF_RIGHTS_ALL), 1, rights,
                       SHEAF_OP_ACCESSED | (rights & SHEAF_MAP_WRITE ? SHEAF_OP_DIRTY : 0)));
}

uint32_t child_instruction(uint64_t pc) {
    uint32_t instruction;
    memcpy(&instruction, __start_child_code + (pc - CHILD_CODE), sizeof(instruction));
    return instruction;
}

static void load_child_code(sheaf_cptr vspace) {
    size_t bytes = (size_t)(__stop_child_code - __start_child_code);
    for (size_t done = 0; done < bytes; done += PAGE) {
        sheaf_cptr frame = make(SHEAF_FRAME, SHEAF_PAGE_BITS);
        void *page = map_here(frame, SHEAF_PAGE_BITS, ALL_ACCESS);
        memcpy(page, __start_child_code + done, bytes - done < PAGE ? bytes - done : PAGE);
        put_in_child(vspace, CHILD_CODE + done, frame, SHEAF_MAP_READ | SHEAF_MAP_EXECUTE);
    }
}

static void point_child(const struct child *child, void (*entry)(struct child_page *page)) {
    uint64_t pc = CHILD_CODE + (uint64_t)((const char *)entry - __start_child_code);
    CHECK_OK(INVOKE(child->thread, SHEAF_THREAD_WRITE_REGISTERS, 5, 4, pc, CHILD_STACK_TOP, 0,
                    CHILD_PAGE)
                 .status);
}

struct child new_child(void (*entry)(struct child_page *page), unsigned priority,
                       sheaf_cptr fault_endpoint, sheaf_cptr fault_notification) {
    struct child child = {.vspace = make_vspace(2), .thread = make(SHEAF_THREAD, 0)};
    watch(child.thread);
    load_child_code(child.vspace);
    put_in_child(child.vspace, CHILD_STACK_TOP - PAGE, make(SHEAF_FRAME, SHEAF_PAGE_BITS),
                 ALL_ACCESS);
    child.buffer_frame = make(SHEAF_FRAME, SHEAF_PAGE_BITS);
    put_in_child(child.vspace, CHILD_BUFFER, child.buffer_frame, ALL_ACCESS);
    sheaf_cptr page = make(SHEAF_FRAME, SHEAF_PAGE_BITS);
    put_in_child(child.vspace, CHILD_PAGE, page, ALL_ACCESS);
    child.page = map_here(page, SHEAF_PAGE_BITS, ALL_ACCESS);
    child.done = badged(make(SHEAF_NOTIFICATION, 0), SHEAF_RIGHTS_ALL, 1);
    child.page->thread = child.thread;
    child.page->done = child.done;
    CHECK_OK(thread_configure(child.thread, ROOT, child.vspace, fault_endpoint, child.buffer_frame,
                              fault_notification));
    point_child(&child, entry);
    CHECK_OK(thread_priority(child.thread, priority, priority, OWN_THREAD));
    return child;
}

void start_child(struct child *child) { CHECK_OK(thread_resume(child->thread)); }

void restart_child(struct child *child, void (*entry)(struct child_page *page)) {
    point_child(child, entry);
    start_child(child);
}

void join_child(struct child *child) {
    while (!child->page->finished) {
        CHECK_OK(receive(child->done, 0).status);
    }
}
