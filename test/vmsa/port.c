// SPDX-License-Identifier: BSD-2-Clause
// The port's functions on the host. Each passes through vmsa_step first: one place where a test, or
// an explorer of interleavings, comes in between any two things that PEs could do to each other.
#include "model.h"
#include <stdlib.h>
#include <string.h>

struct machine machine;
struct vmsa_faults vmsa_faults;
struct vmsa_features vmsa_features;

static struct {
    struct vmsa_tlbi *entries;
    size_t count, capacity;
} tlbi_log;

static void vmsa_step(enum vmsa_call call, uint64_t a, uint64_t b) {
    if (machine.hook == NULL || machine.in_hook)
        return;
    unsigned pe = machine.pe;
    machine.in_hook = true;
    machine.hook(call, a, b);
    machine.in_hook = false;
    machine.pe = pe;
}

void vmsa_init(void *memory, size_t bytes) { vmsa_init_at(VMSA_BASE, memory, bytes); }

void vmsa_init_at(uint64_t start, void *memory, size_t bytes) {
    memset(&machine, 0, sizeof(machine));
    machine.polls = VMSA_NEVER;
    vmsa_faults = (struct vmsa_faults){0};
    vmsa_features = (struct vmsa_features){0};
    contents_init();
    caches_init(start, bytes);
    access_init();
    memory_init(start, memory, bytes);
    tlb_init();
    judge_init();
    vmsa_log_reset();
}

void vmsa_set_pe(unsigned pe) { machine.pe = pe; }

bool vmsa_holds_locks(unsigned pe) { return machine.locks[pe] != 0; }

unsigned vmsa_pe(void) { return machine.pe; }

void vmsa_set_hook(vmsa_hook *hook) { machine.hook = hook; }

// ---- Descriptors

desc_t vmsa_desc_read(paddr_t table, unsigned index) {
    vmsa_step(VMSA_CALL_READ, table.v, index);
    machine.reads++;
    return DESC(*memory_descriptor(table.v, index));
}

uint64_t vmsa_reads(void) { return machine.reads; }

static uint64_t store(paddr_t table, unsigned index, uint64_t value) {
    uint64_t old = memory_store(table.v, index, value);
    record_event("store table index value", table.v, index, value);
    tlb_store(table.v, index, value);
    return old;
}

// What hardware that manages the flags would make of the leaf there (FEAT_HAFDBS); the value itself
// where it leaves it alone.
static uint64_t with_hardware_flags(paddr_t table, unsigned index) {
    uint64_t value = *memory_descriptor(table.v, index);
    const struct home *home = memory_home(table.v);
    if (!vmsa_features.hardware_flags || home == NULL || !value_is_leaf(value, home->level))
        return value;
    value |= DESC_AF;
    return (value & DESC_DBM) != 0 ? value & ~DESC_READ_ONLY : value;
}

// Hardware comes first: the last update that can arrive arrives now.
static void update_flags(paddr_t table, unsigned index) {
    uint64_t value = with_hardware_flags(table, index);
    if (value == *memory_descriptor(table.v, index))
        return;
    *memory_descriptor(table.v, index) = value;
    record_event("hardware flags", table.v, index, value);
    tlb_store(table.v, index, value);
}

void vmsa_desc_write(paddr_t table, unsigned index, desc_t value) {
    vmsa_step(VMSA_CALL_STORE, table.v, index);
    if (with_hardware_flags(table, index) != *memory_descriptor(table.v, index))
        violation(VMSA_LOST_UPDATE, "descriptor %u of table %lx overwritten by a plain store",
                  index, (unsigned long)table.v);
    store(table, index, value.v);
}

desc_t vmsa_desc_exchange(paddr_t table, unsigned index, desc_t value) {
    vmsa_step(VMSA_CALL_STORE, table.v, index);
    update_flags(table, index);
    return DESC(store(table, index, value.v));
}

bool vmsa_desc_compare_exchange(paddr_t table, unsigned index, desc_t *expected, desc_t desired) {
    vmsa_step(VMSA_CALL_STORE, table.v, index);
    update_flags(table, index);
    uint64_t old = *memory_descriptor(table.v, index);
    if (old != expected->v) {
        expected->v = old;
        return false;
    }
    store(table, index, desired.v);
    return true;
}

