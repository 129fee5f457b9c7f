// SPDX-License-Identifier: BSD-2-Clause
// What init finds: the boot-information page, its capabilities, and all of RAM.
#include "harness.h"
#include "support.h"

#include <string.h>

static const struct sheaf_bootinfo *boot(void) { return boot_information(); }

static void magic(void) {
    CHECK_EQ(boot()->magic, SHEAF_BOOTINFO_MAGIC);
    CHECK(boot()->pes >= 1 && boot()->pes <= 8);
    CHECK(boot()->timer_hz >= 1000000);
}

static void arguments_terminated(void) { CHECK(memchr(boot()->args, 0, SHEAF_BOOT_ARGS) != NULL); }

static void counts_in_range(void) {
    CHECK(boot()->untyped_count >= 1 && boot()->untyped_count <= SHEAF_BOOT_UNTYPED);
    CHECK(boot()->ramdisk_count >= 1 && boot()->ramdisk_count <= SHEAF_BOOT_REGIONS);
    CHECK(boot()->first_free_slot >= SHEAF_BOOT_SLOT_FIRST_DYNAMIC);
    CHECK_EQ(boot()->slot_count, 1u << SHEAF_BOOT_CNODE_BITS);
    CHECK(boot()->first_free_slot < boot()->slot_count);
}

static uint64_t ramdisk_frame_bytes(void) {
    uint64_t bytes = 0;
    for (unsigned i = 0; i < boot()->ramdisk_count; i++) {
        bytes += UINT64_C(1) << boot()->ramdisk[i].size_bits;
    }
    return bytes;
}

static uint64_t untyped_bytes(void) {
    uint64_t bytes = 0;
    for (unsigned i = 0; i < boot()->untyped_count; i++) {
        bytes += UINT64_C(1) << boot()->untyped[i].size_bits;
    }
    return bytes;
}

// RAM is the kernel's, reserved by the device tree, init's, the RAM disk's or Untyped: no byte more
// or less.
static void every_byte_accounted(void) {
    CHECK(boot()->init_bytes > 0 && boot()->kernel_bytes > 0);
    CHECK_EQ(boot()->kernel_bytes + boot()->reserved_bytes + boot()->init_bytes +
                 ramdisk_frame_bytes() + untyped_bytes(),
             boot()->ram_bytes);
}

static void untyped_aligned(void) {
    for (unsigned i = 0; i < boot()->untyped_count; i++) {
        const struct sheaf_boot_untyped *u = &boot()->untyped[i];
        CHECK(u->size_bits >= SHEAF_PAGE_BITS && u->size_bits <= SHEAF_UNTYPED_MAX_BITS);
        CHECK_EQ(u->physical & ((UINT64_C(1) << u->size_bits) - 1), 0);
    }
}

static bool overlap(uint64_t a, unsigned a_bits, uint64_t b, unsigned b_bits) {
    return a < b + (UINT64_C(1) << b_bits) && b < a + (UINT64_C(1) << a_bits);
}

static void untyped_disjoint(void) {
    for (unsigned i = 0; i < boot()->untyped_count; i++) {
        const struct sheaf_boot_untyped *u = &boot()->untyped[i];
        for (unsigned j = i + 1; j < boot()->untyped_count; j++) {
            const struct sheaf_boot_untyped *v = &boot()->untyped[j];
            CHECK(!overlap(u->physical, u->size_bits, v->physical, v->size_bits));
            CHECK(u->slot != v->slot);
        }
        for (unsigned j = 0; j < boot()->ramdisk_count; j++) {
            const struct sheaf_boot_region *r = &boot()->ramdisk[j];
            CHECK(!overlap(u->physical, u->size_bits, r->physical, r->size_bits));
        }
    }
}

static void untyped_capabilities(void) {
    for (unsigned i = 0; i < boot()->untyped_count; i++) {
        const struct sheaf_boot_untyped *u = &boot()->untyped[i];
        CHECK(u->slot < boot()->first_free_slot);
        struct untyped_info info = untyped_info(u->slot);
        CHECK_EQ(info.physical, u->physical);
        CHECK_EQ(info.bits, u->size_bits);
        CHECK(info.left <= UINT64_C(1) << u->size_bits);
    }
}

