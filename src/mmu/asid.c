// SPDX-License-Identifier: BSD-2-Clause
// ASIDs: a bitmap with a rotating start, and for each ASID the VSpace that has it.
//
// An ASID belongs to its VSpace from creation to death; there is no rollover. So an ASID read once
// stays right for as long as the VSpace is pinned, and the old trap of reading it before the
// descriptor stores and invalidating another's (Arm manual, "Address space identifiers") is not
// there. The rotating start makes a number come back as late as possible, which leaves a use
// after free of a number the time to be noticed; safety does not rest on it.
#include "asid.h"

static struct {
    struct lock lock;
    unsigned limit;    // ASIDs 1 to limit are given; 0 is the empty root's
    unsigned last;     // given last
    unsigned given;    // how many
    uint64_t *used;    // a bit each
    uint64_t full[16]; // bit n % 64 of [n / 64]: all 64 of used[n] are given
    uint32_t *vspace;  // physical address of the first chunk >> 16; 0: none
} asids;

size_t mmu_asid_table_bytes(unsigned asid_bits) {
    size_t count = (size_t)1 << asid_bits;
    return count / 8 + count * sizeof(uint32_t);
}

void asid_init(const struct mmu_config *config) {
    size_t count = (size_t)1 << config->asid_bits;
    lock_init(&asids.lock, LOCK_ASID);
    asids.limit = (unsigned)count - 1;
    if (config->asid_limit != 0)
        asids.limit = MIN(asids.limit, config->asid_limit);
    asids.last = 0;
    asids.given = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(asids.full); i++)
        asids.full[i] = 0;
    asids.used = config->asid_table;
    void *behind = asids.used + count / 64;
    asids.vspace = behind;
    asids.used[0] = 1;
}

// The first bit of `words` that is 0 from `from` on, and below `end`; else `end`.
static unsigned first_clear(const uint64_t *words, unsigned from, unsigned end) {
    for (unsigned n = from; n < end; n = (n | 63) + 1) {
        uint64_t clear = ~words[n / 64] >> (n % 64);
        if (clear != 0)
            return MIN(n + (unsigned)__builtin_ctzll(clear), end);
    }
    return end;
}

// The first free ASID in [from, to], or 0. Two words of `used` and 16 of `full` are looked at, at
// most, however many ASIDs are given.
static unsigned find_free(unsigned from, unsigned to) {
    unsigned last = MIN(from | 63, to); // in the first word
    unsigned n = first_clear(asids.used, from, last + 1);
    if (n > last && last < to) {
        unsigned word = first_clear(asids.full, n / 64, to / 64 + 1);
        n = first_clear(asids.used, word * 64, to + 1);
    }
    return n <= to ? n : 0;
}

bool asid_allocate(asid_t *out) {
    lock_acquire(&asids.lock);
    unsigned n = find_free(asids.last + 1, asids.limit);
    if (n == 0)
        n = find_free(1, MIN(asids.last, asids.limit));
    if (n != 0) {
        asids.used[n / 64] |= BIT(n % 64);
        if (asids.used[n / 64] == UINT64_MAX)
            asids.full[n / 64 / 64] |= BIT(n / 64 % 64);
        asids.last = n;
        asids.given++;
    }
    lock_release(&asids.lock);
    *out = ASID(n);
    return n != 0;
}

void asid_publish(const struct vspace *vspace) {
    uint64_t address = port_physical_address(vspace).v;
    lock_acquire(&asids.lock);
    asids.vspace[vspace->asid.v] = (uint32_t)(address >> SHEAF_CHUNK_BITS);
    lock_release(&asids.lock);
}

bool mmu_has_asids(uint64_t count) {
    return count <= asids.limit - __atomic_load_n(&asids.given, __ATOMIC_RELAXED);
}

void vspace_pin(struct vspace *vspace) { __atomic_fetch_add(&vspace->pins, 1, __ATOMIC_ACQUIRE); }

void vspace_unpin(struct vspace *vspace) { __atomic_fetch_sub(&vspace->pins, 1, __ATOMIC_RELEASE); }

struct vspace *asid_pin(asid_t asid) {
    struct vspace *vspace = NULL;
    if (asid.v == 0 || asid.v > asids.limit)
        return NULL;
    lock_acquire(&asids.lock);
    if (asids.vspace[asid.v] != 0) {
        paddr_t chunk = PADDR((uint64_t)asids.vspace[asid.v] << SHEAF_CHUNK_BITS);
        vspace = &((struct first_chunk *)port_kernel_address(chunk))->vspace;
        vspace_pin(vspace);
    }
    lock_release(&asids.lock);
    return vspace;
}

bool asid_release(struct vspace *vspace) {
    unsigned n = vspace->asid.v;
    lock_acquire(&asids.lock);
    bool unpinned = __atomic_load_n(&vspace->pins, __ATOMIC_ACQUIRE) == 0;
    if (unpinned) {
        port_note(PORT_EVENT_ROOT_RELEASED, vspace_root(vspace).v, n);
        asids.vspace[n] = 0;
        asids.used[n / 64] &= ~BIT(n % 64);
        asids.full[n / 64 / 64] &= ~BIT(n / 64 % 64);
        asids.given--;
    }
    lock_release(&asids.lock);
    return unpinned;
}
