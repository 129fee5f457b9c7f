// SPDX-License-Identifier: BSD-2-Clause
// The meter: a QEMU plugin that counts what the kernel executes between two markers.
//
//   -plugin meter.so,out=FILE[,apart=FIRST-LAST]...[,profile=ID]
//
// An instruction is the kernel's if its address is in the upper half. A program marks a region with
// HINT #(0x40 + id) and HINT #(0x50 + id); the PE that executes the second one writes a line of
// JSON to FILE:
//
//   {"region":3,"pe":[{"kernel":512,"apart":0,"masked":300,"from":"0x...","to":"0x...","dsb":2,
//    "tlbi":{"vale1is":1}}]}
//
// with one entry for each PE that has executed anything so far. `apart` is how many of the kernel's
// instructions lie in the addresses given (zeroing of memory). `masked` is the longest stretch with
// interrupts masked that ended inside the region: between two of exception entry, exception return,
// and a poll of ISR_EL1, which is what a preemption point does; `from` and `to` are its ends. With
// `profile`, a region with that id is followed by a line {"profile":ID,"counts":{"0x...":n}}.
#include "decode.h"
#include "qemu_plugin.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PES 64
#define REGIONS 16
#define MAX_APART 8
#define KERNEL_HALF (UINT64_C(1) << 63)

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

struct counts {
    uint64_t kernel, apart, dsb;
    uint64_t tlbi[TLBI_KINDS];
};

struct stretch {
    uint64_t length, from, to;
};

// Written by its own PE only; a marker on another PE reads it while that one runs on, so with
// several PEs a region's share of the others is exact only when they stand still.
struct pe {
    struct counts now;
    uint64_t stretch_start; // value of now.kernel where the present stretch began
    uint64_t stretch_from;  // and its address
    struct stretch longest[REGIONS];
};

struct region {
    bool open;
    struct counts begin[MAX_PES];
};

// An instruction word at an address, once for all its translations.
struct site {
    uint64_t address;
    uint32_t word;
    struct decoded decoded;
    bool apart;
    uint64_t executed; // inside the profiled region
    struct site *next; // of the same bucket
};

#define BUCKETS 4096
static struct site *buckets[BUCKETS];
static pthread_mutex_t buckets_lock = PTHREAD_MUTEX_INITIALIZER; // PEs translate at the same time
static pthread_mutex_t region_lock = PTHREAD_MUTEX_INITIALIZER;
static struct pe pes[MAX_PES];
static unsigned pe_count;
static struct region regions[REGIONS];
static FILE *out;
static struct {
    uint64_t first, last;
} apart[MAX_APART];
static unsigned apart_count;
static unsigned profiled = REGIONS; // none

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "meter: %s\n", what);
    exit(2);
}

static bool is_apart(uint64_t address) {
    for (unsigned i = 0; i < apart_count; i++) {
        if (address >= apart[i].first && address <= apart[i].last) {
            return true;
        }
    }
    return false;
}

static struct site *site_of(uint64_t address, uint32_t word) {
    struct site **bucket = &buckets[address / sizeof(word) % BUCKETS];
    pthread_mutex_lock(&buckets_lock);
    struct site *site = *bucket;
    while (site != NULL && (site->address != address || site->word != word)) {
        site = site->next;
    }
    if (site == NULL) {
        site = calloc(1, sizeof(*site));
        if (site == NULL) {
            fail("no memory");
        }
        *site = (struct site){.address = address,
                              .word = word,
                              .decoded = decode(word),
                              .apart = is_apart(address),
                              .next = *bucket};
        *bucket = site;
    }
    pthread_mutex_unlock(&buckets_lock);
    return site;
}

static struct pe *pe_of(unsigned vcpu) {
    if (vcpu >= MAX_PES) {
        fail("too many PEs");
    }
    if (vcpu >= __atomic_load_n(&pe_count, __ATOMIC_RELAXED)) {
        __atomic_store_n(&pe_count, vcpu + 1, __ATOMIC_RELAXED);
    }
    return &pes[vcpu];
}

// The instruction at `site`, already counted, is the last of a stretch with interrupts masked.
static void end_stretch(struct pe *pe, const struct site *site) {
    uint64_t length = pe->now.kernel - pe->stretch_start;
    for (unsigned id = 0; id < REGIONS; id++) {
        if (regions[id].open && length > pe->longest[id].length) {
            pe->longest[id] =
                (struct stretch){.length = length, .from = pe->stretch_from, .to = site->address};
        }
    }
    pe->stretch_start = pe->now.kernel;
    pe->stretch_from = site->address;
}

static void execute_kernel(unsigned vcpu, void *userdata) {
    struct site *site = userdata;
    struct pe *pe = pe_of(vcpu);
    pe->now.kernel++;
    pe->now.apart += site->apart;
    if (profiled < REGIONS && regions[profiled].open) {
        __atomic_fetch_add(&site->executed, 1, __ATOMIC_RELAXED);
    }
    switch (site->decoded.what) {
    case INSTRUCTION_TLBI:
        pe->now.tlbi[site->decoded.id]++;
        break;
    case INSTRUCTION_DSB:
        pe->now.dsb++;
        break;
    case INSTRUCTION_POLL:
    case INSTRUCTION_UNMASK:
        end_stretch(pe, site);
        break;
    default:
        break;
    }
}

