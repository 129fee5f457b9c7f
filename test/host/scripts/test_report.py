#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""test/bench/report.py: what the stage `bench` lets pass, and what it does not."""
import contextlib
import io
import os
import sys
from pathlib import Path

TOP = Path(os.path.abspath(__file__)).parents[3]
sys.path.insert(0, str(TOP / "test/lib"))
sys.path.insert(0, str(TOP / "test/bench"))
sys.dont_write_bytecode = True
import report # noqa: E402
from cases import case, check, main # noqa: E402

LIMITS = {"slow": report.Limit(1000), "fast": report.Limit(1000)}
OPEN = ["# a comment\n", "\n", "slow 1500 1700\n"]


def judge(name, kernel, above, ranges=False):
    """Whether the row passes, and its line."""
    row = {"case": name, "kernel": kernel, "limit": 1000, "above": above}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        good = report.print_tap([row], report.read_open(OPEN, LIMITS, ranges))
    plan, line = printed.getvalue().splitlines()
    check(plan == "1..1", plan)
    check(good == line.startswith("ok 1 - "), line)
    return good, line


@case("a row within its limit passes")
def _():
    check(judge("fast", 1000, []) == (True, "ok 1 - fast: 1000 of 1000"), "it does not")


@case("a row above its limit fails")
def _():
    check(judge("fast", 1001, ["above"]) == (False, "not ok 1 - fast: 1001 of 1000"), "it does not")


@case("an open row passes up to what it takes so far")
def _():
    check(judge("slow", 1500, ["above"])[0], "it does not")
    check(judge("slow", 1700, ["above"], ranges=True)[0], "not with range operations")


@case("an open row that gets worse fails")
def _():
    good, line = judge("slow", 1501, ["above"])
    check(not good and "more than the 1500 so far" in line, line)
    check(not judge("slow", 1701, ["above"], ranges=True)[0], "not with range operations")


@case("an open row that is within its limit is told to leave the list")
def _():
    good, line = judge("slow", 900, [])
    check(good and "strike it from test/bench/open.txt" in line, line)


@case("an open row with too many invalidations fails")
def _():
    check(not judge("slow", 1400, ["above", "above 2 DSB"])[0], "together with its instructions")
    check(not judge("slow", 900, ["above 2 DSB"])[0], "alone")


@case("an open row that was not measured fails")
def _():
    check(not judge("slow", None, [])[0], "it passes")


@case("an open row must be a case, have both figures and stand once")
def _():
    for line in ("slow\n", "slow 1500\n", "other 1 1\n"):
        try:
            report.read_open([line], LIMITS, False)
        except report.Failed:
            continue
        check(False, line)
    try:
        report.read_open(OPEN + OPEN, LIMITS, False)
    except report.Failed:
        return
    check(False, "twice")


main()
