// SPDX-License-Identifier: BSD-2-Clause
// Threads that change what they stand on: their CSpace, VSpace, IPC buffer, and themselves.
#include "child.h"
#include "harness.h"

#include <string.h>

static sheaf_cptr page(void) { return make(SHEAF_FRAME, SHEAF_PAGE_BITS); }

static void delete_self(struct helper *self) {
    cnode_delete(ROOT, self->thread);
    self->result[0] = 1; // never comes here
}

static void deletes_itself(void) {
    struct helper *helper = spawn(delete_self, MAIN_PRIORITY + 1, 0, 0, 0);
    CHECK(slot_is_empty(helper->thread));
    CHECK_EQ(helper->result[0], 0);
}

static void suspend_self(struct helper *self) {
    self->result[0] = 1 + thread_suspend(self->thread);
    self->result[1] = 1;
}

static void suspends_itself_and_goes_on(void) {
    struct helper *helper = spawn(suspend_self, MAIN_PRIORITY + 1, 0, 0, 0);
    CHECK_EQ(thread_state(helper->thread), SHEAF_STATE_SUSPENDED);
    CHECK_EQ(helper->result[0], 0);
    CHECK_OK(thread_resume(helper->thread));
    CHECK_EQ(helper->result[0], 1 + SHEAF_OK);
    CHECK(helper->finished);
}

// argument 0: the new CSpace, 1: a name that means something there and nothing before.
static void change_cspace(struct helper *self) {
    self->result[0] = INVOKE(self->argument[1], SHEAF_FRAME_GET_ADDRESS, 0, 0).status;
    self->result[1] = thread_configure(self->thread, self->argument[0], 0, 0, 0, 0);
    self->result[2] = INVOKE(self->argument[1], SHEAF_FRAME_GET_ADDRESS, 0, 0).word[0];
    self->result[3] = signal_bits(self->done); // no longer in its CSpace
    self->result[4] = thread_configure(2, 3, 0, 0, 0, 0);
}

static void replaces_its_cspace(void) {
    sheaf_cptr cnode = make(SHEAF_CNODE, 4);
    sheaf_cptr frame = page();
    struct helper *helper = new_helper(change_cspace, MAIN_PRIORITY + 1);
    CHECK_OK(cnode_copy(cnode, 15, frame, SHEAF_RIGHTS_ALL));
    CHECK_OK(cnode_copy(cnode, 2, helper->thread, SHEAF_RIGHTS_ALL));
    CHECK_OK(cnode_copy(cnode, 3, ROOT, SHEAF_RIGHTS_ALL));
    helper->argument[0] = cnode;
    helper->argument[1] = 15; // empty in the root
    start(helper);
    join(helper);
    CHECK_ERROR(helper->result[0], INVALID_CAPABILITY);
    CHECK_OK(helper->result[1]);
    CHECK_EQ(helper->result[2], frame_address(frame));
    CHECK_ERROR(helper->result[3], INVALID_CAPABILITY);
    CHECK_OK(helper->result[4]);
}

// Its CSpace root is revoked under it: every name means nothing from then on.
static void call_nothing(struct helper *self) {
    self->result[0] = receive(self->argument[0], 0).status;
    self->result[1] = nb_receive(self->argument[0], 0).status;
    self->result[2] = *(volatile uint64_t *)self->argument[1]; // waits in a fault
}

static void loses_its_cspace(void) {
    sheaf_cptr cnode = make(SHEAF_CNODE, 4);
    sheaf_cptr endpoint = make(SHEAF_ENDPOINT, 0);
    CHECK_OK(cnode_copy(cnode, 5, endpoint, SHEAF_RIGHTS_ALL));
    struct helper *helper = new_helper(call_nothing, LOW_PRIORITY);
    helper->cspace = cnode;
    helper->fault_endpoint = make(SHEAF_ENDPOINT, 0);
    helper->argument[0] = 5;
    helper->argument[1] = new_place(PAGE);
    start(helper);
    wait_for_state(helper->thread, SHEAF_STATE_RECEIVING);
    CHECK_OK(cnode_revoke(ROOT, cnode)); // takes the thread's own copy
    CHECK_OK(cnode_delete(ROOT, cnode)); // and with it the last capability that it used
    CHECK_EQ(thread_state(helper->thread), SHEAF_STATE_RECEIVING); // the endpoint lives
    CHECK_OK(send(endpoint, MESSAGE(0, 0, 0)));
    wait_for_state(helper->thread, SHEAF_STATE_SENDING); // its fault
    CHECK_OK(helper->result[0]);
    CHECK_ERROR(helper->result[1], INVALID_CAPABILITY);
}

