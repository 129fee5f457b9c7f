// SPDX-License-Identifier: BSD-2-Clause
// Surroundings of a case: the arena, slots, addresses, objects and questions about them.
#include "device.h"
#include "harness.h"
#include "threads.h"

#include <string.h>

// Slots below are the start-up library's.
#define FIRST_TEST_SLOT 8192
#define END_OF_SLOTS (1u << SHEAF_BOOT_CNODE_BITS)
#define WINDOW UINT64_C(0x4000000000)
#define WINDOW_END UINT64_C(0x6000000000)
#define OWN_CHUNKS 8

static const sheaf_cptr arena_slot = FIRST_TEST_SLOT;
static const sheaf_cptr chunks_slot = FIRST_TEST_SLOT + 1;
static const sheaf_cptr silence_slot = FIRST_TEST_SLOT + 2;
static const sheaf_cptr silence_memory_slot = FIRST_TEST_SLOT + 3;
static const sheaf_cptr first_case_slot = FIRST_TEST_SLOT + 16;
static sheaf_cptr next_slot;
static uint64_t next_place;

const struct sheaf_bootinfo *boot_information(void) {
    return (const struct sheaf_bootinfo *)SHEAF_BOOTINFO_VA;
}

struct sheaf_ipc_buffer *own_buffer(void) {
    return (struct sheaf_ipc_buffer *)SHEAF_BOOT_IPC_BUFFER_VA;
}

void power_off(uint64_t status) {
    for (;;) {
        INVOKE(SHEAF_BOOT_SLOT_SYSTEM, SHEAF_SYSTEM_POWER_OFF, 1, status);
    }
}

uint64_t counter(enum sheaf_counter which) {
    struct message m = INVOKE(SHEAF_BOOT_SLOT_SYSTEM, SHEAF_SYSTEM_COUNTERS, 1, which);
    CHECK_OK(m.status);
    CHECK(SHEAF_TAG_LENGTH(m.tag) >= 2);
    return m.word[1];
}

static bool retype_from_boot(unsigned bits, sheaf_cptr slot) {
    const struct sheaf_bootinfo *boot = boot_information();
    for (unsigned i = 0; i < boot->untyped_count; i++) {
        if (boot->untyped[i].size_bits >= bits &&
            untyped_retype(boot->untyped[i].slot, SHEAF_UNTYPED, bits, 0, ROOT, slot, 1) ==
                SHEAF_OK) {
            return true;
        }
    }
    return false;
}

bool surroundings_prepare(void) {
    return retype_from_boot(ARENA_BITS, arena_slot) &&
           retype_from_boot(SHEAF_CHUNK_BITS + 4, chunks_slot) &&
           INVOKE(OWN_VSPACE, SHEAF_VSPACE_GROW, 2, chunks_slot, OWN_CHUNKS).status == SHEAF_OK &&
           retype_from_boot(SHEAF_PAGE_BITS, silence_memory_slot) &&
           untyped_retype(silence_memory_slot, SHEAF_NOTIFICATION, 0, 0, ROOT, silence_slot, 1) ==
               SHEAF_OK;
}

sheaf_cptr sheaf_silence(void) { return silence_slot; }

void surroundings_begin(void) {
    next_slot = first_case_slot;
    next_place = WINDOW;
    threads_forget();
    CHECK_OK(thread_priority(OWN_THREAD, MAIN_PRIORITY, 255, OWN_THREAD));
    CHECK_EQ(untyped_info(arena_slot).left, UINT64_C(1) << ARENA_BITS);
}

