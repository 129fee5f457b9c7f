// SPDX-License-Identifier: BSD-2-Clause
// What the kernel tells the first user program, `init`.
//
// A page, mapped read-only at SHEAF_BOOTINFO_VA; its address is also init's first argument (x0).
#ifndef SHEAF_BOOTINFO_H
#define SHEAF_BOOTINFO_H

#include <sheaf/syscall.h>

#define SHEAF_BOOTINFO_MAGIC UINT64_C(0x3266656168735331) // changes with the layout
#define SHEAF_BOOT_ARGS 1024
#define SHEAF_BOOT_UNTYPED 96
#define SHEAF_BOOT_REGIONS 64
#define SHEAF_BOOT_DEVICES 17

// Slots of init's root CNode that are always filled.
enum sheaf_boot_slot {
    SHEAF_BOOT_SLOT_CNODE = 1,
    SHEAF_BOOT_SLOT_THREAD = 2,
    SHEAF_BOOT_SLOT_VSPACE = 3,
    SHEAF_BOOT_SLOT_IPC_BUFFER = 4,
    SHEAF_BOOT_SLOT_BOOTINFO = 5,
    SHEAF_BOOT_SLOT_CONSOLE = 6,
    SHEAF_BOOT_SLOT_SYSTEM = 7,
    SHEAF_BOOT_SLOT_IRQ_CONTROL = 8,
    SHEAF_BOOT_SLOT_FIRST_DYNAMIC = 16,
};
#define SHEAF_BOOT_CNODE_BITS 14

// Addresses in init's VSpace.
#define SHEAF_BOOTINFO_VA UINT64_C(0x0000007fff000000)
#define SHEAF_BOOT_IPC_BUFFER_VA UINT64_C(0x0000007fff010000)
#define SHEAF_BOOT_STACK_TOP UINT64_C(0x0000007ffe000000)
#define SHEAF_BOOT_STACK_PAGES 32

struct sheaf_boot_untyped {
    uint64_t physical; // address
    uint32_t size_bits;
    uint32_t slot;
};

struct sheaf_boot_region { // consecutive Frames that cover a part of the RAM disk
    uint64_t physical;
    uint32_t size_bits; // of this Frame
    uint32_t slot;
};

// Physical addresses that are neither RAM nor registers of what the kernel drives itself: every
// device, and the gaps between them. The range is cut, from its start on, each time into the
// largest piece that lies at a multiple of its size: `count` device Untypeds in consecutive slots.
struct sheaf_boot_device {
    uint64_t physical; // address and length are multiples of 4 KiB
    uint64_t bytes;
    uint32_t slot; // of the first piece
    uint32_t count;
};

struct sheaf_bootinfo {
    uint64_t magic;
    uint64_t ram_bytes;      // all memory banks
    uint64_t kernel_bytes;   // image, tables and everything else the kernel keeps
    uint64_t reserved_bytes; // what the device tree reserves inside the banks
    uint64_t init_bytes;     // init's own frames, tables, CNode and thread
    uint64_t ramdisk_bytes;  // size of the cpio archive
    uint64_t ramdisk_offset; // of the archive's first byte in the first RAM disk Frame
    uint64_t timer_hz;
    uint32_t pes;
    uint32_t untyped_count;
    uint32_t ramdisk_count;     // Frames, ascending, without gaps
    uint32_t first_free_slot;   // from here to the end of the CNode all slots are empty
    uint32_t slot_count;        // of the root CNode, index 0 included
    uint32_t device_count;      // ranges, ascending, apart from each other
    char args[SHEAF_BOOT_ARGS]; // boot arguments, zero-terminated
    struct sheaf_boot_untyped untyped[SHEAF_BOOT_UNTYPED];
    struct sheaf_boot_region ramdisk[SHEAF_BOOT_REGIONS];
    struct sheaf_boot_device device[SHEAF_BOOT_DEVICES];
};

_Static_assert(sizeof(struct sheaf_bootinfo) <= 4096, "boot information is one page");

#endif
