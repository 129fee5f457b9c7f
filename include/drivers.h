// SPDX-License-Identifier: BSD-2-Clause
// Drivers: serial port, interrupt controller, timer and power, for the kernel itself.
//
// A driver is chosen by what `struct board` says (bound by `compatible`) and gets the kernel
// addresses at which arch has mapped its registers as Device memory (nGnRE). There is one of each
// kind in a machine, so the state is static and the functions take no handle.
//
// Nothing here takes a lock or masks interrupts. Each function says which PE may call it and what
// must be serialised; the caller runs with interrupts masked (the kernel always does).
#ifndef DRIVERS_H
#define DRIVERS_H

#include <base.h>
#include <board.h>
#include <mmio.h>

// ---- Serial port
//
// Calls are serialised by the console lock, or by the machine being in a panic.

struct serial_config {
    enum board_serial_kind kind;
    volatile void *registers; // PL011: 4 KiB
    uint32_t clock_hz;        // 0: the divisors stay as the firmware set them
    uint32_t baud;
    volatile void
        *bcm_gpio; // null, or the BCM2711 pin multiplexer: GPIO 14 and 15 become the PL011's
};

// Takes over the port: 8 data bits, no parity, 1 stop bit, FIFOs on, interrupts off. What the
// firmware still had in the transmitter is sent out first. False if the kind is unknown; then all
// functions below do nothing and take nothing.
bool serial_init(const struct serial_config *config);

// Sends one byte as it is (no CR before LF); waits until the FIFO has room.
void serial_putc(char c);

// How many of `count` bytes the FIFO took now. Never waits. 0 is a full FIFO, not an error.
size_t serial_write_some(const char *bytes, size_t count);

// How many bytes had come, at most `count`. Never waits. Bytes received with a framing or parity
// error or a break are dropped; after an overrun the bytes that were kept are delivered.
size_t serial_read_some(char *bytes, size_t count);

// Waits until the last byte has left the transmitter: before power-off and reset.
void serial_drain(void);

// Interrupt when bytes wait (FIFO half full, or fewer and a pause of 32 bit times). Level: there is
// nothing to acknowledge. It drops when serial_read_some() has emptied the FIFO (it answered less
// than it was asked for) or when it is switched off here, for a reader that has no room. A byte
// typed before serial_init() gives no interrupt: read before you wait.
void serial_receive_interrupt(bool on);

// Divisors of the PL011's baud rate generator, in 1/64: clock / (16 * baud), rounded to nearest.
// False if the clock cannot give that rate (integer part outside of 1 to 65535).
bool pl011_divisors(uint32_t clock_hz, uint32_t baud, uint32_t *integer, uint32_t *fraction);

// ---- Interrupt controller
//
// INTIDs: 0 to 15 SGIs (one PE to another), 16 to 31 PPIs (of each PE its own), 32 to 1019 SPIs.
// All have one priority, so none interrupts another. All are signalled as IRQ: on GICv3 they are
// put into group 1; on GICv2 they stay in the group that reset or the firmware left them in, which
// is the one that this exception level's control bits enable.

#define IRQC_NONE UINT32_MAX
#define IRQC_FIRST_PPI 16
#define IRQC_FIRST_SPI 32
#define IRQC_MAX_INTERRUPTS 1020

struct irqc_config {
    enum board_irqc_kind kind;
    volatile void *distributor;
    volatile void *cpu_interface; // GICv2
    uint32_t redistributor_count; // GICv3: regions, with the sizes that the board gave
    volatile void *redistributor[BOARD_MAX_REDISTRIBUTORS];
    uint64_t redistributor_size[BOARD_MAX_REDISTRIBUTORS]; // bytes
    uint64_t redistributor_stride;                         // of the board
};

enum irqc_status {
    IRQC_OK,
    IRQC_UNKNOWN_KIND,     // none or another controller
    IRQC_NO_SYSTEM_ACCESS, // GICv3: the higher exception level withholds the ICC registers
    IRQC_NO_REDISTRIBUTOR, // GICv3: no redistributor with this PE's affinity
    IRQC_STUCK,            // a register write or wake-up did not complete
    IRQC_BAD_INTID,        // outside of what this controller has, or of what the call is for
    IRQC_BAD_PE,           // not the index of a PE that called irqc_init_pe()
};

