// SPDX-License-Identifier: BSD-2-Clause
// What an attempt should answer, found from the reference, and what a success changes in it.
//
// `wrong` holds everything that is wrong: the kernel may name any of it, in whatever order it
// looks, but must name one; with nothing wrong it must succeed.
#include "foresee.h"
#include "method.h"
#include "news.h"

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

bool has_buffer(const struct thread *thread) {
    return cap_at(&thread->slot[THREAD_IPC_BUFFER]) != NO_CAP;
}

void check_message(struct attempt *attempt) {
    uint64_t tag = attempt->call.tag;
    if ((tag & 0xfe00) != 0 || SHEAF_TAG_LABEL(tag) >= LABELS_OF_THE_KERNEL)
        attempt->wrong |= E(INVALID_ARGUMENT);
    if (attempt->length > SHEAF_MSG_WORDS)
        attempt->wrong |= E(MESSAGE_TOO_LONG);
    if (attempt->length > SHEAF_REG_WORDS && !has_buffer(attempt->thread))
        attempt->wrong |= E(NO_BUFFER);
}

static void expect_method(struct attempt *attempt) {
    const struct row *row = attempt->row;
    check_message(attempt);
    if (SHEAF_TAG_CAPABILITIES(attempt->call.tag) != 0)
        attempt->wrong |= E(INVALID_ARGUMENT);
    if ((caps[attempt->cap].rights & row->rights) != row->rights)
        attempt->wrong |= E(NO_RIGHT);
    if (attempt->length < row->words)
        attempt->wrong |= E(INVALID_ARGUMENT);
    else if (attempt->wrong == 0 && row->wrong != NULL)
        row->wrong(attempt);
}

// A CALL is of the row that its capability and label say, whatever was intended.
static void expect_invocation(struct attempt *attempt) {
    attempt->row = row_of_nothing;
    if (check_name(attempt, attempt->call.cap, UINT32_MAX, &attempt->cap) != SHEAF_OK)
        return;
    struct row *row = row_of_method(caps[attempt->cap].type, SHEAF_TAG_LABEL(attempt->call.tag));
    if (row == NULL) {
        attempt->wrong |= E(UNKNOWN_METHOD);
        return;
    }
    attempt->row = row;
    if (row->type == SHEAF_ENDPOINT)
        row->wrong(attempt);
    else
        expect_method(attempt);
}

void expect_call(struct attempt *attempt) {
    struct row *row = attempt->row;
    meet_undo();
    foresee_undo();
    news_begin();
    attempt->wrong = 0;
    attempt->maybe = 0;
    attempt->waits = false;
    attempt->cap = NO_CAP;
    if (row->fails)
        attempt->wrong = row->documented;
    if (row->number == SHEAF_SYS_CALL)
        expect_invocation(attempt);
    else if (row->invoked != 0)
        check_name(attempt, attempt->call.cap, row->invoked, &attempt->cap);
    if (row->number != SHEAF_SYS_CALL && attempt->wrong == 0 && row->wrong != NULL)
        row->wrong(attempt);
}

// ---- Untyped

static unsigned object_bits(unsigned type, unsigned size_bits) {
    static const uint8_t fixed[SHEAF_TYPE_COUNT] = {
        [SHEAF_THREAD] = 11, [SHEAF_ENDPOINT] = 6, [SHEAF_NOTIFICATION] = 6, [SHEAF_REPLY] = 6,
        [SHEAF_VSPACE] = 16, [SHEAF_TIMER] = 7,    [SHEAF_IRQ_HANDLER] = 7};
    return type == SHEAF_CNODE ? size_bits + 6 : fixed[type] != 0 ? fixed[type] : size_bits;
}

