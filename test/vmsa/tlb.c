// SPDX-License-Identifier: BSD-2-Clause
// What may be cached: the set of entries, how it grows and what shrinks it.
//
// Invariant: whatever a walker can see and reach is in the set, on every PE where it can. Reaching
// a table means: its descriptor may be cached for that prefix (it stays reachable that way after
// it was unlinked), or the table is the root loaded.
#include "model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 65536u
#define MOST_VALUES 8u

static struct {
    struct entry *entries;
    uint32_t count, capacity, free; // free: chain of unused slots through next_key
    uint32_t keys[BUCKETS], targets[BUCKETS];
    uint64_t stamp;
    uint32_t globals; // entries for all ASIDs that are not in the kernel's half
} tlb;

struct entry *tlb_entries(uint32_t *count) {
    *count = tlb.count;
    return tlb.entries;
}

static uint32_t *key_bucket(uint16_t asid, unsigned level, uint64_t page) {
    uint64_t hash =
        (page >> (9 * (3 - level))) * 0x9e3779b97f4a7c15u + asid * UINT64_C(131) + level;
    return &tlb.keys[(hash ^ hash >> 32) % BUCKETS];
}

static uint32_t *target_bucket(uint64_t table) {
    return &tlb.targets[table / PAGE_BYTES % BUCKETS];
}

// An explorer begins anew a million times: only what is in use is emptied.
void tlb_init(void) {
    static bool used;
    if (!used) {
        memset(tlb.keys, 0xff, sizeof(tlb.keys));
        memset(tlb.targets, 0xff, sizeof(tlb.targets));
        used = true;
    }
    for (uint32_t i = 0; i < tlb.count; i++) {
        const struct entry *entry = &tlb.entries[i];
        *key_bucket(entry->asid, entry->level, entry->page) = NONE;
        *target_bucket(entry->value & DESC_OUTPUT) = NONE;
    }
    tlb.count = 0;
    tlb.globals = 0;
    tlb.free = NONE;
}

// ---- Looking up

static struct entry *find(uint16_t asid, unsigned level, uint64_t page, uint64_t table,
                          uint64_t value) {
    for (uint32_t i = *key_bucket(asid, level, page); i != NONE; i = tlb.entries[i].next_key) {
        struct entry *entry = &tlb.entries[i];
        if (entry->asid == asid && entry->level == level && entry->page == page &&
            entry->table == table && entry->value == value)
            return entry;
    }
    return NULL;
}

// The next entry of a chain with this key, from `i` on.
static uint32_t with_key(uint32_t i, uint16_t asid, unsigned level, uint64_t page) {
    for (; i != NONE; i = tlb.entries[i].next_key) {
        const struct entry *entry = &tlb.entries[i];
        if (entry->asid == asid && entry->level == level && entry->page == page)
            break;
    }
    return i;
}

static uint32_t with_target(uint32_t i, uint64_t table) {
    while (i != NONE && (tlb.entries[i].value & DESC_OUTPUT) != table)
        i = tlb.entries[i].next_target;
    return i;
}

uint8_t tlb_walks_into(uint64_t table) {
    uint8_t pes = 0;
    for (uint32_t i = with_target(*target_bucket(table), table); i != NONE;
         i = with_target(tlb.entries[i].next_target, table))
        pes |= tlb.entries[i].cached;
    return pes;
}

// ---- Break-before-make

static bool same_translation(const struct entry *entry, unsigned level, uint64_t value) {
    return entry->level == level && (entry->value & DESC_TABLE) == (value & DESC_TABLE) &&
           ((entry->value ^ value) & DESC_IDENTITY) == 0;
}

static void check_key(uint16_t asid, unsigned level, uint64_t page, unsigned new_level,
                      uint64_t value, bool leaves_only) {
    for (uint32_t i = with_key(*key_bucket(asid, level, page), asid, level, page); i != NONE;
         i = with_key(tlb.entries[i].next_key, asid, level, page)) {
        const struct entry *entry = &tlb.entries[i];
        if (leaves_only && !value_is_leaf(entry->value, level))
            continue;
        if (!same_translation(entry, new_level, value))
            violation(VMSA_BREAK_BEFORE_MAKE,
                      "ASID %u page %lx level %u: %lx written, %lx of level %u may be cached", asid,
                      (unsigned long)page, new_level, (unsigned long)value,
                      (unsigned long)entry->value, level);
    }
}

