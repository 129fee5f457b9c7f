// SPDX-License-Identifier: BSD-2-Clause
// The system-call interface as C functions: sheaf_syscall for any system call, sheaf_call for any
// method of an object, and what programs need most of sheaf/syscall.h and sheaf/object.h, typed.
//
// Every function that returns enum sheaf_error answers what the kernel answered; on an error
// nothing was changed, and output arguments are not written. Messages of more than six words go
// through the calling thread's IPC buffer, so each thread uses its own.
#ifndef SHEAF_USER_H
#define SHEAF_USER_H

#include <sheaf/bootinfo.h>
#include <sheaf/counter.h>
#include <sheaf/error.h>
#include <sheaf/gather.h>
#include <sheaf/object.h>
#include <sheaf/syscall.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---- The bare system call

struct sheaf_registers {
    uint64_t x[12]; // x0 to x11, indexed by SHEAF_REG_*
};

// SVC #0 with these registers; they hold what came back afterwards.
void sheaf_syscall(struct sheaf_registers *registers);

// The calling thread's IPC buffer, NULL if it has none.
struct sheaf_ipc_buffer *sheaf_ipc_buffer(void);

// ---- Errors

// "NO_MEMORY" and the sentence of sheaf/error.h; for a number that no error has, "?".
const char *sheaf_error_name(unsigned error);
const char *sheaf_error_text(unsigned error);

// ---- Messages

// Word i of the message last received, i < SHEAF_TAG_LENGTH of its tag: register or IPC buffer.
uint64_t sheaf_message_word(const struct sheaf_registers *registers, unsigned i);
// Puts word i of a message that is about to be sent.
void sheaf_message_put(struct sheaf_registers *registers, unsigned i, uint64_t word);

// Calls `object` with a label and `count` words (0 to 64). *answer_count words at most are copied
// to answer[] (both may be NULL); then *answer_count is the number that the answer had.
// *answer_label, if not NULL, gets the answer's label.
enum sheaf_error sheaf_call(sheaf_cptr object, uint64_t label, const uint64_t *words,
                            unsigned count, uint64_t *answer, unsigned *answer_count,
                            uint64_t *answer_label);

// Waits until somebody receives it. `count`: 0 to 64 words.
enum sheaf_error sheaf_send(sheaf_cptr endpoint, uint64_t label, const uint64_t *words,
                            unsigned count);
struct sheaf_message {
    uint64_t label, badge;        // badge: of the capability it was sent through
    unsigned count, capabilities; // words; capabilities that came into the slots named for them
    uint64_t word[SHEAF_MSG_WORDS];
};
// Waits for a message. `reply`: the Reply through which a call can be answered; 0: without, callers
// get NO_REPLY.
enum sheaf_error sheaf_receive(sheaf_cptr endpoint, sheaf_cptr reply,
                               struct sheaf_message *message);
// Answers whom the Reply holds. A fault takes no words: label 0 lets the thread go on.
enum sheaf_error sheaf_reply(sheaf_cptr reply, uint64_t label, const uint64_t *words,
                             unsigned count);
// The two in one system call: answers, and waits for the next message.
enum sheaf_error sheaf_reply_receive(sheaf_cptr endpoint, sheaf_cptr reply, uint64_t label,
                                     const uint64_t *words, unsigned count,
                                     struct sheaf_message *message);

void sheaf_yield(void);
// Signals the bits of the capability's badge. Never waits.
enum sheaf_error sheaf_signal(sheaf_cptr notification);
// Waits for signals and takes them: *bits.
enum sheaf_error sheaf_wait(sheaf_cptr notification, uint64_t *bits);

// ---- Untyped

// `index` counts in the CNode named by `cnode`. `type_bits` is the size argument of the type.
enum sheaf_error sheaf_retype(sheaf_cptr untyped, enum sheaf_type type, unsigned type_bits,
                              enum sheaf_memory_type memory, sheaf_cptr cnode, uint64_t index,
                              uint64_t count);
