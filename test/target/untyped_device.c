// SPDX-License-Identifier: BSD-2-Clause
// Device Untypeds: what init is given, what can be made of it, and that nobody writes to it but
// drivers.
#include "alarm.h"
#include "child.h"
#include "device.h"
#include "harness.h"
#include "registers.h"

static const struct sheaf_bootinfo *boot(void) { return boot_information(); }

// One that is large enough for whatever a case makes; the last range is everything above the RAM.
static sheaf_cptr large(void) {
    const struct sheaf_boot_device *range = &boot()->device[boot()->device_count - 1];
    sheaf_cptr slot = range->slot + range->count - 1;
    CHECK(untyped_info(slot).bits >= 31);
    return slot;
}

static uint64_t device_retype(sheaf_cptr untyped, unsigned type, unsigned bits, sheaf_cptr slot) {
    return untyped_retype(untyped, type, bits, SHEAF_MEMORY_DEVICE, ROOT, slot, 1);
}

// A page at the beginning of the large one.
static sheaf_cptr some_page(void) { return device_page(untyped_info(large()).physical); }

static void pieces(void) {
    CHECK(boot()->device_count >= 1 && boot()->device_count <= SHEAF_BOOT_DEVICES);
    for (unsigned i = 0; i < boot()->device_count; i++) {
        const struct sheaf_boot_device *range = &boot()->device[i];
        uint64_t at = range->physical;
        CHECK(range->count >= 1 && range->slot + range->count <= boot()->first_free_slot);
        for (unsigned j = 0; j < range->count; j++) {
            struct untyped_info info = untyped_info(range->slot + j);
            CHECK_EQ(info.physical, at);
            CHECK_EQ(at & ((UINT64_C(1) << info.bits) - 1), 0);
            CHECK_EQ(info.memory_type, SHEAF_MEMORY_DEVICE);
            CHECK_EQ(info.left, UINT64_C(1) << info.bits);
            at += UINT64_C(1) << info.bits;
        }
        CHECK_EQ(at, range->physical + range->bytes);
    }
}

static void check_apart(uint64_t start, uint64_t bytes) {
    for (unsigned i = 0; i < boot()->device_count; i++) {
        const struct sheaf_boot_device *range = &boot()->device[i];
        CHECK(start + bytes <= range->physical || range->physical + range->bytes <= start);
    }
}

static void apart_from_ram(void) {
    for (unsigned i = 0; i < boot()->untyped_count; i++) {
        check_apart(boot()->untyped[i].physical, UINT64_C(1) << boot()->untyped[i].size_bits);
        CHECK_EQ(untyped_info(boot()->untyped[i].slot).memory_type, SHEAF_MEMORY_NORMAL);
    }
    for (unsigned i = 0; i < boot()->ramdisk_count; i++) {
        check_apart(boot()->ramdisk[i].physical, UINT64_C(1) << boot()->ramdisk[i].size_bits);
    }
    check_apart(frame_address(SHEAF_BOOT_SLOT_IPC_BUFFER), PAGE); // init's own pages
    check_apart(frame_address(SHEAF_BOOT_SLOT_BOOTINFO), PAGE);
    for (unsigned i = 1; i < boot()->device_count; i++) {
        CHECK(boot()->device[i - 1].physical + boot()->device[i - 1].bytes <
              boot()->device[i].physical);
    }
}

// By the constants of virt and of the BCM2711: one of the two is the board.
static void registers_of_the_kernel(void) {
    static const uint64_t virt[] = {0x08000000, 0x09000000};
    static const uint64_t bcm2711[] = {0xfe100000, 0xfe201000, 0xff841000, 0xff842000, 0xff843000};
    uint64_t start;
    uint64_t bits;
    bool is_virt = device_untyped(UINT64_C(0x09010000), &start, &bits) != 0; // its clock
    const uint64_t *kept = is_virt ? virt : bcm2711;
    for (unsigned i = 0; i < (is_virt ? 2 : 5); i++) {
        CHECK_EQ(device_untyped(kept[i], &start, &bits), 0);
    }
    // The pins that the kernel sets once are user space's.
    CHECK(is_virt || device_untyped(0xfe200000, &start, &bits) != 0);
}

static void frames_and_pieces_only(void) {
    static const struct {
        unsigned type, bits;
    } others[] = {{SHEAF_CNODE, 4}, {SHEAF_THREAD, 0}, {SHEAF_ENDPOINT, 0}, {SHEAF_NOTIFICATION, 0},
                  {SHEAF_REPLY, 0}, {SHEAF_VSPACE, 0}, {SHEAF_TIMER, 0},    {SHEAF_IRQ_HANDLER, 0}};
    sheaf_cptr slot = new_slot();
    struct untyped_info before = untyped_info(large());
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        CHECK_ERROR(untyped_retype(large(), others[i].type, others[i].bits, 0, ROOT, slot, 1),
                    MEMORY_TYPE);
        CHECK_ERROR(device_retype(large(), others[i].type, others[i].bits, slot), MEMORY_TYPE);
    }
    CHECK_ERROR(untyped_retype(large(), SHEAF_FRAME, 12, 0, ROOT, slot, 1), MEMORY_TYPE);
    CHECK_ERROR(untyped_retype(large(), SHEAF_UNTYPED, 12, 0, ROOT, slot, 1), MEMORY_TYPE);
    CHECK_ERROR(untyped_retype(large(), SHEAF_FRAME, 12, SHEAF_MEMORY_NON_CACHEABLE, ROOT, slot, 1),
                MEMORY_TYPE);
    CHECK_ERROR(device_retype(arena(), SHEAF_FRAME, 12, slot), MEMORY_TYPE);
    CHECK_ERROR(INVOKE(OWN_VSPACE, SHEAF_VSPACE_GROW, 2, large(), 1).status, MEMORY_TYPE);
    CHECK(slot_is_empty(slot));
    CHECK_EQ(untyped_info(large()).left, before.left);
}

