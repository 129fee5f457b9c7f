// SPDX-License-Identifier: BSD-2-Clause
// Objects: types, rights, sizes and the methods each type answers to.
//
// A method is invoked with SHEAF_SYS_CALL on a capability to the object: label = the method's
// number, words = its arguments. The answer's status is in register 0, its values are words.
#ifndef SHEAF_OBJECT_H
#define SHEAF_OBJECT_H

#include <stdint.h>

// A capability's name in the caller's CSpace. The lowest bits index the root CNode (as many as
// that CNode has), the next ones the CNode found there, and so on until the rest is zero. Index 0
// of a CNode is therefore never addressable, and 0 names no capability. At most 8 CNodes lie on the
// way: a longer name is RANGE.
typedef uint64_t sheaf_cptr;

enum sheaf_type {
    SHEAF_NULL = 0,         // an empty slot
    SHEAF_UNTYPED = 1,      // memory with no type yet
    SHEAF_CNODE = 2,        // a table of slots
    SHEAF_THREAD = 3,       // a thread of execution
    SHEAF_ENDPOINT = 4,     // synchronous messages
    SHEAF_NOTIFICATION = 5, // a word of signal bits
    SHEAF_REPLY = 6,        // the right to answer one call, once
    SHEAF_VSPACE = 7,       // an address space and its tables
    SHEAF_FRAME = 8,        // mappable memory
    SHEAF_CONSOLE = 9,      // the kernel's serial port
    SHEAF_SYSTEM = 10,      // counters and power
    SHEAF_TIMER = 11,       // signals at a deadline
    SHEAF_IRQ_CONTROL = 12, // the right to hand out interrupts
    SHEAF_IRQ_HANDLER = 13, // receives one interrupt
    SHEAF_TYPE_COUNT = 14,
};

// Rights of a capability. What each means depends on the type:
//   Endpoint      READ receive, WRITE send and call, GRANT send capabilities
//   Reply         GRANT answer with capabilities
//   Notification  READ wait, WRITE signal (a capability without badge signals bit 0)
//   Frame         READ map readable or executable, WRITE map writable
//   Console       READ input, WRITE output
//   System        READ counters, WRITE power
// Other types ignore them.
#define SHEAF_RIGHT_READ UINT64_C(1)
#define SHEAF_RIGHT_WRITE UINT64_C(2)
#define SHEAF_RIGHT_GRANT UINT64_C(4)
#define SHEAF_RIGHTS_ALL UINT64_C(7)

// Sizes, in address bits. Fixed-size objects take exactly theirs; a size argument of 0 means
// the same for them.
#define SHEAF_PAGE_BITS 12
#define SHEAF_SLOT_BITS 6 // a slot of a CNode
#define SHEAF_ENDPOINT_BITS 6
#define SHEAF_NOTIFICATION_BITS 6
#define SHEAF_REPLY_BITS 6
#define SHEAF_TIMER_BITS 7
#define SHEAF_IRQ_HANDLER_BITS 7
#define SHEAF_THREAD_BITS 11
#define SHEAF_CHUNK_BITS 16 // a VSpace is made from one chunk
#define SHEAF_UNTYPED_MIN_BITS 6
#define SHEAF_UNTYPED_MAX_BITS 47
#define SHEAF_FRAME_MIN_BITS 12
#define SHEAF_FRAME_MAX_BITS 30
#define SHEAF_CNODE_MIN_BITS 1 // argument is log2 of the number of slots, index 0 included
#define SHEAF_CNODE_MAX_BITS 24

// UNTYPED_RETYPE makes `count` objects of `type` and `size_bits` in `count` empty slots of a
// CNode. All or none. The memory is zeroed, an Untyped's when more is made of it. When nothing
// derived from the Untyped is left it starts again from its first byte.
//   w0 type | size_bits << 8 | memory type << 16   w1 CNode   w2 first index   w3 count
// At most SHEAF_RETYPE_MAX of them, of VSpaces SHEAF_RETYPE_MAX_VSPACES: one call is all or none,
// so interrupts wait for its last step. (An object costs some 90 instructions, a call of its own
// some 500: from 64 on, more of them in one call are hardly cheaper.)
// The memory type is that of the Untyped, else MEMORY_TYPE. Of a device Untyped, whose memory is
// never zeroed, and of a non-cacheable one only Frames and smaller Untypeds are made.
// A Normal Untyped of at least 2 MiB from which nothing is derived (else IN_USE) becomes
// non-cacheable by the first retype that asks for it, and what is made of it does. Empty again, it
// becomes Normal by a revoke, or by the first retype that asks for that.
// UNTYPED_INFO answers w0 physical address, w1 size bits, w2 bytes left, w3 memory type.
// UNTYPED_PURGE makes memory that was non-cacheable, and is not any more, ready for cacheable use
// at once: of every Untyped, this one included if it is empty. Otherwise the first retype that
// needs some of it does that, and takes the time.
#define SHEAF_RETYPE_MAX 64
#define SHEAF_RETYPE_MAX_VSPACES 8
#define SHEAF_NON_CACHEABLE_MIN_BITS 21
enum sheaf_untyped_method {
    SHEAF_UNTYPED_RETYPE = 1,
    SHEAF_UNTYPED_INFO = 2,
    SHEAF_UNTYPED_PURGE = 3,
};

