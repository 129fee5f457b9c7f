// SPDX-License-Identifier: BSD-2-Clause
// What user space may not do: each of these instructions ends in a message to the fault endpoint,
// and has no effect.
#include "child.h"
#include "harness.h"

#define RET 0xd65f03c0

static const struct {
    uint32_t instruction;
    const char *text;
} forbidden[] = {
    {0xd50342df, "msr daifset, #2: masks interrupts"},
    {0xd5381000, "mrs x0, sctlr_el1"},
    {0xd5380000, "mrs x0, midr_el1"},
    {0xd5382000, "mrs x0, ttbr0_el1"},
    {0xd5184100, "msr sp_el0, x0"},
    {0xd53be320, "mrs x0, cntv_ctl_el0: the kernel's timer"},
    {0xd51be340, "msr cntv_cval_el0, x0: the kernel's timer"},
    {0xd53be220, "mrs x0, cntp_ctl_el0"},
    {0xd53b9c00, "mrs x0, pmcr_el0: counters of the processor"},
    {0xd5087800, "at s1e1r, x0: translation as the kernel"},
    {0xd5087620, "dc ivac, x0: throws away what others wrote"},
    {0xd5087640, "dc isw, x0: the same by set and way"},
    {0xd508751f, "ic iallu"},
    {0xd508871f, "tlbi vmalle1"},
    {0xd51bd060, "msr tpidrro_el0, x0: for user space to read"},
    {0xd5181040, "msr cpacr_el1, x0"},
    {0xd4000002, "hvc #0"},
    {0xd4000003, "smc #0"},
    {0xd69f03e0, "eret"},
    {0xd45e0000, "hlt #0xf000: semihosting"},
};

// A page of the agent's on which one instruction and a return can be put.
struct code_page {
    struct agent agent;
    uint32_t *words; // in this VSpace
    sheaf_cptr frame;
};

static struct code_page new_code_page(void) {
    struct code_page page = {.agent = new_agent(), .frame = make(SHEAF_FRAME, SHEAF_PAGE_BITS)};
    page.words = map_here(copy_of(page.frame, SHEAF_RIGHTS_ALL), SHEAF_PAGE_BITS, ALL_ACCESS);
    return page;
}

// Mapped for each instruction anew, so that instruction fetch sees it.
static struct message run_instruction(struct code_page *page, uint32_t instruction) {
    page->words[0] = instruction;
    page->words[1] = RET;
    agent_map(&page->agent, CHILD_FREE, page->frame, SHEAF_MAP_READ | SHEAF_MAP_EXECUTE,
              SHEAF_OP_ACCESSED);
    agent_do(&page->agent, AGENT_EXECUTE, CHILD_FREE, 0);
    struct message m = agent_event(&page->agent);
    agent_unmap(&page->agent, CHILD_FREE, 1, SHEAF_OP_KEEP_TABLES);
    return m;
}

static void instructions(void) {
    struct code_page page = new_code_page();
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
        struct message m = run_instruction(&page, forbidden[i].instruction);
        note_context(forbidden[i].text);
        CHECK_EQ(m.badge, AGENT_FAULT_BADGE);
        CHECK_EQ(m.tag, SHEAF_TAG(SHEAF_LABEL_EXCEPTION, 3));
        CHECK_EQ(m.word[2], CHILD_FREE);
        agent_restart(&page.agent);
    }
    note_context(NULL);
    CHECK_EQ(run_instruction(&page, 0xd503201f).badge, AGENT_RESULT_BADGE); // nop
}

// Cache maintenance by address is a program's own affair, and so is knowing what it needs.
static void cache_maintenance(void) {
    static const struct {
        uint32_t instruction;
        const char *text;
    } allowed[] = {
        {0xd50b7a20, "dc cvac, x0"},
        {0xd50b7b20, "dc cvau, x0"},
        {0xd50b7e20, "dc civac, x0"},
        {0xd50b7520, "ic ivau, x0"},
        {0xd5033b9f, "dsb ish"},
        {0xd5033fdf, "isb"},
        {0xd53b0020, "mrs x0, ctr_el0"},
        {0xd53b00e0, "mrs x0, dczid_el0"},
        {0xd53be040, "mrs x0, cntvct_el0"},
    };
    struct code_page page = new_code_page();
    page.words[2] = RET;
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        page.words[0] = 0x10000000; // adr x0, .
        page.words[1] = allowed[i].instruction;
        agent_map(&page.agent, CHILD_FREE, page.frame, SHEAF_MAP_READ | SHEAF_MAP_EXECUTE,
                  SHEAF_OP_ACCESSED);
        note_context(allowed[i].text);
        agent_result(&page.agent, AGENT_EXECUTE, CHILD_FREE, 0);
        agent_unmap(&page.agent, CHILD_FREE, 1, SHEAF_OP_KEEP_TABLES);
    }
    note_context(NULL);
}

