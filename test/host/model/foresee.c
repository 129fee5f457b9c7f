// SPDX-License-Identifier: BSD-2-Clause
// What a gather's operations do, by the documentation and the set of what is mapped.
//
// Before the call every operation is done to the set, in turn, up to the first that must fail. The
// kernel may stop earlier for lack of tables, which the set does not have; then the set goes back
// to before the call, and what the kernel has done is done again.
//
// An operation after one that left a leaf in doubt (mappings.h) is not foreseen. Then, and only
// then, the kernel's tables are believed.
#include "foresee.h"
#include <string.h>

#define USER_HALF (UINT64_C(1) << 36) // pages

static struct {
    struct op ops[SHEAF_GATHER_OPS];
    unsigned foreseen; // how many are done in the set
    uint64_t count;
    struct sheaf_gather_op from[SHEAF_GATHER_OPS];
    bool active, defer;
    uint8_t report[SHEAF_RESULT_BYTES];
    bool known[SHEAF_GATHER_OPS];         // what the operation reports
    unsigned start[SHEAF_GATHER_OPS + 1]; // where that begins
} plan;

// ---- What is wrong with the words

uint64_t range_errors(uint64_t va, uint64_t pages) {
    uint64_t wrong = (va % PAGE_BYTES != 0 ? E(MISALIGNED) : 0) | (pages == 0 ? E(ZERO_LENGTH) : 0);
    if (va >> 48 == 0xffff)
        return wrong | E(KERNEL_HALF);
    if (va >> 48 != 0)
        return wrong | E(NON_CANONICAL);
    return wrong | (pages > USER_HALF - (va >> PAGE_BITS) ? E(OVERFLOW) : 0);
}

static bool may_defer(unsigned code) { return code == SHEAF_OP_UNMAP || code == SHEAF_OP_EVICT; }

static uint64_t word_errors(const struct op *op, bool defer) {
    static const struct {
        uint32_t flags, words; // words: bit for each that is used
        bool rights;
    } uses[] = {
        [SHEAF_OP_MAP] = {SHEAF_OP_PART | SHEAF_OP_PAGES | SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY, 0x3f,
                          true},
        [SHEAF_OP_UNMAP] = {SHEAF_OP_KEEP_TABLES | SHEAF_OP_REPORT, 0x0f, false},
        [SHEAF_OP_PROTECT] = {SHEAF_OP_REPORT, 0x0f, true},
        [SHEAF_OP_MOVE] = {0, 0x3f, false},
        [SHEAF_OP_AGE] = {SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY | SHEAF_OP_REPORT, 0x0f, false},
        [SHEAF_OP_EVICT] = {SHEAF_OP_REPORT, 0x31, false},
        [SHEAF_OP_SYNC] = {0, 0x03, false},
    };
    if (op->code == 0 || op->code >= ARRAY_SIZE(uses))
        return E(UNKNOWN_OPERATION);
    uint64_t wrong = 0;
    if ((op->flags & ~uses[op->code].flags) != 0 || (defer && !may_defer(op->code)))
        wrong |= E(UNKNOWN_FLAG);
    for (unsigned i = 1; i < SHEAF_GATHER_OP_WORDS; i++)
        if ((uses[op->code].words >> i & 1) == 0 && op->word[i] != 0)
            wrong |= E(INVALID_ARGUMENT);
    bool rights = op->rights != 0 && op->rights < 8;
    if (op->word[0] >> 32 != 0 || (uses[op->code].rights ? !rights : op->rights != 0))
        wrong |= E(INVALID_ARGUMENT);
    if (op->code == SHEAF_OP_AGE && (op->flags & (SHEAF_OP_ACCESSED | SHEAF_OP_DIRTY)) == 0)
        wrong |= E(INVALID_ARGUMENT);
    if ((uses[op->code].words & 0x08) != 0)
        wrong |= range_errors(op->word[2], op->word[3]);
    return wrong;
}

