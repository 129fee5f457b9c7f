// SPDX-License-Identifier: BSD-2-Clause
// Interrupt controllers over fake ones: which register and bit each call reaches, what is refused,
// and where the barriers stand.
#include "fake_machine.h"

#include <string.h>

#define DISTRIBUTOR 0x08000000U
#define CPU_INTERFACE 0x08010000U
#define REGION_0 0x080a0000U
#define REGION_1 0x18000000U
#define PE_FRAMES ((size_t)0x20000)

// What a distributor or a redistributor's SGI frame holds of INTIDs, as reset or firmware left it.
struct fake_block {
    uint32_t enabled[32];
    uint32_t pending[32];
    uint32_t active[32];
    uint32_t group[32];
    uint32_t config[64];
    uint32_t config_fixed; // bits of config[1], the PPIs, that cannot be written
    uint8_t priority[1024];
};

static struct fake_block distributor_block;
static uint32_t distributor_control;
static uint32_t distributor_typer;
static uint32_t busy_reads; // how many reads still show "register write pending"

// GICv2
static uint8_t own_target; // the calling PE's bit, 0 on a GIC for one PE
static uint8_t targets[1024];
static uint32_t sgi_written;
static uint32_t cpu_control;
static uint32_t cpu_mask;
static uint32_t cpu_next; // what IAR reads
static uint32_t cpu_ended;

// GICv3: two PEs in the first region, one in the second.
static struct fake_block pe_block[3];
static uint32_t pe_waker[3];
static bool pe_never_wakes;
static uint64_t routes[1024];
static const uint64_t pe_typer[3] = {UINT64_C(0x00000000) << 32,
                                     UINT64_C(0x01020304) << 32 | 1 << 8 | 0x10, // last
                                     UINT64_C(0x00000105) << 32 | 2 << 8 | 0x10};

