// SPDX-License-Identifier: BSD-2-Clause
// The first thread: `init`, with all memory and all devices in its hands.
//
// Everything init is given is a root of the derivation tree. What user space can do with it, and
// nothing else, decides what the machine does from here on.
#include <core.h>
#include <sheaf/bootinfo.h>

#include "boot_image.h"
#include "first_memory.h"
#include "console.h"
#include "delete.h"
#include "invoke.h"
#include "system.h"

// Tables for init's program, stack and boot pages, and some to begin with: 4 * 15, of which a
// program of a few MiB uses about 8.
#define BOOT_CHUNKS 4u

static struct {
    struct cnode *cnode;
    struct vspace *vspace;
    struct thread *thread;
    struct sheaf_bootinfo *info;
    uint64_t next_slot;
} first; // what the first program is made of

// ---- Capabilities

static struct slot *new_capability(uint64_t index, enum sheaf_type type, unsigned size_bits,
                                   uint64_t rights) {
    if (index >= BIT(SHEAF_BOOT_CNODE_BITS)) {
        panic("boot: the first program's CNode is full");
    }
    struct slot *slot = cnode_slot(first.cnode, index);
    *slot = (struct slot){
        .size_bits = (uint8_t)size_bits, .rights = (uint8_t)rights, .home = first.cnode};
    lock_acquire(&tree_lock);
    tree_insert_child(&tree_anchor, slot);
    lock_release(&tree_lock);
    slot->type = (uint8_t)type;
    return slot;
}

static void new_object(uint64_t index, enum sheaf_type type, unsigned size_bits, void *object) {
    struct slot *slot = new_capability(index, type, size_bits, SHEAF_RIGHTS_ALL);
    slot->object = object;
    struct object_head *head = slot_head(slot);
    if (head != NULL) {
        head->references++;
    }
}

static struct slot *new_frame(uint64_t index, paddr_t address, unsigned bits, uint64_t rights) {
    struct slot *slot = new_capability(index, SHEAF_FRAME, bits, rights);
    slot->frame.address = address;
    return slot;
}

// ---- Mappings

static void map_page(struct slot *slot, uint64_t va, bool write, bool execute) {
    struct gather_map map;
    unsigned missing;
    struct gather *gather = gather_begin();
    enum sheaf_error error =
        gather_map_begin(gather, first.vspace, VADDR(va), 1, 3, &map, &missing);
    if (error != SHEAF_OK) {
        panic("boot: a page of the first program at %lx cannot be mapped (error %d)",
              (unsigned long)va, (int)error);
    }
    const struct leaf_attributes attributes = {
        .write = write,
        .execute = execute,
        .max_write = (slot->rights & SHEAF_RIGHT_WRITE) != 0,
        .accessed = true,
        .dirty = write,
    };
    slot->frame.record = gather_map_frame(&map, slot->frame.address, 1, &attributes);
    gather_map_end(&map);
    gather_finish(gather);
}

static struct slot *new_page(uint64_t index, uint64_t rights) {
    return new_frame(index, first_memory_take(PAGE_BYTES), SHEAF_PAGE_BITS, rights);
}

static void *page_contents(const struct slot *slot) {
    return port_kernel_address(slot->frame.address);
}

// ---- The program

static void load_page(const struct boot_segment *segment, uint64_t va) {
    struct slot *slot = new_page(first.next_slot++, SHEAF_RIGHTS_ALL);
    uint64_t from = MAX(va, segment->va);
    uint64_t to = MIN(va + PAGE_BYTES, segment->va + segment->file_bytes);
    if (from < to) {
        arch_copy((char *)page_contents(slot) + (from - va), segment->file + (from - segment->va),
                  to - from);
    }
    if (segment->execute) {
        port_sync_instructions(slot->frame.address, PAGE_BYTES);
    }
    map_page(slot, va, segment->write, segment->execute);
}

static void load_program(const struct core_boot *boot) {
    const char *problem;
    struct boot_program program = {0};
    struct boot_bytes archive = {port_kernel_address(boot->ramdisk.start), boot->ramdisk.bytes};
    struct boot_bytes file = cpio_find(archive, "init", &problem);
    if (file.start != NULL) {
        problem = elf_read(file, &program);
    }
    if (problem != NULL) {
        panic("boot: %s", problem);
    }
    for (unsigned i = 0; i < program.segments; i++) {
        const struct boot_segment *segment = &program.segment[i];
        uint64_t end = segment->va + segment->memory_bytes;
        for (uint64_t va = ALIGN_DOWN(segment->va, PAGE_BYTES); va < end; va += PAGE_BYTES) {
            load_page(segment, va);
        }
    }
    for (unsigned i = 1; i <= SHEAF_BOOT_STACK_PAGES; i++) {
        map_page(new_page(first.next_slot++, SHEAF_RIGHTS_ALL),
                 SHEAF_BOOT_STACK_TOP - i * PAGE_BYTES, true, false);
    }
    first.thread->context.pc = program.entry;
    first.thread->context.sp = SHEAF_BOOT_STACK_TOP;
    first.thread->context.reg[0] = SHEAF_BOOTINFO_VA;
}

