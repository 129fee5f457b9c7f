// SPDX-License-Identifier: BSD-2-Clause
// Judging: reuse of ranges, tables, frames, roots and ASIDs against what may still be cached; the
// events that led there; violations.
#include "model.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS 64u

struct event {
    const char *name;
    uint64_t a, b, c;
    unsigned pe;
};

struct pages {
    uint64_t first, count;
};

// What other removals of a VSpace still answer for, while this PE says that one is complete.
#define HELD 64u
struct held {
    struct pages pages[HELD];
    unsigned count;
};

static struct {
    vmsa_handler *handler;
    bool expecting;
    unsigned count[VMSA_RULES];
    struct event events[EVENTS];
    uint64_t event_count;
    struct held held[MAX_PES];
} judge;

static const char *const rule_names[VMSA_RULES] = {
    [VMSA_REMOVAL_INCOMPLETE] = "removal incomplete: the range may still be cached (G1)",
    [VMSA_TABLE_REUSED] = "table reused while a walk may reach it (G2)",
    [VMSA_FRAME_REUSED] = "memory reused while a translation to it may be cached (G3)",
    [VMSA_STALE_RIGHTS] = "written after it was said not to be (G5)",
    [VMSA_BREAK_BEFORE_MAKE] = "break-before-make",
    [VMSA_ROOT_RELEASED] = "root released while loaded (G7)",
    [VMSA_ASID_REUSED] = "ASID reused while cached",
    [VMSA_UNORDERED_CONTENTS] = "contents not ordered before the link",
    [VMSA_PREEMPTIBLE] = "preemptible between TLBI and DSB (G8)",
    [VMSA_HINT] = "level hint without FEAT_TTL",
    [VMSA_OPERAND] = "operand of a TLBI",
    [VMSA_LOST_UPDATE] = "update of access or dirty state lost",
    [VMSA_UNSYNCHRONISED] = "instruction side not synchronised",
    [VMSA_MISMATCHED] = "mismatched memory types",
    [VMSA_NO_ALIAS] = "memory that the kernel has no mapping of",
    [VMSA_ATTRIBUTES] = "attributes of a leaf",
    [VMSA_COMMON] = "TTBR0_EL1.CnP set",
    [VMSA_WALK_UNPROTECTED] = "table released under a software walk",
    [VMSA_LOCK_ORDER] = "lock order",
};

void judge_init(void) {
    memset(judge.count, 0, sizeof(judge.count));
    judge.expecting = false;
    judge.event_count = 0;
    memset(judge.held, 0, sizeof(judge.held));
}

void vmsa_set_handler(vmsa_handler *handler) { judge.handler = handler; }

const char *vmsa_rule_name(enum vmsa_rule rule) { return rule_names[rule]; }

void vmsa_expect_violations(void) { judge.expecting = true; }

unsigned vmsa_violations(enum vmsa_rule rule) { return judge.count[rule]; }

void record_event(const char *name, uint64_t a, uint64_t b, uint64_t c) {
    judge.events[judge.event_count++ % EVENTS] = (struct event){name, a, b, c, machine.pe};
}

void vmsa_print_events(void) {
    uint64_t first = judge.event_count > EVENTS ? judge.event_count - EVENTS : 0;
    for (uint64_t i = first; i < judge.event_count; i++) {
        const struct event *event = &judge.events[i % EVENTS];
        fprintf(stderr, "# %6lu PE %u %-22s %#lx %#lx %#lx\n", (unsigned long)i, event->pe,
                event->name, (unsigned long)event->a, (unsigned long)event->b,
                (unsigned long)event->c);
    }
}

void vmsa_print_violation(enum vmsa_rule rule, const char *text) {
    vmsa_print_events();
    fprintf(stderr, "# PE %u: %s: %s\n", machine.pe, rule_names[rule], text);
}

void violation(enum vmsa_rule rule, const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    judge.count[rule]++;
    if (judge.expecting)
        return;
    if (judge.handler == NULL) {
        vmsa_print_violation(rule, text);
        abort();
    }
    judge.handler(rule, text);
}

// Whether the descriptor still is what the tables say, so that its being cached is right. Fewer
// rights than the tables give now do no harm.
static bool is_current(const struct entry *entry) {
    const struct home *home = memory_home(entry->table);
    uint64_t now = *memory_descriptor(entry->table, entry->index);
    if (home == NULL || home->asid != entry->asid || home->level != entry->level ||
        home->page + entry->index * span_pages(home->level) != entry->page ||
        (now & DESC_VALID) == 0 || ((now ^ entry->value) & DESC_IDENTITY) != 0)
        return false;
    return !value_is_leaf(now, home->level) || !value_allows_more(entry->value, now);
}

