# SPDX-License-Identifier: GPL-2.0-only
"""Hosts with VMX: Bochs, whose processors have the whole of it.

The kernel is put unpacked into the emulated RAM and started by a small ROM
(bochs_rom.S), which saves a minute of emulated reading and unpacking. Time is
counted in instructions. The console is a file, the command's line a socket.
"""
import fcntl
import os
import pathlib
import pty
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios

from . import cache, kernels

HERE = pathlib.Path(__file__).parent
MODEL = {"vmx": "corei7_skylake_x", "vmx-noept": "core2_penryn_t9600"}
IPS = 50_000_000

# The model's CPUID claims a TSC of several GHz; it counts instructions.
#
# Bochs 2.7 re-evaluates interrupt masking only when RFLAGS.IF changes, so an
# entry from a host with IF=0 to a guest with IF=0 keeps host interrupts away
# until the guest sets IF or exits for another reason, whatever the
# external-interrupt-exiting control says.  A guest kernel that unpacks itself
# runs 28 s of host time that way, under stock KVM as well; hence a watchdog
# with more patience than that.
CMDLINE = ("console=ttyS0 loglevel=4 nokaslr panic=-1 oops=panic "
           f"tsc=reliable tsc_early_khz={IPS // 1000} lpj={IPS // 500} "
           "watchdog_thresh=60 cryptomgr.notests random.trust_cpu=on no_timer_check "
           "initcall_blacklist=cubictcp_register,init_blk_tracer")
FIRMWARE = "/usr/share/bochs/BIOS-bochs-latest"
VIDEO = "/usr/share/bochs/VGABIOS-lgpl-latest"

# Shared with bochs_rom.S.
BLOCK = 0x20000
SPARE_AT = 0x800000
SPARES = 32
MARK_OFFSET = 0x1fff0
PARAMS_AT = 0xf00000
CMDLINE_OFFSET = 0x1000
TABLES_OFFSET = 0x2000
PLACES_OFFSET = 0x8000


def rom():
    """The ROM, assembled, padded, with the checksum that firmware wants."""
    source = HERE / "bochs_rom.S"

    def fill(out):
        obj = out / "rom.o"
        subprocess.run(["gcc", "-c", "-m32", str(source), "-o", str(obj)],
                       check=True)
        subprocess.run(["objcopy", "-O", "binary", "-j", ".text", str(obj),
                        str(out / "rom.bin")], check=True)
        data = bytearray((out / "rom.bin").read_bytes())
        if len(data) > 511:
            raise kernels.Missing("bochs_rom.S has outgrown its 512 bytes")
        data += bytes(512 - len(data))
        data[511] = -sum(data) & 255
        (out / "rom.bin").write_bytes(data)

    key = cache.digest(source, pathlib.Path(__file__))
    return cache.entry("bochs-rom", key, fill) / "rom.bin"


def flat(kernel):
    """The kernel's segments as they lie in memory, and their address."""
    elf = (kernel / "vmlinux").read_bytes()
    entry, phoff = struct.unpack_from("<QQ", elf, 24)
    size, count = struct.unpack_from("<HH", elf, 54)
    loads = []
    for i in range(count):
        kind, _, offset, _, phys, filesz, memsz, _ = struct.unpack_from(
            "<IIQQQQQQ", elf, phoff + i * size)
        if kind == 1:
            loads.append((phys, offset, filesz, memsz))
    low = min(load[0] for load in loads)
    high = max(load[0] + load[3] for load in loads)
    out = bytearray(high - low)
    for phys, offset, filesz, _ in loads:
        out[phys - low:phys - low + filesz] = elf[offset:offset + filesz]
    return low, entry, bytes(out)


def _blocks(length):
    return (length + BLOCK - 1) // BLOCK


def _page_tables():
    """Identity map of 4 GiB in 2 MiB pages."""
    at = PARAMS_AT + TABLES_OFFSET
    out = struct.pack("<Q", (at + 0x1000) | 3).ljust(4096, b"\0")
    out += struct.pack("<4Q", *((at + 0x2000 + i * 4096) | 3
                                for i in range(4))).ljust(4096, b"\0")
    out += struct.pack("<2048Q", *((i << 21) | 0x83 for i in range(2048)))
    return out


