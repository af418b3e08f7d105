#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The differential oracle: the same random control structures directly on an
emulated CPU and under the module, case by case.

usage: oracle.py caps ISA HOST        what the CPUs offer, into caps.json
       oracle.py run ISA HOST [...]   compare; prints TAP
       oracle.py explain ISA - N...   what single cases are made of
       oracle.py dump ISA HOST N...   the state of single cases in both places

ISA is svm (reference: QEMU) or vmx (reference: Bochs), HOST one of hosts/run.
"""
import argparse
import collections
import fcntl
import json
import os
import pathlib
import pty
import struct
import subprocess
import sys
import tempfile
import termios

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "hosts"))
sys.dont_write_bytecode = True
from hostlib import bochs, cache, session  # noqa: E402

EMULATOR = {"svm": "qemu", "vmx": "bochs"}
MAGIC = b"NORACLE1"
# As in oracle.h.
CAPS = ("cr0 cr4 efer cpuid_1c cpuid_1d cpuid_7b cpuid_7c cpuid_7d cpuid_ext_c cpuid_ext_d "
        "cpuid_svm pin_must pin_may proc_must proc_may proc2_may exit_must exit_may "
        "entry_must entry_may misc ept_vpid cr0_must cr4_must vmfunc phys_bits "
        "linear_bits").split()
MASK = (1 << 64) - 1
OUT_CAPS, OUT_RECORDS, OUT_DUMP, OUT_PANIC, OUT_END = range(1, 6)
OUT_RUNNING = 6
TELL_RUNNING, TELL_ALL = 1, 2
ENV = {"qemu": 1, "bochs": 2}
MAX_DUMPS = 64
RECORD = struct.Struct("<IIQ4I4Q64H")
LOG_AT = 0x4000000
CAPS_FILE = HERE / "caps.json"


def build():
    """The programs and payloads."""
    subprocess.run(["make", "-s", "-C", str(HERE)], check=True, stdout=subprocess.DEVNULL)


# --- parameters ---------------------------------------------------------------

def common(isa):
    """What all CPUs of an ISA have, and the bits of which they say the same."""
    known = list(json.loads(CAPS_FILE.read_text())[isa].values())
    have, agree = [], []
    for i, name in enumerate(CAPS):
        words = [int(k[name], 16) for k in known]
        value, same = words[0], MASK
        for word in words[1:]:
            same &= ~(word ^ words[0]) & MASK
            if name.endswith("_bits"):
                value = min(value, word)
            elif name.endswith("_must"):
                value |= word
            else:
                value &= word
        have.append(value)
        agree.append(same)
    return have, agree


def parameters(isa, env, seed, first, count, dumps=(), seconds=600, tell=0):
    """struct oracle_params."""
    have, agree = common(isa) if count else ([0] * len(CAPS), [0] * len(CAPS))
    dumps = list(dumps)[:MAX_DUMPS]
    return struct.pack(f"<8sQQIIQ{MAX_DUMPS}IQQQ", MAGIC, env, seed, first, count, len(dumps),
                       *dumps, *([0] * (MAX_DUMPS - len(dumps))), 0, int(seconds), tell) + \
        struct.pack(f"<{2 * len(CAPS)}Q", *have, *agree)


# --- directly on an emulator -----------------------------------------------------

def direct(isa, params, seconds):
    """Run a payload without a host; its log, taken apart."""
    elf = bytearray((HERE / "bin" / f"direct_{isa}").read_bytes())
    at = elf.find(MAGIC)
    elf[at:at + len(params)] = params
    with tempfile.TemporaryDirectory(prefix="nestor-oracle.") as name:
        where = pathlib.Path(name)
        (where / "payload").write_bytes(elf)
        run = {"qemu": on_qemu, "bochs": on_bochs}[EMULATOR[isa]]
        # What is written out is more than there can be, for the loss of few zeros.
        count, dumps = struct.unpack_from("<IQ", params, 28)
        return parse(run(where, seconds, 0x10000 + (RECORD.size + 8) * count + 8192 * dumps))


def on_qemu(where, seconds, _):
    """QEMU's log comes out of a debug port."""
    command = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
               "-no-reboot", "-machine", "q35,accel=tcg", "-cpu", "max,+svm,-la57", "-smp", "1",
               "-m", "1024", "-kernel", str(where / "payload"),
               "-debugcon", f"file:{where / 'log'}", "-device", "isa-debug-exit,iobase=0xf4"]
    subprocess.run(command, check=False, timeout=seconds, stdin=subprocess.DEVNULL,
                   preexec_fn=session.die_with_parent)
    return (where / "log").read_bytes()


