// SPDX-License-Identifier: BSD-2-Clause
// The explorer's world. Nothing here asserts by cmocka once the operations run: they run on stacks
// of their own.
#include "explore_world.h"
#include <layout.h>
#include <string.h>

#define ELSEWHERE (5 * TABLE_PAGES)
#define MOVED (3 * TABLE_PAGES)
#define DEFERRED UINT64_C(100) // where the world without a free entry has something pending

static struct {
    struct vspace *vspace, *other;
    struct mapped_frame frame; // 5, at page 5
    void *spare;               // a chunk
    struct lock tree, slots;   // as in src/core: of derivation; of a CNode, guards the record
    bool spare_used, destroyed, dying;
    bool moved;
    bool written; // a PE makes pages writable again
    bool full;    // it began with no pending entry free
} world;

struct mmu_features world_features;

// ---- Operations

static struct gather *begin(enum gather_policy policy) {
    struct gather *gather = gather_begin();
    gather_set_policy(gather, policy);
    return gather;
}

// What FORCE adds to an operation that succeeded.
static void force(struct gather *gather, enum gather_policy policy, uint64_t page, uint64_t pages) {
    if (policy == GATHER_FORCE)
        gather_force(gather, world.vspace, PAGE(page), pages);
}

static bool unmap_by(enum gather_policy policy, uint64_t page, uint64_t pages, unsigned flags) {
    struct gather *gather = begin(policy);
    uint64_t done = 0;
    enum sheaf_error error;
    do
        error = gather_unmap(gather, world.vspace, PAGE(page), pages, flags, &done, NULL);
    while (error == SHEAF_ERR_PREEMPTED);
    if (error == SHEAF_OK)
        force(gather, policy, page, pages);
    gather_finish(gather);
    return error == SHEAF_OK;
}

static bool unmap(uint64_t page, uint64_t pages, unsigned flags) {
    return unmap_by(GATHER_IF_NEEDED, page, pages, flags);
}

static bool map(uint64_t page, uint64_t pages, uint64_t frame, unsigned level) {
    struct gather *gather = gather_begin();
    struct gather_map map;
    unsigned missing;
    enum sheaf_error error =
        gather_map_begin(gather, world.vspace, PAGE(page), pages, level, &map, &missing);
    if (error == SHEAF_OK) {
        gather_map_frame(&map, FRAME(frame), pages, &touched);
        gather_map_end(&map);
    }
    gather_finish(gather);
    return error == SHEAF_OK;
}

static void reuse(uint64_t frame, uint64_t frames) {
    vmsa_frame_reused(FRAME(frame), frames * PAGE_BYTES);
}

static bool is_mapped_somewhere(uint64_t frame) {
    return is_mapped_to(world.vspace, frame, frame) ||
           is_mapped_to(world.vspace, MOVED + frame, frame) ||
           is_mapped_to(world.vspace, ELSEWHERE + frame, frame);
}

// By address, frames 0 to 9 may have gone elsewhere: only what is mapped nowhere is free, not
// pending there either, and nobody is just removing it.
static void reuse_unmapped(uint64_t frame, uint64_t frames) {
    const struct vspace *vspace = world.vspace;
    if (world.moved && (vspace->pending_count != 0 || vspace->lock.held != 0))
        return;
    for (; frames-- > 0; frame++) {
        if (!is_mapped_somewhere(frame))
            reuse(frame, 1);
    }
}

static void unmap_one(void) {
    if (unmap(5, 1, 0))
        reuse_unmapped(5, 1);
}

// As a gather of its own, and where that declines, in the ordinary way.
static void unmap_few(void) {
    const struct gather_pages list[] = {{PAGE(5), 1}, {PAGE(1), 2}};
    struct gather_totals totals;
    if (gather_unmap_few(world.vspace, list, ARRAY_SIZE(list), &totals) ||
        (unmap(5, 1, 0) && unmap(1, 2, 0))) {
        reuse_unmapped(5, 1);
        reuse_unmapped(1, 2);
    }
}

static void unmap_untouched(void) {
    if (unmap(7, 2, 0))
        reuse_unmapped(7, 2);
}

static void unmap_keeping_tables(void) {
    if (unmap(0, TABLE_PAGES, SHEAF_OP_KEEP_TABLES))
        reuse_unmapped(0, 10);
}

