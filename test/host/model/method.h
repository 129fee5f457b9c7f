// SPDX-License-Identifier: BSD-2-Clause
// What is tried: one row of a table for each method and system call.
//
// A row says how the arguments are made, what is needed, and which errors the documentation names.
// `wrong` finds what is wrong with an attempt by looking at the reference alone, `apply` changes
// the reference as a success does. A row without them changes no capability; its answer must be
// OK or a documented error, and an error must have changed nothing.
#ifndef METHOD_H
#define METHOD_H

#include "reference.h"
#include "world.h"

#define E(name) BIT(SHEAF_ERR_##name)
#define MOST_WORDS 40u
#define MOST_ARGUMENTS 6u

enum argument_kind {
    ARG_NONE,
    ARG_EMPTY,  // an index, mostly of an empty slot, in the CNode invoked or named before
    ARG_FULL,   // the same of a capability
    ARG_CAP,    // the name of a capability
    ARG_SOURCE, // the same, of one to be copied
    ARG_RIGHTS,
    ARG_BADGE,
    ARG_WHAT,  // type, size and memory type of a retype
    ARG_COUNT, // of objects
    ARG_CHUNKS,
    ARG_PRIORITY,
    ARG_WORDS, // how many words follow
    ARG_BYTES,
    ARG_SMALL,  // a number below 40
    ARG_BADGED, // an index, mostly of an Endpoint with a badge, in the CNode invoked
    ARG_INTERRUPT,
    ARG_TRIGGER, // of an interrupt: 0, 1, or a number that is none
    ARG_TIME,    // now, a little before or after, or 0
    ARG_WORD,    // anything
};

struct argument {
    enum argument_kind kind;
    uint32_t types; // ARG_CAP: bit for each type that fits
    bool or_none;   // ARG_CAP: or 0
};

struct row;

struct attempt {
    struct thread *thread;
    struct call call;
    struct row *row;
    unsigned cap;    // the element invoked, or NO_CAP
    unsigned length; // words of the message
    uint64_t word[MOST_WORDS];
    // Found before the call by row->wrong, for row->apply
    uint64_t wrong; // one of these errors must come; none: OK must
    uint64_t maybe; // these may come as well
    bool waits;     // with nothing wrong, the caller waits
    uint64_t tail;  // gather: what is wrong with the tail, if it comes to that
    unsigned source[THREAD_SLOTS];
    uint64_t note;
    const struct thread *reprioritised; // goes behind its equals
};

struct row {
    const char *name;
    uint64_t number; // system call
    unsigned type;   // CALL: of the object; else 0
    uint64_t label;  // CALL: method
    unsigned words;  // at least
    uint64_t rights;
    struct argument argument[MOST_ARGUMENTS];
    uint32_t invoked; // other than CALL of a method: types that fit
    uint64_t documented;
    void (*wrong)(struct attempt *attempt);
    void (*apply)(const struct attempt *attempt);
    void (*answers)(const struct attempt *attempt); // looks at what a success has answered
    bool fails;                                     // always
    unsigned weight;
    // Counted
    uint64_t tried, succeeded, error[64];
};

extern struct row rows[];
extern const unsigned row_count;
extern struct row *const row_of_gather;
struct row *row_of_operation(uint64_t code); // of a gather; row_of_gather where there is none
extern struct row *const row_of_nothing;     // CALL that names no method

struct row *row_of_method(unsigned type, uint64_t label); // NULL: there is none

// Random numbers: splitmix64, as published by Steele, Lea and Flood (2014).
void random_seed(uint64_t seed);
uint64_t random_word(void);
uint64_t below(uint64_t n);

// arguments.c
struct row *random_row(const struct thread *thread);
void make_attempt(struct attempt *attempt, struct row *row, struct thread *thread);
uint64_t random_name(const struct thread *thread, uint32_t types); // 0: of an empty slot
uint64_t random_time(void);
uint64_t corner(void); // a number that something may happen at
bool holds_fault(unsigned cap);

// operations.c
void make_gather(struct attempt *attempt); // fills the caller's buffer

// expect.c
enum sheaf_error check_name(struct attempt *attempt, uint64_t name, uint32_t types, unsigned *cap);
void expect_call(struct attempt *attempt); // finds what is wrong with it, cap and row
void check_message(struct attempt *attempt);
unsigned chunks_of(uint64_t vspace);
bool has_buffer(const struct thread *thread);

// meet.c: what happens when senders and receivers meet. Capabilities that a message takes along are
// in the reference from `wrong` on, until meet_undo or meet_commit.
void wrong_send(struct attempt *attempt);
void wrong_receive(struct attempt *attempt);
void wrong_reply(struct attempt *attempt);
void wrong_reply_receive(struct attempt *attempt);
void wrong_gather(struct attempt *attempt);
void meet_fault(const struct thread *thread, uint64_t label, const uint64_t *words);
void meet_undo(void);
void meet_commit(void);

// census.c
void census_pause(bool pause); // what is tried does not count
void census_count(struct row *row, uint64_t status);
bool census_print(bool whole); // whether every method and error came often enough

// state.c
uint64_t state_hash(const struct thread *except);

void wrong_retype(struct attempt *attempt);
void wrong_copy(struct attempt *attempt);
void wrong_mint(struct attempt *attempt);
void wrong_move(struct attempt *attempt);
void wrong_full(struct attempt *attempt);
void wrong_configure(struct attempt *attempt);
void wrong_priority(struct attempt *attempt);
void wrong_bind(struct attempt *attempt);
void wrong_grow(struct attempt *attempt);
void wrong_shrink(struct attempt *attempt);
void wrong_vspace_info(struct attempt *attempt);
void wrong_counters(struct attempt *attempt);
void wrong_rotate(struct attempt *attempt);
void wrong_cancel(struct attempt *attempt);
void wrong_attach(struct attempt *attempt);
void wrong_affinity(struct attempt *attempt);
void wrong_write_registers(struct attempt *attempt);
void wrong_read_registers(struct attempt *attempt);
void wrong_suspend(struct attempt *attempt);
void wrong_bind_interrupt(struct attempt *attempt);
void wrong_acknowledge(struct attempt *attempt);
void wrong_console_write(struct attempt *attempt);
void apply_retype(const struct attempt *attempt);
void apply_copy(const struct attempt *attempt);
void apply_mint(const struct attempt *attempt);
void apply_move(const struct attempt *attempt);
void apply_rotate(const struct attempt *attempt);
void apply_attach(const struct attempt *attempt);
void apply_delete(const struct attempt *attempt);
void apply_revoke(const struct attempt *attempt);
void apply_purge(const struct attempt *attempt);
void apply_configure(const struct attempt *attempt);
void apply_grow(const struct attempt *attempt);
void apply_shrink(const struct attempt *attempt);

void answers_untyped_info(const struct attempt *attempt);
void answers_frame_address(const struct attempt *attempt);
void answers_write_registers(const struct attempt *attempt);
void answers_read_registers(const struct attempt *attempt);
void answers_priority(const struct attempt *attempt);
void answers_suspend(const struct attempt *attempt);
void answers_resume(const struct attempt *attempt);
void answers_set_name(const struct attempt *attempt);
void answers_thread_info(const struct attempt *attempt);
void answers_affinity(const struct attempt *attempt);
void answers_time(const struct attempt *attempt);
void answers_timer_set(const struct attempt *attempt);
void answers_bind_interrupt(const struct attempt *attempt);
void answers_acknowledge(const struct attempt *attempt);
void answers_vspace_info(const struct attempt *attempt);
void answers_counters(const struct attempt *attempt);

#endif
