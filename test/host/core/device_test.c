// SPDX-License-Identifier: BSD-2-Clause
// Console, System and the methods of Frames.
#include "machine.h"
#include <string.h>

#define CONSOLE SHEAF_BOOT_SLOT_CONSOLE
#define SYSTEM SHEAF_BOOT_SLOT_SYSTEM

static void console_writes_what_the_port_takes(void **state) {
    (void)state;
    uint64_t words[SHEAF_MSG_WORDS] = {13};
    memcpy(&words[1], "hello, world\n", 13);
    struct result result = invoke_words(CONSOLE, SHEAF_CONSOLE_WRITE, 3, words);
    OK(result);
    assert_int_equal(result.word[0], 13);
    assert_memory_equal(fake.output, "hello, world\n", 13);
    words[0] = 504;
    memset(&words[1], 'z', 504);
    fake.output_room = 113;
    result = invoke_words(CONSOLE, SHEAF_CONSOLE_WRITE, 64, words);
    assert_int_equal(result.word[0], 100);
    OK(INVOKE(CONSOLE, SHEAF_CONSOLE_WRITE, 0));
    words[0] = 505;
    FAILS(RANGE, invoke_words(CONSOLE, SHEAF_CONSOLE_WRITE, 64, words));
    words[0] = 17;
    FAILS(INVALID_ARGUMENT, invoke_words(CONSOLE, SHEAF_CONSOLE_WRITE, 3, words));
    FAILS(INVALID_ARGUMENT, INVOKE(CONSOLE, SHEAF_CONSOLE_WRITE));
    FAILS(UNKNOWN_METHOD, INVOKE(CONSOLE, 4));
}

static void console_reads_what_has_come(void **state) {
    (void)state;
    struct result result = INVOKE(CONSOLE, SHEAF_CONSOLE_READ);
    OK(result);
    assert_int_equal(result.tag, SHEAF_TAG(0, 1));
    assert_int_equal(result.word[0], 0);
    for (unsigned i = 0; i < 60; i++)
        fake.input[i] = (char)(i + 'A');
    fake.input_count = 60;
    result = INVOKE(CONSOLE, SHEAF_CONSOLE_READ);
    assert_int_equal(result.word[0], 48);
    assert_int_equal(result.tag, SHEAF_TAG(0, 7));
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal((result.word[1 + i / 8] >> (8 * (i % 8))) & 0xff, i + 'A');
    for (unsigned i = 40; i < 48; i++)
        assert_int_equal((buffer()->message[6] >> (8 * (i % 8))) & 0xff, i + 'A');
    OK(revoke(SHEAF_BOOT_SLOT_IPC_BUFFER)); // no buffer: less at a time
    fake.input_count = 60;
    result = INVOKE(CONSOLE, SHEAF_CONSOLE_READ);
    assert_int_equal(result.word[0], 40);
    assert_int_equal(result.tag, SHEAF_TAG(0, 6));
}

static void interrupt_with_input(void) {
    fake.input_count = 1;
    interrupt();
}

static void console_signals_input(void **state) {
    (void)state;
    uint64_t notification = make(SHEAF_NOTIFICATION, 0), bell = badged(notification, 32);
    struct call poll = {.number = SHEAF_SYS_NB_RECV, .cap = notification};
    OK(INVOKE(CONSOLE, SHEAF_CONSOLE_BIND, bell));
    assert_true(fake.listening);
    interrupt_with_input();
    assert_false(fake.listening); // until somebody reads
    struct result result = make_call(&poll);
    OK(result);
    assert_int_equal(result.word[0], 32);
    OK(INVOKE(CONSOLE, SHEAF_CONSOLE_READ));
    assert_true(fake.listening);
    FAILS(IN_USE, INVOKE(CONSOLE, SHEAF_CONSOLE_BIND, bell));
    OK(INVOKE(CONSOLE, SHEAF_CONSOLE_BIND, 0));
    assert_false(fake.listening);
    FAILS(WRONG_TYPE, INVOKE(CONSOLE, SHEAF_CONSOLE_BIND, CNODE));
    uint64_t reader = copy_of(notification, 1);
    FAILS(NO_RIGHT, INVOKE(CONSOLE, SHEAF_CONSOLE_BIND, reader));
    FAILS(INVALID_CAPABILITY, INVOKE(CONSOLE, SHEAF_CONSOLE_BIND, new_slots(1)));
    OK(INVOKE(CONSOLE, SHEAF_CONSOLE_BIND, bell));
    OK(destroy(bell));
    interrupt_with_input();
    assert_int_equal(make_call(&poll).word[0], 32); // the copy derived from it is left
    OK(destroy(notification));
    OK(INVOKE(CONSOLE, SHEAF_CONSOLE_READ));
}

static void console_signals_end_with_the_capability(void **state) {
    (void)state;
    uint64_t notification = make(SHEAF_NOTIFICATION, 0), bell = badged(notification, 32);
    struct call poll = {.number = SHEAF_SYS_NB_RECV, .cap = notification};
    OK(INVOKE(CONSOLE, SHEAF_CONSOLE_BIND, bell));
    OK(revoke(bell));
    interrupt_with_input();
    assert_false(fake.listening);
    FAILS(WOULD_BLOCK, make_call(&poll));
    OK(INVOKE(CONSOLE, SHEAF_CONSOLE_READ));
    assert_false(fake.listening);
    OK(INVOKE(CONSOLE, SHEAF_CONSOLE_BIND, notification)); // nobody else is bound
    interrupt_with_input();
    assert_int_equal(make_call(&poll).word[0], 1);
    OK(INVOKE(CONSOLE, SHEAF_CONSOLE_BIND, 0));
}

