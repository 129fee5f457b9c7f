// SPDX-License-Identifier: BSD-2-Clause
// Writes device trees for tests.
#include "tree_builder.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int result, const char *what) {
    if (result < 0) {
        fprintf(stderr, "tree builder: %s: %s\n", what, fdt_strerror(result));
        abort();
    }
}

void tree_begin(struct tree_builder *tree) {
    memset(tree, 0, sizeof(*tree));
    must(fdt_create(tree->blob, sizeof(tree->blob)), "begin");
}

void tree_reserve(struct tree_builder *tree, uint64_t base, uint64_t size) {
    must(fdt_add_reservemap_entry(tree->blob, base, size), "reserve");
}

void tree_root(struct tree_builder *tree) {
    must(fdt_finish_reservemap(tree->blob), "reserve map");
    must(fdt_begin_node(tree->blob, ""), "root");
}

void tree_node(struct tree_builder *tree, const char *name) {
    must(fdt_begin_node(tree->blob, name), name);
}

void tree_end(struct tree_builder *tree) { must(fdt_end_node(tree->blob), "end"); }

void tree_bytes(struct tree_builder *tree, const char *name, const void *data, size_t size) {
    must(fdt_property(tree->blob, name, data, (int)size), name);
}

void tree_string(struct tree_builder *tree, const char *name, const char *value) {
    tree_bytes(tree, name, value, strlen(value) + 1);
}

void tree_array(struct tree_builder *tree, const char *name, const uint32_t *cells, size_t count) {
    uint32_t big_endian[64];
    if (count > sizeof(big_endian) / sizeof(big_endian[0])) {
        must(-FDT_ERR_NOSPACE, name);
    }
    for (size_t i = 0; i < count; i++) {
        big_endian[i] = cpu_to_fdt32(cells[i]);
    }
    tree_bytes(tree, name, big_endian, count * sizeof(big_endian[0]));
}

void tree_finish(struct tree_builder *tree) {
    tree_end(tree);
    must(fdt_finish(tree->blob), "finish");
    tree->size = fdt_totalsize(tree->blob);
}

static void unusual_memory(struct tree_builder *tree) {
    tree_node(tree, "memory@80000000");
    tree_string(tree, "device_type", "memory");
    tree_cells(tree, "reg", 0, 0x80000000, 0, 0x10000000, 1, 0, 0, 0x40000000);
    tree_end(tree);
    tree_node(tree, "memory@200000000");
    tree_string(tree, "device_type", "memory");
    tree_cells(tree, "reg", 2, 0, 1, 0, 3, 0, 0, 0); // the second slot is empty
    tree_end(tree);
    tree_node(tree, "memory@f00000000");
    tree_string(tree, "device_type", "memory");
    tree_string(tree, "status", "disabled");
    tree_cells(tree, "reg", 15, 0, 1, 0);
    tree_end(tree);
    tree_node(tree, "reserved-memory");
    tree_cells(tree, "#address-cells", 2);
    tree_cells(tree, "#size-cells", 2);
    tree_flag(tree, "ranges");
    tree_node(tree, "secure@88000000");
    tree_cells(tree, "reg", 0, 0x88000000, 0, 0x200000, 0, 0x8a000000, 0, 0x1000);
    tree_flag(tree, "no-map");
    tree_end(tree);
    tree_node(tree, "pool");
    tree_string(tree, "compatible", "shared-dma-pool");
    tree_cells(tree, "size", 0, 0x400000); // placed by an operating system that wants one
    tree_end(tree);
    tree_node(tree, "gone@8e000000");
    tree_string(tree, "status", "disabled");
    tree_cells(tree, "reg", 0, 0x8e000000, 0, 0x1000);
    tree_end(tree);
    tree_node(tree, "frame@8c000000");
    tree_cells(tree, "reg", 0, 0x8c000000, 0, 0x800000);
    tree_end(tree);
    tree_end(tree);
}

static void unusual_pe(struct tree_builder *tree, const char *name, uint32_t affinity,
                       const char *method) {
    tree_node(tree, name);
    tree_string(tree, "device_type", "cpu");
    tree_cells(tree, "reg", affinity);
    if (method != NULL) {
        tree_string(tree, "enable-method", method);
    }
}

