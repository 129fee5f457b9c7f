// SPDX-License-Identifier: BSD-2-Clause
// Making up gathers.
#include "mappings.h"
#include "method.h"

#define PAGES_AT UINT64_C(0x40000000)
#define BLOCKS_AT UINT64_C(0x80000000)
#define BLOCK_BYTES (UINT64_C(1) << 21)

static uint64_t random_va(bool block) {
    if (block)
        return BLOCKS_AT + below(4) * BLOCK_BYTES;
    uint64_t far = below(2) == 0 ? below(16) << 39 : below(3) * BLOCK_BYTES; // tables run out
    return PAGES_AT + far + below(24) * PAGE_BYTES;
}

static uint64_t map_flags(uint64_t rights) {
    uint64_t flags = below(2) == 0 ? SHEAF_OP_ACCESSED : 0;
    if (below(4) == 0)
        flags |= SHEAF_OP_PART;
    if (below(4) == 0)
        flags |= SHEAF_OP_PAGES;
    if (below(30) == 0 || ((rights & SHEAF_MAP_WRITE) != 0 && below(2) == 0))
        flags |= SHEAF_OP_DIRTY;
    return flags;
}

// Of `count` slots from this one on, as far as there are Frames; `count` becomes how many.
static uint64_t pages_of_frames(unsigned cap, uint64_t *count) {
    struct slot *first = caps[cap].at;
    const struct slot *end = cnode_slot(first->home, BIT(first->home->head.flags));
    uint64_t pages = 0, i = 0;
    for (; i < *count && first + i < end; i++) {
        cap = cap_at(first + i);
        if (cap == NO_CAP || caps[cap].type != SHEAF_FRAME)
            break;
        pages += BIT(caps[cap].size_bits - PAGE_BITS);
    }
    *count = i;
    return pages;
}

static struct sheaf_gather_op random_map(const struct thread *thread, uint64_t vspace) {
    uint64_t frame = random_name(thread, 1u << SHEAF_FRAME), pages = below(60) == 0 ? 0 : 1;
    uint64_t rights = below(20) == 0 ? below(9) : SHEAF_MAP_READ | (below(3) << 1);
    uint64_t flags = map_flags(rights);
    uint64_t count = below(4) == 0 ? 1 + below(4) : 1;
    unsigned cap;
    bool block = false;
    if (reference_resolve(thread, frame, &cap) == SHEAF_OK && caps[cap].type == SHEAF_FRAME) {
        pages = pages_of_frames(cap, &count);
        block = pages >= 512;
    }
    if ((flags & SHEAF_OP_PART) != 0)
        return map_op(vspace, random_va(false), 1 + below(below(2) == 0 ? MIN(pages, 8) : pages),
                      frame, below(6) == 0, rights, flags);
    if (below(60) == 0) // more than one operation takes
        count = SHEAF_MAP_FRAMES + below(2);
    return map_op(vspace, random_va(block), pages, frame, count, rights, flags);
}

// A leaf in the VSpace of that name, if there is one. Now and then one of those that are few:
// blocks, and what may not be written.
static const struct leaf *random_leaf(const struct thread *thread, uint64_t vspace) {
    bool block = below(6) == 0, read_only = !block && below(6) == 0;
    unsigned cap;
    if (reference_resolve(thread, vspace, &cap) != SHEAF_OK || leaf_count == 0)
        return NULL;
    uint64_t start = below(leaf_count);
    for (unsigned i = 0; i < leaf_count; i++) {
        const struct leaf *leaf = &leaves[(start + i) % leaf_count];
        if (leaf->vspace == caps[cap].address && (!block || leaf->level < 3) &&
            (!read_only || !leaf->max_write))
            return leaf;
    }
    return NULL;
}

static unsigned leaves_of(const struct thread *thread, uint64_t frame) {
    unsigned cap, count = 0;
    if (reference_resolve(thread, frame, &cap) == SHEAF_OK)
        for (unsigned i = 0; i < leaf_count; i++)
            count += leaves[i].cap == cap;
    return count;
}

struct range {
    uint64_t va, pages;
};

