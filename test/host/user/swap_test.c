// SPDX-License-Identifier: BSD-2-Clause
// The swap area over a store that fills up and fails on request.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <swap.h>
#include <string.h>
#include "random.h"

#define PAGES 150u

static uint8_t contents[PAGES][STORE_PAGE_BYTES];
static uint32_t room; // numbers from here on answer STORE_FULL
static bool broken;

static uint32_t capacity(struct store *store) {
    (void)store;
    return PAGES;
}

static enum store_status read_page(struct store *store, uint32_t number, void *page) {
    (void)store;
    assert_true(number < PAGES);
    memcpy(page, contents[number], STORE_PAGE_BYTES);
    return broken ? STORE_FAILED : STORE_OK;
}

static enum store_status write_page(struct store *store, uint32_t number, const void *page) {
    (void)store;
    if (broken)
        return STORE_FAILED;
    if (number >= room)
        return STORE_FULL;
    memcpy(contents[number], page, STORE_PAGE_BYTES);
    return STORE_OK;
}

static struct store store = {.capacity = capacity, .read = read_page, .write = write_page};

static int open_swap(void **state) {
    (void)state;
    room = PAGES;
    broken = false;
    return swap_open(&store) ? 0 : -1;
}

static swap_slot write_new(uint8_t value) {
    uint8_t page[STORE_PAGE_BYTES];
    swap_slot slot = 0;
    memset(page, value, sizeof page);
    return swap_write(&slot, page) == STORE_OK ? slot : 0;
}

static void expect_page(swap_slot slot, uint8_t value) {
    uint8_t page[STORE_PAGE_BYTES];
    assert_int_equal(swap_read(slot, page), STORE_OK);
    assert_int_equal(page[0], value);
    assert_int_equal(page[STORE_PAGE_BYTES - 1], value);
}

static void every_page_of_the_store_is_used_once(void **state) {
    (void)state;
    swap_slot slots[PAGES];
    for (unsigned i = 0; i < PAGES; i++) {
        slots[i] = write_new((uint8_t)i);
        assert_int_not_equal(slots[i], 0);
    }
    assert_int_equal(swap_used(), PAGES);
    assert_int_equal(write_new(1), 0);
    for (unsigned i = 0; i < PAGES; i++)
        expect_page(slots[i], (uint8_t)i);
}

static void a_place_that_was_freed_is_used_again(void **state) {
    (void)state;
    swap_slot slots[PAGES];
    for (unsigned i = 0; i < PAGES; i++)
        slots[i] = write_new((uint8_t)i);
    swap_free(slots[17]);
    swap_free(slots[140]);
    assert_int_equal(swap_used(), PAGES - 2);
    assert_int_equal(write_new(200), slots[17]);
    assert_int_equal(write_new(201), slots[140]);
    assert_int_equal(write_new(202), 0);
    expect_page(slots[17], 200);
    expect_page(slots[16], 16);
}

static void rewriting_keeps_the_place(void **state) {
    (void)state;
    uint8_t page[STORE_PAGE_BYTES];
    swap_slot slot = write_new(1), before = slot;
    memset(page, 2, sizeof page);
    assert_int_equal(swap_write(&slot, page), STORE_OK);
    assert_int_equal(slot, before);
    assert_int_equal(swap_used(), 1);
    expect_page(slot, 2);
}

static void a_failing_store_takes_no_place_and_loses_nothing(void **state) {
    (void)state;
    uint8_t page[STORE_PAGE_BYTES];
    swap_slot kept = write_new(1), none = 0, before = kept;
    memset(page, 9, sizeof page);
    broken = true;
    assert_int_equal(swap_write(&none, page), STORE_FAILED);
    assert_int_equal(none, 0);
    assert_int_equal(swap_write(&kept, page), STORE_FAILED);
    assert_int_equal(kept, before);
    assert_int_equal(swap_used(), 1);
    broken = false;
    expect_page(kept, 1);
    room = 1; // only the place already taken is left
    assert_int_equal(swap_write(&none, page), STORE_FULL);
    assert_int_equal(none, 0);
    assert_int_equal(swap_used(), 1);
}

static void random_use_agrees_with_a_list(void **state) {
    (void)state;
    uint64_t random = 5;
    swap_slot slots[PAGES] = {0};
    uint8_t values[PAGES] = {0};
    unsigned used = 0;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t r = random_next(&random);
        unsigned k = (unsigned)(r % PAGES);
        if (slots[k] == 0) {
            values[k] = (uint8_t)(r >> 32);
            slots[k] = write_new(values[k]);
            assert_int_not_equal(slots[k], 0);
            used++;
        } else {
            expect_page(slots[k], values[k]);
            swap_free(slots[k]);
            slots[k] = 0;
            used--;
        }
        assert_int_equal(swap_used(), used);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_page_of_the_store_is_used_once, open_swap),
        cmocka_unit_test_setup(a_place_that_was_freed_is_used_again, open_swap),
        cmocka_unit_test_setup(rewriting_keeps_the_place, open_swap),
        cmocka_unit_test_setup(a_failing_store_takes_no_place_and_loses_nothing, open_swap),
        cmocka_unit_test_setup(random_use_agrees_with_a_list, open_swap),
    };
    return cmocka_run_group_tests_name("user.swap", tests, NULL, NULL);
}
