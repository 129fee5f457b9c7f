// SPDX-License-Identifier: BSD-2-Clause
// The queue of PEs that wait for a lock (lock.h).
//
// Each waits for a word of its own, which its predecessor changes once: so a release is seen by one
// PE and not fetched by all. The first of the queue waits for `held`.
#include <lock.h>

_Static_assert(MAX_PES < UINT16_MAX, "`last` names a PE");

static struct place {
    _Alignas(64) unsigned next; // PE + 1 of the successor; 0: not yet known, or none
    bool first;                 // nobody is before this PE
} places[MAX_PES];

// Until every PE before this one has had its turn.
static void join(struct lock *lock, struct place *place, uint16_t self) {
    place->next = 0;
    place->first = false;
    // Release: the successor writes to the place. Acquire: this one writes to its predecessor's.
    uint16_t before = __atomic_exchange_n(&lock->last, self, __ATOMIC_ACQ_REL);
    if (before != 0) {
        __atomic_store_n(&places[before - 1].next, self, __ATOMIC_RELEASE);
        while (!__atomic_load_n(&place->first, __ATOMIC_ACQUIRE)) {
            lock_relax();
        }
    }
}

void lock_word_wait(struct lock *lock, unsigned pe) {
    struct place *place = &places[pe];
    uint16_t self = (uint16_t)(pe + 1);
    join(lock, place, self);
    while (__atomic_load_n(&lock->held, __ATOMIC_ACQUIRE) != 0) {
        lock_relax();
    }
    // Only the first of the queue can take it now. The last one leaves no queue behind.
    struct lock alone = {.last = self}, owned = {.held = 1};
    if (__atomic_compare_exchange_n(&lock->word, &alone.word, owned.word, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED)) {
        return;
    }
    __atomic_store_n(&lock->held, 1, __ATOMIC_RELAXED);
    unsigned next;
    while ((next = __atomic_load_n(&place->next, __ATOMIC_ACQUIRE)) == 0) {
        lock_relax(); // it has exchanged `last`, and is about to say who it is
    }
    __atomic_store_n(&places[next - 1].first, true, __ATOMIC_RELEASE);
}
