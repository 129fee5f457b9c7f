// SPDX-License-Identifier: BSD-2-Clause
// newlib's locks. All functions and objects of its default (which does nothing) are here together,
// because they are one object file there.
//
// A lock that is taken is waited for by giving way: its holder runs within the same priority, and
// newlib holds a lock for the time of a malloc or of a write. Only reading the console takes long
// while a lock is held, that of stdin.
#include "../thread.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/lock.h>

struct __lock {
    struct sheaf_thread *owner; // NULL: free
    unsigned depth;             // of the owner, for a recursive lock
};

struct __lock __lock___sinit_recursive_mutex;
struct __lock __lock___sfp_recursive_mutex;
struct __lock __lock___atexit_recursive_mutex;
struct __lock __lock___at_quick_exit_mutex;
struct __lock __lock___malloc_recursive_mutex;
struct __lock __lock___env_recursive_mutex;
struct __lock __lock___tz_mutex;
struct __lock __lock___dd_hash_mutex;
struct __lock __lock___arc4random_mutex;

static struct sheaf_thread *self(void) {
    struct sheaf_thread_area *area = sheaf_thread_register();
    return area->thread;
}

static bool try_take(struct __lock *lock, struct sheaf_thread *thread) {
    struct sheaf_thread *expected = NULL;
    return __atomic_compare_exchange_n(&lock->owner, &expected, thread, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

static void take(struct __lock *lock, struct sheaf_thread *thread) {
    while (!try_take(lock, thread))
        sheaf_yield();
}

static bool is_mine(struct __lock *lock, struct sheaf_thread *thread) {
    // Only this thread ever stores its own address here.
    return __atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == thread;
}

void __retarget_lock_init(_LOCK_T *lock) {
    *lock = calloc(1, sizeof **lock);
    if (*lock == NULL)
        abort();
}

void __retarget_lock_init_recursive(_LOCK_T *lock) { __retarget_lock_init(lock); }
void __retarget_lock_close(_LOCK_T lock) { free(lock); }
void __retarget_lock_close_recursive(_LOCK_T lock) { free(lock); }

void __retarget_lock_acquire(_LOCK_T lock) { take(lock, self()); }

int __retarget_lock_try_acquire(_LOCK_T lock) { return try_take(lock, self()) ? 0 : EBUSY; }

void __retarget_lock_release(_LOCK_T lock) {
    __atomic_store_n(&lock->owner, NULL, __ATOMIC_RELEASE);
}

void __retarget_lock_acquire_recursive(_LOCK_T lock) {
    struct sheaf_thread *thread = self();
    if (!is_mine(lock, thread))
        take(lock, thread);
    lock->depth++;
}

int __retarget_lock_try_acquire_recursive(_LOCK_T lock) {
    struct sheaf_thread *thread = self();
    if (!is_mine(lock, thread) && !try_take(lock, thread))
        return EBUSY;
    lock->depth++;
    return 0;
}

void __retarget_lock_release_recursive(_LOCK_T lock) {
    if (--lock->depth == 0)
        __retarget_lock_release(lock);
}
