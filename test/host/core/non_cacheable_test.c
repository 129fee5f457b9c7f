// SPDX-License-Identifier: BSD-2-Clause
// Non-cacheable memory: which Untypeds become so and which are refused, what happens to the
// kernel's own map of them, and how they become Normal again. The machine model has the kernel's
// half here: it reports a cacheable alias beside a non-cacheable leaf, a change without a complete
// break, and memory that may be in a cache.
#include "machine.h"
#include <memory_type.h>
#include <mmu.h>
#include <string.h>

#define VA UINT64_C(0x4000000000)
#define NC SHEAF_MEMORY_NON_CACHEABLE
#define BLOCK ALIAS_BLOCK_BYTES

static uint64_t parent; // 8 MiB, empty

static void boot(uint64_t ram_bytes) {
    machine_boot(&(struct image){.kernel_half = true, .ram_bytes = ram_bytes});
    parent = SHEAF_BOOT_SLOT_FIRST_DYNAMIC;
    while (slot_of(parent)->type != SHEAF_UNTYPED || slot_of(parent)->size_bits != 23)
        parent++;
}

static int setup(void **state) {
    (void)state;
    boot(0);
    return 0;
}

static struct result retype_as(uint64_t from, unsigned type, unsigned bits, unsigned memory_type,
                               uint64_t first, uint64_t count) {
    return INVOKE(from, SHEAF_UNTYPED_RETYPE, type | bits << 8 | (uint64_t)memory_type << 16, CNODE,
                  first, count);
}

static uint64_t make_as(uint64_t from, unsigned type, unsigned bits, unsigned memory_type) {
    uint64_t slot = new_slots(1);
    OK(retype_as(from, type, bits, memory_type, slot, 1));
    return slot;
}

static unsigned type_of(uint64_t memory) {
    struct result result = INVOKE(memory, SHEAF_UNTYPED_INFO);
    OK(result);
    return (unsigned)result.word[3];
}

// The kernel's own leaf for an address of RAM.
static uint64_t kernel_leaf(uint64_t address) {
    uint64_t page = (VMSA_KERNEL_HALF + address) >> PAGE_BITS;
    paddr_t table = machine_kernel_root;
    for (unsigned level = 0; level < 2; level++)
        table = PADDR(port_desc_read(table, page >> (27 - 9 * level) & 511).v &
                      UINT64_C(0x0000fffffffff000));
    return port_desc_read(table, page >> 9 & 511).v;
}

static bool is_non_cacheable_at(uint64_t address) {
    uint64_t leaf = kernel_leaf(address);
    assert_int_equal(leaf & 3, 1); // a block, and in the map
    return (leaf >> 2 & 7) == NC;
}

// The n-th block of an Untyped.
static bool is_non_cacheable(uint64_t memory, unsigned n) {
    return is_non_cacheable_at(untyped_address(slot_of(memory)).v + n * BLOCK);
}

static uint64_t count(enum sheaf_counter counter) { return vmsa_counter(counter); }

static unsigned kernel_tlbis(void) {
    unsigned found = 0;
    for (size_t i = 0; i < vmsa_log_count(); i++)
        found += vmsa_log()[i].kind == PORT_TLBI_VAALE1IS;
    return found;
}

// What another PE may reach by the kernel's half: for each, one address.
static void assert_reached(uint64_t memory, uint64_t offset) {
    paddr_t found[2], wanted = PADDR(untyped_address(slot_of(memory)).v + offset);
    for (unsigned pe = 0; pe < MAX_PES; pe++) {
        assert_int_equal(vmsa_reachable_by_kernel(pe, VADDR(VMSA_KERNEL_HALF + wanted.v), found, 2),
                         1);
        assert_int_equal(found[0].v, wanted.v);
    }
}

static void fill(uint64_t frame, int byte, size_t bytes) {
    memset(port_kernel_address(slot_of(frame)->frame.address), byte, bytes);
}

static void assert_zero(uint64_t frame) {
    const char *bytes = port_kernel_address(slot_of(frame)->frame.address);
    for (uint64_t i = 0; i < BIT(slot_of(frame)->size_bits); i++)
        assert_int_equal(bytes[i], 0);
}

