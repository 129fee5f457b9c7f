// SPDX-License-Identifier: BSD-2-Clause
// The protocol between programs and the pager: what a program may ask, and how it is answered.
//
// A request is a call on the program's pager endpoint. The answer's label is an enum pager_error;
// words follow only with PAGER_OK. Text is packed eight bytes a word, first byte lowest, and ends
// with a zero.
#ifndef SHEAF_PAGER_H
#define SHEAF_PAGER_H

#include <stdint.h>

// X(NAME, number, what it does)
//   ARGUMENTS    w0 offset, w1 bytes, w2.. bytes: a part of the argument block for the next SPAWN,
//                argument strings one after the other with their zeros; the first one names the
//                program in the RAM disk. Offset 0 begins anew, others continue where it ended.
//   SPAWN        starts that program. Answers w0 process
//   WAIT         w0 process. Answers w0 status, when it has ended; after that it is forgotten
//   EXIT         w0 status. Is not answered
//   HEAP         w0 bytes, a multiple of 4096. Answers w0 the first address of the new piece, which
//                lies right behind the piece before
//   MAP_FILE     w0.. name. Answers w0 address, w1 bytes. The same file maps to the same place
//   FILE         w0 index. Answers w0 bytes, w1.. name; NOT_FOUND behind the last one
//   PROCESS      w0 index. Answers w0 process, w1 threads, w2 resident pages, w3 pages in the swap
//                area, w4 faults, w5 1 when it has ended, w6.. name; NOT_FOUND behind the last one
//   STATISTICS_READ  answers PAGER_STATISTIC_COUNT words
//   THREAD_START w0 first instruction, w1 its argument, w2 TLS. The new thread finds x0 the
//   argument,
//                x1 its IPC buffer, x2 its number. Answers w0 number
//   THREAD_EXIT  w0 number, w1 result. Ends that thread; answered only if it is another one. With
//   the last
//                thread the program ends, with status 0
//   THREAD_JOIN  w0 number. Answers w0 result, when the thread has ended; after that it is
//   forgotten
#define PAGER_REQUESTS(X)                                                                          \
    X(ARGUMENTS, 1)                                                                                \
    X(SPAWN, 2)                                                                                    \
    X(WAIT, 3)                                                                                     \
    X(EXIT, 4)                                                                                     \
    X(HEAP, 5)                                                                                     \
    X(MAP_FILE, 6)                                                                                 \
    X(FILE, 7)                                                                                     \
    X(PROCESS, 8)                                                                                  \
    X(STATISTICS_READ, 9)                                                                          \
    X(THREAD_START, 10)                                                                            \
    X(THREAD_EXIT, 11)                                                                             \
    X(THREAD_JOIN, 12)

enum pager_request {
#define PAGER_REQUEST_ENUM(name, number) PAGER_##name = (number),
    PAGER_REQUESTS(PAGER_REQUEST_ENUM)
#undef PAGER_REQUEST_ENUM
};

#define PAGER_ERRORS(X)                                                                            \
    X(OK, 0, "success")                                                                            \
    X(UNKNOWN, 1, "the pager knows no such request")                                               \
    X(BAD_ARGUMENT, 2, "an argument is outside of what is documented")                             \
    X(NOT_FOUND, 3, "no such file, program, process or thread")                                    \
    X(NOT_EXECUTABLE, 4, "the file is no program for this system")                                 \
    X(NO_MEMORY, 5, "not enough memory")                                                           \
    X(NO_FRAMES, 6, "the frame budget is too small for one more thread")                           \
    X(TOO_MANY, 7, "no more threads or address space for this")                                    \
    X(ARGUMENTS_TOO_LONG, 8, "the arguments do not fit")

enum pager_error {
#define PAGER_ERROR_ENUM(name, number, text) PAGER_ERROR_##name = (number),
    PAGER_ERRORS(PAGER_ERROR_ENUM)
#undef PAGER_ERROR_ENUM
        PAGER_OK = PAGER_ERROR_OK,
};

// What the pager counts, and gauges of what it holds. Pages and frames are of 4 KiB.
//   pager.faults            fault messages answered so that the thread went on
//   pager.faults.reclaimed  of these: the page was still in a frame, only unmapped
//   pager.faults.fatal      fault messages that ended a process
//   pager.touched           distinct pages that programs have used
//   pager.mapped            leaves the pager wrote into programs' address spaces
//   pager.prefaulted        of these: mapped ahead of use
//   pager.unmapped          leaves taken away to make room
//   pager.evicted.clean     pages whose frame was reused without writing anything
//   pager.evicted.dirty     pages written to the swap area before
//   pager.swapped.in        pages read from the swap area
//   pager.read              pages read from the RAM disk
//   pager.zeroed            pages filled with zeros
//   pager.gathers           gather system calls of the pager
//   pager.tables.freed      page tables that came back through the pager's gathers
//   pager.chunks            chunks of 64 KiB that programs' address spaces were given for tables
//   pager.frames            frames that programs may have at most
//   pager.frames.free       of these: with nothing in them
//   pager.swap.capacity     pages that the swap area can hold
//   pager.swap.used         pages in it
//   pager.memory.free       bytes of Untyped that the pager has left, the unused swap area among
//   them pager.processes         programs running or not yet waited for
#define PAGER_STATISTICS(X)                                                                        \
    X(FAULTS_SERVED, "pager.faults")                                                               \
    X(FAULTS_RECLAIMED, "pager.faults.reclaimed")                                                  \
    X(FAULTS_FATAL, "pager.faults.fatal")                                                          \
    X(PAGES_TOUCHED, "pager.touched")                                                              \
    X(PAGES_MAPPED, "pager.mapped")                                                                \
    X(PAGES_PREFAULTED, "pager.prefaulted")                                                        \
    X(PAGES_UNMAPPED, "pager.unmapped")                                                            \
    X(EVICTED_CLEAN, "pager.evicted.clean")                                                        \
    X(EVICTED_DIRTY, "pager.evicted.dirty")                                                        \
    X(SWAPPED_IN, "pager.swapped.in")                                                              \
    X(READ_IN, "pager.read")                                                                       \
    X(ZEROED, "pager.zeroed")                                                                      \
    X(GATHERS, "pager.gathers")                                                                    \
    X(TABLES_FREED, "pager.tables.freed")                                                          \
    X(CHUNKS, "pager.chunks")                                                                      \
    X(FRAMES_BUDGET, "pager.frames")                                                               \
    X(FRAMES_FREE, "pager.frames.free")                                                            \
    X(SWAP_CAPACITY, "pager.swap.capacity")                                                        \
    X(SWAP_USED, "pager.swap.used")                                                                \
    X(MEMORY_FREE, "pager.memory.free")                                                            \
    X(PROCESSES, "pager.processes")

enum pager_statistic {
#define PAGER_STATISTIC_ENUM(name, text) PAGER_STATISTIC_##name,
    PAGER_STATISTICS(PAGER_STATISTIC_ENUM)
#undef PAGER_STATISTIC_ENUM
        PAGER_STATISTIC_COUNT,
};

// Exit statuses of programs that did not end by themselves.
#define PAGER_STATUS_ILLEGAL 132   // an exception other than a page fault
#define PAGER_STATUS_FAULT 139     // a page fault with nothing there, or not allowed
#define PAGER_STATUS_NO_MEMORY 137 // stopped for lack of memory

#endif
