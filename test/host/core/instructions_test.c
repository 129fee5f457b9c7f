// SPDX-License-Identifier: BSD-2-Clause
// Memory that can be executed: the instruction side knows its contents before the leaf says so, and
// registers of devices are never fetched from.
#include "machine.h"

#define VA UINT64_C(0x4000000000)
#define RX (SHEAF_MAP_READ | SHEAF_MAP_EXECUTE)

static const struct image image = {
    .device_count = 1,
    .device = {{PADDR(UINT64_C(0x10000000000)), PAGE_BYTES}},
};

static int setup(void **state) {
    (void)state;
    machine_boot(&image);
    return 0;
}

// The firmware wrote all memory, and the instruction side knows none of it; the model judges.
static void init_is_executable_after_it_was_made_visible(void **state) {
    (void)state;
    struct boot_layout layout;
    machine_prepare(&image, &layout);
    vmsa_frame_written(PADDR(VMSA_BASE), RAM_BYTES);
    vmsa_dmb_ishst();
    assert_int_equal(machine_start(&layout), FAKE_RUNS);
    assert_int_equal(vmsa_violations(VMSA_UNSYNCHRONISED), 0);
}

static void map_makes_instructions_visible_first(void **state) {
    (void)state;
    uint64_t frames = make_many(SHEAF_FRAME, 12, 3);
    for (unsigned i = 0; i < 3; i++)
        vmsa_frame_written(slot_of(frames + i)->frame.address, PAGE_BYTES);
    OK(gather_op(map_op(VSPACE, VA, 2, frames, 2, RX, SHEAF_OP_ACCESSED)));
    OK(gather_op(map_op(VSPACE, VA + BIT(21), 1, frames + 2, 0, RX, SHEAF_OP_PART)));
    assert_int_equal(mapping(frames + 2).pages, 1);
}

static void devices_are_not_executable(void **state) {
    (void)state;
    const struct sheaf_bootinfo *info =
        port_kernel_address(slot_of(SHEAF_BOOT_SLOT_BOOTINFO)->frame.address);
    uint64_t frame = new_slots(1);
    OK(INVOKE(info->device[0].slot, SHEAF_UNTYPED_RETYPE,
              SHEAF_FRAME | 12 << 8 | SHEAF_MEMORY_DEVICE << 16, CNODE, frame, 1));
    GATHER_FAILS(MEMORY_TYPE, map_op(VSPACE, VA, 1, frame, 1, RX, 0));
    GATHER_FAILS(MEMORY_TYPE, map_op(VSPACE, VA, 1, frame, 0, RX, SHEAF_OP_PART));
    OK(gather_op(map_op(VSPACE, VA, 1, frame, 1, SHEAF_MAP_READ, 0)));
    GATHER_FAILS(MEMORY_TYPE, protect_op(VSPACE, VA, 1, RX, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(init_is_executable_after_it_was_made_visible, machine_teardown),
        cmocka_unit_test_setup_teardown(map_makes_instructions_visible_first, setup,
                                        machine_teardown),
        cmocka_unit_test_setup_teardown(devices_are_not_executable, setup, machine_teardown),
    };
    return cmocka_run_group_tests_name("core.instructions", tests, NULL, NULL);
}
