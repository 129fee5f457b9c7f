// SPDX-License-Identifier: BSD-2-Clause
// What an attempt should answer, found from the reference, and what a success changes in it.
//
// `wrong` holds everything that is wrong: the kernel may name any of it, in whatever order it
// looks, but must name one; with nothing wrong it must succeed.
#include "method.h"

#define LABELS_OF_THE_KERNEL SHEAF_LABEL_KERNEL

// ---- What any call can have wrong

enum sheaf_error check_name(struct attempt *attempt, uint64_t name, uint32_t types, unsigned *cap) {
    enum sheaf_error error = reference_resolve(attempt->thread, name, cap);
    if (error == SHEAF_OK && (types >> caps[*cap].type & 1) == 0)
        error = SHEAF_ERR_WRONG_TYPE;
    if (error != SHEAF_OK) {
        attempt->wrong |= BIT(error);
        *cap = NO_CAP;
    }
    return error;
}

static bool has_buffer(const struct thread *thread) {
    return cap_at(&thread->slot[THREAD_IPC_BUFFER]) != NO_CAP;
}

static void check_message(struct attempt *attempt) {
    uint64_t tag = attempt->call.tag;
    if ((tag & 0xff80) != 0 || SHEAF_TAG_LABEL(tag) >= LABELS_OF_THE_KERNEL)
        attempt->wrong |= E(INVALID_ARGUMENT);
    if (attempt->length > SHEAF_MSG_WORDS)
        attempt->wrong |= E(MESSAGE_TOO_LONG);
    if (attempt->length > SHEAF_REG_WORDS && !has_buffer(attempt->thread))
        attempt->wrong |= E(NO_BUFFER);
}

void expect_common(struct attempt *attempt) {
    attempt->wrong = 0;
    attempt->maybe = 0;
    attempt->cap = NO_CAP;
    if (attempt->call.number != SHEAF_SYS_CALL)
        return;
    attempt->row = row_of_nothing;
    if (check_name(attempt, attempt->call.cap, UINT32_MAX, &attempt->cap) != SHEAF_OK)
        return;
    const struct cap *cap = &caps[attempt->cap];
    struct row *row = row_of_method(cap->type, SHEAF_TAG_LABEL(attempt->call.tag));
    if (row == NULL) {
        attempt->wrong |= E(UNKNOWN_METHOD);
        return;
    }
    attempt->row = row;
    check_message(attempt);
    if ((cap->rights & attempt->row->rights) != attempt->row->rights)
        attempt->wrong |= E(NO_RIGHT);
    if (attempt->length < attempt->row->words)
        attempt->wrong |= E(INVALID_ARGUMENT);
    else if (attempt->wrong == 0 && attempt->row->wrong != NULL)
        attempt->row->wrong(attempt);
}

// ---- Untyped

static unsigned object_bits(unsigned type, unsigned size_bits) {
    static const uint8_t fixed[SHEAF_TYPE_COUNT] = {[SHEAF_THREAD] = 11,
                                                    [SHEAF_ENDPOINT] = 6,
                                                    [SHEAF_NOTIFICATION] = 6,
                                                    [SHEAF_REPLY] = 6,
                                                    [SHEAF_VSPACE] = 16};
    return type == SHEAF_CNODE ? size_bits + 6 : fixed[type] != 0 ? fixed[type] : size_bits;
}

static bool size_fits(unsigned type, unsigned bits) {
    switch (type) {
    case SHEAF_UNTYPED:
        return bits >= 6 && bits <= 47;
    case SHEAF_CNODE:
        return bits >= 1 && bits <= 24;
    case SHEAF_FRAME:
        return bits >= 12 && bits <= 30;
    default:
        return bits == 0 || bits == object_bits(type, 0);
    }
}

static bool fits(unsigned untyped, unsigned bits, uint64_t count) {
    uint64_t size = BIT(caps[untyped].size_bits), start = ALIGN_UP(bytes_used(untyped), BIT(bits));
    return start <= size && count <= (size - start) >> bits;
}

