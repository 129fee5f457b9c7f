// SPDX-License-Identifier: BSD-2-Clause
// The booted kernel under host tests: boot, system calls, snapshots.
#include "machine.h"
#include "image.h"
#include <mmu.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KERNEL_BYTES (UINT64_C(64) << 10) // the empty root, and what tests pretend is the image
#define RAMDISK_AT (UINT64_C(1) << 20)

static _Alignas(1 << 16) char arena[RAM_MOST], saved[RAM_MOST];
static uint64_t ram_bytes;
static uint64_t asid_table[(256 / 8 + 256 * 4) / 8 + 16];
static uint64_t next_slot;
paddr_t machine_kernel_root;
static struct cnode *cnode; // init's

static void fail_on_violation(enum vmsa_rule rule, const char *text) {
    vmsa_print_violation(rule, text);
    fail_msg("%s: %s", vmsa_rule_name(rule), text);
}

// ---- Boot

static void *ram(uint64_t offset) { return arena + offset; }

// The free ranges: everything but the kernel's part and the RAM disk's pages, with a page missing
// in the middle of each of `holes` stretches at the end.
static void lay_out(struct boot_layout *layout, uint64_t ramdisk_pages, unsigned holes) {
    struct core_boot *boot = &layout->boot;
    uint64_t ramdisk_end = RAMDISK_AT + ramdisk_pages * PAGE_BYTES;
    layout->kernel_end = VMSA_BASE + KERNEL_BYTES;
    boot->free[boot->free_count++] =
        (struct memory_range){PADDR(layout->kernel_end), RAMDISK_AT - KERNEL_BYTES};
    uint64_t at = ramdisk_end, end = ram_bytes;
    for (unsigned i = 0; i < holes; i++) {
        boot->reserved_bytes += PAGE_BYTES; // the last page of each stretch
        end -= (i * 7 % 5 + 3) * PAGE_BYTES;
    }
    boot->free[boot->free_count++] = (struct memory_range){PADDR(VMSA_BASE + at), end - at};
    for (unsigned i = holes; i-- > 0;) {
        uint64_t bytes = (i * 7 % 5 + 3) * PAGE_BYTES;
        boot->free[boot->free_count++] =
            (struct memory_range){PADDR(VMSA_BASE + end), bytes - PAGE_BYTES};
        end += bytes;
    }
}

void machine_prepare(const struct image *image, struct boot_layout *layout) {
    uint8_t elf[IMAGE_PROGRAM_BYTES];
    ram_bytes = image->ram_bytes != 0 ? image->ram_bytes : RAM_BYTES;
    memset(arena, 0xa5, ram_bytes); // what the firmware left
    memset(ram(0), 0, KERNEL_BYTES);
    memset(asid_table, 0, sizeof(asid_table));
    vmsa_init(arena, ram_bytes);
    vmsa_set_handler(fail_on_violation);
    fake_init();
    assert_true(mmu_asid_table_bytes(8) <= sizeof(asid_table));
    machine_kernel_root = PADDR(0);
    if (image->kernel_half)
        machine_kernel_root =
            vmsa_make_kernel_half(PADDR(VMSA_BASE + CHUNK_BYTES / 2), VMSA_BASE, ram_bytes);
    mmu_init(&(struct mmu_config){.kernel_root = machine_kernel_root,
                                  .direct_map = VADDR(VMSA_KERNEL_HALF),
                                  .asid_bits = 8,
                                  .asid_limit = image->asid_limit,
                                  .asid_table = asid_table,
                                  .empty_root = PADDR(VMSA_BASE)});

    memset(layout, 0, sizeof(*layout));
    uint8_t *archive = ram(RAMDISK_AT + image->ramdisk_offset);
    size_t bytes = image->archive_bytes;
    if (image->archive != NULL) {
        memcpy(archive, image->archive, bytes);
    } else {
        image_program(elf);
        bytes = image_archive(archive, IMAGE_ROOM, elf, sizeof(elf));
    }
    uint64_t pages = ALIGN_UP(image->ramdisk_offset + bytes, PAGE_BYTES) / PAGE_BYTES;
    lay_out(layout, pages, image->holes);
    layout->boot.ramdisk =
        (struct memory_range){PADDR(VMSA_BASE + RAMDISK_AT + image->ramdisk_offset), bytes};
    layout->boot.device_count = image->device_count;
    memcpy(layout->boot.device, image->device, sizeof(image->device));
    layout->boot.ram_bytes = ram_bytes;
    layout->boot.kernel_bytes = KERNEL_BYTES;
    layout->boot.pes = 1;
    layout->boot.args = image->args != NULL ? image->args : "run=test";
}

static const struct core_boot *booting;

static void run_boot(struct pe *pe) { core_boot(pe, booting); }

enum fake_exit machine_start(const struct boot_layout *layout) {
    booting = &layout->boot;
    enum fake_exit exit = fake_run(run_boot, &fake.pe[0]);
    if (exit == FAKE_RUNS) {
        cnode = running()->slot[THREAD_CSPACE].object;
    }
    return exit;
}

