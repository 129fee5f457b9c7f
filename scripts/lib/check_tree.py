#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks the rules of the tree that no compiler knows. Prints TAP: one case a rule.

    check_tree.py [DIRECTORY]      default: the tree this file stands in

A rule is a function that yields (file, line, what is wrong); its docstring's first line is the case's name.
"""
import os
import re
import subprocess
import sys

SOURCE = (".c", ".h", ".S")
MAX_FILE = 600
MAX_FUNCTION = 60
LONG_REASON = "More than 60 lines"

# Where instructions may be written: the architecture's folder, user space's start-up and system calls,
# and the benchmarks' marker. The target tests pin the ABI register by register, wrong numbers included, which
# src/user/lib would hide.
ASSEMBLY = ("src/arch/arm64/", "src/user/lib/", "test/bench/", "test/target/")
# The only files that may hold a TLB invalidation: the port, and the code that runs before there is one.
INVALIDATION = ("src/arch/arm64/include/port_", "src/arch/arm64/port", "src/arch/arm64/head.S", "src/arch/arm64/start",
                "src/arch/arm64/boot")


class File:
    """A text file: its path from the top, its lines, and its lines without comments and strings."""

    def __init__(self, top, path):
        self.path = path
        with open(os.path.join(top, path), encoding="utf-8", errors="replace") as file:
            self.text = file.read()
        self.lines = self.text.splitlines()
        self._code = None

    @property
    def code(self):
        """Lines with comments blanked; strings stay."""
        if self._code is None:
            pattern = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/', re.DOTALL)

            def blank(match):
                token = match[0]
                return token if token[0] in "\"'" else re.sub(r"[^\n]", " ", token)

            self._code = pattern.sub(blank, self.text).splitlines()
        return self._code

    def find(self, expression, lines=None):
        """Yields (line number, match) of each hit in the code."""
        for number, line in enumerate(self.code if lines is None else lines, 1):
            for match in re.finditer(expression, line):
                yield number, match


def functions(code):
    """Yields (first line, last line) of each function definition in CODE, comments already blanked."""
    depth = 0
    head = ""   # the text since the last declaration ended
    first = 0
    for number, line in enumerate(code, 1):
        if line.lstrip().startswith("#") or (not line.strip()):
            continue
        text = re.sub(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'', "0", line)
        for character in text:
            if depth == 0 and not head.strip() and not character.isspace():
                first = number
            if character == "{":
                if depth == 0:
                    definition = re.search(r"\)\s*$", head) and "=" not in head
                depth += 1
            elif character == "}":
                depth -= 1
                if depth == 0:
                    if definition:
                        yield first, number
                    head = ""
            elif depth == 0:
                head = "" if character == ";" else head + character
        head += " "


class Tree:
    """The files under version control, and those about to be."""

    def __init__(self, top):
        listed = subprocess.run(["git", "-c", f"safe.directory={top}", "-C", top, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                                check=True, capture_output=True).stdout.decode().split("\0")
        self.paths = sorted({path for path in listed if path and os.path.isfile(os.path.join(top, path))})
        self.top = top
        self._files = {}

    def files(self, *suffixes, under=""):
        for path in self.paths:
            if path.startswith(under) and path.endswith(suffixes or ("",)):
                if path not in self._files:
                    self._files[path] = File(self.top, path)
                yield self._files[path]

    def scripts(self):
        """Scripts without a suffix."""
        for file in self.files():
            if "." not in os.path.basename(file.path) and file.text.startswith("#!"):
                yield file


def rule_file_size(tree):
    """no file has more than 600 lines"""
    for file in list(tree.files(*SOURCE, ".py", ".sh", ".cmake", ".lds", "CMakeLists.txt")) + list(tree.scripts()):
        if len(file.lines) > MAX_FILE:
            yield file.path, len(file.lines), f"{len(file.lines)} lines"


def rule_function_size(tree):
    """no C function has more than 60 lines without a reason in the comment above it"""
    for file in tree.files(".c", ".h"):
        for start, end in functions(file.code):
            if end - start + 1 > MAX_FUNCTION:
                above = "\n".join(file.lines[max(0, start - 12):start])
                if LONG_REASON not in above:
                    yield file.path, start, f"a function of {end - start + 1} lines"


def rule_assembly_place(tree):
    """assembly stands only in the architecture's folder, src/user/lib and the benchmark marker"""
    for file in tree.files(*SOURCE):
        if file.path.startswith(ASSEMBLY):
            continue
        if file.path.endswith(".S"):
            yield file.path, 1, "an assembly file"
            continue
        for number, match in file.find(r"\b(__asm__|__asm|asm)\b"):
            yield file.path, number, match[0]


