// SPDX-License-Identifier: BSD-2-Clause
// Kernel aliases: blocks of the kernel's own map of RAM, and their memory type.
//
//                   alias_break                      alias_queue
//      cacheable --------------> non-cacheable ------------------> non-cacheable, queued
//          ^                          ^     alias_break                |     |
//          |                          +--------------------------------+     |
//          +-----------------------------------------------------------------+
//                                alias_break_queued
//
// A block's descriptor is all that is known of it, so there is no table that could be too small.
// While it is out of the map, between break and make, it already says what it will be, but for the
// valid bit: an invalid descriptor has no other bit that hardware reads. Whoever queues a block
// meanwhile (an Untyped dies under the retype that changes it) adds its mark, and the make keeps
// it.
//
// Why a queue at all: a purge costs two barriers and an invalidation on every PE, however many
// blocks it takes; and memory that a driver gives back is mostly asked for by a driver again, which
// takes blocks off the queue as they are, without any.
//
// One PE at a time has a batch. Otherwise two could have a block out of the map, for two
// invalidations of which only one is complete when the first makes it valid: a third PE fetches it
// anew, and the second make is then one without a break.
//
// The kernel's tables are written by others only while the kernel boots (src/arch).
#include "alias.h"
#include "finish.h"
#include "walk.h"

#define BLOCK_LEVEL 2u
// A slice, between two polls, takes at most 8,000 instructions: to look at a descriptor takes some
// 50, to change it and to invalidate for it 130 more.
#define BLOCKS 32u // of a batch
#define VISITS 64u // descriptors looked at
#define TYPE_BITS (UINT64_C(7) << DESC_ATTRIBUTE_SHIFT)
#define NON_CACHEABLE ((uint64_t)SHEAF_MEMORY_NON_CACHEABLE << DESC_ATTRIBUTE_SHIFT)

_Static_assert(PAGE_BITS + 9 == ALIAS_BLOCK_BITS, "what a leaf of BLOCK_LEVEL covers");

static struct {
    paddr_t root;
    uint64_t map_page; // number of the page at which physical address 0 is mapped
    uint32_t turn;     // atomic: PE + 1 that has a batch
    // The turn's
    struct plan_range ranges[BLOCKS];
    struct {
        paddr_t table;
        unsigned index;
    } broken[BLOCKS]; // where the descriptors of these are
    unsigned range_count, broken_count;
    // Under the lock, but the numbers are read without it, too
    struct lock lock;
    uint64_t used; // blocks that are non-cacheable, or will be at alias_end, and not queued
    uint64_t next; // no block below this address is queued, but those in the batch
} alias;

uint64_t alias_queued; // under the lock: blocks, and those that alias_end will make cacheable

void alias_init(const struct mmu_config *config) {
    alias.root = config->kernel_root;
    alias.map_page = config->direct_map.v >> PAGE_BITS;
    alias.turn = 0;
    alias.range_count = 0;
    alias.broken_count = 0;
    lock_init(&alias.lock, LOCK_ALIAS);
    alias.used = 0;
    alias_queued = 0;
    alias.next = 0;
}

// ---- Blocks

// Where the walk for an address of RAM ends.
static struct place find(uint64_t address) {
    uint64_t page = alias.map_page + (address >> PAGE_BITS);
    struct place place = look(alias.root, page, 0);
    while (place.level < BLOCK_LEVEL && desc_is_table(place.desc, place.level))
        place = look(desc_address(place.desc), page, place.level + 1);
    return place;
}

static bool is_block(const struct place *place) {
    return place->level == BLOCK_LEVEL && desc_is_leaf(place->desc, BLOCK_LEVEL);
}

// Or one that is out of the map for the moment.
static bool may_be_block(const struct place *place) {
    return place->level == BLOCK_LEVEL && place->desc.v != 0 &&
           !desc_is_table(place->desc, BLOCK_LEVEL);
}

static bool is_queued(const struct place *place) {
    return is_block(place) && (place->desc.v & DESC_QUEUED) != 0;
}

static void write(const struct place *place, uint64_t value) {
    ASSERT(lock_held(&alias.lock) && place->level == BLOCK_LEVEL);
    port_desc_write(place->table, place->index, DESC(value));
}

bool alias_can_change(paddr_t start, uint64_t bytes) {
    if (alias.root.v == 0 || bytes == 0 || !IS_ALIGNED(start.v | bytes, ALIAS_BLOCK_BYTES))
        return false;
    // One stands for all: what is free RAM and as large as a block is mapped by blocks.
    struct place place = find(start.v);
    return may_be_block(&place);
}

bool alias_is_used(void) { return __atomic_load_n(&alias.used, __ATOMIC_RELAXED) != 0; }

// Under the lock; who only wants a hint reads it without.
static void add(uint64_t *number, uint64_t n) {
    __atomic_store_n(number, *number + n, __ATOMIC_RELAXED);
}

// ---- The queue

static void mark_queued(const struct place *place, uint64_t address) {
    write(place, place->desc.v | DESC_QUEUED);
    alias.next = alias_queued == 0 ? address : MIN(alias.next, address);
    add(&alias.used, -UINT64_C(1));
    add(&alias_queued, 1);
    port_count(SHEAF_COUNTER_ALIAS_QUEUED, 1);
}

