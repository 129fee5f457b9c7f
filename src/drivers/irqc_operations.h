// SPDX-License-Identifier: BSD-2-Clause
// What an interrupt controller must be able to do. irqc.c checks every argument before it asks.
#ifndef IRQC_OPERATIONS_H
#define IRQC_OPERATIONS_H

#include <drivers.h>

struct irqc_operations {
    enum irqc_status (*init_distributor)(const struct irqc_config *config);
    enum irqc_status (*init_pe)(uint32_t pe, uint64_t mpidr);
    uint32_t (*interrupts)(void);
    uint32_t (*acknowledge)(void); // IRQC_NONE for a special INTID
    void (*end)(uint32_t acknowledged);
    enum irqc_status (*enable)(uint32_t intid);
    enum irqc_status (*disable)(uint32_t intid);
    enum irqc_status (*set_trigger)(uint32_t intid, enum board_trigger trigger);
    enum irqc_status (*set_target)(uint32_t intid, uint32_t pe);
    void (*send)(uint32_t pe, uint32_t sgi);
    void (*set_priority_mask)(uint8_t mask);
};

extern const struct irqc_operations gicv2_operations;
extern const struct irqc_operations gicv3_operations;

// Registers that GICv2's distributor, GICv3's distributor and GICv3's redistributor have at the
// same offsets. One bit for each INTID:
#define GIC_IGROUPR 0x080
#define GIC_ISENABLER 0x100
#define GIC_ICENABLER 0x180
#define GIC_ICPENDR 0x280
#define GIC_ICACTIVER 0x380
// eight bits:
#define GIC_IPRIORITYR 0x400
// two bits, of which the upper one is set for an edge:
#define GIC_ICFGR 0xc00

#define GICD_CTLR 0x000
#define GICD_TYPER 0x004

#define GIC_SPECIAL_INTIDS 1020 // and above: no interrupt
#define GIC_SGIS 0x0000ffffU
#define GIC_PPIS 0xffff0000U

// Polls until a register shows what was asked for. The architecture gives no bound; hardware needs
// well under a microsecond, an emulator none at all.
#define GIC_POLLS 1000000

// Where an INTID's bit is: the register of 32 of them, and the bit in it.
static inline size_t gic_bit_offset(uint32_t intid) { return intid / 32 * (size_t)4; }

static inline uint32_t gic_bit_mask(uint32_t intid) { return 1U << (intid % 32); }

static inline uint32_t gic_interrupts(uint32_t typer) {
    return MIN(32 * ((typer & 0x1f) + 1), (uint32_t)IRQC_MAX_INTERRUPTS);
}

// Sets the trigger in a register block and reads it back: some interrupts are fixed.
static inline enum irqc_status gic_set_trigger(volatile void *block, uint32_t intid,
                                               enum board_trigger trigger) {
    size_t offset = GIC_ICFGR + intid / 16 * (size_t)4;
    uint32_t edge = 2U << (intid % 16 * 2);
    uint32_t wanted = trigger == BOARD_TRIGGER_EDGE ? edge : 0;
    uint32_t others = mmio_read32(block, offset) & ~edge;
    mmio_write32(block, offset, others | wanted);
    return (mmio_read32(block, offset) & edge) == wanted ? IRQC_OK : IRQC_BAD_INTID;
}

// Puts INTIDs [first, end), multiples of 32, out of action: disabled, not pending, not active, all
// of the one priority.
static inline void gic_quiet(volatile void *block, uint32_t first, uint32_t end) {
    for (uint32_t intid = first; intid < end; intid += 32) {
        mmio_write32(block, GIC_ICENABLER + gic_bit_offset(intid), UINT32_MAX);
        mmio_write32(block, GIC_ICPENDR + gic_bit_offset(intid), UINT32_MAX);
        mmio_write32(block, GIC_ICACTIVER + gic_bit_offset(intid), UINT32_MAX);
    }
    for (uint32_t intid = first; intid < end; intid += 4) {
        mmio_write32(block, GIC_IPRIORITYR + intid, IRQC_PRIORITY * 0x01010101U);
    }
}

#endif