const char *irqc_status_name(enum irqc_status status); // never null

// Once, on the boot PE, before any other: all SPIs off, level, routed to the boot PE; forwarding
// on.
enum irqc_status irqc_init_distributor(const struct irqc_config *config);

// On each PE for itself, after the distributor; `pe` is its index, 0 to MAX_PES - 1, and `mpidr`
// its affinity. Its SGIs on, its PPIs off; all priorities accepted.
enum irqc_status irqc_init_pe(uint32_t pe, uint64_t mpidr);

// How many INTIDs the distributor has: SPIs end below it. 32 to 1020.
uint32_t irqc_interrupts(void);

// This PE's highest pending interrupt, which is active from now on; IRQC_NONE if there is none.
// Hand the same value to irqc_end(): for an SGI of GICv2 it carries the sender in bits 12:10.
// The INTID is irqc_intid() of it.
uint32_t irqc_acknowledge(void);
static inline uint32_t irqc_intid(uint32_t acknowledged) { return acknowledged & 0x3ff; }

// The interrupt is dealt with: priority drop and deactivation, on the PE that acknowledged it. A
// barrier inside completes earlier writes to the device first, so that a level which these took
// down does not come again.
void irqc_end(uint32_t acknowledged);

// Forwards or holds back one PPI (of the calling PE) or SPI. One write: needs no lock. After
// irqc_disable() returns, the interrupt is not signalled anew.
enum irqc_status irqc_enable(uint32_t intid);
enum irqc_status irqc_disable(uint32_t intid);

// How a PPI or SPI triggers. It must be disabled; calls are serialised by the caller. Some PPIs are
// fixed: IRQC_BAD_INTID if the controller did not take it.
enum irqc_status irqc_set_trigger(uint32_t intid, enum board_trigger trigger);

// Sends an SPI to one PE. Serialised by the caller.
enum irqc_status irqc_set_target(uint32_t intid, uint32_t pe);

// Sends SGI 0 to 15 to one PE, perhaps the caller itself. Stores before the call are visible to
// that PE when the interrupt comes (barrier inside).
enum irqc_status irqc_send(uint32_t pe, uint32_t sgi);

// Of this PE: only interrupts of higher priority (lower number) than `mask` are signalled. 0 masks
// all, 0xff none. Interrupts are initialised with priority IRQC_PRIORITY.
#define IRQC_PRIORITY 0xa0
void irqc_set_priority_mask(uint8_t mask);

// ---- Timer: the EL1 virtual timer and its counter. Every PE has its own; the counter is common.

// `frequency_override` is the board's timer.clock_hz. False if neither that nor CNTFRQ_EL0 says how
// fast the counter runs.
bool timer_init(uint32_t frequency_override);

uint32_t timer_hz(void);  // ticks a second, as timer_init() found it
uint64_t timer_now(void); // ticks; monotonic, the same on all PEs; not speculated ahead

// One interrupt on this PE at or after the deadline; at once if that has passed. The level stays
// until a later deadline is set or the timer is stopped.
void timer_set_deadline(uint64_t ticks);
void timer_stop(void);

// Conversions, rounded up, so that a wait is never shorter than asked; UINT64_MAX if too large.
// Pure: `hz` is at least 1.
uint64_t timer_ticks_from_ns(uint64_t ns, uint32_t hz);
uint64_t timer_ns_from_ticks(uint64_t ticks, uint32_t hz);

// A periodic tick on a fixed grid: late handling does not make it drift.
struct timer_tick {
    uint64_t period; // ticks, at least 1
    uint64_t next;   // deadline of the next one
};

// The first tick is one period after `now`.
void timer_tick_start(struct timer_tick *tick, uint64_t period, uint64_t now);

