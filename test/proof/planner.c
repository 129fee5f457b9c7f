// SPDX-License-Identifier: BSD-2-Clause
// The planner for every range of the user half, every set of facts, and cores of every kind. What a
// loop repeats is proved for one step, with what holds before the step holding after it: so the
// steps of any range lie side by side from its beginning to its end.
#include "../../src/mmu/plan.c"

#include "proof.h"
#include "tlbi.h"

static bool is_multiple(uint64_t pages, unsigned level) {
    return (pages & (level_pages(level) - 1)) == 0;
}

static struct plan_range any_range(uint64_t first, uint64_t pages, uint8_t level) {
    prove_if(level >= 1 && level <= LEAF_LEVEL);
    prove_if(first < USER_PAGES && pages <= USER_PAGES && first + pages <= USER_PAGES);
    prove_if(is_multiple(first, level));
    return (struct plan_range){first, pages, level, 0};
}

static bool by_range(const struct plan_run *run) {
    return run->kind == PORT_TLBI_RVAE1IS || run->kind == PORT_TLBI_RVALE1IS;
}

static bool last_level(const struct plan_run *run) {
    return run->kind == PORT_TLBI_RVALE1IS || run->kind == PORT_TLBI_VALE1IS;
}

// The form: never less than what was removed asks for.
void proof_form(uint64_t operations, uint8_t levels, bool tables, bool foreign) {
    const struct plan_facts facts = {operations, levels, tables, foreign};
    enum plan_form form = plan_form(&facts);
    prove((form == PLAN_NONE) == (operations == 0 && !tables));
    prove((form == PLAN_ASID) == (operations > PLAN_THRESHOLD));
    prove(form != PLAN_LAST_LEVEL || (!tables && !foreign));
    proof_ends();
}

// The hint: the one level whose leaves were cleared, on cores that have hints, and else none.
void proof_hint(uint64_t operations, uint8_t levels, bool tables, bool foreign, bool ttl,
                bool range) {
    const struct plan_facts facts = {operations, levels, tables, foreign};
    const struct mmu_features features = {.ttl = ttl, .range = range};
    prove_if((levels & ~(BIT(1) | BIT(2) | BIT(3))) == 0);
    unsigned hint = plan_hint(&features, &facts);
    if (hint == TLBI_NO_HINT)
        return;
    prove(ttl && !tables && !foreign);
    prove(levels == BIT(hint));
    proof_ends();
}

// One step begins where the range does, and cuts off exactly what it covers. A level hint's
// alignment (Arm manual, "TLBI RVAE1IS", TTL) holds, and holds for the rest.
void proof_step(uint64_t first, uint64_t pages, uint8_t level, uint8_t aligned, bool range,
                bool leaves) {
    const struct plan_range before = any_range(first, pages, level);
    const struct mmu_features features = {.range = range};
    prove_if(pages != 0);
    // The level of the leaves, which may be above the steps' by now.
    prove_if(aligned >= 1 && aligned <= level);
    bool whole = is_multiple(first, aligned) && is_multiple(pages, aligned);

    struct plan_range left = before;
    struct plan_run run = plan_next(&features, leaves ? PLAN_LAST_LEVEL : PLAN_WALK, &left);
    prove(run.first == first);
    prove(last_level(&run) == leaves);
    if (!by_range(&run)) {
        prove(run.count != 0);
        if (left.pages == 0) { // the last step of a range by address reaches its end
            prove((run.count - 1) * run.step < pages && run.count * run.step >= pages);
            prove(run.step == level_pages(level));
            return;
        }
    } else {
        prove(range);
        prove(run.scale <= 3 && run.num <= 31 && run.count == 1);
        prove(run.step == (UINT64_C(1) + run.num) << (5 * run.scale + 1));
    }
    uint64_t covered = run.count * run.step;
    prove(covered <= pages);
    prove(left.first == first + covered && left.pages == pages - covered);
    prove(is_multiple(first, left.level) || left.pages == 0 || left.level == LEAF_LEVEL);
    if (whole) {
        prove(is_multiple(covered, aligned));
        prove(is_multiple(left.first, aligned) && is_multiple(left.pages, aligned));
    }
    proof_ends();
}

// As many steps as the planner counts on when it chooses between ranges, addresses and the ASID.
void proof_count(uint64_t first, uint64_t pages, bool leaves) {
    struct plan_range left = any_range(first, pages, LEAF_LEVEL);
    prove_if(pages != 0);
    plan_next_range(leaves ? PLAN_LAST_LEVEL : PLAN_WALK, &left);
    prove(plan_by_range(pages) == 1 + plan_by_range(left.pages));
    proof_ends();
}

// Merging: every address of both is an address of the result.
void proof_merge(uint64_t a_first, uint64_t a_pages, uint8_t a_level, uint64_t b_first,
                 uint64_t b_pages, uint8_t b_level, uint64_t page) {
    const struct plan_range a = any_range(a_first, a_pages, a_level);
    const struct plan_range b = any_range(b_first, b_pages, b_level);
    prove_if(page >= a_first && page - a_first < a_pages);
    prove_if(is_multiple(page, a_level));
    const struct plan_range both[] = {plan_merge(&a, &b), plan_merge(&b, &a)};
    for (unsigned i = 0; i < ARRAY_SIZE(both); i++) {
        prove(page >= both[i].first && page - both[i].first < both[i].pages);
        prove(is_multiple(page - both[i].first, both[i].level));
    }
    proof_ends();
}