// ---- There

static void the_first_retype_changes_all_of_it(void **state) {
    (void)state;
    uint64_t memory = make_from(parent, SHEAF_UNTYPED, 22);
    vmsa_log_reset();
    uint64_t frame = make_as(memory, SHEAF_FRAME, 12, NC);
    assert_int_equal(type_of(memory), NC);
    assert_true(is_non_cacheable(memory, 0) && is_non_cacheable(memory, 1));
    assert_false(is_non_cacheable(parent, 2));
    assert_int_equal(kernel_tlbis(), 2);
    assert_int_equal(vmsa_dsb_count(), 3); // break, completion, make
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_CHANGED), 2);
    assert_int_equal(count(SHEAF_COUNTER_TLBI_VAALE1IS), 2);
    assert_zero(frame);
    assert_reached(memory, 3 * PAGE_BYTES);
    struct result result = INVOKE(frame, SHEAF_FRAME_GET_ADDRESS);
    assert_int_equal(result.word[0], untyped_address(slot_of(memory)).v);
    assert_int_equal(result.word[2], NC);
    // The second one finds it so.
    vmsa_log_reset();
    uint64_t second = make_as(memory, SHEAF_FRAME, 16, NC);
    assert_int_equal(vmsa_dsb_count() + vmsa_log_count(), 0);
    assert_int_equal(slot_of(second)->frame.address.v,
                     untyped_address(slot_of(memory)).v + BIT(16));
}

static void frames_are_mapped_as_they_are(void **state) {
    (void)state;
    uint64_t frame = make_as(make_from(parent, SHEAF_UNTYPED, 21), SHEAF_FRAME, 21, NC);
    uint64_t copied = copy_of(frame, SHEAF_RIGHTS_ALL);
    const uint64_t rights = SHEAF_MAP_READ | SHEAF_MAP_WRITE;
    OK(gather_op(map_op(VSPACE, VA, 512, frame, 1, rights, 0)));
    OK(gather_op(map_op(VSPACE, VA + BLOCK, 512, copied, 1, rights | SHEAF_MAP_EXECUTE, 0)));
    assert_int_equal(mapping(frame).pages, 512);
    OK(gather_op(protect_op(VSPACE, VA, 512, SHEAF_MAP_READ, 0)));
    OK(gather_op(unmap_op(VSPACE, VA, 512, 0)));
    OK(destroy(frame));
}

static void smaller_untypeds_are_of_the_same_type(void **state) {
    (void)state;
    uint64_t memory = make_from(parent, SHEAF_UNTYPED, 22), slot = new_slots(1);
    uint64_t piece = make_as(memory, SHEAF_UNTYPED, 16, NC);
    assert_int_equal(type_of(memory), NC);
    assert_int_equal(type_of(piece), NC);
    FAILS(MEMORY_TYPE, retype(piece, SHEAF_FRAME, 12, CNODE, slot, 1)); // empty, but not its doing
    FAILS(MEMORY_TYPE, retype(piece, SHEAF_UNTYPED, 12, CNODE, slot, 1));
    uint64_t frame = make_as(piece, SHEAF_FRAME, 12, NC);
    OK(revoke(piece));
    assert_true(is_empty(frame));
    assert_int_equal(type_of(piece), NC);
    make_as(piece, SHEAF_FRAME, 12, NC);
    OK(revoke(memory));
    assert_int_equal(type_of(memory), SHEAF_MEMORY_NORMAL);
}

