// SPDX-License-Identifier: BSD-2-Clause
// The set of capabilities, and what each change means to it.
#include "console.h"
#include "mappings.h"
#include "world.h"
#include <string.h>

#define SLOTS (RAM_MOST / sizeof(struct slot))
#define PARENT_FLAG ((uintptr_t)1)

struct cap caps[MOST_CAPS];
unsigned cap_count, reference_depth;
static uint16_t index_of[SLOTS]; // by the slot's place in RAM
static uint16_t console_index;   // of the one that lies elsewhere

static uint16_t *index_at(const struct slot *slot) {
    if (slot == &console_listener)
        return &console_index;
    return &index_of[(port_physical_address(slot).v - VMSA_BASE) / sizeof(*slot)];
}

unsigned cap_at(const struct slot *slot) { return *index_at(slot); }

struct slot *slot_in_cnode(const struct cap *cnode, uint64_t index) {
    return port_kernel_address(PADDR(cnode->address + index * sizeof(struct slot)));
}

struct slot *slot_in_thread(const struct cap *thread, unsigned which) {
    return &((struct thread *)port_kernel_address(PADDR(thread->address)))->slot[which];
}

struct slot *slot_attached(const struct cap *cap) {
    if (cap->type == SHEAF_CONSOLE)
        return &console_listener; // and stays attached when the last capability goes
    void *object = port_kernel_address(PADDR(cap->address));
    return cap->type == SHEAF_TIMER ? &((struct timer *)object)->notification
                                    : &((struct irq_handler *)object)->notification;
}

uint64_t interrupt_of(const struct cap *handler) {
    return ((struct irq_handler *)port_kernel_address(PADDR(handler->address)))->head.flags;
}

unsigned handler_of(uint64_t interrupt) {
    for (unsigned i = 1; i < cap_count; i++)
        if (caps[i].at != NULL && caps[i].type == SHEAF_IRQ_HANDLER &&
            interrupt_of(&caps[i]) == interrupt)
            return i;
    return NO_CAP;
}

static unsigned new_element(void) {
    for (unsigned i = 1; i < cap_count; i++)
        if (caps[i].at == NULL)
            return i;
    assert_true(cap_count < MOST_CAPS);
    return cap_count++;
}

unsigned reference_add(struct slot *at, unsigned parent, unsigned type, uint64_t address,
                       unsigned size_bits, uint64_t rights, uint64_t badge) {
    unsigned cap = new_element();
    caps[cap] = (struct cap){.at = at,
                             .address = address,
                             .badge = badge,
                             .parent = parent,
                             .type = (uint8_t)type,
                             .rights = (uint8_t)rights,
                             .size_bits = (uint8_t)size_bits,
                             .memory_type = caps[parent].memory_type};
    *index_at(at) = (uint16_t)cap;
    mappings_new(cap);
    return cap;
}

// A copy, with at most these rights.
void reference_derive(struct slot *at, unsigned source, uint64_t rights, uint64_t badge) {
    unsigned cap = reference_add(at, source, caps[source].type, caps[source].address,
                                 caps[source].size_bits, caps[source].rights & rights, badge);
    caps[cap].used = caps[source].type == SHEAF_VSPACE ? caps[source].used : 0; // dead
}

void reference_exchange(unsigned a, unsigned b) {
    struct slot *at = caps[a].at;
    caps[a].at = caps[b].at;
    caps[b].at = at;
    *index_at(caps[a].at) = (uint16_t)a;
    *index_at(at) = (uint16_t)b;
}

void reference_move(struct slot *to, unsigned cap) {
    *index_at(caps[cap].at) = NO_CAP;
    caps[cap].at = to;
    *index_at(to) = (uint16_t)cap;
}

bool has_children(unsigned cap) {
    for (unsigned i = 1; i < cap_count; i++)
        if (caps[i].at != NULL && caps[i].parent == cap)
            return true;
    return false;
}

unsigned reference_depth_of(unsigned cap) {
    unsigned depth = 0;
    for (; cap != ANCHOR; cap = caps[cap].parent)
        depth++;
    return depth;
}

uint64_t bytes_used(unsigned untyped) { return has_children(untyped) ? caps[untyped].used : 0; }

enum sheaf_error memory_type_error(unsigned untyped, unsigned memory_type) {
    const struct cap *cap = &caps[untyped];
    if (memory_type == cap->memory_type)
        return SHEAF_OK;
    bool there = memory_type == SHEAF_MEMORY_NON_CACHEABLE && world_has_kernel_half() &&
                 cap->memory_type == SHEAF_MEMORY_NORMAL &&
                 cap->size_bits >= SHEAF_NON_CACHEABLE_MIN_BITS;
    if (!there && !(memory_type == SHEAF_MEMORY_NORMAL && cap->changed))
        return SHEAF_ERR_MEMORY_TYPE;
    return has_children(untyped) ? SHEAF_ERR_IN_USE : SHEAF_OK;
}

