// SPDX-License-Identifier: BSD-2-Clause
// Each recorded event is the call of the port that it was on the target. What the model then finds
// is a violation; what contradicts the events before it (a descriptor that was not there, a lock
// that another PE holds) means that the trace is not the order of one machine.
#include "replay.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <vmsa.h>

#define LOCK_BUCKETS 4096u
#define SHOWN 8u

struct known_lock {
    uint64_t address; // in the kernel
    struct lock lock;
    struct known_lock *next;
};

static struct {
    uint64_t ram_start, ram_bytes;
    void *ram;
    uint8_t *used;                 // for each page: whether it is or was a table, or was mapped
    unsigned outstanding[MAX_PES]; // TLBIs of the PE since its last DSB ISH
    const struct trace_event *now;
    struct known_lock *locks[LOCK_BUCKETS];
    struct replay_totals totals;
} replay;

static void count_violation(enum vmsa_rule rule, const char *text) {
    if (replay.totals.violations == 0)
        vmsa_print_events();
    if (replay.totals.violations++ < SHOWN)
        printf("violation at event %lu, PE %u: %s: %s\n", (unsigned long)replay.now->number,
               replay.now->pe, vmsa_rule_name(rule), text);
}

static bool in_ram(uint64_t start, uint64_t bytes) {
    return start >= replay.ram_start && start - replay.ram_start <= replay.ram_bytes &&
           bytes <= replay.ram_bytes - (start - replay.ram_start);
}

static bool is_page(uint64_t address) {
    return address % PAGE_BYTES == 0 && in_ram(address, PAGE_BYTES);
}

static uint64_t pages_of_ram(void) { return replay.ram_bytes / PAGE_BYTES; }

