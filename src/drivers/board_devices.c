// SPDX-License-Identifier: BSD-2-Clause
// Board: serial port, interrupt controller, timer, and the BCM2711's extra blocks.
#include <board.h>

#include "board_read.h"

#define DEFAULT_BAUD 115200
#define REDISTRIBUTOR_FRAME_BYTES 0x10000 // GIC architecture: frames are 64 KiB

// The BCM2711's UART clock comes from a clock manager that the kernel does not drive; the Raspberry
// Pi firmware sets it to 48 MHz before it starts a kernel.
#define BCM2711_UART_HZ 48000000

// ---- Serial port

// The rate in "115200n8" and the like; the default if the options do not start with a number.
static uint32_t parse_baud(const char *options) {
    uint64_t baud = 0;
    for (; *options >= '0' && *options <= '9' && baud <= UINT32_MAX; options++) {
        baud = baud * 10 + (uint64_t)(*options - '0');
    }
    return baud == 0 || baud > UINT32_MAX ? DEFAULT_BAUD : (uint32_t)baud;
}

// The first clock, if it is one that never changes; 0 if the tree does not tell.
static uint32_t fixed_clock_hz(const struct dt *tree, dt_node_t node) {
    struct dt_property clocks;
    uint64_t phandle;
    dt_node_t clock;
    uint32_t hz;
    if (!dt_property(tree, node, "clocks", &clocks) || dt_cells(&clocks, 0, 1, &phandle) != DT_OK ||
        dt_by_phandle(tree, (uint32_t)phandle, &clock) != DT_OK ||
        !dt_is_compatible(tree, clock, "fixed-clock") ||
        dt_u32(tree, clock, "clock-frequency", &hz) != DT_OK) {
        return 0;
    }
    return hz;
}

// The node that /chosen/stdout-path names. Whatever is wrong with it is no reason to have no
// console: there is a second choice.
static bool find_chosen_serial(struct board_reader *reader, dt_node_t *node) {
    const struct dt *tree = &reader->tree;
    struct dt_property property;
    const char *path;
    if (dt_by_path(tree, "/chosen", sizeof("/chosen") - 1, node) != DT_OK ||
        !dt_property(tree, *node, "stdout-path", &property) ||
        dt_string(&property, 0, &path) != DT_OK) {
        return false;
    }
    size_t length = 0;
    while (path[length] != 0 && path[length] != ':') {
        length++;
    }
    if (dt_by_path(tree, path, length, node) != DT_OK ||
        !dt_is_compatible(tree, *node, "arm,pl011")) {
        return false;
    }
    if (path[length] == ':') {
        reader->board->serial.baud = parse_baud(path + length + 1);
    }
    return true;
}

enum dt_status board_read_serial(struct board_reader *reader) {
    struct board_serial *serial = &reader->board->serial;
    serial->baud = DEFAULT_BAUD;
    dt_node_t node;
    serial->chosen = find_chosen_serial(reader, &node);
    if (!serial->chosen) {
        node = board_find_device(reader, "arm,pl011");
        if (!board_is_device(reader, node)) {
            return DT_OK;
        }
    }
    enum dt_status status = board_read_registers(reader, node, 0, &serial->registers);
    if (status != DT_OK) {
        return status;
    }
    serial->kind = BOARD_SERIAL_PL011;
    serial->clock_hz = fixed_clock_hz(&reader->tree, node);
    if (serial->clock_hz == 0 &&
        dt_is_compatible(&reader->tree, dt_root(&reader->tree), "brcm,bcm2711")) {
        serial->clock_hz = BCM2711_UART_HZ;
    }
    return board_read_interrupt(reader, node, 0, &serial->interrupt);
}

// ---- Interrupt controller

