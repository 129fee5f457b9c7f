// SPDX-License-Identifier: BSD-2-Clause
// The explorer's world. Nothing here asserts by cmocka once the operations run: they run on stacks
// of their own.
#include "explore_world.h"
#include <layout.h>
#include <string.h>

#define ELSEWHERE (5 * TABLE_PAGES)

static struct {
    struct vspace *vspace, *other;
    struct mapping_record record; // of page 5
    void *spare;                  // a chunk
    bool spare_used, destroyed;
    bool moved; // what was at an address may be at another
} world;

struct mmu_features world_features;

// ---- Operations

static bool unmap(uint64_t page, uint64_t pages, unsigned flags) {
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    enum sheaf_error error;
    do
        error = gather_unmap(gather, world.vspace, PAGE(page), pages, flags, &done, NULL);
    while (error == SHEAF_ERR_PREEMPTED);
    gather_finish(gather);
    return error == SHEAF_OK;
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

// The frames that were mapped at an address, by who has unmapped that: unless they were moved away
// before.
static void reuse_from(uint64_t frame, uint64_t frames) {
    if (!world.moved)
        reuse(frame, frames);
}

static void unmap_one(void) {
    if (unmap(5, 1, 0))
        reuse_from(5, 1);
}

static void unmap_untouched(void) {
    if (unmap(7, 2, 0))
        reuse_from(7, 2);
}

static void unmap_keeping_tables(void) {
    if (unmap(0, TABLE_PAGES, SHEAF_OP_KEEP_TABLES))
        reuse_from(0, 10);
}

static void unmap_table(void) {
    if (unmap(0, TABLE_PAGES, 0))
        reuse_from(0, 10);
}

static void unmap_all(void) {
    if (unmap(0, USER_HALF_PAGES, 0)) {
        reuse(0, 10);
        reuse(20, 1);
    }
}

// An interrupt is pending at every poll.
static void unmap_preempted(void) {
    vmsa_set_interrupt(0);
    unmap_all();
    vmsa_set_interrupt(VMSA_NEVER);
}

static void map_elsewhere(void) { map(ELSEWHERE, 2, 60, LEAF_LEVEL); }

// Upwards, so UNMAP of everything meets the table before or after.
static void move_table(void) {
    struct gather *gather = gather_begin();
    struct gather_move move = {0};
    unsigned missing;
    world.moved = true;
    gather_move_tables(gather, world.vspace, PAGE(0), PAGE(ELSEWHERE), TABLE_PAGES, &move,
                       &missing);
    gather_finish(gather);
}

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
        reuse_from(5, 1);
}

static void unmap_record(void) {
    struct gather *gather = gather_begin();
    gather_unmap_record(gather, world.record, FRAME(5), PAGE_BITS);
    gather_finish(gather);
    explore_require(!record_is_live(world.record, FRAME(5), PAGE_BITS),
                    "a deleted mapping is still there");
    reuse(5, 1);
}

static void complete_record(void) {
    struct gather *gather = gather_begin();
    bool live = record_is_live(world.record, FRAME(5), PAGE_BITS);
    gather_complete_record(gather, world.record);
    gather_finish(gather);
    if (!live) // whoever removed it: it is complete now
        reuse(5, 1);
}

// Pages 4 to 6: two that are accessed and dirty, one of them the record's, and one that is not.
static void change(unsigned rights, unsigned flags) {
    struct gather *gather = gather_begin();
    struct gather_ahead ahead = {0};
    uint64_t done = 0;
    const struct gather_change operation = {PAGE(4), 3, &done, rights != 0 ? &ahead : NULL, NULL};
    enum sheaf_error error;
    do
        error = rights != 0 ? gather_protect(gather, world.vspace, rights, &operation)
                            : gather_age(gather, world.vspace, flags, &operation);
    while (error == SHEAF_ERR_PREEMPTED);
    gather_finish(gather);
}

static void protect_demote(void) { change(RO, 0); }

static void protect_promote(void) { change(RW | RX, 0); }

static void age_accessed(void) { change(0, (unsigned)SHEAF_OP_ACCESSED); }

static void age_dirty(void) { change(0, (unsigned)SHEAF_OP_DIRTY); }

static void fault_write(void) { mmu_fault(world.vspace, PAGE(5), SHEAF_ACCESS_WRITE); }

static void fault_untouched(void) { mmu_fault(world.vspace, PAGE(7), SHEAF_ACCESS_READ); }

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
    {"unmap_untouched", unmap_untouched},
    {"unmap_keeping_tables", unmap_keeping_tables},
    {"unmap_table", unmap_table},
    {"unmap_all", unmap_all},
    {"unmap_preempted", unmap_preempted},
    {"map_elsewhere", map_elsewhere},
    {"move_table", move_table},
    {"map_block", map_block},
    {"replace_one", replace_one},
    {"unmap_record", unmap_record},
    {"complete_record", complete_record},
    {"protect_demote", protect_demote},
    {"protect_promote", protect_promote},
    {"age_accessed", age_accessed},
    {"age_dirty", age_dirty},
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
    world.destroyed = world.spare_used = world.moved = false;
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
    world.record = map_level(gather, world.vspace, 5, 1, 5, LEAF_LEVEL, &touched);
    gather_finish(gather);
}

void world_setup(void) {
    build();
    load_on(0, world.vspace);
    load_on(1, world.vspace);
    load_on(2, world.other);
}

void world_setup_unloaded(void) { build(); }

static void check_live(void) {
    struct vspace *vspace = world.vspace;
    unsigned open = 0;
    for (unsigned i = 0; i < PENDING_ENTRIES; i++)
        open += vspace->pending[i].ticket != 0;
    explore_require(open == 0 && vspace->pending_count == 0, "an entry is left pending");
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
