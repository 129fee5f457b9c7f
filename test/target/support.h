// SPDX-License-Identifier: BSD-2-Clause
// What cases stand on: slots, objects, mappings and threads that vanish when the case is over.
//
// All objects of a case come from one Untyped, the arena. After the case the arena is revoked,
// which kills its threads and VSpaces, and must then have all its memory again.
#ifndef TARGET_SUPPORT_H
#define TARGET_SUPPORT_H

#include "call.h"

#include <stdbool.h>

#define ROOT SHEAF_BOOT_SLOT_CNODE
#define OWN_VSPACE SHEAF_BOOT_SLOT_VSPACE
#define OWN_THREAD SHEAF_BOOT_SLOT_THREAD
#define ARENA_BITS 26
#define PAGE UINT64_C(4096)
#define BLOCK (UINT64_C(2) << 20)
#define TABLE_PAGES UINT64_C(512)
#define USER_HALF_PAGES (UINT64_C(1) << 36) // 48-bit addresses
#define ALL_ACCESS (SHEAF_MAP_READ | SHEAF_MAP_WRITE)

// The main thread runs at this priority, helper threads mostly below it.
#define MAIN_PRIORITY 100
#define LOW_PRIORITY 50

// The slot `index` of the CNode in slot `cnode` of the root.
#define IN_CNODE(cnode, index)                                                                     \
    ((sheaf_cptr)(cnode) | ((sheaf_cptr)(index) << SHEAF_BOOT_CNODE_BITS))

const struct sheaf_bootinfo *boot_information(void);
bool surroundings_prepare(void); // once; false: too little memory
sheaf_cptr sheaf_silence(void);  // what the C library's sleep waits on
void surroundings_begin(void);   // before each case
void surroundings_end(void);     // after each case
_Noreturn void power_off(uint64_t status);
uint64_t counter(enum sheaf_counter which);

sheaf_cptr arena(void);
sheaf_cptr new_slot(void);            // an empty slot of the root CNode
sheaf_cptr new_slots(unsigned count); // consecutive ones
uint64_t new_place(uint64_t bytes);   // unused addresses of this VSpace, aligned to 2 MiB
sheaf_cptr make(unsigned type, unsigned bits);
// In as many calls as it takes.
void retype_many(sheaf_cptr untyped, unsigned type, unsigned bits, sheaf_cptr cnode, uint64_t first,
                 unsigned count);
sheaf_cptr make_many(unsigned type, unsigned bits, unsigned count);
sheaf_cptr make_untyped_apart(unsigned bits); // of memory that is not the arena's
sheaf_cptr make_from(sheaf_cptr untyped, unsigned type, unsigned bits);
sheaf_cptr copy_of(sheaf_cptr source, uint64_t rights);
sheaf_cptr badged(sheaf_cptr source, uint64_t rights, uint64_t badge);
sheaf_cptr make_vspace(unsigned chunks);

struct untyped_info {
    uint64_t physical, bits, left, memory_type;
};
struct untyped_info untyped_info(sheaf_cptr untyped);
uint64_t frame_address(sheaf_cptr frame);
bool frame_mapping(sheaf_cptr frame, uint64_t *va, uint64_t *pages);
struct vspace_info {
    uint64_t chunks, free, used, chunks_max;
};
struct vspace_info vspace_info(sheaf_cptr vspace);
// The type that the capability's answers show; SHEAF_NULL if the slot is empty.
enum sheaf_type probe_type(sheaf_cptr cap);
bool slot_is_empty(sheaf_cptr cap);

struct sheaf_ipc_buffer *own_buffer(void);
// A gather of one operation, and one that must succeed.
struct gathered gather_one(struct sheaf_gather_op op);
struct gathered must_gather(struct sheaf_gather_op op);
// Maps `count` Frames of a page each, in as many calls as it takes.
void map_frames(sheaf_cptr vspace, uint64_t va, sheaf_cptr first, unsigned count, uint64_t rights,
                uint64_t flags);
// Maps a whole Frame into this VSpace, accessed and dirty, and answers where.
void *map_here(sheaf_cptr frame, unsigned bits, uint64_t rights);
void unmap_here(void *at, uint64_t pages);

// Lets threads of lower priority run until `thread` is in `state`.
void wait_for_state(sheaf_cptr thread, enum sheaf_thread_state state);

// A thread in this VSpace and CSpace. `function` must not use the C library.
#define MAX_HELPERS 8
#define HELPER_WORDS 8
struct helper {
    sheaf_cptr thread;
    sheaf_cptr done; // signalled at the end
    sheaf_cptr buffer_frame;
    struct sheaf_ipc_buffer *buffer;
    void (*function)(struct helper *self);
    uint64_t argument[HELPER_WORDS];
    volatile uint64_t result[HELPER_WORDS];
    volatile bool finished;
    unsigned priority;
    sheaf_cptr cspace; // 0: the main thread's
    sheaf_cptr fault_endpoint, fault_notification;
    uint64_t thread_register;
};
// Makes the thread without starting it; arguments and fault endpoint may still be set.
struct helper *new_helper(void (*function)(struct helper *self), unsigned priority);
void start(struct helper *helper); // configures, then resumes
struct helper *spawn(void (*function)(struct helper *self), unsigned priority, uint64_t argument0,
                     uint64_t argument1, uint64_t argument2);
void restart(struct helper *helper); // a suspended one begins again
void join(struct helper *helper);

// A thread in a VSpace of its own. Its code is a copy of the functions of child.c.
#define CHILD_CODE UINT64_C(0x00400000)
#define CHILD_STACK_TOP UINT64_C(0x00601000)
#define CHILD_BUFFER UINT64_C(0x00602000)
#define CHILD_PAGE UINT64_C(0x00603000)
#define CHILD_FREE UINT64_C(0x40000000) // from here on the test maps what it likes
struct child_page {                     // mapped in both VSpaces
    uint64_t thread, done;
    uint64_t argument[8];
    volatile uint64_t result[64];
    volatile uint64_t finished;
};
struct child {
    sheaf_cptr thread, vspace, done, buffer_frame;
    struct child_page *page;
};
// Everything but started.
struct child new_child(void (*entry)(struct child_page *page), unsigned priority,
                       sheaf_cptr fault_endpoint, sheaf_cptr fault_notification);
void start_child(struct child *child);
// Lets a suspended child begin again.
void restart_child(struct child *child, void (*entry)(struct child_page *page));
void join_child(struct child *child);
uint32_t child_instruction(uint64_t pc); // what a child executes there

#endif
