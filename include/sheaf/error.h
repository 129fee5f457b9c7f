// SPDX-License-Identifier: BSD-2-Clause
// Errors: the one table of everything a system call can answer.
//
// docs/system-calls.md is checked against this table, and `sheaf_error_name` and `sheaf_error_text`
// in user space are generated from it. A number, once given, is never used for another error.
#ifndef SHEAF_ERROR_H
#define SHEAF_ERROR_H

// X(NAME, number, what it means for the caller)
#define SHEAF_ERRORS(X)                                                                            \
    X(OK, 0, "success")                                                                            \
    X(UNKNOWN_SYSCALL, 1, "no system call has this number")                                        \
    X(INVALID_CAPABILITY, 2, "no capability in the slot named")                                    \
    X(WRONG_TYPE, 3, "the capability names an object of another type")                             \
    X(NO_RIGHT, 4, "the capability lacks the right that this needs")                               \
    X(UNKNOWN_METHOD, 5, "the object has no such method")                                          \
    X(INVALID_ARGUMENT, 6, "an argument is outside of what is documented")                         \
    X(RANGE, 7, "a slot, size or index lies outside of the object or of the documented range")     \
    X(MISALIGNED, 8, "an address or size is not aligned as needed")                                \
    X(NON_CANONICAL, 9, "the address is in neither half of the address space")                     \
    X(KERNEL_HALF, 10, "the address is in the kernel's half")                                      \
    X(OVERFLOW, 11, "first address or index plus length wraps or leaves the user half")            \
    X(ZERO_LENGTH, 12, "zero pages, slots or objects were asked for")                              \
    X(SLOT_OCCUPIED, 13, "the destination slot holds a capability")                                \
    X(PLACE_OCCUPIED, 14, "something is mapped at the place named")                                \
    X(ALREADY_MAPPED, 15, "this capability already names a mapping; copy it to map again")         \
    X(RIGHTS_EXCEEDED, 16, "more rights were asked for than the capability or mapping can give")   \
    X(NO_MEMORY, 17, "the Untyped has too little memory left")                                     \
    X(NO_TABLES, 18, "the VSpace has too few free tables; GROW it by the number missing")          \
    X(NO_ASID, 19, "no address space identifier is free")                                          \
    X(TOO_MANY_CHUNKS, 20, "the VSpace's directory holds no more chunks")                          \
    X(BLOCK_CUT, 21, "the range would cut a block, or a mapping that moves as a whole")            \
    X(VECTOR_TOO_LONG, 22, "a gather takes at most 64 operations")                                 \
    X(UNKNOWN_OPERATION, 23, "a gather has no such operation")                                     \
    X(UNKNOWN_FLAG, 24, "a flag is not defined, or not for this operation")                        \
    X(NO_BUFFER, 25, "the thread has no IPC buffer")                                               \
    X(RESULTS_TOO_LARGE, 26, "the reported bits do not fit the results area")                      \
    X(DEAD, 27, "the object is being deleted or is dead")                                          \
    X(CANCELLED, 28, "the endpoint, notification or capability waited on was deleted")             \
    X(NO_REPLY, 29, "the Reply or server that was to answer it is gone")                           \
    X(WOULD_BLOCK, 30, "nobody is waiting, or nothing has come")                                   \
    X(NOT_COPYABLE, 32, "capabilities to objects of this type are moved, not copied")              \
    X(PRIORITY, 33, "above the maximum controlled priority of the authority named")                \
    X(MESSAGE_TOO_LONG, 34, "a message has at most 64 words")                                      \
    X(MEMORY_TYPE, 35, "the memory type does not fit the memory, the object or the request")       \
    X(NOT_WAITING, 36, "the Reply holds no caller")                                                \
    X(IN_USE, 37, "the object is bound or used elsewhere")                                         \
    X(TABLE_IN_USE, 38, "a table of the chunk is hooked or held by a pending invalidation")        \
    X(PREEMPTED, 39, "internal: the call goes on after an interrupt; user space never sees it")    \
    X(TIMED_OUT, 40, "the deadline passed while the call waited")                                  \
    X(NO_RECEIVE_SLOT, 41, "the receiver has named too few empty slots for the capabilities")      \
    X(OTHER_MAPPING, 42, "the capability named does not record the mapping that is to be moved")

enum sheaf_error {
#define SHEAF_ERROR_ENUM(name, number, text) SHEAF_ERR_##name = (number),
    SHEAF_ERRORS(SHEAF_ERROR_ENUM)
#undef SHEAF_ERROR_ENUM
        SHEAF_OK = SHEAF_ERR_OK,
};

#endif
