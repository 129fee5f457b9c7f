// SPDX-License-Identifier: BSD-2-Clause
// Memory that can be executed: the instruction side knows its contents before the leaf says so, and
// registers of devices are never fetched from.
#include "image.h"
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

static uint64_t visible[64]; // pages made visible to the instruction side
static unsigned visible_count;

static void note_instructions(enum vmsa_call call, uint64_t a, uint64_t b) {
    if (call == VMSA_CALL_BARRIER && a == 5) {
        assert_true(visible_count < ARRAY_SIZE(visible));
        visible[visible_count++] = b;
    }
}

static bool is_visible(uint64_t va) {
    paddr_t addresses[2];
    unsigned i = 0;
    assert_int_equal(vmsa_reachable(0, VADDR(va), addresses, 2), 1);
    while (i < visible_count && visible[i] != addresses[0].v)
        i++;
    return i < visible_count;
}

static void every_page_of_inits_text_was_made_visible(void **state) {
    (void)state;
    struct boot_layout layout;
    machine_prepare(&image, &layout);
    visible_count = 0;
    vmsa_set_hook(note_instructions);
    assert_int_equal(machine_start(&layout), FAKE_RUNS);
    vmsa_set_hook(NULL);
    for (uint64_t va = IMAGE_TEXT; va < IMAGE_TEXT + IMAGE_TEXT_BYTES; va += PAGE_BYTES)
        assert_true(is_visible(va));
    assert_false(is_visible(ALIGN_DOWN(IMAGE_DATA, PAGE_BYTES)));
}

static void map_makes_instructions_visible_first(void **state) {
    (void)state; // the model judges
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
        cmocka_unit_test(every_page_of_inits_text_was_made_visible),
        cmocka_unit_test_setup_teardown(map_makes_instructions_visible_first, setup,
                                        machine_teardown),
        cmocka_unit_test_setup_teardown(devices_are_not_executable, setup, machine_teardown),
    };
    return cmocka_run_group_tests_name("core.instructions", tests, NULL, NULL);
}