static void what_is_refused(void **state) {
    (void)state;
    uint64_t memory = make_from(parent, SHEAF_UNTYPED, 22), slot = new_slots(3);
    uint64_t small = make_from(parent, SHEAF_UNTYPED, 20);
    FAILS(MEMORY_TYPE, retype_as(small, SHEAF_FRAME, 12, NC, slot, 1));
    FAILS(IN_USE, retype_as(parent, SHEAF_FRAME, 12, NC, slot, 1));
    FAILS(MEMORY_TYPE, retype_as(memory, SHEAF_ENDPOINT, 0, NC, slot, 1));
    FAILS(MEMORY_TYPE, retype_as(memory, SHEAF_FRAME, 12, SHEAF_MEMORY_DEVICE, slot, 1));
    FAILS(NO_MEMORY, retype_as(memory, SHEAF_FRAME, 23, NC, slot, 1));
    FAILS(NO_MEMORY, retype_as(memory, SHEAF_FRAME, 21, NC, slot, 3));
    FAILS(SLOT_OCCUPIED, retype_as(memory, SHEAF_FRAME, 12, NC, CNODE, 1));
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_CHANGED), 0);
    uint64_t frame = make_as(memory, SHEAF_FRAME, 12, NC);
    FAILS(IN_USE, retype(memory, SHEAF_FRAME, 12, CNODE, slot, 1));
    FAILS(IN_USE, retype(memory, SHEAF_UNTYPED, 21, CNODE, slot, 1));
    FAILS(IN_USE, retype(memory, SHEAF_THREAD, 0, CNODE, slot, 1));
    FAILS(IN_USE, INVOKE(VSPACE, SHEAF_VSPACE_GROW, memory, 1));
    FAILS(MEMORY_TYPE, retype_as(memory, SHEAF_FRAME, 12, SHEAF_MEMORY_DEVICE, slot, 1));
    FAILS(MEMORY_TYPE, retype_as(memory, SHEAF_CNODE, 4, NC, slot, 1));
    uint64_t thread = make(SHEAF_THREAD, 0);
    FAILS(MEMORY_TYPE, INVOKE(thread, SHEAF_THREAD_CONFIGURE, 0, 0, 0, frame, 0));
}

// A block that the kernel has something in is in no Untyped that could change.
static void the_kernels_own_memory_is_left_alone(void **state) {
    (void)state;
    const struct sheaf_bootinfo *info =
        port_kernel_address(slot_of(SHEAF_BOOT_SLOT_BOOTINFO)->frame.address);
    unsigned changed = 0, refused = 0;
    for (unsigned i = 0; i < info->untyped_count; i++) {
        uint64_t memory = info->untyped[i].slot, slot = new_slots(1);
        bool empty = bytes_left(memory) == BIT(info->untyped[i].size_bits);
        if (info->untyped[i].size_bits < 21) {
            FAILS(MEMORY_TYPE, retype_as(memory, SHEAF_UNTYPED, 6, NC, slot, 1));
            refused++;
        } else if (empty) {
            OK(retype_as(memory, SHEAF_UNTYPED, 6, NC, slot, 1));
            changed++;
        }
    }
    assert_true(changed > 0 && refused > 0);
    assert_false(is_non_cacheable_at(VMSA_BASE));
    assert_false(alias_can_change(PADDR(VMSA_BASE + PAGE_BYTES), BLOCK));
    assert_false(alias_can_change(PADDR(VMSA_BASE), 0));
    assert_false(alias_can_change(PADDR(VMSA_BASE), BLOCK / 2));
    assert_false(alias_can_change(PADDR(UINT64_C(1) << 40), BLOCK)); // no RAM
}

// ---- And back

static void a_revoke_only_queues(void **state) {
    (void)state;
    uint64_t memory = make_from(parent, SHEAF_UNTYPED, 22);
    make_as(memory, SHEAF_FRAME, 12, NC);
    vmsa_log_reset();
    OK(revoke(memory));
    assert_int_equal(kernel_tlbis(), 0);
    assert_int_equal(type_of(memory), SHEAF_MEMORY_NORMAL);
    assert_int_equal(bytes_left(memory), BIT(22));
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_QUEUED), 2);
    assert_true(is_non_cacheable(memory, 0) && is_non_cacheable(memory, 1));
    // Memory of elsewhere does not call for them.
    uint64_t other = make_from(parent, SHEAF_FRAME, 12);
    assert_zero(other);
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_PURGES), 0);
    assert_int_equal(kernel_tlbis(), 0);
}

