// SPDX-License-Identifier: BSD-2-Clause
// The RAM disk's reader: archives as cpio writes them, cut short, and damaged.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <cpio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "random.h"

#define REGULAR 0100644u
#define DIRECTORY 0040755u

struct builder {
    uint8_t bytes[4096];
    size_t count;
};

static void pad(struct builder *b) {
    while (b->count % 4 != 0)
        b->bytes[b->count++] = 0;
}

static void add(struct builder *b, const char *name, unsigned mode, const char *data,
                size_t bytes) {
    size_t name_bytes = strlen(name) + 1;
    b->count += (size_t)sprintf(
        (char *)b->bytes + b->count, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
        1, mode, 0, 0, 1, 0, (unsigned)bytes, 0, 0, 0, 0, (unsigned)name_bytes, 0);
    memcpy(b->bytes + b->count, name, name_bytes);
    b->count += name_bytes;
    pad(b);
    memcpy(b->bytes + b->count, data, bytes);
    b->count += bytes;
    pad(b);
}

static struct builder sample(void) {
    static struct builder b;
    b.count = 0;
    add(&b, ".", DIRECTORY, "", 0);
    add(&b, "./init", REGULAR, "INIT", 4);
    add(&b, "empty", REGULAR, "", 0);
    add(&b, "odd", REGULAR, "odd bytes", 9);
    add(&b, "TRAILER!!!", 0, "", 0);
    return b;
}

static void files_come_in_order(void **state) {
    (void)state;
    struct builder b = sample();
    struct cpio_file file;
    size_t offset = 0;
    assert_true(cpio_next(b.bytes, b.count, &offset, &file));
    assert_string_equal(file.name, "init");
    assert_int_equal(file.bytes, 4);
    assert_memory_equal(file.data, "INIT", 4);
    assert_true(cpio_next(b.bytes, b.count, &offset, &file));
    assert_string_equal(file.name, "empty");
    assert_int_equal(file.bytes, 0);
    assert_true(cpio_next(b.bytes, b.count, &offset, &file));
    assert_string_equal(file.name, "odd");
    assert_memory_equal(file.data, "odd bytes", 9);
    assert_false(cpio_next(b.bytes, b.count, &offset, &file));
}

static void a_file_is_found_by_name(void **state) {
    (void)state;
    struct builder b = sample();
    struct cpio_file file;
    assert_true(cpio_find(b.bytes, b.count, "odd", &file));
    assert_int_equal(file.bytes, 9);
    assert_false(cpio_find(b.bytes, b.count, "od", &file));
    assert_false(cpio_find(b.bytes, b.count, ".", &file));
    assert_false(cpio_find(b.bytes, b.count, "TRAILER!!!", &file));
}

// Reads all there is from a copy that is exactly as long as it says, so that ASan sees any byte too
// far.
static unsigned read_all(const uint8_t *bytes, size_t count) {
    uint8_t *copy = malloc(count > 0 ? count : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, count);
    struct cpio_file file;
    size_t offset = 0;
    unsigned files = 0, sum = 0;
    while (cpio_next(copy, count, &offset, &file)) {
        files++;
        sum += (unsigned)strlen(file.name);
        for (size_t i = 0; i < file.bytes; i++)
            sum += file.data[i];
        assert_true(files <= count);
    }
    assert_true(sum < UINT32_MAX);
    free(copy);
    return files;
}

static void an_archive_cut_short_ends_early(void **state) {
    (void)state;
    struct builder b = sample();
    assert_int_equal(read_all(b.bytes, b.count), 3);
    for (size_t count = 0; count < b.count; count++)
        assert_true(read_all(b.bytes, count) <= 3);
    assert_int_equal(read_all(b.bytes, 0), 0);
}

static void damaged_archives_stay_inside(void **state) {
    (void)state;
    uint64_t random = 42;
    for (unsigned round = 0; round < 5000; round++) {
        struct builder b = sample();
        for (unsigned i = 0; i < 1 + round % 4; i++) {
            uint64_t r = random_next(&random);
            b.bytes[r % b.count] = r % 3 == 0 ? 'f' : (uint8_t)(r >> 32);
        }
        read_all(b.bytes, b.count);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_come_in_order),
        cmocka_unit_test(a_file_is_found_by_name),
        cmocka_unit_test(an_archive_cut_short_ends_early),
        cmocka_unit_test(damaged_archives_stay_inside),
    };
    return cmocka_run_group_tests_name("user.cpio", tests, NULL, NULL);
}