// What is there now, as hardware leaves it. Whether it is alike.
static bool alike(paddr_t table, unsigned index, desc_t like, uint64_t *old) {
    vmsa_step(VMSA_CALL_STORE, table.v, index);
    update_flags(table, index);
    *old = *memory_descriptor(table.v, index);
    return ((*old ^ like.v) & ~DESC_OUTPUT) == 0;
}

bool vmsa_desc_toggle(paddr_t table, unsigned index, desc_t like, uint64_t toggled) {
    uint64_t old;
    if (!alike(table, index, like, &old))
        return false;
    store(table, index, old ^ toggled);
    return true;
}

bool vmsa_desc_clear(paddr_t table, unsigned index, desc_t like) {
    uint64_t old;
    if (!alike(table, index, like, &old))
        return false;
    store(table, index, 0);
    return true;
}

void vmsa_table_zero(paddr_t table) {
    vmsa_step(VMSA_CALL_ZERO, table.v, 0);
    record_event("zero table", table.v, 0, 0);
    if (tlb_walks_into(table.v) != 0)
        violation(VMSA_TABLE_REUSED, "table %lx zeroed, it may be walked", (unsigned long)table.v);
    memory_zero(table.v);
}

uint64_t vmsa_leaf_bytes(paddr_t table, uint64_t value) {
    const struct home *home = memory_home(table.v);
    bool leaf = home != NULL && value_is_leaf(value, home->level);
    return leaf ? span_pages(home->level) * PAGE_BYTES : 0;
}

uint64_t vmsa_output(uint64_t value) { return value & DESC_OUTPUT; }

// ---- TLBI and barriers

void vmsa_log_reset(void) {
    tlbi_log.count = 0;
    machine.dsb = 0;
    machine.needless = 0;
}

size_t vmsa_log_count(void) { return tlbi_log.count; }

const struct vmsa_tlbi *vmsa_log(void) { return tlbi_log.entries; }

unsigned vmsa_dsb_count(void) { return machine.dsb; }

uint64_t vmsa_needless(void) { return machine.needless; }

void vmsa_tlbi(enum port_tlbi kind, uint64_t operand) {
    vmsa_step(VMSA_CALL_TLBI, kind, operand);
    record_event("tlbi kind operand", kind, operand, 0);
    if (tlbi_log.count == tlbi_log.capacity) {
        tlbi_log.capacity = MAX((size_t)1024, tlbi_log.capacity * 2);
        tlbi_log.entries =
            vmsa_grow(tlbi_log.entries, tlbi_log.capacity * sizeof(*tlbi_log.entries));
    }
    tlbi_log.entries[tlbi_log.count++] = (struct vmsa_tlbi){kind, operand};
    machine.outstanding[machine.pe]++;
    if (!vmsa_faults.drop_tlbi)
        tlb_tlbi(kind, operand);
}

void vmsa_dsb_ishst(void) {
    vmsa_step(VMSA_CALL_BARRIER, 0, 0);
    record_event("dsb ishst", 0, 0, 0);
    machine.dsb++;
    if (!vmsa_faults.drop_dsb_ishst)
        memory_order(machine.pe, false);
}

// What other PEs have answered this one is known from now on (answer_eviction).
static void take_answers(unsigned asking) {
    for (unsigned pe = 0; pe < MAX_PES; pe++) {
        if ((machine.left_for[pe] >> asking & 1) != 0) {
            machine.left_for[pe] = 0;
            machine.leaving[pe] = 0;
        }
    }
}

void vmsa_dsb_ish(void) {
    vmsa_step(VMSA_CALL_BARRIER, 1, 0);
    record_event("dsb ish", 0, 0, 0);
    machine.dsb++;
    bool issued = machine.outstanding[machine.pe] != 0;
    machine.outstanding[machine.pe] = 0;
    take_answers(machine.pe); // whatever the fault: it is about what the barrier completes
    if (vmsa_faults.drop_dsb_ish)
        return;
    memory_order(machine.pe, true);
    tlb_complete(machine.pe, false, issued);
}

void vmsa_dsb_nsh(void) {
    vmsa_step(VMSA_CALL_BARRIER, 2, 0);
    record_event("dsb nsh", 0, 0, 0);
    machine.outstanding[machine.pe] = 0;
    tlb_complete(machine.pe, true, false);
}

