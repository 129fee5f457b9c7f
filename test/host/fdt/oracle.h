// SPDX-License-Identifier: BSD-2-Clause
// The oracle: the same questions, answered by Debian's libfdt.
//
// Plain types only. libfdt and the kernel both have a header fdt.h, so no file includes both:
// oracle*.c and tree_builder.c see libfdt's, all other files the kernel's.
#ifndef ORACLE_H
#define ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---- The tree. Offsets are in bytes from the blob, as in the kernel's reader.

// Whether the blob is of version 17 or compatible, and fdt_check_full() accepts it.
bool oracle_accepts(const void *blob, size_t size);

// What the Devicetree Specification forbids and fdt_check_full() lets pass; null if nothing. Only
// for a blob that oracle_accepts().
const char *oracle_violation(const void *blob);

struct oracle_property {
    const char *name;
    const void *data;
    int length;
};

uint32_t oracle_root(const void *blob);
bool oracle_next_node(const void *blob, uint32_t *node, int *depth);
const char *oracle_name(const void *blob, uint32_t node);
bool oracle_parent(const void *blob, uint32_t node, uint32_t *parent);
bool oracle_first_child(const void *blob, uint32_t node, uint32_t *child);
bool oracle_next_sibling(const void *blob, uint32_t *node);
bool oracle_path(const void *blob, uint32_t node, char *path, size_t size);
bool oracle_by_path(const void *blob, const char *path, size_t length, uint32_t *node);
uint32_t oracle_phandle(const void *blob, uint32_t node); // 0 if none
bool oracle_by_phandle(const void *blob, uint32_t phandle, uint32_t *node);
bool oracle_is_compatible(const void *blob, uint32_t node, const char *compatible);
bool oracle_cells(const void *blob, uint32_t node, uint32_t *address_cells, uint32_t *size_cells);
int oracle_properties(const void *blob, uint32_t node, struct oracle_property *list, int room);

// Entries before the first one of size 0, which is where libfdt stops counting.
uint32_t oracle_reserve_count(const void *blob);
void oracle_reserve_entry(const void *blob, uint32_t index, uint64_t *base, uint64_t *size);

// ---- The machine, with the rules that include/board.h states.

#define ORACLE_MAX 256

struct oracle_range {
    uint64_t base;
    uint64_t size;
    bool no_map;
};

struct oracle_interrupt {
    bool present;
    uint32_t intid;
    bool edge;
};

struct oracle_pe {
    uint64_t mpidr;
    uint64_t release;
    char start; // 'n' none, 'p' PSCI, 's' spin table
};

struct oracle_board {
    const char *model;
    const char *args;
    uint32_t memory_count; // all of them, not truncated; so with the others
    struct oracle_range memory[ORACLE_MAX];
    uint32_t reserved_count;
    struct oracle_range reserved[ORACLE_MAX];
    struct oracle_range ramdisk;
    uint32_t pe_count;
    struct oracle_pe pe[ORACLE_MAX];
    char psci; // 'n' none, 'h' HVC, 's' SMC
    bool serial;
    bool serial_chosen;
    struct oracle_range serial_registers;
    struct oracle_interrupt serial_interrupt;
    uint32_t serial_clock;
    uint32_t serial_baud;
    uint32_t gic; // 0, 2 or 3
    struct oracle_range distributor;
    struct oracle_range cpu_interface;
    uint32_t redistributor_count;
    struct oracle_range redistributor[ORACLE_MAX];
    uint64_t redistributor_stride;
    struct oracle_interrupt timer_physical;
    struct oracle_interrupt timer_virtual;
    uint32_t timer_hz;
    struct oracle_range bcm_gpio;
    struct oracle_range bcm_watchdog;
};

// Null if the description makes sense, else what is malformed about it. Only for a blob that
// oracle_accepts() and that has no oracle_violation().
const char *oracle_board(const void *fdt, struct oracle_board *board);

// Shrinks a tree to what it uses (QEMU pads its trees to 1 MiB). The new size.
size_t oracle_pack(void *blob);

#endif
