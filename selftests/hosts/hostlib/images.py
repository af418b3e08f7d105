# SPDX-License-Identifier: GPL-2.0-only
"""Root file systems as newc archives.

base     busybox and stock KVM's modules: cached, the same in every run
payload  the tree's built files and the command: made anew for each run
guest    what the launcher boots inside: Debian's kernel and a busybox
"""
import gzip
import os
import pathlib
import re
import shutil
import subprocess

from . import cache, cpio, kernels

HERE = pathlib.Path(__file__).parent
TREE = HERE.parents[2]
BUSYBOX = pathlib.Path("/bin/busybox")
DIRS = ("bin", "sbin", "dev", "proc", "sys", "tmp", "root", "etc", "run")

# Order in which stock KVM loads; ccp is what kvm_amd asks for.
DEPENDS = {"kvm": "irqbypass", "kvm-amd": "ccp kvm irqbypass",
           "kvm-intel": "kvm irqbypass"}


def _busybox():
    if not BUSYBOX.exists():
        raise kernels.Missing("no /bin/busybox: run scripts/deps.sh hosts")
    return BUSYBOX


def root(archive, busybox=None):
    """What every root needs; another architecture brings its own busybox."""
    for name in DIRS:
        archive.dir(name)
    archive.char("dev/console", 5, 1)
    archive.char("dev/null", 1, 3, 0o666)
    archive.copy("bin/busybox", busybox or _busybox())
    applets = subprocess.run([str(_busybox()), "--list"], text=True, check=True,
                             stdout=subprocess.PIPE).stdout.split()
    for applet in applets:
        if applet != "busybox":
            archive.link(f"bin/{applet}", "busybox")
    archive.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    archive.file("etc/group", b"root:x:0:\nkvm:x:104:\n")


def base(series):
    """Archive with the host's root; the init script is in the payload."""
    kernel = kernels.image(series)
    name = (kernel / "release").read_text()

    def fill(out):
        archive = cpio.Archive()
        root(archive)
        where = f"lib/modules/{name}"
        lines = []
        for ko in sorted((kernel / "modules").glob("*.ko")):
            if ko.stem not in kernels.HOST_MODULES:
                continue
            archive.copy(f"{where}/{ko.name}", ko)
            needs = [d + ".ko" for d in DEPENDS.get(ko.stem, "").split()
                     if (kernel / "modules" / (d + ".ko")).exists()]
            lines.append(f"{ko.name}: {' '.join(needs)}".strip())
        archive.file(f"{where}/modules.dep", "\n".join(lines).encode() + b"\n")
        (out / "base.cpio").write_bytes(archive.bytes())

    key = cache.digest(kernel.name, pathlib.Path(__file__),
                       pathlib.Path(cpio.__file__), _busybox())
    return cache.entry(f"base-{series}", key, fill) / "base.cpio"


def guest(series="6.1"):
    """Directory with bzImage and initrd.gz for the launcher."""
    kernel = kernels.image(series)
    script = HERE / "guest-init.sh"

    def fill(out):
        shutil.copyfile(kernel / "vmlinuz", out / "bzImage")
        archive = cpio.Archive()
        root(archive)
        archive.file("init", script.read_bytes(), 0o755)
        modules = [name for name in kernels.GUEST_MODULES
                   if (kernel / "modules" / f"{name}.ko").exists()]
        for name in modules:
            archive.copy(f"lib/{name}.ko", kernel / "modules" / f"{name}.ko")
        archive.file("lib/order", "\n".join(modules).encode() + b"\n")
        (out / "initrd.gz").write_bytes(
            gzip.compress(archive.bytes(), 6, mtime=0))

    key = cache.digest(kernel.name, pathlib.Path(__file__), script,
                       pathlib.Path(cpio.__file__), _busybox())
    return cache.entry(f"guest-{series}", key, fill)


def _is_wanted(path):
    """Programs, scripts and their settings; not sources and objects."""
    if path.suffix in (".o", ".c", ".h", ".S", ".a", ".d", ".cmd", ".ko"):
        return False
    if path.name in ("settings", "Makefile"):
        return path.name == "settings"
    return path.suffix in (".sh", ".bin", ".txt") or os.access(path, os.X_OK)


def _tree_files():
    for top in ("userspace", "selftests"):
        for where, dirs, files in os.walk(TREE / top):
            dirs[:] = [d for d in dirs if d not in (
                "hostlib", "runner", "unit", "fuzz", "__pycache__")]
            for name in files:
                path = pathlib.Path(where) / name
                if path.is_file() and _is_wanted(path):
                    yield path


def _libraries(path, seen):
    """Shared libraries of a dynamic program."""
    with open(path, "rb") as f:
        head = f.read(20)
    if head[:4] != b"\x7fELF":
        return
    done = subprocess.run(["ldd", str(path)], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for lib in re.findall(r"(/\S+) \(0x", done.stdout):
        seen.add(lib)


def payload(conf, command, module, extra, with_guest, with_nbd):
    """Archive with the tree's files at /nestor and the command to run."""
    # Programs beside the launcher whose large libraries few runs need.
    helpers = {"nestor-nat": with_guest, "nestor-nbd": with_nbd}
    archive = cpio.Archive()
    archive.copy("init", HERE / "init.sh")
    archive.file("nestor-run/conf", conf.encode())
    archive.file("nestor-run/cmd", command.encode())
    archive.dir("nestor")
    libs = set()
    for path in _tree_files():
        if not helpers.get(path.name, True):
            continue
        archive.copy(f"nestor/{path.relative_to(TREE)}", path)
        _libraries(path, libs)
    for item in extra:
        src, _, dst = item.partition(":")
        path = pathlib.Path(src)
        archive.copy(dst or f"nestor/{path.name}", path)
        _libraries(path, libs)
    for lib in sorted(libs):
        archive.copy(lib, lib)
    if module:
        archive.copy("nestor/nestor.ko", module)
    if with_guest:
        for path in guest().iterdir():
            archive.copy(f"nestor-guest/{path.name}", path)
    return archive.bytes()
