// SPDX-License-Identifier: BSD-2-Clause
// Boot: what init finds, that every byte of RAM is accounted for once, and what makes it give up.
#include "image.h"
#include "machine.h"
#include <stdio.h>
#include <string.h>

static struct boot_layout layout;

static const struct sheaf_bootinfo *boot(struct image image) {
    machine_prepare(&image, &layout);
    assert_int_equal(machine_start(&layout), FAKE_RUNS);
    check_invariants();
    return port_kernel_address(slot_of(SHEAF_BOOT_SLOT_BOOTINFO)->frame.address);
}

static void expect_panic(struct image image, const char *text) {
    machine_prepare(&image, &layout);
    assert_int_equal(machine_start(&layout), FAKE_PANIC);
    if (strstr(fake.printed, text) == NULL)
        fail_msg("expected \"%s\", printed \"%s\"", text, fake.printed);
}

// The page that the thread sees at `va`.
static const uint8_t *user_page(uint64_t va) {
    for (uint64_t i = 1; i < BIT(SHEAF_BOOT_CNODE_BITS); i++) {
        const struct slot *slot = slot_of(i);
        vaddr_t at;
        uint64_t pages;
        if (slot->type == SHEAF_FRAME && slot->frame.record.v != 0 &&
            record_place(slot->frame.record, slot->frame.address, slot->size_bits, &at, &pages) &&
            at.v == va)
            return port_kernel_address(slot->frame.address);
    }
    fail_msg("nothing is mapped at %lx", (unsigned long)va);
    return NULL;
}

static void thread_starts_at_the_entry(void **state) {
    (void)state;
    boot((struct image){0});
    const struct thread *thread = running();
    assert_int_equal(thread->context.pc, IMAGE_ENTRY);
    assert_int_equal(thread->context.sp, SHEAF_BOOT_STACK_TOP);
    assert_int_equal(thread->context.reg[0], SHEAF_BOOTINFO_VA);
    assert_int_equal(thread->priority, 255);
    assert_int_equal(thread->max_priority, 255);
    assert_string_equal(thread->name, "init");
    assert_string_equal(core_thread_name(&fake.pe[0]), "init");
    assert_int_not_equal(port_loaded_root() >> 48, 0);
}

static void program_is_loaded(void **state) {
    (void)state;
    boot((struct image){0});
    for (unsigned i = 0; i < IMAGE_TEXT_BYTES; i++)
        assert_int_equal(user_page(IMAGE_TEXT + (i & ~4095u))[i & 4095], IMAGE_TEXT_BYTE(i));
    for (uint64_t va = ALIGN_DOWN(IMAGE_DATA, PAGE_BYTES);
         va < IMAGE_DATA + IMAGE_DATA_MEMORY_BYTES; va++) {
        uint64_t i = va - IMAGE_DATA;
        uint8_t expected = va >= IMAGE_DATA && i < IMAGE_DATA_BYTES ? IMAGE_DATA_BYTE(i) : 0;
        assert_int_equal(user_page(ALIGN_DOWN(va, PAGE_BYTES))[va & 4095], expected);
    }
    struct vspace *vspace = thread_vspace(running());
    assert_int_equal(mmu_fault(vspace, VADDR(IMAGE_TEXT), SHEAF_ACCESS_WRITE),
                     MMU_FAULT_PERMISSION);
    assert_int_equal(mmu_fault(vspace, VADDR(IMAGE_TEXT), SHEAF_ACCESS_EXECUTE),
                     MMU_FAULT_RESOLVED);
    assert_int_equal(mmu_fault(vspace, VADDR(IMAGE_DATA), SHEAF_ACCESS_WRITE), MMU_FAULT_RESOLVED);
    assert_int_equal(mmu_fault(vspace, VADDR(IMAGE_DATA), SHEAF_ACCESS_EXECUTE),
                     MMU_FAULT_PERMISSION);
    assert_int_equal(mmu_fault(vspace, VADDR(SHEAF_BOOT_STACK_TOP - 8), SHEAF_ACCESS_WRITE),
                     MMU_FAULT_RESOLVED);
    assert_int_equal(mmu_fault(vspace, VADDR(SHEAF_BOOT_STACK_TOP), SHEAF_ACCESS_READ),
                     MMU_FAULT_TRANSLATION);
    assert_int_equal(mmu_fault(vspace, VADDR(SHEAF_BOOTINFO_VA), SHEAF_ACCESS_WRITE),
                     MMU_FAULT_PERMISSION);
    user_page(SHEAF_BOOT_IPC_BUFFER_VA);
    user_page(SHEAF_BOOT_STACK_TOP - SHEAF_BOOT_STACK_PAGES * PAGE_BYTES);
}

