// SPDX-License-Identifier: BSD-2-Clause
// Compares the kernel's device tree reader with the oracle.
#include "compare.h"

#include <board.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "oracle.h"

#define TREE_BYTES_MAX (16 << 20) // no tree is so large

static char message[512];

__attribute__((format(printf, 1, 2))) static bool different(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    return false;
}

const char *compare_message(void) { return message; }

const char *compare_result_name(enum compare_result result) {
    switch (result) {
    case COMPARE_BOTH_ACCEPT:
        return "accepted by both, all values equal";
    case COMPARE_BOTH_REJECT:
        return "refused by both";
    case COMPARE_TREE_VIOLATION:
        return "refused, against the specification";
    case COMPARE_MACHINE_VIOLATION:
        return "well-formed, but no machine by both";
    default:
        return "different";
    }
}

// ---- The tree

static bool same_properties(const struct dt *tree, dt_node_t node) {
    static struct oracle_property list[4096];
    int count = oracle_properties(tree->blob, node.offset, list, 4096);
    int i = 0;
    struct dt_property property;
    for (bool more = dt_first_property(tree, node, &property); more;
         more = dt_next_property(tree, &property), i++) {
        if (i >= count || i >= 4096) {
            return different("%s: more than %d properties", dt_name(tree, node), count);
        }
        if (strcmp(property.name, list[i].name) != 0 || (int)property.length != list[i].length ||
            property.data != list[i].data) {
            return different("%s: property %d: %s (%u bytes), libfdt %s (%d bytes)",
                             dt_name(tree, node), i, property.name, property.length, list[i].name,
                             list[i].length);
        }
        struct dt_property found;
        if (!dt_property(tree, node, property.name, &found) || found.offset > property.offset ||
            strcmp(found.name, property.name) != 0) {
            return different("%s: %s is not found by name", dt_name(tree, node), property.name);
        }
    }
    return i == count || different("%s: %d properties, libfdt %d", dt_name(tree, node), i, count);
}

static bool same_relatives(const struct dt *tree, dt_node_t node) {
    uint32_t expected = 0;
    dt_node_t child = {0};
    bool has = dt_first_child(tree, node, &child);
    if (has != oracle_first_child(tree->blob, node.offset, &expected) || child.offset != expected) {
        return different("%s: first child at %u, libfdt %u", dt_name(tree, node), child.offset,
                         expected);
    }
    dt_node_t sibling = node;
    expected = node.offset;
    has = dt_next_sibling(tree, &sibling);
    if (has != oracle_next_sibling(tree->blob, &expected) || sibling.offset != expected) {
        return different("%s: next sibling at %u, libfdt %u", dt_name(tree, node), sibling.offset,
                         expected);
    }
    uint32_t cells[4] = {0};
    bool readable = dt_bus_cells(tree, node, &cells[0], &cells[1]) == DT_OK && cells[0] != 0;
    if (readable != oracle_cells(tree->blob, node.offset, &cells[2], &cells[3]) ||
        (readable && (cells[0] != cells[2] || cells[1] != cells[3]))) {
        return different("%s: cells %u %u, libfdt %u %u", dt_name(tree, node), cells[0], cells[1],
                         cells[2], cells[3]);
    }
    return true;
}

static bool same_compatible(const struct dt *tree, dt_node_t node) {
    static const char *const names[] = {"arm,pl011",   "arm,primecell", "arm,gic-v3",
                                        "fixed-clock", "simple-bus",    "arm,psci-0.2",
                                        "arm",         "virtio,mmio",   "brcm,bcm2711"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (dt_is_compatible(tree, node, names[i]) !=
            oracle_is_compatible(tree->blob, node.offset, names[i])) {
            return different("%s: compatible with \"%s\"?", dt_name(tree, node), names[i]);
        }
    }
    return true;
}

// Where two nodes have the same path or phandle, both readers give the first.
static bool same_lookups(const struct dt *tree, dt_node_t node) {
    uint32_t expected = 0;
    dt_node_t found = {0};
    bool has = dt_parent(tree, node, &found);
    if (has != oracle_parent(tree->blob, node.offset, &expected) || found.offset != expected) {
        return different("%s: parent at %u, libfdt %u", dt_name(tree, node), found.offset,
                         expected);
    }
    char path[1024];
    if (oracle_path(tree->blob, node.offset, path, sizeof(path))) {
        has = oracle_by_path(tree->blob, path, strlen(path), &expected);
        if (has != (dt_by_path(tree, path, strlen(path), &found) == DT_OK) ||
            (has && found.offset != expected)) {
            return different("%s: found at %u, libfdt %u", path, found.offset, expected);
        }
    }
    uint32_t phandle = oracle_phandle(tree->blob, node.offset);
    if (phandle != 0) {
        has = oracle_by_phandle(tree->blob, phandle, &expected);
        if (has != (dt_by_phandle(tree, phandle, &found) == DT_OK) ||
            (has && found.offset != expected)) {
            return different("phandle %u: found at %u, libfdt %u", phandle, found.offset, expected);
        }
    }
    return true;
}

