// SPDX-License-Identifier: BSD-2-Clause
// Device tree: what a bus and an interrupt tree add to a node. Addresses in `reg`, their way up
// through `ranges`, and interrupt specifiers.
#include <base.h>
#include <fdt.h>

#include "fdt_token.h"

#define CELLS_MAX 4
#define DEFAULT_ADDRESS_CELLS 2 // Devicetree Specification, "#address-cells and #size-cells"
#define DEFAULT_SIZE_CELLS 1

// Steps from an interrupt parent to the next until one is a controller. Trees nest far less deep; a
// circle of interrupt-parent properties ends here.
#define INTERRUPT_PARENTS_MAX 32

static enum dt_status cells_or(const struct dt *tree, dt_node_t node, const char *name,
                               uint32_t otherwise, uint32_t *cells) {
    enum dt_status status = dt_u32(tree, node, name, cells);
    if (status == DT_NOT_FOUND) {
        *cells = otherwise;
        return DT_OK;
    }
    return status == DT_OK && *cells > CELLS_MAX ? DT_BAD_CELLS : status;
}

enum dt_status dt_bus_cells(const struct dt *tree, dt_node_t bus, uint32_t *address_cells,
                            uint32_t *size_cells) {
    enum dt_status status =
        cells_or(tree, bus, "#address-cells", DEFAULT_ADDRESS_CELLS, address_cells);
    if (status != DT_OK) {
        return status;
    }
    return cells_or(tree, bus, "#size-cells", DEFAULT_SIZE_CELLS, size_cells);
}

// The cells of a bus whose addresses and sizes are plain numbers of at most 64 bits.
static enum dt_status plain_cells(const struct dt *tree, dt_node_t bus, uint32_t *address_cells,
                                  uint32_t *size_cells) {
    enum dt_status status = dt_bus_cells(tree, bus, address_cells, size_cells);
    if (status != DT_OK) {
        return status;
    }
    return *address_cells == 0 || *address_cells > 2 || *size_cells > 2 ? DT_BAD_CELLS : DT_OK;
}

// `reg` and the cells of its entries. The root has no bus above it and so no reg.
static enum dt_status find_reg(const struct dt *tree, dt_node_t node, struct dt_property *reg,
                               uint32_t *address_cells, uint32_t *size_cells) {
    dt_node_t bus;
    if (!dt_property(tree, node, "reg", reg) || !dt_parent(tree, node, &bus)) {
        return DT_NOT_FOUND;
    }
    enum dt_status status = plain_cells(tree, bus, address_cells, size_cells);
    if (status != DT_OK) {
        return status;
    }
    return reg->length % (4 * (*address_cells + *size_cells)) == 0 ? DT_OK : DT_BAD_LENGTH;
}

enum dt_status dt_reg_count(const struct dt *tree, dt_node_t node, uint32_t *count) {
    struct dt_property reg;
    uint32_t address_cells;
    uint32_t size_cells;
    enum dt_status status = find_reg(tree, node, &reg, &address_cells, &size_cells);
    if (status == DT_OK) {
        *count = reg.length / (4 * (address_cells + size_cells));
    }
    return status;
}

enum dt_status dt_reg(const struct dt *tree, dt_node_t node, uint32_t index, uint64_t *address,
                      uint64_t *size) {
    struct dt_property reg;
    uint32_t address_cells;
    uint32_t size_cells;
    enum dt_status status = find_reg(tree, node, &reg, &address_cells, &size_cells);
    if (status != DT_OK) {
        return status;
    }
    uint32_t entry_cells = address_cells + size_cells;
    if (index >= reg.length / 4 / entry_cells) {
        return DT_NOT_FOUND;
    }
    status = dt_cells(&reg, index * entry_cells, address_cells, address);
    if (status != DT_OK) {
        return status;
    }
    return dt_cells(&reg, index * entry_cells + address_cells, size_cells, size);
}

// One entry of `ranges`: addresses [child, child + length) of a bus are [parent, ...) one bus up.
struct range {
    uint64_t child;
    uint64_t parent;
    uint64_t length;
};

static enum dt_status read_range(const struct dt_property *ranges, uint32_t first,
                                 const uint32_t cells[3], struct range *range) {
    enum dt_status status = dt_cells(ranges, first, cells[0], &range->child);
    if (status != DT_OK) {
        return status;
    }
    status = dt_cells(ranges, first + cells[0], cells[1], &range->parent);
    if (status != DT_OK) {
        return status;
    }
    return dt_cells(ranges, first + cells[0] + cells[1], cells[2], &range->length);
}

// One step: from an address on `bus` to an address on the bus above it, `parent`.
static enum dt_status translate_once(const struct dt *tree, dt_node_t bus, dt_node_t parent,
                                     uint64_t *address, uint64_t size) {
    struct dt_property ranges;
    if (!dt_property(tree, bus, "ranges", &ranges)) {
        return DT_NOT_TRANSLATABLE; // without it the buses share no addresses at all
    }
    if (ranges.length == 0) {
        return DT_OK; // they share all of them
    }
    uint32_t cells[3]; // of the child address, the parent address and the length
    uint32_t unused;
    enum dt_status status = plain_cells(tree, bus, &cells[0], &cells[2]);
    if (status != DT_OK) {
        return status;
    }
    status = plain_cells(tree, parent, &cells[1], &unused);
    if (status != DT_OK) {
        return status;
    }
    uint32_t entry_cells = cells[0] + cells[1] + cells[2];
    if (ranges.length % (4 * entry_cells) != 0) {
        return DT_BAD_LENGTH;
    }
    for (uint32_t at = 0; at < ranges.length / 4; at += entry_cells) {
        struct range range;
        status = read_range(&ranges, at, cells, &range);
        if (status != DT_OK) {
            return status;
        }
        uint64_t offset = *address - range.child;
        if (*address < range.child || offset >= range.length || size > range.length - offset) {
            continue;
        }
        if (offset > UINT64_MAX - range.parent) {
            return DT_NOT_TRANSLATABLE;
        }
        *address = range.parent + offset;
        return DT_OK;
    }
    return DT_NOT_TRANSLATABLE;
}

