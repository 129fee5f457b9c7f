#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""scripts/lib/mutate.py finds the sites and guards of a small tree, and refuses what it cannot make mutants of."""
import os
import sys
import tempfile
from pathlib import Path

TOP = Path(os.path.abspath(__file__)).parents[3]
sys.path[:0] = [str(TOP / "test/lib"), str(TOP / "scripts/lib")]
from cases import case, check, equal, main # noqa: E402

sys.dont_write_bytecode = True
import mutate # noqa: E402
import run_mutants # noqa: E402

PORT = """
static inline void port_dsb_ish(void);
static inline void port_dsb_ishst(void);
static inline void port_tlbi(enum port_tlbi kind, uint64_t operand);
static inline unsigned port_pe(void);
"""
SOURCE = """
// port_dsb_ish() in a comment is no site
static bool guard(unsigned a, unsigned b) {
    if (a <
        b && a != 0)
        return true;
    return port_pe() == a;
}

void finish(enum port_tlbi kind) {
    port_dsb_ishst();
    port_tlbi(kind, 7);
    port_tlbi(PORT_TLBI_VALE1, 7);
    port_dsb_ish();
}
"""
TABLE = """# a comment
kind overlap test wrong
mutant one too many
in src/mmu/a.c guard
- a < b
+ a <= b
mutant always
in src/mmu/a.c
- a<b && a != 0
+ true
mutant without an end
in src/mmu/a.c finish
- port_dsb_ish();
"""


def tree(source=SOURCE, table=TABLE, port=PORT):
    """Returns a root with these files, which lives until the program ends."""
    directory = tempfile.TemporaryDirectory()
    tree.kept.append(directory)
    root = Path(directory.name)
    for path, text in {"include/port.h": port, "src/mmu/a.c": source, "test/mutants/a.mutants": table}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


tree.kept = []


def refused(words, **files):
    try:
        mutate.collect(tree(**files))
    except mutate.Wrong as wrong:
        check(words in str(wrong), f"expected `{words}`, got `{wrong}`")
        return
    check(False, f"expected `{words}`, but nothing was refused")


@case("the tables of this tree fit its sources")
def _():
    check(len(mutate.collect(TOP)[1]) >= 60, "at least 60 mutants")


@case("docs/verification.md has a row for each kind of mutant, and for each that is equivalent")
def _():
    mutants = mutate.collect(TOP)[1]
    section = (TOP / "docs/verification.md").read_text().split("\n## Mutants\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split(" | ")[0].strip() for line in section.splitlines() if line.startswith("|")]
    wanted = {mutant.kind for mutant in mutants} | {mutant.title for mutant in mutants if mutant.equivalent}
    titles = {"kind", "equivalent mutant"} | {row for row in rows if set(row) <= {"-"}}
    equal(sorted(set(rows) - titles), sorted(wanted), "rows")


@case("each call of the port that orders or invalidates is a site with its mutants")
def _():
    mutants = mutate.collect(tree())[1]
    sites = [mutant.name for mutant in mutants if mutant.site]
    equal(len({mutant.site for mutant in mutants if mutant.site}), 4, "sites")
    equal(sum(name.startswith("port_tlbi ") for name in sites), 5, "mutants of a broadcast")
    equal(sum(name.startswith("port_tlbi#2 ") for name in sites), 3, "mutants of an operation of one PE")
    equal([mutant.number for mutant in mutants], list(range(1, len(mutants) + 1)), "numbers")


@case("the copy holds each mutant, one inside the other where texts do")
def _():
    root = tree()
    mutate.generate(root, root / "out")
    text = (root / "out/mmu/a.c").read_text()
    number = {mutant.name: mutant.number for mutant in mutate.collect(root)[1]}
    inner = f"(mutant_is({number['one too many']}) ? (a <= b"
    check(inner in text and text.index(f"mutant_is({number['always']})") < text.index(inner), text)
    check(f"mutant_dsb_ish({number['port_dsb_ish dropped']});" in text, text)
    check(f"mutant_tlbi({number['port_tlbi dropped']}, kind, 7);" in text, text)
    check("// port_dsb_ish() in a comment is no site" in text, text)


@case("a file that is as it was is not written again")
def _():
    root = tree()
    mutate.generate(root, root / "out")
    before = (root / "out/mmu/a.c").stat().st_mtime_ns
    mutate.generate(root, root / "out")
    equal((root / "out/mmu/a.c").stat().st_mtime_ns, before, "time of writing")


@case("a function of the port that nobody knows is refused")
def _():
    refused("port_dsb_osh is in neither list", port=PORT + "static inline void port_dsb_osh(void);\n")


@case("a site without a mutant is refused")
def _():
    refused("a site without mutants", source=SOURCE + "void (*const barrier)(void) = port_dsb_ish;\n")
    note = "".join(f"site src/mmu/a.c finish port_dsb_ish {name}\nequivalent nobody looks\n"
                   for name in mutate.OPERATORS["port_dsb_ish"])
    refused("a site without a mutant", table=TABLE + note)


@case("a text that is not there any more, or twice, is refused")
def _():
    refused("stands 0 times", source=SOURCE.replace("a != 0", "a > 0"))
    refused("stands 2 times", source=SOURCE.replace("return true;", "return a < b;"))


@case("a table that says nothing, or nothing clear, is refused")
def _():
    refused("no file src/mmu/b.c", table=TABLE.replace("src/mmu/a.c\n", "src/mmu/b.c\n"))
    refused("says no text to replace", table=TABLE + "mutant empty\nin src/mmu/a.c\n")
    refused("unknown word `an`", table=TABLE + "an error\n")
    refused("before the first `kind`", table="mutant early\n")
    refused("overlap", table=TABLE + "mutant across\nin src/mmu/a.c\n- b && a\n+ b\n")
    refused("neither an expression", table=TABLE + "mutant half\nin src/mmu/a.c\n- a != 0)\n+ a &&\n")
    refused("two mutants are called", table=TABLE + "mutant always\nin src/mmu/a.c guard\n- true\n+ false\n")
    refused("there is no site", table=TABLE + "site src/mmu/a.c guard port_isb dropped\nequivalent nobody looks\n")


@case("a rule or a wrong value is a catch, a crash is none")
def _():
    rules = ["break-before-make"]
    equal(run_mutants.judge(["# PE 0: break-before-make: page 5", "# a.c:1: error: Failure!"], rules)[0], "rule")
    equal(run_mutants.judge(["# 0x1 != 0x2", "# a.c:1: error: Failure!"], rules), ("contract", "0x1 != 0x2 (a.c:1)"))
    equal(run_mutants.judge(["# Test failed with exception: Segmentation fault(11)", "# Failure!"], rules), None)
    equal(run_mutants.judge(["ERROR: PE 1: panic: assertion", "# a.c:1: error: Failure!"], rules), None)
    equal(run_mutants.judge(["a PE wrote the words break-before-make"], rules), None)


@case("what is said before a case's line and behind it belongs to it, and nothing else")
def _():
    output = ["ok 1 - a", "ERROR: rule: x", "not ok 2 - b", "# b.c:1: error: Failure!", "ERROR: panic: y", "not ok 3 - c",
              "# c.c:2: error: Failure!", "# noise", "ok 4 - d", "not ok 5 - e Could not run test: 1==2", "e.c:3: error: Failure!"]
    equal([(name.split()[0], len(lines)) for name, lines in run_mutants.failed_cases(output)],
          [("b", 2), ("c", 2), ("e", 1)], "cases and their lines")


main()
