// SPDX-License-Identifier: BSD-2-Clause
// Device Untypeds: what init is given, what can be made of them, and that the kernel never reaches
// for what is there.
#include "machine.h"
#include <mmu.h>
#include <string.h>

#define LOW UINT64_C(0x09001000) // a page, then one of two, then one of four ...
#define LOW_BYTES UINT64_C(0x1000000)
#define HIGH UINT64_C(0x10000000000)
#define HIGH_BYTES UINT64_C(0x10000000000)
#define VA UINT64_C(0x4000000000)

static const struct image image = {
    .device_count = 2,
    .device = {{PADDR(LOW), LOW_BYTES}, {PADDR(HIGH), HIGH_BYTES}},
};

static uint64_t aliases_asked_for; // of RAM

// ---- The kernel's own mapping: it has none of anything outside of RAM

void *__wrap_vmsa_kernel_address(paddr_t address);
void *__real_vmsa_kernel_address(paddr_t address);
void __wrap_vmsa_sync_instructions(paddr_t start, size_t bytes);
void __real_vmsa_sync_instructions(paddr_t start, size_t bytes);

static void check_ram(paddr_t address) {
    if (address.v < VMSA_BASE || address.v >= VMSA_BASE + RAM_BYTES)
        fail_msg("the kernel asks for its mapping of %lx", (unsigned long)address.v);
    aliases_asked_for++;
}

void *__wrap_vmsa_kernel_address(paddr_t address) {
    check_ram(address);
    return __real_vmsa_kernel_address(address);
}

void __wrap_vmsa_sync_instructions(paddr_t start, size_t bytes) {
    check_ram(start);
    __real_vmsa_sync_instructions(start, bytes);
}

static int setup(void **state) {
    (void)state;
    machine_boot(&image);
    return 0;
}

static int teardown(void **state) {
    assert_true(aliases_asked_for > 0); // the linker has put the checks in place
    return machine_teardown(state);
}

// ---- Help

static const struct sheaf_bootinfo *information(void) {
    return port_kernel_address(slot_of(SHEAF_BOOT_SLOT_BOOTINFO)->frame.address);
}

static struct result device_retype(uint64_t from, unsigned type, unsigned bits, uint64_t first,
                                   uint64_t count) {
    return INVOKE(from, SHEAF_UNTYPED_RETYPE, type | bits << 8 | SHEAF_MEMORY_DEVICE << 16, CNODE,
                  first, count);
}

static uint64_t device_make(uint64_t from, unsigned type, unsigned bits) {
    uint64_t slot = new_slots(1);
    OK(device_retype(from, type, bits, slot, 1));
    return slot;
}

// The piece of the second range, which is 2^40 bytes.
static uint64_t high(void) { return information()->device[1].slot; }

static desc_t leaf_at(uint64_t va, unsigned level) {
    paddr_t table = PADDR(port_loaded_root() & UINT64_C(0x0000fffffffff000));
    for (unsigned i = 0;; i++) {
        desc_t desc = port_desc_read(table, va >> (39 - 9 * i) & 511);
        if (i == level)
            return desc;
        assert_int_equal(desc.v & 3, 3);
        table = PADDR(desc.v & UINT64_C(0x0000fffffffff000));
    }
}

static struct sheaf_gather_op map_frame(uint64_t va, uint64_t bytes, uint64_t frame,
                                        uint64_t rights, uint64_t flags) {
    return map_op(VSPACE, va, bytes >> PAGE_BITS, frame, 1, rights, flags);
}

// ---- What init is given

static void ranges_are_cut_into_aligned_pieces(void **state) {
    (void)state;
    const struct sheaf_bootinfo *info = information();
    assert_int_equal(info->device_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        const struct sheaf_boot_device *device = &info->device[i];
        uint64_t at = device->physical;
        assert_int_equal(at, image.device[i].start.v);
        assert_int_equal(device->bytes, image.device[i].bytes);
        for (unsigned j = 0; j < device->count; j++) {
            struct result piece = INVOKE(device->slot + j, SHEAF_UNTYPED_INFO);
            OK(piece);
            assert_int_equal(piece.word[0], at);
            assert_true(IS_ALIGNED(at, BIT(piece.word[1])));
            assert_int_equal(piece.word[2], BIT(piece.word[1]));
            assert_int_equal(piece.word[3], SHEAF_MEMORY_DEVICE);
            at += BIT(piece.word[1]);
        }
        assert_int_equal(at, device->physical + device->bytes);
    }
    assert_int_equal(info->device[0].count, 13); // 4 KiB to 8 MiB, and 4 KiB at the end
    assert_int_equal(info->device[1].count, 1);
    assert_true(info->first_free_slot > info->device[1].slot);
}

