// SPDX-License-Identifier: BSD-2-Clause
// The oracle's machine: the rules of include/board.h, put once more, in terms of libfdt.
#include "oracle_bus.h"

#include <libfdt.h>
#include <stdio.h>
#include <string.h>

static int find_gic(const void *fdt, struct oracle_board *board) {
    int node = oracle_find_device(fdt, "arm,gic-v3");
    board->gic = node >= 0 ? 3 : 0;
    if (node < 0) {
        node = oracle_find_device(fdt, "arm,gic-400");
        if (node < 0) {
            node = oracle_find_device(fdt, "arm,cortex-a15-gic");
        }
        board->gic = node >= 0 ? 2 : 0;
    }
    return node;
}

// libfdt follows aliases of aliases, and trusts their strings; the kernel's reader does neither.
static int stdout_node(const void *fdt, const char *path, size_t length) {
    if (length == 0 || path[0] == '/') {
        return length == 0 ? -1 : fdt_path_offset_namelen(fdt, path, (int)length);
    }
    const char *slash = memchr(path, '/', length);
    size_t alias_length = slash == NULL ? length : (size_t)(slash - path);
    char alias[64];
    int aliases = fdt_path_offset(fdt, "/aliases");
    if (aliases < 0 || alias_length >= sizeof(alias)) {
        return -1;
    }
    memcpy(alias, path, alias_length);
    alias[alias_length] = 0;
    const char *target = oracle_string(fdt, aliases, alias);
    char full[256];
    if (target == NULL || target[0] != '/' ||
        strlen(target) + (length - alias_length) >= sizeof(full)) {
        return -1;
    }
    snprintf(full, sizeof(full), "%s%.*s", target, (int)(length - alias_length),
             path + alias_length);
    return fdt_path_offset(fdt, full);
}

static int chosen_serial(const void *fdt, struct oracle_board *board) {
    int chosen = fdt_path_offset(fdt, "/chosen");
    const char *path = chosen < 0 ? NULL : oracle_string(fdt, chosen, "stdout-path");
    if (path == NULL) {
        return -1;
    }
    size_t length = strcspn(path, ":");
    int node = stdout_node(fdt, path, length);
    if (node < 0 || !oracle_compatible(fdt, node, "arm,pl011")) {
        return -1;
    }
    size_t digits = strspn(path + length + (path[length] == ':'), "0123456789");
    if (path[length] == ':' && digits > 0 && digits < 20) {
        uint64_t baud = 0;
        for (size_t i = 0; i < digits; i++) {
            baud = baud * 10 + (uint64_t)(path[length + 1 + i] - '0');
        }
        board->serial_baud = baud == 0 || baud > UINT32_MAX ? 115200 : (uint32_t)baud;
    }
    return node;
}

static uint32_t serial_clock(const void *fdt, int node) {
    int length;
    const uint8_t *clocks = fdt_getprop(fdt, node, "clocks", &length);
    int clock = clocks == NULL || length < 4
                    ? -1
                    : fdt_node_offset_by_phandle(fdt, (uint32_t)oracle_number(clocks, 1));
    uint32_t hz = 0;
    if (clock >= 0 && oracle_compatible(fdt, clock, "fixed-clock")) {
        const uint8_t *rate = fdt_getprop(fdt, clock, "clock-frequency", &length);
        hz = rate != NULL && length == 4 ? (uint32_t)oracle_number(rate, 1) : 0;
    }
    bool bcm2711 = oracle_compatible(fdt, 0, "brcm,bcm2711");
    return hz == 0 && bcm2711 ? 48000000 : hz;
}

static const char *serial(const void *fdt, int gic, struct oracle_board *board) {
    board->serial_baud = 115200;
    int node = chosen_serial(fdt, board);
    board->serial_chosen = node >= 0;
    if (node < 0) {
        node = oracle_find_device(fdt, "arm,pl011");
    }
    if (node < 0) {
        return NULL;
    }
    board->serial = true;
    CHECK(oracle_registers(fdt, node, 0, &board->serial_registers));
    board->serial_clock = serial_clock(fdt, node);
    return oracle_interrupt(fdt, node, 0, gic, &board->serial_interrupt);
}

static const char *optional_string(const void *fdt, int node, const char *name,
                                   const char **value) {
    int length;
    const char *data = fdt_getprop(fdt, node, name, &length);
    *value = "";
    if (data == NULL || length == 0) {
        return NULL;
    }
    if (memchr(data, 0, (size_t)length) == NULL) {
        return "a string without end";
    }
    *value = data;
    return NULL;
}

