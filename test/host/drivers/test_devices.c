// SPDX-License-Identifier: BSD-2-Clause
// Serial port, timer and power over a fake machine.
#include "fake_machine.h"

#include <string.h>

// ---- A PL011 with its FIFOs, as the manual describes it

#define UART 0x09000000U
#define GPIO 0xfe200000U
#define FIFO_BYTES 16

static uint32_t uart_control;
static uint32_t uart_line;
static uint32_t uart_mask;
static uint32_t uart_integer;
static uint32_t uart_fraction;
static uint32_t uart_latched_integer; // a write of LCR_H makes the divisors take effect
static uint32_t uart_busy_reads;      // how many reads the transmitter is busy for
static bool uart_taken_while_busy;
static uint32_t uart_receive[64];
static size_t uart_receive_count;
static char uart_sent[64];
static size_t uart_sent_count;
static size_t uart_transmit_room;
static uint32_t gpio_select;

static uint64_t uart_read(size_t offset, unsigned bytes) {
    assert_int_equal(bytes, 4);
    switch (offset) {
    case 0x00: {
        assert_true(uart_receive_count > 0); // the driver reads only what is there
        uint32_t first = uart_receive[0];
        memmove(uart_receive, uart_receive + 1, --uart_receive_count * sizeof(uart_receive[0]));
        return first;
    }
    case 0x18: {
        uint32_t busy = uart_busy_reads > 0 ? 1U << 3 : 0;
        uart_busy_reads -= uart_busy_reads > 0;
        return busy | (uart_receive_count == 0 ? 1U << 4 : 0) |
               (uart_transmit_room == 0 ? 1U << 5 : 0);
    }
    case 0x2c:
        return uart_line;
    case 0x30:
        return uart_control;
    default:
        fail_msg("PL011: read at %#zx", offset);
        return 0;
    }
}

static void uart_write(size_t offset, unsigned bytes, uint64_t value) {
    assert_int_equal(bytes, 4);
    uint32_t word = (uint32_t)value;
    switch (offset) {
    case 0x00:
        assert_true(uart_transmit_room > 0); // else the byte is lost
        uart_transmit_room--;
        uart_sent[uart_sent_count++] = (char)word;
        break;
    case 0x24:
        uart_integer = word;
        break;
    case 0x28:
        uart_fraction = word;
        break;
    case 0x2c:
        assert_int_equal(uart_control & 1, 0); // not while the port is on
        if (((uart_line ^ word) & 1U << 4) != 0) {
            uart_receive_count = 0; // switching the FIFOs empties them
        }
        uart_line = word;
        uart_latched_integer = uart_integer;
        break;
    case 0x30:
        uart_taken_while_busy |= word == 0 && uart_busy_reads > 0;
        uart_control = word;
        break;
    case 0x34:
        break;
    case 0x38:
        uart_mask = word;
        break;
    case 0x44:
        assert_int_equal(word & (1U << 4 | 1U << 6), 0); // waiting bytes keep their interrupt
        break;
    default:
        fail_msg("PL011: write at %#zx", offset);
    }
}

static uint64_t gpio_read(size_t offset, unsigned bytes) {
    assert_int_equal(offset + bytes, 8);
    return gpio_select;
}

static void gpio_write(size_t offset, unsigned bytes, uint64_t value) {
    assert_int_equal(offset + bytes, 8);
    gpio_select = (uint32_t)value;
}

static const struct serial_config port = {
    .kind = BOARD_SERIAL_PL011,
    .registers = (volatile void *)(uintptr_t)UART,
    .clock_hz = 24000000,
    .baud = 115200,
};

static void reset_uart(void) {
    fake_reset();
    fake_add(&(struct fake_device){UART, 0x1000, uart_read, uart_write});
    fake_add(&(struct fake_device){GPIO, 0x1000, gpio_read, gpio_write});
    uart_control = 0;
    uart_line = 0;
    uart_mask = UINT32_MAX;
    uart_integer = 0xaaaa;
    uart_fraction = 0x2a;
    uart_busy_reads = 0;
    uart_taken_while_busy = false;
    uart_receive_count = 0;
    uart_sent_count = 0;
    uart_transmit_room = FIFO_BYTES;
    gpio_select = UINT32_MAX;
}

