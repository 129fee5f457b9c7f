// SPDX-License-Identifier: BSD-2-Clause
// Thread: configuration, registers, priorities, suspend and resume.
#include "child.h"
#include "harness.h"
#include "registers.h"

#include <string.h>

static sheaf_cptr thread(void) { return make(SHEAF_THREAD, 0); }
static sheaf_cptr page(void) { return make(SHEAF_FRAME, SHEAF_PAGE_BITS); }

// A message of more than six words: the rest goes through the IPC buffer.
static struct message invoke_long(sheaf_cptr cap, unsigned method, const uint64_t *words,
                                  unsigned count) {
    struct message out = {.tag = SHEAF_TAG(method, count)};
    for (unsigned i = 0; i < count; i++) {
        if (i < SHEAF_REG_WORDS) {
            out.word[i] = words[i];
        } else {
            own_buffer()->message[i] = words[i];
        }
    }
    return call(cap, out);
}

static uint64_t answered_word(const struct message *m, unsigned i) {
    return i < SHEAF_REG_WORDS ? m->word[i] : own_buffer()->message[i];
}

static void starts_suspended(void) {
    struct message m = INVOKE(thread(), SHEAF_THREAD_INFO, 0, 0);
    CHECK_OK(m.status);
    CHECK_EQ(SHEAF_TAG_LENGTH(m.tag), 6);
    CHECK_EQ(m.word[5], 0); // PE
    CHECK_EQ(m.word[0], SHEAF_STATE_SUSPENDED);
}

static void registers_read_back(void) {
    sheaf_cptr t = thread();
    uint64_t words[1 + SHEAF_REGISTERS] = {SHEAF_REGISTERS};
    for (unsigned i = 0; i < SHEAF_REGISTERS; i++) {
        words[1 + i] = UINT64_C(0x0000123400000000) + i * 16;
    }
    words[SHEAF_REGISTERS] = UINT64_C(0x50000000); // Z and V
    CHECK_OK(invoke_long(t, SHEAF_THREAD_WRITE_REGISTERS, words, 1 + SHEAF_REGISTERS).status);
    struct message m = INVOKE(t, SHEAF_THREAD_READ_REGISTERS, 0, 0);
    CHECK_OK(m.status);
    CHECK_EQ(SHEAF_TAG_LENGTH(m.tag), 1 + SHEAF_REGISTERS);
    for (unsigned i = 0; i < 1 + SHEAF_REGISTERS; i++) {
        CHECK_EQ(answered_word(&m, i), words[i]);
    }
}

static void registers_in_part(void) {
    sheaf_cptr t = thread();
    CHECK_OK(INVOKE(t, SHEAF_THREAD_WRITE_REGISTERS, 5, 4, 0x1000, 0x2000, 0x3000, 4).status);
    CHECK_OK(INVOKE(t, SHEAF_THREAD_WRITE_REGISTERS, 2, 1, 0x5000).status);
    struct message m = INVOKE(t, SHEAF_THREAD_READ_REGISTERS, 0, 0);
    CHECK_EQ(m.word[1], 0x5000);
    CHECK_EQ(m.word[2], 0x2000);
    CHECK_EQ(m.word[3], 0x3000);
    CHECK_EQ(m.word[4], 4);
}

static void register_count_out_of_range(void) {
    sheaf_cptr t = thread();
    uint64_t words[2 + SHEAF_REGISTERS] = {SHEAF_REGISTERS + 1};
    CHECK_ERROR(invoke_long(t, SHEAF_THREAD_WRITE_REGISTERS, words, 2 + SHEAF_REGISTERS).status,
                RANGE);
    CHECK_ERROR(INVOKE(t, SHEAF_THREAD_WRITE_REGISTERS, 2, UINT64_MAX, 0).status, RANGE);
    // More announced than sent.
    CHECK_ERROR(INVOKE(t, SHEAF_THREAD_WRITE_REGISTERS, 2, 2, 0x7000).status, INVALID_ARGUMENT);
    struct message m = INVOKE(t, SHEAF_THREAD_READ_REGISTERS, 0, 0);
    CHECK_EQ(m.word[1], 0);
}