// Around something that is mapped, mostly; whole blocks mostly.
static struct range random_range(const struct thread *thread, uint64_t vspace) {
    const struct leaf *leaf = below(8) != 0 ? random_leaf(thread, vspace) : NULL;
    if (leaf == NULL)
        return (struct range){random_va(false), 1 + below(64)};
    if (leaf->level < 3)
        return (struct range){(leaf->page + below(4) / 3) << PAGE_BITS, leaf_pages(leaf)};
    uint64_t before = MIN(below(3), leaf->page);
    return (struct range){(leaf->page - before) << PAGE_BITS, 1 + before + below(6)};
}

static uint64_t random_report(void) { return below(3) == 0 ? SHEAF_OP_REPORT : 0; }

// More than there is room for results, now and then.
static uint64_t more_pages(uint64_t pages) { return below(60) == 0 ? pages + 3000 : pages; }

static struct sheaf_gather_op random_change(const struct thread *thread, uint64_t vspace) {
    struct range range = random_range(thread, vspace);
    uint64_t rights = below(20) == 0 ? below(9) : SHEAF_MAP_READ | (below(4) << 1);
    uint64_t what = (1 + below(3)) * SHEAF_OP_ACCESSED, flags = random_report();
    range.pages = below(80) == 0 ? 0 : more_pages(range.pages);
    if (below(2) == 0)
        return protect_op(vspace, range.va, range.pages, rights, flags);
    return age_op(vspace, range.va, range.pages, (below(40) == 0 ? 0 : what) | flags);
}

static struct sheaf_gather_op move_op(uint64_t vspace, struct range range, uint64_t to,
                                      uint64_t first) {
    return (struct sheaf_gather_op){
        {SHEAF_OP_WORD0(SHEAF_OP_MOVE, 0, 0), vspace, range.va, range.pages, to, first}};
}

static struct sheaf_gather_op move_tables(const struct thread *thread, uint64_t vspace) {
    struct range range = random_range(thread, vspace);
    uint64_t units = 1 + below(8) / 6, to = ALIGN_DOWN(random_va(below(8) == 0), BLOCK_BYTES);
    if (below(20) != 0)
        range.va = ALIGN_DOWN(range.va, BLOCK_BYTES);
    range.pages = units * 512;
    if (below(30) == 0)
        to = below(2) == 0 ? corner() : to + PAGE_BYTES;
    return move_op(vspace, range, to, 0);
}

// What the first of some Frames has mapped, or they have: mostly just that.
static struct sheaf_gather_op move_leaves(const struct thread *thread, uint64_t vspace) {
    uint64_t name = random_name(thread, 1u << SHEAF_FRAME), to = random_va(below(10) == 0);
    for (unsigned tries = 0; tries < 2 && leaves_of(thread, name) < 2; tries++)
        name = random_name(thread, 1u << SHEAF_FRAME);
    unsigned cap, space;
    struct range range = {0, 0};
    if (reference_resolve(thread, name, &cap) != SHEAF_OK ||
        reference_resolve(thread, vspace, &space) != SHEAF_OK)
        return move_op(vspace, random_range(thread, vspace), to, name);
    for (unsigned i = 0; i < leaf_count; i++) {
        uint64_t va = leaves[i].page << PAGE_BITS;
        if (leaves[i].cap != cap || (below(50) != 0 && leaves[i].vspace != caps[space].address))
            continue;
        uint64_t end =
            MAX(range.va + range.pages * PAGE_BYTES, va + leaf_pages(&leaves[i]) * PAGE_BYTES);
        range.va = range.pages == 0 ? va : MIN(range.va, va);
        range.pages = (end - range.va) / PAGE_BYTES;
        if (leaves[i].level < 3)
            to = ALIGN_DOWN(to, BLOCK_BYTES);
    }
    if (range.pages == 0)
        range = random_range(thread, vspace);
    if (range.pages > 1 && below(3) == 0)
        range.pages /= 2; // a part
    else if (below(16) == 0)
        range.pages++; // others as well
    if (below(30) == 0)
        to = below(2) == 0 ? corner() : range.va + PAGE_BYTES;
    return move_op(vspace, range, to, name);
}

