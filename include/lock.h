// SPDX-License-Identifier: BSD-2-Clause
// Spin locks with a rank, fair.
//
// Order: derivation tree, then one CNode's slots, then one VSpace, then an endpoint or
// notification, then a run queue; never two of one rank. The mmu's ASID bitmap is the
// last. Debug builds assert the order at every acquire, on one PE as well (docs/locking.md).
// The target's locks are the word below; the host's belong to the machine model.
#ifndef LOCK_H
#define LOCK_H

#include <base.h>

enum lock_rank {
    LOCK_TREE = 0,
    LOCK_CNODE = 1,
    LOCK_VSPACE = 2,
    LOCK_OBJECT = 3, // Endpoint, Notification
    LOCK_RUN_QUEUE = 4,
    LOCK_ASID = 5,
    LOCK_ALIAS = 6, // the kernel's own map of RAM
    LOCK_CONSOLE = 7,
    LOCK_RANKS = 8,
};

// All bytes zero is a free lock of rank LOCK_TREE; others are set by lock_init. A lock that was
// taken and given back is as it was.
struct lock {
    union {
        uint32_t word; // 0: free, and nobody waits
        struct {
            uint8_t held; // 1: by a PE
            uint8_t unused;
            uint16_t last; // PE + 1 of the last one that waits; 0: nobody does
        };
    };
    uint8_t rank; // enum lock_rank
    uint8_t pad[3];
    uint32_t holder; // PE + 1, kept in debug builds
    uint32_t reserved;
};

static inline void lock_init(struct lock *lock, enum lock_rank rank) {
    *lock = (struct lock){.rank = (uint8_t)rank};
}

// ---- The word: held by whom is not said, waited for in order of arrival.
//
// Free and without a queue the word is 0, and taking it is one compare-and-swap. Where it is not 0,
// a PE joins the queue (src/arch/arm64/lock.c) by exchanging `last`. A word whose `last` is not 0
// cannot be taken by who comes later, so the first of the queue is the next owner, and nobody waits
// for more than the critical sections of the MAX_PES - 1 others. A PE waits for one lock at a time,
// so each needs one place in queues, whatever the number of locks.
//
// `held` is stored as a byte, and taken as part of the word. That is sound: a store to any byte of
// it takes the reservation of another PE's load-exclusive away (Arm manual, "Exclusive access
// instructions and Shareable memory locations"), and a load-acquire of the word that reads the byte
// from a store-release is ordered after it ("Load-Acquire, Load-AcquirePC, and Store-Release").

// Whether it was free, and is held now. Acquire: what the last owner wrote is visible.
static inline bool lock_word_try(struct lock *lock) {
    uint32_t found = 0;
    __atomic_compare_exchange_n(&lock->word, &found, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
    return found == 0; // the value, which is in a register already; the flag costs a compare more
}

// Release: what was done under the lock is visible to who finds it free. Only the owner writes the
// byte, so nothing need be read.
static inline void lock_word_give(struct lock *lock) {
    __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

// Takes a word that was not free: waits in the queue, as PE number `pe`.
void lock_word_wait(struct lock *lock, unsigned pe);

// ---- What the kernel calls

// Takes the lock with acquire, gives it back with release semantics. Interrupts are masked
// throughout the kernel; a PE that spins still answers interrupts from other PEs.
static inline void lock_acquire(struct lock *lock);
static inline bool lock_try(struct lock *lock); // the same, if nobody has it; else false
static inline void lock_release(struct lock *lock);

// One turn of a wait for a lock.
static inline void lock_relax(void);

// Whether this PE holds the lock. Exact in debug builds; elsewhere true whenever it is held.
static inline bool lock_held(const struct lock *lock);

#include <port_lock.h> // the functions: src/arch/arm64/include or test/host/include

#endif
