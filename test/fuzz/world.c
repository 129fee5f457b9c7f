// SPDX-License-Identifier: BSD-2-Clause
// Making the fuzzer's world, and taking it back.
//
// What init was given at boot is deleted with its CNode: the checks look at every slot after every
// event. What the driver has left is a CNode of four slots: 1 the memory that all else is made of,
// 2 the common CNode, 3 its thread.
#include "world.h"
#include "delete.h"

#define RAM (UINT64_C(6) << 20)
#define MEMORY_BITS 20u
#define DEVICE PADDR(UINT64_C(0x8000000000)) // above all RAM
#define DEVICE_BITS 21u
#define ROOT_BITS 2u
#define ASIDS 6u
#define PLAYERS 4u
#define COMMON(slot) (2u | (uint64_t)(slot) << ROOT_BITS)

enum common_slot {
    THREADS = 1,
    BUFFERS = THREADS + PLAYERS,
    ENDPOINTS = BUFFERS + PLAYERS - 1, // one player has no buffer
    NOTIFICATIONS = ENDPOINTS + 3,
    REPLIES = NOTIFICATIONS + 3,
    VSPACES = REPLIES + 3,
    UNTYPEDS = VSPACES + 2,
    FRAMES = UNTYPEDS + 3,
    TIMERS = FRAMES + 6,
    IRQ_HANDLERS = TIMERS + 2,
    INNER = IRQ_HANDLERS + 2,
    SELF,
    CONSOLE,
    SYSTEM,
    IRQ_CONTROL,
    BADGED, // Endpoint
    BADGED_NOTIFICATION,
    DEVICE_UNTYPED,
};

const struct thread *driver;
static uint64_t memory; // address of the world's

static const struct sheaf_bootinfo *information(void) {
    return port_kernel_address(slot_of(SHEAF_BOOT_SLOT_BOOTINFO)->frame.address);
}

static void leave_boot_world(void) {
    uint64_t root = make(SHEAF_CNODE, ROOT_BITS), all = untyped(MEMORY_BITS);
    uint64_t common = make_from(all, SHEAF_CNODE, COMMON_BITS);
    driver = running();
    memory = untyped_address(slot_of(all)).v;
    OK(INVOKE(common, SHEAF_CNODE_COPY, CONSOLE, SHEAF_BOOT_SLOT_CONSOLE, SHEAF_RIGHTS_ALL));
    OK(INVOKE(common, SHEAF_CNODE_COPY, SYSTEM, SHEAF_BOOT_SLOT_SYSTEM, SHEAF_RIGHTS_ALL));
    OK(INVOKE(common, SHEAF_CNODE_COPY, IRQ_CONTROL, SHEAF_BOOT_SLOT_IRQ_CONTROL,
              SHEAF_RIGHTS_ALL));
    OK(INVOKE(common, SHEAF_CNODE_COPY, SELF, common, SHEAF_RIGHTS_ALL));
    OK(INVOKE(common, SHEAF_CNODE_MOVE, DEVICE_UNTYPED, information()->device[0].slot));
    OK(INVOKE(root, SHEAF_CNODE_MOVE, 1, all));
    OK(INVOKE(root, SHEAF_CNODE_MOVE, 2, common));
    OK(INVOKE(root, SHEAF_CNODE_COPY, 3, INIT, SHEAF_RIGHTS_ALL));
    OK(destroy(CNODE)); // in itself: the thread's own one is the last
    configure(INIT, root, 0, 0, 0, 0);
}

static void common_make(unsigned type, unsigned bits, unsigned first, unsigned count) {
    OK(retype(1, type, bits, 2, first, count));
}

static void start_player(unsigned i) {
    static const uint8_t priority[PLAYERS] = {100, 100, 101, 100};
    uint64_t thread = COMMON(THREADS + i);
    bool last =
        i == PLAYERS - 1; // the one without buffer, and without anyone who handles its faults
    configure(thread, 2, COMMON(VSPACES + i % 2), last ? 0 : COMMON(ENDPOINTS + i),
              last ? 0 : COMMON(BUFFERS + i), COMMON(NOTIFICATIONS));
    OK(INVOKE(thread, SHEAF_THREAD_SET_PRIORITY, priority[i], 110, 3));
    OK(INVOKE(thread, SHEAF_THREAD_RESUME));
}

static void make_objects(void) {
    common_make(SHEAF_THREAD, 0, THREADS, PLAYERS);
    common_make(SHEAF_FRAME, 12, BUFFERS, PLAYERS - 1);
    common_make(SHEAF_ENDPOINT, 0, ENDPOINTS, 3);
    common_make(SHEAF_NOTIFICATION, 0, NOTIFICATIONS, 3);
    common_make(SHEAF_REPLY, 0, REPLIES, 3);
    common_make(SHEAF_VSPACE, 0, VSPACES, 2);
    common_make(SHEAF_UNTYPED, 17, UNTYPEDS, 1);
    common_make(SHEAF_UNTYPED, 14, UNTYPEDS + 1, 2);
    common_make(SHEAF_FRAME, 12, FRAMES, 6);
    common_make(SHEAF_TIMER, 0, TIMERS, 2);
    common_make(SHEAF_IRQ_HANDLER, 0, IRQ_HANDLERS, 2);
    common_make(SHEAF_CNODE, 3, INNER, 1);
    OK(INVOKE(2, SHEAF_CNODE_MINT, BADGED, COMMON(ENDPOINTS), SHEAF_RIGHTS_ALL, 5));
    OK(INVOKE(2, SHEAF_CNODE_MINT, BADGED_NOTIFICATION, COMMON(NOTIFICATIONS + 1), SHEAF_RIGHTS_ALL,
              2));
}

void world_begin(void) {
    machine_boot(&(struct image){.asid_limit = ASIDS,
                                 .ram_bytes = RAM,
                                 .device_count = 1,
                                 .device = {{DEVICE, BIT(DEVICE_BITS)}}});
    leave_boot_world();
    make_objects();
    for (unsigned i = 0; i < PLAYERS; i++)
        start_player(i);
    OK(INVOKE(3, SHEAF_THREAD_SET_PRIORITY, 70, 255, 3));
}

// The capability to all of it. NULL: the driver deleted it; then all of it is free for ever.
static struct slot *world_memory(void) {
    struct slot *slot = &tree_anchor;
    lock_acquire(&tree_lock);
    do
        slot = tree_next(&tree_anchor, slot);
    while (slot != NULL && (slot->type != SHEAF_UNTYPED || untyped_address(slot).v != memory ||
                            slot->size_bits != MEMORY_BITS));
    lock_release(&tree_lock);
    return slot;
}

// By the kernel's own revoke, without a thread: whoever could ask for it may be gone.
void world_end(void) {
    struct slot *slot = world_memory();
    fake_set_interrupts(VMSA_NEVER);
    if (slot == NULL)
        return;
    assert_int_equal(slot_revoke(&fake.pe[0], slot, NULL), SHEAF_OK);
    interrupt();
    check_invariants();
    assert_null(slot->first_child);
}