static uint64_t report_bytes(const struct op *op) {
    if (op->code == SHEAF_OP_MAP || (op->flags & SHEAF_OP_REPORT) == 0)
        return 0;
    return SHEAF_REPORT_BYTES(op->code == SHEAF_OP_EVICT ? op->word[5] : op->pages);
}

unsigned resolve(struct op *op, uint64_t name, unsigned type) {
    unsigned cap;
    enum sheaf_error error = reference_resolve(op->thread, name, &cap);
    if (error == SHEAF_OK && caps[cap].type != type)
        error = SHEAF_ERR_WRONG_TYPE;
    if (error == SHEAF_OK)
        return cap;
    op->wrong |= BIT(error);
    return NO_CAP;
}

void find_vspace(struct op *op) {
    unsigned cap = resolve(op, op->word[1], SHEAF_VSPACE);
    if (cap == NO_CAP)
        return;
    op->vspace = caps[cap].address;
    if (vspace_dead(op->vspace))
        op->wrong |= E(DEAD);
}

bool is_mapped(unsigned cap, bool *doubt) {
    bool mapped = false;
    for (unsigned i = 0; i < leaf_count; i++) {
        mapped |= leaves[i].cap == cap;
        *doubt |= mappings_may_name(cap, &leaves[i]);
    }
    return mapped;
}

// ---- Ranges

static void put_report(const struct op *op, uint64_t first, uint64_t pages, unsigned bits) {
    for (uint64_t i = MAX(first, op->page); i < MIN(first + pages, op->page + op->pages); i++) {
        uint64_t at = i - op->page;
        if (op->report != NULL)
            op->report[at / 4] |= (uint8_t)(bits << (at % 4 * 2));
    }
}

bool is_inside(const struct leaf *leaf, uint64_t page, uint64_t pages) {
    return leaf->page >= page && leaf->page + leaf_pages(leaf) <= page + pages;
}

bool is_hit(const struct op *op, const struct leaf *leaf) {
    return leaf_overlaps(leaf, op->vspace, op->page, op->pages);
}

static unsigned report_of(const struct leaf *leaf) {
    return (leaf->accessed ? SHEAF_REPORT_ACCESSED : 0) | (leaf->dirty ? SHEAF_REPORT_DIRTY : 0);
}

static void check_leaves_hit(struct op *op) {
    for (unsigned i = 0; i < leaf_count; i++) {
        const struct leaf *leaf = &leaves[i];
        if (!is_hit(op, leaf))
            continue;
        if (!is_inside(leaf, op->page, op->pages))
            op->wrong |= E(BLOCK_CUT);
        if (op->code != SHEAF_OP_PROTECT)
            continue;
        if ((op->rights & SHEAF_MAP_WRITE) != 0 && !leaf->max_write)
            op->wrong |= E(RIGHTS_EXCEEDED);
        if ((op->rights & SHEAF_MAP_EXECUTE) != 0 && leaf->memory_type == SHEAF_MEMORY_DEVICE)
            op->wrong |= E(MEMORY_TYPE);
    }
}

// What the operation takes from the leaf, as its report says it.
static unsigned change(const struct op *op, struct leaf *leaf) {
    unsigned bits = report_of(leaf);
    if (op->code == SHEAF_OP_AGE) {
        bool accessed = (op->flags & SHEAF_OP_ACCESSED) != 0;
        bool dirty = (op->flags & SHEAF_OP_DIRTY) != 0;
        leaf->accessed = leaf->accessed && !accessed;
        leaf->dirty = leaf->dirty && !dirty;
        return bits & ((accessed ? SHEAF_REPORT_ACCESSED : 0) | (dirty ? SHEAF_REPORT_DIRTY : 0));
    }
    bool write = (op->rights & SHEAF_MAP_WRITE) != 0;
    bool execute = (op->rights & SHEAF_MAP_EXECUTE) != 0;
    bool weaker = (leaf->write && !write) || (leaf->execute && !execute);
    leaf->write = write;
    leaf->execute = execute;
    leaf->dirty = leaf->dirty && write;
    return weaker ? bits : 0;
}

