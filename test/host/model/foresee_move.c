// SPDX-License-Identifier: BSD-2-Clause
// MOVE, foreseen: of whole tables, and of leaves that capabilities name.
#include "foresee.h"

static bool moves_away(const struct leaf *leaf, const struct op *op) {
    return is_inside(leaf, op->page, op->pages);
}

// Where the leaf goes, something is that does not move itself.
static bool is_in_the_way(const struct op *op, uint64_t page, uint64_t pages) {
    uint64_t to = op->word[4] >> PAGE_BITS;
    for (unsigned i = 0; i < leaf_count; i++)
        if (leaf_overlaps(&leaves[i], op->vspace, page - op->page + to, pages) &&
            !moves_away(&leaves[i], op))
            return true;
    return false;
}

static void move_all(struct op *op) {
    uint64_t by = (op->word[4] >> PAGE_BITS) - op->page;
    for (unsigned i = 0; i < leaf_count; i++)
        if (is_hit(op, &leaves[i])) {
            leaves[i].page += by;
            op->leaves += by != 0;
        }
}

static void foresee_tables(struct op *op) {
    uint64_t to = op->word[4] >> PAGE_BITS;
    if ((op->page | op->pages | to) % UNIT_PAGES != 0)
        op->wrong |= E(MISALIGNED);
    if (op->wrong != 0 || to == op->page)
        return;
    for (unsigned i = 0; i < leaf_count; i++) {
        if (!is_hit(op, &leaves[i]))
            continue;
        if (leaves[i].level < 3)
            op->wrong |= E(OTHER_MAPPING);
        if (is_in_the_way(op, ALIGN_DOWN(leaves[i].page, UNIT_PAGES), UNIT_PAGES))
            op->wrong |= E(PLACE_OCCUPIED);
    }
    op->maybe |= E(NO_TABLES);
    if (is_in_the_way(op, op->page, op->pages)) // an empty table would go there
        op->maybe |= E(PLACE_OCCUPIED);
    if (op->wrong == 0)
        move_all(op);
}

// The leaves of the range in the order of their addresses.
static unsigned sorted[MOST_LEAVES], sorted_count;