// *present is false if there is no such property.
static const char *address_property(const void *fdt, int node, const char *name, bool *present,
                                    uint64_t *value) {
    int length;
    const uint8_t *data = fdt_getprop(fdt, node, name, &length);
    *present = data != NULL;
    if (data != NULL && length != 4 && length != 8) {
        return "length of an address";
    }
    *value = data == NULL ? 0 : oracle_number(data, length / 4);
    return NULL;
}

static const char *chosen(const void *fdt, struct oracle_board *board) {
    board->args = "";
    CHECK(optional_string(fdt, 0, "model", &board->model));
    int node = fdt_path_offset(fdt, "/chosen");
    if (node < 0) {
        return NULL;
    }
    CHECK(optional_string(fdt, node, "bootargs", &board->args));
    bool has_start;
    bool has_end;
    uint64_t start;
    uint64_t end;
    CHECK(address_property(fdt, node, "linux,initrd-start", &has_start, &start));
    if (!has_start) {
        return NULL;
    }
    CHECK(address_property(fdt, node, "linux,initrd-end", &has_end, &end));
    if (!has_end || end < start) {
        return "RAM disk without end";
    }
    if (end > start) {
        board->ramdisk = (struct oracle_range){.base = start, .size = end - start};
    }
    return NULL;
}

static const char *add_ranges(const void *fdt, int node, bool no_map, uint32_t *count,
                              struct oracle_range *list) {
    for (int i = 0;; i++) {
        bool found;
        struct oracle_range range = {.no_map = no_map};
        CHECK(oracle_reg(fdt, node, i, true, &found, &range));
        if (!found) {
            return NULL;
        }
        if (range.size == 0) {
            continue;
        }
        if (*count == ORACLE_MAX) {
            return "more ranges than the oracle has room for";
        }
        list[(*count)++] = range;
    }
}

static const char *reserved_nodes(const void *fdt, struct oracle_board *board) {
    int reserved = fdt_path_offset(fdt, "/reserved-memory");
    int node = reserved < 0 ? reserved : fdt_first_subnode(fdt, reserved);
    for (; node >= 0; node = fdt_next_subnode(fdt, node)) {
        bool no_map = fdt_getprop(fdt, node, "no-map", NULL) != NULL;
        if (oracle_available(fdt, node)) {
            CHECK(add_ranges(fdt, node, no_map, &board->reserved_count, board->reserved));
        }
    }
    return NULL;
}

static const char *memory(const void *fdt, struct oracle_board *board) {
    int node;
    fdt_for_each_subnode(node, fdt, 0) {
        const char *type = oracle_string(fdt, node, "device_type");
        if (type != NULL && strcmp(type, "memory") == 0 && oracle_available(fdt, node)) {
            CHECK(add_ranges(fdt, node, false, &board->memory_count, board->memory));
        }
    }
    const uint8_t *entry = (const uint8_t *)fdt + fdt_off_mem_rsvmap(fdt);
    for (; oracle_number(entry, 2) != 0 || oracle_number(entry + 8, 2) != 0; entry += 16) {
        struct oracle_range range = {.base = oracle_number(entry, 2),
                                     .size = oracle_number(entry + 8, 2)};
        if (range.size == 0) {
            continue;
        }
        if (range.base + range.size < range.base || board->reserved_count == ORACLE_MAX) {
            return "reservation wraps";
        }
        board->reserved[board->reserved_count++] = range;
    }
    CHECK(reserved_nodes(fdt, board));
    return board->reserved_count > 48 ? "too many reservations" : NULL;
}

static const char *psci(const void *fdt, struct oracle_board *board) {
    int node = oracle_find_device(fdt, "arm,psci-1.0");
    if (node < 0) {
        node = oracle_find_device(fdt, "arm,psci-0.2");
    }
    board->psci = 'n';
    if (node < 0) {
        return NULL;
    }
    const char *method = oracle_string(fdt, node, "method");
    if (method == NULL || (strcmp(method, "hvc") != 0 && strcmp(method, "smc") != 0)) {
        return "PSCI method";
    }
    board->psci = method[0];
    return NULL;
}

static const char *pe_start(const void *fdt, int cpus, int node, char psci_method,
                            struct oracle_pe *pe) {
    int where = fdt_getprop(fdt, node, "enable-method", NULL) != NULL ? node : cpus;
    pe->start = 'n';
    if (fdt_stringlist_search(fdt, where, "enable-method", "psci") >= 0) {
        pe->start = psci_method == 'n' ? 'n' : 'p';
    } else if (fdt_stringlist_search(fdt, where, "enable-method", "spin-table") >= 0) {
        bool present;
        pe->start = 's';
        CHECK(address_property(fdt, node, "cpu-release-addr", &present, &pe->release));
        return !present || pe->release % 8 != 0 ? "cpu-release-addr" : NULL;
    }
    return NULL;
}