static void bootinfo_is_filled(void **state) {
    (void)state;
    const struct sheaf_bootinfo *info =
        boot((struct image){.ramdisk_offset = 0x123, .args = "run=x -- y"});
    assert_int_equal(info->magic, SHEAF_BOOTINFO_MAGIC);
    assert_int_equal(info->ram_bytes, RAM_BYTES);
    assert_int_equal(info->timer_hz, FAKE_TIMER_HZ);
    assert_int_equal(info->pes, 1);
    assert_int_equal(info->ramdisk_offset, 0x123);
    assert_int_equal(info->ramdisk_bytes, layout.boot.ramdisk.bytes);
    assert_int_equal(info->slot_count, BIT(SHEAF_BOOT_CNODE_BITS));
    assert_string_equal(info->args, "run=x -- y");
    assert_ptr_equal(user_page(SHEAF_BOOTINFO_VA), info);
    for (uint64_t i = info->first_free_slot; i < info->slot_count; i++)
        assert_true(is_empty(i));
    const uint8_t *archive = port_kernel_address(PADDR(info->ramdisk[0].physical));
    assert_memory_equal(archive + info->ramdisk_offset, "070701", 6);
    for (unsigned i = 0; i < info->ramdisk_count; i++) {
        const struct slot *slot = slot_of(info->ramdisk[i].slot);
        assert_int_equal(slot->type, SHEAF_FRAME);
        assert_int_equal(slot->rights, SHEAF_RIGHT_READ);
        assert_int_equal(slot->frame.address.v, info->ramdisk[i].physical);
        assert_int_equal(slot->size_bits, info->ramdisk[i].size_bits);
        assert_true(IS_ALIGNED(info->ramdisk[i].physical, BIT(info->ramdisk[i].size_bits)));
    }
}

// Marks [start, start + bytes) in a map of pages; nothing is marked twice.
static void own(uint8_t *pages, uint64_t start, uint64_t bytes) {
    for (uint64_t at = start - VMSA_BASE; at < start - VMSA_BASE + bytes; at += PAGE_BYTES) {
        assert_true(at < RAM_BYTES);
        assert_int_equal(pages[at / PAGE_BYTES]++, 0);
    }
}

static void check_every_byte_owned(struct image image) {
    static uint8_t pages[RAM_BYTES / PAGE_BYTES];
    memset(pages, 0, sizeof(pages));
    const struct sheaf_bootinfo *info = boot(image);
    uint64_t untyped = 0, ramdisk = 0;
    own(pages, VMSA_BASE, layout.kernel_end - VMSA_BASE);
    for (unsigned i = 0; i < info->untyped_count; i++) {
        const struct sheaf_boot_untyped *piece = &info->untyped[i];
        assert_true(IS_ALIGNED(piece->physical, BIT(piece->size_bits)));
        assert_int_equal(untyped_address(slot_of(piece->slot)).v, piece->physical);
        own(pages, piece->physical, BIT(piece->size_bits));
        untyped += BIT(piece->size_bits);
    }
    for (unsigned i = 0; i < info->ramdisk_count; i++) {
        own(pages, info->ramdisk[i].physical, BIT(info->ramdisk[i].size_bits));
        ramdisk += BIT(info->ramdisk[i].size_bits);
    }
    assert_int_equal(info->kernel_bytes + info->reserved_bytes + info->init_bytes + ramdisk +
                         untyped,
                     RAM_BYTES);
    // What is left are init's own pages, which its capabilities name, and the holes.
    uint64_t rest = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
        rest += pages[i] == 0 ? PAGE_BYTES : 0;
    assert_int_equal(rest, info->init_bytes + info->reserved_bytes);
}

static void every_byte_is_owned_once(void **state) {
    (void)state;
    check_every_byte_owned((struct image){0});
    check_every_byte_owned((struct image){.ramdisk_offset = 4095});
    check_every_byte_owned((struct image){.holes = 20});
}

