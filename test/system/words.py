#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The main job: its words are those of tr, sort, uniq and head, however little memory the pager has."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import make_text # noqa: E402
from cases import case, check, equal, main # noqa: E402
from machine import BOOT, RUN, needs_raspi4b, run # noqa: E402

DEFAULT = "/usr/share/common-licenses/GPL-3"
REFERENCE = ("export LC_ALL=C; tr -cs A-Za-z '\\n' <\"$1\" | tr A-Z a-z | sed '/^$/d' | sort | uniq -c"
             " | sort -k1,1nr -k2,2 | head -20")


def reference(path):
    output = subprocess.run(["bash", "-c", REFERENCE, "bash", path], capture_output=True, text=True, check=True).stdout
    return [(int(line.split()[0]), line.split()[1]) for line in output.splitlines()]


def words(path, *options, frames=None, limit=120):
    """Boots the main job on PATH; returns the run after comparing its words."""
    bootargs = "run=words file=" + os.path.basename(path) + (f" frames={frames}" if frames else "")
    result = run(BOOT + ["--add", "file=" + path, *options, "--bootargs", bootargs], limit)
    result.expect_status(0)
    equal(result.words, reference(path), "words")
    return result


def smallest_budget():
    """What the pager itself says: it refuses one frame and names what it needs."""
    result = run(BOOT + ["--add", "file=" + DEFAULT, "--bootargs", "run=words file=GPL-3 frames=1"], 60)
    said = re.search(r"at least (\d+) frames", result.text)
    check(said, f"no clear error about one frame:\n{result.tail()}")
    equal(result.status, 2, "exit status")
    return int(said[1])


@case("the default file, as a user runs it, through U-Boot, with evictions")
def _():
    result = run([RUN], 120)
    result.expect_status(0)
    equal(result.words, reference(DEFAULT), "words")
    check(result.counter("pager.evicted.clean") + result.counter("pager.evicted.dirty") > 0, "nothing was evicted")
    check(result.counter("gather.unmapped") > 0, "nothing was unmapped")
    check(result.first_line is not None and result.first_line < 10,
          f"the kernel's first line came after {result.first_line} s")


@case("the default file at the smallest budget")
def _():
    budget = smallest_budget()
    result = words(DEFAULT, frames=budget)
    equal(result.counter("pager.frames"), budget, "budget")
    check(result.counter("pager.evicted.clean") + result.counter("pager.evicted.dirty") > 0, "nothing was evicted")


@case("one frame below the smallest budget is a clear error")
def _():
    budget = smallest_budget()
    result = run(BOOT + ["--add", "file=" + DEFAULT, "--bootargs", f"run=words file=GPL-3 frames={budget - 1}"], 60)
    result.expect_status(2)
    check(f"at least {budget} frames" in result.text, result.tail())
    equal(result.words, [], "words")


@case("an empty file")
def _():
    with tempfile.NamedTemporaryFile() as file:
        equal(words(file.name).words, [], "words")


@case("one line without a newline at its end")
def _():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"The end, the END; an end without end")
        file.flush()
        equal(words(file.name).words, [(4, "end"), (2, "the"), (1, "an"), (1, "without")], "words")


@case("the last byte of a page is the last byte of the file")
def _():
    with tempfile.NamedTemporaryFile() as file:
        file.write((b"page " * 820)[:4095] + b"x")
        file.flush()
        words(file.name)


@case("on the Raspberry Pi 4's machine the words are the same")
def _():
    needs_raspi4b()
    words(DEFAULT, "--machine", "raspi4b")


@case("a large file with 100,000 words, at a tenth of the pages it touches, within 180 s")
def _():
    size = 10 * 1024 * 1024
    with tempfile.NamedTemporaryFile() as file:
        file.write(make_text.text(size, 120000).encode())
        file.flush()
        distinct = subprocess.run(["bash", "-c", "tr -cs A-Za-z '\\n' <\"$1\" | tr A-Z a-z | LC_ALL=C sort -u | wc -l", "bash",
                                   file.name], capture_output=True, text=True, check=True).stdout
        check(int(distinct) >= 100000, f"only {distinct} words")
        budget = size // 4096 // 10 # a tenth of the file's pages alone; the heap's come on top
        result = words(file.name, frames=budget, limit=180)
    check(result.counter("pager.frames") * 10 <= result.counter("pager.touched"),
          f"{result.counter('pager.frames')} frames are more than a tenth of {result.counter('pager.touched')} pages")
    tlbi = sum(value for name, value in result.table.items() if name.startswith("tlbi.") and ".avoided" not in name)
    check(tlbi > 0, "no TLBI")
    for name in ("pager.evicted.dirty", "pager.swapped.in", "tables.freed"):
        check(result.counter(name) > 0, f"{name} is 0")
    print(f"# {result.seconds:.0f} s, {result.counter('pager.touched')} pages, {result.counter('pager.faults')} faults")


main()