static unsigned living_vspaces(void) {
    unsigned count = 0;
    for (unsigned i = 1; i < cap_count; i++) {
        bool first = caps[i].at != NULL && caps[i].type == SHEAF_VSPACE && caps[i].used == 0;
        for (unsigned j = 1; first && j < i; j++)
            first = caps[j].at == NULL || caps[j].type != SHEAF_VSPACE ||
                    caps[j].address != caps[i].address;
        count += first ? 1u : 0u;
    }
    return count;
}

void wrong_retype(struct attempt *attempt) {
    uint64_t what = attempt->word[0], first = attempt->word[2], count = attempt->word[3];
    unsigned type = what & 0xff, bits = what >> 8 & 0xff, memory_type = what >> 16 & 0xff, cnode;
    if (what >> 24 != 0 || memory_type > 2 || type < SHEAF_UNTYPED || type > SHEAF_FRAME) {
        attempt->wrong |= E(INVALID_ARGUMENT);
        return;
    }
    if (!size_fits(type, bits) || count > 1024)
        attempt->wrong |= E(RANGE);
    if (memory_type != 0)
        attempt->wrong |= E(MEMORY_TYPE);
    if (count == 0)
        attempt->wrong |= E(ZERO_LENGTH);
    if (check_name(attempt, attempt->word[1], 1u << SHEAF_CNODE, &cnode) == SHEAF_OK) {
        uint64_t slots = BIT(caps[cnode].size_bits);
        if (first == 0 || first >= slots || count > slots - first)
            attempt->wrong |= E(RANGE);
        for (uint64_t i = first; (attempt->wrong & E(RANGE)) == 0 && i < first + count; i++)
            if (cap_at(slot_in_cnode(&caps[cnode], i)) != NO_CAP)
                attempt->wrong |= E(SLOT_OCCUPIED);
        attempt->note = cnode;
    }
    if (attempt->wrong == 0 && !fits(attempt->cap, object_bits(type, bits), count))
        attempt->wrong |= E(NO_MEMORY);
    if (type == SHEAF_VSPACE && count > WORLD_ASIDS - living_vspaces())
        attempt->wrong |= E(NO_ASID);
}

void apply_retype(const struct attempt *attempt) {
    unsigned type = attempt->word[0] & 0xff, size_bits = attempt->word[0] >> 8 & 0xff;
    unsigned bits = object_bits(type, size_bits), cnode = (unsigned)attempt->note;
    uint64_t start = ALIGN_UP(bytes_used(attempt->cap), BIT(bits)), count = attempt->word[3];
    for (uint64_t i = 0; i < count; i++)
        reference_add(slot_in_cnode(&caps[cnode], attempt->word[2] + i), attempt->cap, type,
                      caps[attempt->cap].address + start + (i << bits),
                      type == SHEAF_CNODE ? size_bits : bits, SHEAF_RIGHTS_ALL, 0);
    caps[attempt->cap].used = start + (count << bits);
}

// ---- CNode

static bool in_range(const struct attempt *attempt) {
    return attempt->word[0] > 0 && attempt->word[0] < BIT(caps[attempt->cap].size_bits);
}

static struct slot *destination(const struct attempt *attempt) {
    return slot_in_cnode(&caps[attempt->cap], attempt->word[0]);
}

void wrong_move(struct attempt *attempt) {
    if (!in_range(attempt))
        attempt->wrong |= E(RANGE);
    else if (cap_at(destination(attempt)) != NO_CAP)
        attempt->wrong |= E(SLOT_OCCUPIED);
    check_name(attempt, attempt->word[1], UINT32_MAX, &attempt->source[0]);
}

void wrong_copy(struct attempt *attempt) {
    wrong_move(attempt);
    if (attempt->word[2] > SHEAF_RIGHTS_ALL)
        attempt->wrong |= E(INVALID_ARGUMENT);
    if (attempt->source[0] != NO_CAP && caps[attempt->source[0]].type == SHEAF_UNTYPED)
        attempt->wrong |= E(NOT_COPYABLE);
}