static void unmap_table(void) {
    if (unmap(0, TABLE_PAGES, 0))
        reuse_unmapped(0, 10);
}

static void unmap_all(void) {
    if (unmap(0, USER_HALF_PAGES, 0)) {
        reuse_unmapped(0, 10);
        reuse(20, 1);
    }
}

// An interrupt is pending at every poll.
static void unmap_preempted(void) {
    vmsa_set_interrupt(0);
    unmap_all();
    vmsa_set_interrupt(VMSA_NEVER);
}

// The short way, and where it declines, the long one.
static void map_few(void) {
    struct gather *gather = gather_begin();
    struct mapping_record record;
    bool done = gather_map_pages(gather, world.vspace, PAGE(10), FRAME(70), 2, &touched, &record);
    gather_finish(gather);
    if (!done)
        map(10, 2, 70, LEAF_LEVEL);
}

// What was accessed, and what was not.
static void unmap_forced(void) {
    if (unmap_by(GATHER_FORCE, 4, 3, 0))
        reuse_unmapped(4, 3);
}

// Nothing is reused after this one: that is for whoever completes it.
static void unmap_deferred(void) { unmap_by(GATHER_DEFER, 3, 5, 0); }

static void map_elsewhere(void) { map(ELSEWHERE, 2, 60, LEAF_LEVEL); }

static void map_block(void) { map(0, TABLE_PAGES, 2048, 2); }

static void replace_one(void) {
    struct gather *gather = gather_begin();
    struct gather_map map;
    unsigned missing;
    uint64_t done = 0;
    enum sheaf_error error = gather_unmap(gather, world.vspace, PAGE(5), 1, 0, &done, NULL);
    if (gather_map_begin(gather, world.vspace, PAGE(5), 1, LEAF_LEVEL, &map, &missing) ==
        SHEAF_OK) {
        gather_map_frame(&map, FRAME(1000 + vmsa_pe()), 1, &touched);
        gather_map_end(&map);
    }
    gather_finish(gather);
    if (error == SHEAF_OK)
        reuse_unmapped(5, 1);
}

static struct mapping_record read_record(void) {
    lock_acquire(&world.slots);
    struct mapping_record record = world.frame.record;
    lock_release(&world.slots);
    return record;
}

// Of a slot that is to die: nobody moves the mapping any more.
static struct mapping_record take_record(void) {
    lock_acquire(&world.slots);
    world.dying = true;
    struct mapping_record record = world.frame.record;
    lock_release(&world.slots);
    return record;
}

static void unmap_record(void) {
    struct mapping_record record = take_record();
    struct gather *gather = gather_begin();
    gather_unmap_record(gather, record, FRAME(5), PAGE_BITS);
    gather_finish(gather);
    explore_require(!record_is_live(record, FRAME(5), PAGE_BITS),
                    "a deleted mapping is still there");
    reuse(5, 1);
}

static void complete_record(void) {
    struct gather *gather = gather_begin();
    struct mapping_record record = read_record();
    bool live = record_is_live(record, FRAME(5), PAGE_BITS);
    gather_complete_record(gather, record);
    gather_finish(gather);
    if (!live) // whoever removed it: it is complete now
        reuse_unmapped(5, 1);
}

// ---- EVICT and SYNC

// One visit of the walk in src/core/evict.c: the tree's lock keeps the capability where it is, but
// not its record.
static enum record_step visit(struct gather *gather, struct mapping_record *record) {
    uint8_t seen = 0;
    lock_acquire(&world.tree);
    *record = world.frame.record;
    enum record_step step = clear_record(gather, &world.frame, PAGE_BITS, &seen);
    lock_release(&world.tree);
    return step;
}

static void evict_by(enum gather_policy policy) {
    struct gather *gather = begin(policy);
    struct mapping_record record;
    enum record_step step;
    while ((step = visit(gather, &record)) != RECORD_THROUGH) {
        if (step == RECORD_PENDING)
            gather_complete_record(gather, record);
    }
    gather_finish(gather);
    explore_require(vspace_is_dead(world.vspace) || !is_mapped_somewhere(5),
                    "an evicted mapping is still there");
}

static void evict(void) {
    evict_by(GATHER_IF_NEEDED);
    reuse(5, 1);
}

