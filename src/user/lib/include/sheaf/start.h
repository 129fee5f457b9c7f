// SPDX-License-Identifier: BSD-2-Clause
// What a program finds when it starts.
//
// x0 is the address of either the boot information page (a program that is given its memory, as
// init by the kernel and the pager by init) or of a struct sheaf_start at the top of the stack (a
// program that the pager runs). Both begin with a magic number of their own.
//
// The user half of a program that the pager runs:
//
//   0x00_0040_0000  text, rodata, data, bss
//   0x10_0000_0000  heap, growing upwards
//   0x40_0000_0000  files, mapped read-only
//   0x7f_ff00_0000  top of the first thread's area; each area is 16 MiB, the next one lies below:
//                     top - 4 KiB          IPC buffer
//                     top - 8 KiB          guard, then the stack below it
//                     top - 16 MiB         the rest of the area is guard
#ifndef SHEAF_START_H
#define SHEAF_START_H

#include <sheaf/user.h>

#define SHEAF_START_MAGIC UINT64_C(0x3174726174736853)
#define SHEAF_START_ARGS 2048 // bytes of arguments, zeros included

// Slots of a program that the pager runs.
enum sheaf_program_slot {
    SHEAF_PROGRAM_SLOT_PAGER = 1,
    SHEAF_PROGRAM_SLOT_CONSOLE = 2,
    SHEAF_PROGRAM_SLOT_INPUT = 3,
    SHEAF_PROGRAM_SLOT_SYSTEM = 4,  // counters only
    SHEAF_PROGRAM_SLOT_SILENCE = 5, // a Notification that nobody signals: sleep waits on it
};
#define SHEAF_PROGRAM_CNODE_BITS 3

#define SHEAF_PROGRAM_HEAP UINT64_C(0x1000000000)
#define SHEAF_PROGRAM_FILES UINT64_C(0x4000000000)
#define SHEAF_PROGRAM_FILES_END UINT64_C(0x7000000000)
#define SHEAF_PROGRAM_THREAD_TOP UINT64_C(0x7fff000000)
#define SHEAF_PROGRAM_THREAD_BYTES UINT64_C(0x1000000)
#define SHEAF_PROGRAM_STACK_BYTES UINT64_C(0x800000)
#define SHEAF_PROGRAM_THREADS 64 // areas of threads in one program

struct sheaf_start {
    uint64_t magic;
    uint64_t process;    // number
    uint64_t ipc_buffer; // address
    uint32_t argument_count;
    uint32_t argument_bytes;
    char arguments[SHEAF_START_ARGS]; // one after the other, each with its zero
};

// Copies the word that begins at *text (up to the next space) to *out, with %XX decoded and a lone
// `%` as the empty word, adds a zero, and moves *text behind it. False at the end. `room` counts
// the zero; a word that does not fit is cut, and *fits is set to false.
bool sheaf_boot_word(const char **text, char *out, size_t room, bool *fits);

#endif
