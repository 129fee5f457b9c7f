// SPDX-License-Identifier: BSD-2-Clause
// Making up calls, mostly well-formed, and remembering what they have done to the slots.
#include "methods.h"
#include "world.h"

#include <sheaf/time.h>

#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define BLOCKS_AT UINT64_C(0x80000000)
#define FAR 32 // places in which something is mapped, with three tables each
#define FAR_BYTES (UINT64_C(1) << 39)
#define TICKS 20000 // the farthest deadline

static uint64_t corner(void) {
    static const uint64_t corners[] = {0,
                                       1,
                                       2,
                                       63,
                                       64,
                                       UINT64_MAX,
                                       4095,
                                       4096,
                                       0xffff,
                                       UINT64_C(1) << 31,
                                       UINT64_C(1) << 47,
                                       UINT64_C(0x0000fffffffff000),
                                       UINT64_C(0xffff000000000000)};
    return below(3) == 0 ? random_word() >> below(64) : corners[below(COUNT_OF(corners))];
}

// ---- Names

static uint64_t name_of(const struct puppet *p, uint64_t slot) {
    return p->name | slot << p->name_bits;
}

static unsigned slot_of(const struct puppet *p, uint64_t name) { // 0: none of its own
    uint64_t mask = (UINT64_C(1) << p->name_bits) - 1;
    return (name & mask) == p->name && name >> p->name_bits < SLOTS
               ? (unsigned)(name >> p->name_bits)
               : 0;
}

static unsigned pick_slot(const struct puppet *p, uint32_t types) {
    const uint8_t *types_of = guess[p->cspace];
    unsigned start = (unsigned)below(SLOTS);
    for (unsigned i = 0; i < SLOTS; i++) {
        unsigned slot = (start + i) % SLOTS;
        if (slot != 0 && types_of[slot] != SHEAF_NULL && (types >> types_of[slot] & 1) != 0) {
            return slot;
        }
    }
    return (unsigned)below(SLOTS);
}

static uint64_t pick(const struct puppet *p, uint32_t types) {
    if (below(40) == 0) {
        return below(2) == 0 ? corner() : name_of(p, below(SLOTS)) | below(8) << 20;
    }
    return name_of(p, pick_slot(p, types));
}

// Mostly among the slots that begin empty: without the others nothing goes on.
static uint64_t pick_index(const struct puppet *p, bool empty) {
    bool free = empty || below(60) != 0;
    unsigned first = free ? SLOT_FREE : 1, count = SLOT_IDLE - first;
    unsigned start = (unsigned)below(count);
    for (unsigned i = 0; i < count; i++) {
        unsigned slot = first + (start + i) % count;
        if ((guess[p->cspace][slot] == SHEAF_NULL) == empty) {
            return slot;
        }
    }
    return first + start;
}

// ---- Arguments

static uint64_t random_what(void) {
    static const struct {
        uint8_t type, bits;
    } what[] = {{SHEAF_UNTYPED, 12},     {SHEAF_UNTYPED, 16},   {SHEAF_CNODE, 2},
                {SHEAF_CNODE, 4},        {SHEAF_THREAD, 0},     {SHEAF_ENDPOINT, 0},
                {SHEAF_NOTIFICATION, 0}, {SHEAF_REPLY, 0},      {SHEAF_VSPACE, 0},
                {SHEAF_FRAME, 12},       {SHEAF_FRAME, 12},     {SHEAF_FRAME, 12},
                {SHEAF_TIMER, 0},        {SHEAF_IRQ_HANDLER, 0}};
    unsigned which = (unsigned)below(COUNT_OF(what));
    uint64_t bits = below(16) == 0 ? below(24) : what[which].bits;
    return what[which].type | bits << 8 | (below(40) == 0 ? UINT64_C(1) << (16 + below(12)) : 0);
}

static uint64_t random_time(void) { return sheaf_clock() + below(TICKS); }

