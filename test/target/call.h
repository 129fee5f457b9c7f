// SPDX-License-Identifier: BSD-2-Clause
// System calls as the tests make them: every register of the ABI in, every register out.
//
// The tests pin the ABI itself, wrong numbers and tags included, so they do not go through
// src/user/lib's stubs. Everything here is inlined and touches no global, so it also works in code
// that was copied into another address space (child.c).
#ifndef TARGET_CALL_H
#define TARGET_CALL_H

#include <sheaf/bootinfo.h>
#include <sheaf/counter.h>
#include <sheaf/error.h>
#include <sheaf/gather.h>
#include <sheaf/object.h>
#include <sheaf/syscall.h>

#include <stddef.h>
#include <stdint.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

struct registers {
    uint64_t x[12];
};

ALWAYS_INLINE void system_call(struct registers *r) {
    register uint64_t x0 __asm__("x0") = r->x[0];
    register uint64_t x1 __asm__("x1") = r->x[1];
    register uint64_t x2 __asm__("x2") = r->x[2];
    register uint64_t x3 __asm__("x3") = r->x[3];
    register uint64_t x4 __asm__("x4") = r->x[4];
    register uint64_t x5 __asm__("x5") = r->x[5];
    register uint64_t x6 __asm__("x6") = r->x[6];
    register uint64_t x7 __asm__("x7") = r->x[7];
    register uint64_t x8 __asm__("x8") = r->x[8];
    register uint64_t x9 __asm__("x9") = r->x[9];
    register uint64_t x10 __asm__("x10") = r->x[10];
    register uint64_t x11 __asm__("x11") = r->x[11];
    __asm__ volatile("svc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6),
                       "+r"(x7), "+r"(x8), "+r"(x9), "+r"(x10), "+r"(x11)
                     :
                     : "memory", "cc");
    r->x[0] = x0;
    r->x[1] = x1;
    r->x[2] = x2;
    r->x[3] = x3;
    r->x[4] = x4;
    r->x[5] = x5;
    r->x[6] = x6;
    r->x[7] = x7;
    r->x[8] = x8;
    r->x[9] = x9;
    r->x[10] = x10;
    r->x[11] = x11;
}

ALWAYS_INLINE void undefined_instruction(void) { __asm__ volatile("udf #0" ::: "memory"); }
ALWAYS_INLINE void breakpoint_instruction(void) { __asm__ volatile("brk #7" ::: "memory"); }

// A message in registers, as sent and as received. `badge` is x9 afterwards.
struct message {
    uint64_t status;
    uint64_t tag;
    uint64_t word[SHEAF_REG_WORDS];
    uint64_t badge;
};

// Any system call that carries a message. `reply`: x9, `deadline`: x11.
ALWAYS_INLINE struct message exchange_until(unsigned number, sheaf_cptr cap, sheaf_cptr reply,
                                            struct message out, uint64_t deadline) {
    struct registers r = {.x = {cap, out.tag, out.word[0], out.word[1], out.word[2], out.word[3],
                                out.word[4], out.word[5], number, reply, 0, deadline}};
    system_call(&r);
    return (struct message){.status = r.x[0],
                            .tag = r.x[1],
                            .word = {r.x[2], r.x[3], r.x[4], r.x[5], r.x[6], r.x[7]},
                            .badge = r.x[9]};
}

ALWAYS_INLINE struct message exchange(unsigned number, sheaf_cptr cap, sheaf_cptr reply,
                                      struct message out) {
    return exchange_until(number, cap, reply, out, 0);
}

#define MESSAGE(label, length, ...)                                                                \
    ((struct message){.tag = SHEAF_TAG(label, length), .word = {__VA_ARGS__}})

ALWAYS_INLINE struct message call(sheaf_cptr cap, struct message out) {
    return exchange(SHEAF_SYS_CALL, cap, 0, out);
}

ALWAYS_INLINE uint64_t send(sheaf_cptr cap, struct message out) {
    return exchange(SHEAF_SYS_SEND, cap, 0, out).status;
}

