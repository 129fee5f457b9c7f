// SPDX-License-Identifier: BSD-2-Clause
// A booted kernel for host tests: the arena is the RAM, the machine model the MMU, the test is what
// all threads execute.
//
// A test makes a system call for the thread that is running now and looks at the registers. Where
// the call was preempted, the harness executes it again, as the processor would, while the thread
// runs. A call that fails is compared: not one byte of RAM may differ but the caller's registers.
#ifndef MACHINE_H
#define MACHINE_H

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "../arch_fake.h"
#include "objects.h"
#include <core.h>
#include <sheaf/bootinfo.h>
#include <vmsa.h>

#define RAM_BYTES (UINT64_C(16) << 20) // of most tests
#define RAM_MOST (UINT64_C(128) << 20)
#define CNODE SHEAF_BOOT_SLOT_CNODE
#define INIT SHEAF_BOOT_SLOT_THREAD
#define VSPACE SHEAF_BOOT_SLOT_VSPACE

// What the boot image is made of; all zero means the good one.
struct image {
    const void *archive; // instead of the generated one
    size_t archive_bytes;
    unsigned ramdisk_offset; // in its page
    uint64_t ram_bytes;      // instead of RAM_BYTES
    unsigned asid_limit;     // address space identifiers, 0: all
    unsigned holes;          // free memory is cut into this many more ranges
    unsigned device_count;
    struct memory_range device[SHEAF_BOOT_DEVICES]; // outside of RAM
    bool kernel_half; // the model has the kernel's own map of RAM, too
    const char *args;
};

struct boot_layout {
    struct core_boot boot;
    uint64_t kernel_end; // [VMSA_BASE, kernel_end) is the kernel's
};

extern paddr_t machine_kernel_root; // 0: the model has none
void machine_prepare(const struct image *image, struct boot_layout *layout); // without core_boot
enum fake_exit machine_start(const struct boot_layout *layout);              // core_boot
void machine_boot(const struct image *image); // a good one; init runs
int machine_setup(void **state);              // cmocka: machine_boot
int machine_teardown(void **state);           // invariants hold, no lock held, no violation

// ---- System calls of the running thread

struct result {
    uint64_t status, tag, badge, x10, x11;
    uint64_t word[SHEAF_REG_WORDS];
};

#define MAX_ARGS 12
struct call {
    uint64_t number, cap, tag, reply, gather, deadline;
    uint64_t word[SHEAF_REG_WORDS];
};

struct thread *running(void);                  // NULL: idle
extern void (*machine_syscall)(struct pe *pe); // the kernel's entry: core_syscall
// Executes it until it is answered, waits, or another thread runs.
void execute(const struct call *call);
void execute_again(void); // the one in the registers, which an interrupt has cut
struct result result_of(const struct thread *thread);
struct result make_call(const struct call *call);

