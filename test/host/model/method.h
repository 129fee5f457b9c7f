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
    ARG_EMPTY, // an index, mostly of an empty slot, in the CNode invoked or named before
    ARG_FULL,  // the same of a capability
    ARG_CAP,   // the name of a capability
    ARG_RIGHTS,
    ARG_BADGE,
    ARG_WHAT,  // type, size and memory type of a retype
    ARG_COUNT, // of objects
    ARG_CHUNKS,
    ARG_PRIORITY,
    ARG_WORDS, // how many words follow
    ARG_BYTES,
    ARG_SMALL, // a number below 40
    ARG_WORD,  // anything
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
    bool waits; // the caller may wait; a failed one may have changed what others wait for
    bool fails; // always
    unsigned weight;
    // Counted
    uint64_t tried, succeeded, error[64];
};

extern struct row rows[];
extern const unsigned row_count;
extern struct row *const row_of_map, *const row_of_unmap, *const row_of_gather;
extern struct row *const row_of_nothing; // CALL that names no method

struct row *row_of_method(unsigned type, uint64_t label); // NULL: there is none

// Random numbers: splitmix64, as published by Steele, Lea and Flood (2014).
void random_seed(uint64_t seed);
uint64_t random_word(void);
uint64_t below(uint64_t n);

// arguments.c
struct row *random_row(void);
void make_attempt(struct attempt *attempt, struct row *row, struct thread *thread);
void make_gather(struct attempt *attempt); // fills the caller's buffer
uint64_t random_name(const struct thread *thread, uint32_t types);

// expect.c
enum sheaf_error check_name(struct attempt *attempt, uint64_t name, uint32_t types, unsigned *cap);
void expect_common(struct attempt *attempt); // what every call can have wrong; finds cap and row

// census.c
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
void apply_retype(const struct attempt *attempt);
void apply_copy(const struct attempt *attempt);
void apply_mint(const struct attempt *attempt);
void apply_move(const struct attempt *attempt);
void apply_delete(const struct attempt *attempt);
void apply_revoke(const struct attempt *attempt);
void apply_configure(const struct attempt *attempt);
void apply_grow(const struct attempt *attempt);
void apply_shrink(const struct attempt *attempt);

#endif
