// SPDX-License-Identifier: BSD-2-Clause
// The thread area: where the AArch64 ABI for thread-local storage (variant 1) wants what.
#include "thread.h"
#include <string.h>

// Symbols of the linker script; the last three are numbers.
extern char sheaf_tdata_start[], sheaf_tdata_size[], sheaf_tls_size[], sheaf_tls_align[];

// Offset of the TLS block from the thread pointer: the two reserved words, rounded up to the
// alignment of the block. The linker computes the same.
static size_t block_offset(void) {
    size_t align = (size_t)sheaf_tls_align;
    size_t words = sizeof(struct sheaf_thread_area);
    return align <= words ? words : align;
}

size_t sheaf_thread_area_bytes(void) { return block_offset() + (size_t)sheaf_tls_size; }

void sheaf_thread_area_make(void *memory, struct sheaf_thread *thread) {
    struct sheaf_thread_area *area = memory;
    char *block = (char *)memory + block_offset();
    area->thread = thread;
    area->reserved = NULL;
    memcpy(block, sheaf_tdata_start, (size_t)sheaf_tdata_size);
    memset(block + (size_t)sheaf_tdata_size, 0, (size_t)sheaf_tls_size - (size_t)sheaf_tdata_size);
}

static struct sheaf_thread *current(void) {
    struct sheaf_thread_area *area = sheaf_thread_register();
    return area->thread;
}

struct sheaf_ipc_buffer *sheaf_ipc_buffer(void) { return current()->ipc_buffer; }

// With __DYNAMIC_REENT__ newlib asks for the reentrancy structure of the calling thread here.
struct _reent *__getreent(void) { return current()->reent; }