static uint64_t random_argument(const struct puppet *p, const struct method *m, unsigned i) {
    switch (m->argument[i].kind) {
    case ARG_EMPTY:
        return pick_index(p, below(16) != 0);
    case ARG_FULL:
        return pick_index(p, below(16) == 0);
    case ARG_BADGED:
        return below(4) != 0 ? SLOT_BADGED + below(2) : pick_index(p, false);
    case ARG_OPTIONAL:
        return below(2) == 0 ? 0 : pick(p, m->argument[i].types);
    case ARG_CAP:
        if (m->argument[i].types == 1u << SHEAF_CNODE && below(8) != 0) {
            return name_of(p, SLOT_SELF);
        }
        if (m->label == SHEAF_CNODE_MOVE || m->label == SHEAF_CNODE_ROTATE) {
            return name_of(p, pick_index(p, false));
        }
        return pick(p, m->argument[i].types);
    case ARG_RIGHTS:
        return below(4) == 0 ? below(9) : SHEAF_RIGHTS_ALL;
    case ARG_BADGE:
        return below(8);
    case ARG_WHAT:
        return random_what();
    case ARG_COUNT:
        return below(20) == 0 ? below(80) : 1 + below(2);
    case ARG_CHUNK:
        return below(4);
    case ARG_PRIORITY:
        return below(10) == 0 ? below(300) : 10 + below(40);
    case ARG_INTERRUPT:
        return below(16) == 0 ? corner() : 32 + below(96);
    case ARG_TIME:
        return below(8) == 0 ? corner() : random_time();
    case ARG_SMALL:
        return below(32) == 0 ? corner() : below(3);
    default:
        return random_word() >> below(64);
    }
}

// Registers with which a thread begins as puppets do, or faults at once.
static void put_registers(uint64_t *word) {
    word[0] = below(8) == 0 ? below(40) : 4;
    word[1] = below(2) == 0 ? puppet_entry() : 0;
    word[2] = CHILD_STACK_TOP;
    word[3] = 0;
    word[4] = CHILD_PAGE;
}

// ---- Gathers

static uint64_t random_place(bool block) {
    if (block) {
        return BLOCKS_AT + below(4) * BLOCK;
    }
    uint64_t far = below(2) == 0 ? below(FAR) * FAR_BYTES : 0; // tables run out
    return CHILD_FREE + far + below(4) / 3 * BLOCK + below(8) * PAGE;
}

static uint64_t pages_of(unsigned slot) {
    return slot == SLOT_FRAMES + 8 ? 16 : slot == SLOT_FRAMES + 9 ? TABLE_PAGES : 1;
}

static uint64_t random_rights(void) {
    return SHEAF_MAP_READ | (below(4) == 0 ? below(8) : below(2) * SHEAF_MAP_WRITE);
}

static struct sheaf_gather_op random_map(const struct puppet *p, uint64_t vspace) {
    uint64_t frame = pick(p, 1u << SHEAF_FRAME), pages = pages_of(slot_of(p, frame));
    uint64_t rights = random_rights();
    uint64_t flags = below(2) * SHEAF_OP_ACCESSED | below(8) / 7 * SHEAF_OP_PAGES;
    if ((rights & SHEAF_MAP_WRITE) != 0) {
        flags |= below(2) * SHEAF_OP_DIRTY;
    }
    if (below(6) == 0) {
        return map_op(vspace, random_place(false), 1, frame, below(pages + 1), rights,
                      flags | SHEAF_OP_PART);
    }
    return map_op(vspace, random_place(pages == TABLE_PAGES), pages, frame, 1, rights, flags);
}

static uint64_t random_report(void) { return below(2) * SHEAF_OP_REPORT; }

static struct sheaf_gather_op random_unmap(uint64_t vspace) {
    uint64_t flags = below(2) * SHEAF_OP_KEEP_TABLES | random_report();
    uint64_t pages = below(3) == 0 ? TABLE_PAGES << below(8) : 1 + below(8);
    uint64_t place = random_place(below(6) == 0);
    if (below(10) == 0) {                                 // all that was mapped, with its tables
        place = below(80) == 0 ? CHILD_CODE : CHILD_FREE; // what the puppet stands on, too
        pages = FAR * FAR_BYTES / PAGE;
        flags = 0;
    }
    return unmap_op(vspace, place, pages, flags);
}

static struct sheaf_gather_op make_op(uint64_t word0, uint64_t vspace, uint64_t va, uint64_t pages,
                                      uint64_t word4, uint64_t word5) {
    return (struct sheaf_gather_op){{word0, vspace, va, pages, word4, word5}};
}

// PROTECT or AGE.
static struct sheaf_gather_op random_change(uint64_t vspace) {
    uint64_t pages = below(8) == 0 ? TABLE_PAGES << below(3) : 1 + below(8);
    uint64_t place = random_place(below(6) == 0), report = random_report();
    uint64_t what = (1 + below(3)) * SHEAF_OP_ACCESSED;
    uint64_t word0 = below(2) == 0 ? SHEAF_OP_WORD0(SHEAF_OP_PROTECT, random_rights(), report)
                                   : SHEAF_OP_WORD0(SHEAF_OP_AGE, 0, what | report);
    return make_op(word0, vspace, place, pages, 0, 0);
}

