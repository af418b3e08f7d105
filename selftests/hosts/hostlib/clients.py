# SPDX-License-Identifier: GPL-2.0-only
"""Unmodified clients of KVM for a host, from Debian's packages.

qemu       QEMU, qemu-img, gdb, and the firmware that machines start with
qemu10     the same from Debian's backports
libvirt    libvirtd and virsh
trace      perf and trace-cmd

Packages are downloaded, never installed. Of what they hold, an image takes the
programs and data named below and the shared libraries that these need, and is
one more archive behind the host's root.
"""
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess

from . import cache, cpio, kernels
from .apt import Apt

Image = collections.namedtuple("Image", "packages globs suite", defaults=(None,))

QEMU_PACKAGES = ("qemu-system-x86", "qemu-utils", "seabios", "ipxe-qemu", "ovmf",
                 "gdb-minimal")
QEMU_FILES = (
    "usr/bin/qemu-system-x86_64", "usr/bin/qemu-img", "usr/bin/qemu-nbd", "usr/bin/gdb",
    "usr/share/qemu/*.bin", "usr/share/qemu/*.rom", "usr/share/qemu/keymaps/en-us",
    "usr/share/seabios", "usr/lib/ipxe/qemu/*e1000.rom",
    "usr/lib/ipxe/qemu/*virtio.rom", "usr/share/OVMF/OVMF_CODE.fd",
    "usr/share/OVMF/OVMF_VARS.fd", "usr/share/OVMF/OVMF_*_4M.fd")

# In the globs of files a directory stands for all below it.
IMAGES = {
    "qemu": Image(QEMU_PACKAGES,
                  QEMU_FILES + ("usr/lib/x86_64-linux-gnu/qemu/accel-tcg-*.so",)),
    "qemu10": Image(QEMU_PACKAGES, QEMU_FILES, "bookworm-backports"),
    "libvirt": Image(
        ("libvirt-daemon", "libvirt-clients", "libvirt-daemon-driver-qemu",
         "libvirt-daemon-config-network"),
        ("usr/sbin/libvirtd", "usr/sbin/virtlogd", "usr/bin/virsh",
         "usr/lib/libvirt/libvirt_iohelper",
         "usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so",
         "usr/share/libvirt")),
    "trace": Image(
        ("linux-perf", "trace-cmd"),
        ("usr/bin/perf", "usr/bin/trace-cmd", "usr/lib/x86_64-linux-gnu/traceevent/plugins")),
}
NAMES = tuple(IMAGES)
LIBRARY_DIRS = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")


def _wanted(name, apt):
    """What apt would install for an image: PACKAGE=VERSION each; remembered."""
    packages = IMAGES[name].packages
    memo = cache.root() / f"client-{name}.json"
    if memo.exists():
        old = json.loads(memo.read_text())
        if old["stamp"] == [list(packages), apt.stamp()]:
            return old["wanted"]
    wanted = apt.resolve(packages)
    tmp = memo.with_suffix(f".{os.getpid()}")
    tmp.write_text(json.dumps({"stamp": [list(packages), apt.stamp()], "wanted": wanted}))
    tmp.rename(memo)
    return wanted


def _needed(path):
    """Names of the shared libraries that an ELF file asks for."""
    with open(path, "rb") as f:
        if f.read(4) != b"\x7fELF":
            return []
    done = subprocess.run(["objdump", "-p", str(path)], text=True, check=True,
                          stdout=subprocess.PIPE)
    return re.findall(r"^\s+NEEDED\s+(\S+)", done.stdout, re.M)


def _library(root, name):
    """The file of a library, which may be a link to it."""
    for top in LIBRARY_DIRS:
        if (root / top / name).exists():
            return root / top / name
        found = sorted((root / top).rglob(name))
        if found:
            return found[0]
    raise kernels.Missing(f"no package brought {name}")


def _add(archive, root, path):
    """One file or link; returns the file at the end of the links."""
    while path.is_symlink():
        target = os.readlink(path)
        archive.link(str(path.relative_to(root)), target)
        path = root / target.lstrip("/") if target.startswith("/") \
            else pathlib.Path(os.path.normpath(path.parent / target))
    if path.is_file():
        archive.copy(str(path.relative_to(root)), path)
        return path
    return None


def _collect(root, globs):
    """Archive of the files that the globs mean, and their libraries."""
    archive = cpio.Archive()
    archive.file("etc/ld.so.conf", b"")
    done, libraries = set(), set()
    todo = []
    for pattern in globs:
        found = sorted(root.glob(pattern))
        if not found:
            raise kernels.Missing(f"no package brought {pattern}")
        for path in found:
            todo += sorted(path.rglob("*")) if path.is_dir() else [path]
    while todo:
        path = todo.pop()
        if path in done or (path.is_dir() and not path.is_symlink()):
            continue
        done.add(path)
        file = _add(archive, root, path)
        for name in _needed(file) if file else ():
            if name not in libraries:
                libraries.add(name)
                todo.append(_flat(archive, root, name))
    archive.link("lib64", "lib/x86_64-linux-gnu")
    return archive


def _flat(archive, root, name):
    """A library, with a link where the loader looks when it is elsewhere."""
    path = _library(root, name)
    if str(path.parent.relative_to(root)) not in LIBRARY_DIRS:
        archive.link(f"usr/lib/x86_64-linux-gnu/{name}", f"/{path.relative_to(root)}")
    return path


def image(name):
    """Bytes of an archive with a client of KVM."""
    apt = Apt(suite=IMAGES[name].suite)
    versions = _wanted(name, apt)

    def fill(out):
        root = apt.unpack(versions, out)
        (out / "root.cpio").write_bytes(_collect(root, IMAGES[name].globs).bytes())
        shutil.rmtree(root)

    key = cache.digest(*versions, pathlib.Path(__file__), pathlib.Path(cpio.__file__))
    return (cache.entry(f"client-{name}", key, fill,
                        f"preparing {name} from Debian's packages") / "root.cpio").read_bytes()
