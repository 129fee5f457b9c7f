// SPDX-License-Identifier: BSD-2-Clause
// What the tests of src/mmu share: a machine with simulated RAM, VSpaces in it, a walker of their
// own that knows descriptors by the Arm manual only, and short forms of common calls.
#ifndef MMU_TEST_SUPPORT_H
#define MMU_TEST_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <mmu.h>
#include <vmsa.h>

#define PAGE(n) VADDR((uint64_t)(n) << PAGE_BITS)
// The n-th 4 KiB frame of memory that nobody but page tables names; aligned to any block.
#define FRAME(n) PADDR(UINT64_C(0x8000000000) + ((uint64_t)(n) << PAGE_BITS))
#define TABLE_PAGES UINT64_C(512)           // pages that a level 3 table covers
#define GIB_PAGES (UINT64_C(512) * 512)     // and a level 2 table
#define USER_HALF_PAGES (UINT64_C(1) << 36) // the user half

// Setup of every test: a fresh machine, 8-bit ASIDs. A violation fails the test.
int machine_setup(void **state);
void machine_init(unsigned asid_bits, unsigned asid_limit, struct mmu_features features);
// The same, 8-bit ASIDs, with a kernel's half that maps so much RAM. Returns its root.
paddr_t machine_init_kernel_half(struct mmu_features features, uint64_t ram_bytes);
struct mmu_features features_of(uint64_t seed); // of its lowest bits, each in turn
void *new_chunk(void); // 64 KiB of RAM, first page zeroed, the rest filled with garbage
paddr_t empty_root(void);
struct vspace *new_vspace(unsigned chunks);        // with so many chunks, loaded on PE 0
struct vspace *loaded_everywhere(unsigned chunks); // the same, on every PE
void know_vspace(struct vspace *vspace); // made otherwise; it stays where it is until the next init
asid_t asid_of(const struct vspace *vspace);

// Leaves written accessed and readable, writable, dirty.
extern const struct leaf_attributes touched, untouched, read_only;
// Accessed and writable, not dirty; only readable, and PROTECT may grant write.
extern const struct leaf_attributes writable_clean, demoted;
#define RW ((unsigned)(SHEAF_MAP_READ | SHEAF_MAP_WRITE))
#define RX ((unsigned)(SHEAF_MAP_READ | SHEAF_MAP_EXECUTE))
#define RO ((unsigned)SHEAF_MAP_READ)

// Maps `pages` from frame number `frame` on, at a level, as one or several runs of one table each.
// Asserts success. Returns the record of the last run.
struct mapping_record map_level(struct gather *gather, struct vspace *vspace, uint64_t page,
                                uint64_t pages, uint64_t frame, unsigned level,
                                const struct leaf_attributes *attributes);
// The same in a batch of its own, as 4 KiB pages, touched.
struct mapping_record map_pages(struct vspace *vspace, uint64_t page, uint64_t pages,
                                uint64_t frame);
// Begin, UNMAP, finish. Asserts that it is not preempted. Returns the error.
enum sheaf_error unmap_flags(struct vspace *vspace, uint64_t page, uint64_t pages, unsigned flags,
                             uint8_t *report, struct gather_totals *totals);
struct gather_totals unmap_pages(struct vspace *vspace, uint64_t page, uint64_t pages);

// The same with PROTECT and AGE; `report` may be NULL.
enum sheaf_error protect_pages(struct vspace *vspace, uint64_t page, uint64_t pages,
                               unsigned rights, uint8_t *report, struct gather_totals *totals);
struct gather_totals age_pages(struct vspace *vspace, uint64_t page, uint64_t pages, unsigned flags,
                               uint8_t *report);
struct vspace *new_vspace_everywhere(unsigned chunks); // loaded on all PEs

// gather_clear_records of one.
enum record_step clear_record(struct gather *gather, const struct mapped_frame *frame,
                              unsigned size_bits, uint8_t *seen);

// Walks the tables in memory. Returns the leaf, 0 if there is none, and its level.
uint64_t find_leaf(const struct vspace *vspace, uint64_t page, unsigned *level);
bool is_mapped_to(const struct vspace *vspace, uint64_t page, uint64_t frame);
bool any_pe_reaches(uint64_t page); // by any PE, through what it may have cached or what it walks
unsigned tables_used(struct vspace *vspace);
unsigned tables_free(struct vspace *vspace);
// Tables that hang in the tree, the root included; must agree with tables_used.
unsigned count_hooked(const struct vspace *vspace);

// All of RAM but the words of locks.
void snapshot_take(void);
void snapshot_assert_unchanged(void);

#endif
