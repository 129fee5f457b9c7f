// SPDX-License-Identifier: BSD-2-Clause
// Objects for host tests: made, copied, mapped, threads set up.
#include "machine.h"
#include <string.h>

struct result retype(uint64_t from, unsigned type, unsigned bits, uint64_t cnode, uint64_t first,
                     uint64_t count) {
    return INVOKE(from, SHEAF_UNTYPED_RETYPE, type | bits << 8, cnode, first, count);
}

static uint64_t largest_untyped(void) {
    const struct sheaf_bootinfo *info =
        port_kernel_address(slot_of(SHEAF_BOOT_SLOT_BOOTINFO)->frame.address);
    unsigned best = 0;
    for (unsigned i = 1; i < info->untyped_count; i++)
        if (info->untyped[i].size_bits > info->untyped[best].size_bits)
            best = i;
    return info->untyped[best].slot;
}

void retype_many(uint64_t from, unsigned type, unsigned bits, uint64_t first, unsigned count) {
    for (unsigned made = 0; made < count; made += SHEAF_RETYPE_MAX)
        OK(retype(from, type, bits, CNODE, first + made, MIN(count - made, SHEAF_RETYPE_MAX)));
}

uint64_t make_many(unsigned type, unsigned bits, unsigned count) {
    uint64_t first = new_slots(count);
    retype_many(largest_untyped(), type, bits, first, count);
    return first;
}

uint64_t make(unsigned type, unsigned bits) { return make_many(type, bits, 1); }

uint64_t untyped(unsigned bits) { return make(SHEAF_UNTYPED, bits); }

uint64_t make_from(uint64_t from, unsigned type, unsigned bits) {
    uint64_t slot = new_slots(1);
    OK(retype(from, type, bits, CNODE, slot, 1));
    return slot;
}

struct result copy(uint64_t slot, uint64_t source, uint64_t rights) {
    return INVOKE(CNODE, SHEAF_CNODE_COPY, slot, source, rights);
}

uint64_t copy_of(uint64_t source, uint64_t rights) {
    uint64_t slot = new_slots(1);
    OK(copy(slot, source, rights));
    return slot;
}

uint64_t badged(uint64_t source, uint64_t badge) {
    uint64_t slot = new_slots(1);
    OK(INVOKE(CNODE, SHEAF_CNODE_MINT, slot, source, SHEAF_RIGHTS_ALL, badge));
    return slot;
}

struct result destroy(uint64_t slot) { return INVOKE(CNODE, SHEAF_CNODE_DELETE, slot); }

struct result revoke(uint64_t slot) { return INVOKE(CNODE, SHEAF_CNODE_REVOKE, slot); }

uint64_t bytes_left(uint64_t untyped_slot) {
    struct result result = INVOKE(untyped_slot, SHEAF_UNTYPED_INFO);
    OK(result);
    return result.word[2];
}

// ---- Threads

struct thread *thread_of(uint64_t name) {
    assert_int_equal(slot_of(name)->type, SHEAF_THREAD);
    return slot_of(name)->object;
}

// The first capability to the thread in init's CNode.
static uint64_t cap_of(const struct thread *thread) {
    for (uint64_t i = 1;; i++)
        if (slot_of(i)->type == SHEAF_THREAD && slot_of(i)->object == thread)
            return i;
}

void configure(uint64_t thread, uint64_t cspace, uint64_t vspace, uint64_t fault, uint64_t page,
               uint64_t notification) {
    OK(INVOKE(thread, SHEAF_THREAD_CONFIGURE, cspace, vspace, fault, page, notification));
}

void set_priority(uint64_t cap, unsigned priority) {
    OK(INVOKE(cap, SHEAF_THREAD_SET_PRIORITY, priority, 255, INIT));
}

struct helper helper(unsigned priority) {
    struct helper helper = {.cap = make(SHEAF_THREAD, 0), .buffer = make(SHEAF_FRAME, 12)};
    helper.thread = thread_of(helper.cap);
    configure(helper.cap, CNODE, VSPACE, 0, helper.buffer, 0);
    set_priority(helper.cap, priority);
    return helper;
}