// ---- Objects

static void make_vspace(void) {
    paddr_t chunk0 = first_memory_take(CHUNK_BYTES);
    if (vspace_create(port_kernel_address(chunk0), &first.vspace) != SHEAF_OK) {
        panic("boot: no address space identifier for the first program");
    }
    for (unsigned i = 1; i < BOOT_CHUNKS; i++) {
        struct chunk *chunk = port_kernel_address(first_memory_take(CHUNK_BYTES));
        if (vspace_grow(first.vspace, chunk) != SHEAF_OK) {
            panic("boot: the first program's VSpace cannot grow");
        }
        struct slot *node = chunk_node(chunk);
        *node = (struct slot){.type = SLOT_CHUNK, .size_bits = SHEAF_CHUNK_BITS};
        node->object = chunk;
        lock_acquire(&tree_lock);
        tree_insert_child(&tree_anchor, node);
        lock_release(&tree_lock);
    }
}

static void make_objects(void) {
    uint64_t cnode_bytes = BIT(SHEAF_BOOT_CNODE_BITS + SHEAF_SLOT_BITS);
    first.cnode = port_kernel_address(first_memory_take(cnode_bytes));
    first.cnode->head.flags = SHEAF_BOOT_CNODE_BITS;
    lock_init(&first.cnode->lock, LOCK_CNODE);
    first.next_slot = SHEAF_BOOT_SLOT_FIRST_DYNAMIC;
    make_vspace();
    first.thread = port_kernel_address(first_memory_take(PAGE_BYTES));
    thread_init(first.thread);
    new_object(SHEAF_BOOT_SLOT_CNODE, SHEAF_CNODE, SHEAF_BOOT_CNODE_BITS, first.cnode);
    new_object(SHEAF_BOOT_SLOT_THREAD, SHEAF_THREAD, SHEAF_THREAD_BITS, first.thread);
    new_object(SHEAF_BOOT_SLOT_VSPACE, SHEAF_VSPACE, SHEAF_CHUNK_BITS, first.vspace);
    new_object(SHEAF_BOOT_SLOT_CONSOLE, SHEAF_CONSOLE, 0, NULL);
    new_object(SHEAF_BOOT_SLOT_SYSTEM, SHEAF_SYSTEM, 0, NULL);
    new_object(SHEAF_BOOT_SLOT_IRQ_CONTROL, SHEAF_IRQ_CONTROL, 0, NULL);
}

static void make_pages(void) {
    struct slot *buffer = new_page(SHEAF_BOOT_SLOT_IPC_BUFFER, SHEAF_RIGHTS_ALL);
    map_page(buffer, SHEAF_BOOT_IPC_BUFFER_VA, true, false);
    struct slot *info = new_page(SHEAF_BOOT_SLOT_BOOTINFO, SHEAF_RIGHT_READ);
    map_page(info, SHEAF_BOOTINFO_VA, false, false);
    first.info = page_contents(info);
}

static void configure_thread(void) {
    static const struct {
        uint8_t slot, from;
    } stands_on[] = {
        {THREAD_CSPACE, SHEAF_BOOT_SLOT_CNODE},
        {THREAD_VSPACE, SHEAF_BOOT_SLOT_VSPACE},
        {THREAD_IPC_BUFFER, SHEAF_BOOT_SLOT_IPC_BUFFER},
    };
    lock_acquire(&tree_lock);
    for (unsigned i = 0; i < ARRAY_SIZE(stands_on); i++) {
        slot_derive(&first.thread->slot[stands_on[i].slot], NULL,
                    cnode_slot(first.cnode, stands_on[i].from), SHEAF_RIGHTS_ALL, 0);
    }
    lock_release(&tree_lock);
    first.thread->priority = SHEAF_PRIORITIES - 1;
    first.thread->max_priority = SHEAF_PRIORITIES - 1;
    arch_copy(first.thread->name, "init", sizeof("init"));
}

// ---- What is left

