// SPDX-License-Identifier: BSD-2-Clause
// The functions that end a batch: one for address spaces, one for the kernel's own half. The steps
// are the same:
//
//   1. DSB: the removals are visible to every walker
//   2. TLBI, the cheapest sufficient ones
//   3. DSB ISH: complete on all PEs; walks and accesses that used what is gone are through
//
// Step 4, which entries go and which tables return, is the caller's (gather.c, pending.c,
// vspace.c). Between the first TLBI and its DSB nothing is preemptible: the kernel does not poll
// here, and a DSB completes only the TLBIs of the PE that executes it ("TLB maintenance
// instructions: ordering and completion").
#include "finish.h"
#include "tlbi.h"

struct mmu_features finish_features;

static const enum sheaf_counter tlbi_counters[PORT_TLBI_KINDS] = {
    [PORT_TLBI_VAE1IS] = SHEAF_COUNTER_TLBI_VAE1IS,
    [PORT_TLBI_VALE1IS] = SHEAF_COUNTER_TLBI_VALE1IS,
    [PORT_TLBI_ASIDE1IS] = SHEAF_COUNTER_TLBI_ASIDE1IS,
    [PORT_TLBI_VAALE1IS] = SHEAF_COUNTER_TLBI_VAALE1IS,
    [PORT_TLBI_RVAE1IS] = SHEAF_COUNTER_TLBI_RVAE1IS,
    [PORT_TLBI_RVALE1IS] = SHEAF_COUNTER_TLBI_RVALE1IS,
};

// What was issued, and the instruction issued last, for the erratum that wants one repeated.
struct issued {
    uint64_t count;
    uint64_t range_pages; // that those by range cover
    enum port_tlbi kind;
    uint64_t operand;
};

void finish_init(const struct mmu_features *present) { finish_features = *present; }

// Inlined with a literal kind, so that the loop is the instruction and an addition.
ALWAYS_INLINE void issue(struct issued *issued, enum port_tlbi kind, uint64_t operand,
                         uint64_t count, uint64_t step) {
    uint64_t last = operand + (count - 1) * step;
    issued->count += count;
    issued->kind = kind;
    issued->operand = last;
    for (; operand != last; operand += step)
        port_tlbi(kind, operand);
    port_tlbi(kind, operand);
    port_count(tlbi_counters[kind], count);
}

// The kind named literally.
ALWAYS_INLINE void issue_kind(struct issued *issued, enum port_tlbi kind, uint64_t operand,
                              uint64_t count, uint64_t step) {
    if (kind == PORT_TLBI_VALE1IS)
        issue(issued, PORT_TLBI_VALE1IS, operand, count, step);
    else if (kind == PORT_TLBI_VAE1IS)
        issue(issued, PORT_TLBI_VAE1IS, operand, count, step);
    else if (kind == PORT_TLBI_RVALE1IS)
        issue(issued, PORT_TLBI_RVALE1IS, operand, 1, 0);
    else if (kind == PORT_TLBI_RVAE1IS)
        issue(issued, PORT_TLBI_RVAE1IS, operand, 1, 0);
    else if (kind == PORT_TLBI_VAALE1IS)
        issue(issued, PORT_TLBI_VAALE1IS, operand, count, step);
    else
        issue(issued, PORT_TLBI_ASIDE1IS, operand, 1, 0);
}

// Operand of the space's page 0, by address.
static inline uint64_t base_of(const struct finish_space *space) {
    return tlbi_operand_address(space->vspace->asid, VADDR(0), space->hint);
}

ALWAYS_INLINE void issue_range(struct issued *issued, const struct finish_space *space,
                               struct plan_range left) {
    uint64_t base = base_of(space);
    while (left.pages != 0) {
        struct plan_run run = plan_next(&finish_features, space->form, &left);
        uint64_t operand = base + run.first * TLBI_NEXT_PAGE;
        if (unlikely(run.kind == PORT_TLBI_RVAE1IS || run.kind == PORT_TLBI_RVALE1IS)) {
            operand = tlbi_operand_range(space->vspace->asid, VADDR(run.first << PAGE_BITS),
                                         run.scale, run.num, space->hint);
            issued->range_pages += run.step;
        }
        issue_kind(issued, run.kind, operand, run.count, run.step * TLBI_NEXT_PAGE);
    }
}

// Ranges of a page each want no plan: those of one space from `range` on, which is one. Returns the
// one behind them. Inlined with a literal kind, as above.
ALWAYS_INLINE const struct plan_range *issue_pages(struct issued *issued, enum port_tlbi kind,
                                                   uint64_t base, const struct plan_range *range,
                                                   const struct plan_range *end) {
    const uint8_t space = range->space;
    uint64_t operand, count = 0;
    do {
        operand = base + range->first * TLBI_NEXT_PAGE;
        port_tlbi(kind, operand);
        count++;
        range++;
    } while (range != end && range->pages == 1 && range->space == space);
    issued->count += count;
    issued->kind = kind;
    issued->operand = operand;
    port_count(tlbi_counters[kind], count);
    return range;
}

// What no PE ever loaded is in no TLB. The mask is read after step 1's DSB, and a PE that loads a
// root sets its bit, executes DSB ISH and then loads it (vspace_activate): so either its bit is
// seen here, or its walks see the removals.
static inline bool is_unloaded(const struct vspace *vspace) {
    bool unloaded = __atomic_load_n(&vspace->start.loaded, __ATOMIC_RELAXED) == 0;
    if (unlikely(unloaded))
        port_count(SHEAF_COUNTER_TLBI_AVOIDED_UNLOADED, 1);
    return unloaded;
}