static bool is_made(unsigned type) {
    return (type >= SHEAF_UNTYPED && type <= SHEAF_FRAME) || type == SHEAF_TIMER ||
           type == SHEAF_IRQ_HANDLER;
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
    if (what >> 24 != 0 || memory_type > SHEAF_MEMORY_DEVICE || !is_made(type)) {
        attempt->wrong |= E(INVALID_ARGUMENT);
        return;
    }
    if (!size_fits(type, bits) ||
        count > (type == SHEAF_VSPACE ? SHEAF_RETYPE_MAX_VSPACES : SHEAF_RETYPE_MAX))
        attempt->wrong |= E(RANGE);
    enum sheaf_error unfit = memory_type_error(attempt->cap, memory_type);
    if (unfit != SHEAF_OK)
        attempt->wrong |= BIT(unfit);
    if (memory_type != SHEAF_MEMORY_NORMAL && type != SHEAF_FRAME && type != SHEAF_UNTYPED)
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
    reference_change(attempt->cap, attempt->word[0] >> 16 & 0xff);
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

void apply_copy(const struct attempt *attempt) {
    unsigned source = attempt->source[0];
    reference_derive(destination(attempt), source, attempt->word[2], caps[source].badge);
}

void apply_mint(const struct attempt *attempt) {
    reference_derive(destination(attempt), attempt->source[0], attempt->word[2], attempt->word[3]);
}

void apply_move(const struct attempt *attempt) {
    reference_move(destination(attempt), attempt->source[0]);
}

void apply_delete(const struct attempt *attempt) { reference_delete(cap_at(destination(attempt))); }
void apply_revoke(const struct attempt *attempt) {
    unsigned cap = cap_at(destination(attempt));
    reference_revoke(cap);
    reference_reset(cap);
}

void apply_purge(const struct attempt *attempt) { reference_reset(attempt->cap); }

void wrong_rotate(struct attempt *attempt) {
    unsigned *pivot = &attempt->source[1], *source = &attempt->source[0], there = NO_CAP;
    check_name(attempt, attempt->word[1], UINT32_MAX, pivot);
    check_name(attempt, attempt->word[2], UINT32_MAX, source);
    if (!in_range(attempt))
        attempt->wrong |= E(RANGE);
    else
        there = cap_at(destination(attempt));
    if (*pivot != NO_CAP && (*pivot == *source || *pivot == there))
        attempt->wrong |= E(INVALID_ARGUMENT);
    if (there != NO_CAP && there != *source)
        attempt->wrong |= E(SLOT_OCCUPIED);
}

void apply_rotate(const struct attempt *attempt) {
    unsigned pivot = attempt->source[1], source = attempt->source[0];
    reference_exchange(pivot, source);
    if (caps[pivot].at != destination(attempt))
        reference_move(destination(attempt), pivot);
}

void wrong_cancel(struct attempt *attempt) {
    wrong_full(attempt);
    unsigned cap = attempt->wrong == 0 ? cap_at(destination(attempt)) : NO_CAP;
    if (cap != NO_CAP && caps[cap].type != SHEAF_ENDPOINT)
        attempt->wrong |= E(WRONG_TYPE);
    else if (cap != NO_CAP && caps[cap].badge == 0)
        attempt->wrong |= E(INVALID_ARGUMENT);
    if (cap != NO_CAP && caps[cap].type == SHEAF_ENDPOINT &&
        (caps[cap].rights & SHEAF_RIGHT_READ) == 0)
        attempt->wrong |= E(NO_RIGHT);
    if (cap == NO_CAP || attempt->wrong != 0)
        return;
    const struct endpoint *endpoint = port_kernel_address(PADDR(caps[cap].address));
    bool senders = endpoint->head.flags == ENDPOINT_SENDERS;
    for (const struct thread *thread = senders ? endpoint->queue.first : NULL; thread != NULL;
         thread = thread->next) {
        if (thread->badge == caps[cap].badge && thread->faulting)
            news_unhandled(thread);
        else if (thread->badge == caps[cap].badge)
            news_errors(thread, E(CANCELLED));
    }
}

// ---- Timer, IrqHandler, Console: who is signalled

void wrong_attach(struct attempt *attempt) {
    unsigned *source = &attempt->source[0];
    *source = NO_CAP;
    if (attempt->word[0] == 0)
        return;
    if (check_name(attempt, attempt->word[0], 1u << SHEAF_NOTIFICATION, source) == SHEAF_OK &&
        (caps[*source].rights & SHEAF_RIGHT_WRITE) == 0)
        attempt->wrong |= E(NO_RIGHT);
    if (cap_at(slot_attached(&caps[attempt->cap])) != NO_CAP)
        attempt->wrong |= E(IN_USE);
}

void apply_attach(const struct attempt *attempt) {
    struct slot *slot = slot_attached(&caps[attempt->cap]);
    unsigned source = attempt->source[0];
    if (attempt->word[0] != 0)
        reference_derive(slot, source, SHEAF_RIGHTS_ALL, caps[source].badge);
    else if (cap_at(slot) != NO_CAP)
        reference_delete(cap_at(slot));
}

void wrong_bind_interrupt(struct attempt *attempt) {
    uint64_t interrupt = attempt->word[0], trigger = attempt->word[1];
    unsigned *handler = &attempt->source[0];
    bool exists = interrupt >= 32 && interrupt < 64; // the machine of test/host/arch_fake.c
    if (check_name(attempt, attempt->word[2], 1u << SHEAF_IRQ_HANDLER, handler) == SHEAF_OK &&
        interrupt_of(&caps[*handler]) != 0)
        attempt->wrong |= E(IN_USE);
    if (!exists)
        attempt->wrong |= E(RANGE);
    if (interrupt == 33 || (exists && handler_of(interrupt) != NO_CAP))
        attempt->wrong |= E(IN_USE);
    if (trigger > 1 || (interrupt == 34 && trigger == SHEAF_IRQ_LEVEL))
        attempt->wrong |= E(INVALID_ARGUMENT);
}

void wrong_acknowledge(struct attempt *attempt) {
    if (interrupt_of(&caps[attempt->cap]) == 0)
        attempt->wrong |= E(INVALID_ARGUMENT);
}

// ---- Thread

static struct thread *target(const struct attempt *attempt) {
    return port_kernel_address(PADDR(caps[attempt->cap].address));
}

void wrong_write_registers(struct attempt *attempt) {
    uint64_t count = attempt->word[0];
    const struct thread *thread = target(attempt);
    if (count > 35)
        attempt->wrong |= E(RANGE);
    if (count > attempt->length - 1 ||
        (count == 35 && (attempt->word[35] & ~UINT64_C(0xf0000000)) != 0))
        attempt->wrong |= E(INVALID_ARGUMENT);
    bool waits_with_fault = is_waiting(thread) && thread->faulting;
    if (thread->state != SHEAF_STATE_SUSPENDED && thread->state != SHEAF_STATE_FAULTED &&
        !waits_with_fault)
        attempt->wrong |= E(IN_USE);
}

void wrong_read_registers(struct attempt *attempt) {
    if (!has_buffer(attempt->thread))
        attempt->wrong |= E(NO_BUFFER);
}

void wrong_suspend(struct attempt *attempt) {
    const struct thread *thread = target(attempt);
    if (is_waiting(thread) && thread->faulting)
        news_suspended(thread);
    else if (is_waiting(thread))
        news_errors(thread, E(CANCELLED));
}

void wrong_affinity(struct attempt *attempt) {
    if (attempt->word[0] != 0) // the world has one PE
        attempt->wrong |= E(RANGE);
}

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
        if (i == THREAD_IPC_BUFFER && caps[*source].memory_type != SHEAF_MEMORY_NORMAL)
            attempt->wrong |= E(MEMORY_TYPE);
    }
}

