// SPDX-License-Identifier: BSD-2-Clause
// The reference: what capabilities there are, as a plain set.
//
// An element says in which slot it is, what it names and from which element it was derived. There
// are no lists, no links between siblings, no reference counts, no marks: what dies with what is
// found by looking at the whole set again. So it has little in common with src/core but the
// documentation (docs/system-calls.md), and can be judged by reading it beside that.
#ifndef REFERENCE_H
#define REFERENCE_H

#include "../core/machine.h"

#define MOST_CAPS 2048u
#define ANCHOR 0u // the element that what was handed out at boot is derived from
#define NO_CAP 0u

struct cap {
    struct slot *at;  // where it is; NULL: the element is not in use
    uint64_t address; // what it names: physical address, or type for Console and System
    uint64_t badge;   // Endpoint, Notification
    uint64_t used;    // Untyped: bytes up to the watermark
    uint64_t vspace;  // chunk: the VSpace it belongs to, by the address of its first chunk
    unsigned parent;  // index of the element it was derived from
    uint8_t type;     // enum sheaf_type or SLOT_CHUNK
    uint8_t rights, size_bits;
    uint8_t memory_type; // what all that is derived from it has, too
    bool changed;        // Untyped: to non-cacheable, by a retype of its own
    bool doomed;
};

extern struct cap caps[MOST_CAPS];
extern unsigned cap_count; // elements [1, cap_count) may be in use

void reference_clear(void);
void reference_import(void);              // takes over what the kernel has now
unsigned cap_at(const struct slot *slot); // NO_CAP: the slot is empty
struct slot *slot_in_cnode(const struct cap *cnode, uint64_t index);
struct slot *slot_in_thread(const struct cap *thread, unsigned which);
struct slot *slot_attached(const struct cap *cap); // of a Timer, an IrqHandler, the Console
uint64_t interrupt_of(const struct cap *handler);  // 0: none
unsigned handler_of(uint64_t interrupt);           // NO_CAP: none
bool has_children(unsigned cap);
unsigned reference_depth_of(unsigned cap); // how many it descends from
uint64_t bytes_used(unsigned untyped);     // 0 again when nothing is derived from it
// Whether the Untyped can become of another type, or is: MEMORY_TYPE, IN_USE as they are
// documented.
enum sheaf_error memory_type_error(unsigned untyped, unsigned memory_type);
void reference_change(unsigned untyped, unsigned memory_type); // which it can
void reference_reset(unsigned untyped); // Normal again, if it was changed and is empty
bool vspace_dead(uint64_t address);     // its memory was taken back while a capability names it
bool dies_with(unsigned cap, bool itself, const struct slot *slot);

unsigned reference_add(struct slot *at, unsigned parent, unsigned type, uint64_t address,
                       unsigned size_bits, uint64_t rights, uint64_t badge);
void reference_derive(struct slot *at, unsigned source, uint64_t rights, uint64_t badge);
void reference_move(struct slot *to, unsigned cap);
void reference_exchange(unsigned a, unsigned b); // the two change places
void reference_delete(unsigned cap);
void reference_drop(unsigned cap);   // it alone, whatever it names
void reference_revoke(unsigned cap); // everything derived from it

// The slot that `name` means to the thread; the documented error where it means none.
enum sheaf_error reference_resolve(const struct thread *thread, uint64_t name, unsigned *cap);

// The slot itself, empty or not; NULL with the error where the name leads nowhere.
struct slot *reference_place(const struct thread *thread, uint64_t name, enum sheaf_error *error);

// Slots from that one on to the end of its CNode.
uint64_t reference_room(const struct thread *thread, uint64_t name);

// Every capability of the kernel is in the set, with the same parent, and the other way round.
void reference_compare(void);
extern unsigned reference_depth; // deepest derivation seen by reference_compare

#endif