static void all_of_the_table_can_be_filled(void **state) {
    (void)state;
    struct image many = {.device_count = SHEAF_BOOT_DEVICES};
    for (unsigned i = 0; i < SHEAF_BOOT_DEVICES; i++)
        many.device[i] = (struct memory_range){PADDR(HIGH + i * UINT64_C(3) * PAGE_BYTES),
                                               PAGE_BYTES * (1 + i % 2)};
    machine_boot(&many);
    const struct sheaf_bootinfo *info = information();
    assert_int_equal(info->device_count, SHEAF_BOOT_DEVICES);
    for (unsigned i = 0; i < SHEAF_BOOT_DEVICES; i++) {
        struct result piece = INVOKE(info->device[i].slot, SHEAF_UNTYPED_INFO);
        assert_int_equal(piece.word[0], many.device[i].start.v);
    }
}

// ---- What can be made of them

static void frames_and_smaller_pieces(void **state) {
    (void)state;
    uint64_t piece = device_make(high(), SHEAF_UNTYPED, 30), first = new_slots(4);
    OK(device_retype(piece, SHEAF_FRAME, 12, first, 3));
    OK(device_retype(piece, SHEAF_FRAME, 21, first + 3, 1));
    static const uint64_t offsets[] = {0, 0x1000, 0x2000, 0x200000};
    for (unsigned i = 0; i < 4; i++) {
        struct result frame = INVOKE(first + i, SHEAF_FRAME_GET_ADDRESS);
        OK(frame);
        assert_int_equal(frame.word[0], HIGH + offsets[i]);
        assert_int_equal(frame.word[1], i < 3 ? 12 : 21);
        assert_int_equal(frame.word[2], SHEAF_MEMORY_DEVICE);
        uint64_t copied = copy_of(first + i, SHEAF_RIGHT_READ);
        assert_int_equal(INVOKE(copied, SHEAF_FRAME_GET_ADDRESS).word[2], SHEAF_MEMORY_DEVICE);
    }
    FAILS(NO_MEMORY, device_retype(piece, SHEAF_FRAME, 30, new_slots(1), 1));
    check_invariants();
}

static void nothing_else(void **state) {
    (void)state;
    static const unsigned others[] = {
        SHEAF_CNODE, SHEAF_THREAD, SHEAF_ENDPOINT,    SHEAF_NOTIFICATION,
        SHEAF_REPLY, SHEAF_VSPACE, SHEAF_IRQ_HANDLER, SHEAF_TIMER,
    };
    uint64_t slot = new_slots(1), ram = untyped(13);
    for (unsigned i = 0; i < ARRAY_SIZE(others); i++) {
        unsigned bits = others[i] == SHEAF_CNODE ? 4 : 0;
        FAILS(MEMORY_TYPE, retype(high(), others[i], bits, CNODE, slot, 1));
        FAILS(MEMORY_TYPE, device_retype(high(), others[i], bits, slot, 1));
    }
    FAILS(MEMORY_TYPE, retype(high(), SHEAF_FRAME, 12, CNODE, slot, 1));
    FAILS(MEMORY_TYPE, retype(high(), SHEAF_UNTYPED, 12, CNODE, slot, 1));
    FAILS(MEMORY_TYPE,
          INVOKE(high(), SHEAF_UNTYPED_RETYPE,
                 SHEAF_FRAME | 12 << 8 | SHEAF_MEMORY_NON_CACHEABLE << 16, CNODE, slot, 1));
    FAILS(MEMORY_TYPE, INVOKE(VSPACE, SHEAF_VSPACE_GROW, high(), 1));
    FAILS(MEMORY_TYPE, device_retype(ram, SHEAF_FRAME, 12, slot, 1));
    FAILS(NOT_COPYABLE, copy(slot, high(), SHEAF_RIGHTS_ALL));
}

static void no_ipc_buffer(void **state) {
    (void)state;
    uint64_t frame = device_make(high(), SHEAF_FRAME, 12), thread = make(SHEAF_THREAD, 0);
    FAILS(MEMORY_TYPE, INVOKE(thread, SHEAF_THREAD_CONFIGURE, 0, 0, 0, frame, 0));
}

// ---- Never looked at

// 1 TiB in one call: zeroing would take 2^26 slices, and an interrupt comes after each.
static void retype_takes_no_time(void **state) {
    (void)state;
    fake_set_interrupts(1);
    device_make(high(), SHEAF_UNTYPED, 40);
    assert_int_equal(fake.interrupts, 0);
}

