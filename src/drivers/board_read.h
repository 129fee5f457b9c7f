// SPDX-License-Identifier: BSD-2-Clause
// What the parts of the board reader share.
#ifndef BOARD_READ_H
#define BOARD_READ_H

#include <board.h>

struct board_reader {
    struct dt tree;
    struct board *board;
    dt_node_t irqc; // the interrupt controller's node; the root, which is none, if there is none
};

// Says in the board where `status` came up, and returns it. DT_OK leaves the board as it is.
static inline enum dt_status board_problem(struct board_reader *reader, dt_node_t node,
                                           const char *property, enum dt_status status) {
    if (status != DT_OK) {
        reader->board->problem_node = dt_name(&reader->tree, node);
        reader->board->problem_property = property;
    }
    return status;
}

// The index-th entry of the node's `reg`, translated. DT_NOT_FOUND is a problem here.
enum dt_status board_read_registers(struct board_reader *reader, dt_node_t node, uint32_t index,
                                    struct board_range *range);

// The node's index-th interrupt. Absent if the node has not so many, or if they go to a controller
// other than the board's.
enum dt_status board_read_interrupt(struct board_reader *reader, dt_node_t node, uint32_t index,
                                    struct board_interrupt *interrupt);

// The first node in document order that is available and compatible; the root if there is none.
dt_node_t board_find_device(const struct board_reader *reader, const char *compatible);

static inline bool board_is_device(const struct board_reader *reader, dt_node_t node) {
    return node.offset != dt_root(&reader->tree).offset;
}

// The parts, in the order in which they run.
enum dt_status board_read_serial(struct board_reader *reader);
enum dt_status board_read_chosen(struct board_reader *reader);
enum dt_status board_read_memory(struct board_reader *reader);
enum dt_status board_read_reserved(struct board_reader *reader);
enum dt_status board_read_ramdisk(struct board_reader *reader);
enum dt_status board_read_pes(struct board_reader *reader);
enum dt_status board_read_devices(struct board_reader *reader);

#endif