// Of whole tables; or of leaves, where a Frame may be.
static struct sheaf_gather_op random_move(const struct puppet *p, uint64_t vspace) {
    uint64_t from = random_place(below(8) == 0), to = random_place(below(8) == 0);
    uint64_t frame = pick(p, 1u << SHEAF_FRAME), pages = pages_of(slot_of(p, frame));
    uint64_t word0 = SHEAF_OP_WORD0(SHEAF_OP_MOVE, 0, 0);
    if (below(2) == 0) {
        return make_op(word0, vspace, from, pages, to, frame);
    }
    from -= from % BLOCK;
    to -= to % BLOCK;
    return make_op(word0, vspace, from, TABLE_PAGES << below(3), to, 0);
}

static struct sheaf_gather_op random_evict(const struct puppet *p) {
    uint64_t frame = pick(p, 1u << SHEAF_FRAME), count = below(16) == 0 ? below(8) : 1;
    return make_op(SHEAF_OP_WORD0(SHEAF_OP_EVICT, 0, random_report()), 0, 0, 0, frame, count);
}

static struct sheaf_gather_op random_operation(const struct puppet *p, bool defer) {
    uint64_t vspace = below(2) == 0 ? name_of(p, SLOT_VSPACE) : pick(p, 1u << SHEAF_VSPACE);
    struct sheaf_gather_op op;
    uint64_t which = below(defer && below(16) != 0 ? 8 : 25);
    if (which < 4) { // so that Frames can be mapped again
        op = random_evict(p);
    } else if (which < 8) {
        op = random_unmap(vspace);
    } else if (which < 11) {
        op = random_change(vspace);
    } else if (which < 13) {
        op = random_move(p, vspace);
    } else if (which == 13) {
        op = make_op(SHEAF_OP_SYNC, vspace, 0, 0, 0, 0);
    } else {
        op = random_map(p, vspace);
    }
    if (below(12) == 0) {
        op.word[below(SHEAF_GATHER_OP_WORDS)] = corner();
    }
    return op;
}

static void put_operations(const struct puppet *p, struct command *command) {
    uint64_t flags = below(4) == 0 ? SHEAF_GATHER_REPLY_RECV : 0;
    if (below(5) == 0) {
        flags |= below(2) == 0 ? SHEAF_GATHER_DEFER : SHEAF_GATHER_FORCE;
    }
    command->operations = below(COMMAND_OPERATIONS + 1);
    for (unsigned i = 0; i < command->operations; i++) {
        struct sheaf_gather_op op = random_operation(p, (flags & SHEAF_GATHER_DEFER) != 0);
        memcpy(command->operation[i], op.word, sizeof(op.word));
    }
    command->in.x[SHEAF_REG_GATHER] = SHEAF_GATHER_ARG(command->operations, flags);
}

// ---- Commands

static struct method *random_method(void) {
    uint64_t total = 0;
    for (unsigned i = 0; i < method_count; i++) {
        total += methods[i].weight;
    }
    uint64_t at = below(total);
    unsigned i = 0;
    while (at >= methods[i].weight) {
        at -= methods[i++].weight;
    }
    return &methods[i];
}

// Returns what it invokes now, as far as that can be said.
static struct method *spoil(const struct puppet *p, struct method *method,
                            struct command *command) {
    uint64_t *x = command->in.x;
    switch (below(6)) {
    case 0:
        x[SHEAF_REG_CAP] = below(2) == 0 ? corner() : pick(p, UINT32_MAX);
        return method_other;
    case 1:
        x[SHEAF_REG_TAG] ^= UINT64_C(1) << below(below(4) == 0 ? 64 : 18);
        return SHEAF_TAG_LABEL(x[SHEAF_REG_TAG]) != method->label ? method_other : method;
    case 2:
        x[SHEAF_REG_REPLY] = corner();
        return method;
    case 3:
        x[SHEAF_REG_GATHER] ^= UINT64_C(1) << below(40);
        return method;
    default:
        x[SHEAF_REG_WORD0 + below(SHEAF_REG_WORDS)] = corner();
        return method;
    }
}

static unsigned arguments_of(const struct method *m) {
    unsigned used = 0;
    while (used < ARGUMENTS && m->argument[used].kind != ARG_NONE) {
        used++;
    }
    return m->argument[0].kind == ARG_REGISTERS ? 5 : used;
}

