#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs tests that print TAP, and counts their cases.

    tap.py run --name NAME --results DIR [--time-limit SECONDS] -- COMMAND...
        Runs COMMAND, shows what it prints, writes DIR/NAME.result. Exit status 1 unless every case of
        every plan was reported and none failed.
    tap.py count DIR...
        Adds up the results and prints the last line of ./scripts/test.

A result file holds one line for each case: `pass NAME: CASE`, `fail NAME: CASE (why)`, `skip NAME: CASE
(why)`. What is not a case but wrong (no plan, a plan cut short, a time-out, an exit status other than 0)
is one more failed case. A program may print several plans one after the other, as cmocka does for each group.
"""
import argparse
import os
import re
import signal
import subprocess
import sys
import threading

PLAN = re.compile(r"^1\.\.(\d+)(?:\s*#\s*skip\S*\s*(.*))?\s*$", re.IGNORECASE)
REASON = re.compile(r"^# skipped: (.*)$")
CASE = re.compile(r"^(not )?ok\b\s*(\d+)?\s*(?:-\s*)?(.*?)(?:\s*#\s*(skip)\S*\s*(.*))?\s*$", re.IGNORECASE)
BAIL = re.compile(r"^Bail out!\s*(.*)$")


class Collector:
    """Judges a stream of lines. Lines that are not TAP are passed over."""

    def __init__(self, name):
        self.name = name
        self.results = []
        self.planned = None
        self.seen = 0
        self.plans = 0
        self.reason = None

    def add(self, kind, case, why=""):
        self.results.append((kind, f"{self.name}: {case}" + (f" ({why})" if why else "")))

    def close_plan(self):
        if self.planned is None:
            if self.seen:
                self.add("fail", "plan", f"{self.seen} cases reported, but no plan")
        elif self.seen != self.planned:
            self.add("fail", "plan", f"{self.planned} cases planned, {self.seen} reported")
        self.planned = None
        self.seen = 0

    def line(self, text):
        text = text.rstrip("\r\n")
        if plan := PLAN.match(text):
            # A plan may stand before its cases or after them. With one already read, or with cases
            # enough for this one before it, decide which it is.
            if self.planned is None and self.seen:
                self.planned = int(plan[1])
                self.close_plan()
            else:
                if self.plans:
                    self.close_plan()
                self.planned = int(plan[1])
                if self.planned == 0:
                    self.add("skip", "all", plan[2] or "empty plan")
            self.plans += 1
        elif reason := REASON.match(text):
            self.reason = reason[1]
            return
        elif case := CASE.match(text):
            self.seen += 1
            # cmocka writes a skipped case as `not ok 2 # SKIP name`: the reason is what the case printed last
            # with `# skipped: `.
            label = case[3] or case[5] or f"case {self.seen}"
            if case[2] and int(case[2]) != self.seen:
                self.add("fail", label, f"number {case[2]} came in place {self.seen}")
            elif case[4]:
                self.add("skip", label, case[5] if case[3] and case[5] else self.reason or "no reason given")
            elif case[1]:
                self.add("fail", label)
            else:
                self.add("pass", label)
            self.reason = None
        elif bail := BAIL.match(text):
            self.add("fail", "bail out", bail[1])

    def end(self, status, timed_out, limit):
        self.close_plan()
        if not self.plans:
            self.add("fail", "plan", "no plan was printed")
        if timed_out:
            self.add("fail", "time limit", f"not done after {limit:g} s")
        elif status != 0 and not any(kind == "fail" for kind, _ in self.results):
            why = f"signal {-status}" if status < 0 else f"exit status {status}"
            self.add("fail", "end", f"no case failed, but {why}")
        return not any(kind == "fail" for kind, _ in self.results)


def run(command, name, limit, echo=sys.stdout):
    """Runs COMMAND in a process group of its own, which does not outlive this call."""
    collector = Collector(name)
    timed_out = threading.Event()
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 start_new_session=True)
    except OSError as error:
        collector.add("fail", "start", str(error))
        return collector, False

    def stop(signal_number):
        try:
            os.killpg(child.pid, signal_number)
        except ProcessLookupError:
            pass

    def expire():
        timed_out.set()
        stop(signal.SIGTERM) # a boot script takes its QEMU and its files with it
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            pass
        stop(signal.SIGKILL)

    timer = threading.Timer(limit, expire)
    timer.start()
    try:
        for line in child.stdout:
            text = line.decode("utf-8", "replace")
            echo.write(text)
            echo.flush()
            collector.line(text)
        status = child.wait()
    finally:
        timer.cancel()
        stop(signal.SIGKILL)
    good = collector.end(status, timed_out.is_set(), limit)
    return collector, good


def write(directory, name, results):
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, name + ".result")
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.writelines(f"{kind} {text}\n" for kind, text in results)
    os.replace(path + ".new", path)


def count(directories):
    """Prints failures and skips by name, then the totals; returns whether all is well."""
    lines = []
    for directory in directories:
        if not os.path.isdir(directory):
            continue
        for name in sorted(os.listdir(directory)):
            if name.endswith(".result"):
                with open(os.path.join(directory, name), encoding="utf-8") as file:
                    lines += file.read().splitlines()
    by_kind = {kind: [line[5:] for line in lines if line.startswith(kind + " ")] for kind in ("pass", "fail", "skip")}
    for kind in ("skip", "fail"):
        for text in by_kind[kind]:
            print(f"{kind}: {text}")
    total = f"{len(by_kind['pass'])} passed, {len(by_kind['fail'])} failed"
    if by_kind["skip"]:
        total += f", {len(by_kind['skip'])} skipped"
    print(total)
    return bool(by_kind["pass"]) and not by_kind["fail"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    one = modes.add_parser("run")
    one.add_argument("--name", required=True)
    one.add_argument("--results", required=True)
    one.add_argument("--time-limit", type=float, default=60)
    one.add_argument("command", nargs=argparse.REMAINDER)
    many = modes.add_parser("count")
    many.add_argument("directories", nargs="+")
    arguments = parser.parse_args()
    if arguments.mode == "count":
        sys.exit(0 if count(arguments.directories) else 1)
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    collector, good = run(command, arguments.name, arguments.time_limit)
    write(arguments.results, arguments.name, collector.results)
    for kind, text in collector.results:
        if kind == "fail":
            print(f"# failed: {text}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