static void evict_forced(void) {
    evict_by(GATHER_FORCE);
    reuse(5, 1);
}

static void evict_deferred(void) { evict_by(GATHER_DEFER); }

// What was mapped nowhere before the SYNC is free after it; but for what a MOVE holds just then.
static void sync_by(enum gather_policy policy) {
    bool gone[10];
    for (unsigned frame = 0; frame < ARRAY_SIZE(gone); frame++)
        gone[frame] = !is_mapped_somewhere(frame);
    struct gather *gather = begin(policy);
    enum sheaf_error error = gather_sync(gather, world.vspace);
    if (error == SHEAF_OK)
        force(gather, policy, 0, USER_HALF_PAGES);
    gather_finish(gather);
    if (error != SHEAF_OK)
        return;
    for (unsigned frame = 0; frame < ARRAY_SIZE(gone); frame++) {
        if (gone[frame])
            reuse_unmapped(frame, 1);
    }
    if (world.full)
        reuse(DEFERRED, PENDING_ENTRIES);
}

static void sync_all(void) { sync_by(GATHER_IF_NEEDED); }
static void sync_forced(void) { sync_by(GATHER_FORCE); }

// ---- PROTECT and AGE

typedef enum sheaf_error change_leaves(struct gather *, struct vspace *, unsigned,
                                       const struct gather_change *);

static bool change_by(enum gather_policy policy, change_leaves *operation, unsigned what,
                      uint64_t page, uint64_t pages, uint8_t *report) {
    struct gather *gather = begin(policy);
    struct gather_ahead ahead = {0};
    uint64_t done = 0;
    struct gather_change wanted = {PAGE(page), pages, &done, &ahead, report};
    enum sheaf_error error;
    do
        error = operation(gather, world.vspace, what, &wanted);
    while (error == SHEAF_ERR_PREEMPTED);
    if (error == SHEAF_OK)
        force(gather, policy, page, pages);
    gather_finish(gather);
    return error == SHEAF_OK;
}

static bool change(change_leaves *operation, unsigned what, uint64_t page, uint64_t pages,
                   uint8_t *report) {
    return change_by(GATHER_IF_NEEDED, operation, what, page, pages, report);
}

// What is said not to be written any more is relied on, where no PE makes it writable again or
// takes it to another address.
static void rely_on(uint64_t frame, uint64_t frames) {
    if (!world.written && !world.moved)
        vmsa_frames_relied_on(FRAME(frame), frames * PAGE_BYTES);
}

static void protect_read_only(void) {
    if (change(gather_protect, SHEAF_MAP_READ, 0, 10, NULL))
        rely_on(0, 10);
}

static void protect_forced(void) {
    if (change_by(GATHER_FORCE, gather_protect, SHEAF_MAP_READ, 5, 2, NULL))
        rely_on(5, 2);
}

static void protect_writable(void) {
    change(gather_protect, SHEAF_MAP_READ | SHEAF_MAP_WRITE | SHEAF_MAP_EXECUTE, 4, 4, NULL);
}

static void age_accessed(void) { change(gather_age, SHEAF_OP_ACCESSED, 0, 10, NULL); }

// Copies what was dirty, and says that it is clean.
static void age_dirty(void) {
    uint8_t report[SHEAF_REPORT_BYTES(10)];
    if (change(gather_age, SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY, 0, 10, report))
        rely_on(0, 10);
}

// ---- MOVE

static void move_table(void) {
    struct gather *gather = gather_begin();
    struct gather_move move = {0};
    unsigned missing;
    enum sheaf_error error = SHEAF_OK;
    world.moved = true;
    while (error == SHEAF_OK && move.pass != MOVE_DONE)
        error = gather_move_tables(gather, world.vspace, PAGE(0), PAGE(MOVED), TABLE_PAGES, &move,
                                   &missing);
    gather_finish(gather);
}

// The slot's lock is held for each slice, as in a system call: who deletes marks the slot under it.
static enum sheaf_error move_slice(struct gather *gather, struct gather_move *move) {
    struct moved_frames frames = {.count = 1, .at = {{&world.frame, PAGE_BITS, true}}};
    unsigned missing;
    enum sheaf_error error = SHEAF_ERR_INVALID_CAPABILITY;
    lock_acquire(&world.slots);
    if (!world.dying) {
        bool left = move->pass == MOVE_MOVE ? move->slots != 0 : move->slots == 0; // it goes down
        frames.count = left ? 1 : 0;
        error = gather_move_leaves(gather, world.vspace, PAGE(5), PAGE(ELSEWHERE + 5), 1, &frames,
                                   move, &missing);
    }
    lock_release(&world.slots);
    return error;
}