void apply_configure(const struct attempt *attempt) {
    struct thread *thread = target(attempt);
    for (unsigned i = 0; i < THREAD_SLOTS; i++) {
        struct slot *slot = &thread->slot[i];
        if (attempt->source[i] == NO_CAP)
            continue;
        if (cap_at(slot) != NO_CAP)
            reference_move(&thread->retired[i], cap_at(slot));
        reference_derive(slot, attempt->source[i], SHEAF_RIGHTS_ALL,
                         caps[attempt->source[i]].badge);
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
    const struct thread *thread = target(attempt);
    unsigned cap;
    if (attempt->word[0] == 0 ||
        check_name(attempt, attempt->word[0], 1u << SHEAF_NOTIFICATION, &cap) != SHEAF_OK)
        return;
    const struct notification *notification = port_kernel_address(PADDR(caps[cap].address));
    if ((caps[cap].rights & SHEAF_RIGHT_READ) == 0)
        attempt->wrong |= E(NO_RIGHT);
    if (thread->bound != NULL || notification->bound != NULL)
        attempt->wrong |= E(IN_USE);
    if (attempt->wrong == 0 && thread->state == SHEAF_STATE_RECEIVING && notification->bits != 0) {
        struct message signals = signals_message(SHEAF_LABEL_SIGNAL, notification->bits);
        news_message(thread, &signals);
    }
}

// ---- VSpace, System

unsigned chunks_of(uint64_t vspace) {
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
    if (count > SHEAF_GROW_MAX)
        attempt->wrong |= E(RANGE);
    if (count > WORLD_CHUNKS - chunks_of(vspace))
        attempt->wrong |= E(TOO_MANY_CHUNKS);
    if (check_name(attempt, attempt->word[0], 1u << SHEAF_UNTYPED, &untyped) != SHEAF_OK)
        return;
    attempt->note = untyped;
    enum sheaf_error unfit = memory_type_error(untyped, SHEAF_MEMORY_NORMAL);
    if (unfit != SHEAF_OK)
        attempt->wrong |= BIT(unfit);
    if (!fits(untyped, SHEAF_CHUNK_BITS, count))
        attempt->wrong |= E(NO_MEMORY);
}

void apply_grow(const struct attempt *attempt) {
    unsigned untyped = (unsigned)attempt->note;
    uint64_t start = ALIGN_UP(bytes_used(untyped), CHUNK_BYTES), count = attempt->word[1];
    reference_change(untyped, SHEAF_MEMORY_NORMAL);
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

// ---- Console

void wrong_console_write(struct attempt *attempt) {
    uint64_t bytes = attempt->word[0];
    if (bytes > 504)
        attempt->wrong |= E(RANGE);
    if (bytes > (attempt->length - 1) * 8)
        attempt->wrong |= E(INVALID_ARGUMENT);
}
