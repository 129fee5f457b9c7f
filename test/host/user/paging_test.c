// SPDX-License-Identifier: BSD-2-Clause
// The pager's fault path and its evictions over a simulated kernel: what a program wrote, it reads,
// whatever the budget; and the statistics say what happened.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "paging_kernel.h"
#include "random.h"
#include <frames.h>
#include <stdlib.h>
#include <statistics.h>
#include <string.h>

#define DATA UINT64_C(0x400000) // 600 pages, anonymous
#define DATA_PAGES 600u
#define FILE_VA UINT64_C(0x800000) // 700 pages of a file, read-only
#define FILE_PAGES 700u
#define GUARD UINT64_C(0x700000)

static uint8_t file[FILE_PAGES * 4096 - 100];
#define STATISTIC(name) (statistics[PAGER_STATISTIC_##name])

static void add_regions(struct process *process) {
    const struct region regions[] = {
        {.start = DATA,
         .end = DATA + DATA_PAGES * PAGE_BYTES,
         .kind = REGION_ANONYMOUS,
         .write = true},
        {.start = GUARD, .end = GUARD + PAGE_BYTES, .kind = REGION_GUARD},
        {.start = FILE_VA,
         .end = FILE_VA + FILE_PAGES * PAGE_BYTES,
         .kind = REGION_FILE,
         .data = file,
         .data_bytes = sizeof file},
    };
    for (unsigned i = 0; i < 3; i++)
        assert_true(region_add(&process->regions, &regions[i]));
}

static struct process *start(uint32_t frames, uint32_t store_pages) {
    struct process *process = kernel_start(frames, store_pages);
    add_regions(process);
    for (size_t i = 0; i < sizeof file; i++)
        file[i] = (uint8_t)(i / 4096 * 7 + i % 251);
    return process;
}

// Random reads and writes of anonymous memory and reads of the file, against a plain array.
static void use_at_random(struct process *process, unsigned rounds, uint64_t seed) {
    uint8_t *expected = calloc(DATA_PAGES, 4096);
    assert_non_null(expected);
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t r = random_next(&seed);
        size_t at = (r >> 8) % (DATA_PAGES * PAGE_BYTES);
        uint8_t value = 0;
        switch (r % 4) {
        case 0:
            assert_true(kernel_write(process, DATA + at, (uint8_t)(r >> 56)));
            expected[at] = (uint8_t)(r >> 56);
            break;
        case 1:
            assert_true(kernel_read(process, FILE_VA + at, &value));
            assert_int_equal(value, file[at]);
            break;
        default:
            at = at / 8 % (40 * PAGE_BYTES); // a part that is used more
            assert_true(kernel_read(process, DATA + at, &value));
            assert_int_equal(value, expected[at]);
        }
    }
    for (size_t at = 0; at < DATA_PAGES * PAGE_BYTES; at += 509) {
        uint8_t value;
        assert_true(kernel_read(process, DATA + at, &value));
        assert_int_equal(value, expected[at]);
    }
    free(expected);
}

static void what_was_written_is_read_at_any_budget(void **state) {
    (void)state;
    const uint32_t budgets[] = {FRAMES_MINIMUM, 9, 16, 33, 64, 200, 2000};
    for (unsigned i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        struct process *process = start(budgets[i], 1000);
        use_at_random(process, 20000, 99 + i);
        if (budgets[i] < 600) {
            assert_true(STATISTIC(EVICTED_DIRTY) > 0);
            assert_true(STATISTIC(EVICTED_CLEAN) > 0);
            assert_true(STATISTIC(SWAPPED_IN) > 0);
            assert_true(STATISTIC(FAULTS_RECLAIMED) > 0);
        } else {
            assert_int_equal(STATISTIC(EVICTED_DIRTY), 0);
        }
        // A page comes in from somewhere for each fault that did not find it in a frame.
        assert_int_equal(STATISTIC(SWAPPED_IN) + STATISTIC(READ_IN) + STATISTIC(ZEROED),
                         STATISTIC(FAULTS_SERVED) - STATISTIC(FAULTS_RECLAIMED) +
                             STATISTIC(PAGES_PREFAULTED));
        kernel_stop(process);
    }
}

