// SPDX-License-Identifier: BSD-2-Clause
// Sets of memory ranges against a map with one flag for each page.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "ranges.h"

#define PAGES 160u // with single pages in it, more than RANGES_MAX pieces do not fit
#define ROUNDS 20000u

static uint64_t page(uint64_t number) { return number * PAGE_BYTES; }

static void expect_same(const struct ranges *set, const bool *map) {
    uint64_t pages = 0;
    for (unsigned i = 0; i < set->count; i++) {
        uint64_t start = set->range[i].start.v, end = start + set->range[i].bytes;
        assert_true(start < end && end <= page(PAGES));
        assert_true(i == 0 || set->range[i - 1].start.v + set->range[i - 1].bytes < start);
        for (uint64_t at = start; at < end; at += PAGE_BYTES) {
            assert_true(map[at / PAGE_BYTES]);
        }
        pages += (end - start) / PAGE_BYTES;
    }
    uint64_t expected = 0;
    for (unsigned i = 0; i < PAGES; i++) {
        expected += map[i];
    }
    assert_int_equal(pages, expected);
    assert_int_equal(ranges_bytes(set), page(expected));
}

static void random_changes_match_the_map(void **state) {
    (void)state;
    static struct ranges set;
    static bool map[PAGES];
    srand(1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned first = (unsigned)rand() % PAGES;
        unsigned last =
            first + (unsigned)rand() % (PAGES - first + 1) / (1u + (unsigned)rand() % 40);
        bool add = rand() % 2 == 0;
        if (add) {
            assert_true(ranges_add(&set, page(first), page(last)));
        } else {
            assert_true(ranges_remove(&set, page(first), page(last)));
        }
        for (unsigned i = first; i < last; i++) {
            map[i] = add;
        }
        expect_same(&set, map);
    }
}

static void a_full_set_refuses_and_stays(void **state) {
    (void)state;
    static struct ranges set, before;
    for (uint64_t i = 0; i < RANGES_MAX; i++) {
        assert_true(ranges_add(&set, page(4 * i), page(4 * i + 3)));
    }
    before = set;
    assert_false(
        ranges_add(&set, page(UINT64_C(4) * RANGES_MAX), page(UINT64_C(4) * RANGES_MAX + 1)));
    assert_false(ranges_remove(&set, page(5), page(6)));
    assert_memory_equal(&set, &before, sizeof(set));
    assert_true(ranges_add(&set, page(3), page(4))); // closes a gap: one piece less
    assert_int_equal(set.count, RANGES_MAX - 1);
    assert_true(ranges_remove(&set, page(9), page(10)));
    assert_int_equal(set.count, RANGES_MAX);
}

static void a_place_is_aligned_and_the_lowest(void **state) {
    (void)state;
    static struct ranges set;
    uint64_t place = 0;
    assert_true(ranges_add(&set, page(3), page(6)));
    assert_true(ranges_add(&set, page(9), page(20)));
    assert_true(ranges_find(&set, 0, page(1), page(1), &place));
    assert_int_equal(place, page(3));
    assert_true(ranges_find(&set, 0, page(2), page(4), &place));
    assert_int_equal(place, page(4));
    assert_true(ranges_find(&set, 0, page(4), page(4), &place));
    assert_int_equal(place, page(12));
    assert_true(ranges_find(&set, page(13), page(4), page(4), &place));
    assert_int_equal(place, page(16));
    assert_false(ranges_find(&set, page(17), page(4), page(4), &place));
    assert_false(ranges_find(&set, 0, page(12), page(1), &place));
    assert_false(ranges_find(&set, 0, page(1), page(64), &place));
}

static void containment_needs_one_piece(void **state) {
    (void)state;
    static struct ranges set;
    assert_true(ranges_add(&set, page(3), page(6)));
    assert_true(ranges_add(&set, page(7), page(9)));
    assert_true(ranges_contain(&set, page(3), page(6)));
    assert_true(ranges_contain(&set, page(4), page(5)));
    assert_false(ranges_contain(&set, page(5), page(8)));
    assert_false(ranges_contain(&set, page(2), page(4)));
}

static void the_largest_are_kept(void **state) {
    (void)state;
    static struct ranges set;
    static const unsigned pages[] = {5, 1, 7, 2, 1, 9};
    for (unsigned i = 0; i < 6; i++) {
        assert_true(ranges_add(&set, page(10 * i), page(10 * i + pages[i])));
    }
    assert_int_equal(ranges_keep_largest(&set, 6), 0);
    assert_int_equal(set.count, 6);
    assert_int_equal(ranges_keep_largest(&set, 3), page(1 + 1 + 2));
    assert_int_equal(set.count, 3);
    static const unsigned kept[] = {0, 2, 5};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(set.range[i].start.v, page(UINT64_C(10) * kept[i]));
        assert_int_equal(set.range[i].bytes, page(pages[kept[i]]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_changes_match_the_map),
        cmocka_unit_test(a_full_set_refuses_and_stays),
        cmocka_unit_test(a_place_is_aligned_and_the_lowest),
        cmocka_unit_test(containment_needs_one_piece),
        cmocka_unit_test(the_largest_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
