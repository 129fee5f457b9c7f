// SPDX-License-Identifier: BSD-2-Clause
// Invariants of mappings: every valid leaf is named by the record of a live capability, which gives
// it no more than it may; and every table that is hooked has as many valid descriptors as its
// bookkeeping says.
#include "invariants.h"
#include <record.h>

#define MOST_RECORDS 4096u

struct named {           // a run of leaves that a Frame capability names
    uint64_t key;        // ASID and table number
    uint64_t start, end; // of the Frame's memory
    uint8_t rights, memory_type;
    uint16_t first, last;
};

static struct named named[MOST_RECORDS];
static unsigned named_count;

static void collect_records(struct slot *const *slots, unsigned count) {
    named_count = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct slot *slot = slots[i];
        if (slot->type != SHEAF_FRAME || slot->frame.record.v == 0)
            continue;
        struct mapping_record record = slot->frame.record;
        assert_true(named_count < MOST_RECORDS);
        named[named_count++] =
            (struct named){.key = (uint64_t)record_asid(record).v << 32 | record_table(record),
                           .start = slot->frame.address.v,
                           .end = slot->frame.address.v + BIT(slot->size_bits),
                           .rights = slot->rights,
                           .memory_type = slot->memory_type,
                           .first = (uint16_t)record_index(record),
                           .last = (uint16_t)(record_index(record) + record_count(record) - 1)};
    }
}

// Readable, of the Frame's memory type; writable only with the right; device memory is never
// executable.
static bool is_allowed(const struct named *by, desc_t leaf) {
    bool writable = (leaf.v & (DESC_WRITABLE | DESC_MAX_WRITE)) != 0;
    bool executable = (leaf.v & DESC_USER_NO_EXECUTE) == 0;
    return (leaf.v >> DESC_ATTRIBUTE_SHIFT & 7) == by->memory_type &&
           (by->rights & SHEAF_RIGHT_READ) != 0 &&
           (!writable || (by->rights & SHEAF_RIGHT_WRITE) != 0) &&
           (!executable || by->memory_type != SHEAF_MEMORY_DEVICE);
}

static bool is_named(uint64_t key, unsigned index, desc_t leaf) {
    uint64_t output = desc_address(leaf).v;
    for (unsigned i = 0; i < named_count; i++)
        if (named[i].key == key && index >= named[i].first && index <= named[i].last &&
            output >= named[i].start && output < named[i].end && is_allowed(&named[i], leaf))
            return true;
    return false;
}

static void check_table(const struct vspace *vspace, unsigned number) {
    paddr_t table = table_of_number(vspace, number);
    const struct table_info *info = table_info(table);
    const uint64_t *descriptor = port_kernel_address(table);
    unsigned live = 0;
    for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
        if ((descriptor[i] & 1) == 0)
            continue;
        live++;
        if (desc_is_leaf(DESC(descriptor[i]), info->level))
            assert_true(is_named((uint64_t)vspace->asid.v << 32 | number, i, DESC(descriptor[i])));
    }
    assert_int_equal(live, info->live);
}

static void check_vspace(struct vspace *vspace) {
    for (unsigned chunk = 0; chunk < vspace->chunk_slots; chunk++)
        for (unsigned page = 1; vspace->chunks[chunk] != 0 && page < 16; page++)
            if (table_info(table_of_number(vspace, chunk * 16 + page))->state == TABLE_HOOKED)
                check_table(vspace, chunk * 16 + page);
}

void check_leaves(struct slot *const *slots, unsigned count) {
    const struct vspace *checked[64];
    unsigned vspaces = 0;
    collect_records(slots, count);
    for (unsigned i = 0; i < count; i++) {
        unsigned seen = 0;
        if (slots[i]->type != SHEAF_VSPACE || vspace_is_dead(slots[i]->object))
            continue;
        while (seen < vspaces && checked[seen] != slots[i]->object)
            seen++;
        if (seen < vspaces)
            continue;
        assert_true(vspaces < ARRAY_SIZE(checked));
        checked[vspaces++] = slots[i]->object;
        check_vspace(slots[i]->object);
    }
}