static void a_page_that_was_only_read_is_not_written_again(void **state) {
    (void)state;
    uint8_t value;
    struct process *process = start(16, 1000);
    for (unsigned i = 0; i < 100; i++)
        assert_true(kernel_write(process, DATA + i * PAGE_BYTES, (uint8_t)i));
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < 100; i++) {
            assert_true(kernel_read(process, DATA + i * PAGE_BYTES, &value));
            assert_int_equal(value, i);
        }
    assert_true(STATISTIC(EVICTED_DIRTY) <= 100);
    assert_true(STATISTIC(EVICTED_CLEAN) > 100);
    assert_true(STATISTIC(SWAPPED_IN) > 200);
    kernel_stop(process);
}

static void a_page_in_use_survives_a_long_scan(void **state) {
    (void)state;
    uint8_t value;
    struct process *process = start(64, 1000);
    assert_true(kernel_write(process, DATA, 1));
    for (unsigned i = 0; i < 5000; i++) {
        assert_true(kernel_read(process, FILE_VA + i % FILE_PAGES * PAGE_BYTES, &value));
        assert_true(kernel_read(process, DATA, &value));
    }
    assert_int_equal(value, 1);
    assert_int_equal(STATISTIC(EVICTED_DIRTY), 0);
    kernel_stop(process);
}

static void an_area_that_empties_is_unmapped_as_a_whole(void **state) {
    (void)state;
    uint8_t value;
    struct process *process = start(32, 1000);
    // 2 MiB of the file, then elsewhere for long enough that none of it stays mapped.
    for (unsigned i = 0; i < 512; i++)
        assert_true(kernel_read(process, FILE_VA + i * PAGE_BYTES, &value));
    for (unsigned i = 0; i < 200; i++)
        assert_true(kernel_write(process, DATA + i * PAGE_BYTES, 1));
    assert_true(kernel.wide_unmaps > 0);
    assert_int_equal(space_area(&process->space, FILE_VA)->mapped, 0);
    kernel_stop(process);
}

static void reading_in_order_maps_ahead(void **state) {
    (void)state;
    uint8_t value;
    struct process *process = start(400, 1000);
    for (unsigned i = 0; i < 200; i++) {
        assert_true(kernel_read(process, FILE_VA + i * PAGE_BYTES, &value));
        assert_int_equal(value, file[i * PAGE_BYTES]);
    }
    assert_true(STATISTIC(PAGES_PREFAULTED) > 100);
    assert_true(STATISTIC(FAULTS_SERVED) < 100);
    kernel_stop(process);
}

static void pages_mapped_ahead_for_nothing_stop_it(void **state) {
    (void)state;
    uint8_t value;
    struct process *process = start(300, 1000);
    // Pairs of pages in order, far apart: what is mapped behind a pair is never used.
    for (unsigned round = 0; round < 40; round++)
        for (unsigned i = 0; i + 20 < FILE_PAGES; i += 20) {
            assert_true(kernel_read(process, FILE_VA + i * PAGE_BYTES, &value));
            assert_true(kernel_read(process, FILE_VA + (i + 1) * PAGE_BYTES, &value));
            for (unsigned j = 0; j < 20; j++)
                assert_true(kernel_write(process, DATA + (i + j) % DATA_PAGES * PAGE_BYTES, 1));
        }
    assert_true(STATISTIC(PAGES_PREFAULTED) < STATISTIC(FAULTS_SERVED) / 10);
    kernel_stop(process);
}

static void a_full_store_ends_only_who_needs_more(void **state) {
    (void)state;
    struct process *process = start(16, 10);
    unsigned i = 0;
    while (i < DATA_PAGES && kernel_write(process, DATA + i * PAGE_BYTES, 1))
        i++;
    assert_int_equal(kernel.ended, PAGER_STATUS_NO_MEMORY);
    assert_true(i >= 16 + 10 - 3 && i <= 16 + 10); // all frames and all of the store were used
    kernel_stop(process);
}

