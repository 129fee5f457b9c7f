// SPDX-License-Identifier: BSD-2-Clause
// The device tree reader over real trees: what QEMU writes for its virt machine, and a Raspberry Pi
// 4's. Argument: the directory that make_trees has filled.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <board.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"

static const char *directory;

// The sorted paths of all trees of a pattern.
static glob_t find_trees(const char *pattern) {
    char path[1024];
    glob_t found = {0};
    snprintf(path, sizeof(path), "%s/%s", directory, pattern);
    int result = glob(path, 0, NULL, &found);
    assert_true(result == 0 || result == GLOB_NOMATCH);
    return found;
}

static void every_tree_reads_as_libfdt_reads_it(void **state) {
    (void)state;
    glob_t trees = find_trees("*.dtb");
    assert_true(trees.gl_pathc >= 12);
    for (size_t i = 0; i < trees.gl_pathc; i++) {
        size_t size;
        void *blob = compare_load(trees.gl_pathv[i], &size);
        enum compare_result result = compare_blob(blob, size, true);
        if (result != COMPARE_BOTH_ACCEPT) {
            fail_msg("%s: %s: %s", trees.gl_pathv[i], compare_result_name(result),
                     compare_message());
        }
        free(blob);
    }
    globfree(&trees);
}

// One virt machine against what its file name says it was made with. Addresses and interrupt
// numbers are those of QEMU's documented memory map.
static void check_virt(const char *path) {
    unsigned gic;
    unsigned pes;
    unsigned mib;
    char level[8];
    const char *name = strrchr(path, '/') + 1;
    assert_int_equal(sscanf(name, "virt-%u-%u-%u-%7[a-z0-9]", &gic, &pes, &mib, level), 4);
    size_t size;
    void *blob = compare_load(path, &size);
    static struct board board;
    assert_int_equal(fdt_read_board(blob, size, &board), DT_OK);
    assert_string_equal(board.model, "linux,dummy-virt");
    assert_int_equal(board.memory_count, 1);
    assert_int_equal(board.memory[0].base.v, 0x40000000);
    assert_int_equal(board.memory[0].size, (uint64_t)mib << 20);
    assert_int_equal(board.reserved_count, 0);
    assert_int_equal(board.pes_listed, pes);
    assert_int_equal(board.pe_count, pes < MAX_PES ? pes : MAX_PES);
    assert_int_equal(board.truncated, pes > MAX_PES ? BOARD_TRUNCATED_PES : 0);
    assert_int_equal(board.psci, strcmp(level, "el2") == 0 ? BOARD_PSCI_SMC : BOARD_PSCI_HVC);
    for (uint32_t i = 0; i < board.pe_count; i++) {
        // QEMU gives GICv2 clusters of 8 PEs, GICv3 clusters of 16.
        assert_int_equal(board.pe[i].mpidr, i);
        // Alone, a PE needs no method to start it, and QEMU names none.
        assert_int_equal(board.pe[i].start, pes > 1 ? BOARD_PE_START_PSCI : BOARD_PE_START_NONE);
    }
    assert_int_equal(board.serial.kind, BOARD_SERIAL_PL011);
    assert_true(board.serial.chosen);
    assert_int_equal(board.serial.registers.base.v, 0x09000000);
    assert_int_equal(board.serial.interrupt.intid, 33);
    assert_int_equal(board.serial.clock_hz, 24000000);
    assert_int_equal(board.irqc.kind, gic == 2 ? BOARD_IRQC_GICV2 : BOARD_IRQC_GICV3);
    assert_int_equal(board.irqc.distributor.base.v, 0x08000000);
    assert_int_equal(board.irqc.cpu_interface.base.v, gic == 2 ? 0x08010000 : 0);
    assert_int_equal(board.irqc.redistributor_count, gic == 2 ? 0 : pes > 123 ? 2 : 1);
    assert_int_equal(board.irqc.redistributor[0].base.v, gic == 2 ? 0 : 0x080a0000);
    assert_int_equal(board.timer.virtual.intid, 27);
    assert_int_equal(board.timer.physical.intid, 30);
    assert_int_equal(board.timer.virtual.trigger, BOARD_TRIGGER_LEVEL);
    free(blob);
}

static void virt_machines_are_described_as_they_were_made(void **state) {
    (void)state;
    glob_t trees = find_trees("virt-*.dtb");
    assert_true(trees.gl_pathc >= 12);
    for (size_t i = 0; i < trees.gl_pathc; i++) {
        check_virt(trees.gl_pathv[i]);
    }
    globfree(&trees);
}

static void raspberry_pi_4_is_described_as_it_is(void **state) {
    (void)state;
    glob_t trees = find_trees("raspi4b.dtb");
    if (trees.gl_pathc == 0) {
        print_message("# skipped: no device tree of a Raspberry Pi 4 in the cache; "
                      "./scripts/test target fetches it\n");
        skip();
    }
    size_t size;
    void *blob = compare_load(trees.gl_pathv[0], &size);
    static struct board board;
    assert_int_equal(fdt_read_board(blob, size, &board), DT_OK);
    assert_string_equal(board.model, "Raspberry Pi 4 Model B");
    assert_int_equal(board.pe_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(board.pe[i].mpidr, i);
        assert_int_equal(board.pe[i].start, BOARD_PE_START_SPIN_TABLE);
        assert_int_equal(board.pe[i].release.v, 0xd8 + 8 * i);
    }
    assert_int_equal(board.reserved[0].range.base.v, 0); // the spin table's page
    assert_int_equal(board.reserved[0].range.size, 0x1000);
    assert_int_equal(board.serial.registers.base.v, 0xfe201000);
    assert_int_equal(board.serial.interrupt.intid, 32 + 121);
    assert_int_equal(board.serial.clock_hz, 48000000);
    assert_int_equal(board.irqc.kind, BOARD_IRQC_GICV2);
    assert_int_equal(board.irqc.distributor.base.v, 0xff841000);
    assert_int_equal(board.irqc.cpu_interface.base.v, 0xff842000);
    assert_int_equal(board.timer.virtual.intid, 27);
    assert_int_equal(board.bcm_gpio.base.v, 0xfe200000);
    assert_int_equal(board.bcm_watchdog.base.v, 0xfe100000);
    free(blob);
    globfree(&trees);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    directory = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tree_reads_as_libfdt_reads_it),
        cmocka_unit_test(virt_machines_are_described_as_they_were_made),
        cmocka_unit_test(raspberry_pi_4_is_described_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
