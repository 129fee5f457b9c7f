// SPDX-License-Identifier: BSD-2-Clause
// The derivation tree: insert, remove, replace, each in constant time; and a walk without a stack.
//
// There is no parent pointer in a node. The last sibling's `next` and the first sibling's
// `previous` name the parent instead, flagged in bit 0. A parent pointer in every node would make
// "its children take its place", which every deletion needs, as long as there are children.
#include "slot.h"

#define PARENT ((uintptr_t)1)

struct lock tree_lock = {.rank = LOCK_TREE};
struct slot tree_anchor;

static inline bool names_parent(uintptr_t link) { return (link & PARENT) != 0; }
static inline struct slot *link_slot(uintptr_t link) { return (struct slot *)(link & ~PARENT); }
static inline uintptr_t parent_link(const struct slot *node) { return (uintptr_t)node | PARENT; }

void tree_insert_child(struct slot *parent, struct slot *child) {
    ASSERT(lock_held(&tree_lock));
    struct slot *last = parent->last_child;
    child->first_child = NULL;
    child->last_child = NULL;
    child->next = parent_link(parent);
    if (last != NULL) {
        last->next = (uintptr_t)child;
        child->previous = (uintptr_t)last;
    } else {
        parent->first_child = child;
        child->previous = parent_link(parent);
    }
    parent->last_child = child;
}

void tree_insert_before(struct slot *node, struct slot *sibling) {
    ASSERT(lock_held(&tree_lock));
    sibling->first_child = NULL;
    sibling->last_child = NULL;
    sibling->previous = node->previous;
    sibling->next = (uintptr_t)node;
    if (names_parent(node->previous)) {
        link_slot(node->previous)->first_child = sibling;
    } else {
        link_slot(node->previous)->next = (uintptr_t)sibling;
    }
    node->previous = (uintptr_t)sibling;
}

// What leads forward to a node with this `previous` link leads to `to` from now on. `to` is a link
// too: when it names the parent, there is no sibling left on that side.
static void lead_forward(uintptr_t previous, uintptr_t to) {
    if (names_parent(previous)) {
        link_slot(previous)->first_child = names_parent(to) ? NULL : link_slot(to);
    } else {
        link_slot(previous)->next = to;
    }
}

static void lead_backward(uintptr_t next, uintptr_t to) {
    if (names_parent(next)) {
        link_slot(next)->last_child = names_parent(to) ? NULL : link_slot(to);
    } else {
        link_slot(next)->previous = to;
    }
}

void tree_remove(struct slot *node) {
    ASSERT(lock_held(&tree_lock));
    struct slot *first = node->first_child, *last = node->last_child;
    if (first != NULL) {
        first->previous = node->previous;
        last->next = node->next;
        lead_forward(node->previous, (uintptr_t)first);
        lead_backward(node->next, (uintptr_t)last);
    } else {
        lead_forward(node->previous, node->next);
        lead_backward(node->next, node->previous);
    }
    node->next = 0;
    node->previous = 0;
    node->first_child = NULL;
    node->last_child = NULL;
}

void tree_replace(struct slot *node, struct slot *by) {
    ASSERT(lock_held(&tree_lock));
    by->next = node->next;
    by->previous = node->previous;
    by->first_child = node->first_child;
    by->last_child = node->last_child;
    lead_forward(by->previous, (uintptr_t)by);
    lead_backward(by->next, (uintptr_t)by);
    if (by->first_child != NULL) {
        by->first_child->previous = parent_link(by);
        by->last_child->next = parent_link(by);
    }
    node->next = 0;
    node->previous = 0;
    node->first_child = NULL;
    node->last_child = NULL;
}

bool tree_climb(const struct slot *root, struct slot **node, uint64_t *levels) {
    ASSERT(lock_held(&tree_lock));
    struct slot *at = *node;
    for (; at != root && names_parent(at->next); --*levels) {
        if (*levels == 0) {
            *node = at;
            return false;
        }
        at = link_slot(at->next);
    }
    *node = at == root ? NULL : link_slot(at->next);
    return true;
}

struct slot *tree_next(const struct slot *root, struct slot *node) {
    ASSERT(lock_held(&tree_lock));
    if (node->first_child != NULL) {
        return node->first_child;
    }
    uint64_t levels = UINT64_MAX;
    tree_climb(root, &node, &levels);
    return node;
}