def rule_barrier_place(tree):
    """no TLBI and no DSB outside src/arch/arm64"""
    for file in tree.files(*SOURCE, under="src/"):
        if file.path.startswith("src/arch/arm64/"):
            continue
        for number, match in file.find(r'"[^"]*\b(tlbi|dsb)\s+\w+[^"]*"', None):
            yield file.path, number, match[0]


def rule_invalidation_place(tree):
    """in src/arch/arm64, TLBI stands only in the port and in the code before it"""
    for file in tree.files(*SOURCE, under="src/arch/arm64/"):
        if file.path.startswith(INVALIDATION):
            continue
        for number, match in file.find(r"\btlbi\s+[a-z0-9]+"):
            yield file.path, number, match[0]


def rule_one_finish(tree):
    """one file ends batches: shared TLBI and their completing DSB are called only in src/mmu/finish.c"""
    # vspace.c: the DSB between setting a PE's bit and loading the root orders a store, it completes no TLBI.
    # fault.c: the PE's own stale entry, by a TLBI that is not broadcast, and the store's ISHST.
    allowed = {"port_tlbi": ("finish.c", "fault.c"), "port_dsb_ish": ("finish.c", "vspace.c"),
               "port_dsb_ishst": ("finish.c", "fault.c"), "port_dsb_nsh": ("fault.c",)}
    for room in ("src/mmu/", "src/core/", "src/drivers/"):
        for file in tree.files(".c", ".h", under=room):
            for number, match in file.find(r"\b(port_tlbi|port_dsb_ish|port_dsb_ishst|port_dsb_nsh)\("):
                if file.path not in ["src/mmu/" + name for name in allowed[match[1]]]:
                    yield file.path, number, match[1]
            for number, match in file.find(r"\bport_tlbi\(\s*PORT_TLBI_\w*IS\b"):
                if file.path != "src/mmu/finish.c":
                    yield file.path, number, match[0]


def rule_one_encoder(tree):
    """TLBI operands are made in src/mmu/tlbi.c only"""
    for file in tree.files(".c", ".h", under="src/mmu/"):
        text = "\n".join(file.code)
        for match in re.finditer(r"\bport_tlbi\(([^;]*)\);", text):
            operand = match[1].split(",", 1)[-1].strip()
            number = text.count("\n", 0, match.start()) + 1
            if file.path == "src/mmu/finish.c" and re.fullmatch(r"operand( \+ \w+ \* \w+)?", operand):
                continue # the loop that repeats the encoder's operand page by page
            if not re.fullmatch(r"tlbi_operand_\w+\(.*\)", operand, re.DOTALL):
                yield file.path, number, f"operand {operand}"
        if file.path not in ("src/mmu/tlbi.c", "src/mmu/tlbi.h"):
            for number, match in file.find(r"<<\s*(44|TLBI_\w+SHIFT)\b"):
                yield file.path, number, match[0]


def rule_descriptor_port(tree):
    """descriptors are read and written through the port only"""
    # A table's memory is reached by its physical address; turning that into a pointer is for the
    # bookkeeping in a chunk's first page, which layout.h, chunk.c and asid.c look up, and for the words of
    # user memory that fault.c reads.
    for file in tree.files(".c", ".h", under="src/mmu/"):
        if file.path in ("src/mmu/layout.h", "src/mmu/chunk.c", "src/mmu/asid.c", "src/mmu/fault.c"):
            continue
        for number, match in file.find(r"\bport_kernel_address\("):
            yield file.path, number, match[0]
    for room in ("src/mmu/", "src/core/"):
        for file in tree.files(".c", ".h", under=room):
            for number, match in file.find(r"\bdesc_t\s*\*\s*\w+\s*=|\(\s*(volatile\s+)?desc_t\s*\*\s*\)|^\s*\*\s*\w*desc\w*\s*="):
                yield file.path, number, match[0].strip()
    for file in tree.files(".c", ".h", under="src/core/"):
        for number, match in file.find(r"\bport_(desc_\w+|table_zero)\("):
            yield file.path, number, match[0]