const char *replay_start(const struct trace_header *header) {
    memset(&replay, 0, sizeof(replay));
    if (header->ram_start % PAGE_BYTES != 0 || header->ram_bytes % PAGE_BYTES != 0 ||
        header->ram_bytes == 0 || header->ram_bytes > BIT(48) - header->ram_start)
        return "RAM that cannot be";
    replay.ram_start = header->ram_start;
    replay.ram_bytes = header->ram_bytes;
    // As large as the machine's, and as little of it in use as the tables are.
    replay.ram = mmap(NULL, replay.ram_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    replay.used = calloc(pages_of_ram(), 1);
    if (replay.ram == MAP_FAILED || replay.used == NULL)
        return "out of memory";
    vmsa_init_at(replay.ram_start, replay.ram, replay.ram_bytes);
    vmsa_set_handler(count_violation);
    vmsa_features = (struct vmsa_features){
        .ttl = (header->features & TRACE_TTL) != 0,
        .range = (header->features & TRACE_RANGE) != 0,
        .repeat_tlbi = (header->features & TRACE_REPEAT_TLBI) != 0,
        .asids_of_8_bits = (header->features & TRACE_ASIDS_OF_8_BITS) != 0,
    };
    if (header->kernel_root == 0)
        return NULL;
    if (!is_page(header->kernel_root))
        return "a kernel's half that is not in RAM";
    vmsa_load_kernel_root(PADDR(header->kernel_root));
    return NULL;
}

void replay_end(void) {
    for (unsigned i = 0; i < LOCK_BUCKETS; i++) {
        for (struct known_lock *lock = replay.locks[i]; lock != NULL;) {
            struct known_lock *next = lock->next;
            free(lock);
            lock = next;
        }
        replay.locks[i] = NULL;
    }
    free(replay.used);
    munmap(replay.ram, replay.ram_bytes);
}

const struct replay_totals *replay_totals(void) { return &replay.totals; }

// ---- What is used, and used again

static uint8_t *use_of(uint64_t address) {
    return &replay.used[(address - replay.ram_start) / PAGE_BYTES];
}

static void table_taken(uint64_t table) {
    replay.totals.reuses += *use_of(table) != 0;
    *use_of(table) = 1;
}

// Device memory lies outside of RAM, and is never anything else.
static void leaf_stored(uint64_t value, uint64_t bytes) {
    uint64_t output = vmsa_output(value);
    if (in_ram(output, bytes))
        memset(use_of(output), 1, bytes / PAGE_BYTES);
}

static void memory_released(uint64_t start, uint64_t bytes) {
    uint64_t first = ALIGN_DOWN(start, PAGE_BYTES);
    uint64_t pages = (ALIGN_UP(start + bytes, PAGE_BYTES) - first) / PAGE_BYTES;
    replay.totals.reuses += pages != 0 && memchr(use_of(first), 1, pages) != NULL;
    // Its pages count again when they are used again.
    memset(use_of(first), 0, pages);
}

// ---- Events

static struct lock *find_lock(uint64_t address, unsigned rank) {
    struct known_lock **bucket = &replay.locks[address / 8 % LOCK_BUCKETS];
    struct known_lock *known = *bucket;
    while (known != NULL && known->address != address)
        known = known->next;
    if (known == NULL) {
        known = calloc(1, sizeof(*known));
        if (known == NULL)
            return NULL;
        *known = (struct known_lock){.address = address, .next = *bucket};
        *bucket = known;
    }
    if (known->lock.held == 0)
        lock_init(&known->lock, (enum lock_rank)rank); // the memory may hold another lock by now
    return &known->lock;
}

static const char *replay_lock(const struct trace_event *event) {
    if (event->detail >= LOCK_RANKS)
        return "a lock of no known rank";
    struct lock *lock = find_lock(event->operand[0], event->detail);
    if (lock == NULL)
        return "out of memory";
    if (event->kind == TRACE_LOCK) {
        if (lock->held != 0)
            return "a lock is taken that is not free";
        vmsa_lock_acquire(lock);
    } else {
        if (!vmsa_lock_held(lock))
            return "a lock is given back by a PE that does not hold it";
        vmsa_lock_release(lock);
    }
    return NULL;
}

static const char *replay_store(const struct trace_event *event) {
    uint64_t table = ALIGN_DOWN(event->operand[0], PAGE_BYTES);
    unsigned index = (unsigned)(event->operand[0] % PAGE_BYTES / sizeof(uint64_t));
    desc_t old = DESC(event->operand[1]), value = DESC(event->operand[2]);
    if (!is_page(table) || event->operand[0] % sizeof(uint64_t) != 0)
        return "a store to what is no descriptor";
    if (vmsa_desc_read(PADDR(table), index).v != old.v)
        return "a store found another descriptor than the last one left there";
    uint64_t bytes = vmsa_leaf_bytes(PADDR(table), value.v);
    if (bytes != 0)
        leaf_stored(value.v, bytes);
    if (event->detail == TRACE_WRITE)
        vmsa_desc_write(PADDR(table), index, value);
    else
        vmsa_desc_exchange(PADDR(table), index, value);
    return NULL;
}

static const char *replay_barrier(const struct trace_event *event) {
    switch ((enum trace_barrier)event->detail) {
    case TRACE_DSB_ISHST:
        vmsa_dsb_ishst();
        return NULL;
    case TRACE_DSB_ISH:
        replay.totals.gathers += replay.outstanding[event->pe] != 0;
        replay.outstanding[event->pe] = 0;
        vmsa_dsb_ish();
        return NULL;
    case TRACE_DSB_NSH:
        vmsa_dsb_nsh();
        return NULL;
    case TRACE_DMB_ISHST:
        vmsa_dmb_ishst();
        return NULL;
    case TRACE_ISB:
        vmsa_isb();
        return NULL;
    }
    return "a barrier of no known kind";
}

static const char *replay_tlbi(const struct trace_event *event) {
    if (event->detail >= PORT_TLBI_KINDS)
        return "a TLBI of no known kind";
    replay.outstanding[event->pe] +=
        event->detail != PORT_TLBI_VALE1 && event->detail != PORT_TLBI_VMALLE1;
    vmsa_tlbi((enum port_tlbi)event->detail, event->operand[0]);
    return NULL;
}

static const char *replay_note(const struct trace_event *event) {
    uint64_t a = event->operand[0], b = event->operand[1];
    switch ((enum port_event)event->detail) {
    case PORT_EVENT_TABLE_TAKEN:
    case PORT_EVENT_TABLE_RELEASED:
    case PORT_EVENT_ROOT_RELEASED:
        if (!is_page(a))
            return "a table that is not in RAM";
        if (event->detail == PORT_EVENT_TABLE_TAKEN)
            table_taken(a);
        break;
    case PORT_EVENT_FRAME_RELEASED:
        if (in_ram(a, b)) // not of a device
            memory_released(a, b);
        break;
    case PORT_EVENT_RANGE_RELEASED:
    case PORT_EVENT_RANGE_HELD:
        break;
    default:
        return "a note of no known kind";
    }
    vmsa_note((enum port_event)event->detail, a, b);
    return NULL;
}

static const char *replay_kind(const struct trace_event *event) {
    uint64_t a = event->operand[0], b = event->operand[1];
    switch (event->kind) {
    case TRACE_STORE:
        return replay_store(event);
    case TRACE_ZERO:
        if (!is_page(a))
            return "a table is zeroed that is not in RAM";
        vmsa_table_zero(PADDR(a));
        return NULL;
    case TRACE_TLBI:
        return replay_tlbi(event);
    case TRACE_BARRIER:
        return replay_barrier(event);
    case TRACE_ROOT_ENTERED:
        vmsa_enter_root(a);
        return NULL;
    case TRACE_ROOT_LEFT:
        vmsa_leave_root();
        return NULL;
    case TRACE_LOCK:
    case TRACE_UNLOCK:
        return replay_lock(event);
    case TRACE_NOTE:
        return replay_note(event);
    case TRACE_WALK_BEGIN:
        vmsa_walk_begin(ASID(a));
        return NULL;
    case TRACE_WALK_END:
        vmsa_walk_end(ASID(a));
        return NULL;
    case TRACE_POLL:
        (void)vmsa_preemption_pending();
        return NULL;
    case TRACE_SYNC:
        vmsa_sync_instructions(PADDR(a), b);
        return NULL;
    case TRACE_CLEAN:
        if (!in_ram(a, b))
            return "caches are cleaned of what is no RAM";
        vmsa_clean_and_invalidate(PADDR(a), b);
        return NULL;
    case TRACE_KINDS:
        break;
    }
    return "a record of no known kind";
}

const char *replay_event(const struct trace_event *event) {
    replay.now = event;
    replay.totals.events++;
    replay.totals.pes |= (uint8_t)BIT(event->pe);
    vmsa_set_pe(event->pe);
    return replay_kind(event);
}
