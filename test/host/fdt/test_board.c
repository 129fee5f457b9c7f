// SPDX-License-Identifier: BSD-2-Clause
// The device tree reader over trees made for one question each: what each status means, and how a
// machine is described that QEMU does not have.
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

// ---- The blob

// A small valid blob, written by hand: header, reservation block, structure, strings.
#define BLOB_STRUCTURE 56
#define BLOB_STRINGS 104
static const uint32_t small_blob[] = {
    0xd00dfeed,
    106,
    BLOB_STRUCTURE,
    BLOB_STRINGS,
    40,
    17,
    16,
    0,
    2,
    48, // header
    0,
    0,
    0,
    0, // reservations
    1,
    0,
    3,
    4,
    0,
    0x12345678,
    1,
    0x61000000,
    2,
    2,
    4,
    9, // root, p, node "a"
};

static size_t make_small_blob(uint8_t *blob) {
    for (size_t i = 0; i < ARRAY_SIZE(small_blob); i++) {
        for (size_t byte = 0; byte < 4; byte++) {
            blob[4 * i + byte] = (uint8_t)(small_blob[i] >> (24 - 8 * byte));
        }
    }
    blob[BLOB_STRINGS] = 'p';
    blob[BLOB_STRINGS + 1] = 0;
    return BLOB_STRINGS + 2;
}

static void each_fault_of_a_blob_has_its_status(void **state) {
    (void)state;
    static const struct {
        size_t word; // index in small_blob
        uint32_t value;
        const char *status;
    } cases[] = {
        {0, 0xd00dfeed, "OK"},
        {0, 0xd00dfeee, "BAD_MAGIC"},
        {1, 107, "TOO_SHORT"},
        {1, 39, "BAD_LAYOUT"},
        {2, 58, "BAD_LAYOUT"},  // structure misaligned
        {2, 36, "BAD_LAYOUT"},  // in the header
        {3, 105, "BAD_LAYOUT"}, // strings end behind the blob
        {4, 44, "BAD_LAYOUT"},  // reservations misaligned
        {4, 96, "BAD_LAYOUT"},  // no room for an entry
        {5, 16, "BAD_VERSION"}, //
        {6, 18, "BAD_VERSION"}, // not readable as 17
        {5, 18, "OK"},          // newer, but compatible
        {8, 0xffffffff, "BAD_LAYOUT"},
        {9, 52, "BAD_LAYOUT"},
        {9, 40, "BAD_TOKEN"},       // the block ends before FDT_END
        {13, 1, "BAD_RESERVE_MAP"}, // an entry, and no terminator
        {14, 2, "BAD_NESTING"},     // an end without a node
        {14, 9, "BAD_NESTING"},     // no root
        {14, 8, "BAD_TOKEN"},
        {15, 0x61000000, "BAD_NAME"}, // the root has a name
        {17, 29, "BAD_PROPERTY"},     // longer than the block
        {17, 0xfffffffc, "BAD_PROPERTY"},
        {18, 2, "BAD_STRING"}, // the name lies behind the strings
        {18, 0xffffffff, "BAD_STRING"},
        {21, 0x61616161, "BAD_NESTING"}, // a longer name swallows an end
        {22, 1, "BAD_NESTING"},          // FDT_END inside of nodes
        {23, 4, "BAD_NESTING"},
        {24, 2, "BAD_NESTING"},  // one end too many
        {24, 9, "OK"},           // a token behind FDT_END
        {25, 1, "BAD_NAME"},     // a name without end
        {25, 3, "BAD_PROPERTY"}, // its header runs out of the block
        {25, 4, "BAD_TOKEN"},    // no FDT_END
    };
    uint8_t blob[256];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t size = make_small_blob(blob);
        for (size_t byte = 0; byte < 4; byte++) {
            blob[4 * cases[i].word + byte] = (uint8_t)(cases[i].value >> (24 - 8 * byte));
        }
        struct dt opened;
        const char *status = dt_status_name(dt_open(&opened, blob, size));
        if (strcmp(status, cases[i].status) != 0) {
            fail_msg("word %zu = %#x: %s, not %s", cases[i].word, cases[i].value, status,
                     cases[i].status);
        }
    }
}

static void every_shorter_limit_is_noticed(void **state) {
    (void)state;
    uint8_t blob[256];
    struct dt opened;
    size_t size = make_small_blob(blob);
    for (size_t limit = 0; limit < size; limit++) {
        assert_int_equal(dt_open(&opened, blob, limit), DT_TOO_SHORT);
    }
    assert_int_equal(dt_open(&opened, blob, size), DT_OK);
    assert_int_equal(dt_open(&opened, blob, SIZE_MAX), DT_OK);
}

static void a_property_behind_a_subnode_is_refused(void **state) {
    (void)state;
    static const uint32_t words[] = {1, 0, 1, 0x61000000, 2, 3, 0, 0, 2, 9, 4, 4};
    uint8_t blob[256];
    size_t size = make_small_blob(blob);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        for (size_t byte = 0; byte < 4; byte++) {
            blob[BLOB_STRUCTURE + 4 * i + byte] = (uint8_t)(words[i] >> (24 - 8 * byte));
        }
    }
    struct dt opened;
    assert_int_equal(dt_open(&opened, blob, size), DT_BAD_PROPERTY);
}

static void statuses_have_names_and_texts(void **state) {
    (void)state;
    assert_string_equal(dt_status_name(DT_OK), "OK");
    assert_string_equal(dt_status_name(DT_TOO_MANY), "TOO_MANY");
    assert_string_equal(dt_status_name(DT_STATUS_COUNT), "UNKNOWN");
    for (int status = DT_OK; status < DT_STATUS_COUNT; status++) {
        assert_true(strlen(dt_status_text((enum dt_status)status)) > 5);
    }
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
        cmocka_unit_test(bad_cells_and_lengths_are_problems),
        cmocka_unit_test(interrupts_go_to_the_gic_or_are_a_problem),
        cmocka_unit_test(a_circle_of_interrupt_parents_ends),
        cmocka_unit_test(a_pe_must_be_startable_as_it_says),
        cmocka_unit_test(each_fault_of_a_blob_has_its_status),
        cmocka_unit_test(every_shorter_limit_is_noticed),
        cmocka_unit_test(a_property_behind_a_subnode_is_refused),
        cmocka_unit_test(statuses_have_names_and_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