static void unusual_pes(struct tree_builder *tree) {
    tree_node(tree, "cpus");
    tree_cells(tree, "#address-cells", 1);
    tree_cells(tree, "#size-cells", 0);
    tree_string(tree, "enable-method", "psci"); // for those that do not say themselves
    tree_node(tree, "cpu-map");
    tree_end(tree);
    unusual_pe(tree, "cpu@0", 0, NULL);
    tree_end(tree);
    unusual_pe(tree, "cpu@101", 0x101, "spin-table");
    tree_cells(tree, "cpu-release-addr", 0, 0x80000fd8);
    tree_end(tree);
    unusual_pe(tree, "cpu@102", 0x102, "spin-table");
    tree_cells(tree, "cpu-release-addr", 0x80000fe0);
    tree_string(tree, "status", "disabled");
    tree_end(tree);
    unusual_pe(tree, "cpu@103", 0x103, "psci");
    tree_string(tree, "status", "fail-sensor");
    tree_end(tree);
    unusual_pe(tree, "cpu@200", 0x200, "vendor,magic");
    tree_end(tree);
    tree_end(tree);
    tree_node(tree, "psci");
    tree_bytes(tree, "compatible", "vendor,psci\0arm,psci-0.2", 25);
    tree_string(tree, "method", "smc");
    tree_end(tree);
}

static void unusual_soc(struct tree_builder *tree) {
    tree_node(tree, "soc");
    tree_cells(tree, "#address-cells", 1);
    tree_cells(tree, "#size-cells", 1);
    tree_cells(tree, "ranges", 0x10000000, 8, 0, 0x10000000, 0x40000000, 8, 0x40000000, 0x1000000);
    tree_node(tree, "interrupt-controller@10000000");
    tree_string(tree, "compatible", "arm,gic-v3");
    tree_cells(tree, "#interrupt-cells", 4);
    tree_flag(tree, "interrupt-controller");
    tree_cells(tree, "#redistributor-regions", 2);
    tree_cells(tree, "redistributor-stride", 0, 0x40000);
    tree_cells(tree, "reg", 0x10000000, 0x10000, 0x10100000, 0x80000, 0x10200000, 0x40000);
    tree_cells(tree, "phandle", 7);
    tree_end(tree);
    tree_node(tree, "bus@0");
    tree_cells(tree, "#address-cells", 2);
    tree_cells(tree, "#size-cells", 1);
    tree_cells(tree, "ranges", 1, 0, 0x40000000, 0x10000);
    tree_node(tree, "serial@100001000");
    tree_bytes(tree, "compatible", "arm,pl011\0arm,primecell", 24);
    tree_cells(tree, "reg", 1, 0x1000, 0x1000);
    tree_cells(tree, "interrupts-extended", 9, 5, 7, 0, 40, 1, 0);
    tree_end(tree);
    tree_node(tree, "serial@100002000");
    tree_bytes(tree, "compatible", "arm,pl011\0arm,primecell", 24);
    tree_cells(tree, "reg", 1, 0x2000, 0x1000);
    tree_cells(tree, "interrupts", 0, 41, 4, 0);
    tree_cells(tree, "clocks", 11, 11);
    tree_end(tree);
    tree_end(tree);
    tree_end(tree);
}

void tree_unusual_machine(struct tree_builder *tree) {
    tree_begin(tree);
    tree_reserve(tree, 0x80000000, 0x1000);
    tree_reserve(tree, 0x90000000, 0);
    tree_root(tree);
    tree_cells(tree, "#address-cells", 2);
    tree_cells(tree, "#size-cells", 2);
    tree_cells(tree, "interrupt-parent", 7);
    tree_string(tree, "model", "Unusual Machine");
    tree_string(tree, "compatible", "vendor,unusual");
    tree_node(tree, "aliases");
    tree_string(tree, "console", "/soc/bus@0/serial@100002000");
    tree_end(tree);
    tree_node(tree, "chosen");
    tree_string(tree, "bootargs", "run=words frames=64");
    tree_string(tree, "stdout-path", "console:9600n8");
    tree_cells(tree, "linux,initrd-start", 0x84000000);
    tree_cells(tree, "linux,initrd-end", 0, 0x84123456);
    tree_end(tree);
    unusual_memory(tree);
    unusual_pes(tree);
    unusual_soc(tree);
    tree_node(tree, "combiner");
    tree_cells(tree, "#interrupt-cells", 1);
    tree_flag(tree, "interrupt-controller");
    tree_cells(tree, "phandle", 9);
    tree_end(tree);
    tree_node(tree, "clock");
    tree_string(tree, "compatible", "fixed-clock");
    tree_cells(tree, "clock-frequency", 7372800);
    tree_cells(tree, "linux,phandle", 11);
    tree_end(tree);
    tree_node(tree, "timer");
    tree_string(tree, "compatible", "arm,armv8-timer");
    tree_bytes(tree, "interrupt-names", "virt\0phys", 10);
    tree_cells(tree, "interrupts", 1, 11, 4, 0, 1, 14, 8, 0);
    tree_cells(tree, "clock-frequency", 19200000);
    tree_end(tree);
    tree_finish(tree);
}