static void type(const char *text) {
    for (; *text != 0; text++) {
        uart_receive[uart_receive_count++] = (uint8_t)*text;
    }
}

static void divisors_are_rounded_to_the_nearest_64th(void **state) {
    static const struct {
        uint32_t clock;
        uint32_t baud;
        uint32_t integer;
        uint32_t fraction;
        bool possible;
    } cases[] = {
        {48000000, 115200, 26, 3, true}, // Raspberry Pi 4
        {24000000, 115200, 13, 1, true}, // QEMU's virt machine
        {7372800, 115200, 4, 0, true},
        {4000000, 230400, 1, 5, true}, // the manual's example
        {16, 1, 1, 0, true},
        {15, 1, 0, 0, false}, // the integer part would be 0
        {1048560, 1, 65535, 0, true},
        {1048577, 1, 0, 0, false}, // and here 65536
        {24000000, 0, 0, 0, false},
        {UINT32_MAX, UINT32_MAX, 0, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint32_t integer = 0;
        uint32_t fraction = 0;
        assert_int_equal(pl011_divisors(cases[i].clock, cases[i].baud, &integer, &fraction),
                         cases[i].possible);
        assert_int_equal(integer, cases[i].integer);
        assert_int_equal(fraction, cases[i].fraction);
    }
}

static void the_port_is_taken_over_when_it_is_idle(void **state) {
    (void)state;
    reset_uart();
    uart_control = 0x301;
    uart_busy_reads = 100;
    assert_true(serial_init(&port));
    assert_false(uart_taken_while_busy);
    assert_int_equal(uart_control, 0x301);
    assert_int_equal(uart_line, 3 << 5 | 1 << 4); // 8 bits, no parity, 1 stop bit, FIFOs
    assert_int_equal(uart_mask, 0);
    assert_int_equal(uart_latched_integer, 13);
    assert_int_equal(uart_fraction, 1);
    assert_int_equal(gpio_select, UINT32_MAX); // no such board
}

static void without_a_known_clock_the_divisors_stay(void **state) {
    (void)state;
    reset_uart();
    struct serial_config config = port;
    config.clock_hz = 0;
    config.bcm_gpio = (volatile void *)(uintptr_t)GPIO;
    assert_true(serial_init(&config));
    assert_int_equal(uart_integer, 0xaaaa);
    assert_int_equal(uart_fraction, 0x2a);
    // Pins 14 and 15 at alternative function 0 (0b100), the others as they were.
    assert_int_equal(gpio_select, 0xffffffff & ~(3U << 12 | 3U << 15));
}

static void what_was_typed_before_is_not_lost(void **state) {
    (void)state;
    char bytes[8];
    reset_uart();
    type("a"); // one place, while the FIFOs are off
    assert_true(serial_init(&port));
    type("bc");
    assert_int_equal(serial_read_some(bytes, 0), 0);
    assert_int_equal(serial_read_some(bytes, 1), 1);
    assert_int_equal(bytes[0], 'a');
    assert_int_equal(serial_read_some(bytes, 8), 2);
    assert_memory_equal(bytes, "bc", 2);
    reset_uart();
    uart_line = 1 << 4; // the firmware had them on
    type("xyz");
    assert_true(serial_init(&port));
    assert_int_equal(serial_read_some(bytes, 8), 3);
    assert_memory_equal(bytes, "xyz", 3);
    assert_int_equal(serial_read_some(bytes, 8), 0);
}

static void damaged_bytes_are_dropped_and_overruns_delivered(void **state) {
    (void)state;
    char bytes[8];
    reset_uart();
    assert_true(serial_init(&port));
    static const uint32_t errors[] = {'a', 'b' | 1 << 8, 'c' | 1 << 9, 0 | 1 << 10, 'd' | 1 << 11};
    memcpy(uart_receive, errors, sizeof(errors));
    uart_receive_count = ARRAY_SIZE(errors);
    assert_int_equal(serial_read_some(bytes, 8), 2);
    assert_memory_equal(bytes, "ad", 2);
}

static void writing_stops_where_the_fifo_is_full(void **state) {
    (void)state;
    reset_uart();
    assert_true(serial_init(&port));
    assert_int_equal(serial_write_some("0123456789abcdefgh", 18), FIFO_BYTES);
    assert_int_equal(serial_write_some("gh", 2), 0);
    assert_memory_equal(uart_sent, "0123456789abcdef", FIFO_BYTES);
    uart_transmit_room = 1;
    serial_putc('g');
    assert_int_equal(uart_sent[FIFO_BYTES], 'g');
}

static void the_receive_interrupt_is_switched(void **state) {
    (void)state;
    reset_uart();
    assert_true(serial_init(&port));
    serial_receive_interrupt(true);
    assert_int_equal(uart_mask, 1 << 4 | 1 << 6); // FIFO level, and the pause after fewer bytes
    serial_receive_interrupt(false);
    assert_int_equal(uart_mask, 0);
}

static void without_a_port_nothing_is_sent_or_waited_for(void **state) {
    (void)state;
    char byte;
    reset_uart();
    assert_false(serial_init(&(struct serial_config){0}));
    serial_putc('x');
    serial_drain();
    serial_receive_interrupt(true);
    assert_int_equal(serial_write_some("x", 1) + serial_read_some(&byte, 1), 0);
    assert_int_equal(fake_count(FAKE_WRITE), 0);
}

// ---- Timer

static void the_timer_uses_the_override_or_the_register(void **state) {
    (void)state;
    fake_reset();
    assert_true(timer_init(0));
    assert_int_equal(timer_hz(), 62500000);
    assert_int_equal(fake_timer_control, 0); // stopped
    assert_true(timer_init(54000000));
    assert_int_equal(timer_hz(), 54000000);
    fake_frequency = 0;
    assert_false(timer_init(0));
}

static void a_deadline_is_set_before_the_timer_is_on(void **state) {
    (void)state;
    fake_reset();
    assert_true(timer_init(0));
    timer_set_deadline(UINT64_C(0x123456789abc));
    assert_int_equal(fake_compare, UINT64_C(0x123456789abc));
    assert_int_equal(fake_timer_control, 1); // on, not masked
    timer_stop();
    assert_int_equal(fake_timer_control, 0);
    fake_counter = 77;
    assert_int_equal(timer_now(), 77);
}

static void conversions_round_up_and_do_not_wrap(void **state) {
    (void)state;
    assert_int_equal(timer_ticks_from_ns(0, 62500000), 0);
    assert_int_equal(timer_ticks_from_ns(1, 62500000), 1);
    assert_int_equal(timer_ticks_from_ns(16, 62500000), 1);
    assert_int_equal(timer_ticks_from_ns(17, 62500000), 2);
    assert_int_equal(timer_ticks_from_ns(UINT64_C(1000000000), 54000000), 54000000);
    assert_int_equal(timer_ticks_from_ns(UINT64_MAX, 1000000000), UINT64_MAX);
    assert_int_equal(timer_ticks_from_ns(UINT64_MAX, 62500000), UINT64_C(1152921504606846976));
    assert_int_equal(timer_ticks_from_ns(UINT64_MAX, UINT32_MAX), UINT64_MAX); // too large
    assert_int_equal(timer_ns_from_ticks(1, 62500000), 16);
    assert_int_equal(timer_ns_from_ticks(1, 54000000), 19); // 18.5
    assert_int_equal(timer_ns_from_ticks(UINT64_C(3) << 40, 1), UINT64_MAX);
    assert_int_equal(timer_ns_from_ticks(UINT64_C(18446744073), 1), UINT64_C(18446744073000000000));
    assert_int_equal(timer_ns_from_ticks(UINT64_C(18446744074), 1), UINT64_MAX);
}

static void ticks_stay_on_their_grid(void **state) {
    (void)state;
    struct timer_tick tick;
    timer_tick_start(&tick, 100, 1000);
    assert_int_equal(tick.next, 1100);
    assert_int_equal(timer_tick_advance(&tick, 1099), 0);
    assert_int_equal(tick.next, 1100);
    assert_int_equal(timer_tick_advance(&tick, 1100), 1);
    assert_int_equal(tick.next, 1200);
    assert_int_equal(timer_tick_advance(&tick, 1555), 4); // 1200, 1300, 1400, 1500
    assert_int_equal(tick.next, 1600);
}

// ---- Power

#define WATCHDOG 0xfe100000U
static uint32_t watchdog[16];

static uint64_t watchdog_read(size_t offset, unsigned bytes) {
    assert_int_equal(bytes, 4);
    return watchdog[offset / 4] & 0xffffff; // the password does not read back
}

static void watchdog_write(size_t offset, unsigned bytes, uint64_t value) {
    assert_int_equal(bytes, 4);
    if (value >> 24 == 0x5a) { // else the block takes no notice
        watchdog[offset / 4] = (uint32_t)value;
    }
}

static void reset_power(enum board_psci psci, bool has_watchdog) {
    fake_reset();
    fake_add(&(struct fake_device){WATCHDOG, 0x40, watchdog_read, watchdog_write});
    memset(watchdog, 0, sizeof(watchdog));
    watchdog[0x20 / 4] = 0x1001; // reset status, with a partition bit set
    watchdog[0x1c / 4] = 0x102;
    power_init(&(struct power_config){
        .psci = psci,
        .bcm_watchdog = has_watchdog ? (volatile void *)(uintptr_t)WATCHDOG : NULL,
    });
}

static void power_goes_off_by_psci(void **state) {
    (void)state;
    reset_power(BOARD_PSCI_SMC, false);
    power_off();
    assert_int_equal(fake_last(0).address, 0x84000008);
    assert_int_equal(fake_psci_conduit, BOARD_PSCI_SMC);
    reset_power(BOARD_PSCI_HVC, false);
    power_reset();
    assert_int_equal(fake_last(0).address, 0x84000009);
    assert_int_equal(fake_psci_conduit, BOARD_PSCI_HVC);
    fake_psci_result = 0x10001;
    assert_int_equal(power_psci_version(), 0x10001);
    fake_psci_result = -1;
    assert_int_equal(power_psci_version(), 0);
}

static void power_goes_off_by_the_watchdog(void **state) {
    (void)state;
    reset_power(BOARD_PSCI_NONE, true);
    power_off();
    assert_int_equal(fake_count(FAKE_PSCI), 0);
    assert_int_equal(watchdog[0x20 / 4], 0x5a001555); // halt: all partition bits
    assert_int_equal(watchdog[0x1c / 4], 0x5a000122); // full reset, the rest kept
    assert_true((watchdog[0x24 / 4] & 0xfffff) > 0);
    assert_int_equal(fake_last(0).address, WATCHDOG + 0x1c); // last: it starts the reset
    reset_power(BOARD_PSCI_NONE, true);
    power_reset();
    assert_int_equal(watchdog[0x20 / 4], 0x5a001000); // boot again
    assert_int_equal(watchdog[0x1c / 4], 0x5a000122);
}

static void a_run_ends_with_its_status_or_at_least_ends(void **state) {
    (void)state;
    reset_power(BOARD_PSCI_HVC, false);
    power_exit(7);
    assert_int_equal(fake_last(1).kind, FAKE_SEMIHOST);
    assert_int_equal(fake_last(1).value, 7);
    assert_int_equal(fake_last(0).address, 0x84000008); // nobody answered
    reset_power(BOARD_PSCI_NONE, false);
    power_off(); // nothing that could: it returns
    assert_int_equal(fake_count(FAKE_WRITE) + fake_count(FAKE_PSCI), 0);
    assert_int_equal(power_psci_version(), 0);
}

static void pes_are_started_by_psci(void **state) {
    static const struct {
        int64_t result;
        enum power_status status;
    } cases[] = {
        {0, POWER_OK},
        {-1, POWER_NOT_SUPPORTED},
        {-2, POWER_INVALID_PE},
        {-3, POWER_DENIED},
        {-4, POWER_ALREADY_ON},
        {-5, POWER_ALREADY_ON},
        {-6, POWER_FAILED},
        {-7, POWER_INVALID_PE},
        {-8, POWER_INVALID_PE},
        {-9, POWER_INVALID_ADDRESS},
        {INT64_C(0xfffffffc), POWER_ALREADY_ON}, // a firmware that fills 32 bits only
        {-77, POWER_FAILED},
    };
    const struct board_pe pe = {.mpidr = 0x102, .start = BOARD_PE_START_PSCI};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        reset_power(BOARD_PSCI_SMC, false);
        fake_psci_result = cases[i].result;
        assert_int_equal(power_start_pe(&pe, PADDR(0x40200000), 5, NULL), cases[i].status);
        assert_int_equal(fake_last(0).address, 0xc4000003);
        assert_int_equal(fake_psci_arguments[0], 0x102);
        assert_int_equal(fake_psci_arguments[1], 0x40200000);
        assert_int_equal(fake_psci_arguments[2], 5);
    }
    reset_power(BOARD_PSCI_NONE, false);
    assert_int_equal(power_start_pe(&pe, PADDR(0x40200000), 5, NULL), POWER_NOT_SUPPORTED);
    assert_int_equal(fake_count(FAKE_PSCI), 0);
}