static bool same_nodes(const struct dt *tree, bool deep) {
    dt_node_t node = dt_root(tree);
    uint32_t expected = oracle_root(tree->blob);
    int depth = 0;
    int expected_depth = 0;
    for (;;) {
        if (node.offset != expected || depth != expected_depth ||
            strcmp(dt_name(tree, node), oracle_name(tree->blob, expected)) != 0) {
            return different("node %s at %u, depth %d; libfdt at %u, depth %d", dt_name(tree, node),
                             node.offset, depth, expected, expected_depth);
        }
        if (!same_properties(tree, node) || !same_relatives(tree, node) ||
            !same_compatible(tree, node) || (deep && !same_lookups(tree, node))) {
            return false;
        }
        bool more = dt_next_node(tree, &node, &depth);
        if (more != oracle_next_node(tree->blob, &expected, &expected_depth)) {
            return different("the last node: %s", dt_name(tree, node));
        }
        if (!more) {
            return true;
        }
    }
}

// libfdt ends the list at the first size of 0; by the specification its address is 0 as well.
static bool same_reservations(const struct dt *tree) {
    uint64_t base = 0;
    uint64_t size = 0;
    uint32_t count = oracle_reserve_count(tree->blob);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t expected_base;
        uint64_t expected_size;
        oracle_reserve_entry(tree->blob, i, &expected_base, &expected_size);
        if (!dt_reserve_entry(tree, i, &base, &size) || base != expected_base ||
            size != expected_size) {
            return different("reservation %u: %#" PRIx64 " %#" PRIx64, i, base, size);
        }
    }
    if (dt_reserve_entry(tree, count, &base, &size) && size != 0) {
        return different("more than %u reservations", count);
    }
    return true;
}

// ---- The machine

// How a field differs, in one line.
static bool same_number(const char *what, uint64_t value, uint64_t expected) {
    return value == expected ||
           different("%s: %#" PRIx64 ", libfdt %#" PRIx64, what, value, expected);
}

static bool same_range(const char *what, struct board_range range, struct oracle_range expected) {
    return same_number(what, range.base.v, expected.base) &&
           same_number(what, range.size, expected.size);
}

static bool same_interrupt(const char *what, struct board_interrupt interrupt,
                           struct oracle_interrupt expected) {
    return same_number(what, interrupt.present, expected.present) &&
           same_number(what, interrupt.intid, expected.intid) &&
           same_number(what, interrupt.trigger == BOARD_TRIGGER_EDGE, expected.edge);
}

static bool same_memory(const struct board *board, const struct oracle_board *expected) {
    bool cut = expected->memory_count > BOARD_MAX_MEMORY;
    bool same =
        same_number("banks listed", board->memory_listed, expected->memory_count) &&
        same_number("banks", board->memory_count, MIN(expected->memory_count, BOARD_MAX_MEMORY)) &&
        same_number("banks truncated", (board->truncated & BOARD_TRUNCATED_MEMORY) != 0, cut) &&
        same_number("reservations", board->reserved_count, expected->reserved_count) &&
        same_range("RAM disk", board->ramdisk, expected->ramdisk);
    for (uint32_t i = 0; same && i < board->memory_count; i++) {
        same = same_range("bank", board->memory[i], expected->memory[i]);
    }
    for (uint32_t i = 0; same && i < board->reserved_count; i++) {
        same = same_range("reservation", board->reserved[i].range, expected->reserved[i]) &&
               same_number("no-map", board->reserved[i].no_map, expected->reserved[i].no_map);
    }
    return same;
}

static bool same_pes(const struct board *board, const struct oracle_board *expected) {
    static const char starts[] = {'n', 'p', 's'};
    static const char methods[] = {'n', 'h', 's'};
    bool cut = expected->pe_count > BOARD_MAX_PES;
    bool same =
        same_number("PEs listed", board->pes_listed, expected->pe_count) &&
        same_number("PEs", board->pe_count, MIN(expected->pe_count, (uint32_t)BOARD_MAX_PES)) &&
        same_number("PEs truncated", (board->truncated & BOARD_TRUNCATED_PES) != 0, cut) &&
        same_number("PSCI", (uint64_t)methods[board->psci], (uint64_t)expected->psci);
    for (uint32_t i = 0; same && i < board->pe_count; i++) {
        same = same_number("MPIDR", board->pe[i].mpidr, expected->pe[i].mpidr) &&
               same_number("release address", board->pe[i].release.v, expected->pe[i].release) &&
               same_number("start", (uint64_t)starts[board->pe[i].start],
                           (uint64_t)expected->pe[i].start);
    }
    return same;
}

