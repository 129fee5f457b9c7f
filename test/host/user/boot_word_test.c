// SPDX-License-Identifier: BSD-2-Clause
// Words of the boot arguments.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sheaf/start.h>
#include <string.h>

static void expect(const char *text, const char *const *words) {
    char word[64];
    bool fits = true;
    for (; *words != NULL; words++) {
        assert_true(sheaf_boot_word(&text, word, sizeof word, &fits));
        assert_string_equal(word, *words);
    }
    assert_false(sheaf_boot_word(&text, word, sizeof word, &fits));
    assert_true(fits);
}
#define EXPECT(text, ...) expect(text, (const char *const[]){__VA_ARGS__, NULL})

static void words_are_separated_by_spaces(void **state) {
    (void)state;
    EXPECT("run=app -- a b", "run=app", "--", "a", "b");
    EXPECT("  one   two ", "one", "two");
    expect("", (const char *const[]){NULL});
    expect("   ", (const char *const[]){NULL});
}

static void percent_sequences_are_decoded(void **state) {
    (void)state;
    EXPECT("two%20words %25 %c3%BC", "two words", "%", "\xc3\xbc");
    EXPECT("% a", "", "a");
    EXPECT("a %", "a", "");
    EXPECT("%zz 50%", "%zz", "50%"); // not encoded by anyone: as it stands
}

static void a_long_word_is_cut_and_said_so(void **state) {
    (void)state;
    char word[4];
    bool fits = true;
    const char *text = "abc defg %61%62%63%64 x";
    assert_true(sheaf_boot_word(&text, word, sizeof word, &fits));
    assert_true(fits);
    assert_true(sheaf_boot_word(&text, word, sizeof word, &fits));
    assert_false(fits);
    assert_string_equal(word, "def");
    fits = true;
    assert_true(sheaf_boot_word(&text, word, sizeof word, &fits));
    assert_false(fits);
    assert_string_equal(word, "abc");
    assert_true(sheaf_boot_word(&text, word, sizeof word, &fits));
    assert_string_equal(word, "x");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_separated_by_spaces),
        cmocka_unit_test(percent_sequences_are_decoded),
        cmocka_unit_test(a_long_word_is_cut_and_said_so),
    };
    return cmocka_run_group_tests_name("user.bootword", tests, NULL, NULL);
}