static enum dt_status read_redistributors(struct board_reader *reader) {
    struct board_irqc *irqc = &reader->board->irqc;
    uint32_t count = 1;
    enum dt_status status = dt_u32(&reader->tree, reader->irqc, "#redistributor-regions", &count);
    if (status == DT_NOT_FOUND) {
        status = DT_OK;
    }
    if (status == DT_OK && (count == 0 || count > BOARD_MAX_REDISTRIBUTORS)) {
        status = count == 0 ? DT_BAD_VALUE : DT_TOO_MANY;
    }
    if (status != DT_OK) {
        return board_problem(reader, reader->irqc, "#redistributor-regions", status);
    }
    for (uint32_t i = 0; i < count; i++) { // entry 0 is the distributor's
        status = board_read_registers(reader, reader->irqc, 1 + i, &irqc->redistributor[i]);
        if (status != DT_OK) {
            return status;
        }
        irqc->redistributor_count++;
    }
    struct dt_property stride;
    if (dt_property(&reader->tree, reader->irqc, "redistributor-stride", &stride)) {
        status = stride.length == 8 ? dt_cells(&stride, 0, 2, &irqc->redistributor_stride)
                                    : DT_BAD_LENGTH;
        if (status == DT_OK && (irqc->redistributor_stride == 0 ||
                                irqc->redistributor_stride % REDISTRIBUTOR_FRAME_BYTES != 0)) {
            status = DT_BAD_VALUE;
        }
    }
    return board_problem(reader, reader->irqc, "redistributor-stride", status);
}

static enum dt_status read_irqc(struct board_reader *reader) {
    struct board_irqc *irqc = &reader->board->irqc;
    if (irqc->kind == BOARD_IRQC_NONE) {
        return DT_OK;
    }
    enum dt_status status = board_read_registers(reader, reader->irqc, 0, &irqc->distributor);
    if (status != DT_OK) {
        return status;
    }
    if (irqc->kind == BOARD_IRQC_GICV2) {
        return board_read_registers(reader, reader->irqc, 1, &irqc->cpu_interface);
    }
    return read_redistributors(reader);
}

// ---- Timer

// The binding's order is Secure physical, Non-secure physical, virtual, hypervisor; with
// interrupt-names, the names decide.
static enum dt_status read_timer_interrupt(struct board_reader *reader, dt_node_t node,
                                           const char *name, uint32_t index,
                                           struct board_interrupt *interrupt) {
    struct dt_property names;
    if (dt_property(&reader->tree, node, "interrupt-names", &names)) {
        enum dt_status status = dt_string_index(&names, name, &index);
        if (status != DT_OK) {
            status = status == DT_NOT_FOUND ? DT_OK : status;
            return board_problem(reader, node, "interrupt-names", status);
        }
    }
    return board_read_interrupt(reader, node, index, interrupt);
}

static enum dt_status read_timer(struct board_reader *reader) {
    struct board_timer *timer = &reader->board->timer;
    dt_node_t node = board_find_device(reader, "arm,armv8-timer");
    if (!board_is_device(reader, node)) {
        node = board_find_device(reader, "arm,armv7-timer"); // the same registers and binding
    }
    if (!board_is_device(reader, node)) {
        return DT_OK;
    }
    enum dt_status status = read_timer_interrupt(reader, node, "phys", 1, &timer->physical);
    if (status == DT_OK) {
        status = read_timer_interrupt(reader, node, "virt", 2, &timer->virtual);
    }
    if (status != DT_OK) {
        return status;
    }
    status = dt_u32(&reader->tree, node, "clock-frequency", &timer->clock_hz);
    return status == DT_NOT_FOUND ? DT_OK : board_problem(reader, node, "clock-frequency", status);
}

// ---- Blocks of one family of boards

static enum dt_status read_optional(struct board_reader *reader, const char *compatible,
                                    struct board_range *registers) {
    dt_node_t node = board_find_device(reader, compatible);
    return board_is_device(reader, node) ? board_read_registers(reader, node, 0, registers) : DT_OK;
}

enum dt_status board_read_devices(struct board_reader *reader) {
    struct board *board = reader->board;
    enum dt_status status = read_irqc(reader);
    status = status == DT_OK ? read_timer(reader) : status;
    status =
        status == DT_OK ? read_optional(reader, "brcm,bcm2711-gpio", &board->bcm_gpio) : status;
    status = status == DT_OK ? read_optional(reader, "brcm,bcm2835-pm-wdt", &board->bcm_watchdog)
                             : status;
    return status;
}
