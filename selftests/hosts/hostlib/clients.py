# SPDX-License-Identifier: GPL-2.0-only
"""Unmodified clients of KVM for a host, from Debian's packages.

qemu       QEMU, qemu-img, gdb, and the firmware that machines start with
libvirt    libvirtd and virsh

Packages are downloaded, never installed. Of what they hold, an image takes the
programs and data named below and the shared libraries that these need, and is
one more archive behind the host's root.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess

from . import cache, cpio, kernels

# Packages, then globs of files, in which a directory stands for all below it.
IMAGES = {
    "qemu": (
        ("qemu-system-x86", "qemu-utils", "seabios", "ipxe-qemu", "ovmf",
         "gdb-minimal"),
        ("usr/bin/qemu-system-x86_64", "usr/bin/qemu-img",
         "usr/bin/qemu-nbd", "usr/bin/gdb",
         "usr/lib/x86_64-linux-gnu/qemu/accel-tcg-*.so",
         "usr/share/qemu/*.bin", "usr/share/qemu/*.rom", "usr/share/qemu/keymaps/en-us",
         "usr/share/seabios", "usr/lib/ipxe/qemu/*e1000.rom",
         "usr/lib/ipxe/qemu/*virtio.rom", "usr/share/OVMF/OVMF_CODE.fd",
         "usr/share/OVMF/OVMF_VARS.fd", "usr/share/OVMF/OVMF_*_4M.fd")),
    "libvirt": (
        ("libvirt-daemon", "libvirt-clients", "libvirt-daemon-driver-qemu",
         "libvirt-daemon-config-network"),
        ("usr/sbin/libvirtd", "usr/sbin/virtlogd", "usr/bin/virsh",
         "usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so",
         "usr/share/libvirt")),
}
NAMES = tuple(IMAGES)
LIBRARY_DIRS = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")


def _apt(*args, cwd=None):
    env = dict(os.environ, LC_ALL="C", DEBIAN_FRONTEND="noninteractive")
    return subprocess.run(args, cwd=cwd, env=env, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _wanted(name):
    """What apt would install for an image: PACKAGE=VERSION each; remembered."""
    packages = IMAGES[name][0]
    stamp = [list(packages)] + [os.stat(path).st_mtime_ns for path in
                                ("/var/lib/apt/lists",) if os.path.exists(path)]
    memo = cache.root() / f"client-{name}.json"
    if memo.exists():
        old = json.loads(memo.read_text())
        if old["stamp"] == stamp:
            return old["wanted"]
    wanted = _resolve(packages)
    tmp = memo.with_suffix(f".{os.getpid()}")
    tmp.write_text(json.dumps({"stamp": stamp, "wanted": wanted}))
    tmp.rename(memo)
    return wanted


def _resolve(packages):
    """Packages with all they depend on."""
    done = _apt("apt-get", "-o", "Dir::State::status=/dev/null", "-o",
                "Debug::NoLocking=1", "-s", "-y", "--no-install-recommends",
                "install", *packages)
    found = re.findall(r"^Inst (\S+) \((\S+)", done.stdout, re.M)
    if done.returncode or not found:
        raise kernels.Missing(f"apt cannot tell what {packages[0]} needs:\n{done.stderr}")
    return sorted(f"{name}={version}" for name, version in found)


def _unpack(packages, into):
    """Download packages and unpack all of them into one root."""
    got = _apt("apt-get", "download", *packages, cwd=into)
    debs = sorted(into.glob("*.deb"))
    if got.returncode or len(debs) != len(packages):
        raise kernels.Missing(f"cannot fetch {' '.join(packages)}:\n{got.stderr}")
    root = into / "root"
    root.mkdir()
    for deb in debs:
        subprocess.run(["dpkg-deb", "-x", str(deb), str(root)], check=True)
        deb.unlink()
    return root


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
    globs = IMAGES[name][1]
    versions = _wanted(name)

    def fill(out):
        root = _unpack(versions, out)
        (out / "root.cpio").write_bytes(_collect(root, globs).bytes())
        shutil.rmtree(root)

    key = cache.digest(*versions, pathlib.Path(__file__), pathlib.Path(cpio.__file__))
    return (cache.entry(f"client-{name}", key, fill,
                        f"preparing {name} from Debian's packages") / "root.cpio").read_bytes()