// A valid descriptor is made at a place: nothing else may be cached for its addresses. A table
// brings all that it holds.
static void check_make(uint16_t asid, unsigned level, uint64_t page, uint64_t value) {
    check_key(asid, level, page, level, value, false);
    if (value_is_table(value, level)) {
        for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
            uint64_t below = *memory_descriptor(value & DESC_OUTPUT, i);
            if ((below & DESC_VALID) != 0)
                check_make(asid, level + 1, page + i * span_pages(level + 1), below);
        }
    }
    if (!value_is_leaf(value, level))
        return;
    for (unsigned upper = 1; upper < level; upper++)
        check_key(asid, upper, page & ~(span_pages(upper) - 1), level, value, true);
    uint32_t count;
    const struct entry *entries = tlb_entries(&count);
    for (uint32_t i = 0; i < count && level < 3; i++) {
        const struct entry *entry = &entries[i];
        if (entry->cached != 0 && entry->asid == asid && entry->level > level &&
            value_is_leaf(entry->value, entry->level) && entry->page - page < span_pages(level))
            violation(VMSA_BREAK_BEFORE_MAKE,
                      "ASID %u block at page %lx level %u: page %lx may be cached", asid,
                      (unsigned long)page, level, (unsigned long)entry->page);
    }
}

// ---- Growing

static struct entry *insert(uint16_t asid, unsigned level, uint64_t page, uint64_t table,
                            unsigned index, uint64_t value) {
    uint32_t slot = tlb.free;
    if (slot != NONE) {
        tlb.free = tlb.entries[slot].next_key;
    } else {
        if (tlb.count == tlb.capacity) {
            tlb.capacity = MAX(4096u, tlb.capacity * 2);
            tlb.entries = vmsa_grow(tlb.entries, tlb.capacity * sizeof(*tlb.entries));
        }
        slot = tlb.count++;
    }
    uint32_t *key = key_bucket(asid, level, page);
    struct entry *entry = &tlb.entries[slot];
    *entry = (struct entry){
        .page = page,
        .value = value,
        .table = table,
        .index = (uint16_t)index,
        .asid = asid,
        .level = (uint8_t)level,
        .next_key = *key,
        .next_target = NONE,
    };
    *key = slot;
    tlb.globals += asid != KERNEL_ASID && value_is_global(value, level);
    if (value_is_leaf(value, level))
        machine.types |= (uint8_t)BIT((value & DESC_TYPE) >> 2);
    if (value_is_table(value, level)) {
        uint32_t *target = target_bucket(value & DESC_OUTPUT);
        entry->next_target = *target;
        *target = slot;
    }
    return entry;
}

static void unchain(uint32_t *link, uint32_t slot, bool key) {
    while (*link != slot)
        link = key ? &tlb.entries[*link].next_key : &tlb.entries[*link].next_target;
    *link = key ? tlb.entries[slot].next_key : tlb.entries[slot].next_target;
}

static void drop(uint32_t slot) {
    struct entry *entry = &tlb.entries[slot];
    unchain(key_bucket(entry->asid, entry->level, entry->page), slot, true);
    if (value_is_table(entry->value, entry->level))
        unchain(target_bucket(entry->value & DESC_OUTPUT), slot, false);
    tlb.globals -= entry->asid != KERNEL_ASID && value_is_global(entry->value, entry->level);
    entry->cached = 0;
    entry->next_key = tlb.free;
    tlb.free = slot;
}