def on_bochs(where, seconds, log_bytes):
    """Bochs' debugger writes the log out of the guest's memory."""
    (where / "vmlinux").write_bytes((where / "payload").read_bytes())
    (where / "vmlinuz").write_bytes(bytes(4096))
    bochs.memory_image(where, b"\0", "", where / "ram")
    lines = ["config_interface: textconfig", "display_library: term",
             f"cpu: model={bochs.MODEL['vmx']}, count=1, ips={bochs.IPS}, "
             "reset_on_triple_fault=0",
             "clock: sync=none", "memory: guest=256, host=256",
             f"romimage: file={bochs.FIRMWARE}", f"vgaromimage: file={bochs.VIDEO}",
             f"optromimage1: file={bochs.rom()}, address=0xd0000",
             f"optramimage1: file=ram, address={bochs.SPARE_AT:#x}",
             "com1: enabled=0", "sound: driver=dummy", "magic_break: enabled=1",
             "log: bochs.log", "panic: action=fatal", "error: action=ignore",
             "info: action=ignore", "debug: action=ignore"]
    (where / "rc").write_text("\n".join(lines) + "\n")
    (where / "cmds").write_text(f"c\nwritemem \"log\" {LOG_AT:#x} {log_bytes:#x}\nquit\n")
    master, slave = pty.openpty()
    process = subprocess.Popen(["bochs", "-q", "-f", "rc", "-rc", "cmds"], cwd=where,
                               stdin=slave, stdout=slave, stderr=slave,
                               env=dict(os.environ, TERM="vt100", LINES="25", COLUMNS="80"),
                               start_new_session=True,
                               preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(slave)
    os.set_blocking(master, False)
    drain(process, master, seconds)
    return (where / "log").read_bytes()


def drain(process, master, seconds):
    """Read away the terminal of a process until it ends."""
    import select
    import time
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        if select.select([master], [], [], 0.5)[0]:
            try:
                os.read(master, 65536)
            except OSError:
                break
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    os.close(master)


def parse(log):
    """{kind: [data]} of a log; a panic or no end is an error."""
    found, at = {}, 0
    while at + 16 <= len(log):
        kind, size = struct.unpack_from("<QQ", log, at)
        if kind not in range(OUT_CAPS, OUT_RUNNING + 1):
            break
        found.setdefault(kind, []).append(log[at + 16:at + 16 + size])
        if kind == OUT_END:
            break
        at += 16 + (size + 7) // 8 * 8
    if OUT_PANIC in found:
        raise SystemExit("oracle: exception %d, error %#x, at %#x, cr2 %#x" %
                         struct.unpack("<4Q", found[OUT_PANIC][0]))
    if OUT_END not in found:
        cases = sum(map(len, found.get(OUT_RECORDS, []))) // RECORD.size
        raise SystemExit(f"oracle: the emulator ended early, after {cases} cases")
    return found


def records(isa, options, dumps=()):
    """The reference: what the emulator does."""
    params = parameters(isa, ENV[EMULATOR[isa]], options.seed, options.first,
                        options.count, dumps)
    return direct(isa, params, options.timeout)


# --- under the module ------------------------------------------------------------

def hosted(isa, host, params, data, options):
    """Run the same in a host and compare there; its lines."""
    with tempfile.NamedTemporaryFile(suffix=".oracle") as f:
        f.write(params + data)
        f.flush()
        command = [str(HERE.parent / "hosts" / "run"), host, "--timeout", str(options.timeout),
                   "--boot-timeout", "300",
                   "--modparam", options.modparam, "--file", f"{f.name}:/nestor/oracle.ref",
                   "--env", "ORACLE_FILE=/nestor/oracle.ref", "--",
                   f"selftests/oracle/bin/oracle_{isa}"]
        if options.module != "ours":
            command[2:2] = ["--module", options.module]
        process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE,
                                   stdin=subprocess.DEVNULL, errors="replace")
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if options.verbose:
                print(line.rstrip(), flush=True)
        return process.wait(), lines


# --- commands --------------------------------------------------------------------

