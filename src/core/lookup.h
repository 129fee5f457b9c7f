// SPDX-License-Identifier: BSD-2-Clause
// From a capability pointer to a slot.
//
// The lowest bits of the pointer index the thread's root CNode, as many as that CNode has; the
// rest, shifted down, indexes the CNode found there, until the rest is zero. Why so, and not from
// the top with guards and a depth argument: a name needs no second number to be understood; what
// is in the root CNode, which is nearly everything, costs a compare, an add and a load; and
// consecutive slots of the root are consecutive numbers, which vectors like MAP's (first, count)
// rest on. The price is that index 0 of a CNode cannot be named: its space holds the CNode's head.
//
// The thread's own CSpace capability serves until its slot is empty, also while it is dying: as
// long as it is there the CNode is whole, and to ask would cost every look-up a load. What is
// named, and each CNode on the way to it, must be alive: DEAD otherwise.
//
// No lock is taken. On one PE nothing comes between a look-up and its use but a preemption point,
// and after that everything is looked up again. What a look-up returns is never kept.
#ifndef LOOKUP_H
#define LOOKUP_H

#include "objects.h"

#define LOOKUP_LEVELS 8 // CNodes on the way; a longer name is RANGE

enum sheaf_error lookup_levels(const struct thread *thread, sheaf_cptr name, struct slot **out);

// The slot named, whatever is in it, and the CNode that holds it. False where there is none.
bool lookup_place(const struct thread *thread, sheaf_cptr name, struct slot **out,
                  struct cnode **home);

// The slots that a name goes through which has just been looked up: the thread's CSpace, and so on
// to what is named. All but the last are CNodes, and as long as all stay the name means the same.
struct way {
    unsigned count;
    const struct slot *slot[LOOKUP_LEVELS + 1];
};
void lookup_way(const struct thread *thread, sheaf_cptr name, struct way *way);

// The slot of the root CNode that is named, whatever is in it. False: the name is another's, or
// none. One compare for "not 0", "one level" and "there is a CSpace": size_bits is 0 without one.
// The address comes first, so that it takes no branch, and as a number: of such a name it is none.
static inline bool lookup_in_root(const struct thread *thread, sheaf_cptr name, struct slot **out) {
    const struct slot *root = &thread->slot[THREAD_CSPACE];
    *out = (struct slot *)((uintptr_t)root->object + name * sizeof(struct slot));
    return likely(name - 1 < BIT(root->size_bits) - 1);
}

// The slot named, with a living capability in it. INVALID_CAPABILITY, DEAD, RANGE.
static inline enum sheaf_error lookup(const struct thread *thread, sheaf_cptr name,
                                      struct slot **out) {
    struct slot *slot;
    if (likely(lookup_in_root(thread, name, &slot) && slot->type != SHEAF_NULL &&
               slot->flags == 0)) {
        *out = slot;
        return SHEAF_OK;
    }
    return lookup_levels(thread, name, out);
}

// The same, of that type; else WRONG_TYPE.
enum sheaf_error lookup_type_levels(const struct thread *thread, sheaf_cptr name,
                                    enum sheaf_type type, struct slot **out);
static inline enum sheaf_error lookup_type(const struct thread *thread, sheaf_cptr name,
                                           enum sheaf_type type, struct slot **out) {
    struct slot *slot;
    if (likely(lookup_in_root(thread, name, &slot) && slot->living_type == type)) {
        *out = slot;
        return SHEAF_OK;
    }
    return lookup_type_levels(thread, name, type, out);
}

#endif