static void registers_of_a_running_thread(void) {
    struct child child = new_child(child_count, LOW_PRIORITY, 0, 0);
    start_child(&child);
    CHECK_ERROR(INVOKE(child.thread, SHEAF_THREAD_WRITE_REGISTERS, 2, 1, 0).status, IN_USE);
    CHECK_OK(thread_suspend(child.thread));
    CHECK_OK(INVOKE(child.thread, SHEAF_THREAD_WRITE_REGISTERS, 2, 1, 0).status);
}

static void only_condition_flags(void) {
    sheaf_cptr t = thread();
    uint64_t words[1 + SHEAF_REGISTERS] = {SHEAF_REGISTERS};
    for (unsigned bit = 0; bit < 64; bit++) {
        words[SHEAF_REGISTERS] = UINT64_C(1) << bit;
        uint64_t status =
            invoke_long(t, SHEAF_THREAD_WRITE_REGISTERS, words, 1 + SHEAF_REGISTERS).status;
        if (bit >= 28 && bit <= 31) {
            CHECK_OK(status);
        } else {
            CHECK_ERROR(status, INVALID_ARGUMENT);
        }
    }
}

// sp, TLS, x0 to x29, condition flags, as the thread's first instructions found them.
static uint64_t first_registers[SHEAF_REGISTERS];

static void registers_reach_the_thread(void) {
    sheaf_cptr t = thread();
    sheaf_cptr done = badged(make(SHEAF_NOTIFICATION, 0), SHEAF_RIGHTS_ALL, 1);
    uint64_t words[1 + SHEAF_REGISTERS] = {SHEAF_REGISTERS, (uint64_t)registers_store_first,
                                           0x123450, 0x987654};
    for (unsigned i = 0; i < 30; i++) {
        words[4 + i] = UINT64_C(0xabcd000000000000) + i;
    }
    words[4 + 27] = done;
    words[SHEAF_REGISTERS] = UINT64_C(0x90000000); // N and V
    words[4 + 30] = (uint64_t)first_registers;
    CHECK_OK(thread_configure(t, ROOT, OWN_VSPACE, 0, 0, 0));
    CHECK_OK(invoke_long(t, SHEAF_THREAD_WRITE_REGISTERS, words, 1 + SHEAF_REGISTERS).status);
    CHECK_OK(thread_priority(t, LOW_PRIORITY, LOW_PRIORITY, OWN_THREAD));
    CHECK_OK(thread_resume(t));
    CHECK_OK(receive(done, 0).status);
    CHECK_EQ(first_registers[0], 0x123450);
    CHECK_EQ(first_registers[1], 0x987654);
    for (unsigned i = 0; i < 30; i++) {
        CHECK_EQ(first_registers[2 + i], words[4 + i]);
    }
    CHECK_EQ(first_registers[32], 0x90000000);
}

// All registers that the ABI does not name keep their value over a system call.
static void system_call_keeps_registers(void) {
    CHECK_EQ(registers_around_call(SHEAF_SYS_NULL), 0);
    CHECK_EQ(registers_around_call(SHEAF_SYS_YIELD), 0);
    CHECK_EQ(registers_around_call(9999), 0);
}

static void configure_wrong_types(void) {
    sheaf_cptr t = thread();
    sheaf_cptr wrong = make(SHEAF_REPLY, 0);
    CHECK_ERROR(thread_configure(t, wrong, 0, 0, 0, 0), WRONG_TYPE);
    CHECK_ERROR(thread_configure(t, 0, wrong, 0, 0, 0), WRONG_TYPE);
    CHECK_ERROR(thread_configure(t, 0, 0, wrong, 0, 0), WRONG_TYPE);
    CHECK_ERROR(thread_configure(t, 0, 0, 0, wrong, 0), WRONG_TYPE);
    CHECK_ERROR(thread_configure(t, 0, 0, 0, 0, wrong), WRONG_TYPE);
    CHECK_ERROR(thread_configure(t, new_slot(), 0, 0, 0, 0), INVALID_CAPABILITY);
    CHECK_ERROR(thread_configure(t, 0, 0, 0, 0, new_slot()), INVALID_CAPABILITY);
}

static void configure_all_or_nothing(void) {
    sheaf_cptr t = thread();
    sheaf_cptr memory = make(SHEAF_UNTYPED, 12);
    sheaf_cptr endpoint = make_from(memory, SHEAF_ENDPOINT, 0);
    CHECK_ERROR(thread_configure(t, ROOT, OWN_VSPACE, endpoint, page(), make(SHEAF_REPLY, 0)),
                WRONG_TYPE);
    // Had the thread kept its copy of the endpoint, the memory would still have a child.
    CHECK_OK(cnode_delete(ROOT, endpoint));
    CHECK_EQ(untyped_info(memory).left, UINT64_C(1) << 12);
}