struct sheaf_untyped_info {
    uint64_t physical, size_bits, bytes_left, memory_type; // enum sheaf_memory_type
};
enum sheaf_error sheaf_untyped_info(sheaf_cptr untyped, struct sheaf_untyped_info *info);
// Makes all memory that was non-cacheable ready for cacheable use, now and not when it is retyped.
enum sheaf_error sheaf_untyped_purge(sheaf_cptr untyped);

// ---- CNode

enum sheaf_error sheaf_copy(sheaf_cptr cnode, uint64_t index, sheaf_cptr source, uint64_t rights);
enum sheaf_error sheaf_mint(sheaf_cptr cnode, uint64_t index, sheaf_cptr source, uint64_t rights,
                            uint64_t badge);
enum sheaf_error sheaf_move(sheaf_cptr cnode, uint64_t index, sheaf_cptr source);
enum sheaf_error sheaf_delete(sheaf_cptr cnode, uint64_t index);
enum sheaf_error sheaf_revoke(sheaf_cptr cnode, uint64_t index);
// Moves `pivot` to the index, and `source` to where `pivot` was.
enum sheaf_error sheaf_rotate(sheaf_cptr cnode, uint64_t index, sheaf_cptr pivot,
                              sheaf_cptr source);
// Ends the waits of senders and callers that used a capability with the badge of the one there.
enum sheaf_error sheaf_cancel(sheaf_cptr cnode, uint64_t index);

// ---- Thread

// 0 leaves what is there. The thread keeps derived copies.
struct sheaf_thread_configuration {
    sheaf_cptr cspace, vspace, fault_endpoint, ipc_frame, fault_notification;
};
enum sheaf_error sheaf_thread_configure(sheaf_cptr thread,
                                        const struct sheaf_thread_configuration *configuration);
struct sheaf_thread_start {
    uint64_t pc, sp, tls, argument[3]; // argument: x0 to x2
};
enum sheaf_error sheaf_thread_write_start(sheaf_cptr thread,
                                          const struct sheaf_thread_start *start);
// In the order of the words of READ_REGISTERS.
struct sheaf_thread_registers {
    uint64_t pc, sp, tls, x[31];
    uint64_t flags; // SHEAF_FLAGS
};
enum sheaf_error sheaf_thread_read_registers(sheaf_cptr thread,
                                             struct sheaf_thread_registers *registers);
// All of them. The thread is suspended or faulted, or its fault is being handled.
enum sheaf_error sheaf_thread_write_registers(sheaf_cptr thread,
                                              const struct sheaf_thread_registers *registers);
enum sheaf_error sheaf_thread_set_priority(sheaf_cptr thread, uint64_t priority, uint64_t maximum,
                                           sheaf_cptr authority);
enum sheaf_error sheaf_thread_resume(sheaf_cptr thread);
enum sheaf_error sheaf_thread_suspend(sheaf_cptr thread);
enum sheaf_error sheaf_thread_bind(sheaf_cptr thread, sheaf_cptr notification);
// At most 15 bytes of the name are kept.
enum sheaf_error sheaf_thread_set_name(sheaf_cptr thread, const char *name);

// ---- VSpace, Frame, gather

enum sheaf_error sheaf_vspace_grow(sheaf_cptr vspace, sheaf_cptr untyped, uint64_t chunks);
// Takes back a chunk none of whose tables is in use, not chunk 0.
enum sheaf_error sheaf_vspace_shrink(sheaf_cptr vspace, uint64_t chunk);
struct sheaf_vspace_info {
    uint64_t chunks, tables_free, tables_used, chunks_max;
};
enum sheaf_error sheaf_vspace_info(sheaf_cptr vspace, struct sheaf_vspace_info *info);
enum sheaf_error sheaf_frame_address(sheaf_cptr frame, uint64_t *physical);

struct sheaf_gather_result {
    enum sheaf_error error;
    unsigned failed;         // index of the operation that failed
    unsigned tables_missing; // on NO_TABLES
    uint64_t leaves;         // descriptors changed
    unsigned tables, tlbi, dsb, batches;
};
// Puts operation i of the next gather into the IPC buffer.
void sheaf_put_unmap(unsigned i, sheaf_cptr vspace, uint64_t va, uint64_t pages, uint64_t flags);
// `rights`: SHEAF_MAP_*. `flags` of AGE: what to clear, SHEAF_OP_ACCESSED and SHEAF_OP_DIRTY.
void sheaf_put_protect(unsigned i, sheaf_cptr vspace, uint64_t va, uint64_t pages, uint64_t rights,
                       uint64_t flags);
