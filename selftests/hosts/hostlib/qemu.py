# SPDX-License-Identifier: GPL-2.0-only
"""Hosts with SVM, and one without: QEMU's own CPU model, never an accelerator.

The kernel enters through its PVH note, unpacked; files come as one initial
root file system. Both serial lines are sockets that we listen on.
"""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

from . import kernels, session

CPU = {"svm": "max,+svm", "svm-nonpt": "max,+svm,-npt", "plain": "max,-svm"}
# Under load the emulated PIT may fail a check that Linux makes of it at boot.
CMDLINE = "console=ttyS0 loglevel=4 nokaslr panic=-1 oops=panic no_timer_check"


def clock_of(times):
    """The environment in which QEMU's clock runs that many times slower."""
    if times == 1:
        return None
    library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if not library:
        raise kernels.Missing("no libfaketime: run scripts/deps.sh hosts")
    return dict(os.environ, LD_PRELOAD=str(library), FAKETIME=f"+0 x{1 / times:.6f}")


class Machine:
    """One QEMU process."""

    period = 1.0

    def __init__(self, host, options, kernel, root):
        program = shutil.which("qemu-system-x86_64")
        if not program:
            raise kernels.Missing("no qemu-system-x86_64: run scripts/deps.sh hosts")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="nestor-host."))
        (self.dir / "root.cpio").write_bytes(root)
        self.listeners = {}
        for name in ("console", "command"):
            sock = socket.socket(socket.AF_UNIX)
            sock.bind(str(self.dir / name))
            sock.listen(1)
            self.listeners[name] = sock
        args = [program, "-nodefaults", "-no-user-config", "-display", "none",
                "-no-reboot", "-machine", "q35,accel=tcg", "-cpu", CPU[host],
                "-smp", str(options.smp), "-m", str(options.mem),
                "-kernel", str(kernel / "vmlinux"),
                "-initrd", str(self.dir / "root.cpio"),
                "-append", f"{CMDLINE} {options.append}"]
        for name in ("console", "command"):
            args += ["-chardev", f"socket,id={name},path={self.dir / name}",
                     "-serial", f"chardev:{name}"]
        if options.icount:
            args += ["-icount", "shift=0,sleep=off"]
        self.errors = open(self.dir / "stderr", "w+", encoding="utf-8")
        self.process = subprocess.Popen(args, stdin=subprocess.DEVNULL,
                                        stdout=self.errors, stderr=self.errors,
                                        start_new_session=True,
                                        env=clock_of(options.slow),
                                        preexec_fn=session.die_with_parent)
        self.socks = {}
        for name, sock in self.listeners.items():
            sock.settimeout(180)
            try:
                conn, _ = sock.accept()
            except OSError as error:
                text = self._stderr()
                self.kill()
                raise kernels.Missing(f"QEMU did not start: {text}") from error
            conn.setblocking(False)
            self.socks[name] = conn
            sock.close()

    def _stderr(self):
        self.errors.flush()
        return (self.dir / "stderr").read_text(errors="replace").strip()

    def fds(self):
        """What to wait for."""
        return [s.fileno() for s in self.socks.values() if s.fileno() >= 0]

    def _read(self, name, ready):
        sock = self.socks[name]
        if ready is not None and sock.fileno() not in ready:
            return
        try:
            data = sock.recv(65536)
        except (BlockingIOError, OSError):
            return
        if data:
            yield data
        else:
            sock.close()

    def read_console(self, ready):
        """New bytes of the kernel's console."""
        return self._read("console", ready)

    def read_command(self, ready):
        """New bytes of the command."""
        return self._read("command", ready)

    def console_rest(self):
        """What the console still holds after the end."""
        while self.socks["console"].fileno() >= 0:
            got = list(self._read("console", None))
            if not got:
                return
            yield from got

    def write(self, data):
        """Typed bytes for the command."""
        sock = self.socks["command"]
        sock.setblocking(True)
        try:
            sock.sendall(data)
        except OSError:
            pass
        finally:
            sock.setblocking(False)

    def alive(self):
        """Whether the emulator runs and its lines are open."""
        return self.process.poll() is None and self.socks["command"].fileno() >= 0

    def epitaph(self):
        """How the emulator ended, and what it said last."""
        try:
            status = self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            return ""
        return f": QEMU's status {status}\n{self._stderr()[-1000:]}".rstrip()

    def kill(self):
        """End the emulator and remove its files."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.errors.close()
        shutil.rmtree(self.dir, ignore_errors=True)
