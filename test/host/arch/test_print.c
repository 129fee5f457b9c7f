// SPDX-License-Identifier: BSD-2-Clause
// kprintf against the C library's printf, and syndromes in words.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <setjmp.h>

#include <cmocka.h>

#include "capture.h"
#include "esr.h"
#include "print.h"

// The same format and arguments through both.
#define SAME(...)                                                                                  \
    do {                                                                                           \
        char expected[256];                                                                        \
        (void)snprintf(expected, sizeof(expected), __VA_ARGS__);                                   \
        kprintf(__VA_ARGS__);                                                                      \
        assert_string_equal(captured(), expected);                                                 \
    } while (0)

static void early_text_is_kept_until_the_port_works(void **state) {
    (void)state;
    kprintf("first %d\n", 1);
    assert_string_equal(captured(), "");
    print_start();
    assert_string_equal(captured(), "first 1\r\n");
    kprintf("second\n");
    assert_string_equal(captured(), "second\r\n");
}

static void conversions_are_those_of_printf(void **state) {
    (void)state;
    print_start();
    (void)captured();
    SAME("plain");
    SAME("%s|%10s|%-10s|%c|%%", "text", "right", "left", 'c');
    SAME("%d %d %d %5d|%-5d|%05d", 0, -1, INT32_MAX, -42, -42, -42);
    SAME("%d %ld %ld", INT32_MIN, INT64_MIN, INT64_MAX);
    SAME("%u %lu %u", 0U, UINT64_MAX, UINT32_MAX);
    SAME("%x %lx %08x %016lx %4x", 0U, UINT64_MAX, 0xbeefU, UINT64_C(0x123456789a), 0xfffffU);
    SAME("%zu %zu", (size_t)0, SIZE_MAX);
}

static void pointers_have_sixteen_digits(void **state) {
    (void)state;
    print_start();
    (void)captured();
    kprintf("%p", (void *)(uintptr_t)0xffff00001234);
    assert_string_equal(captured(), "0x0000ffff00001234");
}

static void a_null_string_is_named(void **state) {
    (void)state;
    print_start();
    (void)captured();
    const char *volatile none = NULL;
    kprintf("%s", none);
    assert_string_equal(captured(), "(null)");
}

static void a_name_does_not_reach_the_terminal_as_a_command(void **state) {
    (void)state;
    print_start();
    (void)captured();
    kprintf("thread %s\n", "\x1b[2J\npanic: no\x7f\x80");
    assert_string_equal(captured(), "thread ?[2J?panic: no??\r\n");
}

static void a_syndrome_is_given_in_words(void **state) {
    (void)state;
    static const struct {
        uint64_t esr;
        const char *text;
    } cases[] = {
        {0x92000047, "data abort, user; write; translation fault, level 3"},
        {0x9200000f, "data abort, user; read; permission fault, level 3"},
        {0x92000149, "data abort, user; cache maintenance; access flag fault, level 1"},
        {0x96000010, "data abort, same level; read; external abort"},
        {0x92000061, "data abort, user; write; alignment fault"},
        {0x92000015, "data abort, user; read; external abort on a table walk, level 1"},
        {0x9200003e, "data abort, user; read; fault status 0x3e"},
        {0x82000006, "instruction abort, user; translation fault, level 2"},
        {0x1fe00000, "FP or SIMD instruction while trapped"},
        {0x02000000, "undefined instruction"},
        {0x56000000, "system call"},
        {0xfe000000, "unknown class"},
    };
    print_start();
    (void)captured();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char expected[128];
        (void)snprintf(expected, sizeof(expected), "esr  %08lx %s\r\n", cases[i].esr,
                       cases[i].text);
        esr_print(cases[i].esr);
        assert_string_equal(captured(), expected);
    }
}

static void only_what_tables_can_cure_is_a_page_fault(void **state) {
    (void)state;
    for (uint64_t fault = 0; fault < 64; fault++) {
        bool expected = fault >= 0x04 && fault <= 0x0f;
        assert_int_equal(esr_is_page_fault(0x92000000 | fault), expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(early_text_is_kept_until_the_port_works),
        cmocka_unit_test(conversions_are_those_of_printf),
        cmocka_unit_test(pointers_have_sixteen_digits),
        cmocka_unit_test(a_null_string_is_named),
        cmocka_unit_test(a_name_does_not_reach_the_terminal_as_a_command),
        cmocka_unit_test(a_syndrome_is_given_in_words),
        cmocka_unit_test(only_what_tables_can_cure_is_a_page_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