void vmsa_dmb_ishst(void) {
    vmsa_step(VMSA_CALL_BARRIER, 3, 0);
    record_event("dmb ishst", 0, 0, 0);
    if (!vmsa_faults.drop_dmb_ishst)
        memory_order_stores(machine.pe);
}

void vmsa_isb(void) {
    vmsa_step(VMSA_CALL_BARRIER, 4, 0);
    record_event("isb", 0, 0, 0);
    if (!vmsa_faults.drop_isb)
        access_synchronised(machine.pe);
}

void vmsa_sync_instructions(paddr_t start, size_t bytes) {
    vmsa_step(VMSA_CALL_BARRIER, 5, start.v);
    record_event("sync instructions", start.v, bytes, 0);
    memory_order_stores(machine.pe); // there is a DSB in it, between data and instruction side
    contents_synchronise(start.v, bytes);
}

// ---- Roots

static void load(unsigned pe, uint64_t ttbr0) {
    uint64_t root = ttbr_root(ttbr0);
    uint16_t asid = ttbr_asid(ttbr0);
    machine.ttbr0[pe] = ttbr0;
    access_synchronised(pe); // the port's function ends with an ISB
    if ((ttbr0 & TTBR_CNP) != 0)
        violation(VMSA_COMMON, "%lx loaded", (unsigned long)ttbr0);
    if (root == 0 || asid == 0)
        return; // the empty root: nothing to cache
    const struct home *home = memory_home(root);
    if ((home == NULL || home->level != 0 || home->asid != asid) && vmsa_cached(ASID(asid)) != 0)
        violation(VMSA_ASID_REUSED, "ASID %u loaded with root %lx, entries may be cached", asid,
                  (unsigned long)root);
    if (asid_is_dead(asid))
        violation(VMSA_ASID_REUSED, "ASID %u was given back, and then loaded", asid);
    memory_set_root(root, asid, 0);
    tlb_reach_table(root, 0, asid, 0, (uint8_t)BIT(pe));
}

void vmsa_load_root(uint64_t ttbr0) {
    vmsa_step(VMSA_CALL_LOAD_ROOT, ttbr0, 0);
    record_event("load root", ttbr0, 0, 0);
    load(machine.pe, ttbr0);
}

void vmsa_enter_root(uint64_t ttbr0) {
    record_event("enter root", ttbr0, 0, 0);
    machine.leaving[machine.pe] = machine.ttbr0[machine.pe];
    load(machine.pe, ttbr0);
}

void vmsa_leave_root(void) {
    record_event("leave root", machine.leaving[machine.pe], 0, 0);
    machine.leaving[machine.pe] = 0;
}

void vmsa_load_kernel_root(paddr_t root) {
    machine.kernel_root = root.v;
    memory_set_root(root.v, KERNEL_ASID, KERNEL_PAGE);
    tlb_reach_table(root.v, 0, KERNEL_ASID, KERNEL_PAGE, UINT8_MAX);
}

paddr_t vmsa_make_kernel_half(paddr_t tables, uint64_t start, uint64_t bytes) {
    const uint64_t gib = UINT64_C(1) << 30, block = UINT64_C(1) << 21;
    const uint64_t leaf = DESC_VALID | DESC_AF | DESC_SHARED | DESC_PXN | DESC_UXN;
    uint64_t upper = tables.v + PAGE_BYTES, lower = upper + PAGE_BYTES;
    if (start / gib != (start + bytes - 1) / gib || start / gib >= TABLE_ENTRIES)
        panic("vmsa: RAM lies in more than one GiB");
    memset(vmsa_kernel_address(tables), 0, 3 * PAGE_BYTES);
    *memory_descriptor(tables.v, 0) = upper | DESC_TABLE | DESC_VALID;
    *memory_descriptor(upper, (unsigned)(start / gib)) = lower | DESC_TABLE | DESC_VALID;
    for (uint64_t at = ALIGN_DOWN(start, block); at < start + bytes; at += block)
        *memory_descriptor(lower, (unsigned)(at % gib / block)) = at | leaf;
    vmsa_load_kernel_root(tables);
    return tables;
}

uint64_t vmsa_loaded_root(void) { return machine.ttbr0[machine.pe]; }