void machine_boot(const struct image *image) {
    struct boot_layout layout;
    machine_prepare(image, &layout);
    assert_int_equal(machine_start(&layout), FAKE_RUNS);
    const struct sheaf_bootinfo *info =
        port_kernel_address(slot_of(SHEAF_BOOT_SLOT_BOOTINFO)->frame.address);
    next_slot = info->first_free_slot;
    set_priority(INIT, PRIORITY_RUNNING);
}

int machine_setup(void **state) {
    (void)state;
    machine_boot(&(struct image){0});
    return 0;
}

int machine_teardown(void **state) {
    (void)state;
    fake_set_interrupts(VMSA_NEVER);
    check_invariants();
    return 0;
}

// ---- System calls

struct thread *running(void) { return fake.pe[0].current; }

struct sheaf_ipc_buffer *buffer(void) { return thread_buffer(running()); }

void (*machine_syscall)(struct pe *pe) = core_syscall;

void execute(const struct call *call) {
    struct thread *thread = running();
    uint64_t *reg = thread->context.reg;
    reg[SHEAF_REG_SYSCALL] = call->number;
    reg[SHEAF_REG_CAP] = call->cap;
    reg[SHEAF_REG_TAG] = call->tag;
    reg[SHEAF_REG_REPLY] = call->reply;
    reg[SHEAF_REG_GATHER] = call->gather;
    reg[SHEAF_REG_DEADLINE] = call->deadline;
    for (unsigned i = 0; i < SHEAF_REG_WORDS; i++)
        reg[SHEAF_REG_WORD0 + i] = call->word[i];
    execute_again();
}

void execute_again(void) {
    struct thread *thread = running();
    uint64_t pc = thread->context.pc;
    do {
        thread->context.pc = pc + FAKE_INSTRUCTION_BYTES;
        fake_run(machine_syscall, &fake.pe[0]);
        assert_false(vmsa_holds_locks(0));
    } while (running() == thread && thread->context.pc == pc);
}

struct result result_of(const struct thread *thread) {
    const uint64_t *reg = thread->context.reg;
    struct result result = {.status = reg[SHEAF_REG_STATUS],
                            .tag = reg[SHEAF_REG_TAG],
                            .badge = reg[SHEAF_REG_BADGE],
                            .x10 = reg[SHEAF_REG_GATHER],
                            .x11 = reg[SHEAF_REG_TOTALS]};
    memcpy(result.word, &reg[SHEAF_REG_WORD0], sizeof(result.word));
    return result;
}

struct result make_call(const struct call *call) {
    struct thread *thread = running();
    execute(call);
    return result_of(thread);
}

struct result invoke_words(uint64_t cap, uint64_t method, unsigned count, const uint64_t *words) {
    struct call call = {.number = SHEAF_SYS_CALL, .cap = cap, .tag = SHEAF_TAG(method, count)};
    for (unsigned i = 0; i < count; i++) {
        if (i < SHEAF_REG_WORDS)
            call.word[i] = words[i];
        else
            buffer()->message[i] = words[i];
    }
    return make_call(&call);
}

// ---- Snapshots

static struct thread *snapshot_thread;

void snapshot_take(void) {
    snapshot_thread = running();
    memcpy(saved, arena, ram_bytes);
}

static void compare_page(size_t page, const char *what, const char *file, int line) {
    for (size_t at = page; at < page + PAGE_BYTES; at += sizeof(uint64_t)) {
        if (memcmp(saved + at, arena + at, sizeof(uint64_t)) == 0)
            continue;
        print_error("%s failed and changed memory at offset 0x%zx\n", what, at);
        _fail(file, line);
    }
}

void snapshot_compare(const char *what, const char *file, int line) {
    uint64_t context = (uint64_t)((char *)&snapshot_thread->context - arena);
    memcpy(saved + context, arena + context, sizeof(snapshot_thread->context));
    for (size_t at = 0; at < ram_bytes; at += PAGE_BYTES) {
        if (memcmp(saved + at, arena + at, PAGE_BYTES) != 0)
            compare_page(at, what, file, line);
    }
}

void check_status(uint64_t status, enum sheaf_error expected, const char *what, const char *file,
                  int line) {
    static const char *const names[] = {
#define NAME(name, number, text) [number] = #name,
        SHEAF_ERRORS(NAME)};
    if (status == expected)
        return;
    print_error("%s: expected %s, came %s (%lu)\n", what, names[expected],
                status < ARRAY_SIZE(names) ? names[status] : "?", (unsigned long)status);
    _fail(file, line);
}

// ---- Slots

uint64_t new_slots(unsigned count) {
    uint64_t first = next_slot;
    next_slot += count;
    return first;
}

struct slot *slot_of(uint64_t name) { return cnode_slot(cnode, name); }

bool is_empty(uint64_t name) { return slot_of(name)->type == SHEAF_NULL; }
