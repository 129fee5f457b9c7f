// SPDX-License-Identifier: BSD-2-Clause
// What the tests of the machine model itself share.
#include "litmus.h"
#include <string.h>

bool reported_only(enum vmsa_rule rule) {
    for (unsigned other = 0; other < VMSA_RULES; other++) {
        if (other != (unsigned)rule && vmsa_violations(other) != 0) {
            print_message("# also reported: %s\n", vmsa_rule_name(other));
            return false;
        }
    }
    return vmsa_violations(rule) != 0;
}

unsigned reported(void) {
    unsigned count = 0;
    for (unsigned rule = 0; rule < VMSA_RULES; rule++)
        count += vmsa_violations(rule);
    return count;
}

// ---- Bare tables

paddr_t chain[4];

void bare_tables(void) {
    char *memory = new_chunk();
    memset(memory, 0, CHUNK_BYTES);
    for (unsigned level = 0; level < 4; level++)
        chain[level] = PADDR(port_physical_address(memory).v + level * PAGE_BYTES);
    for (unsigned level = 0; level < 3; level++)
        vmsa_desc_write(chain[level], 0, desc_make_table(chain[level + 1]));
    vmsa_desc_write(chain[3], 0, DESC(FRAME(1).v | desc_leaf_bits(3, &touched)));
    vmsa_dsb_ish();
    vmsa_load_root(chain[0].v | OPERAND);
    vmsa_expect_violations();
}

paddr_t spare_table(void) { return PADDR(chain[3].v + PAGE_BYTES); }

bool cached_page(uint64_t page) {
    paddr_t addresses[2];
    return vmsa_reachable(0, PAGE(page), addresses, 2) != 0;
}

void clear_leaf(void) { vmsa_desc_write(chain[3], 0, DESC(0)); }

// ---- A VSpace

struct vspace *prepared(void) {
    struct vspace *vspace = new_vspace(1);
    vmsa_set_pe(1);
    vspace_activate(vspace);
    vmsa_set_pe(0);
    map_pages(vspace, 0, 20, 0);
    map_pages(vspace, GIB_PAGES, 4, 100);
    vmsa_expect_violations();
    return vspace;
}

paddr_t leaf_table(const struct vspace *vspace) {
    paddr_t table = PADDR(vspace->ttbr0 & DESC_ADDRESS);
    for (unsigned level = 0; level < 3; level++)
        table = desc_address(vmsa_desc_read(table, 0));
    return table;
}

struct gather *open_unmap(struct vspace *vspace, uint64_t page, uint64_t pages) {
    struct gather *gather = gather_begin();
    uint64_t done = 0;
    assert_int_equal(gather_unmap(gather, vspace, PAGE(page), pages, 0, &done, NULL), SHEAF_OK);
    return gather;
}
