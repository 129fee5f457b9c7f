// SPDX-License-Identifier: BSD-2-Clause
// Making the world anew for each round, out of the arena.
#include "world.h"
#include "harness.h"

#include <string.h>

#define UNTYPED_BITS 19u
#define DEVICE_BITS 22u
// For a VSpace that holds no more chunks than its first: 512 of them and 63.
#define CHUNKS 575u
#define CHUNKS_BITS 25u
#define REST_BITS 22u

struct puppet puppets[PUPPETS];
uint8_t guess[CSPACES][SLOTS];
uint64_t random_state;

// splitmix64, as published by Steele, Lea and Flood (2014).
uint64_t random_word(void) {
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t below(uint64_t n) { return random_word() % n; }

#define SPARE 2u
static sheaf_cptr cspace[CSPACES], faults, idle, spare[SPARE];

uint64_t puppet_entry(void) {
    extern const char __start_child_code[];
    return CHILD_CODE + (uint64_t)((const char *)puppet - __start_child_code);
}

static void put(sheaf_cptr source, unsigned slot, unsigned type, uint64_t rights) {
    for (unsigned i = 0; i < CSPACES; i++) {
        CHECK_OK(cnode_copy(cspace[i], slot, source, rights));
        guess[i][slot] = (uint8_t)type;
    }
}

static void put_many(unsigned type, unsigned slot, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        put(make(type, 0), slot + i, type, SHEAF_RIGHTS_ALL);
    }
}

static void put_endpoints(void) {
    for (unsigned i = 0; i < 3; i++) {
        sheaf_cptr endpoint = make(SHEAF_ENDPOINT, 0);
        put(endpoint, SLOT_ENDPOINTS + i, SHEAF_ENDPOINT, SHEAF_RIGHTS_ALL);
        if (i < 2) {
            put(badged(endpoint, SHEAF_RIGHTS_ALL, i + 1), SLOT_BADGED + i, SHEAF_ENDPOINT,
                SHEAF_RIGHTS_ALL);
        }
    }
}

// Above all RAM, where no device is that a puppet could upset. What is made of it ends with the
// CSpaces that hold it.
static sheaf_cptr devices(void) {
    const struct sheaf_bootinfo *boot = boot_information();
    const struct sheaf_boot_device *range = &boot->device[boot->device_count - 1];
    return range->slot + range->count - 1;
}

// What is not shared: Untypeds cannot be copied, and a Frame capability names one mapping.
static void make_cspace(unsigned which) {
    cspace[which] = make(SHEAF_CNODE, SLOT_BITS);
    sheaf_cptr to = cspace[which];
    CHECK_OK(cnode_copy(to, SLOT_SELF, to, SHEAF_RIGHTS_ALL));
    CHECK_OK(untyped_retype(arena(), SHEAF_UNTYPED, UNTYPED_BITS, 0, to, SLOT_UNTYPED, 2));
    CHECK_OK(untyped_retype(devices(), SHEAF_UNTYPED, DEVICE_BITS, SHEAF_MEMORY_DEVICE, to,
                            SLOT_DEVICE, 1));
    CHECK_OK(untyped_retype(arena(), SHEAF_CNODE, 3, 0, to, SLOT_INNER, 1));
    CHECK_OK(untyped_retype(arena(), SHEAF_FRAME, SHEAF_PAGE_BITS, 0, to, SLOT_FRAMES, 8));
    CHECK_OK(untyped_retype(arena(), SHEAF_FRAME, 16, 0, to, SLOT_FRAMES + 8, 1));
    CHECK_OK(untyped_retype(arena(), SHEAF_FRAME, 21, 0, to, SLOT_FRAMES + 9, 1));
    uint8_t *types = guess[which];
    memset(types, SHEAF_NULL, SLOTS);
    types[SLOT_SELF] = types[SLOT_INNER] = SHEAF_CNODE;
    types[SLOT_UNTYPED] = types[SLOT_UNTYPED + 1] = types[SLOT_DEVICE] = SHEAF_UNTYPED;
    memset(types + SLOT_FRAMES, SHEAF_FRAME, 10);
}

static void make_puppet(unsigned i) {
    static const uint8_t priorities[PUPPETS] = {20, 20, 30, 25};
    struct puppet *p = &puppets[i];
    *p = (struct puppet){.cspace = i == 0 ? 0 : i - 1, .priority = priorities[i]};
    p->child = new_child(puppet, p->priority, faults, 0);
    p->page = (struct puppet_page *)p->child.page;
    p->root = cspace[p->cspace];
    if (i == PUPPETS - 1) {
        p->root = make(SHEAF_CNODE, 2);
        CHECK_OK(cnode_copy(p->root, 1, cspace[p->cspace], SHEAF_RIGHTS_ALL));
        p->name = 1;
        p->name_bits = 2;
    }
    p->page->idle = p->name | (uint64_t)SLOT_IDLE << p->name_bits;
    p->page->next = p->page->count = 0;
    CHECK_OK(
        INVOKE(p->child.thread, SHEAF_THREAD_SET_NAME, 2, UINT64_C(0x746570707570) /* puppet */, 0)
            .status);
    CHECK(puppet_put_back(p));
}