// Memory types of a Frame or Untyped, fixed when it is made. Frames of type DEVICE are mapped as
// Device-nGnRE, never executable (MAP: MEMORY_TYPE), and are no IPC buffers.
enum sheaf_memory_type {
    SHEAF_MEMORY_NORMAL = 0,        // cacheable
    SHEAF_MEMORY_NON_CACHEABLE = 1, // for devices that read and write memory by themselves
    SHEAF_MEMORY_DEVICE = 2,
};

// The CNode invoked holds the destination; w0 is the index there.
//   COPY   w0 index  w1 source  w2 rights                   (rights are those of both)
//   MINT   w0 index  w1 source  w2 rights  w3 badge         (Endpoint, Notification: badge != 0,
//                                                            only from an unbadged capability)
//   MOVE   w0 index  w1 source
//   DELETE w0 index
//   REVOKE w0 index              deletes all that was derived from the capability there
//   ROTATE w0 index  w1 pivot  w2 source   moves pivot to the index and source to where pivot was;
//                                          with the index of the source itself, the two change
//                                          places. INVALID_ARGUMENT: pivot is the source, or there
//   CANCEL w0 index              (right: read) senders and callers that wait on the Endpoint there,
//                                having used a capability with the badge of this one: CANCELLED. A
//                                fault of that badge is not handled. INVALID_ARGUMENT without a
//                                badge
// `source` is a capability pointer in the caller's CSpace.
enum sheaf_cnode_method {
    SHEAF_CNODE_COPY = 1,
    SHEAF_CNODE_MINT = 2,
    SHEAF_CNODE_MOVE = 3,
    SHEAF_CNODE_DELETE = 4,
    SHEAF_CNODE_REVOKE = 5,
    SHEAF_CNODE_ROTATE = 6,
    SHEAF_CNODE_CANCEL = 7,
};

// CONFIGURE   w0 CSpace root  w1 VSpace  w2 fault endpoint  w3 IPC buffer Frame  w4 fault
//             notification; 0 leaves what is there. The thread keeps derived copies of its own.
// WRITE_REGISTERS  w0 count of words that follow, w1.. pc, sp, TLS, x0, x1 ... x30, the condition
//             flags (SHEAF_FLAGS; INVALID_ARGUMENT with any other bit). Registers not named keep
//             their value. The thread must be suspended or faulted, or its fault is being handled.
// READ_REGISTERS   answers the same words: w0 count, w1.. pc, sp, TLS, x0 ... x30, flags.
// SET_PRIORITY w0 priority  w1 maximum controlled priority  w2 authority: a Thread capability
//             whose maximum controlled priority bounds both.
// RESUME, SUSPEND  no arguments. A suspended thread's wait is cancelled; resumed, it goes on
//             after the system call, which answers CANCELLED.
// BIND        w0 Notification whose signals the thread also receives on any endpoint; 0 unbinds.
// SET_NAME    w0, w1 up to 15 bytes for panics and dumps, zero-terminated
// INFO        w0 state, w1 priority, w2 maximum controlled priority, w3-w4 name, w5 affinity
// SET_AFFINITY w0 PE on which it runs, below the boot information's `pes`, else RANGE
enum sheaf_thread_method {
    SHEAF_THREAD_CONFIGURE = 1,
    SHEAF_THREAD_WRITE_REGISTERS = 2,
    SHEAF_THREAD_READ_REGISTERS = 3,
    SHEAF_THREAD_SET_PRIORITY = 4,
    SHEAF_THREAD_RESUME = 5,
    SHEAF_THREAD_SUSPEND = 6,
    SHEAF_THREAD_BIND = 7,
    SHEAF_THREAD_SET_NAME = 8,
    SHEAF_THREAD_INFO = 9,
    SHEAF_THREAD_SET_AFFINITY = 10,
};
#define SHEAF_PRIORITIES 256
#define SHEAF_REGISTERS 35               // words of READ_REGISTERS, without their count
#define SHEAF_FLAGS UINT64_C(0xf0000000) // N, Z, C and V in bits 31, 30, 29 and 28