static void buffer_must_be_a_normal_page(void) {
    sheaf_cptr t = thread();
    uint64_t status = thread_configure(t, 0, 0, 0, make(SHEAF_FRAME, 13), 0);
    CHECK(status == SHEAF_ERR_RANGE || status == SHEAF_ERR_INVALID_ARGUMENT);
    CHECK_ERROR(thread_configure(t, 0, 0, 0, copy_of(page(), SHEAF_RIGHT_READ), 0), NO_RIGHT);
}

static void priority_bounds(void) {
    sheaf_cptr t = thread();
    sheaf_cptr low = thread();
    CHECK_OK(thread_priority(low, 10, 20, OWN_THREAD));
    CHECK_ERROR(thread_priority(t, 21, 0, low), PRIORITY);
    CHECK_ERROR(thread_priority(t, 10, 21, low), PRIORITY);
    CHECK_ERROR(thread_priority(t, 256, 0, OWN_THREAD), RANGE);
    CHECK_ERROR(thread_priority(t, 0, 256, OWN_THREAD), RANGE);
    CHECK_ERROR(thread_priority(t, UINT64_MAX, 0, OWN_THREAD), RANGE);
    CHECK_ERROR(thread_priority(t, 1, 1, ROOT), WRONG_TYPE);
    CHECK_ERROR(thread_priority(t, 1, 1, 0), INVALID_CAPABILITY);
    CHECK_OK(thread_priority(t, 20, 15, low));
    struct message m = INVOKE(t, SHEAF_THREAD_INFO, 0, 0);
    CHECK_EQ(m.word[1], 20);
    CHECK_EQ(m.word[2], 15);
}

static void name_reads_back(void) {
    sheaf_cptr t = thread();
    uint64_t words[2] = {0};
    memcpy(words, "fifteen letters", 15);
    CHECK_OK(INVOKE(t, SHEAF_THREAD_SET_NAME, 2, words[0], words[1]).status);
    struct message m = INVOKE(t, SHEAF_THREAD_INFO, 0, 0);
    CHECK_EQ(m.word[3], words[0]);
    CHECK_EQ(m.word[4], words[1]);
}

static void name_is_always_terminated(void) {
    sheaf_cptr t = thread();
    uint64_t status = INVOKE(t, SHEAF_THREAD_SET_NAME, 2, UINT64_C(0x4141414141414141),
                             UINT64_C(0x4141414141414141))
                          .status;
    CHECK(status == SHEAF_OK || status == SHEAF_ERR_INVALID_ARGUMENT);
    CHECK_EQ(INVOKE(t, SHEAF_THREAD_INFO, 0, 0).word[4] >> 56, 0);
}

static void suspend_stops(void) {
    struct child child = new_child(child_count, LOW_PRIORITY, 0, 0);
    CHECK_OK(thread_priority(OWN_THREAD, LOW_PRIORITY, 255, OWN_THREAD));
    start_child(&child);
    while (child.page->result[0] == 0) {
        yield();
    }
    CHECK_EQ(thread_state(child.thread), SHEAF_STATE_READY);
    CHECK_OK(thread_suspend(child.thread));
    CHECK_EQ(thread_state(child.thread), SHEAF_STATE_SUSPENDED);
    uint64_t count = child.page->result[0];
    for (unsigned i = 0; i < 100; i++) {
        yield();
    }
    CHECK_EQ(child.page->result[0], count);
    CHECK_OK(thread_resume(child.thread));
    while (child.page->result[0] == count) {
        yield();
    }
}

static void suspend_and_resume_twice(void) {
    struct child child = new_child(child_count, LOW_PRIORITY, 0, 0);
    CHECK_OK(thread_suspend(child.thread));
    CHECK_OK(thread_resume(child.thread));
    CHECK_OK(thread_resume(child.thread));
    CHECK_EQ(thread_state(child.thread), SHEAF_STATE_READY);
    CHECK_OK(thread_suspend(child.thread));
    CHECK_OK(thread_suspend(child.thread));
    CHECK_EQ(thread_state(child.thread), SHEAF_STATE_SUSPENDED);
}