def rule_core_neutral(tree):
    """no word of the architecture in src/core"""
    words = r"\b(aarch64|arm64|ARM64|TTBR\w*|ttbr\w*|TLBI|tlbi|ESR\w*|esr\w*|FAR_\w+|SCTLR\w*|MAIR\w*|TCR\w*|EL[0123])\b"
    for file in tree.files(*SOURCE, under="src/core/"):
        for number, match in file.find(words):
            # The ABI's own word for what a gather cost: a member of its totals.
            if not re.search(r"(->|\.)$", match.string[:match.start()]):
                yield file.path, number, match[0]
        for number, match in file.find(r'#\s*include\s+[<"].*arch/'):
            yield file.path, number, match[0]


def rule_no_conditional_logic(tree):
    """no conditional compilation in logic: only include guards and SHEAF_DEBUG"""
    for room in ("src/core/", "src/mmu/", "src/drivers/", "src/arch/"):
        for file in tree.files(".c", ".h", under=room):
            for number, match in file.find(r"^\s*#\s*(if|ifdef|ifndef|elif)\b\s*(.*)$"):
                condition = match[2].strip()
                guard = match[1] == "ifndef" and re.search(rf"^\s*#\s*define\s+{re.escape(condition)}\s*$",
                                                           file.text, re.MULTILINE)
                debug = r"(defined\(SHEAF_DEBUG\)( && SHEAF_DEBUG)?|SHEAF_DEBUG|!?\s*defined\(?\s*__ASSEMBLER__\)?|__ASSEMBLER__)"
                if not guard and not re.fullmatch(debug, condition):
                    yield file.path, number, match[0].strip()


def rule_header(tree):
    """every source file begins with its licence"""
    for file in tree.files(*SOURCE):
        if not file.lines or "SPDX-License-Identifier: BSD-2-Clause" not in file.lines[0]:
            yield file.path, 1, "no SPDX-License-Identifier in the first line"
    for file in list(tree.files(".py", ".sh")) + list(tree.scripts()):
        if not any("SPDX-License-Identifier: BSD-2-Clause" in line for line in file.lines[:4]):
            yield file.path, 1, "no SPDX-License-Identifier in the first lines"


def rule_whole_pipes(tree):
    """no shell script pipes into a command that ends early: with pipefail that fails now and then"""
    for file in list(tree.files(".sh")) + list(tree.scripts()):
        if "pipefail" not in file.text and not file.path.endswith(".sh"):
            continue
        for number, line in enumerate(file.lines, 1):
            if not line.lstrip().startswith("#") and re.search(r"\|\s*(grep\s+-\w*q|head\b|sed\s+(-n\s+)?'?\d*q)", line):
                yield file.path, number, line.strip()


def rule_unfinished(tree):
    """no mark of unfinished work"""
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
    for file in tree.files():
        for number, match in file.find(marks, file.lines):
            yield file.path, number, match[0]


def rule_no_mirror(tree):
    """no package mirror and no path of one machine is named"""
    for file in tree.files():
        for number, match in file.find(r"(deb|security|archive|ports)\.(debian|ubuntu)\.\w+|(?<![\w.}])/(home|root)/\w+", file.lines):
            yield file.path, number, match[0]


def rule_test_names(tree):
    """every test is built: a CMakeLists.txt names each C file under test/"""
    texts = {os.path.dirname(file.path): file.text for file in tree.files("CMakeLists.txt", under="test/")}
    for file in tree.files(".c", under="test/"):
        folder, name = os.path.split(file.path)
        if folder == "test/proof":  # scripts/prove takes all there are
            continue
        named = any(re.search(rf"\b{re.escape(name)}\b", text) for text in texts.values())
        # Or by the stem, where the folder's list has a pattern such as ${name}_test.c.
        own = texts.get(folder, "")
        for ending in re.findall(r"\$\{\w+\}(\w*\.c)\b", own):
            named = named or (name.endswith(ending) and
                              re.search(rf"\b{re.escape(name.removesuffix(ending))}\b", own) is not None)
        if not named:
            yield file.path, 1, "no CMakeLists.txt names this file"


RULES = [value for name, value in sorted(globals().items()) if name.startswith("rule_")]


def main():
    top = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    tree = Tree(top)
    print(f"1..{len(RULES)}")
    failed = False
    for number, rule in enumerate(RULES, 1):
        found = sorted(set(rule(tree)))
        for path, line, what in found[:50]:
            print(f"# {path}:{line}: {what}")
        if len(found) > 50:
            print(f"# and {len(found) - 50} more")
        print(f"{'not ok' if found else 'ok'} {number} - {rule.__doc__.splitlines()[0]}")
        failed = failed or bool(found)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