ALWAYS_INLINE uint64_t nb_send(sheaf_cptr cap, struct message out) {
    return exchange(SHEAF_SYS_NB_SEND, cap, 0, out).status;
}

ALWAYS_INLINE struct message receive(sheaf_cptr cap, sheaf_cptr reply) {
    return exchange(SHEAF_SYS_RECV, cap, reply, MESSAGE(0, 0, 0));
}

ALWAYS_INLINE struct message nb_receive(sheaf_cptr cap, sheaf_cptr reply) {
    return exchange(SHEAF_SYS_NB_RECV, cap, reply, MESSAGE(0, 0, 0));
}

ALWAYS_INLINE uint64_t answer(sheaf_cptr reply, struct message out) {
    return exchange(SHEAF_SYS_REPLY, reply, 0, out).status;
}

ALWAYS_INLINE struct message answer_receive(sheaf_cptr cap, sheaf_cptr reply, struct message out) {
    return exchange(SHEAF_SYS_REPLY_RECV, cap, reply, out);
}

ALWAYS_INLINE void yield(void) {
    struct registers r = {.x = {[SHEAF_REG_SYSCALL] = SHEAF_SYS_YIELD}};
    system_call(&r);
}

ALWAYS_INLINE uint64_t signal_bits(sheaf_cptr notification) {
    return send(notification, MESSAGE(0, 0, 0));
}

// Invokes a method with its words; the rest of the answer is in the message.
#define INVOKE(cap, method, length, ...) call(cap, MESSAGE(method, length, __VA_ARGS__))

#define RETYPE_WORD(type, bits, memory)                                                            \
    ((uint64_t)(type) | ((uint64_t)(bits) << 8) | ((uint64_t)(memory) << 16))

ALWAYS_INLINE uint64_t untyped_retype(sheaf_cptr untyped, unsigned type, unsigned bits,
                                      unsigned memory, sheaf_cptr cnode, uint64_t index,
                                      uint64_t count) {
    return INVOKE(untyped, SHEAF_UNTYPED_RETYPE, 4, RETYPE_WORD(type, bits, memory), cnode, index,
                  count)
        .status;
}

ALWAYS_INLINE uint64_t cnode_copy(sheaf_cptr cnode, uint64_t index, sheaf_cptr source,
                                  uint64_t rights) {
    return INVOKE(cnode, SHEAF_CNODE_COPY, 3, index, source, rights).status;
}

ALWAYS_INLINE uint64_t cnode_mint(sheaf_cptr cnode, uint64_t index, sheaf_cptr source,
                                  uint64_t rights, uint64_t badge) {
    return INVOKE(cnode, SHEAF_CNODE_MINT, 4, index, source, rights, badge).status;
}

ALWAYS_INLINE uint64_t cnode_move(sheaf_cptr cnode, uint64_t index, sheaf_cptr source) {
    return INVOKE(cnode, SHEAF_CNODE_MOVE, 2, index, source).status;
}

ALWAYS_INLINE uint64_t cnode_delete(sheaf_cptr cnode, uint64_t index) {
    return INVOKE(cnode, SHEAF_CNODE_DELETE, 1, index).status;
}

ALWAYS_INLINE uint64_t cnode_revoke(sheaf_cptr cnode, uint64_t index) {
    return INVOKE(cnode, SHEAF_CNODE_REVOKE, 1, index).status;
}

ALWAYS_INLINE uint64_t thread_configure(sheaf_cptr thread, sheaf_cptr cspace, sheaf_cptr vspace,
                                        sheaf_cptr fault, sheaf_cptr buffer,
                                        sheaf_cptr notification) {
    return INVOKE(thread, SHEAF_THREAD_CONFIGURE, 5, cspace, vspace, fault, buffer, notification)
        .status;
}

ALWAYS_INLINE uint64_t thread_priority(sheaf_cptr thread, uint64_t priority, uint64_t maximum,
                                       sheaf_cptr authority) {
    return INVOKE(thread, SHEAF_THREAD_SET_PRIORITY, 3, priority, maximum, authority).status;
}

ALWAYS_INLINE uint64_t thread_resume(sheaf_cptr thread) {
    return INVOKE(thread, SHEAF_THREAD_RESUME, 0, 0).status;
}

