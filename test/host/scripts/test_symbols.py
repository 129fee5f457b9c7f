#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The symbol table generator, fed with nm's output through a program that stands in for nm."""
import os
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path[:0] = [os.path.join(TOP, "test/lib"), os.path.join(TOP, "scripts/lib")]
import symbols # noqa: E402
from cases import case, check, equal, main # noqa: E402

NM = """0000000000001000 T _start
0000000000001040 t $x
0000000000001040 0000000000000020 t helper
0000000000001060 0000000000000010 t alias_local
0000000000001060 0000000000000010 T exported
0000000000002000 0000000000000008 R constant
0000000000003000 B variable
                 U undefined
"""


def functions(text, start="_start"):
    with tempfile.TemporaryDirectory() as directory:
        nm = os.path.join(directory, "nm")
        with open(nm, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\ncat <<'END'\n" + text + "END\n")
        os.chmod(nm, 0o755)
        return symbols.functions(nm, start, "kernel.elf")


@case("only code is listed, ascending from the start, with the global of two names")
def _():
    equal(functions(NM), ([(0, "_start"), (0x40, "helper"), (0x60, "exported")], 0x70))


@case("an image without the start symbol is refused")
def _():
    try:
        functions(NM, "no_such_symbol")
    except SystemExit as error:
        check("no_such_symbol" in str(error), str(error))
    else:
        check(False, "it was accepted")


@case("names are found at the index the table gives")
def _():
    table, end = functions(NM)
    lines = symbols.render(table, end).splitlines()
    words = [line.split(".word ")[1] for line in lines if ".word 0x" in line and "," in line]
    names = "".join(line.split('"')[1] + "\0" for line in lines if ".asciz" in line)
    for word, (offset, name) in zip(words, table):
        equal(int(word.split(",")[0], 16), offset, "offset")
        index = int(word.split(",")[1])
        equal(names[index:names.index("\0", index)], name, "name")


main()
