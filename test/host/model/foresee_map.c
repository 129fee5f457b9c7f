// SPDX-License-Identifier: BSD-2-Clause
// MAP, foreseen.
#include "foresee.h"

static void check_frame(struct op *op, unsigned cap) {
    bool doubt = false;
    if (cap == NO_CAP || caps[cap].type != SHEAF_FRAME) {
        op->wrong |= cap == NO_CAP ? E(INVALID_CAPABILITY) : E(WRONG_TYPE);
        return;
    }
    if ((caps[cap].rights & SHEAF_RIGHT_READ) == 0)
        op->wrong |= E(NO_RIGHT);
    if ((op->rights & SHEAF_MAP_WRITE) != 0 && (caps[cap].rights & SHEAF_RIGHT_WRITE) == 0)
        op->wrong |= E(RIGHTS_EXCEEDED);
    if ((op->rights & SHEAF_MAP_EXECUTE) != 0 && caps[cap].memory_type == SHEAF_MEMORY_DEVICE)
        op->wrong |= E(MEMORY_TYPE);
    if (is_mapped(cap, &doubt))
        op->wrong |= E(ALREADY_MAPPED);
    else if (doubt)
        op->maybe |= E(ALREADY_MAPPED);
}

static uint64_t frame_pages(unsigned cap) { return BIT(caps[cap].size_bits - PAGE_BITS); }

static bool in_one_table(uint64_t page, uint64_t pages) {
    return page / UNIT_PAGES == (page + pages - 1) / UNIT_PAGES;
}

struct layout {
    const struct slot *first;
    uint64_t count, page; // slots; with PART the first page in the Frame
    unsigned level;
};

static void lay_part(struct op *op, struct layout *layout) {
    uint64_t pages = frame_pages(cap_at(layout->first));
    if (layout->page >= pages || op->pages > pages - layout->page ||
        !in_one_table(op->page, op->pages))
        op->wrong |= E(RANGE);
    if (op->pages == UNIT_PAGES && (op->flags & SHEAF_OP_PAGES) == 0 &&
        layout->page % UNIT_PAGES == 0)
        layout->level = 2;
}

// The world's Frames are of 2 MiB at most.
static void lay_frames(struct op *op, struct layout *layout) {
    uint64_t sum = 0, page = op->page;
    bool blocks = (op->flags & SHEAF_OP_PAGES) == 0;
    for (uint64_t i = 0; i < layout->count; i++) {
        uint64_t pages = frame_pages(cap_at(layout->first + i));
        assert_true(pages <= UNIT_PAGES);
        if (page % pages != 0)
            op->wrong |= E(MISALIGNED);
        if (!in_one_table(page, pages))
            op->maybe |= E(RANGE); // it is misaligned as well
        blocks = blocks && pages == UNIT_PAGES;
        page += pages;
        sum += pages;
    }
    if (sum != op->pages)
        op->wrong |= E(INVALID_ARGUMENT);
    layout->level = blocks ? 2 : 3;
}

static void lay_out(struct op *op, struct layout *layout) {
    layout->level = 3;
    if ((op->flags & SHEAF_OP_PART) != 0)
        lay_part(op, layout);
    else
        lay_frames(op, layout);
    if (op->pages >> (9 * (3 - layout->level)) > SHEAF_MAP_LEAVES)
        op->wrong |= E(RANGE);
    for (unsigned i = 0; i < leaf_count; i++)
        if (is_hit(op, &leaves[i]))
            op->wrong |= E(PLACE_OCCUPIED);
    op->maybe |= E(NO_TABLES);
}

static void map_frame(const struct op *op, unsigned cap, uint64_t frame, uint64_t page,
                      uint64_t pages, unsigned level) {
    struct leaf leaf = {
        .vspace = op->vspace,
        .page = page,
        .frame = frame,
        .cap = (uint16_t)cap,
        .level = (uint8_t)level,
        .memory_type = caps[cap].memory_type,
        .write = (op->rights & SHEAF_MAP_WRITE) != 0,
        .execute = (op->rights & SHEAF_MAP_EXECUTE) != 0,
        .max_write = (caps[cap].rights & SHEAF_RIGHT_WRITE) != 0,
        .accessed = (op->flags & (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)) != 0,
        .dirty = (op->flags & SHEAF_OP_DIRTY) != 0,
    };
    uint64_t step = leaf_pages(&leaf);
    last_mappings[cap] = (struct last_mapping){(uint16_t)(pages / step), leaf.level, true};
    for (; pages > 0; pages -= step) {
        mappings_add(&leaf);
        leaf.page += step;
        leaf.frame += step * PAGE_BYTES;
    }
}

static void map_all(const struct op *op, const struct layout *layout) {
    uint64_t page = op->page;
    if ((op->flags & SHEAF_OP_PART) != 0) {
        unsigned cap = cap_at(layout->first);
        map_frame(op, cap, caps[cap].address + layout->page * PAGE_BYTES, page, op->pages,
                  layout->level);
        return;
    }
    for (uint64_t i = 0; i < layout->count; i++) {
        unsigned cap = cap_at(layout->first + i);
        map_frame(op, cap, caps[cap].address, page, frame_pages(cap), layout->level);
        page += frame_pages(cap);
    }
}

void foresee_map(struct op *op) {
    bool part = (op->flags & SHEAF_OP_PART) != 0;
    find_vspace(op);
    if ((op->flags & SHEAF_OP_DIRTY) != 0 && (op->rights & SHEAF_MAP_WRITE) == 0)
        op->wrong |= E(INVALID_ARGUMENT);
    unsigned cap = resolve(op, op->word[4], SHEAF_FRAME);
    if (cap == NO_CAP)
        return;
    struct layout layout = {caps[cap].at, part ? 1 : op->word[5], part ? op->word[5] : 0, 3};
    if (layout.count == 0)
        op->wrong |= E(ZERO_LENGTH);
    if (layout.count > MIN(reference_room(op->thread, op->word[4]), SHEAF_MAP_FRAMES))
        op->wrong |= E(RANGE);
    for (uint64_t i = 0; (op->wrong & E(RANGE)) == 0 && i < layout.count; i++)
        check_frame(op, cap_at(layout.first + i));
    if ((op->wrong & (E(RANGE) | E(INVALID_CAPABILITY) | E(WRONG_TYPE))) != 0)
        return;
    lay_out(op, &layout);
    if (op->wrong == 0)
        map_all(op, &layout);
}