static void starts_again_when_empty(void **state) {
    (void)state;
    uint64_t piece = device_make(high(), SHEAF_UNTYPED, 13), slot = new_slots(2);
    for (unsigned round = 0; round < 3; round++) {
        OK(device_retype(piece, SHEAF_FRAME, 12, slot, 2));
        assert_int_equal(bytes_left(piece), 0);
        FAILS(NO_MEMORY, device_retype(piece, SHEAF_FRAME, 12, new_slots(1), 1));
        for (unsigned i = 0; i < 2; i++)
            OK(gather_op(map_frame(VA + i * PAGE_BYTES, PAGE_BYTES, slot + i,
                                   SHEAF_MAP_READ | SHEAF_MAP_WRITE, SHEAF_OP_DIRTY)));
        OK(round == 0 ? destroy(slot) : revoke(piece));
        OK(round == 0 ? destroy(slot + 1) : revoke(piece));
        assert_int_equal(bytes_left(piece), BIT(13));
        assert_int_equal(mmu_fault(thread_vspace(running()), VADDR(VA), SHEAF_ACCESS_READ),
                         MMU_FAULT_TRANSLATION);
    }
    OK(revoke(high())); // the smaller piece and all
    assert_true(is_empty(piece));
    assert_int_equal(bytes_left(high()), BIT(40));
}

static void revoke_in_slices(void **state) {
    (void)state;
    uint64_t piece = device_make(high(), SHEAF_UNTYPED, 21), frames = new_slots(512);
    for (unsigned i = 0; i < 512; i += SHEAF_RETYPE_MAX)
        OK(device_retype(piece, SHEAF_FRAME, 12, frames + i, SHEAF_RETYPE_MAX));
    map_frames(VA, frames, 512, SHEAF_OP_ACCESSED);
    fake_set_interrupts(0);
    OK(revoke(piece));
    assert_true(fake.interrupts > 1);
    assert_int_equal(bytes_left(piece), BIT(21));
}

// Registers given to another driver are reuse as much as memory is: the model judges it, here by
// what a machine whose TLBs forget nothing would do.
static void reuse_is_judged(void **state) {
    (void)state;
    uint64_t piece = device_make(high(), SHEAF_UNTYPED, 12);
    uint64_t frame = device_make(piece, SHEAF_FRAME, 12);
    OK(gather_op(map_frame(VA, PAGE_BYTES, frame, SHEAF_MAP_READ, SHEAF_OP_ACCESSED)));
    vmsa_expect_violations();
    vmsa_faults.drop_tlbi = true;
    OK(destroy(frame));
    assert_int_equal(vmsa_violations(VMSA_FRAME_REUSED), 0);
    OK(device_retype(piece, SHEAF_FRAME, 12, frame, 1));
    assert_int_equal(vmsa_violations(VMSA_FRAME_REUSED), 1);
}

// ---- Mapped

static void pages_and_blocks_are_device_memory(void **state) {
    (void)state;
    uint64_t page = device_make(high(), SHEAF_FRAME, 12),
             block = device_make(high(), SHEAF_FRAME, 21);
    OK(gather_op(
        map_frame(VA, PAGE_BYTES, page, SHEAF_MAP_READ | SHEAF_MAP_WRITE, SHEAF_OP_DIRTY)));
    OK(gather_op(map_frame(VA + BIT(30), BIT(21), block, SHEAF_MAP_READ, SHEAF_OP_ACCESSED)));
    desc_t leaf = leaf_at(VA, 3);
    assert_int_equal(leaf.v & UINT64_C(0x0000fffffffff000), HIGH);
    assert_int_equal(leaf.v & 0x1f, 2 << 2 | 3); // MAIR_EL1's third byte: Device-nGnRE
    assert_int_equal(leaf.v >> 53 & 3, 3);       // never executable
    leaf = leaf_at(VA + BIT(30), 2);
    assert_int_equal(leaf.v & UINT64_C(0x0000fffffffff000), HIGH + BIT(21));
    assert_int_equal(leaf.v & 0x1f, 2 << 2 | 1);
    assert_int_equal(mapping(page).va, VA);
    assert_int_equal(mapping(block).pages, 512);
    uint64_t word;
    assert_false(vspace_read_word(thread_vspace(running()), VADDR(VA), &word)); // no backtrace
    OK(gather_op(unmap_op(VSPACE, VA, 1, SHEAF_OP_REPORT)));
    assert_int_equal(mapping(page).pages, 0);
}