void wrong_mint(struct attempt *attempt) {
    wrong_move(attempt);
    unsigned source = attempt->source[0];
    bool badged = source != NO_CAP && caps[source].badge != 0;
    if (attempt->word[2] > SHEAF_RIGHTS_ALL || attempt->word[3] == 0 || badged)
        attempt->wrong |= E(INVALID_ARGUMENT);
    if (source != NO_CAP && caps[source].type != SHEAF_ENDPOINT &&
        caps[source].type != SHEAF_NOTIFICATION)
        attempt->wrong |= E(WRONG_TYPE);
}

void wrong_full(struct attempt *attempt) {
    if (!in_range(attempt))
        attempt->wrong |= E(RANGE);
    else if (cap_at(destination(attempt)) == NO_CAP)
        attempt->wrong |= E(INVALID_CAPABILITY);
}

static void derive(struct slot *at, unsigned source, uint64_t rights, uint64_t badge) {
    unsigned cap = reference_add(at, source, caps[source].type, caps[source].address,
                                 caps[source].size_bits, caps[source].rights & rights, badge);
    caps[cap].used = caps[source].type == SHEAF_VSPACE ? caps[source].used : 0;
}

void apply_copy(const struct attempt *attempt) {
    unsigned source = attempt->source[0];
    derive(destination(attempt), source, attempt->word[2], caps[source].badge);
}

void apply_mint(const struct attempt *attempt) {
    derive(destination(attempt), attempt->source[0], attempt->word[2], attempt->word[3]);
}

void apply_move(const struct attempt *attempt) {
    reference_move(destination(attempt), attempt->source[0]);
}

void apply_delete(const struct attempt *attempt) { reference_delete(cap_at(destination(attempt))); }
void apply_revoke(const struct attempt *attempt) { reference_revoke(cap_at(destination(attempt))); }

// ---- Thread

void wrong_configure(struct attempt *attempt) {
    static const struct {
        uint8_t type, rights;
    } wanted[THREAD_SLOTS] = {{SHEAF_CNODE, 0},
                              {SHEAF_VSPACE, 0},
                              {SHEAF_ENDPOINT, 2},
                              {SHEAF_FRAME, 3},
                              {SHEAF_NOTIFICATION, 2}};
    for (unsigned i = 0; i < THREAD_SLOTS; i++) {
        unsigned *source = &attempt->source[i];
        *source = NO_CAP;
        if (attempt->word[i] == 0 ||
            check_name(attempt, attempt->word[i], 1u << wanted[i].type, source) != SHEAF_OK)
            continue;
        if ((caps[*source].rights & wanted[i].rights) != wanted[i].rights)
            attempt->wrong |= E(NO_RIGHT);
        if (i == THREAD_VSPACE && vspace_dead(caps[*source].address))
            attempt->wrong |= E(DEAD);
        if (i == THREAD_IPC_BUFFER && caps[*source].size_bits != SHEAF_PAGE_BITS)
            attempt->wrong |= E(RANGE);
    }
}

void apply_configure(const struct attempt *attempt) {
    struct thread *thread = port_kernel_address(PADDR(caps[attempt->cap].address));
    for (unsigned i = 0; i < THREAD_SLOTS; i++) {
        struct slot *slot = &thread->slot[i];
        if (attempt->source[i] == NO_CAP)
            continue;
        if (cap_at(slot) != NO_CAP)
            reference_move(&thread->retired[i], cap_at(slot));
        derive(slot, attempt->source[i], SHEAF_RIGHTS_ALL, caps[attempt->source[i]].badge);
    }
    for (unsigned i = 0; i < THREAD_SLOTS; i++)
        if (cap_at(&thread->retired[i]) != NO_CAP)
            reference_delete(cap_at(&thread->retired[i]));
}

void wrong_priority(struct attempt *attempt) {
    unsigned authority;
    if (attempt->word[0] > 255 || attempt->word[1] > 255)
        attempt->wrong |= E(RANGE);
    if (check_name(attempt, attempt->word[2], 1u << SHEAF_THREAD, &authority) != SHEAF_OK)
        return;
    const struct thread *thread = port_kernel_address(PADDR(caps[authority].address));
    if (attempt->word[0] > thread->max_priority || attempt->word[1] > thread->max_priority)
        attempt->wrong |= E(PRIORITY);
}

