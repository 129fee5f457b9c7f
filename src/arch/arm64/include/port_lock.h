// SPDX-License-Identifier: BSD-2-Clause
// Ticket locks on the target, with load- and store-exclusive: they need no optional feature.
//
// A PE that waits spins on a load, so that the owner's store finds the line shared once and not
// contended by exclusives.
#ifndef PORT_LOCK_H
#define PORT_LOCK_H

#include <arch_pe.h>

static inline bool lock_held(const struct lock *lock) {
#if defined(SHEAF_DEBUG) && SHEAF_DEBUG
    return __atomic_load_n(&lock->holder, __ATOMIC_RELAXED) == pe_self()->id + 1;
#else
    return __atomic_load_n(&lock->next, __ATOMIC_RELAXED) !=
           __atomic_load_n(&lock->owner, __ATOMIC_RELAXED);
#endif
}

// Debug builds: ranks ascend, and no two of a kind are held.
static inline void port_lock_check_acquire(const struct lock *lock) {
    ASSERT(lock->rank < LOCK_RANKS);
    ASSERT((pe_self()->locks_held >> lock->rank) == 0);
    (void)lock;
}

static inline void port_lock_note_acquired(struct lock *lock) {
#if defined(SHEAF_DEBUG) && SHEAF_DEBUG
    struct pe *pe = pe_self();
    pe->locks_held |= UINT32_C(1) << lock->rank;
    __atomic_store_n(&lock->holder, pe->id + 1, __ATOMIC_RELAXED);
#else
    (void)lock;
#endif
}

static inline void port_lock_note_release(struct lock *lock) {
    ASSERT(lock_held(lock));
#if defined(SHEAF_DEBUG) && SHEAF_DEBUG
    pe_self()->locks_held &= ~(UINT32_C(1) << lock->rank);
    __atomic_store_n(&lock->holder, 0, __ATOMIC_RELAXED);
#else
    (void)lock;
#endif
}

static inline void lock_acquire(struct lock *lock) {
    uint32_t ticket, next, failed;
    port_lock_check_acquire(lock);
    // Relaxed: drawing a ticket orders nothing, seeing it called does.
    __asm__ volatile("1: ldxr %w0, %3\n"
                     "   add %w1, %w0, #1\n"
                     "   stxr %w2, %w1, %3\n"
                     "   cbnz %w2, 1b\n"
                     : "=&r"(ticket), "=&r"(next), "=&r"(failed), "+Q"(lock->next)
                     :
                     : "memory");
    // Load-acquire: what the last owner wrote is visible from here on.
    while (unlikely(__atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) != ticket)) {
        __asm__ volatile("yield");
    }
    port_lock_note_acquired(lock);
}

static inline void lock_release(struct lock *lock) {
    port_lock_note_release(lock);
    // Only the owner writes the word, so no exclusive is needed. Store-release: what was done
    // under the lock is visible to who sees the ticket called.
    __atomic_store_n(&lock->owner, lock->owner + 1, __ATOMIC_RELEASE);
}

#endif
