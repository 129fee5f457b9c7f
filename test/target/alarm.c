// SPDX-License-Identifier: BSD-2-Clause
// The alarms of two boards: virt's real time clock, and the BCM2711's second serial port, which
// raises its line whenever it may and has nothing to send.
#include "alarm.h"
#include "device.h"
#include "harness.h"

struct alarm {
    uint64_t address, interrupt;
    unsigned status; // offset of the register whose bit 0 says that the line is up
    void (*begin)(void), (*raise)(void), (*soon)(void), (*silence)(void);
};

static const struct alarm *alarm;
static volatile uint32_t *registers;

static uint32_t get(unsigned offset) { return registers[offset / 4]; }
static void set(unsigned offset, uint32_t value) { registers[offset / 4] = value; }

// ---- Arm PrimeCell Real Time Clock (PL031), "Summary of registers"; a clock of seconds

enum {
    PL031_DATA = 0x00,
    PL031_MATCH = 0x04,
    PL031_MASK = 0x10, // 1 lets the interrupt out
    PL031_RAW = 0x14,
    PL031_CLEAR = 0x1c,
    PL031_IDENTIFICATION = 0xfe0,
};

static void pl031_begin(void) {
    // Part 0x031, designer 0x41; the revision, bits 4 to 7 of the third, may be any.
    static const uint8_t expected[8] = {0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    for (unsigned i = 0; i < 8; i++) {
        CHECK_EQ(get(PL031_IDENTIFICATION + 4 * i) & (i == 2 ? 0x0f : 0xff), expected[i]);
    }
    set(PL031_MASK, 1);
}

// A second may begin between the two accesses; the alarm is then 136 years away: once more.
static void pl031_raise(void) {
    for (unsigned i = 0; i < 10 && !alarm_is_up(); i++) {
        set(PL031_MATCH, get(PL031_DATA));
    }
}

static void pl031_soon(void) { set(PL031_MATCH, get(PL031_DATA) + 1); }

static void pl031_silence(void) {
    set(PL031_MATCH, get(PL031_DATA) - 1); // no alarm for a long time
    set(PL031_CLEAR, 1);
}

// ---- BCM2711 ARM Peripherals, "Auxiliaries: UART1 & SPI1, SPI2"

enum {
    AUX_INTERRUPTS = 0x00, // bit 0: the mini UART's
    AUX_ENABLES = 0x04,    // bit 0: the mini UART
    AUX_UART_INTERRUPTS = 0x44,
    AUX_UART_WHEN_EMPTY = 2, // the transmitter
};

static void aux_begin(void) { set(AUX_ENABLES, get(AUX_ENABLES) | 1); }
static void aux_raise(void) { set(AUX_UART_INTERRUPTS, AUX_UART_WHEN_EMPTY); }
static void aux_silence(void) { set(AUX_UART_INTERRUPTS, 0); }

// ---- The one that this board has

static const struct alarm alarms[] = {
    // Shared interrupt 2.
    {0x09010000, 32 + 2, PL031_RAW, pl031_begin, pl031_raise, pl031_soon, pl031_silence},
    // Shared interrupt 93. Its time is always now.
    {0xfe215000, 32 + 93, AUX_INTERRUPTS, aux_begin, aux_raise, aux_raise, aux_silence},
};

static const struct alarm *of_this_board(void) {
    uint64_t start;
    uint64_t bits;
    for (size_t i = 0; i < sizeof(alarms) / sizeof(alarms[0]); i++) {
        if (device_untyped(alarms[i].address, &start, &bits) != 0) {
            return &alarms[i];
        }
    }
    skip_case("neither virt nor a BCM2711");
}

void alarm_map(void) {
    registers = map_here(device_page(alarm->address), SHEAF_PAGE_BITS, ALL_ACCESS);
}

void alarm_open(void) {
    alarm = of_this_board();
    alarm_map();
    alarm->begin();
    alarm_clear();
}

uint64_t alarm_interrupt(void) { return alarm->interrupt; }

sheaf_cptr alarm_handler(uint64_t trigger, sheaf_cptr notification) {
    sheaf_cptr handler = make(SHEAF_IRQ_HANDLER, 0);
    CHECK_OK(irq_bind(alarm->interrupt, trigger, handler));
    CHECK_OK(irq_attach(handler, notification));
    return handler;
}

bool alarm_is_up(void) { return (get(alarm->status) & 1) != 0; }

void alarm_raise(void) {
    alarm->raise();
    CHECK(alarm_is_up());
}

void alarm_soon(void) { alarm->soon(); }

void alarm_silence(void) { alarm->silence(); }

void alarm_clear(void) {
    alarm_silence();
    CHECK(!alarm_is_up());
}
