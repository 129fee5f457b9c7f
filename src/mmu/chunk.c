// SPDX-License-Identifier: BSD-2-Clause
// Chunks of tables: which tables are free, taking and releasing, linking and unlinking.
//
// Free tables are bits in their chunk's bookkeeping, and the chunks that have any form a list. So
// taking, releasing and giving a whole chunk back cost the same however many there are.
#include "table.h"
#include "pending.h"

static void free_list_push(struct vspace *vspace, struct chunk *chunk) {
    chunk->free_previous = 0;
    chunk->free_next = vspace->free_head;
    if (vspace->free_head != 0)
        vspace_chunk(vspace, vspace->free_head - 1u)->free_previous = (uint16_t)(chunk->index + 1);
    vspace->free_head = (uint16_t)(chunk->index + 1);
}

static void free_list_remove(struct vspace *vspace, struct chunk *chunk) {
    if (chunk->free_next != 0)
        vspace_chunk(vspace, chunk->free_next - 1u)->free_previous = chunk->free_previous;
    if (chunk->free_previous != 0)
        vspace_chunk(vspace, chunk->free_previous - 1u)->free_next = chunk->free_next;
    else
        vspace->free_head = chunk->free_next;
}

void chunk_attach(struct vspace *vspace, struct chunk *chunk, unsigned index) {
    chunk->vspace = vspace;
    chunk->index = (uint16_t)index;
    chunk->free = CHUNK_ALL_FREE;
    vspace->chunks[index] = (uint32_t)(port_physical_address(chunk).v >> SHEAF_CHUNK_BITS);
    vspace->chunk_slots = (uint16_t)MAX(vspace->chunk_slots, index + 1);
    vspace->chunk_count++;
    vspace->tables_free += CHUNK_TABLES;
    free_list_push(vspace, chunk);
}

void chunk_detach(struct vspace *vspace, struct chunk *chunk) {
    ASSERT(chunk->free == CHUNK_ALL_FREE);
    free_list_remove(vspace, chunk);
    vspace->chunks[chunk->index] = 0;
    vspace->chunk_hole = MIN(vspace->chunk_hole, chunk->index);
    vspace->chunk_count--;
    vspace->tables_free -= CHUNK_TABLES;
    chunk->vspace = NULL;
}

paddr_t table_take(struct vspace *vspace, unsigned level) {
    ASSERT(vspace->tables_free > 0 && vspace->free_head != 0);
    struct chunk *chunk = vspace_chunk(vspace, vspace->free_head - 1u);
    unsigned page = (unsigned)__builtin_ctz(chunk->free);
    chunk->free &= (uint16_t)~(1u << page);
    if (chunk->free == 0)
        free_list_remove(vspace, chunk);
    vspace->tables_free--;
    chunk->tables[page] = (struct table_info){.state = TABLE_HOOKED, .level = (uint8_t)level};

    paddr_t table = table_of_number(vspace, chunk->index * 16u + page);
    port_note(PORT_EVENT_TABLE_TAKEN, table.v, vspace->asid.v);
    port_table_zero(table);
    port_count(SHEAF_COUNTER_TABLES_TAKEN, 1);
    return table;
}

void table_link(paddr_t parent, unsigned index, paddr_t table) {
    struct table_info *info = table_info(table);
    struct table_info *above = table_info(parent);
    info->parent = (uint16_t)table_number(parent);
    info->parent_index = (uint16_t)index;
    above->live++;
    // A walker that sees the link must see the zeroes. The dependency from one to the other is the
    // walker's; a store barrier is what this side owes ("Ordering of translation table walks").
    port_dmb_ishst();
    port_desc_write(parent, index, desc_make_table(table));
}

struct place table_hook_down(struct vspace *vspace, uint64_t page, unsigned level) {
    struct place place = walk(vspace, page, level);
    while (place.level < level) {
        paddr_t table = table_take(vspace, place.level + 1);
        table_link(place.table, place.index, table);
        place = look(table, page, place.level + 1);
    }
    return place;
}

// A walker may hold the table descriptors, so they must be gone from all PEs before anything else
// is written in their place ("Using break-before-make").
void tables_clear_the_way(struct vspace *vspace, uint64_t first, uint64_t end, unsigned level) {
    struct pending *entry = &vspace->pending[pending_open(vspace)];
    for (uint64_t page = first; page < end; page += level_pages(level)) {
        struct place place = walk(vspace, page, level);
        if (place.level != level || !desc_is_table(place.desc, level))
            continue;
        paddr_t table = desc_address(place.desc);
        if (table_info(table)->live == 0) {
            table_unlink(place.table, place.index, table);
            pending_add_table(entry, table);
            pending_add_range(entry, page, level_pages(level));
        }
    }
    pending_complete(vspace, entry);
}

void chunks_release(struct vspace *vspace, struct pending *entry) {
    for (unsigned next = entry->chunks; next != 0;) {
        struct chunk *chunk = vspace_chunk(vspace, next - 1);
        for (unsigned bits = chunk->pending; bits != 0; bits &= bits - 1)
            port_note(PORT_EVENT_TABLE_RELEASED,
                      port_physical_address(chunk).v + ((uint64_t)__builtin_ctz(bits) << PAGE_BITS),
                      vspace->asid.v);
        if (chunk->free == 0)
            free_list_push(vspace, chunk);
        chunk->free |= chunk->pending;
        chunk->pending = 0;
        next = chunk->pending_next;
    }
    vspace->tables_free += entry->tables;
}

unsigned vspace_chunk_slots(const struct vspace *vspace) { return vspace->chunk_slots; }

struct chunk *vspace_chunk(struct vspace *vspace, unsigned index) {
    if (index >= vspace->chunk_slots || vspace->chunks[index] == 0)
        return NULL;
    return port_kernel_address(PADDR((uint64_t)vspace->chunks[index] << SHEAF_CHUNK_BITS));
}

struct vspace *chunk_vspace(struct chunk *chunk) { return chunk->vspace; }

unsigned chunk_index(const struct chunk *chunk) { return chunk->index; }

void *chunk_node(struct chunk *chunk) { return chunk->node; }

struct chunk *chunk_of_node(void *node) {
    return node; // the first thing in the chunk (layout.h)
}
