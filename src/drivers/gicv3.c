// SPDX-License-Identifier: BSD-2-Clause
// Interrupt controller: GICv3, and GICv4 as far as it is the same. Distributor and redistributors
// in memory, the CPU interface in system registers.
//
// INTIDs 0 to 31 live in the redistributor of their PE, which is found by affinity. Affinity
// routing is on: SPIs and SGIs name their PE by MPIDR.
#include <drivers.h>

#include "irqc_operations.h"

// GIC Architecture Specification (GICv3 and v4), "Distributor register map" and "Redistributor
// register map".
#define GICD_IROUTER 0x6000 // eight bytes each
#define GICR_CTLR 0x00
#define GICR_TYPER 0x08
#define GICR_WAKER 0x14
#define GICR_SGI_FRAME 0x10000

// GICD_CTLR. Bits 0 and 1 enable group 1, or group 0 and group 1 where there is one Security state;
// bit 4 is affinity routing in either view.
#define GICD_CTLR_ENABLE (3U << 0)
#define GICD_CTLR_AFFINITY (1U << 4)
#define GICD_CTLR_RWP (1U << 31)
#define GICR_CTLR_RWP (1U << 3)
#define GICR_TYPER_VLPIS (1U << 1)
#define GICR_TYPER_LAST (1U << 4)
#define GICR_WAKER_SLEEP (1U << 1)
#define GICR_WAKER_ASLEEP (1U << 2)
#define FRAMES_BYTES_V3 0x20000 // RD and SGI frame
#define FRAMES_BYTES_V4 0x40000 // and two for virtual LPIs

#define MPIDR_AFFINITY UINT64_C(0xff00ffffff)
#define PRIORITY_MASK_NONE 0xff
#define IGRPEN1_ENABLE 1

static struct irqc_config config;
static uint32_t interrupt_count;
static volatile void *pe_frames[MAX_PES]; // RD frame; the SGI frame follows
static uint64_t pe_affinity[MAX_PES];

static volatile void *sgi_frame_of(uint32_t pe) {
    return (volatile uint8_t *)pe_frames[pe] + GICR_SGI_FRAME;
}

// The calling PE's index; MAX_PES if it has not called init_pe().
static uint32_t own_index(void) {
    uint64_t affinity = arch_read_mpidr() & MPIDR_AFFINITY;
    uint32_t pe = 0;
    while (pe < MAX_PES && (pe_frames[pe] == NULL || pe_affinity[pe] != affinity)) {
        pe++;
    }
    return pe;
}

// The registers that hold an INTID, a PPI being the calling PE's. Null before its init_pe().
static volatile void *block_of(uint32_t intid) {
    if (intid >= IRQC_FIRST_SPI) {
        return config.distributor;
    }
    uint32_t pe = own_index();
    return pe < MAX_PES ? sgi_frame_of(pe) : NULL;
}

// Waits until the bits are clear.
static enum irqc_status wait_clear(const volatile void *block, size_t offset, uint32_t bits) {
    for (uint32_t polls = 0; polls < GIC_POLLS; polls++) {
        if ((mmio_read32(block, offset) & bits) == 0) {
            return IRQC_OK;
        }
    }
    return IRQC_STUCK;
}

// MPIDR_EL1's affinity fields, packed as GICR_TYPER holds them in its upper half.
static uint32_t packed_affinity(uint64_t mpidr) {
    return (uint32_t)(mpidr >> 32 & 0xff) << 24 | (uint32_t)(mpidr & 0xffffff);
}

static enum irqc_status init_distributor(const struct irqc_config *given) {
    config = *given;
    for (uint32_t pe = 0; pe < MAX_PES; pe++) {
        pe_frames[pe] = NULL;
    }
    volatile void *distributor = config.distributor;
    mmio_write32(distributor, GICD_CTLR, 0);
    if (wait_clear(distributor, GICD_CTLR, GICD_CTLR_RWP) != IRQC_OK) {
        return IRQC_STUCK;
    }
    // Affinity routing first, alone: IROUTER has no meaning before.
    mmio_write32(distributor, GICD_CTLR, GICD_CTLR_AFFINITY);
    interrupt_count = gic_interrupts(mmio_read32(distributor, GICD_TYPER));
    uint32_t end = ALIGN_UP(interrupt_count, 32);
    gic_quiet(distributor, IRQC_FIRST_SPI, end);
    for (uint32_t intid = IRQC_FIRST_SPI; intid < end; intid += 32) {
        mmio_write32(distributor, GIC_IGROUPR + gic_bit_offset(intid), UINT32_MAX);
    }
    for (uint32_t intid = IRQC_FIRST_SPI; intid < end; intid += 16) {
        mmio_write32(distributor, GIC_ICFGR + intid / 4, 0); // level
    }
    uint64_t boot_pe = arch_read_mpidr() & MPIDR_AFFINITY;
    for (uint32_t intid = IRQC_FIRST_SPI; intid < interrupt_count; intid++) {
        mmio_write64(distributor, GICD_IROUTER + intid * (size_t)8, boot_pe);
    }
    mmio_write32(distributor, GICD_CTLR, GICD_CTLR_AFFINITY | GICD_CTLR_ENABLE);
    return wait_clear(distributor, GICD_CTLR, GICD_CTLR_RWP);
}