static void move_leaf(void) {
    struct gather *gather = gather_begin();
    struct gather_move move = {0};
    enum sheaf_error error = SHEAF_OK;
    world.moved = true;
    while (error == SHEAF_OK && move.pass != MOVE_DONE)
        error = move_slice(gather, &move);
    gather_finish(gather);
}

static void fault_write(void) {
    world.written = true;
    mmu_fault(world.vspace, PAGE(5), SHEAF_ACCESS_WRITE);
}

static void fault_untouched(void) { mmu_fault(world.vspace, PAGE(7), SHEAF_ACCESS_READ); }

// Two operations of one vector.
static void defer_twice(void) {
    struct gather *gather = begin(GATHER_DEFER);
    uint64_t done = 0;
    if (gather_unmap(gather, world.vspace, PAGE(5), 1, 0, &done, NULL) == SHEAF_OK) {
        done = 0;
        gather_unmap(gather, world.vspace, PAGE(1), 2, 0, &done, NULL);
    }
    gather_finish(gather);
}

static void defer_few(void) {
    const struct gather_pages list[] = {{PAGE(5), 1}, {PAGE(1), 2}};
    struct gather_totals totals;
    if (!gather_defer_few(world.vspace, list, ARRAY_SIZE(list), &totals))
        defer_twice();
}

static void sync_and_unmap(void) {
    struct gather *gather = begin(GATHER_IF_NEEDED);
    uint64_t done = 0;
    bool gone = gather_sync(gather, world.vspace) == SHEAF_OK &&
                gather_unmap(gather, world.vspace, PAGE(5), 1, 0, &done, NULL) == SHEAF_OK;
    gather_finish(gather);
    if (gone)
        reuse_unmapped(5, 1);
}

static void activate(void) {
    vspace_activate(NULL);
    vspace_activate(world.vspace);
}

// Before the call that uses it: another PE may come in between.
static bool take_spare(void) {
    bool taken = !world.spare_used;
    world.spare_used = true;
    return taken;
}

static void grow(void) {
    if (take_spare() && vspace_grow(world.vspace, world.spare) != SHEAF_OK)
        world.spare_used = false;
}

static void shrink(void) {
    struct chunk *chunk;
    if (vspace_shrink(world.vspace, 1, &chunk) == SHEAF_OK)
        vmsa_frame_reused(port_physical_address(chunk), CHUNK_BYTES);
}

static void destroy(void) {
    vspace_destroy(world.vspace);
    world.destroyed = true;
    reuse(0, 10);
    reuse(20, 1);
    reuse(60, 2);
    vmsa_frame_reused(port_physical_address(vspace_chunk(world.vspace, 0)), CHUNK_BYTES);
}

// Works when the first VSpace's ASID is free again: a new VSpace under that number.
static void create(void) {
    struct vspace *fresh;
    if (!take_spare())
        return;
    if (vspace_create(world.spare, &fresh) != SHEAF_OK) {
        world.spare_used = false;
        return;
    }
    vspace_activate(fresh);
    vspace_activate(NULL);
    vspace_destroy(fresh);
}

const struct world_operation world_operations[] = {
    {"unmap_one", unmap_one},
    {"unmap_few", unmap_few},
    {"unmap_untouched", unmap_untouched},
    {"unmap_keeping_tables", unmap_keeping_tables},
    {"unmap_table", unmap_table},
    {"unmap_all", unmap_all},
    {"unmap_preempted", unmap_preempted},
    {"unmap_forced", unmap_forced},
    {"unmap_deferred", unmap_deferred},
    {"map_elsewhere", map_elsewhere},
    {"map_few", map_few},
    {"map_block", map_block},
    {"replace_one", replace_one},
    {"unmap_record", unmap_record},
    {"complete_record", complete_record},
    {"evict", evict},
    {"evict_forced", evict_forced},
    {"evict_deferred", evict_deferred},
    {"sync", sync_all},
    {"defer_twice", defer_twice},
    {"defer_few", defer_few},
    {"sync_and_unmap", sync_and_unmap},
    {"sync_forced", sync_forced},
    {"protect_read_only", protect_read_only},
    {"protect_forced", protect_forced},
    {"protect_writable", protect_writable},
    {"age_accessed", age_accessed},
    {"age_dirty", age_dirty},
    {"move_table", move_table},
    {"move_leaf", move_leaf},
    {"fault_write", fault_write},
    {"fault_untouched", fault_untouched},
    {"activate", activate},
    {"grow", grow},
    {"shrink", shrink},
    {"destroy", destroy},
    {"create", create},
};
const unsigned world_operation_count = ARRAY_SIZE(world_operations);

