// SPDX-License-Identifier: BSD-2-Clause
// Regions: no overlap, found by address, filled from their file.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <region.h>
#include <stdlib.h>
#include <string.h>

static struct region_list list;

static bool add(uint64_t start, uint64_t end) {
    const struct region region = {.start = start, .end = end, .kind = REGION_ANONYMOUS};
    return region_add(&list, &region);
}

static int clear(void **state) {
    (void)state;
    region_clear(&list);
    return 0;
}

static void regions_are_found_by_address(void **state) {
    (void)state;
    assert_true(add(0x5000, 0x7000));
    assert_true(add(0x1000, 0x2000));
    assert_true(add(0x2000, 0x3000)); // adjacent is not overlapping
    assert_null(region_find(&list, 0xfff));
    assert_int_equal(region_find(&list, 0x1000)->start, 0x1000);
    assert_int_equal(region_find(&list, 0x1fff)->start, 0x1000);
    assert_int_equal(region_find(&list, 0x2000)->start, 0x2000);
    assert_null(region_find(&list, 0x3000));
    assert_int_equal(region_find(&list, 0x6fff)->start, 0x5000);
    assert_null(region_find(&list, 0x7000));
    assert_null(region_find(&list, UINT64_MAX));
}

static void overlap_is_refused(void **state) {
    (void)state;
    assert_true(add(0x4000, 0x8000));
    assert_false(add(0x4000, 0x8000));
    assert_false(add(0x3000, 0x5000));
    assert_false(add(0x7000, 0x9000));
    assert_false(add(0x5000, 0x6000));
    assert_false(add(0x1000, 0xf000));
    assert_int_equal(list.count, 1);
    assert_true(add(0x3000, 0x4000));
    assert_true(add(0x8000, 0x9000));
}

static void a_heap_grows_from_nothing_up_to_the_next_region(void **state) {
    (void)state;
    assert_true(add(0x1000, 0x1000));
    assert_true(add(0x9000, 0xa000));
    assert_null(region_find(&list, 0x1000));
    assert_true(region_extend(&list, 0x1000, 0x3000));
    assert_int_equal(region_find(&list, 0x2fff)->start, 0x1000);
    assert_false(region_extend(&list, 0x1000, 0x2000)); // it does not shrink
    assert_true(region_extend(&list, 0x1000, 0x9000));
    assert_false(region_extend(&list, 0x1000, 0xb000));
    assert_false(region_extend(&list, 0x2000, 0x3000)); // no region begins there
}

static void a_removed_region_is_gone(void **state) {
    (void)state;
    for (uint64_t i = 1; i <= 20; i++)
        assert_true(add(i * 0x1000, (i + 1) * 0x1000));
    for (uint64_t i = 2; i <= 20; i += 2)
        region_remove(&list, i * 0x1000);
    region_remove(&list, 0x99000); // none there: nothing happens
    for (uint64_t i = 1; i <= 20; i++)
        assert_int_equal(region_find(&list, i * 0x1000 + 5) != NULL, i % 2 == 1);
}

static void a_page_is_filled_from_file_and_zeros(void **state) {
    (void)state;
    uint8_t data[5000], page[4096];
    memset(data, 0x77, sizeof data);
    const struct region region = {.start = 0x10000,
                                  .end = 0x14000,
                                  .kind = REGION_FILE,
                                  .data = data,
                                  .data_bytes = sizeof data};
    memset(page, 0xff, sizeof page);
    assert_true(region_fill(&region, 0x10000, page));
    for (unsigned i = 0; i < 4096; i++)
        assert_int_equal(page[i], 0x77);
    memset(page, 0xff, sizeof page);
    assert_true(region_fill(&region, 0x11000, page));
    for (unsigned i = 0; i < 4096; i++)
        assert_int_equal(page[i], i < 5000 - 4096 ? 0x77 : 0);
    memset(page, 0xff, sizeof page);
    assert_false(region_fill(&region, 0x12000, page));
    for (unsigned i = 0; i < 4096; i++)
        assert_int_equal(page[i], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(regions_are_found_by_address, clear),
        cmocka_unit_test_teardown(overlap_is_refused, clear),
        cmocka_unit_test_teardown(a_heap_grows_from_nothing_up_to_the_next_region, clear),
        cmocka_unit_test_teardown(a_removed_region_is_gone, clear),
        cmocka_unit_test_teardown(a_page_is_filled_from_file_and_zeros, clear),
    };
    return cmocka_run_group_tests_name("user.regions", tests, NULL, NULL);
}