void resume(const struct helper *helper) { OK(INVOKE(helper->cap, SHEAF_THREAD_RESUME)); }

// Sets a priority by the running thread's hand, whose registers do not notice.
static void arrange(uint64_t cap, unsigned priority) {
    struct thread *thread = running();
    struct arch_context context = thread->context;
    set_priority(cap, priority);
    thread->context = context;
}

void become(uint64_t cap) {
    struct thread *target = thread_of(cap), *before = running();
    if (before != target) {
        uint64_t cap_before = cap_of(before);
        arrange(cap, PRIORITY_RUNNING);
        arrange(cap_before, PRIORITY_BEHIND);
        assert_ptr_equal(running(), target);
        arrange(cap_before, PRIORITY_READY);
    }
    arrange(cap, PRIORITY_RUNNING);
}

void by(const struct helper *other, struct call call) {
    if (other->thread->state == SHEAF_STATE_SUSPENDED) {
        struct arch_context context = running()->context;
        resume(other);
        running()->context = context;
    }
    become(other->cap);
    execute(&call);
    become(INIT);
    arrange(other->cap, PRIORITY_READY);
}

void interrupt(void) { fake_run(core_interrupt, &fake.pe[0]); }

static uint64_t fault_address, fault_access;

static void run_fault(struct pe *pe) { core_page_fault(pe, VADDR(fault_address), fault_access); }

void page_fault(uint64_t address, uint64_t access) {
    fault_address = address;
    fault_access = access;
    fake_run(run_fault, &fake.pe[0]);
    assert_false(vmsa_holds_locks(0));
}

// ---- Gathers

struct sheaf_gather_op map_op(uint64_t vspace, uint64_t va, uint64_t pages, uint64_t first,
                              uint64_t count, uint64_t rights, uint64_t flags) {
    return (struct sheaf_gather_op){
        {SHEAF_OP_WORD0(SHEAF_OP_MAP, rights, flags), vspace, va, pages, first, count}};
}

struct sheaf_gather_op unmap_op(uint64_t vspace, uint64_t va, uint64_t pages, uint64_t flags) {
    return (struct sheaf_gather_op){
        {SHEAF_OP_WORD0(SHEAF_OP_UNMAP, 0, flags), vspace, va, pages, 0, 0}};
}

struct sheaf_gather_op protect_op(uint64_t space, uint64_t va, uint64_t pages, uint64_t rights,
                                  uint64_t flags) {
    return (struct sheaf_gather_op){
        {SHEAF_OP_WORD0(SHEAF_OP_PROTECT, rights, flags), space, va, pages, 0, 0}};
}

struct sheaf_gather_op age_op(uint64_t space, uint64_t va, uint64_t pages, uint64_t flags) {
    return (struct sheaf_gather_op){
        {SHEAF_OP_WORD0(SHEAF_OP_AGE, 0, flags), space, va, pages, 0, 0}};
}

struct result gather(unsigned count, uint64_t flags) {
    return make_call(
        &(struct call){.number = SHEAF_SYS_GATHER, .gather = SHEAF_GATHER_ARG(count, flags)});
}

struct result gather_op(struct sheaf_gather_op op) {
    buffer()->ops[0] = op;
    return gather(1, 0);
}

void map_frames(uint64_t va, uint64_t first, unsigned count, uint64_t flags) {
    for (unsigned done = 0; done < count; done += SHEAF_MAP_FRAMES) {
        unsigned some = MIN(count - done, SHEAF_MAP_FRAMES);
        OK(gather_op(map_op(VSPACE, va + ((uint64_t)done << 12), some, first + done, some,
                            SHEAF_MAP_READ | SHEAF_MAP_WRITE, flags)));
    }
}

struct place mapping(uint64_t frame) {
    struct result result = INVOKE(frame, SHEAF_FRAME_GET_MAPPING);
    OK(result);
    return (struct place){result.word[0], result.word[1]};
}
