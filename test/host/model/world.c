// SPDX-License-Identifier: BSD-2-Clause
// A world of few capabilities: looking at all of it after each operation must not take long.
//
// The first thread becomes the driver. It gets a root CNode of 16 slots, and everything else that
// it was given at boot is deleted with the CNode it came in. Its slots: 1 that CNode, 2 the common
// CNode of the players, 3 its thread, 4 the memory that all else is made of, 5 Console, 6 System,
// 7 its VSpace, 8 and 9 in a crowded world memory for chunks, 10 IrqControl, 11 device memory.
// The players are threads that stand in the common CNode.
#include "world.h"
#include "delete.h"
#include <sheaf/bootinfo.h>

#define ROOT_BITS 4u
#define CHUNKS_BITS 25u // 512 chunks, in a crowded world
#define REST_BITS 22u   // and 64
#define DEVICE_BITS 22u // of device memory
#define DEVICE_AT PADDR(UINT64_C(0x10000000000))
#define PLAYERS 4u
#define COMMON(slot) (2u | (uint64_t)(slot) << ROOT_BITS)

enum common_slot { // slots of the common CNode
    THREADS = 1,
    BUFFERS = THREADS + PLAYERS,
    ENDPOINTS = BUFFERS + PLAYERS,
    NOTIFICATIONS = ENDPOINTS + 3,
    REPLIES = NOTIFICATIONS + 2,
    VSPACES = REPLIES + 3,
    UNTYPEDS = VSPACES + 2,
    FRAMES = UNTYPEDS + 3,
    CONSOLE = FRAMES + 6,
    SYSTEM,
    SELF,
    BLOCK,
    TIMERS,
    HANDLERS = TIMERS + 2,
    IRQ_CONTROL = HANDLERS + 3,
    DEVICE_MEMORY,
    DEVICE_FRAMES,
    UNCACHED = DEVICE_FRAMES + 2,
};

static const struct kind {
    uint64_t ram_bytes;
    unsigned bits;         // of the world's memory
    unsigned untyped_bits; // of the players' Untypeds
    bool blocks, crowded, bare;
    bool uncached; // the kernel's half is there, and an Untyped that can become non-cacheable
} kinds[] = {
    [WORLD_USUAL] = {UINT64_C(64) << 20, 24, 19, .blocks = true, .uncached = true},
    [WORLD_BARE] = {UINT64_C(32) << 20, 23, 19, .blocks = true, .bare = true},
    [WORLD_CROWDED] = {RAM_MOST, 23, 19, .blocks = true, .crowded = true},
    [WORLD_SMALL] = {UINT64_C(8) << 20, 20, 16, .blocks = false},
};

const struct thread *driver;
static const struct kind *kind;
static uint64_t memory; // address of the world's

static uint64_t device_slot(void) {
    const struct sheaf_bootinfo *info =
        port_kernel_address(slot_of(SHEAF_BOOT_SLOT_BOOTINFO)->frame.address);
    return info->device[0].slot;
}

static void leave_boot_world(void) {
    uint64_t root = make(SHEAF_CNODE, ROOT_BITS), all = untyped(kind->bits);
    uint64_t rest = kind->crowded ? untyped(REST_BITS) : 0,
             most = kind->crowded ? untyped(CHUNKS_BITS) : 0;
    driver = running();
    memory = untyped_address(slot_of(all)).v;
    OK(INVOKE(root, SHEAF_CNODE_COPY, 1, root, SHEAF_RIGHTS_ALL));
    OK(INVOKE(root, SHEAF_CNODE_COPY, 3, INIT, SHEAF_RIGHTS_ALL));
    OK(INVOKE(root, SHEAF_CNODE_COPY, 5, SHEAF_BOOT_SLOT_CONSOLE, SHEAF_RIGHTS_ALL));
    OK(INVOKE(root, SHEAF_CNODE_COPY, 6, SHEAF_BOOT_SLOT_SYSTEM, SHEAF_RIGHTS_ALL));
    OK(INVOKE(root, SHEAF_CNODE_COPY, 7, VSPACE, SHEAF_RIGHTS_ALL));
    OK(INVOKE(root, SHEAF_CNODE_COPY, 10, SHEAF_BOOT_SLOT_IRQ_CONTROL, SHEAF_RIGHTS_ALL));
    OK(INVOKE(root, SHEAF_CNODE_MOVE, 11, device_slot()));
    OK(retype(all, SHEAF_CNODE, 6, root, 2, 1));
    OK(INVOKE(root, SHEAF_CNODE_MOVE, 4, all));
    if (kind->crowded) {
        OK(INVOKE(root, SHEAF_CNODE_MOVE, 8, most));
        OK(INVOKE(root, SHEAF_CNODE_MOVE, 9, rest));
    }
    if (kind->bare)
        OK(revoke(SHEAF_BOOT_SLOT_IPC_BUFFER));
    OK(destroy(CNODE)); // in itself: the thread's own one is the last
    configure(INIT, root, 0, 0, 0, 0);
}