static void print_tlbi(const struct counts *begin, const struct counts *end) {
    const char *separator = "";
    for (unsigned kind = 0; kind < TLBI_KINDS; kind++) {
        if (end->tlbi[kind] != begin->tlbi[kind]) {
            char name[TLBI_NAME_BYTES];
            tlbi_name(kind, name);
            fprintf(out, "%s\"%s\":%" PRIu64, separator, name, end->tlbi[kind] - begin->tlbi[kind]);
            separator = ",";
        }
    }
}

static void print_region(unsigned id) {
    fprintf(out, "{\"region\":%u,\"pe\":[", id);
    for (unsigned i = 0; i < pe_count; i++) {
        const struct counts *begin = &regions[id].begin[i];
        const struct counts *end = &pes[i].now;
        const struct stretch *longest = &pes[i].longest[id];
        fprintf(out, "%s{\"kernel\":%" PRIu64 ",\"apart\":%" PRIu64, i == 0 ? "" : ",",
                end->kernel - begin->kernel, end->apart - begin->apart);
        fprintf(out, ",\"masked\":%" PRIu64 ",\"from\":\"%#" PRIx64 "\",\"to\":\"%#" PRIx64 "\"",
                longest->length, longest->from, longest->to);
        fprintf(out, ",\"dsb\":%" PRIu64 ",\"tlbi\":{", end->dsb - begin->dsb);
        print_tlbi(begin, end);
        fputs("}}", out);
    }
    fputs("]}\n", out);
}

// Prints how often each instruction was executed in the region that just ended, and starts anew.
static void print_profile(void) {
    const char *separator = "";
    pthread_mutex_lock(&buckets_lock);
    for (unsigned i = 0; i < BUCKETS; i++) {
        for (struct site *site = buckets[i]; site != NULL; site = site->next) {
            if (site->executed != 0) {
                fprintf(out, "%s\"%#" PRIx64 "\":%" PRIu64, separator, site->address,
                        site->executed);
                separator = ",";
            }
            site->executed = 0;
        }
    }
    pthread_mutex_unlock(&buckets_lock);
}

static void execute_marker(unsigned vcpu, void *userdata) {
    const struct site *site = userdata;
    unsigned id = site->decoded.id;
    (void)pe_of(vcpu);
    pthread_mutex_lock(&region_lock);
    bool begin = site->decoded.what == INSTRUCTION_BEGIN;
    if (regions[id].open == begin) {
        fprintf(out, "{\"error\":\"region %u %s\"}\n", id,
                begin ? "begins twice" : "ends without having begun");
    } else if (begin) {
        for (unsigned i = 0; i < MAX_PES; i++) {
            regions[id].begin[i] = pes[i].now;
            pes[i].longest[id] = (struct stretch){0, 0, 0};
        }
    } else {
        print_region(id);
        if (id == profiled) {
            fprintf(out, "{\"profile\":%u,\"counts\":{", id);
            print_profile();
            fputs("}}\n", out);
        }
    }
    regions[id].open = begin;
    pthread_mutex_unlock(&region_lock);
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t address = qemu_plugin_insn_vaddr(insn);
        unsigned char byte[4] = {0};
        if (qemu_plugin_insn_data(insn, byte, sizeof(byte)) != sizeof(byte)) {
            continue; // not A64
        }
        // A64 instructions are little-endian whatever the data is.
        uint32_t word =
            byte[0] | (uint32_t)byte[1] << 8 | (uint32_t)byte[2] << 16 | (uint32_t)byte[3] << 24;
        enum instruction what = decode(word).what;
        if ((address & KERNEL_HALF) != 0) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, execute_kernel, QEMU_PLUGIN_CB_NO_REGS,
                                                   site_of(address, word));
        } else if (what == INSTRUCTION_BEGIN || what == INSTRUCTION_END) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, execute_marker, QEMU_PLUGIN_CB_NO_REGS,
                                                   site_of(address, word));
        }
    }
}

static void finish(qemu_plugin_id_t id, void *userdata) {
    (void)id;
    (void)userdata;
    if (fputs("{\"end\":true}\n", out) < 0 || fclose(out) != 0) {
        fail("the results could not be written");
    }
}

static void take_option(const char *option) {
    char *end;
    if (strncmp(option, "out=", 4) == 0) {
        out = fopen(option + 4, "w");
        if (out == NULL) {
            fail("the file of the option out cannot be opened");
        }
    } else if (strncmp(option, "apart=", 6) == 0) {
        if (apart_count == MAX_APART) {
            fail("too many options apart");
        }
        apart[apart_count].first = strtoull(option + 6, &end, 0);
        apart[apart_count].last = *end == '-' ? strtoull(end + 1, &end, 0) : 0;
        if (*end != 0 || apart[apart_count].last < apart[apart_count].first) {
            fail("the option apart is FIRST-LAST");
        }
        apart_count++;
    } else if (strncmp(option, "profile=", 8) == 0) {
        profiled = (unsigned)strtoul(option + 8, &end, 0);
        if (*end != 0 || profiled >= REGIONS) {
            fail("the option profile is the id of a region, 0 to 15");
        }
    } else {
        fail("unknown option");
    }
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv) {
    (void)info;
    for (int i = 0; i < argc; i++) {
        take_option(argv[i]);
    }
    if (out == NULL) {
        fail("the option out is missing");
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}