void sheaf_put_age(unsigned i, sheaf_cptr vspace, uint64_t va, uint64_t pages, uint64_t flags);
// Maps `count` Frames in consecutive slots from `slot` on; `pages` is the sum of their sizes.
void sheaf_put_map(unsigned i, sheaf_cptr vspace, uint64_t va, uint64_t pages, sheaf_cptr slot,
                   uint64_t count, uint64_t rights, uint64_t flags);
// Moves what is mapped in the range to `to`: whole tables, or with `slot` not 0 the mappings that
// the Frames in consecutive slots from `slot` on record.
void sheaf_put_move(unsigned i, sheaf_cptr vspace, uint64_t from, uint64_t pages, uint64_t to,
                    sheaf_cptr slot);
// Unmaps `count` Frames in consecutive slots from `slot` on, and all that were derived from them.
void sheaf_put_evict(unsigned i, sheaf_cptr slot, uint64_t count, uint64_t flags);
void sheaf_put_sync(unsigned i, sheaf_cptr vspace);
// Runs the `n` operations put before.
struct sheaf_gather_result sheaf_gather(unsigned n);
// The same with SHEAF_GATHER_DEFER or SHEAF_GATHER_FORCE.
struct sheaf_gather_result sheaf_gather_with(unsigned n, uint64_t policy);
// What a gather system call left in the registers.
struct sheaf_gather_result sheaf_gather_result(const struct sheaf_registers *registers);

// ---- Timer, interrupts

// The Notification is signalled at the deadline; 0 detaches it.
enum sheaf_error sheaf_timer_attach(sheaf_cptr timer, sheaf_cptr notification);
// In ticks of sheaf_clock (sheaf/time.h), in the place of an earlier one; 0 stops the Timer.
enum sheaf_error sheaf_timer_set(sheaf_cptr timer, uint64_t deadline);
// Gives the handler a shared interrupt, for life. `trigger`: SHEAF_IRQ_LEVEL or SHEAF_IRQ_EDGE.
enum sheaf_error sheaf_irq_bind(sheaf_cptr control, uint64_t interrupt, uint64_t trigger,
                                sheaf_cptr handler);
// The Notification is signalled when the interrupt comes; 0 detaches it.
enum sheaf_error sheaf_irq_attach(sheaf_cptr handler, sheaf_cptr notification);
// Lets the interrupt come: after BIND, and again each time that it has come.
enum sheaf_error sheaf_irq_acknowledge(sheaf_cptr handler);

// ---- Console, System

// Writes all of it; gives way to other threads while the port is full.
enum sheaf_error sheaf_console_write(sheaf_cptr console, const char *bytes, size_t count);
// Reads what has come, at most `room` bytes; waits for the first byte on `notification`, which is
// bound to the console for that. With notification 0 it does not wait.
enum sheaf_error sheaf_console_read(sheaf_cptr console, sheaf_cptr notification, char *bytes,
                                    size_t room, size_t *count);
// All counters the kernel has; at most SHEAF_COUNTER_COUNT are known here by name.
enum sheaf_error sheaf_counters(sheaf_cptr system, uint64_t value[SHEAF_COUNTER_COUNT]);
// "kernel.entries"
const char *sheaf_counter_name(enum sheaf_counter counter);
// Returns only when the capability does not allow it.
enum sheaf_error sheaf_power_off(sheaf_cptr system, uint64_t status);

// ---- What this program was started with

struct sheaf_environment {
    const struct sheaf_bootinfo *bootinfo; // only in a program that the kernel or init started with
                                           // all its memory (init, the pager); else NULL
    sheaf_cptr pager;                      // Endpoint of the pager, 0 if there is none
    sheaf_cptr console;
    sheaf_cptr input; // Notification for console input, 0 if there is none
    sheaf_cptr system;
    uint64_t process; // number given by the pager
};
extern struct sheaf_environment sheaf_environment;

#endif