static void hold(struct pages pages) {
    struct held *held = &judge.held[machine.pe];
    if (held->count == HELD)
        panic("vmsa: more than %u ranges are held", HELD);
    held->pages[held->count++] = pages;
}

static bool is_held(struct pages pages) {
    const struct held *held = &judge.held[machine.pe];
    for (unsigned i = 0; i < held->count; i++) {
        const struct pages *by = &held->pages[i];
        if (by->first <= pages.first && pages.first + pages.count <= by->first + by->count)
            return true;
    }
    return false;
}

// Whether a removal inside the released pages left the entry behind.
static bool is_left(const struct entry *entry, uint16_t asid, struct pages released) {
    struct pages own = {entry->page, span_pages(entry->level)};
    uint64_t end = released.first + released.count;
    if (entry->cached == 0 || entry->asid != asid || own.first >= end ||
        own.first + own.count <= released.first || is_current(entry))
        return false;
    // A table that reaches beyond the range went by another removal, which answers for it; what can
    // be walked to through it is looked at by itself.
    if (value_is_table(entry->value, entry->level) &&
        (own.first < released.first || own.first + own.count > end))
        return false;
    return !is_held(own);
}

static void judge_range(uint16_t asid, uint64_t first, uint64_t pages) {
    uint32_t count;
    const struct entry *entries = tlb_entries(&count);
    for (uint32_t i = 0; i < count; i++) {
        const struct entry *entry = &entries[i];
        if (!is_left(entry, asid, (struct pages){first, pages}))
            continue;
        violation(VMSA_REMOVAL_INCOMPLETE, "ASID %u page %lx level %u: %lx may be cached by PEs %x",
                  asid, (unsigned long)entry->page, entry->level, (unsigned long)entry->value,
                  entry->cached);
        return;
    }
}

static void judge_taken(uint64_t table) {
    uint8_t pes = tlb_walks_into(table);
    if (pes != 0)
        violation(VMSA_TABLE_REUSED, "table %lx taken, PEs %x may walk into it",
                  (unsigned long)table, pes);
    for (unsigned pe = 0; pe < MAX_PES; pe++) {
        if (walks_from(pe, table))
            violation(VMSA_TABLE_REUSED, "table %lx taken, it is the root of PE %u",
                      (unsigned long)table, pe);
    }
}

static void judge_root(uint64_t root, uint16_t asid) {
    for (unsigned pe = 0; pe < MAX_PES; pe++) {
        if (walks_from(pe, root))
            violation(VMSA_ROOT_RELEASED, "PE %u has root %lx loaded", pe, (unsigned long)root);
    }
    for (unsigned pe = 0; pe < MAX_PES; pe++) {
        if (pe != machine.pe && machine.walking[pe] == asid)
            violation(VMSA_WALK_UNPROTECTED, "root %lx released, PE %u walks ASID %u",
                      (unsigned long)root, pe, asid);
    }
    if (vmsa_cached(ASID(asid)) != 0)
        violation(VMSA_ASID_REUSED, "ASID %u: %zu entries may be cached", asid,
                  vmsa_cached(ASID(asid)));
    machine.dead[asid / 64] |= BIT(asid % 64);
    memory_unlink(root);
}

// Something goes on in a VSpace whose tables may be another's by now.
static void judge_alive(uint16_t asid, const char *what) {
    if (asid_is_dead(asid))
        violation(VMSA_ASID_REUSED, "ASID %u was given back, and then %s", asid, what);
}

static void judge_types(uint64_t value, unsigned level) {
    if ((machine.types & ~BIT((value & DESC_TYPE) >> 2)) == 0)
        return; // one type in the whole machine
    uint32_t count;
    const struct entry *entries = tlb_entries(&count);
    uint64_t bytes = span_pages(level) * PAGE_BYTES;
    for (uint32_t i = 0; i < count; i++) {
        const struct entry *entry = &entries[i];
        uint64_t other = span_pages(entry->level) * PAGE_BYTES;
        uint64_t a = value & DESC_OUTPUT, b = entry->value & DESC_OUTPUT;
        if (entry->cached != 0 && value_is_leaf(entry->value, entry->level) &&
            ((entry->value ^ value) & DESC_TYPE) != 0 && a < b + other && b < a + bytes)
            violation(VMSA_MISMATCHED,
                      "frame %lx: %lx written, ASID %u page %lx: %lx may be cached",
                      (unsigned long)a, (unsigned long)value, entry->asid,
                      (unsigned long)entry->page, (unsigned long)entry->value);
    }
}

