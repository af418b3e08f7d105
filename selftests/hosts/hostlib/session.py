# SPDX-License-Identifier: GPL-2.0-only
"""A running host: its two serial lines, its time limit, its verdict.

The console is searched for reports of the host kernel. Any of them makes the
run fail whatever the command said: a test that passes while the host oopses
has not passed.
"""
import contextlib
import ctypes
import os
import re
import select
import signal
import sys
import termios
import time
import tty

HOST_FAILED = 99
LOAD_FAILED = 97
TIMED_OUT = 98

REPORTS = re.compile("|".join((
    r"Kernel panic", r"\bOops\b", r"\bBUG[: ]", r"kernel BUG at",
    r"WARNING: ", r"general protection fault", r"unable to handle",
    r"Call Trace:", r"KASAN", r"UBSAN", r"KCSAN", r"ODEBUG", r"soft lockup",
    r"hard LOCKUP", r"blocked for more than", r"possible recursive locking",
    r"possible circular locking", r"inconsistent lock state", r"non-static key",
    r"suspicious RCU usage", r"rcu_(sched|preempt|tasks).*stall",
    r"detected stalls", r"self-detected stall", r"scheduling while atomic",
    r"sleeping function called from invalid context",
    r"unchecked MSR access", r"Bad page state", r"bad: scheduling",
    r"double fault", r"stack guard page", r"refcount_t", r"list_(add|del) corruption",
    r"NMI watchdog: ", r"unhandled (NMI|exception)", r"Dazed and confused",
    r"nestor-host: LEAK")))

# First line of the host's init; what the kernel says before is not about us.
UP = "nestor-host: up"
# On the console, just before the same is said on the command's line; and how long that
# may take.
READY = "nestor-host: ready"
SILENCE = 60

# Three of these within a second end the host, when nothing inside listens.
ABORT_KEY = b"\x1d"


