// SPDX-License-Identifier: BSD-2-Clause
// Faults: messages to the fault endpoint, what answers do, and what happens when nobody handles
// one.
#include "machine.h"
#include <mmu.h>
#include <string.h>

#define NOWHERE UINT64_C(0x123456789000)

static uint64_t endpoint, reply, notification;
static struct helper client;

static int setup(void **state) {
    machine_setup(state);
    endpoint = make(SHEAF_ENDPOINT, 0);
    reply = make(SHEAF_REPLY, 0);
    notification = make(SHEAF_NOTIFICATION, 0);
    client = helper(PRIORITY_READY);
    configure(client.cap, 0, 0, badged(endpoint, 42), 0, badged(notification, 16));
    client.thread->context.pc = 0x5000;
    memcpy(client.thread->name, "client", 7);
    resume(&client);
    return 0;
}

static void client_faults(uint64_t address, uint64_t access) {
    become(client.cap);
    page_fault(address, access);
    become(INIT);
}

static struct result receive(void) {
    return make_call(&(struct call){.number = SHEAF_SYS_RECV, .cap = endpoint, .reply = reply});
}

static struct result answer_with(uint64_t label) {
    return make_call(
        &(struct call){.number = SHEAF_SYS_REPLY, .cap = reply, .tag = SHEAF_TAG(label, 0)});
}

static void check_unhandled(unsigned times) {
    assert_int_equal(client.thread->state, SHEAF_STATE_FAULTED);
    assert_int_equal(fake.dumps, times);
    assert_string_equal(fake.dumped, "client");
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_FAULT_UNHANDLED), times);
    struct result bits =
        make_call(&(struct call){.number = SHEAF_SYS_NB_RECV, .cap = notification});
    OK(bits);
    assert_int_equal(bits.word[0], 16);
}

static void page_fault_becomes_a_message(void **state) {
    (void)state;
    client_faults(NOWHERE + 5, SHEAF_ACCESS_WRITE);
    assert_int_equal(client.thread->state, SHEAF_STATE_SENDING);
    struct arch_context before = client.thread->context;
    struct result got = receive();
    OK(got);
    assert_int_equal(got.tag, SHEAF_TAG(SHEAF_LABEL_PAGE_FAULT, 3));
    assert_int_equal(got.badge, 42);
    assert_int_equal(got.word[0], NOWHERE + 5);
    assert_int_equal(got.word[1], SHEAF_ACCESS_WRITE);
    assert_int_equal(got.word[2], 0x5000);
    assert_int_equal(client.thread->state, SHEAF_STATE_WAITING_REPLY);
    OK(answer_with(0));
    assert_int_equal(client.thread->state, SHEAF_STATE_READY);
    // Not a register was touched: the instruction is executed again.
    assert_memory_equal(&client.thread->context, &before, sizeof(before));
    assert_int_equal(fake.dumps, 0);
}

static void permission_is_told(void **state) {
    (void)state;
    client_faults(SHEAF_BOOTINFO_VA, SHEAF_ACCESS_WRITE);
    struct result got = receive();
    assert_int_equal(got.word[1], SHEAF_ACCESS_WRITE | SHEAF_FAULT_PERMISSION);
    OK(answer_with(0));
    client_faults(SHEAF_BOOTINFO_VA, SHEAF_ACCESS_READ); // allowed: a stale entry, if any
    assert_int_equal(client.thread->state, SHEAF_STATE_READY);
}

static void resolved_faults_send_nothing(void **state) {
    (void)state;
    uint64_t frame = make(SHEAF_FRAME, 12);
    OK(gather_op(map_op(VSPACE, 0x10000000, 1, frame, 1, SHEAF_MAP_READ | SHEAF_MAP_WRITE, 0)));
    client_faults(0x10000000, SHEAF_ACCESS_READ);
    client_faults(0x10000008, SHEAF_ACCESS_WRITE);
    assert_int_equal(client.thread->state, SHEAF_STATE_READY);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_FAULT_ACCESS_FLAG), 1);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_FAULT_DIRTY), 1);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_FAULT_MESSAGES), 0);
}

static void a_waiting_pager_is_switched_to(void **state) {
    (void)state;
    struct helper pager = helper(PRIORITY_READY);
    by(&pager, (struct call){.number = SHEAF_SYS_RECV, .cap = endpoint, .reply = reply});
    set_priority(pager.cap, PRIORITY_RUNNING + 1);
    become(client.cap);
    page_fault(NOWHERE, SHEAF_ACCESS_EXECUTE);
    assert_ptr_equal(running(), pager.thread);
    assert_int_equal(result_of(pager.thread).word[1], SHEAF_ACCESS_EXECUTE);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_FAULT_MESSAGES), 1);
}

