// SPDX-License-Identifier: BSD-2-Clause
// Board: the PEs and how each is started.
#include <board.h>

#include "board_read.h"

// Affinity fields of MPIDR_EL1: Aff3 in bits 39:32, Aff2 to Aff0 in bits 23:0.
#define MPIDR_AFFINITY UINT64_C(0xff00ffffff)

static bool string_is(const struct dt *tree, dt_node_t node, const char *name, const char *value) {
    struct dt_property property;
    const char *string;
    return dt_property(tree, node, name, &property) && dt_string(&property, 0, &string) == DT_OK &&
           dt_equal(string, value);
}

static enum dt_status read_psci(struct board_reader *reader) {
    // 0.1 ("arm,psci") has no fixed function numbers and no SYSTEM_OFF: it counts as absent.
    dt_node_t node = board_find_device(reader, "arm,psci-1.0");
    if (!board_is_device(reader, node)) {
        node = board_find_device(reader, "arm,psci-0.2");
    }
    if (!board_is_device(reader, node)) {
        return DT_OK;
    }
    if (string_is(&reader->tree, node, "method", "hvc")) {
        reader->board->psci = BOARD_PSCI_HVC;
    } else if (string_is(&reader->tree, node, "method", "smc")) {
        reader->board->psci = BOARD_PSCI_SMC;
    } else {
        return board_problem(reader, node, "method", DT_BAD_VALUE);
    }
    return DT_OK;
}

// What all PEs have in common may stand in /cpus.
static bool find_enable_method(const struct dt *tree, dt_node_t cpus, dt_node_t node,
                               struct dt_property *method) {
    return dt_property(tree, node, "enable-method", method) ||
           dt_property(tree, cpus, "enable-method", method);
}

static enum dt_status read_release_address(struct board_reader *reader, dt_node_t node,
                                           struct board_pe *pe) {
    struct dt_property property;
    uint64_t address = 0;
    enum dt_status status = DT_NOT_FOUND;
    if (dt_property(&reader->tree, node, "cpu-release-addr", &property)) {
        status = property.length == 4 || property.length == 8
                     ? dt_cells(&property, 0, property.length / 4, &address)
                     : DT_BAD_LENGTH;
    }
    if (status == DT_OK && !IS_ALIGNED(address, 8)) {
        status = DT_BAD_VALUE; // the store of the entry address would not be single-copy atomic
    }
    pe->release = PADDR(address);
    return board_problem(reader, node, "cpu-release-addr", status);
}

static enum dt_status read_start(struct board_reader *reader, dt_node_t cpus, dt_node_t node,
                                 struct board_pe *pe) {
    struct dt_property method;
    uint32_t index;
    if (!find_enable_method(&reader->tree, cpus, node, &method)) {
        return DT_OK;
    }
    if (dt_string_index(&method, "psci", &index) == DT_OK) {
        if (reader->board->psci != BOARD_PSCI_NONE) {
            pe->start = BOARD_PE_START_PSCI;
        }
        return DT_OK;
    }
    if (dt_string_index(&method, "spin-table", &index) == DT_OK) {
        pe->start = BOARD_PE_START_SPIN_TABLE;
        return read_release_address(reader, node, pe);
    }
    return DT_OK;
}

static enum dt_status read_mpidr(struct board_reader *reader, dt_node_t node, struct board_pe *pe) {
    uint64_t no_size;
    enum dt_status status = dt_reg(&reader->tree, node, 0, &pe->mpidr, &no_size);
    if (status == DT_OK && (pe->mpidr & ~MPIDR_AFFINITY) != 0) {
        status = DT_BAD_VALUE;
    }
    return board_problem(reader, node, "reg", status);
}

static enum dt_status read_pe(struct board_reader *reader, dt_node_t cpus, dt_node_t node) {
    struct board *board = reader->board;
    struct board_pe pe = {0};
    enum dt_status status = read_mpidr(reader, node, &pe);
    if (status == DT_OK) {
        status = read_start(reader, cpus, node, &pe);
    }
    if (status != DT_OK) {
        return status;
    }
    // For a PE, "disabled" means off until its enable-method starts it; "fail" means broken.
    if (!dt_is_available(&reader->tree, node) &&
        (pe.start == BOARD_PE_START_NONE ||
         !string_is(&reader->tree, node, "status", "disabled"))) {
        return DT_OK;
    }
    board->pes_listed++;
    if (board->pe_count == BOARD_MAX_PES) {
        board->truncated |= BOARD_TRUNCATED_PES;
        return DT_OK;
    }
    board->pe[board->pe_count++] = pe;
    return DT_OK;
}

enum dt_status board_read_pes(struct board_reader *reader) {
    const struct dt *tree = &reader->tree;
    enum dt_status status = read_psci(reader);
    dt_node_t cpus;
    if (status != DT_OK || dt_by_path(tree, "/cpus", sizeof("/cpus") - 1, &cpus) != DT_OK) {
        return status;
    }
    dt_node_t node;
    for (bool more = dt_first_child(tree, cpus, &node); more; more = dt_next_sibling(tree, &node)) {
        if (!string_is(tree, node, "device_type", "cpu")) {
            continue; // cpu-map, caches, idle states
        }
        status = read_pe(reader, cpus, node);
        if (status != DT_OK) {
            return status;
        }
    }
    return DT_OK;
}
