// SPDX-License-Identifier: BSD-2-Clause
// From a record to a system call of the thread that runs now.
#include "record.h"
#include "lookup.h"

#define MOST_OPERATIONS 12u

static const uint64_t corners[16] = {0,
                                     1,
                                     2,
                                     63,
                                     64,
                                     UINT64_MAX,
                                     4095,
                                     4096,
                                     0xffff,
                                     1 << 20,
                                     UINT64_C(1) << 31,
                                     UINT64_C(1) << 47,
                                     UINT64_C(0x0000fffffffff000),
                                     UINT64_C(0xffff000000000000),
                                     UINT64_C(1) << 62,
                                     0xdeadbeef};

// ---- Names

struct named {
    uint64_t name;
    struct slot *slot; // NULL: none was found
};

static bool fits(const struct slot *slot, uint32_t types) {
    return slot->type < SHEAF_TYPE_COUNT && slot->type != SHEAF_NULL &&
           (types >> slot->type & 1) != 0;
}

// The first slot from `hint` on, around the end, that holds such a capability.
static uint64_t find_in(struct cnode *cnode, unsigned bits, uint64_t hint, uint32_t types) {
    for (uint64_t i = 0; i < BIT(bits); i++) {
        uint64_t index = (hint + i) % BIT(bits);
        if (index != 0 && fits(cnode_slot(cnode, index), types))
            return index;
    }
    return 0;
}

static struct named find_inner(struct cnode *root, unsigned bits, uint64_t hint, uint32_t types) {
    for (uint64_t i = 1; i < BIT(bits); i++) {
        const struct slot *slot = cnode_slot(root, i);
        if (slot->type != SHEAF_CNODE)
            continue;
        uint64_t index = find_in(slot->object, slot->size_bits, hint, types);
        if (index != 0)
            return (struct named){i | index << bits, cnode_slot(slot->object, index)};
    }
    return (struct named){hint, NULL};
}

static struct named find_root(struct cnode *root, unsigned bits, uint64_t hint, uint32_t types) {
    uint64_t index = find_in(root, bits, hint, types);
    return (struct named){index != 0 ? index : hint, index != 0 ? cnode_slot(root, index) : NULL};
}

// Through a slot again and again: too long where the CNode is in itself.
static uint64_t long_name(const struct cnode *root, unsigned bits, uint64_t index) {
    uint64_t name = 0;
    for (unsigned shift = 0; root != NULL && shift < 64; shift += bits)
        name |= index % BIT(bits) << shift;
    return name;
}

static uint64_t raw_name(const struct cnode *root, unsigned bits, unsigned hint) {
    if (hint < 16)
        return corners[hint];
    return hint < 64 ? hint : long_name(root, bits, hint);
}

static struct named find(unsigned hint, uint32_t types) {
    const struct slot *slot = &running()->slot[THREAD_CSPACE];
    struct cnode *root = slot->type == SHEAF_CNODE ? slot->object : NULL;
    unsigned bits = slot->size_bits;
    if (root == NULL || (hint & HINT_RAW) != 0) {
        struct named named = {raw_name(root, bits, hint & ~HINT_RAW), NULL};
        if (root != NULL && lookup(running(), named.name, &named.slot) != SHEAF_OK)
            named.slot = NULL;
        return named;
    }
    uint64_t start = hint % BIT(COMMON_BITS);
    bool inner_first = (hint & HINT_INNER) != 0 || bits < COMMON_BITS; // the driver's root is small
    struct named named =
        inner_first ? find_inner(root, bits, start, types) : find_root(root, bits, start, types);
    if (named.slot == NULL)
        named = inner_first ? find_root(root, bits, start, types)
                            : find_inner(root, bits, start, types);
    return named;
}

// An index of a slot of `cnode` that is empty, or is not.
static uint64_t find_index(const struct slot *cnode, unsigned hint, bool empty) {
    if (cnode == NULL || cnode->type != SHEAF_CNODE || (hint & HINT_RAW) != 0)
        return hint & ~HINT_RAW;
    for (uint64_t i = 0; i < BIT(cnode->size_bits); i++) {
        uint64_t index = (hint + i) % BIT(cnode->size_bits);
        if (index != 0 && (cnode_slot(cnode->object, index)->type == SHEAF_NULL) == empty)
            return index;
    }
    return hint;
}

// ---- Arguments

