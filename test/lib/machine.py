# SPDX-License-Identifier: BSD-2-Clause
"""Running Sheaf from a test: a whole run, or a dialogue on the serial line."""
import os
import re
import selectors
import signal
import subprocess
import time

from cases import Failed, Skip, check

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("SHEAF_BUILD", os.path.join(TOP, "build/firmware"))
RUN = os.path.join(TOP, "scripts/run")
KERNEL = b"\nSheaf " # how the kernel's first line begins
BOOT = [os.path.join(TOP, "scripts/lib/boot"), "--build", BUILD]


class Result:
    """What a run left: its exit status, its console, how long it took and when the kernel's first line came."""

    def __init__(self, status, text, seconds, first_line):
        self.status = status
        self.text = text
        self.seconds = seconds
        self.first_line = first_line

    @property
    def words(self):
        """The lines `COUNT WORD` as (count, word)."""
        return [(int(m[1]), m[2]) for m in re.finditer(r"^[ \t]*(\d+)[ \t]+([a-z]+)[ \t]*$", self.text, re.MULTILINE)]

    @property
    def table(self):
        """The lines `name value` of the counters."""
        return {m[1]: int(m[2]) for m in re.finditer(r"^([a-z][a-z0-9]*(?:\.[a-z0-9]+)+)[ \t]+(\d+)$", self.text, re.MULTILINE)}

    def counter(self, name):
        table = self.table
        check(name in table, f"no counter {name}; there are: {' '.join(table) or 'none'}\n{self.tail()}")
        return table[name]

    def tail(self, lines=30):
        return "\n".join(self.text.splitlines()[-lines:])

    def expect_status(self, wanted):
        check(self.status == wanted, f"exit status: expected {wanted}, got {self.status}\n{self.tail()}")


def needs_raspi4b():
    machines = subprocess.run(["qemu-system-aarch64", "-M", "help"], capture_output=True, text=True, check=False).stdout
    if "\nraspi4b " not in machines:
        raise Skip("this QEMU has no machine raspi4b")
    cache = os.environ.get("SHEAF_CACHE", os.path.join(TOP, "build/cache"))
    if not os.path.isfile(os.path.join(cache, "bcm2711-rpi-4-b.dtb")):
        raise Skip("no device tree of the Raspberry Pi 4")


def run(command, limit):
    """Runs COMMAND (scripts/run or scripts/lib/boot) to its end; more than LIMIT seconds is a failure."""
    started = time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             start_new_session=True)
    first_line = None
    output = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
            left = started + limit - time.monotonic()
            if left <= 0 or not selector.select(left):
                end(child)
                text = output.decode("utf-8", "replace")
                raise Failed(f"not done after {limit} s\n" + "\n".join(text.splitlines()[-30:]))
            part = os.read(child.stdout.fileno(), 65536)
            if not part:
                break
            output += part
            if first_line is None and KERNEL in output:
                first_line = time.monotonic() - started
    status = child.wait()
    return Result(status, output.decode("utf-8", "replace"), time.monotonic() - started, first_line)


def end(child):
    """Ends a script and what it started. SIGTERM first: the scripts clean up."""
    try:
        os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    except ProcessLookupError:
        child.wait()


class Dialogue:
    """A run whose serial line the test types on."""

    def __init__(self, command):
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      start_new_session=True)
        self.text = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.child)

    def expect(self, wanted, limit=30):
        """Waits until the text WANTED comes; returns what came before it, and takes both away."""
        deadline = time.monotonic() + limit
        with selectors.DefaultSelector() as selector:
            selector.register(self.child.stdout, selectors.EVENT_READ)
            while wanted not in self.text:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise Failed(f"expected {wanted!r} within {limit} s; the console said:\n{self.text}")
                part = os.read(self.child.stdout.fileno(), 4096)
                if not part:
                    raise Failed(f"expected {wanted!r}; the machine ended with:\n{self.text}")
                self.text += part.decode("utf-8", "replace").replace("\r", "")
        before, _, self.text = self.text.partition(wanted)
        return before

    def type(self, text):
        self.child.stdin.write(text.encode())
        self.child.stdin.flush()

    def ends(self, limit=30):
        """Waits for the machine's end; returns the exit status."""
        self.child.stdin.close()
        try:
            return self.child.wait(limit)
        except subprocess.TimeoutExpired:
            raise Failed(f"the machine did not end within {limit} s") from None
