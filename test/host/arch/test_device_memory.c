// SPDX-License-Identifier: BSD-2-Clause
// Device memory: what is left of the address space on the boards that there are, and on odd ones.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "device_memory.h"

#define GIB (UINT64_C(1) << 30)

struct range {
    uint64_t start, end;
};

static struct ranges kernel, device;

static void setup_kernel(const struct range *registers, unsigned count) {
    kernel.count = 0;
    for (unsigned i = 0; i < count; i++) {
        assert_true(ranges_add(&kernel, registers[i].start, registers[i].end));
    }
}

static void expect(const struct range *expected, unsigned count) {
    assert_int_equal(device.count, count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(device.range[i].start.v, expected[i].start);
        assert_int_equal(device.range[i].start.v + device.range[i].bytes, expected[i].end);
    }
}

static void virt_with_gicv2(void **state) {
    (void)state;
    const struct board board = {.memory_count = 1, .memory = {{PADDR(GIB), GIB}}};
    const struct range registers[] = {{0x08000000, 0x08020000}, {0x09000000, 0x09001000}};
    const struct range expected[] = {
        {0, 0x08000000}, {0x08020000, 0x09000000}, {0x09001000, GIB}, {2 * GIB, UINT64_C(1) << 44}};
    setup_kernel(registers, 2);
    assert_true(device_memory_find(&board, &kernel, 44, &device));
    expect(expected, 4);
}

// 4 GiB of RAM around the peripherals; the firmware keeps some for itself and says so.
static void bcm2711(void **state) {
    (void)state;
    const struct board board = {
        .memory_count = 2,
        .memory = {{PADDR(0), 0x3b400000}, {PADDR(0x40000000), 0xbc000000}},
        .reserved_count = 2,
        .reserved = {{{PADDR(0), 0x1000}, false}, {{PADDR(0x3ef64000), 0xa00000}, true}},
    };
    const struct range registers[] = {{0xfe100000, 0xfe101000},
                                      {0xfe201000, 0xfe202000},
                                      {0xff841000, 0xff842000},
                                      {0xff842000, 0xff844000}};
    const struct range expected[] = {{0x3b400000, 0x3ef64000}, {0x3f964000, 0x40000000},
                                     {0xfc000000, 0xfe100000}, {0xfe101000, 0xfe201000},
                                     {0xfe202000, 0xff841000}, {0xff844000, UINT64_C(1) << 44}};
    setup_kernel(registers, 4);
    assert_true(device_memory_find(&board, &kernel, 44, &device));
    expect(expected, 6);
}

// A page with one byte of RAM, of reserved memory or of the kernel's in it is no device's.
static void parts_of_pages_are_whole_pages(void **state) {
    (void)state;
    const struct board board = {
        .memory_count = 1,
        .memory = {{PADDR(0x10fff), 2}},
        .reserved_count = 1,
        .reserved = {{{PADDR(0x30001), 0x1000}, false}},
    };
    const struct range registers[] = {{0x50ff0, 0x51010}};
    const struct range expected[] = {
        {0, 0x10000}, {0x12000, 0x30000}, {0x32000, 0x50000}, {0x52000, UINT64_C(1) << 32}};
    setup_kernel(registers, 1);
    assert_true(device_memory_find(&board, &kernel, 32, &device));
    expect(expected, 4);
}

static void the_end_of_the_address_space(void **state) {
    (void)state;
    struct board board = {
        .memory_count = 2,
        .memory = {{PADDR(UINT64_C(1) << 35), UINT64_MAX - (UINT64_C(1) << 35)},
                   {PADDR(UINT64_C(1) << 50), GIB}},
    };
    const struct range below[] = {{0, UINT64_C(1) << 35}};
    kernel.count = 0;
    assert_true(device_memory_find(&board, &kernel, 36, &device));
    expect(below, 1);
    board.memory[0] = (struct board_range){PADDR(0), UINT64_C(1) << 48};
    assert_true(device_memory_find(&board, &kernel, 48, &device));
    expect(NULL, 0);
}

static void too_many_pieces_are_refused(void **state) {
    (void)state;
    const struct board board = {0};
    kernel.count = 0;
    for (uint64_t i = 0; i < RANGES_MAX; i++) {
        assert_true(ranges_add(&kernel, (2 * i + 1) * PAGE_BYTES, (2 * i + 2) * PAGE_BYTES));
    }
    assert_false(device_memory_find(&board, &kernel, 40, &device));
    kernel.count--;
    assert_true(device_memory_find(&board, &kernel, 40, &device));
    assert_int_equal(device.count, RANGES_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(virt_with_gicv2),
        cmocka_unit_test(bcm2711),
        cmocka_unit_test(parts_of_pages_are_whole_pages),
        cmocka_unit_test(the_end_of_the_address_space),
        cmocka_unit_test(too_many_pieces_are_refused),
    };
    return cmocka_run_group_tests_name("arch.device_memory", tests, NULL, NULL);
}
