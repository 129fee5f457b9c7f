// SPDX-License-Identifier: BSD-2-Clause
// What the tests of src/mmu share.
#include "support.h"
#include <stdio.h>
#include <string.h>

#include <layout.h>

#define GARBAGE 0xa7
#define ARENA_BYTES (UINT64_C(24) << 20)

static _Alignas(65536) char arena[ARENA_BYTES], saved[ARENA_BYTES];
static size_t arena_used;
static uint64_t asid_table[(65536 / 8 + 65536 * 4) / 8];
static struct vspace *vspaces[32];
static unsigned vspace_count;

const struct leaf_attributes touched = {
    .write = true, .max_write = true, .accessed = true, .dirty = true};
const struct leaf_attributes untouched = {.write = true, .max_write = true};
const struct leaf_attributes read_only = {.accessed = true};
const struct leaf_attributes writable_clean = {.write = true, .max_write = true, .accessed = true};
const struct leaf_attributes demoted = {.max_write = true, .accessed = true};

static void fail_on_violation(enum vmsa_rule rule, const char *text) {
    vmsa_print_violation(rule, text);
    fail_msg("%s: %s", vmsa_rule_name(rule), text);
}

void know_vspace(struct vspace *vspace) {
    assert_true(vspace_count < ARRAY_SIZE(vspaces));
    vspaces[vspace_count++] = vspace;
}

paddr_t empty_root(void) { return PADDR(VMSA_BASE); }

static const paddr_t kernel_tables = {VMSA_BASE + CHUNK_BYTES / 2}; // three pages

static void init(unsigned asid_bits, unsigned asid_limit, struct mmu_features features,
                 uint64_t mapped) {
    assert_true(mmu_asid_table_bytes(asid_bits) <= sizeof(asid_table));
    memset(asid_table, 0, mmu_asid_table_bytes(asid_bits));
    memset(arena, 0, CHUNK_BYTES);
    arena_used = CHUNK_BYTES; // the first 64 KiB: the empty root
    vspace_count = 0;
    vmsa_init(arena, sizeof(arena));
    vmsa_set_handler(fail_on_violation);
    vmsa_set_hook(NULL);
    vmsa_features = (struct vmsa_features){
        .ttl = features.ttl,
        .range = features.range,
        .repeat_tlbi = features.repeat_tlbi,
        .asids_of_8_bits = asid_bits == 8,
    };
    mmu_init(&(struct mmu_config){
        .kernel_root =
            mapped != 0 ? vmsa_make_kernel_half(kernel_tables, VMSA_BASE, mapped) : PADDR(0),
        .direct_map = VADDR(VMSA_KERNEL_HALF),
        .features = features,
        .asid_bits = asid_bits,
        .asid_limit = asid_limit,
        .asid_table = asid_table,
        .empty_root = empty_root(),
    });
    for (unsigned pe = 0; pe < MAX_PES; pe++) {
        vmsa_set_pe(pe);
        vspace_activate(NULL);
    }
    vmsa_set_pe(0);
}

void machine_init(unsigned asid_bits, unsigned asid_limit, struct mmu_features features) {
    init(asid_bits, asid_limit, features, 0);
}

paddr_t machine_init_kernel_half(struct mmu_features features, uint64_t ram_bytes) {
    init(8, 0, features, ram_bytes);
    return kernel_tables;
}

struct mmu_features features_of(uint64_t seed) {
    return (struct mmu_features){
        .ttl = (seed & 1) != 0,
        .range = (seed & 2) != 0,
        .repeat_tlbi = (seed & 4) != 0,
    };
}

int machine_setup(void **state) {
    (void)state;
    machine_init(8, 0, (struct mmu_features){0});
    return 0;
}

void *new_chunk(void) {
    assert_true(arena_used + CHUNK_BYTES <= sizeof(arena));
    char *chunk = arena + arena_used;
    arena_used += CHUNK_BYTES;
    memset(chunk, 0, PAGE_BYTES);
    // Valid descriptors, all wrong. Pages that have them from the last test are passed over:
    // whoever takes a page for something zeroes it first.
    for (char *page = chunk + PAGE_BYTES; page < chunk + CHUNK_BYTES; page += PAGE_BYTES) {
        if ((unsigned char)page[PAGE_BYTES - 1] != GARBAGE)
            memset(page, GARBAGE, PAGE_BYTES);
    }
    return chunk;
}

