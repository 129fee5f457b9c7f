// SPDX-License-Identifier: BSD-2-Clause
// Simulated RAM, and what walkers may see of it.
//
// Memory holds what the PEs' own accesses agree on. For walkers each overwritten valid descriptor
// is remembered until the store that replaced it is ordered before later operations.
#include "model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct overwritten {
    uint64_t table, old;
    const struct lock *lock; // first lock the storer released afterwards
    uint32_t next;
    uint16_t index;
    uint8_t pe;
    uint8_t acquired; // PEs that took that lock later
    uint8_t followed; // PEs that stored to the same place later
};

// Of every table ever linked, or stored into.
struct table {
    uint64_t address; // 0: free slot
    struct home home;
    uint64_t stored_epoch; // of the storing PE
    uint8_t stored_pe;
};

#define BUCKETS 4096u
#define TABLES 65536u

static struct {
    char *ram;
    uint64_t start;
    size_t bytes;
    struct overwritten *stores;
    uint32_t count, capacity;
    uint32_t buckets[BUCKETS];
    uint64_t epoch[MAX_PES]; // barriers that order stores
    struct table *tables;    // open addressing
    uint32_t used[TABLES];   // which of them, in the order of their first use
    uint32_t used_count;
} memory;

void *vmsa_grow(void *old, size_t bytes) {
    void *fresh = realloc(old, bytes);
    if (fresh == NULL) {
        fprintf(stderr, "vmsa: out of memory\n");
        abort();
    }
    return fresh;
}

static uint32_t *bucket(uint64_t table, unsigned index) {
    return &memory.buckets[(table / 8 + index * UINT64_C(7) + table / PAGE_BYTES) % BUCKETS];
}

// Empties the chains. What they hold is little, most of the time; there are many of them.
static void empty_buckets(void) {
    for (uint32_t i = 0; i < memory.count; i++)
        *bucket(memory.stores[i].table, memory.stores[i].index) = NONE;
}

// An explorer begins anew a million times: only what is in use is emptied.
void memory_init(uint64_t start, void *ram, size_t bytes) {
    if (memory.tables == NULL) {
        memory.tables = vmsa_grow(NULL, TABLES * sizeof(*memory.tables));
        memset(memory.tables, 0, TABLES * sizeof(*memory.tables));
        memset(memory.buckets, 0xff, sizeof(memory.buckets));
    }
    empty_buckets();
    memory.ram = ram;
    memory.start = start;
    memory.bytes = bytes;
    memory.count = 0;
    memset(memory.epoch, 0, sizeof(memory.epoch));
    for (uint32_t i = 0; i < memory.used_count; i++)
        memory.tables[memory.used[i]] = (struct table){0};
    memory.used_count = 0;
}

void *vmsa_kernel_address(paddr_t address) {
    if (address.v < memory.start || address.v - memory.start >= memory.bytes)
        panic("vmsa: %lx is no address of RAM", (unsigned long)address.v);
    return memory.ram + (address.v - memory.start);
}

paddr_t vmsa_physical_address(const void *pointer) {
    size_t offset = (size_t)((const char *)pointer - memory.ram);
    if (offset >= memory.bytes)
        panic("vmsa: %p is not in RAM", pointer);
    return PADDR(memory.start + offset);
}

uint64_t *memory_descriptor(uint64_t table, unsigned index) {
    if (table % PAGE_BYTES != 0 || index >= TABLE_ENTRIES)
        panic("vmsa: descriptor %u of table %lx", index, (unsigned long)table);
    return (uint64_t *)vmsa_kernel_address(PADDR(table)) + index;
}

static struct table *find_table(uint64_t address) {
    for (uint64_t i = address / PAGE_BYTES;; i++) {
        struct table *table = &memory.tables[i % TABLES];
        if (table->address == 0) {
            if (memory.used_count == TABLES)
                panic("vmsa: more than %u tables", TABLES);
            table->address = address;
            memory.used[memory.used_count++] = (uint32_t)(i % TABLES);
        }
        if (table->address == address)
            return table;
    }
}

// ---- Overwritten values

unsigned memory_values(uint64_t table, unsigned index, uint64_t *values, unsigned max) {
    unsigned count = 0;
    values[count++] = *memory_descriptor(table, index);
    for (uint32_t i = *bucket(table, index); i != NONE && count < max; i = memory.stores[i].next) {
        if (memory.stores[i].table == table && memory.stores[i].index == index)
            values[count++] = memory.stores[i].old;
    }
    return count;
}

unsigned memory_next(uint64_t table, unsigned index) {
    const unsigned group = 8;
    const uint64_t *descriptors = memory_descriptor(table, 0);
    while (memory.count == 0 && index < TABLE_ENTRIES) {
        uint64_t all = descriptors[index];
        if (index % group == 0) {
            for (unsigned i = 1; i < group; i++)
                all |= descriptors[index + i];
        }
        if (all != 0)
            break;
        index += index % group == 0 ? group : 1;
    }
    return index;
}

bool memory_shows(uint64_t table, unsigned index, uint64_t value) {
    if (*memory_descriptor(table, index) == value)
        return true;
    for (uint32_t i = *bucket(table, index); i != NONE; i = memory.stores[i].next) {
        const struct overwritten *store = &memory.stores[i];
        if (store->table == table && store->index == index && store->old == value)
            return true;
    }
    return false;
}

