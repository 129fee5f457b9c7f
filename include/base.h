// SPDX-License-Identifier: BSD-2-Clause
// Types and words that every room of the kernel uses.
#ifndef BASE_H
#define BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sheaf/error.h>

// What must not be mixed has its own type. `v` is the plain number.
typedef struct {
    uint64_t v;
} paddr_t; // physical address, bytes
typedef struct {
    uint64_t v;
} vaddr_t; // virtual address, bytes
typedef struct {
    uint64_t v;
} desc_t; // translation table descriptor
typedef struct {
    uint16_t v;
} asid_t; // address space identifier; 0 is the empty root's

#define PADDR(x) ((paddr_t){(x)})
#define VADDR(x) ((vaddr_t){(x)})
#define DESC(x) ((desc_t){(x)})
#define ASID(x) ((asid_t){(uint16_t)(x)})

#define PAGE_BITS 12
#define PAGE_BYTES (UINT64_C(1) << PAGE_BITS)
#define MAX_PES 8

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(n) (UINT64_C(1) << (n))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a) - 1))
#define ALIGN_UP(x, a) ALIGN_DOWN((x) + (__typeof__(x))(a) - 1, a)
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a) - 1)) == 0)
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define container_of(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
// Where a parameter that is a constant, or a value that then stays in a register, is worth a copy.
#define ALWAYS_INLINE static inline __attribute__((always_inline))

// Prints to the kernel's serial port. Conversions: %s %c %d %u %x %lx %lu %ld %zu %p %%, with
// width and zero padding. Implemented by arch on the target, by stdio on the host.
void kprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

// The state is corrupt: print why, registers and a backtrace, stop the machine. No argument of a
// system call can lead here.
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

// A contract between parts of the kernel. Checked in debug builds only; must have no side effect.
#if defined(SHEAF_DEBUG) && SHEAF_DEBUG
#define ASSERT(condition)                                                                          \
    ((condition) ? (void)0 : panic("assertion failed: %s (%s:%d)", #condition, __FILE__, __LINE__))
#else
#define ASSERT(condition) ((void)sizeof(!(condition)))
#endif

// First words of every object that dies with its last capability. Owned by core.
struct object_head {
    uint32_t references; // capabilities that name the object
    uint32_t flags;      // for the object's own use
    uint64_t reserved;
};

#endif