enum dt_status dt_reg_translated(const struct dt *tree, dt_node_t node, uint32_t index,
                                 uint64_t *address, uint64_t *size) {
    enum dt_status status = dt_reg(tree, node, index, address, size);
    if (status != DT_OK) {
        return status;
    }
    dt_node_t bus;
    dt_node_t parent;
    bool below_root = dt_parent(tree, node, &bus);
    while (below_root && dt_parent(tree, bus, &parent)) {
        status = translate_once(tree, bus, parent, address, *size);
        if (status != DT_OK) {
            return status;
        }
        bus = parent;
    }
    return *size > UINT64_MAX - *address ? DT_NOT_TRANSLATABLE : DT_OK;
}

// ---- Interrupts

// Fills in the controller and its number of cells.
static enum dt_status use_controller(const struct dt *tree, dt_node_t controller,
                                     struct dt_interrupt *interrupt) {
    struct dt_property property;
    if (!dt_property(tree, controller, "interrupt-controller", &property)) {
        return DT_BAD_INTERRUPT;
    }
    interrupt->controller = controller;
    enum dt_status status = dt_u32(tree, controller, "#interrupt-cells", &interrupt->cells);
    if (status == DT_NOT_FOUND || interrupt->cells == 0 ||
        interrupt->cells > DT_INTERRUPT_CELLS_MAX) {
        return status == DT_BAD_LENGTH ? status : DT_BAD_CELLS;
    }
    return status;
}

// Devicetree Specification, "Interrupts and Interrupt Mapping": a node's interrupt parent is named
// by its interrupt-parent, else it is the parent in the tree; nodes that say nothing about
// interrupts are passed through.
static enum dt_status find_controller(const struct dt *tree, dt_node_t node,
                                      struct dt_interrupt *interrupt) {
    for (int steps = 0; steps < INTERRUPT_PARENTS_MAX; steps++) {
        uint32_t phandle;
        enum dt_status status = dt_u32(tree, node, "interrupt-parent", &phandle);
        if (status == DT_OK) {
            status = dt_by_phandle(tree, phandle, &node);
        } else if (status == DT_NOT_FOUND) {
            status = dt_parent(tree, node, &node) ? DT_OK : DT_BAD_INTERRUPT;
        }
        if (status != DT_OK) {
            return status;
        }
        struct dt_property property;
        if (dt_property(tree, node, "#interrupt-cells", &property)) {
            return use_controller(tree, node, interrupt);
        }
    }
    return DT_BAD_INTERRUPT;
}

// Copies the specifier of interrupt->cells cells that begins at cell `first`.
static enum dt_status read_specifier(const struct dt_property *property, uint32_t first,
                                     struct dt_interrupt *interrupt) {
    for (uint32_t i = 0; i < interrupt->cells; i++) {
        uint64_t cell;
        enum dt_status status = dt_cells(property, first + i, 1, &cell);
        if (status != DT_OK) {
            return status;
        }
        interrupt->cell[i] = (uint32_t)cell;
    }
    return DT_OK;
}

// `interrupts-extended`: each specifier has its own controller, and so its own length.
static enum dt_status extended_interrupt(const struct dt *tree, const struct dt_property *extended,
                                         uint32_t index, struct dt_interrupt *interrupt) {
    if (extended->length % 4 != 0) {
        return DT_BAD_LENGTH;
    }
    uint32_t at = 0;
    while (at < extended->length / 4) {
        uint64_t phandle;
        dt_node_t controller;
        enum dt_status status = dt_cells(extended, at, 1, &phandle);
        if (status == DT_OK) {
            status = dt_by_phandle(tree, (uint32_t)phandle, &controller);
        }
        if (status == DT_OK) {
            status = use_controller(tree, controller, interrupt);
        }
        if (status != DT_OK) {
            return status;
        }
        if (index-- == 0) {
            return read_specifier(extended, at + 1, interrupt);
        }
        at += 1 + interrupt->cells;
    }
    return DT_NOT_FOUND;
}

enum dt_status dt_interrupt(const struct dt *tree, dt_node_t node, uint32_t index,
                            struct dt_interrupt *interrupt) {
    struct dt_property property;
    *interrupt = (struct dt_interrupt){0};
    if (dt_property(tree, node, "interrupts-extended", &property)) {
        return extended_interrupt(tree, &property, index, interrupt);
    }
    if (!dt_property(tree, node, "interrupts", &property)) {
        return DT_NOT_FOUND;
    }
    enum dt_status status = find_controller(tree, node, interrupt);
    if (status != DT_OK) {
        return status;
    }
    if (property.length % (4 * interrupt->cells) != 0) {
        return DT_BAD_LENGTH;
    }
    if (index >= property.length / 4 / interrupt->cells) {
        return DT_NOT_FOUND;
    }
    return read_specifier(&property, index * interrupt->cells, interrupt);
}
