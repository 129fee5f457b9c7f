// SPDX-License-Identifier: BSD-2-Clause
// Booting: device tree, serial port, memory, devices, mmu, and then core makes the first thread.
#include "boot.h"

#include "boot_args.h"
#include "boot_memory.h"
#include "device_memory.h"
#include "pe_features.h"
#include "irq.h"
#include "kmap.h"
#include "layout.h"
#include "memory_functions.h"
#include "print.h"
#include "stacks.h"
#include "tlb_features.h"

#include <arch.h>
#include <board.h>
#include <drivers.h>
#include <port.h>
#include <sheaf/bootinfo.h>
#include <trace.h>

#define MIB (UINT64_C(1) << 20)
#define ASID_LIMIT_MAX 65536

struct pe pe_data[MAX_PES];

// Kept out of the stack, and for ever where others keep pointers into it.
static struct board board;
static struct core_boot core_boot_data;
static char boot_args[SHEAF_BOOT_ARGS];

static void start_console(void) {
    if (board.serial.kind == BOARD_SERIAL_NONE) {
        return;
    }
    struct serial_config config = {
        .kind = board.serial.kind,
        .registers = arch_map_device(board.serial.registers.base, board.serial.registers.size),
        .clock_hz = board.serial.clock_hz,
        .baud = board.serial.baud,
    };
    if (board.bcm_gpio.size != 0) {
        config.bcm_gpio = arch_map_device(board.bcm_gpio.base, board.bcm_gpio.size);
    }
    if (serial_init(&config)) {
        print_start();
    }
    if (config.bcm_gpio != NULL) {
        arch_unmap_device(config.bcm_gpio); // from here on the pins are user space's
    }
}

static uint64_t listed_memory(void) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < board.memory_count; i++) {
        bytes += board.memory[i].size;
    }
    return bytes;
}

// Reads the tree, brings the serial port up as soon as it is known, and only then complains.
static void read_board(paddr_t fdt, uint64_t fdt_bytes, uint64_t level) {
    if (fdt_bytes == 0) {
        panic("no device tree at 0x%lx", fdt.v);
    }
    const char *blob = (const char *)KERNEL_FDT_VA + fdt.v % PAGE_BYTES;
    enum dt_status status = fdt_read_board(blob, fdt_bytes, &board);
    start_console();
    const char *model = board.model != NULL && board.model[0] != '\0' ? board.model : "a machine";
    kprintf("\nSheaf %s on %s, 1 of %u PE, %lu MiB\n", SHEAF_VERSION, model, board.pes_listed,
            listed_memory() / MIB);
    kprintf("boot: entered at EL%lu, image at 0x%lx, device tree at 0x%lx (%u bytes)\n", level,
            kmap_image().v, fdt.v, board.blob_size);
    if (status != DT_OK) {
        panic("device tree: %s (%s), node '%s', property '%s'", dt_status_name(status),
              dt_status_text(status), board.problem_node, board.problem_property);
    }
    if (board.truncated != 0) {
        kprintf("boot: the tree lists %u PEs and %u memory banks; %u and %u are used\n",
                board.pes_listed, board.memory_listed, board.pe_count, board.memory_count);
    }
}

static void keep_args(void) {
    size_t length = 0;
    while (board.args[length] != '\0' && length < sizeof(boot_args) - 1) {
        boot_args[length] = board.args[length];
        length++;
    }
    if (board.args[length] != '\0') {
        kprintf("boot: arguments cut off after %zu bytes\n", length);
    }
}

static void start_interrupts(void) {
    const struct board_irqc *found = &board.irqc;
    struct irqc_config config = {
        .kind = found->kind,
        .redistributor_count = found->redistributor_count,
        .redistributor_stride = found->redistributor_stride,
    };
    if (found->kind == BOARD_IRQC_NONE) {
        panic("the device tree has no GICv2 or GICv3");
    }
    config.distributor = arch_map_device(found->distributor.base, found->distributor.size);
    if (found->kind == BOARD_IRQC_GICV2) {
        config.cpu_interface =
            arch_map_device(found->cpu_interface.base, found->cpu_interface.size);
    }
    for (uint32_t i = 0; i < found->redistributor_count; i++) {
        const struct board_range *range = &found->redistributor[i];
        config.redistributor[i] = arch_map_device(range->base, range->size);
        config.redistributor_size[i] = range->size;
    }
    enum irqc_status status = irqc_init_distributor(&config);
    if (status == IRQC_OK) {
        status = irqc_init_pe(0, arch_read_mpidr());
    }
    if (status != IRQC_OK) {
        panic("interrupt controller: %s", irqc_status_name(status));
    }
}

static void start_power(void) {
    struct power_config config = {.psci = board.psci};
    if (board.bcm_watchdog.size != 0) {
        config.bcm_watchdog = arch_map_device(board.bcm_watchdog.base, board.bcm_watchdog.size);
    }
    power_init(&config);
}

static void start_devices(void) {
    start_power();
    start_interrupts();
    if (!board.timer.virtual.present || !timer_init(board.timer.clock_hz)) {
        panic("the device tree has no virtual timer, or nothing says how fast it runs");
    }
    irq_start_timer(&board.timer.virtual);
    if (board.serial.kind != BOARD_SERIAL_NONE && board.serial.interrupt.present) {
        irq_start_serial(&board.serial.interrupt);
    }
    uint32_t psci = power_psci_version();
    kprintf("boot: GICv%u with %u interrupts, timer %u Hz, PSCI %u.%u%s\n",
            board.irqc.kind == BOARD_IRQC_GICV2 ? 2u : 3u, irqc_interrupts(), timer_hz(),
            psci >> 16, psci & 0xffff, board.psci == BOARD_PSCI_NONE ? " (none)" : "");
}