static void pes_are_started_by_a_spin_table(void **state) {
    (void)state;
    volatile uint64_t release = 0;
    const struct board_pe pe = {.start = BOARD_PE_START_SPIN_TABLE, .release = PADDR(0xe0)};
    reset_power(BOARD_PSCI_NONE, false);
    assert_int_equal(power_start_pe(&pe, PADDR(0x200000), 0, &release), POWER_OK);
    assert_int_equal(fake_last(0).kind, FAKE_PUBLISH);
    assert_int_equal(fake_last(0).address, (uintptr_t)&release);
    assert_int_equal(fake_last(0).value, 0x200000); // it was there when it was published
    assert_int_equal(power_start_pe(&pe, PADDR(0x200000), 0, NULL), POWER_INVALID_ADDRESS);
    const struct board_pe none = {.start = BOARD_PE_START_NONE};
    assert_int_equal(power_start_pe(&none, PADDR(0x200000), 0, &release), POWER_NOT_SUPPORTED);
    assert_string_equal(power_status_name(POWER_ALREADY_ON), "ALREADY_ON");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(divisors_are_rounded_to_the_nearest_64th),
        cmocka_unit_test(the_port_is_taken_over_when_it_is_idle),
        cmocka_unit_test(without_a_known_clock_the_divisors_stay),
        cmocka_unit_test(what_was_typed_before_is_not_lost),
        cmocka_unit_test(damaged_bytes_are_dropped_and_overruns_delivered),
        cmocka_unit_test(writing_stops_where_the_fifo_is_full),
        cmocka_unit_test(the_receive_interrupt_is_switched),
        cmocka_unit_test(without_a_port_nothing_is_sent_or_waited_for),
        cmocka_unit_test(the_timer_uses_the_override_or_the_register),
        cmocka_unit_test(a_deadline_is_set_before_the_timer_is_on),
        cmocka_unit_test(conversions_round_up_and_do_not_wrap),
        cmocka_unit_test(ticks_stay_on_their_grid),
        cmocka_unit_test(power_goes_off_by_psci),
        cmocka_unit_test(power_goes_off_by_the_watchdog),
        cmocka_unit_test(a_run_ends_with_its_status_or_at_least_ends),
        cmocka_unit_test(pes_are_started_by_psci),
        cmocka_unit_test(pes_are_started_by_a_spin_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