// DC ZVA writes, so it needs the right to, and makes a page dirty; what an exception of the kernel
// once used as a register for itself shows nothing.
static void zeroing_is_writing(void) {
    struct agent agent = new_agent();
    sheaf_cptr code = make(SHEAF_FRAME, SHEAF_PAGE_BITS), data = make(SHEAF_FRAME, SHEAF_PAGE_BITS);
    uint32_t *words = map_here(copy_of(code, SHEAF_RIGHTS_ALL), SHEAF_PAGE_BITS, ALL_ACCESS);
    uint64_t *seen = map_here(copy_of(data, SHEAF_RIGHTS_ALL), SHEAF_PAGE_BITS, ALL_ACCESS);
    words[0] = 0x10008000; // adr x0, . + 4096
    words[1] = 0xd50b7420; // dc zva, x0
    words[2] = 0xd53bd060; // mrs x0, tpidrro_el0
    words[3] = RET;
    seen[0] = seen[7] = UINT64_MAX;
    agent_map(&agent, CHILD_FREE, code, SHEAF_MAP_READ | SHEAF_MAP_EXECUTE, SHEAF_OP_ACCESSED);
    agent_map(&agent, CHILD_FREE + PAGE, data, SHEAF_MAP_READ, SHEAF_OP_ACCESSED);
    agent_do(&agent, AGENT_EXECUTE, CHILD_FREE, 0);
    struct message m = agent_event(&agent);
    CHECK_EQ(m.badge, AGENT_FAULT_BADGE);
    CHECK_EQ(m.tag, SHEAF_TAG(SHEAF_LABEL_PAGE_FAULT, 3));
    CHECK_EQ(m.word[0], CHILD_FREE + PAGE);
    CHECK_EQ(m.word[1], SHEAF_ACCESS_WRITE | SHEAF_FAULT_PERMISSION);
    CHECK_EQ(seen[0], UINT64_MAX);
    agent_restart(&agent);
    agent_unmap(&agent, CHILD_FREE + PAGE, 1, SHEAF_OP_KEEP_TABLES);
    agent_map(&agent, CHILD_FREE + PAGE, data, SHEAF_MAP_READ | SHEAF_MAP_WRITE, 0);
    CHECK_EQ(agent_result(&agent, AGENT_EXECUTE, CHILD_FREE, 0), 0);
    CHECK_EQ(seen[0] | seen[7], 0);
}

// Code that is changed while it is mapped: made visible by the program, without the kernel.
static void changed_code(void) {
    struct code_page page = new_code_page();
    page.words[1] = RET;
    agent_map(&page.agent, CHILD_FREE, page.frame, SHEAF_MAP_READ | SHEAF_MAP_EXECUTE,
              SHEAF_OP_ACCESSED);
    for (uint32_t value = 1; value < 20; value++) {
        page.words[0] = 0x52800000 | value << 5; // mov w0, #value
        __builtin___clear_cache((char *)page.words, (char *)(page.words + 2));
        CHECK_EQ(agent_result(&page.agent, AGENT_EXECUTE, CHILD_FREE, 0), value);
    }
}

// Only SVC #0 is a system call.
static void other_svc(void) {
    struct code_page page = new_code_page();
    struct message m = run_instruction(&page, 0xd4000021); // svc #1
    CHECK_EQ(m.tag, SHEAF_TAG(SHEAF_LABEL_EXCEPTION, 3));
    CHECK_EQ(m.word[0] >> 26, 0x15); // exception class: SVC
    CHECK_EQ(m.word[0] & 0xffff, 1);
}

// Interrupts still come after all that: a thread that tried to mask them is preempted.
static void interrupts_stay_on(void) {
    struct code_page page = new_code_page();
    run_instruction(&page, 0xd50342df);
    uint64_t interrupts = counter(SHEAF_COUNTER_KERNEL_INTERRUPTS);
    struct child child = new_child(child_count, LOW_PRIORITY, 0, 0);
    CHECK_OK(thread_priority(OWN_THREAD, LOW_PRIORITY, 255, OWN_THREAD));
    start_child(&child);
    for (unsigned i = 0; i < 5; i++) {
        yield(); // comes back only by a tick
    }
    CHECK(child.page->result[0] > 0);
    CHECK(counter(SHEAF_COUNTER_KERNEL_INTERRUPTS) >= interrupts + 5);
}

static const struct test_case cases[] = {
    {"fault.forbidden_instructions", instructions},
    {"fault.cache_maintenance_is_allowed", cache_maintenance},
    {"fault.zeroing_is_writing", zeroing_is_writing},
    {"fault.code_changed_by_the_program", changed_code},
    {"fault.svc_with_another_number", other_svc},
    {"fault.interrupts_stay_on", interrupts_stay_on},
};

const struct test_area privilege_area = TEST_AREA(cases);