static void one_purge_takes_all_that_is_queued(void **state) {
    (void)state;
    uint64_t first = make_from(parent, SHEAF_UNTYPED, 21),
             second = make_from(parent, SHEAF_UNTYPED, 22);
    fill(make_as(first, SHEAF_FRAME, 12, NC), 0xee, PAGE_BYTES);
    fill(make_as(second, SHEAF_FRAME, 12, NC), 0xee, PAGE_BYTES);
    OK(revoke(first));
    OK(revoke(second));
    vmsa_log_reset();
    uint64_t frame = make_from(second, SHEAF_FRAME, 13);
    assert_int_equal(kernel_tlbis(), 3);
    assert_int_equal(vmsa_dsb_count(), 3);
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_PURGED), 3);
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_PURGES), 1);
    assert_false(is_non_cacheable(first, 0) || is_non_cacheable(second, 0) ||
                 is_non_cacheable(second, 1));
    assert_zero(frame);
    assert_reached(second, 0);
    vmsa_log_reset();
    make_from(first, SHEAF_THREAD, 0);
    make_from(second, SHEAF_CNODE, 4);
    assert_int_equal(vmsa_log_count() + vmsa_dsb_count(), 0);
}

static void what_is_queued_can_be_kept(void **state) {
    (void)state;
    uint64_t memory = make_from(parent, SHEAF_UNTYPED, 22);
    fill(make_as(memory, SHEAF_FRAME, 12, NC), 0xee, PAGE_BYTES);
    OK(revoke(memory));
    vmsa_log_reset();
    assert_zero(make_as(memory, SHEAF_FRAME, 12, NC));
    assert_int_equal(vmsa_log_count() + vmsa_dsb_count(), 0);
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_KEPT), 2);
    OK(INVOKE(parent, SHEAF_UNTYPED_PURGE)); // nothing is queued any more
    assert_true(is_non_cacheable(memory, 0) && is_non_cacheable(memory, 1));
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_PURGED), 0);
}

static void a_purge_on_request(void **state) {
    (void)state;
    uint64_t memory = make_from(parent, SHEAF_UNTYPED, 22),
             rest = make_from(parent, SHEAF_UNTYPED, 21);
    uint64_t frame = make_as(memory, SHEAF_FRAME, 12, NC);
    make_as(rest, SHEAF_FRAME, 12, NC);
    OK(INVOKE(memory, SHEAF_UNTYPED_PURGE)); // in use
    assert_int_equal(type_of(memory), NC);
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_QUEUED), 0);
    OK(destroy(frame)); // empty, but nobody has said so yet
    assert_int_equal(type_of(memory), NC);
    OK(INVOKE(memory, SHEAF_UNTYPED_PURGE));
    assert_int_equal(type_of(memory), SHEAF_MEMORY_NORMAL);
    assert_false(is_non_cacheable(memory, 0) || is_non_cacheable(memory, 1));
    assert_true(is_non_cacheable(rest, 0)); // in use
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_PURGED), 2);
    vmsa_log_reset();
    make_from(memory, SHEAF_FRAME, 21);
    OK(INVOKE(parent, SHEAF_UNTYPED_PURGE)); // nothing is queued
    assert_int_equal(vmsa_log_count() + vmsa_dsb_count(), 0);
}

static void an_empty_one_changes_by_what_is_asked_of_it(void **state) {
    (void)state;
    uint64_t memory = make_from(parent, SHEAF_UNTYPED, 22);
    OK(destroy(make_as(memory, SHEAF_FRAME, 12, NC)));
    OK(destroy(make_as(memory, SHEAF_FRAME, 12, NC))); // begins anew, as it is
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_CHANGED), 2);
    assert_int_equal(bytes_left(memory), BIT(22));
    OK(destroy(make_from(memory, SHEAF_FRAME, 22)));
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_PURGED), 2);
    make_as(memory, SHEAF_UNTYPED, 21, NC);
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_CHANGED), 4);
}

// ---- Untypeds that are deleted

