// SPDX-License-Identifier: BSD-2-Clause
// Board: the reader's parts in order, and the steps that several parts share.
#include <board.h>

#include "board_read.h"

// Bindings of the Arm GIC: cell 0 is the kind, cell 1 the number within it, cell 2 the trigger.
#define GIC_SPECIFIER_CELLS 3
#define GIC_KIND_SPI 0
#define GIC_KIND_PPI 1
#define GIC_FIRST_PPI 16
#define GIC_PPI_COUNT 16
#define GIC_FIRST_SPI 32
#define GIC_SPI_COUNT 988
#define GIC_TRIGGER_EDGES 3 // 1 rising, 2 falling; 4 and 8 are the levels

enum dt_status board_read_registers(struct board_reader *reader, dt_node_t node, uint32_t index,
                                    struct board_range *range) {
    uint64_t address = 0;
    uint64_t size = 0;
    enum dt_status status = dt_reg_translated(&reader->tree, node, index, &address, &size);
    if (status == DT_OK && size == 0) {
        status = DT_BAD_VALUE; // registers without extent
    }
    if (status == DT_OK) {
        *range = (struct board_range){.base = PADDR(address), .size = size};
    }
    return board_problem(reader, node, "reg", status);
}

static enum dt_status decode_interrupt(const struct dt_interrupt *specifier,
                                       struct board_interrupt *interrupt) {
    if (specifier->cells < GIC_SPECIFIER_CELLS) {
        return DT_BAD_CELLS;
    }
    uint32_t number = specifier->cell[1];
    if (specifier->cell[0] == GIC_KIND_SPI && number < GIC_SPI_COUNT) {
        interrupt->intid = GIC_FIRST_SPI + number;
    } else if (specifier->cell[0] == GIC_KIND_PPI && number < GIC_PPI_COUNT) {
        interrupt->intid = GIC_FIRST_PPI + number;
    } else {
        return DT_BAD_INTERRUPT;
    }
    interrupt->trigger =
        (specifier->cell[2] & GIC_TRIGGER_EDGES) != 0 ? BOARD_TRIGGER_EDGE : BOARD_TRIGGER_LEVEL;
    interrupt->present = true;
    return DT_OK;
}

enum dt_status board_read_interrupt(struct board_reader *reader, dt_node_t node, uint32_t index,
                                    struct board_interrupt *interrupt) {
    struct dt_interrupt specifier;
    enum dt_status status = dt_interrupt(&reader->tree, node, index, &specifier);
    if (status == DT_NOT_FOUND) {
        return DT_OK;
    }
    if (status == DT_OK) {
        if (!board_is_device(reader, reader->irqc) ||
            specifier.controller.offset != reader->irqc.offset) {
            return DT_OK;
        }
        status = decode_interrupt(&specifier, interrupt);
    }
    return board_problem(reader, node, "interrupts", status);
}

dt_node_t board_find_device(const struct board_reader *reader, const char *compatible) {
    dt_node_t node = dt_root(&reader->tree);
    while (dt_next_compatible(&reader->tree, &node, compatible)) {
        if (dt_is_available(&reader->tree, node)) {
            return node;
        }
    }
    return dt_root(&reader->tree);
}

static void find_irqc(struct board_reader *reader) {
    reader->irqc = board_find_device(reader, "arm,gic-v3");
    if (board_is_device(reader, reader->irqc)) {
        reader->board->irqc.kind = BOARD_IRQC_GICV3;
        return;
    }
    reader->irqc = board_find_device(reader, "arm,gic-400");
    if (!board_is_device(reader, reader->irqc)) {
        reader->irqc = board_find_device(reader, "arm,cortex-a15-gic");
    }
    if (board_is_device(reader, reader->irqc)) {
        reader->board->irqc.kind = BOARD_IRQC_GICV2;
    }
}

enum dt_status fdt_read_board(const void *blob, size_t limit, struct board *board) {
    struct board_reader reader = {.board = board};
    *board = (struct board){.model = "", .args = "", .problem_node = "", .problem_property = ""};
    enum dt_status status = dt_open(&reader.tree, blob, limit);
    if (status != DT_OK) {
        return status;
    }
    board->blob_size = reader.tree.total_size;
    find_irqc(&reader);
    // Calls, not a table of them: static pointers would hold link addresses before the MMU is on.
    status = board_read_serial(&reader);
    status = status == DT_OK ? board_read_chosen(&reader) : status;
    status = status == DT_OK ? board_read_memory(&reader) : status;
    status = status == DT_OK ? board_read_reserved(&reader) : status;
    status = status == DT_OK ? board_read_ramdisk(&reader) : status;
    status = status == DT_OK ? board_read_pes(&reader) : status;
    status = status == DT_OK ? board_read_devices(&reader) : status;
    return status;
}