void surroundings_end(void) {
    threads_quieten();
    CHECK_OK(cnode_revoke(ROOT, arena_slot));
    device_end();
    for (sheaf_cptr slot = first_case_slot; slot < next_slot; slot++) {
        cnode_delete(ROOT, slot); // copies of what does not come from the arena
    }
    own_buffer()->ops[0] = unmap_op(OWN_VSPACE, WINDOW, (WINDOW_END - WINDOW) / PAGE, 0);
    own_buffer()->ops[1] = unmap_op(OWN_VSPACE, CHILD_FREE, CHILD_FREE / PAGE, 0);
    struct gathered g = gather(2, 0);
    CHECK_OK(g.status);
    CHECK_EQ(untyped_info(arena_slot).left, UINT64_C(1) << ARENA_BITS);
}

sheaf_cptr arena(void) { return arena_slot; }

sheaf_cptr new_slots(unsigned count) {
    CHECK(next_slot + count <= END_OF_SLOTS);
    sheaf_cptr first = next_slot;
    next_slot += count;
    return first;
}

sheaf_cptr new_slot(void) { return new_slots(1); }

uint64_t new_place(uint64_t bytes) {
    uint64_t place = next_place;
    next_place += (bytes + BLOCK - 1) / BLOCK * BLOCK;
    CHECK(next_place <= WINDOW_END);
    return place;
}

sheaf_cptr make_from(sheaf_cptr untyped, unsigned type, unsigned bits) {
    sheaf_cptr slot = new_slot();
    CHECK_OK(untyped_retype(untyped, type, bits, 0, ROOT, slot, 1));
    return slot;
}

sheaf_cptr make_untyped_apart(unsigned bits) {
    sheaf_cptr slot = new_slot();
    CHECK(retype_from_boot(bits, slot));
    return slot;
}

sheaf_cptr make(unsigned type, unsigned bits) { return make_from(arena_slot, type, bits); }

void retype_many(sheaf_cptr untyped, unsigned type, unsigned bits, sheaf_cptr cnode, uint64_t first,
                 unsigned count) {
    for (unsigned made = 0; made < count; made += SHEAF_RETYPE_MAX) {
        unsigned some = count - made < SHEAF_RETYPE_MAX ? count - made : SHEAF_RETYPE_MAX;
        CHECK_OK(untyped_retype(untyped, type, bits, 0, cnode, first + made, some));
    }
}

sheaf_cptr make_many(unsigned type, unsigned bits, unsigned count) {
    sheaf_cptr first = new_slots(count);
    retype_many(arena_slot, type, bits, ROOT, first, count);
    return first;
}

sheaf_cptr copy_of(sheaf_cptr source, uint64_t rights) {
    sheaf_cptr slot = new_slot();
    CHECK_OK(cnode_copy(ROOT, slot, source, rights));
    return slot;
}

sheaf_cptr badged(sheaf_cptr source, uint64_t rights, uint64_t badge) {
    sheaf_cptr slot = new_slot();
    CHECK_OK(cnode_mint(ROOT, slot, source, rights, badge));
    return slot;
}

sheaf_cptr make_vspace(unsigned chunks) {
    sheaf_cptr vspace = make(SHEAF_VSPACE, SHEAF_CHUNK_BITS);
    if (chunks > 1) {
        CHECK_OK(INVOKE(vspace, SHEAF_VSPACE_GROW, 2, arena_slot, chunks - 1).status);
    }
    return vspace;
}

struct untyped_info untyped_info(sheaf_cptr untyped) {
    struct message m = INVOKE(untyped, SHEAF_UNTYPED_INFO, 0, 0);
    CHECK_OK(m.status);
    CHECK_EQ(SHEAF_TAG_LENGTH(m.tag), 4);
    return (struct untyped_info){m.word[0], m.word[1], m.word[2], m.word[3]};
}

uint64_t frame_address(sheaf_cptr frame) {
    struct message m = INVOKE(frame, SHEAF_FRAME_GET_ADDRESS, 0, 0);
    CHECK_OK(m.status);
    return m.word[0];
}

bool frame_mapping(sheaf_cptr frame, uint64_t *va, uint64_t *pages) {
    struct message m = INVOKE(frame, SHEAF_FRAME_GET_MAPPING, 0, 0);
    CHECK_OK(m.status);
    *va = m.word[0];
    *pages = m.word[1];
    return m.word[1] != 0;
}

