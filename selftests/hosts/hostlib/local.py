# SPDX-License-Identifier: GPL-2.0-only
"""The host named local: this very machine, when its CPU has VMX or SVM.

The module is loaded into the kernel that runs here, so this asks for root,
and for a machine where no stock KVM is in use. /nestor is the tree itself, in
a mount namespace of the command's own.
"""
import contextlib
import os
import pathlib
import re
import shlex
import subprocess
import sys

from . import cache, images, module, session

SKIP = 4


def _dmesg():
    done = subprocess.run(["dmesg"], text=True, errors="replace", check=False,
                          stdout=subprocess.PIPE)
    return done.stdout.splitlines()


def _unload(*names):
    for name in names:
        if pathlib.Path("/sys/module", name).exists():
            subprocess.run(["rmmod", name], check=True)


def _load(options):
    """Load what the options say; returns a reason when that fails."""
    words = shlex.split(" ".join(options.modparam))
    vendor = "kvm_amd" if "svm" in _flags() else "kvm_intel"
    if options.module == "none":
        return None
    _unload("nestor", "kvm_amd", "kvm_intel", "kvm")
    if options.module == "kvm":
        command = ["modprobe", vendor, *words]
    else:
        kdir = f"/lib/modules/{os.uname().release}/build"
        command = ["insmod", str(options.ko or module.build_for(kdir)), *words]
    done = subprocess.run(command, text=True, check=False,
                          stderr=subprocess.PIPE)
    return done.stderr if done.returncode else None


def _flags():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    found = re.search(r"^flags\s*:(.*)$", text, re.M)
    return found.group(1).split() if found else []


def run(options, command, refusal):
    """One run on this machine; returns the exit status."""
    if refusal:
        print(f"host: {refusal}", file=sys.stderr)
        return SKIP
    try:
        failed = _load(options)
    except subprocess.CalledProcessError:
        print("host: KVM or nestor is in use here, and cannot be unloaded",
              file=sys.stderr)
        return SKIP
    if failed:
        print(f"host: {failed}", file=sys.stderr)
        return session.LOAD_FAILED
    before = len(_dmesg())
    status = _command(options, command)
    if options.module == "ours":
        with contextlib.suppress(subprocess.CalledProcessError):
            _unload("nestor")
    reports = [line for line in _dmesg()[before:] if session.REPORTS.search(line)]
    if pathlib.Path("/sys/module/nestor").exists() and options.module == "ours":
        reports.append("rmmod after the command failed")
    if reports:
        print("host: FAILED: the kernel reported:\n  " + "\n  ".join(reports[:20]),
              file=sys.stderr)
        return session.HOST_FAILED
    return status


def _command(options, command):
    line = command[0] if len(command) == 1 else shlex.join(command)
    script = f"mount --bind {shlex.quote(str(images.TREE))} /nestor\n"
    if options.guest:
        script += f"mount --bind {shlex.quote(str(images.guest()))} /nestor-guest\n"
    for item in options.file:
        src, _, dst = item.partition(":")
        dst = dst or f"/nestor/{pathlib.Path(src).name}"
        if dst.startswith("/nestor-run/"):
            script += (f"mkdir -p /nestor-run; cp {shlex.quote(src)} "
                       f"{shlex.quote(dst)}\n")
    script += f"cd /nestor\n{line}\n"
    made = [p for p in ("/nestor", "/nestor-guest", "/nestor-run")
            if not os.path.isdir(p)]
    for path in made:
        os.mkdir(path)
    env = dict(os.environ, NESTOR_HOST="local", NESTOR_MODULE=options.module,
               NESTOR_KERNEL=os.uname().release,
               PATH="/nestor/userspace:" + os.environ["PATH"],
               **dict(item.split("=", 1) for item in options.env))
    try:
        return subprocess.run(["unshare", "-m", "sh", "-ec", script], env=env,
                              check=False, timeout=options.timeout).returncode
    except subprocess.TimeoutExpired:
        cache.say("time limit of the command reached")
        return session.TIMED_OUT
    finally:
        for path in made:
            with contextlib.suppress(OSError):
                subprocess.run(["rm", "-rf", "--one-file-system", path],
                               check=False)
