// SPDX-License-Identifier: BSD-2-Clause
// Spin locks with a rank.
//
// Order: derivation tree, then one CNode's slots, then one VSpace, then an endpoint (or
// notification, or reply), then a run queue; never two of one rank. The mmu's ASID bitmap is the
// last. Debug builds assert the order at every acquire, on one PE as well (docs/locking.md).
// The lock itself belongs to the port: a ticket lock on the target, the machine model on the host.
#ifndef LOCK_H
#define LOCK_H

#include <base.h>

enum lock_rank {
    LOCK_TREE = 0,
    LOCK_CNODE = 1,
    LOCK_VSPACE = 2,
    LOCK_OBJECT = 3, // Endpoint, Notification, Reply
    LOCK_RUN_QUEUE = 4,
    LOCK_ASID = 5,
    LOCK_CONSOLE = 6,
    LOCK_RANKS = 7,
};

// All bytes zero is an unlocked lock of rank LOCK_TREE; others are set by lock_init.
struct lock {
    uint32_t next;  // ticket the next PE draws
    uint32_t owner; // ticket that holds the lock
    uint8_t rank;   // enum lock_rank
    uint8_t pad[3];
    uint32_t holder; // PE + 1, kept in debug builds
};

static inline void lock_init(struct lock *lock, enum lock_rank rank) {
    *lock = (struct lock){.rank = (uint8_t)rank};
}

// Takes the lock with acquire, gives it back with release semantics. Interrupts are masked
// throughout the kernel; a PE that spins still answers interrupts from other PEs.
static inline void lock_acquire(struct lock *lock);
static inline void lock_release(struct lock *lock);

// Whether this PE holds the lock. Exact in debug builds; elsewhere true whenever it is held.
static inline bool lock_held(const struct lock *lock);

#include <port_lock.h> // the three functions: src/arch/arm64/include or test/host/include

#endif