struct vspace_info vspace_info(sheaf_cptr vspace) {
    struct message m = INVOKE(vspace, SHEAF_VSPACE_INFO, 0, 0);
    CHECK_OK(m.status);
    CHECK_EQ(SHEAF_TAG_LENGTH(m.tag), 4);
    return (struct vspace_info){m.word[0], m.word[1], m.word[2], m.word[3]};
}

// REPLY never waits, whatever the capability names.
bool slot_is_empty(sheaf_cptr cap) {
    return answer(cap, MESSAGE(0, 0, 0)) == SHEAF_ERR_INVALID_CAPABILITY;
}

// A capability is told by system calls and methods that only its type answers so. Not for System,
// whose second method is POWER_OFF, nor for an Endpoint or Reply that someone waits on.
enum sheaf_type probe_type(sheaf_cptr cap) {
    uint64_t status = answer(cap, MESSAGE(0, 0, 0));
    if (status == SHEAF_ERR_INVALID_CAPABILITY || status == SHEAF_ERR_NOT_WAITING) {
        return status == SHEAF_ERR_NOT_WAITING ? SHEAF_REPLY : SHEAF_NULL;
    }
    status = nb_send(cap, MESSAGE(0, 0, 0));
    if (status == SHEAF_ERR_WOULD_BLOCK || status == SHEAF_OK) {
        return status == SHEAF_OK ? SHEAF_NOTIFICATION : SHEAF_ENDPOINT;
    }
    static const struct {
        enum sheaf_type type;
        uint64_t method;
        unsigned answer_words;
    } probes[] = {
        {SHEAF_THREAD, SHEAF_THREAD_INFO, 6},
        {SHEAF_VSPACE, SHEAF_VSPACE_INFO, 4},
        {SHEAF_UNTYPED, SHEAF_UNTYPED_INFO, 4},
        {SHEAF_FRAME, SHEAF_FRAME_GET_ADDRESS, 3},
    };
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
        struct message m = INVOKE(cap, probes[i].method, 0, 0);
        if (m.status == SHEAF_OK && SHEAF_TAG_LENGTH(m.tag) == probes[i].answer_words) {
            return probes[i].type;
        }
    }
    return cnode_revoke(cap, 0) == SHEAF_ERR_RANGE ? SHEAF_CNODE : SHEAF_TYPE_COUNT;
}

struct gathered gather_one(struct sheaf_gather_op op) {
    own_buffer()->ops[0] = op;
    return gather(1, 0);
}

struct gathered must_gather(struct sheaf_gather_op op) {
    struct gathered g = gather_one(op);
    CHECK_OK(g.status);
    return g;
}

void map_frames(sheaf_cptr vspace, uint64_t va, sheaf_cptr first, unsigned count, uint64_t rights,
                uint64_t flags) {
    for (unsigned done = 0; done < count; done += SHEAF_MAP_FRAMES) {
        unsigned some = count - done < SHEAF_MAP_FRAMES ? count - done : SHEAF_MAP_FRAMES;
        must_gather(map_op(vspace, va + done * PAGE, some, first + done, some, rights, flags));
    }
}

void *map_here(sheaf_cptr frame, unsigned bits, uint64_t rights) {
    uint64_t bytes = UINT64_C(1) << bits;
    uint64_t place = new_place(bytes);
    must_gather(map_op(OWN_VSPACE, place, bytes / PAGE, frame, 1, rights,
                       SHEAF_OP_ACCESSED | (rights & SHEAF_MAP_WRITE ? SHEAF_OP_DIRTY : 0)));
    return (void *)place;
}

void unmap_here(void *at, uint64_t pages) {
    must_gather(unmap_op(OWN_VSPACE, (uint64_t)at, pages, 0));
}
