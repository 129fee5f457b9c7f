// SPDX-License-Identifier: BSD-2-Clause
// Boot arguments of the kernel: words before `--`, exact names, numbers within a limit.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "boot_args.h"
#include "capture.h"
#include "print.h"

static void a_value_is_found_by_its_exact_name(void **state) {
    (void)state;
    assert_true(boot_args_is("panic=test", "panic", "test"));
    assert_true(boot_args_is("run=words  panic=test frames=3", "panic", "test"));
    assert_true(boot_args_is("panic=no panic=test", "panic", "test"));
    assert_true(boot_args_is("panic=", "panic", ""));
    assert_false(boot_args_is("", "panic", "test"));
    assert_false(boot_args_is("   ", "panic", "test"));
    assert_false(boot_args_is("panic", "panic", ""));
    assert_false(boot_args_is("dontpanic=test", "panic", "test"));
    assert_false(boot_args_is("panicking=test", "panic", "test"));
    assert_false(boot_args_is("panic=tes", "panic", "test"));
    assert_false(boot_args_is("panic=tests", "panic", "test"));
}

static void arguments_of_the_program_are_not_the_kernels(void **state) {
    (void)state;
    assert_false(boot_args_is("run=app -- panic=test", "panic", "test"));
    assert_true(boot_args_is("run=app --x panic=test -- y", "panic", "test"));
    assert_int_equal(boot_args_number("-- asids=5", "asids", 100, 7), 7);
}

static void numbers_are_decimal_and_the_last_one_counts(void **state) {
    (void)state;
    print_start();
    (void)captured();
    assert_int_equal(boot_args_number("asids=12", "asids", 100, 7), 12);
    assert_int_equal(boot_args_number("asids=12 asids=100", "asids", 100, 7), 100);
    assert_int_equal(boot_args_number("run=words", "asids", 100, 7), 7);
    assert_int_equal(boot_args_number("asids=18446744073709551615", "asids", UINT64_MAX, 7),
                     UINT64_MAX);
    assert_string_equal(captured(), "");
}

static void what_is_no_number_is_left_out_with_a_message(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "asids=",     "asids=x",   "asids=1x",   "asids=-1",
        "asids=0x10", "asids=101", "asids=1000", "asids=99999999999999999999",
    };
    print_start();
    (void)captured();
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_int_equal(boot_args_number(wrong[i], "asids", 100, 7), 7);
        assert_non_null(strstr(captured(), "boot argument asids: not a number up to 100"));
    }
    assert_int_equal(boot_args_number("asids=18446744073709551616", "asids", UINT64_MAX, 7), 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_found_by_its_exact_name),
        cmocka_unit_test(arguments_of_the_program_are_not_the_kernels),
        cmocka_unit_test(numbers_are_decimal_and_the_last_one_counts),
        cmocka_unit_test(what_is_no_number_is_left_out_with_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