static bool same_devices(const struct board *board, const struct oracle_board *expected) {
    const struct board_serial *serial = &board->serial;
    const struct board_irqc *irqc = &board->irqc;
    uint32_t gic = irqc->kind == BOARD_IRQC_NONE ? 0 : irqc->kind == BOARD_IRQC_GICV2 ? 2 : 3;
    bool same = same_number("serial port", serial->kind == BOARD_SERIAL_PL011, expected->serial) &&
                same_number("stdout-path", serial->chosen, expected->serial_chosen) &&
                same_range("serial port", serial->registers, expected->serial_registers) &&
                same_interrupt("serial port", serial->interrupt, expected->serial_interrupt) &&
                same_number("serial clock", serial->clock_hz, expected->serial_clock) &&
                same_number("baud", serial->baud, expected->serial_baud) &&
                same_number("GIC", gic, expected->gic) &&
                same_range("distributor", irqc->distributor, expected->distributor) &&
                same_range("CPU interface", irqc->cpu_interface, expected->cpu_interface) &&
                same_number("regions", irqc->redistributor_count, expected->redistributor_count) &&
                same_number("stride", irqc->redistributor_stride, expected->redistributor_stride) &&
                same_interrupt("physical timer", board->timer.physical, expected->timer_physical) &&
                same_interrupt("virtual timer", board->timer.virtual, expected->timer_virtual) &&
                same_number("timer clock", board->timer.clock_hz, expected->timer_hz) &&
                same_range("GPIO", board->bcm_gpio, expected->bcm_gpio) &&
                same_range("watchdog", board->bcm_watchdog, expected->bcm_watchdog);
    for (uint32_t i = 0; same && i < irqc->redistributor_count; i++) {
        same = same_range("redistributors", irqc->redistributor[i], expected->redistributor[i]);
    }
    return same;
}

static enum compare_result compare_machine(const void *blob, size_t size) {
    static struct board board;
    static struct oracle_board expected;
    enum dt_status status = fdt_read_board(blob, size, &board);
    const char *problem = oracle_board(blob, &expected);
    if (status != DT_OK && problem != NULL) {
        different("%s/%s: %s; libfdt: %s", board.problem_node, board.problem_property,
                  dt_status_name(status), problem);
        return COMPARE_MACHINE_VIOLATION;
    }
    if (status != DT_OK) {
        different("%s/%s: %s, but by libfdt it is a machine", board.problem_node,
                  board.problem_property, dt_status_name(status));
        return COMPARE_DIFFERENT;
    }
    if (problem != NULL) {
        different("read as a machine, but by libfdt: %s", problem);
        return COMPARE_DIFFERENT;
    }
    if (strcmp(board.model, expected.model) != 0 || strcmp(board.args, expected.args) != 0) {
        different("model or arguments: \"%s\" \"%s\", libfdt \"%s\" \"%s\"", board.model,
                  board.args, expected.model, expected.args);
        return COMPARE_DIFFERENT;
    }
    bool same = same_memory(&board, &expected) && same_pes(&board, &expected) &&
                same_devices(&board, &expected);
    return same ? COMPARE_BOTH_ACCEPT : COMPARE_DIFFERENT;
}

enum compare_result compare_blob(const void *blob, size_t size, bool deep) {
    struct dt tree;
    enum dt_status status = dt_open(&tree, blob, size);
    message[0] = 0;
    if (!oracle_accepts(blob, size)) {
        different("%s", dt_status_name(status));
        if (status != DT_OK) {
            return COMPARE_BOTH_REJECT;
        }
        different("accepted, but fdt_check_full refuses it");
        return COMPARE_DIFFERENT;
    }
    const char *violation = oracle_violation(blob);
    if (status != DT_OK) {
        different("%s; by the specification: %s", dt_status_name(status),
                  violation == NULL ? "nothing wrong" : violation);
        return violation == NULL ? COMPARE_DIFFERENT : COMPARE_TREE_VIOLATION;
    }
    if (violation != NULL) {
        different("accepted, but by the specification: %s", violation);
        return COMPARE_DIFFERENT;
    }
    if (!same_nodes(&tree, deep) || !same_reservations(&tree)) {
        return COMPARE_DIFFERENT;
    }
    return compare_machine(blob, size);
}

void *compare_load(const char *path, size_t *size) {
    struct stat status;
    FILE *file = fopen(path, "rb");
    if (file == NULL || stat(path, &status) != 0 || status.st_size <= 0 ||
        status.st_size > TREE_BYTES_MAX) {
        fprintf(stderr, "cannot read %s\n", path);
        abort();
    }
    *size = (size_t)status.st_size;
    void *blob = malloc(*size);
    if (blob == NULL || fread(blob, 1, *size, file) != *size) {
        fprintf(stderr, "cannot read %s\n", path);
        abort();
    }
    fclose(file);
    return blob;
}
