# SPDX-License-Identifier: GPL-2.0-only
"""Debian's kernels and headers, unpacked from their packages into the cache.

Nothing is installed: the image package is only read, and headers are used in
place when they are installed already. The kernel is taken out of its bzImage,
because an emulator needs ten seconds or more to undo the XZ compression.
"""
import bz2
import gzip
import json
import lzma
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys

from . import cache

SERIES = ("6.1", "6.12")
# Built here, out of the source of the first: see debugkernel.py.
DEBUG = "debug"
NAMES = (*SERIES, DEBUG)
SOURCE = "linux-source-6.1"
HOST_MODULES = ("irqbypass", "ccp", "kvm", "kvm-amd", "kvm-intel", "msr", "brd",
                "tun")
# What a guest needs for the launcher's devices, in the order of loading.
GUEST_MODULES = ("virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev",
                 "virtio_pci", "virtio_blk", "failover", "net_failover", "virtio_net",
                 "rng-core", "virtio-rng", "virtio_console")
# And to have its root on a disk.
ROOT_MODULES = ("crc32c_generic", "crc16", "mbcache", "jbd2", "ext4")
MODULES = HOST_MODULES + GUEST_MODULES + ROOT_MODULES


class Missing(Exception):
    """Something this machine must have is not there."""


def _apt(*args, cwd=None):
    env = dict(os.environ, LC_ALL="C", DEBIAN_FRONTEND="noninteractive")
    return subprocess.run(args, cwd=cwd, env=env, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _releases(series):
    """Kernel releases of a series that apt offers, oldest first."""
    pattern = rf"^linux-headers-{re.escape(series)}\.[0-9][^ ]*-amd64$"
    names = _apt("apt-cache", "pkgnames", f"linux-headers-{series}.").stdout
    found = []
    for name in names.split():
        if re.match(pattern, name) and not re.search(r"-(cloud|rt)-", name):
            release = name[len("linux-headers-"):]
            key = [int(n) for n in re.findall(r"\d+", release)]
            found.append((key, release))
    return [release for _, release in sorted(found)]


def _resolve(series):
    """The newest release of a series that has an image and headers."""
    for release in reversed(_releases(series)):
        for image in (f"linux-image-{release}",
                      f"linux-image-{release}-unsigned"):
            shown = _apt("apt-cache", "show", "--no-all-versions", image)
            if shown.returncode == 0 and "Filename:" in shown.stdout:
                version = re.search(r"^Version: (.*)$", shown.stdout, re.M)
                return {"release": release, "image": image,
                        "version": version.group(1)}
    return None


def _update_lists():
    cache.say("running: scripts/deps.sh --update (lists of Debian's packages)")
    script = pathlib.Path(__file__).parents[3] / "scripts" / "deps.sh"
    subprocess.run([str(script), "--update"], check=False, stdout=sys.stderr)


def release(series):
    """{release, image, version} of a series; asked anew when apt's lists change."""
    stamp = 0
    for path in ("/var/lib/apt/lists", "/var/lib/dpkg/status"):
        if os.path.exists(path):
            stamp = max(stamp, os.stat(path).st_mtime_ns)
    memo = cache.root() / f"release-{series}.json"
    old = {}
    if memo.exists():
        old = json.loads(memo.read_text())
        if old.get("stamp") == stamp:
            return old
    found = _resolve(series)
    if not found and not old:
        _update_lists()
        found = _resolve(series)
    if not found:
        if old:
            return old
        raise Missing(f"apt offers no kernel {series}: is bookworm-security "
                      "(or bookworm-backports) among its sources?")
    found["stamp"] = stamp
    tmp = memo.with_suffix(f".{os.getpid()}")
    tmp.write_text(json.dumps(found))
    tmp.rename(memo)
    return found


def _fetch(package, version, into):
    """Download one package and unpack it."""
    wanted = f"{package}={version}" if version else package
    cache.say(f"fetching Debian package {wanted}")
    got = _apt("apt-get", "download", wanted, cwd=into)
    if got.returncode:
        _update_lists()
        got = _apt("apt-get", "download", wanted, cwd=into)
    debs = list(pathlib.Path(into).glob("*.deb"))
    if got.returncode or not debs:
        raise Missing(f"cannot fetch {wanted}:\n{got.stderr}")
    subprocess.run(["dpkg-deb", "-x", str(debs[0]), str(into)], check=True)
    debs[0].unlink()


def _decompress(data):
    for magic, undo in ((b"\xfd7zXZ", _unxz), (b"\x1f\x8b", gzip.decompress),
                        (b"BZh", bz2.decompress), (b"\x28\xb5\x2f\xfd", _unzstd)):
        if data.startswith(magic):
            return undo(data)
    raise Missing("the kernel is compressed in a way this script cannot undo")


def _unxz(data):
    # The payload has its unpacked size behind it, which a plain call refuses.
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ).decompress(data)


