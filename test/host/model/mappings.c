// SPDX-License-Identifier: BSD-2-Clause
// The set of what is mapped, and the kernel's tables beside it.
#include "mappings.h"
#include <record.h>
#include <string.h>

struct leaf leaves[MOST_LEAVES];
unsigned leaf_count;
struct last_mapping last_mappings[MOST_CAPS];

static struct {
    struct leaf leaves[MOST_LEAVES];
    struct last_mapping last[MOST_CAPS];
    unsigned count, caps;
} saved;

void mappings_clear(void) {
    leaf_count = 0;
    memset(last_mappings, 0, sizeof(last_mappings));
}

void mappings_new(unsigned cap) { last_mappings[cap] = (struct last_mapping){0}; }

void mappings_add(const struct leaf *leaf) {
    assert_true(leaf_count < MOST_LEAVES);
    leaves[leaf_count++] = *leaf;
}

void mappings_remove(unsigned index) { leaves[index] = leaves[--leaf_count]; }

void mappings_save(void) {
    saved.count = leaf_count;
    saved.caps = cap_count;
    memcpy(saved.leaves, leaves, leaf_count * sizeof(leaves[0]));
    memcpy(saved.last, last_mappings, cap_count * sizeof(last_mappings[0]));
}

void mappings_restore(void) {
    leaf_count = saved.count;
    memcpy(leaves, saved.leaves, leaf_count * sizeof(leaves[0]));
    memcpy(last_mappings, saved.last, saved.caps * sizeof(last_mappings[0]));
}

// ---- What capabilities have

bool mappings_may_name(unsigned cap, const struct leaf *leaf) {
    uint64_t start = caps[cap].address;
    return leaf->cap != cap && caps[cap].type == SHEAF_FRAME && last_mappings[cap].ever &&
           leaf->frame >= start && leaf->frame < start + BIT(caps[cap].size_bits);
}

unsigned mappings_evict(unsigned cap, bool *doubt) {
    unsigned bits = 0;
    for (unsigned i = leaf_count; i-- > 0;) {
        if (mappings_may_name(cap, &leaves[i])) {
            leaves[i].doubtful = true;
            *doubt = true;
        }
        if (leaves[i].cap != cap)
            continue;
        bits |= (leaves[i].accessed ? SHEAF_REPORT_ACCESSED : 0) |
                (leaves[i].dirty ? SHEAF_REPORT_DIRTY : 0);
        mappings_remove(i);
    }
    return bits;
}

void mappings_bury(void) {
    uint64_t alive = 0; // the VSpace looked at last
    for (unsigned i = leaf_count; i-- > 0;) {
        uint64_t vspace = leaves[i].vspace;
        if (caps[leaves[i].cap].at == NULL || (vspace != alive && vspace_dead(vspace)))
            mappings_remove(i);
        else
            alive = vspace;
    }
}

bool mappings_access(uint64_t vspace, uint64_t va, uint64_t access) {
    for (unsigned i = 0; va >> 48 == 0 && i < leaf_count; i++) {
        struct leaf *leaf = &leaves[i];
        if (!leaf_overlaps(leaf, vspace, va >> PAGE_BITS, 1))
            continue;
        if (((access & SHEAF_ACCESS_WRITE) != 0 && !leaf->write) ||
            ((access & SHEAF_ACCESS_EXECUTE) != 0 && !leaf->execute))
            return false;
        leaf->accessed = true;
        leaf->dirty |= (access & SHEAF_ACCESS_WRITE) != 0;
        return true;
    }
    return false;
}

// ---- The kernel's tables

static struct vspace *vspace_at(uint64_t address) {
    return &((struct first_chunk *)port_kernel_address(PADDR(address)))->vspace;
}

// The descriptor at the leaf's place, 0 where the tables do not go that far down.
static uint64_t descriptor_of(const struct leaf *leaf) {
    uint64_t table = vspace_at(leaf->vspace)->ttbr0 & DESC_ADDRESS;
    for (unsigned level = 0;; level++) {
        const uint64_t *descriptors = port_kernel_address(PADDR(table));
        uint64_t value = descriptors[leaf->page >> (9 * (3 - level)) & 511];
        if (level == leaf->level)
            return value;
        if ((value & 3) != 3)
            return 0;
        table = value & DESC_ADDRESS;
    }
}

static struct leaf leaf_of(uint64_t value, unsigned level) {
    bool write = (value & DESC_WRITABLE) != 0;
    return (struct leaf){
        .frame = value & DESC_ADDRESS,
        .level = (uint8_t)level,
        .memory_type = value >> DESC_ATTRIBUTE_SHIFT & 7,
        .write = write,
        .execute = (value & DESC_USER_NO_EXECUTE) == 0,
        .max_write = (value & DESC_MAX_WRITE) != 0,
        .accessed = (value & DESC_ACCESSED) != 0,
        .dirty = write && (value & DESC_READ_ONLY) == 0,
    };
}

