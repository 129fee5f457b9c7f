// SPDX-License-Identifier: BSD-2-Clause
// The program reader: what it accepts, each thing it refuses, and damaged files.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include "random.h"

#define LIMIT UINT64_C(0x1000000000)
#define FILE_BYTES 0x3000u

// Fields of the file header and of the program headers behind it, by offset.
enum { MACHINE = 18, ENTRY = 24, PROGRAM_OFFSET = 32, ENTRY_BYTES = 54, COUNT = 56, HEADERS = 64 };
enum { TYPE = 0, FLAGS = 4, OFFSET = 8, VA = 16, DATA_BYTES = 32, MEMORY_BYTES = 40, STEP = 56 };

static uint8_t file[FILE_BYTES];
static struct elf elf;

static void put(unsigned offset, uint64_t value, unsigned bytes) {
    memcpy(file + offset, &value, bytes); // both ends are little-endian
}

static void put_segment(unsigned index, uint32_t flags, uint64_t offset, uint64_t va, uint64_t data,
                        uint64_t memory) {
    unsigned at = HEADERS + index * STEP;
    put(at + TYPE, 1, 4);
    put(at + FLAGS, flags, 4);
    put(at + OFFSET, offset, 8);
    put(at + VA, va, 8);
    put(at + DATA_BYTES, data, 8);
    put(at + MEMORY_BYTES, memory, 8);
}

static int make_program(void **state) {
    (void)state;
    memset(file, 0, sizeof file);
    memcpy(file,
           "\x7f"
           "ELF\2\1\1",
           7);
    put(16, 2, 2);
    put(MACHINE, 183, 2);
    put(ENTRY, 0x400010, 8);
    put(PROGRAM_OFFSET, HEADERS, 8);
    put(ENTRY_BYTES, STEP, 2);
    put(COUNT, 2, 2);
    put_segment(0, 5, 0x1000, 0x400000, 0x800, 0x800);
    put_segment(1, 6, 0x2000, 0x401000, 0x100, 0x5000);
    return 0;
}

// Reads a copy of exactly `bytes` bytes at an odd address, as in an archive.
static const char *read_copy(size_t bytes) {
    uint8_t *copy = malloc(bytes + 1);
    assert_non_null(copy);
    memcpy(copy + 1, file, bytes);
    const char *wrong = elf_read(copy + 1, bytes, LIMIT, &elf);
    for (unsigned i = 0; wrong == NULL && i < elf.count; i++)
        for (uint64_t j = 0; j < elf.segment[i].data_bytes; j++)
            assert_true(elf.segment[i].data[j] <= UINT8_MAX); // inside, or ASan says so
    free(copy);
    return wrong;
}

static void expect_refusal(const char *part) {
    const char *wrong = read_copy(sizeof file);
    if (wrong == NULL || strstr(wrong, part) == NULL)
        fail_msg("expected a refusal with \"%s\", got \"%s\"", part,
                 wrong != NULL ? wrong : "none");
}

static void a_program_is_read(void **state) {
    (void)state;
    assert_null(read_copy(sizeof file));
    assert_int_equal(elf.count, 2);
    assert_int_equal(elf.entry, 0x400010);
    assert_int_equal(elf.segment[0].va, 0x400000);
    assert_true(elf.segment[0].execute && !elf.segment[0].write);
    assert_true(!elf.segment[1].execute && elf.segment[1].write);
    assert_int_equal(elf.segment[1].data_bytes, 0x100);
    assert_int_equal(elf.segment[1].memory_bytes, 0x5000);
}

static void other_files_are_refused(void **state) {
    file[0] = 0;
    expect_refusal("not a little-endian ELF64");
    make_program(state);
    put(MACHINE, 62, 2);
    expect_refusal("AArch64");
    make_program(state);
    put(16, 3, 2); // shared object
    expect_refusal("AArch64");
    make_program(state);
    put(ENTRY_BYTES, 32, 2);
    expect_refusal("another size");
    assert_non_null(elf_read(file, 63, LIMIT, &elf));
}

static void headers_and_data_must_be_inside(void **state) {
    put(PROGRAM_OFFSET, FILE_BYTES - 10, 8);
    expect_refusal("outside of the file");
    put(PROGRAM_OFFSET, UINT64_MAX - 8, 8);
    expect_refusal("outside of the file");
    make_program(state);
    put(COUNT, 0xffff, 2);
    expect_refusal("outside of the file");
    make_program(state);
    put_segment(1, 6, FILE_BYTES - 1, 0x401000, 2, 2);
    expect_refusal("outside of the file");
    put_segment(1, 6, UINT64_MAX, 0x401000, 2, 2);
    expect_refusal("outside of the file");
    put_segment(1, 6, 0x2000, 0x401000, 0x101, 0x100); // more data than memory
    expect_refusal("outside of the file");
}

static void segments_must_lie_well(void **state) {
    (void)state;
    put_segment(1, 6, 0x2000, 0x401001, 0x100, 0x100);
    expect_refusal("begin at a page");
    put_segment(1, 6, 0x2000, 0x400000, 0x100, 0x100);
    expect_refusal("overlap");
    put_segment(1, 6, 0x2000, LIMIT, 0x100, 0x100);
    expect_refusal("place for programs");
    put_segment(1, 6, 0x2000, LIMIT - 0x1000, 0x100, 0x1001);
    expect_refusal("place for programs");
    put_segment(1, 6, 0x2000, 0x401000, 0x100, UINT64_MAX);
    expect_refusal("place for programs");
    put_segment(1, 7, 0x2000, 0x401000, 0x100, 0x100);
    expect_refusal("writable and executable");
}

static void the_entry_must_be_executable(void **state) {
    (void)state;
    const uint64_t wrong[] = {0x401000, 0x3ffffc, 0x400800, 0x400012, 0};
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        put(ENTRY, wrong[i], 8);
        expect_refusal("no entry");
    }
}

static void too_many_segments_are_refused(void **state) {
    (void)state;
    for (unsigned i = 0; i <= ELF_SEGMENTS; i++)
        put_segment(i, 4, 0x2000, 0x500000 + i * UINT64_C(0x1000), 16, 16);
    put(COUNT, ELF_SEGMENTS + 1, 2);
    expect_refusal("too many");
}

static void damaged_programs_stay_inside(void **state) {
    uint64_t random = 7;
    unsigned read = 0;
    for (unsigned round = 0; round < 20000; round++) {
        make_program(state);
        for (unsigned i = 0; i < 1 + round % 3; i++) {
            uint64_t r = random_next(&random);
            file[r % (HEADERS + 2 * STEP)] = (uint8_t)(r >> 40);
        }
        read +=
            read_copy(round % 5 == 0 ? random_next(&random) % sizeof file : sizeof file) == NULL;
    }
    assert_true(read > 0 && read < 20000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_program_is_read, make_program),
        cmocka_unit_test_setup(other_files_are_refused, make_program),
        cmocka_unit_test_setup(headers_and_data_must_be_inside, make_program),
        cmocka_unit_test_setup(segments_must_lie_well, make_program),
        cmocka_unit_test_setup(the_entry_must_be_executable, make_program),
        cmocka_unit_test_setup(too_many_segments_are_refused, make_program),
        cmocka_unit_test_setup(damaged_programs_stay_inside, make_program),
    };
    return cmocka_run_group_tests_name("user.elf", tests, NULL, NULL);
}
