// SPDX-License-Identifier: BSD-2-Clause
// Contents of frames: who wrote them, and whether walkers and the instruction side are behind that.
#include "model.h"

struct written {
    uint64_t page; // address / 4 KiB
    unsigned epoch;
    uint8_t pe;
    bool synchronised;
};

static struct {
    struct written *pages;
    uint32_t count, capacity;
} contents;

void contents_init(void) { contents.count = 0; }

static struct written *find(uint64_t page) {
    for (uint32_t i = 0; i < contents.count; i++) {
        if (contents.pages[i].page == page)
            return &contents.pages[i];
    }
    return NULL;
}

void vmsa_frame_written(paddr_t frame, uint64_t bytes) {
    for (uint64_t page = frame.v / PAGE_BYTES; page < (frame.v + bytes) / PAGE_BYTES; page++) {
        struct written *written = find(page);
        if (written == NULL) {
            if (contents.count == contents.capacity) {
                contents.capacity = MAX(64u, contents.capacity * 2);
                contents.pages =
                    vmsa_grow(contents.pages, contents.capacity * sizeof(*contents.pages));
            }
            written = &contents.pages[contents.count++];
        }
        *written = (struct written){page, memory_epoch(machine.pe), (uint8_t)machine.pe, false};
    }
}

void contents_synchronise(uint64_t start, uint64_t bytes) {
    uint64_t first = (start + PAGE_BYTES - 1) / PAGE_BYTES, end = (start + bytes) / PAGE_BYTES;
    for (uint32_t i = 0; i < contents.count; i++) {
        struct written *written = &contents.pages[i];
        if (written->page >= first && written->page < end)
            written->synchronised = true;
    }
}

void contents_check(uint64_t value, unsigned level) {
    uint64_t first = (value & DESC_OUTPUT) / PAGE_BYTES;
    for (uint32_t i = 0; i < contents.count; i++) {
        const struct written *written = &contents.pages[i];
        if (written->page - first >= span_pages(level))
            continue;
        unsigned long frame = written->page * PAGE_BYTES;
        if (written->pe == machine.pe && written->epoch == memory_epoch(machine.pe))
            violation(VMSA_UNORDERED_CONTENTS, "frame %lx linked, its contents not ordered before",
                      frame);
        if ((value & DESC_UXN) == 0 && !written->synchronised)
            violation(VMSA_UNSYNCHRONISED, "frame %lx made executable", frame);
    }
}
