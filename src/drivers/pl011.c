// SPDX-License-Identifier: BSD-2-Clause
// Serial port: Arm PrimeCell UART PL011, polled for output, by interrupt for input.
//
// The receive interrupts are levels of the FIFO and are never cleared through ICR: clearing them
// while bytes wait would leave those bytes without an interrupt until more arrive.
#include <drivers.h>

// PL011 Technical Reference Manual, "Summary of registers".
#define UART_DR 0x00
#define UART_FR 0x18
#define UART_IBRD 0x24
#define UART_FBRD 0x28
#define UART_LCR_H 0x2c
#define UART_CR 0x30
#define UART_IFLS 0x34
#define UART_IMSC 0x38
#define UART_ICR 0x44

#define DR_FRAMING_ERROR (1U << 8)
#define DR_PARITY_ERROR (1U << 9)
#define DR_BREAK (1U << 10)
#define FR_BUSY (1U << 3)
#define FR_RX_EMPTY (1U << 4)
#define FR_TX_FULL (1U << 5)
#define LCR_H_FIFO (1U << 4)
#define LCR_H_8_BITS (3U << 5)
#define CR_ENABLE (1U << 0)
#define CR_TX (1U << 8)
#define CR_RX (1U << 9)
#define IFLS_RX_HALF (2U << 3)
#define INT_RX (1U << 4)
#define INT_RX_TIMEOUT (1U << 6)
#define INT_ALL 0x7ffU

// GPIO 14 and 15 are in function select register 1, three bits each from bit 12 on; alternative
// function 0, coded 0b100, is the PL011. After reset of a Raspberry Pi 4 they carry the mini UART.
#define BCM_GPFSEL1 0x04
#define BCM_GPFSEL1_MASK (077U << 12)
#define BCM_GPFSEL1_PL011 (044U << 12)

// A full FIFO of 32 bytes at 300 baud takes about a second; a port that is still busy after so many
// reads (at least 50 ns each) has been stopped by flow control, and is taken over as it is.
#define DRAIN_READS 20000000

#define NO_BYTE (-1)

static volatile void *uart;      // null: no port
static int early_byte = NO_BYTE; // typed before the port was taken over

bool pl011_divisors(uint32_t clock_hz, uint32_t baud, uint32_t *integer, uint32_t *fraction) {
    if (baud == 0) {
        return false;
    }
    // clock / (16 * baud) in 1/64 is 4 * clock / baud
    uint64_t divisor = ((uint64_t)clock_hz * 4 + baud / 2) / baud;
    if (divisor < 64 || divisor > UINT64_C(65535) * 64) {
        return false;
    }
    *integer = (uint32_t)(divisor / 64);
    *fraction = (uint32_t)(divisor % 64);
    return true;
}

static void set_rate(uint32_t clock_hz, uint32_t baud) {
    uint32_t integer;
    uint32_t fraction;
    if (clock_hz != 0 && pl011_divisors(clock_hz, baud, &integer, &fraction)) {
        mmio_write32(uart, UART_IBRD, integer);
        mmio_write32(uart, UART_FBRD, fraction);
    }
}

bool serial_init(const struct serial_config *config) {
    uart = NULL;
    early_byte = NO_BYTE;
    if (config->kind != BOARD_SERIAL_PL011) {
        return false;
    }
    uart = config->registers;
    if ((mmio_read32(uart, UART_CR) & CR_ENABLE) != 0) {
        serial_drain(); // a disabled port would keep what is in its FIFO, and stay busy
    }
    mmio_write32(uart, UART_CR, 0);
    mmio_write32(uart, UART_IMSC, 0);
    mmio_write32(uart, UART_ICR, INT_ALL & ~(INT_RX | INT_RX_TIMEOUT));
    set_rate(config->clock_hz, config->baud);
    // Writing LCR_H also makes the divisors take effect. Switching the FIFOs on empties them: a
    // byte that waits in the only place there is without them is saved, right before. FIFOs that
    // are on stay as they are.
    if ((mmio_read32(uart, UART_LCR_H) & LCR_H_FIFO) == 0 &&
        (mmio_read32(uart, UART_FR) & FR_RX_EMPTY) == 0) {
        early_byte = (uint8_t)mmio_read32(uart, UART_DR);
    }
    mmio_write32(uart, UART_LCR_H, LCR_H_8_BITS | LCR_H_FIFO);
    mmio_write32(uart, UART_IFLS, IFLS_RX_HALF);
    if (config->bcm_gpio != NULL) {
        uint32_t select = mmio_read32(config->bcm_gpio, BCM_GPFSEL1);
        mmio_write32(config->bcm_gpio, BCM_GPFSEL1,
                     (select & ~BCM_GPFSEL1_MASK) | BCM_GPFSEL1_PL011);
    }
    mmio_write32(uart, UART_CR, CR_ENABLE | CR_TX | CR_RX);
    return true;
}

void serial_putc(char c) {
    while (uart != NULL && serial_write_some(&c, 1) == 0) {
    }
}

size_t serial_write_some(const char *bytes, size_t count) {
    size_t done = 0;
    while (uart != NULL && done < count && (mmio_read32(uart, UART_FR) & FR_TX_FULL) == 0) {
        mmio_write32(uart, UART_DR, (uint8_t)bytes[done++]);
    }
    return done;
}

size_t serial_read_some(char *bytes, size_t count) {
    size_t done = 0;
    if (count > 0 && early_byte != NO_BYTE) {
        bytes[done++] = (char)early_byte;
        early_byte = NO_BYTE;
    }
    while (uart != NULL && done < count && (mmio_read32(uart, UART_FR) & FR_RX_EMPTY) == 0) {
        uint32_t data = mmio_read32(uart, UART_DR);
        if ((data & (DR_FRAMING_ERROR | DR_PARITY_ERROR | DR_BREAK)) == 0) {
            bytes[done++] = (char)data;
        }
    }
    return done;
}

void serial_drain(void) {
    for (uint32_t reads = 0; uart != NULL && reads < DRAIN_READS; reads++) {
        if ((mmio_read32(uart, UART_FR) & FR_BUSY) == 0) {
            return;
        }
    }
}

void serial_receive_interrupt(bool on) {
    if (uart != NULL) {
        mmio_write32(uart, UART_IMSC, on ? INT_RX | INT_RX_TIMEOUT : 0);
    }
}
