// SPDX-License-Identifier: BSD-2-Clause
// Capabilities in messages: between threads, and into the CSpace of another.
#include "harness.h"
#include "support.h"

#define TAG(capabilities)                                                                          \
    ((struct message){.tag = SHEAF_TAG_CARRYING(5, 1, capabilities), .word = {9}})

// argument 0: Endpoint, 1: Reply or 0. Receives in its buffer's slots; answers the caller with what
// came, if there is a Reply.
static void receiver(struct helper *self) {
    struct message m = receive(self->argument[0], self->argument[1]);
    self->result[0] = m.status;
    self->result[1] = m.tag;
    if (self->argument[1] != 0) {
        self->buffer->send[0] = self->buffer->receive[0];
        self->result[2] = answer(self->argument[1], TAG(1));
    }
}

static void three_arrive(void) {
    sheaf_cptr e = make(SHEAF_ENDPOINT, 0);
    sheaf_cptr frame = make(SHEAF_FRAME, SHEAF_PAGE_BITS);
    sheaf_cptr to = new_slots(3);
    struct helper *helper = new_helper(receiver, LOW_PRIORITY);
    helper->argument[0] = e;
    for (unsigned i = 0; i < 3; i++) {
        helper->buffer->receive[i] = to + i;
    }
    start(helper);
    wait_for_state(helper->thread, SHEAF_STATE_RECEIVING);
    own_buffer()->send[0] = frame;
    own_buffer()->send[1] = OWN_VSPACE;
    own_buffer()->send[2] = badged(e, SHEAF_RIGHT_WRITE, 4);
    CHECK_OK(send(e, TAG(3)));
    join(helper);
    CHECK_OK(helper->result[0]);
    CHECK_EQ(helper->result[1], SHEAF_TAG_CARRYING(5, 1, 3));
    CHECK_EQ(frame_address(to), frame_address(frame));
    CHECK_EQ(probe_type(to + 1), SHEAF_VSPACE);
    CHECK_ERROR(nb_receive(to + 2, 0).status, NO_RIGHT); // the rights came with it
    CHECK_OK(cnode_revoke(ROOT, frame));
    CHECK(slot_is_empty(to)); // a child of what was sent
    CHECK_OK(cnode_delete(ROOT, to + 1));
}

static void there_and_back(void) {
    sheaf_cptr e = make(SHEAF_ENDPOINT, 0);
    sheaf_cptr frame = make(SHEAF_FRAME, SHEAF_PAGE_BITS);
    sheaf_cptr there = new_slot();
    sheaf_cptr back = new_slot();
    struct helper *helper = new_helper(receiver, LOW_PRIORITY);
    helper->argument[0] = e;
    helper->argument[1] = make(SHEAF_REPLY, 0);
    helper->buffer->receive[0] = there;
    start(helper);
    own_buffer()->send[0] = frame;
    own_buffer()->receive[0] = back;
    struct message m = call(e, TAG(1));
    CHECK_OK(m.status);
    CHECK_EQ(m.tag, SHEAF_TAG_CARRYING(5, 1, 1));
    join(helper);
    CHECK_OK(helper->result[2]);
    CHECK_EQ(frame_address(there), frame_address(frame));
    CHECK_EQ(frame_address(back), frame_address(frame));
    CHECK_OK(cnode_revoke(ROOT, there)); // what came back is its child
    CHECK(slot_is_empty(back));
    CHECK(!slot_is_empty(there));
}

static void needs_grant(void) {
    sheaf_cptr e = make(SHEAF_ENDPOINT, 0);
    own_buffer()->send[0] = e;
    sheaf_cptr writer = copy_of(e, SHEAF_RIGHT_READ | SHEAF_RIGHT_WRITE);
    CHECK_ERROR(nb_send(writer, TAG(1)), NO_RIGHT);
    CHECK_ERROR(call(writer, TAG(1)).status, NO_RIGHT);
    CHECK_ERROR(nb_send(writer, TAG(0)), WOULD_BLOCK);
    CHECK_ERROR(nb_send(e, TAG(1)), WOULD_BLOCK);
}

static void sources_must_be_there(void) {
    sheaf_cptr e = make(SHEAF_ENDPOINT, 0);
    own_buffer()->send[0] = e;
    own_buffer()->send[1] = new_slot();
    CHECK_ERROR(nb_send(e, TAG(2)), INVALID_CAPABILITY);
    own_buffer()->send[1] = arena();
    CHECK_ERROR(nb_send(e, TAG(2)), NOT_COPYABLE);
    CHECK_ERROR(call(ROOT, (struct message){.tag = SHEAF_TAG_CARRYING(SHEAF_CNODE_DELETE, 1, 1),
                                            .word = {e}})
                    .status,
                INVALID_ARGUMENT);
}

static void places_must_be_empty(void) {
    sheaf_cptr e = make(SHEAF_ENDPOINT, 0);
    sheaf_cptr place = new_slot();
    struct helper *helper = new_helper(receiver, LOW_PRIORITY);
    helper->argument[0] = e;
    helper->buffer->receive[0] = place;
    helper->buffer->receive[1] = e;
    start(helper);
    wait_for_state(helper->thread, SHEAF_STATE_RECEIVING);
    own_buffer()->send[0] = e;
    own_buffer()->send[1] = e;
    CHECK_ERROR(send(e, TAG(2)), NO_RECEIVE_SLOT); // occupied
    helper->buffer->receive[1] = place;
    CHECK_ERROR(send(e, TAG(2)), NO_RECEIVE_SLOT); // named twice
    helper->buffer->receive[1] = 0;
    CHECK_ERROR(send(e, TAG(2)), NO_RECEIVE_SLOT); // not named
    CHECK(slot_is_empty(place));
    CHECK_EQ(thread_state(helper->thread), SHEAF_STATE_RECEIVING);
    CHECK_OK(send(e, TAG(1)));
    join(helper);
    CHECK_EQ(probe_type(place), SHEAF_ENDPOINT);
}

static void sender(struct helper *self) {
    self->buffer->send[0] = self->argument[1];
    self->result[0] = send(self->argument[0], TAG(1));
}

static void source_gone_meanwhile(void) {
    sheaf_cptr e = make(SHEAF_ENDPOINT, 0);
    sheaf_cptr copy = copy_of(e, SHEAF_RIGHTS_ALL);
    struct helper *helper = spawn(sender, LOW_PRIORITY, e, copy, 0);
    wait_for_state(helper->thread, SHEAF_STATE_SENDING);
    CHECK_OK(cnode_delete(ROOT, copy));
    own_buffer()->receive[0] = new_slot();
    CHECK_ERROR(nb_receive(e, 0).status, WOULD_BLOCK);
    join(helper);
    CHECK_ERROR(helper->result[0], INVALID_CAPABILITY);
    CHECK(slot_is_empty(own_buffer()->receive[0]));
}

static const struct test_case cases[] = {
    {"transfer.three_capabilities_arrive", three_arrive},
    {"transfer.there_and_back_in_a_call", there_and_back},
    {"transfer.needs_the_grant_right", needs_grant},
    {"transfer.sources_must_be_there", sources_must_be_there},
    {"transfer.places_must_be_empty", places_must_be_empty},
    {"transfer.source_gone_while_the_sender_waited", source_gone_meanwhile},
};

const struct test_area transfer_area = TEST_AREA(cases);
