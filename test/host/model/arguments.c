// SPDX-License-Identifier: BSD-2-Clause
// Making up attempts: mostly well-formed ones, with a mistake here and there.
#include "method.h"

#define OWN_SLOTS 3u // of the driving thread: what it stands on (world.c)

static uint64_t state;

void random_seed(uint64_t seed) { state = seed; }

uint64_t random_word(void) {
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t below(uint64_t n) { return n != 0 ? random_word() % n : 0; }

uint64_t corner(void) {
    static const uint64_t corners[] = {0,
                                       1,
                                       2,
                                       63,
                                       64,
                                       UINT64_MAX,
                                       4095,
                                       4096,
                                       0xffff,
                                       1 << 20,
                                       1u << 31,
                                       UINT64_C(1) << 47,
                                       UINT64_C(0x0000fffffffff000),
                                       UINT64_C(0xffff000000000000)};
    return below(3) == 0 ? random_word() >> below(64) : corners[below(ARRAY_SIZE(corners))];
}

// ---- Names

struct choice { // one of many, each as likely
    uint64_t name;
    unsigned seen;
};

static void offer(struct choice *choice, unsigned cap, uint64_t name, uint32_t types) {
    bool fits = cap != NO_CAP ? (types >> caps[cap].type & 1) != 0 : types == 0;
    if (fits && below(++choice->seen) == 0)
        choice->name = name;
}

// Through one slot again and again; too long when the CNode is in itself.
static uint64_t long_name(unsigned root) {
    unsigned bits = caps[root].size_bits;
    uint64_t index = 1, name = 0;
    for (uint64_t i = 1; i < BIT(bits); i++) {
        unsigned cap = cap_at(slot_in_cnode(&caps[root], i));
        if (cap != NO_CAP && caps[cap].address == caps[root].address)
            index = i;
    }
    for (unsigned shift = 0; shift < 64; shift += bits)
        name |= index << shift;
    return name;
}

// Over one level and two. What the driving thread stands on is named by accident only.
uint64_t random_name(const struct thread *thread, uint32_t types) {
    struct choice choice = {0};
    unsigned root = cap_at(&thread->slot[THREAD_CSPACE]);
    bool drives = thread == driver;
    if (root == NO_CAP)
        return corner();
    unsigned bits = caps[root].size_bits;
    if (below(80) == 0)
        return long_name(root);
    for (uint64_t i = 1; i < BIT(bits); i++) {
        unsigned cap = cap_at(slot_in_cnode(&caps[root], i));
        if (!drives || i > OWN_SLOTS)
            offer(&choice, cap, i, types);
        if (cap == NO_CAP || caps[cap].type != SHEAF_CNODE || (i > OWN_SLOTS && below(3) != 0) ||
            (drives && i != 2 && i <= OWN_SLOTS))
            continue;
        for (uint64_t j = 1; j < BIT(caps[cap].size_bits); j++)
            offer(&choice, cap_at(slot_in_cnode(&caps[cap], j)), i | j << bits, types);
    }
    return choice.name;
}

// ---- Arguments

static uint64_t random_index(unsigned cnode, bool empty) {
    if (cnode == NO_CAP || caps[cnode].type != SHEAF_CNODE)
        return below(64);
    uint64_t slots = BIT(caps[cnode].size_bits), start = below(slots);
    for (uint64_t i = 0; i < slots; i++) {
        uint64_t index = (start + i) % slots;
        if (index != 0 && (cap_at(slot_in_cnode(&caps[cnode], index)) == NO_CAP) == empty)
            return index;
    }
    return 1;
}

// Of an Endpoint with a badge, if there is one.
static uint64_t random_badged(unsigned cnode) {
    uint64_t start = random_index(cnode, false);
    uint64_t slots =
        cnode != NO_CAP && caps[cnode].type == SHEAF_CNODE ? BIT(caps[cnode].size_bits) : 0;
    for (uint64_t i = 0; i < slots; i++) {
        uint64_t index = (start + i) % slots;
        unsigned cap = index != 0 ? cap_at(slot_in_cnode(&caps[cnode], index)) : NO_CAP;
        if (cap != NO_CAP && caps[cap].type == SHEAF_ENDPOINT && caps[cap].badge != 0)
            return index;
    }
    return start;
}

uint64_t random_time(void) {
    uint64_t most = 20000, time = fake.now + below(most);
    return below(4) == 0 ? 1 + time - MIN(time, most) : time;
}

// Mostly of the Untyped's memory type.
static uint64_t random_what(const struct attempt *attempt) {
    static const uint8_t weights[] = {
        SHEAF_UNTYPED,  SHEAF_UNTYPED, SHEAF_CNODE,        SHEAF_THREAD,      SHEAF_ENDPOINT,
        SHEAF_ENDPOINT, SHEAF_REPLY,   SHEAF_NOTIFICATION, SHEAF_VSPACE,      SHEAF_FRAME,
        SHEAF_FRAME,    SHEAF_FRAME,   SHEAF_TIMER,        SHEAF_IRQ_HANDLER, SHEAF_IRQ_HANDLER};
    uint64_t type = weights[below(ARRAY_SIZE(weights))], bits = 0;
    unsigned cap, memory_type = SHEAF_MEMORY_NORMAL;
    if (reference_resolve(attempt->thread, attempt->call.cap, &cap) == SHEAF_OK) {
        memory_type = caps[cap].memory_type;
        // Another one, of those that can have it.
        if (below(3) == 0 && memory_type != SHEAF_MEMORY_DEVICE &&
            caps[cap].size_bits >= SHEAF_NON_CACHEABLE_MIN_BITS)
            memory_type ^= SHEAF_MEMORY_NORMAL ^ SHEAF_MEMORY_NON_CACHEABLE;
    }
    if (memory_type != SHEAF_MEMORY_NORMAL && below(8) != 0)
        type = below(3) == 0 ? SHEAF_UNTYPED : SHEAF_FRAME;
    if (type == SHEAF_UNTYPED)
        bits = below(3) == 0 ? 6 + below(8) : 14 + below(6);
    else if (type == SHEAF_CNODE)
        bits = 1 + below(4);
    else if (type == SHEAF_FRAME)
        bits = below(12) == 0 ? 21 : 12 + below(12) / 10;
    uint64_t what = type | bits << 8 | (uint64_t)memory_type << 16;
    if (below(20) == 0)
        what ^= UINT64_C(1) << below(28);
    return what;
}

// Of objects. Now and then so many that the address space identifiers do not suffice, or that one
// call does not make them.
static uint64_t random_count(uint64_t what) {
    if ((what & 0xff) == SHEAF_VSPACE && below(3) == 0)
        return 1 + below(SHEAF_RETYPE_MAX_VSPACES + 2);
    return below(40) == 0 ? below(2 * SHEAF_RETYPE_MAX) : below(8) == 0 ? below(12) : 1 + below(2);
}

// Of two the one with the longer line of ancestors: copies of copies come about.
static uint64_t random_source(const struct thread *thread, uint32_t types) {
    uint64_t name = random_name(thread, types), other = random_name(thread, types);
    unsigned a, b;
    bool first = reference_resolve(thread, name, &a) == SHEAF_OK;
    bool second = reference_resolve(thread, other, &b) == SHEAF_OK;
    return first && second && reference_depth_of(b) > reference_depth_of(a) ? other : name;
}

static uint64_t random_argument(const struct attempt *attempt, const struct argument *argument,
                                unsigned *cnode) {
    uint64_t name;
    switch (argument->kind) {
    case ARG_EMPTY:
        return random_index(*cnode, below(12) != 0);
    case ARG_FULL:
        return random_index(*cnode, below(20) == 0);
    case ARG_CAP:
        if (argument->or_none && below(3) == 0)
            return 0;
        name = random_name(attempt->thread, below(20) == 0 ? UINT32_MAX : argument->types);
        if (reference_resolve(attempt->thread, name, cnode) != SHEAF_OK)
            *cnode = NO_CAP;
        return name;
    case ARG_SOURCE:
        return random_source(attempt->thread, argument->types);
    case ARG_RIGHTS:
        return below(3) == 0 ? below(9) : SHEAF_RIGHTS_ALL;
    case ARG_BADGE:
        return below(8);
    case ARG_WHAT:
        return random_what(attempt);
    case ARG_COUNT:
        return random_count(attempt->word[0]);
    case ARG_CHUNKS:
        return below(4);
    case ARG_PRIORITY:
        return below(8) == 0 ? below(300) : 90 + below(20);
    case ARG_WORDS:
        return below(40);
    case ARG_BYTES:
        return below(6) == 0 ? below(600) : below(41);
    case ARG_SMALL:
        return below(40);
    case ARG_BADGED:
        return below(8) == 0 ? random_index(*cnode, below(4) == 0) : random_badged(*cnode);
    case ARG_INTERRUPT:
        return below(8) == 0 ? 30 + below(5) : 32 + below(32);
    case ARG_TRIGGER:
        return below(6) == 0 ? below(4) : below(2);
    case ARG_TIME:
        return below(4) == 0 ? 0 : random_time();
    default:
        return random_word() >> below(64);
    }
}

static uint32_t fitting(const struct row *row) {
    return row->invoked != 0 ? row->invoked : row->number == SHEAF_SYS_CALL ? 1u << row->type : 0;
}

static void put_words(struct attempt *attempt) {
    struct sheaf_ipc_buffer *page = thread_buffer(attempt->thread);
    for (unsigned i = 0; i < MOST_WORDS; i++) {
        if (i < SHEAF_REG_WORDS)
            attempt->call.word[i] = attempt->word[i];
        else if (page != NULL)
            page->message[i] = attempt->word[i];
    }
}

// What it sends along, and where it takes what comes.
static void put_capabilities(const struct attempt *attempt) {
    struct sheaf_ipc_buffer *page = thread_buffer(attempt->thread);
    for (unsigned i = 0; page != NULL && i < SHEAF_MSG_CAPABILITIES; i++) {
        uint32_t untyped = below(3) == 0 ? 0 : 1u << SHEAF_UNTYPED;
        page->send[i] =
            below(30) == 0 ? corner() : random_name(attempt->thread, UINT32_MAX & ~untyped);
        page->receive[i] =
            below(30) == 0 ? corner() : random_name(attempt->thread, below(40) == 0 ? ~0u : 0);
    }
}

static bool sends(const struct attempt *attempt) {
    uint64_t number = attempt->row->number;
    return attempt->row->type == SHEAF_ENDPOINT || number == SHEAF_SYS_SEND ||
           number == SHEAF_SYS_NB_SEND || number == SHEAF_SYS_REPLY ||
           number == SHEAF_SYS_REPLY_RECV || number == SHEAF_SYS_GATHER;
}

// Whether somebody waits for what is sent to it.
static bool is_awaited(unsigned cap) {
    if (caps[cap].type != SHEAF_REPLY && caps[cap].type != SHEAF_ENDPOINT)
        return false;
    const void *object = port_kernel_address(PADDR(caps[cap].address));
    return caps[cap].type == SHEAF_REPLY
               ? ((const struct reply *)object)->caller != NULL
               : ((const struct endpoint *)object)->head.flags == ENDPOINT_RECEIVERS;
}

static uint64_t random_awaited(const struct thread *thread, uint32_t types) {
    uint64_t name = random_name(thread, types);
    for (unsigned tries = below(2) == 0 ? 5 : 0; tries > 0; tries--) {
        unsigned cap;
        if (reference_resolve(thread, name, &cap) != SHEAF_OK || is_awaited(cap))
            break;
        name = random_name(thread, types);
    }
    return name;
}

static void spoil(struct attempt *attempt, unsigned arguments) {
    if (arguments > 0 && below(10) == 0)
        attempt->word[below(arguments)] = corner();
    bool message = attempt->row->invoked != 0 || attempt->row == row_of_gather;
    if (below(!has_buffer(attempt->thread) ? 10 : message ? 16 : 25) == 0)
        attempt->length = (unsigned)(below(2) == 0 ? below(65) : 60 + below(20));
    if (below(60) == 0)
        attempt->call.cap = below(2) == 0 ? corner() : random_name(attempt->thread, UINT32_MAX);
    uint64_t one_of = attempt->row->number == SHEAF_SYS_REPLY ? 2 : sends(attempt) ? 3 : 100;
    unsigned capabilities = (unsigned)(below(one_of) == 0 ? 1 + below(3) : 0);
    attempt->call.tag =
        SHEAF_TAG_CARRYING(SHEAF_TAG_LABEL(attempt->call.tag), attempt->length, capabilities);
    if (below(message ? 50 : 100) == 0)
        attempt->call.tag |= below(2) == 0 ? UINT64_C(1) << (7 + below(9)) : ~UINT64_C(0xffff);
    attempt->length = SHEAF_TAG_LENGTH(attempt->call.tag);
}

void make_attempt(struct attempt *attempt, struct row *row, struct thread *thread) {
    *attempt = (struct attempt){.thread = thread, .row = row};
    unsigned used = 0, cnode = NO_CAP;
    attempt->call.number = row->number;
    attempt->call.cap =
        sends(attempt) ? random_awaited(thread, fitting(row)) : random_name(thread, fitting(row));
    if (reference_resolve(thread, attempt->call.cap, &cnode) != SHEAF_OK)
        cnode = NO_CAP;
    for (; used < MOST_ARGUMENTS && row->argument[used].kind != ARG_NONE; used++)
        attempt->word[used] = random_argument(attempt, &row->argument[used], &cnode);
    bool sparse = row->words == 0; // a message of any length
    attempt->length = sparse && below(3) == 0 ? (unsigned)below(20) : used;
    if (row->argument[0].kind == ARG_WORDS)
        attempt->length = below(8) == 0 ? 7 : (unsigned)MIN(attempt->word[0], 35) + 1;
    if (row->argument[0].kind == ARG_BYTES)
        attempt->length = below(8) == 0 ? 3 : (unsigned)MIN(attempt->word[0] / 8 + 2, 64);
    for (unsigned i = used; i < MOST_WORDS; i++)
        attempt->word[i] = random_word() >> below(64);
    if (row->argument[0].kind == ARG_WORDS && below(8) != 0)
        attempt->word[35] &= SHEAF_FLAGS;
    attempt->call.tag = SHEAF_TAG(row->label, attempt->length);
    if (row->type == SHEAF_ENDPOINT)
        attempt->call.tag = SHEAF_TAG(below(3), attempt->length);
    if (below(8) != 0)
        attempt->call.reply = sends(attempt) ? random_awaited(thread, 1u << SHEAF_REPLY)
                                             : random_name(thread, 1u << SHEAF_REPLY);
    if (below(4) == 0)
        attempt->call.deadline = random_time();
    put_capabilities(attempt);
    spoil(attempt, used);
    if (row == row_of_gather)
        make_gather(attempt);
    else
        put_words(attempt);
}

// Messages are for the players: the driver must not wait.
static uint64_t weight_for(const struct row *row, const struct thread *thread) {
    return thread != driver && row->invoked != 0 ? 4u * row->weight : row->weight;
}

bool holds_fault(unsigned cap) {
    if (caps[cap].type != SHEAF_REPLY)
        return false;
    const struct reply *reply = port_kernel_address(PADDR(caps[cap].address));
    return reply->caller != NULL && reply->caller->faulting;
}

// CALL where a receiver waits, REPLY_RECV or a gather with that as its tail where a caller does:
// chance alone seldom meets them.
static struct row *timely_row(void) {
    uint64_t start = below(cap_count);
    for (unsigned i = 0; i < cap_count; i++) {
        unsigned cap = (unsigned)((start + i) % cap_count);
        if (caps[cap].at == NULL || !is_awaited(cap))
            continue;
        if (caps[cap].type == SHEAF_ENDPOINT)
            return row_of_method(SHEAF_ENDPOINT, 0);
        if (holds_fault(cap) && below(4) != 0)
            return row_of_gather;
        for (unsigned j = 0; j < row_count; j++)
            if (rows[j].number == SHEAF_SYS_REPLY_RECV)
                return &rows[j];
    }
    return NULL;
}

struct row *random_row(const struct thread *thread) {
    struct row *timely = thread != driver && below(3) == 0 ? timely_row() : NULL;
    uint64_t total = 0;
    if (timely != NULL)
        return timely;
    for (unsigned i = 0; i < row_count; i++)
        total += weight_for(&rows[i], thread);
    uint64_t at = below(total);
    for (unsigned i = 0;; i++) {
        uint64_t weight = weight_for(&rows[i], thread);
        if (at < weight)
            return &rows[i];
        at -= weight;
    }
}
