#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""./scripts/run as a command: what it refuses, what it says, and that it leaves nothing behind."""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
from cases import case, check, equal, main # noqa: E402
from machine import RUN, run # noqa: E402


def refused(*arguments, because):
    result = run([RUN, *arguments], 30)
    equal(result.status, 2, f"exit status of {arguments}")
    check(because in result.text, f"{arguments}: expected {because!r} in:\n{result.text}")


@case("--help names every option")
def _():
    result = run([RUN, "--help"], 10)
    result.expect_status(0)
    for word in ("FILE", "--frames", "--memory", "--pes", "--cpu", "--boot", "uboot", "direct", "--gdb", "--qemu-log",
                 "--time-limit", "--shell", "--app", "--no-install", "--machine"):
        check(word in result.text, f"{word} is missing")


@case("what cannot work is refused with status 2 and a reason, before anything boots")
def _():
    refused("--frames", "many", because="--frames")
    refused("--frames", "0", because="at least 1")
    refused("--frames", because="needs a value")
    refused("--memory", "12X", because="--memory")
    refused("--machine", "pc", because="--machine")
    refused("--machine", "raspi4b", "--memory", "1G", because="raspi4b")
    refused("--machine", "raspi4b", "--boot", "uboot", because="directly")
    refused("--boot", "grub", because="--boot")
    refused("--bogus", because="--bogus")
    refused("/nonexistent/file", because="/nonexistent/file")
    refused("/", because="directory")
    refused("--app", "/nonexistent.c", because="/nonexistent.c")
    refused("--shell", "file", because="unexpected")


@case("--no-install lists what is missing and ends with status 2")
def _():
    with tempfile.TemporaryDirectory() as directory:
        # A package database that knows nothing.
        fake = os.path.join(directory, "dpkg-query")
        with open(fake, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nexit 1\n")
        os.chmod(fake, 0o755)
        done = subprocess.run([RUN, "--no-install"], env={**os.environ, "PATH": directory + ":" + os.environ["PATH"]},
                              capture_output=True, text=True, check=False, timeout=30)
    equal(done.returncode, 2, "exit status")
    for word in ("newlib-source", "qemu-system-arm", "MB"):
        check(word in done.stderr, f"{word} is missing in:\n{done.stderr}")


@case("--memory, --pes, --cpu, --boot and --qemu-log have their effect")
def _():
    with tempfile.TemporaryDirectory() as directory:
        log = os.path.join(directory, "log")
        result = run([RUN, "--memory", "256M", "--pes", "4", "--cpu", "cortex-a53", "--boot", "direct", "--qemu-log", log], 60)
        result.expect_status(0)
        check("of 4 PE" in result.text and "256 MiB" in result.text, result.text[:600])
        check("U-Boot" not in result.text, "it went through U-Boot")
        with open(log, encoding="utf-8", errors="replace") as file:
            check("Taking exception" in file.read(), "the log shows no exception")


@case("--gdb waits for a debugger, which finds the machine stopped")
def _():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    child = subprocess.Popen([RUN, "--boot", "direct", f"--gdb={port}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                stub = socket.create_connection(("127.0.0.1", port), 5)
                break
            except OSError:
                check(time.monotonic() < deadline, "nobody listens")
                time.sleep(0.1)
        with stub:
            stub.sendall(b"+$?#3f") # why did the target stop?
            answer = b""
            while b"#" not in answer and len(answer) < 100:
                answer += stub.recv(100)
            check(b"$T05" in answer, f"the stub answered {answer!r}")
            stub.sendall(b"+$k#6b") # kill
        child.wait(20)
        equal(child.stdout.read(), b"", "what ran before the debugger let it")
    finally:
        child.terminate()
        child.wait(10)


def running_with(text):
    """Whether a process has TEXT in its command line."""
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if text.encode() in file.read():
                    return True
        except OSError:
            pass
    return False


def leaves_nothing(stop):
    """Starts a prompt with temporary files in a directory of its own; STOP(child) ends it."""
    with tempfile.TemporaryDirectory() as directory:
        child = subprocess.Popen([RUN, "--shell"], env={**os.environ, "TMPDIR": directory}, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        child.stdout.read(1)
        check(running_with(directory), "the machine is not running")
        stop(child)
        deadline = time.monotonic() + 20
        while (running_with(directory) or os.listdir(directory)) and time.monotonic() < deadline:
            time.sleep(0.1)
        check(not running_with(directory), "QEMU is left over")
        equal(os.listdir(directory), [], "temporary files")
        child.stdin.close()
        child.wait(10)


@case("ended by a signal, it takes QEMU and its files with it")
def _():
    leaves_nothing(lambda child: child.send_signal(signal.SIGTERM))


@case("when its reader goes away, it ends")
def _():
    def stop(child):
        child.stdout.close()
        child.stdin.write(b"help\n") # noticed with the next output
        child.stdin.flush()
    leaves_nothing(stop)


main()