static void foresee_range(struct op *op) {
    find_vspace(op);
    check_leaves_hit(op);
    for (unsigned i = op->wrong == 0 ? leaf_count : 0; i-- > 0;) {
        struct leaf *leaf = &leaves[i];
        if (!is_hit(op, leaf))
            continue;
        if (op->code == SHEAF_OP_UNMAP) {
            put_report(op, leaf->page, leaf_pages(leaf), report_of(leaf));
            mappings_remove(i);
        } else {
            struct leaf before = *leaf;
            put_report(op, leaf->page, leaf_pages(leaf), change(op, leaf));
            op->leaves += before.accessed != leaf->accessed || before.dirty != leaf->dirty ||
                          before.write != leaf->write || before.execute != leaf->execute;
        }
    }
}

// ---- EVICT

static bool descends_from(unsigned cap, unsigned ancestor) {
    while (cap != ANCHOR && cap != ancestor)
        cap = caps[cap].parent;
    return cap == ancestor;
}

static void evict_one(struct op *op, uint64_t slot, unsigned named, bool *doubt) {
    unsigned bits = 0;
    for (unsigned cap = 1; cap < cap_count; cap++)
        if (caps[cap].at != NULL && descends_from(cap, named))
            bits |= mappings_evict(cap, doubt);
    if (op->report != NULL)
        op->report[slot / 4] |= (uint8_t)(bits << (slot % 4 * 2));
}

// The slots are looked at with whatever is in the first one.
static void foresee_evict(struct op *op, bool *doubt) {
    enum sheaf_error error;
    const struct slot *first = reference_place(op->thread, op->word[4], &error);
    uint64_t count = op->word[5];
    if (first == NULL) {
        op->wrong |= BIT(error);
        return;
    }
    if (count == 0)
        op->wrong |= E(ZERO_LENGTH);
    if (count > MIN(reference_room(op->thread, op->word[4]), SHEAF_EVICT_SLOTS))
        op->wrong |= E(RANGE);
    for (uint64_t i = 0; (op->wrong & E(RANGE)) == 0 && i < count; i++) {
        unsigned cap = cap_at(first + i);
        if (cap == NO_CAP || caps[cap].type != SHEAF_FRAME)
            op->wrong |= cap == NO_CAP ? E(INVALID_CAPABILITY) : E(WRONG_TYPE);
    }
    for (uint64_t i = 0; op->wrong == 0 && i < count; i++)
        evict_one(op, i, cap_at(first + i), doubt);
}

// ---- The vector

static void foresee_operation(struct op *op, bool *doubt) {
    unsigned before = leaf_count;
    switch (op->code) {
    case SHEAF_OP_MAP:
        foresee_map(op);
        break;
    case SHEAF_OP_MOVE:
        foresee_move(op);
        break;
    case SHEAF_OP_EVICT:
        foresee_evict(op, doubt);
        break;
    case SHEAF_OP_SYNC:
        find_vspace(op);
        break;
    default:
        foresee_range(op);
    }
    op->leaves += MAX(before, leaf_count) - MIN(before, leaf_count);
}

static struct op take_apart(const struct thread *thread, const struct sheaf_gather_op *from) {
    struct op op = {.thread = thread,
                    .code = from->word[0] & 0xff,
                    .rights = from->word[0] >> 8 & 0xff,
                    .flags = from->word[0] >> 16 & 0xffff,
                    .page = from->word[2] >> PAGE_BITS,
                    .pages = from->word[3]};
    memcpy(op.word, from->word, sizeof(op.word));
    return op;
}