static void console_keeps_no_memory_back(void **state) {
    (void)state;
    uint64_t memory = untyped(12), notification = make_from(memory, SHEAF_NOTIFICATION, 0);
    OK(INVOKE(CONSOLE, SHEAF_CONSOLE_BIND, notification));
    OK(destroy(notification));
    assert_int_not_equal(bytes_left(memory), 4096);
    OK(revoke(memory));
    assert_int_equal(bytes_left(memory), 4096);
    fake.input_count = 1;
    core_console_input();
    OK(INVOKE(CONSOLE, SHEAF_CONSOLE_BIND, 0));
}

static void rights(void **state) {
    (void)state;
    uint64_t input = copy_of(CONSOLE, SHEAF_RIGHT_READ),
             output = copy_of(CONSOLE, SHEAF_RIGHT_WRITE);
    FAILS(NO_RIGHT, INVOKE(input, SHEAF_CONSOLE_WRITE, 0));
    FAILS(NO_RIGHT, INVOKE(output, SHEAF_CONSOLE_READ));
    FAILS(NO_RIGHT, INVOKE(output, SHEAF_CONSOLE_BIND, 0));
    OK(INVOKE(output, SHEAF_CONSOLE_WRITE, 0));
    uint64_t counters = copy_of(SYSTEM, SHEAF_RIGHT_READ),
             power = copy_of(SYSTEM, SHEAF_RIGHT_WRITE);
    FAILS(NO_RIGHT, INVOKE(power, SHEAF_SYSTEM_COUNTERS, 0));
    FAILS(NO_RIGHT, INVOKE(counters, SHEAF_SYSTEM_POWER_OFF, 0));
    OK(INVOKE(counters, SHEAF_SYSTEM_COUNTERS, 0));
}

static void counters_in_pieces(void **state) {
    (void)state;
    for (unsigned i = 0; i < SHEAF_COUNTER_COUNT; i++)
        fake.pe[0].counters[i] = 1000 + i;
    struct result result = INVOKE(SYSTEM, SHEAF_SYSTEM_COUNTERS, 0);
    OK(result);
    assert_int_equal(result.word[0], SHEAF_COUNTER_COUNT);
    assert_int_equal(SHEAF_TAG_LENGTH(result.tag), 1 + SHEAF_COUNTER_COUNT);
    for (unsigned i = 0; i < SHEAF_COUNTER_COUNT; i++)
        assert_int_equal(i < 5 ? result.word[1 + i] : buffer()->message[1 + i], 1000 + i);
    result = INVOKE(SYSTEM, SHEAF_SYSTEM_COUNTERS, SHEAF_COUNTER_COUNT);
    OK(result);
    assert_int_equal(result.tag, SHEAF_TAG(0, 1));
    FAILS(RANGE, INVOKE(SYSTEM, SHEAF_SYSTEM_COUNTERS, SHEAF_COUNTER_COUNT + 1));
    FAILS(INVALID_ARGUMENT, INVOKE(SYSTEM, SHEAF_SYSTEM_COUNTERS));
    FAILS(UNKNOWN_METHOD, INVOKE(SYSTEM, 3));
    OK(revoke(SHEAF_BOOT_SLOT_IPC_BUFFER));
    result = INVOKE(SYSTEM, SHEAF_SYSTEM_COUNTERS, 3);
    OK(result);
    assert_int_equal(result.tag, SHEAF_TAG(0, 6));
    assert_int_equal(result.word[5], 1007);
}

static void power_off_passes_the_status_on(void **state) {
    (void)state;
    execute(&(struct call){.number = SHEAF_SYS_CALL,
                           .cap = SYSTEM,
                           .tag = SHEAF_TAG(SHEAF_SYSTEM_POWER_OFF, 1),
                           .word = {42}});
    assert_int_equal(fake.exit, FAKE_POWER_OFF);
    assert_int_equal(fake.power_off_status, 42);
}

static void frames_tell_where_they_are(void **state) {
    (void)state;
    uint64_t frame = make(SHEAF_FRAME, 13);
    struct result result = INVOKE(frame, SHEAF_FRAME_GET_ADDRESS);
    OK(result);
    assert_int_equal(result.tag, SHEAF_TAG(0, 3));
    assert_int_equal(result.word[0], slot_of(frame)->frame.address.v);
    assert_int_equal(result.word[1], 13);
    assert_int_equal(result.word[2], SHEAF_MEMORY_NORMAL);
    assert_int_equal(mapping(frame).pages, 0);
    OK(gather_op(map_op(VSPACE, 0x40000000, 2, frame, 1, SHEAF_MAP_READ, 0)));
    assert_int_equal(mapping(frame).va, 0x40000000);
    assert_int_equal(mapping(frame).pages, 2);
    assert_int_equal(mapping(copy_of(frame, 7)).pages, 0);
    OK(gather_op(unmap_op(VSPACE, 0x40000000, 2, 0)));
    assert_int_equal(mapping(frame).pages, 0);
    FAILS(UNKNOWN_METHOD, INVOKE(frame, 3));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(console_writes_what_the_port_takes),
        TEST(console_reads_what_has_come),
        TEST(console_signals_input),
        TEST(console_signals_end_with_the_capability),
        TEST(console_keeps_no_memory_back),
        TEST(rights),
        TEST(counters_in_pieces),
        TEST(power_off_passes_the_status_on),
        TEST(frames_tell_where_they_are),
    };
    return cmocka_run_group_tests_name("core.device", tests, NULL, NULL);
}