// The answer is read by a load. For what comes after on the asking PE the root has been left only
// when it executes a barrier that waits for loads.
void answer_eviction(unsigned pe, unsigned asking, uint64_t ttbr0, uint64_t empty) {
    machine.answered[asking] |= (uint8_t)BIT(pe);
    if (pe != asking && machine.ttbr0[pe] == ttbr0) {
        machine.leaving[pe] = ttbr0;
        machine.left_for[pe] |= (uint8_t)BIT(asking);
        load(pe, empty);
    }
}

void vmsa_evict_root(uint64_t ttbr0, uint64_t empty) {
    machine.answered[machine.pe] = 0;
    vmsa_step(VMSA_CALL_EVICT_ROOT, ttbr0, empty);
    record_event("evict root", ttbr0, 0, 0);
    for (unsigned pe = 0; pe < MAX_PES && !vmsa_faults.no_answer; pe++) {
        if ((machine.answered[machine.pe] >> pe & 1) == 0)
            answer_eviction(pe, machine.pe, ttbr0, empty);
    }
}

// ---- Locks

static bool is_open(const struct lock *lock) {
    return (vmsa_faults.open_ranks >> lock->rank & 1) != 0;
}

void vmsa_lock_acquire(struct lock *lock) {
    vmsa_step(VMSA_CALL_LOCK, (uint64_t)(uintptr_t)lock, 0);
    if (lock->held != 0)
        panic("vmsa: PE %u waits for a lock of rank %u that PE %u holds: nobody else runs",
              machine.pe, lock->rank, lock->holder - 1);
    if (machine.locks[machine.pe] >> lock->rank != 0)
        violation(VMSA_LOCK_ORDER, "rank %u taken, ranks %x held", lock->rank,
                  machine.locks[machine.pe]);
    machine.locks[machine.pe] |= UINT32_C(1) << lock->rank;
    if (is_open(lock))
        return;
    lock->held = 1;
    lock->holder = machine.pe + 1;
    memory_lock(lock, machine.pe);
}

void vmsa_lock_release(struct lock *lock) {
    if (!vmsa_lock_held(lock))
        panic("vmsa: PE %u releases a lock it does not hold", machine.pe);
    machine.locks[machine.pe] &= ~(UINT32_C(1) << lock->rank);
    if (!is_open(lock)) {
        memory_unlock(lock, machine.pe);
        lock->holder = 0;
        lock->held = 0;
    }
    vmsa_step(VMSA_CALL_UNLOCK, (uint64_t)(uintptr_t)lock, 0);
}

bool vmsa_lock_held(const struct lock *lock) {
    if (is_open(lock))
        return (machine.locks[machine.pe] >> lock->rank & 1) != 0;
    return lock->held != 0 && lock->holder == machine.pe + 1;
}

// ---- The rest

void vmsa_relax(void) {
    vmsa_step(VMSA_CALL_RELAX, 0, 0);
    if (machine.hook == NULL || machine.in_hook)
        panic("vmsa: PE %u waits for another, and nobody else runs", machine.pe);
}

void vmsa_walk_begin(asid_t asid) { machine.walking[machine.pe] = asid.v; }

void vmsa_walk_end(asid_t asid) {
    (void)asid;
    machine.walking[machine.pe] = 0;
}

void vmsa_set_interrupt(uint64_t polls) {
    machine.polls = polls;
    machine.polled = 0;
}

uint64_t vmsa_polled(void) { return machine.polled; }

bool vmsa_preemption_pending(void) {
    vmsa_step(VMSA_CALL_POLL, 0, 0);
    if (machine.outstanding[machine.pe] != 0)
        violation(VMSA_PREEMPTIBLE, "%lu TLBI not completed",
                  (unsigned long)machine.outstanding[machine.pe]);
    machine.polled++;
    if (machine.polls == 0)
        return true;
    if (machine.polls != VMSA_NEVER)
        machine.polls--;
    return false;
}

void vmsa_count(enum sheaf_counter counter, uint64_t n) { machine.counters[counter] += n; }

uint64_t vmsa_counter(enum sheaf_counter counter) { return machine.counters[counter]; }

void vmsa_note(enum port_event event, uint64_t a, uint64_t b) {
    if (event != PORT_EVENT_RANGE_HELD) // nobody can do anything about it in between
        vmsa_step(VMSA_CALL_NOTE, a, b);
    record_event("note event", event, a, b);
    judge_note(event, a, b);
}
