// SPDX-License-Identifier: BSD-2-Clause
// Interrupt controller: GICv2 (GIC-400 and the like), all registers in memory.
//
// Per-PE parts of the distributor (INTIDs 0 to 31) are banked: each PE sees its own at the same
// address. PEs are addressed by bits of a mask, which each reads from its own banked ITARGETSR0.
#include <drivers.h>

#include "irqc_operations.h"

// GIC Architecture Specification (GICv2), "Distributor register map" and "CPU interface register
// map".
#define GICD_ITARGETSR 0x800 // one byte each
#define GICD_SGIR 0xf00
#define GICD_CPENDSGIR 0xf10
#define GICC_CTLR 0x00
#define GICC_PMR 0x04
#define GICC_BPR 0x08
#define GICC_IAR 0x0c
#define GICC_EOIR 0x10

#define CTLR_ENABLE 1U
#define GICC_CTLR_BYPASS (0xfU << 5) // how interrupts bypass a switched-off interface: firmware's
#define SGIR_TO_SELF (2U << 24)
#define SGIR_TARGETS_SHIFT 16
#define IAR_INTID 0x3ffU

static volatile void *distributor;
static volatile void *cpu_interface;
static uint32_t interrupt_count;
static uint8_t pe_mask[MAX_PES];

// The calling PE's bit. A GIC with one CPU interface answers 0: it has no targets to choose from,
// and ignores what is written there.
static uint8_t own_mask(void) {
    for (uint32_t intid = 0; intid < IRQC_FIRST_SPI; intid += 4) {
        uint32_t targets = mmio_read32(distributor, GICD_ITARGETSR + intid);
        targets |= targets >> 16;
        targets |= targets >> 8;
        if ((uint8_t)targets != 0) {
            return (uint8_t)targets;
        }
    }
    return 0;
}

static enum irqc_status init_distributor(const struct irqc_config *config) {
    distributor = config->distributor;
    cpu_interface = config->cpu_interface;
    mmio_write32(distributor, GICD_CTLR, 0);
    interrupt_count = gic_interrupts(mmio_read32(distributor, GICD_TYPER));
    uint32_t end = ALIGN_UP(interrupt_count, 32);
    gic_quiet(distributor, IRQC_FIRST_SPI, end);
    for (uint32_t intid = IRQC_FIRST_SPI; intid < end; intid += 16) {
        mmio_write32(distributor, GIC_ICFGR + intid / 4, 0); // level
    }
    uint32_t targets = own_mask() * 0x01010101U;
    for (uint32_t intid = IRQC_FIRST_SPI; intid < end; intid += 4) {
        mmio_write32(distributor, GICD_ITARGETSR + intid, targets);
    }
    mmio_write32(distributor, GICD_CTLR, CTLR_ENABLE);
    return IRQC_OK;
}

static enum irqc_status init_pe(uint32_t pe, uint64_t mpidr) {
    (void)mpidr; // GICv2 knows PEs by mask
    pe_mask[pe] = own_mask();
    gic_quiet(distributor, 0, IRQC_FIRST_SPI);
    for (uint32_t sgi = 0; sgi < IRQC_FIRST_PPI; sgi += 4) {
        mmio_write32(distributor, GICD_CPENDSGIR + sgi, UINT32_MAX);
    }
    mmio_write32(distributor, GIC_ISENABLER, GIC_SGIS);
    mmio_write32(cpu_interface, GICC_PMR, 0xff);
    mmio_write32(cpu_interface, GICC_BPR, 0);
    uint32_t bypass = mmio_read32(cpu_interface, GICC_CTLR) & GICC_CTLR_BYPASS;
    mmio_write32(cpu_interface, GICC_CTLR, bypass | CTLR_ENABLE);
    return IRQC_OK;
}

static uint32_t interrupts(void) { return interrupt_count; }

static uint32_t acknowledge(void) {
    uint32_t acknowledged = mmio_read32(cpu_interface, GICC_IAR);
    uint32_t intid = acknowledged & IAR_INTID;
    if (intid >= GIC_SPECIAL_INTIDS) {
        return IRQC_NONE;
    }
    if (intid < IRQC_FIRST_PPI) {
        // What the sender stored before it sent is loaded after this read: send() has the other
        // half.
        arch_io_barrier();
    }
    return acknowledged;
}

static void end(uint32_t acknowledged) {
    arch_io_barrier(); // the device has seen the writes that took its level down
    mmio_write32(cpu_interface, GICC_EOIR, acknowledged);
}

static enum irqc_status enable(uint32_t intid) {
    mmio_write32(distributor, GIC_ISENABLER + gic_bit_offset(intid), gic_bit_mask(intid));
    return IRQC_OK;
}

static enum irqc_status disable(uint32_t intid) {
    size_t offset = GIC_ICENABLER + gic_bit_offset(intid);
    mmio_write32(distributor, offset, gic_bit_mask(intid));
    // Reading back waits until the write has arrived; GICv2 has no other sign.
    return (mmio_read32(distributor, offset) & gic_bit_mask(intid)) == 0 ? IRQC_OK : IRQC_STUCK;
}

static enum irqc_status set_trigger(uint32_t intid, enum board_trigger trigger) {
    return gic_set_trigger(distributor, intid, trigger);
}

static enum irqc_status set_target(uint32_t intid, uint32_t pe) {
    mmio_write8(distributor, GICD_ITARGETSR + intid, pe_mask[pe]);
    return IRQC_OK;
}

static void send(uint32_t pe, uint32_t sgi) {
    arch_io_barrier(); // earlier stores are visible before the interrupt can be
    uint32_t target = pe_mask[pe] == 0 ? SGIR_TO_SELF : (uint32_t)pe_mask[pe] << SGIR_TARGETS_SHIFT;
    mmio_write32(distributor, GICD_SGIR, target | sgi);
}

static void set_priority_mask(uint8_t mask) { mmio_write32(cpu_interface, GICC_PMR, mask); }

const struct irqc_operations gicv2_operations = {
    .init_distributor = init_distributor,
    .init_pe = init_pe,
    .interrupts = interrupts,
    .acknowledge = acknowledge,
    .end = end,
    .enable = enable,
    .disable = disable,
    .set_trigger = set_trigger,
    .set_target = set_target,
    .send = send,
    .set_priority_mask = set_priority_mask,
};