// Of the memory type that `untyped` has.
static uint64_t retype_what(const struct slot *untyped, unsigned hint) {
    static const struct {
        uint8_t type, bits[2];
    } what[16] = {
        {SHEAF_UNTYPED, {12, 13}},    {SHEAF_CNODE, {2, 4}},   {SHEAF_THREAD, {0, 11}},
        {SHEAF_ENDPOINT, {0, 6}},     {SHEAF_REPLY, {0, 6}},   {SHEAF_NOTIFICATION, {0, 6}},
        {SHEAF_VSPACE, {0, 16}},      {SHEAF_FRAME, {12, 13}}, {SHEAF_TIMER, {0, 7}},
        {SHEAF_IRQ_HANDLER, {0, 7}},  {SHEAF_UNTYPED, {6, 9}}, {SHEAF_CNODE, {1, 3}},
        {SHEAF_UNTYPED, {16, 15}},    {SHEAF_FRAME, {14, 12}}, {SHEAF_FRAME, {12, 16}},
        {SHEAF_UNTYPED, {UINT8_MAX}}, // too large, or of no size
    };
    uint64_t bits = what[hint % 16].bits[hint / 16 % 2];
    uint64_t memory = untyped != NULL ? untyped->memory_type : SHEAF_MEMORY_NORMAL;
    memory = hint / 32 == 7 ? SHEAF_MEMORY_NON_CACHEABLE : hint / 32 == 6 ? 3 : memory;
    return what[hint % 16].type | bits << 8 | memory << 16;
}

static uint64_t time_of(unsigned hint) {
    static const uint64_t ahead[8] = {1, 10, 100, 1000, 10000, FAKE_TIMER_HZ, 10 * FAKE_TIMER_HZ};
    if (hint == 0)
        return 0; // none
    if (hint % 16 == 15)
        return UINT64_MAX;
    return hint % 2 == 0 ? fake.now / 2 + 1 : fake.now + ahead[hint / 2 % 8];
}

// `cnode` is what EMPTY and FULL refer to.
static uint64_t read_argument(const struct kind *kind, unsigned i, unsigned hint,
                              const struct slot **cnode) {
    struct named named;
    switch (kind->argument[i].kind) {
    case ARG_EMPTY:
    case ARG_FULL:
        return find_index(*cnode, hint, kind->argument[i].kind == ARG_EMPTY);
    case ARG_OPTIONAL:
    case ARG_CAP:
        if (hint == 0 && kind->argument[i].kind == ARG_OPTIONAL)
            return 0;
        named = find(hint, kind->argument[i].types);
        *cnode = named.slot;
        return named.name;
    case ARG_RIGHTS:
        return hint < 16 ? hint : SHEAF_RIGHTS_ALL;
    case ARG_BADGE:
        return hint % 8;
    case ARG_WHAT:
        return retype_what(*cnode, hint);
    case ARG_COUNT:
        return hint < 192 ? 1 + hint % 3 : hint < 240 ? hint - 192 : hint * UINT64_C(5);
    case ARG_PRIORITY:
        return hint < 128 ? 95 + hint % 16 : hint * UINT64_C(2);
    case ARG_WORDS:
        return hint < 128 ? hint % (SHEAF_REGISTERS + 1) : hint;
    case ARG_BYTES:
        return hint < 240 ? hint % 49 : (hint - 240) * UINT64_C(40);
    case ARG_INTERRUPT:
        return hint < 224 ? 32 + hint % 8 : (hint - 224) * UINT64_C(3);
    case ARG_TIME:
        return time_of(hint);
    case ARG_NUMBER:
        return hint < 224 ? hint % 8 : hint - 220;
    default:
        return 0;
    }
}

static unsigned length_of(const struct kind *kind, const struct record *record,
                          const struct call *call) {
    unsigned used = 0;
    while (used < RECORD_ARGUMENTS && kind->argument[used].kind != ARG_NONE)
        used++;
    if (kind->argument[0].kind == ARG_WORDS)
        return (unsigned)MIN(call->word[0] + 1, SHEAF_MSG_WORDS);
    if (kind->argument[0].kind == ARG_BYTES)
        return (unsigned)MIN(call->word[0] / 8 + 2, SHEAF_MSG_WORDS);
    if ((kind->types & (1u << SHEAF_ENDPOINT | 1u << SHEAF_REPLY)) != 0) // a message: any length
        return record->argument[2] < 192 ? record->argument[2] % 7 : record->argument[2] - 190;
    return used;
}

// ---- What is wrong with it