class Session:
    """Pumps the streams of one host until its mark, its death or its limit."""

    def __init__(self, token, boot_limit, limit, interactive, log):
        self.token = token
        self.boot_limit = boot_limit
        self.limit = limit
        self.interactive = interactive
        self.log = log
        self.start = time.monotonic()
        self.ready_at = None
        self.silent_at = None
        self.up = False
        self.console = b""
        self.checked = 0
        self.reports = []
        self.tail = b""
        self.status = None
        self.presses = []
        self.typed = b""

    # --- streams ---------------------------------------------------------

    def on_console(self, data):
        """Bytes of the kernel's console."""
        self.log.write(data)
        self.log.flush()
        self.console += data
        end = self.console.rfind(b"\n") + 1
        for line in self.console[self.checked:end].splitlines():
            text = line.decode("utf-8", "replace").strip("\r")
            if text.startswith(UP):
                # Complaints of the stock kernel about the emulated machine.
                self.reports = []
                self.up = True
            elif text.startswith(READY):
                self.silent_at = time.monotonic() + SILENCE
            elif REPORTS.search(text):
                self.reports.append(text)
        self.checked = max(end, self.checked)

    def on_command(self, data):
        """Bytes of the command; the marks are taken out of them."""
        buf = self.tail + data
        if self.ready_at is None:
            mark = f"@@{self.token} ready@@".encode()
            before, found, after = buf.partition(mark)
            if not found:
                self.tail = buf
                self._find_exit(buf)
                return
            self.ready_at = time.monotonic()
            buf = after.lstrip(b"\r\n") if len(after) <= 2 else after[1:].lstrip(b"\n")
        self.tail = b""
        if self._find_exit(buf):
            return
        keep = self._possible_mark(buf)
        self._out(buf[:len(buf) - keep])
        self.tail = buf[len(buf) - keep:]

    def _find_exit(self, buf):
        mark = re.search(rb"(\r?\n)?@@" + self.token.encode()
                         + rb" exit (\d+)@@", buf)
        if not mark:
            return False
        if self.ready_at is not None:
            self._out(buf[:mark.start()])
        self.status = int(mark.group(2))
        self.tail = b""
        return True

    def _possible_mark(self, buf):
        """Length of a tail that may be the beginning of the exit mark."""
        mark = b"\r\n@@" + self.token.encode()
        at = max(buf.rfind(b"\r"), buf.rfind(b"\n@"), buf.rfind(b"@@"))
        if buf.endswith(b"\n") or buf.endswith(b"\r"):
            return 2 if buf.endswith(b"\r\n") else 1
        if at >= 0 and len(buf) - at < len(mark) + 12 and b"@" in buf[at:]:
            return len(buf) - at
        return 1 if buf.endswith(b"@") else 0

    def _out(self, data):
        if data:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

    def on_stdin(self, data):
        """Typed bytes for the command; returns True to end the host."""
        if data.strip(ABORT_KEY) == b"":
            now = time.monotonic()
            self.presses = [t for t in self.presses if now - t < 1]
            self.presses += [now] * len(data)
            return len(self.presses) >= 3
        self.presses = []
        return False

    # --- the loop --------------------------------------------------------

    def deadline(self):
        """When patience ends: of the boot first, then of the command."""
        if self.ready_at is not None:
            return self.ready_at + self.limit
        return min(self.start + self.boot_limit, self.silent_at or float("inf"))

    def lost(self):
        """Why the run says nothing about the command, and can be done again; else None.

        Its output is lost, or there was none, and nothing of it was passed on.
        """
        if self.ready_at is not None or self.status is not None:
            return None
        if not self.up:
            return "the host's kernel did not come up"
        if self.silent_at is not None and not self.reports:
            return "the command's serial line is dead"
        return None

    def run(self, machine):
        """Pump until the end; returns the exit status for our caller."""
        with raw_terminal(self.interactive):
            why = self._pump(machine)
        epitaph = machine.epitaph() if why == "died" else ""
        machine.kill()
        for data in machine.console_rest():
            self.on_console(data)
        return self._verdict(why, epitaph)

    def _pump(self, machine):
        stdin = sys.stdin.fileno() if self.interactive else None
        while self.status is None:
            left = self.deadline() - time.monotonic()
            if left <= 0:
                return "time"
            wait = machine.fds() + ([stdin] if stdin is not None else [])
            ready, _, _ = select.select(wait, [], [], min(left, machine.period))
            if stdin in ready:
                data = os.read(stdin, 1024)
                if not data:
                    stdin = None
                elif self.on_stdin(data):
                    return "key"
                else:
                    self.typed += data
            if self.typed and self.ready_at is not None:
                machine.write(self.typed)
                self.typed = b""
            for data in machine.read_console(ready):
                self.on_console(data)
            for data in machine.read_command(ready):
                self.on_command(data)
            if self.status is None and not machine.alive():
                for data in machine.read_command(None):
                    self.on_command(data)
                return None if self.status is not None else "died"
        return None

    def _verdict(self, why, epitaph):
        if self.tail and self.status is None and self.ready_at is not None:
            self._out(self.tail)
        if self.reports:
            self.show("the host kernel reported:\n  "
                      + "\n  ".join(self.reports[:20]))
            return HOST_FAILED
        if why == "time":
            what = "boot" if self.ready_at is None else "command"
            self.show(f"time limit of the {what} reached: host hangs")
            return TIMED_OUT
        if why == "died":
            self.show("the host went away before the command ended" + epitaph)
            return HOST_FAILED
        if why == "key":
            return 130
        if self.status == LOAD_FAILED and self.ready_at is None:
            self.show("the module did not load")
        return self.status

    def show(self, text):
        """The reason on stderr, with the console around the first report."""
        lines = self.console.decode("utf-8", "replace").splitlines()
        lines = [line.rstrip() for line in lines]
        first = next((i for i, line in enumerate(lines)
                      if self.reports and line == self.reports[0].rstrip()),
                     len(lines) - 50)
        first = max(first - 6, 0)
        shown = "\n".join("  | " + line for line in lines[first:first + 60])
        print(f"\nhost: FAILED: {text}\nhost: console:\n{shown}",
              file=sys.stderr, flush=True)


@contextlib.contextmanager
def raw_terminal(wanted):
    """Raw mode for the length of a run, restored on every way out."""
    if not wanted:
        yield
        return
    fd = sys.stdin.fileno()
    saved = termios.tcgetattr(fd)
    try:
        tty.setraw(fd)
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, saved)


def leave_on_signals():
    """Make a signal that ends us an exception, so that hosts and files go too."""
    def leave(number, _frame):
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


def die_with_parent():
    """In a child, before exec: SIGKILL when we die without a chance to tidy."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