static bool bits_access(struct fake_block *block, size_t offset, bool write, uint32_t *value) {
    const struct {
        size_t offset;
        uint32_t *bits;
        bool clears;
    } kinds[] = {
        {0x080, block->group, false},  {0x100, block->enabled, false},
        {0x180, block->enabled, true}, {0x280, block->pending, true},
        {0x380, block->active, true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (offset < kinds[i].offset || offset >= kinds[i].offset + 0x80) {
            continue;
        }
        uint32_t *bits = kinds[i].bits + (offset - kinds[i].offset) / 4;
        if (write && kinds[i].offset == 0x080) {
            *bits = *value;
        } else if (write) {
            *bits = kinds[i].clears ? *bits & ~*value : *bits | *value;
        }
        *value = *bits;
        return true;
    }
    return false;
}

static bool block_access(struct fake_block *block, size_t offset, bool write, uint32_t *value) {
    if (offset >= 0x400 && offset < 0x800) {
        memcpy(write ? (void *)(block->priority + offset - 0x400) : (void *)value,
               write ? (void *)value : (void *)(block->priority + offset - 0x400), 4);
        return true;
    }
    if (offset >= 0xc00 && offset < 0xd00) {
        size_t index = (offset - 0xc00) / 4;
        uint32_t fixed = index == 1 ? block->config_fixed : 0;
        if (write) {
            block->config[index] = (block->config[index] & fixed) | (*value & ~fixed);
        }
        *value = block->config[index];
        return true;
    }
    return bits_access(block, offset, write, value);
}

static uint64_t distributor_read(size_t offset, unsigned bytes) {
    uint32_t value = 0;
    assert_int_equal(bytes, 4);
    if (offset == 0) {
        value = distributor_control | (busy_reads > 0 ? 1U << 31 : 0);
        busy_reads -= busy_reads > 0;
    } else if (offset == 4) {
        value = distributor_typer;
    } else if (offset >= 0x800 && offset < 0x820) {
        value = own_target * 0x01010101U;
    } else if (!block_access(&distributor_block, offset, false, &value)) {
        fail_msg("distributor: read at %#zx", offset);
    }
    return value;
}

static void distributor_write(size_t offset, unsigned bytes, uint64_t value) {
    uint32_t word = (uint32_t)value;
    busy_reads = 3;
    if (offset == 0) {
        distributor_control = word;
    } else if (offset >= 0x820 && offset < 0xc00) {
        memcpy(targets + offset - 0x800, &word, bytes);
    } else if (offset == 0xf00) {
        sgi_written = word;
    } else if (offset >= 0xf10 && offset < 0xf20) {
        assert_int_equal(word, UINT32_MAX); // pending SGIs are cleared
    } else if (offset >= 0x6000 + 8 * 32 && offset < 0x8000) {
        assert_int_equal(bytes, 8);
        routes[(offset - 0x6000) / 8] = value;
    } else if (!block_access(&distributor_block, offset, true, &word)) {
        fail_msg("distributor: write at %#zx", offset);
    }
}

static uint64_t cpu_read(size_t offset, unsigned bytes) {
    assert_int_equal(bytes, 4);
    if (offset == 0x0c) {
        uint32_t next = cpu_next;
        cpu_next = 1023;
        return next;
    }
    assert_int_equal(offset, 0);
    return cpu_control;
}

static void cpu_write(size_t offset, unsigned bytes, uint64_t value) {
    assert_int_equal(bytes, 4);
    switch (offset) {
    case 0x00:
        cpu_control = (uint32_t)value;
        break;
    case 0x04:
        cpu_mask = (uint32_t)value;
        break;
    case 0x08:
        break;
    case 0x10:
        cpu_ended = (uint32_t)value;
        break;
    default:
        fail_msg("CPU interface: write at %#zx", offset);
    }
}

static uint64_t frames_read(size_t pe, size_t offset, unsigned bytes) {
    uint32_t value = 0;
    assert_int_equal(bytes, 4);
    switch (offset) {
    case 0x00:
        value = busy_reads > 0 ? 1U << 3 : 0;
        busy_reads -= busy_reads > 0;
        break;
    case 0x08:
        return (uint32_t)pe_typer[pe];
    case 0x0c:
        return pe_typer[pe] >> 32;
    case 0x14:
        value = pe_waker[pe];
        if ((pe_waker[pe] & 2) == 0 && !pe_never_wakes) {
            pe_waker[pe] &= ~4U; // awake by the next read
        }
        break;
    default:
        if (offset < 0x10000 || !block_access(&pe_block[pe], offset - 0x10000, false, &value)) {
            fail_msg("redistributor: read at %#zx", offset);
        }
    }
    return value;
}

static void frames_write(size_t pe, size_t offset, unsigned bytes, uint64_t value) {
    uint32_t word = (uint32_t)value;
    assert_int_equal(bytes, 4);
    busy_reads = 3;
    if (offset == 0x14) {
        pe_waker[pe] = word | (pe_waker[pe] & 4);
    } else if (offset < 0x10000 || !block_access(&pe_block[pe], offset - 0x10000, true, &word)) {
        fail_msg("redistributor: write at %#zx", offset);
    }
}

static uint64_t region_0_read(size_t offset, unsigned bytes) {
    return frames_read(offset / PE_FRAMES, offset % PE_FRAMES, bytes);
}

static void region_0_write(size_t offset, unsigned bytes, uint64_t value) {
    frames_write(offset / PE_FRAMES, offset % PE_FRAMES, bytes, value);
}

static uint64_t region_1_read(size_t offset, unsigned bytes) {
    return frames_read(2, offset, bytes);
}

static void region_1_write(size_t offset, unsigned bytes, uint64_t value) {
    frames_write(2, offset, bytes, value);
}

static void reset_gic(void) {
    fake_reset();
    fake_add(&(struct fake_device){DISTRIBUTOR, 0x10000, distributor_read, distributor_write});
    memset(&distributor_block, 0xff, sizeof(distributor_block));
    memset(pe_block, 0xff, sizeof(pe_block));
    memset(distributor_block.group, 0, sizeof(distributor_block.group));
    memset(targets, 0xff, sizeof(targets));
    memset(routes, 0xff, sizeof(routes));
    distributor_block.config_fixed = 0;
    for (size_t pe = 0; pe < 3; pe++) {
        pe_block[pe].config_fixed = 0;
        pe_block[pe].group[0] = 0;
        pe_waker[pe] = 6; // asleep
    }
    pe_never_wakes = false;
    distributor_typer = 8; // 288 INTIDs
    own_target = 1;
    cpu_control = 0x1e0; // the firmware's bypass bits
    cpu_next = 1023;
}

static enum irqc_status init_v2(void) {
    fake_add(&(struct fake_device){CPU_INTERFACE, 0x2000, cpu_read, cpu_write});
    return irqc_init_distributor(&(struct irqc_config){
        .kind = BOARD_IRQC_GICV2,
        .distributor = (volatile void *)(uintptr_t)DISTRIBUTOR,
        .cpu_interface = (volatile void *)(uintptr_t)CPU_INTERFACE,
    });
}

static enum irqc_status init_v3(void) {
    fake_add(&(struct fake_device){REGION_0, 2 * PE_FRAMES, region_0_read, region_0_write});
    fake_add(&(struct fake_device){REGION_1, PE_FRAMES, region_1_read, region_1_write});
    return irqc_init_distributor(&(struct irqc_config){
        .kind = BOARD_IRQC_GICV3,
        .distributor = (volatile void *)(uintptr_t)DISTRIBUTOR,
        .redistributor_count = 2,
        .redistributor = {(volatile void *)(uintptr_t)REGION_0,
                          (volatile void *)(uintptr_t)REGION_1},
        // The first region is larger than what is in it: "last" ends the search.
        .redistributor_size = {8 * PE_FRAMES, PE_FRAMES},
    });
}

// Every SPI of `count` INTIDs is off, level, of the one priority, and what lies behind is not
// touched.
static void assert_quiet_spis(uint32_t count) {
    for (size_t word = 1; word < 32; word++) {
        uint32_t expected = word < count / 32 ? 0 : UINT32_MAX;
        assert_int_equal(distributor_block.enabled[word], expected);
        assert_int_equal(distributor_block.pending[word], expected);
        assert_int_equal(distributor_block.active[word], expected);
        assert_int_equal(distributor_block.config[2 * word], expected);
    }
    for (uint32_t intid = 32; intid < 1020; intid++) {
        assert_int_equal(distributor_block.priority[intid], intid < count ? IRQC_PRIORITY : 0xff);
    }
}

static void gicv2_starts_with_all_but_sgis_off(void **state) {
    (void)state;
    reset_gic();
    own_target = 4;
    assert_int_equal(init_v2(), IRQC_OK);
    assert_quiet_spis(288);
    assert_int_equal(irqc_interrupts(), 288);
    assert_int_equal(targets[32], 4);
    assert_int_equal(targets[287], 4);
    assert_int_equal(targets[288], 0xff);
    assert_int_equal(distributor_control, 1);
    assert_int_equal(distributor_block.enabled[0], UINT32_MAX); // a PE's own, not yet touched
    assert_int_equal(irqc_init_pe(0, 0), IRQC_OK);
    assert_int_equal(distributor_block.enabled[0], 0xffff);
    assert_int_equal(cpu_mask, 0xff);
    assert_int_equal(cpu_control, 0x1e1); // on, and the bypass bits kept
}

static void gicv2_reaches_the_right_bit_of_each_interrupt(void **state) {
    (void)state;
    reset_gic();
    assert_int_equal(init_v2(), IRQC_OK);
    assert_int_equal(irqc_init_pe(0, 0), IRQC_OK);
    for (uint32_t intid = 16; intid < 288; intid++) {
        assert_int_equal(irqc_enable(intid), IRQC_OK);
        assert_int_equal(distributor_block.enabled[intid / 32] >> (intid % 32) & 1, 1);
        assert_int_equal(irqc_disable(intid), IRQC_OK);
        assert_int_equal(distributor_block.enabled[intid / 32],
                         intid < 32 ? 0xffff : 0); // no neighbour lost or won
        distributor_block.config[intid / 16] = 0x55555555;
        assert_int_equal(irqc_set_trigger(intid, BOARD_TRIGGER_EDGE), IRQC_OK);
        assert_int_equal(distributor_block.config[intid / 16], 0x55555555 | 2U << (intid % 16 * 2));
        assert_int_equal(irqc_set_trigger(intid, BOARD_TRIGGER_LEVEL), IRQC_OK);
        assert_int_equal(distributor_block.config[intid / 16], 0x55555555);
    }
}

static void a_fixed_trigger_is_reported(void **state) {
    (void)state;
    reset_gic();
    assert_int_equal(init_v2(), IRQC_OK);
    assert_int_equal(irqc_init_pe(0, 0), IRQC_OK);
    distributor_block.config_fixed = UINT32_MAX;
    distributor_block.config[1] = 0x55555555; // all PPIs are levels
    assert_int_equal(irqc_set_trigger(27, BOARD_TRIGGER_LEVEL), IRQC_OK);
    assert_int_equal(irqc_set_trigger(27, BOARD_TRIGGER_EDGE), IRQC_BAD_INTID);
}

static void gicv2_addresses_pes_by_their_mask(void **state) {
    (void)state;
    reset_gic();
    assert_int_equal(init_v2(), IRQC_OK);
    assert_int_equal(irqc_init_pe(0, 0), IRQC_OK);
    own_target = 0x20;
    assert_int_equal(irqc_init_pe(1, 1), IRQC_OK);
    assert_int_equal(irqc_set_target(40, 1), IRQC_OK);
    assert_int_equal(targets[40], 0x20);
    assert_int_equal(targets[41], 1);
    assert_int_equal(irqc_send(1, 7), IRQC_OK);
    assert_int_equal(sgi_written, 0x20 << 16 | 7);
    assert_int_equal(fake_last(1).kind, FAKE_BARRIER); // stores first, then the interrupt
    assert_int_equal(fake_last(0).address, DISTRIBUTOR + 0xf00);
}

static void a_gicv2_for_one_pe_sends_to_itself(void **state) {
    (void)state;
    reset_gic();
    own_target = 0;
    assert_int_equal(init_v2(), IRQC_OK);
    assert_int_equal(irqc_init_pe(0, 0), IRQC_OK);
    assert_int_equal(irqc_send(0, 3), IRQC_OK);
    assert_int_equal(sgi_written, 2 << 24 | 3);
}

static void gicv2_ends_what_it_acknowledged(void **state) {
    (void)state;
    reset_gic();
    assert_int_equal(init_v2(), IRQC_OK);
    assert_int_equal(irqc_init_pe(0, 0), IRQC_OK);
    assert_int_equal(irqc_acknowledge(), IRQC_NONE);
    cpu_next = 1022;
    assert_int_equal(irqc_acknowledge(), IRQC_NONE);
    size_t barriers = fake_count(FAKE_BARRIER);
    cpu_next = 3 << 10 | 5; // SGI 5 from interface 3
    uint32_t acknowledged = irqc_acknowledge();
    assert_int_equal(irqc_intid(acknowledged), 5);
    assert_int_equal(fake_count(FAKE_BARRIER), barriers + 1); // the sender's stores come after
    irqc_end(acknowledged);
    assert_int_equal(cpu_ended, 3 << 10 | 5);
    assert_int_equal(fake_last(0).address, CPU_INTERFACE + 0x10);
    assert_int_equal(fake_last(1).kind, FAKE_BARRIER); // the device's level is down before
    assert_int_equal(fake_count(FAKE_BARRIER), barriers + 2);
    irqc_end(IRQC_NONE);
    assert_int_equal(cpu_ended, 3 << 10 | 5);
}

static void gicv3_wakes_and_sets_up_each_pe_by_affinity(void **state) {
    (void)state;
    reset_gic();
    fake_mpidr = UINT64_C(0x0180020304); // the boot PE is the second in the first region
    assert_int_equal(init_v3(), IRQC_OK);
    assert_quiet_spis(288);
    assert_int_equal(distributor_block.group[1], UINT32_MAX);
    assert_int_equal(distributor_control, 1U << 4 | 3);
    assert_int_equal(routes[32], UINT64_C(0x0100020304));
    assert_int_equal(routes[287], UINT64_C(0x0100020304));
    assert_int_equal(routes[288], UINT64_MAX);
    assert_int_equal(irqc_init_pe(0, fake_mpidr), IRQC_OK);
    assert_int_equal(pe_waker[1], 0);
    assert_int_equal(pe_waker[0], 6); // nobody else's
    assert_int_equal(pe_block[1].enabled[0], 0xffff);
    assert_int_equal(pe_block[1].group[0], UINT32_MAX);
    assert_int_equal(pe_block[1].priority[31], IRQC_PRIORITY);
    assert_int_equal(fake_last(0).address, FAKE_IGRPEN); // last of all: interrupts may come now
    assert_int_equal(fake_last(0).value, 1);
    fake_mpidr = UINT64_C(0x80000105);
    assert_int_equal(irqc_init_pe(1, fake_mpidr), IRQC_OK);
    assert_int_equal(pe_waker[2], 0);
}

static void gicv3_private_interrupts_are_the_calling_pes(void **state) {
    (void)state;
    reset_gic();
    assert_int_equal(init_v3(), IRQC_OK);
    assert_int_equal(irqc_init_pe(0, fake_mpidr), IRQC_OK);
    uint64_t other = UINT64_C(0x80000105);
    assert_int_equal(irqc_init_pe(1, other), IRQC_OK);
    assert_int_equal(irqc_enable(27), IRQC_OK);
    assert_int_equal(pe_block[0].enabled[0], 0xffff | 1U << 27);
    assert_int_equal(pe_block[2].enabled[0], 0xffff);
    fake_mpidr = other;
    assert_int_equal(irqc_enable(30), IRQC_OK);
    assert_int_equal(pe_block[2].enabled[0], 0xffff | 1U << 30);
    assert_int_equal(irqc_disable(30), IRQC_OK);
    assert_int_equal(pe_block[2].enabled[0], 0xffff);
    assert_int_equal(irqc_set_trigger(30, BOARD_TRIGGER_LEVEL), IRQC_OK);
    assert_int_equal(pe_block[2].config[1], UINT32_MAX & ~(2U << 28));
    assert_int_equal(irqc_enable(33), IRQC_OK); // a shared one
    assert_int_equal(distributor_block.enabled[1], 2);
    assert_int_equal(irqc_disable(33), IRQC_OK);
    assert_int_equal(distributor_block.enabled[1], 0);
    assert_int_equal(irqc_set_target(33, 1), IRQC_OK);
    assert_int_equal(routes[33], 0x105);
    fake_mpidr = UINT64_C(0x80000002); // a PE that never called irqc_init_pe()
    assert_int_equal(irqc_enable(27), IRQC_BAD_PE);
}

static void gicv3_sends_by_affinity(void **state) {
    (void)state;
    reset_gic();
    assert_int_equal(init_v3(), IRQC_OK);
    assert_int_equal(irqc_init_pe(5, UINT64_C(0x0180020304)), IRQC_OK);
    assert_int_equal(irqc_send(5, 9), IRQC_OK);
    assert_int_equal(fake_last(1).kind, FAKE_BARRIER);
    assert_int_equal(fake_last(0).address, FAKE_SGIR);
    // Aff3 1, Aff2 2, Aff1 3, Aff0 4 is bit 4 of range 0; SGI 9
    assert_int_equal(fake_last(0).value,
                     UINT64_C(1) << 48 | UINT64_C(2) << 32 | 9 << 24 | 3 << 16 | 1 << 4);
}

static void gicv3_ends_what_it_acknowledged(void **state) {
    (void)state;
    reset_gic();
    assert_int_equal(init_v3(), IRQC_OK);
    assert_int_equal(irqc_init_pe(0, fake_mpidr), IRQC_OK);
    assert_int_equal(irqc_acknowledge(), IRQC_NONE);
    fake_iar = 27;
    assert_int_equal(irqc_acknowledge(), 27);
    irqc_end(27);
    assert_int_equal(fake_last(1).kind, FAKE_BARRIER);
    assert_int_equal(fake_last(0).address, FAKE_EOIR);
    assert_int_equal(fake_last(0).value, 27);
    irqc_set_priority_mask(0x80);
    assert_int_equal(fake_last(0).address, FAKE_PMR);
    assert_int_equal(fake_last(0).value, 0x80);
}

static void gicv3_says_why_a_pe_cannot_be_set_up(void **state) {
    (void)state;
    reset_gic();
    assert_int_equal(init_v3(), IRQC_OK);
    assert_int_equal(irqc_init_pe(0, 0x777), IRQC_NO_REDISTRIBUTOR);
    assert_int_equal(irqc_send(0, 1), IRQC_BAD_PE);
    fake_system_registers = false;
    assert_int_equal(irqc_init_pe(0, fake_mpidr), IRQC_NO_SYSTEM_ACCESS);
    fake_system_registers = true;
    pe_never_wakes = true;
    assert_int_equal(irqc_init_pe(0, fake_mpidr), IRQC_STUCK);
    assert_int_equal(irqc_init_pe(MAX_PES, fake_mpidr), IRQC_BAD_PE);
}

static void what_the_controller_has_not_is_refused(void **state) {
    (void)state;
    reset_gic();
    distributor_typer = 31; // 1024 by the formula, 1020 by the architecture
    assert_int_equal(init_v2(), IRQC_OK);
    assert_int_equal(irqc_interrupts(), 1020);
    reset_gic();
    distributor_typer = 1;
    assert_int_equal(init_v2(), IRQC_OK);
    assert_int_equal(irqc_init_pe(0, 0), IRQC_OK);
    static const uint32_t none[] = {0, 15, 64, 1020, IRQC_NONE};
    size_t writes = fake_count(FAKE_WRITE);
    for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
        assert_int_equal(irqc_enable(none[i]), IRQC_BAD_INTID);
        assert_int_equal(irqc_disable(none[i]), IRQC_BAD_INTID);
        assert_int_equal(irqc_set_trigger(none[i], BOARD_TRIGGER_EDGE), IRQC_BAD_INTID);
        assert_int_equal(irqc_set_target(none[i], 0), IRQC_BAD_INTID);
    }
    assert_int_equal(irqc_set_target(31, 0), IRQC_BAD_INTID);
    assert_int_equal(irqc_set_target(32, 1), IRQC_BAD_PE);
    assert_int_equal(irqc_send(0, 16), IRQC_BAD_INTID);
    assert_int_equal(irqc_send(1, 0), IRQC_BAD_PE);
    assert_int_equal(fake_count(FAKE_WRITE), writes);
}

