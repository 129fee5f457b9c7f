// SPDX-License-Identifier: BSD-2-Clause
// The oracle's addresses and interrupts.
#include "oracle_bus.h"

#include <libfdt.h>
#include <string.h>

uint64_t oracle_number(const uint8_t *bytes, int cells) {
    uint64_t value = 0;
    for (int i = 0; i < cells * 4; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

const char *oracle_string(const void *fdt, int node, const char *name) {
    return fdt_stringlist_get(fdt, node, name, 0, NULL);
}

bool oracle_available(const void *fdt, int node) {
    if (fdt_getprop(fdt, node, "status", NULL) == NULL) {
        return true;
    }
    const char *status = oracle_string(fdt, node, "status");
    return status != NULL && (strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0);
}

bool oracle_compatible(const void *fdt, int node, const char *compatible) {
    return fdt_stringlist_search(fdt, node, "compatible", compatible) >= 0;
}

int oracle_find_device(const void *fdt, const char *compatible) {
    int node = fdt_next_node(fdt, 0, NULL);
    while (node >= 0 &&
           !(oracle_compatible(fdt, node, compatible) && oracle_available(fdt, node))) {
        node = fdt_next_node(fdt, node, NULL);
    }
    return node;
}

// ---- Addresses

static bool plain_bus(const void *fdt, int bus, int *address_cells, int *size_cells) {
    *address_cells = fdt_address_cells(fdt, bus);
    *size_cells = fdt_size_cells(fdt, bus);
    return *address_cells >= 1 && *address_cells <= 2 && *size_cells >= 0 && *size_cells <= 2;
}

// From `bus` up to the root, one level a call.
static const char *translate(const void *fdt, int bus, struct oracle_range *range) {
    int parent = fdt_parent_offset(fdt, bus);
    if (parent < 0) {
        return range->base + range->size < range->base ? "an address range wraps" : NULL;
    }
    int length;
    const uint8_t *ranges = fdt_getprop(fdt, bus, "ranges", &length);
    if (ranges == NULL) {
        return "no ranges";
    }
    if (length == 0) {
        return translate(fdt, parent, range);
    }
    int child_cells;
    int size_cells;
    int parent_cells;
    int unused;
    if (!plain_bus(fdt, bus, &child_cells, &size_cells) ||
        !plain_bus(fdt, parent, &parent_cells, &unused)) {
        return "cells of a bus";
    }
    int entry = 4 * (child_cells + parent_cells + size_cells);
    if (length % entry != 0) {
        return "length of ranges";
    }
    for (const uint8_t *at = ranges; at < ranges + length; at += entry) {
        uint64_t child = oracle_number(at, child_cells);
        uint64_t above = oracle_number(at + (size_t)4 * child_cells, parent_cells);
        uint64_t size = oracle_number(at + entry - (size_t)4 * size_cells, size_cells);
        // Exact in 128 bits: the first and the last byte lie in the entry.
        unsigned __int128 first = range->base;
        unsigned __int128 end = first + range->size;
        unsigned __int128 limit = (unsigned __int128)child + size;
        if (first >= child && first < limit && end <= limit) {
            if (first - child + above > UINT64_MAX) {
                return "a translated address wraps";
            }
            range->base = (uint64_t)(first - child + above);
            return translate(fdt, parent, range);
        }
    }
    return "an address in no range";
}

// *found is false beyond the last entry, or without reg.
const char *oracle_reg(const void *fdt, int node, int index, bool translated, bool *found,
                       struct oracle_range *range) {
    int length;
    const uint8_t *data = fdt_getprop(fdt, node, "reg", &length);
    *found = false;
    if (data == NULL) {
        return NULL;
    }
    int bus = fdt_parent_offset(fdt, node);
    int address_cells;
    int size_cells;
    if (!plain_bus(fdt, bus, &address_cells, &size_cells)) {
        return "cells of a bus";
    }
    int entry = 4 * (address_cells + size_cells);
    if (length % entry != 0) {
        return "length of reg";
    }
    if (index >= length / entry) {
        return NULL;
    }
    *found = true;
    data += (size_t)index * (size_t)entry;
    range->base = oracle_number(data, address_cells);
    range->size = oracle_number(data + (size_t)4 * address_cells, size_cells);
    return translated ? translate(fdt, bus, range) : NULL;
}

const char *oracle_registers(const void *fdt, int node, int index, struct oracle_range *range) {
    bool found;
    CHECK(oracle_reg(fdt, node, index, true, &found, range));
    return !found || range->size == 0 ? "registers missing or empty" : NULL;
}

// ---- Interrupts

static const char *controller_cells(const void *fdt, int controller, int *cells) {
    int length;
    const uint8_t *data = fdt_getprop(fdt, controller, "#interrupt-cells", &length);
    if (fdt_getprop(fdt, controller, "interrupt-controller", NULL) == NULL) {
        return "interrupt parent that is no controller";
    }
    if (data == NULL || length != 4 || oracle_number(data, 1) == 0 || oracle_number(data, 1) > 4) {
        return "#interrupt-cells";
    }
    *cells = (int)oracle_number(data, 1);
    return NULL;
}

static const char *interrupt_parent(const void *fdt, int node, int *controller) {
    for (int steps = 0; steps < 32; steps++) {
        int length;
        const uint8_t *data = fdt_getprop(fdt, node, "interrupt-parent", &length);
        if (data != NULL) {
            if (length != 4) {
                return "length of interrupt-parent";
            }
            node = fdt_node_offset_by_phandle(fdt, (uint32_t)oracle_number(data, 1));
        } else {
            node = fdt_parent_offset(fdt, node);
        }
        if (node < 0) {
            return "no interrupt parent";
        }
        if (fdt_getprop(fdt, node, "#interrupt-cells", NULL) != NULL) {
            *controller = node;
            return NULL;
        }
    }
    return "a circle of interrupt parents";
}

static const char *decode(const uint8_t *specifier, int cells, struct oracle_interrupt *interrupt) {
    if (cells < 3) {
        return "an interrupt specifier too short for a GIC";
    }
    uint64_t kind = oracle_number(specifier, 1);
    uint64_t n = oracle_number(specifier + 4, 1);
    if (kind > 1 || (kind == 0 && n >= 988) || (kind == 1 && n >= 16)) {
        return "no such interrupt";
    }
    interrupt->present = true;
    interrupt->intid = (uint32_t)n + (kind == 0 ? 32 : 16);
    interrupt->edge = (specifier[11] & 3) != 0;
    return NULL;
}

static const char *extended(const void *fdt, const uint8_t *data, int length, int index, int gic,
                            struct oracle_interrupt *out) {
    if (length % 4 != 0) {
        return "length of interrupts-extended";
    }
    const uint8_t *end = data + length;
    while (data < end) {
        int controller = fdt_node_offset_by_phandle(fdt, (uint32_t)oracle_number(data, 1));
        int cells;
        if (controller < 0) {
            return "phandle in interrupts-extended";
        }
        CHECK(controller_cells(fdt, controller, &cells));
        data += 4;
        if (index == 0) {
            if (end - data < (ptrdiff_t)4 * cells) {
                return "interrupts-extended cut short";
            }
            return controller == gic ? decode(data, cells, out) : NULL;
        }
        index--;
        data += (ptrdiff_t)4 * cells;
    }
    return NULL;
}

const char *oracle_interrupt(const void *fdt, int node, int index, int gic,
                             struct oracle_interrupt *out) {
    int length;
    const uint8_t *data = fdt_getprop(fdt, node, "interrupts-extended", &length);
    if (data != NULL) {
        return extended(fdt, data, length, index, gic, out);
    }
    data = fdt_getprop(fdt, node, "interrupts", &length);
    if (data == NULL) {
        return NULL;
    }
    int controller = -1;
    int cells = 0;
    CHECK(interrupt_parent(fdt, node, &controller));
    CHECK(controller_cells(fdt, controller, &cells));
    if (length % (4 * cells) != 0) {
        return "length of interrupts";
    }
    if (index >= length / 4 / cells || controller != gic) {
        return NULL;
    }
    return decode(data + (size_t)index * 4 * (size_t)cells, cells, out);
}
