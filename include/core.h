// SPDX-License-Identifier: BSD-2-Clause
// The core room, as arch calls it.
//
// arch saves the registers of the current thread in pe->context, calls one of these on the PE's
// stack, and then resumes whatever pe->context names: core may have switched. There is always
// something to resume: with no thread ready, core waits inside (arch_wait_for_interrupt).
#ifndef CORE_H
#define CORE_H

#include <base.h>
#include <pe.h>
#include <sheaf/bootinfo.h>

void core_syscall(struct pe *pe);
// A page fault. `access`: SHEAF_ACCESS_*.
void core_page_fault(struct pe *pe, vaddr_t address, uint64_t access);
// Any other exception of user space.
void core_exception(struct pe *pe, uint64_t syndrome, uint64_t address);
// An interrupt came while user space ran: calls arch_handle_interrupts, reschedules.
void core_interrupt(struct pe *pe);

// Called by arch_handle_interrupts.
void core_tick(struct pe *pe); // the timer's deadline has passed
void core_console_input(void); // input waits in the serial port
// A shared interrupt that is not the kernel's own has come and is masked now. False: nobody's.
bool core_device_interrupt(uint32_t interrupt);

// Name of the running thread, "idle" if there is none; never NULL. For a panic: takes no lock.
const char *core_thread_name(const struct pe *pe);

struct memory_range {
    paddr_t start;
    uint64_t bytes;
};

struct core_boot {
    struct memory_range free[64]; // page-aligned RAM that nobody uses, ascending
    unsigned free_count;
    // Addresses that are neither RAM nor what the kernel drives, page-aligned, ascending.
    struct memory_range device[SHEAF_BOOT_DEVICES];
    unsigned device_count;
    struct memory_range ramdisk; // as loaded; not page-aligned; its pages are not in free[]
    uint64_t ram_bytes, kernel_bytes, reserved_bytes;
    unsigned pes;
    const char *args;
};

// Makes the first thread from the program `init` in the RAM disk and hands it all memory.
// On return pe->context names it. Panics with what is wrong when the boot image is unusable.
void core_boot(struct pe *pe, const struct core_boot *boot);

#endif