static const char *pes(const void *fdt, struct oracle_board *board) {
    CHECK(psci(fdt, board));
    int cpus = fdt_path_offset(fdt, "/cpus");
    if (cpus < 0) {
        return NULL;
    }
    int node;
    fdt_for_each_subnode(node, fdt, cpus) {
        const char *type = oracle_string(fdt, node, "device_type");
        if (type == NULL || strcmp(type, "cpu") != 0) {
            continue;
        }
        struct oracle_pe pe = {0};
        struct oracle_range range;
        bool found;
        CHECK(oracle_reg(fdt, node, 0, false, &found, &range));
        if (!found || (range.base & ~UINT64_C(0xff00ffffff)) != 0) {
            return "a PE without affinity";
        }
        pe.mpidr = range.base;
        CHECK(pe_start(fdt, cpus, node, board->psci, &pe));
        const char *status = oracle_string(fdt, node, "status");
        bool off = status != NULL && strcmp(status, "disabled") == 0 && pe.start != 'n';
        if (!oracle_available(fdt, node) && !off) {
            continue;
        }
        if (board->pe_count == ORACLE_MAX) {
            return "more PEs than the oracle has room for";
        }
        board->pe[board->pe_count++] = pe;
    }
    return NULL;
}

static const char *gic_registers(const void *fdt, int gic, struct oracle_board *board) {
    if (board->gic == 0) {
        return NULL;
    }
    CHECK(oracle_registers(fdt, gic, 0, &board->distributor));
    if (board->gic == 2) {
        return oracle_registers(fdt, gic, 1, &board->cpu_interface);
    }
    int length;
    const uint8_t *regions = fdt_getprop(fdt, gic, "#redistributor-regions", &length);
    if (regions != NULL &&
        (length != 4 || oracle_number(regions, 1) == 0 || oracle_number(regions, 1) > 8)) {
        return "#redistributor-regions";
    }
    board->redistributor_count = regions == NULL ? 1 : (uint32_t)oracle_number(regions, 1);
    for (uint32_t i = 0; i < board->redistributor_count; i++) {
        CHECK(oracle_registers(fdt, gic, 1 + (int)i, &board->redistributor[i]));
    }
    const uint8_t *stride = fdt_getprop(fdt, gic, "redistributor-stride", &length);
    if (stride == NULL) {
        return NULL;
    }
    board->redistributor_stride = length == 8 ? oracle_number(stride, 2) : 0;
    return board->redistributor_stride == 0 || board->redistributor_stride % 65536 != 0
               ? "redistributor-stride"
               : NULL;
}

static const char *timer_interrupt(const void *fdt, int node, const char *name, int index, int gic,
                                   struct oracle_interrupt *interrupt) {
    if (fdt_getprop(fdt, node, "interrupt-names", NULL) != NULL) {
        index = fdt_stringlist_search(fdt, node, "interrupt-names", name);
        if (index < 0) {
            return index == -FDT_ERR_NOTFOUND ? NULL : "interrupt-names";
        }
    }
    return oracle_interrupt(fdt, node, index, gic, interrupt);
}

static const char *timer(const void *fdt, int gic, struct oracle_board *board) {
    int node = oracle_find_device(fdt, "arm,armv8-timer");
    if (node < 0) {
        node = oracle_find_device(fdt, "arm,armv7-timer");
    }
    if (node < 0) {
        return NULL;
    }
    CHECK(timer_interrupt(fdt, node, "phys", 1, gic, &board->timer_physical));
    CHECK(timer_interrupt(fdt, node, "virt", 2, gic, &board->timer_virtual));
    int length;
    const uint8_t *hz = fdt_getprop(fdt, node, "clock-frequency", &length);
    if (hz != NULL && length != 4) {
        return "clock-frequency";
    }
    board->timer_hz = hz == NULL ? 0 : (uint32_t)oracle_number(hz, 1);
    return NULL;
}

static const char *optional_registers(const void *fdt, const char *compatible,
                                      struct oracle_range *range) {
    int node = oracle_find_device(fdt, compatible);
    return node < 0 ? NULL : oracle_registers(fdt, node, 0, range);
}

const char *oracle_board(const void *fdt, struct oracle_board *board) {
    memset(board, 0, sizeof(*board));
    int gic = find_gic(fdt, board);
    CHECK(serial(fdt, gic, board));
    CHECK(chosen(fdt, board));
    CHECK(memory(fdt, board));
    CHECK(pes(fdt, board));
    CHECK(gic_registers(fdt, gic, board));
    CHECK(timer(fdt, gic, board));
    CHECK(optional_registers(fdt, "brcm,bcm2711-gpio", &board->bcm_gpio));
    return optional_registers(fdt, "brcm,bcm2835-pm-wdt", &board->bcm_watchdog);
}
