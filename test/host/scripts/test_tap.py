#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The collector of test results must not be fooled: each way in which a run can be incomplete is a failure."""
import io
import os
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path[:0] = [os.path.join(TOP, "test/lib"), os.path.join(TOP, "scripts/lib")]
import tap # noqa: E402
from cases import case, check, equal, main # noqa: E402


def judge(text, status=0, timed_out=False):
    """Returns (whether it was good, the kinds of its results, their texts)."""
    collector = tap.Collector("t")
    for line in text.splitlines():
        collector.line(line)
    good = collector.end(status, timed_out, 1)
    return good, [kind for kind, _ in collector.results], [text for _, text in collector.results]


def running(command):
    """Whether any process runs COMMAND. From /proc, since ps is not everywhere."""
    wanted = "\0".join(command).encode() + b"\0"
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if file.read() == wanted:
                    return True
        except OSError:
            pass
    return False


@case("a complete plan passes")
def _():
    equal(judge("1..2\nok 1 - a\nok 2 - b\n"), (True, ["pass", "pass"], ["t: a", "t: b"]))


@case("a plan at the end counts as well")
def _():
    equal(judge("ok 1 - a\nok 2 - b\n1..2\n")[:2], (True, ["pass", "pass"]))


@case("other output in between is passed over")
def _():
    equal(judge("U-Boot 2023.01\n1..1\nhello ok 1\nok 1 - a\n# ok 2\n")[:2], (True, ["pass"]))


@case("a failed case fails")
def _():
    equal(judge("1..2\nok 1 - a\nnot ok 2 - b\n")[:2], (False, ["pass", "fail"]))


@case("a plan cut short fails")
def _():
    good, kinds, texts = judge("1..3\nok 1 - a\nok 2 - b\n")
    equal((good, kinds), (False, ["pass", "pass", "fail"]))
    check("3 cases planned, 2 reported" in texts[2], texts[2])


@case("more cases than planned fail")
def _():
    equal(judge("1..1\nok 1 - a\nok 2 - b\n")[:2], (False, ["pass", "pass", "fail"]))


@case("a case left out fails")
def _():
    equal(judge("1..3\nok 1 - a\nok 3 - c\nok 3 - c\n")[0], False)


@case("no output fails")
def _():
    equal(judge("")[:2], (False, ["fail"]))


@case("cases without a plan fail")
def _():
    equal(judge("ok 1 - a\n")[0], False)


@case("an exit status other than 0 fails although all cases passed")
def _():
    good, kinds, texts = judge("1..1\nok 1 - a\n", status=1)
    equal((good, kinds), (False, ["pass", "fail"]))
    check("exit status 1" in texts[1], texts[1])


@case("a time-out fails although all cases passed")
def _():
    equal(judge("1..1\nok 1 - a\n", timed_out=True)[:2], (False, ["pass", "fail"]))


@case("bail out fails")
def _():
    equal(judge("1..1\nok 1 - a\nBail out! no memory\n")[0], False)


@case("skips keep their name and reason")
def _():
    good, kinds, texts = judge("1..2\nok 1 - a # SKIP no board\nnot ok 2 # SKIP b\n")
    equal((good, kinds), (True, ["skip", "skip"]))
    equal(texts, ["t: a (no board)", "t: b (no reason given)"])
    _, _, texts = judge("1..2\n# skipped: too cold\nnot ok 1 # SKIP a\nnot ok 2 # SKIP b\n")
    equal(texts, ["t: a (too cold)", "t: b (no reason given)"])


@case("a whole plan can be skipped, by name")
def _():
    equal(judge("1..0 # SKIP no QEMU 9\n"), (True, ["skip"], ["t: all (no QEMU 9)"]))


@case("several plans are judged one by one")
def _():
    equal(judge("1..1\nok 1 - a\n1..2\nok 1 - b\nok 2 - c\n")[0], True)
    equal(judge("1..2\nok 1 - a\n1..2\nok 1 - b\nok 2 - c\n")[0], False)


@case("a command that hangs is ended with its children")
def _():
    started = time.monotonic()
    collector, good = tap.run(["sh", "-c", "echo 1..1; echo ok 1 - a; sleep 61.5 & sleep 61.5"], "t", 1, io.StringIO())
    equal(good, False)
    check(time.monotonic() - started < 20, "it took too long")
    check(any("time limit" in text for _, text in collector.results), str(collector.results))
    check(not running(["sleep", "61.5"]), "a child is left over")


@case("a crash of the command fails")
def _():
    collector, good = tap.run(["sh", "-c", "echo 1..2; echo ok 1 - a; kill -SEGV $$"], "t", 10, io.StringIO())
    equal(good, False)
    check(any("2 cases planned" in text for _, text in collector.results), str(collector.results))


@case("a command that is not there fails")
def _():
    equal(tap.run(["/nonexistent/program"], "t", 10, io.StringIO())[1], False)


@case("the last line counts passed, failed and skipped")
def _():
    with tempfile.TemporaryDirectory() as directory:
        tap.write(directory, "a", [("pass", "a: x"), ("skip", "a: y (no board)")])
        tap.write(directory, "b", [("pass", "b: x"), ("fail", "b: y")])
        done = subprocess.run([sys.executable, os.path.join(TOP, "scripts/lib/tap.py"), "count", directory],
                              capture_output=True, text=True, check=False)
    equal(done.returncode, 1, "exit status")
    equal(done.stdout.splitlines()[-1], "2 passed, 1 failed, 1 skipped", "last line")
    check("skip: a: y (no board)" in done.stdout and "fail: b: y" in done.stdout, done.stdout)


@case("no result at all is not a success")
def _():
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run([sys.executable, os.path.join(TOP, "scripts/lib/tap.py"), "count", directory],
                              capture_output=True, text=True, check=False)
    equal((done.returncode, done.stdout), (1, "0 passed, 0 failed\n"))


main()