// The identity map that carried head.S goes out of use: user space starts on an empty root.
static void start_mmu(const struct memory_range *asid_table, paddr_t empty_root) {
    struct mmu_config config = {
        .features = features_wanted(pe_mmu_features(), boot_args),
        .asid_bits = pe_asid_bits(),
        .asid_limit = (unsigned)boot_args_number(boot_args, "asids", ASID_LIMIT_MAX, 0),
        .asid_table = port_kernel_address(asid_table->start),
        .empty_root = empty_root,
        .kernel_root = kmap_image_address(kernel_root),
        .direct_map = VADDR(PORT_DIRECT_MAP),
    };
    port_load_root(empty_root.v);    // ASID 0
    port_tlbi(PORT_TLBI_VMALLE1, 0); // the identity map's entries, which are global
    port_dsb_nsh();
    port_isb();
    mmu_init(&config);
    kprintf("boot: %u-bit ASIDs%s%s%s\n", config.asid_bits,
            config.features.ttl ? ", level hints" : "",
            config.features.range ? ", range invalidation" : "",
            config.features.repeat_tlbi ? ", TLB invalidations repeated (erratum)" : "");
}

// Before the first root that user space could run on.
static void start_trace(void) {
    uint64_t start = UINT64_MAX, end = 0;
    for (uint32_t i = 0; i < board.memory_count; i++) {
        start = MIN(start, board.memory[i].base.v);
        end = MAX(end, board.memory[i].base.v + board.memory[i].size);
    }
    struct mmu_features present = pe_mmu_features(); // whatever boot arguments switch off
    struct trace_header header = {
        .magic = TRACE_MAGIC,
        .version = TRACE_VERSION,
        .ram_start = start,
        .ram_bytes = end - start,
        .features = (pe_asid_bits() == 8 ? TRACE_ASIDS_OF_8_BITS : 0) |
                    (present.repeat_tlbi ? TRACE_REPEAT_TLBI : 0) | (present.ttl ? TRACE_TTL : 0) |
                    (present.range ? TRACE_RANGE : 0),
        .kernel_root = kmap_image_address(kernel_root).v,
    };
    size_t length;
    const char *name = boot_args_text(boot_args, "trace", &length);
    trace_start(name, length, &header);
    kmap_trace();
}

static void start_memory(paddr_t fdt, uint64_t fdt_bytes) {
    size_t asid_bytes = mmu_asid_table_bytes(pe_asid_bits());
    struct memory_range tree = {fdt, fdt_bytes};
    boot_memory_init(&board, tree, ALIGN_UP(asid_bytes, PAGE_BYTES) + PAGE_BYTES);
    struct memory_range asid_table = {boot_memory_take(asid_bytes, PAGE_BYTES), asid_bytes};
    if (SHEAF_TRACE) {
        start_trace();
    }
    start_mmu(&asid_table, boot_memory_take(PAGE_BYTES, PAGE_BYTES));
}

static void find_device_memory(struct core_boot *boot) {
    struct ranges kernel, device;
    kmap_devices(&kernel);
    if (!device_memory_find(&board, &kernel, pe_physical_bits(), &device)) {
        panic("device memory: more than %d pieces", RANGES_MAX);
    }
    unsigned found = device.count;
    uint64_t lost = ranges_keep_largest(&device, SHEAF_BOOT_DEVICES);
    if (lost != 0) {
        kprintf("boot: device memory lies in %u ranges; the smallest %u (%lu KiB) are not used\n",
                found, found - device.count, lost / 1024);
    }
    for (unsigned i = 0; i < device.count; i++) {
        boot->device[i] = device.range[i];
    }
    boot->device_count = device.count;
}

// The tree's memory is handed out with the rest: nothing may see it from here on.
static void forget_tree(paddr_t fdt, uint64_t fdt_bytes) {
    uint64_t first = ALIGN_DOWN(fdt.v, PAGE_BYTES);
    kmap_unmap(VADDR(KERNEL_FDT_VA), ALIGN_UP(fdt.v + fdt_bytes, PAGE_BYTES) - first);
    kmap_complete_removal();
    board.model = "";
    board.args = boot_args;
}

// For the tests of the panic itself.
static void panic_on_request(void) {
    if (boot_args_is(boot_args, "panic", "test")) {
        panic("boot argument panic=test");
    }
    if (boot_args_is(boot_args, "panic", "fault")) {
        uint64_t address = 8; // no kernel mapping in the lower half
        uint64_t value;
        __asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
    }
}

void boot_main(paddr_t fdt, uint64_t fdt_bytes, uint64_t level) {
    struct pe *pe = arch_pe();
    pe->id = 0;
    read_board(fdt, fdt_bytes, level);
    keep_args();
    start_memory(fdt, fdt_bytes);
    start_devices();
    struct core_boot *boot = &core_boot_data;
    boot_memory_finish(boot);
    find_device_memory(boot);
    boot->pes = 1;
    boot->args = boot_args;
    forget_tree(fdt, fdt_bytes);
    kprintf("boot: RAM %lu KiB: kernel %lu, reserved %lu, RAM disk %lu\n", boot->ram_bytes / 1024,
            boot->kernel_bytes / 1024, boot->reserved_bytes / 1024, boot->ramdisk.bytes / 1024);
    core_boot(pe, boot);
    panic_on_request();
}