ALWAYS_INLINE uint64_t thread_suspend(sheaf_cptr thread) {
    return INVOKE(thread, SHEAF_THREAD_SUSPEND, 0, 0).status;
}

ALWAYS_INLINE uint64_t thread_state(sheaf_cptr thread) {
    return INVOKE(thread, SHEAF_THREAD_INFO, 0, 0).word[0];
}

// What a gather answered, taken apart.
struct gathered {
    uint64_t status;  // x0
    uint64_t missing; // x1
    unsigned error, index;
    uint64_t leaves;
    unsigned tables, tlbi, dsb, batches;
};

ALWAYS_INLINE struct gathered gather(unsigned count, uint64_t flags) {
    struct registers r = {.x = {[SHEAF_REG_SYSCALL] = SHEAF_SYS_GATHER,
                                [SHEAF_REG_GATHER] = SHEAF_GATHER_ARG(count, flags)}};
    system_call(&r);
    uint64_t totals = r.x[SHEAF_REG_TOTALS];
    return (struct gathered){.status = r.x[0],
                             .missing = r.x[1],
                             .error = SHEAF_GATHER_ERROR(r.x[10]),
                             .index = SHEAF_GATHER_INDEX(r.x[10]),
                             .leaves = SHEAF_GATHER_LEAVES(r.x[10]),
                             .tables = SHEAF_GATHER_TABLES(totals),
                             .tlbi = SHEAF_GATHER_TLBI(totals),
                             .dsb = SHEAF_GATHER_DSB(totals),
                             .batches = SHEAF_GATHER_BATCHES(totals)};
}

ALWAYS_INLINE struct sheaf_gather_op map_op(sheaf_cptr vspace, uint64_t va, uint64_t pages,
                                            sheaf_cptr first, uint64_t slots, uint64_t rights,
                                            uint64_t flags) {
    return (struct sheaf_gather_op){
        .word = {SHEAF_OP_WORD0(SHEAF_OP_MAP, rights, flags), vspace, va, pages, first, slots}};
}

ALWAYS_INLINE struct sheaf_gather_op move_op(sheaf_cptr vspace, uint64_t from, uint64_t pages,
                                             uint64_t to, sheaf_cptr slot) {
    return (struct sheaf_gather_op){
        {SHEAF_OP_WORD0(SHEAF_OP_MOVE, 0, 0), vspace, from, pages, to, slot}};
}

ALWAYS_INLINE struct sheaf_gather_op evict_op(sheaf_cptr first, uint64_t slots, uint64_t flags) {
    return (struct sheaf_gather_op){
        .word = {SHEAF_OP_WORD0(SHEAF_OP_EVICT, 0, flags), 0, 0, 0, first, slots}};
}

ALWAYS_INLINE struct sheaf_gather_op sync_op(sheaf_cptr vspace) {
    return (struct sheaf_gather_op){.word = {SHEAF_OP_WORD0(SHEAF_OP_SYNC, 0, 0), vspace}};
}

ALWAYS_INLINE struct sheaf_gather_op unmap_op(sheaf_cptr vspace, uint64_t va, uint64_t pages,
                                              uint64_t flags) {
    return (struct sheaf_gather_op){
        .word = {SHEAF_OP_WORD0(SHEAF_OP_UNMAP, 0, flags), vspace, va, pages, 0, 0}};
}

ALWAYS_INLINE struct sheaf_gather_op protect_op(sheaf_cptr vspace, uint64_t va, uint64_t pages,
                                                uint64_t rights, uint64_t flags) {
    return (struct sheaf_gather_op){
        .word = {SHEAF_OP_WORD0(SHEAF_OP_PROTECT, rights, flags), vspace, va, pages, 0, 0}};
}

ALWAYS_INLINE struct sheaf_gather_op age_op(sheaf_cptr vspace, uint64_t va, uint64_t pages,
                                            uint64_t flags) {
    return (struct sheaf_gather_op){
        .word = {SHEAF_OP_WORD0(SHEAF_OP_AGE, 0, flags), vspace, va, pages, 0, 0}};
}

#endif