static void an_empty_one_is_queued_when_it_dies(void **state) {
    (void)state;
    uint64_t memory = make_from(parent, SHEAF_UNTYPED, 21),
             address = untyped_address(slot_of(memory)).v;
    OK(destroy(make_as(memory, SHEAF_FRAME, 12, NC)));
    vmsa_log_reset();
    OK(destroy(memory));
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_QUEUED), 1);
    assert_int_equal(kernel_tlbis(), 0);
    OK(INVOKE(parent, SHEAF_UNTYPED_PURGE));
    assert_false(is_non_cacheable_at(address));
}

static void what_was_made_of_it_outlives_it(void **state) {
    (void)state;
    uint64_t memory = make_from(parent, SHEAF_UNTYPED, 21),
             address = untyped_address(slot_of(memory)).v;
    uint64_t piece = make_as(memory, SHEAF_UNTYPED, 20, NC),
             frame = make_as(memory, SHEAF_FRAME, 12, NC);
    OK(gather_op(map_op(VSPACE, VA, 1, frame, 1, SHEAF_MAP_READ, 0)));
    OK(destroy(memory));
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_QUEUED), 0);
    OK(INVOKE(parent, SHEAF_UNTYPED_PURGE));
    assert_true(is_non_cacheable_at(address)); // the Frame lives, and is mapped
    OK(gather_op(map_op(VSPACE, VA + PAGE_BYTES, 1, make_as(piece, SHEAF_FRAME, 12, NC), 1,
                        SHEAF_MAP_READ, 0)));
    make_from(parent, SHEAF_FRAME, 21); // beside it
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_PURGES), 0);
    OK(revoke(parent));
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_QUEUED), 1);
    uint64_t whole = make_from(parent, SHEAF_FRAME, 23);
    assert_false(is_non_cacheable_at(address));
    assert_zero(whole);
}

static void a_revoke_from_above_takes_all_at_once(void **state) {
    (void)state;
    uint64_t outer = make_from(parent, SHEAF_UNTYPED, 22);
    uint64_t memory = make_from(outer, SHEAF_UNTYPED, 21);
    uint64_t frame = make_as(make_as(memory, SHEAF_UNTYPED, 20, NC), SHEAF_FRAME, 12, NC);
    OK(gather_op(map_op(VSPACE, VA, 1, frame, 1, SHEAF_MAP_READ | SHEAF_MAP_WRITE, 0)));
    OK(revoke(parent));
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_QUEUED), 1);
    assert_int_equal(bytes_left(parent), BIT(23));
    uint64_t frames = new_slots(4);
    OK(retype(parent, SHEAF_FRAME, 21, CNODE, frames, 4));
    for (unsigned i = 0; i < 4; i++) {
        assert_false(is_non_cacheable(parent, i));
        assert_zero(frames + i);
    }
}

// ---- Scenario 4-d: another type while what was deferred may still be cached

static void scenario_4d_another_type_after_a_deferred_unmap(void **state) {
    (void)state;
    uint64_t memory = make_from(parent, SHEAF_UNTYPED, 21), slot = new_slots(1);
    uint64_t frame = make_from(memory, SHEAF_FRAME, 12);
    paddr_t reached[2];
    OK(gather_op(map_op(VSPACE, VA, 1, frame, 1, SHEAF_MAP_READ, SHEAF_OP_ACCESSED)));
    buffer()->ops[0] = unmap_op(VSPACE, VA, 1, 0);
    OK(gather(1, SHEAF_GATHER_DEFER));
    assert_int_equal(vmsa_reachable(0, VADDR(VA), reached, 2), 1); // still
    FAILS(IN_USE, retype_as(memory, SHEAF_FRAME, 12, NC, slot, 1));
    OK(revoke(memory)); // completes it first
    assert_int_equal(vmsa_reachable(0, VADDR(VA), reached, 2), 0);
    OK(retype_as(memory, SHEAF_FRAME, 12, NC, slot, 1)); // the model judges the order
    OK(gather_op(map_op(VSPACE, VA + PAGE_BYTES, 1, slot, 1, SHEAF_MAP_READ, SHEAF_OP_ACCESSED)));
    // And the other way round.
    buffer()->ops[0] = unmap_op(VSPACE, VA + PAGE_BYTES, 1, 0);
    OK(gather(1, SHEAF_GATHER_DEFER));
    OK(revoke(memory));
    OK(gather_op(map_op(VSPACE, VA, 1, make_from(memory, SHEAF_FRAME, 12), 1, SHEAF_MAP_READ, 0)));
}