// The PEs may cache it: now, and again if a TLBI on its way would have taken it.
static void add(uint16_t asid, unsigned level, uint64_t page, uint64_t table, unsigned index,
                uint64_t value, uint8_t pes) {
    if (pes == 0 || !value_is_cacheable(value, level))
        return;
    struct entry *entry = find(asid, level, page, table, value);
    if (entry == NULL)
        entry = insert(asid, level, page, table, index, value);
    uint8_t fresh = pes & (uint8_t)~entry->cached;
    if (entry->cached == 0 && value_is_leaf(value, level))
        caches_reach(value, level);
    entry->cached |= pes;
    for (unsigned pe = 0; pe < MAX_PES; pe++) {
        entry->matched[pe] &= (uint8_t)~pes;
        entry->matched_local[pe] &= (uint8_t)~pes;
        entry->half[pe] &= (uint8_t)~pes;
    }
    if (fresh != 0 && value_is_table(value, level))
        tlb_reach_table(value & DESC_OUTPUT, level + 1, asid, page, fresh);
}

void tlb_reach_table(uint64_t table, unsigned level, uint16_t asid, uint64_t page, uint8_t pes) {
    uint64_t values[MOST_VALUES];
    for (unsigned i = memory_next(table, 0); i < TABLE_ENTRIES; i = memory_next(table, i + 1)) {
        unsigned count = memory_values(table, i, values, MOST_VALUES);
        for (unsigned n = 0; n < count; n++)
            add(asid, level, page + i * span_pages(level), table, i, values[n], pes);
    }
}

static bool begins_at(uint64_t ttbr0, uint64_t table, uint16_t asid) {
    return ttbr_root(ttbr0) == table && ttbr_asid(ttbr0) == asid;
}

static uint8_t pes_with_root(uint64_t table, uint16_t asid) {
    uint8_t pes = 0;
    if (table == machine.kernel_root)
        return UINT8_MAX;
    for (unsigned pe = 0; pe < MAX_PES; pe++) {
        if (begins_at(machine.ttbr0[pe], table, asid) ||
            begins_at(machine.leaving[pe], table, asid))
            pes |= (uint8_t)BIT(pe);
    }
    return pes;
}

void tlb_store(uint64_t table, unsigned index, uint64_t value) {
    const struct home *home = memory_home(table);
    if (home != NULL) {
        uint64_t page = home->page + index * span_pages(home->level);
        if ((value & DESC_VALID) != 0)
            check_make(home->asid, home->level, page, value);
        if (value_is_leaf(value, home->level))
            judge_leaf(home->asid, value, home->level);
        if (value_is_leaf(value, home->level) && home->asid == KERNEL_ASID)
            access_made();
        if (home->level == 0)
            add(home->asid, 0, page, table, index, value, pes_with_root(table, home->asid));
    } else if (tlb_walks_into(table) != 0) {
        violation(VMSA_TABLE_REUSED, "table %lx written, it is unhooked but may still be walked",
                  (unsigned long)table);
    }
    for (uint32_t i = with_target(*target_bucket(table), table); i != NONE;
         i = with_target(tlb.entries[i].next_target, table)) {
        const struct entry *above = &tlb.entries[i];
        add(above->asid, above->level + 1u, above->page + index * span_pages(above->level + 1u),
            table, index, value, above->cached);
    }
}

// ---- Invalidating

// PEs that may read the entry's descriptor again after the operation looked at now.
static uint8_t refill(const struct entry *entry) {
    uint8_t pes = 0;
    if (!memory_shows(entry->table, entry->index, entry->value))
        return 0;
    if (entry->level == 0)
        return pes_with_root(entry->table, entry->asid);
    uint64_t prefix = entry->page & ~(span_pages(entry->level - 1u) - 1);
    for (uint32_t i = with_target(*target_bucket(entry->table), entry->table); i != NONE;
         i = with_target(tlb.entries[i].next_target, entry->table)) {
        const struct entry *above = &tlb.entries[i];
        if (above->asid != entry->asid || above->page != prefix ||
            above->level + 1u != entry->level)
            continue;
        pes |= above->cached & (uint8_t)~(above->going_stamp == tlb.stamp ? above->going : 0);
    }
    return pes;
}

// Whether what is cached of the entry's place is another value, too: then it has just been changed.
static bool was_changed(const struct entry *entry) {
    uint32_t i = *key_bucket(entry->asid, entry->level, entry->page);
    unsigned values = 0;
    for (; (i = with_key(i, entry->asid, entry->level, entry->page)) != NONE;
         i = tlb.entries[i].next_key)
        values++;
    return values > 1;
}