// Where the address allows it, in one leaf of level 1; a record names one table, so elsewhere not.
static void a_gigabyte_is_one_leaf(void **state) {
    (void)state;
    uint64_t frame = device_make(high(), SHEAF_FRAME, 30);
    GATHER_FAILS(RANGE, map_frame(VA + BIT(21), BIT(30), frame, SHEAF_MAP_READ, 0));
    GATHER_FAILS(RANGE, map_frame(VA, BIT(30), frame, SHEAF_MAP_READ, SHEAF_OP_PAGES));
    OK(gather_op(map_frame(VA, BIT(30), frame, SHEAF_MAP_READ, SHEAF_OP_ACCESSED)));
    desc_t leaf = leaf_at(VA, 1);
    assert_int_equal(leaf.v & UINT64_C(0x0000fffffffff000), HIGH);
    assert_int_equal(leaf.v & 0x1f, 2 << 2 | 1);
    assert_int_equal(mapping(frame).va, VA);
    assert_int_equal(mapping(frame).pages, BIT(18));
    GATHER_FAILS(BLOCK_CUT, unmap_op(VSPACE, VA, BIT(17), 0));
    OK(gather_op(unmap_op(VSPACE, VA, BIT(18), 0)));
    assert_int_equal(mapping(frame).pages, 0);
}

static void instructions_are_refused(void **state) {
    (void)state;
    uint64_t frame = device_make(high(), SHEAF_FRAME, 21), page = make(SHEAF_FRAME, 12);
    const uint64_t rights = SHEAF_MAP_READ | SHEAF_MAP_EXECUTE;
    GATHER_FAILS(MEMORY_TYPE, map_frame(VA, BIT(21), frame, rights, 0));
    GATHER_FAILS(MEMORY_TYPE, map_frame(VA, BIT(21), frame, rights, SHEAF_OP_PAGES));
    GATHER_FAILS(MEMORY_TYPE, map_op(VSPACE, VA, 1, frame, 5, rights, SHEAF_OP_PART));
    OK(gather_op(map_op(VSPACE, VA, 1, frame, 5, SHEAF_MAP_READ, SHEAF_OP_PART)));
    GATHER_FAILS(MEMORY_TYPE, protect_op(VSPACE, VA, 1, rights, 0));
    OK(gather_op(unmap_op(VSPACE, VA, 1, 0)));
    // One of several: none is mapped.
    uint64_t pair = new_slots(2);
    OK(INVOKE(CNODE, SHEAF_CNODE_MOVE, pair, page));
    OK(device_retype(high(), SHEAF_FRAME, 12, pair + 1, 1));
    GATHER_FAILS(MEMORY_TYPE, map_op(VSPACE, VA, 2, pair, 2, rights, 0));
    // Different memory types in one operation are each what they are.
    OK(gather_op(map_op(VSPACE, VA, 2, pair, 2, SHEAF_MAP_READ, SHEAF_OP_ACCESSED)));
    assert_int_equal(leaf_at(VA, 3).v >> 2 & 7, SHEAF_MEMORY_NORMAL);
    assert_int_equal(leaf_at(VA + PAGE_BYTES, 3).v >> 2 & 7, SHEAF_MEMORY_DEVICE);
}

static void a_part_is_mapped(void **state) {
    (void)state;
    uint64_t frame = device_make(high(), SHEAF_FRAME, 21);
    OK(gather_op(
        map_op(VSPACE, VA, 3, frame, 7, SHEAF_MAP_READ, SHEAF_OP_PART | SHEAF_OP_ACCESSED)));
    assert_int_equal(leaf_at(VA + 2 * PAGE_BYTES, 3).v & UINT64_C(0x0000fffffffff000),
                     HIGH + 9 * PAGE_BYTES);
    OK(destroy(frame));
    assert_int_equal(leaf_at(VA, 3).v, 0);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(ranges_are_cut_into_aligned_pieces),
        CASE(all_of_the_table_can_be_filled),
        CASE(frames_and_smaller_pieces),
        CASE(nothing_else),
        CASE(no_ipc_buffer),
        CASE(retype_takes_no_time),
        CASE(starts_again_when_empty),
        CASE(revoke_in_slices),
        CASE(reuse_is_judged),
        CASE(pages_and_blocks_are_device_memory),
        CASE(a_gigabyte_is_one_leaf),
        CASE(instructions_are_refused),
        CASE(a_part_is_mapped),
    };
    return cmocka_run_group_tests_name("core.device_untyped", tests, NULL, NULL);
}