const struct world_operation *world_find(const char *name) {
    for (unsigned i = 0; i < ARRAY_SIZE(world_operations); i++) {
        if (strcmp(world_operations[i].name, name) == 0)
            return &world_operations[i];
    }
    return NULL;
}

// ---- Before and after

static void load_on(unsigned pe, struct vspace *vspace) {
    vmsa_set_pe(pe);
    vspace_activate(vspace);
    vmsa_set_pe(0);
}

static void build(void) {
    machine_init(8, 2, world_features);
    world.destroyed = world.spare_used = world.dying = world.moved = world.written = false;
    world.full = false;
    lock_init(&world.tree, LOCK_TREE);
    lock_init(&world.slots, LOCK_CNODE);
    vspace_create(new_chunk(), &world.vspace);
    vspace_create(new_chunk(), &world.other);
    know_vspace(world.vspace);
    know_vspace(world.other);
    vspace_grow(world.vspace, new_chunk());
    world.spare = new_chunk();
    struct gather *gather = gather_begin();
    map_level(gather, world.vspace, 0, 5, 0, LEAF_LEVEL, &touched);
    map_level(gather, world.vspace, 6, 4, 6, LEAF_LEVEL, &untouched);
    map_level(gather, world.vspace, GIB_PAGES, 1, 20, LEAF_LEVEL, &touched);
    world.frame.address = FRAME(5);
    world.frame.record = map_level(gather, world.vspace, 5, 1, 5, LEAF_LEVEL, &touched);
    gather_finish(gather);
}

void world_setup(void) {
    build();
    load_on(0, world.vspace);
    load_on(1, world.vspace);
    load_on(2, world.other);
}

void world_setup_unloaded(void) { build(); }

// By both PEs in turn, so that whoever completes them finds some of his own and some of the
// other's.
void world_setup_full(void) {
    world_setup();
    struct gather *gather = gather_begin();
    map_level(gather, world.vspace, DEFERRED, PENDING_ENTRIES, DEFERRED, LEAF_LEVEL, &touched);
    gather_finish(gather);
    for (unsigned i = 0; i < PENDING_ENTRIES; i++) {
        vmsa_set_pe(i % 2);
        unmap_by(GATHER_DEFER, DEFERRED + i, 1, 0);
    }
    vmsa_set_pe(0);
    world.full = true;
}

// What is left pending was deferred; SYNC completes it.
static void check_pending(void) {
    struct vspace *vspace = world.vspace;
    unsigned deferred = 0;
    for (unsigned i = 0; i < PENDING_ENTRIES; i++)
        deferred += vspace->pending[i].ticket != 0 && vspace->pending[i].owner == 0;
    explore_require(deferred == vspace->pending_count, "an entry is left pending");
    sync_all();
    explore_require(vspace->pending_count == 0, "SYNC has left an entry");
}

static void check_live(void) {
    struct vspace *vspace = world.vspace;
    check_pending();
    explore_require(tables_used(vspace) == count_hooked(vspace), "tables are lost");
    explore_require(vspace->pins == 0, "a pin is left");
    explore_require(unmap(0, USER_HALF_PAGES, 0), "what is left cannot be unmapped");
    explore_require(tables_used(vspace) == 1, "tables are left");
    reuse(0, 4096);
    destroy();
}

void world_check(void) {
    if (world.destroyed)
        explore_require(world.vspace->pins == 0, "a pin is left");
    else
        check_live();
    explore_require(vmsa_cached(ASID(1)) == 0, "translations of a dead VSpace are left");
}
