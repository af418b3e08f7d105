# SPDX-License-Identifier: GPL-2.0-only
"""A kernel that looks for mistakes: KASAN, lockdep, UBSAN and others.

It is built out of Debian's linux-source-6.1 with the few options that test
hosts need (debug.config), once for each version of the package and of that
file, into the cache. What is kept of the tree is what modules are built with.
"""
import os
import pathlib
import shutil
import subprocess
import time

from . import cache, kernels

HERE = pathlib.Path(__file__).parent
CONFIG = HERE / "debug.config"
NAME = "kernel-debug"
# Large, and no part of this kernel; their Kconfig files are read all the same.
LEFT_OUT = ("Documentation/*/*", "drivers/gpu/*.[ch]", "drivers/net/*/*.[ch]",
            "drivers/media/*.[ch]", "drivers/infiniband/*.[ch]", "sound/*.[ch]",
            "arch/[a-wyz]*/*.[chS]", "tools/testing/*")
# What the build of a module reads.
KEPT = ("Makefile", ".config", "Module.symvers", "include", "scripts",
        "arch/x86/Makefile", "arch/x86/Makefile_32.cpu", "arch/x86/include",
        "tools/objtool/objtool")
PROGRAMS = ("gcc", "make", "flex", "bison", "bc", "strip")
# They run before there is a shadow when a kernel is entered by its PVH note.
EARLY = ("KASAN_SANITIZE_enlighten.o=n", "KASAN_SANITIZE_string.o=n")
# Lines of its log, for a percentage that is about right.
LINES = 1700
NICE = 10
EVERY = 20


def _key():
    return cache.digest(kernels.source_version(), CONFIG, pathlib.Path(__file__))


def _make(tree, log, *args):
    """Run make, saying how far it is; raises Missing when it fails."""
    process = subprocess.Popen(["nice", f"-n{NICE}", "make", *args], cwd=tree,
                               stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                               stdout=subprocess.PIPE, text=True, errors="replace",
                               env=dict(os.environ, LC_ALL="C"))
    said, lines, tail = time.monotonic(), 0, []
    with open(log, "a", encoding="utf-8") as out:
        for line in process.stdout:
            out.write(line)
            lines += 1
            tail = tail[-30:] + [line]
            if time.monotonic() - said >= EVERY:
                said = time.monotonic()
                cache.say(f"debug kernel: {min(lines * 100 // LINES, 99)} %, {line.strip()}")
    if process.wait():
        raise kernels.Missing("the debug kernel does not build:\n" + "".join(tail))


def _configure(tree, log):
    """allnoconfig and our options; all of them must have been taken."""
    _make(tree, log, f"KCONFIG_ALLCONFIG={CONFIG}", "allnoconfig")
    have = (tree / ".config").read_text().splitlines()
    lost = [line for line in CONFIG.read_text().splitlines()
            if line.startswith("CONFIG_") and line not in have]
    if lost:
        raise kernels.Missing(f"the debug kernel has no {' '.join(lost)}")


def _keep(tree, out):
    """Move what hosts and modules need out of the tree that was built."""
    for part in KEPT:
        target = out / "kdir" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(tree / part, target)
    (out / "modules").mkdir()
    for path in tree.rglob("*.ko"):
        if path.stem in kernels.MODULES:
            subprocess.run(["strip", "--strip-debug", "-o",
                            str(out / "modules" / path.name), str(path)], check=True)
    for name in ("vmlinux", "System.map"):
        os.rename(tree / name, out / name)
    os.rename(tree / "arch/x86/boot/bzImage", out / "vmlinuz")
    shutil.copyfile(out / "kdir" / ".config", out / "config")
    release = (out / "kdir" / "include/config/kernel.release").read_text().strip()
    (out / "release").write_text(release)


def _fill(out):
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing or not pathlib.Path("/usr/include/gelf.h").exists():
        script = HERE.parents[2] / "scripts" / "deps.sh"
        if subprocess.run([str(script), "build", "debugkernel"], check=False).returncode:
            raise kernels.Missing("packages for the debug kernel's build are missing")
    tree = out / "tree"
    tree.mkdir()
    kernels.unpack_source(tree, but=LEFT_OUT)
    log = out / "build.log"
    _configure(tree, log)
    _make(tree, log, f"-j{os.cpu_count()}", *EARLY, "bzImage", "modules")
    _keep(tree, out)
    shutil.rmtree(tree)


def image():
    """Cached directory with vmlinuz, vmlinux, config, modules/*.ko, and kdir."""
    return cache.entry(NAME, _key(), _fill,
                       "building the debug kernel: 7 minutes and more, once")


def kdir():
    """Directory to build modules against."""
    return image() / "kdir"
