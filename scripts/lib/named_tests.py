#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Finds the tests whose names documents refer to, in the sources.

    named_tests.py [--root DIR] scenarios      prints `ID  TEST  FILE` for each test of a failure scenario

A test counts when it is registered with cmocka, or is a row of a table from which a program makes its tests.
"""
import argparse
import re
import sys
from pathlib import Path

REGISTERED = re.compile(r"\b(?:cmocka_unit_test\w*|[A-Z]+_TEST)\(\s*(\w+)")
ROW = re.compile(r'\{\s*"((?:rule|scenario|planted)_\w+)"')
SCENARIO = re.compile(r"scenario_(\d)([a-z])_")


def named_tests(root):
    """Returns {name: file from the top}."""
    found = {}
    for path in sorted((root / "test").rglob("*.c")):
        text = path.read_text()
        for name in REGISTERED.findall(text) + ROW.findall(text):
            found[name] = str(path.relative_to(root))
    return found


def scenarios(root):
    """Returns (id, test, file) in the order of the ids."""
    found = []
    for name, file in named_tests(root).items():
        match = SCENARIO.search(name)
        if match:
            found.append((f"{match[1]}-{match[2]}", name, file))
    return sorted(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("what", choices=["scenarios"])
    for number, name, file in scenarios(parser.parse_args().root):
        print(f"{number}  {name}  {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