bool puppet_put_back(struct puppet *puppet) {
    uint64_t status = thread_configure(puppet->child.thread, puppet->root, puppet->child.vspace,
                                       faults, puppet->child.buffer_frame, 0);
    CHECK(status == SHEAF_OK || status == SHEAF_ERR_DEAD);
    CHECK_OK(
        thread_priority(puppet->child.thread, puppet->priority, 2 * puppet->priority, OWN_THREAD));
    return status == SHEAF_OK;
}

// A thread that never began: its first instruction is a fault, which somebody is told.
static void put_spare(unsigned i) {
    spare[i] = make(SHEAF_THREAD, 0);
    CHECK_OK(thread_configure(spare[i], 0, 0, faults, 0, 0));
    put(spare[i], SLOT_THREADS + PUPPETS + i, SHEAF_THREAD, SHEAF_RIGHTS_ALL);
}

void world_quieten(void) {
    for (unsigned i = 0; i < SPARE; i++) {
        CHECK_OK(thread_suspend(spare[i]));
    }
}

// The arena's second half goes to the larger one, so nothing is made of it afterwards.
static void crowd(sheaf_cptr vspace) {
    sheaf_cptr rest = make(SHEAF_UNTYPED, REST_BITS), most = make(SHEAF_UNTYPED, CHUNKS_BITS);
    for (unsigned left = CHUNKS; left > 0;) {
        unsigned some = left < SHEAF_GROW_MAX ? left : SHEAF_GROW_MAX;
        bool large = left > CHUNKS - (1u << (CHUNKS_BITS - SHEAF_CHUNK_BITS));
        CHECK_OK(INVOKE(vspace, SHEAF_VSPACE_GROW, 2, large ? most : rest, some).status);
        left -= some;
    }
    CHECK_EQ(INVOKE(vspace, SHEAF_VSPACE_GROW, 2, rest, 1).status, SHEAF_ERR_TOO_MANY_CHUNKS);
}

void world_make(bool crowded) {
    for (unsigned i = 0; i < CSPACES; i++) {
        make_cspace(i);
    }
    faults = make(SHEAF_ENDPOINT, 0);
    idle = make(SHEAF_NOTIFICATION, 0);
    put_endpoints();
    put_many(SHEAF_NOTIFICATION, SLOT_NOTIFICATIONS, 3);
    put_many(SHEAF_REPLY, SLOT_REPLIES, 3);
    put_many(SHEAF_TIMER, SLOT_TIMERS, 2);
    put_many(SHEAF_IRQ_HANDLER, SLOT_IRQ_HANDLERS, 2);
    sheaf_cptr nobodys = make(SHEAF_VSPACE, 0);
    put(nobodys, SLOT_VSPACE + 1, SHEAF_VSPACE, SHEAF_RIGHTS_ALL);
    put(faults, SLOT_FAULTS, SHEAF_ENDPOINT, SHEAF_RIGHTS_ALL);
    put(SHEAF_BOOT_SLOT_IRQ_CONTROL, SLOT_IRQ_CONTROL, SHEAF_IRQ_CONTROL, SHEAF_RIGHTS_ALL);
    put(SHEAF_BOOT_SLOT_CONSOLE, SLOT_CONSOLE, SHEAF_CONSOLE, SHEAF_RIGHT_READ);
    put(SHEAF_BOOT_SLOT_SYSTEM, SLOT_SYSTEM, SHEAF_SYSTEM, SHEAF_RIGHT_READ);
    put(idle, SLOT_IDLE, SHEAF_NULL, SHEAF_RIGHT_READ); // by accident only
    put_spare(0);
    put_spare(1);
    for (unsigned i = 0; i < PUPPETS; i++) {
        make_puppet(i);
        put(puppets[i].child.thread, SLOT_THREADS + i, SHEAF_THREAD, SHEAF_RIGHTS_ALL);
    }
    for (unsigned i = 0; i < PUPPETS; i++) {
        if (guess[puppets[i].cspace][SLOT_VSPACE] == SHEAF_NULL) {
            CHECK_OK(cnode_copy(cspace[puppets[i].cspace], SLOT_VSPACE, puppets[i].child.vspace,
                                SHEAF_RIGHTS_ALL));
            guess[puppets[i].cspace][SLOT_VSPACE] = SHEAF_VSPACE;
        }
    }
    if (crowded) {
        crowd(nobodys);
    }
}