static void spoil(struct call *call, const struct record *record) {
    unsigned how = record->spoil % 16;
    uint64_t corner = corners[record->spoil / 16];
    if (how == 0 || record->spoil == 0)
        return;
    if (how <= RECORD_ARGUMENTS)
        call->word[how - 1] = corner;
    else if (how == 7)
        call->tag = (call->tag & ~UINT64_C(0x7f)) | record->spoil / 16 * UINT64_C(8);
    else if (how == 8)
        call->tag |= BIT(9 + record->spoil / 16 % 7);
    else if (how == 9)
        call->tag |= ~UINT64_C(0xffff);
    else if (how == 10)
        call->tag = (call->tag & 0xffff) | (uint64_t)record->spoil / 16 << 16; // another method
    else if (how == 11)
        call->number = record->spoil / 16;
    else if (how == 12)
        call->cap = corner;
    else if (how == 13)
        call->reply = corner;
    else if (how == 14)
        call->gather = SHEAF_GATHER_ARG(corner & 0x7f, record->spoil / 16);
    else
        call->cap = find(record->argument[5], UINT32_MAX).name;
}

// ---- Gathers

uint64_t record_address(const struct record *record) {
    unsigned where = record->argument[1];
    return UINT64_C(0x40000000) + (uint64_t)(where / 16 % 8) * (UINT64_C(1) << 30) +
           (uint64_t)(where % 4) * (UINT64_C(2) << 20) + record->argument[0] % 32 * PAGE_BYTES;
}

static uint64_t pages_of(const struct named *frame, uint64_t count) {
    uint64_t pages = 0;
    for (uint64_t i = 0; frame->slot != NULL && i < count; i++)
        if (frame->slot[i].type == SHEAF_FRAME)
            pages += BIT(frame->slot[i].size_bits - SHEAF_PAGE_BITS);
    return pages;
}

static struct sheaf_gather_op read_map(const struct record *record, uint64_t vspace) {
    const uint8_t *argument = record->argument;
    uint64_t address = record_address(record), rights = SHEAF_MAP_READ | argument[5] % 8;
    struct named frame = find(argument[3], 1u << SHEAF_FRAME);
    uint64_t flags = argument[4] & (SHEAF_OP_PART | SHEAF_OP_PAGES | SHEAF_OP_ACCESSED |
                                    ((rights & SHEAF_MAP_WRITE) != 0 ? SHEAF_OP_DIRTY : 0));
    uint64_t count = 1 + argument[2] / 64 % 2;
    if ((flags & SHEAF_OP_PART) != 0)
        return map_op(vspace, address, 1, frame.name, argument[2] % 4, rights, flags);
    return map_op(vspace, address, pages_of(&frame, count), frame.name, count, rights, flags);
}

static struct sheaf_gather_op read_unmap(const struct record *record, uint64_t vspace) {
    unsigned hint = record->argument[2];
    uint64_t flags = record->argument[4] & (SHEAF_OP_KEEP_TABLES | SHEAF_OP_REPORT);
    uint64_t pages = hint < 240 ? 1 + hint % 64 : BIT(hint - 224);
    return unmap_op(vspace, record_address(record), pages, flags);
}

struct range {
    uint64_t va, pages;
};

// Where the Frame is mapped, now and then a page more or less; else what MAP or UNMAP would take.
static struct range read_range(const struct record *record, const struct named *frame) {
    unsigned hint = record->argument[2];
    struct range range = {record_address(record), 1 + hint % 64};
    vaddr_t va;
    uint64_t pages;
    if (hint >= 192 || frame->slot == NULL || frame->slot->type != SHEAF_FRAME ||
        !record_place(frame->slot->frame.record, frame->slot->frame.address, frame->slot->size_bits,
                      &va, &pages))
        return range;
    return (struct range){va.v, hint < 128 ? pages : pages + hint % 4 - 1};
}

static struct sheaf_gather_op read_move(const struct record *record, uint64_t vspace, bool tables) {
    struct named frame = find(record->argument[3], 1u << SHEAF_FRAME);
    struct range range = read_range(record, &frame);
    struct record target = *record;
    target.argument[1] = record->argument[4];
    uint64_t to = record_address(&target), first = tables ? 0 : frame.name;
    if (tables) {
        range.va = ALIGN_DOWN(range.va, BIT(21));
        range.pages = ALIGN_UP(range.pages, 512);
        to = ALIGN_DOWN(to, BIT(21));
    }
    return (struct sheaf_gather_op){
        {SHEAF_OP_WORD0(SHEAF_OP_MOVE, 0, 0), vspace, range.va, range.pages, to, first}};
}