void reference_change(unsigned untyped, unsigned memory_type) {
    if (memory_type == caps[untyped].memory_type)
        return;
    caps[untyped].memory_type = (uint8_t)memory_type;
    caps[untyped].changed = memory_type == SHEAF_MEMORY_NON_CACHEABLE;
}

void reference_reset(unsigned untyped) {
    if (caps[untyped].at != NULL && caps[untyped].changed && !has_children(untyped))
        reference_change(untyped, SHEAF_MEMORY_NORMAL);
}

// The VSpace's first chunk is named by its own capabilities; the set holds further ones only while
// it lives, so a VSpace that lost its life is remembered by its element.
bool vspace_dead(uint64_t address) {
    for (unsigned i = 1; i < cap_count; i++)
        if (caps[i].at != NULL && caps[i].type == SHEAF_VSPACE && caps[i].address == address)
            return caps[i].used != 0;
    return true;
}

// ---- What dies with what

static void doom(unsigned cap);

static void doom_slot(const struct slot *slot) {
    if (cap_at(slot) != NO_CAP)
        doom(cap_at(slot));
}

static void doom_chunks(uint64_t vspace) {
    for (unsigned i = 1; i < cap_count; i++) {
        if (caps[i].at == NULL)
            continue;
        if (caps[i].type == SLOT_CHUNK && caps[i].vspace == vspace)
            doom(i);
        else if (caps[i].type == SHEAF_VSPACE && caps[i].address == vspace)
            caps[i].used = 1; // dead
    }
}

static void object_dies(const struct cap *cap) {
    if (cap->type == SHEAF_CNODE) {
        for (uint64_t i = 1; i < BIT(cap->size_bits); i++)
            doom_slot(slot_in_cnode(cap, i));
    } else if (cap->type == SHEAF_THREAD) {
        for (unsigned i = 0; i < THREAD_SLOTS; i++)
            doom_slot(slot_in_thread(cap, i));
    } else if (cap->type == SHEAF_TIMER || cap->type == SHEAF_IRQ_HANDLER) {
        doom_slot(slot_attached(cap));
    } else if (cap->type == SHEAF_VSPACE) {
        doom_chunks(cap->address);
    }
}

static bool is_last(const struct cap *cap) {
    for (unsigned i = 1; i < cap_count; i++)
        if (caps[i].at != NULL && !caps[i].doomed && caps[i].type == cap->type &&
            caps[i].address == cap->address)
            return false;
    return true;
}

static void doom(unsigned cap) {
    if (caps[cap].doomed)
        return;
    caps[cap].doomed = true;
    if (caps[cap].type == SLOT_CHUNK)
        doom_chunks(caps[cap].vspace);
    else if (is_last(&caps[cap]))
        object_dies(&caps[cap]);
}

static void doom_derived(unsigned cap) {
    for (unsigned i = 1; i < cap_count; i++) {
        unsigned above = i;
        while (caps[i].at != NULL && above != ANCHOR && above != cap)
            above = caps[above].parent;
        if (caps[i].at != NULL && above == cap && i != cap)
            doom(i);
    }
}

// Children of what is gone are children of the next above that stays.
static void bury_the_doomed(void) {
    bool doubt = false; // left to mappings_compare
    for (unsigned i = 1; i < cap_count; i++)
        if (caps[i].at != NULL && caps[i].doomed && caps[i].type == SHEAF_FRAME)
            mappings_evict(i, &doubt);
    for (unsigned i = 1; i < cap_count; i++)
        while (caps[i].at != NULL && caps[caps[i].parent].doomed)
            caps[i].parent = caps[caps[i].parent].parent;
    for (unsigned i = 1; i < cap_count; i++) {
        if (caps[i].at != NULL && caps[i].doomed) {
            *index_at(caps[i].at) = NO_CAP;
            caps[i] = (struct cap){0};
            mappings_new(i);
        }
    }
    mappings_bury();
}

void reference_delete(unsigned cap) {
    doom(cap);
    bury_the_doomed();
}

void reference_drop(unsigned cap) {
    caps[cap].doomed = true;
    bury_the_doomed();
}

void reference_revoke(unsigned cap) {
    doom_derived(cap);
    bury_the_doomed();
}

// Whether the capability in `slot` would go with a revoke of `cap`, or with its deletion.
bool dies_with(unsigned cap, bool itself, const struct slot *slot) {
    struct cap saved[MOST_CAPS];
    memcpy(saved, caps, cap_count * sizeof(caps[0]));
    if (itself)
        doom(cap);
    else
        doom_derived(cap);
    unsigned there = cap_at(slot);
    bool dies = there == NO_CAP || caps[there].doomed;
    memcpy(caps, saved, cap_count * sizeof(caps[0]));
    return dies;
}

// ---- Names

static uint64_t room; // behind the place found last

