// SPDX-License-Identifier: BSD-2-Clause
// Locks on the target: an atomic word with a queue (lock.h), and what debug builds check.
#ifndef PORT_LOCK_H
#define PORT_LOCK_H

#include <arch_pe.h>
#include <trace.h>

static inline bool lock_held(const struct lock *lock) {
#if defined(SHEAF_DEBUG) && SHEAF_DEBUG
    return __atomic_load_n(&lock->holder, __ATOMIC_RELAXED) == pe_self()->id + 1;
#else
    return __atomic_load_n(&lock->held, __ATOMIC_RELAXED) != 0;
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
#endif
    trace(TRACE_LOCK, lock->rank, (uint64_t)(uintptr_t)lock, 0);
}

static inline void port_lock_note_release(struct lock *lock) {
    ASSERT(lock_held(lock));
#if defined(SHEAF_DEBUG) && SHEAF_DEBUG
    pe_self()->locks_held &= ~(UINT32_C(1) << lock->rank);
    __atomic_store_n(&lock->holder, 0, __ATOMIC_RELAXED);
#endif
    trace(TRACE_UNLOCK, lock->rank, (uint64_t)(uintptr_t)lock, 0);
}

static inline void lock_relax(void) { __asm__ volatile("yield" ::: "memory"); }

static inline void lock_acquire(struct lock *lock) {
    port_lock_check_acquire(lock);
    if (unlikely(!lock_word_try(lock))) {
        lock_word_wait(lock, pe_self()->id);
    }
    port_lock_note_acquired(lock);
}

static inline bool lock_try(struct lock *lock) {
    port_lock_check_acquire(lock);
    bool taken = lock_word_try(lock);
    if (likely(taken)) {
        port_lock_note_acquired(lock);
    }
    return taken;
}

static inline void lock_release(struct lock *lock) {
    port_lock_note_release(lock);
    lock_word_give(lock);
}

#endif