uint64_t alias_queue(paddr_t start, uint64_t bytes) {
    uint64_t done = 0;
    lock_acquire(&alias.lock);
    for (unsigned visits = 0; done < bytes && visits < VISITS; visits++) {
        if (alias.used == 0) {
            done = bytes; // there is no other block to be found
            break;
        }
        struct place place = find(start.v + done);
        if (may_be_block(&place) && desc_memory_type(place.desc) != SHEAF_MEMORY_NORMAL &&
            (place.desc.v & DESC_QUEUED) == 0)
            mark_queued(&place, start.v + done);
        done += ALIAS_BLOCK_BYTES;
    }
    lock_release(&alias.lock);
    return done;
}

static bool is_cacheable(uint64_t address) {
    struct place place = find(address);
    return !may_be_block(&place) ||
           (is_block(&place) && desc_memory_type(place.desc) == SHEAF_MEMORY_NORMAL);
}

bool alias_wants_purge(enum alias_policy policy, paddr_t start, uint64_t bytes) {
    if (policy == ALIAS_NEVER || !alias_is_queued())
        return false;
    if (policy == ALIAS_FORCE)
        return true;
    ASSERT(bytes != 0 && bytes <= ALIAS_BLOCK_BYTES);
    lock_acquire(&alias.lock);
    bool cacheable = is_cacheable(start.v) && is_cacheable(start.v + bytes - 1);
    lock_release(&alias.lock);
    return !cacheable;
}

// ---- A batch

void alias_begin(void) {
    uint32_t nobody = 0;
    while (!__atomic_compare_exchange_n(&alias.turn, &nobody, port_pe() + 1, false,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        port_relax();
        nobody = 0;
    }
    alias.range_count = 0;
    alias.broken_count = 0;
}

// Takes the block out of the map. `value` is what it will be.
static void break_block(const struct place *place, uint64_t address, uint64_t value) {
    struct plan_range *next = alias.ranges + alias.range_count, *last = next - 1;
    uint64_t page = alias.map_page + (address >> PAGE_BITS);
    write(place, value & ~DESC_VALID);
    alias.broken[alias.broken_count].table = place->table;
    alias.broken[alias.broken_count++].index = place->index;
    if (alias.range_count != 0 && last->first + last->pages == page) {
        last->pages += level_pages(BLOCK_LEVEL);
        return;
    }
    *next = (struct plan_range){page, level_pages(BLOCK_LEVEL), BLOCK_LEVEL, 0};
    alias.range_count++;
}

// A block that is to be non-cacheable. True: it is to be taken out of the map for that, and was.
static bool change(uint64_t address) {
    struct place place = find(address);
    ASSERT(is_block(&place)); // nobody else has a batch
    if (desc_memory_type(place.desc) == SHEAF_MEMORY_NORMAL) {
        break_block(&place, address, place.desc.v | NON_CACHEABLE);
        add(&alias.used, 1);
        port_count(SHEAF_COUNTER_ALIAS_CHANGED, 1);
        return true;
    }
    if (is_queued(&place)) {
        write(&place, place.desc.v & ~DESC_QUEUED);
        add(&alias.used, 1);
        add(&alias_queued, -UINT64_C(1));
        port_count(SHEAF_COUNTER_ALIAS_KEPT, 1);
    }
    return false;
}

uint64_t alias_break(paddr_t start, uint64_t bytes) {
    uint64_t at = 0, ready = 0;
    unsigned broken = 0;
    lock_acquire(&alias.lock);
    for (unsigned visits = 0; at < bytes && broken < BLOCKS && visits < VISITS; visits++) {
        broken += change(start.v + at);
        at += ALIAS_BLOCK_BYTES;
        ready = broken == 0 ? at : ready;
    }
    lock_release(&alias.lock);
    return ready;
}

// Where what the descriptor covers ends.
static uint64_t behind(const struct place *place, uint64_t address) {
    uint64_t span = level_pages(place->level) << PAGE_BITS;
    return ALIGN_DOWN(address, span) + span;
}

void alias_break_queued(void) {
    unsigned broken = 0;
    lock_acquire(&alias.lock);
    for (unsigned visits = 0; broken < MIN(alias_queued, BLOCKS) && visits < VISITS; visits++) {
        struct place place = find(alias.next);
        if (is_queued(&place)) {
            break_block(&place, alias.next, place.desc.v & ~(DESC_QUEUED | TYPE_BITS));
            broken++;
        }
        alias.next = behind(&place, alias.next);
    }
    lock_release(&alias.lock);
}

static void make(void) {
    lock_acquire(&alias.lock);
    uint64_t queued = alias_queued;
    for (unsigned i = 0; i < alias.broken_count; i++) {
        paddr_t table = alias.broken[i].table;
        desc_t block = port_desc_read(table, alias.broken[i].index);
        ASSERT(!desc_is_valid(block));
        port_desc_write(table, alias.broken[i].index, DESC(block.v | DESC_VALID));
        if (desc_memory_type(block) == SHEAF_MEMORY_NORMAL) {
            add(&alias_queued, -UINT64_C(1));
            port_count(SHEAF_COUNTER_ALIAS_PURGED, 1);
        }
    }
    if (alias_queued != queued)
        port_count(SHEAF_COUNTER_ALIAS_PURGES, 1);
    lock_release(&alias.lock);
    finish_kernel_stores();
}

void alias_end(void) {
    if (alias.broken_count != 0) {
        finish_kernel(alias.ranges, alias.range_count);
        make();
    }
    __atomic_store_n(&alias.turn, 0, __ATOMIC_RELEASE);
}
