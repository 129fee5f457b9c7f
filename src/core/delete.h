// SPDX-License-Identifier: BSD-2-Clause
// Deleting capabilities, and what dies with them: design section 4, "Order of death".
//
// A slice of deletions is never preempted in its middle:
//
//      tree lock   mark up to DELETE_SLICE slots as dying
//      no lock     clear the leaves their records name; finish: DSB ISHST, TLBI, DSB ISH
//      tree lock   take the slots out of the tree; end objects that lost their last capability
//
// A second deleter that meets a dying slot helps: it takes the slot into its own slice and the
// first one passes it over. Its own finish completes what the first one has only begun, because
// clearing by record completes what is pending in that VSpace.
//
// A CNode or Thread that dies is a container of slots that must be deleted too, among them perhaps
// the last capability to another container, and so on in cycles. So a dying container is not
// emptied at once: its place in the tree is taken by a tombstone inside the container itself (the
// memory is still used, the Untyped has a child), the slot that named it is free at once, and the
// tombstone joins the list of burials. Emptying a container is a sequence of ordinary slices, which
// may add tombstones to the list but never recurse: the stack is bounded whatever the capabilities
// name. Every delete and revoke ends by emptying the whole list; so does the idle loop, for
// deleters that did not live to do it.
#ifndef DELETE_H
#define DELETE_H

#include "lookup.h"

#define DELETE_SLICE 32 // slots; bounds the time with interrupts masked

void delete_init(void); // once, with an empty tree

// Deletes the capability in `slot`; nothing if it is empty. OK, or PREEMPTED when the slot, dying,
// still holds it: the object that dies with it is not through.
enum sheaf_error slot_delete(struct pe *pe, struct slot *slot);

// Deletes all that was derived from `slot`, but the CNodes on the `way` (NULL: those too), so that
// the call can name the slot again after an interrupt, and so that none of the containers that are
// emptied on the occasion is one that leads to it. OK or PREEMPTED.
enum sheaf_error slot_revoke(struct pe *pe, struct slot *slot, const struct way *way);

// After slot_revoke was through: deletes the CNodes that it has left, all of them in one slice that
// no interrupt cuts. With the first of them the call's name may mean nothing, so nobody would come
// back for the others. Their contents are left to the burials; `slot` may be among these.
void slot_revoke_way(struct pe *pe, struct slot *slot);

// Gives `count` slots, none of which can be named any more, to the burials. `tombstone` is empty
// and lies, as they do, in the object that `owner` names.
void slots_retire(struct slot *owner, struct slot *tombstone, struct slot *slots, uint64_t count);

// Moves the capability in `from`, with its place in the tree, to the empty slot `to` in `home`.
// tree_lock held.
void slot_move(struct slot *to, struct cnode *home, struct slot *from);

// Empties dead containers. OK when none is left, or PREEMPTED.
enum sheaf_error burials_continue(struct pe *pe);

#endif
