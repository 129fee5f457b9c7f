// SPDX-License-Identifier: BSD-2-Clause
// What accesses find: translations that a PE may use, those that may still refuse it, and those
// that its own kernel may use although they were invalidated, until it synchronises its context.
#include "model.h"

// Leaves that an operation of this PE removed from its own TLB.
struct late {
    uint64_t page, value;
    uint16_t asid;
    uint8_t level, pe;
};

static struct {
    struct late *leaves;
    uint32_t count, capacity;
} late;

void access_init(void) { late.count = 0; }

void access_removed(const struct entry *entry, unsigned pe) {
    if (!vmsa_features.late_context || !value_is_leaf(entry->value, entry->level))
        return;
    if (late.count == late.capacity) {
        late.capacity = MAX(64u, late.capacity * 2);
        late.leaves = vmsa_grow(late.leaves, late.capacity * sizeof(*late.leaves));
    }
    late.leaves[late.count++] =
        (struct late){entry->page, entry->value, entry->asid, entry->level, (uint8_t)pe};
}

void access_ordered(unsigned pe) {
    if (machine.made[pe] == MADE_STORED)
        machine.made[pe] = MADE_ORDERED;
}

void access_synchronised(unsigned pe) {
    uint32_t kept = 0;
    if (machine.made[pe] == MADE_ORDERED)
        machine.made[pe] = MADE_SEEN;
    for (uint32_t i = 0; i < late.count; i++) {
        if (late.leaves[i].pe != pe)
            late.leaves[kept++] = late.leaves[i];
    }
    late.count = kept;
}

void access_made(void) { machine.made[machine.pe] = MADE_STORED; }

bool vmsa_may_fault_in_kernel(unsigned pe) { return machine.made[pe] != MADE_SEEN; }

// VA[55:12], as entries are kept.
static uint64_t page_of(vaddr_t va) { return va.v >> PAGE_BITS & (BIT(44) - 1); }

// Whether a leaf translates `page` for what the PE has loaded.
static bool translates(uint64_t value, unsigned level, uint16_t asid, uint64_t first, unsigned pe,
                       uint64_t page) {
    return value_is_leaf(value, level) && page - first < span_pages(level) &&
           (asid == ttbr_asid(machine.ttbr0[pe]) || value_is_global(value, level));
}

struct found {
    paddr_t *addresses;
    unsigned count, max;
};

static void add(struct found *found, uint64_t value, uint64_t offset) {
    paddr_t address = PADDR((value & DESC_OUTPUT) + offset * PAGE_BYTES);
    unsigned n = 0;
    while (n < found->count && found->addresses[n].v != address.v)
        n++;
    if (n == found->count && found->count < found->max)
        found->addresses[found->count++] = address;
}

unsigned vmsa_reachable(unsigned pe, vaddr_t va, paddr_t *addresses, unsigned max) {
    struct found found = {addresses, 0, max};
    uint64_t page = page_of(va);
    uint32_t count;
    const struct entry *entries = tlb_entries(&count);
    for (uint32_t i = 0; i < count; i++) {
        const struct entry *entry = &entries[i];
        if ((entry->cached >> pe & 1) != 0 &&
            translates(entry->value, entry->level, entry->asid, entry->page, pe, page))
            add(&found, entry->value, page - entry->page);
    }
    return found.count;
}

unsigned vmsa_reachable_by_kernel(unsigned pe, vaddr_t va, paddr_t *addresses, unsigned max) {
    struct found found = {addresses, vmsa_reachable(pe, va, addresses, max), max};
    uint64_t page = page_of(va);
    for (uint32_t i = 0; i < late.count; i++) {
        const struct late *leaf = &late.leaves[i];
        if (leaf->pe == pe &&
            translates(leaf->value, leaf->level, leaf->asid, leaf->page, pe, page))
            add(&found, leaf->value, page - leaf->page);
    }
    return found.count;
}

unsigned vmsa_types_by_kernel(unsigned pe, vaddr_t va) {
    uint64_t page = page_of(va);
    unsigned types = 0;
    uint32_t count;
    const struct entry *entries = tlb_entries(&count);
    for (uint32_t i = 0; i < count; i++) {
        const struct entry *entry = &entries[i];
        if ((entry->cached >> pe & 1) != 0 &&
            translates(entry->value, entry->level, entry->asid, entry->page, pe, page))
            types |= 1u << ((entry->value & DESC_TYPE) >> 2);
    }
    for (uint32_t i = 0; i < late.count; i++) {
        const struct late *leaf = &late.leaves[i];
        if (leaf->pe == pe &&
            translates(leaf->value, leaf->level, leaf->asid, leaf->page, pe, page))
            types |= 1u << ((leaf->value & DESC_TYPE) >> 2);
    }
    return types;
}

// Whether an entry that the PE may have cached translates `va` with AP[2] as `read_only` says.
static bool has_entry(unsigned pe, vaddr_t va, bool read_only) {
    uint64_t page = page_of(va);
    uint32_t count;
    const struct entry *entries = tlb_entries(&count);
    for (uint32_t i = 0; i < count; i++) {
        const struct entry *entry = &entries[i];
        if ((entry->cached >> pe & 1) != 0 && ((entry->value & DESC_READ_ONLY) != 0) == read_only &&
            translates(entry->value, entry->level, entry->asid, entry->page, pe, page))
            return true;
    }
    return false;
}

bool vmsa_refuses_writes(unsigned pe, vaddr_t va) { return has_entry(pe, va, true); }

bool vmsa_refuses_writes_of_kernel(unsigned pe, vaddr_t va) {
    uint64_t page = page_of(va);
    for (uint32_t i = 0; i < late.count; i++) {
        const struct late *leaf = &late.leaves[i];
        if (leaf->pe == pe && (leaf->value & DESC_READ_ONLY) != 0 &&
            translates(leaf->value, leaf->level, leaf->asid, leaf->page, pe, page))
            return true;
    }
    return vmsa_refuses_writes(pe, va);
}

bool vmsa_allows_writes(unsigned pe, vaddr_t va) { return has_entry(pe, va, false); }
