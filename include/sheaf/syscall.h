// SPDX-License-Identifier: BSD-2-Clause
// System calls: numbers, registers, message tag, IPC buffer.
//
// SVC #0 with the number in x8. Registers that carry something:
//   x0      capability invoked                       -> status (enum sheaf_error)
//   x1      message tag                              -> tag of the message received
//   x2-x7   message words 0 to 5                     -> words 0 to 5 received
//   x9      Reply capability (receive, reply-recv)   -> badge of the capability the sender used
//   x10     gather: operations | flags << 32         -> gather: see sheaf/gather.h
//   x11     deadline, 0 for none                     -> gather: see sheaf/gather.h
// All other registers, FP and SIMD included, keep their value.
#ifndef SHEAF_SYSCALL_H
#define SHEAF_SYSCALL_H

#include <sheaf/object.h>

// A call that waits (CALL on an Endpoint, SEND, RECV, REPLY_RECV, a gather's tail) waits until x11,
// in ticks of the system counter (frequency: bootinfo's timer_hz), and answers TIMED_OUT then; with
// 0 it waits for ever. A CALL's deadline covers both waits, for a server and for its answer; once
// it has passed, the Reply holds nobody. A deadline that has passed already does not keep a call
// from succeeding that need not wait. Calls that never wait do not look at x11.
//
// CALL        x0 any capability: send, then wait for the answer. On an Endpoint the answer comes
//             from a server; every other object is answered by the kernel.
// SEND        x0 Endpoint: waits until someone receives. x0 Notification: signals its badge.
// NB_SEND     as SEND; WOULD_BLOCK when nobody is waiting
// RECV        x0 Endpoint (x9 Reply for callers, may be 0: then a caller gets NO_REPLY)
//             x0 Notification: waits for signals, word 0 = the bits, tag length 1
// NB_RECV     as RECV; WOULD_BLOCK when nothing has come
// REPLY       x0 Reply: answers the caller it holds. Never waits.
// REPLY_RECV  x9 Reply: answers the caller it holds, if any; then RECV on x0 with that Reply.
// YIELD       gives the rest of the time slice to threads of the same priority
// GATHER      sheaf/gather.h
// NULL        enters the kernel and returns; for measuring
enum sheaf_syscall {
    SHEAF_SYS_CALL = 1,
    SHEAF_SYS_SEND = 2,
    SHEAF_SYS_NB_SEND = 3,
    SHEAF_SYS_RECV = 4,
    SHEAF_SYS_NB_RECV = 5,
    SHEAF_SYS_REPLY = 6,
    SHEAF_SYS_REPLY_RECV = 7,
    SHEAF_SYS_YIELD = 8,
    SHEAF_SYS_GATHER = 9,
    SHEAF_SYS_NULL = 10,
};

// Which register carries what (indices into x0 to x30).
#define SHEAF_REG_STATUS 0
#define SHEAF_REG_CAP 0
#define SHEAF_REG_TAG 1
#define SHEAF_REG_WORD0 2
#define SHEAF_REG_WORDS 6
#define SHEAF_REG_SYSCALL 8
#define SHEAF_REG_REPLY 9
#define SHEAF_REG_BADGE 9
#define SHEAF_REG_GATHER 10
#define SHEAF_REG_TOTALS 11
#define SHEAF_REG_DEADLINE 11

// Message tag: length in words (0 to 64) in bits 0-6, number of capabilities (0 to 3) in bits 7-8,
// zero in bits 9-15, label in bits 16-63.
#define SHEAF_MSG_WORDS 64
#define SHEAF_MSG_CAPABILITIES 3
#define SHEAF_TAG(label, length) (((uint64_t)(label) << 16) | (uint64_t)(length))
#define SHEAF_TAG_CARRYING(label, length, capabilities)                                            \
    (SHEAF_TAG(label, length) | ((uint64_t)(capabilities) << 7))
#define SHEAF_TAG_LENGTH(tag) ((unsigned)((tag) & 0x7f))
#define SHEAF_TAG_CAPABILITIES(tag) ((unsigned)((tag) >> 7) & 3)
#define SHEAF_TAG_LABEL(tag) ((uint64_t)(tag) >> 16)

// Labels of messages that the kernel sends. User space cannot send a label of 0xffffffffff00 or
// above (INVALID_ARGUMENT), so they cannot be forged.
//   PAGE_FAULT  w0 address  w1 access (SHEAF_ACCESS_*) | SHEAF_FAULT_PERMISSION  w2 instruction
//   EXCEPTION   w0 syndrome as the processor gave it  w1 address if any  w2 instruction
//   SIGNAL      w0 bits: RECV on an Endpoint took the signals of the thread's bound Notification;
//               badge 0. (RECV on a Notification itself answers with label 0.)
// A reply with label 0 lets the thread go on at the same instruction; any other label suspends
// it, and its state becomes SHEAF_STATE_FAULTED.
#define SHEAF_LABEL_PAGE_FAULT UINT64_C(0xffffffffff01)
#define SHEAF_LABEL_EXCEPTION UINT64_C(0xffffffffff02)
#define SHEAF_LABEL_SIGNAL UINT64_C(0xffffffffff03)
#define SHEAF_LABEL_KERNEL UINT64_C(0xffffffffff00) // from here on
#define SHEAF_ACCESS_READ UINT64_C(1)
#define SHEAF_ACCESS_WRITE UINT64_C(2)
#define SHEAF_ACCESS_EXECUTE UINT64_C(4)
#define SHEAF_FAULT_PERMISSION UINT64_C(0x100) // otherwise nothing is mapped there

// Capabilities in a message. The sender names them in its buffer's `send`, the receiver names
// empty slots of its CSpace in its buffer's `receive`, before it waits; a caller, before it calls.
// Capability i goes to slot i, as a copy with the same rights and badge, a child of the sender's.
// All of them or none:
//   NO_RIGHT         to the sender: what it sends through (Endpoint, or Reply for an answer) has no
//                    GRANT right
//   INVALID_CAPABILITY, DEAD, RANGE, NOT_COPYABLE   to the sender: one it names is not there (any
//                    more), or is an Untyped
//   NO_BUFFER, NO_RECEIVE_SLOT   the receiver has no buffer, or has not named that many different
//                    empty slots. To the sender, and the receiver waits on. In an answer: to the
//                    caller, which does not get the words either; REPLY is OK.
// A method of a kernel object takes none (INVALID_ARGUMENT); an answer to a fault carries none.

// The IPC buffer: one 4 KiB Frame, reached by the kernel through its own mapping.
#define SHEAF_GATHER_OPS 64
#define SHEAF_GATHER_OP_WORDS 6
#define SHEAF_RESULT_BYTES 448 // 2 bits a page: 1,792 pages

struct sheaf_gather_op {
    uint64_t word[SHEAF_GATHER_OP_WORDS]; // sheaf/gather.h names them
};

struct sheaf_ipc_buffer {
    uint64_t message[SHEAF_MSG_WORDS];            // words 6 to 63; the first six are in registers
    struct sheaf_gather_op ops[SHEAF_GATHER_OPS]; // operations of a gather, read once
    sheaf_cptr send[SHEAF_MSG_CAPABILITIES];      // capabilities that a message carries
    sheaf_cptr receive[SHEAF_MSG_CAPABILITIES];   // empty slots for those that come
    uint64_t user[2];                             // the kernel neither reads nor writes these
    uint8_t results[SHEAF_RESULT_BYTES];          // reported bits; survive the tail's receive
};

_Static_assert(sizeof(struct sheaf_ipc_buffer) == 4096, "the IPC buffer is one page");

#endif