static void change_buffer(struct helper *self) {
    struct sheaf_ipc_buffer *young = (struct sheaf_ipc_buffer *)self->argument[2];
    self->result[0] = thread_configure(self->thread, 0, 0, 0, self->argument[1], 0);
    self->buffer->message[6] = 1;
    young->message[6] = 2;
    self->result[1] = send(self->argument[0], (struct message){.tag = SHEAF_TAG(0, 7)});
}

static void replaces_its_buffer(void) {
    sheaf_cptr endpoint = make(SHEAF_ENDPOINT, 0);
    sheaf_cptr frame = page();
    void *at = map_here(frame, SHEAF_PAGE_BITS, ALL_ACCESS);
    struct helper *helper = spawn(change_buffer, LOW_PRIORITY, endpoint, frame, (uint64_t)at);
    struct message m = receive(endpoint, 0);
    CHECK_OK(m.status);
    CHECK_EQ(SHEAF_TAG_LENGTH(m.tag), 7);
    CHECK_EQ(own_buffer()->message[6], 2);
    join(helper);
    CHECK_OK(helper->result[0]);
    CHECK_OK(helper->result[1]);
}

// The buffer of a thread that waits for a long answer is taken away.
static void loses_its_buffer_while_it_waits(void) {
    sheaf_cptr endpoint = make(SHEAF_ENDPOINT, 0);
    sheaf_cptr reply = make(SHEAF_REPLY, 0);
    struct child child = new_child(child_caller, LOW_PRIORITY, 0, 0);
    child.page->argument[0] = endpoint;
    child.page->argument[1] = 1;
    start_child(&child);
    CHECK_OK(receive(endpoint, reply).status);
    CHECK_OK(cnode_delete(ROOT, child.buffer_frame)); // the thread's copy is a copy of its own
    CHECK_OK(answer(reply, MESSAGE(0, 8, 1)));
    join_child(&child);
    CHECK_OK(child.page->result[1]);
}

// Moves over to another VSpace in which the same code lies at the same place, with other data.
static void replaces_its_vspace(void) {
    struct child one = new_child(child_move_over, LOW_PRIORITY, 0, 0);
    struct child two = new_child(child_move_over, LOW_PRIORITY, 0, 0);
    memcpy(two.page->argument, one.page->argument, sizeof(two.page->argument));
    one.page->argument[0] = one.thread;
    one.page->argument[1] = two.vspace;
    two.page->argument[2] = 4321;
    two.page->thread = one.thread;
    start_child(&one);
    join_child(&two);
    CHECK_OK(two.page->result[0]);
    CHECK_EQ(two.page->result[1], 4321);
    CHECK_EQ(one.page->finished, 0);
    CHECK_OK(cnode_delete(ROOT, one.vspace)); // nobody stands on it any more
}

static void suspended_caller_is_no_caller(void) {
    sheaf_cptr endpoint = make(SHEAF_ENDPOINT, 0);
    sheaf_cptr reply = make(SHEAF_REPLY, 0);
    struct child child = new_child(child_caller, LOW_PRIORITY, 0, 0);
    child.page->argument[0] = endpoint;
    child.page->argument[1] = 1;
    start_child(&child);
    CHECK_OK(receive(endpoint, reply).status);
    CHECK_EQ(thread_state(child.thread), SHEAF_STATE_WAITING_REPLY);
    CHECK_OK(thread_suspend(child.thread));
    CHECK_ERROR(answer(reply, MESSAGE(0, 0, 0)), NOT_WAITING);
    CHECK_OK(thread_resume(child.thread));
    join_child(&child);
    CHECK_ERROR(child.page->result[1], CANCELLED);
}

static const struct test_case cases[] = {
    {"thread.deletes_itself", deletes_itself},
    {"thread.suspends_itself_and_goes_on", suspends_itself_and_goes_on},
    {"thread.replaces_its_cspace", replaces_its_cspace},
    {"thread.loses_its_cspace", loses_its_cspace},
    {"thread.replaces_its_buffer", replaces_its_buffer},
    {"thread.keeps_its_copy_of_the_buffer", loses_its_buffer_while_it_waits},
    {"thread.replaces_its_vspace", replaces_its_vspace},
    {"thread.suspended_caller_is_no_caller", suspended_caller_is_no_caller},
};

const struct test_area self_area = TEST_AREA(cases);