static void suspend_cancels_a_wait(void) {
    struct child child = new_child(child_wait, LOW_PRIORITY, 0, 0);
    child.page->argument[0] = make(SHEAF_ENDPOINT, 0);
    start_child(&child);
    wait_for_state(child.thread, SHEAF_STATE_RECEIVING);
    CHECK_OK(thread_suspend(child.thread));
    CHECK_ERROR(nb_send(child.page->argument[0], MESSAGE(0, 0, 0)), WOULD_BLOCK);
    CHECK_OK(thread_resume(child.thread));
    join_child(&child);
    CHECK_ERROR(child.page->result[0], CANCELLED);
}

static void suspends_itself(void) {
    struct child child = new_child(child_wait, LOW_PRIORITY, 0, 0);
    child.page->argument[0] = new_slot(); // receives from nothing, then ends by suspending itself
    start_child(&child);
    join_child(&child);
    wait_for_state(child.thread, SHEAF_STATE_SUSPENDED);
    CHECK_ERROR(child.page->result[0], INVALID_CAPABILITY);
}

// Resumed without a VSpace a thread has nothing to run on; whatever it is answered, all goes on.
static void resume_without_vspace(void) {
    sheaf_cptr t = thread();
    CHECK_OK(thread_priority(t, MAIN_PRIORITY + 50, 0, OWN_THREAD));
    uint64_t status = thread_resume(t);
    CHECK(status == SHEAF_OK || status == SHEAF_ERR_INVALID_ARGUMENT);
    uint64_t state = thread_state(t);
    CHECK(state == SHEAF_STATE_SUSPENDED || state == SHEAF_STATE_FAULTED);
}

static void methods(void) {
    sheaf_cptr t = thread();
    CHECK_ERROR(INVOKE(t, 0, 0, 0).status, UNKNOWN_METHOD);
    CHECK_ERROR(INVOKE(t, SHEAF_THREAD_SET_AFFINITY + 1, 0, 0).status, UNKNOWN_METHOD);
    CHECK_ERROR(INVOKE(t, SHEAF_THREAD_CONFIGURE, 4, ROOT).status, INVALID_ARGUMENT);
    CHECK_ERROR(INVOKE(t, SHEAF_THREAD_SET_PRIORITY, 2, 1, 1, OWN_THREAD).status, INVALID_ARGUMENT);
}

static void affinity(void) {
    sheaf_cptr t = thread();
    CHECK_OK(INVOKE(t, SHEAF_THREAD_SET_AFFINITY, 1, 0).status);
    CHECK_ERROR(INVOKE(t, SHEAF_THREAD_SET_AFFINITY, 1, boot_information()->pes).status, RANGE);
    CHECK_ERROR(INVOKE(t, SHEAF_THREAD_SET_AFFINITY, 1, UINT64_MAX).status, RANGE);
}

static const struct test_case cases[] = {
    {"thread.starts_suspended", starts_suspended},
    {"thread.registers_read_back", registers_read_back},
    {"thread.registers_written_in_part", registers_in_part},
    {"thread.register_count_out_of_range", register_count_out_of_range},
    {"thread.only_condition_flags_are_written", only_condition_flags},
    {"thread.registers_of_a_running_thread", registers_of_a_running_thread},
    {"thread.registers_reach_the_thread", registers_reach_the_thread},
    {"thread.system_call_keeps_registers", system_call_keeps_registers},
    {"thread.configure_with_wrong_types", configure_wrong_types},
    {"thread.configure_is_all_or_nothing", configure_all_or_nothing},
    {"thread.ipc_buffer_must_be_a_writable_page", buffer_must_be_a_normal_page},
    {"thread.priority_bounded_by_the_authority", priority_bounds},
    {"thread.name_reads_back", name_reads_back},
    {"thread.name_is_always_terminated", name_is_always_terminated},
    {"thread.suspend_stops_and_resume_goes_on", suspend_stops},
    {"thread.suspend_and_resume_repeated", suspend_and_resume_twice},
    {"thread.suspend_cancels_a_wait", suspend_cancels_a_wait},
    {"thread.suspends_itself", suspends_itself},
    {"thread.resume_without_a_vspace", resume_without_vspace},
    {"thread.methods_and_their_words", methods},
    {"thread.affinity_is_a_pe_that_exists", affinity},
};

const struct test_area thread_area = TEST_AREA(cases);