// Bytes from one PE's frames to the next one's.
static uint64_t frames_bytes(uint32_t typer) {
    if (config.redistributor_stride != 0) {
        return config.redistributor_stride;
    }
    return (typer & GICR_TYPER_VLPIS) != 0 ? FRAMES_BYTES_V4 : FRAMES_BYTES_V3;
}

static volatile void *find_frames(uint32_t affinity) {
    for (uint32_t region = 0; region < config.redistributor_count; region++) {
        volatile uint8_t *frames = config.redistributor[region];
        uint64_t left = config.redistributor_size[region];
        while (left >= FRAMES_BYTES_V3) {
            uint32_t typer = mmio_read32(frames, GICR_TYPER);
            if (mmio_read32(frames, GICR_TYPER + 4) == affinity) {
                return frames;
            }
            uint64_t step = frames_bytes(typer);
            if ((typer & GICR_TYPER_LAST) != 0 || step > left) {
                break;
            }
            frames += step;
            left -= step;
        }
    }
    return NULL;
}

static enum irqc_status wake(volatile void *frames) {
    uint32_t waker = mmio_read32(frames, GICR_WAKER);
    mmio_write32(frames, GICR_WAKER, waker & ~GICR_WAKER_SLEEP);
    return wait_clear(frames, GICR_WAKER, GICR_WAKER_ASLEEP);
}

static enum irqc_status init_pe(uint32_t pe, uint64_t mpidr) {
    if (!arch_gicv3_enable_system_registers()) {
        return IRQC_NO_SYSTEM_ACCESS;
    }
    volatile void *frames = find_frames(packed_affinity(mpidr));
    if (frames == NULL) {
        return IRQC_NO_REDISTRIBUTOR;
    }
    pe_frames[pe] = frames;
    pe_affinity[pe] = mpidr & MPIDR_AFFINITY;
    volatile void *frame = sgi_frame_of(pe);
    enum irqc_status status = wake(frames);
    if (status == IRQC_OK) {
        gic_quiet(frame, 0, IRQC_FIRST_SPI);
        mmio_write32(frame, GIC_IGROUPR, UINT32_MAX);
        mmio_write32(frame, GIC_ISENABLER, GIC_SGIS);
        status = wait_clear(frames, GICR_CTLR, GICR_CTLR_RWP);
    }
    if (status != IRQC_OK) {
        return status;
    }
    arch_gicv3_write_pmr(PRIORITY_MASK_NONE);
    arch_gicv3_write_bpr1(0);
    arch_gicv3_write_ctlr(0); // one write of EOIR drops the priority and deactivates
    arch_gicv3_write_igrpen1(IGRPEN1_ENABLE);
    return IRQC_OK;
}

static uint32_t interrupts(void) { return interrupt_count; }

static uint32_t acknowledge(void) {
    uint32_t acknowledged = arch_gicv3_read_iar1();
    return acknowledged >= GIC_SPECIAL_INTIDS ? IRQC_NONE : acknowledged;
}

static void end(uint32_t acknowledged) {
    arch_io_barrier(); // the device has seen the writes that took its level down
    arch_gicv3_write_eoir1(acknowledged);
}

static enum irqc_status enable(uint32_t intid) {
    volatile void *block = block_of(intid);
    if (block == NULL) {
        return IRQC_BAD_PE;
    }
    mmio_write32(block, GIC_ISENABLER + gic_bit_offset(intid), gic_bit_mask(intid));
    return IRQC_OK;
}

static enum irqc_status disable(uint32_t intid) {
    volatile void *block = block_of(intid);
    if (block == NULL) {
        return IRQC_BAD_PE;
    }
    mmio_write32(block, GIC_ICENABLER + gic_bit_offset(intid), gic_bit_mask(intid));
    if (intid >= IRQC_FIRST_SPI) {
        return wait_clear(config.distributor, GICD_CTLR, GICD_CTLR_RWP);
    }
    return wait_clear(pe_frames[own_index()], GICR_CTLR, GICR_CTLR_RWP);
}

static enum irqc_status set_trigger(uint32_t intid, enum board_trigger trigger) {
    volatile void *block = block_of(intid);
    return block == NULL ? IRQC_BAD_PE : gic_set_trigger(block, intid, trigger);
}

static enum irqc_status set_target(uint32_t intid, uint32_t pe) {
    mmio_write64(config.distributor, GICD_IROUTER + intid * (size_t)8, pe_affinity[pe]);
    return IRQC_OK;
}

// ICC_SGI1R_EL1: the PE is one bit of a list of 16, within the range and cluster that Aff0's upper
// bits and Aff3 to Aff1 name.
static void send(uint32_t pe, uint32_t sgi) {
    uint64_t affinity = pe_affinity[pe];
    uint64_t aff0 = affinity & 0xff;
    uint64_t value = (affinity >> 32 & 0xff) << 48 | (aff0 / 16) << 44 |
                     (affinity >> 16 & 0xff) << 32 | (uint64_t)sgi << 24 |
                     (affinity >> 8 & 0xff) << 16 | UINT64_C(1) << (aff0 % 16);
    arch_io_barrier(); // earlier stores are visible before the interrupt can be
    arch_gicv3_write_sgi1r(value);
}

static void set_priority_mask(uint8_t mask) { arch_gicv3_write_pmr(mask); }

const struct irqc_operations gicv3_operations = {
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