// ---- With interrupts

// A whole life, with an interrupt at every `polls`-th poll.
static uint64_t live(uint64_t polls) {
    boot(UINT64_C(128) << 20);
    uint64_t large = SHEAF_BOOT_SLOT_FIRST_DYNAMIC;
    while (slot_of(large)->type != SHEAF_UNTYPED || slot_of(large)->size_bits != 26)
        large++;
    fake_set_interrupts(polls);
    uint64_t frames = new_slots(2), memory = make_from(large, SHEAF_UNTYPED, 25);
    OK(retype_as(large, SHEAF_FRAME, 24, SHEAF_MEMORY_NORMAL, frames, 1)); // zeroed in slices
    OK(retype_as(memory, SHEAF_FRAME, 14, NC, frames + 1, 1));
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_CHANGED), 16);
    assert_zero(frames + 1);
    OK(gather_op(map_op(VSPACE, VA, 4, frames + 1, 1, SHEAF_MAP_READ | SHEAF_MAP_WRITE, 0)));
    OK(revoke(large));
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_QUEUED), 16);
    OK(retype_as(large, SHEAF_FRAME, 12, SHEAF_MEMORY_NORMAL, frames, 1));
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_PURGED), 16);
    assert_zero(frames);
    OK(revoke(large));
    OK(retype_as(large, SHEAF_FRAME, 12, NC, frames, 1));
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_CHANGED), 16 + 32);
    OK(destroy(frames));
    OK(INVOKE(large, SHEAF_UNTYPED_PURGE));
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_PURGED), 16 + 32);
    fake_set_interrupts(VMSA_NEVER);
    check_invariants();
    return fake.interrupts;
}

static void it_goes_on_after_interrupts(void **state) {
    (void)state;
    assert_int_equal(live(VMSA_NEVER), 0);
    assert_true(live(0) > 30); // at each
    assert_true(live(1) > 10);
    assert_true(live(7) > 1);
}

// One execution of the call, which an interrupt cuts after so many polls.
static bool is_through(const struct call *call, uint64_t polls) {
    struct thread *thread = running();
    uint64_t pc = thread->context.pc;
    uint64_t *reg = thread->context.reg;
    reg[SHEAF_REG_SYSCALL] = call->number;
    reg[SHEAF_REG_CAP] = call->cap;
    reg[SHEAF_REG_TAG] = call->tag;
    memcpy(&reg[SHEAF_REG_WORD0], call->word, sizeof(call->word));
    thread->context.pc = pc + FAKE_INSTRUCTION_BYTES;
    fake_set_interrupts(polls);
    fake_run(machine_syscall, &fake.pe[0]);
    fake_set_interrupts(VMSA_NEVER);
    return thread->context.pc != pc;
}

// While the retype that changes an Untyped is interrupted, another thread makes something else of
// its memory; then the call goes on.
static void another_comes_first(uint64_t polls, bool gone) {
    boot(0);
    struct helper other = helper(PRIORITY_READY);
    uint64_t above = make_from(parent, SHEAF_UNTYPED, 22), slots = new_slots(2);
    uint64_t memory = make_from(above, SHEAF_UNTYPED, 21);
    const uint64_t what = SHEAF_FRAME | 16 << 8;
    struct call call = {.number = SHEAF_SYS_CALL,
                        .cap = memory,
                        .tag = SHEAF_TAG(SHEAF_UNTYPED_RETYPE, 4),
                        .word = {what | (uint64_t)NC << 16, CNODE, slots, 1}};
    struct call delete = {.number = SHEAF_SYS_CALL,
                          .cap = CNODE,
                          .tag = SHEAF_TAG(SHEAF_CNODE_DELETE, 1),
                          .word = {memory}};
    struct call use = call;
    use.word[0] = what;
    use.word[2] = slots + 1;
    bool through = is_through(&call, polls);
    if (through)
        OK(destroy(slots));
    struct arch_context context = running()->context;
    if (gone)
        by(&other, delete);
    else
        by(&other, use);
    if (gone)
        OK(retype(above, SHEAF_FRAME, 21, CNODE, slots + 1, 1));
    else
        assert_false(is_empty(slots + 1));
    assert_zero(slots + 1);
    running()->context = context;
    if (!through) {
        struct result result = make_call(&call);
        check_status(result.status, gone ? SHEAF_ERR_INVALID_CAPABILITY : SHEAF_ERR_IN_USE,
                     "the call that was interrupted", __FILE__, __LINE__);
    }
    OK(gather_op(map_op(VSPACE, VA, gone ? 512 : 16, slots + 1, 1, SHEAF_MAP_READ, 0)));
    check_invariants();
}