static void common_make(unsigned type, unsigned bits, unsigned first, unsigned count) {
    OK(retype(4, type, bits, 2, first, count));
}

static void make_device(unsigned type, unsigned bits, unsigned first, unsigned count) {
    OK(INVOKE(11, SHEAF_UNTYPED_RETYPE, type | bits << 8 | SHEAF_MEMORY_DEVICE << 16, 2, first,
              count));
}

static void start_player(unsigned i) {
    uint64_t thread = COMMON(THREADS + i);
    uint64_t page = i == 0 ? 0 : COMMON(BUFFERS + i); // one without
    configure(thread, 2, COMMON(VSPACES + i % 2), COMMON(ENDPOINTS + i % 3), page,
              COMMON(NOTIFICATIONS));
    OK(INVOKE(thread, SHEAF_THREAD_SET_PRIORITY, 100, 110, 3));
    OK(INVOKE(thread, SHEAF_THREAD_RESUME));
}

static void make_objects(void) {
    common_make(SHEAF_THREAD, 0, THREADS, PLAYERS);
    common_make(SHEAF_FRAME, 12, BUFFERS, PLAYERS);
    common_make(SHEAF_ENDPOINT, 0, ENDPOINTS, 3);
    common_make(SHEAF_NOTIFICATION, 0, NOTIFICATIONS, 2);
    common_make(SHEAF_REPLY, 0, REPLIES, 3);
    common_make(SHEAF_VSPACE, 0, VSPACES, 2);
    common_make(SHEAF_UNTYPED, kind->untyped_bits, UNTYPEDS, 3);
    common_make(SHEAF_FRAME, 12, FRAMES, 6);
    if (kind->blocks)
        common_make(SHEAF_FRAME, 21, BLOCK, 1);
    OK(INVOKE(2, SHEAF_CNODE_COPY, CONSOLE, 5, SHEAF_RIGHTS_ALL));
    OK(INVOKE(2, SHEAF_CNODE_COPY, SYSTEM, 6, SHEAF_RIGHTS_ALL));
    OK(INVOKE(2, SHEAF_CNODE_COPY, SELF, 2, SHEAF_RIGHTS_ALL));
    common_make(SHEAF_TIMER, 0, TIMERS, 2);
    common_make(SHEAF_IRQ_HANDLER, 0, HANDLERS, 3);
    OK(INVOKE(2, SHEAF_CNODE_COPY, IRQ_CONTROL, 10, SHEAF_RIGHTS_ALL));
    make_device(SHEAF_UNTYPED, kind->untyped_bits, DEVICE_MEMORY, 1);
    make_device(SHEAF_FRAME, 12, DEVICE_FRAMES, 2);
    if (kind->uncached)
        common_make(SHEAF_UNTYPED, SHEAF_NON_CACHEABLE_MIN_BITS, UNCACHED, 1);
}

static void grow_to_the_limit(uint64_t vspace) {
    for (unsigned left = WORLD_CHUNKS - 1; left > 0; left -= MIN(left, SHEAF_GROW_MAX))
        OK(INVOKE(vspace, SHEAF_VSPACE_GROW, left < SHEAF_GROW_MAX ? 9 : 8,
                  MIN(left, SHEAF_GROW_MAX)));
}

bool world_has_kernel_half(void) { return kind->uncached; }

void world_begin(enum world which) {
    kind = &kinds[which];
    machine_boot(&(struct image){.asid_limit = WORLD_ASIDS,
                                 .ram_bytes = kind->ram_bytes,
                                 .kernel_half = kind->uncached,
                                 .device_count = 1,
                                 .device = {{DEVICE_AT, BIT(DEVICE_BITS)}}});
    leave_boot_world();
    make_objects();
    if (kind->crowded)
        grow_to_the_limit(COMMON(VSPACES));
    for (unsigned i = 0; i < PLAYERS; i++)
        start_player(i);
    // Below the players: for when nobody else can go on.
    OK(INVOKE(3, SHEAF_THREAD_SET_PRIORITY, 70, 255, 3));
}

struct slot *world_memory(void) {
    struct slot *slot = &tree_anchor;
    lock_acquire(&tree_lock);
    do
        slot = tree_next(&tree_anchor, slot);
    while (slot != NULL && (slot->type != SHEAF_UNTYPED || untyped_address(slot).v != memory ||
                            slot->size_bits != kind->bits));
    lock_release(&tree_lock);
    return slot;
}

// By the kernel's own revoke, without a thread: whoever could ask for it may be gone.
void world_end(void) {
    struct slot *slot = world_memory();
    fake_set_interrupts(VMSA_NEVER);
    if (slot == NULL)
        return; // the driver deleted it: then all of it is free for ever
    assert_int_equal(slot_revoke(&fake.pe[0], slot, NULL), SHEAF_OK);
    interrupt();
    check_invariants();
    assert_null(slot->first_child); // empty, when it was inside of what it stands for
}