static struct sheaf_gather_op random_evict(const struct thread *thread) {
    uint64_t count = below(20) == 0 ? below(4) * 1000 : 1 + below(8) / 6;
    return (struct sheaf_gather_op){{SHEAF_OP_WORD0(SHEAF_OP_EVICT, 0, random_report()), 0, 0, 0,
                                     random_name(thread, 1u << SHEAF_FRAME), count}};
}

static struct sheaf_gather_op random_unmap(uint64_t vspace) {
    uint64_t pages = below(4) == 0 ? below(3000) : 1 + below(64);
    if (below(60) == 0)
        pages = below(2) << 34;
    uint64_t flags = (below(2) * SHEAF_OP_KEEP_TABLES) | (below(3) == 0 ? SHEAF_OP_REPORT : 0);
    uint64_t va = below(4) == 0 ? BLOCKS_AT + below(2000) * PAGE_BYTES : random_va(false);
    return unmap_op(vspace, va, pages, flags);
}

static void spoil_operation(struct sheaf_gather_op *op) {
    unsigned which = (unsigned)below(6);
    if (which == 0)
        op->word[0] ^= UINT64_C(1) << below(40);
    else if (which == 2 && below(2) == 0)
        op->word[2] |= below(2) == 0   ? 1 + below(4095)
                       : below(2) == 0 ? UINT64_C(0xffff000000000000)
                                       : BIT(48 + below(15));
    else
        op->word[which] = corner();
}

// Where it is to be deferred, mostly what may be.
static struct sheaf_gather_op random_operation(const struct thread *thread, bool defer) {
    uint64_t vspace = random_name(thread, 1u << SHEAF_VSPACE);
    switch (defer && below(20) != 0 ? 12 + below(4) : below(32)) {
    case 0:
    case 9:
        return (struct sheaf_gather_op){{SHEAF_OP_SYNC, vspace}};
    case 1:
        return move_tables(thread, vspace);
    case 2:
    case 3:
    case 4:
        return move_leaves(thread, vspace);
    case 5:
    case 6:
    case 7:
    case 8:
        return random_change(thread, vspace);
    case 12:
    case 13:
        return random_evict(thread);
    case 14:
    case 15:
    case 16:
    case 17:
        return random_unmap(vspace);
    default:
        return random_map(thread, vspace);
    }
}

static void make_operations(const struct attempt *attempt, uint64_t count) {
    struct sheaf_ipc_buffer *page = thread_buffer(attempt->thread);
    bool defer = (attempt->call.gather >> 32 & SHEAF_GATHER_DEFER) != 0;
    for (uint64_t i = 0; page != NULL && i < MIN(count, SHEAF_GATHER_OPS); i++) {
        page->ops[i] = random_operation(attempt->thread, defer);
        if (below(6) == 0)
            spoil_operation(&page->ops[i]);
    }
}

void make_gather(struct attempt *attempt) {
    uint64_t count = below(40) == 0 ? below(70) : 1 + below(8) / 6, flags = below(2) == 0;
    uint32_t types = below(8) == 0 ? UINT32_MAX : 1u << SHEAF_ENDPOINT | 1u << SHEAF_NOTIFICATION;
    unsigned reply;
    if (below(6) == 0)
        count = 0;
    if (below(5) == 0)
        flags |= below(20) == 0 ? SHEAF_GATHER_DEFER | SHEAF_GATHER_FORCE
                                : (1 + below(2)) * SHEAF_GATHER_DEFER;
    if (below(60) == 0)
        flags = corner() & UINT32_MAX;
    if (reference_resolve(attempt->thread, attempt->call.reply, &reply) == SHEAF_OK &&
        holds_fault(reply) && below(3) != 0) { // as a pager does
        count = below(2);
        flags = SHEAF_GATHER_REPLY_RECV;
        types = 1u << SHEAF_ENDPOINT;
        attempt->call.tag = 0;
        attempt->length = 0;
        attempt->call.deadline = 0;
    }
    attempt->call.gather = SHEAF_GATHER_ARG(count, flags);
    attempt->call.cap = random_name(attempt->thread, types);
    make_operations(attempt, count);
}
