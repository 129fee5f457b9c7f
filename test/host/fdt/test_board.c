// SPDX-License-Identifier: BSD-2-Clause
// The board reader over trees made for one question each: how machines are described that QEMU does
// not have, and where a tree that makes no sense is said to make none.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <board.h>
#include <string.h>

#include "compare.h"
#include "tree_builder.h"

static struct tree_builder tree;
static struct board board;

static void begin_machine(void) {
    tree_begin(&tree);
    tree_root(&tree);
    tree_cells(&tree, "#address-cells", 2);
    tree_cells(&tree, "#size-cells", 2);
}

// Ends the tree and reads it. What libfdt makes of it must be the same, whatever it is.
static enum dt_status read_machine(void) {
    tree_finish(&tree);
    enum compare_result result = compare_blob(tree.blob, tree.size, true);
    if (result == COMPARE_DIFFERENT) {
        fail_msg("%s", compare_message());
    }
    return fdt_read_board(tree.blob, tree.size, &board);
}

#define assert_problem(status, node, property)                                                     \
    do {                                                                                           \
        assert_string_equal(dt_status_name(read_machine()), #status);                              \
        assert_string_equal(board.problem_node, node);                                             \
        assert_string_equal(board.problem_property, property);                                     \
    } while (0)

#define assert_range(range, address, bytes)                                                        \
    do {                                                                                           \
        assert_int_equal((range).base.v, address);                                                 \
        assert_int_equal((range).size, bytes);                                                     \
    } while (0)

// ---- A whole machine

static void an_unusual_machine_is_described_in_full(void **state) {
    (void)state;
    tree_unusual_machine(&tree);
    assert_int_equal(compare_blob(tree.blob, tree.size, true), COMPARE_BOTH_ACCEPT);
    assert_int_equal(fdt_read_board(tree.blob, tree.size, &board), DT_OK);
    assert_string_equal(board.model, "Unusual Machine");
    assert_string_equal(board.args, "run=words frames=64");
    assert_int_equal(board.blob_size, tree.size);
    assert_int_equal(board.truncated, 0);

    assert_int_equal(board.memory_count, 3);
    assert_range(board.memory[0], 0x80000000, 0x10000000);
    assert_range(board.memory[1], 0x100000000, 0x40000000);
    assert_range(board.memory[2], 0x200000000, 0x100000000);
    assert_int_equal(board.reserved_count, 4);
    assert_range(board.reserved[0].range, 0x80000000, 0x1000);
    assert_false(board.reserved[0].no_map);
    assert_range(board.reserved[1].range, 0x88000000, 0x200000);
    assert_true(board.reserved[1].no_map);
    assert_range(board.reserved[2].range, 0x8a000000, 0x1000);
    assert_true(board.reserved[2].no_map);
    assert_range(board.reserved[3].range, 0x8c000000, 0x800000);
    assert_false(board.reserved[3].no_map);
    assert_range(board.ramdisk, 0x84000000, 0x123456);

    assert_int_equal(board.psci, BOARD_PSCI_SMC);
    assert_int_equal(board.pe_count, 4); // the fifth has failed
    assert_int_equal(board.pe[0].start, BOARD_PE_START_PSCI);
    assert_int_equal(board.pe[1].mpidr, 0x101);
    assert_int_equal(board.pe[1].start, BOARD_PE_START_SPIN_TABLE);
    assert_int_equal(board.pe[1].release.v, 0x80000fd8);
    assert_int_equal(board.pe[2].release.v, 0x80000fe0);
    assert_int_equal(board.pe[3].mpidr, 0x200);
    assert_int_equal(board.pe[3].start, BOARD_PE_START_NONE);

    assert_true(board.serial.chosen);
    assert_range(board.serial.registers, 0x840002000, 0x1000);
    assert_int_equal(board.serial.interrupt.intid, 32 + 41);
    assert_int_equal(board.serial.clock_hz, 7372800);
    assert_int_equal(board.serial.baud, 9600);
    assert_int_equal(board.irqc.kind, BOARD_IRQC_GICV3);
    assert_range(board.irqc.distributor, 0x800000000, 0x10000);
    assert_int_equal(board.irqc.redistributor_count, 2);
    assert_range(board.irqc.redistributor[1], 0x800200000, 0x40000);
    assert_int_equal(board.irqc.redistributor_stride, 0x40000);
    assert_int_equal(board.timer.virtual.intid, 27);
    assert_int_equal(board.timer.physical.intid, 30);
    assert_int_equal(board.timer.clock_hz, 19200000);
}

static void a_machine_without_devices_is_described_as_such(void **state) {
    (void)state;
    begin_machine();
    assert_int_equal(read_machine(), DT_OK);
    assert_string_equal(board.args, "");
    assert_int_equal(board.serial.kind, BOARD_SERIAL_NONE);
    assert_int_equal(board.irqc.kind, BOARD_IRQC_NONE);
    assert_int_equal(board.pe_count + board.memory_count + board.reserved_count, 0);
    assert_false(board.timer.virtual.present);
}

// ---- What may be left out, and what may not

static void more_pes_and_banks_than_fit_are_counted_and_said(void **state) {
    (void)state;
    begin_machine();
    tree_node(&tree, "memory");
    tree_string(&tree, "device_type", "memory");
    uint32_t banks[16][4];
    for (uint32_t i = 0; i < 16; i++) {
        memcpy(banks[i], (const uint32_t[]){i, 0, 0, 0x1000}, sizeof(banks[i]));
    }
    tree_array(&tree, "reg", banks[0], 64);
    tree_end(&tree);
    tree_node(&tree, "memory@ff00000000");
    tree_string(&tree, "device_type", "memory");
    tree_cells(&tree, "reg", 0xff, 0, 0, 0x1000);
    tree_end(&tree);
    tree_node(&tree, "cpus");
    tree_cells(&tree, "#address-cells", 1);
    tree_cells(&tree, "#size-cells", 0);
    for (uint32_t i = 0; i < 10; i++) {
        char name[] = "cpu@0";
        name[4] = (char)('0' + i);
        tree_node(&tree, name);
        tree_string(&tree, "device_type", "cpu");
        tree_cells(&tree, "reg", i);
        tree_end(&tree);
    }
    tree_end(&tree);
    assert_int_equal(read_machine(), DT_OK);
    assert_int_equal(board.truncated, BOARD_TRUNCATED_PES | BOARD_TRUNCATED_MEMORY);
    assert_int_equal(board.pe_count, MAX_PES);
    assert_int_equal(board.pes_listed, 10);
    assert_int_equal(board.memory_count, BOARD_MAX_MEMORY);
    assert_int_equal(board.memory_listed, 17);
}

static void reserved_memory_is_never_left_out(void **state) {
    (void)state;
    tree_begin(&tree);
    for (uint64_t i = 1; i <= BOARD_MAX_RESERVED; i++) {
        tree_reserve(&tree, i << 12, 0x1000);
    }
    tree_root(&tree);
    assert_int_equal(read_machine(), DT_OK);
    assert_int_equal(board.reserved_count, BOARD_MAX_RESERVED);
    tree_begin(&tree);
    for (uint64_t i = 0; i <= BOARD_MAX_RESERVED; i++) {
        tree_reserve(&tree, i << 12, 0x1000);
    }
    tree_root(&tree);
    assert_problem(TOO_MANY, "", "/memreserve/");
}

static void a_reservation_that_wraps_is_refused(void **state) {
    (void)state;
    tree_begin(&tree);
    tree_reserve(&tree, UINT64_MAX - 0xfff, 0x2000);
    tree_root(&tree);
    assert_problem(BAD_VALUE, "", "/memreserve/");
}

// ---- Serial port

static void add_serial(const char *name, uint32_t address, const char *status) {
    tree_node(&tree, name);
    tree_string(&tree, "compatible", "arm,pl011");
    tree_cells(&tree, "reg", 0, address, 0, 0x1000);
    if (status != NULL) {
        tree_string(&tree, "status", status);
    }
    tree_end(&tree);
}

static void add_stdout(const char *path) {
    tree_node(&tree, "chosen");
    tree_string(&tree, "stdout-path", path);
    tree_end(&tree);
}

static void the_serial_port_is_what_stdout_path_names(void **state) {
    static const struct {
        const char *path;
        bool chosen;
        uint32_t address;
        uint32_t baud;
    } cases[] = {
        {"/uart@2000", true, 0x2000, 115200},
        {"/uart@2000:57600", true, 0x2000, 57600},
        {"/uart@2000:9600n8r", true, 0x2000, 9600},
        {"/uart@2000:n8", true, 0x2000, 115200},
        {"/uart@2000:99999999999999999999", true, 0x2000, 115200},
        {"second", true, 0x2000, 115200},
        {"second:38400", true, 0x2000, 38400},
        {"/uart", true, 0x1000, 115200}, // without unit address: the first
        {"/nowhere", false, 0x1000, 115200},
        {"nobody", false, 0x1000, 115200},
        {"loop", false, 0x1000, 115200}, // an alias of an alias
        {"/chosen", false, 0x1000, 115200},
        {":115200", false, 0x1000, 115200},
        {"", false, 0x1000, 115200},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        begin_machine();
        tree_node(&tree, "aliases");
        tree_string(&tree, "second", "/uart@2000");
        tree_string(&tree, "loop", "second");
        tree_end(&tree);
        add_stdout(cases[i].path);
        add_serial("uart@0", 0, "disabled");
        add_serial("uart@1000", 0x1000, "okay");
        add_serial("uart@2000", 0x2000, NULL);
        if (strcmp(cases[i].path, "/uart") == 0) {
            // A disabled port that is named all the same is taken: the firmware prints there.
            assert_int_equal(read_machine(), DT_OK);
            assert_range(board.serial.registers, 0, 0x1000);
            continue;
        }
        assert_int_equal(read_machine(), DT_OK);
        assert_int_equal(board.serial.chosen, cases[i].chosen);
        assert_range(board.serial.registers, cases[i].address, 0x1000);
        assert_int_equal(board.serial.baud, cases[i].baud);
        assert_false(board.serial.interrupt.present);
    }
}

// ---- Problems, each with its place

static void a_missing_translation_is_a_problem(void **state) {
    (void)state;
    begin_machine();
    tree_node(&tree, "soc"); // no ranges
    tree_cells(&tree, "#address-cells", 2);
    tree_cells(&tree, "#size-cells", 2);
    add_serial("uart@1000", 0x1000, NULL);
    tree_end(&tree);
    assert_problem(NOT_TRANSLATABLE, "uart@1000", "reg");

    begin_machine();
    tree_node(&tree, "soc");
    tree_cells(&tree, "#address-cells", 2);
    tree_cells(&tree, "#size-cells", 2);
    tree_cells(&tree, "ranges", 0, 0, 1, 0, 0, 0x1800); // ends within the registers
    add_serial("uart@1000", 0x1000, NULL);
    tree_end(&tree);
    assert_problem(NOT_TRANSLATABLE, "uart@1000", "reg");
}

// One step of translation: a bus with this range, and a port with these registers on it.
static void begin_bus(const uint32_t range[6], const uint32_t registers[4]) {
    begin_machine();
    tree_node(&tree, "bus");
    tree_cells(&tree, "#address-cells", 2);
    tree_cells(&tree, "#size-cells", 2);
    tree_array(&tree, "ranges", range, 6);
    tree_node(&tree, "uart");
    tree_string(&tree, "compatible", "arm,pl011");
    tree_array(&tree, "reg", registers, 4);
    tree_end(&tree);
    tree_end(&tree);
}

#define ONES 0xffffffffU

static void addresses_at_the_ends_of_ranges_do_not_wrap(void **state) {
    static const struct {
        uint32_t range[6]; // child, parent, length
        uint32_t registers[4];
        const char *status;
        uint64_t address;
    } cases[] = {
        {{0, 0x1000, 8, 0, 0, 0x1000}, {0, 0x1000, 0, 0x1000}, "OK", UINT64_C(0x800000000)},
        {{0, 0x1000, 8, 0, 0, 0x1000}, {0, 0x1fff, 0, 1}, "OK", UINT64_C(0x800000fff)},
        {{0, 0x1000, 8, 0, 0, 0x1000}, {0, 0x1fff, 0, 2}, "NOT_TRANSLATABLE", 0},
        {{0, 0x1000, 8, 0, 0, 0x1000}, {0, 0x2000, 0, 1}, "NOT_TRANSLATABLE", 0},
        {{0, 0x1000, 8, 0, 0, 0x1000}, {0, 0xfff, 0, 1}, "NOT_TRANSLATABLE", 0},
        // A range of nearly everything must not hold what lies before its start.
        {{0, 0x1000, 0, 0, ONES, ONES}, {0, 0, 0, 0x100}, "NOT_TRANSLATABLE", 0},
        // The parent's addresses end within the range, or within the registers.
        {{0, 0, ONES, 0xfffff000, 0, 0x10000}, {0, 0x1000, 0, 0x1000}, "NOT_TRANSLATABLE", 0},
        {{0, 0, ONES, 0xfffff000, 0, 0x10000}, {0, 0, 0, 0x2000}, "NOT_TRANSLATABLE", 0},
        {{0, 0, 1, 0, 0, 0x10000}, {0, 0x8000, ONES, 0xffff0000}, "NOT_TRANSLATABLE", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        begin_bus(cases[i].range, cases[i].registers);
        const char *status = dt_status_name(read_machine());
        if (strcmp(status, cases[i].status) != 0) {
            fail_msg("case %zu: %s, not %s", i, status, cases[i].status);
        }
        assert_int_equal(board.serial.registers.base.v, cases[i].address);
    }
    begin_machine();
    tree_node(&tree, "memory");
    tree_string(&tree, "device_type", "memory");
    tree_cells(&tree, "reg", ONES, 0xfffff000, 0, 0x2000);
    tree_end(&tree);
    assert_problem(NOT_TRANSLATABLE, "memory", "reg");
}

static void bad_cells_and_lengths_are_problems(void **state) {
    (void)state;
    begin_machine();
    tree_node(&tree, "soc");
    tree_cells(&tree, "#address-cells", 3);
    add_serial("uart@1000", 0x1000, NULL);
    tree_end(&tree);
    assert_problem(BAD_CELLS, "uart@1000", "reg");

    begin_machine();
    tree_node(&tree, "memory");
    tree_string(&tree, "device_type", "memory");
    tree_cells(&tree, "reg", 0, 0, 0);
    tree_end(&tree);
    assert_problem(BAD_LENGTH, "memory", "reg");

    begin_machine();
    tree_node(&tree, "chosen");
    tree_bytes(&tree, "bootargs", "no end", 6);
    tree_end(&tree);
    assert_problem(BAD_STRING, "chosen", "bootargs");

    begin_machine();
    tree_node(&tree, "chosen");
    tree_cells(&tree, "linux,initrd-start", 0x2000);
    tree_cells(&tree, "linux,initrd-end", 0x1000);
    tree_end(&tree);
    assert_problem(BAD_VALUE, "chosen", "linux,initrd-end");

    begin_machine();
    tree_node(&tree, "psci");
    tree_string(&tree, "compatible", "arm,psci-1.0");
    tree_string(&tree, "method", "telepathy");
    tree_end(&tree);
    assert_problem(BAD_VALUE, "psci", "method");
}

// A GIC and a serial port whose interrupt properties are the caller's.
static void begin_interrupts(uint32_t interrupt_cells) {
    begin_machine();
    tree_node(&tree, "gic");
    tree_string(&tree, "compatible", "arm,gic-400");
    tree_flag(&tree, "interrupt-controller");
    tree_cells(&tree, "#interrupt-cells", interrupt_cells);
    tree_cells(&tree, "phandle", 1);
    tree_cells(&tree, "reg", 0, 0x10000, 0, 0x1000, 0, 0x20000, 0, 0x1000);
    tree_end(&tree);
    tree_node(&tree, "uart");
    tree_string(&tree, "compatible", "arm,pl011");
    tree_cells(&tree, "reg", 0, 0x1000, 0, 0x1000);
}

static void interrupts_go_to_the_gic_or_are_a_problem(void **state) {
    (void)state;
    begin_interrupts(3);
    tree_cells(&tree, "interrupt-parent", 1);
    tree_cells(&tree, "interrupts", 1, 15, 1);
    tree_end(&tree);
    assert_int_equal(read_machine(), DT_OK);
    assert_int_equal(board.serial.interrupt.intid, 31);
    assert_int_equal(board.serial.interrupt.trigger, BOARD_TRIGGER_EDGE);

    static const struct {
        uint32_t cells;
        uint32_t parent;
        uint32_t interrupt[3];
        const char *status;
    } cases[] = {
        {3, 1, {1, 16, 4}, "BAD_INTERRUPT"},  // no such PPI
        {3, 1, {0, 988, 4}, "BAD_INTERRUPT"}, // no such SPI
        {3, 1, {2, 0, 4}, "BAD_INTERRUPT"},   // no such kind
        {3, 2, {0, 1, 4}, "BAD_PHANDLE"},     // no such parent
        {3, 0, {0, 1, 4}, "BAD_PHANDLE"},     // 0 names no node
        {1, 1, {0, 1, 4}, "BAD_CELLS"},       // too short for a GIC
        {0, 1, {0, 1, 4}, "BAD_CELLS"},       {5, 1, {0, 1, 4}, "BAD_CELLS"},
        {4, 1, {0, 1, 4}, "BAD_LENGTH"}, // three cells are no specifier of four
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        begin_interrupts(cases[i].cells);
        tree_cells(&tree, "interrupt-parent", cases[i].parent);
        tree_array(&tree, "interrupts", cases[i].interrupt, 3);
        tree_end(&tree);
        assert_string_equal(dt_status_name(read_machine()), cases[i].status);
        assert_string_equal(board.problem_node, "uart");
    }
}

static void an_interrupt_of_another_controller_is_not_the_gics(void **state) {
    (void)state;
    begin_interrupts(3);
    tree_cells(&tree, "interrupt-parent", 2);
    tree_cells(&tree, "interrupts", 0, 1, 4);
    tree_end(&tree);
    tree_node(&tree, "combiner");
    tree_flag(&tree, "interrupt-controller");
    tree_cells(&tree, "#interrupt-cells", 3);
    tree_cells(&tree, "phandle", 2);
    tree_end(&tree);
    assert_int_equal(read_machine(), DT_OK);
    assert_int_equal(board.serial.kind, BOARD_SERIAL_PL011);
    assert_false(board.serial.interrupt.present);
}

static void a_circle_of_interrupt_parents_ends(void **state) {
    (void)state;
    begin_interrupts(3);
    tree_cells(&tree, "interrupt-parent", 8);
    tree_cells(&tree, "interrupts", 0, 1, 4);
    tree_end(&tree);
    tree_node(&tree, "a");
    tree_cells(&tree, "phandle", 8);
    tree_cells(&tree, "interrupt-parent", 9);
    tree_end(&tree);
    tree_node(&tree, "b");
    tree_cells(&tree, "phandle", 9);
    tree_cells(&tree, "interrupt-parent", 8);
    tree_end(&tree);
    assert_problem(BAD_INTERRUPT, "uart", "interrupts");
}

static void a_pe_must_be_startable_as_it_says(void **state) {
    (void)state;
    static const struct {
        uint32_t mpidr[2];
        uint32_t release;
        const char *status;
        const char *property;
    } cases[] = {
        {{0, 0x1000000}, 0x1000, "BAD_VALUE", "reg"}, // bit 24 is no affinity
        {{1, 2}, 0x1004, "BAD_VALUE", "cpu-release-addr"},
        {{1, 2}, 0, "NOT_FOUND", "cpu-release-addr"},
        {{1, 2}, 0x1008, "OK", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        begin_machine();
        tree_node(&tree, "cpus");
        tree_cells(&tree, "#address-cells", 2);
        tree_cells(&tree, "#size-cells", 0);
        tree_node(&tree, "cpu");
        tree_string(&tree, "device_type", "cpu");
        tree_array(&tree, "reg", cases[i].mpidr, 2);
        tree_string(&tree, "enable-method", "spin-table");
        if (cases[i].release != 0) {
            tree_cells(&tree, "cpu-release-addr", 0, cases[i].release);
        }
        tree_end(&tree);
        tree_end(&tree);
        assert_string_equal(dt_status_name(read_machine()), cases[i].status);
        assert_string_equal(board.problem_property, cases[i].property);
    }
    assert_int_equal(board.pe[0].mpidr, UINT64_C(0x100000002));
    assert_int_equal(board.pe[0].release.v, 0x1008);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unusual_machine_is_described_in_full),
        cmocka_unit_test(a_machine_without_devices_is_described_as_such),
        cmocka_unit_test(more_pes_and_banks_than_fit_are_counted_and_said),
        cmocka_unit_test(reserved_memory_is_never_left_out),
        cmocka_unit_test(a_reservation_that_wraps_is_refused),
        cmocka_unit_test(the_serial_port_is_what_stdout_path_names),
        cmocka_unit_test(a_missing_translation_is_a_problem),
        cmocka_unit_test(addresses_at_the_ends_of_ranges_do_not_wrap),
        cmocka_unit_test(bad_cells_and_lengths_are_problems),
        cmocka_unit_test(interrupts_go_to_the_gic_or_are_a_problem),
        cmocka_unit_test(an_interrupt_of_another_controller_is_not_the_gics),
        cmocka_unit_test(a_circle_of_interrupt_parents_ends),
        cmocka_unit_test(a_pe_must_be_startable_as_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