def _unzstd(data):
    done = subprocess.run(["zstd", "-dcq"], input=data, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout


def unpack_bzimage(data):
    """The ELF kernel inside a bzImage (offsets: Linux boot protocol 2.08)."""
    setup_sects = data[0x1f1] or 4
    offset, length = struct.unpack_from("<II", data, 0x248)
    start = (setup_sects + 1) * 512 + offset
    elf = _decompress(data[start:start + length])
    if elf[:4] != b"\x7fELF":
        raise Missing("no ELF kernel in the bzImage")
    return elf


def image(series):
    """Cached directory with vmlinuz, vmlinux, config and modules/*.ko."""
    if series == DEBUG:
        from . import debugkernel
        return debugkernel.image()
    rel = release(series)

    def fill(out):
        _fetch(rel["image"], rel["version"], out)
        name = rel["release"]
        boot = out / "boot"
        os.rename(boot / f"vmlinuz-{name}", out / "vmlinuz")
        os.rename(boot / f"config-{name}", out / "config")
        os.rename(boot / f"System.map-{name}", out / "System.map")
        (out / "vmlinux").write_bytes(
            unpack_bzimage((out / "vmlinuz").read_bytes()))
        (out / "modules").mkdir()
        for top in ("lib", "usr/lib"):
            for ko in (out / top).rglob("*.ko*"):
                stem = ko.name.split(".ko")[0]
                if stem in MODULES:
                    _plain_module(ko, out / "modules" / (stem + ".ko"))
        (out / "release").write_text(name)
        for top in ("boot", "lib", "usr"):
            subprocess.run(["rm", "-rf", str(out / top)], check=True)

    key = cache.digest(rel["release"], rel["version"],
                       pathlib.Path(__file__))
    return cache.entry(f"kernel-{series}", key, fill,
                       f"preparing Debian kernel {rel['release']}")


def _plain_module(src, dst):
    data = src.read_bytes()
    if src.suffix == ".xz":
        data = lzma.decompress(data)
    dst.write_bytes(data)


def kdir(series):
    """Headers to build against: installed ones, else unpacked in the cache."""
    if series == DEBUG:
        from . import debugkernel
        return debugkernel.kdir()
    rel = release(series)
    name = rel["release"]
    installed = pathlib.Path("/usr/src") / f"linux-headers-{name}"
    if (installed / "Module.symvers").exists() and _version_of(name) in (
            None, rel["version"]):
        return installed

    def fill(out):
        common = name.replace("-amd64", "-common")
        shown = _apt("apt-cache", "show", "--no-all-versions",
                     f"linux-headers-{name}").stdout
        kbuild = re.search(r"linux-kbuild-[^ ,]+", shown).group(0)
        _fetch(f"linux-headers-{name}", rel["version"], out)
        _fetch(common and f"linux-headers-{common}", rel["version"], out)
        _fetch(kbuild, None, out)
        src = out / "usr" / "src"
        makefile = src / f"linux-headers-{name}" / "Makefile"
        text = makefile.read_text()
        final = cache.root() / out.name[1:].rsplit(".", 1)[0]
        makefile.write_text(text.replace("/usr/src/", f"{final}/usr/src/"))

    key = cache.digest(name, rel["version"], str(cache.root()),
                       pathlib.Path(__file__))
    top = cache.entry(f"headers-{series}", key, fill,
                      f"preparing headers of Debian kernel {name}")
    return top / "usr" / "src" / f"linux-headers-{name}"


def source_version():
    """Version of the package with the kernel's source that apt would install."""
    shown = _apt("apt-cache", "policy", SOURCE).stdout
    found = re.search(r"Candidate: (\S+)", shown)
    if not found or found.group(1) == "(none)":
        raise Missing(f"apt has no package {SOURCE}")
    return found.group(1)


def unpack_source(into, *patterns, but=()):
    """Fetch the kernel's source: the files that match, all of them by default."""
    into = pathlib.Path(into)
    package = into / "package"
    package.mkdir()
    _fetch(SOURCE, None, package)
    archive = next(package.rglob("linux-source-*.tar.xz"))
    subprocess.run(["tar", "-xJf", str(archive), "-C", str(into), "--strip-components=1",
                    "--wildcards", *(f"--exclude={SOURCE}/{part}" for part in but),
                    *(f"{SOURCE}/{part}" for part in patterns)], check=True)
    shutil.rmtree(package)


def source_scripts():
    """Directory with checkpatch.pl, which only the source package has."""
    rel = release("6.1")
    files = ("checkpatch.pl", "spelling.txt", "const_structs.checkpatch",
             "kernel-doc")

    def fill(out):
        unpack_source(out, *(f"scripts/{name}" for name in files))
        for name in files:
            os.rename(out / "scripts" / name, out / name)
        os.rmdir(out / "scripts")

    key = cache.digest("scripts", rel["version"], *files)
    return cache.entry("checkpatch", key, fill, "preparing checkpatch.pl")


def _version_of(name):
    shown = _apt("dpkg-query", "-W", "-f", "${Version}", f"linux-headers-{name}")
    return shown.stdout.strip() if shown.returncode == 0 else None