struct slot *reference_place(const struct thread *thread, uint64_t name, enum sheaf_error *error) {
    unsigned cap = cap_at(&thread->slot[THREAD_CSPACE]);
    *error = SHEAF_ERR_INVALID_CAPABILITY;
    for (unsigned level = 0; level < 8; level++) {
        if (cap == NO_CAP || caps[cap].type != SHEAF_CNODE)
            return NULL;
        unsigned bits = caps[cap].size_bits;
        uint64_t index = name % BIT(bits);
        if (index == 0)
            return NULL;
        struct slot *slot = slot_in_cnode(&caps[cap], index);
        room = BIT(bits) - index;
        name >>= bits;
        if (name == 0)
            return slot;
        cap = cap_at(slot);
    }
    *error = SHEAF_ERR_RANGE;
    return NULL;
}

uint64_t reference_room(const struct thread *thread, uint64_t name) {
    enum sheaf_error error;
    return reference_place(thread, name, &error) != NULL ? room : 0;
}

enum sheaf_error reference_resolve(const struct thread *thread, uint64_t name, unsigned *cap) {
    enum sheaf_error error;
    const struct slot *slot = reference_place(thread, name, &error);
    *cap = slot != NULL ? cap_at(slot) : NO_CAP;
    return *cap != NO_CAP ? SHEAF_OK : error;
}

// ---- Against the kernel

static uint64_t address_of(const struct slot *slot) {
    switch (slot->type) {
    case SHEAF_FRAME:
        return slot->frame.address.v;
    case SHEAF_UNTYPED:
        return untyped_address(slot).v;
    case SHEAF_CONSOLE:
    case SHEAF_SYSTEM:
    case SHEAF_IRQ_CONTROL:
        return slot->type;
    default:
        return ALIGN_DOWN(port_physical_address(slot->object).v,
                          slot->type == SHEAF_VSPACE ? CHUNK_BYTES : 1);
    }
}

static bool has_badge(unsigned type) {
    return type == SHEAF_ENDPOINT || type == SHEAF_NOTIFICATION;
}

static void compare_slot(const struct slot *slot, unsigned parent) {
    unsigned cap = cap_at(slot);
    assert_int_not_equal(cap, NO_CAP);
    assert_int_equal(caps[cap].parent, parent);
    assert_int_equal(caps[cap].type, slot->type);
    assert_int_equal(caps[cap].size_bits, slot->size_bits);
    assert_true(caps[cap].address == address_of(slot));
    if (slot->type == SLOT_CHUNK)
        return;
    assert_int_equal(caps[cap].rights, slot->rights);
    assert_int_equal(caps[cap].memory_type, slot->memory_type);
    if (has_badge(slot->type))
        assert_true(caps[cap].badge == slot->badge);
    if (slot->type == SHEAF_UNTYPED && slot->first_child != NULL)
        assert_true(caps[cap].used == untyped_watermark(slot));
}

typedef void visit_slot(struct slot *slot, unsigned parent, unsigned depth);

static unsigned visit(struct slot *parent, unsigned cap, unsigned depth, visit_slot *function) {
    unsigned count = 0;
    reference_depth = MAX(reference_depth, depth);
    for (struct slot *child = parent->first_child; child != NULL;) {
        function(child, cap, depth);
        count += 1 + visit(child, cap_at(child), depth + 1, function);
        uintptr_t next = child->next;
        child = (next & PARENT_FLAG) != 0 ? NULL : (struct slot *)next;
    }
    return count;
}

static void visit_compare(struct slot *slot, unsigned parent, unsigned depth) {
    (void)depth;
    compare_slot(slot, parent);
}

void reference_compare(void) {
    unsigned expected = 0;
    for (unsigned i = 1; i < cap_count; i++)
        expected += caps[i].at != NULL ? 1u : 0u;
    assert_int_equal(visit(&tree_anchor, ANCHOR, 0, visit_compare), expected);
}

static void visit_import(struct slot *slot, unsigned parent, unsigned depth) {
    (void)depth;
    unsigned cap = reference_add(slot, parent, slot->type, address_of(slot), slot->size_bits,
                                 slot->rights, has_badge(slot->type) ? slot->badge : 0);
    caps[cap].memory_type = slot->memory_type;
    caps[cap].changed = slot->type == SHEAF_UNTYPED && slot->untyped.change != MEMORY_SETTLED;
    if (slot->type == SHEAF_UNTYPED)
        caps[cap].used = untyped_watermark(slot);
    if (slot->type == SLOT_CHUNK) {
        const struct vspace *vspace = chunk_vspace(slot->object);
        caps[cap].vspace = ALIGN_DOWN(port_physical_address(vspace).v, CHUNK_BYTES);
    }
}

void reference_clear(void) {
    memset(index_of, 0, sizeof(index_of));
    memset(caps, 0, sizeof(caps));
    console_index = NO_CAP;
    cap_count = 1;
    mappings_clear();
}

void reference_import(void) {
    visit(&tree_anchor, ANCHOR, 0, visit_import);
    mappings_import();
}
