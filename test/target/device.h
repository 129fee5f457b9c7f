// SPDX-License-Identifier: BSD-2-Clause
// Device memory for cases: pages of it, and the one device that QEMU's virt board has to offer.
#ifndef TARGET_DEVICE_H
#define TARGET_DEVICE_H

#include "support.h"

// A Frame of the page at a physical address; the case fails if no device Untyped has it. Pages of
// one Untyped must be asked for in ascending order.
sheaf_cptr device_page(uint64_t physical);
// The device Untyped with that address in it and where it lies; 0: there is none.
sheaf_cptr device_untyped(uint64_t physical, uint64_t *start, uint64_t *bits);
// After a case: takes back all that was made of device Untypeds.
void device_end(void);

// The PL031, a clock of seconds with an alarm. Its place and interrupt are constants of the board
// `virt`; the device tree, which would say so, is read by the kernel and gone. Where there is none,
// rtc_open() skips the case.
#define RTC_ADDRESS UINT64_C(0x09010000)
#define RTC_INTERRUPT 34 // shared interrupt 2; by the device tree it is a level

struct rtc_registers { // Arm PrimeCell Real Time Clock (PL031), "Summary of registers"
    uint32_t data;     // RTCDR: seconds
    uint32_t match;    // RTCMR: the alarm's
    uint32_t load;     // RTCLR
    uint32_t control;  // RTCCR
    uint32_t mask;     // RTCIMSC: 1 lets the interrupt out
    uint32_t raw;      // RTCRIS: 1 since the alarm
    uint32_t masked;   // RTCMIS
    uint32_t clear;    // RTCICR: write 1
    uint32_t reserved[1008];
    uint32_t identification[8]; // RTCPeriphID0-3, RTCPCellID0-3
};

volatile struct rtc_registers *rtc_open(void); // mapped, no alarm, its interrupt let out
void rtc_raise(volatile struct rtc_registers *rtc);
void rtc_clear(volatile struct rtc_registers *rtc);

// An IrqHandler that has the clock's interrupt and signals `notification`. Not acknowledged yet.
sheaf_cptr rtc_handler(uint64_t trigger, sheaf_cptr notification);
uint64_t irq_bind(uint64_t interrupt, uint64_t trigger, sheaf_cptr handler);
uint64_t irq_attach(sheaf_cptr handler, sheaf_cptr notification);
uint64_t irq_acknowledge(sheaf_cptr handler);

#endif