static void ramdisk_contiguous(void) {
    uint64_t next = boot()->ramdisk[0].physical;
    for (unsigned i = 0; i < boot()->ramdisk_count; i++) {
        const struct sheaf_boot_region *r = &boot()->ramdisk[i];
        CHECK_EQ(r->physical, next);
        CHECK_EQ(frame_address(r->slot), r->physical);
        next += UINT64_C(1) << r->size_bits;
    }
    CHECK(boot()->ramdisk_offset < PAGE);
    CHECK(ramdisk_frame_bytes() >= boot()->ramdisk_offset + boot()->ramdisk_bytes);
    CHECK(ramdisk_frame_bytes() < boot()->ramdisk_offset + boot()->ramdisk_bytes + PAGE);
}

static void ramdisk_is_the_archive(void) {
    const struct sheaf_boot_region *first = &boot()->ramdisk[0];
    const char *bytes =
        map_here(copy_of(first->slot, SHEAF_RIGHT_READ), first->size_bits, SHEAF_MAP_READ);
    CHECK(memcmp(bytes + boot()->ramdisk_offset, "070701", 6) == 0);
}

static void fixed_slots(void) {
    CHECK_EQ(probe_type(SHEAF_BOOT_SLOT_CNODE), SHEAF_CNODE);
    CHECK_EQ(probe_type(SHEAF_BOOT_SLOT_THREAD), SHEAF_THREAD);
    CHECK_EQ(probe_type(SHEAF_BOOT_SLOT_VSPACE), SHEAF_VSPACE);
    CHECK_EQ(probe_type(SHEAF_BOOT_SLOT_IPC_BUFFER), SHEAF_FRAME);
    CHECK_EQ(probe_type(SHEAF_BOOT_SLOT_BOOTINFO), SHEAF_FRAME);
    CHECK_OK(INVOKE(SHEAF_BOOT_SLOT_CONSOLE, SHEAF_CONSOLE_WRITE, 1, 0).status);
    CHECK_OK(INVOKE(SHEAF_BOOT_SLOT_SYSTEM, SHEAF_SYSTEM_COUNTERS, 1, 0).status);
}

static void frames_name_their_places(void) {
    uint64_t va;
    uint64_t pages;
    CHECK(frame_mapping(SHEAF_BOOT_SLOT_IPC_BUFFER, &va, &pages));
    CHECK_EQ(va, SHEAF_BOOT_IPC_BUFFER_VA);
    CHECK(frame_mapping(SHEAF_BOOT_SLOT_BOOTINFO, &va, &pages));
    CHECK_EQ(va, SHEAF_BOOTINFO_VA);
}

static void unused_slots_empty(void) {
    for (sheaf_cptr slot = 1; slot < (1u << SHEAF_BOOT_CNODE_BITS); slot++) {
        bool between_fixed =
            slot > SHEAF_BOOT_SLOT_IRQ_CONTROL && slot < SHEAF_BOOT_SLOT_FIRST_DYNAMIC;
        // The last quarter is used neither by the start-up library nor by these tests.
        if (between_fixed || slot >= (3u << (SHEAF_BOOT_CNODE_BITS - 2))) {
            CHECK(slot_is_empty(slot));
        }
    }
}

static void counters_listed(void) {
    struct message m = INVOKE(SHEAF_BOOT_SLOT_SYSTEM, SHEAF_SYSTEM_COUNTERS, 1, 0);
    CHECK_OK(m.status);
    CHECK_EQ(m.word[0], SHEAF_COUNTER_COUNT);
    CHECK_EQ(SHEAF_TAG_LENGTH(m.tag), 1 + SHEAF_COUNTER_COUNT);
    uint64_t before = counter(SHEAF_COUNTER_KERNEL_SYSCALLS);
    yield();
    CHECK_EQ(counter(SHEAF_COUNTER_KERNEL_SYSCALLS), before + 2);
}

static void counters_from_the_end(void) {
    struct message m =
        INVOKE(SHEAF_BOOT_SLOT_SYSTEM, SHEAF_SYSTEM_COUNTERS, 1, SHEAF_COUNTER_COUNT);
    CHECK(m.status == SHEAF_ERR_RANGE || (m.status == SHEAF_OK && SHEAF_TAG_LENGTH(m.tag) == 1));
    m = INVOKE(SHEAF_BOOT_SLOT_SYSTEM, SHEAF_SYSTEM_COUNTERS, 1, UINT64_MAX);
    CHECK(m.status == SHEAF_ERR_RANGE || (m.status == SHEAF_OK && SHEAF_TAG_LENGTH(m.tag) == 1));
}