// By `carried`, which nothing else of an operation uses: 0 or 7 for MAP and UNMAP, as in inputs
// that are older than the other operations.
static struct sheaf_gather_op read_well_formed(const struct record *record) {
    const uint8_t *argument = record->argument;
    uint64_t vspace = find(record->cap, 1u << SHEAF_VSPACE).name;
    struct named frame = find(argument[3], 1u << SHEAF_FRAME);
    struct range range = read_range(record, &frame);
    uint64_t report = argument[4] & SHEAF_OP_REPORT;
    uint64_t what = argument[4] & (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY);
    switch (record->carried % 8) {
    case 1:
        return protect_op(vspace, range.va, range.pages, SHEAF_MAP_READ | argument[5] % 8, report);
    case 2:
        return age_op(vspace, range.va, range.pages, what | report);
    case 3:
        return read_move(record, vspace, false);
    case 4:
        return read_move(record, vspace, true);
    case 5:
        return (struct sheaf_gather_op){
            {SHEAF_OP_WORD0(SHEAF_OP_EVICT, 0, report), 0, 0, 0, frame.name, 1 + argument[2] / 64}};
    case 6:
        return (struct sheaf_gather_op){{SHEAF_OP_SYNC, vspace}};
    default:
        return record->reply % 4 == 3 ? read_unmap(record, vspace) : read_map(record, vspace);
    }
}

static struct sheaf_gather_op read_operation(const struct record *record) {
    struct sheaf_gather_op op = read_well_formed(record);
    unsigned how = record->spoil % 8;
    if (record->spoil != 0 && how < SHEAF_GATHER_OP_WORDS)
        op.word[how] = corners[record->spoil / 16];
    else if (record->spoil != 0)
        op.word[0] ^= BIT(record->spoil / 8);
    return op;
}

static unsigned read_gather(const struct record *record, const struct record *following,
                            unsigned left, struct call *call) {
    struct sheaf_ipc_buffer *page = buffer();
    unsigned count = 0;
    while (count < MIN(left, MOST_OPERATIONS) && following[count].what % 128 == EVENT_OPERATION) {
        struct sheaf_gather_op op = read_operation(&following[count]);
        if (page != NULL)
            page->ops[count] = op;
        count++;
    }
    unsigned policy = record->argument[1] / 32;
    uint64_t flags = policy == 6 ? SHEAF_GATHER_DEFER : policy == 7 ? SHEAF_GATHER_FORCE : 0;
    flags |= record->argument[0] % 4 == 3 ? SHEAF_GATHER_REPLY_RECV : 0;
    call->gather = SHEAF_GATHER_ARG(count, flags);
    return count;
}

// ---- All of it

static void fill_buffer(const struct record *record) {
    struct sheaf_ipc_buffer *page = buffer();
    if (page == NULL)
        return;
    for (unsigned i = SHEAF_REG_WORDS; i < SHEAF_MSG_WORDS; i++)
        page->message[i] = i * UINT64_C(0x1001);
    for (unsigned i = 0; i < SHEAF_MSG_CAPABILITIES; i++) {
        page->send[i] = find(record->slot[i], UINT32_MAX & ~(1u << SHEAF_UNTYPED)).name;
        page->receive[i] = find_index(&running()->slot[THREAD_CSPACE], record->slot[i], true);
        if (i > 0 && page->receive[i] == page->receive[i - 1])
            page->receive[i] =
                find_index(&running()->slot[THREAD_CSPACE], (unsigned)page->receive[i] + 1, true);
    }
}

unsigned record_read(const struct record *record, const struct record *following, unsigned left,
                     struct call *call) {
    const struct kind *kind = &kinds[record->what % 128];
    struct named cap = find(record->cap, kind->types);
    const struct slot *cnode = cap.slot;
    unsigned taken = 0;
    *call =
        (struct call){.number = kind->number,
                      .cap = kind->types != 0 ? cap.name : 0,
                      .reply = record->reply != 0 ? find(record->reply, 1u << SHEAF_REPLY).name : 0,
                      .deadline = time_of(record->deadline)};
    for (unsigned i = 0; i < RECORD_ARGUMENTS; i++)
        call->word[i] = read_argument(kind, i, record->argument[i], &cnode);
    bool method = kind->number == SHEAF_SYS_CALL && kind->types != 1u << SHEAF_ENDPOINT;
    uint64_t label = method ? kind->label : record->argument[3] % 4;
    call->tag = SHEAF_TAG_CARRYING(label, length_of(kind, record, call), record->carried % 4);
    fill_buffer(record);
    if (kind->number == SHEAF_SYS_GATHER)
        taken = read_gather(record, following, left, call);
    spoil(call, record);
    return taken;
}