static uint64_t syndrome = 0xf2000001, exception_address = 0x77;

static void run_exception(struct pe *pe) { core_exception(pe, syndrome, exception_address); }

static void exceptions_are_told(void **state) {
    (void)state;
    become(client.cap);
    fake_run(run_exception, &fake.pe[0]);
    become(INIT);
    struct result got = receive();
    assert_int_equal(got.tag, SHEAF_TAG(SHEAF_LABEL_EXCEPTION, 3));
    assert_int_equal(got.word[0], syndrome);
    assert_int_equal(got.word[1], exception_address);
    assert_int_equal(got.word[2], 0x5000);
}

static void refused(void **state) {
    (void)state;
    client_faults(NOWHERE, SHEAF_ACCESS_READ);
    receive();
    OK(answer_with(1));
    check_unhandled(1);
    // Resumed, it tries again.
    resume(&client);
    client_faults(NOWHERE, SHEAF_ACCESS_READ);
    assert_int_equal(client.thread->state, SHEAF_STATE_SENDING);
}

static void without_an_endpoint(void **state) {
    (void)state;
    OK(revoke(endpoint)); // takes the thread's capability
    client_faults(NOWHERE, SHEAF_ACCESS_READ);
    check_unhandled(1);
}

static void endpoint_deleted_while_waiting(void **state) {
    (void)state;
    client_faults(NOWHERE, SHEAF_ACCESS_READ);
    OK(revoke(endpoint));
    assert_int_equal(client.thread->state, SHEAF_STATE_SENDING); // the Endpoint lives
    OK(destroy(endpoint));
    check_unhandled(1);
}

static void reply_deleted(void **state) {
    (void)state;
    client_faults(NOWHERE, SHEAF_ACCESS_READ);
    receive();
    OK(destroy(reply));
    check_unhandled(1);
}

static void received_without_a_reply(void **state) {
    (void)state;
    client_faults(NOWHERE, SHEAF_ACCESS_READ);
    struct result got = make_call(&(struct call){.number = SHEAF_SYS_NB_RECV, .cap = endpoint});
    assert_int_equal(got.status, SHEAF_ERR_WOULD_BLOCK);
    check_unhandled(1);
}

static void without_vspace_or_notification(void **state) {
    (void)state;
    uint64_t bare = make(SHEAF_THREAD, 0);
    set_priority(bare, PRIORITY_READY);
    OK(INVOKE(bare, SHEAF_THREAD_RESUME));
    set_priority(bare, PRIORITY_RUNNING + 1);
    assert_ptr_equal(running(), thread_of(bare));
    page_fault(0, SHEAF_ACCESS_EXECUTE);
    assert_int_equal(thread_of(bare)->state, SHEAF_STATE_FAULTED);
    assert_ptr_equal(running(), thread_of(INIT));
}

static void suspended_while_faulting(void **state) {
    (void)state;
    client_faults(NOWHERE, SHEAF_ACCESS_READ);
    struct arch_context before = client.thread->context;
    OK(INVOKE(client.cap, SHEAF_THREAD_SUSPEND));
    assert_int_equal(client.thread->state, SHEAF_STATE_SUSPENDED);
    assert_memory_equal(&client.thread->context, &before, sizeof(before));
    assert_int_equal(fake.dumps, 0);
    OK(INVOKE(client.cap, SHEAF_THREAD_WRITE_REGISTERS, 1, 0x6000));
    resume(&client);
    assert_int_equal(client.thread->context.pc, 0x6000);
}

// Whoever handles a fault may carry out the instruction: write registers, then answer.
static void registers_are_written_while_the_fault_waits(void **state) {
    (void)state;
    client_faults(NOWHERE, SHEAF_ACCESS_READ);
    assert_int_equal(client.thread->state, SHEAF_STATE_SENDING);
    OK(INVOKE(client.cap, SHEAF_THREAD_WRITE_REGISTERS, 1, 0x6000));
    struct result got = receive();
    assert_int_equal(got.word[2], 0x5000); // where it was when it faulted
    assert_int_equal(client.thread->state, SHEAF_STATE_WAITING_REPLY);
    OK(INVOKE(client.cap, SHEAF_THREAD_WRITE_REGISTERS, 5, 0x6004, 1, 2, 3, 4));
    assert_int_equal(client.thread->state, SHEAF_STATE_WAITING_REPLY);
    OK(answer_with(0));
    assert_int_equal(client.thread->state, SHEAF_STATE_READY);
    assert_int_equal(client.thread->context.pc, 0x6004);
    assert_int_equal(client.thread->context.reg[1], 4);
    FAILS(IN_USE, INVOKE(client.cap, SHEAF_THREAD_WRITE_REGISTERS, 1, 0x7000));
}