struct vspace *new_vspace(unsigned chunks) {
    struct vspace *vspace;
    assert_int_equal(vspace_create(new_chunk(), &vspace), SHEAF_OK);
    for (unsigned i = 1; i < chunks; i++)
        assert_int_equal(vspace_grow(vspace, new_chunk()), SHEAF_OK);
    vspace_activate(vspace);
    know_vspace(vspace);
    return vspace;
}

struct vspace *loaded_everywhere(unsigned chunks) {
    struct vspace *vspace = new_vspace(chunks);
    for (unsigned pe = 1; pe < MAX_PES; pe++) {
        vmsa_set_pe(pe);
        vspace_activate(vspace);
    }
    vmsa_set_pe(0);
    return vspace;
}

bool any_pe_reaches(uint64_t page) {
    paddr_t addresses[4];
    for (unsigned pe = 0; pe < MAX_PES; pe++) {
        if (vmsa_reachable(pe, PAGE(page), addresses, 4) != 0)
            return true;
    }
    return false;
}

asid_t asid_of(const struct vspace *vspace) { return vspace->asid; }

struct mapping_record map_level(struct gather *gather, struct vspace *vspace, uint64_t page,
                                uint64_t pages, uint64_t frame, unsigned level,
                                const struct leaf_attributes *attributes) {
    struct gather_map map;
    struct mapping_record record = {0};
    unsigned missing;
    assert_int_equal(gather_map_begin(gather, vspace, PAGE(page), pages, level, &map, &missing),
                     SHEAF_OK);
    uint64_t span = level_pages(level) * TABLE_ENTRIES;
    while (pages > 0) {
        uint64_t run = MIN(pages, span - page % span);
        record = gather_map_frame(&map, FRAME(frame), run, attributes);
        page += run;
        frame += run;
        pages -= run;
    }
    gather_map_end(&map);
    return record;
}

struct mapping_record map_pages(struct vspace *vspace, uint64_t page, uint64_t pages,
                                uint64_t frame) {
    struct gather *gather = gather_begin();
    struct mapping_record record =
        map_level(gather, vspace, page, pages, frame, LEAF_LEVEL, &touched);
    gather_finish(gather);
    return record;
}

enum sheaf_error unmap_flags(struct vspace *vspace, uint64_t page, uint64_t pages, unsigned flags,
                             uint8_t *report, struct gather_totals *totals) {
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    enum sheaf_error error = gather_unmap(gather, vspace, PAGE(page), pages, flags, &done, report);
    assert_int_not_equal(error, SHEAF_ERR_PREEMPTED);
    if (error == SHEAF_OK)
        assert_int_equal(done, pages);
    gather_finish(gather);
    if (totals != NULL)
        *totals = *gather_totals(gather);
    return error;
}

struct gather_totals unmap_pages(struct vspace *vspace, uint64_t page, uint64_t pages) {
    struct gather_totals totals;
    assert_int_equal(unmap_flags(vspace, page, pages, 0, NULL, &totals), SHEAF_OK);
    return totals;
}

enum sheaf_error protect_pages(struct vspace *vspace, uint64_t page, uint64_t pages,
                               unsigned rights, uint8_t *report, struct gather_totals *totals) {
    struct gather *gather = gather_begin();
    struct gather_ahead ahead = {0};
    uint64_t done = 0;
    enum sheaf_error error = gather_protect(
        gather, vspace, rights, &(struct gather_change){PAGE(page), pages, &done, &ahead, report});
    assert_int_not_equal(error, SHEAF_ERR_PREEMPTED);
    assert_int_equal(done, error == SHEAF_OK ? pages : 0);
    assert_int_equal(ahead.checked + ahead.synchronised + ahead.leaf.v, 0);
    gather_finish(gather);
    if (totals != NULL)
        *totals = *gather_totals(gather);
    return error;
}