void wrong_bind(struct attempt *attempt) {
    const struct thread *thread = port_kernel_address(PADDR(caps[attempt->cap].address));
    unsigned cap;
    if (attempt->word[0] == 0 ||
        check_name(attempt, attempt->word[0], 1u << SHEAF_NOTIFICATION, &cap) != SHEAF_OK)
        return;
    const struct notification *notification = port_kernel_address(PADDR(caps[cap].address));
    if ((caps[cap].rights & SHEAF_RIGHT_READ) == 0)
        attempt->wrong |= E(NO_RIGHT);
    if (thread->bound != NULL || notification->bound != NULL)
        attempt->wrong |= E(IN_USE);
}

// ---- VSpace, System

static unsigned chunks_of(uint64_t vspace) {
    unsigned count = 1; // the first one
    for (unsigned i = 1; i < cap_count; i++)
        count += caps[i].at != NULL && caps[i].type == SLOT_CHUNK && caps[i].vspace == vspace;
    return count;
}

void wrong_grow(struct attempt *attempt) {
    uint64_t count = attempt->word[1], vspace = caps[attempt->cap].address;
    unsigned untyped;
    if (vspace_dead(vspace))
        attempt->wrong |= E(DEAD);
    if (count == 0)
        attempt->wrong |= E(ZERO_LENGTH);
    if (count > 64)
        attempt->wrong |= E(RANGE);
    if (count > 576 - chunks_of(vspace))
        attempt->wrong |= E(TOO_MANY_CHUNKS);
    if (check_name(attempt, attempt->word[0], 1u << SHEAF_UNTYPED, &untyped) != SHEAF_OK)
        return;
    attempt->note = untyped;
    if (!fits(untyped, SHEAF_CHUNK_BITS, count))
        attempt->wrong |= E(NO_MEMORY);
}

void apply_grow(const struct attempt *attempt) {
    unsigned untyped = (unsigned)attempt->note;
    uint64_t start = ALIGN_UP(bytes_used(untyped), CHUNK_BYTES), count = attempt->word[1];
    for (uint64_t i = 0; i < count; i++) {
        uint64_t address = caps[untyped].address + start + i * CHUNK_BYTES;
        unsigned chunk = reference_add(port_kernel_address(PADDR(address)), untyped, SLOT_CHUNK,
                                       address, SHEAF_CHUNK_BITS, 0, 0);
        caps[chunk].vspace = caps[attempt->cap].address;
    }
    caps[untyped].used = start + count * CHUNK_BYTES;
}

void wrong_shrink(struct attempt *attempt) {
    attempt->note = 0;
    if (vspace_dead(caps[attempt->cap].address)) {
        attempt->wrong |= E(DEAD);
        attempt->maybe |= E(RANGE);
        return;
    }
    struct vspace *vspace = caps[attempt->cap].at->object;
    uint64_t index = attempt->word[0];
    struct chunk *chunk = index > 0 && index < vspace_chunk_slots(vspace)
                              ? vspace_chunk(vspace, (unsigned)index)
                              : NULL;
    if (chunk == NULL)
        attempt->wrong |= E(RANGE);
    else
        attempt->maybe |= E(TABLE_IN_USE);
    attempt->note = (uint64_t)(uintptr_t)chunk;
}

void apply_shrink(const struct attempt *attempt) {
    reference_drop(cap_at(chunk_node((struct chunk *)(uintptr_t)attempt->note)));
}

void wrong_vspace_info(struct attempt *attempt) {
    if (vspace_dead(caps[attempt->cap].address))
        attempt->wrong |= E(DEAD);
}

void wrong_counters(struct attempt *attempt) {
    if (attempt->word[0] > SHEAF_COUNTER_COUNT)
        attempt->wrong |= E(RANGE);
}
