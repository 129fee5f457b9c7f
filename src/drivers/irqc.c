// SPDX-License-Identifier: BSD-2-Clause
// Interrupt controller: one interface over GICv2 and GICv3. Arguments are checked here, once.
#include <drivers.h>

#include "irqc_operations.h"

static const struct irqc_operations *operations;
static bool pe_ready[MAX_PES];

const char *irqc_status_name(enum irqc_status status) {
    switch (status) {
    case IRQC_OK:
        return "OK";
    case IRQC_UNKNOWN_KIND:
        return "UNKNOWN_KIND";
    case IRQC_NO_SYSTEM_ACCESS:
        return "NO_SYSTEM_ACCESS";
    case IRQC_NO_REDISTRIBUTOR:
        return "NO_REDISTRIBUTOR";
    case IRQC_STUCK:
        return "STUCK";
    case IRQC_BAD_INTID:
        return "BAD_INTID";
    case IRQC_BAD_PE:
        return "BAD_PE";
    }
    return "UNKNOWN";
}

enum irqc_status irqc_init_distributor(const struct irqc_config *config) {
    for (uint32_t pe = 0; pe < MAX_PES; pe++) {
        pe_ready[pe] = false;
    }
    switch (config->kind) {
    case BOARD_IRQC_GICV2:
        operations = &gicv2_operations;
        break;
    case BOARD_IRQC_GICV3:
        operations = &gicv3_operations;
        break;
    default:
        operations = NULL;
        return IRQC_UNKNOWN_KIND;
    }
    enum irqc_status status = operations->init_distributor(config);
    if (status != IRQC_OK) {
        operations = NULL;
    }
    return status;
}

enum irqc_status irqc_init_pe(uint32_t pe, uint64_t mpidr) {
    if (operations == NULL) {
        return IRQC_UNKNOWN_KIND;
    }
    if (pe >= MAX_PES) {
        return IRQC_BAD_PE;
    }
    enum irqc_status status = operations->init_pe(pe, mpidr);
    pe_ready[pe] = status == IRQC_OK;
    return status;
}

uint32_t irqc_interrupts(void) { return operations == NULL ? 0 : operations->interrupts(); }

uint32_t irqc_acknowledge(void) {
    return operations == NULL ? IRQC_NONE : operations->acknowledge();
}

void irqc_end(uint32_t acknowledged) {
    if (operations != NULL && acknowledged != IRQC_NONE) {
        operations->end(acknowledged);
    }
}

static bool in_range(uint32_t intid, uint32_t first) {
    return operations != NULL && intid >= first && intid < operations->interrupts();
}

static bool is_ready(uint32_t pe) { return operations != NULL && pe < MAX_PES && pe_ready[pe]; }

enum irqc_status irqc_enable(uint32_t intid) {
    return in_range(intid, IRQC_FIRST_PPI) ? operations->enable(intid) : IRQC_BAD_INTID;
}

enum irqc_status irqc_disable(uint32_t intid) {
    return in_range(intid, IRQC_FIRST_PPI) ? operations->disable(intid) : IRQC_BAD_INTID;
}

enum irqc_status irqc_set_trigger(uint32_t intid, enum board_trigger trigger) {
    return in_range(intid, IRQC_FIRST_PPI) ? operations->set_trigger(intid, trigger)
                                           : IRQC_BAD_INTID;
}

enum irqc_status irqc_set_target(uint32_t intid, uint32_t pe) {
    if (!in_range(intid, IRQC_FIRST_SPI)) {
        return IRQC_BAD_INTID;
    }
    return is_ready(pe) ? operations->set_target(intid, pe) : IRQC_BAD_PE;
}

enum irqc_status irqc_send(uint32_t pe, uint32_t sgi) {
    if (sgi >= IRQC_FIRST_PPI) {
        return IRQC_BAD_INTID;
    }
    if (!is_ready(pe)) {
        return IRQC_BAD_PE;
    }
    operations->send(pe, sgi);
    return IRQC_OK;
}

void irqc_set_priority_mask(uint8_t mask) {
    if (operations != NULL) {
        operations->set_priority_mask(mask);
    }
}
