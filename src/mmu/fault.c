// SPDX-License-Identifier: BSD-2-Clause
// Faults that the kernel resolves itself: access flag, dirty bit, stale entries.
#include "tlbi.h"
#include "walk.h"

static bool allows(desc_t leaf, uint64_t access) {
    if ((access & SHEAF_ACCESS_WRITE) != 0 && (leaf.v & DESC_WRITABLE) == 0)
        return false;
    return (access & SHEAF_ACCESS_EXECUTE) == 0 || (leaf.v & DESC_USER_NO_EXECUTE) == 0;
}

// The leaf as it must be for this access not to fault.
static desc_t with_access(desc_t leaf, uint64_t access) {
    uint64_t value = leaf.v | DESC_ACCESSED;
    if ((access & SHEAF_ACCESS_WRITE) != 0)
        value &= ~DESC_READ_ONLY;
    return DESC(value);
}

// Drops what this PE may have cached of the page. Another PE that has a stale entry faults itself.
static void drop_own(asid_t asid, vaddr_t va) {
    port_tlbi(PORT_TLBI_VALE1, tlbi_operand_address(asid, va, TLBI_NO_HINT));
    port_count(SHEAF_COUNTER_TLBI_VALE1, 1);
    port_dsb_nsh();
    port_isb(); // the kernel may go on to access the page itself
}

// The leaf allows the access. Brings it up to date and this PE in step with it.
static void resolve(const struct vspace *vspace, const struct place *place, vaddr_t va,
                    uint64_t access) {
    desc_t old = place->desc;
    desc_t wanted = with_access(old, access);
    // Hardware, where it manages the flags, may have changed them in between: take what it wrote.
    while (wanted.v != old.v &&
           !port_desc_compare_exchange(place->table, place->index, &old, wanted))
        wanted = with_access(old, access);
    if (wanted.v == old.v) {
        // A promotion left an older entry behind, or another PE has just resolved the same.
        port_count(SHEAF_COUNTER_FAULT_STALE, 1);
        drop_own(vspace->asid, va);
        return;
    }
    // Without it the walker may miss the store once more and the same fault come again.
    port_dsb_ishst();
    port_count(SHEAF_COUNTER_DSB_ISHST, 1);
    bool accessed = (old.v & DESC_ACCESSED) != 0;
    port_count(accessed ? SHEAF_COUNTER_FAULT_DIRTY : SHEAF_COUNTER_FAULT_ACCESS_FLAG, 1);
    // The read-only entry of before. There is none of a leaf whose access flag was never set, for
    // those are not cached; AGE may have left one.
    if ((old.v & ~wanted.v & DESC_READ_ONLY) != 0 && !desc_is_untouched(old))
        drop_own(vspace->asid, va);
}

// With the VSpace lock held. A dead VSpace's tables may be someone else's memory already.
static enum mmu_fault judge(const struct vspace *vspace, vaddr_t va, uint64_t access) {
    if (!vspace_state_is_live(vspace))
        return MMU_FAULT_TRANSLATION;
    struct place place = walk(vspace, va.v >> PAGE_BITS, LEAF_LEVEL);
    if (!desc_is_leaf(place.desc, place.level))
        return MMU_FAULT_TRANSLATION;
    if (!allows(place.desc, access))
        return MMU_FAULT_PERMISSION;
    resolve(vspace, &place, va, access);
    return MMU_FAULT_RESOLVED;
}

// The lock is held, and given back.
static __attribute__((noinline)) enum mmu_fault judge_and_unlock(struct vspace *vspace, vaddr_t va,
                                                                 uint64_t access) {
    enum mmu_fault result = judge(vspace, va, access);
    vspace_unlock(vspace);
    return result;
}

static __attribute__((noinline)) enum mmu_fault wait_and_judge(struct vspace *vspace, vaddr_t va,
                                                               uint64_t access) {
    vspace_lock(vspace);
    return judge_and_unlock(vspace, va, access);
}

// A fault that is not for the kernel to resolve is nearly always about a page that is not there:
// that is found out without a frame on the stack.
enum mmu_fault mmu_fault(struct vspace *vspace, vaddr_t va, uint64_t access) {
    if (va.v >> 48 != 0)
        return MMU_FAULT_TRANSLATION;
    if (unlikely(!vspace_try_lock(vspace)))
        return wait_and_judge(vspace, va, access);
    if (likely(vspace->state == VSPACE_LIVE &&
               !desc_is_valid(walk(vspace, va.v >> PAGE_BITS, LEAF_LEVEL).desc))) {
        vspace_unlock(vspace);
        return MMU_FAULT_TRANSLATION;
    }
    return judge_and_unlock(vspace, va, access);
}