static void too_many_pieces_are_named(void **state) {
    (void)state;
    const struct sheaf_bootinfo *info = boot((struct image){.holes = 62});
    assert_int_equal(info->untyped_count, SHEAF_BOOT_UNTYPED);
    assert_non_null(strstr(fake.printed, "do not fit the boot information"));
    unsigned long kib = 0, pieces = 0;
    assert_int_equal(sscanf(strstr(fake.printed, "boot: "), "boot: %lu small pieces of memory (%lu",
                            &pieces, &kib),
                     2);
    uint64_t sum = info->kernel_bytes + info->reserved_bytes + info->init_bytes + kib * 1024;
    for (unsigned i = 0; i < info->untyped_count; i++)
        sum += BIT(info->untyped[i].size_bits);
    for (unsigned i = 0; i < info->ramdisk_count; i++)
        sum += BIT(info->ramdisk[i].size_bits);
    assert_int_equal(sum, RAM_BYTES);
}

// ---- Bad images

static uint8_t elf[IMAGE_PROGRAM_BYTES], archive[IMAGE_ROOM];

static void expect_bad_program(const char *text) {
    size_t bytes = image_archive(archive, sizeof(archive), elf, sizeof(elf));
    expect_panic((struct image){.archive = archive, .archive_bytes = bytes}, text);
}

static void bad_archives(void **state) {
    (void)state;
    size_t bytes = image_archive(archive, sizeof(archive), NULL, 0);
    expect_panic((struct image){.archive = archive, .archive_bytes = bytes}, "no program `init`");
    image_program(elf);
    bytes = image_archive(archive, sizeof(archive), elf, sizeof(elf));
    // The program is whole only in what is longer than its end.
    for (size_t cut = 1; cut <= 112 + 120 + sizeof(elf); cut += 101)
        expect_panic((struct image){.archive = archive, .archive_bytes = cut}, "cut off");
    archive[0] = '1';
    expect_panic((struct image){.archive = archive, .archive_bytes = bytes}, "not a cpio archive");
    archive[0] = '0';
    archive[60] = 'g'; // in the file size
    expect_panic((struct image){.archive = archive, .archive_bytes = bytes}, "not a cpio archive");
    memset(archive + 54, 'f', 8);
    expect_panic((struct image){.archive = archive, .archive_bytes = bytes}, "cut off");
}

static void bad_programs(void **state) {
    (void)state;
    const unsigned text = 64, data = 64 + 56;
    const struct {
        unsigned at, bytes;
        uint64_t value;
        const char *expected;
    } spoils[] = {
        {0, 1, 0, "not a 64-bit"},
        {4, 1, 1, "not a 64-bit"},
        {32, 8, UINT64_MAX, "program headers"},
        {32, 8, IMAGE_PROGRAM_BYTES - 100, "program headers"},
        {54, 2, 32, "program headers"},
        {56, 2, 0, "nothing to load"},
        {56, 2, 0xffff, "program headers"},
        {text + 4, 4, 7, "writable and executable"},
        {text + 8, 8, UINT64_MAX, "outside of its file"},
        {text + 8, 8, IMAGE_PROGRAM_BYTES - 4999, "outside of its file"},
        {text + 32, 8, UINT64_MAX, "outside of its file"},
        {text + 16, 8, 0, "outside of the user half"},
        {text + 16, 8, UINT64_C(0xffff000000000000), "outside of the user half"},
        {data + 40, 8, UINT64_C(1) << 47, "outside of the user half"},
        {data + 40, 8, 50, "outside of its file"},
        {data + 16, 8, IMAGE_TEXT + 0x1000, "cannot be mapped"}, // shares a page with the text
        {data + 16, 8, SHEAF_BOOTINFO_VA, "cannot be mapped"},
        {data + 40, 8, RAM_BYTES, "are free for the first program"},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(spoils); i++) {
        image_program(elf);
        put_le(elf + spoils[i].at, spoils[i].value, spoils[i].bytes);
        expect_bad_program(spoils[i].expected);
    }
}

static void arguments_too_long(void **state) {
    (void)state;
    static char args[SHEAF_BOOT_ARGS + 1];
    memset(args, 'a', sizeof(args) - 1);
    boot((struct image){.args = args + 1});
    expect_panic((struct image){.args = args}, "boot arguments");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thread_starts_at_the_entry),
        cmocka_unit_test(program_is_loaded),
        cmocka_unit_test(bootinfo_is_filled),
        cmocka_unit_test(every_byte_is_owned_once),
        cmocka_unit_test(too_many_pieces_are_named),
        cmocka_unit_test(bad_archives),
        cmocka_unit_test(bad_programs),
        cmocka_unit_test(arguments_too_long),
    };
    return cmocka_run_group_tests_name("core.boot", tests, NULL, NULL);
}