// How many ticks have passed up to `now`, 0 if none; moves `next` beyond `now`.
uint64_t timer_tick_advance(struct timer_tick *tick, uint64_t now);

// ---- Power

struct power_config {
    enum board_psci psci;
    volatile void *bcm_watchdog; // null, or the BCM2835 family's power block
};

enum power_status {
    POWER_OK,
    POWER_NOT_SUPPORTED,
    POWER_INVALID_PE,      // no such PE, or its state does not allow it
    POWER_ALREADY_ON,      // on, or being started
    POWER_INVALID_ADDRESS, // entry address
    POWER_DENIED,
    POWER_FAILED,
};

const char *power_status_name(enum power_status status); // never null

void power_init(const struct power_config *config);

// PSCI's version, major << 16 | minor; 0 without PSCI.
uint32_t power_psci_version(void);

// These return only if the machine cannot do it. Drain the serial port first.
void power_off(void);
void power_reset(void);

// Ends a run under an emulator or debugger with an exit status, by semihosting; where there is none
// it powers off. Returns only if neither is possible.
void power_exit(uint32_t status);

// Starts a PE at `entry` (physical; MMU and caches off, interrupts masked, EL2 or EL1 as the boot
// PE). With PSCI, `context` arrives there in x0; with a spin table x0 is undefined, so the entry
// code must tell PEs apart by MPIDR_EL1. Everything stored before the call is in memory (point of
// coherency) only where the caller cleaned it: the new PE's caches are off.
// `release` is the kernel's address of pe->release for a spin table, else null.
enum power_status power_start_pe(const struct board_pe *pe, paddr_t entry, uint64_t context,
                                 volatile uint64_t *release);

// ---- What the drivers need of src/arch/arm64: one instruction or a few each
//
// Host tests implement these over a fake machine.

// DSB SY: every access before it, to Device or Normal memory, is complete.
void arch_io_barrier(void);

// MPIDR_EL1 of the calling PE.
uint64_t arch_read_mpidr(void);

// Cleans [address, address + bytes) to the point of coherency, then DSB SY, then SEV.
void arch_publish_and_signal(const volatile void *address, size_t bytes);

// CNTFRQ_EL0; ISB then CNTVCT_EL0; CNTV_CVAL_EL0; CNTV_CTL_EL0, each write followed by ISB.
uint32_t arch_timer_read_frequency(void);
uint64_t arch_timer_read_counter(void);
void arch_timer_write_compare(uint64_t ticks);
void arch_timer_write_control(uint32_t control); // bit 0 ENABLE, bit 1 IMASK

// ICC_SRE_EL1: sets SRE, ISB, reads it back: true if the system registers can be used. From an
// entry at EL2, arch must have set ICC_SRE_EL2 {Enable, SRE} and ICC_CTLR/ICH defaults before.
bool arch_gicv3_enable_system_registers(void);
uint32_t arch_gicv3_read_iar1(void);           // ICC_IAR1_EL1, then DSB SY
void arch_gicv3_write_eoir1(uint32_t value);   // ICC_EOIR1_EL1, then ISB
void arch_gicv3_write_pmr(uint32_t value);     // ICC_PMR_EL1, then ISB
void arch_gicv3_write_bpr1(uint32_t value);    // ICC_BPR1_EL1
void arch_gicv3_write_ctlr(uint32_t value);    // ICC_CTLR_EL1, then ISB
void arch_gicv3_write_igrpen1(uint32_t value); // ICC_IGRPEN1_EL1, then ISB
void arch_gicv3_write_sgi1r(uint64_t value);   // ICC_SGI1R_EL1, then ISB

// SMC Calling Convention, 64-bit: function and three arguments in x0 to x3, result x0.
// `conduit` is never BOARD_PSCI_NONE.
int64_t arch_psci_call(enum board_psci conduit, uint32_t function, uint64_t argument1,
                       uint64_t argument2, uint64_t argument3);

// SYS_EXIT with the status; returns if nobody answers HLT #0xf000.
void arch_semihost_exit(uint32_t status);

#endif
