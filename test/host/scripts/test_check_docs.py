#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""scripts/lib/check-docs notices each kind of mistake: the real pages with one thing changed."""
import importlib.machinery
import importlib.util
import os
import sys
from pathlib import Path

TOP = Path(os.path.abspath(__file__)).parents[3]
sys.path.insert(0, str(TOP / "test/lib"))
from cases import case, check, main # noqa: E402

sys.dont_write_bytecode = True # it would lie beside the script, which has no suffix
loader = importlib.machinery.SourceFileLoader("check_docs", str(TOP / "scripts/lib/check-docs"))
check_docs = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_docs", loader))
loader.exec_module(check_docs)

TREE = check_docs.Tree(TOP)
CALLS = "docs/system-calls.md"
CASES = []


def mistake(name, rule, page, old, new):
    """RULE finds nothing new in the pages as they are, and something with OLD replaced by NEW in PAGE."""
    CASES.append(rule)

    @case(name)
    def _():
        pages, before = dict(TREE.pages), set(rule(TREE))
        check(old in pages[page], f"{page} has no {old!r} any more: choose another example")
        try:
            TREE.pages[page] = pages[page].replace(old, new, 1)
            TREE.reference = TREE.pages[CALLS]
            found = set(rule(TREE)) - before
        finally:
            TREE.pages, TREE.reference = pages, pages[CALLS]
        check(found, "not noticed")


mistake("a wrong error number", check_docs.check_errors, CALLS, "| 13     | `SLOT_OCCUPIED`", "| 14     | `SLOT_OCCUPIED`")
mistake("another text for an error", check_docs.check_errors, CALLS, "the destination slot holds a capability", "in use")
mistake("an error that no call is said to give", check_docs.check_errors_explained, CALLS, "`VECTOR_TOO_LONG`", "too long")
mistake("an error that does not exist", check_docs.check_errors_explained, CALLS, "`BLOCK_CUT`,", "`BLOCK_CUT`, `BLOCK_SPLIT`,")
mistake("a method left out", check_docs.check_names_present, CALLS, "`SHEAF_THREAD_BIND`", "BIND")
mistake("a wrong method number", check_docs.check_values, CALLS, "| 7      | `SHEAF_THREAD_BIND`", "| 8      | `SHEAF_THREAD_BIND`")
mistake("a wrong flag", check_docs.check_values, CALLS, "`SHEAF_OP_KEEP_TABLES` | 0x10", "`SHEAF_OP_KEEP_TABLES` | 0x20")
mistake("a counter's number", check_docs.check_counters, CALLS, "| 9      | `fault.stale`", "| 10     | `fault.stale`")
mistake("a counter that does not exist", check_docs.check_counters, "docs/debugging.md", "`fault.stale`", "`fault.old`")
mistake("an offset in the IPC buffer", check_docs.check_buffer, CALLS, "| 3,648 ", "| 3,656 ")
mistake("an example that does not compile", check_docs.check_examples, CALLS, "sheaf_put_unmap(0,", "sheaf_put_unmapped(0,")
mistake("a name of another version", check_docs.check_no_strangers, "docs/design.md", "# Design", "# Design of SHEAF_OP_SWAP")
mistake("a path that does not exist", check_docs.check_paths, "README.md", "`examples/floats.c`", "`examples/float.c`")
mistake("a file that does not exist", check_docs.check_paths, "docs/architecture.md", "`finish.c`", "`finnish.c`")
mistake("a link into nowhere", check_docs.check_links, "README.md", "(docs/design.md)", "(docs/designs.md)")
mistake("a link to no heading", check_docs.check_links, "README.md", "system-calls.md#counters", "system-calls.md#counter")
mistake("a function that does not exist", check_docs.check_functions, "docs/architecture.md", "`gather_finish()`", "`gather_end()`")
mistake("a function of another file", check_docs.check_functions, "docs/architecture.md", "`plan_form()` (`plan.h`)",
        "`plan_form()` (`map.c`)")
mistake("a constant with another value", check_docs.check_constants, "docs/design.md", "128 operations (`PLAN_THRESHOLD`)",
        "64 operations (`PLAN_THRESHOLD`)")
mistake("an option that a script does not have", check_docs.check_options, "README.md", "./scripts/run --shell", "./scripts/run --sh")
mistake("a row out of line", check_docs.check_tables, CALLS, "| 9      | `SHEAF_SYS_GATHER`", "| 9 | `SHEAF_SYS_GATHER`")


@case("every rule has a case here")
def _():
    missing = [name for name, rule in check_docs.CASES if rule not in CASES]
    check(not missing, f"none for {missing}")


main()