static void a_full_store_still_lets_clean_pages_go(void **state) {
    (void)state;
    uint8_t value;
    struct process *process = start(16, 10);
    kernel.store_room = 0;
    for (unsigned i = 0; i < 12; i++)
        assert_true(kernel_write(process, DATA + i * PAGE_BYTES, (uint8_t)i));
    for (unsigned i = 0; i < 300; i++) {
        assert_true(kernel_read(process, FILE_VA + i * PAGE_BYTES, &value));
        assert_int_equal(value, file[i * PAGE_BYTES]);
    }
    for (unsigned i = 0; i < 12; i++) {
        assert_true(kernel_read(process, DATA + i * PAGE_BYTES, &value));
        assert_int_equal(value, i);
    }
    assert_int_equal(STATISTIC(EVICTED_DIRTY), 0);
    kernel_stop(process);
}

static void a_store_that_cannot_be_read_ends_the_process(void **state) {
    (void)state;
    uint8_t value;
    struct process *process = start(16, 1000);
    for (unsigned i = 0; i < 100; i++)
        assert_true(kernel_write(process, DATA + i * PAGE_BYTES, 1));
    kernel.reads_left = 0;
    assert_false(kernel_read(process, DATA, &value));
    assert_int_equal(kernel.ended, PAGER_STATUS_NO_MEMORY);
    kernel_stop(process);
}

static void wrong_accesses_end_the_process(void **state) {
    (void)state;
    const struct {
        uint64_t label, address, access;
        int status;
    } wrong[] = {
        {SHEAF_LABEL_PAGE_FAULT, 8, SHEAF_ACCESS_READ, PAGER_STATUS_FAULT},
        {SHEAF_LABEL_PAGE_FAULT, UINT64_MAX, SHEAF_ACCESS_READ, PAGER_STATUS_FAULT},
        {SHEAF_LABEL_PAGE_FAULT, GUARD + 8, SHEAF_ACCESS_READ, PAGER_STATUS_FAULT},
        {SHEAF_LABEL_PAGE_FAULT, FILE_VA, SHEAF_ACCESS_WRITE, PAGER_STATUS_FAULT},
        {SHEAF_LABEL_PAGE_FAULT, DATA, SHEAF_ACCESS_EXECUTE, PAGER_STATUS_FAULT},
        {SHEAF_LABEL_EXCEPTION, 0x2000000, 0, PAGER_STATUS_ILLEGAL},
    };
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct process *process = start(16, 100);
        assert_true(kernel_write(process, DATA, 1));
        kernel_fault(process, wrong[i].label, wrong[i].address, wrong[i].access);
        assert_int_equal(kernel.ended, wrong[i].status);
        assert_int_equal(STATISTIC(FAULTS_FATAL), 1);
        kernel_stop(process);
    }
}

static void a_fault_that_another_thread_was_faster_with_is_just_answered(void **state) {
    (void)state;
    struct process *process = start(16, 100);
    kernel_fault(process, SHEAF_LABEL_PAGE_FAULT, DATA, SHEAF_ACCESS_READ);
    unsigned gathers = kernel.gathers;
    kernel_fault(process, SHEAF_LABEL_PAGE_FAULT, DATA + 100, SHEAF_ACCESS_WRITE);
    assert_int_equal(kernel.gathers, gathers);
    assert_int_equal(kernel.ended, -1);
    kernel_stop(process);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_at_any_budget),
        cmocka_unit_test(a_page_that_was_only_read_is_not_written_again),
        cmocka_unit_test(a_page_in_use_survives_a_long_scan),
        cmocka_unit_test(an_area_that_empties_is_unmapped_as_a_whole),
        cmocka_unit_test(reading_in_order_maps_ahead),
        cmocka_unit_test(pages_mapped_ahead_for_nothing_stop_it),
        cmocka_unit_test(a_full_store_ends_only_who_needs_more),
        cmocka_unit_test(a_full_store_still_lets_clean_pages_go),
        cmocka_unit_test(a_store_that_cannot_be_read_ends_the_process),
        cmocka_unit_test(wrong_accesses_end_the_process),
        cmocka_unit_test(a_fault_that_another_thread_was_faster_with_is_just_answered),
    };
    return cmocka_run_group_tests_name("user.paging", tests, NULL, NULL);
}
