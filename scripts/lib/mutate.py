#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes a copy of the kernel's sources in which each mutant is chosen at run time.

    mutate.py [--root DIR] generate OUT      writes the copy below OUT, one folder for each room
    mutate.py [--root DIR] list              prints `NUMBER  KIND  NAME` for each mutant

There are two sorts of mutants. Every call of a port function that orders, invalidates or exchanges is a site,
and has the mutants that OPERATORS lists for that function: they are found in the sources, not written down. The
others are rows of test/mutants/*.mutants, each a piece of source text with what stands in its place:

    kind KIND                 one of the kinds that docs/verification.md lists, for the rows that follow
    mutant NAME
    in FILE [FUNCTION]        where the text stands, exactly once; FUNCTION narrows that down
    - TEXT                    an expression, or statements if it ends with ; or }. Spaces do not count
    + TEXT                    what it is instead; nothing: the statements are left out
    equivalent REASON         no test can tell: it is run all the same, and must not be caught

    site FILE FUNCTION CALL OPERATOR          with `equivalent REASON` behind it: for one mutant of a site
    sites FILE                                a room's sites are counted where a file of it is named so

A text that is not there, or more than once, a port function that is in no list here, and a site without a mutant
are errors: nothing is generated then.
"""
import argparse
import re
import sys
from pathlib import Path

ROOMS = ("mmu", "core")  # folders of src
TABLES = "test/mutants"

# Port function -> its mutants, in the order in which test/mutants/mutant.h numbers them.
OPERATORS = {
    "port_dsb_ishst": ("dropped", "only DMB ISHST"),
    "port_dsb_ish": ("dropped", "only DSB ISHST", "only DSB NSH"),
    "port_dsb_nsh": ("dropped", "only DSB ISHST"),
    "port_dmb_ishst": ("dropped",),
    "port_isb": ("dropped",),
    "port_tlbi": ("dropped", "of another ASID", "of another address", "on this PE only", "of the last level only"),
    "port_desc_exchange": ("not exchanged but read and written", "only read"),
    "port_desc_compare_exchange": ("not exchanged but read and written", "only compared"),
    "port_desc_toggle_run": ("not exchanged but read and written", "not done"),
    "port_desc_clear_run": ("not exchanged but read and written", "not done"),
    "port_evict_root": ("dropped",),
    "port_sync_instructions": ("dropped",),
    "port_clean_and_invalidate": ("dropped",),
}
# A site that names an operation of this PE by address has no weaker ones.
LOCAL_TLBI = re.compile(r"\s*PORT_TLBI_(VALE1|VMALLE1)\s*,")
LOCAL_OPERATORS = 3
LEAF_TLBI = re.compile(r"\s*PORT_TLBI_(VALE1IS|RVALE1IS|VAALE1IS)\s*,") # nor has one for leaves a lesser kind
LEAF_OPERATORS = 4
KIND_OF_OPERATOR = {"on this PE only": "local for broadcast", "of the last level only": "leaf-only for walk-cache",
                    "of another ASID": "wrong operand", "of another address": "wrong operand"}
# What the other port functions are: their absence is no question of order, or rows of the tables take it.
PLAIN = {"port_desc_read", "port_desc_write", "port_table_zero", "port_desc_alike_run", "port_load_root",
         "port_loaded_root", "port_relax", "port_walk_begin", "port_walk_end", "port_pe", "port_preemption_pending",
         "port_kernel_address", "port_physical_address", "port_count", "port_note"}

TOKEN = re.compile(r"[A-Za-z_]\w*|\d\w*|[^\s\w]")
COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/', re.DOTALL)
HEAD = re.compile(r"\b(\w+)\s*\((?:[^;{}()]|\([^()]*\))*\)\s*\{")


class Wrong(Exception):
    """What is wrong with tree or tables, and what to do about it."""


class Mutant:
    """One mutant. `site`: the call that it belongs to, None for a row of a table."""

    def __init__(self, kind, name, file, function, site=None):
        self.kind, self.name, self.file, self.function, self.site = kind, name, file, function, site
        self.number = 0
        self.equivalent = ""
        self.old = self.new = ""
        self.span = None

    @property
    def title(self):
        return f"{self.file} {self.function}: {self.name}" if self.function else f"{self.file}: {self.name}"


class Source:
    """A file of a room: its text, and the same with comments blanked."""

    def __init__(self, root, path):
        self.path = str(path.relative_to(root))
        self.text = path.read_text()
        self.code = COMMENT.sub(lambda match: match[0] if match[0][0] in "\"'" else re.sub(r"[^\n]", " ", match[0]),
                                self.text)
        self.functions = list(self._functions())

    def _functions(self):
        """Yields (name, begin, end) of each function, with its head."""
        at = 0
        while match := HEAD.search(self.code, at):
            depth, end = 1, match.end()
            while depth and end < len(self.code):
                depth += {"{": 1, "}": -1}.get(self.code[end], 0)
                end += 1
            yield match[1], match.start(), end
            at = end

    def function_at(self, position):
        return next((name for name, begin, end in self.functions if begin <= position < end), "")

    def find(self, text, function):
        """The spans of `text`, whatever its spaces; in one function if that is named."""
        tokens = TOKEN.findall(text)
        pattern = ""
        for before, token in zip([""] + tokens, tokens):
            both = before[-1:].isidentifier() and token[:1].isidentifier() or before[-1:].isalnum() and token[:1].isalnum()
            pattern += (r"\s+" if both else r"\s*") if before else ""
            pattern += re.escape(token)
        pattern = (r"(?<!\w)" if tokens[0][0].isalnum() else "") + pattern
        pattern += r"(?!\w)" if tokens[-1][-1].isalnum() else ""
        spans = [match.span() for match in re.finditer(pattern, self.code)]
        return [span for span in spans if not function or self.function_at(span[0]) == function]


def port_functions(root):
    text = COMMENT.sub("", (root / "include/port.h").read_text())
    return re.findall(r"^static inline [^;{]*?\b(port_\w+)\(", text, re.MULTILINE)


def find_sites(root, sources):
    """Returns the mutants of all sites."""
    unknown = [name for name in port_functions(root) if name not in OPERATORS and name not in PLAIN]
    if unknown:
        raise Wrong(f"include/port.h: {unknown[0]} is in neither list of scripts/lib/mutate.py: add it to OPERATORS, "
                    "with its function in test/mutants/mutant.h, or to PLAIN")
    mutants = []
    for source in sources:
        seen = {}
        for match in re.finditer(r"(?<!enum )\b(port_\w+)\b(\s*\()?", source.code):
            call = match[1]
            if call not in OPERATORS:
                continue
            line = source.code.count("\n", 0, match.start()) + 1
            if not match[2]:
                raise Wrong(f"{source.path}:{line}: {call} without a call: a site without mutants; call it here")
            function = source.function_at(match.start())
            key = (function, call)
            seen[key] = seen.get(key, 0) + 1
            name = call if seen[key] == 1 else f"{call}#{seen[key]}"
            operators = OPERATORS[call]
            if call == "port_tlbi" and LOCAL_TLBI.match(source.code, match.end()):
                operators = operators[:LOCAL_OPERATORS]
            elif call == "port_tlbi" and LEAF_TLBI.match(source.code, match.end()):
                operators = operators[:LEAF_OPERATORS]
            for operator in operators:
                kind = KIND_OF_OPERATOR.get(operator, "port call left out or weakened")
                mutant = Mutant(kind, f"{name} {operator}", source.path, function, (source.path, match.start()))
                mutant.span = match.span()
                mutants.append(mutant)
    return mutants


def read_table(path, rows, notes):
    """Adds the rows of one table: mutants, and (file, function, name) -> reason for sites."""
    kind, row, site = "", None, None

    def wrong(why):
        raise Wrong(f"{path.name}:{number}: {why}")

    for number, line in enumerate(path.read_text().splitlines(), 1):
        word, _, rest = line.partition(" ")
        if not line.strip() or line.startswith("#"):
            continue
        if word == "kind":
            kind = rest
        elif word == "mutant":
            if not kind:
                wrong("a mutant before the first `kind`")
            row, site = Mutant(kind, rest, "", ""), None
            row.where = f"{path.name}:{number}"
            rows.append(row)
        elif word == "site":
            row, site = None, tuple(rest.split(" ", 2))
        elif word == "equivalent":
            if row is not None:
                row.equivalent = rest
            elif site is not None:
                notes[site] = rest
            else:
                wrong("`equivalent` belongs behind a mutant or a site")
        elif row is None:
            wrong(f"`{word}` belongs behind a mutant")
        elif word == "in":
            row.file, _, row.function = rest.partition(" ")
        elif word == "-":
            row.old += rest + "\n"
        elif word == "+":
            row.new += rest + "\n"
        else:
            wrong(f"unknown word `{word}` (the head of scripts/lib/mutate.py says which there are)")


def place(row, sources):
    """Finds a row's text in its file."""
    source = sources.get(row.file)
    if source is None:
        raise Wrong(f"{row.where}: there is no file {row.file}: correct `in`")
    if not TOKEN.findall(row.old):
        raise Wrong(f"{row.where}: `{row.name}` says no text to replace: give it in lines that begin with `- `")
    for text in (row.old, row.new):
        if re.search(r"(&&|\|\||,|\?|=)\s*$", text):
            raise Wrong(f"{row.where}: `{row.name}`: `{text.strip()}` is neither an expression nor statements")
    spans = source.find(row.old, row.function)
    if len(spans) != 1:
        where = f"{row.file} {row.function}".strip()
        raise Wrong(f"{row.where}: `{row.name}`: its text stands {len(spans)} times in {where}, not once: "
                    "make the row say what the source says now, or remove it with the guard")
    row.span = spans[0]
    row.function = row.function or source.function_at(spans[0][0])


def collect(root):
    """Returns (sources by path, mutants in the order of their numbers)."""
    files = sorted(path for room in ROOMS for path in (root / "src" / room).glob("*.[ch]"))
    sources = {source.path: source for source in (Source(root, path) for path in files)}
    mutants = find_sites(root, sources.values())
    rows, notes = [], {}
    for table in sorted((root / TABLES).glob("*.mutants")):
        read_table(table, rows, notes)
    for row in rows:
        place(row, sources)
    for file, function, name in notes:
        found = [mutant for mutant in mutants if (mutant.file, mutant.function, mutant.name) == (file, function, name)]
        if not found:
            raise Wrong(f"there is no site `{file} {function} {name}`: `./scripts/mutants --list` shows them")
        found[0].equivalent = notes[file, function, name]
    mutants += rows
    names = set()
    for number, mutant in enumerate(mutants, 1):
        mutant.number = number
        if mutant.title in names:
            raise Wrong(f"two mutants are called `{mutant.title}`: give one another name")
        names.add(mutant.title)
    for site in {mutant.site for mutant in mutants if mutant.site}:
        if all(mutant.equivalent for mutant in mutants if mutant.site == site):
            name = next(mutant.title for mutant in mutants if mutant.site == site)
            raise Wrong(f"a site without a mutant: all of `{name}` are said to be equivalent")
    for path in sources:
        nest([mutant for mutant in mutants if mutant.file == path])
    return sources, mutants


def nest(mutants):
    """Spans, outer ones first, as [(span, mutants, inner spans)]."""
    spans = {}
    for mutant in mutants:
        spans.setdefault(mutant.span, []).append(mutant)
    top, open_spans = [], []
    for span in sorted(spans, key=lambda span: (span[0], -span[1])):
        while open_spans and open_spans[-1][0][1] <= span[0]:
            open_spans.pop()
        if open_spans and open_spans[-1][0][1] < span[1]:
            raise Wrong(f"`{spans[span][0].title}` and `{open_spans[-1][1][0].title}` overlap: make one of the two "
                        "texts part of the other")
        node = (span, spans[span], [])
        (open_spans[-1][2] if open_spans else top).append(node)
        open_spans.append(node)
    return top


def render(source, begin, end, nodes):
    """The text of [begin, end) with its mutants."""
    out, at = "", begin
    for (first, last), mutants, inner in nodes:
        out += source.text[at:first]
        if mutants[0].site:
            call = re.match(r"port_(\w+)", source.code[first:last])[1]
            empty = source.code[last:].lstrip().startswith(")")
            out += f"mutant_{call}({mutants[0].number}{'' if empty else ', '}"
        else:
            text = render(source, first, last, inner)
            statement = mutants[0].old.rstrip().endswith((";", "}"))
            for mutant in mutants:
                if statement:
                    text = f"{{ if (mutant_is({mutant.number})) {{ {mutant.new} }} else {{ {text} }} }}"
                else:
                    text = f"(mutant_is({mutant.number}) ? ({mutant.new}) : ({text}))"
            out += text
        at = last
    return out + source.text[at:end]


def c_string(text):
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def update(path, text):
    """Writes a file; what is as it was is not compiled again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def generate(root, out):
    sources, mutants = collect(root)
    for source in sources.values():
        own = nest([mutant for mutant in mutants if mutant.file == source.path])
        text = f'#include <mutant.h>\n#line 1 "{source.path}"\n' + render(source, 0, len(source.text), own)
        update(out / Path(source.path).relative_to("src"), text)
    titles = "".join(f"    {c_string(mutant.title)},\n" for mutant in mutants)
    update(out / "titles.c", f"const char *const mutant_titles[] = {{\n{titles}    0,\n}};\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2], metavar="DIR")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("generate").add_argument("out", type=Path, metavar="OUT")
    commands.add_parser("list")
    arguments = parser.parse_args()
    try:
        if arguments.command == "generate":
            generate(arguments.root, arguments.out)
        else:
            for mutant in collect(arguments.root)[1]:
                note = f"  (equivalent: {mutant.equivalent})" if mutant.equivalent else ""
                print(f"{mutant.number:4}  {mutant.kind}  {mutant.title}{note}")
    except Wrong as wrong:
        sys.exit(f"mutants: {wrong}")


if __name__ == "__main__":
    main()
