// SPDX-License-Identifier: BSD-2-Clause
// VSpaces: birth, growth, loading and death.
#include "alias.h"
#include "asid.h"
#include "batch.h"
#include "table.h"
#include "walk.h"

static paddr_t empty_root;

void mmu_init(const struct mmu_config *config) {
    empty_root = config->empty_root;
    finish_init(&config->features);
    asid_init(config);
    alias_init(config);
    batch_init();
}

enum sheaf_error vspace_create(void *chunk, struct vspace **out) {
    struct first_chunk *first = chunk;
    struct vspace *vspace = &first->vspace;
    if (!asid_allocate(&vspace->asid))
        return SHEAF_ERR_NO_ASID;
    lock_init(&vspace->lock, LOCK_VSPACE);
    chunk_attach(vspace, &first->chunk, 0);
    paddr_t root = table_take(vspace, 0);
    vspace->root = (uint16_t)table_number(root);
    vspace->ttbr0 = root.v | (uint64_t)vspace->asid.v << 48;
    vspace->start.to_load = vspace->ttbr0;
    asid_publish(vspace);
    *out = vspace;
    return SHEAF_OK;
}

enum sheaf_error vspace_grow(struct vspace *vspace, void *chunk) {
    enum sheaf_error error = SHEAF_ERR_TOO_MANY_CHUNKS;
    lock_acquire(&vspace->lock);
    unsigned index = vspace->chunk_hole;
    while (index < VSPACE_CHUNKS && vspace->chunks[index] != 0)
        index++;
    if (!vspace_state_is_live(vspace)) {
        error = SHEAF_ERR_DEAD;
    } else if (index < VSPACE_CHUNKS) {
        chunk_attach(vspace, chunk, index);
        vspace->chunk_hole = (uint16_t)(index + 1);
        error = SHEAF_OK;
    }
    lock_release(&vspace->lock);
    return error;
}

enum sheaf_error vspace_shrink(struct vspace *vspace, unsigned index, struct chunk **out) {
    enum sheaf_error error = SHEAF_OK;
    lock_acquire(&vspace->lock);
    struct chunk *chunk = index != 0 ? vspace_chunk(vspace, index) : NULL;
    if (!vspace_state_is_live(vspace))
        error = SHEAF_ERR_DEAD;
    else if (chunk == NULL)
        error = SHEAF_ERR_RANGE;
    else if (chunk->free != CHUNK_ALL_FREE)
        error = SHEAF_ERR_TABLE_IN_USE;
    else
        chunk_detach(vspace, chunk);
    lock_release(&vspace->lock);
    if (error == SHEAF_OK)
        *out = chunk;
    return error;
}

bool vspace_is_dead(const struct vspace *vspace) { return !vspace_state_is_live(vspace); }

void vspace_info(struct vspace *vspace, struct vspace_info *out) {
    lock_acquire(&vspace->lock);
    *out = (struct vspace_info){
        .chunks = vspace->chunk_count,
        .tables_free = vspace->tables_free,
        .tables_used = vspace->chunk_count * CHUNK_TABLES - vspace->tables_free,
        .chunks_max = VSPACE_CHUNKS,
    };
    lock_release(&vspace->lock);
}

struct object_head *vspace_head(struct vspace *vspace) { return &vspace->start.head; }

// The bit before the load of the root: whoever removes something either sees the bit and
// invalidates, or had its removal visible before this PE's first walk. Bits are never cleared and
// only this PE sets its own, so where it is set already, an earlier call on this PE has executed
// this DSB after setting it.
void vspace_activate_first(struct vspace *vspace) {
    if (vspace == NULL) {
        if (port_loaded_root() != empty_root.v) // ASID 0
            port_load_root(empty_root.v);
        return;
    }
    __atomic_fetch_or(&vspace->start.loaded, UINT32_C(1) << port_pe(), __ATOMIC_RELAXED);
    port_dsb_ish();
    port_count(SHEAF_COUNTER_DSB_ISH, 1);
    vspace_load(vspace); // what it says is read after the DSB
}

// Nothing removes or adds translations in the VSpace any more, and no PE walks its tables.
static void invalidate_all(struct vspace *vspace) {
    struct finish_space space = {.vspace = vspace, .form = PLAN_ASID};
    // Other PEs left the root by their own instructions: a DSB that waits for loads, as for stores
    // of others.
    const struct plan_range none = {0};
    struct finish_work work = {
        .spaces = &space,
        .space_count = 1,
        .ranges = &none,
        .range_count = 0,
        .foreign = true,
    };
    finish_work(&work, batch_totals());
}

// A PE that still loads the root read `to_load` before, with interrupts masked: it answers
// port_evict_root after it has loaded it.
static void kill(struct vspace *vspace) {
    __atomic_store_n(&vspace->state, VSPACE_DYING, __ATOMIC_RELEASE);
    __atomic_store_n(&vspace->start.to_load, empty_root.v, __ATOMIC_RELEASE);
}

void vspace_destroy(struct vspace *vspace) {
    batch_leave(vspace); // else this PE would wait for its own pin
    lock_acquire(&vspace->lock);
    bool first = vspace->state == VSPACE_LIVE;
    if (first)
        kill(vspace);
    lock_release(&vspace->lock);
    if (!first) {
        while (__atomic_load_n(&vspace->state, __ATOMIC_ACQUIRE) != VSPACE_RELEASED)
            port_relax();
        return;
    }
    if (port_loaded_root() == vspace->ttbr0)
        port_load_root(empty_root.v);
    port_evict_root(vspace->ttbr0, empty_root.v);
    while (__atomic_load_n(&vspace->pins, __ATOMIC_ACQUIRE) != 0)
        port_relax();
    invalidate_all(vspace);
    // A record may have pinned it meanwhile. Such an operation finishes in the ordinary way, and
    // what it clears is in no TLB any more; but it may still be at work in the tables.
    while (!asid_release(vspace))
        port_relax();
    __atomic_store_n(&vspace->state, VSPACE_RELEASED, __ATOMIC_RELEASE);
}