static void without_a_controller_nothing_happens(void **state) {
    (void)state;
    fake_reset();
    assert_int_equal(irqc_init_distributor(&(struct irqc_config){0}), IRQC_UNKNOWN_KIND);
    assert_int_equal(irqc_init_pe(0, 0), IRQC_UNKNOWN_KIND);
    assert_int_equal(irqc_interrupts(), 0);
    assert_int_equal(irqc_acknowledge(), IRQC_NONE);
    assert_int_equal(irqc_enable(33), IRQC_BAD_INTID);
    irqc_end(33);
    irqc_set_priority_mask(0);
    assert_string_equal(irqc_status_name(IRQC_UNKNOWN_KIND), "UNKNOWN_KIND");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gicv2_starts_with_all_but_sgis_off),
        cmocka_unit_test(gicv2_reaches_the_right_bit_of_each_interrupt),
        cmocka_unit_test(a_fixed_trigger_is_reported),
        cmocka_unit_test(gicv2_addresses_pes_by_their_mask),
        cmocka_unit_test(a_gicv2_for_one_pe_sends_to_itself),
        cmocka_unit_test(gicv2_ends_what_it_acknowledged),
        cmocka_unit_test(gicv3_wakes_and_sets_up_each_pe_by_affinity),
        cmocka_unit_test(gicv3_private_interrupts_are_the_calling_pes),
        cmocka_unit_test(gicv3_sends_by_affinity),
        cmocka_unit_test(gicv3_ends_what_it_acknowledged),
        cmocka_unit_test(gicv3_says_why_a_pe_cannot_be_set_up),
        cmocka_unit_test(what_the_controller_has_not_is_refused),
        cmocka_unit_test(without_a_controller_nothing_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