static struct method *make_command(const struct puppet *p, struct method *m,
                                   struct command *command) {
    uint64_t *x = command->in.x;
    bool method = m->number == SHEAF_SYS_CALL && m->types != 1u << SHEAF_ENDPOINT;
    memset(command, 0, sizeof(*command));
    command->status = NO_ANSWER;
    x[SHEAF_REG_SYSCALL] = m->number != 0 ? m->number : corner() << 4;
    x[SHEAF_REG_CAP] = m->types == 1u << SHEAF_CNODE && below(8) != 0 ? name_of(p, SLOT_SELF)
                       : m->types != 0                                ? pick(p, m->types)
                                                                      : 0;
    for (unsigned i = 0; i < ARGUMENTS; i++) {
        x[SHEAF_REG_WORD0 + i] = random_argument(p, m, i);
    }
    if (m->argument[0].kind == ARG_REGISTERS) {
        put_registers(&x[SHEAF_REG_WORD0]);
    }
    if (m->argument[0].kind == ARG_WHAT && slot_of(p, x[SHEAF_REG_CAP]) == SLOT_DEVICE) {
        x[SHEAF_REG_WORD0] |= (uint64_t)SHEAF_MEMORY_DEVICE << 16;
    }
    // An answer of another label than 0 to a fault is a refusal, which the kernel reports at
    // length.
    bool answers = m->number == SHEAF_SYS_REPLY || m->number == SHEAF_SYS_REPLY_RECV ||
                   m->number == SHEAF_SYS_GATHER;
    uint64_t label = below(answers ? 2000 : 2) == 0 ? below(4) : 0;
    x[SHEAF_REG_TAG] = method ? SHEAF_TAG(m->label, arguments_of(m))
                              : SHEAF_TAG_CARRYING(label, below(below(8) == 0 ? 65 : 7),
                                                   below(4) == 0 ? below(4) : 0);
    x[SHEAF_REG_REPLY] = below(32) == 0 ? 0 : pick(p, 1u << SHEAF_REPLY);
    x[SHEAF_REG_DEADLINE] = below(3) == 0 ? 0 : random_time();
    for (unsigned i = 0; i < SHEAF_MSG_CAPABILITIES; i++) {
        command->send[i] = pick(p, UINT32_MAX & ~(1u << SHEAF_UNTYPED));
        command->receive[i] = name_of(p, pick_index(p, true));
    }
    if (m->number == SHEAF_SYS_GATHER) {
        put_operations(p, command);
    }
    if (m == method_touch) {
        command->touch = random_place(false);
    }
    return below(16) == 0 ? spoil(p, m, command) : m;
}

void generate(struct puppet *puppet) {
    for (unsigned i = 0; i < COMMANDS; i++) {
        puppet->made[i] = make_command(puppet, random_method(), &puppet->page->command[i]);
    }
}

// ---- What became of them

static void learn_method(const struct puppet *p, const struct command *command, uint64_t label) {
    const uint64_t *word = &command->in.x[SHEAF_REG_WORD0];
    uint8_t *types = guess[p->cspace];
    unsigned source = slot_of(p, word[1]);
    if (word[0] == 0 || word[0] >= SLOTS) {
        return;
    }
    if (label == SHEAF_CNODE_DELETE) {
        types[word[0]] = SHEAF_NULL;
    } else if (label == SHEAF_CNODE_COPY || label == SHEAF_CNODE_MINT ||
               label == SHEAF_CNODE_MOVE) {
        types[word[0]] = types[source];
        if (label == SHEAF_CNODE_MOVE) {
            types[source] = SHEAF_NULL;
        }
    }
}

static void learn_retype(const struct puppet *p, const struct command *command) {
    const uint64_t *word = &command->in.x[SHEAF_REG_WORD0];
    for (uint64_t i = 0; i < word[3] && word[2] + i < SLOTS; i++) {
        guess[p->cspace][word[2] + i] = (uint8_t)word[0];
    }
}

void learn(const struct puppet *p, const struct command *command) {
    const uint64_t *x = command->in.x;
    unsigned invoked = slot_of(p, x[SHEAF_REG_CAP]);
    uint64_t label = SHEAF_TAG_LABEL(x[SHEAF_REG_TAG]);
    if (x[SHEAF_REG_SYSCALL] != SHEAF_SYS_CALL || invoked == 0) {
        return;
    }
    if (invoked == SLOT_SELF) {
        bool gone = command->status == SHEAF_ERR_INVALID_CAPABILITY &&
                    (label == SHEAF_CNODE_DELETE || label == SHEAF_CNODE_REVOKE);
        if (command->status == SHEAF_OK || gone) {
            learn_method(p, command, gone ? SHEAF_CNODE_DELETE : label);
        }
    } else if (guess[p->cspace][invoked] == SHEAF_UNTYPED && label == SHEAF_UNTYPED_RETYPE &&
               command->status == SHEAF_OK && slot_of(p, x[SHEAF_REG_WORD0 + 1]) == SLOT_SELF) {
        learn_retype(p, command);
    }
}
