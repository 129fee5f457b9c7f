// SPDX-License-Identifier: BSD-2-Clause
// Locks on the host: the machine model's. They pass visibility of stores on, as on the target.
#ifndef PORT_LOCK_H
#define PORT_LOCK_H

void vmsa_lock_acquire(struct lock *lock);
void vmsa_lock_release(struct lock *lock);
bool vmsa_lock_held(const struct lock *lock);

static inline void lock_acquire(struct lock *lock) { vmsa_lock_acquire(lock); }

// Whoever would have to wait in the model stops it: nobody else runs.
static inline bool lock_try(struct lock *lock) {
    vmsa_lock_acquire(lock);
    return true;
}

// For PEs that are threads of the host: another one may need this processor to go on. Declared here
// because the C library's header has the name of one of core's.
int sched_yield(void);
static inline void lock_relax(void) { sched_yield(); }

static inline void lock_release(struct lock *lock) { vmsa_lock_release(lock); }

static inline bool lock_held(const struct lock *lock) { return vmsa_lock_held(lock); }

#endif
