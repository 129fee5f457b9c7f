// SPDX-License-Identifier: BSD-2-Clause
// The table of words: counts, order, long words, and words whose hashes agree.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <word_table.h>

static uint64_t hash_of(const char *lower) {
    uint64_t hash = WORD_HASH_START;
    for (; *lower != '\0'; lower++)
        hash = word_hash(hash, *lower);
    return hash;
}

static void count(struct word_table *table, const char *lower) {
    assert_true(word_table_count(table, lower, lower, strlen(lower), hash_of(lower)));
}

static void expect_word(const struct word *word, const char *text, uint32_t times) {
    assert_int_equal(word->length, strlen(text));
    assert_memory_equal(word->text, text, word->length);
    assert_int_equal(word->count, times);
}

static void words_come_by_count_then_by_bytes(void **state) {
    (void)state;
    const char *words[] = {"b", "the", "a", "the", "ab", "b", "the", "c", "ab"};
    struct word_table *table = word_table_make();
    struct word top[4];
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        count(table, words[i]);
    assert_int_equal(word_table_distinct(table), 5);
    assert_int_equal(word_table_top(table, top, 4), 4);
    expect_word(&top[0], "the", 3);
    expect_word(&top[1], "ab", 2);
    expect_word(&top[2], "b", 2);
    expect_word(&top[3], "a", 1);
    word_table_free(table);
}

static void an_empty_table_has_no_words(void **state) {
    (void)state;
    struct word_table *table = word_table_make();
    struct word top[20];
    assert_int_equal(word_table_top(table, top, 20), 0);
    assert_int_equal(word_table_distinct(table), 0);
    word_table_free(table);
}

// Many more words than a bucket holds, each with a count of its own: nothing is lost in splitting.
static void splitting_keeps_every_count(void **state) {
    (void)state;
    enum { WORDS = 20000 };
    struct word_table *table = word_table_make();
    struct word *top = calloc(WORDS, sizeof *top);
    assert_non_null(top);
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < WORDS; i++)
            if (i % 3 >= round) {
                char word[16];
                snprintf(word, sizeof word, "w%ux", i);
                count(table, word);
            }
    assert_int_equal(word_table_distinct(table), WORDS);
    assert_int_equal(word_table_top(table, top, WORDS), WORDS);
    for (unsigned i = 0; i < WORDS; i++) {
        unsigned number = (unsigned)strtoul(top[i].text + 1, NULL, 10);
        assert_int_equal(top[i].count, number % 3 + 1);
        assert_true(i == 0 || top[i - 1].count >= top[i].count);
    }
    free(top);
    word_table_free(table);
}

// A word longer than is kept inline is compared where it stands, without regard to case.
static void long_words_are_compared_in_the_text(void **state) {
    (void)state;
    static char one[1001], two[1001], other[1001];
    char lower[WORD_INLINE];
    uint64_t hash = WORD_HASH_START, other_hash = WORD_HASH_START;
    memset(one, 'a', 1000);
    memset(two, 'A', 1000);
    memset(other, 'a', 1000);
    other[999] = 'b';
    memset(lower, 'a', sizeof lower);
    for (unsigned i = 0; i < 1000; i++) {
        hash = word_hash(hash, 'a');
        other_hash = word_hash(other_hash, other[i]);
    }
    struct word_table *table = word_table_make();
    struct word top[3];
    assert_true(word_table_count(table, lower, one, 1000, hash));
    assert_true(word_table_count(table, lower, two, 1000, hash));
    assert_true(word_table_count(table, lower, other, 1000, other_hash));
    assert_true(word_table_count(table, lower, one, 999, hash)); // as if hashes collided
    assert_int_equal(word_table_top(table, top, 3), 3);
    assert_int_equal(top[0].count, 2);
    assert_int_equal(top[0].length, 1000);
    assert_int_equal(word_table_distinct(table), 3);
    word_table_free(table);
}

// More words than a bucket holds agree in twelve bits of their hashes: a bucket splits again and
// again before any word goes to the other half, and the directory grows with it.
static void words_with_equal_low_bits_split_deep(void **state) {
    (void)state;
    enum { WORDS = 400 };
    struct word_table *table = word_table_make();
    static struct word top[WORDS];
    uint64_t mask = 0xfff, wanted = hash_of("begin") & mask;
    unsigned found = 0;
    for (unsigned i = 0; found < WORDS; i++) {
        char word[16];
        snprintf(word, sizeof word, "k%u", i);
        if ((hash_of(word) & mask) != wanted)
            continue;
        count(table, word);
        found++;
    }
    assert_int_equal(word_table_distinct(table), WORDS);
    assert_int_equal(word_table_top(table, top, WORDS), WORDS);
    for (unsigned i = 0; i < WORDS; i++)
        assert_int_equal(top[i].count, 1);
    word_table_free(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_come_by_count_then_by_bytes),
        cmocka_unit_test(an_empty_table_has_no_words),
        cmocka_unit_test(splitting_keeps_every_count),
        cmocka_unit_test(long_words_are_compared_in_the_text),
        cmocka_unit_test(words_with_equal_low_bits_split_deep),
    };
    return cmocka_run_group_tests_name("user.words", tests, NULL, NULL);
}