// Operations from the first on, up to one that must fail or cannot be foreseen; at most `count`.
static void foresee_vector(const struct thread *thread, const struct sheaf_gather_op *ops,
                           uint64_t count) {
    bool doubt = false;
    unsigned start = 0;
    memset(plan.report, 0, sizeof(plan.report));
    for (plan.foreseen = 0; plan.foreseen < count; plan.foreseen++) {
        struct op *op = &plan.ops[plan.foreseen];
        *op = take_apart(thread, &ops[plan.foreseen]);
        op->wrong = word_errors(op, plan.defer);
        op->open = doubt;
        plan.start[plan.foreseen] = start;
        if (op->wrong != 0 || op->open)
            return;
        uint64_t bytes = report_bytes(op);
        if (bytes > SHEAF_RESULT_BYTES - start)
            op->wrong |= E(RESULTS_TOO_LARGE);
        else if (bytes != 0)
            op->report = plan.report + start;
        foresee_operation(op, &doubt);
        plan.known[plan.foreseen] = !doubt && !op->open;
        if (op->wrong != 0 || op->open)
            return;
        start += (unsigned)bytes;
    }
}

void foresee_gather(const struct attempt *attempt) {
    const struct sheaf_ipc_buffer *page = thread_buffer(attempt->thread);
    if (page == NULL)
        return; // not where nothing is wrong with the call
    plan.active = true;
    plan.defer = (attempt->call.gather >> 32 & SHEAF_GATHER_DEFER) != 0;
    plan.count = attempt->call.gather & UINT32_MAX;
    memcpy(plan.from, page->ops, sizeof(plan.from));
    mappings_save();
    foresee_vector(attempt->thread, plan.from, plan.count);
}

void foresee_undo(void) {
    if (plan.active)
        mappings_restore();
    plan.active = false;
}

static void check_reports(const struct thread *thread, unsigned done) {
    const struct sheaf_ipc_buffer *page = thread_buffer(thread);
    for (unsigned i = 0; i < done; i++) {
        const struct op *op = &plan.ops[i];
        uint64_t bytes = report_bytes(op);
        if (bytes != 0 && plan.known[i] && page != NULL &&
            memcmp(page->results + plan.start[i], plan.report + plan.start[i], bytes) != 0)
            fail_msg("operation %u of a gather reports other bits than are due", i);
    }
}

// What all operations that are done have changed, if all of it was foreseen.
static void check_leaves_counted(uint64_t x10, unsigned done) {
    uint64_t leaves_due = 0;
    for (unsigned i = 0; i < done; i++) {
        if (!plan.known[i])
            return;
        leaves_due += plan.ops[i].leaves;
    }
    if (SHEAF_GATHER_LEAVES(x10) != leaves_due)
        fail_msg("a gather counts %lu leaves, and %lu are due",
                 (unsigned long)SHEAF_GATHER_LEAVES(x10), (unsigned long)leaves_due);
}

uint64_t foresee_settle(const struct thread *thread) {
    uint64_t x10 = thread->context.reg[SHEAF_REG_GATHER];
    unsigned error = SHEAF_GATHER_ERROR(x10), index = SHEAF_GATHER_INDEX(x10);
    unsigned done = error == SHEAF_OK ? (unsigned)plan.count : index;
    unsigned sure = MIN(done, plan.foreseen); // operations that were foreseen, and are done
    uint64_t errors = E(OK);
    plan.active = false;
    if (error != SHEAF_OK && index <= plan.foreseen && index < plan.count) {
        const struct op *op = &plan.ops[index];
        errors = op->open ? ~UINT64_C(1) : op->wrong | op->maybe;
    } else if (error != SHEAF_OK) {
        errors = ~UINT64_C(1);
    }
    if (done > plan.foreseen && !plan.ops[plan.foreseen].open)
        fail_msg("operation %u of a gather succeeds; errors %lx are due", plan.foreseen,
                 (unsigned long)plan.ops[plan.foreseen].wrong);
    if (done > plan.foreseen) {
        mappings_import();
    } else if (done < plan.foreseen) { // it stopped earlier
        mappings_restore();
        foresee_vector(thread, plan.from, done);
    }
    check_reports(thread, sure);
    if (sure == done)
        check_leaves_counted(x10, done);
    return errors;
}