static void match(struct entry *entry, uint8_t pes) {
    uint8_t again = refill(entry);
    entry->going = entry->cached & pes & (uint8_t)~again;
    entry->going_stamp = tlb.stamp;
    if ((entry->cached & pes & again) != 0 && value_is_leaf(entry->value, entry->level))
        machine.needless += !was_changed(entry);
    if (pes == UINT8_MAX)
        entry->matched[machine.pe] |= entry->going;
    else
        entry->matched_local[machine.pe] |= entry->going;
}

static bool in_scope(const struct entry *entry, const struct scope *scope) {
    bool leaf = value_is_leaf(entry->value, entry->level);
    bool global = value_is_global(entry->value, entry->level);
    if (entry->cached == 0 || (scope->last_level && !leaf) || (scope->by_asid && global))
        return false;
    if (!scope->any_asid && !global && entry->asid != scope->asid)
        return false;
    if (scope->hint != 0 && (!leaf || entry->level != scope->hint))
        return false;
    return scope->any_page || (entry->page < scope->first + scope->pages &&
                               scope->first < entry->page + span_pages(entry->level));
}

// One page of one ASID: found by its keys.
static void match_page(const struct scope *scope, uint8_t pes) {
    for (unsigned level = 0; level < LEVELS; level++) {
        uint64_t prefix = scope->first & ~(span_pages(level) - 1);
        for (uint32_t i =
                 with_key(*key_bucket(scope->asid, level, prefix), scope->asid, level, prefix);
             i != NONE; i = with_key(tlb.entries[i].next_key, scope->asid, level, prefix)) {
            if (in_scope(&tlb.entries[i], scope))
                match(&tlb.entries[i], pes);
        }
    }
}

// Levels from the top, so that a table descriptor's fate is known before what is below it.
static void match_all(const struct scope *scope, uint8_t pes) {
    for (unsigned level = 0; level < LEVELS; level++) {
        for (uint32_t i = 0; i < tlb.count; i++) {
            struct entry *entry = &tlb.entries[i];
            if (entry->level == level && in_scope(entry, scope))
                match(entry, pes);
        }
    }
}

void tlb_tlbi(enum port_tlbi kind, uint64_t operand) {
    struct scope scope;
    if (!operand_decode(kind, operand, &scope))
        return;
    if (vmsa_faults.wrong_asid)
        scope.asid++;
    if (vmsa_faults.next_page)
        scope.first++;
    if (vmsa_faults.last_level_only && !scope.any_page)
        scope.last_level = true;
    uint8_t pes = scope.local || vmsa_faults.local_only ? (uint8_t)BIT(machine.pe) : UINT8_MAX;
    tlb.stamp++;
    // Global entries are found by no ASID's key.
    if (!scope.any_page && !scope.any_asid && scope.pages == 1 && tlb.globals == 0 &&
        scope.first < KERNEL_PAGE)
        match_page(&scope, pes);
    else
        match_all(&scope, pes);
}

// Takes away what the PE's broadcast operations matched; with the erratum one operation later.
static uint8_t complete_broadcast(struct entry *entry, unsigned pe, bool issued) {
    uint8_t gone = entry->matched[pe];
    entry->matched[pe] = 0;
    if (!vmsa_features.repeat_tlbi)
        return gone;
    uint8_t waited = issued ? entry->half[pe] : 0;
    entry->half[pe] = (uint8_t)((entry->half[pe] & ~waited) | gone);
    return waited;
}

void tlb_complete(unsigned pe, bool local_only, bool issued) {
    for (uint32_t i = 0; i < tlb.count; i++) {
        struct entry *entry = &tlb.entries[i];
        if (entry->cached == 0)
            continue;
        uint8_t gone = entry->matched_local[pe];
        entry->matched_local[pe] = 0;
        if (!local_only)
            gone |= complete_broadcast(entry, pe, issued);
        if ((gone & entry->cached & BIT(pe)) != 0)
            access_removed(entry, pe);
        entry->cached &= (uint8_t)~gone;
        if (entry->cached == 0)
            drop(i);
    }
}