enum sheaf_thread_state {
    SHEAF_STATE_SUSPENDED = 0,
    SHEAF_STATE_READY = 1, // running or in a run queue
    SHEAF_STATE_SENDING = 2,
    SHEAF_STATE_RECEIVING = 3,
    SHEAF_STATE_WAITING_REPLY = 4,
    SHEAF_STATE_WAITING_NOTIFICATION = 5,
    SHEAF_STATE_FAULTED = 6, // a fault that nobody handles
};

// GROW    w0 Untyped  w1 count   gives the VSpace `count` chunks of 64 KiB, at most SHEAF_GROW_MAX
// SHRINK  w0 chunk index         takes back a chunk none of whose tables is in use
// INFO    answers w0 chunks, w1 tables free, w2 tables in use, w3 chunks the directory can hold
#define SHEAF_GROW_MAX 64
enum sheaf_vspace_method { SHEAF_VSPACE_GROW = 1, SHEAF_VSPACE_SHRINK = 2, SHEAF_VSPACE_INFO = 3 };

// GET_ADDRESS answers w0 physical address, w1 size bits, w2 memory type
// GET_MAPPING answers w0 virtual address, w1 pages; w1 = 0 when the capability names no mapping
enum sheaf_frame_method { SHEAF_FRAME_GET_ADDRESS = 1, SHEAF_FRAME_GET_MAPPING = 2 };

// WRITE  w0 bytes (0 to 8 * 63), w1.. the bytes. Answers w0: how many the port took (never waits)
// READ   answers w0 bytes (0 to 48), w1.. the bytes that have come (never waits)
// BIND   w0 Notification (right: write) that is signalled with its badge when input comes; the
//        Console keeps a derived copy. IN_USE if there is one. 0 unbinds.
enum sheaf_console_method {
    SHEAF_CONSOLE_WRITE = 1,
    SHEAF_CONSOLE_READ = 2,
    SHEAF_CONSOLE_BIND = 3,
};

// GET_TIME answers w0 ticks of the system counter, w1 its ticks a second
// ATTACH   w0 Notification (right: write) that is signalled with its badge; the Timer keeps a
//          derived copy. IN_USE if there is one. 0 detaches.
// SET      w0 deadline in ticks, in the place of an earlier one; 0 stops the Timer. One signal, at
//          the deadline or after it, at once if it has passed; none while nothing is attached.
enum sheaf_timer_method {
    SHEAF_TIMER_GET_TIME = 1,
    SHEAF_TIMER_ATTACH = 2,
    SHEAF_TIMER_SET = 3,
};

// BIND  w0 interrupt, as the controller counts the shared ones (GIC: 32 and above)
//       w1 SHEAF_IRQ_LEVEL or SHEAF_IRQ_EDGE  w2 IrqHandler that receives it from now on, for life
//       RANGE      the controller has no such shared interrupt
//       IN_USE     it is the kernel's or another handler's, or the handler has one already
//       INVALID_ARGUMENT   another trigger, or one that this interrupt cannot have
enum sheaf_irq_control_method { SHEAF_IRQ_CONTROL_BIND = 1 };
#define SHEAF_IRQ_LEVEL UINT64_C(0)
#define SHEAF_IRQ_EDGE UINT64_C(1)

// ATTACH       w0 Notification (right: write) that is signalled with its badge; the handler keeps a
//              derived copy. IN_USE if there is one. 0 detaches.
// ACKNOWLEDGE  lets the interrupt come. It is held back from BIND on, and again from each time that
//              it has come: so a storming device costs one interrupt for each ACKNOWLEDGE. An edge
//              that comes meanwhile is kept. INVALID_ARGUMENT: the handler has no interrupt
enum sheaf_irq_handler_method { SHEAF_IRQ_HANDLER_ATTACH = 1, SHEAF_IRQ_HANDLER_ACKNOWLEDGE = 2 };

// COUNTERS   w0 first counter; answers w0 how many counters there are, w1.. values from `first` on
//            (as many as fit the message)
// POWER_OFF  w0 status, which an emulator passes on as its exit status. Does not return.
enum sheaf_system_method { SHEAF_SYSTEM_COUNTERS = 1, SHEAF_SYSTEM_POWER_OFF = 2 };

#endif
