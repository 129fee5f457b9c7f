// SPDX-License-Identifier: BSD-2-Clause
// Board: memory banks, reserved memory, the RAM disk and the boot arguments.
#include <board.h>

#include "board_read.h"

// A path that is a string literal.
#define BY_PATH(tree, path, node) dt_by_path(tree, path, sizeof(path) - 1, node)

static bool has_device_type(const struct dt *tree, dt_node_t node, const char *type) {
    struct dt_property property;
    const char *value;
    return dt_property(tree, node, "device_type", &property) &&
           dt_string(&property, 0, &value) == DT_OK && dt_equal(value, type);
}

static void add_bank(struct board *board, struct board_range bank) {
    board->memory_listed++;
    if (board->memory_count == BOARD_MAX_MEMORY) {
        board->truncated |= BOARD_TRUNCATED_MEMORY;
        return;
    }
    board->memory[board->memory_count++] = bank;
}

static enum dt_status add_reserved(struct board *board, uint64_t base, uint64_t size, bool no_map) {
    if (size == 0) {
        return DT_OK;
    }
    if (size > UINT64_MAX - base) {
        return DT_BAD_VALUE;
    }
    if (board->reserved_count == BOARD_MAX_RESERVED) {
        return DT_TOO_MANY;
    }
    board->reserved[board->reserved_count++] = (struct board_reserved){
        .range = {.base = PADDR(base), .size = size},
        .no_map = no_map,
    };
    return DT_OK;
}

// Calls it an end, and no problem, when the list of `reg` is through.
static enum dt_status next_range(struct board_reader *reader, dt_node_t node, uint32_t index,
                                 uint64_t *base, uint64_t *size) {
    enum dt_status status = dt_reg_translated(&reader->tree, node, index, base, size);
    return status == DT_NOT_FOUND ? status : board_problem(reader, node, "reg", status);
}

static enum dt_status read_memory_node(struct board_reader *reader, dt_node_t node) {
    uint64_t base = 0;
    uint64_t size = 0;
    for (uint32_t i = 0;; i++) {
        enum dt_status status = next_range(reader, node, i, &base, &size);
        if (status != DT_OK) {
            return status == DT_NOT_FOUND ? DT_OK : status;
        }
        if (size != 0) { // firmware fills in what is fitted; slots without memory keep size 0
            add_bank(reader->board, (struct board_range){.base = PADDR(base), .size = size});
        }
    }
}

enum dt_status board_read_memory(struct board_reader *reader) {
    const struct dt *tree = &reader->tree;
    dt_node_t node;
    for (bool more = dt_first_child(tree, dt_root(tree), &node); more;
         more = dt_next_sibling(tree, &node)) {
        if (!has_device_type(tree, node, "memory") || !dt_is_available(tree, node)) {
            continue;
        }
        enum dt_status status = read_memory_node(reader, node);
        if (status != DT_OK) {
            return status;
        }
    }
    return DT_OK;
}

// A child without `reg` asks the operating system to place it somewhere: nothing is reserved yet.
static enum dt_status read_reserved_node(struct board_reader *reader, dt_node_t node) {
    struct dt_property property;
    bool no_map = dt_property(&reader->tree, node, "no-map", &property);
    uint64_t base = 0;
    uint64_t size = 0;
    for (uint32_t i = 0;; i++) {
        enum dt_status status = next_range(reader, node, i, &base, &size);
        if (status != DT_OK) {
            return status == DT_NOT_FOUND ? DT_OK : status;
        }
        status = add_reserved(reader->board, base, size, no_map);
        if (status != DT_OK) {
            return board_problem(reader, node, "reg", status);
        }
    }
}

enum dt_status board_read_reserved(struct board_reader *reader) {
    const struct dt *tree = &reader->tree;
    uint64_t base;
    uint64_t size;
    for (uint32_t i = 0; dt_reserve_entry(tree, i, &base, &size); i++) {
        enum dt_status status = add_reserved(reader->board, base, size, false);
        if (status != DT_OK) {
            return board_problem(reader, dt_root(tree), "/memreserve/", status);
        }
    }
    dt_node_t node;
    if (BY_PATH(tree, "/reserved-memory", &node) != DT_OK) {
        return DT_OK;
    }
    for (bool more = dt_first_child(tree, node, &node); more; more = dt_next_sibling(tree, &node)) {
        if (!dt_is_available(tree, node)) {
            continue;
        }
        enum dt_status status = read_reserved_node(reader, node);
        if (status != DT_OK) {
            return status;
        }
    }
    return DT_OK;
}

// A string that may be absent or empty; then *value stays as it is.
static enum dt_status optional_string(struct board_reader *reader, dt_node_t node, const char *name,
                                      const char **value) {
    struct dt_property property;
    if (!dt_property(&reader->tree, node, name, &property) || property.length == 0) {
        return DT_OK;
    }
    return board_problem(reader, node, name, dt_string(&property, 0, value));
}

enum dt_status board_read_chosen(struct board_reader *reader) {
    const struct dt *tree = &reader->tree;
    enum dt_status status = optional_string(reader, dt_root(tree), "model", &reader->board->model);
    dt_node_t chosen;
    if (status != DT_OK || BY_PATH(tree, "/chosen", &chosen) != DT_OK) {
        return status;
    }
    return optional_string(reader, chosen, "bootargs", &reader->board->args);
}

// An address that firmware writes with one cell or with two.
static enum dt_status read_address(struct board_reader *reader, dt_node_t node, const char *name,
                                   uint64_t *address) {
    struct dt_property property;
    if (!dt_property(&reader->tree, node, name, &property)) {
        return DT_NOT_FOUND;
    }
    if (property.length != 4 && property.length != 8) {
        return board_problem(reader, node, name, DT_BAD_LENGTH);
    }
    return dt_cells(&property, 0, property.length / 4, address);
}

enum dt_status board_read_ramdisk(struct board_reader *reader) {
    dt_node_t chosen;
    if (BY_PATH(&reader->tree, "/chosen", &chosen) != DT_OK) {
        return DT_OK;
    }
    uint64_t start = 0;
    uint64_t end = 0;
    enum dt_status status = read_address(reader, chosen, "linux,initrd-start", &start);
    if (status != DT_OK) {
        return status == DT_NOT_FOUND ? DT_OK : status;
    }
    status = read_address(reader, chosen, "linux,initrd-end", &end);
    if (status == DT_OK && end < start) {
        status = DT_BAD_VALUE;
    }
    if (status != DT_OK) {
        return board_problem(reader, chosen, "linux,initrd-end", status);
    }
    if (end > start) {
        reader->board->ramdisk = (struct board_range){.base = PADDR(start), .size = end - start};
    }
    return DT_OK;
}