def caps(options):
    """Ask the emulator and the module."""
    known = json.loads(CAPS_FILE.read_text()) if CAPS_FILE.exists() else {}
    mine = known.setdefault(options.isa, {})
    params = parameters(options.isa, ENV[EMULATOR[options.isa]], 1, 0, 0)
    words = struct.unpack(f"<{len(CAPS)}Q", direct(options.isa, params, 120)[OUT_CAPS][0])
    mine[EMULATOR[options.isa]] = dict(zip(CAPS, map(hex, words)))
    if options.host:
        _, lines = hosted(options.isa, options.host, parameters(options.isa, 0, 1, 0, 0), b"",
                          options)
        line = next(l for l in lines if l.startswith("# caps "))
        mine[f"nestor on {options.host}"] = \
            dict(zip(CAPS, ("0x" + w for w in line.split()[2:])))
    CAPS_FILE.write_text(json.dumps(known, indent=1) + "\n")
    return 0


def run(options):
    """Both, and compare."""
    found = records(options.isa, options)
    data = b"".join(found[OUT_RECORDS])
    params = parameters(options.isa, 0, options.seed, options.first, options.count,
                        seconds=options.timeout - 20,
                        tell=TELL_ALL * options.all | TELL_RUNNING * options.tell)
    status, lines = hosted(options.isa, options.host, params, data, options)
    if not options.verbose:
        print("\n".join(lines))
    return status


def by_case(pairs):
    """{number: [(name, value)]} of dumps that begin with the case's number each."""
    found = {}
    for name, value in pairs:
        if name == "case":
            found[value] = []
            now = found[value]
        else:
            now.append((name, value))
    return found


def items(chunks):
    """Names and values of direct dumps."""
    for data in chunks:
        for at in range(0, len(data), 32):
            name, value = struct.unpack_from("<24sQ", data, at)
            yield name.split(b"\0")[0].decode(), value


def numbered(pairs):
    """{(name, how often it was there before): value}; only one side may have some."""
    seen = collections.Counter()
    found = {}
    for name, value in pairs:
        name = name.strip()
        found[name, seen[name]] = value
        seen[name] += 1
    return found


def dump(options):
    """Cases side by side: what is different, or all of it."""
    options.first = min(options.cases)
    options.count = max(options.cases) - options.first + 1
    found = records(options.isa, options, options.cases)
    left = by_case(items(found.get(OUT_DUMP, [])))
    params = parameters(options.isa, 0, options.seed, options.first, options.count,
                        options.cases, options.timeout - 20, TELL_ALL)
    _, lines = hosted(options.isa, options.host, params, b"".join(found[OUT_RECORDS]), options)
    right = by_case((" ".join(l.split()[2:-1]), int(l.split()[-1], 16)) for l in lines
                    if l.startswith("# DUMP "))
    for number in options.cases:
        print("\n".join(l for l in lines if l.startswith(f"# DIFFERS {number} ")))
        a, b = (numbered(side.get(number, [])) for side in (left, right))
        for key in list(a) + [key for key in b if key not in a]:
            if options.all or a.get(key) != b.get(key):
                print(f"    {key[0]:20} " + " ".join(
                    f"{side[key]:18x}" if key in side else f"{'-':>18}" for side in (a, b)))
    return 0


def explain(options):
    """What a case is made of."""
    with tempfile.NamedTemporaryFile() as f:
        f.write(parameters(options.isa, 0, options.seed, 0, 1))
        f.flush()
        return subprocess.call([str(HERE / "bin" / "explain"), options.isa, f.name,
                                *map(str, options.cases)])


def main():
    """Entry."""
    p = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    p.add_argument("command", choices=("caps", "run", "dump", "explain"))
    p.add_argument("isa", choices=tuple(EMULATOR))
    p.add_argument("host", nargs="?")
    p.add_argument("cases", nargs="*", type=int)
    p.add_argument("--count", type=int, default=4000)
    p.add_argument("--first", type=int, default=0)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--timeout", type=float, default=600)
    p.add_argument("--module", default="ours")
    p.add_argument("--modparam", default="nested=1")
    p.add_argument("--all", action="store_true")
    p.add_argument("--tell", action="store_true")
    p.add_argument("-v", "--verbose", action="store_true")
    options = p.parse_args()
    build()
    return {"caps": caps, "run": run, "dump": dump, "explain": explain}[options.command](options)


if __name__ == "__main__":
    sys.exit(main())