static void system_rights(void) {
    sheaf_cptr reader = copy_of(SHEAF_BOOT_SLOT_SYSTEM, SHEAF_RIGHT_READ);
    CHECK_ERROR(INVOKE(reader, SHEAF_SYSTEM_POWER_OFF, 1, 99).status, NO_RIGHT);
    CHECK_OK(INVOKE(reader, SHEAF_SYSTEM_COUNTERS, 1, 0).status);
    sheaf_cptr nothing = copy_of(SHEAF_BOOT_SLOT_SYSTEM, 0);
    CHECK_ERROR(INVOKE(nothing, SHEAF_SYSTEM_COUNTERS, 1, 0).status, NO_RIGHT);
    CHECK_ERROR(INVOKE(SHEAF_BOOT_SLOT_SYSTEM, 0xffff, 0, 0).status, UNKNOWN_METHOD);
}

static void console_arguments(void) {
    sheaf_cptr reader = copy_of(SHEAF_BOOT_SLOT_CONSOLE, SHEAF_RIGHT_READ);
    CHECK_ERROR(INVOKE(reader, SHEAF_CONSOLE_WRITE, 2, 1, 'x').status, NO_RIGHT);
    sheaf_cptr writer = copy_of(SHEAF_BOOT_SLOT_CONSOLE, SHEAF_RIGHT_WRITE);
    CHECK_ERROR(INVOKE(writer, SHEAF_CONSOLE_READ, 0, 0).status, NO_RIGHT);
    CHECK_ERROR(INVOKE(writer, SHEAF_CONSOLE_WRITE, 2, 8 * 63 + 1, 0).status, RANGE);
    CHECK_ERROR(INVOKE(writer, SHEAF_CONSOLE_WRITE, 2, 9, 0).status, INVALID_ARGUMENT);
    CHECK_ERROR(INVOKE(writer, 0xffff, 0, 0).status, UNKNOWN_METHOD);
    struct message m = INVOKE(reader, SHEAF_CONSOLE_READ, 0, 0);
    CHECK_OK(m.status);
    CHECK_EQ(m.word[0], 0); // nobody types
}

static uint64_t console_bind(sheaf_cptr notification) {
    return INVOKE(SHEAF_BOOT_SLOT_CONSOLE, SHEAF_CONSOLE_BIND, 1, notification).status;
}

static void console_has_one_listener(void) {
    sheaf_cptr one = make(SHEAF_NOTIFICATION, 0);
    CHECK_OK(console_bind(one));
    CHECK_ERROR(console_bind(make(SHEAF_NOTIFICATION, 0)), IN_USE);
    CHECK_ERROR(console_bind(make(SHEAF_ENDPOINT, 0)), WRONG_TYPE);
    CHECK_OK(cnode_revoke(ROOT, one)); // with what it came from goes the copy that was kept
    CHECK_OK(console_bind(make(SHEAF_NOTIFICATION, 0)));
    CHECK_OK(console_bind(0));
    CHECK_ERROR(console_bind(copy_of(make(SHEAF_NOTIFICATION, 0), SHEAF_RIGHT_READ)), NO_RIGHT);
}

static const struct test_case cases[] = {
    {"boot.magic_and_machine", magic},
    {"boot.arguments_are_terminated", arguments_terminated},
    {"boot.counts_are_in_range", counts_in_range},
    {"boot.every_byte_of_ram_is_accounted_for", every_byte_accounted},
    {"boot.untyped_are_aligned_to_their_size", untyped_aligned},
    {"boot.untyped_do_not_overlap", untyped_disjoint},
    {"boot.untyped_capabilities_agree_with_the_list", untyped_capabilities},
    {"boot.ramdisk_frames_are_contiguous", ramdisk_contiguous},
    {"boot.ramdisk_holds_the_archive", ramdisk_is_the_archive},
    {"boot.fixed_slots_have_their_types", fixed_slots},
    {"boot.frames_name_their_places", frames_name_their_places},
    {"boot.unused_slots_are_empty", unused_slots_empty},
    {"boot.counters_are_listed_and_count", counters_listed},
    {"boot.counters_beyond_the_last", counters_from_the_end},
    {"boot.system_needs_rights", system_rights},
    {"boot.console_has_one_listener", console_has_one_listener},
    {"boot.console_checks_rights_and_arguments", console_arguments},
};

const struct test_area boot_area = TEST_AREA(cases);