void judge_leaf(uint16_t asid, uint64_t value, unsigned level) {
    bool device = (value & DESC_TYPE) >> 2 == TYPE_DEVICE, user = asid != KERNEL_ASID;
    if (value_is_global(value, level) == user || (value & DESC_CONTIGUOUS) != 0 ||
        (value & DESC_SHARED) != DESC_SHARED || (user && (value & DESC_PXN) == 0) ||
        (device && (value & DESC_UXN) == 0))
        violation(VMSA_ATTRIBUTES, "leaf %lx of level %u", (unsigned long)value, level);
    judge_types(value, level);
    if (user)
        caches_check_leaf(value, level);
    contents_check(value, level);
}

void judge_note(enum port_event event, uint64_t a, uint64_t b) {
    switch (event) {
    case PORT_EVENT_TABLE_TAKEN:
        machine.dead[(uint16_t)b / 64] &= ~BIT((uint16_t)b % 64);
        judge_taken(a);
        memory_unlink(a); // its place in a VSpace that died, whose tables nobody unlinked
        break;
    case PORT_EVENT_TABLE_RELEASED:
        judge_alive((uint16_t)b, "a table released");
        for (unsigned pe = 0; pe < MAX_PES; pe++) {
            if (pe != machine.pe && machine.walking[pe] == b)
                violation(VMSA_WALK_UNPROTECTED, "table %lx released, PE %u walks ASID %u",
                          (unsigned long)a, pe, (unsigned)b);
        }
        break;
    case PORT_EVENT_FRAME_RELEASED:
        vmsa_frame_reused(PADDR(a), b);
        break;
    case PORT_EVENT_RANGE_RELEASED:
        judge_alive((uint16_t)(b >> 48), "a range released");
        judge_range((uint16_t)(b >> 48), a / PAGE_BYTES, b & (BIT(48) - 1));
        judge.held[machine.pe].count = 0;
        break;
    case PORT_EVENT_RANGE_HELD:
        hold((struct pages){a / PAGE_BYTES, b & (BIT(48) - 1)});
        break;
    case PORT_EVENT_ROOT_RELEASED:
        judge_root(a, (uint16_t)b);
        break;
    }
}

void vmsa_frame_reused(paddr_t frame, uint64_t bytes) {
    uint32_t count;
    const struct entry *entries = tlb_entries(&count);
    for (uint32_t i = 0; i < count; i++) {
        const struct entry *entry = &entries[i];
        uint64_t size = value_is_leaf(entry->value, entry->level)
                            ? span_pages(entry->level) * PAGE_BYTES
                            : PAGE_BYTES;
        uint64_t output = entry->value & DESC_OUTPUT;
        if (entry->asid == KERNEL_ASID && value_is_leaf(entry->value, entry->level))
            continue; // what the kernel zeroes it by
        if (entry->cached != 0 && output < frame.v + bytes && frame.v < output + size) {
            violation(VMSA_FRAME_REUSED, "%lx reused, ASID %u page %lx: %lx may be cached",
                      (unsigned long)frame.v, entry->asid, (unsigned long)entry->page,
                      (unsigned long)entry->value);
            return;
        }
    }
    for (unsigned pe = 0; pe < MAX_PES; pe++) {
        uint64_t now = ttbr_root(machine.ttbr0[pe]), before = ttbr_root(machine.leaving[pe]);
        if ((now != 0 && now - frame.v < bytes) || (before != 0 && before - frame.v < bytes))
            violation(VMSA_ROOT_RELEASED, "%lx reused, PE %u has a root in it loaded",
                      (unsigned long)frame.v, pe);
    }
}

void vmsa_frames_relied_on(paddr_t frame, uint64_t bytes) {
    uint32_t count;
    const struct entry *entries = tlb_entries(&count);
    for (uint32_t i = 0; i < count; i++) {
        const struct entry *entry = &entries[i];
        uint64_t output = entry->value & DESC_OUTPUT;
        if (entry->cached == 0 || !value_is_leaf(entry->value, entry->level) ||
            (entry->value & DESC_READ_ONLY) != 0 || is_current(entry))
            continue;
        if (output < frame.v + bytes && frame.v < output + span_pages(entry->level) * PAGE_BYTES)
            violation(VMSA_STALE_RIGHTS, "ASID %u page %lx: %lx may be cached by PEs %x",
                      entry->asid, (unsigned long)entry->page, (unsigned long)entry->value,
                      entry->cached);
    }
}

size_t vmsa_cached(asid_t asid) {
    uint32_t count;
    size_t found = 0;
    const struct entry *entries = tlb_entries(&count);
    for (uint32_t i = 0; i < count; i++)
        found += entries[i].cached != 0 && entries[i].asid == asid.v;
    return found;
}