static void sort_leaves(const struct op *op) {
    sorted_count = 0;
    for (unsigned i = 0; i < leaf_count; i++) {
        if (!is_hit(op, &leaves[i]))
            continue;
        unsigned at = sorted_count++;
        for (; at > 0 && leaves[sorted[at - 1]].page > leaves[i].page; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = i;
    }
}

struct run { // what one capability has mapped
    uint64_t first, end;
    unsigned leaves; // of the sorted ones, from where it begins on
};

// The run of the leaf at `at`, which the capability `cap` must have mapped.
static struct run find_run(struct op *op, unsigned at, unsigned cap) {
    const struct leaf *begin = &leaves[sorted[at]];
    struct run run = {begin->page, begin->page + leaf_pages(begin), 0};
    for (unsigned i = 0; i < leaf_count; i++) {
        if (leaves[i].cap != cap)
            continue;
        run.first = MIN(run.first, leaves[i].page);
        run.end = MAX(run.end, leaves[i].page + leaf_pages(&leaves[i]));
    }
    if (run.first < op->page || run.end > op->page + op->pages)
        op->wrong |= E(BLOCK_CUT);
    if (last_mappings[cap].count > SHEAF_MOVE_LEAVES)
        op->wrong |= E(RANGE);
    for (unsigned i = at; i < sorted_count && leaves[sorted[i]].page < run.end; i++) {
        run.leaves++;
        if (leaves[sorted[i]].cap == cap)
            continue;
        if (mappings_may_name(cap, &leaves[sorted[i]]))
            op->open = true; // it may be taken for one of the run
        else
            op->wrong |= E(OTHER_MAPPING);
    }
    return run;
}

// The capability that must have mapped the leaf at `at`.
static unsigned named_by(struct op *op, const struct slot *first, uint64_t slot, unsigned at) {
    uint64_t room = reference_room(op->thread, op->word[5]);
    unsigned cap = slot < room ? cap_at(first + slot) : NO_CAP;
    if (slot >= room) {
        op->wrong |= E(RANGE);
    } else if (cap == NO_CAP || caps[cap].type != SHEAF_FRAME) {
        op->wrong |= cap == NO_CAP ? E(INVALID_CAPABILITY) : E(WRONG_TYPE);
        cap = NO_CAP;
    } else if (leaves[sorted[at]].cap != cap) {
        if (last_mappings[cap].count > SHEAF_MOVE_LEAVES)
            op->maybe |= E(RANGE); // whatever it is that it names
        if (mappings_may_name(cap, &leaves[sorted[at]]))
            op->open = true;
        else
            op->wrong |= E(OTHER_MAPPING);
        cap = NO_CAP;
    }
    return cap;
}

static void check_target(struct op *op, const struct run *run, unsigned level, unsigned at) {
    uint64_t to = run->first - op->page + (op->word[4] >> PAGE_BITS);
    uint64_t span = UINT64_C(512) << (9 * (3 - level));
    if (to / span != (to + (run->end - run->first) - 1) / span)
        op->wrong |= E(RANGE);
    for (unsigned i = at; i < at + run->leaves; i++)
        if (is_in_the_way(op, leaves[sorted[i]].page, leaf_pages(&leaves[sorted[i]])))
            op->wrong |= E(PLACE_OCCUPIED);
}

static void check_runs(struct op *op, const struct slot *first, unsigned level) {
    uint64_t slot = 0;
    for (unsigned at = 0; at < sorted_count && op->wrong == 0 && !op->open; slot++) {
        if (leaves[sorted[at]].level != level) {
            op->wrong |= E(OTHER_MAPPING);
            return;
        }
        unsigned cap = named_by(op, first, slot, at);
        if (cap == NO_CAP)
            return;
        struct run run = find_run(op, at, cap);
        check_target(op, &run, level, at);
        at += run.leaves;
    }
}

// The new records are of what was left of each run.
static void count_runs(void) {
    for (unsigned at = 0; at < sorted_count; at++) {
        unsigned cap = leaves[sorted[at]].cap;
        uint64_t first = UINT64_MAX, end = 0;
        for (unsigned i = 0; i < sorted_count; i++) {
            const struct leaf *leaf = &leaves[sorted[i]];
            if (leaf->cap != cap)
                continue;
            first = MIN(first, leaf->page);
            end = MAX(end, leaf->page + leaf_pages(leaf));
        }
        last_mappings[cap].count = (uint16_t)((end - first) / leaf_pages(&leaves[sorted[at]]));
    }
}

static void foresee_leaves(struct op *op) {
    uint64_t to = op->word[4] >> PAGE_BITS;
    unsigned cap = resolve(op, op->word[5], SHEAF_FRAME);
    if (cap == NO_CAP)
        return;
    const struct last_mapping *last = &last_mappings[cap];
    if (!last->ever) {
        op->wrong |= E(OTHER_MAPPING);
        return;
    }
    bool doubt = false;
    if (!is_mapped(cap, &doubt)) // an interrupted MAP may have forgotten it
        op->maybe |= E(OTHER_MAPPING);
    if ((op->page | op->pages | to) % (UINT64_C(1) << (9 * (3 - last->level))) != 0)
        op->wrong |= E(MISALIGNED);
    if (op->wrong != 0)
        return;
    sort_leaves(op);
    check_runs(op, caps[cap].at, last->level);
    op->maybe |= E(NO_TABLES) | (last->level < 3 ? E(PLACE_OCCUPIED) : 0); // tables in the way
    if (op->wrong != 0 || op->open)
        return;
    if (to != op->page)
        count_runs();
    move_all(op);
}

void foresee_move(struct op *op) {
    op->wrong |= range_errors(op->word[4], op->pages);
    find_vspace(op);
    if ((op->wrong & RANGE_ERRORS) != 0 || op->vspace == 0)
        return;
    if (op->word[5] == 0)
        foresee_tables(op);
    else
        foresee_leaves(op);
}