static void remember(uint64_t table, unsigned index, uint64_t old) {
    if (memory.count == memory.capacity) {
        memory.capacity = MAX(1024u, memory.capacity * 2);
        memory.stores = vmsa_grow(memory.stores, memory.capacity * sizeof(*memory.stores));
    }
    uint32_t *first = bucket(table, index);
    memory.stores[memory.count] = (struct overwritten){
        .table = table,
        .old = old,
        .index = (uint16_t)index,
        .pe = (uint8_t)machine.pe,
        .next = *first,
    };
    *first = memory.count++;
}

static void follow(uint64_t table, unsigned index) {
    for (uint32_t i = *bucket(table, index); i != NONE; i = memory.stores[i].next) {
        struct overwritten *store = &memory.stores[i];
        if (store->table == table && store->index == index)
            store->followed |= (uint8_t)BIT(machine.pe);
    }
}

// Drops what is ordered and builds the chains anew.
static void sweep(bool (*ordered)(const struct overwritten *store, unsigned pe), unsigned pe) {
    uint32_t kept = 0;
    empty_buckets();
    for (uint32_t i = 0; i < memory.count; i++) {
        if (ordered(&memory.stores[i], pe))
            continue;
        struct overwritten *store = &memory.stores[kept];
        *store = memory.stores[i];
        uint32_t *first = bucket(store->table, store->index);
        store->next = *first;
        *first = kept++;
    }
    memory.count = kept;
}

// A PE's own store; or one that its own came after, at the same place: who sees the later one does
// not see what was there before the earlier one ("coherence order").
static bool is_own(const struct overwritten *store, unsigned pe) {
    return store->pe == pe || (store->followed >> pe & 1) != 0;
}

static bool is_own_or_acquired(const struct overwritten *store, unsigned pe) {
    return is_own(store, pe) || (store->acquired >> pe & 1) != 0;
}

void memory_order(unsigned pe, bool loads_too) {
    sweep(loads_too ? is_own_or_acquired : is_own, pe);
    memory.epoch[pe]++;
    machine.unordered[pe] = 0;
    access_ordered(pe);
}

unsigned memory_epoch(unsigned pe) { return (unsigned)memory.epoch[pe]; }

unsigned vmsa_unordered(unsigned pe) { return machine.unordered[pe]; }

void memory_order_stores(unsigned pe) { memory.epoch[pe]++; }

void memory_unlock(const struct lock *lock, unsigned pe) {
    for (uint32_t i = 0; i < memory.count; i++) {
        if (memory.stores[i].pe == pe && memory.stores[i].lock == NULL)
            memory.stores[i].lock = lock;
    }
}

void memory_lock(const struct lock *lock, unsigned pe) {
    for (uint32_t i = 0; i < memory.count; i++) {
        if (memory.stores[i].lock == lock)
            memory.stores[i].acquired |= (uint8_t)BIT(pe);
    }
}

// ---- Homes

const struct home *memory_home(uint64_t table) {
    const struct home *home = &find_table(table)->home;
    return home->linked ? home : NULL;
}

// Gives a table its place, and those that hang below it theirs.
static void settle(uint64_t table, struct home home) {
    struct table *found = find_table(table);
    found->home = home;
    if (home.level == 3)
        return;
    for (unsigned i = memory_next(table, 0); i < TABLE_ENTRIES; i = memory_next(table, i + 1)) {
        uint64_t value = *memory_descriptor(table, i);
        if (value_is_table(value, home.level)) {
            struct home below = {home.page + i * span_pages(home.level), home.asid,
                                 (uint8_t)(home.level + 1), true};
            settle(value & DESC_OUTPUT, below);
        }
    }
}

void memory_set_root(uint64_t table, uint16_t asid, uint64_t page) {
    const struct home *home = &find_table(table)->home;
    if (!home->linked || home->level != 0 || home->asid != asid)
        settle(table, (struct home){page, asid, 0, true});
}

void memory_unlink(uint64_t table) { find_table(table)->home.linked = false; }

uint64_t memory_store(uint64_t table, unsigned index, uint64_t value) {
    uint64_t *place = memory_descriptor(table, index);
    uint64_t old = *place;
    struct table *into = find_table(table);
    const struct home *home = memory_home(table);
    into->stored_epoch = memory.epoch[machine.pe];
    into->stored_pe = (uint8_t)machine.pe;
    machine.unordered[machine.pe] +=
        home != NULL && (value & DESC_VALID) != 0 && ((old ^ value) & ~DESC_SOFTWARE) != 0;
    follow(table, index);
    if ((old & DESC_VALID) != 0 && old != value)
        remember(table, index, old);
    if (home != NULL && value_is_table(old, home->level))
        find_table(old & DESC_OUTPUT)->home.linked = false;
    *place = value;
    if (home != NULL && value_is_table(value, home->level)) {
        uint64_t below = value & DESC_OUTPUT;
        const struct table *linked = find_table(below);
        if (linked->stored_pe == machine.pe && linked->stored_epoch == memory.epoch[machine.pe])
            violation(VMSA_UNORDERED_CONTENTS, "table %lx linked, its contents not ordered before",
                      (unsigned long)below);
        settle(below, (struct home){home->page + index * span_pages(home->level), home->asid,
                                    (uint8_t)(home->level + 1), true});
    }
    return old;
}

void memory_zero(uint64_t table) {
    struct table *into = find_table(table);
    into->stored_epoch = memory.epoch[machine.pe];
    into->stored_pe = (uint8_t)machine.pe;
    memset(memory_descriptor(table, 0), 0, PAGE_BYTES);
}