static void give_ramdisk(const struct core_boot *boot) {
    struct sheaf_bootinfo *info = first.info;
    uint64_t at = ALIGN_DOWN(boot->ramdisk.start.v, PAGE_BYTES);
    uint64_t end = ALIGN_UP(boot->ramdisk.start.v + boot->ramdisk.bytes, PAGE_BYTES);
    info->ramdisk_bytes = boot->ramdisk.bytes;
    info->ramdisk_offset = boot->ramdisk.start.v - at;
    while (at < end) {
        struct boot_piece piece = boot_piece_first(at, end, SHEAF_FRAME_MAX_BITS);
        if (info->ramdisk_count == SHEAF_BOOT_REGIONS) {
            panic("boot: the RAM disk needs more than %d Frames", SHEAF_BOOT_REGIONS);
        }
        new_frame(first.next_slot, PADDR(at), piece.size_bits, SHEAF_RIGHT_READ);
        info->ramdisk[info->ramdisk_count++] = (struct sheaf_boot_region){
            .physical = at, .size_bits = piece.size_bits, .slot = (uint32_t)first.next_slot};
        first.next_slot++;
        at += BIT(piece.size_bits);
    }
}

static void give_memory(void) {
    static struct boot_piece pieces[SHEAF_BOOT_UNTYPED];
    struct sheaf_bootinfo *info = first.info;
    unsigned left_out;
    uint64_t bytes_left_out;
    unsigned count = first_memory_rest(pieces, SHEAF_BOOT_UNTYPED, &left_out, &bytes_left_out);
    for (unsigned i = 0; i < count; i++) {
        struct slot *slot =
            new_capability(first.next_slot, SHEAF_UNTYPED, pieces[i].size_bits, SHEAF_RIGHTS_ALL);
        slot->untyped.base = pieces[i].address >> UNTYPED_UNIT_BITS;
        info->untyped[i] = (struct sheaf_boot_untyped){.physical = pieces[i].address,
                                                       .size_bits = pieces[i].size_bits,
                                                       .slot = (uint32_t)first.next_slot++};
    }
    info->untyped_count = count;
    if (left_out != 0) {
        kprintf("boot: %u small pieces of memory (%lu KiB) do not fit the boot information and "
                "stay unused\n",
                left_out, (unsigned long)(bytes_left_out >> 10));
    }
}

static uint32_t give_device(uint64_t at, uint64_t end) {
    uint32_t count = 0;
    for (; at < end; count++) {
        struct boot_piece piece = boot_piece_first(at, end, SHEAF_UNTYPED_MAX_BITS);
        struct slot *slot =
            new_capability(first.next_slot++, SHEAF_UNTYPED, piece.size_bits, SHEAF_RIGHTS_ALL);
        slot->untyped.base = at >> UNTYPED_UNIT_BITS;
        slot->memory_type = SHEAF_MEMORY_DEVICE;
        at += BIT(piece.size_bits);
    }
    return count;
}

static void give_devices(const struct core_boot *boot) {
    struct sheaf_bootinfo *info = first.info;
    for (unsigned i = 0; i < boot->device_count; i++) {
        const struct memory_range *range = &boot->device[i];
        struct sheaf_boot_device *device = &info->device[i];
        device->physical = range->start.v;
        device->bytes = range->bytes;
        device->slot = (uint32_t)first.next_slot;
        device->count = give_device(range->start.v, range->start.v + range->bytes);
    }
    info->device_count = boot->device_count;
}

static void fill_bootinfo(const struct core_boot *boot) {
    struct sheaf_bootinfo *info = first.info;
    info->magic = SHEAF_BOOTINFO_MAGIC;
    info->ram_bytes = boot->ram_bytes;
    info->kernel_bytes = boot->kernel_bytes;
    info->reserved_bytes = boot->reserved_bytes;
    info->init_bytes = first_memory_taken();
    info->timer_hz = arch_timer_hz();
    info->pes = boot->pes;
    info->first_free_slot = (uint32_t)first.next_slot;
    info->slot_count = UINT32_C(1) << SHEAF_BOOT_CNODE_BITS;
    unsigned i = 0;
    for (; boot->args[i] != 0 && i < SHEAF_BOOT_ARGS - 1; i++) {
        info->args[i] = boot->args[i];
    }
    if (boot->args[i] != 0) {
        panic("boot: more than %d bytes of boot arguments", SHEAF_BOOT_ARGS - 1);
    }
}

void core_boot(struct pe *pe, const struct core_boot *boot) {
    lock_init(&tree_lock, LOCK_TREE);
    delete_init();
    console_init();
    irq_begin();
    faults_begin();
    sched_init(pe);
    system_register_pe(pe);
    first_memory_init(boot);
    make_objects();
    make_pages();
    configure_thread();
    load_program(boot);
    give_ramdisk(boot);
    give_memory();
    give_devices(boot);
    fill_bootinfo(boot);
    pe->current = first.thread;
    pe->context = &first.thread->context;
    first.thread->state = SHEAF_STATE_READY;
    vspace_activate(first.vspace);
}
