// SPDX-License-Identifier: BSD-2-Clause
// EVICT: unmaps what capabilities and all that were derived from them have mapped.
//
// It walks the derivation tree, which holds any number of capabilities and changes whenever the
// tree lock is dropped. So the place of a walk that is interrupted is in the tree itself: a cursor
// in front of the node to go on with (behind the last child of an ancestor, on the way back up from
// a long chain), and a fence behind the last one that was there when the walk began. Both lie in
// the Thread. Deletions pass over them. Whatever is deleted, moved or derived meanwhile, the nodes
// between the two are the named capability's descendants and no others: the order of the nodes that
// stay is kept by every change of the tree. So the walk goes on where it was, does not visit again
// what it has visited, and never leaves the subtree.
//
// What comes next in that order is listed, and cleared table by table (gather_clear_records): some
// of those behind the place may be through already. The place is in front of the first that is not.
//
// Who takes all away around such a pair (a revoke above it, a retype of the emptied Untyped) takes
// the pair out as well: a thread that never goes on must not hold memory back. The walk of that one
// capability then begins again, over what is left of it.
#ifndef EVICT_H
#define EVICT_H

#include "gather_call.h"

// EVICT. *done counts named capabilities that are through: it goes on there after PREEMPTED. *begun
// is false at first. `report`: NULL, or 2 bits for each named capability, which are cleared at
// first and added to; bits of those that are not through may be among them already, so all of it
// has to be kept. INVALID_CAPABILITY, WRONG_TYPE, DEAD, ZERO_LENGTH, RANGE: nothing was changed,
// but what an earlier, interrupted execution did.
enum sheaf_error evict_operation(struct thread *thread, struct gather *gather,
                                 const struct operation *operation, uint64_t *done, bool *begun,
                                 uint8_t *report);

// Whether the node is one of a walk's two.
static inline bool evict_is_place(const struct slot *node) { return node->type == SLOT_WALK; }
// Takes the walk that the node belongs to out of the tree. tree_lock held.
void evict_forget_place(struct slot *node);
// The same for what a thread has left there, if anything. tree_lock held, or not.
void evict_forget(struct thread *thread);
void evict_abandon(struct thread *thread);

#endif