def memory_image(kernel, root, cmdline, path):
    """Write the file that becomes the guest's RAM; see bochs_rom.S."""
    low, entry, data = flat(kernel)
    initrd_at = (low + len(data) + 0x3fffff) & ~0x1fffff
    setup = bytearray(4096)
    with open(kernel / "vmlinuz", "rb") as f:
        head = f.read(4096)
    setup[0x1f1:0x268] = head[0x1f1:0x268]
    setup[0x210] = 0xff
    struct.pack_into("<I", setup, 0x228, PARAMS_AT + CMDLINE_OFFSET)
    struct.pack_into("<II", setup, 0x218, initrd_at, len(root))
    params = bytearray(BLOCK)
    params[0:4096] = setup
    line = cmdline.encode() + b"\0"
    params[CMDLINE_OFFSET:CMDLINE_OFFSET + len(line)] = line
    tables = _page_tables()
    params[TABLES_OFFSET:TABLES_OFFSET + len(tables)] = tables
    struct.pack_into("<6I", params, PLACES_OFFSET, low, _blocks(len(data)),
                     initrd_at, _blocks(len(root)), 0, entry)
    with open(path, "wb") as f:
        for i in range(SPARES):
            mark = b"last" if i == SPARES - 1 else b"spar"
            f.seek(i * BLOCK + MARK_OFFSET)
            f.write(mark.ljust(16, b"\0"))
        f.write(params)
        f.write(data)
        f.seek((SPARES + 1 + _blocks(len(data))) * BLOCK)
        f.write(root)
        f.write(bytes(_blocks(len(root)) * BLOCK - len(root)))


class Machine:
    """One Bochs process."""

    period = 0.05

    def __init__(self, host, options, kernel, root):
        program = shutil.which("bochs")
        if not program:
            raise kernels.Missing("no bochs: run scripts/deps.sh hosts")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="nestor-host."))
        memory_image(kernel, root, f"{CMDLINE} {options.append}",
                     self.dir / "ram")
        self.command = socket.socket()
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        self._configure(host, options, listener.getsockname()[1])
        self.console = open(self.dir / "console", "rb")
        master, slave = pty.openpty()
        self.screen = master
        os.set_blocking(master, False)
        self.screen_tail = b""
        self.process = subprocess.Popen(
            [program, "-q", "-f", "rc", "-rc", "cmds"], cwd=self.dir,
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env=dict(os.environ, TERM="vt100", LINES="25", COLUMNS="80"),
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        listener.settimeout(180)
        try:
            self.command, _ = listener.accept()
        except OSError as error:
            self.read_screen()
            text = self.screen_tail.decode(errors="replace")
            self.kill()
            raise kernels.Missing(f"Bochs did not start: {text[-2000:]}") from error
        finally:
            listener.close()
        self.command.setblocking(False)

    def _configure(self, host, options, port):
        lines = [
            "config_interface: textconfig", "display_library: term",
            f"cpu: model={MODEL[host]}, count=1, ips={IPS}, "
            "reset_on_triple_fault=0",
            "clock: sync=none", f"memory: guest={options.mem}, host={options.mem}",
            f"romimage: file={FIRMWARE}", f"vgaromimage: file={VIDEO}",
            f"optromimage1: file={rom()}, address=0xd0000",
            f"optramimage1: file=ram, address={SPARE_AT:#x}",
            "com1: enabled=1, mode=file, dev=console",
            f"com2: enabled=1, mode=socket-client, dev=127.0.0.1:{port}",
            "sound: driver=dummy", "port_e9_hack: enabled=1",
            "log: bochs.log", "panic: action=fatal", "error: action=ignore",
            "info: action=ignore", "debug: action=ignore"]
        (self.dir / "rc").write_text("\n".join(lines) + "\n")
        (self.dir / "cmds").write_text("c\n")
        (self.dir / "console").touch()

    def fds(self):
        """What to wait for."""
        fds = [self.screen] if self.screen >= 0 else []
        return fds + ([self.command.fileno()] if self.command.fileno() >= 0 else [])

    def read_screen(self):
        """Empty the terminal that Bochs wants; keep its end for errors."""
        try:
            self.screen_tail = (self.screen_tail + os.read(self.screen, 65536))[-4096:]
        except BlockingIOError:
            pass
        except OSError:
            os.close(self.screen)
            self.screen = -1

    def read_console(self, _ready):
        """New bytes of the kernel's console."""
        if self.screen >= 0:
            self.read_screen()
        data = self.console.read()
        if data:
            yield data

    def read_command(self, ready):
        """New bytes of the command."""
        if self.command.fileno() < 0:
            return
        if ready is not None and self.command.fileno() not in ready:
            return
        try:
            data = self.command.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            yield data
        else:
            self.command.close()

    def console_rest(self):
        """What the console still holds after the end."""
        return [self.rest] if self.rest else []

    def write(self, data):
        """Typed bytes for the command, at a pace the emulated UART keeps."""
        self.command.setblocking(True)
        try:
            self.command.sendall(data)
        except OSError:
            pass
        finally:
            self.command.setblocking(False)

    def alive(self):
        """Whether the emulator runs."""
        return self.process.poll() is None

    def epitaph(self):
        """How the emulator ended, and what its log says of it."""
        try:
            status = self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            return ""
        log = self.dir / "bochs.log"
        last = log.read_text(errors="replace")[-1000:] if log.exists() else ""
        return f": Bochs' status {status}\n{last}".rstrip()

    def kill(self):
        """End the emulator and remove its files."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.rest = self.console.read() if not self.console.closed else b""
        self.console.close()
        self.command.close()
        shutil.rmtree(self.dir, ignore_errors=True)