static void address_and_type(void) {
    sheaf_cptr frame = some_page();
    struct message m = INVOKE(copy_of(frame, SHEAF_RIGHT_READ), SHEAF_FRAME_GET_ADDRESS, 0, 0);
    CHECK_OK(m.status);
    CHECK_EQ(m.word[0], untyped_info(large()).physical);
    CHECK_EQ(m.word[1], SHEAF_PAGE_BITS);
    CHECK_EQ(m.word[2], SHEAF_MEMORY_DEVICE);
}

static void not_executable(void) {
    sheaf_cptr frame = some_page();
    uint64_t place = new_place(PAGE);
    CHECK_ERROR(
        gather_one(map_op(OWN_VSPACE, place, 1, frame, 1, SHEAF_MAP_READ | SHEAF_MAP_EXECUTE, 0))
            .status,
        MEMORY_TYPE);
    must_gather(map_op(OWN_VSPACE, place, 1, frame, 1, SHEAF_MAP_READ, 0)); // the place is free
}

static void no_ipc_buffer(void) {
    CHECK_ERROR(thread_configure(make(SHEAF_THREAD, 0), 0, 0, 0, some_page(), 0), MEMORY_TYPE);
}

// A range that zeroing would take hours for is made and taken back in a moment.
static void starts_again(void) {
    sheaf_cptr slot = new_slot();
    struct untyped_info info = untyped_info(large());
    for (unsigned i = 0; i < 3; i++) {
        CHECK_OK(device_retype(large(), SHEAF_UNTYPED, (unsigned)info.bits, slot));
        CHECK_EQ(untyped_info(large()).left, 0);
        CHECK_ERROR(device_retype(large(), SHEAF_FRAME, 12, new_slot()), NO_MEMORY);
        CHECK_OK(i == 0 ? cnode_delete(ROOT, slot) : cnode_revoke(ROOT, large()));
        CHECK_EQ(untyped_info(large()).left, info.left);
    }
}

// What a driver left in its device is there for the next one.
static void not_zeroed(void) {
    alarm_open();
    alarm_raise();
    device_end(); // the Frame is gone, and everything made of that Untyped
    alarm_map();
    CHECK(alarm_is_up());
    alarm_clear();
}

static void registers_answer(void) {
    alarm_open();
    CHECK(!alarm_is_up());
    alarm_raise();
    CHECK(alarm_is_up());
    alarm_clear();
    alarm_soon();
    uint64_t end = read_clock() + 60 * boot()->timer_hz;
    while (!alarm_is_up() && read_clock() < end) {
    }
    CHECK(alarm_is_up());
}

// A page far above all that virt and the BCM2711 have. The thread faults, as for any other
// exception, and goes on afterwards.
static void nothing_answers(void) {
    struct agent agent = new_agent();
    agent_map(&agent, CHILD_FREE, some_page(), ALL_ACCESS, SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY);
    agent_do(&agent, AGENT_READ, CHILD_FREE, 0);
    struct message m = agent_event(&agent);
    CHECK_EQ(m.badge, AGENT_FAULT_BADGE);
    CHECK_EQ(m.tag, SHEAF_TAG(SHEAF_LABEL_EXCEPTION, 3));
    CHECK_EQ(m.word[0] >> 26, 0x24); // exception class: data abort
    agent_restart(&agent);
    agent_map(&agent, CHILD_FREE + PAGE, make(SHEAF_FRAME, SHEAF_PAGE_BITS), SHEAF_MAP_READ, 0);
    CHECK_EQ(agent_result(&agent, AGENT_READ, CHILD_FREE + PAGE, 0), 0);
}

static const struct test_case cases[] = {
    {"untyped.device_pieces_cover_their_ranges", pieces},
    {"untyped.device_is_apart_from_ram", apart_from_ram},
    {"untyped.device_leaves_out_registers_of_the_kernel", registers_of_the_kernel},
    {"untyped.device_becomes_frames_and_smaller_ones_only", frames_and_pieces_only},
    {"untyped.device_frame_tells_address_and_type", address_and_type},
    {"untyped.device_frame_is_never_executable", not_executable},
    {"untyped.device_frame_is_no_ipc_buffer", no_ipc_buffer},
    {"untyped.device_starts_again_when_empty", starts_again},
    {"untyped.device_is_not_zeroed", not_zeroed},
    {"untyped.device_registers_answer", registers_answer},
    {"untyped.device_without_an_answer_is_a_fault", nothing_answers},
};

const struct test_area untyped_device_area = TEST_AREA(cases);