// A method of a kernel object. More than six words go through the caller's buffer.
struct result invoke_words(uint64_t cap, uint64_t method, unsigned count, const uint64_t *words);
#define INVOKE(cap, method, ...)                                                                   \
    invoke_words((cap), (method), sizeof((uint64_t[]){0, ##__VA_ARGS__}) / 8 - 1,                  \
                 (const uint64_t[]){0, ##__VA_ARGS__} + 1)

struct sheaf_ipc_buffer *buffer(void); // of the running thread

// ---- What a test asserts

void check_status(uint64_t status, enum sheaf_error expected, const char *what, const char *file,
                  int line);
#define OK(...) check_status((__VA_ARGS__).status, SHEAF_OK, #__VA_ARGS__, __FILE__, __LINE__)
// The call fails with that error and changes nothing.
#define GATHER_FAILS(error, ...)                                                                   \
    do {                                                                                           \
        buffer()->ops[0] = (__VA_ARGS__);                                                          \
        FAILS(error, gather(1, 0));                                                                \
    } while (0)
#define FAILS(error, ...)                                                                          \
    do {                                                                                           \
        snapshot_take();                                                                           \
        check_status((__VA_ARGS__).status, SHEAF_ERR_##error, #__VA_ARGS__, __FILE__, __LINE__);   \
        snapshot_compare(#__VA_ARGS__, __FILE__, __LINE__);                                        \
    } while (0)
void snapshot_take(void);
void snapshot_compare(const char *what, const char *file, int line);

// ---- Objects, in slots of init's CNode that nobody uses

uint64_t new_slots(unsigned count);
uint64_t untyped(unsigned bits); // of its own, cut from the largest
uint64_t make_from(uint64_t from, unsigned type, unsigned bits);
uint64_t make(unsigned type, unsigned bits);
uint64_t make_many(unsigned type, unsigned bits, unsigned count);
struct result retype(uint64_t from, unsigned type, unsigned bits, uint64_t cnode, uint64_t first,
                     uint64_t count);
// Into init's CNode, in as many calls as it takes.
void retype_many(uint64_t from, unsigned type, unsigned bits, uint64_t first, unsigned count);
struct result copy(uint64_t slot, uint64_t source, uint64_t rights);
uint64_t copy_of(uint64_t source, uint64_t rights);
uint64_t badged(uint64_t source, uint64_t badge);
struct result destroy(uint64_t slot);
struct result revoke(uint64_t slot);
struct slot *slot_of(uint64_t name); // in init's CNode, whatever is in it
struct thread *thread_of(uint64_t name);
bool is_empty(uint64_t name);
uint64_t bytes_left(uint64_t untyped_slot);

// A thread with init's CSpace and VSpace and a buffer of its own, suspended.
struct helper {
    uint64_t cap, buffer;
    struct thread *thread;
};
struct helper helper(unsigned priority);
void resume(const struct helper *helper);
void configure(uint64_t thread, uint64_t cspace, uint64_t vspace, uint64_t fault, uint64_t page,
               uint64_t notification);
// Priorities decide who runs: init and whoever takes its place has PRIORITY_RUNNING.
#define PRIORITY_RUNNING 200u
#define PRIORITY_READY 100u
#define PRIORITY_BEHIND 50u
// The thread, which is ready, runs from now on, and the one that ran stays ready.
void become(uint64_t cap);
// The helper executes the call; then init runs again. Nobody's registers change otherwise.
void by(const struct helper *other, struct call call);
void set_priority(uint64_t cap, unsigned priority);
void interrupt(void); // one comes while user space runs
void page_fault(uint64_t address, uint64_t access);

// ---- Gathers

struct sheaf_gather_op map_op(uint64_t vspace, uint64_t va, uint64_t pages, uint64_t first,
                              uint64_t count, uint64_t rights, uint64_t flags);
struct sheaf_gather_op unmap_op(uint64_t vspace, uint64_t va, uint64_t pages, uint64_t flags);
struct sheaf_gather_op protect_op(uint64_t space, uint64_t va, uint64_t pages, uint64_t rights,
                                  uint64_t flags);
struct sheaf_gather_op age_op(uint64_t space, uint64_t va, uint64_t pages, uint64_t flags);
struct result gather(unsigned count, uint64_t flags);
struct result gather_op(struct sheaf_gather_op op);
// Frames of a page each into init's VSpace, in as many calls as it takes.
void map_frames(uint64_t va, uint64_t first, unsigned count, uint64_t flags);
// Where the Frame capability says it is mapped; pages 0: nowhere.
struct place {
    uint64_t va, pages;
};
struct place mapping(uint64_t frame);

#define TEST(function) cmocka_unit_test_setup_teardown(function, machine_setup, machine_teardown)

// ---- Invariants (invariants.c): tree order, references, queues, memory without overlap, records

void check_invariants(void);
// A hash of what user space can see of the capabilities and objects: slots, tree, states. Equal
// after the same operations, with and without preemption.
uint64_t fingerprint(void);

#endif
