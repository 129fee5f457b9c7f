#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each rule of the tree catches what it is for, and leaves the nearest harmless thing alone."""
import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path[:0] = [os.path.join(TOP, "test/lib"), os.path.join(TOP, "scripts/lib")]
import check_tree # noqa: E402
from cases import case, equal, main # noqa: E402

LICENCE = "// SPDX-License-Identifier: BSD-2-Clause\n"


def hits(rule, files):
    """Paths that RULE complains about in a tree of FILES {path: text}."""
    with tempfile.TemporaryDirectory() as top:
        subprocess.run(["git", "init", "-q", top], check=True)
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(top, path)), exist_ok=True)
            with open(os.path.join(top, path), "w", encoding="utf-8") as file:
                file.write(text)
        return sorted({path for path, _, _ in rule(check_tree.Tree(top))})


def rule_case(name, rule, bad, good):
    """BAD {path: text} must all be found, GOOD none."""
    @case(name)
    def _():
        equal(hits(rule, {**bad, **good}), sorted(bad), "files found")


def function(lines):
    return "int f(void)\n{\n" + "    g();\n" * (lines - 3) + "}\n"


rule_case("long files", check_tree.rule_file_size,
          {"src/a.c": "\n" * 601}, {"src/b.c": "\n" * 600, "docs/c.md": "\n" * 700})
rule_case("long functions", check_tree.rule_function_size,
          {"src/a.c": function(61), "src/d.c": "static int f(int a,\n             int b) {\n" + "    g();\n" * 60 + "}\n"},
          {"src/b.c": function(60), "src/c.c": "// More than 60 lines: one case for each of ...\n" + function(61),
           "src/e.c": "static const struct s t[] = {\n" + "    {1},\n" * 100 + "};\n"})
rule_case("assembly in the wrong place", check_tree.rule_assembly_place,
          {"src/core/a.c": 'void f(void) { __asm__("nop"); }', "src/mmu/b.S": "nop", "test/host/b.c": "void f(void) { asm(0); }"},
          {"src/arch/arm64/a.c": 'void f(void) { __asm__("nop"); }', "src/user/lib/c.S": "nop",
           "src/core/c.c": "// no asm here\nint f(void);"})
rule_case("barriers in the wrong place", check_tree.rule_barrier_place,
          {"src/mmu/a.c": '__asm__ volatile("dsb ish");', "src/user/lib/b.h": '__asm__("tlbi vmalle1is");'},
          {"src/arch/arm64/a.c": '__asm__ volatile("dsb ish");', "src/mmu/b.c": "// dsb ish comes after tlbi vale1is\n"})
rule_case("invalidation outside the port", check_tree.rule_invalidation_place,
          {"src/arch/arm64/panic.c": '__asm__("tlbi vmalle1");'},
          {"src/arch/arm64/start.S": "    tlbi vmalle1\n", "src/arch/arm64/trap.c": "// tlbi vmalle1 is not needed\n"})
rule_case("a second end of a batch", check_tree.rule_one_finish,
          {"src/mmu/unmap.c": "port_dsb_ish();", "src/core/a.c": "port_tlbi(PORT_TLBI_VAE1IS, x);",
           "src/mmu/fault.c": "port_tlbi(PORT_TLBI_VAE1IS, tlbi_operand_address(a, v, 0));"},
          {"src/mmu/finish.c": "port_tlbi(kind, operand); port_dsb_ish();", "src/mmu/map.c": "// port_dsb_ish() comes later\n"})
rule_case("a second encoder", check_tree.rule_one_encoder,
          {"src/mmu/fault.c": "port_tlbi(PORT_TLBI_VALE1,\n    va.v >> 12);", "src/mmu/plan.c": "x |= level << 44;"},
          {"src/mmu/finish.c": "port_tlbi(kind, operand + i * step);", "src/mmu/tlbi.c": "return ttl << 44;",
           "src/mmu/walk.c": "port_tlbi(PORT_TLBI_VALE1, tlbi_operand_address(asid, va,\n  0));"})
rule_case("a descriptor behind the port's back", check_tree.rule_descriptor_port,
          {"src/mmu/map.c": "desc_t *table = f();", "src/mmu/unmap.c": "*((desc_t *)p) = x;",
           "src/core/a.c": "port_desc_write(t, 0, d);", "src/mmu/walk.c": "p = port_kernel_address(table);"},
          {"src/mmu/ok.c": "desc_t old = port_desc_read(t, i); bool f(desc_t *expected);", "src/mmu/chunk.c": "port_kernel_address(c);"})
rule_case("architecture in core", check_tree.rule_core_neutral,
          {"src/core/a.c": "int ttbr0_el1;"}, {"src/core/b.c": "// like TTBR0 on arm64\nint root;", "src/mmu/c.c": "int ttbr0;"})
rule_case("conditional compilation", check_tree.rule_no_conditional_logic,
          {"src/mmu/a.c": "#ifdef SMP\nint a;\n#endif\n", "src/core/b.c": "#if 0\nint a;\n#endif\n"},
          {"src/mmu/a.h": "#ifndef A_H\n#define A_H\n#endif\n", "src/core/c.c": "#ifdef SHEAF_DEBUG\n#endif\n"})
rule_case("missing licence", check_tree.rule_header,
          {"src/a.c": "int a;\n", "scripts/x": "#!/bin/sh\necho\n"}, {"src/b.c": LICENCE, "scripts/y": "#!/bin/sh\n" + LICENCE})
rule_case("pipes that end early", check_tree.rule_whole_pipes,
          {"scripts/a": "#!/bin/bash\nset -o pipefail\nseq 9 | grep -q 3\n", "scripts/lib/b.sh": "seq 9 | head -n 1\n"},
          {"scripts/c": "#!/bin/bash\nset -o pipefail\n# seq 9 | head\nseq 9 | grep 3 >/dev/null\nhead -n 1 file\n"})
rule_case("unfinished work", check_tree.rule_unfinished,
          {"src/a.c": "// TO" + "DO: think\n"}, {"src/b.c": "// method, todos\n"})
rule_case("mirrors and private paths", check_tree.rule_no_mirror,
          {"scripts/a.sh": "apt http://deb." + "debian.org/debian\n", "docs/b.md": "see /home" + "/jane/sheaf\n"},
          {"docs/c.md": "Debian's package, $HOME, ~/sheaf, src/home/x\n"})
rule_case("tests nobody builds", check_tree.rule_test_names,
          {"test/host/core/lost.c": LICENCE, "test/host/mmu/lost_test.c": LICENCE},
          {"test/host/core/built.c": LICENCE, "test/host/core/CMakeLists.txt": "add_sheaf_host_test(b SOURCES built.c)\n",
           "test/host/mmu/map_test.c": LICENCE, "test/host/mmu/CMakeLists.txt": "foreach(name map)\nf(${name}_test.c)\n"})


@case("every rule has a case here")
def _():
    with open(os.path.abspath(__file__), encoding="utf-8") as file:
        text = file.read()
    equal([rule.__name__ for rule in check_tree.RULES if f"check_tree.{rule.__name__}" not in text], [], "rules without a case")


main()