struct gather_totals age_pages(struct vspace *vspace, uint64_t page, uint64_t pages, unsigned flags,
                               uint8_t *report) {
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    assert_int_equal(gather_age(gather, vspace, flags,
                                &(struct gather_change){PAGE(page), pages, &done, NULL, report}),
                     SHEAF_OK);
    assert_int_equal(done, pages);
    gather_finish(gather);
    return *gather_totals(gather);
}

struct vspace *new_vspace_everywhere(unsigned chunks) {
    struct vspace *vspace = new_vspace(chunks);
    for (unsigned pe = 1; pe < MAX_PES; pe++) {
        vmsa_set_pe(pe);
        vspace_activate(vspace);
    }
    vmsa_set_pe(0);
    return vspace;
}

// ---- Looking at tables without src/mmu

static uint64_t descriptor(uint64_t table, unsigned index) {
    return ((const uint64_t *)vmsa_kernel_address(PADDR(table)))[index];
}

uint64_t find_leaf(const struct vspace *vspace, uint64_t page, unsigned *level) {
    uint64_t table = vspace->ttbr0 & UINT64_C(0x0000fffffffff000);
    for (*level = 0; *level < 4; (*level)++) {
        uint64_t value = descriptor(table, (unsigned)(page >> (9 * (3 - *level))) & 511);
        if ((value & 1) == 0)
            return 0;
        if (*level == 3 || (value & 2) == 0)
            return value;
        table = value & UINT64_C(0x0000fffffffff000);
    }
    return 0;
}

bool is_mapped_to(const struct vspace *vspace, uint64_t page, uint64_t frame) {
    unsigned level;
    uint64_t leaf = find_leaf(vspace, page, &level);
    uint64_t offset = page & ((UINT64_C(1) << (9 * (3 - level))) - 1);
    return leaf != 0 &&
           (leaf & UINT64_C(0x0000fffffffff000)) + offset * PAGE_BYTES == FRAME(frame).v;
}

static unsigned count_below(uint64_t table, unsigned level) {
    unsigned count = 1;
    for (unsigned i = 0; i < 512 && level < 3; i++) {
        uint64_t value = descriptor(table, i);
        if ((value & 3) == 3)
            count += count_below(value & UINT64_C(0x0000fffffffff000), level + 1);
    }
    return count;
}

unsigned count_hooked(const struct vspace *vspace) {
    return count_below(vspace->ttbr0 & UINT64_C(0x0000fffffffff000), 0);
}

unsigned tables_used(struct vspace *vspace) {
    struct vspace_info info;
    vspace_info(vspace, &info);
    return info.tables_used;
}

unsigned tables_free(struct vspace *vspace) {
    struct vspace_info info;
    vspace_info(vspace, &info);
    return info.tables_free;
}

// ---- Snapshots

static void blank_locks(char *copy) {
    for (unsigned i = 0; i < vspace_count; i++)
        memset(copy + ((char *)&vspaces[i]->lock - arena), 0, sizeof(struct lock));
}

void snapshot_take(void) {
    memcpy(saved, arena, arena_used);
    blank_locks(saved);
}

void snapshot_assert_unchanged(void) {
    static char now[ARENA_BYTES];
    memcpy(now, arena, arena_used);
    blank_locks(now);
    for (size_t i = 0; i < arena_used; i++) {
        if (now[i] != saved[i])
            fail_msg("RAM changed at offset %#zx", i);
    }
}

enum record_step clear_record(struct gather *gather, const struct mapped_frame *frame,
                              unsigned size_bits, uint8_t *seen) {
    struct gather_record of = {.frame = frame, .size_bits = (uint8_t)size_bits};
    enum record_step step;
    unsigned through = gather_clear_records(gather, &of, 1, &step);
    assert_int_equal(through, step == RECORD_THROUGH);
    assert_int_equal(of.through, step == RECORD_THROUGH);
    *seen |= of.seen;
    return step;
}