static bool agrees(const struct leaf *leaf, uint64_t value) {
    struct leaf found = leaf_of(value, leaf->level);
    return desc_is_leaf(DESC(value), leaf->level) && found.frame == leaf->frame &&
           found.memory_type == leaf->memory_type && found.write == leaf->write &&
           found.execute == leaf->execute && found.max_write == leaf->max_write &&
           found.accessed == leaf->accessed && found.dirty == leaf->dirty;
}

typedef void visit_table(struct vspace *vspace, paddr_t table, const struct table_info *info);

static void for_each_table(uint64_t address, visit_table *visit) {
    struct vspace *vspace = vspace_at(address);
    for (unsigned chunk = 0; chunk < vspace->chunk_slots; chunk++) {
        for (unsigned page = 1; vspace->chunks[chunk] != 0 && page < 16; page++) {
            paddr_t table = table_of_number(vspace, chunk * 16 + page);
            if (table_info(table)->state == TABLE_HOOKED)
                visit(vspace, table, table_info(table));
        }
    }
}

static void for_each_vspace(visit_table *visit) {
    for (unsigned i = 1; i < cap_count; i++) {
        if (caps[i].at == NULL || caps[i].type != SHEAF_VSPACE || caps[i].used != 0)
            continue;
        unsigned first = 1;
        while (caps[first].at == NULL || caps[first].type != SHEAF_VSPACE ||
               caps[first].address != caps[i].address)
            first++;
        if (first == i)
            for_each_table(caps[i].address, visit);
    }
}

static unsigned found;

// Every table but the root is one of the valid descriptors of another.
static void count_leaves(struct vspace *vspace, paddr_t table, const struct table_info *info) {
    (void)vspace;
    (void)table;
    found += info->live - (info->level != 0);
}

bool mappings_doubtful(void) {
    for (unsigned i = 0; i < leaf_count; i++)
        if (leaves[i].doubtful)
            return true;
    return false;
}

void mappings_compare(void) {
    for (unsigned i = leaf_count; i-- > 0;) {
        struct leaf *leaf = &leaves[i];
        uint64_t value = descriptor_of(leaf);
        if (leaf->doubtful && !agrees(leaf, value)) {
            mappings_remove(i);
            continue;
        }
        leaf->doubtful = false;
        if (!agrees(leaf, value))
            fail_msg("VSpace %lx, page %lx: descriptor %lx; expected %lx%s%s%s%s%s, mapped by %u",
                     (unsigned long)leaf->vspace, (unsigned long)leaf->page, (unsigned long)value,
                     (unsigned long)leaf->frame, leaf->write ? " writable" : "",
                     leaf->execute ? " executable" : "", leaf->max_write ? " (may be)" : "",
                     leaf->accessed ? " accessed" : "", leaf->dirty ? " dirty" : "", leaf->cap);
    }
    found = 0;
    for_each_vspace(count_leaves);
    if (found != leaf_count)
        fail_msg("%u leaves are mapped, and %u should be", found, leaf_count);
}

// ---- Taking over

static unsigned find_owner(const struct vspace *vspace, unsigned table, unsigned index,
                           uint64_t frame) {
    for (unsigned i = 1; i < cap_count; i++) {
        if (caps[i].at == NULL || caps[i].type != SHEAF_FRAME)
            continue;
        struct mapping_record record = caps[i].at->frame.record;
        if (record.v != 0 && record_asid(record).v == vspace->asid.v &&
            record_table(record) == table && index >= record_index(record) &&
            index < record_index(record) + record_count(record) && frame >= caps[i].address &&
            frame < caps[i].address + BIT(caps[i].size_bits))
            return i;
    }
    return NO_CAP;
}

static uint64_t first_page_of(const struct vspace *vspace, const struct table_info *info) {
    uint64_t page = 0;
    while (info->level != 0) {
        page |= (uint64_t)info->parent_index << (9 * (4 - info->level));
        info = table_info(table_of_number(vspace, info->parent));
    }
    return page;
}

static void import_table(struct vspace *vspace, paddr_t table, const struct table_info *info) {
    const uint64_t *descriptors = port_kernel_address(table);
    for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
        if (!desc_is_leaf(DESC(descriptors[i]), info->level))
            continue;
        struct leaf leaf = leaf_of(descriptors[i], info->level);
        leaf.vspace = ALIGN_DOWN(port_physical_address(vspace).v, CHUNK_BYTES);
        leaf.page = first_page_of(vspace, info) + ((uint64_t)i << (9 * (3 - info->level)));
        leaf.cap = (uint16_t)find_owner(vspace, table_number(table), i, leaf.frame);
        assert_true(leaf.cap != NO_CAP);
        mappings_add(&leaf);
    }
}

void mappings_import(void) {
    leaf_count = 0;
    for_each_vspace(import_table);
    for (unsigned i = 1; i < cap_count; i++) {
        if (caps[i].at == NULL || caps[i].type != SHEAF_FRAME)
            continue;
        struct mapping_record record = caps[i].at->frame.record;
        if (record.v != 0)
            last_mappings[i] = (struct last_mapping){.count = (uint16_t)record_count(record),
                                                     .level = (uint8_t)record_level(record),
                                                     .ever = true};
    }
}
