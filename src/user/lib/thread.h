// SPDX-License-Identifier: BSD-2-Clause
// What each thread has of its own. Internal to the library.
//
// TPIDR_EL0 points to a struct sheaf_thread_area: the two words that the AArch64 TLS ABI reserves,
// and behind them, at the next multiple of the TLS alignment, the thread's copy of .tdata and
// .tbss.
#ifndef SHEAF_USER_THREAD_H
#define SHEAF_USER_THREAD_H

#include <reent.h>
#include <sheaf/time.h>
#include <sheaf/user.h>

struct sheaf_thread {
    struct sheaf_ipc_buffer *ipc_buffer;
    struct _reent *reent;
    uint64_t number;
    int (*function)(void *); // of a thread other than the first one
    void *argument;
};

struct sheaf_thread_area {
    struct sheaf_thread *thread;
    void *reserved;
};

void *sheaf_thread_register(void); // NULL before the area is there
void sheaf_set_thread_register(void *area);
_Noreturn void sheaf_start_program(const uint64_t *start);
_Noreturn void sheaf_thread_entry(void);
_Noreturn void sheaf_thread_main(struct sheaf_thread *thread, struct sheaf_ipc_buffer *ipc_buffer,
                                 uint64_t number);

// Bytes of an area, and making one there (aligned to 64). The first thread's is sheaf_tls_area.
size_t sheaf_thread_area_bytes(void);
void sheaf_thread_area_make(void *memory, struct sheaf_thread *thread);

// Ends the program. Programs that the pager runs: client_end.c. init and the pager have their own.
_Noreturn void sheaf_end(int status);
// A Notification that nobody signals, to wait on until a deadline; 0 if there is none. Programs
// that the pager runs: client_silence.c.
sheaf_cptr sheaf_silence(void);
// Another piece of heap, `bytes` being a multiple of 4096: its first address, which lies right
// behind the piece before, or NULL. Programs that the pager runs: client_heap.c.
void *sheaf_more_heap(size_t bytes);

#endif