static void registers_of_other_waits_are_not(void **state) {
    (void)state;
    by(&client, (struct call){.number = SHEAF_SYS_CALL, .cap = endpoint});
    assert_int_equal(client.thread->state, SHEAF_STATE_SENDING);
    FAILS(IN_USE, INVOKE(client.cap, SHEAF_THREAD_WRITE_REGISTERS, 1, 0x7000));
    OK(receive());
    assert_int_equal(client.thread->state, SHEAF_STATE_WAITING_REPLY);
    FAILS(IN_USE, INVOKE(client.cap, SHEAF_THREAD_WRITE_REGISTERS, 1, 0x7000));
    OK(answer_with(0));
    by(&client, (struct call){.number = SHEAF_SYS_RECV, .cap = endpoint});
    FAILS(IN_USE, INVOKE(client.cap, SHEAF_THREAD_WRITE_REGISTERS, 1, 0x7000));
}

static void a_thread_without_a_name(void **state) {
    (void)state;
    struct helper other = helper(PRIORITY_READY);
    resume(&other);
    become(other.cap);
    page_fault(NOWHERE, SHEAF_ACCESS_READ);
    assert_int_equal(other.thread->state, SHEAF_STATE_FAULTED);
    assert_non_null(strstr(fake.printed, "thread (unnamed): fault not handled\n"));
    assert_string_equal(fake.dumped, "(unnamed)");
}

static void fault_again(const struct helper *other) {
    OK(INVOKE(other->cap, SHEAF_THREAD_RESUME));
    become(other->cap);
    page_fault(NOWHERE, SHEAF_ACCESS_READ);
    assert_int_equal(other->thread->state, SHEAF_STATE_FAULTED);
}

// Printing takes long: a program that faults over and over gets 8 dumps, and one in 10 s after.
static void dumps_are_rationed(void **state) {
    (void)state;
    struct helper other = helper(PRIORITY_READY);
    for (unsigned i = 0; i < 12; i++)
        fault_again(&other);
    assert_int_equal(fake.dumps, 8);
    assert_int_equal(vmsa_counter(SHEAF_COUNTER_FAULT_UNHANDLED), 12);
    fake.now += 10 * FAKE_TIMER_HZ - 1;
    fault_again(&other);
    assert_int_equal(fake.dumps, 8);
    fake.now += 1;
    fault_again(&other);
    assert_int_equal(fake.dumps, 9);
    assert_non_null(strstr(fake.printed, "5 faults that nobody handled are not shown\n"));
    fault_again(&other);
    assert_int_equal(fake.dumps, 9);
    fake.now += 1000 * FAKE_TIMER_HZ; // no more than 8 are saved up
    for (unsigned i = 0; i < 12; i++)
        fault_again(&other);
    assert_int_equal(fake.dumps, 9 + 8);
}

#define FAULT_TEST(function) cmocka_unit_test_setup_teardown(function, setup, machine_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        FAULT_TEST(page_fault_becomes_a_message),
        FAULT_TEST(permission_is_told),
        FAULT_TEST(resolved_faults_send_nothing),
        FAULT_TEST(a_waiting_pager_is_switched_to),
        FAULT_TEST(exceptions_are_told),
        FAULT_TEST(refused),
        FAULT_TEST(without_an_endpoint),
        FAULT_TEST(endpoint_deleted_while_waiting),
        FAULT_TEST(reply_deleted),
        FAULT_TEST(received_without_a_reply),
        FAULT_TEST(without_vspace_or_notification),
        FAULT_TEST(suspended_while_faulting),
        FAULT_TEST(registers_are_written_while_the_fault_waits),
        FAULT_TEST(registers_of_other_waits_are_not),
        FAULT_TEST(a_thread_without_a_name),
        FAULT_TEST(dumps_are_rationed),
    };
    return cmocka_run_group_tests_name("core.fault", tests, NULL, NULL);
}