static void another_thread_comes_first(void **state) {
    (void)state;
    for (uint64_t polls = 0; polls < 8; polls++) {
        another_comes_first(polls, false);
        another_comes_first(polls, true);
    }
}

// Between finding out what is to be done and the slice no lock is held: another PE may have done
// it, or may be deleting the Untyped.
static void a_slice_looks_again(void **state) {
    (void)state;
    struct slot *slot = slot_of(make_from(parent, SHEAF_UNTYPED, 21));
    lock_acquire(&tree_lock);
    memory_type_begin(slot, NC);
    assert_int_equal(memory_type_work(slot, 0, PAGE_BYTES), MEMORY_CHANGE);
    slot->flags |= SLOT_DYING;
    lock_release(&tree_lock);
    memory_type_slice(slot, MEMORY_CHANGE);
    assert_false(is_non_cacheable_at(untyped_address(slot).v));
    slot->flags &= (uint8_t)~SLOT_DYING;
    memory_type_slice(slot, MEMORY_QUEUE); // leaving is what it is not
    assert_int_equal(slot->untyped.change, MEMORY_CHANGING);
    while (slot->untyped.change == MEMORY_CHANGING)
        memory_type_slice(slot, MEMORY_CHANGE);
    assert_true(is_non_cacheable_at(untyped_address(slot).v));
    uint64_t changed = count(SHEAF_COUNTER_ALIAS_CHANGED);
    memory_type_slice(slot, MEMORY_CHANGE);
    assert_int_equal(slot->untyped.change, MEMORY_CHANGED);
    assert_int_equal(count(SHEAF_COUNTER_ALIAS_CHANGED), changed);
}

int main(void) {
#define ALIAS_TEST(function) cmocka_unit_test_setup_teardown(function, setup, machine_teardown)
    const struct CMUnitTest tests[] = {
        ALIAS_TEST(the_first_retype_changes_all_of_it),
        ALIAS_TEST(frames_are_mapped_as_they_are),
        ALIAS_TEST(smaller_untypeds_are_of_the_same_type),
        ALIAS_TEST(what_is_refused),
        ALIAS_TEST(the_kernels_own_memory_is_left_alone),
        ALIAS_TEST(a_revoke_only_queues),
        ALIAS_TEST(one_purge_takes_all_that_is_queued),
        ALIAS_TEST(what_is_queued_can_be_kept),
        ALIAS_TEST(a_purge_on_request),
        ALIAS_TEST(an_empty_one_changes_by_what_is_asked_of_it),
        ALIAS_TEST(an_empty_one_is_queued_when_it_dies),
        ALIAS_TEST(what_was_made_of_it_outlives_it),
        ALIAS_TEST(a_revoke_from_above_takes_all_at_once),
        ALIAS_TEST(scenario_4d_another_type_after_a_deferred_unmap),
        ALIAS_TEST(it_goes_on_after_interrupts),
        ALIAS_TEST(another_thread_comes_first),
        ALIAS_TEST(a_slice_looks_again),
    };
    return cmocka_run_group_tests_name("core.non_cacheable", tests, NULL, NULL);
}