static void issue_all(struct finish_work *work, struct issued *issued) {
    for (unsigned i = 0; i < work->space_count; i++) {
        struct finish_space *space = &work->spaces[i];
        if (space->form != PLAN_NONE && !space->forced && is_unloaded(space->vspace))
            space->form = PLAN_NONE;
        if (space->form != PLAN_ASID)
            continue;
        issue(issued, PORT_TLBI_ASIDE1IS, tlbi_operand_asid(space->vspace->asid), 1, 0);
        if (space->operations != 0) // else it is a VSpace's end, which asks for no addresses
            port_count(SHEAF_COUNTER_TLBI_AVOIDED_WHOLE, space->operations - 1);
    }
    const struct plan_range *range = work->ranges, *end = range + work->range_count;
    while (range != end) {
        const struct finish_space *space = &work->spaces[range->space];
        if (space->form == PLAN_NONE || space->form == PLAN_ASID)
            range++;
        else if (range->pages != 1)
            issue_range(issued, space, *range++);
        else if (space->form == PLAN_LAST_LEVEL)
            range = issue_pages(issued, PORT_TLBI_VALE1IS, base_of(space), range, end);
        else
            range = issue_pages(issued, PORT_TLBI_VAE1IS, base_of(space), range, end);
    }
}

static void complete(struct gather_totals *totals) {
    port_dsb_ish();
    port_count(SHEAF_COUNTER_DSB_ISH, 1);
    totals->dsb++;
}

// Step 3.
ALWAYS_INLINE void complete_issued(struct issued *issued, struct gather_totals *totals) {
    if (issued->count == 0)
        return;
    complete(totals);
    if (issued->range_pages != 0)
        port_count(SHEAF_COUNTER_TLBI_RANGE_PAGES, issued->range_pages);
    if (finish_features.repeat_tlbi) {
        // On the cores concerned a TLBI may complete before accesses that used the old
        // translation; any further broadcast TLBI and DSB repairs that for all before it.
        issue_kind(issued, issued->kind, issued->operand, 1, 0);
        port_count(SHEAF_COUNTER_TLBI_REPEATED, 1);
        complete(totals);
    }
    totals->tlbi += issued->count;
}

// Step 1, with no stores but this PE's.
void finish_stores(struct gather_totals *totals) {
    port_dsb_ishst();
    port_count(SHEAF_COUNTER_DSB_ISHST, 1);
    port_count(SHEAF_COUNTER_GATHER_BATCHES, 1);
    totals->dsb++;
    totals->batches++;
}

// Step 1. Stores of another PE reach this one by its release and our acquire of the VSpace lock.
// The acquire is a load, and only a DSB that waits for loads carries it on to the TLBI.
ALWAYS_INLINE void begin(bool foreign, struct gather_totals *totals) {
    if (unlikely(foreign)) {
        complete(totals);
        totals->batches++;
        port_count(SHEAF_COUNTER_GATHER_BATCHES, 1);
    } else {
        finish_stores(totals);
    }
}

void finish_work(struct finish_work *work, struct gather_totals *totals) {
    struct issued issued = {0};
    begin(work->foreign, totals);
    issue_all(work, &issued);
    complete_issued(&issued, totals);
    // No ISB: what the kernel itself executes and accesses is mapped in its own half, and user
    // space is reached by an exception return, which synchronises the context.
}

void finish_pages(struct vspace *vspace, const struct plan_range *range, unsigned count,
                  struct gather_totals *totals) {
    const struct plan_facts facts = {.operations = count, .levels = 1u << LEAF_LEVEL};
    const unsigned hint = plan_hint(&finish_features, &facts);
    struct issued issued = {.kind = PORT_TLBI_VALE1IS};
    struct gather_totals sum = {0};
    ASSERT(plan_form(&facts) == PLAN_LAST_LEVEL);
    begin(false, &sum);
    if (!is_unloaded(vspace)) {
        uint64_t operand, base = tlbi_operand_address(vspace->asid, VADDR(0), hint);
        unsigned left = count;
        do {
            operand = base + range++->first * TLBI_NEXT_PAGE;
            port_tlbi(PORT_TLBI_VALE1IS, operand);
        } while (--left != 0);
        issued.operand = operand;
        issued.count = count;
        port_count(SHEAF_COUNTER_TLBI_VALE1IS, count);
    }
    complete_issued(&issued, &sum);
    *totals = sum;
}

// Global entries belong to no ASID, and the operations by address for all ASIDs are those that take
// them ("TLBI VAALE1IS"). Nothing is known of their access flags, so nothing is avoided.
void finish_kernel(const struct plan_range *ranges, unsigned count) {
    struct issued issued = {0};
    struct gather_totals totals = {0}; // of no gather
    finish_stores(&totals);
    for (unsigned i = 0; i < count; i++) {
        unsigned hint = finish_features.ttl ? ranges[i].level : TLBI_NO_HINT;
        issue(&issued, PORT_TLBI_VAALE1IS,
              tlbi_operand_address(ASID(0), VADDR(ranges[i].first << PAGE_BITS), hint),
              plan_by_address(ranges[i].pages, ranges[i].level),
              level_pages(ranges[i].level) * TLBI_NEXT_PAGE);
    }
    complete_issued(&issued, &totals);
    port_isb(); // the kernel is what uses these translations: without an exception return in
                // between
}

void finish_kernel_stores(void) {
    port_dsb_ishst();
    port_count(SHEAF_COUNTER_DSB_ISHST, 1);
    port_isb(); // the kernel accesses it next, and would take a fault
}
